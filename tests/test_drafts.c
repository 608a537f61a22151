/* test_drafts.c - epochs of a supernet that are stopped at any moment and go on from what was saved.
 *
 * The callback of a score says "stop" at its first, second, third … call: in the middle of the weights' steps, at their end, between the
 * updates of a controller.  However often an epoch is stopped and taken up again, by evaluators that know nothing of one another, its
 * result is that of one that was left alone. */
#include "nas_test_device.h"

#include <clnas/clnas.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char draft[] = "epoch.draft";

typedef struct fixture {
    nas_config config;
    nas_data *data;
    nas_domain *domain;
    nas_train_config train;
} fixture;

static void open_fixture(const char *strategy, int micro_batches, fixture *f)
{
    char text[1024];
    memset(f, 0, sizeof *f);
    snprintf(
        text, sizeof text,
        "data = { type = \"synthetic\"; shape = [1, 8, 8]; classes = 4; train = 420; test = 16; "
        "valid = 34; augment = { flip = true; }; };\n"
        "space = { type = \"cell\"; cells = 2; channels = 4; nodes = 2; reductions = [1]; };\n"
        "strategy = { %s };\n"
        "train = { batch = 32; micro_batches = %d; optimizer = \"sgd\"; lr = 0.05; clip = 5.0; "
        "};\n",
        strategy, micro_batches);
    nas_test_ok(nas_config_parse(text, "test.cfg", NULL, NULL, 0, &f->config));
    nas_test_ok(nas_data_open_group(&f->config.data, 1, &f->data));
    nas_test_ok(nas_domain_open_group(&f->config.space, nas_data_shape(f->data),
                                      nas_data_outputs(f->data), &f->domain));
    nas_test_ok(nas_train_config_fill(&f->config.train, &f->train));
}

static void close_fixture(fixture *f)
{
    nas_domain_close(f->domain);
    nas_data_destroy(f->data);
    nas_config_clear(&f->config);
}

typedef struct stopper {
    int calls, stop; /* the stop-th call says so; 0: none does */
    double every_s;  /* from one saving to the next; 0: only where it stops */
} stopper;

static bool go_on(void *user, double progress)
{
    stopper *s = user;
    assert_true(progress >= 0 && progress <= 1);
    return ++s->calls != s->stop;
}

/* The first epoch, by an evaluator of its own. */
static nas_status score(const fixture *f, const char *path, stopper *s, nas_trial *result)
{
    const nas_eval_setting setting = {.group = &f->config.evaluate,
                                      .device = device,
                                      .data = f->data,
                                      .domain = f->domain,
                                      .train = &f->train,
                                      .strategy = &f->config.strategy,
                                      .seed = 1};
    const nas_arch none = {.count = (uint16_t)f->domain->count};
    const nas_eval_call call = {.arch = &none,
                                .budget = 1,
                                .draft = path,
                                .draft_s = s->every_s,
                                .callback = go_on,
                                .user = s};
    nas_eval *eval;
    nas_test_ok(nas_eval_create(&setting, &eval));
    nas_trial_init(result);
    nas_status status = nas_eval_score(eval, &call, result);
    nas_eval_destroy(eval);
    return status;
}

static void assert_equal(const nas_trial *wanted, const nas_trial *got)
{
    assert_string_equal(wanted->derived, got->derived);
    for (int i = 0; i < wanted->metric_count; i++) {
        const nas_metric *metric = &wanted->metrics[i];
        if (!metric->measured && nas_trial_metric(got, metric->name) != metric->value)
            fail_msg("%s: %.17g where %.17g was", metric->name, nas_trial_metric(got, metric->name),
                     metric->value);
    }
}

static void stopped_anywhere(const char *strategy, int micro_batches)
{
    fixture f;
    nas_trial whole, parts;
    stopper all = {0};
    int resumed = 0;
    open_fixture(strategy, micro_batches, &f);
    nas_test_ok(score(&f, NULL, &all, &whole));
    assert_true(all.calls >= 2);
    for (int stop = 1; stop <= all.calls; stop++) {
        stopper s = {.stop = stop};
        nas_status status = score(&f, draft, &s, &parts);
        while (status == NAS_STOPPED) { /* and again, as soon as there is something new */
            assert_int_equal(access(draft, F_OK), 0);
            nas_trial_clear(&parts);
            s = (stopper){.stop = resumed++ % 2 ? 0 : 2};
            status = score(&f, draft, &s, &parts);
            assert_true(status != NAS_OK || nas_trial_metric(&parts, "draft_resumed") == 1);
        }
        nas_test_ok(status);
        assert_equal(&whole, &parts);
        nas_trial_clear(&parts);
        unlink(draft);
    }
    stopper often = {.every_s = 1e-9}; /* saved at every chance, which nobody takes for a stop */
    nas_test_ok(score(&f, draft, &often, &parts));
    assert_equal(&whole, &parts);
    assert_int_equal(access(draft, F_OK), 0);
    nas_trial_clear(&parts);
    unlink(draft);
    print_message("%d moments, taken up %d times\n", all.calls, resumed);
    assert_true(resumed >= all.calls);
    nas_trial_clear(&whole);
    close_fixture(&f);
}

static void darts_goes_on(void **state)
{
    (void)state;
    stopped_anywhere(
        "type = \"darts\"; epochs = 1; order = 2; curvature = 1; alpha = { lr = 0.05; };", 1);
    stopped_anywhere("type = \"darts\"; epochs = 1; curvature = 1; alpha = { lr = 0.05; };", 2);
}

static void proxylessnas_goes_on(void **state)
{
    (void)state;
    stopped_anywhere("type = \"proxylessnas\"; epochs = 1; share = 0.6; alpha = { start = 0; every "
                     "= 2; lr = 0.1; };",
                     2);
}

static void enas_goes_on(void **state)
{
    (void)state;
    stopped_anywhere("type = \"enas\"; epochs = 1; candidates = 5; share = 0.6; "
                     "controller = { steps = 5; aggregate = 3; hidden = 8; lr = 0.05; };",
                     2);
}

/* A file that is none, or that of another search, costs the time that it would have saved. */
static void other_drafts_are_left_alone(void **state)
{
    static const char darts[] = "type = \"darts\"; epochs = 1;",
                      other[] = "type = \"snas\"; epochs = 1;";
    fixture f;
    nas_trial whole, anew;
    stopper stop = {.stop = 1}, all = {0};
    (void)state;
    open_fixture(other, 1, &f);
    assert_int_equal(score(&f, draft, &stop, &anew), NAS_STOPPED);
    nas_trial_clear(&anew);
    close_fixture(&f);
    open_fixture(darts, 1, &f);
    nas_test_ok(score(&f, NULL, &all, &whole));
    nas_test_ok(score(&f, draft, &all, &anew));
    assert_equal(&whole, &anew);
    assert_false(nas_trial_has_metric(&anew, "draft_resumed"));
    nas_trial_clear(&anew);
    nas_test_ok(nas_file_replace(draft, "none", 4));
    nas_test_ok(score(&f, draft, &all, &anew));
    assert_equal(&whole, &anew);
    nas_trial_clear(&anew);
    nas_trial_clear(&whole);
    close_fixture(&f);
    unlink(draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(darts_goes_on),
        cmocka_unit_test(proxylessnas_goes_on),
        cmocka_unit_test(enas_goes_on),
        cmocka_unit_test(other_drafts_are_left_alone),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
