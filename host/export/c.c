/* c.c - a network as one C file and a header, without any dependency: C99 and, for some activations, the maths library.
 *
 * The file is meant to be read: the functions that it needs (pieces/), the weights as arrays, and a function that calls the
 * former on the latter, a line per layer with its shape.  Values between layers lie in memory that the caller hands in,
 * planned by workspace.c, so the file has no state and any thread may run it.
 *
 *     float logits[DIGITS_OUTPUTS], work[DIGITS_WORK];
 *     digits_run(pixels, logits, work);
 *
 * Layout: numbers and names; the header; the source.  Next: c_layers.c, the lines of layers; c_run.c. */
#include "c_writing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers and names -------------------------------------------------------------------------------- */

static void identifier_of(const char *base, char *name, size_t size)
{
    size_t at = 0;
    if (strchr("0123456789", base[0]))
        name[at++] = '_';
    for (size_t i = 0; base[i] && base[i] != '.' && at + 1 < size; i++) {
        const char c = base[i];
        const bool good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name[at++] = good ? c : '_';
    }
    name[at] = '\0';
}

nas_status nas__c_names_of(const char *path, nas__c_names *names)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const size_t length = strlen(path);
    if (strlen(base) < 3 || strcmp(path + length - 2, ".c") != 0 || length >= NAS_PATH_SIZE)
        NAS_FAIL(NAS_CONFIG, "%s: the name must end with .c; the header lies beside it", path);
    if (strpbrk(base, "\"\\\n"))
        NAS_FAIL(NAS_CONFIG, "%s: no quotes, backslashes or ends of lines in names of C files",
                 path);
    *names = (nas__c_names){.name = ""};
    snprintf(names->header, sizeof names->header, "%.*sh", (int)length - 1, path);
    snprintf(names->base, sizeof names->base, "%.*sh", (int)strlen(base) - 1, base);
    identifier_of(base, names->name, sizeof names->name);
    for (size_t i = 0; names->name[i]; i++) {
        const char c = names->name[i];
        names->upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return NAS_OK;
}

static void add_floats(nas_text *text, const char *name, const float *values, uint64_t count)
{
    nas_text_format(text, "static const float %s[%" PRIu64 "] = {", name, count);
    for (uint64_t i = 0; i < count; i++) {
        nas_text_add(text, i % 8 == 0 ? "\n    " : " ");
        nas__c_add_float(text, values[i]);
        nas_text_add(text, i + 1 < count ? "," : "");
    }
    nas_text_add(text, "\n};\n");
}

/* Comments must not end early, and texts must not end at a quote. */
static void add_comment(nas_text *text, const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] == '/' && i > 0 && line[i - 1] == '*')
            nas_text_add(text, " /");
        else if (line[i] == '*' && i > 0 && line[i - 1] == '/')
            nas_text_add(text, " *");
        else
            nas_text_add_bytes(text, &line[i], 1);
}

static void add_string(nas_text *text, const char *string)
{
    nas_text_add(text, "\"");
    for (const unsigned char *c = (const unsigned char *)string; *c; c++)
        if (*c == '"' || *c == '\\' || *c == '?')
            nas_text_format(text, "\\%c", *c);
        else if (*c < 32 || *c == 127)
            nas_text_format(text, "\\%03o", *c);
        else
            nas_text_add_bytes(text, c, 1);
    nas_text_add(text, "\"");
}

/* ---- the header ------------------------------------------------------------------------------------------------ */

static const char *samples_are(const nas_model *model)
{
    const nas_preprocessing *p = &model->preprocessing;
    return !model->prepares ? "prepared as in training"
           : p->bytes       ? "0 ... 255 each, as bytes of an image are"
                            : "as they are stored";
}

static void write_header(nas__writing *w)
{
    const nas_shape in = nas_model_input(w->model);
    nas_text *h = &w->header;
    nas_text_format(h,
                    "/* %s.h - a convolutional network in plain C: %d x %d x %d values in, %d out. "
                    " Written by clnas.\n"
                    " *\n"
                    " *     float output[%s_OUTPUTS], work[%s_WORK];\n"
                    " *     %s_run(input, output, work);\n"
                    " *\n"
                    " * input:  %d channels of %d rows of %d values, one after the other; %s.\n"
                    " * output: a number for each class; the largest is the network's answer.\n"
                    " * work:   memory for what is between; its contents do not matter.  No other "
                    "state: any thread may run it. */\n",
                    w->names.name, in.c, in.h, in.w,
                    (int)nas_shape_count(nas_model_output(w->model)), w->names.upper,
                    w->names.upper, w->names.name, in.c, in.h, in.w, samples_are(w->model));
    nas_text_format(h, "#ifndef %s_H\n#define %s_H\n\n", w->names.upper, w->names.upper);
    nas_text_format(
        h,
        "#define %s_CHANNELS %d\n#define %s_HEIGHT %d\n#define %s_WIDTH %d\n"
        "#define %s_INPUTS %d\n#define %s_OUTPUTS %d\n#define %s_WORK %" PRIu64 " /* floats */\n\n",
        w->names.upper, in.c, w->names.upper, in.h, w->names.upper, in.w, w->names.upper,
        in.c * in.h * in.w, w->names.upper, (int)nas_shape_count(nas_model_output(w->model)),
        w->names.upper, w->workspace.floats ? w->workspace.floats : 1);
    nas_text_add(h, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    nas_text_format(h, "void %s_run(const float *input, float *output, float *work);\n",
                    w->names.name);
    if (w->model->classes)
        nas_text_format(h, "extern const char *const %s_classes[%s_OUTPUTS];\n", w->names.name,
                        w->names.upper);
    nas_text_add(h, "#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

static void write_graph_comment(nas__writing *w)
{
    const char *line = w->model->graph;
    while (*line) {
        const size_t length = strcspn(line, "\n");
        nas_text_add(&w->source, " *     ");
        add_comment(&w->source, line, length);
        nas_text_add(&w->source, "\n");
        line += length + (line[length] == '\n');
    }
}

static void write_weights(nas__writing *w)
{
    char name[48];
    const nas_preprocessing *p = &w->model->preprocessing;
    if (w->model->prepares) {
        float *mapping;
        if (nas_preprocessing_mapping(p, &mapping) != NAS_OK) {
            w->source.failed = true; /* which write_files looks at */
            return;
        }
        add_floats(&w->source, "input_scale", mapping, (uint64_t)p->mean.count);
        add_floats(&w->source, "input_shift", mapping + p->mean.count, (uint64_t)p->mean.count);
        free(mapping);
    }
    for (int i = 1; i < w->model->count; i++) {
        const nas_model_layer *l = &w->model->layers[i];
        if (l->weight)
            add_floats(&w->source, nas__c_weight_name(l, name), l->weight, l->weight_count);
        if (l->bias)
            add_floats(&w->source, nas__c_bias_name(l, name), l->bias, l->bias_count);
    }
}

static void write_classes(nas__writing *w)
{
    if (!w->model->classes)
        return;
    nas_text_format(&w->source, "\nconst char *const %s_classes[%s_OUTPUTS] = {\n", w->names.name,
                    w->names.upper);
    for (int i = 0; w->model->classes[i]; i++) {
        nas_text_add(&w->source, "    ");
        add_string(&w->source, w->model->classes[i]);
        nas_text_add(&w->source, ",\n");
    }
    nas_text_add(&w->source, "};\n");
}

static void write_source(nas__writing *w)
{
    nas_text_format(&w->source,
                    "/* See %s.h.  Three parts: the functions of layers, %" PRIu64
                    " weights, %s_run.  The network:\n *\n",
                    w->names.name, w->model->parameters, w->names.name);
    write_graph_comment(w);
    nas_text_format(&w->source, " */\n#include \"%s\"\n\n%s#include <stddef.h>\n", w->names.base,
                    nas__c_needs_maths(w) ? "#include <math.h>\n" : "");
    nas_text_add(&w->source, "\n/* ---- layers ---- */\n");
    nas__c_write_functions(w);
    nas_text_add(&w->source, "\n/* ---- weights ---- */\n\n");
    write_weights(w);
    write_classes(w);
    nas_text_format(&w->source,
                    "\n/* ---- the network ---- */\n\n"
                    "void %s_run(const float *input, float *output, float *work)\n{\n%s%s}\n",
                    w->names.name, w->workspace.floats ? "" : "    (void)work;\n",
                    w->body.data ? w->body.data : "");
}

static nas_status write_files(nas__writing *w, const char *path)
{
    NAS_TRY(nas_text_check(&w->body));
    NAS_TRY(nas_text_check(&w->source));
    NAS_TRY(nas_text_check(&w->header));
    NAS_TRY(nas_file_replace(w->names.header, w->header.data, w->header.length));
    return nas_file_replace(path, w->source.data, w->source.length);
}

static nas_status write(const nas_model *model, const char *path)
{
    nas__writing w = {.model = model};
    if (model->count < 2)
        NAS_FAIL(NAS_CONFIG, "a network without layers: there is nothing to write");
    NAS_TRY(nas__c_names_of(path, &w.names));
    NAS_TRY(nas__workspace_plan(model, model->prepares, &w.workspace));
    nas__c_write_body(&w);
    write_header(&w);
    write_source(&w);
    const nas_status status = write_files(&w, path);
    nas_text_clear(&w.body);
    nas_text_clear(&w.source);
    nas_text_clear(&w.header);
    free(w.workspace.at);
    return status;
}

const nas_exporter nas__exporter_c = {
    .kind = {.name = "c",
             .summary = "one C99 file and a header without dependencies: FILE.c and FILE.h"},
    .norms = NAS_NORMS_FOLDED,
    .ending = ".c",
    .write = write,
    .run = nas__c_run,
};
