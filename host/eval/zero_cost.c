/* zero_cost.c - the evaluator that trains nothing: proxies of a network at its initialisation, in seconds or less.
 *
 *     evaluate = { type = "zero_cost"; measures = [ "naswot", "synflow" ]; };
 *     objectives = ( { metric = "naswot"; goal = "max"; } );
 *
 * A search by proxies alone, with `parameters` and `macs` beside them, which every comparison should have: on NAS-Bench-201
 * the number of parameters ranks about as well as the best of the proxies.  For proxies before training, see trained.c and the
 * strategies `warmup` and `filter`.  A network whose proxy is no number (its output does not depend on the input, say) is a
 * failed trial.
 *
 * Next: proxies.c, what they are. */
#include "proxies.h"

static const nas_option options[] = {NAS__PROXY_ROWS("", 0, "[\"naswot\"]"), {0}};

static nas_status prepare(const void *instance, const nas_eval_setting *setting, void **state)
{
    nas__proxies *proxies = NULL;
    const nas__proxy_options *o = instance;
    if (o->measures.count == 0)
        NAS_FAIL(NAS_CONFIG, "evaluate.measures is empty; a proxy or more, " NAS__PROXY_NAMES);
    nas_data_home *home = NULL; /* of one batch */
    NAS_TRY(nas_data_home_create(setting->device, setting->data, &home));
    nas_status status = nas__proxies_create(o, setting, home, &proxies);
    nas_data_home_destroy(home);
    *state = proxies;
    return status;
}

static nas_status score(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result)
{
    return nas__proxies_score(state, call, graph, result);
}

static void finish(void *state)
{
    nas__proxies_destroy(state);
}

static const char *const metrics[] = {"synflow", "snip",       "grad_norm", "plain",
                                      "grasp",   "fisher",     "jacob_cov", "naswot",
                                      "zen",     "parameters", "macs",      "activation_bytes",
                                      NULL};

const nas_evaluator nas__evaluator_zero_cost = {
    .kind = {.name = "zero_cost",
             .summary = "zero-cost proxies of the network at its initialisation; trains nothing",
             .paper = "arXiv 2101.08134",
             .instance_size = sizeof(nas__proxy_options),
             .options = options},
    .metrics = metrics,
    .pure = true,
    .needs_device = true,
    .prepare = prepare,
    .score = score,
    .finish = finish,
};
