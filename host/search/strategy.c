/* strategy.c - the registry: the lines of strategy_list.h as a table, found by name.
 *
 * A line NAS_STRATEGY(random) stands for `const nas_strategy nas__strategy_random`, which
 * host/search/random.c defines.  There is no other registration. */
#include "search.h"

#include <stdlib.h>
#include <string.h>

static const nas_strategy *const all[] = {
#define NAS_STRATEGY(name) &nas__strategy_##name,
#include "strategy_list.h"
#undef NAS_STRATEGY
};
enum { STRATEGY_COUNT = sizeof all / sizeof *all };

const nas_strategy *const *nas_strategy_all(int *count)
{
    *count = STRATEGY_COUNT;
    return all;
}

const nas_strategy *nas_strategy_find(const char *name)
{
    for (int i = 0; i < STRATEGY_COUNT; i++)
        if (strcmp(all[i]->kind.name, name) == 0)
            return all[i];
    return NULL;
}

nas_status nas_strategy_get(const char *name, const nas_strategy **strategy)
{
    const nas_strategy *found = nas_strategy_find(name);
    if (!found) {
        const char *names[STRATEGY_COUNT];
        for (int i = 0; i < STRATEGY_COUNT; i++)
            names[i] = all[i]->kind.name;
        const char *near = nas_nearest_name(name, names, STRATEGY_COUNT);
        NAS_FAIL(NAS_CONFIG,
                 "there is no strategy \"%s\"%s%s%s; `clnas describe strategy` lists them", name,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    *strategy = found;
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
