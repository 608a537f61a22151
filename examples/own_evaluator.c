/* own_evaluator.c - a search with an evaluator of the program's own: `own_evaluator guess.study`.  Called again it goes on.
 *
 * This one guesses: parameters are worth something, computing costs something.  Yours may train elsewhere or measure
 * a board.  The workers are this very program, which registers the same before it works.  Next: clnas/eval.h. */
#include <clnas/clnas.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char text[] = "data = { type = \"synthetic\"; }; space = { type = \"chain\"; };"
                           "strategy = { type = \"evolution\"; population = 10; };"
                           "evaluate = { type = \"guess\"; }; budget = { trials = 40; };"
                           "objectives = ( { metric = \"worth\"; goal = \"max\"; } );";

/* The graph is that of the architecture; `state` would come from the function `prepare`. */
static nas_status score(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result)
{
    nas_cost cost;
    nas_graph_cost(graph, &cost);
    if (call->callback && !call->callback(call->user, 0.5)) /* a sign of life; false: stop */
        NAS_FAIL(NAS_STOPPED, "stopped");
    const double worth = log((double)cost.parameters) - 0.5 * log((double)cost.macs);
    return nas_trial_set_metric(result, "worth", worth, false);
}

static const char *const metrics[] = {"worth", NULL};
static const nas_evaluator guess = {
    .kind = {.name = "guess", .summary = "parameters, for little computing"},
    .metrics = metrics,
    .pure = true, /* the same architecture always gets the same */
    .score = score};

static void show(void *user, const nas_progress *now)
{
    if (now->event == NAS_EVENT_TRIAL && now->has_best)
        printf("trial %d of %d: best %.4f\n", (int)now->done, (int)now->total, now->best_value);
}

int main(int argc, char **argv)
{
    static nas_config config;
    static nas_search_report report;
    nas_search_options options = {.program = "/proc/self/exe", .go_on = true, .progress = show};
    options.study_path = argc > 1 ? argv[1] : "guess.study";
    nas_status status = nas_evaluator_register(&guess);
    if (status == NAS_OK && argc > 1 && strcmp(argv[1], "worker") == 0)
        return nas_session_worker(argc - 2, argv + 2);
    if (status == NAS_OK)
        status = nas_config_parse(text, "guess.cfg", NULL, NULL, 0, &config);
    if (status == NAS_OK)
        status = nas_session_search(&config, &options, &report);
    if (status == NAS_OK)
        printf("the best is trial %d: %.4f\n", (int)report.best_index, report.best_value);
    else
        fprintf(stderr, "own_evaluator: %s\n", nas_error_message());
    nas_config_clear(&config);
    return nas_status_exit_code(status);
}
