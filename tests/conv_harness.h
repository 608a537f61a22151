/* conv_harness.h - a convolution or dense layer on the device against its double reference.
 *
 * A *mode* says how the input is read, how dz is formed and how the gradient is handed back; a *problem* is a case in one mode, with its truth in
 * double.  Compared are z, the statistics merged from their parts, the input gradient, R0 and R1, weight and bias gradients.
 *
 *     conv_problem_make(&p, op, "out = 5", &conv_modes[1], 19, (nas_shape){3, 8, 8});
 *     conv_solve(&p);
 *     conv_run(&p, false);
 *     conv_problem_clear(&p);
 *
 * Tolerances are shares of the largest entry of the double result: 1e-5, float32 sums of a few thousand terms.
 */
#ifndef CONV_HARNESS_H
#define CONV_HARNESS_H

#include <clnas/ops.h>

typedef struct conv_mode {
    const char *name;
    bool affine, formed, accumulate, reduces;
    nas_activation activation;
} conv_mode;

enum { COMMON_MODES = 4, MODES = 6 };
extern const conv_mode conv_modes[MODES];

extern nas_device *conv_device; /* on which all is run */
extern uint32_t conv_stream;    /* of the random values that come next */

typedef struct conv_problem {
    const nas_op *op;
    const conv_mode *mode;
    char label[256];
    _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE];
    int batch, n;
    nas_shape in, out;
    nas_parameter parameter[NAS_OP_PARAMETERS];
    int parameters;
    uint64_t ins, outs, weight_counts[2]; /* rows of samples; floats of weight and bias */
    double *x, *scale, *shift, *a, *z, *g, *coefficients, *dz, *old, *mean, *dx, *weights[2],
        *dw[2];
} conv_problem;

/* Sizes and options; `p->label` is the caller's. */
void conv_problem_make(conv_problem *p, const nas_op *op, const char *options,
                       const conv_mode *mode, int batch, nas_shape in);
/* The truth, in double, by the op's reference and the formulas of ops.h. */
void conv_solve(conv_problem *p);
void conv_problem_clear(conv_problem *p);
nas_reference_call conv_reference_call(const conv_problem *p);
/* Forward and backward on the device, compared; fails the running cmocka test with the problem's label. */
void conv_run(conv_problem *p, bool clblast);
void conv_check_statistics(const conv_problem *p, const float *got, int parts);

/* With guard values behind it, which conv_tensor_free looks at. */
nas_tensor conv_tensor(uint64_t count);
void conv_tensor_free(nas_tensor t);
/* Writes rows of `batch` values as rows of n with `padding` in the other lanes. */
nas_tensor conv_upload(const double *values, uint64_t rows, int batch, int n, float padding);
nas_tensor conv_upload_flat(const double *values, uint64_t count);
float *conv_download(nas_tensor t); /* the caller frees it */

/* While `conv_keeping`, everything downloaded is kept as well, in order. */
extern bool conv_keeping;
extern float *conv_kept;
extern uint64_t conv_kept_count;

#endif
