/* element_loss.c - losses of each output by itself: whether a sample has a label, and numbers.
 *
 * The input is a vector of one logit per label, or of one number per target.  The metrics slot that the step block names receives
 * (loss sum, score sum, real samples, 0), both in the mean over the outputs; a score is the share of labels that are right, or the
 * squared error.  The gradient is that of the mean over the real samples.  Formulas: cl/element_loss.cl.
 */
#ifndef NAS_REAL
#include "loss.h"
#include "op.h"
#include "reference.h"

#include <math.h>

typedef enum element_kind { ELEMENT_SIGMOID, ELEMENT_SQUARED, ELEMENT_HUBER } element_kind;

typedef struct element_options {
    int kind;
    double delta;
} element_options;

static const nas_option option_table[] = {
    {"kind", NAS_OPTION_CHOICE, offsetof(element_options, kind), "squared", 0, 0,
     "sigmoid|squared|huber",
     "sigmoid cross-entropy of labels that are 0 or 1; squared error; squared near 0 and linear "
     "beyond"},
    {"delta", NAS_OPTION_REAL, offsetof(element_options, delta), "1", 1e-6, 1e6, NULL,
     "of huber: the error from which on it is linear"},
    {.name = NULL},
};

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    return nas__loss_infer("element_loss", in[0], out);
}

static int labels(const void *options, nas_shape in, nas_label *first, nas_label *others)
{
    const element_options *o = options;
    *first = *others = o->kind == ELEMENT_SIGMOID ? NAS_LABEL_FLAG : NAS_LABEL_NUMBER;
    return in.c;
}

static void cost(const void *options, const nas_shape *in, int count, nas_shape out, nas_cost *cost)
{
    (void)options, (void)in, (void)count, (void)out;
    *cost = (nas_cost){.bytes = sizeof(float)};
}

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    sizes->reduction_parts[0] = call->n / 16;
    sizes->scratch = 2 * (uint64_t)(call->n / 16);
}

static void push_end(const nas_op_call *call, nas__arguments *arguments)
{
    const element_options *o = call->options;
    nas__push_int(arguments, call->in_shape[0].c);
    nas__push_int(arguments, call->n);
    nas__push_int(arguments, call->first);
    nas__push_int(arguments, o->kind);
    nas__push_float(arguments, (float)o->delta);
}

static nas_status launch(const nas_op_call *call, const char *kernel, nas__arguments *arguments,
                         nas_tape *tape)
{
    return nas__stream_launch(tape, "element_loss", kernel,
                              nas__curved_define(nas__is_curved(call->in[0].activation)),
                              call->n / 16, 1, arguments);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->labels);
    nas__push_tensor(&arguments, call->step);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->scratch);
    push_end(call, &arguments);
    nas__push_int(&arguments, call->out.buffer != NULL);
    NAS_TRY(launch(call, "element_forward", &arguments, tape));
    return nas__loss_finish(call, "element_loss", tape);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    if (!call->into[0].g.buffer)
        return NAS_OK;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->labels);
    nas__push_tensor(&arguments, call->step);
    nas__push_stream_into(&arguments, &call->into[0]);
    push_end(call, &arguments);
    return launch(call, "element_backward", &arguments, tape);
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{10, 1, 1}}},
    {"kind = \"sigmoid\"", 19, 1, {{7, 1, 1}}},
    {"kind = \"huber\"; delta = 0.7", 33, 1, {{3, 1, 1}}},
    {"", 16, 1, {{1, 1, 1}}},
    {"kind = \"sigmoid\"", 1, 1, {{1, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "element_loss.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "element_loss.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_element_loss = {
    .kind = {"element_loss",
             "loss of each output by itself: labels that a sample has or not, numbers",
             "Huber, Annals of Mathematical Statistics 35, 1964", sizeof(element_options),
             option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .view = NAS_VIEW_LOSS,
    .fusion = NAS_FUSES_READ | NAS_FUSES_INTO | NAS_FUSES_REDUCTION,
    .infer = infer,
    .labels = labels,
    .cost = cost,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .cases = cases,
};

#else /* the reference */

static NAS_REAL NAS_REFERENCE(element)(const element_options *o, NAS_REAL x, NAS_REAL t)
{
    const double e = fabs((double)(x - t));
    if (o->kind == ELEMENT_SIGMOID) /* −t·ln σ(x) − (1 − t)·ln(1 − σ(x)) */
        return (NAS_REAL)((double)t * log1p(exp(-(double)x)) +
                          (1 - (double)t) * log1p(exp((double)x)));
    if (o->kind == ELEMENT_SQUARED || e <= o->delta)
        return (NAS_REAL)(e * e);
    return (NAS_REAL)(o->delta * (2 * e - o->delta));
}

static NAS_REAL NAS_REFERENCE(slope)(const element_options *o, NAS_REAL x, NAS_REAL t)
{
    const double e = (double)(x - t);
    if (o->kind == ELEMENT_SIGMOID)
        return (NAS_REAL)(1 / (1 + exp(-(double)x)) - (double)t);
    if (o->kind == ELEMENT_SQUARED || fabs(e) <= o->delta)
        return (NAS_REAL)(2 * e);
    return (NAS_REAL)(e < 0 ? -2 * o->delta : 2 * o->delta);
}

static NAS_REAL NAS_REFERENCE(score)(const element_options *o, NAS_REAL x, NAS_REAL t)
{
    if (o->kind == ELEMENT_SIGMOID)
        return (x > 0) == ((double)t > 0.5) ? 1 : 0;
    return (x - t) * (x - t);
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const NAS_REAL *x = call->in[0];
    NAS_REAL *losses = call->out, *scores = call->scores;
    const int outputs = call->in_shape[0].c;
    for (int sample = 0; sample < call->n; sample++) {
        NAS_REAL loss = 0, score = 0;
        for (int k = 0; k < outputs; k++) {
            const int i = k * call->n + sample;
            const NAS_REAL t = (NAS_REAL)nas__label_number(call->labels, i);
            loss += NAS_REFERENCE(element)(call->options, x[i], t);
            score += NAS_REFERENCE(score)(call->options, x[i], t);
        }
        losses[sample] = loss / (NAS_REAL)outputs;
        if (scores)
            scores[sample] = score / (NAS_REAL)outputs;
    }
}

/* Of the mean over the samples, whatever out_gradient says: a loss is the last node. */
static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const NAS_REAL *x = call->in[0];
    NAS_REAL *dx = call->in_gradients[0];
    const int outputs = call->in_shape[0].c;
    for (int i = 0; dx && i < outputs * call->n; i++)
        dx[i] += NAS_REFERENCE(slope)(call->options, x[i],
                                      (NAS_REAL)nas__label_number(call->labels, i)) /
                 (NAS_REAL)(outputs * call->n);
}

#endif
