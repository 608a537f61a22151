/* oneshot_net.h - a small supernet with its architecture weights, and in double what both of their tests work out. */
#ifndef ONESHOT_NET_H
#define ONESHOT_NET_H

#include "nas_test_device.h"
#include "nas_test_tensor.h"

#include "eval/relaxation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 7, KEY = 99, BATCH = 5 };

typedef struct fixture {
    nas__method_options options;
    nas_domain *domain;
    nas_graph graph;
    nas_gate_table table;
    nas_net *net;
    nas__relaxation *relaxation;
} fixture;

static inline const nas__method *method_of(const char *name)
{
    for (int i = 0; i < nas__method_count; i++)
        if (strcmp(nas__methods[i].name, name) == 0)
            return &nas__methods[i];
    fail_msg("no method %s", name);
    return NULL;
}

static inline void open_supernet_in(int parts, const char *space, const char *method, fixture *f)
{
    nas_value group = {0};
    const nas_space *cell;
    *f = (fixture){.options = {.method = method_of(method),
                               .epochs = 5,
                               .partial = strcmp(method, "pcdarts") == 0 ? 2 : 1,
                               .order = 1,
                               .every = 1,
                               .lr = 0.02,
                               .beta1 = 0.5,
                               .beta2 = 0.999,
                               .weight_decay = 0.03,
                               .scale = 1,
                               .warm = 3,
                               .cold = 0.5}};
    const nas_supergraph_options super = {.partial = (int)f->options.partial};
    const nas_net_options net = {.batch = BATCH,
                                 .training = true,
                                 .loss = NAS_CROSS_ENTROPY,
                                 .paths = nas__method_has_paths(f->options.method)};
    nas_test_ok(nas_value_parse(space, "test", 1, &group));
    nas_test_ok(nas_space_get("cell", &cell));
    nas_test_ok(nas_domain_open(cell, &group, NULL, (nas_shape){2, 6, 6}, 3, &f->domain));
    nas_test_ok(nas_domain_supergraph(f->domain, &super, &f->graph, &f->table));
    nas_test_ok(nas_net_create(device, &f->graph, &net, &f->net));
    nas_test_ok(nas_net_initialise(f->net, SEED, 1));
    nas_test_ok(
        nas__relaxation_create(&f->options, &f->table, f->net, parts, SEED, KEY, &f->relaxation));
    nas_value_clear(&group);
}

static inline void open_supernet(const char *space, const char *method, fixture *f)
{
    open_supernet_in(1, space, method, f);
}

static inline void close_supernet(fixture *f)
{
    nas__relaxation_destroy(f->relaxation);
    nas_net_destroy(f->net);
    nas_graph_clear(&f->graph);
    nas_domain_close(f->domain);
}

/* Gumbel noise of the step: word 0 draws, word 1 decides between two. */
static inline void plain_words(const fixture *f, const nas_step *step, int word, double *noise)
{
    const uint64_t key = KEY;
    uint32_t philox_key[2], words[4];
    nas_random_key(nas_hash(&key, sizeof key, SEED), NAS_STREAM_GATES, philox_key);
    for (int i = 0; i < f->table.choices; i++) {
        const uint32_t counter[4] = {(uint32_t)i, step->epoch, step->step, step->spare[5]};
        nas_philox(counter, philox_key, words);
        noise[i] = -log(-log(((words[word] >> 9) + 0.5) / 8388608.0));
    }
}

static inline void plain_noise(const fixture *f, const nas_step *step, bool noisy, double *noise)
{
    if (noisy)
        plain_words(f, step, 0, noise);
    else
        memset(noise, 0, (size_t)f->table.choices * sizeof *noise);
}

static inline void check_close(double is, double wanted, double tolerance, const char *what, int i)
{
    if (!(fabs(is - wanted) <= tolerance * (fabs(wanted) + 0.1)))
        fail_msg("%s %d: %.9g instead of %.9g", what, i, is, wanted);
}

/* Adam in double (arXiv 1412.6980), decay added to the gradient. */
static inline double plain_adam(const nas__method_options *o, double alpha, double gradient,
                                double moments[2], int time)
{
    const double g = gradient + o->weight_decay * alpha;
    moments[0] = o->beta1 * moments[0] + (1 - o->beta1) * g;
    moments[1] = o->beta2 * moments[1] + (1 - o->beta2) * g * g;
    return alpha - o->lr * (moments[0] / (1 - pow(o->beta1, time + 1))) /
                       (sqrt(moments[1] / (1 - pow(o->beta2, time + 1))) + 1e-8);
}

/* ---- gates, in plain C ---------------------------------------------------------------------------------------------------- */

typedef struct plain {
    const fixture *f;
    const double *noise; /* [choices] */
    double temperature;
} plain;

/* First row of the group of row r, and the one behind its last. */
static inline void group_of(const nas_gate_table *table, int r, int *from, int *to)
{
    *from = table->count;
    *to = 0;
    for (int i = 0; i < table->count; i++)
        if (table->rows[i].group == table->rows[r].group) {
            *from = i < *from ? i : *from;
            *to = i + 1;
        }
}

/* [gates]; `soft`: without making winners of them. */
static inline void plain_gates(const plain *p, const double *alpha, bool soft, double *gates)
{
    const nas_gate_table *table = &p->f->table;
    const nas__method *method = p->f->options.method;
    for (int r = 0; r < table->count; r++) {
        const nas_gate_row *row = &table->rows[r];
        double sum = 0, edges = 0, edge = 1;
        int best = 0, from, to;
        group_of(table, r, &from, &to);
        for (int s = from; s < to; s++)
            edges += method->edges ? exp(alpha[table->choices + s]) : 0;
        if (method->edges)
            edge = exp(alpha[table->choices + r]) / edges;
        for (int k = 0; k < row->choices; k++) {
            const int i = row->first + k;
            gates[i] = exp((alpha[i] + p->noise[i]) / p->temperature);
            sum += gates[i];
            best = gates[i] > gates[row->first + best] ? k : best;
        }
        for (int k = 0; k < row->choices; k++)
            gates[row->first + k] =
                edge * (method->hard && !soft ? k == best : gates[row->first + k] / sum);
        if (row->around >= 0)
            gates[row->around] = edge;
    }
}

#endif
