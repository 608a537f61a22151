/* sampling.h - paths through a supernet, drawn for each step of training (sampling.c). */
#ifndef NAS_EVAL_SAMPLING_H
#define NAS_EVAL_SAMPLING_H

#include <clnas/net.h>
#include <clnas/space.h>

typedef struct nas__sampling nas__sampling;

/* What a path is drawn for: the first counter of NAS_STREAM_PATHS. */
enum { NAS__PATHS_TRAINED, NAS__PATHS_SURVEYED, NAS__PATHS_LEARNED, NAS__PATHS_LISTED };

/* Draws an architecture, canonical and valid; NAS_BOUND: one that the supernet does not contain. */
typedef nas_status (*nas__sampling_drawer)(void *user, nas_random *random, nas_arch *arch);

/* Passes of a step over its batch: 1, or as many as a row has choices. */
int nas__sampling_passes(const nas_gate_table *table, bool fair);
/* Domain, table and net (of the table's supergraph, with options.paths) are lent.  Paths follow from (seed, epoch, step).  `fair`: a step
 * is as many passes as the rows have choices, and each trains another choice of every row. */
nas_status nas__sampling_create(const nas_domain *domain, const nas_gate_table *table, nas_net *net,
                                uint64_t seed, bool fair, nas__sampling **sampling);
void nas__sampling_destroy(nas__sampling *sampling);
/* From now on architectures come from `drawer`, not uniformly from the space. */
void nas__sampling_draw_by(nas__sampling *sampling, nas__sampling_drawer drawer, void *user);
/* Gates and path of one pass of a step; pass = passes: of all of them, for the update.  Enqueues. */
nas_status nas__sampling_step(nas__sampling *sampling, const nas_step *step, int pass);
/* Architecture `index` of those that are the same whenever they are asked for. */
nas_status nas__sampling_survey(const nas__sampling *sampling, int index, nas_arch *arch);
/* Gates and path of one architecture. */
nas_status nas__sampling_take(nas__sampling *sampling, const nas_arch *arch);
/* Which choice of each row pass `pass` of a step takes, −1: none; for tests. */
nas_status nas__sampling_draw(const nas__sampling *sampling, const nas_step *step, int pass,
                              int choices[NAS_GATE_ROWS]);
/* Gates of a path: 1 at its choices and around their rows, else 0; `gates` [table->gates]. */
void nas__path_gates(const nas_gate_table *table, const int choices[NAS_GATE_ROWS], float *gates);

#endif
