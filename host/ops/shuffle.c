/* shuffle.c - channel shuffle: the channels as a matrix of `groups` rows, read by columns.
 *
 *     y[c] = x[(c mod groups)·per + c div groups],   per = channels / groups
 *
 * so that grouped convolutions in a row see each other's channels.  Paper: ShuffleNet, arXiv 1707.01083.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

typedef struct shuffle_options {
    int64_t groups;
} shuffle_options;

static const nas_option option_table[] = {
    {"groups", NAS_OPTION_INT, offsetof(shuffle_options, groups), "2", 1, 65536, NULL,
     "groups that are mixed; divides the channels"},
    {.name = NULL},
};

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const shuffle_options *o = options;
    (void)count;
    if (in[0].c % o->groups != 0)
        NAS_FAIL(NAS_SHAPE, "shuffle: %lld groups do not divide %d channels", (long long)o->groups,
                 in[0].c);
    *out = in[0];
    return NAS_OK;
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const shuffle_options *o = call->options;
    const int groups = (int)o->groups, channels = call->out_shape.c;
    const nas__map map = {.from = 0, .limit = channels, .groups = groups, .per = channels / groups};
    return nas__pass_forward(tape, &call->in[0], map, call->out_shape, call->n, call->real,
                             call->out, 0, call->statistics);
}

/* The inverse is the shuffle with the other factor. */
static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const shuffle_options *o = call->options;
    const int groups = (int)o->groups, channels = call->out_shape.c;
    const nas__map map = {.from = 0, .limit = channels, .groups = channels / groups, .per = groups};
    return nas__pass_hand(tape, &call->out_gradient, map, &call->into[0], call->in_shape[0],
                          call->n, call->real);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)in;
    layer->kind = NAS_LAYER_SHUFFLE;
    layer->groups = (int)((const shuffle_options *)options)->groups;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{6, 7, 5}}},
    {"groups = 3", 1, 1, {{12, 5, 3}}},
    {"groups = 1", 33, 1, {{2, 33, 17}}},
    {"groups = 7", 19, 1, {{7, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "shuffle.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "shuffle.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_shuffle = {
    .kind = {"shuffle", "mix the channels of groups", "arXiv 1707.01083", sizeof(shuffle_options),
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

static size_t NAS_REFERENCE(source)(const nas_reference_call *call, size_t c)
{
    const shuffle_options *o = call->options;
    const size_t groups = (size_t)o->groups, per = (size_t)call->out_shape.c / groups;
    return c % groups * per + c / groups;
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const size_t size =
        nas_shape_count(call->out_shape) * (size_t)call->n / (size_t)call->out_shape.c;
    const NAS_REAL *x = call->in[0];
    NAS_REAL *y = call->out;
    for (size_t c = 0; c < (size_t)call->out_shape.c; c++)
        for (size_t i = 0; i < size; i++)
            y[c * size + i] = x[NAS_REFERENCE(source)(call, c) * size + i];
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const size_t size =
        nas_shape_count(call->out_shape) * (size_t)call->n / (size_t)call->out_shape.c;
    const NAS_REAL *dy = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0];
    for (size_t c = 0; dx && c < (size_t)call->out_shape.c; c++)
        for (size_t i = 0; i < size; i++)
            dx[NAS_REFERENCE(source)(call, c) * size + i] += dy[c * size + i];
}

#endif
