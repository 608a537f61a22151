/* subsample.c - every step-th pixel, starting with pixel `from`; zeros where that leaves the image.
 *
 *     y[c, h, w] = x[c, from_h + h·step_h, from_w + w·step_w]        output ⌈height / step_h⌉ × ⌈width / step_w⌉
 *
 * It is what cells need besides strided convolutions: the second half of a factorized reduction reads the image shifted by one
 * pixel (DARTS, arXiv 1806.09055), and a 1×7 convolution may be strided along one side only.  A side of length 1 is
 * left alone, so that sequences (1×L) reduce along their length.  Kernels: cl/subsample.cl.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

typedef struct subsample_options {
    nas_int_list step, from; /* one number, or [height, width] */
} subsample_options;

static const nas_option option_table[] = {
    {"step", NAS_OPTION_INT_LIST, offsetof(subsample_options, step), "2", 1, 16, NULL,
     "pixels from one output to the next, one number or [height, width]"},
    {"from", NAS_OPTION_INT_LIST, offsetof(subsample_options, from), "0", 0, 15, NULL,
     "first pixel, one number or [height, width]; less than step"},
    {.name = NULL},
};

/* Steps and first pixels as they act on an image. */
typedef struct pick {
    int step_h, step_w, from_h, from_w;
} pick;

static int item_of(const nas_int_list *list, int i)
{
    return (int)list->item[list->count > 1 ? i : 0];
}

static pick pick_of(const subsample_options *o, nas_shape in)
{
    pick p = {1, 1, 0, 0};
    if (in.h > 1) {
        p.step_h = item_of(&o->step, 0);
        p.from_h = item_of(&o->from, 0);
    }
    if (in.w > 1) {
        p.step_w = item_of(&o->step, 1);
        p.from_w = item_of(&o->from, 1);
    }
    return p;
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const subsample_options *o = options;
    (void)count;
    if (o->step.count < 1 || o->step.count > 2 || o->from.count < 1 || o->from.count > 2)
        NAS_FAIL(NAS_SHAPE, "subsample: step and from take one or two numbers, not %d and %d",
                 o->step.count, o->from.count);
    for (int i = 0; i < 2; i++)
        if (item_of(&o->from, i) >= item_of(&o->step, i))
            NAS_FAIL(NAS_SHAPE, "subsample: from = %d is not less than step = %d",
                     item_of(&o->from, i), item_of(&o->step, i));
    const pick p = pick_of(o, in[0]);
    *out = (nas_shape){in[0].c, (in[0].h + p.step_h - 1) / p.step_h,
                       (in[0].w + p.step_w - 1) / p.step_w};
    return NAS_OK;
}

/* The group PICK_ARGUMENTS of cl/subsample.cl. */
static void push_pick(nas__arguments *arguments, const nas_op_call *call)
{
    const pick p = pick_of(call->options, call->in_shape[0]);
    nas__push_int(arguments, p.step_h);
    nas__push_int(arguments, p.step_w);
    nas__push_int(arguments, p.from_h);
    nas__push_int(arguments, p.from_w);
    nas__push_int(arguments, call->in_shape[0].h);
    nas__push_int(arguments, call->in_shape[0].w);
    nas__push_int(arguments, call->out_shape.h);
    nas__push_int(arguments, call->out_shape.w);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->out_shape;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_axes(&arguments, shape, call->n, call->real);
    push_pick(&arguments, call);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    return nas__stream_launch(tape, "subsample", "subsample_forward",
                              nas__curved_define(nas__is_curved(call->in[0].activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->in_shape[0];
    if (!call->into[0].g.buffer)
        return NAS_OK;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, &call->out_gradient);
    nas__push_stream_into(&arguments, &call->into[0]);
    nas__push_axes(&arguments, shape, call->n, call->real);
    push_pick(&arguments, call);
    nas__push_int(&arguments, shape.c);
    return nas__stream_launch(tape, "subsample", "subsample_backward",
                              nas__curved_define(nas__is_curved(call->into[0].read.activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    const pick p = pick_of(options, in[0]);
    layer->kind = NAS_LAYER_SUBSAMPLE;
    layer->stride[0] = p.step_h, layer->stride[1] = p.step_w;
    layer->first[0] = p.from_h, layer->first[1] = p.from_w;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{3, 8, 6}}},
    {"from = 1", 19, 1, {{2, 7, 9}}}, /* odd: the last row and column are zeros */
    {"from = 1", 33, 1, {{2, 16, 34}}},
    {"step = [1, 2]; from = [0, 1]", 1, 1, {{1, 5, 7}}},
    {"step = [3, 1]; from = [2, 0]", 5, 1, {{4, 10, 3}}},
    {"from = 1", 19, 1, {{5, 1, 11}}}, /* a sequence */
    {"step = 3; from = 1", 2, 1, {{3, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "subsample.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "subsample.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_subsample = {
    .kind = {"subsample", "every n-th pixel of an image", "arXiv 1806.09055",
             sizeof(subsample_options), option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .channels = NAS_CHANNELS_KEPT,
    .fusion = NAS_FUSES_READ | NAS_FUSES_STATISTICS | NAS_FUSES_GRADIENT | NAS_FUSES_INTO |
              NAS_FUSES_REDUCTION,
    .infer = infer,
    .sizes = nas__stream_sizes,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* the reference */

/* Calls nothing, only walks: y from x, or with `dx` dx from dy. */
static void NAS_REFERENCE(walk)(const nas_reference_call *call, const NAS_REAL *x, NAS_REAL *y,
                                const NAS_REAL *dy, NAS_REAL *dx)
{
    const nas_shape in = call->in_shape[0], out = call->out_shape;
    const pick p = pick_of(call->options, in);
    for (int c = 0; c < out.c; c++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int n = 0; n < call->n; n++) {
                    const int ih = p.from_h + h * p.step_h, iw = p.from_w + w * p.step_w;
                    const bool inside = ih < in.h && iw < in.w;
                    const size_t to = nas__at(out, call->n, c, h, w, n);
                    if (y)
                        y[to] = inside ? x[nas__at(in, call->n, c, ih, iw, n)] : 0;
                    else if (inside)
                        dx[nas__at(in, call->n, c, ih, iw, n)] += dy[to];
                }
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    NAS_REFERENCE(walk)(call, call->in[0], call->out, NULL, NULL);
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    if (call->in_gradients[0])
        NAS_REFERENCE(walk)(call, NULL, NULL, call->out_gradient, call->in_gradients[0]);
}

#endif
