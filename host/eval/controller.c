/* controller.c - ENAS: a policy draws the paths that shared weights are trained by, and learns which of them are good.
 *
 * Idea (Pham et al., 1802.03268): an LSTM writes an architecture choice by choice (host/learn).  Shared weights and controller take
 * turns: an epoch of weights, each step on the path of an architecture that the controller draws; then some updates of the controller
 * while the weights stand still.  Architectures that are drawn more often have better weights, and so the two pull each other on.
 *
 *     R = accuracy on one mini-batch + entropy weight · entropy of what was drawn      (a bonus, not a gradient)
 *     b <- b − (1 − decay)·(b − R), from 0, before the advantage is formed             (Williams 1992: REINFORCE)
 *     loss = mean over `aggregate` architectures of −log p·(R − b) + skip weight · penalty, one step of Adam
 *
 * The penalty is on skips that are more or less likely than the target, in spaces with genes called "skip" (the macro space; learn.h).
 *
 *     micro (cells)    30 × 10, lr 0.0035, tanh 1.10, of operations 0.44            as the authors' code has it: LSTM of 64, uniform
 *     macro (chains)   50 × 20, lr 0.001, tanh 1.5, skips 0.4 with weight 0.8       in ±0.1, Adam with β1 = 0 and ε = 0.001
 *
 * Departures: choices of inputs and of skips are steps with logits of their own, not attention over the anchors of earlier nodes; nothing
 * biases operations (there: 10 for separable convolutions at the start, ±0.25 in the normal cell); ε is added behind Adam's
 * correction for its start.  A row that the space or the supernet does not take is drawn again, and log p is not corrected for that.
 *
 * Draws are keyed by (seed, update, number), or whatever key the caller has.  All arithmetic is double on the host.
 * Read next: controlled.c, where rewards come from. */
#include "controller.h"

#include "sampling.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    DRAWS = 1000, /* until a row comes that the supernet contains */
    REPEATS = 20  /* draws for each further architecture of a list */
};

struct nas__controller {
    const nas__controller_options *options;
    const nas_domain *domain;
    const nas_gate_table *table;
    uint64_t seed;
    nas_policy *policy;
    nas__controller_state state;
    nas_arch *rows, *archs; /* [aggregate]: as they were drawn, canonical */
    double *rewards;        /* [aggregate] */
};

nas_status nas__controller_create(const nas__controller_options *o, const nas_domain *domain,
                                  const nas_gate_table *table, uint64_t seed,
                                  nas__controller **controller)
{
    const nas_policy_shape shape = {.kind = NAS_POLICY_LSTM,
                                    .hidden = (int)o->hidden,
                                    .layers = (int)o->layers,
                                    .temperature = o->temperature,
                                    .tanh_constant = o->tanh_constant,
                                    .op_tanh = o->op_tanh,
                                    .skip_target = o->skip_target};
    const size_t count = (size_t)o->aggregate;
    nas__controller *c = calloc(1, sizeof *c);
    if (!c)
        NAS_FAIL(NAS_MEMORY, "no memory for a controller");
    *c = (nas__controller){.options = o,
                           .domain = domain,
                           .table = table,
                           .seed = seed,
                           .rows = calloc(count, sizeof *c->rows),
                           .archs = calloc(count, sizeof *c->archs),
                           .rewards = calloc(count, sizeof *c->rewards)};
    nas_status status = c->rows && c->archs && c->rewards ? NAS_OK : NAS_MEMORY;
    if (status == NAS_OK)
        status = nas_policy_create(domain, &shape, seed, &c->policy);
    if (status != NAS_OK) {
        nas__controller_destroy(c);
        NAS_FAIL(status, "no memory for a controller of %" PRId64 " units", o->hidden);
    }
    *controller = c;
    return NAS_OK;
}

void nas__controller_destroy(nas__controller *c)
{
    if (!c)
        return;
    nas_policy_destroy(c->policy);
    free(c->rows);
    free(c->archs);
    free(c->rewards);
    free(c);
}

nas__controller_state *nas__controller_state_of(nas__controller *controller)
{
    return &controller->state;
}

nas_policy *nas__controller_policy(nas__controller *controller)
{
    return controller->policy;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* `row`: as it was drawn, which is what log p is of. */
static nas_status draw(nas__controller *c, nas_random *random, nas_arch *row, nas_arch *arch)
{
    int choices[NAS_GATE_ROWS];
    for (int i = 0; i < DRAWS; i++) {
        nas_policy_draw(c->policy, random, row);
        *arch = *row;
        nas_domain_canonical(c->domain, arch);
        nas_status status = nas_domain_valid(c->domain, arch);
        if (status == NAS_OK)
            status = nas_domain_path(c->domain, c->table, arch, choices);
        if (status != NAS_BOUND && status != NAS_SHAPE)
            return status;
    }
    NAS_FAIL(NAS_FAILED,
             "the controller drew %d architectures in a row that the space does not allow; widen "
             "its bounds, or set strategy.controller.tanh lower",
             DRAWS);
}

nas_status nas__controller_draw(void *user, nas_random *random, nas_arch *arch)
{
    nas_arch row;
    return draw(user, random, &row, arch);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* Adds the gradient of architecture i; the baseline has its reward before the advantage is formed. */
static void learn(nas__controller *c, int i)
{
    const nas__controller_options *o = c->options;
    nas__controller_state *s = &c->state;
    const double share = 1.0 / (double)o->aggregate;
    double entropy;
    nas_policy_look(c->policy, &c->rows[i], &entropy);
    const double reward = c->rewards[i] + o->entropy * entropy;
    s->baseline -= (1 - o->decay) * (s->baseline - reward);
    s->reward += reward;
    s->entropy += entropy;
    const nas_policy_push push = {.chance = share * (reward - s->baseline),
                                  .pull = share * o->skip_weight};
    nas_policy_learn(c->policy, &c->rows[i], &push);
}

nas_status nas__controller_update(nas__controller *c, nas__controller_score score, void *user)
{
    const nas__controller_options *o = c->options;
    const int count = (int)o->aggregate;
    const int64_t update = (int64_t)c->state.updates, in_epoch = update % o->steps;
    const nas_adam adam = {o->lr, o->beta1, o->beta2, o->epsilon, o->clip};
    nas_weights *weights = nas_policy_weights(c->policy);
    for (int i = 0; i < count; i++) {
        nas_random random = nas_random_make(c->seed, NAS_STREAM_PATHS, NAS__PATHS_LEARNED,
                                            (uint32_t)update, (uint32_t)i);
        NAS_TRY(draw(c, &random, &c->rows[i], &c->archs[i]));
    }
    NAS_TRY(score(user, c->archs, (int)in_epoch * count, count, c->rewards));
    if (in_epoch == 0)
        c->state.reward = c->state.entropy = 0;
    for (int i = 0; i < count; i++)
        learn(c, i);
    weights->steps = update; /* after a checkpoint, too */
    nas_weights_step(weights, &adam);
    c->state.updates++;
    return NAS_OK;
}

/* ---- what it speaks for ------------------------------------------------------------------------------------------ */

static bool is_among(const nas_arch *arch, const nas_arch *list, int64_t count)
{
    bool found = false;
    for (int64_t i = 0; i < count && !found; i++)
        found = nas_arch_equal(arch, &list[i]);
    return found;
}

static nas_status fill_list(nas__controller *c, int64_t count, nas_arch *list, int64_t *filled)
{
    for (int64_t i = 0; *filled < count && i < REPEATS * count; i++) {
        nas_random random =
            nas_random_make(c->seed, NAS_STREAM_PATHS, NAS__PATHS_LISTED, (uint32_t)i, 0);
        NAS_TRY(nas__controller_draw(c, &random, &list[*filled]));
        *filled += !is_among(&list[*filled], list, *filled);
    }
    return NAS_OK;
}

nas_status nas__controller_list(nas__controller *c, const nas_arch *first, int64_t count,
                                nas_text *text)
{
    int64_t filled = 1;
    nas_arch *list = calloc((size_t)count, sizeof *list);
    if (!list)
        NAS_FAIL(NAS_MEMORY, "no memory for %" PRId64 " candidates", count);
    list[0] = *first;
    nas_status status = fill_list(c, count, list, &filled);
    for (int64_t i = 0; i < filled && status == NAS_OK; i++) {
        nas_text_add(text, i ? " " : "");
        nas_domain_write(c->domain, &list[i], text);
    }
    free(list);
    NAS_TRY(status);
    return nas_text_check(text);
}
