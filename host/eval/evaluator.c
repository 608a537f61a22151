/* evaluator.c - the table of evaluators, made of evaluator_list.h alone. */
#include "evaluator.h"

#include <stdlib.h>
#include <string.h>

static const nas_evaluator *const all[] = {
#define NAS_EVALUATOR(name) &nas__evaluator_##name,
#include "evaluator_list.h"
#undef NAS_EVALUATOR
};
enum { COUNT = sizeof all / sizeof all[0] };

const nas_evaluator *const *nas_evaluator_all(int *count)
{
    *count = COUNT;
    return all;
}

const nas_evaluator *nas_evaluator_find(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (strcmp(all[i]->kind.name, name) == 0)
            return all[i];
    return NULL;
}

nas_status nas_evaluator_get(const char *name, const nas_evaluator **evaluator)
{
    const char *names[COUNT];
    const nas_evaluator *found = nas_evaluator_find(name);
    if (found) {
        *evaluator = found;
        return NAS_OK;
    }
    for (int i = 0; i < COUNT; i++)
        names[i] = all[i]->kind.name;
    const char *near = nas_nearest_name(name, names, COUNT);
    if (near)
        NAS_FAIL(NAS_CONFIG, "no evaluator \"%.64s\"; did you mean \"%s\"?", name, near);
    NAS_FAIL(NAS_CONFIG, "no evaluator \"%.64s\"; `clnas describe evaluator` lists them", name);
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
