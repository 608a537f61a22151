// element_loss.cl - losses of each output by itself, in the mean over the outputs: of labels that a sample has or not, and of numbers.
//
//     kind 0, sigmoid   l = max(x, 0) − x·t + ln(1 + exp(−|x|))                  dl/dx = σ(x) − t      score: is (x > 0) = (t > ½)
//     kind 1, squared   l = e²,  e = x − t                                       dl/dx = 2·e           score: e²
//     kind 2, Huber     l = e² where |e| ≤ δ, else 2·δ·|e| − δ²                  dl/dx = 2·clamp(e, ±δ)   score: e²
//
// so that Huber's loss (Annals of Mathematical Statistics 35, 1964; twice his, to be the squared error within δ) goes to the squared error as δ
// grows.  A score is the mean over the outputs, too.
//
//   element_forward   loss per sample to `losses`, (loss sum, score sum) per strip to `scratch`; global size n/16
//   loss_finish       see loss.clh
//   element_backward  into the outputs, of the mean over the real samples; global size n/16
#include "loss.clh"

INLINE lanes element_loss(lanes x, lanes t, int kind, float delta)
{
    if (kind == 0)
        return fmax(x, (lanes)0.0f) - x * t + log((lanes)1.0f + exp(-fabs(x)));
    const lanes e = fabs(x - t), d = (lanes)delta;
    return kind == 1 ? e * e : select(fma(2.0f * d, e, -d * d), e * e, e <= d);
}

INLINE lanes element_score(lanes x, lanes t, int kind)
{
    if (kind == 0)
        return select((lanes)0.0f, (lanes)1.0f, (x > (lanes)0.0f) == (t > (lanes)0.5f));
    return (x - t) * (x - t);
}

INLINE lanes element_slope(lanes x, lanes t, int kind, float delta)
{
    if (kind == 0)
        return (lanes)1.0f / ((lanes)1.0f + exp(-x)) - t;
    const lanes e = x - t;
    return 2.0f * (kind == 1 ? e : clamp(e, (lanes)(-delta), (lanes)delta));
}

__kernel void element_forward(STREAM_READ_ARGUMENTS(x), READS_OF(int, labels), READS_OF(step_block, step),
                              WRITES(losses), WRITES(scratch), const int outputs, const int n, const int first,
                              const int kind, const float delta, const int wants_losses)
{
    OPEN_READ_OF(int, labels);
    OPEN_READ_OF(step_block, step);
    OPEN_WRITE(losses);
    OPEN_WRITE(scratch);
    const int strip_index = get_global_id(0), real = (int)step->real - first;
    const float each = 1.0f / (float)outputs;
    lanes loss_part[PARTS], score_part[PARTS];
    for (int j = 0; j < PARTS; j++) {
        const int sample = strip_index * 16 + j * LANES;
        lanes loss = (lanes)0.0f, score = (lanes)0.0f;
        for (int k = 0; k < outputs; k++) {
            READ_OUTPUT(x, k);
            const lanes t = NUMBERS(labels + (size_t)k * n + sample);
            loss += element_loss(x, t, kind, delta);
            score += element_score(x, t, kind);
        }
        loss_part[j] = lanes_below(each * loss, (lanes)0.0f, sample, real);
        score_part[j] = lanes_below(each * score, (lanes)0.0f, sample, real);
        if (wants_losses)
            lanes_store(losses + sample, loss_part[j]);
    }
    scratch[2 * strip_index] = lanes_total(loss_part);
    scratch[2 * strip_index + 1] = lanes_total(score_part);
}

__kernel void element_backward(STREAM_READ_ARGUMENTS(x), READS_OF(int, labels), READS_OF(step_block, step),
                               STREAM_INTO_ARGUMENTS(t), const int outputs, const int n, const int first,
                               const int kind, const float delta)
{
    OPEN_READ_OF(int, labels);
    OPEN_READ_OF(step_block, step);
    const int strip_index = get_global_id(0), real = (int)step->real - first;
    const float share = 1.0f / (float)outputs / (float)max((int)step->real, 1);
    for (int k = 0; k < outputs; k++) {
        OPEN_STREAM_INTO(t, k, (size_t)n);
        for (int j = 0; j < PARTS; j++) {
            const int sample = strip_index * 16 + j * LANES;
            READ_OUTPUT(x, k);
            const lanes wanted = NUMBERS(labels + (size_t)k * n + sample);
            const lanes v = share * element_slope(x, wanted, kind, delta);
            STREAM_HAND(t, lanes_below(v, (lanes)0.0f, sample, real), sample, j);
        }
        CLOSE_STREAM_INTO(t, k, strip_index, (int)get_global_size(0));
    }
}
