/* spos.c - single path one-shot: a supernet trained one uniform path at a time, then a search among its architectures.
 *
 * Guo et al., 1904.00420.  Every batch trains the path of an architecture drawn uniformly; operations off the path do not run, and
 * neither decay nor momentum moves them.  Afterwards evolution (the authors': population 50, 20 generations, the best 10 as
 * parents, mutation of a gene with probability 0.1; docs/strategies.md writes it down) scores architectures with the shared weights.
 *
 * Departures: paths are drawn uniformly from the space, not within bins of FLOPs; norms use each validation batch's own statistics in
 * place of statistics recalibrated on training batches.
 * Read next: sharing.c. */
#include "sharing.h"

NAS__SHARING_STRATEGY(spos, "a supernet trained by uniform paths, then inner = { type = … } on it",
                      "arXiv 1904.00420");
