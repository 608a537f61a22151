/* torch.c - a PyTorch module as plain Python, and beside it the weights that it loads: FILE.py and FILE.safetensors.
 *
 * The module needs torch and nothing else, not even the safetensors package: reading such a file takes ten lines, which are in it.  Inputs are
 * [samples][channels][height][width] as the data set stores them, what `load()` gives is in evaluation and can be trained on. */
#include "exporter.h"

#include <stdio.h>
#include <string.h>

typedef struct writing {
    const nas_model *model;
    nas_text made, run; /* bodies of __init__ and forward */
} writing;

/* ---- layers ---------------------------------------------------------------------------------------------- */

/* The value of a layer's input, as Python calls it. */
static const char *input_of(const writing *w, int layer, int k, char text[16])
{
    const int input = w->model->layers[layer].inputs[k];
    snprintf(text, 16, input ? "x%d" : "x", input ? w->model->layers[input].node : 0);
    return text;
}

static const nas_model_layer *before(const writing *w, const nas_model_layer *layer)
{
    return &w->model->layers[layer->inputs[0]];
}

static void write_convolution(writing *w, const nas_model_layer *l, const char *x)
{
    const nas_layer *o = &l->what;
    char name[32];
    nas_text_format(
        &w->made,
        "        self.%s = nn.Conv2d(%d, %d, (%d, %d), stride=(%d, %d), padding=(%d, %d), "
        "dilation=%d, groups=%d, bias=%s)\n",
        nas__torch_name(l, name), before(w, l)->shape.c, l->shape.c, o->kernel[0], o->kernel[1],
        o->stride[0], o->stride[1], o->padding[0], o->padding[1], o->dilation, o->groups,
        l->bias ? "True" : "False");
    nas_text_format(&w->run, "self.%s(%s)", name, x);
}

static void write_dense(writing *w, const nas_model_layer *l, const char *x)
{
    char name[32];
    nas_text_format(&w->made, "        self.%s = nn.Linear(%d, %d, bias=%s)\n",
                    nas__torch_name(l, name), (int)nas_shape_count(before(w, l)->shape), l->shape.c,
                    l->bias ? "True" : "False");
    nas_text_format(&w->run, "self.%s(%s.flatten(1))[:, :, None, None]", name, x);
}

static void write_norm(writing *w, const nas_model_layer *l, const char *x)
{
    char name[32];
    nas_text_format(&w->made, "        self.%s = nn.BatchNorm2d(%d, eps=%.15g)\n",
                    nas__torch_name(l, name), l->shape.c, l->what.epsilon);
    nas_text_format(&w->run, "self.%s(%s)", name, x);
}

/* More padding than half a kernel is nothing that PyTorch's pools take: they get the border with the tensor. */
static void write_pool(writing *w, const nas_model_layer *l, const char *x)
{
    const nas_layer *o = &l->what;
    const bool largest = o->kind == NAS_LAYER_MAX_POOL;
    const bool wide = 2 * o->padding[0] > o->kernel[0] || 2 * o->padding[1] > o->kernel[1];
    if (!wide)
        nas_text_format(&w->run, "F.%s(%s, (%d, %d), (%d, %d), (%d, %d)%s)",
                        largest ? "max_pool2d" : "avg_pool2d", x, o->kernel[0], o->kernel[1],
                        o->stride[0], o->stride[1], o->padding[0], o->padding[1],
                        largest ? "" : ", count_include_pad=False");
    else
        nas_text_format(&w->run, "%s(%s, (%d, %d), (%d, %d), (%d, %d, %d, %d))",
                        largest ? "wide_max_pool" : "wide_average_pool", x, o->kernel[0],
                        o->kernel[1], o->stride[0], o->stride[1], o->padding[1], o->padding[1],
                        o->padding[0], o->padding[0]);
}

static void write_activation(writing *w, const nas_model_layer *l, const char *x)
{
    static const char *const calls[] = {
        [NAS_ACT_NONE] = "%s",
        [NAS_ACT_RELU] = "F.relu(%s)",
        [NAS_ACT_RELU6] = "F.relu6(%s)",
        [NAS_ACT_LEAKY_RELU] = "F.leaky_relu(%s, ",
        [NAS_ACT_SIGMOID] = "torch.sigmoid(%s)",
        [NAS_ACT_TANH] = "torch.tanh(%s)",
        [NAS_ACT_SILU] = "F.silu(%s)",
        [NAS_ACT_HARD_SWISH] = "F.hardswish(%s)",
        [NAS_ACT_GELU] = "F.gelu(%s)",
        [NAS_ACT_STEP] = "(%s > 0).float()",
    };
    const char *call = calls[l->what.activation], *place = strstr(call, "%s");
    nas_text_format(&w->run, "%.*s%s%s", (int)(place - call), call, x, place + 2);
    if (l->what.activation == NAS_ACT_LEAKY_RELU)
        nas_text_format(&w->run, "%.9g)", (double)l->what.slope);
}

/* $a and $b stand for the function's numbers, $x for its input. */
static const char *const function_texts[] = {
    [NAS_FUNCTION_CLIP] = "torch.clamp($x, $a, $b)",
    [NAS_FUNCTION_HARD_SIGMOID] = "torch.clamp($x * $a + $b, 0, 1)",
    [NAS_FUNCTION_LEAKY] = "F.leaky_relu($x, $a)",
    [NAS_FUNCTION_THRESHOLD] = "F.threshold($x, $a, 0)",
    [NAS_FUNCTION_ELU] = "F.elu($x, $a) * $b",
    [NAS_FUNCTION_CELU] = "F.celu($x, $a)",
    [NAS_FUNCTION_GELU_TANH] =
        "0.5 * $x * (1 + torch.tanh(0.7978845608028654 * ($x + 0.044715 * $x ** 3)))",
    [NAS_FUNCTION_ERF] = "torch.erf($x)",
    [NAS_FUNCTION_SOFTPLUS] = "F.softplus($x)",
    [NAS_FUNCTION_SOFTSIGN] = "F.softsign($x)",
};

static void write_function(writing *w, const nas_model_layer *l, const char *x)
{
    for (const char *c = function_texts[l->what.function]; *c; c++)
        if (*c != '$')
            nas_text_add_bytes(&w->run, c, 1);
        else if (*++c == 'x')
            nas_text_add(&w->run, x);
        else
            nas_text_format(&w->run, "%.9g", (double)(*c == 'a' ? l->what.a : l->what.b));
}

/* F.pad begins with the last axis. */
static void write_pad(writing *w, const nas_model_layer *l, const char *x)
{
    const nas_layer *o = &l->what;
    nas_text_format(&w->run, "F.pad(%s, (%d, %d, %d, %d, %d, %d), value=%.9g)", x, o->before[2],
                    o->after[2], o->before[1], o->after[1], o->before[0], o->after[0],
                    (double)o->a);
}

static void write_joint(writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const char *between = l->what.kind == NAS_LAYER_ADD   ? " + "
                          : l->what.kind == NAS_LAYER_MUL ? " * "
                                                          : ", ";
    const bool joined = l->what.kind == NAS_LAYER_CONCAT;
    char x[16];
    nas_text_add(&w->run, joined ? "torch.cat((" : "");
    for (int k = 0; k < l->input_count; k++)
        nas_text_format(&w->run, "%s%s", k ? between : "", input_of(w, layer, k, x));
    nas_text_add(&w->run, joined ? "), 1)" : "");
}

static void write_subsample(writing *w, const nas_model_layer *l, const char *x)
{
    const nas_layer *o = &l->what;
    int missing[2];
    nas__missing_pixels(l, before(w, l)->shape, missing);
    nas_text_format(&w->run, "F.pad(%s[:, :, %d::%d, %d::%d], (0, %d, 0, %d))", x, o->first[0],
                    o->stride[0], o->first[1], o->stride[1], missing[1], missing[0]);
}

static void write_value(writing *w, int layer)
{
    const nas_model_layer *l = &w->model->layers[layer];
    const nas_layer *o = &l->what;
    char x[16];
    input_of(w, layer, 0, x);
    switch (o->kind) {
    case NAS_LAYER_CONVOLUTION:
        write_convolution(w, l, x);
        return;
    case NAS_LAYER_DENSE:
        write_dense(w, l, x);
        return;
    case NAS_LAYER_NORM:
        write_norm(w, l, x);
        return;
    case NAS_LAYER_MAX_POOL:
    case NAS_LAYER_AVERAGE_POOL:
        write_pool(w, l, x);
        return;
    case NAS_LAYER_ACTIVATION:
        write_activation(w, l, x);
        return;
    case NAS_LAYER_ADD:
    case NAS_LAYER_MUL:
    case NAS_LAYER_CONCAT:
        write_joint(w, layer);
        return;
    case NAS_LAYER_SUBSAMPLE:
        write_subsample(w, l, x);
        return;
    case NAS_LAYER_GLOBAL_AVERAGE:
        nas_text_format(&w->run, "%s.mean((2, 3), keepdim=True)", x);
        return;
    case NAS_LAYER_SLICE:
        nas_text_format(&w->run, "%s[:, %d:%d]", x, o->from, o->from + l->shape.c);
        return;
    case NAS_LAYER_SHUFFLE:
        nas_text_format(&w->run, "%s.unflatten(1, (%d, %d)).transpose(1, 2).flatten(1, 2)", x,
                        o->groups, l->shape.c / o->groups);
        return;
    case NAS_LAYER_UPSAMPLE:
        nas_text_format(&w->run,
                        "%s.repeat_interleave(%d, 2).repeat_interleave(%d, 3)[:, :, :%d, :%d]", x,
                        o->factor, o->factor, l->shape.h, l->shape.w);
        return;
    case NAS_LAYER_ZERO:
        nas_text_format(&w->run, "torch.zeros_like(%s)", x);
        return;
    case NAS_LAYER_RESHAPE:
        nas_text_format(&w->run, "%s.reshape(-1, %d, %d, %d)", x, l->shape.c, l->shape.h,
                        l->shape.w);
        return;
    case NAS_LAYER_TRANSPOSE:
        nas_text_format(&w->run, "%s.permute(0, %d, %d, %d)", x, o->order[0] + 1, o->order[1] + 1,
                        o->order[2] + 1);
        return;
    case NAS_LAYER_PAD:
        write_pad(w, l, x);
        return;
    case NAS_LAYER_SOFTMAX:
        nas_text_format(&w->run, "torch.softmax(%s, %d)", x, o->axis + 1);
        return;
    case NAS_LAYER_FUNCTION:
        write_function(w, l, x);
        return;
    case NAS_LAYER_IDENTITY:
        nas_text_add(&w->run, x);
    }
}

static void write_layers(writing *w)
{
    for (int i = 1; i < w->model->count; i++) {
        nas_text_format(&w->run, "        x%d = ", w->model->layers[i].node);
        write_value(w, i);
        nas_text_format(&w->run, "  # %dx%dx%d\n", w->model->layers[i].shape.c,
                        w->model->layers[i].shape.h, w->model->layers[i].shape.w);
    }
    nas_text_format(&w->run, "        return x%d.flatten(1)\n",
                    w->model->layers[w->model->count - 1].node);
}

/* ---- the file ---------------------------------------------------------------------------------------------- */

static const char head[] =
    "import json\n"
    "import os\n"
    "\n"
    "import torch\n"
    "import torch.nn.functional as F\n"
    "from torch import nn\n"
    "\n"
    "\n"
    "def read_safetensors(path):\n"
    "    with open(path, \"rb\") as file:\n"
    "        header = json.loads(file.read(int.from_bytes(file.read(8), \"little\")))\n"
    "        data = bytearray(file.read())\n"
    "    header.pop(\"__metadata__\", None)\n"
    "    return {name: torch.frombuffer(data, dtype=torch.float32, offset=t[\"data_offsets\"][0],\n"
    "                                   count=(t[\"data_offsets\"][1] - t[\"data_offsets\"][0]) // "
    "4)"
    ".reshape(t[\"shape\"]).clone()\n"
    "            for name, t in header.items()}\n"
    "\n"
    "\n"
    "def load(path=os.path.splitext(__file__)[0] + \".safetensors\"):\n"
    "    net = Net()\n"
    "    missing, unexpected = net.load_state_dict(read_safetensors(path), strict=False)\n"
    "    left = [name for name in missing if not name.endswith(\"num_batches_tracked\")]\n"
    "    if left or unexpected:\n"
    "        raise ValueError(f\"{path}: without {left}, with {unexpected}\")\n"
    "    return net.eval()\n";

static const char wide_pools[] =
    "\n\ndef wide_max_pool(x, kernel, stride, border):\n"
    "    return F.max_pool2d(F.pad(x, border, value=float(\"-inf\")), kernel, stride)\n"
    "\n\ndef wide_average_pool(x, kernel, stride, border):\n"
    "    inside = F.pad(torch.ones_like(x), border)\n"
    "    return F.avg_pool2d(F.pad(x, border), kernel, stride) / F.avg_pool2d(inside, kernel, "
    "stride)\n";

static void add_list(nas_text *text, const nas_reals *list)
{
    for (int i = 0; i < list->count; i++)
        nas_text_format(text, "%s%.17g", i ? ", " : "", list->item[i]);
}

/* JSON and Python write such strings alike. */
static void add_classes(nas_text *text, char *const *classes)
{
    nas_text_add(text, "\n\nCLASSES = [");
    for (int i = 0; classes[i]; i++) {
        nas_text_add(text, i ? ", \"" : "\"");
        for (const char *c = classes[i]; *c; c++)
            if (*c == '"' || *c == '\\')
                nas_text_format(text, "\\%c", *c);
            else if ((unsigned char)*c < 32 || *c == 127)
                nas_text_format(text, "\\x%02x", *c);
            else
                nas_text_add_bytes(text, c, 1);
        nas_text_add(text, "\"");
    }
    nas_text_add(text, "]\n");
}

static void write_module(writing *w, nas_text *text)
{
    const nas_shape in = nas_model_input(w->model);
    const nas_preprocessing *p = &w->model->preprocessing;
    nas_text_format(text,
                    "\"\"\"A convolutional network, written by clnas: load() gives it with its "
                    "weights, in evaluation.\n\n"
                    "Inputs: [samples, %d, %d, %d] float32, %s; outputs: [samples, %d], the "
                    "largest is the answer.\n\"\"\"\n",
                    in.c, in.h, in.w,
                    !w->model->prepares ? "prepared as in training"
                    : p->bytes          ? "bytes of 0 to 255"
                                        : "as they are stored",
                    (int)nas_shape_count(nas_model_output(w->model)));
    nas_text_add(text, head);
    if (w->run.data && strstr(w->run.data, "wide_"))
        nas_text_add(text, wide_pools);
    if (w->model->classes)
        add_classes(text, w->model->classes);
    nas_text_add(
        text, "\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n");
    nas_text_add(text, w->made.data ? w->made.data : "");
    nas_text_add(text, "\n    def forward(self, x):\n");
    if (w->model->prepares) {
        nas_text_add(text, "        mean = torch.tensor([");
        add_list(text, &p->mean);
        nas_text_add(text, "], device=x.device)[:, None, None]\n        std = torch.tensor([");
        add_list(text, &p->std);
        nas_text_format(text,
                        "], device=x.device)[:, None, None]\n        x = (x%s - mean) / std\n",
                        p->bytes ? " / 255" : "");
    }
    nas_text_add(text, w->run.data ? w->run.data : "");
}

static nas_status write(const nas_model *model, const char *path)
{
    writing w = {.model = model};
    nas_text text = {0};
    char weights[NAS_PATH_SIZE];
    const size_t length = strlen(path);
    if (length < 4 || strcmp(path + length - 3, ".py") != 0 || length + 12 >= NAS_PATH_SIZE)
        NAS_FAIL(NAS_CONFIG, "%s: the name must end with .py; the weights lie beside it", path);
    snprintf(weights, sizeof weights, "%.*s.safetensors", (int)length - 3, path);
    NAS_TRY(nas__torch_weights(model, weights));
    write_layers(&w);
    nas_status status = nas_text_check(&w.made);
    if (status == NAS_OK)
        status = nas_text_check(&w.run);
    write_module(&w, &text);
    if (status == NAS_OK)
        status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_file_replace(path, text.data, text.length);
    nas_text_clear(&text);
    nas_text_clear(&w.made);
    nas_text_clear(&w.run);
    return status;
}

static nas_status run(const nas_model *model, const char *path, const float *inputs, int samples,
                      float *outputs)
{
    static const nas__python python = {
        .modules = "importlib.util, torch",
        .what = "PyTorch",
        .body = "spec = importlib.util.spec_from_file_location('exported', path)\n"
                "module = importlib.util.module_from_spec(spec)\n"
                "spec.loader.exec_module(module)\n"
                "x = torch.frombuffer(data, dtype=torch.float32).reshape(-1, *shape)\n"
                "with torch.no_grad():\n"
                "    y = module.load()(x)\n"
                "result = bytes(y.contiguous().view(torch.uint8).flatten().tolist())\n",
    };
    return nas__python_run(&python, model, path, inputs, samples, outputs);
}

const nas_exporter nas__exporter_torch = {
    .kind = {.name = "torch",
             .summary = "a PyTorch module and its weights: FILE.py and FILE.safetensors"},
    .norms = NAS_NORMS_KEPT,
    .ending = ".py",
    .write = write,
    .run = run,
};
