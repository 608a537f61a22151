/* convolution_plan.c - cutting a convolution into parts and blocks.
 *
 * Everything here follows from shapes and options (and from whether the device's private memory is a cache), so sums are
 * cut alike at every run.  convolution.c tells the whole story. */
#include "convolution_plan.h"

#include <stdio.h>
#include <string.h>

bool nas__convolution_plain;

bool nas__convolution_is_product(const nas__convolution *c)
{
    return c->kernel_h == 1 && c->kernel_w == 1 && c->stride == 1 && c->pad_h == 0 &&
           c->pad_w == 0 && c->groups == 1;
}

/* depthwise.cl: TILE, the pixels in registers, 7 where that leaves fewer beyond the end of a row (7, 14, 28 …), else 8. */
static int depthwise_tile(const nas__convolution *c)
{
    bool sevens = divide_up(c->out.w, 7) * 7 < divide_up(c->out.w, 8) * 8;
    return c->stride == 1 && sevens ? 7 : 8; /* strided, BLOCK_W must stay a multiple of 4 and 8 */
}

/* depthwise.cl: BLOCK_W, output pixels of a row that are packed at once. */
int nas__depthwise_block_w(const nas__convolution *c)
{
    return (c->stride == 1 ? 4 : 2) * depthwise_tile(c);
}

/* depthwise.cl: pixels of one strip in a ring of packed rows. */
int nas__depthwise_ring(const nas__convolution *c)
{
    return ((c->kernel_h - 1) * c->dilation + 1) *
           ((nas__depthwise_block_w(c) - 1) * c->stride + (c->kernel_w - 1) * c->dilation + 1);
}

/* depthwise.cl: strips side by side, so that memory is read in long stretches, but no more than keep the ring in the nearest
 * cache (about 30 KB). */
static int depthwise_group(const nas__convolution *c)
{
    int ring = nas__depthwise_ring(c);
    return ring <= 120 ? 4 : ring <= 240 ? 2 : 1;
}

/* The way of our packing kernels, PLAIN where they cannot. */
static way packing_way(const nas__convolution *c)
{
    if (c->kernel_h * c->kernel_w > 49 || c->kernel_w > 7)
        return PLAIN;
    int span_h = (c->kernel_h - 1) * c->dilation, span_w = (c->kernel_w - 1) * c->dilation;
    if (c->groups == 1)
        return (span_h + 1) * ((PB - 1) * c->stride + span_w + 1) <= WINDOW_MOST ? FAST : PLAIN;
    bool each = c->groups == c->in.c && c->groups == c->out.c;
    return each && nas__depthwise_ring(c) <= DEPTHWISE_MOST ? DEPTHWISE : PLAIN;
}

way nas__convolution_way(const nas__convolution *c, const nas_op_call *call)
{
    if (call->use_clblast && nas__convolution_is_product(c))
        return PRODUCT;
    if (nas__convolution_plain || !nas_device_describe(call->device)->on_host)
        return PLAIN;
    return packing_way(c);
}

way nas__convolution_way_as(const nas__convolution *c, const nas_op_call *call, way wanted,
                            way fallback)
{
    if (nas__convolution_plain || call->use_clblast)
        return fallback;
    if (wanted == PRODUCT)
        return nas__convolution_is_product(c) ? PRODUCT : fallback;
    return wanted == PLAIN || wanted == packing_way(c) ? wanted : fallback;
}

/* The divisor of `strips` that is nearest to `row` as a ratio. */
static int flat_row(int strips, int row)
{
    int best = strips;
    for (int i = 1; i <= strips; i++) {
        if (strips % i != 0)
            continue;
        double to_i = i > row ? (double)i / row : (double)row / i;
        double to_best = best > row ? (double)best / row : (double)row / best;
        if (to_i < to_best)
            best = i;
    }
    return best;
}

void nas__convolution_lay_flat(plan *p, int row)
{
    if (!p->flat)
        return;
    int strips = p->c.in.h * p->c.in.w * (p->n / 16);
    p->c.in.w = p->c.out.w = flat_row(strips, row);
    p->c.in.h = p->c.out.h = strips / p->c.in.w;
    p->n = p->real = 16;
}

plan nas__convolution_plan_make(const nas__convolution *convolution, const nas_op_call *call,
                                nas_op_pass pass)
{
    plan p = {.c = *convolution, .n = call->n, .real = call->real};
    p.tuned = nas__convolution_tuned(&p.c, call, pass);
    p.way = nas__convolution_way(&p.c, call);
    if (p.tuned.way)
        p.way = nas__convolution_way_as(&p.c, call, (way)(p.tuned.way - 1), p.way);
    p.flat = p.way == FAST && nas__convolution_is_product(&p.c) && call->n == call->real &&
             !call->ragged;
    nas__convolution_lay_flat(&p, PB);
    p.strips = p.n / 16;
    if (p.way == DEPTHWISE)
        p.group = p.tuned.group ? p.tuned.group : depthwise_group(&p.c);
    else
        p.group = 1;
    return p;
}

/* Rows of a work-item of depthwise.cl: many, for a ring of rows must be filled first, but the image is cut at all. */
static int depthwise_rows(int h)
{
    return most(1, least(DEPTHWISE_ROWS, divide_up(h, BANDS)));
}

pixel_parts nas__convolution_pixel_parts(const plan *p, bool of_input)
{
    nas_shape shape = of_input ? p->c.in : p->c.out;
    int stride = of_input ? p->c.stride : 1;
    pixel_parts parts = {.across = 1};
    if (p->way == FAST) {
        enum { PARTS_LEAST = 16 };
        parts.across = divide_up(shape.w, PB * stride);
        parts.rows = divide_up(shape.h, divide_up(shape.h, ROWS));
        while (parts.rows > 1 &&
               divide_up(shape.h, parts.rows) * parts.across * p->strips < PARTS_LEAST)
            parts.rows = divide_up(parts.rows, 2);
    } else {
        parts.rows = most(divide_up(shape.h * p->strips, PARTS_MOST), depthwise_rows(shape.h));
        parts.rows = divide_up(shape.h, divide_up(shape.h, parts.rows));
    }
    parts.blocks = divide_up(shape.h, parts.rows) * parts.across;
    return parts;
}

/* ---- the weight gradient's partition -------------------------------------------------------------- */

static void cut_chunks(weight_parts *w, int chunks, int blocks)
{
    enum { CHUNKS = 8, PARTS_WEIGHT_MOST = 64, ITEMS = 16 };
    int parts = divide_up(chunks, CHUNKS);
    if (parts * blocks < ITEMS)
        parts = least(chunks, divide_up(ITEMS, blocks));
    parts = most(parts, least(chunks, BANDS));
    parts = least(parts, PARTS_WEIGHT_MOST);
    w->per_part = divide_up(chunks, parts);
    w->parts = divide_up(chunks, w->per_part);
}

weight_parts nas__convolution_weight_parts(const plan *p)
{
    const nas__convolution *c = &p->c;
    int taps = c->kernel_h * c->kernel_w;
    weight_parts w = {.count =
                          (uint64_t)c->out.c * (uint64_t)(c->in.c / c->groups) * (uint64_t)taps};
    if (p->way == DEPTHWISE) {
        w.chunk_h = depthwise_rows(c->out.h);
        w.chunk_w = nas__depthwise_block_w(c);
        int blocks = divide_up(c->out.h, w.chunk_h) * divide_up(c->out.w, w.chunk_w) *
                     divide_up(p->strips, p->group);
        cut_chunks(&w, blocks, c->out.c);
        return w;
    }
    w.block_k = taps == 1 ? 64 : taps <= 25 ? 16 : 8;
    w.block_c = taps == 1 ? 32 : taps <= 9 ? 16 : 8;
    w.chunk_w = divide_up(c->out.w, divide_up(c->out.w, PIXELS));
    int span = (c->kernel_w - 1) * c->dilation + 1;
    int ring = (c->kernel_h - 1) * c->dilation + 1;
    int columns = (w.chunk_w - 1) * c->stride + span,
        cells = ring * ((PIXELS - 1) * c->stride + span);
    w.chunk_h = PIXELS / w.chunk_w;
    while (w.chunk_h > 1 && ((w.chunk_h - 1) * c->stride + ring) * columns > cells)
        w.chunk_h--;
    w.chunk_h = most(1, divide_up(c->out.h, divide_up(c->out.h, w.chunk_h)));
    w.down = divide_up(divide_up(c->out.h, w.chunk_h), p->flat ? 1 : BANDS);
    int bands = divide_up(divide_up(c->out.h, w.chunk_h), w.down);
    int chunks = bands * w.down * divide_up(c->out.w, w.chunk_w) * p->strips;
    cut_chunks(&w, chunks, divide_up(c->out.c, w.block_k) * divide_up(c->in.c, w.block_c));
    return w;
}

static bool is_packing(const plan *p)
{
    return p->way == FAST || p->way == DEPTHWISE;
}

/* ---- sizes ------------------------------------------------------------------------------------------- */

static uint64_t product_scratch(const plan *p, const nas_op_call *call)
{
    return 2 * in_count(&p->c, call->n) + out_count(&p->c, call->n);
}

/* Each pass may go another way (a tuning table with inexact rows). */
void nas__convolution_sizes(const nas__convolution *convolution, const nas_op_call *call,
                            nas_op_sizes *sizes)
{
    plan p[NAS_OP_PASSES];
    *sizes = (nas_op_sizes){.scratch = 0};
    for (int i = 0; i < NAS_OP_PASSES; i++) {
        p[i] = nas__convolution_plan_make(convolution, call, (nas_op_pass)i);
        if (p[i].way == PRODUCT)
            sizes->scratch = product_scratch(&p[i], call);
    }
    const plan *forward = &p[NAS_PASS_FORWARD], *input = &p[NAS_PASS_INPUT];
    sizes->statistics_parts =
        is_packing(forward) ? nas__convolution_pixel_parts(forward, false).blocks * forward->strips
                            : nas_pass_parts(convolution->out, call->n);
    sizes->reduction_parts[0] =
        is_packing(input)
            ? nas__convolution_pixel_parts(input, true).blocks * input->strips * input->c.plane
            : nas_pass_parts(call->in_shape[0], call->n);
    if (!is_packing(&p[NAS_PASS_WEIGHT]))
        return;
    nas__convolution_lay_flat(&p[NAS_PASS_WEIGHT], PIXELS);
    weight_parts w = nas__convolution_weight_parts(&p[NAS_PASS_WEIGHT]);
    uint64_t sums = round_up_16(w.count * (uint64_t)w.parts);
    sizes->scratch = sums > sizes->scratch ? sums : sizes->scratch;
}

/* ---- launching ----------------------------------------------------------------------------------------- */

void nas__push_convolution(nas__arguments *a, const plan *p)
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

static void add_define(plan *p, const char *name, int value)
{
    size_t length = strlen(p->defines);
    if (value)
        snprintf(p->defines + length, sizeof p->defines - length, "%s-D%s=%d", length ? " " : "",
                 name, value);
}

/* The structure as defines; activations that need exp or erf make a program of their own. */
void nas__convolution_defines(plan *p, nas_activation activation)
{
    p->defines[0] = '\0';
    if (is_packing(p)) {
        add_define(p, "KH", p->c.kernel_h);
        add_define(p, "KW", p->c.kernel_w);
        add_define(p, "S", p->c.stride);
        add_define(p, "D", p->c.dilation);
        add_define(p, "LANES", p->tuned.lanes);
        add_define(p, "PT", p->tuned.pt);
    }
    if (p->way == DEPTHWISE) {
        add_define(p, "GROUP", p->group);
        add_define(p, "TILE", depthwise_tile(&p->c));
    } else if (p->way == FAST) {
        add_define(p, "KT", p->tuned.kt);
        add_define(p, "KT_WEIGHT", p->tuned.kt_weight);
        add_define(p, "CT", p->tuned.ct);
        add_define(p, "REGISTERS", p->tuned.registers);
    }
    add_define(p, "CURVED", nas__is_curved(activation));
}

nas_status nas__convolution_launch(nas_tape *tape, const char *source, const char *kernel,
                                   const char *defines, int x, int y, int z,
                                   const nas__arguments *a)
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
