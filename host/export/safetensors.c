/* safetensors.c - the weights alone, by names that a PyTorch user knows; class names and preprocessing are metadata.
 *
 * Layers are called by what they are and their node, "conv_3.weight"; norms stay what they are, so that the weights can be trained on.  The
 * module that torch.c writes loads them. */
#include "exporter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writing {
    nas_safetensors file;
    char *keys[5], *values[5];
    nas_data_words words;
} writing;

const char *nas__torch_name(const nas_model_layer *layer, char text[32])
{
    const char *kind = layer->what.kind == NAS_LAYER_CONVOLUTION ? "conv"
                       : layer->what.kind == NAS_LAYER_DENSE     ? "dense"
                                                                 : "norm";
    snprintf(text, 32, "%s_%d", kind, layer->node);
    return text;
}

static nas_safetensor *add(nas_safetensor *tensor, const nas_model_layer *layer, const char *what,
                           float *data)
{
    char name[32];
    *tensor = (nas_safetensor){.rank = 1, .dims = {(uint64_t)layer->shape.c}, .data = data};
    snprintf(tensor->name, sizeof tensor->name, "%s.%s", nas__torch_name(layer, name), what);
    return tensor;
}

static int norm_tensors(const nas_model_layer *layer, nas_safetensor tensors[4])
{
    static const char *const names[4] = {"weight", "bias", "running_mean", "running_var"};
    for (int k = 0; k < 4; k++)
        add(&tensors[k], layer, names[k], layer->statistics + k * layer->shape.c);
    return 4;
}

int nas__torch_tensors(const nas_model *model, const nas_model_layer *layer,
                       nas_safetensor tensors[4])
{
    const nas_layer *what = &layer->what;
    const nas_shape in = model->layers[layer->inputs[0]].shape;
    if (what->kind == NAS_LAYER_NORM)
        return norm_tensors(layer, tensors);
    if (!layer->weight)
        return 0;
    nas_safetensor *weight = add(&tensors[0], layer, "weight", layer->weight);
    if (what->kind == NAS_LAYER_DENSE) {
        weight->rank = 2;
        weight->dims[1] = nas_shape_count(in);
    } else {
        weight->rank = 4;
        weight->dims[1] = (uint64_t)(in.c / what->groups);
        weight->dims[2] = (uint64_t)what->kernel[0];
        weight->dims[3] = (uint64_t)what->kernel[1];
    }
    if (layer->bias)
        add(&tensors[1], layer, "bias", layer->bias);
    return layer->bias ? 2 : 1;
}

static nas_status add_metadata(writing *w, const nas_model *model)
{
    static char keys[5][16] = {"format", "preprocessing", "classes", "postprocessing", "columns"};
    static char format[] = "pt";
    w->file.keys = w->keys;
    w->file.values = w->values;
    NAS_TRY(nas__metadata_of(model, &w->words));
    char *const values[5] = {format, w->words.preprocessing.data, w->words.classes.data,
                             w->words.postprocessing.data, w->words.columns.data};
    for (int i = 0; i < 5; i++)
        if (values[i]) {
            w->keys[w->file.metadata_count] = keys[i];
            w->values[w->file.metadata_count++] = values[i];
        }
    return NAS_OK;
}

/* Is the file what was to be written, to the bit? */
static nas_status read_back(const writing *w, const char *path)
{
    nas_safetensors back = {0};
    NAS_TRY(nas_safetensors_read(path, &back));
    bool same = back.count == w->file.count;
    for (int i = 0; same && i < w->file.count; i++) {
        const nas_safetensor *wanted = &w->file.tensors[i];
        const nas_safetensor *got = nas_safetensors_find(&back, wanted->name);
        uint64_t count = 1;
        same = got && got->rank == wanted->rank && got->data;
        for (int d = 0; same && d < wanted->rank; d++) {
            same = got->dims[d] == wanted->dims[d];
            count *= wanted->dims[d];
        }
        same = same && memcmp(got->data, wanted->data, count * sizeof *got->data) == 0;
    }
    nas_safetensors_clear(&back);
    return same ? NAS_OK : nas__read_back_fails(path);
}

nas_status nas__torch_weights(const nas_model *model, const char *path)
{
    writing w = {0};
    w.file.tensors = calloc((size_t)model->count * 4, sizeof *w.file.tensors);
    if (!w.file.tensors)
        NAS_FAIL(NAS_MEMORY, "no memory for %d layers", model->count);
    for (int i = 1; i < model->count; i++)
        w.file.count += nas__torch_tensors(model, &model->layers[i], &w.file.tensors[w.file.count]);
    nas_status status = add_metadata(&w, model);
    if (status == NAS_OK)
        status = nas_safetensors_write(path, &w.file);
    if (status == NAS_OK)
        status = read_back(&w, path);
    nas_data_words_clear(&w.words);
    free(w.file.tensors);
    return status;
}

const nas_exporter nas__exporter_safetensors = {
    .kind = {.name = "safetensors", .summary = "the weights alone, by PyTorch's names"},
    .norms = NAS_NORMS_KEPT,
    .ending = ".safetensors",
    .write = nas__torch_weights,
};
