/* latency.h - what each choice of a supernet costs in time, from a table (latency.c). */
#ifndef NAS_EVAL_LATENCY_H
#define NAS_EVAL_LATENCY_H

#include <clnas/eval.h>

/* Reads a table for a supergraph of this hash.  `seconds` [table->choices] is the caller's to free.  NAS_DATA with file:line when it
 * is not one: see nas_latency_write for what it looks like. */
nas_status nas__latency_read(const char *path, const nas_gate_table *table, uint64_t graph_hash,
                             double **seconds);
/* Σ over the rows of the mean by `weights` [table->choices], which need not sum up to 1 in a row; NULL: of equal shares. */
double nas__latency_expected(const nas_gate_table *table, const double *seconds,
                             const float *weights);
/* Of a path: a choice for each row, −1: none. */
double nas__latency_of_path(const nas_gate_table *table, const double *seconds,
                            const int choices[NAS_GATE_ROWS]);

/* What λ·(E[latency] − reference)/reference charges for each choice, [table->choices]; reference 0: that of equal shares.  NAS_DATA when
 * it is no time at all. */
nas_status nas__latency_costs(const nas_gate_table *table, const double *seconds, double weight,
                              double reference, float *costs);

#endif
