/* evaluator.c - the table of evaluators: the lines of evaluator_list.h, behind them what the program adds. */
#include "evaluator.h"

#include <stdlib.h>
#include <string.h>

enum {
#define NAS_EVALUATOR(name) EVALUATOR_##name,
#include "evaluator_list.h"
#undef NAS_EVALUATOR
    OURS
};

static const nas_evaluator *all[OURS + NAS_KINDS_MORE] = {
#define NAS_EVALUATOR(name) &nas__evaluator_##name,
#include "evaluator_list.h"
#undef NAS_EVALUATOR
};

static const nas_kind *kind_at(int index)
{
    return &all[index]->kind;
}

static nas_kinds kinds = {"evaluator", "evaluator", kind_at, OURS, OURS + NAS_KINDS_MORE};

const nas_evaluator *const *nas_evaluator_all(int *count)
{
    *count = kinds.count;
    return all;
}

const nas_evaluator *nas_evaluator_find(const char *name)
{
    const int at = nas_kinds_find(&kinds, name);
    return at < 0 ? NULL : all[at];
}

nas_status nas_evaluator_get(const char *name, const nas_evaluator **evaluator)
{
    int at = 0;
    NAS_TRY(nas_kinds_get(&kinds, name, &at));
    *evaluator = all[at];
    return NAS_OK;
}

static const char *what_is_missing(const nas_evaluator *evaluator)
{
    if (!evaluator->score)
        return "it needs the function score";
    if (!evaluator->metrics || !evaluator->metrics[0])
        return "it needs the names of the metrics that it sets";
    for (const char *const *name = evaluator->metrics; *name; name++)
        if (!**name || strlen(*name) >= NAS_NAME_SIZE)
            return "a metric's name is too long, or empty";
    if (evaluator->shared && !evaluator->keep)
        return "shared weights are kept: it needs the function keep";
    return NULL;
}

nas_status nas_evaluator_register(const nas_evaluator *evaluator)
{
    const char *missing = what_is_missing(evaluator);
    NAS_TRY(nas_kinds_check(&kinds, &evaluator->kind));
    if (missing)
        NAS_FAIL(NAS_CONFIG, "evaluator \"%s\" is not added: %s", evaluator->kind.name, missing);
    all[kinds.count++] = evaluator;
    return NAS_OK;
}

nas_status nas__check_fits(nas_device *device, const nas_graph *graph,
                           const nas_net_options *options)
{
    nas_net_memory memory;
    nas_status status = nas_net_measure(device, graph, options, &memory);
    if (status != NAS_DEVICE_MEMORY)
        return status;
    nas_error_add("does not fit the device: ");
    return NAS_BOUND;
}

nas_status nas_evaluator_of(const nas_value *group, const nas_evaluator **evaluator)
{
    const nas_value *type = nas_value_member(group, "type");
    if (type && type->type != NAS_VALUE_TEXT)
        NAS_FAIL(NAS_CONFIG, "evaluate.type must be a text");
    return nas_evaluator_get(type ? type->text : "trained", evaluator);
}

nas_status nas_evaluator_simulates(const nas_value *group, bool *simulates)
{
    static const char *const also[] = {"type", NULL};
    const nas_evaluator *evaluator;
    NAS_TRY(nas_evaluator_of(group, &evaluator));
    if (!evaluator->simulates) {
        *simulates = false;
        return NAS_OK;
    }
    void *options = calloc(1, evaluator->kind.instance_size + 1);
    if (!options)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    nas_status status = nas_options_fill(&evaluator->kind, group, also, options);
    if (status == NAS_OK)
        *simulates = evaluator->simulates(options);
    free(options);
    return status;
}
