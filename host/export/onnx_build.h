/* onnx_build.h - an ONNX graph as it is put together: nodes, attributes, constants.  Failures are sticky and come with the write. */
#ifndef NAS_EXPORT_ONNX_BUILD_H
#define NAS_EXPORT_ONNX_BUILD_H

#include "exporter.h"

#include <onnx.pb-c.h>

typedef struct nas__onnx nas__onnx;

nas_status nas__onnx_create(nas__onnx **onnx);
void nas__onnx_destroy(nas__onnx *onnx);

/* A text of the builder's, printf-style. */
const char *nas__onnx_text(nas__onnx *onnx, const char *format, ...) NAS_PRINTF(2, 3);
/* A node with one output.  Names are lent and outlive the builder, or are its texts; an input that is NULL ends the list. */
Onnx__NodeProto *nas__onnx_node(nas__onnx *onnx, const char *op, const char *output,
                                const char *const *inputs);
void nas__onnx_int(nas__onnx *onnx, Onnx__NodeProto *node, const char *name, int64_t value);
void nas__onnx_ints(nas__onnx *onnx, Onnx__NodeProto *node, const char *name, int count,
                    const int64_t *values);
void nas__onnx_float(nas__onnx *onnx, Onnx__NodeProto *node, const char *name, float value);
void nas__onnx_string(nas__onnx *onnx, Onnx__NodeProto *node, const char *name, const char *value);
/* Constants, copied; they give their name back. */
const char *nas__onnx_floats(nas__onnx *onnx, const char *name, int rank, const int64_t *dims,
                             const float *values);
const char *nas__onnx_numbers(nas__onnx *onnx, const char *name, int count, const int64_t *values);
/* float32 [batch][…]. */
void nas__onnx_input(nas__onnx *onnx, const char *name, int rank, const int64_t *dims);
void nas__onnx_output(nas__onnx *onnx, const char *name, int rank, const int64_t *dims);
void nas__onnx_metadata(nas__onnx *onnx, const char *key, const char *value);
/* Opset 13, IR 7. */
nas_status nas__onnx_write(nas__onnx *onnx, const char *path);

#endif
