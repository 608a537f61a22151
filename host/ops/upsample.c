/* upsample.c - every pixel `factor` times in each direction: nearest-neighbour enlargement, cut to a size.
 *
 *     y[c, h, w] = x[c, h div factor, w div factor]          output height × width, at most factor times the input's
 *
 * The way back up of encoders with lateral paths (U-Net, arXiv 1505.04597; FPN, 1612.03144).  What was reduced by strides is
 * ⌈size / factor⌉, so enlarging may give a row and a column too many: `height` and `width` cut them off.
 * Backward, a pixel takes the sum of its copies.  Kernels: cl/upsample.cl.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

typedef struct upsample_options {
    int64_t factor, height, width;
} upsample_options;

static const nas_option option_table[] = {
    {"factor", NAS_OPTION_INT, offsetof(upsample_options, factor), "2", 1, 64, NULL,
     "copies of a pixel in each direction"},
    {"height", NAS_OPTION_INT, offsetof(upsample_options, height), "0", 0, 65536, NULL,
     "rows of the output, cut at the bottom; 0: all, factor times the input's"},
    {"width", NAS_OPTION_INT, offsetof(upsample_options, width), "0", 0, 65536, NULL,
     "its columns, cut at the right; 0: all, factor times the input's"},
    {.name = NULL},
};

static nas_status side(const char *name, int64_t wanted, int in, int64_t factor, int *out)
{
    const int64_t most = in * factor;
    if (wanted > most || (wanted > 0 && wanted <= most - factor))
        NAS_FAIL(NAS_SHAPE, "upsample: %s = %lld, but %d times %lld gives %lld to %lld", name,
                 (long long)wanted, in, (long long)factor, (long long)(most - factor + 1),
                 (long long)most);
    *out = (int)(wanted > 0 ? wanted : most);
    return NAS_OK;
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const upsample_options *o = options;
    nas_shape shape = {.c = in[0].c};
    (void)count;
    NAS_TRY(side("height", o->height, in[0].h, o->factor, &shape.h));
    NAS_TRY(side("width", o->width, in[0].w, o->factor, &shape.w));
    *out = shape;
    return NAS_OK;
}

/* The group SIZE_ARGUMENTS of cl/upsample.cl. */
static void push_sizes(nas__arguments *arguments, const nas_op_call *call)
{
    const upsample_options *o = call->options;
    nas__push_int(arguments, (int)o->factor);
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
    push_sizes(&arguments, call);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    return nas__stream_launch(tape, "upsample", "upsample_forward",
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
    push_sizes(&arguments, call);
    nas__push_int(&arguments, shape.c);
    return nas__stream_launch(tape, "upsample", "upsample_backward",
                              nas__curved_define(nas__is_curved(call->into[0].read.activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)in;
    layer->kind = NAS_LAYER_UPSAMPLE;
    layer->factor = (int)((const upsample_options *)options)->factor;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{3, 4, 3}}},
    {"height = 7; width = 9", 19, 1, {{2, 4, 5}}}, /* a row and a column cut off */
    {"factor = 4; height = 13", 1, 1, {{1, 4, 2}}},
    {"height = 1", 33, 1, {{5, 1, 11}}}, /* a sequence */
    {"factor = 3", 2, 1, {{3, 1, 1}}},
    {"factor = 1", 5, 1, {{2, 3, 5}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "upsample.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "upsample.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_upsample = {
    .kind = {"upsample", "an image enlarged, every pixel several times", "arXiv 1505.04597",
             sizeof(upsample_options), option_table},
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
    const int factor = (int)((const upsample_options *)call->options)->factor;
    for (int c = 0; c < out.c; c++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int n = 0; n < call->n; n++) {
                    const size_t to = nas__at(out, call->n, c, h, w, n);
                    const size_t from = nas__at(in, call->n, c, h / factor, w / factor, n);
                    if (y)
                        y[to] = x[from];
                    else
                        dx[from] += dy[to];
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
