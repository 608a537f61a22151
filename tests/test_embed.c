/* test_embed.c - a program that links clnas registers a space, an evaluator and a strategy of its own, and searches with them.
 *
 * Built like a user's program: public headers and the shared library, nothing else.  The space has three genes per rung of a small
 * ladder of convolutions; the evaluator is a formula, so the test knows what each trial must have come to; the strategy climbs from
 * the best.  Searches in this process, with worker processes (the program itself, called as `program worker …`), killed, cancelled
 * and resumed must leave one and the same list of trials.  Last, `clnas`, which knows none of the three, reads such a study. */
#include "nas_test.h"
#include "nas_test_study.h"

#include <clnas/clnas.h>

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- a space of our own ----------------------------------------------------------------------------- */

typedef struct ladder {
    int64_t rungs, width;
} ladder;

static const nas_option ladder_options[] = {
    {"rungs", NAS_OPTION_INT, offsetof(ladder, rungs), "3", 1, 8, NULL, "rungs of the ladder"},
    {"width", NAS_OPTION_INT, offsetof(ladder, width), "4", 1, 64, NULL, "channels of the first"},
    {0},
};

typedef struct ladder_state {
    const ladder *options;
    nas_shape input;
    int classes;
} ladder_state;

static nas_status ladder_begin(const void *options, nas_shape input, int classes, void **state)
{
    ladder_state *made = malloc(sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    *made = (ladder_state){options, input, classes};
    *state = made;
    return NAS_OK;
}

static int ladder_genes(const void *state, nas_gene *genes)
{
    const ladder_state *s = state;
    for (int i = 0; i < s->options->rungs; i++) {
        genes[3 * i] = (nas_gene){"op", 3, false, i};
        genes[3 * i + 1] = (nas_gene){"width", 4, true, i};
        genes[3 * i + 2] = (nas_gene){"kernel", 2, true, i};
    }
    return 3 * (int)s->options->rungs;
}

/* Op 2 is none: then width and kernel say nothing. */
static void ladder_canonical(const void *state, nas_arch *arch)
{
    (void)state;
    for (int i = 0; i + 2 < arch->count; i += 3)
        if (arch->genes[i] == 2)
            arch->genes[i + 1] = arch->genes[i + 2] = 0;
}

static nas_status ladder_build(const void *state, const nas_arch *arch, nas_graph *graph)
{
    const ladder_state *s = state;
    int at = 0;
    NAS_TRY(nas_graph_init(graph, s->input));
    for (int i = 0; i + 2 < arch->count; i += 3) {
        if (arch->genes[i] == 2)
            continue;
        NAS_TRY(nas_graph_then(graph, "conv2d", &at, "out = %d; kernel = %d",
                               (int)s->options->width * (1 + arch->genes[i + 1]),
                               arch->genes[i + 2] ? 3 : 1));
        NAS_TRY(nas_graph_then(graph, "activation", &at, "kind = \"%s\"",
                               arch->genes[i] ? "silu" : "relu"));
    }
    NAS_TRY(nas_graph_then(graph, "pool", &at, "kind = \"global_average\""));
    return nas_graph_then(graph, "dense", &at, "out = %d", s->classes);
}

static const nas_space ladder_space = {
    .kind = {"ladder", "rungs of one convolution each", NULL, sizeof(ladder), ladder_options},
    .begin = ladder_begin,
    .end = free,
    .genes = ladder_genes,
    .canonical = ladder_canonical,
    .build = ladder_build,
};

/* ---- an evaluator of our own -------------------------------------------------------------------------- */

/* One best architecture, the more rungs agree with it the better, and a little roughness from the genes before. */
static double formula(const nas_arch *arch)
{
    double sum = 0;
    for (int i = 0; i + 2 < arch->count; i += 3) {
        const int op = arch->genes[i], width = arch->genes[i + 1], kernel = arch->genes[i + 2];
        sum += op == 1 ? 1 : 0.25 * op;
        sum += op == 2 ? 0 : 0.5 * width - 0.125 * width * width + 0.25 * kernel;
        sum -= i > 0 && arch->genes[i - 3] == op ? 0.125 : 0;
    }
    return sum;
}

typedef struct made_up {
    int64_t steps;
    double step_ms;
} made_up;

static const nas_option made_up_options[] = {
    {"steps", NAS_OPTION_INT, offsetof(made_up, steps), "4", 1, 1000, NULL, "steps of a trial"},
    {"step_ms", NAS_OPTION_REAL, offsetof(made_up, step_ms), "1.0", 0, 1000, NULL,
     "milliseconds of a step"},
    {0},
};

static nas_status made_up_prepare(const void *options, const nas_eval_setting *setting,
                                  void **state)
{
    made_up *made = malloc(sizeof *made);
    (void)setting;
    if (!made)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    *made = *(const made_up *)options;
    *state = made;
    return NAS_OK;
}

static nas_status made_up_score(void *state, const nas_eval_call *call, const nas_graph *graph,
                                nas_trial *result)
{
    const made_up *m = state;
    const long ns = (long)(m->step_ms * 1e6);
    (void)graph;
    for (int64_t i = 0; i < m->steps; i++) {
        if (call->callback && !call->callback(call->user, (double)i / (double)m->steps))
            NAS_FAIL(NAS_STOPPED, "stopped at step %lld", (long long)i);
        nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
    }
    return nas_trial_set_metric(result, "made_score", formula(call->arch), false);
}

static const char *const made_up_metrics[] = {"made_score", NULL};
static const nas_evaluator made_up_evaluator = {
    .kind = {"made_up", "a formula", NULL, sizeof(made_up), made_up_options},
    .metrics = made_up_metrics,
    .pure = true,
    .prepare = made_up_prepare,
    .score = made_up_score,
};

/* ---- a strategy of our own ------------------------------------------------------------------------------ */

typedef struct climb {
    const nas_setting *setting;
    nas_arch best;
    double score;
    bool any;
} climb;

static nas_status climb_begin(const nas_setting *setting, void **state)
{
    climb *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    made->setting = setting;
    *state = made;
    return NAS_OK;
}

static nas_status climb_observe(void *state, const nas_seen *trial)
{
    climb *c = state;
    if (!c->any || trial->score[0] > c->score) {
        c->any = true;
        c->best = trial->arch;
        c->score = trial->score[0];
    }
    return NAS_OK;
}

static nas_status climb_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    const climb *c = state;
    nas_random random =
        nas_random_make(c->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    if (!c->any)
        return nas_domain_sample(c->setting->domain, &random, &proposal->arch);
    return nas_domain_mutate(c->setting->domain, &c->best, NAS_MUTATE_ONE, 0, &random,
                             &proposal->arch);
}

static const nas_strategy climb_strategy = {
    .kind = {"climb", "a step from the best", NULL, 0, NULL},
    .objectives_max = 1,
    .begin = climb_begin,
    .observe = climb_observe,
    .propose = climb_propose,
};

static bool register_all(void)
{
    return nas_space_register(&ladder_space) == NAS_OK &&
           nas_evaluator_register(&made_up_evaluator) == NAS_OK &&
           nas_strategy_register(&climb_strategy) == NAS_OK;
}

/* ---- searches ------------------------------------------------------------------------------------------- */

enum { TRIALS = 24 };

static const char config_text[] =
    "seed = 5;\n"
    "data = { type = \"synthetic\"; shape = [1, 8, 8]; classes = 3; train = 96; test = 32; valid = "
    "32; };\n"
    "space = { type = \"ladder\"; rungs = 4; };\n"
    "strategy = { type = \"evolution\"; population = 8; tournament = 3; };\n"
    "evaluate = { type = \"made_up\"; };\n"
    "objectives = ( { metric = \"made_score\"; goal = \"max\"; } );\n"
    "train = { epochs = 1; batch = 32; };\n"
    "budget = { trials = 24; lookahead = 3; lease_s = 10.0; };\n"
    "retrain = { top = 0; };\n";

static nas_status search(const nas_search_options *options, const char *const *overrides, int count,
                         nas_search_report *report)
{
    nas_config *config = calloc(1, sizeof *config);
    nas_status status =
        config ? nas_config_parse(config_text, "embed.cfg", NULL, overrides, count, config)
               : NAS_MEMORY;
    if (status == NAS_OK)
        status = nas_session_search(config, options, report);
    if (config)
        nas_config_clear(config);
    free(config);
    return status;
}

static char *reference; /* of config_text, searched in this process without a disturbance */

static void assert_same(const char *path)
{
    char *trials = nas_test_canonical(path);
    assert_string_equal(trials, reference);
    free(trials);
}

static int count_trials(const char *path)
{
    nas_study *study;
    int count = 0;
    if (nas_study_open(path, NAS_STORE_READ, &study) != NAS_OK)
        return 0;
    if (nas_study_sync(study) == NAS_OK)
        for (int i = 0; i < nas_study_count(study); i++)
            count += nas_trial_final(nas_study_trial(study, i));
    nas_study_close(study);
    return count;
}

/* What every trial came to is the formula of its genes; and the best is the best of a list that is all of the space. */
static void assert_formula(const char *path)
{
    nas_study *study;
    double best = -INFINITY;
    nas_test_ok(nas_study_open(path, NAS_STORE_READ, &study));
    nas_test_ok(nas_study_sync(study));
    assert_int_equal(nas_study_count(study), TRIALS);
    for (int i = 0; i < TRIALS; i++) {
        const nas_trial *trial = nas_study_result(study, i);
        nas_arch arch;
        assert_non_null(trial);
        nas_test_ok(nas_arch_parse(trial->arch, &arch));
        assert_int_equal(arch.count, 12);
        assert_true(nas_trial_metric(trial, "made_score") == formula(&arch));
        assert_true(nas_trial_metric(trial, "parameters") > 0);
        best = fmax(best, formula(&arch));
    }
    int index = -1;
    const nas_objective objective = {"made_score", NAS_GOAL_MAX};
    assert_int_equal(nas_study_best(study, &objective, 1, &index), 1);
    assert_true(nas_trial_metric(nas_study_trial(study, index), "made_score") == best);
    nas_study_close(study);
}

static void test_in_process(void **state)
{
    nas_search_report report;
    const nas_search_options options = {.study_path = "here.study"};
    (void)state;
    nas_test_ok(search(&options, NULL, 0, &report));
    assert_int_equal(report.trials, TRIALS);
    assert_string_equal(report.best_metric, "made_score");
    reference = nas_test_canonical("here.study");
    assert_formula("here.study");
}

static void test_with_workers(void **state)
{
    nas_search_report report;
    const nas_search_options options = {
        .study_path = "workers.study", .program = "/proc/self/exe", .workers = 2};
    (void)state;
    nas_test_ok(search(&options, NULL, 0, &report));
    assert_same("workers.study");
}

/* A program that does not want to hear of its children: the system forgets them as soon as they end. */
static void test_children_are_not_waited_for(void **state)
{
    static const char *const few[] = {"budget.trials=4"};
    nas_search_report report;
    const nas_search_options options = {
        .study_path = "forgotten.study", .program = "/proc/self/exe", .workers = 2};
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    const nas_status status = search(&options, few, 1, &report);
    signal(SIGCHLD, SIG_DFL);
    nas_test_ok(status);
    assert_int_equal(report.trials, 4);
}

/* ---- killed ---------------------------------------------------------------------------------------------- */

/* The program again, which searches and knows nothing of this test. */
static pid_t start_search(const char *path, const char *how)
{
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_embed", "search", path, how, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static void kill_and_resume(const char *path, const char *how, const char *program)
{
    nas_search_report report;
    const nas_search_options options = {.study_path = path, .program = program};
    const pid_t pid = start_search(path, how);
    int status = 0, waited = 0;
    while (count_trials(path) < 5 && waited++ < 6000 && waitpid(pid, &status, WNOHANG) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    const int before = count_trials(path);
    assert_in_range(before, 5, TRIALS - 1);
    nas_test_ok(nas_session_resume(path, NULL, 0, &options, &report));
    assert_same(path);
}

static void test_killed_and_resumed(void **state)
{
    (void)state;
    kill_and_resume("killed-here.study", "here", "/proc/self/exe");
    kill_and_resume("killed-workers.study", "workers", NULL);
}

/* `test_embed search PATH here|workers`: slower trials, of the same result. */
static int run_search(char **argv)
{
    static const char *const slow[] = {"evaluate.step_ms=10.0"};
    nas_search_report report;
    const nas_search_options options = {
        .study_path = argv[2], .program = strcmp(argv[3], "here") == 0 ? NULL : "/proc/self/exe"};
    return nas_status_exit_code(search(&options, slow, 1, &report));
}

/* ---- cancelled --------------------------------------------------------------------------------------------- */

typedef struct canceller {
    int after; /* trials */
    int64_t done;
    bool said; /* it has cancelled; nobody may ask again */
    int asked_again, ticks;
} canceller;

static void see(void *user, const nas_progress *progress)
{
    canceller *c = user;
    c->done = progress->done;
    c->ticks += progress->event == NAS_EVENT_TICK;
}

static bool cancelled(void *user)
{
    canceller *c = user;
    c->asked_again += c->said;
    return c->said = c->done >= c->after;
}

static void cancel_and_resume(const char *path, const char *program, int after)
{
    static const char *const slow[] = {"evaluate.step_ms=10.0"};
    nas_search_report report;
    canceller c = {.after = after};
    nas_search_options options = {.study_path = path,
                                  .program = program,
                                  .progress = see,
                                  .cancelled = cancelled,
                                  .user = &c};
    nas_test_fails(search(&options, slow, 1, &report), NAS_STOPPED, "cancelled");
    assert_string_equal(report.ended_by, "cancelled");
    assert_int_equal(report.signal, 0);
    assert_true(c.said && c.asked_again == 0);
    assert_in_range(count_trials(path), after, TRIALS - 1);
    nas_study *study; /* what was given back has cost no attempt */
    nas_test_ok(nas_study_open(path, NAS_STORE_READ, &study));
    nas_test_ok(nas_study_sync(study));
    for (int i = 0; i < nas_study_count(study); i++)
        assert_true(nas_study_trial(study, i)->attempts <= 1);
    nas_study_close(study);
    c = (canceller){.after = TRIALS + 1};
    nas_test_ok(nas_session_resume(path, NULL, 0, &options, &report));
    assert_same(path);
}

static void test_cancelled_and_resumed(void **state)
{
    (void)state;
    cancel_and_resume("cancelled-here.study", NULL, 3);
    cancel_and_resume("cancelled-workers.study", "/proc/self/exe", 3);
}

/* ---- the rest of it ------------------------------------------------------------------------------------------ */

/* An own strategy, whose list does not depend on who works either; it gets at least as high as as many random draws. */
static void test_own_strategy(void **state)
{
    static const char *const climbing[] = {"strategy={ type = \"climb\"; }"};
    static const char *const drawing[] = {"strategy={ type = \"random\"; }"};
    nas_search_report climbed, drawn;
    (void)state;
    nas_test_ok(search(&(nas_search_options){.study_path = "climb.study"}, climbing, 1, &climbed));
    nas_test_ok(search(&(nas_search_options){.study_path = "climb-workers.study",
                                             .program = "/proc/self/exe",
                                             .workers = 2},
                       climbing, 1, &drawn));
    char *here = nas_test_canonical("climb.study"),
         *there = nas_test_canonical("climb-workers.study");
    assert_string_equal(here, there);
    free(here);
    free(there);
    nas_test_ok(search(&(nas_search_options){.study_path = "drawn.study"}, drawing, 1, &drawn));
    assert_true(climbed.best_value >= drawn.best_value);
}

/* Networks of the own space are trained like any others, also by a worker at the end of a search. */
static void test_trained(void **state)
{
    static const char *const trained[] = {
        "evaluate={ type = \"trained\"; }",
        "objectives=( { metric = \"valid_accuracy\"; goal = \"max\"; } )", "budget.trials=3",
        "retrain={ top = 1; epochs = 1; }"};
    nas_search_report report;
    const nas_search_options options = {.study_path = "trained.study", .program = "/proc/self/exe"};
    (void)state;
    nas_test_ok(search(&options, trained, 4, &report));
    assert_int_equal(report.trials, 3);
    assert_int_equal(report.result_count, 1);
    assert_true(report.results[0].test_score >= 0 && report.results[0].test_score <= 1);
}

/* ---- another program ------------------------------------------------------------------------------------------ */

static int run_clnas(const char *arguments, char *output, size_t size)
{
    char command[1024];
    snprintf(command, sizeof command, "'%s' %s 2>&1", getenv("NAS_PROGRAM"), arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t length = fread(output, 1, size - 1, pipe);
    output[length] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void test_read_by_another_program(void **state)
{
    static char said[65536];
    static const char *const refused[] = {"resume here.study", "ask here.study"};
    static const char whose[] =
        "the search space \"ladder\" is registered by the program that made";
    (void)state;
    if (!getenv("NAS_PROGRAM") || !reference)
        skip();
    assert_int_equal(run_clnas("status here.study", said, sizeof said), 0);
    assert_non_null(strstr(said, "ladder"));
    assert_int_equal(run_clnas("trials here.study --canonical", said, sizeof said), 0);
    assert_string_equal(said, reference);
    assert_int_equal(run_clnas("trials here.study --format csv", said, sizeof said), 0);
    assert_non_null(strstr(said, "made_score"));
    assert_int_equal(run_clnas("show here.study:0", said, sizeof said), 0); /* but its network */
    assert_non_null(strstr(said, "made_score"));
    assert_non_null(strstr(said, whose));
    assert_int_equal(run_clnas("trials climb.study", said, sizeof said), 0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(run_clnas(refused[i], said, sizeof said), 2);
        if (!strstr(said, whose))
            fail_msg("clnas %s: %s", refused[i], said);
    }
    assert_same("here.study");
}

int main(int argc, char **argv)
{
    if (!register_all())
        return 3;
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return nas_session_worker(argc - 2, argv + 2);
    if (argc > 3 && strcmp(argv[1], "search") == 0)
        return run_search(argv);
    if (system("rm -rf ./*.study*") != 0)
        return 3;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_process),
        cmocka_unit_test(test_with_workers),
        cmocka_unit_test(test_children_are_not_waited_for),
        cmocka_unit_test(test_killed_and_resumed),
        cmocka_unit_test(test_cancelled_and_resumed),
        cmocka_unit_test(test_own_strategy),
        cmocka_unit_test(test_trained),
        cmocka_unit_test(test_read_by_another_program),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(reference);
    return failed;
}
