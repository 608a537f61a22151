/* onnx_model.c - ONNX models made node by node. */
#include "onnx_model.h"

#include "nas_test.h"

static float ramp[4096];

const char *onnx_weights(nas__onnx *onnx, const char *name, int rank, const int64_t *dims)
{
    return nas__onnx_floats(onnx, name, rank, dims, ramp);
}

const char *onnx_number(nas__onnx *onnx, const char *name, float value)
{
    return nas__onnx_floats(onnx, name, 0, NULL, &value);
}

nas__onnx *onnx_begin(int rank, const int64_t *dims)
{
    nas__onnx *onnx;
    for (int i = 0; i < 4096; i++)
        ramp[i] = 0.01f * (float)(i % 37) - 0.1f;
    nas_test_ok(nas__onnx_create(&onnx));
    nas__onnx_input(onnx, "x", rank, dims);
    nas__onnx_output(onnx, "y", 1, NUMBERS(1));
    return onnx;
}

void onnx_end(nas__onnx *onnx, const char *path)
{
    nas_test_ok(nas__onnx_write(onnx, path));
    nas__onnx_destroy(onnx);
}

Onnx__NodeProto *onnx_conv(nas__onnx *onnx, const char *output, const char *input, int64_t out,
                           int64_t in, int64_t kernel)
{
    const char *name = nas__onnx_text(onnx, "w_%s", output);
    onnx_weights(onnx, name, 4, NUMBERS(out, in, kernel, kernel));
    return nas__onnx_node(onnx, "Conv", output, NAMES(input, name));
}
