/* op_harness.h - runs any operator on a device against its double reference, from the operator's own sample cases.
 *
 * A *way* says how the operator is embedded: how its inputs are read, whether dz is formed on load, what happens to the gradient.
 * What an operator does not fuse is left out, so every way works for every operator.
 *
 *     op_check(device, op, &op->cases[0], &op_ways[2], &(op_tolerance){.forward = 1e-5, .backward = 1e-5});
 *
 * Tolerances are relative to the largest entry of the expected tensor.
 */
#ifndef OP_HARNESS_H
#define OP_HARNESS_H

#include <clnas/ops.h>

typedef struct op_way {
    const char *name;
    bool affine; /* inputs have scale and shift */
    nas_activation
        activation;   /* of the reading edges (without affine only where the op allows it) */
    bool forms;       /* dz = a·G + b·z + d */
    bool accumulates; /* G has content before */
    bool reduces;     /* R0 and R1 wanted */
    bool statistics;  /* of the output wanted */
    bool evaluates;   /* not training: forward only */
    bool clblast;
} op_way;

/* raw; affine, accumulating; affine + relu with everything; affine + silu with everything; evaluation.  Ends with a NULL name. */
extern const op_way op_ways[];

typedef struct op_tolerance {
    double forward, backward;
} op_tolerance;

/* Forward and backward on the device against the double reference; fails the running cmocka test with op, case and way named. */
void op_check(nas_device *device, const nas_op *op, const nas_op_case *sample, const op_way *way,
              const op_tolerance *tolerance);
/* The double reference's gradients against central differences of the double reference. */
void op_check_derivative(const nas_op *op, const nas_op_case *sample);
/* CLNAS_TEST_SMALL is set and this case is larger than an instruction-level simulator should see. */
bool op_case_is_skipped(const nas_op_case *sample);
/* The options of a case, in `instance` (NAS_OPTIONS_SIZE bytes, aligned for double). */
void op_options(const nas_op *op, const char *text, void *instance);

#endif
