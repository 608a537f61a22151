/* onnx.c - a network as an ONNX model: NCHW, any batch, opset 13, with preprocessing inside and class names in the metadata.
 *
 * A layer is one ONNX node or a few; the value of node 3 of the network is called x3, so both can be read side by side.  What
 * opset 13 has no operator for is spelled out: silu and hard-swish as products, gelu by erf, a channel shuffle as two
 * reshapes around a transposition.  ONNX Runtime, where Python has it, runs the file for the comparison.
 *
 * Operators: github.com/onnx/onnx, docs/Operators.md. */
#include "onnx_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writing {
    const nas_model *model;
    nas__onnx *onnx;
} writing;

/* Of one layer: its inputs' names, its own, and the layer. */
typedef struct place {
    const nas_model_layer *layer;
    nas_shape in; /* of the first input */
    const char *inputs[NAS_OP_INPUTS + 1];
    const char *output;
} place;

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NUMBERS(...)                                                                               \
    (const int64_t[])                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* "shape_3": of node 3. */
static const char *own_name(const writing *w, const place *p, const char *what)
{
    return nas__onnx_text(w->onnx, "%s_%d", what, p->layer->node);
}

static const char *scalar(const writing *w, const place *p, const char *what, float value)
{
    return nas__onnx_floats(w->onnx, own_name(w, p, what), 0, NULL, &value);
}

static const char *shape(const writing *w, const place *p, const char *what, int count,
                         const int64_t *values)
{
    return nas__onnx_numbers(w->onnx, own_name(w, p, what), count, values);
}

/* ---- layers --------------------------------------------------------------------------------------------------- */

static void add_window(const writing *w, Onnx__NodeProto *node, const nas_layer *o)
{
    nas__onnx_ints(w->onnx, node, "kernel_shape", 2, NUMBERS(o->kernel[0], o->kernel[1]));
    nas__onnx_ints(w->onnx, node, "strides", 2, NUMBERS(o->stride[0], o->stride[1]));
    nas__onnx_ints(w->onnx, node, "pads", 4,
                   NUMBERS(o->padding[0], o->padding[1], o->padding[0], o->padding[1]));
}

static void write_convolution(const writing *w, const place *p)
{
    const nas_model_layer *l = p->layer;
    const nas_layer *o = &l->what;
    const char *weight = nas__onnx_floats(
        w->onnx, own_name(w, p, "weight"), 4,
        NUMBERS(l->shape.c, p->in.c / o->groups, o->kernel[0], o->kernel[1]), l->weight);
    const char *bias =
        l->bias ? nas__onnx_floats(w->onnx, own_name(w, p, "bias"), 1, NUMBERS(l->shape.c), l->bias)
                : NULL;
    Onnx__NodeProto *node =
        nas__onnx_node(w->onnx, "Conv", p->output, NAMES(p->inputs[0], weight, bias));
    add_window(w, node, o);
    nas__onnx_ints(w->onnx, node, "dilations", 2, NUMBERS(o->dilation, o->dilation));
    nas__onnx_int(w->onnx, node, "group", o->groups);
}

/* Vectors are images of one pixel, as everywhere: what comes behind may be a gate. */
static void write_dense(const writing *w, const place *p)
{
    const nas_model_layer *l = p->layer;
    const char *flat = own_name(w, p, "flat"), *product = own_name(w, p, "product");
    const char *weight =
        nas__onnx_floats(w->onnx, own_name(w, p, "weight"), 2,
                         NUMBERS(l->shape.c, (int64_t)nas_shape_count(p->in)), l->weight);
    const char *bias =
        l->bias ? nas__onnx_floats(w->onnx, own_name(w, p, "bias"), 1, NUMBERS(l->shape.c), l->bias)
                : NULL;
    nas__onnx_int(w->onnx, nas__onnx_node(w->onnx, "Flatten", flat, NAMES(p->inputs[0])), "axis",
                  1);
    nas__onnx_int(w->onnx, nas__onnx_node(w->onnx, "Gemm", product, NAMES(flat, weight, bias)),
                  "transB", 1);
    nas__onnx_node(w->onnx, "Reshape", p->output,
                   NAMES(product, shape(w, p, "shape", 4, NUMBERS(0, l->shape.c, 1, 1))));
}

static void write_norm(const writing *w, const place *p)
{
    static const char *const names[4] = {"gamma", "beta", "mean", "variance"};
    const nas_model_layer *l = p->layer;
    const char *constants[4];
    for (int k = 0; k < 4; k++)
        constants[k] = nas__onnx_floats(w->onnx, own_name(w, p, names[k]), 1, NUMBERS(l->shape.c),
                                        l->statistics + k * l->shape.c);
    Onnx__NodeProto *node =
        nas__onnx_node(w->onnx, "BatchNormalization", p->output,
                       NAMES(p->inputs[0], constants[0], constants[1], constants[2], constants[3]));
    nas__onnx_float(w->onnx, node, "epsilon", (float)l->what.epsilon);
}

static void write_pool(const writing *w, const place *p)
{
    const bool largest = p->layer->what.kind == NAS_LAYER_MAX_POOL;
    add_window(w,
               nas__onnx_node(w->onnx, largest ? "MaxPool" : "AveragePool", p->output,
                              NAMES(p->inputs[0])),
               &p->layer->what);
}

static void write_plain(const writing *w, const place *p, const char *op)
{
    nas__onnx_node(w->onnx, op, p->output, p->inputs);
}

/* x·f(x). */
static void write_times(const writing *w, const place *p, const char *factor)
{
    nas__onnx_node(w->onnx, "Mul", p->output, NAMES(p->inputs[0], factor));
}

static void write_hard_swish(const writing *w, const place *p)
{
    const char *gate = own_name(w, p, "gate");
    Onnx__NodeProto *node = nas__onnx_node(w->onnx, "HardSigmoid", gate, NAMES(p->inputs[0]));
    nas__onnx_float(w->onnx, node, "alpha", 1.0f / 6);
    nas__onnx_float(w->onnx, node, "beta", 0.5f);
    write_times(w, p, gate);
}

/* x·(1 + erf(x/√2))/2 */
static void write_gelu(const writing *w, const place *p)
{
    const char *a = own_name(w, p, "scaled"), *b = own_name(w, p, "erf"),
               *c = own_name(w, p, "one");
    const char *d = own_name(w, p, "half");
    nas__onnx_node(w->onnx, "Mul", a, NAMES(p->inputs[0], scalar(w, p, "root", 0.70710678f)));
    nas__onnx_node(w->onnx, "Erf", b, NAMES(a));
    nas__onnx_node(w->onnx, "Add", c, NAMES(b, scalar(w, p, "1", 1)));
    nas__onnx_node(w->onnx, "Mul", d, NAMES(c, scalar(w, p, "0.5", 0.5f)));
    write_times(w, p, d);
}

static void write_activation(const writing *w, const place *p)
{
    const char *helper = own_name(w, p, "gate");
    switch (p->layer->what.activation) {
    case NAS_ACT_NONE:
        write_plain(w, p, "Identity");
        return;
    case NAS_ACT_RELU:
        write_plain(w, p, "Relu");
        return;
    case NAS_ACT_RELU6:
        nas__onnx_node(w->onnx, "Clip", p->output,
                       NAMES(p->inputs[0], scalar(w, p, "0", 0), scalar(w, p, "6", 6)));
        return;
    case NAS_ACT_LEAKY_RELU:
        nas__onnx_float(w->onnx, nas__onnx_node(w->onnx, "LeakyRelu", p->output, p->inputs),
                        "alpha", p->layer->what.slope);
        return;
    case NAS_ACT_SIGMOID:
        write_plain(w, p, "Sigmoid");
        return;
    case NAS_ACT_TANH:
        write_plain(w, p, "Tanh");
        return;
    case NAS_ACT_SILU:
        nas__onnx_node(w->onnx, "Sigmoid", helper, NAMES(p->inputs[0]));
        write_times(w, p, helper);
        return;
    case NAS_ACT_HARD_SWISH:
        write_hard_swish(w, p);
        return;
    case NAS_ACT_GELU:
        write_gelu(w, p);
        return;
    case NAS_ACT_STEP:
        nas__onnx_node(w->onnx, "Greater", helper, NAMES(p->inputs[0], scalar(w, p, "0", 0)));
        nas__onnx_int(w->onnx, nas__onnx_node(w->onnx, "Cast", p->output, NAMES(helper)), "to",
                      ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    }
}

/* Two at a time: ONNX's Sum takes more, but other readers know Add better. */
static void write_add(const writing *w, const place *p)
{
    const char *sum = p->inputs[0];
    for (int k = 1; k < p->layer->input_count; k++) {
        const bool last = k + 1 == p->layer->input_count;
        const char *next =
            last ? p->output : nas__onnx_text(w->onnx, "sum_%d_%d", p->layer->node, k);
        nas__onnx_node(w->onnx, "Add", next, NAMES(sum, p->inputs[k]));
        sum = next;
    }
}

static void write_concat(const writing *w, const place *p)
{
    nas__onnx_int(w->onnx, nas__onnx_node(w->onnx, "Concat", p->output, p->inputs), "axis", 1);
}

static void write_slice(const writing *w, const place *p)
{
    const int from = p->layer->what.from;
    nas__onnx_node(w->onnx, "Slice", p->output,
                   NAMES(p->inputs[0], shape(w, p, "from", 1, NUMBERS(from)),
                         shape(w, p, "to", 1, NUMBERS(from + p->layer->shape.c)),
                         shape(w, p, "axis", 1, NUMBERS(1))));
}

/* Every step-th pixel, and zeros where that left the image. */
static void write_subsample(const writing *w, const place *p)
{
    const nas_layer *o = &p->layer->what;
    int missing[2];
    nas__missing_pixels(p->layer, p->in, missing);
    const bool pads = missing[0] || missing[1];
    const char *taken = pads ? own_name(w, p, "taken") : p->output;
    nas__onnx_node(w->onnx, "Slice", taken,
                   NAMES(p->inputs[0], shape(w, p, "from", 2, NUMBERS(o->first[0], o->first[1])),
                         shape(w, p, "to", 2, NUMBERS(p->in.h, p->in.w)),
                         shape(w, p, "axes", 2, NUMBERS(2, 3)),
                         shape(w, p, "steps", 2, NUMBERS(o->stride[0], o->stride[1]))));
    if (pads)
        nas__onnx_node(w->onnx, "Pad", p->output,
                       NAMES(taken, shape(w, p, "pads", 8,
                                          NUMBERS(0, 0, 0, 0, 0, 0, missing[0], missing[1]))));
}

static void write_shuffle(const writing *w, const place *p)
{
    const nas_shape s = p->layer->shape;
    const int groups = p->layer->what.groups;
    const char *apart = own_name(w, p, "apart"), *turned = own_name(w, p, "turned");
    nas__onnx_node(
        w->onnx, "Reshape", apart,
        NAMES(p->inputs[0], shape(w, p, "groups", 5, NUMBERS(0, groups, s.c / groups, s.h, s.w))));
    nas__onnx_ints(w->onnx, nas__onnx_node(w->onnx, "Transpose", turned, NAMES(apart)), "perm", 5,
                   NUMBERS(0, 2, 1, 3, 4));
    nas__onnx_node(w->onnx, "Reshape", p->output,
                   NAMES(turned, shape(w, p, "shape", 4, NUMBERS(0, s.c, s.h, s.w))));
}

/* Resize's second input, which is for another mode, stays empty. */
static void write_upsample(const writing *w, const place *p)
{
    const nas_shape s = p->layer->shape;
    const float factor = (float)p->layer->what.factor, scales[4] = {1, 1, factor, factor};
    const char *large = own_name(w, p, "large");
    Onnx__NodeProto *node = nas__onnx_node(
        w->onnx, "Resize", large,
        NAMES(p->inputs[0], "",
              nas__onnx_floats(w->onnx, own_name(w, p, "scales"), 1, NUMBERS(4), scales)));
    nas__onnx_string(w->onnx, node, "mode", "nearest");
    nas__onnx_string(w->onnx, node, "coordinate_transformation_mode", "asymmetric");
    nas__onnx_string(w->onnx, node, "nearest_mode", "floor");
    nas__onnx_node(w->onnx, "Slice", p->output,
                   NAMES(large, shape(w, p, "from", 2, NUMBERS(0, 0)),
                         shape(w, p, "to", 2, NUMBERS(s.h, s.w)),
                         shape(w, p, "axes", 2, NUMBERS(2, 3))));
}

static void write_zero(const writing *w, const place *p)
{
    nas__onnx_node(w->onnx, "Mul", p->output, NAMES(p->inputs[0], scalar(w, p, "0", 0)));
}

static void write_reshape(const writing *w, const place *p)
{
    const nas_shape s = p->layer->shape;
    nas__onnx_node(w->onnx, "Reshape", p->output,
                   NAMES(p->inputs[0], shape(w, p, "shape", 4, NUMBERS(0, s.c, s.h, s.w))));
}

static void write_transpose(const writing *w, const place *p)
{
    const int *order = p->layer->what.order;
    nas__onnx_ints(w->onnx, nas__onnx_node(w->onnx, "Transpose", p->output, NAMES(p->inputs[0])),
                   "perm", 4, NUMBERS(0, order[0] + 1, order[1] + 1, order[2] + 1));
}

static void write_pad(const writing *w, const place *p)
{
    const nas_layer *o = &p->layer->what;
    const char *pads = shape(w, p, "pads", 8,
                             NUMBERS(0, o->before[0], o->before[1], o->before[2], 0, o->after[0],
                                     o->after[1], o->after[2]));
    nas__onnx_node(w->onnx, "Pad", p->output,
                   NAMES(p->inputs[0], pads, scalar(w, p, "value", o->a)));
}

static void write_softmax(const writing *w, const place *p)
{
    nas__onnx_int(w->onnx, nas__onnx_node(w->onnx, "Softmax", p->output, NAMES(p->inputs[0])),
                  "axis", p->layer->what.axis + 1);
}

/* One node with alpha; and beta or gamma where `second` names it. */
static void write_function_node(const writing *w, const place *p, const char *op,
                                const char *second)
{
    Onnx__NodeProto *node = nas__onnx_node(w->onnx, op, p->output, NAMES(p->inputs[0]));
    nas__onnx_float(w->onnx, node, "alpha", p->layer->what.a);
    if (second)
        nas__onnx_float(w->onnx, node, second, p->layer->what.b);
}

/* x·(1 + tanh(√(2/π)·x·(1 + 0.044715·x²)))/2 */
static void write_gelu_tanh(const writing *w, const place *p)
{
    const char *x = p->inputs[0], *names[7];
    for (int k = 0; k < 7; k++)
        names[k] = nas__onnx_text(w->onnx, "gelu_%d_%d", p->layer->node, k);
    nas__onnx_node(w->onnx, "Mul", names[0], NAMES(x, x));
    nas__onnx_node(w->onnx, "Mul", names[1], NAMES(names[0], scalar(w, p, "cube", 0.044715f)));
    nas__onnx_node(w->onnx, "Add", names[2], NAMES(names[1], scalar(w, p, "1", 1)));
    nas__onnx_node(w->onnx, "Mul", names[3], NAMES(x, names[2]));
    nas__onnx_node(w->onnx, "Mul", names[4], NAMES(names[3], scalar(w, p, "root", 0.79788456f)));
    nas__onnx_node(w->onnx, "Tanh", names[5], NAMES(names[4]));
    nas__onnx_node(w->onnx, "Add", names[6], NAMES(names[5], scalar(w, p, "one", 1)));
    const char *half = own_name(w, p, "half");
    nas__onnx_node(w->onnx, "Mul", half, NAMES(names[6], scalar(w, p, "0.5", 0.5f)));
    write_times(w, p, half);
}

static void write_function(const writing *w, const place *p)
{
    const nas_layer *o = &p->layer->what;
    switch (o->function) {
    case NAS_FUNCTION_CLIP:
        nas__onnx_node(
            w->onnx, "Clip", p->output,
            NAMES(p->inputs[0], scalar(w, p, "least", o->a), scalar(w, p, "most", o->b)));
        return;
    case NAS_FUNCTION_HARD_SIGMOID:
        write_function_node(w, p, "HardSigmoid", "beta");
        return;
    case NAS_FUNCTION_LEAKY:
        write_function_node(w, p, "LeakyRelu", NULL);
        return;
    case NAS_FUNCTION_THRESHOLD:
        write_function_node(w, p, "ThresholdedRelu", NULL);
        return;
    case NAS_FUNCTION_ELU:
        write_function_node(w, p, "Selu", "gamma"); /* gamma·(x, or alpha·(exp x − 1) below 0) */
        return;
    case NAS_FUNCTION_CELU:
        write_function_node(w, p, "Celu", NULL);
        return;
    case NAS_FUNCTION_GELU_TANH:
        write_gelu_tanh(w, p);
        return;
    case NAS_FUNCTION_ERF:
        write_plain(w, p, "Erf");
        return;
    case NAS_FUNCTION_SOFTPLUS:
        write_plain(w, p, "Softplus");
        return;
    case NAS_FUNCTION_SOFTSIGN:
        write_plain(w, p, "Softsign");
    }
}

static void write_layer(const writing *w, const place *p)
{
    switch (p->layer->what.kind) {
    case NAS_LAYER_CONVOLUTION:
        write_convolution(w, p);
        return;
    case NAS_LAYER_DENSE:
        write_dense(w, p);
        return;
    case NAS_LAYER_NORM:
        write_norm(w, p);
        return;
    case NAS_LAYER_MAX_POOL:
    case NAS_LAYER_AVERAGE_POOL:
        write_pool(w, p);
        return;
    case NAS_LAYER_ACTIVATION:
        write_activation(w, p);
        return;
    case NAS_LAYER_GLOBAL_AVERAGE:
        write_plain(w, p, "GlobalAveragePool");
        return;
    case NAS_LAYER_ADD:
        write_add(w, p);
        return;
    case NAS_LAYER_MUL:
        write_plain(w, p, "Mul");
        return;
    case NAS_LAYER_CONCAT:
        write_concat(w, p);
        return;
    case NAS_LAYER_SLICE:
        write_slice(w, p);
        return;
    case NAS_LAYER_SUBSAMPLE:
        write_subsample(w, p);
        return;
    case NAS_LAYER_SHUFFLE:
        write_shuffle(w, p);
        return;
    case NAS_LAYER_UPSAMPLE:
        write_upsample(w, p);
        return;
    case NAS_LAYER_ZERO:
        write_zero(w, p);
        return;
    case NAS_LAYER_RESHAPE:
        write_reshape(w, p);
        return;
    case NAS_LAYER_TRANSPOSE:
        write_transpose(w, p);
        return;
    case NAS_LAYER_PAD:
        write_pad(w, p);
        return;
    case NAS_LAYER_SOFTMAX:
        write_softmax(w, p);
        return;
    case NAS_LAYER_FUNCTION:
        write_function(w, p);
        return;
    case NAS_LAYER_IDENTITY:
        write_plain(w, p, "Identity");
    }
}

/* ---- the model ------------------------------------------------------------------------------------------------- */

/* scale·x + shift in front; the name of what the first layers read. */
static nas_status write_preprocessing(const writing *w, const char **prepared)
{
    const int channels = nas_model_input(w->model).c;
    float *mapping;
    *prepared = "input";
    if (!w->model->prepares)
        return NAS_OK;
    NAS_TRY(nas_preprocessing_mapping(&w->model->preprocessing, &mapping));
    const int64_t dims[4] = {1, channels, 1, 1};
    nas__onnx_node(w->onnx, "Mul", "scaled",
                   NAMES("input", nas__onnx_floats(w->onnx, "input_scale", 4, dims, mapping)));
    nas__onnx_node(
        w->onnx, "Add", "prepared",
        NAMES("scaled", nas__onnx_floats(w->onnx, "input_shift", 4, dims, mapping + channels)));
    free(mapping);
    *prepared = "prepared";
    return NAS_OK;
}

static nas_status write_layers(const writing *w)
{
    const nas_model *model = w->model;
    const char **names = calloc((size_t)model->count, sizeof *names);
    if (!names)
        NAS_FAIL(NAS_MEMORY, "no memory for an ONNX model");
    nas_status status = write_preprocessing(w, &names[0]);
    if (status != NAS_OK) {
        free(names);
        return status;
    }
    for (int i = 1; i < model->count; i++) {
        const nas_model_layer *l = &model->layers[i];
        place p = {.layer = l, .in = model->layers[l->inputs[0]].shape};
        names[i] = p.output = nas__onnx_text(w->onnx, "x%d", l->node);
        for (int k = 0; k < l->input_count; k++)
            p.inputs[k] = names[l->inputs[k]];
        write_layer(w, &p);
    }
    nas__onnx_int(w->onnx,
                  nas__onnx_node(w->onnx, "Flatten", "output", NAMES(names[model->count - 1])),
                  "axis", 1);
    free(names);
    return NAS_OK;
}

static nas_status write_metadata(const writing *w, nas_data_words *words)
{
    const nas_shape in = nas_model_input(w->model);
    const int64_t out = (int64_t)nas_shape_count(nas_model_output(w->model));
    nas__onnx_input(w->onnx, "input", 3, NUMBERS(in.c, in.h, in.w));
    nas__onnx_output(w->onnx, "output", 1, NUMBERS(out));
    NAS_TRY(nas__metadata_of(w->model, words));
    if (words->preprocessing.data)
        nas__onnx_metadata(w->onnx, "preprocessing", words->preprocessing.data);
    if (words->postprocessing.data)
        nas__onnx_metadata(w->onnx, "postprocessing", words->postprocessing.data);
    if (words->columns.data)
        nas__onnx_metadata(w->onnx, "columns", words->columns.data);
    if (words->classes.data)
        nas__onnx_metadata(w->onnx, "classes", words->classes.data);
    nas__onnx_metadata(w->onnx, "graph", w->model->graph);
    return NAS_OK;
}

static nas_status write(const nas_model *model, const char *path)
{
    writing w = {.model = model};
    nas_data_words words = {0};
    NAS_TRY(nas__onnx_create(&w.onnx));
    nas_status status = write_layers(&w);
    if (status == NAS_OK)
        status = write_metadata(&w, &words);
    if (status == NAS_OK)
        status = nas__onnx_write(w.onnx, path);
    nas__onnx_destroy(w.onnx);
    nas_data_words_clear(&words);
    return status;
}

static nas_status run(const nas_model *model, const char *path, const float *inputs, int samples,
                      float *outputs)
{
    static const nas__python python = {
        .modules = "numpy, onnxruntime",
        .what = "ONNX Runtime",
        .body = "try:\n"
                "    import onnx\n"
                "    onnx.checker.check_model(path, full_check=True)\n"
                "except ImportError:\n"
                "    pass\n"
                "session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])\n"
                "x = numpy.frombuffer(data, dtype=numpy.float32).reshape(-1, *shape)\n"
                "result = session.run(None, {'input': x})[0].tobytes()\n",
    };
    return nas__python_run(&python, model, path, inputs, samples, outputs);
}

const nas_exporter nas__exporter_onnx = {
    .kind = {.name = "onnx", .summary = "an ONNX model, opset 13, any batch: FILE.onnx"},
    .norms = NAS_NORMS_FOLDED,
    .ending = ".onnx",
    .imports = true,
    .write = write,
    .run = run,
};
