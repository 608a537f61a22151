/* reshape.c - the values of a sample, in their order, as another number of channels, rows and columns.
 *
 *     y[c, h, w] = x[c', h', w']      (c·H + h)·W + w = (c'·H' + h')·W' + w'
 *
 * Nothing is computed.  It is an operator, and a copy, because what is read on load (norms) belongs to channels, and those
 * change.  Kernels: cl/rearrange.cl.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "rearrange.h"
#include "reference.h"

typedef struct reshape_options {
    int64_t channels, height, width;
} reshape_options;

static const nas_option option_table[] = {
    {"channels", NAS_OPTION_INT, offsetof(reshape_options, channels), "0", 0, 1 << 30, NULL,
     "of the output; 0: what is left when height and width are taken out"},
    {"height", NAS_OPTION_INT, offsetof(reshape_options, height), "1", 1, 1 << 30, NULL,
     "its rows"},
    {"width", NAS_OPTION_INT, offsetof(reshape_options, width), "1", 1, 1 << 30, NULL,
     "its columns"},
    {.name = NULL},
};

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const reshape_options *o = options;
    const int64_t values = (int64_t)nas_shape_count(in[0]);
    (void)count;
    const bool fits = values / o->height / o->width >= 1 && values % o->height == 0 &&
                      values / o->height % o->width == 0;
    const int64_t channels = values / o->height / o->width;
    if (!fits || (o->channels && o->channels != channels))
        NAS_FAIL(NAS_SHAPE, "reshape: %dx%dx%d has other values than %lldx%lldx%lld", in[0].c,
                 in[0].h, in[0].w, (long long)o->channels, (long long)o->height,
                 (long long)o->width);
    *out = (nas_shape){(int)channels, (int)o->height, (int)o->width};
    return NAS_OK;
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    return nas__rearrange_forward(call, nas__walk_plain(call->out_shape), 0, tape);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    return nas__rearrange_backward(call, nas__walk_plain(call->in_shape[0]), tape);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)options, (void)in;
    layer->kind = NAS_LAYER_RESHAPE;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"height = 5; width = 3", 5, 1, {{6, 5, 2}}},
    {"", 19, 1, {{3, 4, 7}}},
    {"channels = 3; height = 4; width = 7", 33, 1, {{84, 1, 1}}},
    {"height = 1; width = 33", 1, 1, {{2, 33, 9}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "reshape.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "reshape.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_reshape = {
    .kind = {"reshape", "the same values as another shape", NULL, sizeof(reshape_options),
             option_table},
    .inputs_min = 1,
    .inputs_max = 1,
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

/* Calls nothing, only walks: y from x, or with `dx` dx from dy.  The order of values is that of memory. */
static void NAS_REFERENCE(walk)(const nas_reference_call *call, const NAS_REAL *x, NAS_REAL *y,
                                const NAS_REAL *dy, NAS_REAL *dx)
{
    for (size_t i = 0; i < nas_shape_count(call->out_shape) * (size_t)call->n; i++)
        if (y)
            y[i] = x[i];
        else
            dx[i] += dy[i];
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
