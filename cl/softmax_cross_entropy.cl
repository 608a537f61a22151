// softmax_cross_entropy.cl - the loss of classification, with label smoothing ε (arXiv 1512.00567).
//
//     loss(sample) = lse − (1 − ε)·x[label] − ε·mean(x),   lse = m + ln Σ exp(x − m),  m = max x
//     dL/dx[k]     = weight·(exp(x[k] − lse) − (1 − ε)·[k = label] − ε/classes) / real        of the mean over the real samples
//
// Logits are a vector {classes,1,1} × n; classes are few, so one work-item takes all classes of 16 samples.
// How many samples are real is in the step block (the last batch of an evaluation is short); the others count for nothing.  Sample 0
// is number `first` of the batch.
//
//   loss_forward   weight·loss per sample to `losses`, lse to `saved`, (loss sum, correct) per strip to `scratch`; global size n/16
//   loss_finish    adds the strips in order, writes metrics[slot] = loss sum, correct, real, 0; global size 1
//   loss_backward  into the logits; global size n/16
#include "stream.clh"
#include "step.clh"

// logit = class k of LANES samples, read through the affine and activation of x
#define READ_LOGIT(logit, k)                                                                       \
    const edge e_##logit = EDGE(x, x_scale_home + x_scale_at, x_shift_home + x_shift_at, (k));     \
    const lanes logit = edge_value(lanes_load(x_home + x_at + (size_t)(k) * n + sample), e_##logit)

#define LABELS(pointer) (*(__global const lanes_int *)(pointer))

__kernel void loss_forward(STREAM_READ_ARGUMENTS(x), READS_OF(int, labels), READS_OF(step_block, step),
                           WRITES(losses), WRITES(saved), WRITES(scratch), const int classes, const int n,
                           const int first, const float smoothing, const float weight, const int wants_losses)
{
    OPEN_READ_OF(int, labels);
    OPEN_READ_OF(step_block, step);
    OPEN_WRITE(losses);
    OPEN_WRITE(saved);
    OPEN_WRITE(scratch);
    const int strip_index = get_global_id(0), real = (int)step->real - first;
    lanes loss_part[PARTS], correct_part[PARTS];
    for (int j = 0; j < PARTS; j++) {
        const int sample = strip_index * 16 + j * LANES;
        const lanes_int label = LABELS(labels + sample);
        lanes most = (lanes)(-INFINITY), sum = (lanes)0.0f, exponentials = (lanes)0.0f, own = (lanes)0.0f;
        lanes_int best = (lanes_int)(-1);
        for (int k = 0; k < classes; k++) {
            READ_LOGIT(x, k);
            best = select(best, (lanes_int)(k), x > most);
            most = fmax(most, x);
            sum += x;
            own = select(own, x, label == (lanes_int)(k));
        }
        for (int k = 0; k < classes; k++) {
            READ_LOGIT(x, k);
            exponentials += exp(x - most);
        }
        const lanes lse = most + log(exponentials);
        const lanes smooth = fma((lanes)(1.0f - smoothing), own, (lanes)(smoothing / (float)classes) * sum);
        loss_part[j] = lanes_below(lse - smooth, (lanes)0.0f, sample, real);
        correct_part[j] = lanes_below(select((lanes)0.0f, (lanes)1.0f, best == label), (lanes)0.0f, sample, real);
        lanes_store(saved + sample, lse);
        if (wants_losses)
            lanes_store(losses + sample, (lanes)weight * loss_part[j]);
    }
    scratch[2 * strip_index] = lanes_total(loss_part);
    scratch[2 * strip_index + 1] = lanes_total(correct_part);
}

__kernel void loss_finish(READS(scratch), READS_OF(step_block, step), WRITES(metrics), const int strips,
                          const int first)
{
    OPEN_READ(scratch);
    OPEN_READ_OF(step_block, step);
    __global float *slot = metrics_home + metrics_at + 4 * (size_t)step->slot;
    float loss = 0.0f, correct = 0.0f;
    for (int s = 0; s < strips; s++) {
        loss += scratch[2 * s];
        correct += scratch[2 * s + 1];
    }
    slot[0] = loss;
    slot[1] = correct;
    slot[2] = (float)clamp((int)step->real - first, 0, 16 * strips);
    slot[3] = 0.0f;
}

__kernel void loss_backward(STREAM_READ_ARGUMENTS(x), READS_OF(int, labels), READS_OF(step_block, step),
                            READS(saved), STREAM_INTO_ARGUMENTS(t), const int classes, const int n,
                            const int first, const float smoothing, const float weight)
{
    OPEN_READ_OF(int, labels);
    OPEN_READ_OF(step_block, step);
    OPEN_READ(saved);
    const int strip_index = get_global_id(0), real = (int)step->real - first;
    const float share = weight / (float)max((int)step->real, 1);
    for (int k = 0; k < classes; k++) {
        OPEN_STREAM_INTO(t, k, (size_t)n);
        for (int j = 0; j < PARTS; j++) {
            const int sample = strip_index * 16 + j * LANES;
            const lanes wanted =
                select((lanes)(smoothing / (float)classes), (lanes)(1.0f - smoothing + smoothing / (float)classes),
                       LABELS(labels + sample) == (lanes_int)(k));
            READ_LOGIT(x, k);
            const lanes v = (exp(x - lanes_load(saved + sample)) - wanted) * share;
            STREAM_HAND(t, lanes_below(v, (lanes)0.0f, sample, real), sample, j);
        }
        CLOSE_STREAM_INTO(t, k, strip_index, (int)get_global_size(0));
    }
}
