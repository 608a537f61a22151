/* dot.c - a picture of a network: a box for each layer, for Graphviz (`dot -Tsvg net.dot`).
 *
 * A box says the layer's number in the network's text, its kind, those numbers that are not the usual ones, the shape of its output and
 * its trained parameters; its colour is that of its group of kinds.  Input above, output below.
 *
 * The language: graphviz.org/doc/info/lang.html. */
#include "exporter.h"

#include <inttypes.h>
#include <string.h>

enum { CLASSES_SHOWN = 12 };

/* ---- texts ------------------------------------------------------------------------------------------------- */

/* Into a quoted label: nothing of it ends the label, is an escape sequence or an HTML entity. */
static void add_escaped(nas_text *text, const char *string)
{
    for (const char *c = string; *c; c++)
        if (*c == '"' || *c == '\\')
            nas_text_format(text, "\\%c", *c);
        else if (*c == '&')
            nas_text_add(text, "&amp;");
        else if ((unsigned char)*c < 32 || *c == 127)
            nas_text_add(text, " ");
        else
            nas_text_add_bytes(text, c, 1);
}

static void add_shape(nas_text *text, nas_shape shape)
{
    nas_text_format(text, "%dx%dx%d", shape.c, shape.h, shape.w);
}

/* ---- boxes -------------------------------------------------------------------------------------------------- */

/* Light ones, for dark text. */
static const char *const colours[NAS__GROUPS] = {
    [NAS__GROUP_INPUT] = "#eeeeee",      [NAS__GROUP_WEIGHTS] = "#cfe2f3",
    [NAS__GROUP_POOL] = "#d9ead3",       [NAS__GROUP_NORM] = "#fff2cc",
    [NAS__GROUP_ACTIVATION] = "#fce5cd", [NAS__GROUP_JOINT] = "#ead1dc",
    [NAS__GROUP_MOVE] = "#d9d2e9",
};

static void add_numbers(nas_text *text, const nas_layer *what)
{
    const unsigned uses = nas__layer_row_of(what->kind)->uses;
    const char *before = "\\n";
    for (int i = 0; i < NAS__LAYER_NUMBERS; i++) {
        const nas__layer_number *number = &nas__layer_numbers[i];
        int values[NAS__LAYER_NUMBER_SIZE];
        bool usual = true;
        if (!(uses & 1u << i))
            continue;
        nas__layer_number_of(what, i, values);
        for (int k = 0; k < number->count; k++)
            usual = usual && values[k] == number->usual;
        if (usual)
            continue;
        nas_text_format(text, "%s%s %d", before, number->name, values[0]);
        for (int k = 1; k < number->count; k++)
            nas_text_format(text, "x%d", values[k]);
        before = ", ";
    }
}

static void add_box(nas_text *text, const nas_model *model, int index)
{
    const nas_model_layer *layer = &model->layers[index];
    const nas_layer *what = &layer->what;
    const nas__layer_row *row = nas__layer_row_of(what->kind);
    nas_text_format(text, "    layer_%d [fillcolor=\"%s\", label=\"", index, colours[row->group]);
    if (index > 0)
        nas_text_format(text, "%d ", layer->node);
    const bool acts = what->kind == NAS_LAYER_ACTIVATION;
    const bool computes = what->kind == NAS_LAYER_FUNCTION;
    nas_text_add(text, acts       ? nas_activation_name(what->activation)
                       : computes ? nas_function_name(what->function)
                                  : row->name);
    if (acts && what->activation == NAS_ACT_LEAKY_RELU)
        nas_text_format(text, "\\nslope %.6g", (double)what->slope);
    add_numbers(text, what);
    nas_text_add(text, "\\n");
    add_shape(text, layer->shape);
    if (layer->cost.parameters > 0)
        nas_text_format(text, "\\n%" PRIu64 " parameters", layer->cost.parameters);
    nas_text_add(text, "\"];\n");
    for (int k = 0; k < layer->input_count; k++)
        nas_text_format(text, "    layer_%d -> layer_%d;\n", layer->inputs[k], index);
}

/* What comes out, with the first class names. */
static void add_output(nas_text *text, const nas_model *model)
{
    const uint64_t outputs = nas_shape_count(nas_model_output(model));
    nas_text_format(text, "    output [fillcolor=\"%s\", label=\"%" PRIu64 " outputs",
                    colours[NAS__GROUP_INPUT], outputs);
    for (uint64_t i = 0; model->classes && i < outputs && i < CLASSES_SHOWN; i++) {
        nas_text_add(text, "\\n");
        add_escaped(text, model->classes[i]);
    }
    if (model->classes && outputs > CLASSES_SHOWN)
        nas_text_format(text, "\\n… and %" PRIu64 " more", outputs - CLASSES_SHOWN);
    nas_text_format(text, "\"];\n    layer_%d -> output;\n", model->count - 1);
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static void add_head(nas_text *text, const nas_model *model)
{
    nas_cost all = {0};
    for (int i = 0; i < model->count; i++) {
        all.parameters += model->layers[i].cost.parameters;
        all.macs += model->layers[i].cost.macs;
    }
    nas_text_format(text,
                    "digraph network {\n"
                    "    rankdir=TB;\n"
                    "    label=\"%" PRIu64 " parameters, %" PRIu64 " multiply-adds\";\n"
                    "    labelloc=t;\n"
                    "    fontname=\"Helvetica\";\n"
                    "    node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", "
                    "fontsize=11, fontcolor=\"#1a1a1a\", color=\"#666666\"];\n"
                    "    edge [color=\"#666666\", arrowsize=0.7];\n",
                    all.parameters, all.macs);
}

static nas_status write(const nas_model *model, const char *path)
{
    nas_text text = {0};
    add_head(&text, model);
    for (int i = 0; i < model->count; i++)
        add_box(&text, model, i);
    add_output(&text, model);
    nas_text_add(&text, "}\n");
    nas_status status = nas__write_text(path, &text);
    nas_text_clear(&text);
    return status;
}

const nas_exporter nas__exporter_dot = {
    .kind = {.name = "dot", .summary = "a picture of the layers, for Graphviz"},
    .norms = NAS_NORMS_FOLDED,
    .ending = ".dot",
    .write = write,
};
