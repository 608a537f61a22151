/* mixed.c - a node of a search network: y[c] = Σ over the inputs k and their candidates m of gate · x_k[m·C + c].
 *
 * An input of m·C channels is m candidate operations of one edge, one after the other; its entry of `gates` says which element of
 * the net's gate vector weighs the first of them, the next one weighs the second, and so on.  Gates are data, written by
 * whoever trains the architecture (the softmax of DARTS, a sampled path …): changing them builds and records nothing.  Nodes may
 * use the same gates, as the cells of a search network do; their gradients then add up.  "No operation" is no candidate.
 *
 * All candidates of a node are read by one kernel, which finds them by a table; backward one pass over them and dz gives the
 * gates' gradients and, for candidates that nobody else reads, R0 and R1 of their norms: their G = gate·dz is not written, whoever
 * wrote the candidate reads dz instead (nas_norm_call.gate).  See cl/mixed.cl.
 *
 * Liu, Simonyan and Yang, DARTS: Differentiable Architecture Search, arXiv 1806.09055, equation 2.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

#include <stdlib.h>
#include <string.h>

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

static int gates(const void *options, const nas_shape *in, int count, int *first)
{
    const mixed_options *o = options;
    int most = 0;
    for (int k = 0; k < count; k++) {
        const int end = (int)o->gates.item[k] + in[k].c / (int)o->out;
        most = end > most ? end : most;
        if (first)
            first[k] = (int)o->gates.item[k];
    }
    return most;
}

static int candidates(const nas_op_call *call, int k)
{
    return call->in_shape[k].c / call->out_shape.c;
}

static int rows(const nas_op_call *call)
{
    int sum = 0;
    for (int k = 0; k < call->input_count; k++)
        sum += candidates(call, k);
    return sum;
}

/* ---- the table ---- */

/* Words of a row, as cl/mixed.cl has them. */
enum {
    ROW = 16,
    ROW_X = 0,
    ROW_SCALE = 2,
    ROW_SHIFT = 4,
    ROW_MEAN = 6,
    ROW_REDUCTIONS = 8,
    ROW_GATE = 10,
    ROW_HAS = 11,
    ROW_ACTIVATION = 12,
    ROW_SLOPE = 13,
    HAS_AFFINE = 1,
    HAS_MEAN = 2,
    HAS_REDUCTIONS = 4
};

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    nas__stream_sizes(call, sizes);
    sizes->table = ROW * (uint64_t)rows(call);
    sizes->scratch = (uint64_t)rows(call) * (uint64_t)call->out_shape.c *
                     (uint64_t)nas_pass_parts(call->out_shape, call->n);
}

/* Candidate m's share of a tensor of `count` floats per candidate. */
static void put_place(uint32_t *words, nas_tensor tensor, int m, uint64_t count)
{
    const uint64_t at = tensor.at + (uint64_t)m * count;
    words[0] = (uint32_t)at;
    words[1] = (uint32_t)(at >> 32);
}

static void fill_row(const nas_op_call *call, int k, int m, uint32_t row[ROW])
{
    const nas_read *read = &call->in[k];
    const nas_into *into = &call->into[k];
    const uint64_t channels = (uint64_t)call->out_shape.c;
    const uint64_t parts = (uint64_t)nas_pass_parts(call->out_shape, call->n);
    put_place(row + ROW_X, read->x, m, nas_shape_count(call->out_shape) * (uint64_t)call->n);
    put_place(row + ROW_SCALE, read->scale, m, channels);
    put_place(row + ROW_SHIFT, read->shift, m, channels);
    put_place(row + ROW_MEAN, into->mean, m, channels);
    put_place(row + ROW_REDUCTIONS, into->reductions, m, channels * 2 * parts);
    row[ROW_GATE] = (uint32_t)((const mixed_options *)call->options)->gates.item[k] + (uint32_t)m;
    row[ROW_HAS] = (read->scale.buffer ? HAS_AFFINE : 0) | (into->mean.buffer ? HAS_MEAN : 0) |
                   (!into->g.buffer && into->reductions.buffer ? HAS_REDUCTIONS : 0);
    row[ROW_ACTIVATION] = (uint32_t)read->activation;
    memcpy(&row[ROW_SLOPE], &read->slope, sizeof read->slope);
}

/* Forward and backward tapes write the same rows, but forward ones have nothing to say about means and reductions yet, and do
 * not read them. */
static nas_status write_table(const nas_op_call *call)
{
    const int count = rows(call);
    uint32_t *words = calloc((size_t)count, ROW * sizeof *words);
    if (!words)
        NAS_FAIL(NAS_MEMORY, "no memory for the table of %d candidates", count);
    int at = 0;
    for (int k = 0; k < call->input_count; k++)
        for (int m = 0; m < candidates(call, k); m++)
            fill_row(call, k, m, words + ROW * at++);
    nas_status status =
        nas_buffer_write(call->table.buffer, 4 * call->table.at, 4 * ROW * (uint64_t)count, words);
    free(words);
    return status;
}

/* Parts of a channel that one work-item takes, which changes no sum: 32 KB of a candidate where there is still work for every
 * core; on devices whose work-items are not threads, one. */
static int block_of(const nas_op_call *call, int parts)
{
    enum { BLOCK = 8, ITEMS_PER_UNIT = 8 }; /* BLOCK as in cl/mixed.cl */
    const nas_device_info *info = nas_device_describe(call->device);
    const int block = parts * call->out_shape.c / (ITEMS_PER_UNIT * (int)info->compute_units);
    return !info->on_host || block < 1 ? 1 : block > BLOCK ? BLOCK : block;
}

static nas_status launch_blocks(const nas_op_call *call, nas_tape *tape, const char *kernel,
                                bool curved, nas__arguments *arguments)
{
    const int parts = nas_pass_parts(call->out_shape, call->n), block = block_of(call, parts);
    nas__push_int(arguments, block);
    return nas__stream_launch(tape, "mixed", kernel, nas__curved_define(curved),
                              (parts + block - 1) / block, call->out_shape.c, arguments);
}

/* Rows next to each other whose tensors lie in the same buffers: what one launch can take. */
enum { HOME_X, HOME_SCALE, HOME_SHIFT, HOME_MEAN, HOME_REDUCTIONS, HOMES };
typedef struct stretch {
    nas_buffer *home[HOMES];
    int first, end; /* rows */
    int next;       /* input behind it */
    bool curved;
} stretch;

static bool stretch_takes(stretch *s, const nas_op_call *call, int k)
{
    const nas_into *into = &call->into[k];
    nas_buffer *const home[HOMES] = {call->in[k].x.buffer, call->in[k].scale.buffer,
                                     call->in[k].shift.buffer, into->mean.buffer,
                                     into->g.buffer ? NULL : into->reductions.buffer};
    for (int i = 0; i < HOMES; i++)
        if (home[i] && s->home[i] && home[i] != s->home[i])
            return false;
    for (int i = 0; i < HOMES; i++)
        s->home[i] = home[i] ? home[i] : s->home[i];
    s->curved = s->curved || nas__is_curved(call->in[k].activation);
    return true;
}

/* The stretch behind this one; false: there is none. */
static bool stretch_next(stretch *s, const nas_op_call *call)
{
    *s = (stretch){.first = s->end, .end = s->end, .next = s->next};
    while (s->next < call->input_count && stretch_takes(s, call, s->next))
        s->end += candidates(call, s->next++);
    return s->end > s->first;
}

static void push_home(nas__arguments *arguments, const stretch *s, int home)
{
    nas__push_tensor(arguments, (nas_tensor){.buffer = s->home[home]});
}

/* ---- forward ---- */

static nas_status forward_stretch(const nas_op_call *call, nas_tape *tape, const stretch *s)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, call->table);
    push_home(&arguments, s, HOME_X);
    push_home(&arguments, s, HOME_SCALE);
    push_home(&arguments, s, HOME_SHIFT);
    nas__push_tensor(&arguments, call->gates);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_axes(&arguments, call->out_shape, call->n, call->real);
    nas__push_int(&arguments, s->first);
    nas__push_int(&arguments, s->end);
    nas__push_int(&arguments, s->first > 0);
    nas__push_int(&arguments, s->next == call->input_count && call->statistics.buffer);
    return launch_blocks(call, tape, "mixed_forward", s->curved, &arguments);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    stretch s = {.end = 0};
    NAS_TRY(write_table(call));
    while (stretch_next(&s, call))
        NAS_TRY(forward_stretch(call, tape, &s));
    return NAS_OK;
}

/* ---- backward ---- */

static nas_status sum_stretch(const nas_op_call *call, nas_tape *tape, const stretch *s)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, call->table);
    nas__push_stream_gradient(&arguments, &call->out_gradient);
    for (int home = 0; home < HOMES; home++)
        push_home(&arguments, s, home);
    nas__push_tensor(&arguments, call->gates);
    nas__push_tensor(&arguments, call->scratch);
    nas__push_axes(&arguments, call->out_shape, call->n, call->real);
    nas__push_int(&arguments, s->first);
    nas__push_int(&arguments, s->end);
    nas__push_int(&arguments, call->paths);
    return launch_blocks(call, tape, "mixed_sums", s->curved, &arguments);
}

static nas_status merge_gates(const nas_op_call *call, nas_tape *tape)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, call->table);
    nas__push_tensor(&arguments, call->scratch);
    nas__push_tensor(&arguments, call->gate_gradients);
    nas__push_int(&arguments, rows(call));
    nas__push_int(&arguments, call->out_shape.c * nas_pass_parts(call->out_shape, call->n));
    return nas__stream_launch(tape, "mixed", "mixed_gates", NULL, 1, 1, &arguments);
}

/* With a closed gate this input's gradient is nobody's.  Where a pass adds it to another one (a plain tensor, that of no read), it
 * has to be 0. */
static bool may_be_closed(const nas_op_call *call, int k)
{
    return call->paths && candidates(call, k) == 1 && call->into[k].read.x.buffer;
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
    nas__push_int(&arguments, (int)((const mixed_options *)call->options)->gates.item[k]);
    nas__push_int(&arguments, may_be_closed(call, k));
    return nas__stream_launch(tape, "mixed", "mixed_into",
                              nas__curved_define(nas__is_curved(call->into[k].read.activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    stretch s = {.end = 0};
    NAS_TRY(write_table(call));
    while (stretch_next(&s, call))
        NAS_TRY(sum_stretch(call, tape, &s));
    NAS_TRY(merge_gates(call, tape));
    for (int k = 0; k < call->input_count; k++)
        if (call->into[k].g.buffer)
            NAS_TRY(backward_input(call, tape, k));
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
              NAS_FUSES_REDUCTION | NAS_FUSES_LENDING,
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
