/* op_bench.h - what the files of the operators' harness share: a bench holds an operator, a case, every tensor on the host in double and on
 * the device.
 *
 *   op_bench.c    its values, the double reference on them, and the call on the device
 *   op_compare.c  what came back, against the reference
 *   op_harness.c  the checks that tests ask for */
#ifndef OP_BENCH_H
#define OP_BENCH_H

#include "op_harness.h"

enum { OP_BUFFERS = 128 };

typedef struct op_bench {
    const nas_op *op;
    const nas_op_case *sample;
    op_way way;
    nas_device *device;
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } options;
    nas_random random;
    int n, real, inputs, parameter_count;
    nas_shape in[NAS_OP_INPUTS], out;
    nas_parameter parameter[NAS_OP_PARAMETERS];
    nas_op_sizes sizes;
    nas_step step;
    int32_t labels[2048]; /* [rows][real] */
    int label_rows;
    double *x[NAS_OP_INPUTS], *value[NAS_OP_INPUTS],
        *old[NAS_OP_INPUTS]; /* raw, as read, G before */
    double *scale[NAS_OP_INPUTS], *shift[NAS_OP_INPUTS], *mean[NAS_OP_INPUTS]; /* per channel */
    double *weight[NAS_OP_PARAMETERS];
    double *z, *g, *coefficients;
    double *in_gradient[NAS_OP_INPUTS], *weight_gradient[NAS_OP_PARAMETERS];
    double *scores; /* of losses, [real] */
    double *gate, *gate_gradient, *old_gate_gradient;
    int gate_count;
    nas_buffer *buffer[OP_BUFFERS];
    int buffer_count;
    void *block[OP_BUFFERS];
    int block_count;
} op_bench;

/* ---- op_bench.c ---- */

/* Blocks live as long as the bench. */
double *op_zeros(op_bench *b, uint64_t count);
double *op_drawn(op_bench *b, uint64_t count, double middle, double spread);
uint64_t op_elements(nas_shape shape, int n);
uint64_t op_parameter_size(const nas_parameter *parameter);

/* `device` may be NULL where only the reference runs. */
void op_bench_init(op_bench *b, nas_device *device, const nas_op *op, const nas_op_case *sample,
                   const op_way *way);
void op_bench_clear(op_bench *b);
nas_reference_call op_reference_call(op_bench *b, double *dz);
/* z, then the gradients of the values read and of the parameters. */
void op_run_reference(op_bench *b);
void op_make_call(op_bench *b, nas_op_call *call);
/* What the backward pass needs beside it. */
void op_make_gradients(op_bench *b, nas_op_call *call);

/* ---- op_compare.c: each fails the running cmocka test with op, case and way named ---- */

/* Reads a padded tensor; compares its real lanes, relative to the largest expected entry.  `pads_zero`: the others are 0. */
void op_compare_padded(op_bench *b, const char *what, nas_tensor got, const double *expected,
                       nas_shape shape, double allowed, bool pads_zero);
/* Relative to the largest expected entry, or `floor`. */
void op_compare(op_bench *b, const char *what, nas_tensor got, const double *expected,
                uint64_t count, double floor, double allowed);
void op_compare_statistics(op_bench *b, nas_tensor statistics, double allowed);
void op_compare_metrics(op_bench *b, const nas_op_call *call, double allowed);
/* With its reductions, where the way has any. */
void op_compare_input_gradient(op_bench *b, const nas_op_call *call, int k, double allowed);

#endif
