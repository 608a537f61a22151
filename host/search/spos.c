/* spos.c - single path one-shot: a supernet trained one uniform path at a time, then a search among its architectures.
 *
 * Guo et al., 1904.00420.  Every batch trains the path of an architecture drawn uniformly; operations off the path do not run, and
 * neither decay nor momentum moves them.  Afterwards evolution (the authors': population 50, 20 generations, the best 10 as
 * parents, mutation of a gene with probability 0.1; docs/strategies.md writes it down) scores architectures with the shared weights.
 *
 * Before a score the authors take the norms' statistics anew from 200 training batches: `recalibrate` (host/eval/recalibrate.c).  It is 0
 * unless a config asks for it, since each validation batch's own statistics are cheaper; docs/results.md compares the two.
 *
 * Departures: paths are drawn uniformly from the space, not within bins of FLOPs; recalibrated statistics are the plain mean over the batches,
 * where the authors' move by a tenth of each batch, so that the last ones count most.
 * Read next: sharing.c. */
#include "sharing.h"

NAS__SHARING_STRATEGY(spos, "a supernet trained by uniform paths, then inner = { type = … } on it",
                      "arXiv 1904.00420");
