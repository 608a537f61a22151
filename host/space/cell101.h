/* cell101.h - what the files of the space `cell101` share: cell101.c (rows and networks) and cell101_words.c; the cells themselves are
 * in cell101_graph.h. */
#ifndef NAS_SPACE_CELL101_H
#define NAS_SPACE_CELL101_H

#include "cell101_graph.h"
#include "cells.h"

enum { NAS__CELL101_EDGES = 9 };
#define NAS__CELL101_OP_NAMES "conv3x3|conv1x1|maxpool3x3"

typedef struct nas__cell101_options {
    int64_t vertices, edges, stem, stacks, cells;
} nas__cell101_options;

typedef struct nas__cell101_space {
    const nas__cell101_options *options;
    nas_shape input;
    int classes, vertices;
} nas__cell101_space;

/* The cell of a row, pruned and numbered; without a path the output alone, which reads nothing. */
nas__cell101 nas__cell101_of(const nas__cell101_space *c, const nas_arch *arch);
/* Vertex and source of a gene; −1: it is the vertex's operation. */
int nas__cell101_source(const nas__cell101_space *c, int gene, int *vertex);

/* ---- cell101_words.c ------------------------------------------------------------------------------------ */

void nas__cell101_describe(const void *state, const nas_arch *arch, nas_text *text);
void nas__cell101_describe_gene(const void *state, int gene, nas_text *text);
void nas__cell101_describe_choice(const void *state, int gene, int choice, nas_text *text);
/* Adds the cell, which is pruned. */
void nas__cell101_sketch_cell(const nas__cell101 *cell, nas_sketch *sketch);

#endif
