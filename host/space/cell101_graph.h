/* cell101_graph.h - the graphs of NAS-Bench-101: small directed graphs with an operation at every inner vertex. */
#ifndef NAS_SPACE_CELL101_GRAPH_H
#define NAS_SPACE_CELL101_GRAPH_H

#include <clnas/space.h>

enum { NAS__CELL101_VERTICES = 7, NAS__CELL101_OPS = 3 };

/* Vertex 0 is the input, the last one the output; edges lead from smaller to larger numbers.  ops[0] and that of the output are 0. */
typedef struct nas__cell101 {
    int vertices;
    uint8_t reads[NAS__CELL101_VERTICES]; /* bit u: there is an edge from u */
    uint8_t ops[NAS__CELL101_VERTICES];
} nas__cell101;

static inline bool nas__cell101_edge(const nas__cell101 *cell, int from, int to)
{
    return cell->reads[to] >> from & 1;
}
int nas__cell101_edges(const nas__cell101 *cell);
/* Removes the vertices that are on no path from the input to the output.  false: there is no path; the cell is left as it was. */
bool nas__cell101_prune(nas__cell101 *cell);
/* Renumbers the inner vertices of a pruned cell so that isomorphic cells become equal. */
void nas__cell101_order(nas__cell101 *cell);
/* The benchmark's graph hash of a pruned cell: equal for isomorphic cells. */
uint64_t nas__cell101_hash(const nas__cell101 *cell);
/* Channels of every vertex of a pruned cell in a network where the cell is given `in` channels and gives `out`. */
void nas__cell101_channels(const nas__cell101 *cell, int in, int out,
                           int channels[NAS__CELL101_VERTICES]);

#endif
