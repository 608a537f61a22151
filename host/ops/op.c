/* op.c - the registry: the lines of op_list.h as a table, found by name.
 *
 * Each line NAS_OP(pool) stands for `const nas_op nas__op_pool`, which host/ops/pool.c defines.  There is no other
 * registration.  The first look-up checks that every descriptor keeps the promises of include/clnas/ops.h.
 */
#include "op.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

static const nas_op *const all[] = {
#define NAS_OP(name) &nas__op_##name,
#include "op_list.h"
#undef NAS_OP
};
enum { OP_COUNT = sizeof all / sizeof all[0] };

/* What every caller relies on without looking. */
static void check_once(void)
{
    static atomic_bool checked; /* by several threads at once is as well */
    if (checked)
        return;
    for (int i = 0; i < OP_COUNT; i++) {
        const nas_op *op = all[i];
        assert(op->kind.name && op->kind.summary);
        assert(op->kind.instance_size <= NAS_OPTIONS_SIZE);
        assert(op->inputs_min >= 1 && op->inputs_max <= NAS_OP_INPUTS);
        assert(op->infer && op->forward && op->backward && op->cases);
        for (int real = 0; real < 2; real++)
            assert(op->reference_forward[real] && op->reference_backward[real]);
        (void)op;
    }
    checked = true;
}

const nas_op *const *nas_op_all(int *count)
{
    check_once();
    *count = OP_COUNT;
    return all;
}

const nas_op *nas_op_find(const char *name)
{
    check_once();
    for (int i = 0; i < OP_COUNT; i++)
        if (strcmp(all[i]->kind.name, name) == 0)
            return all[i];
    return NULL;
}

nas_status nas_op_get(const char *name, const nas_op **op)
{
    const nas_op *found = nas_op_find(name);
    if (!found) {
        const char *names[OP_COUNT];
        for (int i = 0; i < OP_COUNT; i++)
            names[i] = all[i]->kind.name;
        const char *near = nas_nearest_name(name, names, OP_COUNT);
        if (near)
            NAS_FAIL(NAS_CONFIG, "no operator is called '%s'; did you mean '%s'?", name, near);
        NAS_FAIL(NAS_CONFIG, "no operator is called '%s'", name);
    }
    *op = found;
    return NAS_OK;
}
