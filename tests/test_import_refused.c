/* test_import_refused.c - ONNX models that are not read: not supported, no graphs, lies, damage.
 *
 * What is not supported is named with its node; a model that is cut at any byte is refused, and one that has any byte changed is refused or
 * read, and nothing else: under the sanitizers this test is what finds a read behind an end. */
#include "nas_test.h"
#include "onnx_model.h"

#include <clnas/import.h>
#include <clnas/graph.h>

#include <math.h>

/* ---- refused ------------------------------------------------------------------------------------------------------------------ */

static void refused(nas_status wanted, const char *part)
{
    nas_safetensors content;
    nas_test_fails(nas_import_onnx("stranger.onnx", NULL, &content), wanted, part);
    assert_null(content.tensors);
}

/* A model of one node. */
static void is_refused(const char *op, nas_status wanted, const char *part)
{
    nas__onnx *o = onnx_begin(3, NUMBERS(2, 4, 4));
    nas__onnx_node(o, op, "y", NAMES("x"));
    onnx_end(o, "stranger.onnx");
    refused(wanted, part);
}

static void what_is_not_supported_is_named(void **state)
{
    (void)state;
    is_refused("ConvTranspose", NAS_CONFIG,
               "stranger.onnx: node 0 \"y\" (ConvTranspose): this operator is not supported");
    is_refused("LSTM", NAS_CONFIG, "(LSTM)");
    is_refused("Conv", NAS_DATA, "(Conv): its weight has 0 axes");
    nas__onnx *o = onnx_begin(3, NUMBERS(2, 4, 4));
    nas__onnx_ints(o, onnx_conv(o, "y", "x", 3, 2, 2), "dilations", 2, NUMBERS(2, 3));
    onnx_end(o, "stranger.onnx");
    refused(NAS_CONFIG, "dilations 2 and 3");
    o = onnx_begin(3, NUMBERS(2, 4, 4));
    onnx_conv(o, "y", "x", 3, 5, 3);
    onnx_end(o, "stranger.onnx");
    refused(NAS_DATA, "5 channels in 1 groups for 2 channels");
    o = onnx_begin(3, NUMBERS(2, 4, 4));
    nas__onnx_ints(o, nas__onnx_node(o, "Transpose", "y", NAMES("x")), "perm", 4,
                   NUMBERS(1, 0, 2, 3));
    onnx_end(o, "stranger.onnx");
    refused(NAS_CONFIG, "it moves the batch");
    o = onnx_begin(3, NUMBERS(2, 1 << 20, 1 << 20));
    nas__onnx_node(o, "Relu", "y", NAMES("x"));
    onnx_end(o, "stranger.onnx");
    refused(NAS_DATA, "the input has more than");
}

/* Graphs that are none: circles, values from nowhere, or given twice. */
static void graphs_that_are_none(void **state)
{
    (void)state;
    nas__onnx *o = onnx_begin(3, NUMBERS(2, 4, 4));
    nas__onnx_node(o, "Add", "a", NAMES("x", "y"));
    nas__onnx_node(o, "Relu", "y", NAMES("a"));
    onnx_end(o, "stranger.onnx");
    refused(NAS_DATA, "it reads \"y\", which nothing before it gives");
    o = onnx_begin(3, NUMBERS(2, 4, 4));
    nas__onnx_node(o, "Relu", "y", NAMES("x"));
    nas__onnx_node(o, "Relu", "y", NAMES("x"));
    onnx_end(o, "stranger.onnx");
    refused(NAS_DATA, "\"y\" is given twice");
    o = onnx_begin(3, NUMBERS(2, 4, 4));
    nas__onnx_node(o, "Relu", "z", NAMES("x"));
    onnx_end(o, "stranger.onnx");
    refused(NAS_DATA, "no node gives its output \"y\"");
}

/* ---- files that lie ------------------------------------------------------------------------------------------------------------ */

static Onnx__ModelProto *unpack(const char *path)
{
    void *data;
    size_t size;
    nas_test_ok(nas_file_read(path, 1 << 24, &data, &size));
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, data);
    assert_non_null(model);
    free(data);
    return model;
}

static void pack(const Onnx__ModelProto *model, const char *path)
{
    const size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *data = malloc(size);
    assert_non_null(data);
    onnx__model_proto__pack(model, data);
    nas_test_ok(nas_file_replace(path, data, size));
    free(data);
}

static void write_sound(void)
{
    nas__onnx *o = onnx_begin(3, NUMBERS(2, 4, 4));
    onnx_conv(o, "a", "x", 3, 2, 3);
    nas__onnx_node(o, "Relu", "b", NAMES("a"));
    nas__onnx_int(o, nas__onnx_node(o, "Flatten", "f", NAMES("b")), "axis", 1);
    nas__onnx_node(o, "Gemm", "y", NAMES("f", onnx_weights(o, "w", 2, NUMBERS(12, 3))));
    onnx_end(o, "sound.onnx");
}

typedef void (*change)(Onnx__ModelProto *model);

static void huge_axes(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->dims[0] = (int64_t)1 << 40;
    model->graph->initializer[0]->dims[1] = (int64_t)1 << 40;
}

static void more_values(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->dims[0] = 1000000;
}

static void negative_axis(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->dims[0] = -3;
}

static void elsewhere(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->has_data_location = true;
    model->graph->initializer[0]->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

static void text_weights(Onnx__ModelProto *model)
{
    model->graph->initializer[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
}

static void not_finite(Onnx__ModelProto *model)
{
    const float nan = NAN;
    memcpy(model->graph->initializer[0]->raw_data.data, &nan, sizeof nan);
}

static void future(Onnx__ModelProto *model)
{
    model->opset_import[0]->version = 99;
}

static void any_height(Onnx__ModelProto *model)
{
    model->graph->input[0]->type->tensor_type->shape->dim[2]->value_case =
        ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE__NOT_SET;
}

static void whole_numbers(Onnx__ModelProto *model)
{
    model->graph->input[0]->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
}

static void changed(change what, nas_status wanted, const char *part)
{
    Onnx__ModelProto *model = unpack("sound.onnx");
    what(model);
    pack(model, "stranger.onnx");
    onnx__model_proto__free_unpacked(model, NULL);
    refused(wanted, part);
}

static void lies_are_refused(void **state)
{
    (void)state;
    write_sound();
    changed(huge_axes, NAS_DATA, "more than 2147483647 values");
    changed(more_values, NAS_DATA, "says that it has 18000000 values, and has others");
    changed(negative_axis, NAS_DATA, "has an axis of -3");
    changed(elsewhere, NAS_CONFIG, "lies in another file; save the model as one file");
    changed(text_weights, NAS_CONFIG, "has data of type 8");
    changed(not_finite, NAS_DATA, "numbers that are not finite");
    changed(future, NAS_CONFIG, "opset 99");
    changed(any_height, NAS_CONFIG, "axis 2 of input \"x\" has no length");
    changed(whole_numbers, NAS_CONFIG, "has type 7");
}

/* Puts a field of this number before what is at `at`, around the bytes up to `end`; the new beginning. */
static size_t wrap(uint8_t *data, size_t at, size_t end, int field)
{
    uint8_t head[8];
    size_t count = 0, length = end - at;
    head[count++] = (uint8_t)(field << 3 | 2);
    for (; length > 127; length >>= 7)
        head[count++] = (uint8_t)(length | 128);
    head[count++] = (uint8_t)length;
    memcpy(data + at - count, head, count);
    return at - count;
}

/* Graphs inside attributes inside nodes, deeper than any stack. */
static void a_file_of_nested_graphs(void **state)
{
    enum { DEPTH = 100000, SIZE = 12 * DEPTH };
    uint8_t *data = calloc(1, SIZE + 16);
    size_t at = SIZE;
    (void)state;
    assert_non_null(data);
    for (int depth = 0; depth < DEPTH; depth++) {
        at = wrap(data, at, SIZE, 6); /* a graph of an attribute */
        at = wrap(data, at, SIZE, 5); /* an attribute of a node */
        at = wrap(data, at, SIZE, 1); /* a node of a graph */
        if (at < 64)
            break;
    }
    at = wrap(data, at, SIZE, 7);
    nas_test_ok(nas_file_replace("stranger.onnx", data + at, SIZE - at));
    free(data);
    refused(NAS_CONFIG, "node 0 \"\" (): a subgraph, as If and Loop have");
}

static void files_that_are_no_models(void **state)
{
    (void)state;
    nas_test_ok(nas_file_replace("stranger.onnx", "", 0));
    refused(NAS_DATA, "there is no graph in it");
    nas_test_ok(nas_file_replace("stranger.onnx", "input 1x2x2\n1 dense(0) out = 3\n", 32));
    refused(NAS_DATA, "damaged at byte");
    nas_safetensors content;
    assert_int_not_equal(nas_import_onnx("nowhere.onnx", NULL, &content), NAS_OK);
    write_sound();
    assert_true(nas_is_onnx("sound.onnx"));
    assert_false(nas_is_onnx("nowhere.onnx"));
    float value = 1;
    nas_safetensor tensor = {.name = "1.weight", .rank = 1, .dims = {1}, .data = &value};
    nas_test_ok(nas_safetensors_write("model.safetensors",
                                      &(nas_safetensors){.tensors = &tensor, .count = 1}));
    assert_false(nas_is_onnx("model.safetensors"));
}

/* Reads it whatever came of it; true: it was accepted, and then it has a graph that can be parsed. */
static bool survives(const uint8_t *data, size_t size)
{
    nas_safetensors content;
    nas_graph graph;
    nas_test_ok(nas_file_replace("stranger.onnx", data, size));
    if (nas_import_onnx("stranger.onnx", NULL, &content) != NAS_OK)
        return false;
    nas_test_ok(nas_graph_parse(nas_safetensors_value(&content, "graph"), "changed", &graph));
    nas_graph_clear(&graph);
    nas_safetensors_clear(&content);
    return true;
}

static void any_cut_and_any_byte(void **state)
{
    static const uint8_t flips[] = {1, 0x80, 0xff};
    void *bytes;
    size_t size;
    int accepted = 0, tried = 0;
    (void)state;
    write_sound();
    nas_test_ok(nas_file_read("sound.onnx", 1 << 20, &bytes, &size));
    uint8_t *data = bytes;
    assert_true(survives(data, size));
    for (size_t cut = 0; cut < size; cut++)
        assert_false(survives(data, cut));
    for (size_t at = 0; at < size; at++)
        for (size_t f = 0; f < sizeof flips; f++) {
            data[at] ^= flips[f];
            accepted += survives(data, size);
            tried++;
            data[at] ^= flips[f];
        }
    assert_true(accepted > 0 && accepted < tried); /* weights may be any numbers */
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(graphs_that_are_none),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(a_file_of_nested_graphs),
        cmocka_unit_test(files_that_are_no_models),
        cmocka_unit_test(any_cut_and_any_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
