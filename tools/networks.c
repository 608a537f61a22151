/* networks.c - see networks.h.  Most references are a row of a space that knows how to build them; the two that no space has are
 * built here, as their papers' tables say. */
#include "networks.h"

#include <clnas/session.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRAPH_SIZE_MAX = 4 << 20, CLASSES = 10 };

/* ---- rows of spaces ----------------------------------------------------------------------------------------------------- */

static nas_status build_row(const char *space, nas_shape input, const char *row, nas_graph *graph)
{
    nas_value group = {0};
    nas_domain *domain = NULL;
    nas_arch arch;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_value_parse(space, "reference", 1, &group));
    NAS_TRY_DONE(nas_domain_open_group(&group, input, CLASSES, &domain));
    NAS_TRY_DONE(nas_domain_read(domain, row, &arch));
    NAS_TRY_DONE(nas_domain_build(domain, &arch, graph));
done:
    nas_domain_close(domain);
    nas_value_clear(&group);
    return status;
}

static nas_status build_darts_v2(nas_graph *graph)
{
    return build_row("{ type = \"cell\"; cells = 20; channels = 36; }", (nas_shape){3, 32, 32},
                     "DARTS_V2", graph);
}

static nas_status build_darts_v2_small(nas_graph *graph)
{
    return build_row("{ type = \"cell\"; cells = 8; channels = 16; }", (nas_shape){3, 32, 32},
                     "DARTS_V2", graph);
}

static nas_status build_quickstart(nas_graph *graph)
{
    return build_row("{ type = \"chain\"; depth = [4, 8]; op = [\"conv\", \"sep_conv\", "
                     "\"max_pool\"]; kernel = [3, 5]; width = [16, 32, 64]; }",
                     (nas_shape){1, 28, 28}, "4-020-2000-0011-0121-0020-0000-1000-0000", graph);
}

/* ---- by hand ------------------------------------------------------------------------------------------------------------ */

static nas_status build_small_cnn(nas_graph *graph)
{
    return nas_graph_parse(
        "input 1x28x28\n"
        "1 conv2d(0) out = 16\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
        "4 conv2d(3) out = 32; stride = 2\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n"
        "7 conv2d(6) out = 32; groups = 32\n8 conv2d(7) out = 64; kernel = 1\n9 batch_norm(8)\n"
        "10 activation(9) kind = \"relu\"\n11 pool(10) kind = \"max\"; kernel = 2; stride = 2\n"
        "12 conv2d(11) out = 64; groups = 64\n13 conv2d(12) out = 64; kernel = 1\n"
        "14 batch_norm(13)\n15 activation(14) kind = \"relu\"\n"
        "16 pool(15) kind = \"global_average\"\n17 dense(16) out = 10\n",
        "small_cnn", graph);
}

/* A convolution, its norm and, where it is given, its activation. */
static nas_status normed(nas_graph *graph, int *node, const char *convolution,
                         const char *activation)
{
    NAS_TRY(nas_graph_then(graph, "conv2d", node, "%s", convolution));
    NAS_TRY(nas_graph_then(graph, "batch_norm", node, NULL));
    return activation ? nas_graph_then(graph, "activation", node, "kind = \"%s\"", activation)
                      : NAS_OK;
}

static nas_status join(nas_graph *graph, int *node, int other)
{
    const int inputs[] = {*node, other};
    return nas_graph_add(graph, "add", inputs, 2, node, NULL);
}

static nas_status classify(nas_graph *graph, int *node)
{
    NAS_TRY(nas_graph_then(graph, "pool", node, "kind = \"global_average\""));
    return nas_graph_then(graph, "dense", node, "out = %d", CLASSES);
}

static nas_status add_residual_block(nas_graph *graph, int *node, int width, int stride)
{
    char first[64], second[64], around[64];
    int shortcut = *node;
    snprintf(first, sizeof first, "out = %d; stride = %d", width, stride);
    snprintf(second, sizeof second, "out = %d", width);
    snprintf(around, sizeof around, "out = %d; kernel = 1; stride = %d", width, stride);
    NAS_TRY(normed(graph, node, first, "relu"));
    NAS_TRY(normed(graph, node, second, NULL));
    if (stride > 1)
        NAS_TRY(normed(graph, &shortcut, around, NULL));
    NAS_TRY(join(graph, node, shortcut));
    return nas_graph_then(graph, "activation", node, "kind = \"relu\"");
}

static nas_status build_resnet20(nas_graph *graph)
{
    int node = 0;
    NAS_TRY(nas_graph_init(graph, (nas_shape){3, 32, 32}));
    NAS_TRY(normed(graph, &node, "out = 16", "relu"));
    for (int block = 0; block < 9; block++)
        NAS_TRY(
            add_residual_block(graph, &node, 16 << block / 3, block == 3 || block == 6 ? 2 : 1));
    return classify(graph, &node);
}

static nas_status add_inverted_block(nas_graph *graph, int *node, int expansion, int width,
                                     int stride)
{
    char wide[64], depthwise[64], narrow[64];
    const int from = *node, channels = graph->nodes[from].shape.c;
    snprintf(wide, sizeof wide, "out = %d; kernel = 1", channels * expansion);
    snprintf(depthwise, sizeof depthwise, "groups = 0; stride = %d", stride);
    snprintf(narrow, sizeof narrow, "out = %d; kernel = 1", width);
    if (expansion > 1)
        NAS_TRY(normed(graph, node, wide, "relu6"));
    NAS_TRY(normed(graph, node, depthwise, "relu6"));
    NAS_TRY(normed(graph, node, narrow, NULL));
    return stride == 1 && width == channels ? join(graph, node, from) : NAS_OK;
}

/* Table 2 of the paper; the stem and the first reduction keep the size, for images of 32×32. */
static nas_status build_mobilenetv2(nas_graph *graph)
{
    static const struct {
        int expansion, width, count, stride;
    } rows[] = {{1, 16, 1, 1}, {6, 24, 2, 1},  {6, 32, 3, 2}, {6, 64, 4, 2},
                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    int node = 0;
    NAS_TRY(nas_graph_init(graph, (nas_shape){3, 32, 32}));
    NAS_TRY(normed(graph, &node, "out = 32", "relu6"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int k = 0; k < rows[i].count; k++)
            NAS_TRY(add_inverted_block(graph, &node, rows[i].expansion, rows[i].width,
                                       k == 0 ? rows[i].stride : 1));
    NAS_TRY(normed(graph, &node, "out = 1280; kernel = 1", "relu6"));
    return classify(graph, &node);
}

const network_reference network_references[] = {
    {"small_cnn", "a small plain network, 1x28x28", build_small_cnn},
    {"resnet20", "ResNet-20, 3x32x32", build_resnet20},
    {"mobilenetv2", "MobileNetV2, 3x32x32", build_mobilenetv2},
    {"darts_v2", "the cell DARTS_V2, 20 cells, 36 channels, 3x32x32", build_darts_v2},
    {"darts_v2_small", "the cell DARTS_V2, 8 cells, 16 channels, 3x32x32", build_darts_v2_small},
    {"quickstart", "what the quick start finds, 1x28x28", build_quickstart},
    {0},
};

/* ---- files -------------------------------------------------------------------------------------------------------------- */

/* STUDY:12 to STUDY and 12; without a number, the text and −1. */
static nas_status split_trial(const char *text, char *path, size_t size, int *trial)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    errno = 0;
    const long number = colon && colon[1] ? strtol(colon + 1, &end, 10) : -1;
    const bool named = end && !*end && !errno && number >= 0 && number <= INT32_MAX;
    *trial = named ? (int)number : -1;
    const size_t length = named ? (size_t)(colon - text) : strlen(text);
    if (length >= size)
        NAS_FAIL(NAS_CONFIG, "the path %.40s... is too long", text);
    memcpy(path, text, length);
    path[length] = '\0';
    return NAS_OK;
}

/* The row of a trial, of an epoch of a supernet the one that it derives. */
static nas_status read_trial(const nas_study *study, const nas_config *config, const char *path,
                             int index, nas_text *row)
{
    if (index < 0 && nas_study_best(study, &config->objectives.item[0], 1, &index) < 1)
        NAS_FAIL(NAS_CONFIG, "%s has no finished trial yet", path);
    const nas_trial *trial = nas_study_trial(study, index);
    const nas_trial *result = nas_study_result(study, index);
    if (!trial || !trial->arch)
        NAS_FAIL(NAS_CONFIG, "%s has no trial %d", path, index);
    if (result && result->derived)
        nas_text_add_bytes(row, result->derived, nas_trial_derived_length(result));
    else
        nas_text_add(row, trial->arch);
    return nas_text_check(row);
}

static nas_status build_trial(const nas_config *config, const char *row, nas_graph *graph)
{
    nas_data *data;
    nas_domain *domain = NULL;
    nas_arch arch;
    nas_status status = NAS_OK;
    NAS_TRY(nas_data_open_group(&config->data, (uint64_t)config->seed, &data));
    NAS_TRY_DONE(nas_domain_open_group(&config->space, nas_data_shape(data), nas_data_outputs(data),
                                       &domain));
    NAS_TRY_DONE(nas_domain_read(domain, row, &arch));
    NAS_TRY_DONE(nas_domain_build(domain, &arch, graph));
done:
    nas_domain_close(domain);
    nas_data_destroy(data);
    return status;
}

static nas_status open_study(const char *path, int trial, nas_graph *graph)
{
    nas_text options = {0}, row = {0};
    nas_study *study = NULL;
    nas_config *config = calloc(1, sizeof *config);
    bool found = false;
    nas_status status = NAS_OK;
    if (!config)
        NAS_FAIL(NAS_MEMORY, "no memory for a config");
    NAS_TRY_DONE(nas_study_open(path, NAS_STORE_READ, &study));
    NAS_TRY_DONE(nas_study_sync(study));
    NAS_TRY_DONE(nas_study_get(study, "options", &options, &found));
    if (!found || !options.data) {
        status = nas_error_set(NAS_STORE, __FILE__, __LINE__, "%s has no config in it", path);
        goto done;
    }
    NAS_TRY_DONE(nas_config_parse(options.data, path, NULL, NULL, 0, config));
    NAS_TRY_DONE(read_trial(study, config, path, trial, &row));
    NAS_TRY_DONE(build_trial(config, row.data, graph));
done:
    nas_study_close(study);
    if (config)
        nas_config_clear(config);
    free(config);
    nas_text_clear(&options);
    nas_text_clear(&row);
    return status;
}

static nas_status no_such_network(const char *name)
{
    nas_text names = {0};
    for (const network_reference *r = network_references; r->name; r++)
        nas_text_format(&names, "%s%s", r == network_references ? "" : ", ", r->name);
    nas_status status =
        nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                      "%s: no file, and no network is called so; a model file (safetensors, ONNX), "
                      "a graph's text, STUDY[:TRIAL], or one of %s",
                      name, names.data ? names.data : "");
    nas_text_clear(&names);
    return status;
}

static nas_status open_file(const char *name, nas_graph *graph)
{
    static const char study_begins[] = "SQLite format 3";
    char path[NAS_PATH_SIZE], head[sizeof study_begins] = "";
    int trial;
    NAS_TRY(split_trial(name, path, sizeof path, &trial));
    FILE *file = fopen(path, "rb");
    if (!file)
        return no_such_network(name);
    const size_t got = fread(head, 1, sizeof head - 1, file);
    fclose(file);
    if (got == sizeof head - 1 && strcmp(head, study_begins) == 0)
        return open_study(path, trial, graph);
    if (trial >= 0)
        NAS_FAIL(NAS_CONFIG, "%s: %s is no study, so it has no trials", name, path);
    if (nas_session_is_model(path))
        return nas_session_model_graph(path, graph);
    void *text;
    size_t size;
    NAS_TRY(nas_file_read(path, GRAPH_SIZE_MAX, &text, &size));
    nas_status status = nas_graph_parse(text, path, graph);
    free(text);
    return status;
}

nas_status network_open(const char *name, nas_graph *graph)
{
    nas_status status = NAS_OK;
    const network_reference *reference = network_references;
    while (reference->name && strcmp(reference->name, name) != 0)
        reference++;
    status = reference->name ? reference->build(graph) : open_file(name, graph);
    if (status != NAS_OK)
        nas_graph_clear(graph);
    return status;
}

void network_words(const char *argument, const char *before, nas_text *words)
{
    (void)before;
    for (int i = 0; strcmp(argument, "NETWORK") == 0 && network_references[i].name; i++)
        nas_text_format(words, "%s\n", network_references[i].name);
}
