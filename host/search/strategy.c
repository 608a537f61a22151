/* strategy.c - the registry: the lines of strategy_list.h as a table, found by name.
 *
 * A line NAS_STRATEGY(random) stands for `const nas_strategy nas__strategy_random`, which
 * host/search/random.c defines.  There is no other registration. */
#include "search.h"

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
