/* proxylessnas.c - ProxylessNAS: one path at a time is trained, two choices at a time are compared, and what they cost in time counts.
 *
 * Cai, Zhu and Han, 1812.00332.  A step of the weights draws one choice of each decision by softmax(α) and runs that path alone.
 * Every alpha.every-th step is preceded by one of α, on samples of its own: two choices of each decision are drawn, both are
 * computed, and α of these two moves by the gradient of their softmax; then both are shifted alike so that what they have of
 * the whole softmax stays what it was.  So memory and time are those of one or two paths, however many choices there are.
 *
 * With latency.table the loss of α's step is
 *
 *     loss + latency.weight · (E[latency] − reference) / reference,      E[latency] = Σ over decisions Σ_k p_k·latency_k
 *
 * with the seconds that `clnas-bench latency --choices` has measured of each choice on the device in question (section 3.2 of the paper,
 * "add#linear" in the authors' code).  A table supposes that latencies add up.  E[latency] is a curve of each epoch.
 *
 * Defaults are those of the authors' search on ImageNet: Adam 1e-3 with beta1 0 and no decay, 40 epochs of warm-up in which α
 * rests, 120 behind them, α every 5 steps.  Which of the two drawn choices is the one that counts is drawn by the softmax of the two, as in
 * that code.
 *
 * Departures: α moves before the weights of a step, from its fifth on; theirs moves behind.  Their "full_v2", which computes all
 * choices one after the other, and the search by REINFORCE are not here.
 * Read next: oneshot.c; cl/gates.cl has the formulas. */
#include "oneshot.h"

static const nas_option options[] = {
    NAS__ONESHOT_ROWS_OF("160", "0.9", "0.001", "0.0", "0.0", "40"),
    {"alpha.every", NAS_OPTION_INT, NAS__ONESHOT_AT(every), "5", 1, 100000, NULL,
     "steps of the weights for one of the architecture weights; no more than an epoch has"},
    {"latency.table", NAS_OPTION_TEXT, NAS__ONESHOT_AT(latency_table), "", 0, 0, NULL,
     "CSV file of seconds per decision and choice, from `clnas-bench latency --choices`; empty: "
     "none"},
    {"latency.weight", NAS_OPTION_REAL, NAS__ONESHOT_AT(latency_weight), "0.0", 0, 1e6, NULL,
     "of the expected latency, in multiples of the reference beyond it, in the loss"},
    {"latency.reference", NAS_OPTION_REAL, NAS__ONESHOT_AT(latency_reference), "0.0", 0, 1e6, NULL,
     "seconds that the expected latency is measured against; 0: those of equal shares"},
    {0},
};

NAS__ONESHOT_STRATEGY(
    proxylessnas,
    "a supernet of one path at a time; choices compete in pairs, by accuracy and latency",
    "arXiv 1812.00332", options);
