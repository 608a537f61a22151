/* strategy.c - the registry: the lines of strategy_list.h as a table, behind them what the program adds; found by name.
 *
 * A line NAS_STRATEGY(random) stands for `const nas_strategy nas__strategy_random`, which
 * host/search/random.c defines. */
#include "search.h"

#include <stdlib.h>
#include <string.h>

enum {
#define NAS_STRATEGY(name) STRATEGY_##name,
#include "strategy_list.h"
#undef NAS_STRATEGY
    OURS
};

static const nas_strategy *all[OURS + NAS_KINDS_MORE] = {
#define NAS_STRATEGY(name) &nas__strategy_##name,
#include "strategy_list.h"
#undef NAS_STRATEGY
};

static const nas_kind *kind_at(int index)
{
    return &all[index]->kind;
}

static nas_kinds kinds = {"strategy", "strategy", kind_at, OURS, OURS + NAS_KINDS_MORE};

const nas_strategy *const *nas_strategy_all(int *count)
{
    *count = kinds.count;
    return all;
}

const nas_strategy *nas_strategy_find(const char *name)
{
    const int at = nas_kinds_find(&kinds, name);
    return at < 0 ? NULL : all[at];
}

nas_status nas_strategy_get(const char *name, const nas_strategy **strategy)
{
    int at = 0;
    NAS_TRY(nas_kinds_get(&kinds, name, &at));
    *strategy = all[at];
    return NAS_OK;
}

nas_status nas_strategy_register(const nas_strategy *strategy)
{
    const char *missing = NULL;
    if (!strategy->propose)
        missing = "it needs the function propose";
    else if (strategy->objectives_max < 1 || strategy->objectives_max > NAS_OBJECTIVES)
        missing = "objectives_max is 1, or for one that weighs several up to NAS_OBJECTIVES";
    else if (strategy->lookahead_max < 0)
        missing = "lookahead_max is 0 for any, or the most that it takes";
    NAS_TRY(nas_kinds_check(&kinds, &strategy->kind));
    if (missing)
        NAS_FAIL(NAS_CONFIG, "strategy \"%s\" is not added: %s", strategy->kind.name, missing);
    all[kinds.count++] = strategy;
    return NAS_OK;
}

/* ---- strategies around others ---------------------------------------------------------------------------------- */

enum { ALSO_MAX = 32 };

nas_status nas_strategy_fill(const nas_strategy *strategy, const nas_value *group,
                             const char *const *also, void *instance)
{
    const char *names[ALSO_MAX + 1];
    int count = 0;
    for (const char *const *name = also; name && *name && count < ALSO_MAX; name++)
        names[count++] = *name;
    for (const char *const *name = strategy->also; name && *name && count < ALSO_MAX; name++)
        names[count++] = *name;
    names[count] = NULL;
    return nas_options_fill(&strategy->kind, group, names, instance);
}

/* inner = { type = "evolution"; … } with every default. */
static nas_status complete_inner(const nas_value *group, nas_value *complete)
{
    static const char *const also[] = {"type", NULL};
    const nas_value *type = nas_value_member(group, "type");
    const nas_strategy *strategy;
    nas_value *member;
    if (group->type != NAS_VALUE_GROUP || !type || type->type != NAS_VALUE_TEXT)
        NAS_FAIL(NAS_CONFIG, "%s = { type = \"…\"; … }; is missing its type", group->name);
    NAS_TRY(nas_strategy_get(type->text, &strategy));
    if (strategy->also || strategy->evaluator)
        NAS_FAIL(NAS_CONFIG, "strategy %s cannot be inside another", strategy->kind.name);
    void *instance = calloc(1, strategy->kind.instance_size + 1);
    if (!instance)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy %s", strategy->kind.name);
    complete->type = NAS_VALUE_GROUP;
    nas_status status = nas_strategy_fill(strategy, group, also, instance);
    if (status == NAS_OK)
        status = nas_value_append(complete, "type", &member);
    if (status == NAS_OK) {
        member->type = NAS_VALUE_TEXT;
        member->text = strdup(strategy->kind.name);
        status =
            member->text ? nas_strategy_value(strategy, group, instance, complete) : NAS_MEMORY;
    }
    free(instance);
    return status;
}

nas_status nas_strategy_value(const nas_strategy *strategy, const nas_value *group,
                              const void *instance, nas_value *complete)
{
    NAS_TRY(nas_options_value(&strategy->kind, instance, complete));
    for (const char *const *name = strategy->also; name && *name; name++) {
        const nas_value *from = nas_value_member(group, *name);
        nas_value *member;
        if (!from)
            continue;
        NAS_TRY(nas_value_append(complete, *name, &member));
        NAS_TRY(complete_inner(from, member));
    }
    return NAS_OK;
}
