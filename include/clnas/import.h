/* import.h - ONNX models of convolutional networks, as if clnas had saved them.
 *
 * An importer translates: what it gives is what nas_safetensors_read gives of a model file of clnas, tensors by the names that
 * nas_net_save uses and the texts "graph", and where the file has them "preprocessing" and "classes".  Whoever runs, trains,
 * exports or measures saved networks does so with imported ones without knowing.
 *
 * One input and one output of float32; the first axis is the batch and may have any length.  Which operators there are, and what of
 * them: docs/recipes/import.md.  Format: github.com/onnx/onnx, docs/IR.md and docs/Operators.md, opsets 1 to 22.
 */
#ifndef CLNAS_IMPORT_H
#define CLNAS_IMPORT_H

#include <clnas/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A zeroed one is the default. */
typedef struct nas_import_options {
    /* A softmax at the end is left out: then the outputs are logits, as losses want them, and the answer is the same. */
    bool logits;
    /* The first axis is no batch; what the model calls its input is one sample.  For models of one fixed matrix, as ONNX's own tests
     * are. */
    bool whole;
} nas_import_options;

/* Does the file begin as an ONNX model does, and not as a safetensors file?  A guess by its first bytes; false where it cannot be
 * read. */
NAS_API bool nas_is_onnx(const char *path);
/* `options` may be NULL.  NAS_DATA: damaged, or it says what cannot be; NAS_CONFIG: something in it is not supported, named by node
 * with the reason; NAS_SHAPE: sizes that do not fit.  On failure `content` is empty. */
NAS_API nas_status nas_import_onnx(const char *path, const nas_import_options *options,
                                   nas_safetensors *content);

#ifdef __cplusplus
}
#endif
#endif
