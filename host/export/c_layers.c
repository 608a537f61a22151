/* c_layers.c - a line of C for each layer: a call of a function from pieces/, or of an activation, on places in the work memory. */
#include "c_writing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nas__c_add_float(nas_text *text, float value)
{
    char number[32];
    float back;
    for (int digits = 6; digits <= 9; digits++) {
        nas_format(number, sizeof number, "%.*g", digits, (double)value);
        if (nas_scan(number, "%f", &back) == 1 && back == value)
            break;
    }
    nas_text_format(text, strpbrk(number, ".e") ? "%sf" : "%s.0f", number);
}

/* ---- activations ----------------------------------------------------------------------------------------- */

typedef struct formula {
    const char *name, *text;
    bool maths;
} formula;

static const formula formulas[] = {
    [NAS_ACT_NONE] = {"identity", "x", false},
    [NAS_ACT_RELU] = {"relu", "x > 0.0f ? x : 0.0f", false},
    [NAS_ACT_RELU6] = {"relu6", "x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x", false},
    [NAS_ACT_LEAKY_RELU] = {"leaky_relu", "x > 0.0f ? x : slope * x", false},
    [NAS_ACT_SIGMOID] = {"sigmoid", "1.0f / (1.0f + expf(-x))", true},
    [NAS_ACT_TANH] = {"hyperbolic_tangent", "tanhf(x)", true},
    [NAS_ACT_SILU] = {"silu", "x / (1.0f + expf(-x))", true},
    [NAS_ACT_HARD_SWISH] = {"hard_swish", "x < -3.0f ? 0.0f : x > 3.0f ? x : x * (x + 3.0f) / 6.0f",
                            false},
    [NAS_ACT_GELU] = {"gelu", "0.5f * x * (1.0f + erff(x * 0.70710678f))", true},
    [NAS_ACT_STEP] = {"step", "x > 0.0f ? 1.0f : 0.0f", false},
};
enum { FORMULAS = sizeof formulas / sizeof formulas[0] };

/* Of nas_function, with how many of its two numbers it takes. */
typedef struct function_formula {
    formula f;
    int numbers;
} function_formula;

static const function_formula functions[] = {
    [NAS_FUNCTION_CLIP] = {{"clip", "x < a ? a : x > b ? b : x", false}, 2},
    [NAS_FUNCTION_HARD_SIGMOID] = {{"hard_sigmoid",
                                    "a * x + b < 0.0f ? 0.0f : a * x + b > 1.0f ? 1.0f : a * x + b",
                                    false},
                                   2},
    [NAS_FUNCTION_LEAKY] = {{"leaky", "x > 0.0f ? x : a * x", false}, 1},
    [NAS_FUNCTION_THRESHOLD] = {{"threshold", "x > a ? x : 0.0f", false}, 1},
    [NAS_FUNCTION_ELU] = {{"elu", "b * (x > 0.0f ? x : a * expm1f(x))", true}, 2},
    [NAS_FUNCTION_CELU] = {{"celu", "x > 0.0f ? x : a * expm1f(x / a)", true}, 1},
    [NAS_FUNCTION_GELU_TANH] =
        {{"gelu_tanh", "0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)))",
          true},
         0},
    [NAS_FUNCTION_ERF] = {{"error_function", "erff(x)", true}, 0},
    [NAS_FUNCTION_SOFTPLUS] = {{"softplus", "(x > 0.0f ? x : 0.0f) + log1pf(expf(-fabsf(x)))",
                                true},
                               0},
    [NAS_FUNCTION_SOFTSIGN] = {{"softsign", "x / (1.0f + fabsf(x))", true}, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static void add_function(nas_text *text, const formula *f, const char *numbers)
{
    nas_text_format(text,
                    "\nstatic void %s(const float *in, %sfloat *out, int count)\n{\n"
                    "    for (int i = 0; i < count; i++) {\n"
                    "        const float x = in[i];\n"
                    "        out[i] = %s;\n    }\n}\n",
                    f->name, numbers, f->text);
}

static void add_functions(const nas__writing *w, nas_text *text)
{
    static const char *const numbers[] = {"", "float a, ", "float a, float b, "};
    for (int i = 0; i < FORMULAS; i++)
        if (w->activations[i])
            add_function(text, &formulas[i], i == NAS_ACT_LEAKY_RELU ? "float slope, " : "");
    for (int i = 0; i < FUNCTIONS; i++)
        if (w->functions[i])
            add_function(text, &functions[i].f, numbers[functions[i].numbers]);
}

bool nas__c_needs_maths(const nas__writing *w)
{
    bool needed = false;
    for (int i = 0; i < FORMULAS; i++)
        needed = needed || (w->activations[i] && formulas[i].maths);
    for (int i = 0; i < FUNCTIONS; i++)
        needed = needed || (w->functions[i] && functions[i].f.maths);
    for (int i = 0; nas__pieces[i].name; i++)
        needed = needed || (w->uses[i] && strcmp(nas__pieces[i].name, "softmax") == 0);
    return needed;
}

/* ---- layers -------------------------------------------------------------------------------------------------- */

static void use(nas__writing *w, const char *piece)
{
    for (int i = 0; nas__pieces[i].name; i++)
        if (strcmp(nas__pieces[i].name, piece) == 0)
            w->uses[i] = true;
}

/* Where the value of a layer lies, as an expression. */
static const char *value_of(const nas__writing *w, int layer, char text[48])
{
    const uint64_t at = w->workspace.at[layer];
    if (at == 0)
        snprintf(text, 48, "work");
    else if (at != NAS__NOWHERE)
        snprintf(text, 48, "work + %" PRIu64, at);
    else
        snprintf(text, 48, "%s", layer == 0 ? "input" : "output");
    return text;
}

static const char *shape_of(nas_shape shape, char text[64])
{
    snprintf(text, 64, "(shape){%d, %d, %d}", shape.c, shape.h, shape.w);
    return text;
}

/* What most calls begin and end with. */
typedef struct ends {
    char in[48], out[48], from[64], to[64];
    int count; /* floats of the output */
} ends;

static ends ends_of(const nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    ends e;
    value_of(w, l->inputs[0], e.in);
    value_of(w, layer, e.out);
    shape_of(w->model->layers[l->inputs[0]].shape, e.from);
    shape_of(l->shape, e.to);
    e.count = (int)nas_shape_count(l->shape);
    return e;
}

static const char *name_of(const nas_model_layer *layer, const char *kind, char text[48])
{
    snprintf(text, 48, "%s_%d", kind, layer->node);
    return text;
}

const char *nas__c_weight_name(const nas_model_layer *layer, char text[48])
{
    return name_of(layer, layer->what.kind == NAS_LAYER_NORM ? "scale" : "weight", text);
}

const char *nas__c_bias_name(const nas_model_layer *layer, char text[48])
{
    if (!layer->bias)
        return "NULL";
    return name_of(layer, layer->what.kind == NAS_LAYER_NORM ? "shift" : "bias", text);
}

static void add_window(nas_text *text, const nas_layer *what)
{
    nas_text_format(text, "&(window){{%d, %d}, {%d, %d}, {%d, %d}, %d, %d}", what->kernel[0],
                    what->kernel[1], what->stride[0], what->stride[1], what->padding[0],
                    what->padding[1], what->dilation, what->groups);
}

static void call_convolution(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const ends e = ends_of(w, layer);
    char weight[48], bias[48];
    use(w, "convolution");
    nas_text_format(&w->body, "    convolution(%s, %s, %s, %s,\n                ", e.in, e.from,
                    nas__c_weight_name(l, weight), nas__c_bias_name(l, bias));
    add_window(&w->body, &l->what);
    nas_text_format(&w->body, ", %s, %s);\n", e.out, e.to);
}

static void call_dense(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const ends e = ends_of(w, layer);
    char weight[48], bias[48];
    use(w, "dense");
    nas_text_format(&w->body, "    dense(%s, %d, %s, %s, %s, %d);\n", e.in,
                    (int)nas_shape_count(w->model->layers[l->inputs[0]].shape),
                    nas__c_weight_name(l, weight), nas__c_bias_name(l, bias), e.out, e.count);
}

static void call_pool(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const ends e = ends_of(w, layer);
    use(w, "pool");
    nas_text_format(&w->body, "    pool(%s, %s, ", e.in, e.from);
    add_window(&w->body, &l->what);
    nas_text_format(&w->body, ",\n         %d, %s, %s);\n", l->what.kind == NAS_LAYER_MAX_POOL,
                    e.out, e.to);
}

static void call_global_average(nas__writing *w, int layer)
{
    const ends e = ends_of(w, layer);
    use(w, "global_average");
    nas_text_format(&w->body, "    global_average(%s, %s, %s);\n", e.in, e.from, e.out);
}

static void call_norm(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const ends e = ends_of(w, layer);
    char scale[48], shift[48];
    use(w, "norm");
    nas_text_format(&w->body, "    norm(%s, %s, %s, %s, %s);\n", e.in, nas__c_weight_name(l, scale),
                    nas__c_bias_name(l, shift), e.out, e.to);
}

static void call_activation(nas__writing *w, int layer)
{
    const nas_layer *what = &w->model->layers[layer].what;
    const ends e = ends_of(w, layer);
    w->activations[what->activation] = true;
    nas_text_format(&w->body, "    %s(%s, ", formulas[what->activation].name, e.in);
    if (what->activation == NAS_ACT_LEAKY_RELU) {
        nas__c_add_float(&w->body, what->slope);
        nas_text_add(&w->body, ", ");
    }
    nas_text_format(&w->body, "%s, %d);\n", e.out, e.count);
}

static void call_add(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const ends e = ends_of(w, layer);
    char other[48];
    use(w, "add");
    for (int k = 1; k < l->input_count; k++)
        nas_text_format(&w->body, "    add(%s, %s, %s, %d);\n", k == 1 ? e.in : e.out,
                        value_of(w, l->inputs[k], other), e.out, e.count);
}

static void call_mul(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const ends e = ends_of(w, layer);
    char gate[48];
    use(w, "mul");
    nas_text_format(&w->body, "    mul(%s, %s, %d, %s, %s);\n", e.in,
                    value_of(w, l->inputs[1], gate),
                    (int)nas_shape_count(w->model->layers[l->inputs[1]].shape), e.out, e.to);
}

static void call_concat(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const ends e = ends_of(w, layer);
    int at = 0;
    char from[48];
    use(w, "copy");
    for (int k = 0; k < l->input_count; k++) {
        const int count = (int)nas_shape_count(w->model->layers[l->inputs[k]].shape);
        nas_text_format(&w->body, "    copy(%s, %s + %d, %d);\n", value_of(w, l->inputs[k], from),
                        e.out, at, count);
        at += count;
    }
}

static void call_slice(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const ends e = ends_of(w, layer);
    use(w, "copy");
    nas_text_format(&w->body, "    copy(%s + %d, %s, %d);\n", e.in,
                    l->what.from * l->shape.h * l->shape.w, e.out, e.count);
}

static void call_subsample(nas__writing *w, int layer)
{
    const nas_layer *what = &w->model->layers[layer].what;
    const ends e = ends_of(w, layer);
    use(w, "subsample");
    nas_text_format(&w->body, "    subsample(%s, %s, %d, %d, %d, %d, %s, %s);\n", e.in, e.from,
                    what->stride[0], what->stride[1], what->first[0], what->first[1], e.out, e.to);
}

static void call_shuffle(nas__writing *w, int layer)
{
    const ends e = ends_of(w, layer);
    use(w, "shuffle");
    nas_text_format(&w->body, "    shuffle(%s, %d, %s, %s);\n", e.in,
                    w->model->layers[layer].what.groups, e.out, e.to);
}

static void call_upsample(nas__writing *w, int layer)
{
    const ends e = ends_of(w, layer);
    use(w, "upsample");
    nas_text_format(&w->body, "    upsample(%s, %s, %d, %s, %s);\n", e.in, e.from,
                    w->model->layers[layer].what.factor, e.out, e.to);
}

static void call_zero(nas__writing *w, int layer)
{
    const ends e = ends_of(w, layer);
    use(w, "zero");
    nas_text_format(&w->body, "    zero(%s, %d);\n", e.out, e.count);
}

static void call_reshape(nas__writing *w, int layer)
{
    const ends e = ends_of(w, layer);
    use(w, "copy");
    nas_text_format(&w->body, "    copy(%s, %s, %d);\n", e.in, e.out, e.count);
}

static void call_transpose(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const nas_shape in = w->model->layers[l->inputs[0]].shape;
    const int steps[3] = {in.h * in.w, in.w, 1};
    const ends e = ends_of(w, layer);
    use(w, "transpose");
    nas_text_format(&w->body, "    transpose(%s, %d, %d, %d, %s, %s);\n", e.in,
                    steps[l->what.order[0]], steps[l->what.order[1]], steps[l->what.order[2]],
                    e.out, e.to);
}

static void call_pad(nas__writing *w, int layer)
{
    const nas_layer *what = &w->model->layers[layer].what;
    const ends e = ends_of(w, layer);
    use(w, "pad");
    nas_text_format(&w->body, "    pad(%s, %s, %d, %d, %d, ", e.in, e.from, what->before[0],
                    what->before[1], what->before[2]);
    nas__c_add_float(&w->body, what->a);
    nas_text_format(&w->body, ", %s, %s);\n", e.out, e.to);
}

static void call_softmax(nas__writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const int sides[3] = {l->shape.c, l->shape.h, l->shape.w};
    const int inner[3] = {l->shape.h * l->shape.w, l->shape.w, 1};
    const ends e = ends_of(w, layer);
    use(w, "softmax");
    nas_text_format(&w->body, "    softmax(%s, %d, %d, %s, %d);\n", e.in, sides[l->what.axis],
                    inner[l->what.axis], e.out, e.count);
}

static void call_function(nas__writing *w, int layer)
{
    const nas_layer *what = &w->model->layers[layer].what;
    const function_formula *function = &functions[what->function];
    const float numbers[2] = {what->a, what->b};
    const ends e = ends_of(w, layer);
    w->functions[what->function] = true;
    nas_text_format(&w->body, "    %s(%s, ", function->f.name, e.in);
    for (int k = 0; k < function->numbers; k++) {
        nas__c_add_float(&w->body, numbers[k]);
        nas_text_add(&w->body, ", ");
    }
    nas_text_format(&w->body, "%s, %d);\n", e.out, e.count);
}

static void (*const calls[])(nas__writing *w, int layer) = {
    [NAS_LAYER_CONVOLUTION] = call_convolution,
    [NAS_LAYER_DENSE] = call_dense,
    [NAS_LAYER_MAX_POOL] = call_pool,
    [NAS_LAYER_AVERAGE_POOL] = call_pool,
    [NAS_LAYER_GLOBAL_AVERAGE] = call_global_average,
    [NAS_LAYER_NORM] = call_norm,
    [NAS_LAYER_ACTIVATION] = call_activation,
    [NAS_LAYER_ADD] = call_add,
    [NAS_LAYER_MUL] = call_mul,
    [NAS_LAYER_CONCAT] = call_concat,
    [NAS_LAYER_SLICE] = call_slice,
    [NAS_LAYER_SUBSAMPLE] = call_subsample,
    [NAS_LAYER_SHUFFLE] = call_shuffle,
    [NAS_LAYER_UPSAMPLE] = call_upsample,
    [NAS_LAYER_ZERO] = call_zero,
    [NAS_LAYER_RESHAPE] = call_reshape,
    [NAS_LAYER_TRANSPOSE] = call_transpose,
    [NAS_LAYER_PAD] = call_pad,
    [NAS_LAYER_SOFTMAX] = call_softmax,
    [NAS_LAYER_FUNCTION] = call_function,
};

void nas__c_write_body(nas__writing *w)
{
    if (w->model->prepares) {
        char to[64], at[48];
        use(w, "norm");
        nas_text_format(
            &w->body,
            "    /* mean and deviation */\n    norm(input, input_scale, input_shift, %s, %s);\n",
            value_of(w, 0, at), shape_of(nas_model_input(w->model), to));
    }
    for (int i = 1; i < w->model->count; i++) {
        const nas_model_layer *l = &w->model->layers[i];
        nas_text_format(&w->body, "    /* %d: %s, %dx%dx%d */\n", l->node,
                        nas__layer_row_of(l->what.kind)->name, l->shape.c, l->shape.h, l->shape.w);
        calls[l->what.kind](w, i);
    }
}

/* ---- functions ------------------------------------------------------------------------------------------------- */

void nas__c_write_functions(nas__writing *w)
{
    use(w, "shapes");
    for (int i = 0; nas__pieces[i].name; i++) {
        if (!w->uses[i])
            continue;
        nas_text_add(&w->source, "\n");
        for (const char *const *line = nas__pieces[i].lines; *line; line++)
            nas_text_add(&w->source, *line);
    }
    add_functions(w, &w->source);
}
