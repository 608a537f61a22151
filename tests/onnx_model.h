/* onnx_model.h - ONNX models made node by node, as tests of the import need them. */
#ifndef NAS_TESTS_ONNX_MODEL_H
#define NAS_TESTS_ONNX_MODEL_H

#include <export/onnx_build.h>

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NUMBERS(...)                                                                               \
    (const int64_t[])                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* Of one input "x", [batch][dims], and the output "y". */
nas__onnx *onnx_begin(int rank, const int64_t *dims);
/* Writes it and takes it away. */
void onnx_end(nas__onnx *onnx, const char *path);
/* Constants: some values, and one number. */
const char *onnx_weights(nas__onnx *onnx, const char *name, int rank, const int64_t *dims);
const char *onnx_number(nas__onnx *onnx, const char *name, float value);
Onnx__NodeProto *onnx_conv(nas__onnx *onnx, const char *output, const char *input, int64_t out,
                           int64_t in, int64_t kernel);

#endif
