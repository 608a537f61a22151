/* darts.c - DARTS: an architecture is searched as weights are trained, by gradient descent.
 *
 * Liu, Simonyan and Yang, 1806.09055.  Every edge of a cell carries all operations at once, each times its share of a softmax over
 * architecture weights α.  Weights go down the training loss, α the loss on other samples, step by step in turn; in the end each
 * node keeps its two strongest edges with their strongest operations.
 *
 * order 1 takes the weights as they are for optimal; order 2 looks one step of the weights ahead (host/eval/unrolled.c).
 * Defaults are those of the authors' code, but for train.*, which is the config's (configs/darts.cfg).
 * Read next: oneshot.c. */
#include "oneshot.h"

static const nas_option options[] = {
    NAS__ONESHOT_ROWS("50", "0.0003", "0"),
    {"order", NAS_OPTION_INT, NAS__ONESHOT_AT(order), "1", 1, 2, NULL,
     "1: the gradient at the weights as they are; 2: after one step of theirs, by finite "
     "differences, for three times the time"},
    {0},
};

NAS__ONESHOT_STRATEGY(darts, "a supernet's operations weighed by a softmax that is trained with it",
                      "arXiv 1806.09055", options);
