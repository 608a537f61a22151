/* gdas.c - GDAS: one operation of each edge is sampled, the gradient is that of the soft sample.
 *
 * Dong and Yang, 1910.04465.  Forward, the winner of a noisy softmax has gate 1 and the others 0; backward, the gradient by the
 * gates is handed to the softmax as if it had been the gate (straight-through Gumbel, 1611.01144).  A sample serves a whole
 * batch; the temperature falls linearly by epoch.
 *
 * Nothing but the winner of each edge runs, in α's step and in that of the weights.  As in the authors' code the losers are numbers, 0, that
 * are added: the gradient by the gate of one that lost is the sum of the node's.  Weights, momentum and decay of a loser stay as
 * they are.  The host must know who won to leave the others out, so it reads the gates once they are drawn: each of the two phases of
 * a step waits for the device (host/eval/relaxation.c, docs/decisions/0013-paths-are-read-back.md).
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
