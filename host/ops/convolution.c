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
 * What else changes no sum, and what is only for who asks for it, a device's tuning table may set (convolution_tuning.c).
 *
 * FLAT.  A 1×1 convolution with stride 1 does not care where a row ends, and with no padded lanes not where a strip ends: the
 * h·w·n/16 strips of a channel are laid out as rows with one strip each, as long as the kernel's blocks of pixels are wide, so
 * that what a work-item reads of a channel is contiguous.
 *
 * convolution_plan.c does the cutting, convolution_other.c records PLAIN and PRODUCT. */
#include "convolution_plan.h"

/* ---- our packing kernels: conv2d.cl and depthwise.cl ------------------------------------------------------- */

static const char *source_of(const plan *p)
{
    return p->way == FAST ? "conv2d" : "depthwise";
}

static int tile_height(const plan *p)
{
    return p->tuned.kt ? p->tuned.kt : KT;
}

/* Channel tiles per work-item: as many as fit, but enough work-items for the device. */
static int tiles_per_item(const plan *p, const nas_op_call *call, int channels, int parts)
{
    enum { ITEMS_PER_UNIT = 4 };
    const int kt = tile_height(p), items = p->tuned.items ? p->tuned.items : ITEMS_PER_UNIT;
    bool pointwise = p->c.kernel_h * p->c.kernel_w * p->c.stride == 1;
    int channels_most = pointwise ? CHANNELS_POINTWISE : CHANNELS;
    int tiles = divide_up(channels, kt);
    int wanted = items * (int)nas_device_describe(call->device)->compute_units;
    int split = most(divide_up(tiles, channels_most / kt), least(tiles, divide_up(wanted, parts)));
    return divide_up(tiles, split);
}

/* ---- our kernels: forward ------------------------------------------------------------------------------- */

static nas_status forward_kernels(plan *p, const nas_op_call *call, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    bool fast = p->way == FAST;
    pixel_parts parts = nas__convolution_pixel_parts(p, false);
    int tiles = tiles_per_item(p, call, c->out.c, parts.blocks * p->strips);
    nas__convolution_defines(p, call->in[0].activation);
    nas__arguments a = {.count = 0};
    nas__push_stream_read(&a, &call->in[0]);
    nas__push_tensor(&a, call->parameters[0]);
    nas__push_tensor(&a, c->bias ? call->parameters[1] : (nas_tensor){.buffer = NULL});
    nas__push_tensor(&a, call->out);
    nas__push_tensor(&a, call->statistics);
    nas__push_convolution(&a, p);
    nas__push_int(&a, parts.rows);
    if (fast)
        nas__push_int(&a, tiles);
    nas__push_int(&a, call->statistics.buffer ? parts.blocks * p->strips : 0);
    nas__push_int(&a, c->bias);
    nas__push_shares(&a);
    int third = fast ? divide_up(divide_up(c->out.c, tile_height(p)), tiles) : c->out.c;
    return nas__convolution_launch(tape, source_of(p),
                                   fast ? "conv2d_forward" : "depthwise_forward", p->defines,
                                   parts.blocks, divide_up(p->strips, p->group), third, &a);
}

/* ---- our kernels: backward --------------------------------------------------------------------------------- */

static nas_status input_kernels(plan *p, const nas_op_call *call, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    bool fast = p->way == FAST;
    pixel_parts parts = nas__convolution_pixel_parts(p, true);
    int tiles = tiles_per_item(p, call, c->in.c, parts.blocks * p->strips);
    nas__arguments a = {.count = 0};
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, call->parameters[0]);
    nas__push_stream_into(&a, &call->into[0]);
    nas__push_convolution(&a, p);
    nas__push_int(&a, parts.rows);
    if (p->way == FAST)
        nas__push_int(&a, tiles);
    nas__push_int(&a, parts.blocks * p->strips * c->plane);
    nas__push_shares(&a);
    int third = fast ? divide_up(divide_up(c->in.c, tile_height(p)), tiles) : c->in.c;
    return nas__convolution_launch(
        tape, source_of(p), fast ? "conv2d_backward_input" : "depthwise_backward_input", p->defines,
        parts.blocks, divide_up(p->strips, p->group), third, &a);
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
    return nas__convolution_launch(tape, "conv2d_parts", "sum_parts", NULL,
                                   divide_up((int)count, RUN), 1, 1, &a);
}

static nas_status weight_kernels(plan *p, const nas_op_call *call, nas_tape *tape)
{
    nas__convolution_lay_flat(p, PIXELS);
    const nas__convolution *c = &p->c;
    weight_parts w = nas__convolution_weight_parts(p);
    nas__arguments a = {.count = 0};
    nas__push_stream_read(&a, &call->in[0]);
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, call->scratch);
    nas__push_convolution(&a, p);
    nas__push_int(&a, divide_up(p->strips, p->group));
    if (p->way == FAST) {
        nas__push_int(&a, w.chunk_h);
        nas__push_int(&a, w.chunk_w);
        nas__push_int(&a, w.down);
        nas__push_int(&a, w.per_part);
        nas__push_shares(&a);
        NAS_TRY(nas__convolution_launch(tape, source_of(p), "conv2d_backward_weight", p->defines,
                                        w.parts, divide_up(c->in.c, w.block_c),
                                        divide_up(c->out.c, w.block_k), &a));
    } else {
        nas__push_int(&a, w.chunk_h);
        nas__push_int(&a, w.per_part);
        nas__push_shares(&a);
        NAS_TRY(nas__convolution_launch(tape, source_of(p), "depthwise_backward_weight", p->defines,
                                        w.parts, c->out.c, 1, &a));
    }
    return add_sum(tape, call->scratch, call->parameter_gradients[0], w.count, w.parts);
}

static nas_status add_bias_gradient(const nas__convolution *c, const nas_op_call *call,
                                    nas_tape *tape)
{
    nas__arguments a = {.count = 0};
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, call->parameter_gradients[1]);
    nas__push_int(&a, c->out.c);
    nas__push_int(&a, c->out.h * c->out.w * (call->n / 16));
    nas__push_int(&a, call->n);
    nas__push_int(&a, call->real);
    return nas__convolution_launch(tape, "conv2d_parts", "bias_gradient", NULL, c->out.c, 1, 1, &a);
}

/* ---- what conv2d and dense call ------------------------------------------------------------------------------- */

nas_status nas__convolution_forward(const nas__convolution *convolution, const nas_op_call *call,
                                    nas_tape *tape)
{
    plan p = nas__convolution_plan_make(convolution, call, NAS_PASS_FORWARD);
    return p.way == PRODUCT ? nas__convolution_product_forward(&p, call, tape)
           : p.way == PLAIN ? nas__convolution_plain_forward(&p, call, tape)
                            : forward_kernels(&p, call, tape);
}

/* One of the two gradients, by the way of its pass. */
static nas_status gradient(const nas__convolution *convolution, const nas_op_call *call,
                           nas_op_pass pass, nas_tape *tape)
{
    plan p = nas__convolution_plan_make(convolution, call, pass);
    if (p.way == PRODUCT)
        return nas__convolution_product_backward(&p, call, pass, tape);
    nas__convolution_defines(&p, call->in[0].activation);
    if (pass == NAS_PASS_INPUT)
        return p.way == PLAIN ? nas__convolution_plain_input(&p, call, tape)
                              : input_kernels(&p, call, tape);
    return p.way == PLAIN ? nas__convolution_plain_weight(&p, call, tape)
                          : weight_kernels(&p, call, tape);
}

nas_status nas__convolution_backward(const nas__convolution *convolution, const nas_op_call *call,
                                     nas_tape *tape)
{
    if (convolution->bias && call->parameter_gradients[1].buffer)
        NAS_TRY(add_bias_gradient(convolution, call, tape));
    if (call->into[0].g.buffer)
        NAS_TRY(gradient(convolution, call, NAS_PASS_INPUT, tape));
    if (call->parameter_gradients[0].buffer)
        NAS_TRY(gradient(convolution, call, NAS_PASS_WEIGHT, tape));
    return NAS_OK;
}
