/* diagram.h - pictures of networks: cells, stacks of cells, rows of layers, and any other graph.  Private to host/report.
 *
 *     nas__diagram_network(domain, &arch, alone, &svg)    the cells, where the space has them, and what is made of them
 *     nas__diagram_cells(domain, &arch, alone, &svg)      the cells alone
 *
 * `alone` and the text as in drawing.h: on failure nothing was added.  Whoever rests the pointer on a block reads its shape,
 * parameters, multiply-accumulates and operators with their options.
 */
#ifndef CLNAS_REPORT_DIAGRAM_H
#define CLNAS_REPORT_DIAGRAM_H

#include <clnas/space.h>

nas_status nas__diagram_network(const nas_domain *domain, const nas_arch *arch, bool alone,
                                nas_text *svg);
/* NAS_CONFIG: this space's networks are not made of cells. */
nas_status nas__diagram_cells(const nas_domain *domain, const nas_arch *arch, bool alone,
                              nas_text *svg);

#endif
