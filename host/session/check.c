/* check.c - what a config will do, without doing it: size of the space, cost and memory of its networks.
 *
 * 256 random architectures (drawn without regard to the bounds, by the study's seed) say how much of the space the bounds leave
 * and how large its networks get; the largest one is planned, not built, on the first device. */
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 256 };

typedef struct checking {
    const nas_config *config;
    nas_device *lent;
    nas__wishes wishes;
    nas_data *data;
    nas_check_report *report;
    nas_domain *domain;
    nas_arch largest;
    bool has_largest;
    int within, drawn;
    nas_graph supernet; /* of a one-shot strategy; empty for others */
    nas_gate_table table;
} checking;

static bool within_bounds(const nas_objectives *objectives, const nas_cost *cost)
{
    char reason[256];
    nas_trial trial;
    nas_trial_init(&trial);
    bool set =
        nas_trial_set_metric(&trial, "parameters", (double)cost->parameters, false) == NAS_OK &&
        nas_trial_set_metric(&trial, "macs", (double)cost->macs, false) == NAS_OK &&
        nas_trial_set_metric(&trial, "activation_bytes", (double)cost->bytes, false) == NAS_OK;
    bool within = set && !nas_bound_reason(objectives, &trial, reason, sizeof reason);
    nas_trial_clear(&trial);
    return within;
}

static nas_status draw_samples(checking *c)
{
    nas_cost_bounds bounds = c->domain->bounds;
    nas_status status = NAS_OK;
    c->domain->bounds = (nas_cost_bounds){0};
    for (uint32_t i = 0; i < SAMPLES && status == NAS_OK; i++) {
        nas_random random = nas_random_make((uint64_t)c->config->seed, NAS_STREAM_TEST, i, 0, 0);
        nas_arch arch;
        nas_cost cost;
        if (!nas__goes_on(&c->wishes))
            status =
                nas_error_set(NAS_STOPPED, __FILE__, __LINE__, "%s", nas__wishes_who(&c->wishes));
        if (status == NAS_OK)
            status = nas_domain_sample(c->domain, &random, &arch);
        if (status == NAS_OK)
            status = nas_domain_cost(c->domain, &arch, &cost);
        if (status != NAS_OK)
            break;
        bool within = within_bounds(&c->config->objectives, &cost);
        c->drawn++;
        c->within += within;
        if (within && (!c->has_largest || cost.bytes > c->report->largest_cost.bytes)) {
            c->has_largest = true;
            c->largest = arch;
            c->report->largest_cost = cost;
        }
    }
    c->domain->bounds = bounds;
    c->report->within_bounds = c->drawn ? (double)c->within / c->drawn : 0;
    return status;
}

static nas_status look_at_space(checking *c, nas_arch *baseline, bool *has_baseline)
{
    nas_text words = {0};
    nas_check_report *report = c->report;
    report->genes = c->domain->count;
    if (!nas_domain_size(c->domain, &report->size, &report->size_exact))
        report->size = -1;
    *has_baseline = nas_domain_read(c->domain, "baseline", baseline) == NAS_OK;
    if (*has_baseline) {
        nas_domain_describe(c->domain, baseline, &words);
        snprintf(report->baseline, sizeof report->baseline, "%s", words.data ? words.data : "");
        nas_text_clear(&words);
        NAS_TRY(nas_domain_cost(c->domain, baseline, &report->baseline_cost));
    }
    return draw_samples(c);
}

static nas_status measure_graph(nas_device *device, const nas_net_options *options,
                                const nas_graph *graph, uint64_t *bytes)
{
    nas_net_memory memory = {0};
    nas_status status = nas_net_measure(device, graph, options, &memory);
    *bytes = memory.total_bytes;
    return status == NAS_DEVICE_MEMORY ? NAS_OK : status;
}

static nas_status measure(const checking *c, nas_device *device, const nas_train_config *train,
                          const nas_arch *arch, uint64_t *bytes)
{
    nas_graph graph = {0};
    const nas_net_options options = nas_train_net_options(train, c->data, device);
    nas_status status = nas_domain_build(c->domain, arch, &graph);
    if (status == NAS_OK)
        status = measure_graph(device, &options, &graph, bytes);
    nas_graph_clear(&graph);
    return status;
}

static nas_status look_at_supernet(checking *c)
{
    const nas_value *type = nas_value_member(&c->config->strategy, "type");
    const nas_strategy *strategy;
    nas_cost cost;
    NAS_TRY(nas_strategy_get(type ? type->text : "", &strategy));
    if (!strategy->evaluator)
        return NAS_OK;
    NAS_TRY(nas_supernet_graph(&c->config->strategy, c->domain, &c->supernet, &c->table));
    nas_graph_cost(&c->supernet, &cost);
    c->report->supernet_parameters = cost.parameters;
    c->report->supernet_decisions = c->table.count;
    return NAS_OK;
}

/* Memory on the first device that is there; without one the report says why. */
static nas_status look_at_device(checking *c, const nas_arch *baseline)
{
    nas_check_report *report = c->report;
    nas_train_config train;
    nas_device *device = NULL;
    nas_status status = NAS_NO_DEVICE;
    NAS_TRY(nas_train_config_fill(&c->config->train, &train));
    if (c->lent || c->config->device_count == 0)
        status = nas__device_borrow(c->lent, "any", &device);
    for (int i = 0; !c->lent && i < c->config->device_count && status != NAS_OK; i++) {
        status = nas_driver_use(c->config->devices[i].driver);
        if (status == NAS_OK)
            status = nas_device_open(c->config->devices[i].match, NULL, &device);
    }
    if (status != NAS_OK) {
        snprintf(report->device, sizeof report->device, "none: %.200s", nas_error_message());
        return NAS_OK;
    }
    const nas_device_info *info = nas_device_describe(device);
    snprintf(report->device, sizeof report->device, "%s %.200s", info->id, info->name);
    if (baseline)
        status = measure(c, device, &train, baseline, &report->baseline_bytes);
    if (status == NAS_OK && c->has_largest)
        status = measure(c, device, &train, &c->largest, &report->largest_bytes);
    nas_net_options options;
    if (status == NAS_OK && c->supernet.count)
        status = nas_supernet_options(&c->config->strategy, &train, c->data, device, &c->table,
                                      &options);
    if (status == NAS_OK && c->supernet.count)
        status = measure_graph(device, &options, &c->supernet, &report->supernet_bytes);
    nas__device_return(c->lent, device);
    return status;
}

static nas_status check_given(const checking *c)
{
    for (int i = 0; i < c->config->given.count; i++) {
        nas_arch arch;
        nas_status status = nas_domain_read(c->domain, c->config->given.item[i], &arch);
        if (status != NAS_OK)
            nas_error_add("strategy.given \"%s\": ", c->config->given.item[i]);
        NAS_TRY(status);
    }
    return NAS_OK;
}

nas_status nas_session_check(const nas_config *config, const nas_check_options *options,
                             nas_check_report *report)
{
    checking c = {
        .config = config, .report = report, .lent = options ? options->open_device : NULL};
    nas_domain *final_domain = NULL;
    nas_arch baseline;
    bool has_baseline = false;
    uint32_t counts[3] = {0};
    nas_status status = NAS_OK;
    *report = (nas_check_report){0};
    nas__wishes_begin(&c.wishes, options ? options->cancelled : NULL,
                      options ? options->user : NULL);
    NAS_TRY_DONE(nas__tables_check(NULL, config));
    NAS_TRY_DONE(nas__open_data(config, &c.data));
    nas_data_split(c.data, NAS_SPLIT_TRAIN, &counts[0]);
    nas_data_split(c.data, NAS_SPLIT_VALID, &counts[1]);
    nas_data_split(c.data, NAS_SPLIT_TEST, &counts[2]);
    report->train_samples = counts[0];
    report->valid_samples = counts[1];
    report->test_samples = counts[2];
    NAS_TRY_DONE(nas__open_domain(config, c.data, &c.domain));
    NAS_TRY_DONE(nas__open_final_domain(config, c.data, c.domain, &final_domain));
    NAS_TRY_DONE(check_given(&c));
    NAS_TRY_DONE(look_at_space(&c, &baseline, &has_baseline));
    NAS_TRY_DONE(look_at_supernet(&c));
    status = look_at_device(&c, has_baseline ? &baseline : NULL);
done:
    nas_graph_clear(&c.supernet);
    nas_domain_close(final_domain);
    nas_domain_close(c.domain);
    nas_data_destroy(c.data);
    return status;
}
