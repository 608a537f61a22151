/* supergraph.h - for spaces that have a supernet: the table of gates, sums of candidates, and channels that go around them. */
#ifndef NAS_SPACE_SUPERGRAPH_H
#define NAS_SPACE_SUPERGRAPH_H

#include "parts.h"

/* ---- rows ------------------------------------------------------------------------------------------------- */

/* A row behind the others: the caller says choices, none, skip and group.  What a space's options can ask for fits NAS_GATE_ROWS. */
void nas__gate_table_add(nas_gate_table *table, nas_gate_row row);
/* Behind the last row: with `partial`, each gets a gate for what goes around it. */
void nas__gate_table_finish(nas_gate_table *table, bool partial);
/* The first of the largest weights of a row, of its choices from `from` on. */
int nas__gate_row_best(const nas_gate_row *row, const float *weights, int from);

/* ---- sums ------------------------------------------------------------------------------------------------- */

enum { NAS__SUMMANDS = 160 };

/* Candidates and the gates that weigh them. */
typedef struct nas__summands {
    nas__value values[NAS__SUMMANDS];
    int gates[NAS__SUMMANDS];
    int count;
} nas__summands;

void nas__summands_add(nas__summands *sum, nas__value value, int gate);
/* Σ gate·value: an operator `mixed`; more summands than it takes become several that are added. */
nas_status nas__build_mixed(nas__build *build, const nas__summands *sum, nas__value *mixed);

/* ---- partial channels (arXiv 1907.05737) ---------------------------------------------------------------- */

/* The first 1/partial of a state's channels, which go through the operations, and the others, which go around them: as they are, or
 * the maximum of each 2×2 where the edge's stride is 2.  With partial = 1 all are `inner`, and `outer` means nothing. */
nas_status nas__partial_split(nas__build *build, nas__value state, int partial, int stride,
                              nas__value *inner, nas__value *outer);
/* `*node`, what came out of the operations, and the sum of what went around, side by side and shuffled.  The shuffle that follows
 * each edge is done once behind the sum, which is the same: it only moves channels.  With partial = 1 nothing. */
nas_status nas__partial_join(nas__build *build, const nas__summands *around, int partial,
                             nas__value *node);
/* NAS_CONFIG where 1/partial of the space's option `channels` is no number of channels. */
nas_status nas__partial_check(const char *space, int64_t channels, int partial);

/* What nas__build.norm says for such norms. */
const char *nas__norm_options(bool affine, bool running);

#endif
