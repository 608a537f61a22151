/* weights.c - the tensors of a saved network: parameter p of node i is called "i.NAME". */
#include <clnas/graph.h>

#include <stdio.h>

void nas_parameter_name(int node, const nas_parameter *spec, char *name, size_t size)
{
    snprintf(name, size, "%d.%s", node, spec->name ? spec->name : "unused");
}

uint64_t nas_parameter_count(const nas_parameter *spec)
{
    uint64_t count = spec->rank > 0 ? 1 : 0;
    for (int d = 0; d < spec->rank; d++)
        count *= (uint64_t)spec->dims[d];
    return count;
}

bool nas_parameter_fits(const nas_parameter *spec, const nas_safetensor *tensor)
{
    bool same = tensor->data && tensor->rank == spec->rank;
    for (int d = 0; same && d < spec->rank; d++)
        same = tensor->dims[d] == (uint64_t)spec->dims[d];
    return same;
}

const nas_safetensor *nas_parameter_find(const nas_safetensors *file, int node,
                                         const nas_parameter *spec)
{
    char name[64];
    nas_parameter_name(node, spec, name, sizeof name);
    return nas_safetensors_find(file, name);
}
