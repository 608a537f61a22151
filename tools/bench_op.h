/* bench_op.h - one call of an operator on a device, with all its tensors, as a training step makes it: for clnas-bench ops. */
#ifndef NAS_TOOLS_BENCH_OP_H
#define NAS_TOOLS_BENCH_OP_H

#include <clnas/ops.h>

/* What is timed.  Operators with trained parameters have their two gradients told apart, the others have one backward pass. */
typedef enum bench_pass {
    BENCH_FORWARD,
    BENCH_BACKWARD,
    BENCH_INTO_INPUTS,
    BENCH_INTO_WEIGHTS
} bench_pass;
extern const char *const bench_pass_names[];

typedef struct bench_op {
    const nas_op *op;
    nas_op_call call;
    nas_cost cost; /* of a sample */
    nas_parameter parameters[NAS_OP_PARAMETERS];
    int parameter_count;
    union {
        unsigned char bytes[NAS_OPTIONS_SIZE];
        double align;
    } options;
    nas_buffer *buffer;
    uint64_t used;
} bench_op;

/* `options` in config notation.  Close it also after a failure. */
nas_status bench_op_open(nas_device *device, const nas_op *op, const char *options, int batch,
                         const nas_shape *in, int count, bool clblast, bench_op *b);
void bench_op_close(bench_op *b);
/* Its passes, forward first; returns how many. */
int bench_op_passes(const bench_op *b, bench_pass passes[3]);
nas_status bench_op_record(const bench_op *b, bench_pass pass, nas_tape *tape);
/* Bytes that the pass cannot do without, and its multiply-adds. */
double bench_op_bytes(const bench_op *b, bench_pass pass);
double bench_op_macs(const bench_op *b, bench_pass pass);

#endif
