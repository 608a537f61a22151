/* exporter.h - what the files of this room share.
 *
 *   model.c       a saved network as layers with weights     exporter.c  the list of exporters, and what they share
 *   c.c           one C file and its header                  c_layers.c  the lines of its layers
 *   c_run.c       … compiled and run
 *   workspace.c   memory for the values between layers       pieces/     the functions that such C files are made of
 *   torch.c       a PyTorch module and its weights            safetensors.c  those weights alone
 *   onnx.c        an ONNX model                               onnx_build.c   … put together and written
 *   json.c        the layers as data                          dot.c          … and as a picture
 *   layers.c      what kinds of layers are called, and their numbers
 *   run.c         other programs, to see what files compute   python_run.c   … and Python
 */
#ifndef NAS_EXPORT_EXPORTER_H
#define NAS_EXPORT_EXPORTER_H

#include <clnas/export.h>

/* Of a subsample: rows and columns of zeros behind the pixels that it takes. */
void nas__missing_pixels(const nas_model_layer *layer, nas_shape in, int missing[2]);
/* Appends both as model files keep them; nothing where they are not known. */
nas_status nas__metadata_of(const nas_model *model, nas_data_words *words);

/* Replaces the file and reads it again: NAS_FAILED unless it is the text, to the byte. */
nas_status nas__write_text(const char *path, const nas_text *text);
/* NAS_FAILED: what was read back is not what was written. */
nas_status nas__read_back_fails(const char *path);

/* What a layer is, for a reader. */
typedef enum nas__layer_group {
    NAS__GROUP_INPUT,
    NAS__GROUP_WEIGHTS,
    NAS__GROUP_POOL,
    NAS__GROUP_NORM,
    NAS__GROUP_ACTIVATION,
    NAS__GROUP_JOINT, /* more than one input */
    NAS__GROUP_MOVE,  /* values go elsewhere, or are dropped */
    NAS__GROUPS
} nas__layer_group;
/* A whole number of nas_layer, a pair (height and width), or three (channels, height and width). */
typedef struct nas__layer_number {
    const char *name;
    size_t at; /* in the struct */
    int count; /* 1 to 3 */
    int usual; /* not worth telling in a picture */
} nas__layer_number;
enum { NAS__LAYER_NUMBERS = 12, NAS__LAYER_NUMBER_SIZE = 3 };
extern const nas__layer_number nas__layer_numbers[NAS__LAYER_NUMBERS];
typedef struct nas__layer_row {
    const char *name; /* "max_pool" */
    nas__layer_group group;
    unsigned uses; /* bit i: number i above; activation, slope and epsilon are of one kind each */
} nas__layer_row;
const nas__layer_row *nas__layer_row_of(nas_layer_kind kind);
void nas__layer_number_of(const nas_layer *layer, int number, int values[NAS__LAYER_NUMBER_SIZE]);

/* A function of generated C, pieces/NAME.c, embedded by CMakeLists.txt. */
typedef struct nas__piece {
    const char *name;
    const char *const *lines; /* ends with NULL */
} nas__piece;
extern const nas__piece nas__pieces[]; /* ends with a NULL name */

/* Floats of the value of each layer, one after the other where both are needed at a time. */
typedef struct nas__workspace {
    uint64_t *at; /* of each layer; NAS__NOWHERE: the caller's input or output */
    uint64_t floats;
} nas__workspace;
#define NAS__NOWHERE UINT64_MAX

/* Norms and activations write over what they read where nobody else reads it.  `own_input`: layer 0 has a place, too.  The caller frees `at`. */
nas_status nas__workspace_plan(const nas_model *model, bool own_input, nas__workspace *workspace);

/* What the C file "path/to/My net.c" calls things. */
typedef struct nas__c_names {
    char name[64], upper[64];   /* My_net, MY_NET: begin all its names */
    char header[NAS_PATH_SIZE]; /* path/to/My net.h */
    char base[NAS_PATH_SIZE];   /* My net.h */
} nas__c_names;
/* NAS_CONFIG: does not end with .c, or no #include can say it. */
nas_status nas__c_names_of(const char *path, nas__c_names *names);

/* A temporary folder of a program that is run: its file, a source, its standard input, output and messages. */
enum {
    NAS__SCRATCH_PROGRAM,
    NAS__SCRATCH_SOURCE,
    NAS__SCRATCH_INPUTS,
    NAS__SCRATCH_OUTPUTS,
    NAS__SCRATCH_MESSAGES,
    NAS__SCRATCH_FILES
};
typedef struct nas__scratch {
    char path[NAS_PATH_SIZE], file[NAS__SCRATCH_FILES][NAS_PATH_SIZE + 16];
} nas__scratch;

nas_status nas__scratch_make(nas__scratch *scratch, const char *ending /* of the source */);
void nas__scratch_remove(const nas__scratch *scratch);
/* Runs a program (found by PATH); its exit code, −1 when a signal ended it.  NAS_NO_DEVICE: there is no such program. */
nas_status nas__scratch_run(const nas__scratch *scratch, const char *const *arguments, int *code);
/* NAS_FAILED with the last of its messages. */
nas_status nas__scratch_complain(const nas__scratch *scratch, const char *path, const char *what);
/* What it wrote, which must be so many bytes. */
nas_status nas__scratch_outputs(const nas__scratch *scratch, const char *path, float *outputs,
                                size_t bytes);

/* What Python runs: with `path`, `shape` (channels, height, width) and `data` (bytes of all samples) set, `body` gives
 * `result`, the bytes of all outputs.  Without the modules: NAS_NO_DEVICE, which says `what` is missing. */
typedef struct nas__python {
    const char *modules, *what, *body;
} nas__python;
nas_status nas__python_run(const nas__python *python, const nas_model *model, const char *path,
                           const float *inputs, int samples, float *outputs);

/* nas_exporter.run of `c`. */
nas_status nas__c_run(const nas_model *model, const char *path, const float *inputs, int samples,
                      float *outputs);

/* Weights by PyTorch's names, "conv_3.weight", "norm_4.running_mean"; norms are kept. */
nas_status nas__torch_weights(const nas_model *model, const char *path);
/* The tensors of one layer there: names, shapes and lent values; how many. */
int nas__torch_tensors(const nas_model *model, const nas_model_layer *layer,
                       nas_safetensor tensors[4]);
/* "conv_3", "norm_4", "dense_9". */
const char *nas__torch_name(const nas_model_layer *layer, char text[32]);

#endif
