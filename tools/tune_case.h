/* tune_case.h - one call of an operator with random tensors, as a training step makes it: what clnas-tune runs candidates on.
 *
 *     tune_case c;
 *     tune_case_make(device, op, options, shape, batch, &c);      the device's table may change from call to call
 *     tune_case_run(&c, NAS_PASS_FORWARD, NULL, 0, &seconds);      ...
 *     tune_case_clear(&c);
 *
 * The input is read through scale, shift and ReLU, statistics are written, dz is formed on load, the gradient goes back through ReLU with
 * R0 and R1: all that batch norm needs. */
#ifndef NAS_TOOLS_TUNE_CASE_H
#define NAS_TOOLS_TUNE_CASE_H

#include <clnas/ops.h>

typedef struct tune_case {
    nas_device *device;
    const nas_op *op;
    _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE];
    nas_op_call call;    /* shapes; tensors as of the last recording */
    uint64_t weights;    /* floats of parameter 0 */
    uint64_t given_size; /* floats */
    nas_buffer *given;   /* what passes read, never written */
    nas_buffer *made;    /* what they write, laid out anew at each recording */
    uint64_t made_size;
} tune_case;

/* `options` is an instance of the op's options, copied. */
nas_status tune_case_make(nas_device *device, const nas_op *op, const void *options, nas_shape in,
                          int batch, tune_case *c);
void tune_case_clear(tune_case *c);

/* What a pass wrote, one behind the other: floats; `parts` of them at the end are statistics or reductions, by part. */
typedef struct tune_result {
    float *values;
    uint64_t count, parts;
} tune_result;
void tune_result_clear(tune_result *result);
bool tune_same_bits(const tune_result *a, const tune_result *b);
/* The largest difference as a share of the largest value, parts left out; infinite for what is no number. */
double tune_difference(const tune_result *a, const tune_result *b);

/* Records the pass by the device's table, as it is now. */
nas_status tune_case_record(tune_case *c, nas_op_pass pass, nas_tape **tape);
/* Records it, runs it once and reads what it wrote. */
nas_status tune_case_result(tune_case *c, nas_op_pass pass, tune_result *result);
/* The row of a table that sends this pass to the plain kernels. */
nas_status tune_plain_row(const tune_case *c, nas_op_pass pass, nas_tuning_row *row);

#endif
