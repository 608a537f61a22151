/* test_stops.c - when a search by architecture weights ends before its time, and with what: the strategy alone, fed with the results of epochs
 * that nobody trained. */
#include "nas_test.h"
#include "nas_test_open.h"

#include <clnas/search.h>

#include <string.h>

/* The strategy darts with some options, on its own. */
typedef struct lone {
    const nas_strategy *darts;
    nas_domain *domain;
    nas_setting setting;
    void *options, *state;
} lone;

static void open_lone(const char *options, lone *l)
{
    nas_value group = {0};
    l->darts = nas_strategy_find("darts");
    l->options = calloc(1, l->darts->kind.instance_size);
    l->domain = nas_test_domain("cell", "{ }", (nas_shape){1, 8, 8}, 4);
    nas_test_ok(nas_value_parse(options, "test", 1, &group));
    nas_test_ok(nas_options_fill(&l->darts->kind, &group, NULL, l->options));
    l->setting = (nas_setting){.options = l->options, .domain = l->domain};
    nas_test_ok(l->darts->begin(&l->setting, &l->state));
    nas_value_clear(&group);
}

static void close_lone(lone *l)
{
    l->darts->end(l->state);
    free(l->options);
    nas_domain_close(l->domain);
}

static nas_proposal proposal_of(lone *l)
{
    const nas_outlook outlook = {0};
    nas_proposal proposal = {.parent = -1, .from = -1};
    nas_test_ok(l->darts->propose(l->state, &outlook, &proposal));
    return proposal;
}

/* Epoch `epoch` is proposed, and comes back with `gene` as the first of what it derived, a number of skips and, unless it is negative, a
 * curvature. */
static void live_epoch(lone *l, int epoch, int gene, int skips, double curvature)
{
    char text[NAS_GENES + 1] = {0};
    nas_trial trial;
    const nas_proposal proposal = proposal_of(l);
    assert_true(proposal.budget == epoch);
    assert_int_equal(proposal.parent, epoch - 2);
    memset(text, '0', (size_t)l->domain->count);
    text[0] = (char)('0' + gene);
    nas_trial_init(&trial);
    trial.status = NAS_TRIAL_COMPLETE;
    nas_test_ok(nas_trial_set_derived(&trial, text));
    nas_test_ok(nas_trial_set_metric(&trial, "skips.normal", 0, false));
    nas_test_ok(nas_trial_set_metric(&trial, "skips.reduce", skips, false));
    if (curvature >= 0)
        nas_test_ok(nas_trial_set_metric(&trial, "curvature", curvature, false));
    const nas_seen seen = {.index = epoch - 1, .budget = epoch, .note = "", .result = &trial};
    nas_test_ok(l->darts->observe(l->state, &seen));
    nas_trial_clear(&trial);
}

/* The derived architecture is proposed, scored, and that is all. */
static void live_end(lone *l, int from, int gene)
{
    const nas_proposal proposal = proposal_of(l);
    assert_true(proposal.budget == 0);
    assert_int_equal(proposal.from, from);
    assert_int_equal(proposal.arch.genes[0], gene);
    const nas_seen last = {.index = from + 1, .note = proposal.note, .result = &(nas_trial){0}};
    nas_test_ok(l->darts->observe(l->state, &last));
    assert_int_equal(proposal_of(l).kind, NAS_PROPOSE_DONE);
}

/* stop.skips: the last epoch whose cells had no more, and not before stop.after epochs. */
static void test_stop_by_skips(void **state)
{
    static const int skips[] = {3, 2, 1, 3};
    lone l;
    (void)state;
    open_lone("{ epochs = 9; stop = { skips = 2; after = 1; }; }", &l);
    for (int epoch = 1; epoch <= 4; epoch++) {
        live_epoch(&l, epoch, epoch > 2, skips[epoch - 1], -1);
        assert_true(l.darts->wants_weights(l.state, epoch < 4 ? epoch - 1 : 2));
    }
    live_end(&l, 2, 1);
    close_lone(&l);
}

/* stop.curvature, measured every second epoch: windows of five, four measurements apart.  With 2 and 1.6 behind eight ones the mean is
 * 1.2 around the seventh and 1.32 around the eighth; four before that is the fourth, after eight epochs. */
static void test_stop_by_curvature(void **state)
{
    static const double measured[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 1.6};
    (void)state;
    for (int after = 8; after <= 9;
         after++) { /* 9: the fourth measurement is too early to go back to */
        char options[128];
        lone l;
        snprintf(options, sizeof options,
                 "{ epochs = 20; curvature = 2; stop = { curvature = 1.3; after = %d; }; }", after);
        open_lone(options, &l);
        for (int epoch = 1; epoch <= 20; epoch++)
            live_epoch(&l, epoch, epoch == 8, 0, epoch % 2 ? -1 : measured[epoch / 2 - 1]);
        live_end(&l, 19, after == 8);
        close_lone(&l);
    }
    lone early;
    open_lone("{ epochs = 40; curvature = 2; stop = { curvature = 1.3; after = 8; }; }", &early);
    for (int epoch = 1; epoch <= 20; epoch++)
        live_epoch(&early, epoch, epoch == 8, 0, epoch % 2 ? -1 : measured[epoch / 2 - 1]);
    live_end(&early, 19, 1); /* twenty epochs before its time */
    close_lone(&early);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_by_skips),
        cmocka_unit_test(test_stop_by_curvature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
