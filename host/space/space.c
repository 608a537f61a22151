/* space.c - the registry: the lines of space_list.h as a table, behind them what the program adds.
 *
 * A line NAS_SPACE(chain) stands for `const nas_space nas__space_chain`, which host/space/chain.c
 * defines.  What a program registers at run time is checked for what the others have by their tests: all that belongs together is there. */
#include "space.h"

enum {
#define NAS_SPACE(name) SPACE_##name,
#include "space_list.h"
#undef NAS_SPACE
    OURS
};

static const nas_space *all[OURS + NAS_KINDS_MORE] = {
#define NAS_SPACE(name) &nas__space_##name,
#include "space_list.h"
#undef NAS_SPACE
};

static const nas_kind *kind_at(int index)
{
    return &all[index]->kind;
}

static nas_kinds kinds = {"search space", "space", kind_at, OURS, OURS + NAS_KINDS_MORE};

const nas_space *const *nas_space_all(int *count)
{
    *count = kinds.count;
    return all;
}

const nas_space *nas_space_find(const char *name)
{
    const int at = nas_kinds_find(&kinds, name);
    return at < 0 ? NULL : all[at];
}

nas_status nas_space_get(const char *name, const nas_space **space)
{
    int at = 0;
    NAS_TRY(nas_kinds_get(&kinds, name, &at));
    *space = all[at];
    return NAS_OK;
}

/* ---- a space of the program's own ----------------------------------------------------------------------------------- */

static const char *what_is_missing(const nas_space *space)
{
    if (!space->genes || !space->build)
        return "it needs the functions genes and build";
    if (!space->named != !(space->names && space->names[0]))
        return "names and the function named go together";
    if (!space->path_count != !space->paths)
        return "path_count and paths go together";
    if (!space->supergraph != !space->derive || !space->supergraph != !space->path)
        return "supergraph, derive and path go together";
    return NULL;
}

nas_status nas_space_register(const nas_space *space)
{
    const char *missing = what_is_missing(space);
    NAS_TRY(nas_kinds_check(&kinds, &space->kind));
    if (missing)
        NAS_FAIL(NAS_CONFIG, "search space \"%s\" is not added: %s", space->kind.name, missing);
    all[kinds.count++] = space;
    return NAS_OK;
}
