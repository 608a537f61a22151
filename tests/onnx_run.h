/* onnx_run.h - an imported model on a device: what tests of the import share. */
#ifndef NAS_TESTS_ONNX_RUN_H
#define NAS_TESTS_ONNX_RUN_H

#include "nas_test.h"

#include <clnas/import.h>
#include <clnas/net.h>

typedef struct onnx_outputs {
    float *values; /* [samples][count], free()d by the caller */
    uint64_t count;
} onnx_outputs;

/* Runs `samples` of [samples][values], in evaluation. */
nas_status onnx_run(nas_device *device, const nas_safetensors *content, const float *inputs,
                    uint64_t input_count, int samples, onnx_outputs *outputs);

#endif
