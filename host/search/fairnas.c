/* fairnas.c - FairNAS: like spos, with every choice trained equally often.
 *
 * Chu, Zhang and Xu, 1907.01845.  A step is several passes over one batch.  In each, every edge takes another of its choices, by
 * a permutation of its own; the gradients add up and the weights move once.  So no operation is ahead because it was drawn more often.
 * Permutations are drawn anew for each step.
 *
 * Departure: where the space uses only some edges (two per node in `cell`) an architecture drawn uniformly says which.
 * Read next: sharing.c, host/eval/sampling.c. */
#include "sharing.h"

NAS__SHARING_STRATEGY(fairnas, "like spos, with every choice of an edge trained in every step",
                      "arXiv 1907.01845");
