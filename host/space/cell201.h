/* cell201.h - what the files of the space `cell201` share: cell201.c (rows and networks), cell201_words.c and cell201_supergraph.c. */
#ifndef NAS_SPACE_CELL201_H
#define NAS_SPACE_CELL201_H

#include "cells.h"
#include "supergraph.h"

enum {
    NAS__CELL201_NONE,
    NAS__CELL201_SKIP,
    NAS__CELL201_CONV_1X1,
    NAS__CELL201_CONV_3X3,
    NAS__CELL201_AVG_POOL
};
#define NAS__CELL201_OPS "none|skip_connect|nor_conv_1x1|nor_conv_3x3|avg_pool_3x3"
enum { NAS__CELL201_NODES = 4, NAS__CELL201_EDGES = 6 };

typedef struct nas__cell201_options {
    int64_t cells, channels;
    nas_int_list op;
    int dead;
} nas__cell201_options;

typedef struct nas__cell201 {
    const nas__cell201_options *options;
    nas_shape input;
    int classes;
} nas__cell201;

/* The edge from node `from` to node `to`: its gene, and its row of gates. */
int nas__cell201_edge(int from, int to);
/* The operation of each edge of a row. */
void nas__cell201_read(const nas__cell201 *c, const nas_arch *arch, int ops[NAS__CELL201_EDGES]);
/* The row of six operations; NAS_CONFIG when one of them is no choice. */
nas_status nas__cell201_write(const nas__cell201 *c, const int ops[NAS__CELL201_EDGES],
                              nas_arch *arch);
/* Any operation but none. */
nas_status nas__cell201_operation(nas__build *build, nas__value *value, int op);

/* What the cells of a network contain; `cell` turns its input into its output. */
typedef struct nas__cell201_content {
    nas_status (*cell)(const nas__cell201 *c, const void *content, nas__build *build,
                       nas__value *value);
    const void *content;
    const char *norm;   /* of the cells' norms, as in nas__build */
    nas_sketch *sketch; /* gets the parts; NULL: nobody asks */
} nas__cell201_content;

/* Stem, three stages of cells, head into a zeroed graph. */
nas_status nas__cell201_network(const nas__cell201 *c, const nas__cell201_content *content,
                                nas_graph *graph);

/* ---- cell201_words.c ------------------------------------------------------------------------------------ */

void nas__cell201_describe(const void *state, const nas_arch *arch, nas_text *text);
nas_status nas__cell201_parse(const void *state, const char *text, nas_arch *arch);
void nas__cell201_describe_choice(const void *state, int gene, int choice, nas_text *text);
/* Adds the cell of six operations. */
void nas__cell201_sketch_cell(const int *ops, nas_sketch *sketch);

/* ---- cell201_supergraph.c ------------------------------------------------------------------------------- */

nas_status nas__cell201_supergraph(const void *state, const nas_supergraph_options *options,
                                   nas_graph *graph, nas_gate_table *table);
void nas__cell201_derive(const void *state, const nas_gate_table *table, const float *weights,
                         nas_arch *arch);
nas_status nas__cell201_path(const void *state, const nas_gate_table *table, const nas_arch *arch,
                             int choices[NAS_GATE_ROWS]);

#endif
