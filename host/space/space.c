/* space.c - the registry: the lines of space_list.h as a table, found by name.
 *
 * A line NAS_SPACE(chain) stands for `const nas_space nas__space_chain`, which host/space/chain.c
 * defines.  There is no other registration. */
#include "space.h"

#include <string.h>

static const nas_space *const all[] = {
#define NAS_SPACE(name) &nas__space_##name,
#include "space_list.h"
#undef NAS_SPACE
};
enum { SPACE_COUNT = sizeof all / sizeof *all };

const nas_space *const *nas_space_all(int *count)
{
    *count = SPACE_COUNT;
    return all;
}

const nas_space *nas_space_find(const char *name)
{
    for (int i = 0; i < SPACE_COUNT; i++)
        if (strcmp(all[i]->kind.name, name) == 0)
            return all[i];
    return NULL;
}

nas_status nas_space_get(const char *name, const nas_space **space)
{
    const nas_space *found = nas_space_find(name);
    if (!found) {
        const char *names[SPACE_COUNT];
        for (int i = 0; i < SPACE_COUNT; i++)
            names[i] = all[i]->kind.name;
        const char *near = nas_nearest_name(name, names, SPACE_COUNT);
        NAS_FAIL(NAS_CONFIG,
                 "there is no search space \"%s\"%s%s%s; `clnas describe space` lists them", name,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    *space = found;
    return NAS_OK;
}
