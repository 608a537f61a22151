/* elementwise.c - functions of every element, and sums and products of two values or of one and a constant.
 *
 * A constant per channel is a scale and a shift, which an affine layer has (emit.c).  One that differs from element to element makes
 * every element a channel of its own for as long as it takes.  Products of a value with a function of itself are the activations that
 * they are known as: x·sigmoid(x) is silu. */
#include "importing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions -------------------------------------------------------------------------------------------------- */

static nas_status give_function(nas__importing *i, const nas__value *x, const char *op,
                                const char *kind, float a, float b)
{
    int node;
    if (strcmp(op, "activation") == 0)
        NAS_TRY(
            nas__emit_one(i, op, x->node, &node, "kind = \"%s\"; slope = %.9g", kind, (double)a));
    else
        NAS_TRY(nas__emit_one(i, op, x->node, &node, "kind = \"%s\"; a = %.9g; b = %.9g", kind,
                              (double)a, (double)b));
    return nas__give(i, node, &x->axes);
}

nas_status nas__read_activation(nas__importing *i)
{
    static const char *const kinds[][2] = {
        {"Relu", "relu"}, {"Sigmoid", "sigmoid"}, {"Tanh", "tanh"}, {"HardSwish", "hard_swish"}};
    nas__value *x;
    NAS_TRY(nas__need_node(i, 0, &x));
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(i->at->op_type, kinds[k][0]) == 0)
            return give_function(i, x, "activation", kinds[k][1], 0, 0);
    return NAS_FAILED;
}

nas_status nas__read_leaky_relu(nas__importing *i)
{
    nas__value *x;
    float slope;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__float_attribute(i, "alpha", 0.01f, &slope));
    if (slope >= 0 && slope <= 1)
        return give_function(i, x, "activation", "leaky_relu", slope, 0);
    return give_function(i, x, "function", "leaky", slope, 1);
}

/* Of each: the attributes that are its a and b, and what they are where nothing is said. */
typedef struct known_function {
    const char *op, *kind, *a, *b;
    float usual_a, usual_b;
} known_function;

static const known_function known[] = {
    {"Elu", "elu", "alpha", NULL, 1, 1},
    {"Selu", "elu", "alpha", "gamma", 1.67326319217681884765625f, 1.05070102214813232421875f},
    {"Celu", "celu", "alpha", NULL, 1, 1},
    {"ThresholdedRelu", "threshold", "alpha", NULL, 1, 1},
    {"HardSigmoid", "hard_sigmoid", "alpha", "beta", 0.2f, 0.5f},
    {"Erf", "erf", NULL, NULL, 0, 1},
    {"Softplus", "softplus", NULL, NULL, 0, 1},
    {"Softsign", "softsign", NULL, NULL, 0, 1},
};

nas_status nas__read_function(nas__importing *i)
{
    nas__value *x;
    NAS_TRY(nas__need_node(i, 0, &x));
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        const known_function *f = &known[k];
        float a = f->usual_a, b = f->usual_b;
        if (strcmp(i->at->op_type, f->op) != 0)
            continue;
        if (f->a)
            NAS_TRY(nas__float_attribute(i, f->a, f->usual_a, &a));
        if (f->b)
            NAS_TRY(nas__float_attribute(i, f->b, f->usual_b, &b));
        return give_function(i, x, "function", f->kind, a, b);
    }
    return NAS_FAILED;
}

nas_status nas__read_gelu(nas__importing *i)
{
    nas__value *x;
    char approximate[32];
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__text_attribute(i, "approximate", "none", approximate));
    if (strcmp(approximate, "tanh") == 0)
        return give_function(i, x, "function", "gelu_tanh", 0, 1);
    return give_function(i, x, "activation", "gelu", 0, 0);
}

/* An input from opset 11 on, before it an attribute. */
static nas_status read_bound(nas__importing *i, int k, const char *name, float usual, float *bound)
{
    const nas__constant *given;
    NAS_TRY(nas__float_attribute(i, name, usual, bound));
    NAS_TRY(nas__floats(i, k, &given));
    if (given && nas__axes_count(&given->axes) != 1)
        NAS__REFUSE(i, NAS_DATA, "a bound of %lld numbers",
                    (long long)nas__axes_count(&given->axes));
    if (given)
        *bound = given->floats[0];
    *bound = fminf(fmaxf(*bound, -3.4e38f), 3.4e38f);
    return NAS_OK;
}

nas_status nas__read_clip(nas__importing *i)
{
    nas__value *x;
    float least, most;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(read_bound(i, 1, "min", -3.4e38f, &least));
    NAS_TRY(read_bound(i, 2, "max", 3.4e38f, &most));
    if (least == 0 && most == 6)
        return give_function(i, x, "activation", "relu6", 0, 0);
    if (least == 0 && most >= 3.4e38f)
        return give_function(i, x, "activation", "relu", 0, 0);
    return give_function(i, x, "function", "clip", least, most);
}

/* Only as the step function, x > 0. */
nas_status nas__read_greater(nas__importing *i)
{
    nas__value *x;
    const nas__constant *bound;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__floats(i, 1, &bound));
    if (!bound || nas__axes_count(&bound->axes) != 1 || bound->floats[0] != 0)
        NAS__REFUSE(i, NAS_CONFIG, "it compares with other than 0");
    return give_function(i, x, "activation", "step", 0, 0);
}

/* ---- what does nothing in evaluation -------------------------------------------------------------------------------- */

nas_status nas__read_identity(nas__importing *i)
{
    nas__value *x;
    NAS_TRY(nas__need_node(i, 0, &x));
    return nas__give(i, x->node, &x->axes);
}

nas_status nas__read_cast(nas__importing *i)
{
    int64_t to;
    NAS_TRY(nas__int_attribute(i, "to", 0, &to));
    if (to != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        NAS__REFUSE(i, NAS_CONFIG, "a cast to type %lld; the engine computes in float32",
                    (long long)to);
    return nas__read_identity(i);
}

/* Kept, for it acts when the network is trained on. */
nas_status nas__read_dropout(nas__importing *i)
{
    nas__value *x, *training = nas__input(i, 2);
    const nas__constant *given;
    float rate;
    int node;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__float_attribute(i, "ratio", 0.5f, &rate));
    NAS_TRY(nas__floats(i, 1, &given));
    if (given && nas__axes_count(&given->axes) == 1)
        rate = given->floats[0];
    if (training && !(training->constant && training->is.numbers && !training->is.numbers[0]))
        NAS__REFUSE(i, NAS_CONFIG, "it is in training mode; export the model in evaluation");
    if (!(rate > 0 && rate <= 0.99f))
        return nas__give(i, x->node, &x->axes);
    NAS_TRY(nas__emit_one(i, "dropout", x->node, &node, "rate = %.9g", (double)rate));
    return nas__give(i, node, &x->axes);
}

/* ---- with a constant -------------------------------------------------------------------------------------------------- */

/* y = x·scale + shift by expanded constants, one of which may be NULL: 1, or 0. */
static nas_status apply(nas__importing *i, int node, const float *scale, const float *shift,
                        int64_t count, int *result)
{
    float *both = malloc(2 * (size_t)count * sizeof *both);
    if (!both)
        NAS_FAIL(NAS_MEMORY, "no memory for %lld numbers", (long long)count);
    for (int64_t k = 0; k < count; k++) {
        both[k] = scale ? scale[k] : 1;
        both[count + k] = shift ? shift[k] : 0;
    }
    const nas_status status = nas__affine(i, node, both, both + count, result);
    free(both);
    return status;
}

/* The constant's numbers for each channel of *node, which is brought into a shape where that is what they are for. */
static nas_status by_channel(nas__importing *i, const nas__value *x, const nas__constant *constant,
                             int *node, float **numbers, int64_t *count)
{
    nas__axes axes = x->axes;
    const nas_shape now = nas__shape_of(i, x->node);
    *node = x->node;
    if (nas__axes_count(&constant->axes) == 1 && constant->axes.rank <= axes.rank + 1) {
        axes = (nas__axes){1, {now.c}}; /* one number for all */
        *count = now.c;
        return nas__constant_expand(i, &(nas__constant){.floats = constant->floats}, &axes,
                                    numbers);
    }
    if (nas__constant_by_channel(i, constant, &axes)) {
        const nas_shape image = nas__image_of(&axes);
        if (now.c != axes.length[0])
            NAS_TRY(nas__shaped(i, x->node, image, node));
        nas__constant column = *constant; /* its numbers, as axis 0 has them */
        column.axes = (nas__axes){1, {nas__axes_count(&constant->axes)}};
        *count = axes.length[0];
        return nas__constant_expand(i, &column, &(nas__axes){1, {axes.length[0]}}, numbers);
    }
    *count = nas__axes_count(&axes);
    NAS_TRY(nas__constant_expand(i, constant, &axes, numbers));
    const nas_status status = nas__shaped(i, x->node, (nas_shape){(int)*count, 1, 1}, node);
    if (status != NAS_OK)
        free(*numbers);
    return status;
}

/* Before opset 7 a second input stood against the axes from `axis` on; then it has ones behind it. */
static nas_status place_old(const nas__importing *i, const nas__value *x, nas__constant *constant)
{
    int64_t axis;
    int own;
    if (i->opset >= 7 || !nas__has_attribute(i, "axis"))
        return NAS_OK;
    NAS_TRY(nas__int_attribute(i, "axis", 0, &axis));
    NAS_TRY(nas__axis(i, axis, x->axes.rank, &own));
    while (constant->axes.rank < x->axes.rank - own)
        constant->axes.length[constant->axes.rank++] = 1;
    return NAS_OK;
}

typedef enum arithmetic { ADD, SUB, SUB_FROM, MUL, DIV } arithmetic;

static nas_status with_constant(nas__importing *i, const nas__value *x, const nas__constant *given,
                                arithmetic what)
{
    nas__constant constant = *given;
    float *numbers = NULL;
    int64_t count;
    int node;
    if (!constant.floats)
        NAS__REFUSE(i, NAS_CONFIG, "its constant is no float32");
    NAS_TRY(place_old(i, x, &constant));
    NAS_TRY(by_channel(i, x, &constant, &node, &numbers, &count));
    for (int64_t k = 0; k < count; k++)
        numbers[k] = what == DIV ? 1 / numbers[k] : what == SUB ? -numbers[k] : numbers[k];
    const bool scales = what == MUL || what == DIV;
    nas_status status = NAS_OK;
    if (what == SUB_FROM)
        status = nas__affine_all(i, node, -1, 0, &node);
    if (status == NAS_OK)
        status = apply(i, node, scales ? numbers : NULL, scales ? NULL : numbers, count, &node);
    free(numbers);
    NAS_TRY(status);
    return nas__give(i, node, &x->axes);
}

/* ---- of two values ------------------------------------------------------------------------------------------------------ */

static bool equal_axes(const nas__axes *a, const nas__axes *b)
{
    return a->rank == b->rank &&
           memcmp(a->length, b->length, (size_t)a->rank * sizeof *a->length) == 0;
}

static bool is_gate(const nas__axes *x, const nas__axes *gate)
{
    for (int k = 1; k < gate->rank; k++)
        if (gate->length[k] != 1)
            return false;
    return x->rank == gate->rank && x->rank > 0 && x->length[0] == gate->length[0];
}

/* One row and column per channel as many, or one channel as many. */
static nas_status widen(nas__importing *i, const nas__value *from, const nas__axes *to, int *node)
{
    const nas_shape now = nas__image_of(&from->axes), wanted = nas__image_of(to);
    const int most = wanted.h > wanted.w ? wanted.h : wanted.w;
    NAS_TRY(nas__shaped(i, from->node, now, node));
    if (is_gate(to, &from->axes) && most <= 64)
        return nas__emit_one(i, "upsample", *node, node, "factor = %d; height = %d; width = %d",
                             most, wanted.h, wanted.w);
    if (from->axes.rank == to->rank && now.c == 1 && now.h == wanted.h && now.w == wanted.w) {
        float *ones;
        NAS_TRY(nas__emit_one(i, "conv2d", *node, node, "out = %d; kernel = 1", wanted.c));
        NAS_TRY(nas__weigh_room(i, *node, "weight", (uint64_t)wanted.c, &ones));
        for (int c = 0; c < wanted.c; c++)
            ones[c] = 1;
        return NAS_OK;
    }
    NAS__REFUSE(
        i, NAS_CONFIG,
        "values of different axes; of two values that follow from the input the axes must be "
        "alike, or one has a single channel, or a single row and column");
}

/* Both as nodes of one shape; *axes of the result. */
static nas_status alike(nas__importing *i, const nas__value *a, const nas__value *b, int pair[2],
                        nas__axes *axes)
{
    const nas__value *larger = nas__axes_count(&a->axes) >= nas__axes_count(&b->axes) ? a : b;
    *axes = larger->axes;
    pair[0] = a->node;
    pair[1] = b->node;
    if (!equal_axes(&a->axes, &b->axes)) {
        const int narrow = larger == a;
        NAS_TRY(nas__shaped(i, larger->node, nas__image_of(axes), &pair[1 - narrow]));
        return widen(i, narrow ? b : a, axes, &pair[narrow]);
    }
    return nas__shaped(i, b->node, nas__shape_of(i, a->node), &pair[1]);
}

static nas_status add_two(nas__importing *i, const nas__value *a, const nas__value *b)
{
    int pair[2], node;
    nas__axes axes;
    NAS_TRY(alike(i, a, b, pair, &axes));
    NAS_TRY(nas__emit(i, "add", pair, 2, &node, NULL));
    return nas__give(i, node, &axes);
}

/* What a node computes; kind identity where that has no layer. */
static nas_layer layer_of(const nas__importing *i, int node)
{
    const nas_node *n = &i->graph.nodes[node];
    nas_layer layer = {0};
    nas_shape shapes[NAS_OP_INPUTS];
    if (node == 0 || !n->op->layer)
        return layer;
    nas_node_shapes(&i->graph, node, shapes);
    return n->op->layer(&n->options, shapes, &layer) == NAS_OK ? layer : (nas_layer){0};
}

/* scale·erf(x/√2) + scale, times x, is 2·scale·gelu(x).  0: it is not. */
static float gelu_scale(const nas__importing *i, int x, int f)
{
    const nas_node *nodes = i->graph.nodes;
    const float scale = nas__is_affine(i, f, 0.5f, 0.5f) ? 0.5f
                        : nas__is_affine(i, f, 1, 1)     ? 1
                                                         : 0;
    if (scale == 0)
        return 0;
    const int curve = nodes[f].inputs[0], root = nodes[curve].inputs[0];
    const nas_layer layer = layer_of(i, curve);
    if (layer.kind != NAS_LAYER_FUNCTION || layer.function != NAS_FUNCTION_ERF || root == 0 ||
        nodes[root].inputs[0] != x)
        return 0;
    for (float near = 0.7071067f; near < 0.7071069f; near = nextafterf(near, 1))
        if (nas__is_affine(i, root, near, 0))
            return scale;
    return 0;
}

/* x·f(x) by its name; NULL: it has none. */
static const char *product_name(const nas__importing *i, int x, int f)
{
    if (f == 0)
        return NULL;
    if (gelu_scale(i, x, f) > 0)
        return "gelu";
    const nas_layer layer = layer_of(i, f);
    if (i->graph.nodes[f].inputs[0] != x)
        return NULL;
    if (layer.kind == NAS_LAYER_ACTIVATION && layer.activation == NAS_ACT_SIGMOID)
        return "silu";
    const bool sixth = layer.kind == NAS_LAYER_FUNCTION &&
                       layer.function == NAS_FUNCTION_HARD_SIGMOID && layer.b == 0.5f &&
                       fabsf(layer.a - 1.0f / 6) < 1e-6f;
    return sixth ? "hard_swish" : NULL;
}

static nas_status give_product(nas__importing *i, const nas__value *x, int f)
{
    const float scale = gelu_scale(i, x->node, f);
    int node;
    NAS_TRY(nas__emit_one(i, "activation", x->node, &node, "kind = \"%s\"",
                          product_name(i, x->node, f)));
    if (scale == 1)
        NAS_TRY(nas__affine_all(i, node, 2, 0, &node));
    return nas__give(i, node, &x->axes);
}

static nas_status mul_two(nas__importing *i, const nas__value *a, const nas__value *b)
{
    int pair[2], node;
    nas__axes axes;
    if (equal_axes(&a->axes, &b->axes)) {
        if (product_name(i, a->node, b->node))
            return give_product(i, a, b->node);
        if (product_name(i, b->node, a->node))
            return give_product(i, b, a->node);
    }
    if (is_gate(&a->axes, &b->axes) || is_gate(&b->axes, &a->axes)) {
        const nas__value *x = is_gate(&a->axes, &b->axes) ? a : b, *gate = x == a ? b : a;
        NAS_TRY(nas__shaped(i, x->node, nas__image_of(&x->axes), &pair[0]));
        NAS_TRY(nas__shaped(i, gate->node, (nas_shape){(int)gate->axes.length[0], 1, 1}, &pair[1]));
        axes = x->axes;
    } else {
        NAS_TRY(alike(i, a, b, pair, &axes));
    }
    NAS_TRY(nas__emit(i, "mul", pair, 2, &node, NULL));
    return nas__give(i, node, &axes);
}

static nas_status read_two(nas__importing *i, nas__value **a, nas__value **b)
{
    NAS_TRY(nas__need(i, 0, a));
    NAS_TRY(nas__need(i, 1, b));
    if ((*a)->constant && (*b)->constant)
        NAS__REFUSE(i, NAS_CONFIG,
                    "it computes with constants alone; simplify the model (onnxsim) first");
    return NAS_OK;
}

nas_status nas__read_add(nas__importing *i)
{
    nas__value *a, *b;
    NAS_TRY(read_two(i, &a, &b));
    if (a->constant)
        return with_constant(i, b, &a->is, ADD);
    if (b->constant)
        return with_constant(i, a, &b->is, ADD);
    return add_two(i, a, b);
}

nas_status nas__read_mul(nas__importing *i)
{
    nas__value *a, *b;
    NAS_TRY(read_two(i, &a, &b));
    if (a->constant)
        return with_constant(i, b, &a->is, MUL);
    if (b->constant)
        return with_constant(i, a, &b->is, MUL);
    return mul_two(i, a, b);
}

nas_status nas__read_sub(nas__importing *i)
{
    nas__value *a, *b;
    NAS_TRY(read_two(i, &a, &b));
    if (a->constant)
        return with_constant(i, b, &a->is, SUB_FROM);
    if (b->constant)
        return with_constant(i, a, &b->is, SUB);
    nas__value minus = *b;
    NAS_TRY(nas__emit_one(i, "conv2d", b->node, &minus.node, "kernel = 1; groups = 0"));
    float *ones;
    const int channels = nas__shape_of(i, minus.node).c;
    NAS_TRY(nas__weigh_room(i, minus.node, "weight", (uint64_t)channels, &ones));
    for (int c = 0; c < channels; c++)
        ones[c] = -1;
    return add_two(i, a, &minus);
}

nas_status nas__read_div(nas__importing *i)
{
    nas__value *a, *b;
    NAS_TRY(read_two(i, &a, &b));
    if (!b->constant)
        NAS__REFUSE(i, NAS_CONFIG, "it divides by a value that follows from the input");
    return with_constant(i, a, &b->is, DIV);
}

/* Squares and cubes, as products. */
nas_status nas__read_pow(nas__importing *i)
{
    nas__value *x;
    const nas__constant *power;
    int node;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__floats(i, 1, &power));
    const float p = power && nas__axes_count(&power->axes) == 1 ? power->floats[0] : 0;
    if (p != 2 && p != 3)
        NAS__REFUSE(i, NAS_CONFIG, "a power other than 2 or 3, the same for all");
    NAS_TRY(nas__emit(i, "mul", (int[2]){x->node, x->node}, 2, &node, NULL));
    if (p == 3)
        NAS_TRY(nas__emit(i, "mul", (int[2]){node, x->node}, 2, &node, NULL));
    return nas__give(i, node, &x->axes);
}

nas_status nas__read_sum(nas__importing *i)
{
    nas__value *first;
    int sum;
    NAS_TRY(nas__need_node(i, 0, &first));
    sum = first->node;
    for (int k = 1; k < nas__input_count(i); k++) {
        nas__value *next;
        int pair[2] = {sum, 0};
        NAS_TRY(nas__need_node(i, k, &next));
        if (!equal_axes(&first->axes, &next->axes))
            NAS__REFUSE(i, NAS_CONFIG, "a sum of values of different axes");
        NAS_TRY(nas__shaped(i, next->node, nas__shape_of(i, sum), &pair[1]));
        NAS_TRY(nas__emit(i, "add", pair, 2, &sum, NULL));
    }
    return nas__give(i, sum, &first->axes);
}

/* ---- PRelu ------------------------------------------------------------------------------------------------------------ */

/* relu(x) − a·relu(−x): every part of it can be trained. */
nas_status nas__read_prelu(nas__importing *i)
{
    const nas__constant *slope;
    nas__value *x;
    float *numbers = NULL;
    int64_t count;
    int node, parts[2];
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__floats(i, 1, &slope));
    if (!slope)
        NAS__REFUSE(i, NAS_DATA, "input 1 is missing");
    nas__constant placed = *slope;
    if (i->opset < 7 && placed.axes.rank == 1 && nas__batch_axes(i)) /* by channel */
        while (placed.axes.rank < x->axes.rank)
            placed.axes.length[placed.axes.rank++] = 1;
    NAS_TRY(by_channel(i, x, &placed, &node, &numbers, &count));
    for (int64_t k = 0; k < count; k++)
        numbers[k] = -numbers[k];
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas__emit_one(i, "activation", node, &parts[0], "kind = \"relu\""));
    NAS_TRY_DONE(nas__affine_all(i, node, -1, 0, &parts[1]));
    NAS_TRY_DONE(nas__emit_one(i, "activation", parts[1], &parts[1], "kind = \"relu\""));
    NAS_TRY_DONE(apply(i, parts[1], numbers, NULL, count, &parts[1]));
    NAS_TRY_DONE(nas__emit(i, "add", parts, 2, &node, NULL));
    status = nas__give(i, node, &x->axes);
done:
    free(numbers);
    return status;
}
