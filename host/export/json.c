/* json.c - a network as data: its layers with all their numbers, for programs that draw, count or convert networks.
 *
 * Weights are not in it; the file says under which names `--to safetensors` has each layer's.  A line per layer, so people can read it and
 * `diff` tells which layers of two networks differ.  Numbers have as few digits as read back as the same. */
#include "exporter.h"

#include <jansson.h>
#include <stdlib.h>

enum { SCHEMA_VERSION = 1 };

typedef struct writing {
    const nas_model *model;
    bool failed; /* an allocation did */
} writing;

/* Takes the value over. */
static void put(writing *w, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        w->failed = true;
}

static void append(writing *w, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        w->failed = true;
}

/* ---- layers ------------------------------------------------------------------------------------------------- */

static json_t *shape_json(nas_shape shape)
{
    return json_pack("[iii]", shape.c, shape.h, shape.w);
}

static json_t *integers(writing *w, const int *values, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        append(w, array, json_integer(values[i]));
    return array;
}

static void put_numbers(writing *w, const nas_layer *what, json_t *object)
{
    const unsigned uses = nas__layer_row_of(what->kind)->uses;
    for (int i = 0; i < NAS__LAYER_NUMBERS; i++) {
        const nas__layer_number *number = &nas__layer_numbers[i];
        int values[NAS__LAYER_NUMBER_SIZE];
        if (!(uses & 1u << i))
            continue;
        nas__layer_number_of(what, i, values);
        put(w, object, number->name,
            number->count == 1 ? json_integer(values[0]) : integers(w, values, number->count));
    }
    if (what->kind == NAS_LAYER_ACTIVATION)
        put(w, object, "activation", json_string(nas_activation_name(what->activation)));
    if (what->kind == NAS_LAYER_ACTIVATION && what->activation == NAS_ACT_LEAKY_RELU)
        put(w, object, "slope", json_real(what->slope));
    if (what->kind == NAS_LAYER_PAD)
        put(w, object, "value", json_real((double)what->a));
    if (what->kind == NAS_LAYER_FUNCTION) {
        put(w, object, "function", json_string(nas_function_name(what->function)));
        put(w, object, "a", json_real((double)what->a));
        put(w, object, "b", json_real((double)what->b));
    }
    if (what->kind == NAS_LAYER_NORM)
        put(w, object, "epsilon", json_real(what->epsilon));
}

static json_t *tensors_json(writing *w, const nas_model_layer *layer)
{
    nas_safetensor tensors[4];
    const int count = nas__torch_tensors(w->model, layer, tensors);
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        json_t *dims = json_array();
        for (int d = 0; d < tensors[i].rank; d++)
            append(w, dims, json_integer((json_int_t)tensors[i].dims[d]));
        append(w, array, json_pack("{s:s, s:o}", "name", tensors[i].name, "shape", dims));
    }
    return array;
}

static json_t *layer_json(writing *w, int index)
{
    const nas_model_layer *layer = &w->model->layers[index];
    json_t *object = json_object();
    put(w, object, "kind", json_string(nas__layer_row_of(layer->what.kind)->name));
    put(w, object, "index", json_integer(index));
    put(w, object, "node", json_integer(layer->node));
    put(w, object, "inputs", integers(w, layer->inputs, layer->input_count));
    put_numbers(w, &layer->what, object);
    put(w, object, "shape", shape_json(layer->shape));
    put(w, object, "parameters", json_integer((json_int_t)layer->cost.parameters));
    put(w, object, "macs", json_integer((json_int_t)layer->cost.macs));
    put(w, object, "tensors", tensors_json(w, layer));
    return object;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static json_t *reals(writing *w, const nas_reals *list)
{
    json_t *array = json_array();
    for (int i = 0; i < list->count; i++)
        append(w, array, json_real(list->item[i]));
    return array;
}

static json_t *preprocessing_json(writing *w)
{
    const nas_preprocessing *p = &w->model->preprocessing;
    if (!w->model->prepares)
        return json_null();
    return json_pack("{s:b, s:o, s:o}", "bytes", p->bytes, "mean", reals(w, &p->mean), "std",
                     reals(w, &p->std));
}

static json_t *classes_json(writing *w)
{
    if (!w->model->classes)
        return json_null();
    json_t *array = json_array();
    for (int i = 0; w->model->classes[i]; i++)
        append(w, array, json_string(w->model->classes[i]));
    return array;
}

static json_t *model_json(writing *w)
{
    const nas_model *model = w->model;
    json_t *whole = json_object(), *layers = json_array();
    nas_cost all = {0};
    for (int i = 0; i < model->count; i++) {
        append(w, layers, layer_json(w, i));
        all.parameters += model->layers[i].cost.parameters;
        all.macs += model->layers[i].cost.macs;
    }
    put(w, whole, "schema_version", json_integer(SCHEMA_VERSION));
    put(w, whole, "input", shape_json(nas_model_input(model)));
    put(w, whole, "output", shape_json(nas_model_output(model)));
    put(w, whole, "task",
        model->explains ? json_string(nas_task_name(model->postprocessing.task)) : json_null());
    put(w, whole, "classes", classes_json(w));
    put(w, whole, "preprocessing", preprocessing_json(w));
    put(w, whole, "parameters", json_integer((json_int_t)all.parameters));
    put(w, whole, "macs", json_integer((json_int_t)all.macs));
    put(w, whole, "weights",
        json_string("not in this file: clnas export --to safetensors writes them, by the names in "
                    "\"tensors\""));
    put(w, whole, "layers", layers);
    return whole;
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

static void add_value(nas_text *text, const json_t *value)
{
    char *line = NULL;
    bool same = false;
    for (size_t digits = 15; !same && digits <= 17; digits++) {
        free(line);
        line = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        json_t *back = line ? json_loads(line, JSON_DECODE_ANY, NULL) : NULL;
        same = json_equal(back, value);
        json_decref(back);
    }
    nas_text_add(text, line ? line : "");
    free(line);
}

/* Members of the whole, and layers, have a line each. */
static void add_whole(nas_text *text, json_t *whole)
{
    const char *key, *before = "{";
    json_t *value, *layer;
    size_t i;
    json_object_foreach(whole, key, value)
    {
        nas_text_format(text, "%s\n  \"%s\": ", before, key);
        before = ",";
        if (value != json_object_get(whole, "layers")) {
            add_value(text, value);
            continue;
        }
        json_array_foreach(value, i, layer)
        {
            nas_text_add(text, i ? ",\n    " : "[\n    ");
            add_value(text, layer);
        }
        nas_text_add(text, "\n  ]");
    }
    nas_text_add(text, "\n}\n");
}

/* Parsed again, it must be the model. */
static nas_status read_back(const char *path, const json_t *whole)
{
    json_t *back = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const bool same = json_equal(back, whole);
    json_decref(back);
    return same ? NAS_OK : nas__read_back_fails(path);
}

static nas_status write(const nas_model *model, const char *path)
{
    writing w = {.model = model};
    nas_text text = {0};
    json_t *whole = model_json(&w);
    nas_status status = NAS_OK;
    if (w.failed)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for %d layers as JSON",
                               model->count);
    NAS_TRY_DONE(status);
    add_whole(&text, whole);
    NAS_TRY_DONE(nas__write_text(path, &text));
    NAS_TRY_DONE(read_back(path, whole));
done:
    nas_text_clear(&text);
    json_decref(whole);
    return status;
}

const nas_exporter nas__exporter_json = {
    .kind = {.name = "json", .summary = "the layers as data, without the weights"},
    .norms = NAS_NORMS_KEPT,
    .ending = ".json",
    .write = write,
};
