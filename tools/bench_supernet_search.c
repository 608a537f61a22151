/* bench_supernet_search.c - steps of a one-shot strategy as a search runs them: the evaluator `supernet`, its batches, its draws, its α.
 *
 * One trial of `repeats` + 1 epochs of `steps` + 1 steps, on made-up data.  The evaluator tells of its progress whenever it has met the
 * device, always at an epoch's end, so steps are timed from the first meeting in an epoch to the last: neither the batches' order at its
 * beginning nor the validation at its end counts.  The first epoch builds and maps, and does not count either.
 *
 * `--profile` says where the time of these steps goes, by kernel, from a device that reports events; each launch then waits for its own, so
 * that the steps themselves are slower. */
#include "bench_supernet.h"

#include <clnas/clnas.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALID = 64 };

typedef struct search {
    const supernet_options *options;
    supernet_outcome *outcome;
    supernet_turn turn;
    nas_status status; /* of a turn */
    nas_config config;
    nas_data *data;
    nas_domain *domain;
    nas_device *device;
    nas_train_config train;
    nas_eval *eval;
    int first_step, epoch; /* of the epoch that runs: the first meeting */
    nas_profile_row *rows; /* of the last epoch's timed steps; NULL */
    int row_count, profiled;
    double first_s;
} search;

static int steps_of(const supernet_options *o)
{
    return o->steps + 1;
}

static nas_status read_config(search *s)
{
    const supernet_options *o = s->options;
    const int samples = o->batch * steps_of(o);
    char text[1024];
    snprintf(
        text, sizeof text,
        "data = { type = \"synthetic\"; shape = [3, %d, %d]; classes = 10; train = %d; valid = "
        "%d; test = 16; };\n"
        "space = { type = \"cell\"; cells = %d; channels = %d; inputs = \"distinct\"; };\n"
        "strategy = { type = \"%s\"; epochs = %d; };\n"
        "train = { batch = %d; samples = %d; optimizer = \"sgd\"; lr = 0.025; momentum = 0.9; "
        "weight_decay = 0.0003; schedule = \"constant\"; clip = 5.0; };\n",
        o->size, o->size, 2 * samples + VALID, VALID, o->cells, o->channels, o->method,
        o->repeats + 1, o->batch, samples);
    return nas_config_parse(text, "clnas-bench supernet", NULL, NULL, 0, &s->config);
}

static nas_status open_all(search *s)
{
    NAS_TRY(read_config(s));
    NAS_TRY(nas_data_open_group(&s->config.data, 1, &s->data));
    NAS_TRY(nas_domain_open_group(&s->config.space, nas_data_shape(s->data),
                                  nas_data_outputs(s->data), &s->domain));
    NAS_TRY(nas_train_config_fill(&s->config.train, &s->train));
    const nas_device_options device = {.profile = s->options->profile};
    NAS_TRY(nas_device_open(s->options->device, &device, &s->device));
    const nas_eval_setting setting = {.group = &s->config.evaluate,
                                      .device = s->device,
                                      .data = s->data,
                                      .domain = s->domain,
                                      .train = &s->train,
                                      .strategy = &s->config.strategy,
                                      .seed = 1};
    return nas_eval_create(&setting, &s->eval);
}

static void close_all(search *s)
{
    nas_eval_destroy(s->eval);
    nas_device_destroy(s->device);
    nas_domain_close(s->domain);
    nas_data_destroy(s->data);
    nas_config_clear(&s->config);
    free(s->rows);
}

static nas_status take_profile(search *s, int steps)
{
    free(s->rows);
    s->rows = NULL;
    s->profiled = steps;
    return nas_device_profile(s->device, &s->rows, &s->row_count);
}

/* A meeting.  The callback has no place for a failure of the turn: it stops the trial and keeps it. */
static bool meet(void *user, double progress)
{
    search *s = user;
    const int steps = steps_of(s->options), epochs = s->options->repeats + 1;
    const int done = (int)lround(progress * epochs * steps), epoch = (done - 1) / steps;
    if (epoch != s->epoch) {
        s->epoch = epoch;
        s->first_step = done;
        s->first_s = nas_now_s();
        if (s->options->profile)
            nas_device_profile_reset(s->device);
    }
    bench_times *times = &s->outcome->step;
    if (epoch == 0 || done != (epoch + 1) * steps || times->count == BENCH_REPEATS)
        return true;
    const int timed = done > s->first_step ? done - s->first_step : 1;
    times->step_ms[times->count++] = 1e3 * (nas_now_s() - s->first_s) / timed;
    s->status = s->options->profile ? take_profile(s, timed) : NAS_OK;
    if (s->status == NAS_OK)
        s->status = s->turn(s->options, s->outcome);
    return s->status == NAS_OK;
}

static nas_status run(search *s)
{
    nas_arch none = {.count = (uint16_t)s->domain->count};
    nas_trial result;
    const nas_eval_call call = {
        .arch = &none, .budget = s->options->repeats + 1, .callback = meet, .user = s};
    nas_trial_init(&result);
    nas_status status = nas_eval_score(s->eval, &call, &result);
    if (s->status != NAS_OK)
        status = s->status;
    else if (status == NAS_OK && result.status != NAS_TRIAL_COMPLETE)
        status = nas_error_set(NAS_NONFINITE, __FILE__, __LINE__, "the training failed: %s",
                               result.reason);
    s->outcome->parameters = nas_trial_metric(&result, "supernet_parameters");
    s->outcome->planned_bytes = nas_trial_metric(&result, "memory");
    s->outcome->loss = nas_trial_metric(&result, "train_loss");
    nas_trial_clear(&result);
    return status;
}

nas_status bench_supernet_search(const supernet_options *options, supernet_turn turn,
                                 supernet_outcome *outcome)
{
    search *s = calloc(1, sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    *s = (search){.options = options, .outcome = outcome, .turn = turn, .epoch = -1};
    nas_status status = open_all(s);
    if (status == NAS_OK)
        status = run(s);
    if (status == NAS_OK && options->profile) {
        printf("\nsteps of %s by kernel, %d of them\n", options->method, s->profiled);
        bench_supernet_kernels(s->rows, s->row_count, s->profiled, NULL);
    }
    close_all(s);
    free(s);
    return status;
}
