/* test_pairs.c - every space with every family of strategies on a real data set: the parts that other tests try one by one, together.
 *
 * Small widths, a few hundred pictures of Fashion-MNIST, a few steps per candidate: nothing is learned that would be worth a
 * figure, but each network is proposed, built, trained and measured as in a search, and must come out complete, with an
 * accuracy and losses that are numbers.  One process and one device, so that what the spaces share is compiled once.
 *
 * Skipped where the data set is not installed (Debian: dataset-fashion-mnist) or no device is there. */
#include "nas_test.h"

#include <clnas/eval.h>
#include <clnas/search.h>

#include <math.h>
#include <unistd.h>

enum { TRIALS = 3 };
#define FASHION "/usr/share/datasets/fashion-mnist"

static const char *const spaces[][2] = {
    {"chain", "{ depth = [1, 2]; kernel = 3; width = [8, 16]; }"},
    {"chain_skip", "{ depth = [2, 3]; stem = 8; kernel = 3; width = [8, 16]; }"},
    {"template", "{ segments = 2; stem = 8; segment = { depth = 1; width = [8, 16]; kernel = 3; "
                 "expansion = 2; squeeze = 0; }; }"},
    {"cell", "{ nodes = 2; cells = 2; channels = 8; stem = \"strided\"; stem_channels = 8; "
             "op = [\"max_pool_3x3\", \"skip_connect\", \"sep_conv_3x3\"]; }"},
    {"cell201", "{ cells = 1; channels = 8; }"},
    {"cell101", "{ vertices = 4; edges = 5; stem = 8; stacks = 2; cells = 1; }"},
};
/* Options that leave the first, random phase within TRIALS. */
static const char *const strategies[][2] = {
    {"random", "{ }"},
    {"evolution", "{ population = 2; tournament = 2; }"},
    {"reinforce", "{ lr = 0.1; }"},
    {"qlearning", "{ models = 2; replay = 8; }"},
};
static const nas_objectives objectives = {1, {{"valid_accuracy", NAS_GOAL_MAX}}, 0, {{"", 0, 0}}};

static nas_device *device;
static nas_data *data;
static nas_train_config train;

static void parse(const char *text, nas_value *group)
{
    nas_test_ok(nas_value_parse(text, "test", 1, group));
}

static int open_all(void **state)
{
    nas_value group = {0};
    nas_data_config *config = calloc(1, sizeof *config);
    (void)state;
    if (!config)
        return 1;
    parse("{ epochs = 1; batch = 32; samples = 96; lr = 0.05; }", &group);
    nas_test_ok(nas_train_config_fill(&group, &train));
    nas_value_clear(&group);
    if (access(FASHION, R_OK) == 0 && nas_device_open("any", NULL, &device) == NAS_OK) {
        parse("{ type = \"idx\"; path = \"" FASHION "\"; train_limit = 600; valid = 100; "
              "test_limit = 10; }",
              &group);
        nas_test_ok(nas_data_config_fill(&group, config));
        nas_test_ok(nas_data_open(config, 1, &data));
        nas_value_clear(&group);
    }
    free(config);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    nas_data_destroy(data);
    nas_device_destroy(device);
    return 0;
}

static void check_result(const char *space, const char *strategy, const nas_job *job,
                         const nas_trial *result)
{
    double accuracy = nas_trial_metric(result, "valid_accuracy");
    if (result->status != NAS_TRIAL_COMPLETE)
        fail_msg("%s, %s, trial %d: %s", space, strategy, job->claim.index, result->reason);
    assert_true(accuracy >= 0 && accuracy <= 1);
    assert_true(isfinite(nas_trial_metric(result, "valid_loss")));
    assert_true(isfinite(nas_trial_metric(result, "train_loss")));
    assert_true(nas_trial_metric(result, "parameters") > 0);
}

/* TRIALS trials, each seeing all results before it. */
static void run_pair(const nas_domain *domain, nas_eval *eval, const char *const *strategy)
{
    nas_value group = {0};
    nas_study *study;
    nas_search *search;
    nas_owner self;
    nas_search_setting setting = {.group = &group,
                                  .domain = domain,
                                  .objectives = objectives,
                                  .seed = 1,
                                  .budget = 1,
                                  .lookahead = 1,
                                  .trials_max = TRIALS};
    parse(strategy[1], &group);
    nas_test_ok(nas_strategy_get(strategy[0], &setting.strategy));
    nas_test_ok(nas_owner_self(&self));
    nas_test_ok(nas_study_create(NULL, NULL, &study));
    nas_test_ok(nas_search_create(&setting, study, &search));
    for (int i = 0; i < TRIALS; i++) {
        nas_next next;
        nas_job job;
        nas_trial result;
        bool accepted;
        nas_test_ok(nas_search_next(search, &self, "", &next, &job));
        assert_int_equal(next, NAS_NEXT_TRIAL);
        const nas_eval_call call = {.arch = &job.arch, .budget = job.budget};
        nas_trial_init(&result);
        nas_test_ok(nas_eval_score(eval, &call, &result));
        check_result(domain->space->kind.name, strategy[0], &job, &result);
        nas_test_ok(nas_study_commit(study, &job.claim, &result, &accepted));
        assert_true(accepted);
        nas_trial_clear(&result);
    }
    nas_search_destroy(search);
    nas_study_close(study);
    nas_value_clear(&group);
}

static void run_space(const char *const *row)
{
    const nas_space *space;
    nas_value group = {0};
    nas_domain *domain;
    nas_eval *eval;
    if (!data)
        skip();
    parse(row[1], &group);
    nas_test_ok(nas_space_get(row[0], &space));
    nas_test_ok(nas_domain_open(space, &group, NULL, nas_data_shape(data), nas_data_outputs(data),
                                &domain));
    const nas_eval_setting setting = {.device = device,
                                      .data = data,
                                      .domain = domain,
                                      .train = &train,
                                      .objectives = &objectives,
                                      .seed = 1};
    nas_test_ok(nas_eval_create(&setting, &eval));
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        run_pair(domain, eval, strategies[i]);
    nas_eval_destroy(eval);
    nas_domain_close(domain);
    nas_value_clear(&group);
}

static void test_space(void **state)
{
    run_space(*state);
}

/* A space that is added to the list is added here. */
static void test_every_space_is_here(void **state)
{
    int count;
    nas_space_all(&count);
    (void)state;
    assert_int_equal(count, sizeof spaces / sizeof *spaces);
}

#define SPACE(row) cmocka_unit_test_prestate(test_space, (void *)(uintptr_t)spaces[row])

int main(void)
{
    const struct CMUnitTest tests[] = {SPACE(0),
                                       SPACE(1),
                                       SPACE(2),
                                       SPACE(3),
                                       SPACE(4),
                                       SPACE(5),
                                       cmocka_unit_test(test_every_space_is_here)};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
