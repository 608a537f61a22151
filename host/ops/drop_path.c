/* drop_path.c - stochastic depth: in training a whole sample of this branch is dropped, or kept and scaled by 1/(1 − p).
 *
 * p is the option, or, when the option is below 0, the step block's drop_path, which the trainer ramps.  A small kernel draws one
 * factor per sample into `saved`; forward and backward multiply by it.  In evaluation the output is the input.
 * Paper: arXiv 1603.09382.
 */
#ifndef NAS_REAL
#include "keep.h"
#include "op.h"
#include "passes.h"
#include "reference.h"

typedef struct drop_path_options {
    double probability;
} drop_path_options;

static const nas_option option_table[] = {
    {"probability", NAS_OPTION_REAL, offsetof(drop_path_options, probability), "-1", -1, 0.99, NULL,
     "probability that a sample is dropped; below 0: the schedule of the trainer"},
    {.name = NULL},
};

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    *out = in[0];
    return NAS_OK;
}

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    nas__stream_sizes(call, sizes);
    sizes->saved = (uint64_t)call->n;
}

static nas_status draw(const nas_op_call *call, nas_tape *tape)
{
    const drop_path_options *o = call->options;
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, call->saved);
    nas__push_tensor(&arguments, call->step);
    nas__push_int(&arguments, call->first);
    nas__push_uint(&arguments, (uint32_t)call->node);
    nas__push_float(&arguments, (float)o->probability);
    return nas__stream_launch(tape, "drop_path", "drop_path_factors", NULL, call->n / 16, 1,
                              &arguments);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->out_shape;
    if (!call->training)
        return nas__pass_forward(tape, &call->in[0], nas__map_plain(shape.c), shape, call->n,
                                 call->real, call->out, 0, call->statistics);
    NAS_TRY(draw(call, tape));
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_tensor(&arguments, call->saved);
    nas__push_axes(&arguments, shape, call->n, call->real);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    return nas__stream_launch(tape, "drop_path", "drop_path_forward",
                              nas__curved_define(nas__is_curved(call->in[0].activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->out_shape;
    if (!call->into[0].g.buffer)
        return NAS_OK;
    if (!call->training)
        return nas__pass_hand(tape, &call->out_gradient, nas__map_plain(shape.c), &call->into[0],
                              shape, call->n, call->real);
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, &call->out_gradient);
    nas__push_stream_into(&arguments, &call->into[0]);
    nas__push_tensor(&arguments, call->saved);
    nas__push_axes(&arguments, shape, call->n, call->real);
    nas__push_int(&arguments, shape.c);
    return nas__stream_launch(tape, "drop_path", "drop_path_backward",
                              nas__curved_define(nas__is_curved(call->into[0].read.activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)options, (void)in;
    layer->kind = NAS_LAYER_IDENTITY;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{3, 7, 5}}},
    {"probability = 0.2", 1, 1, {{1, 5, 3}}},
    {"probability = 0.7", 33, 1, {{2, 33, 17}}},
    {"probability = 0", 19, 1, {{7, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "drop_path.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "drop_path.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_drop_path = {
    .kind = {"drop_path", "drop whole samples of a branch at random in training",
             "arXiv 1603.09382", sizeof(drop_path_options), option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .channels = NAS_CHANNELS_KEPT,
    .fusion = NAS_FUSES_READ | NAS_FUSES_STATISTICS | NAS_FUSES_GRADIENT | NAS_FUSES_INTO |
              NAS_FUSES_REDUCTION,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* the reference */

static NAS_REAL NAS_REFERENCE(factor)(const nas_reference_call *call, size_t i)
{
    const drop_path_options *o = call->options;
    const float p = o->probability < 0 ? call->step.drop_path : (float)o->probability;
    if (!call->training)
        return 1;
    const int sample = (int)(i % (size_t)call->n);
    const uint32_t word =
        nas__keep_word(&call->step, call->node, (uint32_t)NAS__WHOLE_SAMPLE, sample);
    return word >= nas__keep_threshold(p) ? 1 / (1 - (NAS_REAL)p) : 0;
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const NAS_REAL *x = call->in[0];
    NAS_REAL *y = call->out;
    for (size_t i = 0; i < nas_shape_count(call->out_shape) * (size_t)call->n; i++)
        y[i] = x[i] * NAS_REFERENCE(factor)(call, i);
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const NAS_REAL *dy = call->out_gradient;
    NAS_REAL *dx = call->in_gradients[0];
    for (size_t i = 0; dx && i < nas_shape_count(call->out_shape) * (size_t)call->n; i++)
        dx[i] += dy[i] * NAS_REFERENCE(factor)(call, i);
}

#endif
