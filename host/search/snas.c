/* snas.c - SNAS: the softmax over architecture weights is a sample of it, soft by its temperature.
 *
 * Xie, Zheng, Liu and Lin, 1812.09926.  With Gumbel noise on the weights the softmax at temperature τ is a relaxed one-hot sample
 * (the concrete distribution, 1611.00712), whose gradient is that of the softmax.  As τ falls, the supernet comes closer to
 * the networks that may be derived from it.  A sample serves a whole batch.
 *
 * Departures: weights and α have samples of their own, as in DARTS, where the paper has one set for both; no term for
 * resources.  The temperatures are those of NNI's Gumbel-DARTS.
 * Read next: oneshot.c. */
#include "oneshot.h"

static const nas_option options[] = {
    NAS__ONESHOT_ROWS("150", "0.0003", "0"),
    NAS__ONESHOT_TEMPERATURE("1.0", "0.33"),
    {0},
};

NAS__ONESHOT_STRATEGY(snas, "like darts, with a noisy softmax that becomes a sample as it cools",
                      "arXiv 1812.09926", options);
