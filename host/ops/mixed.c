/* mixed.c - a node of a search network: y[c] = Σ over the inputs k and their candidates m of gate · x_k[m·C + c].
 *
 * An input of m·C channels is m candidate operations of one edge, one after the other; its entry of `gates` says which element of
 * the net's gate vector weighs the first of them, the next one weighs the second, and so on.  Gates are data, written by
 * whoever trains the architecture (the softmax of DARTS, a sampled path …): changing them builds and records nothing.  Nodes may
 * use the same gates, as the cells of a search network do; their gradients then add up.  "No operation" is no candidate.
 *
 * Liu, Simonyan and Yang, DARTS: Differentiable Architecture Search, arXiv 1806.09055, equation 2.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

typedef struct mixed_options {
    int64_t out;
    nas_int_list gates;
} mixed_options;

static const nas_option option_table[] = {
    {"out", NAS_OPTION_INT, offsetof(mixed_options, out), NULL, 1, 65536, NULL,
     "channels of a candidate and of the sum"},
    {"gates", NAS_OPTION_INT_LIST, offsetof(mixed_options, gates), NULL, 0, NAS_GATES - 1, NULL,
     "for each input the element of the gate vector that weighs its first candidate"},
    {.name = NULL},
};

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const mixed_options *o = options;
    const int channels = (int)o->out;
    if (o->gates.count != count)
        NAS_FAIL(NAS_SHAPE, "mixed: %d gates for %d inputs; each input needs one", o->gates.count,
                 count);
    for (int k = 0; k < count; k++) {
        if (in[k].h != in[0].h || in[k].w != in[0].w)
            NAS_FAIL(NAS_SHAPE, "mixed: input %d is %dx%dx%d, input 0 is %dx%dx%d", k, in[k].c,
                     in[k].h, in[k].w, in[0].c, in[0].h, in[0].w);
        if (in[k].c % channels != 0)
            NAS_FAIL(NAS_SHAPE,
                     "mixed: input %d has %d channels, which are no candidates of %d channels", k,
                     in[k].c, channels);
        if (o->gates.item[k] + in[k].c / channels > NAS_GATES)
            NAS_FAIL(NAS_SHAPE, "mixed: the candidates of input %d need more than %d gates", k,
                     NAS_GATES);
    }
    *out = (nas_shape){channels, in[0].h, in[0].w};
    return NAS_OK;
}

static int gates(const void *options, const nas_shape *in, int count)
{
    const mixed_options *o = options;
    int most = 0;
    for (int k = 0; k < count; k++) {
        const int end = (int)o->gates.item[k] + in[k].c / (int)o->out;
        most = end > most ? end : most;
    }
    return most;
}

static int first_gate(const nas_op_call *call, int k)
{
    return (int)((const mixed_options *)call->options)->gates.item[k];
}

static int candidates(const nas_op_call *call, int k)
{
    return call->in_shape[k].c / call->out_shape.c;
}

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    nas__stream_sizes(call, sizes);
    for (int k = 0; k < call->input_count; k++) {
        const uint64_t sums = (uint64_t)call->in_shape[k].c * (uint64_t)sizes->reduction_parts[k];
        sizes->scratch = sums > sizes->scratch ? sums : sizes->scratch;
    }
}

/* ---- forward ---- */

static nas_status forward_input(const nas_op_call *call, nas_tape *tape, int k)
{
    const bool last = k + 1 == call->input_count;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[k]);
    nas__push_tensor(&arguments, call->gates);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_axes(&arguments, call->out_shape, call->n, call->real);
    nas__push_int(&arguments, candidates(call, k));
    nas__push_int(&arguments, first_gate(call, k));
    nas__push_int(&arguments, k > 0);
    nas__push_int(&arguments, last && call->statistics.buffer != NULL);
    return nas__stream_launch(
        tape, "mixed", "mixed_forward", nas__curved_define(nas__is_curved(call->in[k].activation)),
        nas_pass_parts(call->out_shape, call->n), call->out_shape.c, &arguments);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    for (int k = 0; k < call->input_count; k++)
        NAS_TRY(forward_input(call, tape, k));
    return NAS_OK;
}

/* ---- backward ---- */

static nas_status backward_gates(const nas_op_call *call, nas_tape *tape, int k)
{
    const nas_shape shape = call->in_shape[k];
    const int parts = nas_pass_parts(shape, call->n);
    nas__arguments sums = {.count = 0}, merge = {.count = 0};
    nas__push_stream_gradient(&sums, &call->out_gradient);
    nas__push_stream_read(&sums, &call->in[k]);
    nas__push_tensor(&sums, call->scratch);
    nas__push_axes(&sums, shape, call->n, call->real);
    nas__push_int(&sums, call->out_shape.c);
    NAS_TRY(nas__stream_launch(tape, "mixed", "mixed_sums",
                               nas__curved_define(nas__is_curved(call->in[k].activation)), parts,
                               shape.c, &sums));
    nas__push_tensor(&merge, call->scratch);
    nas__push_tensor(&merge, call->gate_gradients);
    nas__push_int(&merge, call->out_shape.c);
    nas__push_int(&merge, parts);
    nas__push_int(&merge, first_gate(call, k));
    return nas__stream_launch(tape, "mixed", "mixed_gates", NULL, candidates(call, k), 1, &merge);
}

static nas_status backward_input(const nas_op_call *call, nas_tape *tape, int k)
{
    const nas_shape shape = call->in_shape[k];
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, &call->out_gradient);
    nas__push_stream_into(&arguments, &call->into[k]);
    nas__push_tensor(&arguments, call->gates);
    nas__push_axes(&arguments, shape, call->n, call->real);
    nas__push_int(&arguments, call->out_shape.c);
    nas__push_int(&arguments, first_gate(call, k));
    return nas__stream_launch(tape, "mixed", "mixed_into",
                              nas__curved_define(nas__is_curved(call->into[k].read.activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    for (int k = 0; k < call->input_count; k++) {
        NAS_TRY(backward_gates(call, tape, k));
        if (call->into[k].g.buffer)
            NAS_TRY(backward_input(call, tape, k));
    }
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"out = 3; gates = 1", 5, 1, {{6, 7, 5}}},
    {"out = 2; gates = [3, 0]", 33, 2, {{2, 33, 17}, {6, 33, 17}}},
    {"out = 1; gates = [0, 0, 2]", 1, 3, {{1, 5, 3}, {4, 5, 3}, {1, 5, 3}}},
    {"out = 5; gates = [4, 1, 1, 0]", 19, 4, {{5, 1, 1}, {10, 1, 1}, {5, 1, 1}, {5, 1, 1}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "mixed.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "mixed.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_mixed = {
    .kind = {"mixed", "sum of candidates, each weighed by a gate of the architecture",
             "arXiv 1806.09055", sizeof(mixed_options), option_table},
    .inputs_min = 1,
    .inputs_max = NAS_OP_INPUTS,
    .fusion = NAS_FUSES_READ | NAS_FUSES_STATISTICS | NAS_FUSES_GRADIENT | NAS_FUSES_INTO |
              NAS_FUSES_REDUCTION,
    .infer = infer,
    .gates = gates,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .cases = cases,
};

#else /* the reference */

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const mixed_options *o = call->options;
    const size_t size = nas_shape_count(call->out_shape) * (size_t)call->n;
    const NAS_REAL *gate = call->gates;
    NAS_REAL *y = call->out;
    for (size_t i = 0; i < size; i++)
        y[i] = 0;
    for (int k = 0; k < call->input_count; k++)
        for (int m = 0; m < call->in_shape[k].c / call->out_shape.c; m++)
            for (size_t i = 0; i < size; i++)
                y[i] += gate[o->gates.item[k] + m] *
                        ((const NAS_REAL *)call->in[k])[(size_t)m * size + i];
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const mixed_options *o = call->options;
    const size_t size = nas_shape_count(call->out_shape) * (size_t)call->n;
    const NAS_REAL *gate = call->gates, *dy = call->out_gradient;
    NAS_REAL *gate_gradient = call->gate_gradients;
    for (int k = 0; k < call->input_count; k++) {
        const NAS_REAL *x = call->in[k];
        NAS_REAL *dx = call->in_gradients[k];
        for (int m = 0; m < call->in_shape[k].c / call->out_shape.c; m++)
            for (size_t i = 0; i < size; i++) {
                gate_gradient[o->gates.item[k] + m] += dy[i] * x[(size_t)m * size + i];
                if (dx)
                    dx[(size_t)m * size + i] += gate[o->gates.item[k] + m] * dy[i];
            }
    }
}

#endif
