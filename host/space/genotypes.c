/* genotypes.c - published cells, as their authors' repositories write them down.
 *
 * DARTS_V1 (first order), DARTS_V2 (second order): arXiv 1806.09055, quark0/darts.  PC_DARTS_cifar, PC_DARTS_image: arXiv
 * 1907.05737, yuhuixu1993/PC-DARTS.  PDARTS: arXiv 1904.12760, chenxin061/pdarts.  NASNet (NASNet-A, arXiv 1707.07012) and
 * AmoebaNet (AmoebaNet-A, arXiv 1802.01548) as quark0/darts writes them: its operations and its macro network, so they are
 * comparable with the others and not bit for bit the networks of those papers.
 *
 * One row per cell, first the normal one; per node two pairs {operation, input}. */
#include "cells.h"

enum {
    MAX = NAS__CELL_MAX_POOL,
    AVG = NAS__CELL_AVG_POOL,
    SKIP = NAS__CELL_SKIP,
    SEP3 = NAS__CELL_SEP_3X3,
    SEP5 = NAS__CELL_SEP_5X5,
    SEP7 = NAS__CELL_SEP_7X7,
    DIL3 = NAS__CELL_DIL_3X3,
    DIL5 = NAS__CELL_DIL_5X5,
    C717 = NAS__CELL_7X1_1X7,
};

/* clang-format off */
const nas__genotype nas__genotypes[] = {
    {"DARTS_V1", 4, false,
     {{{SEP3, 1}, {SEP3, 0}}, {{SKIP, 0}, {SEP3, 1}}, {{SKIP, 0}, {SEP3, 1}}, {{SEP3, 0}, {SKIP, 2}}},
     {{{MAX, 0}, {MAX, 1}}, {{SKIP, 2}, {MAX, 0}}, {{MAX, 0}, {SKIP, 2}}, {{SKIP, 2}, {AVG, 0}}}},
    {"DARTS_V2", 4, false,
     {{{SEP3, 0}, {SEP3, 1}}, {{SEP3, 0}, {SEP3, 1}}, {{SEP3, 1}, {SKIP, 0}}, {{SKIP, 0}, {DIL3, 2}}},
     {{{MAX, 0}, {MAX, 1}}, {{SKIP, 2}, {MAX, 1}}, {{MAX, 0}, {SKIP, 2}}, {{SKIP, 2}, {MAX, 1}}}},
    {"PC_DARTS_cifar", 4, false,
     {{{SEP3, 1}, {SKIP, 0}}, {{SEP3, 0}, {DIL3, 1}}, {{SEP5, 0}, {SEP3, 1}}, {{AVG, 0}, {DIL3, 1}}},
     {{{SEP5, 1}, {MAX, 0}}, {{SEP5, 1}, {SEP5, 2}}, {{SEP3, 0}, {SEP3, 3}}, {{SEP3, 1}, {SEP3, 2}}}},
    {"PC_DARTS_image", 4, false,
     {{{SKIP, 1}, {SEP3, 0}}, {{SEP3, 0}, {SKIP, 1}}, {{SEP3, 1}, {SEP3, 3}}, {{SEP3, 1}, {DIL5, 4}}},
     {{{SEP3, 0}, {SKIP, 1}}, {{DIL5, 2}, {MAX, 1}}, {{SEP3, 2}, {SEP3, 1}}, {{SEP5, 0}, {SEP3, 3}}}},
    {"PDARTS", 4, false,
     {{{SKIP, 0}, {DIL3, 1}}, {{SKIP, 0}, {SEP3, 1}}, {{SEP3, 1}, {SEP3, 3}}, {{SEP3, 0}, {DIL5, 4}}},
     {{{AVG, 0}, {SEP5, 1}}, {{SEP3, 0}, {DIL5, 2}}, {{MAX, 0}, {DIL3, 1}}, {{DIL3, 1}, {DIL5, 3}}}},
    {"NASNet", 5, true,
     {{{SEP5, 1}, {SEP3, 0}}, {{SEP5, 0}, {SEP3, 0}}, {{AVG, 1}, {SKIP, 0}}, {{AVG, 0}, {AVG, 0}}, {{SEP3, 1}, {SKIP, 1}}},
     {{{SEP5, 1}, {SEP7, 0}}, {{MAX, 1}, {SEP7, 0}}, {{AVG, 1}, {SEP5, 0}}, {{SKIP, 3}, {AVG, 2}}, {{SEP3, 2}, {MAX, 1}}}},
    {"AmoebaNet", 5, true,
     {{{AVG, 0}, {MAX, 1}}, {{SEP3, 0}, {SEP5, 2}}, {{SEP3, 0}, {AVG, 3}}, {{SEP3, 1}, {SKIP, 1}}, {{SKIP, 0}, {AVG, 1}}},
     {{{AVG, 0}, {SEP3, 1}}, {{MAX, 0}, {SEP7, 2}}, {{SEP7, 0}, {AVG, 1}}, {{MAX, 0}, {MAX, 1}}, {{C717, 0}, {SEP3, 5}}}},
    {.name = NULL},
};
/* clang-format on */
