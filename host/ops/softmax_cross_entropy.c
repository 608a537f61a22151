/* softmax_cross_entropy.c - the loss of classification: softmax, cross-entropy, label smoothing, and the accuracy's count.
 *
 * The input is a vector of one logit per class.  Labels are classes; `weighted`, a second row has what each sample counts.  `out` (where there is one) receives the loss of each sample; the metrics slot
 * that the step block names receives (loss sum, correct, real samples, 0); the gradient is that of the mean over the
 * real samples.  Correct means: the largest logit, the first of several, is the label's.  Formulas: cl/softmax_cross_entropy.cl.
 * Paper of the smoothing: arXiv 1512.00567.
 *
 * A graph may have losses beside that of its output, of heads in its middle (arXiv 1409.4842): behind the output, with `auxiliary` as
 * their weight.  They give gradients in training and no metrics (nas_net_options.auxiliary).
 */
#ifndef NAS_REAL
#include "loss.h"
#include "op.h"
#include "reference.h"

#include <math.h>

typedef struct loss_options {
    double label_smoothing, auxiliary;
    bool weighted;
} loss_options;

static const nas_option option_table[] = {
    {"label_smoothing", NAS_OPTION_REAL, offsetof(loss_options, label_smoothing), "0", 0, 0.99,
     NULL, "share of the target that is spread evenly over all classes, in training"},
    {"auxiliary", NAS_OPTION_REAL, offsetof(loss_options, auxiliary), "0", 0, 100, NULL,
     "0: the network's own loss; else one of a head beside it, times this, in training alone"},
    {"weighted", NAS_OPTION_BOOL, offsetof(loss_options, weighted), "false", 0, 0, NULL,
     "samples count by their second row of labels, not all the same"},
    {.name = NULL},
};

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    (void)options, (void)count;
    return nas__loss_infer("softmax_cross_entropy", in[0], out);
}

static int labels(const void *options, nas_shape in, nas_label *first, nas_label *others)
{
    const loss_options *o = options;
    (void)in;
    *first = NAS_LABEL_CLASS;
    *others = NAS_LABEL_NUMBER;
    return o->weighted ? 2 : 1;
}

static void cost(const void *options, const nas_shape *in, int count, nas_shape out, nas_cost *cost)
{
    (void)options, (void)in, (void)count, (void)out;
    *cost = (nas_cost){.bytes = sizeof(float)};
}

/* Evaluation is by the plain loss. */
static double smoothing_of(const loss_options *o, bool training)
{
    return training ? o->label_smoothing : 0;
}

static double weight_of(const loss_options *o)
{
    return o->auxiliary > 0 ? o->auxiliary : 1;
}

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    sizes->reduction_parts[0] = call->n / 16;
    sizes->scratch = 2 * (uint64_t)(call->n / 16);
    sizes->saved = (uint64_t)call->n; /* ln Σ exp of each sample */
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const loss_options *o = call->options;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->labels);
    nas__push_tensor(&arguments, call->step);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->saved);
    nas__push_tensor(&arguments, call->scratch);
    nas__push_int(&arguments, call->in_shape[0].c);
    nas__push_int(&arguments, call->n);
    nas__push_int(&arguments, call->first);
    nas__push_float(&arguments, (float)smoothing_of(o, call->training));
    nas__push_float(&arguments, (float)weight_of(o));
    nas__push_int(&arguments, o->weighted);
    nas__push_int(&arguments, call->out.buffer != NULL);
    NAS_TRY(nas__stream_launch(tape, "softmax_cross_entropy", "loss_forward",
                               nas__curved_define(nas__is_curved(call->in[0].activation)),
                               call->n / 16, 1, &arguments));
    if (o->auxiliary > 0)
        return NAS_OK;
    return nas__loss_finish(call, "softmax_cross_entropy", tape);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const loss_options *o = call->options;
    if (!call->into[0].g.buffer)
        return NAS_OK;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->labels);
    nas__push_tensor(&arguments, call->step);
    nas__push_tensor(&arguments, call->saved);
    nas__push_stream_into(&arguments, &call->into[0]);
    nas__push_int(&arguments, call->in_shape[0].c);
    nas__push_int(&arguments, call->n);
    nas__push_int(&arguments, call->first);
    nas__push_float(&arguments, (float)smoothing_of(o, true));
    nas__push_float(&arguments, (float)weight_of(o));
    nas__push_int(&arguments, o->weighted);
    return nas__stream_launch(tape, "softmax_cross_entropy", "loss_backward",
                              nas__curved_define(nas__is_curved(call->in[0].activation)),
                              call->n / 16, 1, &arguments);
}

static const nas_op_case cases[] = {
    {"", 5, 1, {{10, 1, 1}}},
    {"label_smoothing = 0.1", 19, 1, {{7, 1, 1}}},
    {"", 1, 1, {{2, 1, 1}}},
    {"label_smoothing = 0.05", 33, 1, {{100, 1, 1}}},
    {"weighted = true; label_smoothing = 0.1", 18, 1, {{5, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "softmax_cross_entropy.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "softmax_cross_entropy.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_softmax_cross_entropy = {
    .kind = {"softmax_cross_entropy", "softmax and cross-entropy against the labels",
             "arXiv 1512.00567 (label smoothing)", sizeof(loss_options), option_table},
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

/* ln Σ exp over the classes of one sample. */
static NAS_REAL NAS_REFERENCE(log_sum)(const nas_reference_call *call, int sample)
{
    const NAS_REAL *x = call->in[0];
    const int classes = call->in_shape[0].c, n = call->n;
    double most = x[sample], sum = 0;
    for (int k = 1; k < classes; k++)
        most = fmax(most, x[k * n + sample]);
    for (int k = 0; k < classes; k++)
        sum += exp(x[k * n + sample] - most);
    return (NAS_REAL)(most + log(sum));
}

static NAS_REAL NAS_REFERENCE(target)(const nas_reference_call *call, int k, int sample)
{
    const loss_options *o = call->options;
    const NAS_REAL smoothing = (NAS_REAL)smoothing_of(o, call->training);
    return (call->labels[sample] == k ? 1 - smoothing : 0) +
           smoothing / (NAS_REAL)call->in_shape[0].c;
}

/* What a sample counts. */
static NAS_REAL NAS_REFERENCE(weight)(const nas_reference_call *call, int sample)
{
    const loss_options *o = call->options;
    const NAS_REAL own =
        o->weighted ? (NAS_REAL)nas__label_number(call->labels, call->n + sample) : 1;
    return (NAS_REAL)weight_of(o) * own;
}

static NAS_REAL NAS_REFERENCE(is_right)(const nas_reference_call *call, int sample)
{
    const NAS_REAL *x = call->in[0];
    int best = 0;
    for (int k = 1; k < call->in_shape[0].c; k++)
        if (x[k * call->n + sample] > x[best * call->n + sample])
            best = k;
    return best == call->labels[sample] ? 1 : 0;
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const NAS_REAL *x = call->in[0];
    for (int sample = 0; sample < call->n; sample++) {
        NAS_REAL loss = 0, lse = NAS_REFERENCE(log_sum)(call, sample);
        for (int k = 0; k < call->in_shape[0].c; k++)
            loss += NAS_REFERENCE(target)(call, k, sample) * (lse - x[k * call->n + sample]);
        ((NAS_REAL *)call->out)[sample] = NAS_REFERENCE(weight)(call, sample) * loss;
        if (call->scores)
            ((NAS_REAL *)call->scores)[sample] = NAS_REFERENCE(is_right)(call, sample);
    }
}

/* Of the mean over the samples, whatever out_gradient says: a loss is the last node. */
static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const NAS_REAL *x = call->in[0];
    NAS_REAL *dx = call->in_gradients[0];
    for (int sample = 0; dx && sample < call->n; sample++) {
        const NAS_REAL lse = NAS_REFERENCE(log_sum)(call, sample);
        for (int k = 0; k < call->in_shape[0].c; k++) {
            const int i = k * call->n + sample;
            const NAS_REAL p = (NAS_REAL)exp((double)(x[i] - lse));
            dx[i] += NAS_REFERENCE(weight)(call, sample) *
                     (p - NAS_REFERENCE(target)(call, k, sample)) / (NAS_REAL)call->n;
        }
    }
}

#endif
