/* bench_latency_steps.c - what each step of a walk takes alone, warm and cold.
 *
 * A network that has the step is made several times over, as its inference is (nas_inference_create), and the step of each is put on one tape
 * (nas_net_record_step).  `cold`: one after the other, so that each run finds other buffers, and all of them together are COLD_TIMES as large as
 * the device's last cache.  `warm`: the first network's as often.  A sample is a few runs of the tape, waited for once, over the number of steps in
 * them, the fastest of BURSTS; launches follow each other as closely as within a network.  Samples of all steps of a network take turns, all networks are gone through
 * SWEEPS times, so that a slow spell spoils no step, and each step has what its samples come to
 * (nas_inference_settle). */
#include "bench_latency.h"

#include <stdlib.h>

enum { COLD_TIMES = 2, LEAST = 4, MOST = 32, TAPE_STEPS = 8, BURSTS = 2, SWEEPS = 3 };
static const double burst_s = 0.001, memory_bytes = 1e9;

typedef struct stepping {
    nas_device *device;
    nas_inference *networks[MOST];
    int network_count;
    int batch, repeats, sweep;
} stepping;

typedef struct step_tape {
    latency_step *step;
    nas_tape *tape[2]; /* warm, cold */
    int length[2];     /* steps on it */
    double *samples[2];
} step_tape;

/* Networks that cold runs of a step go through. */
static int copies_of(const stepping *s, const nas_step_row *row)
{
    const double cache = (double)nas_device_describe(s->device)->cache_bytes;
    const double touched = (double)row->bytes * nas_batch_padded(s->batch);
    const double copies = COLD_TIMES * cache / touched + 1;
    return copies < LEAST ? LEAST : copies > MOST ? MOST : (int)copies;
}

static nas_status make_networks(stepping *s, const nas_graph *graph, int wanted)
{
    nas_net_memory memory = {0};
    for (s->network_count = 0; s->network_count < wanted; s->network_count++) {
        const double so_far = (double)memory.total_bytes * (s->network_count + 1);
        if (s->network_count >= 2 && so_far > memory_bytes)
            break;
        NAS_TRY(nas_inference_create(s->device, graph, s->batch, &s->networks[s->network_count]));
        nas_net_memory_of(nas_inference_net(s->networks[0]), &memory);
    }
    return NAS_OK;
}

static void destroy_networks(stepping *s)
{
    for (int i = 0; i < s->network_count; i++)
        nas_inference_destroy(s->networks[i]);
    s->network_count = 0;
}

static nas_status record(const stepping *s, step_tape *t, int cold)
{
    nas_net *first = nas_inference_net(s->networks[0]);
    int copies = cold ? copies_of(s, &t->step->row) : 1;
    copies = copies < s->network_count ? copies : s->network_count;
    NAS_TRY(nas_tape_create(s->device, t->step->row.step, &t->tape[cold]));
    NAS_TRY(nas_tape_part(t->tape[cold], nas_net_shard_count(first)));
    for (t->length[cold] = 0; t->length[cold] < TAPE_STEPS || t->length[cold] % copies;
         t->length[cold]++) {
        nas_net *net = nas_inference_net(s->networks[t->length[cold] % copies]);
        NAS_TRY(nas_net_record_step(net, t->step->at, t->tape[cold]));
    }
    t->samples[cold] = calloc((size_t)s->repeats, sizeof *t->samples[cold]);
    return t->samples[cold] ? NAS_OK : NAS_MEMORY;
}

/* Seconds of a step in one burst. */
static nas_status burst(const stepping *s, const step_tape *t, int cold, int *runs, double *seconds)
{
    for (;; *runs *= 2) {
        const double start = nas_now_s();
        for (int i = 0; i < *runs; i++)
            NAS_TRY(nas_tape_run(t->tape[cold]));
        NAS_TRY(nas_device_finish(s->device));
        const double spent = nas_now_s() - start;
        *seconds = spent / *runs / t->length[cold];
        if (spent > burst_s)
            return NAS_OK;
    }
}

static nas_status sample(const stepping *s, const step_tape *t, int cold, double *seconds)
{
    int runs = 1;
    double own;
    NAS_TRY(burst(s, t, cold, &runs, seconds));
    for (int i = 1; i < BURSTS; i++) {
        NAS_TRY(burst(s, t, cold, &runs, &own));
        *seconds = own < *seconds ? own : *seconds;
    }
    return NAS_OK;
}

static nas_status take_turns(const stepping *s, step_tape *tapes, int count)
{
    for (int i = 0; i < count; i++)
        for (int cold = 0; cold < 2; cold++)
            NAS_TRY(record(s, &tapes[i], cold));
    for (int turn = 0; turn < s->repeats; turn++)
        for (int i = 0; i < count; i++)
            for (int cold = 0; cold < 2; cold++)
                NAS_TRY(sample(s, &tapes[i], cold, &tapes[i].samples[cold][turn]));
    for (int i = 0; i < count; i++) {
        nas_step_row *row = &tapes[i].step->row;
        const double warm_s = nas_inference_settle(tapes[i].samples[0], s->repeats);
        const double cold_s = nas_inference_settle(tapes[i].samples[1], s->repeats);
        row->warm_s = s->sweep && row->warm_s < warm_s ? row->warm_s : warm_s;
        row->cold_s = s->sweep && row->cold_s < cold_s ? row->cold_s : cold_s;
    }
    return NAS_OK;
}

/* Steps begin … end − 1 of the walk, which one network has. */
static nas_status measure_network(stepping *s, const nas_graph *graph, latency_step *steps,
                                  int count)
{
    int wanted = 1;
    step_tape *tapes = calloc((size_t)count, sizeof *tapes);
    if (!tapes)
        NAS_FAIL(NAS_MEMORY, "no memory for the tapes of %d steps", count);
    for (int i = 0; i < count; i++) {
        const int own = copies_of(s, &steps[i].row);
        tapes[i].step = &steps[i];
        wanted = own > wanted ? own : wanted;
    }
    nas_status status = make_networks(s, graph, wanted);
    if (status == NAS_OK)
        status = take_turns(s, tapes, count);
    for (int i = 0; i < count; i++)
        for (int cold = 0; cold < 2; cold++) {
            nas_tape_destroy(tapes[i].tape[cold]);
            free(tapes[i].samples[cold]);
        }
    free(tapes);
    destroy_networks(s);
    return status;
}

static nas_status sweep(stepping *s, const latency_space *space, latency_walk *walk)
{
    for (int begin = 0, end; begin < walk->step_count; begin = end) {
        nas_graph graph = {0};
        const int network = walk->steps[begin].network;
        for (end = begin; end < walk->step_count && walk->steps[end].network == network;)
            end++;
        nas_status status = nas_domain_build(space->domain, &walk->networks[network], &graph);
        if (status == NAS_OK)
            status = measure_network(s, &graph, walk->steps + begin, end - begin);
        nas_graph_clear(&graph);
        NAS_TRY(status);
    }
    return NAS_OK;
}

nas_status latency_measure_steps(const latency_space *space, latency_walk *walk, nas_device *device,
                                 int batch, int repeats, nas_step_table *table)
{
    stepping s = {.device = device, .batch = batch, .repeats = (repeats + SWEEPS - 1) / SWEEPS};
    for (s.sweep = 0; s.sweep < SWEEPS; s.sweep++)
        NAS_TRY(sweep(&s, space, walk));
    for (int i = 0; i < walk->step_count; i++) {
        walk->steps[i].row.batch = batch;
        NAS_TRY(nas_step_table_add(table, &walk->steps[i].row));
    }
    return NAS_OK;
}
