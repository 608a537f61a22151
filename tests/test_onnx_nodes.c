/* test_onnx_nodes.c - the ONNX project's own backend tests against the import and the kernels: independent models, inputs and outputs.
 *
 * Debian's libonnx-testdata has them (CLNAS_ONNX_TESTS names another folder; without one the test is skipped).  Of every test whose
 * nodes are all operators that the import is for (`listed`), the model is imported, run on the device and compared.  Inputs after the first are
 * constants, as weights are.  A test may be read in three ways, and passes when one of them gives its outputs and none gives other
 * outputs: with the first axis as the batch; as one sample (`whole`); and, for sums, products and joints of several inputs, with all
 * inputs cut out of one, so that both operands are computed values and not constants.
 *
 * Outside are tests of what the engine is not for: other types than float32, three spatial axes, outputs of training, values that are no
 * tensors or hold nothing.  `exceptions` are the tests within the scope that are known not to pass, with the reason.  The test fails when another one
 * does not pass, when an exception passes, and when under 95 % of those within the scope pass.  It prints the figures that docs/recipes/import.md has. */
#include "onnx_run.h"

#include <dirent.h>
#include <math.h>
#include <onnx.pb-c.h>
#include <unistd.h>

static const char *const listed[] = {"Conv",
                                     "MaxPool",
                                     "AveragePool",
                                     "GlobalAveragePool",
                                     "BatchNormalization",
                                     "Gemm",
                                     "MatMul",
                                     "Add",
                                     "Mul",
                                     "Concat",
                                     "Slice",
                                     "Pad",
                                     "Clip",
                                     "Relu",
                                     "LeakyRelu",
                                     "PRelu",
                                     "Elu",
                                     "Selu",
                                     "Celu",
                                     "ThresholdedRelu",
                                     "Sigmoid",
                                     "HardSigmoid",
                                     "HardSwish",
                                     "Gelu",
                                     "Softmax",
                                     "Flatten",
                                     "Reshape",
                                     "Dropout",
                                     "Identity",
                                     "Constant",
                                     "Transpose",
                                     NULL};

typedef struct exception {
    const char *test, *reason;
} exception;

static const exception exceptions[] = {{"test_maxpool_2d_dilations", "dilated pools"},
                                       {"test_MaxPool1d_stride_padding_dilation", "dilated pools"},
                                       {"test_MaxPool2d_stride_padding_dilation", "dilated pools"},
                                       {"test_slice_neg_steps", "backward slices"},
                                       {"test_ReflectionPad2d", "borders of mirrored pixels"},
                                       {"test_ReplicationPad2d", "borders of repeated pixels"},
                                       {"test_operator_pad", "borders of mirrored pixels"},
                                       {NULL, NULL}};

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool read_bytes(const char *path, void **data, size_t *size)
{
    return nas_file_read(path, 1 << 28, data, size) == NAS_OK;
}

static Onnx__ModelProto *read_model(const char *path)
{
    void *data;
    size_t size;
    if (!read_bytes(path, &data, &size))
        return NULL;
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, data);
    free(data);
    return model;
}

static Onnx__TensorProto *read_tensor(const char *folder, const char *what, int number)
{
    char path[512];
    void *data;
    size_t size;
    snprintf(path, sizeof path, "%s/test_data_set_0/%s_%d.pb", folder, what, number);
    if (access(path, R_OK) != 0 || !read_bytes(path, &data, &size))
        return NULL;
    Onnx__TensorProto *tensor = onnx__tensor_proto__unpack(NULL, size, data);
    free(data);
    return tensor;
}

static size_t count_of(const Onnx__TensorProto *tensor)
{
    size_t count = 1;
    for (size_t d = 0; d < tensor->n_dims; d++)
        count *= (size_t)tensor->dims[d];
    return count;
}

static const float *floats_of(const Onnx__TensorProto *tensor)
{
    return tensor->has_raw_data && tensor->raw_data.len
               ? (const float *)(const void *)tensor->raw_data.data
               : tensor->float_data;
}

/* ---- a test ------------------------------------------------------------------------------------------------------- */

enum { INPUTS = 8 };

typedef struct backend_test {
    const char *name;
    char folder[400];
    Onnx__ModelProto *model;
    Onnx__TensorProto *inputs[INPUTS], *output;
    int input_count;
} backend_test;

static bool is_listed(const char *op)
{
    for (int k = 0; listed[k]; k++)
        if (strcmp(listed[k], op) == 0)
            return true;
    return false;
}

static bool all_listed(const Onnx__ModelProto *model)
{
    for (size_t n = 0; n < model->graph->n_node; n++)
        if (!is_listed(model->graph->node[n]->op_type))
            return false;
    return model->graph->n_node > 0;
}

static bool has_op(const backend_test *t, const char *op)
{
    for (size_t n = 0; n < t->model->graph->n_node; n++)
        if (strcmp(t->model->graph->node[n]->op_type, op) == 0)
            return true;
    return false;
}

/* float32, or not: of the first input and the output; the others may be whole numbers. */
static const char *types_outside(const backend_test *t)
{
    const int32_t wanted = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    const Onnx__GraphProto *graph = t->model->graph;
    for (size_t k = 0; k < graph->n_input; k++)
        if (!graph->input[k]->type ||
            graph->input[k]->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
            return "values that are no tensors";
    if (!t->inputs[0])
        return "no input";
    if (!t->output)
        return "no output tensor";
    if (t->inputs[0]->data_type != wanted || t->output->data_type != wanted)
        return "other types than float32";
    return NULL;
}

/* Why this test asks for something that the engine is not for; NULL: it does not. */
static const char *outside(const backend_test *t)
{
    const char *types = types_outside(t);
    if (types)
        return types;
    if (count_of(t->inputs[0]) == 0 || count_of(t->output) == 0)
        return "tensors without values";
    if (t->model->graph->n_output > 1)
        return "several outputs: of training, masks, indices";
    if (has_op(t, "Dropout") && t->input_count > 2)
        return "training";
    if (t->inputs[0]->n_dims > 4 &&
        (has_op(t, "Conv") || has_op(t, "MaxPool") || has_op(t, "AveragePool")))
        return "three spatial axes";
    return NULL;
}

static bool open_test(backend_test *t)
{
    char path[512];
    snprintf(path, sizeof path, "%s/model.onnx", t->folder);
    t->model = read_model(path);
    if (!t->model || !t->model->graph || !all_listed(t->model))
        return false;
    while (t->input_count < INPUTS &&
           (t->inputs[t->input_count] = read_tensor(t->folder, "input", t->input_count)))
        t->input_count++;
    t->output = read_tensor(t->folder, "output", 0);
    return true;
}

static void close_test(backend_test *t)
{
    for (int k = 0; k < t->input_count; k++)
        onnx__tensor_proto__free_unpacked(t->inputs[k], NULL);
    if (t->output)
        onnx__tensor_proto__free_unpacked(t->output, NULL);
    if (t->model)
        onnx__model_proto__free_unpacked(t->model, NULL);
}

/* ---- models rewritten -------------------------------------------------------------------------------------------- */

static void pack(const Onnx__ModelProto *model, const char *path)
{
    const size_t size = onnx__model_proto__get_packed_size(model);
    uint8_t *data = malloc(size);
    assert_non_null(data);
    onnx__model_proto__pack(model, data);
    nas_test_ok(nas_file_replace(path, data, size));
    free(data);
}

/* The name of input k that the test gives, among those of the graph that are no initializers. */
static char *name_of_input(const backend_test *t, int k)
{
    const Onnx__GraphProto *graph = t->model->graph;
    for (size_t n = 0; n < graph->n_input; n++) {
        bool initialized = false;
        for (size_t m = 0; m < graph->n_initializer; m++)
            initialized =
                initialized || strcmp(graph->initializer[m]->name, graph->input[n]->name) == 0;
        if (!initialized && k-- == 0)
            return graph->input[n]->name;
    }
    return NULL;
}

/* All inputs after the first as initializers. */
static bool write_with_constants(backend_test *t, const char *path)
{
    Onnx__GraphProto *graph = t->model->graph, changed = *graph;
    char *own_names[INPUTS];
    Onnx__TensorProto **all = calloc(graph->n_initializer + INPUTS, sizeof *all);
    assert_non_null(all);
    for (size_t k = 0; k < graph->n_initializer; k++)
        all[k] = graph->initializer[k];
    changed.initializer = all;
    for (int k = 1; k < t->input_count; k++) {
        char *name = name_of_input(t, k);
        own_names[k] = t->inputs[k]->name;
        if (!name)
            continue;
        t->inputs[k]->name = name;
        all[changed.n_initializer++] = t->inputs[k];
    }
    t->model->graph = &changed;
    pack(t->model, path);
    t->model->graph = graph;
    for (int k = 1; k < t->input_count; k++)
        t->inputs[k]->name = own_names[k];
    free(all);
    return true;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

typedef enum verdict { NOT_READ, WRONG, RIGHT } verdict;

static verdict compare(const backend_test *t, const onnx_outputs *outputs, int samples, char *why)
{
    const float *wanted = floats_of(t->output);
    const size_t count = count_of(t->output);
    if (outputs->count * (uint64_t)samples != count) {
        snprintf(why, 256, "%zu outputs are wanted", count);
        return WRONG;
    }
    for (size_t k = 0; k < count; k++)
        if (!(fabsf(outputs->values[k] - wanted[k]) <= 1e-5f + 1e-4f * fabsf(wanted[k]))) {
            snprintf(why, 256, "output %zu is %g instead of %g", k, (double)outputs->values[k],
                     (double)wanted[k]);
            return WRONG;
        }
    return RIGHT;
}

static verdict run_file(nas_device *device, const backend_test *t, const char *path,
                        const float *inputs, size_t count, int samples, bool whole, char *why)
{
    const nas_import_options options = {.whole = whole};
    nas_safetensors content = {0};
    onnx_outputs outputs = {0};
    verdict v = NOT_READ;
    if (samples > 0 && nas_import_onnx(path, &options, &content) == NAS_OK) {
        nas_test_ok(onnx_run(device, &content, inputs, count / (size_t)samples, samples, &outputs));
        v = compare(t, &outputs, samples, why);
    } else {
        const char *reason = strstr(nas_error_message(), "): ");
        snprintf(why, 256, "%s", reason ? reason + 3 : nas_error_message());
    }
    free(outputs.values);
    nas_safetensors_clear(&content);
    return v;
}

/* ---- several inputs out of one ---------------------------------------------------------------------------------------- */

static bool can_join(const backend_test *t)
{
    if (t->input_count < 2 || !(has_op(t, "Add") || has_op(t, "Mul") || has_op(t, "Concat")) ||
        t->model->graph->n_node != 1)
        return false;
    for (int k = 1; k < t->input_count; k++)
        if (t->inputs[k]->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
            count_of(t->inputs[k]) == 0)
            return false;
    return true;
}

/* A tensor of whole numbers; `numbers` is lent. */
static Onnx__TensorProto list_of(char *name, int64_t *numbers, size_t count, int64_t *length)
{
    Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
    *length = (int64_t)count;
    tensor.name = name;
    tensor.has_data_type = true;
    tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    tensor.dims = length;
    tensor.n_dims = 1;
    tensor.int64_data = numbers;
    tensor.n_int64_data = count;
    return tensor;
}

/* Of one input: where it lies in the joined one, its shape, and the two nodes that take it out. */
typedef struct piece {
    int64_t from, to, lengths[3];
    char names[4][32];
    char *slice_inputs[3], *slice_outputs[1], *reshape_inputs[2], *reshape_outputs[1];
    Onnx__TensorProto constants[3];
    Onnx__NodeProto nodes[2];
} piece;

static void make_piece(const backend_test *t, int k, int64_t from, piece *p)
{
    const char *const what[4] = {"from", "to", "shape", "flat"};
    *p = (piece){.from = from, .to = from + (int64_t)count_of(t->inputs[k])};
    for (int n = 0; n < 4; n++)
        snprintf(p->names[n], sizeof p->names[n], "joined_%s_%d", what[n], k);
    p->constants[0] = list_of(p->names[0], &p->from, 1, &p->lengths[0]);
    p->constants[1] = list_of(p->names[1], &p->to, 1, &p->lengths[1]);
    p->constants[2] =
        list_of(p->names[2], t->inputs[k]->dims, t->inputs[k]->n_dims, &p->lengths[2]);
    onnx__node_proto__init(&p->nodes[0]);
    onnx__node_proto__init(&p->nodes[1]);
    p->slice_inputs[0] = (char *)(uintptr_t) "joined";
    p->slice_inputs[1] = p->names[0];
    p->slice_inputs[2] = p->names[1];
    p->slice_outputs[0] = p->reshape_inputs[0] = p->names[3];
    p->reshape_inputs[1] = p->names[2];
    p->reshape_outputs[0] = name_of_input(t, k);
    p->nodes[0].op_type = (char *)(uintptr_t) "Slice";
    p->nodes[0].input = p->slice_inputs, p->nodes[0].n_input = 3;
    p->nodes[0].output = p->slice_outputs, p->nodes[0].n_output = 1;
    p->nodes[1].op_type = (char *)(uintptr_t) "Reshape";
    p->nodes[1].input = p->reshape_inputs, p->nodes[1].n_input = 2;
    p->nodes[1].output = p->reshape_outputs, p->nodes[1].n_output = 1;
}

/* The model with one input of all numbers in a row; its opset becomes one that slices by inputs. */
static size_t write_joined(backend_test *t, const char *path)
{
    piece pieces[INPUTS];
    Onnx__GraphProto *graph = t->model->graph, changed = *graph;
    Onnx__TensorProto *constants[3 * INPUTS];
    Onnx__NodeProto *nodes[2 * INPUTS + 1];
    int64_t at = 0;
    changed.n_initializer = changed.n_node = 0;
    changed.initializer = constants;
    changed.node = nodes;
    for (int k = 0; k < t->input_count; k++) {
        make_piece(t, k, at, &pieces[k]);
        at = pieces[k].to;
        for (int c = 0; c < 3; c++)
            constants[changed.n_initializer++] = &pieces[k].constants[c];
        nodes[changed.n_node++] = &pieces[k].nodes[0];
        nodes[changed.n_node++] = &pieces[k].nodes[1];
    }
    nodes[changed.n_node++] = graph->node[0];
    Onnx__ValueInfoProto input = *graph->input[0], *inputs[1] = {&input};
    Onnx__TypeProto type = *input.type;
    Onnx__TypeProto__Tensor tensor = *type.tensor_type;
    Onnx__TensorShapeProto shape = ONNX__TENSOR_SHAPE_PROTO__INIT;
    Onnx__TensorShapeProto__Dimension dimension = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT,
                                      *dimensions[1] = {&dimension};
    dimension.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    dimension.dim_value = at;
    shape.dim = dimensions, shape.n_dim = 1;
    tensor.shape = &shape;
    type.tensor_type = &tensor;
    input.type = &type;
    input.name = (char *)(uintptr_t) "joined";
    changed.input = inputs, changed.n_input = 1;
    t->model->graph = &changed;
    pack(t->model, path);
    t->model->graph = graph;
    return (size_t)at;
}

static verdict run_joined(nas_device *device, backend_test *t, char *why)
{
    const size_t count = write_joined(t, "joined.onnx");
    float *all = calloc(count, sizeof *all);
    size_t at = 0;
    assert_non_null(all);
    for (int k = 0; k < t->input_count; k++) {
        memcpy(all + at, floats_of(t->inputs[k]), count_of(t->inputs[k]) * sizeof *all);
        at += count_of(t->inputs[k]);
    }
    const verdict v = run_file(device, t, "joined.onnx", all, count, 1, true, why);
    free(all);
    return v;
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

typedef struct tally {
    int others, outside, within, passed, excepted, wrong;
    int ways[3]; /* that passed by batch, whole, joined */
} tally;

static const char *exception_of(const char *name)
{
    for (int k = 0; exceptions[k].test; k++)
        if (strcmp(exceptions[k].test, name) == 0)
            return exceptions[k].reason;
    return NULL;
}

static void judge(const backend_test *t, bool passed, bool wrong, const char *why, tally *all)
{
    const char *known = exception_of(t->name);
    all->within++;
    all->passed += passed && !wrong;
    if (known && !wrong) {
        all->excepted++;
        printf("  exception  %-44s %s: %s\n", t->name, known, why);
        if (passed) {
            printf("  FAILED     %-44s it is an exception, and passes\n", t->name);
            all->wrong++;
        }
    } else if (!passed || wrong) {
        all->wrong++;
        printf("  FAILED     %-44s %s\n", t->name, why);
    }
}

static void run_backend_test(nas_device *device, backend_test *t, tally *all)
{
    char why[3][256] = {"", "", ""};
    verdict v[3] = {NOT_READ, NOT_READ, NOT_READ};
    const Onnx__TensorProto *x = t->inputs[0];
    const size_t count = count_of(x);
    write_with_constants(t, "model.onnx");
    v[0] = run_file(device, t, "model.onnx", floats_of(x), count, x->n_dims ? (int)x->dims[0] : 0,
                    false, why[0]);
    v[1] = run_file(device, t, "model.onnx", floats_of(x), count, 1, true, why[1]);
    if (can_join(t))
        v[2] = run_joined(device, t, why[2]);
    int failed = -1;
    bool passed = false;
    for (int k = 0; k < 3; k++) {
        passed = passed || v[k] == RIGHT;
        all->ways[k] += v[k] == RIGHT;
        failed = v[k] == WRONG ? k : failed;
    }
    judge(t, passed, failed >= 0, failed >= 0 ? why[failed] : why[0], all);
}

static void run_folder(nas_device *device, const char *root, const char *kind, tally *all)
{
    char path[400];
    struct dirent **names;
    snprintf(path, sizeof path, "%s/%s", root, kind);
    const int count = scandir(path, &names, NULL, alphasort);
    for (int k = 0; k < count; k++) {
        backend_test t = {.name = names[k]->d_name};
        if (names[k]->d_name[0] == '.') {
            free(names[k]);
            continue;
        }
        snprintf(t.folder, sizeof t.folder, "%.300s/%.90s", path, names[k]->d_name);
        if (open_test(&t)) {
            const char *reason = outside(&t);
            all->outside += reason != NULL;
            if (reason)
                printf("  outside    %-44s %s\n", t.name, reason);
            else
                run_backend_test(device, &t, all);
        } else {
            all->others++;
        }
        close_test(&t);
        free(names[k]);
    }
    if (count >= 0)
        free(names);
}

static void test_backend_tests(void **state)
{
    static const char *const kinds[] = {"node", "pytorch-converted", "pytorch-operator", "simple"};
    const char *root = getenv("CLNAS_ONNX_TESTS");
    tally all = {0};
    nas_device *device;
    (void)state;
    root = root ? root : "/usr/share/libonnx-testdata/data";
    if (access(root, R_OK) != 0)
        skip();
    nas_test_ok(nas_device_open("any", NULL, &device));
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        run_folder(device, root, kinds[k], &all);
    nas_device_destroy(device);
    printf("%d tests of other operators; %d outside; %d within the scope: %d passed (%.1f %%), %d "
           "exceptions\n"
           "right with the first axis as batch %d, as one sample %d, with all inputs cut out of "
           "one %d\n",
           all.others, all.outside, all.within, all.passed, 100.0 * all.passed / all.within,
           all.excepted, all.ways[0], all.ways[1], all.ways[2]);
    assert_int_equal(all.wrong, 0);
    assert_true(all.passed >= 0.95 * all.within);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_backend_tests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
