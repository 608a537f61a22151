/* paths.c - running one path through a search network: the steps of candidates that a sample leaves out are not run.
 *
 * Methods that sample (SPOS, arXiv 1904.00420; ENAS, 1802.03268; GDAS, 1910.04465) train one candidate per edge and step.  A step of the plan
 * serves the candidates that read its value, through however many steps; it has to run when a gate of one of these is open.  Steps
 * that serve the same gates share a *guard*; what serves all (stem, head) has guard 0, and so have the sums, though a path may lead
 * into one that nobody reads.  The tapes are recorded once and skip the launches
 * whose guard is closed (nas_tape_guards), so taking another path costs the host a few hundred words.
 *
 * Where readers of one home have different guards, the home is *loose*: which of them runs, and so who begins and who
 * completes its gradient, changes from pass to pass.  Its gradient begins as zeros, all add to it, and the sums for its norm are a pass.
 *
 * Where a path takes one candidate of a row at most (options.row_of_gate), what serves one alone has the same memory as what serves the
 * others: as much as the largest of them needs, not all together.
 *
 * Parameters belong to the guard of the step that uses them: an update leaves closed ones alone, decay and momentum included
 * (nas_strip_mask; the released SPOS code does so, for an unused operation has no gradient there). */
#include "net_internal.h"

#include <stdlib.h>
#include <string.h>

/* Gates per step, as bits; a step that serves everything has all of them.  Sums count as that: a gate of theirs says nothing about
 * whether somebody reads the sum. */
typedef struct serving {
    const nas__plan *plan;
    size_t words;
    uint64_t *gates; /* [steps][words] */
} serving;

static uint64_t *gates_of(const serving *s, int step)
{
    return s->gates + (size_t)step * s->words;
}

static void serve_all(const serving *s, int step)
{
    memset(gates_of(s, step), 0xff, s->words * sizeof *s->gates);
}

static bool serves_all(const serving *s, int step)
{
    for (size_t w = 0; w < s->words; w++)
        if (gates_of(s, step)[w] != UINT64_MAX)
            return false;
    return true;
}

/* The gates of the candidates in one input of a step with gates. */
static void candidate_gates(const serving *s, int step, int input, uint64_t *gates)
{
    const int index = s->plan->steps[step].node;
    const nas_node *node = &s->plan->graph.nodes[index];
    nas_shape shapes[NAS_OP_INPUTS];
    int first[NAS_OP_INPUTS];
    nas_node_shapes(&s->plan->graph, index, shapes);
    node->op->gates(node->options.bytes, shapes, node->input_count, first);
    const int count = shapes[input].c / node->shape.c;
    for (int gate = first[input]; gate < first[input] + count; gate++)
        gates[gate / 64] |= (uint64_t)1 << gate % 64;
}

static bool has_gates(const nas__plan *plan, int step)
{
    const nas_op *op = nas__step_op(plan, &plan->steps[step]);
    return op && op->gates;
}

/* Adds what input `input` of `step` serves. */
static void add_served(const serving *s, int step, int input, uint64_t *gates)
{
    if (has_gates(s->plan, step))
        candidate_gates(s, step, input, gates);
    else
        for (size_t w = 0; w < s->words; w++)
            gates[w] |= gates_of(s, step)[w];
}

/* From the end: readers come later. */
static void find_served(const serving *s, int step)
{
    const nas__plan *plan = s->plan;
    const int home = plan->steps[step].home;
    bool read = false;
    for (int t = step + 1; t < plan->step_count && home != NAS__NONE; t++)
        for (int i = 0; i < plan->steps[t].input_count; i++)
            if (plan->steps[t].in[i].home == home) {
                add_served(s, t, i, gates_of(s, step));
                read = true;
            }
    if (!read || has_gates(plan, step) || home == plan->output_home || home == plan->features_home)
        serve_all(s, step);
}

/* The guard for these gates, found or made. */
static int guard_of(nas__plan *plan, const serving *s, int step)
{
    const size_t bytes = s->words * sizeof *s->gates;
    if (serves_all(s, step))
        return 0;
    for (int g = 1; g <= plan->guard_count; g++)
        if (memcmp(plan->guards + (size_t)g * s->words, gates_of(s, step), bytes) == 0)
            return g;
    memcpy(plan->guards + (size_t)++plan->guard_count * s->words, gates_of(s, step), bytes);
    return plan->guard_count;
}

static nas_status copy_rows(nas__plan *plan)
{
    const int gates = nas_graph_gates(&plan->graph);
    const int *rows = plan->options.row_of_gate;
    if (!rows)
        return NAS_OK;
    plan->row_of_gate = malloc((size_t)gates * sizeof *rows);
    if (!plan->row_of_gate)
        NAS_FAIL(NAS_MEMORY, "no memory for the rows of %d gates", gates);
    for (int gate = 0; gate < gates; gate++) {
        if (rows[gate] >= NAS_GATES)
            NAS_FAIL(NAS_FAILED, "gate %d of row %d: there are rows 0 to %d", gate, rows[gate],
                     NAS_GATES - 1);
        plan->row_of_gate[gate] = rows[gate];
    }
    plan->options.row_of_gate = plan->row_of_gate;
    return NAS_OK;
}

/* A sum hands the gradient of an input back itself, and so hands nothing back where the gate is closed; by way of a pass it would write
 * into memory that is another candidate's then. */
static bool sums_hand_back(const nas__plan *plan, int index)
{
    const nas__home *home = &plan->homes[index];
    for (int s = home->first_reader; s >= 0 && s <= home->last_reader; s++) {
        const nas__step *step = &plan->steps[s];
        const bool fuses = nas__plan_fusion(plan, step) & NAS_FUSES_INTO;
        for (int i = 0; i < step->input_count && has_gates(plan, s); i++)
            if (step->in[i].home == index && !(fuses && nas__into_direct(plan, s, i)))
                return false;
    }
    return true;
}

/* The step is an alternative to others: all that it serves is one gate, of a row. */
static void find_alternative(const serving *s, int index)
{
    const nas__plan *plan = s->plan;
    nas__step *step = &s->plan->steps[index];
    const int gates = nas_graph_gates(&plan->graph);
    int served = 0, last = 0;
    for (int gate = 0; gate < gates; gate++)
        if (gates_of(s, index)[gate / 64] >> gate % 64 & 1) {
            served++;
            last = gate;
        }
    const bool handed = step->home == NAS__NONE || sums_hand_back(plan, step->home);
    if (served == 1 && !serves_all(s, index) && plan->row_of_gate[last] >= 0 && handed)
        step->alternative = last;
}

/* Do all readers that pass gradients on run exactly when the home's own step does? */
static bool is_loose(const serving *s, int index, uint64_t *gates)
{
    const nas__plan *plan = s->plan;
    const nas__home *home = &plan->homes[index];
    if (home->step == NAS__NONE || !home->wants_gradient)
        return false;
    for (int t = home->step + 1; t < plan->step_count; t++)
        for (int i = 0; i < plan->steps[t].input_count; i++) {
            if (plan->steps[t].in[i].home != index || !nas__wants_gradient(plan, t, i))
                continue;
            memset(gates, 0, s->words * sizeof *gates);
            add_served(s, t, i, gates);
            if (memcmp(gates, gates_of(s, home->step), s->words * sizeof *gates) != 0)
                return true;
        }
    return false;
}

nas_status nas__plan_guards(nas__plan *plan)
{
    nas_status status = NAS_OK;
    const size_t steps = (size_t)plan->step_count;
    serving s = {.plan = plan, .words = nas__guard_words(plan)};
    uint64_t *gates = NULL;
    if (s.words == 0)
        NAS_FAIL(NAS_CONFIG, "a network without gates has no paths to choose from");
    NAS_TRY(copy_rows(plan));
    s.gates = calloc(steps * s.words, sizeof *s.gates);
    plan->guards = calloc((steps + 1) * s.words, sizeof *plan->guards);
    gates = calloc(s.words, sizeof *gates);
    if (!s.gates || !plan->guards || !gates) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__,
                               "no memory for the guards of %d steps", plan->step_count);
        goto done;
    }
    for (int step = plan->step_count - 1; step >= 0; step--)
        find_served(&s, step);
    for (int step = 0; step < plan->step_count; step++) {
        plan->steps[step].guard = guard_of(plan, &s, step);
        if (plan->row_of_gate)
            find_alternative(&s, step);
    }
    for (int home = 0; home < plan->home_count; home++)
        plan->homes[home].loose = is_loose(&s, home, gates);
done:
    free(gates);
    free(s.gates);
    return status;
}

/* ---- masks ------------------------------------------------------------------------------------------------------- */

enum { FILL_WORDS = 16 }; /* words that one fill carries */

static uint64_t open_words(const nas_net *net)
{
    const uint64_t words = (uint64_t)net->plan.guard_count / 32 + 1;
    return (words + FILL_WORDS - 1) / FILL_WORDS * FILL_WORDS;
}

/* The guard of the step that runs a node, or that writes the home which the node norms. */
static int guard_of_node(const nas__plan *plan, int node)
{
    for (int s = 0; s < plan->step_count; s++)
        if (plan->steps[s].node == node)
            return plan->steps[s].guard;
    for (int h = 0; h < plan->home_count; h++)
        if (plan->homes[h].norm_node == node)
            return plan->steps[plan->homes[h].step].guard;
    return 0;
}

static nas_status write_owners(nas_net *net)
{
    const uint64_t strips = net->mask.owners.count;
    uint32_t *owners = calloc((size_t)strips + 1, sizeof *owners);
    if (!owners)
        NAS_FAIL(NAS_MEMORY, "no memory for the owners of the parameters");
    for (int i = 0; i < net->list_count; i++) {
        const nas_net_parameter *entry = &net->list[i];
        if (!entry->spec.trained || !entry->tensor.buffer)
            continue;
        const uint64_t end = entry->tensor.at + entry->tensor.count;
        for (uint64_t strip = entry->tensor.at / 16; strip * 16 < end; strip++)
            owners[strip] = (uint32_t)guard_of_node(&net->plan, entry->node);
    }
    nas_status status =
        strips ? nas_buffer_write(net->masks, 4 * net->mask.owners.at, 4 * strips, owners) : NAS_OK;
    free(owners);
    return status;
}

nas_status nas__net_make_masks(nas_net *net)
{
    const uint64_t strips = net->block.parameters.count / 16, words = open_words(net);
    nas_tape *const tapes[] = {net->forward, net->backward, net->backward_gates,
                               net->backward_output, net->evaluate};
    net->open = calloc((size_t)words, sizeof *net->open);
    if (!net->open)
        NAS_FAIL(NAS_MEMORY, "no memory for %d guards", net->plan.guard_count);
    NAS_TRY(nas_buffer_create(net->device, 4 * (words + strips), "masks", &net->masks));
    net->mask.open = (nas_tensor){net->masks, 0, words};
    net->mask.owners = (nas_tensor){net->masks, words, strips};
    for (size_t i = 0; i < sizeof tapes / sizeof *tapes; i++)
        if (tapes[i])
            nas_tape_guards(tapes[i], net->open);
    NAS_TRY(write_owners(net));
    return nas_net_set_path(net, NULL);
}

/* ---- the path ------------------------------------------------------------------------------------------------------ */

/* Does the guard serve a gate that is open?  `open`: bits like the guard's own. */
static bool is_open(const nas__plan *plan, int guard, const uint64_t *open)
{
    const size_t words = nas__guard_words(plan);
    const uint64_t *gates = plan->guards + (size_t)guard * words;
    for (size_t w = 0; w < words; w++)
        if (gates[w] & open[w])
            return true;
    return false;
}

/* No two open gates are of one row. */
static bool takes_one_of_each(const nas__plan *plan, const uint64_t *open)
{
    const int gates = nas_graph_gates(&plan->graph);
    uint64_t taken[NAS_GATES / 64] = {0}; /* rows */
    for (int gate = 0; plan->row_of_gate && gate < gates; gate++) {
        const int row = plan->row_of_gate[gate];
        if (row < 0 || !(open[gate / 64] >> gate % 64 & 1))
            continue;
        if (taken[row / 64] >> row % 64 & 1)
            return false;
        taken[row / 64] |= (uint64_t)1 << row % 64;
    }
    return true;
}

nas_status nas_net_set_path(nas_net *net, const float *gates)
{
    const uint64_t words = net->mask.open.count;
    uint64_t open[NAS_GATES / 64] = {0};
    if (!net->open)
        NAS_FAIL(NAS_FAILED, "this net was created without paths");
    for (uint64_t gate = 0; gate < net->gates.count; gate++)
        open[gate / 64] |= (uint64_t)(!gates || gates[gate] != 0) << gate % 64;
    net->runs = takes_one_of_each(&net->plan, open);
    memset(net->open, 0, (size_t)words * sizeof *net->open);
    for (int guard = 1; guard <= net->plan.guard_count; guard++)
        if (is_open(&net->plan, guard, open))
            net->open[guard / 32] |= 1u << guard % 32;
    for (uint64_t at = 0; at < words; at += FILL_WORDS)
        NAS_TRY(nas_buffer_fill(net->masks, 4 * (net->mask.open.at + at), 4 * FILL_WORDS,
                                net->open + at, 4 * FILL_WORDS));
    return NAS_OK;
}

nas_strip_mask nas_net_strip_mask(const nas_net *net)
{
    return net->mask;
}

/* ---- a part of a path ---------------------------------------------------------------------------------------------- */

static bool has_gate(const nas__plan *plan, int guard, int gate)
{
    return plan->guards[(size_t)guard * nas__guard_words(plan) + (size_t)gate / 64] >> gate % 64 &
           1;
}

/* Does the guard serve this choice and no other of its row? */
static bool serves_choice(const nas__plan *plan, int guard, int first, int choices, int choice)
{
    for (int k = 0; k < choices; k++)
        if (has_gate(plan, guard, first + k) != (k == choice))
            return false;
    return true;
}

nas_status nas_net_evaluate_choice(nas_net *net, int first, int choices, int choice)
{
    const int gates = nas_graph_gates(&net->plan.graph);
    if (!net->open)
        NAS_FAIL(NAS_FAILED, "this net was created without paths");
    if (first < 0 || choices < 1 || first + choices > gates || choice < 0 || choice >= choices)
        NAS_FAIL(NAS_FAILED, "no choice %d of gates %d to %d in a net of %d gates", choice, first,
                 first + choices - 1, gates);
    uint32_t *part = calloc((size_t)net->mask.open.count, sizeof *part);
    if (!part)
        NAS_FAIL(NAS_MEMORY, "no memory for %d guards", net->plan.guard_count);
    for (int guard = 1; guard <= net->plan.guard_count; guard++)
        if (serves_choice(&net->plan, guard, first, choices, choice))
            part[guard / 32] |= 1u << guard % 32;
    nas_status status = nas_tape_run_part(net->evaluate, part);
    free(part);
    return status;
}
