/* model_file.h - any model file in memory: see model_file.c. */
#ifndef NAS_SESSION_MODEL_FILE_H
#define NAS_SESSION_MODEL_FILE_H

#include "session_private.h"

enum { NAS__MODEL_ADDED = 4 };

typedef struct nas__model_file {
    nas_safetensors content; /* tensors by the names of nas_net_save, and texts */
    nas_graph graph;
    bool imported; /* an ONNX model */
    float *added[NAS__MODEL_ADDED];
    int added_count;
} nas__model_file;

/* `logits`: as nas_import_options.  Cleared on failure. */
nas_status nas__model_open(const char *path, bool logits, nas__model_file *model);
void nas__model_clear(nas__model_file *model); /* a zeroed one is fine */
/* NAS_SHAPE: another input, or another number of outputs, than the data have.  An imported model's numbers, which come in their own units,
 * are brought to those in which they are learned. */
nas_status nas__model_suit(nas__model_file *model, const char *path, const nas_data *data);
/* A new last dense layer with so many outputs, weights drawn by `seed`.  NAS_CONFIG: it does not end in one. */
nas_status nas__model_replace_head(nas__model_file *model, const char *path, int outputs,
                                   uint64_t seed);
/* The config in a study or in a config file. */
nas_status nas__config_of(const char *path, nas_config *config);

#endif
