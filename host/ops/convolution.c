/* convolution.c - choosing and recording the kernels of a convolution.
 *
 * Four ways, by structure alone:
 *   FAST       cl/conv2d.cl       groups = 1, kernels up to 7×7
 *   DEPTHWISE  cl/depthwise.cl    one filter per channel
 *   PLAIN      cl/conv2d_plain.cl whatever is left: other groups, huge kernels or dilations, devices other than CPUs
 *   PRODUCT    CLBlast            1×1 with stride 1, when the call asks for it; reads are materialised and passes follow
 *
 * What a kernel sums up in parts (statistics, reductions, weight gradients) is cut here, by shapes alone, so that results
 * are the same on every device; how many output channels one work-item takes follows the device, for that changes no sum.
 *
 * FLAT.  A 1×1 convolution with stride 1 does not care where a row ends, and with no padded lanes not where a strip ends: the
 * h·w·n/16 strips of a channel are laid out as rows of about 64 pixels with one strip each.  Reads are then contiguous.
 *
 * Constants that name a .cl file must equal the defines there. */
#include "convolution.h"
#include "arguments.h"

#include <stdio.h>
#include <string.h>

bool nas__convolution_plain;

enum {
    KT = 4,            /* conv2d.cl: output channels of a register tile */
    CHANNELS = 32,     /* conv2d.cl: output channels of a work-item at most */
    PB = 8, ROWS = 8,  /* conv2d.cl: output pixels of a work-item */
    PIXELS = 32,       /* conv2d.cl: pixels of a chunk in the weight gradient */
    WINDOW_MOST = 512, /* conv2d.cl: registers that the packed rows of one channel may take */
    GROUP = 2,         /* depthwise.cl: strips of a work-item */
    DEPTHWISE_MOST = 4096, /* depthwise.cl: strips' worth of a packed window, 256 KB */
    PARTS_MOST = 256,  /* of statistics and reductions per channel, where rows are whole */
    FLAT_ROW = 64,
};

typedef enum way { FAST, DEPTHWISE, PLAIN, PRODUCT } way;

/* A convolution as the kernels get it. */
typedef struct plan {
    nas__convolution c; /* shapes laid flat where that is possible */
    way way;
    int n, real, strips;
    char defines[96];
} plan;

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

static bool is_product(const nas__convolution *c)
{
    return c->kernel_h == 1 && c->kernel_w == 1 && c->stride == 1 && c->pad_h == 0 &&
           c->pad_w == 0 && c->groups == 1;
}

/* depthwise.cl: BLOCK_H and BLOCK_W, output pixels that are packed at once. */
static int depthwise_block_h(const nas__convolution *c)
{
    return c->stride == 1 ? 8 : 4;
}

static int depthwise_block_w(const nas__convolution *c)
{
    return c->stride == 1 ? 32 : 16;
}

/* The packing kernels keep up to 300 KB of private memory per work-item.  On a CPU that is its cache; a GPU would spill it, and
 * llvmpipe, which calls itself a CPU too, silently leaves loops after 65,535 rounds per work-item (LP_MAX_TGSI_LOOP_ITERATIONS), so it
 * needs work-items as small as the plain kernels'. */
static bool private_is_cache(const nas_device *device)
{
    const nas_device_info *info = nas_device_describe(device);
    return info->type == NAS_DEVICE_CPU && !strstr(info->platform_name, "rusticl");
}

static way choose_way(const nas__convolution *c, const nas_op_call *call)
{
    if (call->use_clblast && is_product(c))
        return PRODUCT;
    if (nas__convolution_plain || !private_is_cache(call->device) || c->kernel_h * c->kernel_w > 49 || c->kernel_w > 7)
        return PLAIN;
    int span_h = (c->kernel_h - 1) * c->dilation, span_w = (c->kernel_w - 1) * c->dilation;
    if (c->groups == 1)
        return (span_h + 1) * ((PB - 1) * c->stride + span_w + 1) <= WINDOW_MOST ? FAST : PLAIN;
    bool each = c->groups == c->in.c && c->groups == c->out.c;
    int window = ((depthwise_block_h(c) - 1) * c->stride + span_h + 1) *
                 ((depthwise_block_w(c) - 1) * c->stride + span_w + 1);
    return each && window * GROUP <= DEPTHWISE_MOST ? DEPTHWISE : PLAIN;
}

/* The divisor of `strips` that is nearest to FLAT_ROW as a ratio. */
static int flat_row(int strips)
{
    int best = strips;
    for (int i = 1; i <= strips; i++) {
        if (strips % i != 0)
            continue;
        double to_i = i > FLAT_ROW ? (double)i / FLAT_ROW : (double)FLAT_ROW / i;
        double to_best = best > FLAT_ROW ? (double)best / FLAT_ROW : (double)FLAT_ROW / best;
        if (to_i < to_best)
            best = i;
    }
    return best;
}

static plan make_plan(const nas__convolution *convolution, const nas_op_call *call)
{
    plan p = {.c = *convolution, .n = call->n, .real = call->real};
    p.way = choose_way(&p.c, call);
    if (p.way == FAST && is_product(&p.c) && call->n == call->real) {
        int strips = p.c.in.h * p.c.in.w * (call->n / 16);
        p.c.in.w = p.c.out.w = flat_row(strips);
        p.c.in.h = p.c.out.h = strips / p.c.in.w;
        p.n = p.real = 16;
    }
    p.strips = p.n / 16;
    return p;
}

/* Pixels of a tensor of one channel cut into parts, for statistics of z or for reductions of the input's gradient. */
typedef struct pixel_parts {
    int rows, across, blocks; /* of a part; parts in a row; parts of one strip */
} pixel_parts;

static pixel_parts make_parts(const plan *p, bool of_input)
{
    nas_shape shape = of_input ? p->c.in : p->c.out;
    int stride = of_input ? p->c.stride : 1;
    pixel_parts parts = {.across = 1};
    if (p->way == FAST) {
        enum { PARTS_LEAST = 16 };
        parts.across = divide_up(shape.w, PB * stride);
        parts.rows = divide_up(shape.h, divide_up(shape.h, ROWS));
        while (parts.rows > 1 && divide_up(shape.h, parts.rows) * parts.across * p->strips < PARTS_LEAST)
            parts.rows = divide_up(parts.rows, 2);
    } else {
        parts.rows = divide_up(shape.h * p->strips, PARTS_MOST);
        int block = depthwise_block_h(&p->c) * stride;
        parts.rows = divide_up(parts.rows, block) * block;
    }
    parts.blocks = divide_up(shape.h, parts.rows) * parts.across;
    return parts;
}

/* ---- the weight gradient's partition -------------------------------------------------------------- */

typedef struct weight_parts {
    int block_k, block_c;  /* conv2d.cl: KB and CB_WEIGHT */
    int chunk_h, chunk_w;  /* pixels of a chunk */
    int per_part, parts;   /* chunks */
    uint64_t count;        /* weights */
} weight_parts;

static void cut_chunks(weight_parts *w, int chunks, int blocks)
{
    enum { CHUNKS = 8, PARTS_WEIGHT_MOST = 64, ITEMS = 16 };
    int parts = divide_up(chunks, CHUNKS);
    if (parts * blocks < ITEMS)
        parts = least(chunks, divide_up(ITEMS, blocks));
    parts = least(parts, PARTS_WEIGHT_MOST);
    w->per_part = divide_up(chunks, parts);
    w->parts = divide_up(chunks, w->per_part);
}

static weight_parts make_weight_parts(const plan *p)
{
    const nas__convolution *c = &p->c;
    int taps = c->kernel_h * c->kernel_w;
    weight_parts w = {.count = (uint64_t)c->out.c * (uint64_t)(c->in.c / c->groups) * (uint64_t)taps};
    if (p->way == DEPTHWISE) {
        w.chunk_h = depthwise_block_h(c);
        w.chunk_w = depthwise_block_w(c);
        int blocks = divide_up(c->out.h, w.chunk_h) * divide_up(c->out.w, w.chunk_w) *
                     divide_up(p->strips, GROUP);
        cut_chunks(&w, blocks, c->out.c);
        return w;
    }
    w.block_k = taps == 1 ? 32 : taps <= 25 ? 16 : 8;
    w.block_c = taps == 1 ? 32 : taps <= 9 ? 16 : 8;
    w.chunk_w = divide_up(c->out.w, divide_up(c->out.w, PIXELS));
    int span = (c->kernel_w - 1) * c->dilation + 1;
    int ring = (c->kernel_h - 1) * c->dilation + 1;
    int columns = (w.chunk_w - 1) * c->stride + span, cells = ring * ((PIXELS - 1) * c->stride + span);
    w.chunk_h = PIXELS / w.chunk_w;
    while (w.chunk_h > 1 && ((w.chunk_h - 1) * c->stride + ring) * columns > cells)
        w.chunk_h--;
    w.chunk_h = most(1, divide_up(c->out.h, divide_up(c->out.h, w.chunk_h)));
    int chunks = divide_up(c->out.h, w.chunk_h) * divide_up(c->out.w, w.chunk_w) * p->strips;
    cut_chunks(&w, chunks, divide_up(c->out.c, w.block_k) * divide_up(c->in.c, w.block_c));
    return w;
}

/* ---- sizes ------------------------------------------------------------------------------------------- */

static uint64_t round_up_16(uint64_t count)
{
    return (count + 15) / 16 * 16;
}

/* Floats of weights ordered for a pass with these output and input channels. */
static uint64_t packed_count(const plan *p, int outputs, int inputs)
{
    return round_up_16((uint64_t)divide_up(outputs, KT) * KT * (uint64_t)inputs *
                       (uint64_t)(p->c.kernel_h * p->c.kernel_w));
}

static uint64_t in_count(const nas__convolution *c, int n)
{
    return nas_shape_count(c->in) * (uint64_t)n;
}

static uint64_t out_count(const nas__convolution *c, int n)
{
    return nas_shape_count(c->out) * (uint64_t)n;
}

void nas__convolution_sizes(const nas__convolution *convolution, const nas_op_call *call,
                            nas_op_sizes *sizes)
{
    plan p = make_plan(convolution, call);
    *sizes = (nas_op_sizes){.scratch = 0};
    if (p.way == PRODUCT || p.way == PLAIN) {
        sizes->statistics_parts = nas_pass_parts(p.c.out, call->n);
        sizes->reduction_parts[0] = nas_pass_parts(call->in_shape[0], call->n);
        if (p.way == PRODUCT)
            sizes->scratch = 2 * in_count(&p.c, call->n) + out_count(&p.c, call->n);
        return;
    }
    sizes->statistics_parts = make_parts(&p, false).blocks * p.strips;
    sizes->reduction_parts[0] = make_parts(&p, true).blocks * p.strips * p.c.plane;
    weight_parts w = make_weight_parts(&p);
    uint64_t forward = 0, backward = w.count * (uint64_t)w.parts;
    if (p.way == FAST) {
        forward = packed_count(&p, p.c.out.c, p.c.in.c);
        backward += packed_count(&p, p.c.in.c, p.c.out.c);
    }
    sizes->scratch = round_up_16(forward > backward ? forward : backward);
}

/* ---- launching ----------------------------------------------------------------------------------------- */

static void push_axes(nas__arguments *a, const plan *p)
{
    const nas__convolution *c = &p->c;
    nas__push_int(a, c->in.c);
    nas__push_int(a, c->in.h);
    nas__push_int(a, c->in.w);
    if (p->way != DEPTHWISE)
        nas__push_int(a, c->out.c);
    nas__push_int(a, c->out.h);
    nas__push_int(a, c->out.w);
    nas__push_int(a, p->n);
    nas__push_int(a, p->real);
    nas__push_int(a, c->pad_h);
    nas__push_int(a, c->pad_w);
    if (p->way != DEPTHWISE)
        nas__push_int(a, c->plane);
    if (p->way == PLAIN) {
        nas__push_int(a, c->kernel_h);
        nas__push_int(a, c->kernel_w);
        nas__push_int(a, c->stride);
        nas__push_int(a, c->dilation);
        nas__push_int(a, c->groups);
    }
}

static const char *source_of(const plan *p)
{
    return p->way == FAST ? "conv2d" : "depthwise";
}

/* The structure as defines; activations that need exp or erf make a program of their own. */
static void set_defines(plan *p, nas_activation activation)
{
    const char *curved = nas__is_curved(activation) ? " -DCURVED=1" : "";
    if (p->way == PLAIN)
        snprintf(p->defines, sizeof p->defines, "%s", curved);
    else
        snprintf(p->defines, sizeof p->defines, "-DKH=%d -DKW=%d -DS=%d -DD=%d%s", p->c.kernel_h,
                 p->c.kernel_w, p->c.stride, p->c.dilation, curved);
}

static nas_status launch(nas_tape *tape, const char *source, const char *kernel, const char *defines,
                         int x, int y, int z, const nas__arguments *a)
{
    nas_launch l = {.source = source,
                    .kernel = kernel,
                    .defines = defines && defines[0] ? defines : NULL,
                    .global = {(size_t)x, (size_t)y, (size_t)z},
                    .local = {1, 1, 1},
                    .arguments = a->item,
                    .argument_count = a->count};
    return nas_tape_add(tape, &l);
}

static nas_status add_packing(nas_tape *tape, const plan *p, nas_tensor weight, nas_tensor packed,
                              bool transposed)
{
    enum { RUN = 64 };
    int outputs = transposed ? p->c.in.c : p->c.out.c, inputs = transposed ? p->c.out.c : p->c.in.c;
    nas__arguments a = {.count = 0};
    nas__push_tensor(&a, weight);
    nas__push_tensor(&a, packed);
    nas__push_int(&a, outputs);
    nas__push_int(&a, inputs);
    nas__push_int(&a, p->c.kernel_h);
    nas__push_int(&a, p->c.kernel_w);
    nas__push_int(&a, KT);
    nas__push_int(&a, transposed);
    nas__push_int(&a, RUN);
    return launch(tape, "conv2d_parts", "pack_weights", NULL, divide_up(inputs, RUN),
                  divide_up(outputs, KT), 1, &a);
}

/* Channel tiles per work-item: as many as fit, but enough work-items for the device. */
static int tiles_per_item(const nas_op_call *call, int channels, int parts)
{
    enum { ITEMS_PER_UNIT = 4 };
    int tiles = divide_up(channels, KT);
    int wanted = ITEMS_PER_UNIT * (int)nas_device_describe(call->device)->compute_units;
    int split = most(divide_up(tiles, CHANNELS / KT), least(tiles, divide_up(wanted, parts)));
    return divide_up(tiles, split);
}

/* ---- our kernels: forward ------------------------------------------------------------------------------- */

static nas_status forward_kernels(plan *p, const nas_op_call *call, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    bool fast = p->way == FAST;
    pixel_parts parts = make_parts(p, false);
    int tiles = tiles_per_item(call, c->out.c, parts.blocks * p->strips);
    nas_tensor weight = call->parameters[0];
    if (p->way == FAST) {
        weight = nas_tensor_view(call->scratch, 0, packed_count(p, c->out.c, c->in.c));
        NAS_TRY(add_packing(tape, p, call->parameters[0], weight, false));
    }
    set_defines(p, call->in[0].activation);
    nas__arguments a = {.count = 0};
    nas__push_stream_read(&a, &call->in[0]);
    nas__push_tensor(&a, weight);
    nas__push_tensor(&a, c->bias ? call->parameters[1] : (nas_tensor){.buffer = NULL});
    nas__push_tensor(&a, call->out);
    nas__push_tensor(&a, call->statistics);
    push_axes(&a, p);
    nas__push_int(&a, parts.rows);
    if (fast)
        nas__push_int(&a, tiles);
    nas__push_int(&a, call->statistics.buffer ? parts.blocks * p->strips : 0);
    nas__push_int(&a, c->bias);
    int third = fast ? divide_up(divide_up(c->out.c, KT), tiles) : c->out.c;
    return launch(tape, source_of(p), fast ? "conv2d_forward" : "depthwise_forward", p->defines, parts.blocks,
                  p->way == DEPTHWISE ? divide_up(p->strips, GROUP) : p->strips, third, &a);
}

/* ---- our kernels: backward --------------------------------------------------------------------------------- */

static nas_status input_kernels(plan *p, const nas_op_call *call, nas_tensor packed, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    bool fast = p->way == FAST;
    pixel_parts parts = make_parts(p, true);
    int tiles = tiles_per_item(call, c->in.c, parts.blocks * p->strips);
    nas_tensor weight = call->parameters[0];
    if (p->way == FAST) {
        weight = packed;
        NAS_TRY(add_packing(tape, p, call->parameters[0], packed, true));
    }
    nas__arguments a = {.count = 0};
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, weight);
    nas__push_stream_into(&a, &call->into[0]);
    push_axes(&a, p);
    nas__push_int(&a, parts.rows);
    if (p->way == FAST)
        nas__push_int(&a, tiles);
    nas__push_int(&a, parts.blocks * p->strips * c->plane);
    int third = fast ? divide_up(divide_up(c->in.c, KT), tiles) : c->in.c;
    return launch(tape, source_of(p), fast ? "conv2d_backward_input" : "depthwise_backward_input", p->defines, parts.blocks,
                  p->way == DEPTHWISE ? divide_up(p->strips, GROUP) : p->strips, third, &a);
}

static nas_status add_sum(nas_tape *tape, nas_tensor sums, nas_tensor to, uint64_t count, int parts)
{
    enum { RUN = 256 };
    nas__arguments a = {.count = 0};
    nas__push_tensor(&a, sums);
    nas__push_tensor(&a, to);
    nas__push_int(&a, (int)count);
    nas__push_int(&a, parts);
    nas__push_int(&a, RUN);
    return launch(tape, "conv2d_parts", "sum_parts", NULL, divide_up((int)count, RUN), 1, 1, &a);
}

static nas_status weight_kernels(plan *p, const nas_op_call *call, nas_tensor sums, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    weight_parts w = make_weight_parts(p);
    nas__arguments a = {.count = 0};
    nas__push_stream_read(&a, &call->in[0]);
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, sums);
    push_axes(&a, p);
    nas__push_int(&a, p->way == FAST ? p->strips : divide_up(p->strips, GROUP));
    if (p->way == FAST) {
        nas__push_int(&a, w.chunk_h);
        nas__push_int(&a, w.chunk_w);
        nas__push_int(&a, w.per_part);
        NAS_TRY(launch(tape, source_of(p), "conv2d_backward_weight", p->defines, w.parts,
                       divide_up(c->in.c, w.block_c), divide_up(c->out.c, w.block_k), &a));
    } else {
        nas__push_int(&a, w.per_part);
        NAS_TRY(launch(tape, source_of(p), "depthwise_backward_weight", p->defines, w.parts, c->out.c,
                       1, &a));
    }
    return add_sum(tape, sums, call->parameter_gradients[0], w.count, w.parts);
}

static nas_status add_bias_gradient(const nas__convolution *c, const nas_op_call *call, nas_tape *tape)
{
    nas__arguments a = {.count = 0};
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, call->parameter_gradients[1]);
    nas__push_int(&a, c->out.c);
    nas__push_int(&a, c->out.h * c->out.w * (call->n / 16));
    nas__push_int(&a, call->n);
    nas__push_int(&a, call->real);
    return launch(tape, "conv2d_parts", "bias_gradient", NULL, c->out.c, 1, 1, &a);
}

static nas_status backward_kernels(plan *p, const nas_op_call *call, nas_tape *tape)
{
    uint64_t packed = p->way == FAST ? packed_count(p, p->c.in.c, p->c.out.c) : 0;
    set_defines(p, call->in[0].activation);
    if (call->into[0].g.buffer)
        NAS_TRY(input_kernels(p, call, nas_tensor_view(call->scratch, 0, packed), tape));
    if (call->parameter_gradients[0].buffer) {
        nas_tensor sums = nas_tensor_view(call->scratch, packed, call->scratch.count - packed);
        NAS_TRY(weight_kernels(p, call, sums, tape));
    }
    return NAS_OK;
}

/* ---- the plain kernels: any structure, any device; passes give statistics and reductions --------------------- */

/* Work-items side by side in a group: enough for a GPU, one on a CPU, where a group is a loop. */
static size_t plain_local(const nas_op_call *call, size_t global)
{
    enum { SIDE_BY_SIDE = 64 };
    if (private_is_cache(call->device))
        return 1;
    size_t local = 1;
    while (local < SIDE_BY_SIDE && global % (2 * local) == 0)
        local *= 2;
    return local;
}

static nas_status launch_plain(nas_tape *tape, const plan *p, const nas_op_call *call, const char *kernel,
                               const nas_shape *shape, const nas__arguments *a)
{
    size_t across = (size_t)(call->n / nas_device_lanes(call->device));
    nas_launch l = {.source = "conv2d_plain",
                    .kernel = kernel,
                    .defines = p->defines[0] ? p->defines : NULL,
                    .global = {across, (size_t)(shape->h * shape->w), (size_t)shape->c},
                    .local = {plain_local(call, across), 1, 1},
                    .arguments = a->item,
                    .argument_count = a->count};
    return nas_tape_add(tape, &l);
}

static nas_status forward_plain(plan *p, const nas_op_call *call, nas_tape *tape)
{
    nas__arguments a = {.count = 0};
    set_defines(p, call->in[0].activation);
    nas__push_stream_read(&a, &call->in[0]);
    nas__push_tensor(&a, call->parameters[0]);
    nas__push_tensor(&a, p->c.bias ? call->parameters[1] : (nas_tensor){.buffer = NULL});
    nas__push_tensor(&a, call->out);
    push_axes(&a, p);
    nas__push_int(&a, p->c.bias);
    NAS_TRY(launch_plain(tape, p, call, "plain_forward", &p->c.out, &a));
    if (!call->statistics.buffer)
        return NAS_OK;
    return nas_pass_statistics(tape, call->out, p->c.out, call->n, call->real, call->statistics);
}

static nas_status input_plain(const plan *p, const nas_op_call *call, nas_tape *tape)
{
    nas_into into = call->into[0];
    into.reductions.buffer = NULL;
    nas__arguments a = {.count = 0};
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, call->parameters[0]);
    nas__push_stream_into(&a, &into);
    push_axes(&a, p);
    NAS_TRY(launch_plain(tape, p, call, "plain_backward_input", &p->c.in, &a));
    if (!call->into[0].reductions.buffer)
        return NAS_OK;
    return nas_pass_reduce(tape, into.g, into.read.x, into.mean, call->in_shape[0], call->n, call->real,
                           call->into[0].reductions);
}

static nas_status backward_plain(plan *p, const nas_op_call *call, nas_tape *tape)
{
    set_defines(p, call->in[0].activation);
    if (call->into[0].g.buffer)
        NAS_TRY(input_plain(p, call, tape));
    if (!call->parameter_gradients[0].buffer)
        return NAS_OK;
    nas__arguments a = {.count = 0};
    nas__push_stream_read(&a, &call->in[0]);
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, call->parameter_gradients[0]);
    push_axes(&a, p);
    int weights = p->c.out.c * (p->c.in.c / p->c.groups) * p->c.kernel_h * p->c.kernel_w;
    return launch(tape, "conv2d_plain", "plain_backward_weight", p->defines, weights, 1, 1, &a);
}

/* ---- CLBlast: z = W·a, da = Wᵀ·dz, dW = dz·aᵀ with C × (h·w·n) and K × (h·w·n) matrices ---------------------- */

static nas_gemm product(int m, int n, int k)
{
    return (nas_gemm){.m = m, .n = n, .k = k, .alpha = 1.0f, .a_stride = k, .b_stride = n, .c_stride = n};
}

/* The read as a plain tensor: itself, or materialised to `space`. */
static nas_status plain_input(const nas_op_call *call, nas_tensor space, nas_tape *tape, nas_tensor *x)
{
    *x = call->in[0].x;
    if (nas_read_mode(&call->in[0]) == 0)
        return NAS_OK;
    *x = space;
    return nas_pass_materialise(tape, &call->in[0], call->in_shape[0], call->n, space);
}

static nas_status forward_product(const plan *p, const nas_op_call *call, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    int columns = c->in.h * c->in.w * call->n;
    nas_tensor x;
    NAS_TRY(plain_input(call, nas_tensor_view(call->scratch, 0, in_count(c, call->n)), tape, &x));
    nas_gemm gemm = product(c->out.c, columns, c->in.c);
    gemm.a = call->parameters[0].buffer, gemm.a_at = call->parameters[0].at;
    gemm.b = x.buffer, gemm.b_at = x.at;
    gemm.c = call->out.buffer, gemm.c_at = call->out.at;
    if (c->bias) {
        nas__arguments a = {.count = 0};
        nas__push_tensor(&a, call->parameters[1]);
        nas__push_tensor(&a, call->out);
        nas__push_int(&a, c->out.w * call->n);
        NAS_TRY(launch(tape, "conv2d_parts", "fill_bias", NULL, c->out.h, c->out.c, 1, &a));
        gemm.beta = 1.0f;
    }
    NAS_TRY(nas_tape_add_gemm(tape, &gemm));
    if (!call->statistics.buffer)
        return NAS_OK;
    return nas_pass_statistics(tape, call->out, c->out, call->n, call->real, call->statistics);
}

static nas_status input_product(const plan *p, const nas_op_call *call, nas_tensor dz, nas_tensor v,
                                nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    const nas_into *into = &call->into[0];
    bool direct = nas_into_mode(into) == 0;
    if (direct)
        v = into->g;
    nas_gemm gemm = product(c->in.c, c->in.h * c->in.w * call->n, c->out.c);
    gemm.transpose_a = true;
    gemm.a_stride = c->in.c;
    gemm.beta = direct && into->accumulate ? 1.0f : 0.0f;
    gemm.a = call->parameters[0].buffer, gemm.a_at = call->parameters[0].at;
    gemm.b = dz.buffer, gemm.b_at = dz.at;
    gemm.c = v.buffer, gemm.c_at = v.at;
    NAS_TRY(nas_tape_add_gemm(tape, &gemm));
    return direct ? NAS_OK : nas_pass_into(tape, v, into, call->in_shape[0], call->n, call->real);
}

static nas_status backward_product(const plan *p, const nas_op_call *call, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    uint64_t ins = in_count(c, call->n), outs = out_count(c, call->n);
    nas_tensor dz = call->out_gradient.g, x;
    if (call->out_gradient.coefficients.buffer) {
        dz = nas_tensor_view(call->scratch, 2 * ins, outs);
        NAS_TRY(nas_pass_form(tape, &call->out_gradient, c->out, call->n, call->real, dz));
    }
    if (call->parameter_gradients[0].buffer) {
        NAS_TRY(plain_input(call, nas_tensor_view(call->scratch, 0, ins), tape, &x));
        nas_gemm gemm = product(c->out.c, c->in.c, c->in.h * c->in.w * call->n);
        gemm.transpose_b = true;
        gemm.b_stride = gemm.k;
        gemm.a = dz.buffer, gemm.a_at = dz.at;
        gemm.b = x.buffer, gemm.b_at = x.at;
        gemm.c = call->parameter_gradients[0].buffer, gemm.c_at = call->parameter_gradients[0].at;
        NAS_TRY(nas_tape_add_gemm(tape, &gemm));
    }
    if (call->into[0].g.buffer)
        NAS_TRY(input_product(p, call, dz, nas_tensor_view(call->scratch, ins, ins), tape));
    return NAS_OK;
}

/* ---- what conv2d and dense call ------------------------------------------------------------------------------- */

nas_status nas__convolution_forward(const nas__convolution *convolution, const nas_op_call *call,
                                    nas_tape *tape)
{
    plan p = make_plan(convolution, call);
    return p.way == PRODUCT ? forward_product(&p, call, tape)
           : p.way == PLAIN ? forward_plain(&p, call, tape)
                            : forward_kernels(&p, call, tape);
}

nas_status nas__convolution_backward(const nas__convolution *convolution, const nas_op_call *call,
                                     nas_tape *tape)
{
    plan p = make_plan(convolution, call);
    if (convolution->bias && call->parameter_gradients[1].buffer)
        NAS_TRY(add_bias_gradient(convolution, call, tape));
    return p.way == PRODUCT ? backward_product(&p, call, tape)
           : p.way == PLAIN ? backward_plain(&p, call, tape)
                            : backward_kernels(&p, call, tape);
}
