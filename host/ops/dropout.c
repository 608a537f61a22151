/* dropout.c - elements are zeroed with probability `rate` in training, the others scaled by 1/(1 − rate).
 *
 * In evaluation the output is the input.  The draw is a function of (step block's key, epoch, step, node, element), so forward and
 * backward draw it twice and nothing is kept; the reference draws the same words.  Paper: arXiv 1207.0580.
 */
#ifndef NAS_REAL
#include "keep.h"
#include "op.h"
#include "passes.h"
#include "reference.h"

typedef struct dropout_options {
    double rate;
} dropout_options;

static const nas_option option_table[] = {
    {"rate", NAS_OPTION_REAL, offsetof(dropout_options, rate), "0.5", 0, 0.99, NULL,
     "probability that an element is dropped"},
    {.name = NULL},
};

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    *out = in[0];
    return NAS_OK;
}

/* What both kernels take after the axes. */
static void push_draw(nas__arguments *arguments, const nas_op_call *call)
{
    const dropout_options *o = call->options;
    const float rate = (float)o->rate;
    nas__push_int(arguments, call->first);
    nas__push_uint(arguments, (uint32_t)call->node);
    nas__push_uint(arguments, nas__keep_threshold(rate));
    nas__push_float(arguments, 1.0f / (1.0f - rate));
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const nas_shape shape = call->out_shape;
    if (!call->training)
        return nas__pass_forward(tape, &call->in[0], nas__map_plain(shape.c), shape, call->n,
                                 call->real, call->out, 0, call->statistics);
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_tensor(&arguments, call->step);
    nas__push_axes(&arguments, shape, call->n, call->real);
    push_draw(&arguments, call);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    return nas__stream_launch(tape, "dropout", "dropout_forward",
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
    nas__push_tensor(&arguments, call->step);
    nas__push_axes(&arguments, shape, call->n, call->real);
    push_draw(&arguments, call);
    nas__push_int(&arguments, shape.c);
    return nas__stream_launch(tape, "dropout", "dropout_backward",
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
    {"rate = 0.2", 1, 1, {{1, 5, 3}}},
    {"rate = 0.9", 33, 1, {{2, 33, 17}}},
    {"rate = 0.3", 19, 1, {{7, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "dropout.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "dropout.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_dropout = {
    .kind = {"dropout", "zero elements at random in training", "arXiv 1207.0580",
             sizeof(dropout_options), option_table},
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

static NAS_REAL NAS_REFERENCE(factor)(const nas_reference_call *call, size_t i)
{
    const dropout_options *o = call->options;
    const float rate = (float)o->rate;
    if (!call->training)
        return 1;
    const size_t n = (size_t)call->n;
    const uint32_t word = nas__keep_word(&call->step, call->node, (uint32_t)(i / n), (int)(i % n));
    return word >= nas__keep_threshold(rate) ? 1 / (1 - (NAS_REAL)rate) : 0;
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
