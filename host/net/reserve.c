/* reserve.c - what lives in the activation arenas, one for each shard of the batch and all alike, and from when to when.
 *
 * Going forward a home's z is born at its step; going backward it is needed by the readers' backward (their weight
 * gradients and activation derivatives) and, when it has a norm or a tap, by its own step's backward (dz = a·G + b·z + d).  Its gradient G
 * lives from its last reader's backward to its own step's backward.  Everything else lives for one step.  The arena packs
 * intervals; nothing is allocated here.
 *
 * A home that is recomputed (plan.c, is_cheap) lives twice: until its reader has run forward, and while that runs backward.
 *
 * What serves one candidate of a row alone shares memory with what serves another one, when a path takes one of a row at most (paths.c).
 *
 * Evaluation replays the same steps in the same homes: its lifetimes are shorter, so it fits.
 */
#include "plan.h"

#include <limits.h>

static bool needed(const nas__plan *plan, int step)
{
    return plan->options.training && plan->steps[step].backward;
}

/* The last time that a home's z is read. */
static int last_use(const nas__plan *plan, int index)
{
    const nas__home *home = &plan->homes[index];
    if (home->step == NAS__NONE || index == plan->output_home || index == plan->features_home)
        return INT_MAX;
    int last = home->step;
    for (int s = home->step + 1; s < plan->step_count; s++)
        for (int i = 0; i < plan->steps[s].input_count; i++) {
            if (plan->steps[s].in[i].home != index)
                continue;
            bool kept = needed(plan, s) && !nas__is_recomputed(plan, home);
            int time = kept ? nas__time_back(plan, s) : s;
            last = time > last ? time : last;
        }
    bool again = home->norm_node != NAS__NONE || nas__taps_saliency(plan, &plan->steps[home->step]);
    if (again && needed(plan, home->step))
        last = nas__time_back(plan, home->step);
    return last;
}

/* The parts of a home's reductions: the completing writer's if it fuses them, else the pass's. */
static int reduction_parts(const nas__plan *plan, int index)
{
    const nas__home *home = &plan->homes[index];
    for (int s = home->step + 1; s < plan->step_count; s++)
        for (int i = 0; i < plan->steps[s].input_count; i++) {
            const nas__step *step = &plan->steps[s];
            bool ours = step->in[i].home == index && nas__wants_gradient(plan, s, i) &&
                        nas__completes_gradient(plan, s, i);
            if (!ours)
                continue;
            bool fused = (nas__plan_fusion(plan, step) & NAS_FUSES_INTO) &&
                         (nas__plan_fusion(plan, step) & NAS_FUSES_REDUCTION) &&
                         nas__into_direct(plan, s, i);
            if (fused)
                return step->sizes.reduction_parts[i];
        }
    return nas_pass_parts(home->shape, plan->n);
}

/* The last time that a home's gradient is read: by its own writer at `end`, or by that of a home that borrows it. */
static int last_borrowed(const nas__plan *plan, int index, int end)
{
    for (int h = 0; h < plan->home_count; h++) {
        const nas__home *home = &plan->homes[h];
        if (home->lender == index && nas__time_back(plan, home->step) > end)
            end = nas__time_back(plan, home->step);
    }
    return end;
}

/* From the first time that something is added to the home's gradient to when its own writer reads it. */
static void gradient_life(const nas__plan *plan, int index, int *first, int *last)
{
    const nas__home *home = &plan->homes[index];
    int end = home->step == NAS__NONE ? INT_MAX : nas__time_back(plan, home->step);
    int begin = end;
    for (int s = 0; s < plan->step_count; s++)
        for (int i = 0; i < plan->steps[s].input_count; i++)
            if (plan->steps[s].in[i].home == index && nas__wants_gradient(plan, s, i)) {
                int time = nas__time_back(plan, s);
                begin = time < begin ? time : begin;
            }
    if (index == plan->output_home && !plan->options.loss.op)
        begin = 0, end = INT_MAX;
    *first = begin;
    *last = end;
}

/* What is reserved next serves this step, and what serves others of its row is used in other passes. */
static void serve(const nas__plan *plan, nas_arena *arena, int step)
{
    const int gate = step == NAS__NONE ? NAS__NONE : plan->steps[step].alternative;
    nas_arena_alternative(arena, gate == NAS__NONE ? -1 : plan->row_of_gate[gate], gate);
}

static nas_status reserve_home(nas__plan *plan, nas_arena *arena, int index)
{
    nas__home *home = &plan->homes[index];
    const uint64_t floats = nas__home_floats(plan, home);
    int begin = home->step == NAS__NONE ? 0 : home->step, end;
    NAS_TRY(nas_arena_reserve(arena, floats, begin, last_use(plan, index), &home->z));
    home->again = NAS__NONE;
    if (nas__is_recomputed(plan, home)) {
        int time = nas__time_back(plan, home->first_reader);
        NAS_TRY(nas_arena_reserve(arena, floats, time, time, &home->again));
    }
    if (home->norm_node != NAS__NONE)
        NAS_TRY(nas_arena_reserve(arena, 7 * nas__channel_floats(home->shape.c), 0, INT_MAX,
                                  &home->norm));
    if (!plan->options.training || !home->wants_gradient || home->lender != NAS__NONE)
        return NAS_OK;
    gradient_life(plan, index, &begin, &end);
    return nas_arena_reserve(arena, floats, begin, last_borrowed(plan, index, end), &home->g);
}

/* A set for each shard.  With several they share no memory: one shard may be far ahead of another. */
static nas_status reserve_sets(const nas__plan *plan, nas_arena *arena, uint64_t floats, int begin,
                               int end, int *reservation)
{
    const bool ahead = plan->shards > 1;
    return nas_arena_reserve(arena, floats * (uint64_t)plan->shards, ahead ? 0 : begin,
                             ahead ? INT_MAX : end, reservation);
}

static nas_status reserve_norm(nas__plan *plan, nas_arena *arena, int index)
{
    nas__home *home = &plan->homes[index];
    const nas__step *step = &plan->steps[home->step];
    bool fused = nas__plan_fusion(plan, step) & NAS_FUSES_STATISTICS;
    home->statistics_parts =
        fused ? step->sizes.statistics_parts : nas_pass_parts(home->shape, plan->n);
    NAS_TRY(reserve_sets(plan, arena, nas__set_floats(home->shape.c, 3, home->statistics_parts),
                         home->step, home->step, &home->statistics));
    if (!plan->options.training || !home->wants_gradient)
        return NAS_OK;
    int begin, end;
    gradient_life(plan, index, &begin, &end);
    home->reduction_parts = reduction_parts(plan, index);
    return reserve_sets(plan, arena, nas__set_floats(home->shape.c, 2, home->reduction_parts),
                        begin, end, &home->reductions);
}

nas_status nas__plan_reserve_shared(nas__plan *plan, nas_arena *arena)
{
    for (int h = 0; h < plan->home_count; h++)
        if (plan->homes[h].norm_node != NAS__NONE)
            NAS_TRY(reserve_norm(plan, arena, h));
    return NAS_OK;
}

/* Raw inputs for an op that does not read through views, kept until its backward. */
static nas_status reserve_raw(nas__plan *plan, nas_arena *arena, int index)
{
    nas__step *step = &plan->steps[index];
    bool fuses = nas__plan_fusion(plan, step) & NAS_FUSES_READ;
    int end = needed(plan, index) ? nas__time_back(plan, index) : index;
    for (int i = 0; i < step->input_count; i++)
        if (step->node != NAS__COPY && !fuses && !nas__view_raw(&step->in[i]))
            NAS_TRY(nas_arena_reserve(arena, nas__home_floats(plan, &plan->homes[step->in[i].home]),
                                      index, end, &step->raw_in[i]));
    return NAS_OK;
}

/* Temporary gradients of one backward step: the formed dz, and plain v per input. */
static nas_status reserve_backward(nas__plan *plan, nas_arena *arena, int index)
{
    nas__step *step = &plan->steps[index];
    unsigned fusion = nas__plan_fusion(plan, step);
    int time = nas__time_back(plan, index);
    if (step->home != NAS__NONE && plan->homes[step->home].norm_node != NAS__NONE &&
        !(fusion & NAS_FUSES_GRADIENT))
        NAS_TRY(nas_arena_reserve(arena, nas__home_floats(plan, &plan->homes[step->home]), time,
                                  time, &step->formed));
    for (int i = 0; i < step->input_count; i++) {
        bool direct = (fusion & NAS_FUSES_INTO) && nas__into_direct(plan, index, i);
        if (!nas__wants_gradient(plan, index, i) || direct || step->node == NAS__COPY)
            continue;
        NAS_TRY(nas_arena_reserve(arena, nas__home_floats(plan, &plan->homes[step->in[i].home]),
                                  time, time, &step->plain[i]));
    }
    return NAS_OK;
}

static nas_status reserve_step(nas__plan *plan, nas_arena *arena, int index)
{
    nas__step *step = &plan->steps[index];
    int end = needed(plan, index) ? nas__time_back(plan, index) : index;
    if (step->sizes.saved > 0)
        NAS_TRY(nas_arena_reserve(arena, step->sizes.saved, index, end, &step->saved));
    if (step->sizes.table >
        0) /* one for the gates' backward pass, which wants less, and one for all others */
        NAS_TRY(nas_arena_reserve(arena, 2 * nas__table_floats(step), 0, INT_MAX, &step->table));
    NAS_TRY(reserve_raw(plan, arena, index));
    if (needed(plan, index))
        NAS_TRY(reserve_backward(plan, arena, index));
    return NAS_OK;
}

nas_status nas__plan_reserve(nas__plan *plan, nas_arena *arena)
{
    uint64_t scratch = 16;
    for (int s = 0; s < plan->step_count; s++) {
        scratch = plan->steps[s].sizes.scratch > scratch ? plan->steps[s].sizes.scratch : scratch;
        serve(plan, arena, s);
        NAS_TRY(reserve_step(plan, arena, s));
    }
    for (int h = 0; h < plan->home_count; h++) {
        serve(plan, arena, plan->homes[h].step);
        NAS_TRY(reserve_home(plan, arena, h));
    }
    serve(plan, arena, NAS__NONE);
    NAS_TRY(nas__taps_reserve(plan, arena));
    return nas_arena_reserve(arena, scratch, 0, INT_MAX, &plan->scratch);
}
