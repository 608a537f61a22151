/* unrolled.c - the second order of DARTS: α looks at the weights that one step from here would give.
 *
 * Liu, Simonyan, Yang (arXiv 1806.09055), equations 7 and 8, as the authors' code has them.  With η the learning rate of now,
 *
 *     w'  = w − η·(momentum·m + ∇w L_train(w) + decay·w)        the step that sgd would take, clip aside
 *     v   = ∇w' L_valid(w'),   d = gradient of L_valid(w') by the gates
 *     w±  = w ± R·v,  R = 0.01/‖v‖                              around w, not around w'
 *     d − η·(d+ − d−)/(2R)                                      d±: gradient of L_train(w±) by the gates
 *
 * and the weights come back from a copy, since w + Rv − 2Rv + Rv is not w in floats.  The gates are a function of α that stays
 * as it is meanwhile, so the difference may be taken of their gradients, and α's follows from it by one Jacobian.  Four passes forth
 * and four back, where the first order has one of each. */
#include "relaxation.h"

#include <stdlib.h>

struct nas__unrolled {
    nas__unrolled_setup setup;
    nas_buffer *memory;
    nas_tensor kept, norm, scratch, valid, plus;
    nas_tape *step;  /* keeps w, leaves w' */
    nas_tape *up;    /* keeps the gates' gradient at w', leaves w+ */
    nas_tape *down;  /* keeps that at w+, leaves w− */
    nas_tape *close; /* the gates' gradient complete, w back */
};

static uint64_t rounded(uint64_t count)
{
    return (count + 15) / 16 * 16;
}

static nas_status allocate(nas__unrolled *u)
{
    const nas_net_block block = nas_net_parameters(u->setup.net);
    const uint64_t weights = rounded(block.parameters.count);
    const uint64_t gates = rounded(nas_net_gates(u->setup.net).count);
    const uint64_t scratch = rounded(nas_clip_scratch(weights));
    NAS_TRY(nas_buffer_create(nas_net_device(u->setup.net),
                              4 * (weights + 2 * gates + scratch + 16), "unrolled step",
                              &u->memory));
    u->kept = (nas_tensor){u->memory, 0, block.parameters.count};
    u->valid = (nas_tensor){u->memory, weights, nas_net_gates(u->setup.net).count};
    u->plus = (nas_tensor){u->memory, weights + gates, u->valid.count};
    u->norm = (nas_tensor){u->memory, weights + 2 * gates, 2};
    u->scratch = (nas_tensor){u->memory, weights + 2 * gates + 16, scratch};
    return NAS_OK;
}

static nas_status add_launch(nas_tape *tape, const char *kernel, size_t count,
                             const nas_argument *arguments, int argument_count)
{
    enum { LOCAL = 64 };
    const nas_launch launch = {.source = "unrolled",
                               .kernel = kernel,
                               .global = {(count + LOCAL - 1) / LOCAL * LOCAL},
                               .local = {LOCAL},
                               .arguments = arguments,
                               .argument_count = argument_count};
    return nas_tape_add(tape, &launch);
}

static size_t registers(const nas__unrolled *u)
{
    return (size_t)u->kept.count / (size_t)nas_device_lanes(nas_net_device(u->setup.net));
}

static nas_status copy(nas_tape *tape, nas_tensor from, nas_tensor to)
{
    return nas_tape_add_copy(tape, from.buffer, 4 * from.at, to.buffer, 4 * to.at, 4 * from.count);
}

static nas_status record_step(nas__unrolled *u, const nas_net_block *block)
{
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(u->kept),
        NAS_ARG_TENSOR(block->gradients),
        NAS_ARG_TENSOR(u->setup.moment),
        NAS_ARG_TENSOR(nas_net_step_block(u->setup.net)),
        NAS_ARG_TENSOR(block->parameters),
        NAS_ARG_ULONG(block->parameters.count),
        NAS_ARG_ULONG(block->decayed_count),
        NAS_ARG_FLOAT((float)u->setup.momentum),
        NAS_ARG_FLOAT((float)u->setup.weight_decay),
    };
    NAS_TRY(copy(u->step, block->parameters, u->kept));
    return add_launch(u->step, "unrolled_step", registers(u), arguments, 9);
}

static nas_status record_shift(nas__unrolled *u, const nas_net_block *block, nas_tape *tape,
                               float sign)
{
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(u->kept),
        NAS_ARG_TENSOR(block->gradients),
        NAS_ARG_TENSOR(u->norm),
        NAS_ARG_TENSOR(block->parameters),
        NAS_ARG_ULONG(block->parameters.count),
        NAS_ARG_FLOAT(sign),
    };
    return add_launch(tape, "unrolled_shift", registers(u), arguments, 6);
}

static nas_status record_close(nas__unrolled *u, const nas_net_block *block)
{
    const nas_tensor gradient = nas_net_gate_gradients(u->setup.net);
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(u->valid), NAS_ARG_TENSOR(u->plus),
        NAS_ARG_TENSOR(u->norm),  NAS_ARG_TENSOR(nas_net_step_block(u->setup.net)),
        NAS_ARG_TENSOR(gradient), NAS_ARG_INT((int)gradient.count),
    };
    NAS_TRY(add_launch(u->close, "unrolled_gates", (size_t)gradient.count, arguments, 6));
    return copy(u->close, u->kept, block->parameters);
}

static nas_status record(nas__unrolled *u)
{
    nas_device *device = nas_net_device(u->setup.net);
    const nas_net_block block = nas_net_parameters(u->setup.net);
    const nas_tensor gates = nas_net_gate_gradients(u->setup.net);
    NAS_TRY(nas_tape_create(device, "unrolled step", &u->step));
    NAS_TRY(nas_tape_create(device, "weights up", &u->up));
    NAS_TRY(nas_tape_create(device, "weights down", &u->down));
    NAS_TRY(nas_tape_create(device, "weights back", &u->close));
    NAS_TRY(record_step(u, &block));
    NAS_TRY(copy(u->up, gates, u->valid));
    NAS_TRY(nas_clip_record(u->up, block.gradients, NULL, 0, u->scratch, u->norm));
    NAS_TRY(record_shift(u, &block, u->up, 1));
    NAS_TRY(copy(u->down, gates, u->plus));
    NAS_TRY(record_shift(u, &block, u->down, -1));
    return record_close(u, &block);
}

nas_status nas__unrolled_create(const nas__unrolled_setup *setup, nas__unrolled **unrolled)
{
    nas__unrolled *u = calloc(1, sizeof *u);
    if (!u)
        NAS_FAIL(NAS_MEMORY, "no memory for unrolled steps");
    u->setup = *setup;
    nas_status status = allocate(u);
    if (status == NAS_OK)
        status = record(u);
    if (status != NAS_OK) {
        nas__unrolled_destroy(u);
        return status;
    }
    *unrolled = u;
    return NAS_OK;
}

void nas__unrolled_destroy(nas__unrolled *u)
{
    if (!u)
        return;
    nas_tape_destroy(u->step);
    nas_tape_destroy(u->up);
    nas_tape_destroy(u->down);
    nas_tape_destroy(u->close);
    nas_buffer_destroy(u->memory);
    free(u);
}

nas_status nas__unrolled_gradient(nas__unrolled *u)
{
    const nas__unrolled_setup *s = &u->setup;
    NAS_TRY(s->load_train(s->user));
    NAS_TRY(nas_net_forward(s->net));
    NAS_TRY(nas_net_backward(s->net));
    NAS_TRY(nas_tape_run(u->step));
    NAS_TRY(s->load_valid(s->user));
    NAS_TRY(nas_net_forward(s->net));
    NAS_TRY(nas_net_backward(s->net));
    NAS_TRY(nas_tape_run(u->up));
    NAS_TRY(s->load_train(s->user));
    NAS_TRY(nas_net_forward(s->net));
    NAS_TRY(nas_net_backward_gates(s->net));
    NAS_TRY(nas_tape_run(u->down));
    NAS_TRY(nas_net_forward(s->net));
    NAS_TRY(nas_net_backward_gates(s->net));
    return nas_tape_run(u->close);
}
