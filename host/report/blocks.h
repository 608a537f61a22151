/* blocks.h - a network's graph as people read it: one block per layer or cell.  Private to host/report; knows no SVG. */
#ifndef CLNAS_REPORT_BLOCKS_H
#define CLNAS_REPORT_BLOCKS_H

#include <clnas/space.h>

enum {
    NAS__BLOCKS_DETAILED = 40, /* more are taken together between places that few lines pass */
    NAS__BLOCKS_DRAWN = 96,    /* and of more than these the middle becomes one */
};

typedef struct nas__block {
    char title[80];  /* "conv 3x3, stride 2" */
    nas_shape shape; /* of its output */
    nas_cost cost;
    int cell;        /* of the sketch; −1: none */
    int count;       /* of equal blocks in a row that it stands for */
    int nodes, last; /* of the graph: how many, and the last one */
} nas__block;

typedef struct nas__block_edge {
    int from, to;
} nas__block_edge;

typedef struct nas__blocks {
    nas__block *items;
    nas__block_edge *edges; /* each pair once, from < to */
    int *of_node;           /* the block of each node up to the output */
    int count, edge_count, node_count;
    bool taken_together; /* blocks between two places that few lines pass are one */
    int left_out;        /* blocks that the middle one stands for; 0: all are there */
} nas__blocks;

/* By the sketch's parts; without them, operators that only say how a value is read (norms, activations) go to the one that
 * computes it.  Costs add up to nas_graph_cost. */
nas_status nas__blocks_make(const nas_graph *graph, const nas_sketch *sketch, nas__blocks *blocks);
void nas__blocks_clear(nas__blocks *blocks);
/* Copies of one cell in a row become one block. */
void nas__blocks_fold_cells(nas__blocks *blocks);
/* Each block reads the one before it (and perhaps others). */
bool nas__blocks_in_a_row(const nas__blocks *blocks);
/* "conv2d 3x3, stride 2, relu" of a single node; for hovers and titles. */
void nas__node_words(const nas_graph *graph, int node, nas_text *text);

#endif
