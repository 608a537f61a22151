/* gdas.c - GDAS: one operation of each edge is sampled, the gradient is that of the soft sample.
 *
 * Dong and Yang, 1910.04465.  Forward, the winner of a noisy softmax has gate 1 and the others 0; backward, the gradient by the
 * gates is handed to the softmax as if it had been the gate (straight-through Gumbel, 1611.01144).  A sample serves a whole
 * batch; the temperature falls linearly by epoch.
 *
 * Departures: α is moved first and weights then, as in DARTS; the authors' code has it the other way round.  Our noise is
 * never infinite, so nothing is drawn again.
 * Read next: oneshot.c. */
#include "oneshot.h"

static const nas_option options[] = {
    NAS__ONESHOT_ROWS("250", "0.0003", "0"),
    NAS__ONESHOT_TEMPERATURE("10.0", "0.1"),
    {0},
};

NAS__ONESHOT_STRATEGY(gdas, "like darts, with one operation sampled on each edge",
                      "arXiv 1910.04465", options);
