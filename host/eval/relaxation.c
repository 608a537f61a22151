/* relaxation.c - architecture weights α on the device: their gates, their gradients, their optimizer.
 *
 * Everything is four short tapes over a few hundred floats, so that a training step that moves α enqueues a handful of launches
 * more and waits for nothing: `sample` (α to gates), `plain` (the same without noise, to measure by), `backward` (the gates' gradient
 * to α's), `update` (Adam).  What changes from step to step, temperature and phase, lies in the step block behind Adam's factors.
 *
 * Methods that draw choices hard (GDAS, ProxylessNAS) run nothing but what was drawn.  Which launches to leave out the host has to know, so for
 * these it reads the gates once they are drawn: it waits for the device once per phase, and the queue is empty for as long as the
 * first launches of the pass need to come (docs/decisions/0013-paths-are-read-back.md).
 *
 * With pairs (ProxylessNAS) α's phase draws two choices per row in place of one: a tape of its own, and an update that ends with a
 * rescaling of these two (cl/gates.cl).
 *
 * Layout of the memory, each part a multiple of 16 floats: α and, where edges have weights, β behind it; its gradient; Adam's
 * moments; soft choices and edges, kept for the way back; costs of the choices; the rows of the table. */
#include "relaxation.h"

#include "sampling.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW = 6, LOCAL = 16 }; /* as in cl/gates.cl */

/* ---- memory -------------------------------------------------------------------------------------------------------- */

static uint64_t rounded(uint64_t count)
{
    return (count + 15) / 16 * 16;
}

/* Group of rows [*from, *to) that compete over one node. */
static void find_group(const nas_gate_table *table, int row, int *from, int *to)
{
    for (*from = row; *from > 0 && table->rows[*from - 1].group == table->rows[row].group;)
        --*from;
    for (*to = row + 1; *to < table->count && table->rows[*to].group == table->rows[row].group;)
        ++*to;
}

static nas_status write_rows(nas__relaxation *r)
{
    int32_t rows[ROW * NAS_GATE_ROWS];
    for (int i = 0; i < r->table->count; i++) {
        const nas_gate_row *row = &r->table->rows[i];
        int from, to;
        find_group(r->table, i, &from, &to);
        const int32_t words[ROW] = {row->first, row->choices, from, to, row->around, row->none};
        memcpy(rows + ROW * i, words, sizeof words);
    }
    return nas_buffer_write(r->memory, 4 * r->rows.at,
                            sizeof *rows * ROW * (uint64_t)r->table->count, rows);
}

/* scale·N(0, 1); the edges' β the same. */
static nas_status write_alpha(nas__relaxation *r, uint64_t seed, uint64_t key, uint64_t used)
{
    nas_random random = nas_random_make(seed, NAS_STREAM_GATES, (uint32_t)key,
                                        (uint32_t)(key >> 32), 0x616c7068u /* "alph" */);
    float *values = calloc(r->alpha.count, sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "no memory for %" PRIu64 " architecture weights", r->alpha.count);
    for (uint64_t i = 0; i < used; i++)
        values[i] = (float)(r->options->scale * nas_random_normal(&random));
    nas_status status = nas_tensor_write(r->alpha, values);
    free(values);
    return status;
}

static nas_tensor take(nas__relaxation *r, uint64_t *at, uint64_t count)
{
    const nas_tensor tensor = {r->memory, *at, rounded(count)};
    *at += tensor.count;
    return tensor;
}

static nas_status allocate(nas__relaxation *r, uint64_t seed, uint64_t key)
{
    const nas_gate_table *table = r->table;
    const uint64_t rows = (uint64_t)table->count, choices = (uint64_t)table->choices;
    const uint64_t used = (uint64_t)nas__relaxation_used(r);
    const uint64_t gates = nas_net_gate_gradients(r->net).count;
    uint64_t at = 0, all = 4 * rounded(used) + rounded(choices + rows) + rounded(choices) +
                           rounded(ROW * rows) + rounded(gates);
    NAS_TRY(nas_buffer_create(nas_net_device(r->net), 4 * all, "architecture weights", &r->memory));
    r->alpha = take(r, &at, used);
    r->gradient = take(r, &at, used);
    for (int i = 0; i < NAS_OPTIMIZER_MOMENTS; i++)
        r->moments[i] = take(r, &at, used);
    r->soft = take(r, &at, choices + rows);
    r->costs = take(r, &at, choices);
    r->rows = take(r, &at, ROW * rows);
    r->sums = take(r, &at, gates);
    NAS_TRY(write_rows(r));
    return write_alpha(r, seed, key, used);
}

/* ---- tapes ----------------------------------------------------------------------------------------------------------- */

static nas_status add_launch(nas__relaxation *r, nas_tape *tape, const char *kernel,
                             const nas_argument *arguments, int count)
{
    const size_t items = ((size_t)r->table->count + LOCAL - 1) / LOCAL * LOCAL;
    const nas_launch launch = {.source = "gates",
                               .kernel = kernel,
                               .global = {items},
                               .local = {LOCAL},
                               .arguments = arguments,
                               .argument_count = count};
    return nas_tape_add(tape, &launch);
}

static nas_status record_forward(nas__relaxation *r, bool noisy, const uint32_t key[2],
                                 nas_tape **tape)
{
    const nas__method *method = r->options->method;
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(r->alpha),
        NAS_ARG_TENSOR(r->rows),
        NAS_ARG_TENSOR(nas_net_step_block(r->net)),
        NAS_ARG_TENSOR(r->soft),
        NAS_ARG_TENSOR(nas_net_gates(r->net)),
        NAS_ARG_INT(r->table->count),
        NAS_ARG_INT(r->table->choices),
        NAS_ARG_INT(noisy),
        NAS_ARG_INT(method->hard),
        NAS_ARG_INT(method->edges),
        NAS_ARG_UINT(key[0]),
        NAS_ARG_UINT(key[1]),
    };
    NAS_TRY(nas_tape_create(nas_net_device(r->net), "gates", tape));
    return add_launch(r, *tape, "gates_forward", arguments, sizeof arguments / sizeof arguments[0]);
}

static nas_status record_pairs(nas__relaxation *r, const uint32_t key[2])
{
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(r->alpha),
        NAS_ARG_TENSOR(r->rows),
        NAS_ARG_TENSOR(nas_net_step_block(r->net)),
        NAS_ARG_TENSOR(r->soft),
        NAS_ARG_TENSOR(nas_net_gates(r->net)),
        NAS_ARG_INT(r->table->count),
        NAS_ARG_INT(r->table->choices),
        NAS_ARG_UINT(key[0]),
        NAS_ARG_UINT(key[1]),
    };
    if (!r->options->method->pairs)
        return NAS_OK;
    NAS_TRY(nas_tape_create(nas_net_device(r->net), "pairs of gates", &r->pairs));
    return add_launch(r, r->pairs, "gates_pairs_forward", arguments,
                      sizeof arguments / sizeof arguments[0]);
}

static nas_status fill_adam(nas__relaxation *r)
{
    const nas__method_options *o = r->options;
    char text[256];
    nas_value group = {0};
    nas_format(text, sizeof text, "{ beta1 = %.17g; beta2 = %.17g; weight_decay = %.17g; }",
               o->beta1, o->beta2, o->weight_decay);
    r->adam = nas_optimizer_find("adam");
    NAS_TRY(nas_value_parse(text, NULL, 0, &group));
    nas_status status = nas_options_fill(&r->adam->kind, &group, NULL, r->adam_options.bytes);
    nas_value_clear(&group);
    return status;
}

static nas_status add_backward(nas__relaxation *r)
{
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(nas_net_gate_gradients(r->net)),
        NAS_ARG_TENSOR(r->rows),
        NAS_ARG_TENSOR(nas_net_step_block(r->net)),
        NAS_ARG_TENSOR(r->soft),
        NAS_ARG_TENSOR(nas_net_gates(r->net)),
        NAS_ARG_TENSOR(r->gradient),
        NAS_ARG_INT(r->table->count),
        NAS_ARG_INT(r->table->choices),
        NAS_ARG_INT(r->options->method->edges),
        NAS_ARG_INT(nas__method_has_paths(r->options->method)),
    };
    return add_launch(r, r->backward, "gates_backward", arguments,
                      sizeof arguments / sizeof arguments[0]);
}

static nas_status add_pairs_backward(nas__relaxation *r)
{
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(nas_net_gate_gradients(r->net)),
        NAS_ARG_TENSOR(r->rows),
        NAS_ARG_TENSOR(r->alpha),
        NAS_ARG_TENSOR(r->soft),
        NAS_ARG_TENSOR(nas_net_gates(r->net)),
        NAS_ARG_TENSOR(r->costs),
        NAS_ARG_TENSOR(r->gradient),
        NAS_ARG_INT(r->table->count),
    };
    return add_launch(r, r->backward, "gates_pairs_backward", arguments,
                      sizeof arguments / sizeof arguments[0]);
}

static nas_status add_rescale(nas__relaxation *r)
{
    const nas_argument arguments[] = {
        NAS_ARG_TENSOR(r->alpha),     NAS_ARG_TENSOR(r->rows),
        NAS_ARG_TENSOR(r->soft),      NAS_ARG_TENSOR(nas_net_gates(r->net)),
        NAS_ARG_INT(r->table->count), NAS_ARG_INT(r->table->choices),
    };
    return add_launch(r, r->update, "gates_pairs_rescale", arguments,
                      sizeof arguments / sizeof arguments[0]);
}

static nas_status record_backward(nas__relaxation *r)
{
    NAS_TRY(nas_tape_create(nas_net_device(r->net), "way back through gates", &r->backward));
    return r->options->method->pairs ? add_pairs_backward(r) : add_backward(r);
}

static nas_status record_update(nas__relaxation *r)
{
    nas_optimizer_call call = {.device = nas_net_device(r->net),
                               .parameters = r->alpha,
                               .gradients = r->gradient,
                               .decayed_count = r->alpha.count,
                               .step = nas_net_step_block(r->net)};
    memcpy(call.moments, r->moments, sizeof call.moments);
    NAS_TRY(fill_adam(r));
    NAS_TRY(nas_tape_create(nas_net_device(r->net), "update of gates", &r->update));
    NAS_TRY(r->adam->record(&r->adam_options, &call, r->update));
    return r->options->method->pairs ? add_rescale(r) : NAS_OK;
}

static nas_status record_accumulate(nas__relaxation *r)
{
    nas_device *device = nas_net_device(r->net);
    if (r->parts == 1)
        return NAS_OK;
    NAS_TRY(nas_tape_create(device, "mean of gate gradients", &r->accumulate));
    return nas_accumulate_record(device, r->accumulate, nas_net_gate_gradients(r->net), r->sums,
                                 NULL, 1.0 / r->parts);
}

static nas_status make(nas__relaxation *r, uint64_t seed, uint64_t key)
{
    uint32_t noise[2];
    nas_random_key(nas_hash(&key, sizeof key, seed), NAS_STREAM_GATES, noise);
    if (nas_net_gates(r->net).count < (uint64_t)r->table->gates)
        NAS_FAIL(NAS_FAILED, "a supernet of %" PRIu64 " gates and a table of %d",
                 nas_net_gates(r->net).count, r->table->gates);
    r->open = calloc((size_t)nas_net_gates(r->net).count, sizeof *r->open);
    if (!r->open)
        NAS_FAIL(NAS_MEMORY, "no memory for %d gates", r->table->gates);
    NAS_TRY(allocate(r, seed, key));
    NAS_TRY(record_pairs(r, noise));
    NAS_TRY(record_forward(r, r->options->method->noisy, noise, &r->sample));
    NAS_TRY(record_forward(r, false, noise, &r->plain));
    NAS_TRY(record_accumulate(r));
    NAS_TRY(record_backward(r));
    return record_update(r);
}

nas_status nas__relaxation_create(const nas__method_options *options, const nas_gate_table *table,
                                  nas_net *net, int parts, uint64_t seed, uint64_t key,
                                  nas__relaxation **relaxation)
{
    nas__relaxation *r = calloc(1, sizeof *r);
    if (!r)
        NAS_FAIL(NAS_MEMORY, "no memory for architecture weights");
    r->options = options;
    r->table = table;
    r->net = net;
    r->parts = parts;
    nas_status status = make(r, seed, key);
    if (status != NAS_OK) {
        nas__relaxation_destroy(r);
        return status;
    }
    *relaxation = r;
    return NAS_OK;
}

void nas__relaxation_destroy(nas__relaxation *r)
{
    if (!r)
        return;
    nas_tape_destroy(r->sample);
    nas_tape_destroy(r->pairs);
    nas_tape_destroy(r->plain);
    nas_tape_destroy(r->backward);
    nas_tape_destroy(r->update);
    nas_tape_destroy(r->accumulate);
    nas_buffer_destroy(r->memory);
    free(r->open);
    free(r);
}

nas_status nas__relaxation_charge(nas__relaxation *r, const float *costs)
{
    return nas_buffer_write(r->memory, 4 * r->costs.at, 4 * (uint64_t)r->table->choices, costs);
}

/* ---- a step ---------------------------------------------------------------------------------------------------------- */

static double temperature_of(const nas__method_options *o, int64_t epoch)
{
    const double share = o->epochs > 1 ? (double)epoch / (double)(o->epochs - 1) : 0;
    return o->warm + (o->cold - o->warm) * fmin(share, 1);
}

/* Steps of α before step `time` of the weights, of which an epoch has `steps`: each `every`-th is one. */
static uint32_t updates_before(const nas__method_options *o, int64_t time, int steps)
{
    const int64_t done = time - o->start * steps;
    return done > 0 ? (uint32_t)(done / steps * (steps / o->every) + done % steps / o->every) : 0;
}

void nas__relaxation_step(const nas__relaxation *r, const nas_step *weights, int steps,
                          nas__phase phase, nas_step *step)
{
    const float temperature = (float)temperature_of(r->options, weights->epoch);
    float factor[4] = {0};
    r->adam->factors(&r->adam_options, updates_before(r->options, weights->time, steps),
                     r->options->lr, factor);
    *step = *weights;
    memcpy(step->spare, factor, sizeof factor);
    memcpy(&step->spare[4], &temperature, sizeof temperature);
    step->spare[5] = (uint32_t)phase;
}

nas_status nas__relaxation_accumulate(nas__relaxation *r, int part)
{
    const nas_tensor gradients = nas_net_gate_gradients(r->net), sums = r->sums;
    if (r->parts == 1)
        return NAS_OK;
    if (part == 0)
        NAS_TRY(nas_buffer_fill(sums.buffer, 4 * sums.at, 4 * sums.count, &(float){0}, 4));
    NAS_TRY(nas_tape_run(r->accumulate));
    return part < r->parts - 1 ? NAS_OK
                               : nas_buffer_copy(sums.buffer, 4 * sums.at, gradients.buffer,
                                                 4 * gradients.at, 4 * gradients.count);
}

/* Only what the gates let through runs from now on. */
static nas_status follow_gates(nas__relaxation *r)
{
    if (!nas__method_has_paths(r->options->method))
        return NAS_OK;
    NAS_TRY(nas_tensor_read(nas_net_gates(r->net), r->open));
    return nas_net_set_path(r->net, r->open);
}

nas_status nas__relaxation_sample(nas__relaxation *r, nas__phase phase)
{
    NAS_TRY(nas_tape_run(phase == NAS__PHASE_ALPHA && r->pairs ? r->pairs : r->sample));
    return follow_gates(r);
}

nas_status nas__relaxation_plain(nas__relaxation *r)
{
    NAS_TRY(nas_tape_run(r->plain));
    return follow_gates(r);
}

nas_status nas__relaxation_take(nas__relaxation *r, const int choices[NAS_GATE_ROWS])
{
    nas__path_gates(r->table, choices, r->open);
    NAS_TRY(nas_tensor_write(nas_net_gates(r->net), r->open));
    return nas__method_has_paths(r->options->method) ? nas_net_set_path(r->net, r->open) : NAS_OK;
}

nas_status nas__relaxation_backward(nas__relaxation *r)
{
    return nas_tape_run(r->backward);
}

nas_status nas__relaxation_update(nas__relaxation *r)
{
    NAS_TRY(nas__relaxation_backward(r));
    return nas_tape_run(r->update);
}

int nas__relaxation_used(const nas__relaxation *r)
{
    return r->table->choices + (r->options->method->edges ? r->table->count : 0);
}

/* softmax of count values in double. */
static void softmax(const float *values, int count, double *shares)
{
    double most = values[0], sum = 0;
    for (int k = 1; k < count; k++)
        most = values[k] > most ? values[k] : most;
    for (int k = 0; k < count; k++)
        sum += shares[k] = exp(values[k] - most);
    for (int k = 0; k < count; k++)
        shares[k] /= sum;
}

nas_status nas__relaxation_weights(const nas__relaxation *r, float *weights)
{
    double shares[NAS_CHOICES], edges[NAS_GATE_ROWS];
    float *alpha = malloc(r->alpha.count * sizeof *alpha);
    if (!alpha)
        NAS_FAIL(NAS_MEMORY, "no memory for %" PRIu64 " architecture weights", r->alpha.count);
    nas_status status = nas_tensor_read(r->alpha, alpha);
    for (int i = 0; status == NAS_OK && i < r->table->count; i++) {
        const nas_gate_row *row = &r->table->rows[i];
        double edge = 1;
        if (r->options->method->edges) {
            int from, to;
            find_group(r->table, i, &from, &to);
            softmax(alpha + r->table->choices + from, to - from, edges);
            edge = edges[i - from];
        }
        softmax(alpha + row->first, row->choices, shares);
        for (int k = 0; k < row->choices; k++)
            weights[row->first + k] = (float)(edge * shares[k]);
    }
    free(alpha);
    return status;
}
