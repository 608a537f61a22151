/* export.h - trained networks for others: files that run, or are read, without clnas.
 *
 * A nas_model is a network in evaluation as plain numbers: layers in topological order with their weights, no device and no
 * training.  Exporters write it in their notation.  To export is a promise that the file computes what the engine
 * computes; so exporters that write something that runs can also run it, and whoever exports compares (nas_session_export).
 *
 * An exporter is added as host/export/NAME.c with a nas_exporter called nas__exporter_NAME and one line in
 * host/export/exporter_list.h.
 */
#ifndef CLNAS_EXPORT_H
#define CLNAS_EXPORT_H

#include <clnas/data.h>
#include <clnas/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- models ------------------------------------------------------------------------------------------ */

/* Values of a sample lie channel by channel, row by row. */
typedef struct nas_model_layer {
    nas_layer what;            /* in numbers */
    int node;                  /* of the graph; 0: the input */
    int inputs[NAS_OP_INPUTS]; /* layers before this one */
    int input_count;
    nas_shape shape; /* of the output */
    nas_cost cost;   /* of its node, and of the norm that was folded into it */
    /* Owned, as float32 from the file or worked out from it in double; NULL: none.
     *   convolution  [out][in / groups][height][width], bias [out]
     *   dense        [out][features], bias [out]
     *   norm         scale [channels], shift [channels]: both, always */
    float *weight, *bias;
    uint64_t weight_count, bias_count;
    /* Of a norm also what those two were worked out from, [4][channels]: gamma, beta, running mean, running variance. */
    float *statistics;
} nas_model_layer;

/* A network as layers with weights; a zeroed one is empty. */
typedef struct nas_model {
    nas_model_layer *layers; /* [0] is the input; the last one's value is the output */
    int count;
    char *graph;    /* its text, all nodes */
    char **classes; /* names, one per output; NULL: not known */
    bool
        prepares; /* `preprocessing` is known: inputs of exported files are samples as they are stored */
    nas_preprocessing preprocessing; /* where `prepares` */
    bool
        explains; /* `postprocessing` is known.  Its units are in the last layer already: exported files give numbers in their own */
    nas_postprocessing postprocessing; /* where `explains` */
    char *
        columns; /* of the table that it learned from, as nas_table_open wants them; NULL: of none */
    uint64_t parameters; /* floats in all layers */
} nas_model;

/* What becomes of batch norms. */
typedef enum nas_model_norms {
    NAS_NORMS_FOLDED, /* into the weights before them, where nobody else reads what is between */
    NAS_NORMS_KEPT,
} nas_model_norms;

/* Of a file that nas_net_save wrote.  Layers that act in training only, and nodes that the output does not need, are left out.
 * NAS_DATA: damaged, or no model of clnas; NAS_CONFIG: an operator that cannot be exported, by name. */
NAS_API nas_status nas_model_read(const char *path, nas_model_norms norms, nas_model *model);
/* The same of what was read already, or imported (import.h); `path` is for messages. */
NAS_API nas_status nas_model_make(const nas_safetensors *content, const char *path,
                                  nas_model_norms norms, nas_model *model);
NAS_API void nas_model_clear(nas_model *model);             /* a zeroed one is fine */
NAS_API nas_shape nas_model_input(const nas_model *model);  /* shape of layer 0 */
NAS_API nas_shape nas_model_output(const nas_model *model); /* shape of the last layer */

/* ---- exporters --------------------------------------------------------------------------------------- */

/* An exporter: how a network is written for others. */
typedef struct nas_exporter {
    nas_kind kind;         /* no options */
    nas_model_norms norms; /* unless asked otherwise */
    const char *ending;    /* of its files, ".c" */
    bool imports;          /* nas_import_onnx reads what it writes */
    /* What nothing can run is read back at once, and must be what was written. */
    nas_status (*write)(const nas_model *model, const char *path);
    /* Runs the file on `samples` inputs, as they are stored (before preprocessing), and gives its outputs.  NAS_NO_DEVICE: it would, but
     * what it takes is not on this machine (the message says what).  NULL: nothing that runs. */
    nas_status (*run)(const nas_model *model, const char *path, const float *inputs, int samples,
                      float *outputs);
} nas_exporter;

NAS_API const nas_exporter *nas_exporter_find(const char *name); /* NULL: none */
NAS_API const nas_exporter *const *nas_exporter_all(int *count);

#ifdef __cplusplus
}
#endif
#endif
