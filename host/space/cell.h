/* cell.h - what the files of the space `cell` share: cell.c (rows and networks), cell_words.c and cell_supergraph.c (the supernet). */
#ifndef NAS_SPACE_CELL_H
#define NAS_SPACE_CELL_H

#include "cells.h"
#include "supergraph.h"

enum { NAS__CELL_NORMAL, NAS__CELL_REDUCE, NAS__CELL_KINDS };
enum { NAS__CELL_STATES = NAS__CELL_NODES + 2 };
enum { NAS__CELL_OUTPUT_ALL, NAS__CELL_OUTPUT_LOOSE_ENDS };

typedef struct nas__cell_options {
    int64_t nodes, cells, channels, stem_channels;
    nas_int_list op, reductions;
    int inputs, output, stem;
    bool drop_path;
    double auxiliary; /* weight of its loss; 0: there is none */
} nas__cell_options;

typedef struct nas__cell_space {
    const nas__cell_options *options;
    nas_shape input;
    int classes;
    int nodes;
    bool present[NAS__CELL_KINDS]; /* cells of the stack */
} nas__cell_space;

extern const char *const nas__cell_kind_names[NAS__CELL_KINDS];

/* One of a node's two pairs. */
nas__cell_edge nas__cell_edge_of(const nas__cell_space *s, const nas_arch *arch, int kind, int node,
                                 int pair);
void nas__cell_put_edge(const nas__cell_space *s, nas_arch *arch, int kind, int node, int pair,
                        int input, int choice);
/* Genes of a pair: which input, which operation. */
enum { NAS__CELL_GENE_INPUT, NAS__CELL_GENE_OP, NAS__CELL_PAIR };
/* The row without any effect, all 0. */
nas_arch nas__cell_blank(const nas__cell_space *s);

/* ---- networks ------------------------------------------------------------------------------------------ */

/* One cell while it is built: the two inputs, preprocessed where they are read, then the nodes. */
typedef struct nas__cell_values {
    int kind;
    bool read[NAS__CELL_STATES];
    nas__value value[NAS__CELL_STATES];
} nas__cell_values;

/* What the cells of a network contain: `reads` says which states are read, `node` adds one node. */
typedef struct nas__cell_content {
    void (*reads)(const nas__cell_space *s, void *content, nas__cell_values *cell);
    nas_status (*node)(const nas__cell_space *s, void *content, nas__build *build,
                       nas__cell_values *cell, int node);
    void *content;
    const char *norm;   /* of the cells' norms, as in nas__build */
    bool auxiliary;     /* a second classifier, where the options have a weight for it */
    nas_sketch *sketch; /* gets the parts; NULL: nobody asks */
} nas__cell_content;

/* Stem, cells and head into a zeroed graph. */
nas_status nas__cell_network(const nas__cell_space *s, const nas__cell_content *content,
                             nas_graph *graph);
/* The second classifier behind a graph whose last node is the output; it reads `node`. */
nas_status nas__cell_auxiliary(const nas__cell_space *s, nas_graph *graph, int node);
/* Of the edge from a state to a node: 2 where a reduction cell reads an input. */
int nas__cell_stride(int kind, int state);

/* cell_words.c: a row in a line; the cells of a row, those that are in the stack; which of the sketch's cells a kind is. */
void nas__cell_describe(const void *state, const nas_arch *arch, nas_text *text);
void nas__cell_sketch_cells(const nas__cell_space *s, const nas_arch *arch, nas_sketch *sketch);
const char *nas__cell_sketch_name(int kind);
int nas__cell_sketch_place(const nas__cell_space *s, int kind);
void nas__cell_describe_gene(const void *state, int gene, nas_text *text);
void nas__cell_describe_choice(const void *state, int gene, int choice, nas_text *text);

/* ---- supernet -------------------------------------------------------------------------------------------- */

nas_status nas__cell_supergraph(const void *state, const nas_supergraph_options *options,
                                nas_graph *graph, nas_gate_table *table);
void nas__cell_derive(const void *state, const nas_gate_table *table, const float *weights,
                      nas_arch *arch);
nas_status nas__cell_path(const void *state, const nas_gate_table *table, const nas_arch *arch,
                          int choices[NAS_GATE_ROWS]);

#endif
