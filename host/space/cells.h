/* cells.h - what the three cell spaces share: the layers that cells are made of, and the published genotypes. */
#ifndef NAS_SPACE_CELLS_H
#define NAS_SPACE_CELLS_H

#include "parts.h"

/* Any operator with one input, for what parts.h has no name for; the value gets the node's shape. */
nas_status nas__cell_then(nas__build *build, nas__value *value, const char *op, const char *options,
                          ...) NAS_PRINTF(4, 5);
/* Batch norm last, activation first, as cells want it: relu → conv2d → batch_norm. */
nas_status nas__cell_convolution(nas__build *build, nas__value *value, nas__convolution_part part);
/* Halves both sides without a strided k×k: two strided 1×1 convolutions of the pixels (0, 0) and of the pixels (1, 1) of every
 * 2×2 block, side by side (the factorized reduction of DARTS and NASNet). */
nas_status nas__cell_factorized_reduce(nas__build *build, nas__value *value, int out);

/* ---- operations of NASNet and DARTS cells ------------------------------------------------------------ */

#define NAS__CELL_OPS                                                                              \
    "max_pool_3x3|avg_pool_3x3|skip_connect|sep_conv_3x3|sep_conv_5x5|dil_conv_3x3|dil_conv_5x5|"  \
    "sep_conv_7x7|conv_7x1_1x7|conv_1x1|conv_3x3"
enum {
    NAS__CELL_MAX_POOL,
    NAS__CELL_AVG_POOL,
    NAS__CELL_SKIP,
    NAS__CELL_SEP_3X3,
    NAS__CELL_SEP_5X5,
    NAS__CELL_DIL_3X3,
    NAS__CELL_DIL_5X5,
    NAS__CELL_SEP_7X7,
    NAS__CELL_7X1_1X7,
    NAS__CELL_1X1,
    NAS__CELL_3X3,
};
/* Operation `op` with stride 1 or 2; the channels stay. */
nas_status nas__cell_operation(nas__build *build, nas__value *value, int op, int stride);

/* ---- published cells ----------------------------------------------------------------------------------- */

enum { NAS__CELL_NODES = 8 };

/* One cell: for every node two (operation, input) pairs; input 0 and 1 are the two cells before, 2 is the first node. */
typedef struct nas__cell_edge {
    int op, input;
} nas__cell_edge;
typedef struct nas__genotype {
    const char *name;
    int nodes;
    bool loose_ends; /* the output joins the nodes that no node reads; false: all nodes */
    nas__cell_edge normal[NAS__CELL_NODES][2], reduce[NAS__CELL_NODES][2];
} nas__genotype;

/* Ends with a NULL name. */
extern const nas__genotype nas__genotypes[];

#endif
