// softmax_cross_entropy.cl - the loss of classification, with label smoothing ε (arXiv 1512.00567) and class weights.
//
//     loss(sample) = w·(lse − (1 − ε)·x[label] − ε·mean(x)),   lse = m + ln Σ exp(x − m),  m = max x
//     dL/dx[k]     = weight·w·(exp(x[k] − lse) − (1 − ε)·[k = label] − ε/classes) / real        of the mean over the real samples
//
// w is 1, or the sample's second row of labels where they are weighted.
//
//   loss_forward   weight·loss per sample to `losses`, lse to `saved`, (loss sum, correct) per strip to `scratch`; global size n/16
//   loss_finish    see loss.clh
//   loss_backward  into the logits; global size n/16
#include "loss.clh"

// w of LANES samples
#define SAMPLE_WEIGHT (weighted ? NUMBERS(labels + n + sample) : (lanes)1.0f)

__kernel void loss_forward(STREAM_READ_ARGUMENTS(x), READS_OF(int, labels),
                           READS_OF(step_block, step), WRITES(losses), WRITES(saved),
                           WRITES(scratch), const int classes, const int n, const int first,
                           const float smoothing, const float weight, const int weighted,
                           const int wants_losses)
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
        lanes most = (lanes)(-INFINITY), sum = (lanes)0.0f, exponentials = (lanes)0.0f,
              own = (lanes)0.0f;
        lanes_int best = (lanes_int)(-1);
        for (int k = 0; k < classes; k++) {
            READ_OUTPUT(x, k);
            best = select(best, (lanes_int)(k), x > most);
            most = fmax(most, x);
            sum += x;
            own = select(own, x, label == (lanes_int)(k));
        }
        for (int k = 0; k < classes; k++) {
            READ_OUTPUT(x, k);
            exponentials += exp(x - most);
        }
        const lanes lse = most + log(exponentials);
        const lanes smooth =
            fma((lanes)(1.0f - smoothing), own, (lanes)(smoothing / (float)classes) * sum);
        loss_part[j] = lanes_below(SAMPLE_WEIGHT * (lse - smooth), (lanes)0.0f, sample, real);
        correct_part[j] =
            lanes_below(select((lanes)0.0f, (lanes)1.0f, best == label), (lanes)0.0f, sample, real);
        lanes_store(saved + sample, lse);
        if (wants_losses)
            lanes_store(losses + sample, (lanes)weight * loss_part[j]);
    }
    scratch[2 * strip_index] = lanes_total(loss_part);
    scratch[2 * strip_index + 1] = lanes_total(correct_part);
}

__kernel void loss_backward(STREAM_READ_ARGUMENTS(x), READS_OF(int, labels),
                            READS_OF(step_block, step), READS(saved), STREAM_INTO_ARGUMENTS(t),
                            const int classes, const int n, const int first, const float smoothing,
                            const float weight, const int weighted)
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
            const lanes wanted = select((lanes)(smoothing / (float)classes),
                                        (lanes)(1.0f - smoothing + smoothing / (float)classes),
                                        LABELS(labels + sample) == (lanes_int)(k));
            READ_OUTPUT(x, k);
            const lanes v = SAMPLE_WEIGHT * (exp(x - lanes_load(saved + sample)) - wanted) * share;
            STREAM_HAND(t, lanes_below(v, (lanes)0.0f, sample, real), sample, j);
        }
        CLOSE_STREAM_INTO(t, k, strip_index, (int)get_global_size(0));
    }
}
