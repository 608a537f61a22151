/* schedule.c - the learning rate of a step, as a function of the step's number alone.
 *
 * Closed forms rather than recurrences: a training that is resumed at any step has the rates it
 * would have had, and the schedule spans the whole of `epochs` whatever part of it is run now.
 * Cosine and restarts after Loshchilov and Hutter, "SGDR", arXiv 1608.03983; warm-up after Goyal et
 * al., arXiv 1706.02677. */
#include <clnas/train.h>

#include <math.h>

static const double PI = 3.14159265358979323846;

/* From the top at share 0 to min_lr at share 1. */
static double cosine(const nas_train_options *options, double share)
{
    return options->min_lr + (options->lr - options->min_lr) * 0.5 * (1 + cos(PI * share));
}

static double steps_down(const nas_train_options *options, double share)
{
    double lr = options->lr;
    for (int i = 0; i < options->milestones.count; i++)
        if (share >= options->milestones.item[i])
            lr *= options->gamma;
    return fmax(lr, options->min_lr);
}

/* Share of the period that `step` falls into; periods grow by restart_factor. */
static double restart_share(const nas_train_options *options, double step, double steps_per_epoch,
                            double rest)
{
    double period = options->restart > 0 ? options->restart * steps_per_epoch : rest;
    double factor = fmax(options->restart_factor, 1);
    while (step >= period) {
        step -= period;
        period *= factor;
    }
    return step / period;
}

double nas_schedule_lr(const nas_train_options *options, uint64_t step, uint64_t steps_per_epoch)
{
    const double each = (double)steps_per_epoch, all = (double)options->epochs * each;
    const double warmup = fmin(floor(options->warmup * each + 0.5), all), now = (double)step;
    if (now < warmup)
        return options->lr * (now + 1) / warmup;
    const double rest = fmax(all - warmup, 1), after = now - warmup;
    const double share = fmin(after / rest, 1);
    switch (options->schedule) {
    case NAS_SCHEDULE_STEP:
        return steps_down(options, now / fmax(all, 1)); /* milestones are shares of all epochs */
    case NAS_SCHEDULE_COSINE:
        return cosine(options, share);
    case NAS_SCHEDULE_COSINE_RESTART:
        return cosine(options, restart_share(options, after, each, rest));
    case NAS_SCHEDULE_LINEAR:
        return options->lr + (options->min_lr - options->lr) * share;
    default:
        return options->lr;
    }
}
