/* weights.c - where parameters lie, how they begin, and how they are saved.
 *
 * All trained parameters of a net are one flat block with a twin of gradients, so that an optimizer step, a clip and a copy
 * are one kernel each: first those that weight decay applies to, then biases and norms.  States (running statistics) are a
 * second block.  Each parameter starts at a multiple of 16 floats; the gaps stay 0.
 *
 * Initial values are a pure function of (seed, key, node, parameter, element): He is N(0, 2/fan_in) (He et al., 2015), Glorot
 * U(±√(6/(fan_in+fan_out))) (Glorot and Bengio, 2010).
 */
#include "net_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t round_up(uint64_t count)
{
    return (count + 15) / 16 * 16;
}

static int count_parameters(const nas_graph *graph)
{
    nas_parameter specs[NAS_OP_PARAMETERS];
    int total = 0;
    for (int i = 1; i < graph->count; i++)
        total += nas_node_parameters(graph, i, specs);
    return total;
}

static void list_parameters(nas_net *net)
{
    for (int i = 1; i < net->graph.count; i++) {
        nas_parameter specs[NAS_OP_PARAMETERS];
        int count = nas_node_parameters(&net->graph, i, specs);
        for (int p = 0; p < count; p++) {
            nas_net_parameter *entry = &net->list[net->list_count++];
            entry->node = i;
            entry->spec = specs[p];
            nas_parameter_name(i, &specs[p], entry->name, sizeof entry->name);
        }
    }
}

/* Gives offsets to the entries of one class; returns the floats used so far. */
static uint64_t place(nas_net *net, bool trained, bool decayed, uint64_t at)
{
    for (int i = 0; i < net->list_count; i++) {
        nas_net_parameter *entry = &net->list[i];
        bool ours = entry->spec.trained == trained && (!trained || entry->spec.decayed == decayed);
        if (!ours)
            continue;
        entry->tensor = (nas_tensor){.at = at, .count = nas_parameter_count(&entry->spec)};
        at += round_up(entry->tensor.count);
    }
    return at;
}

nas_status nas__net_lay_out(nas_net *net, uint64_t *trained_floats, uint64_t *state_floats)
{
    int count = count_parameters(&net->graph);
    net->list = calloc((size_t)count + 1, sizeof *net->list);
    if (!net->list)
        NAS_FAIL(NAS_MEMORY, "no memory for %d parameters", count);
    list_parameters(net);
    net->block.decayed_count = place(net, true, true, 0);
    *trained_floats = place(net, true, false, net->block.decayed_count);
    *state_floats = place(net, false, false, 0);
    net->block.parameters.count = *trained_floats;
    net->block.states.count = *state_floats;
    return NAS_OK;
}

static void bind_entry(nas_net *net, nas_net_parameter *entry)
{
    if (entry->tensor.count == 0) {
        entry->tensor = (nas_tensor){0};
        return;
    }
    entry->tensor.buffer = entry->spec.trained ? net->parameters : net->states;
    if (entry->spec.trained && net->gradients) {
        entry->gradient = entry->tensor;
        entry->gradient.buffer = net->gradients;
    }
}

/* Shard 0 sums up its gradients where those of the batch will be; the others have copies of the block. */
static nas_status bind_shards(nas_net *net)
{
    const uint64_t count = net->block.gradients.count, others = (uint64_t)net->plan.shards - 1;
    net->shards[0].gradients = net->block.gradients;
    if (others == 0 || count == 0 || !net->plan.options.training)
        return NAS_OK;
    NAS_TRY(nas_buffer_create(net->device, 4 * count * others, "gradients of shards",
                              &net->shard_gradients));
    for (uint64_t i = 0; i < others; i++)
        net->shards[1 + i].gradients = (nas_tensor){net->shard_gradients, i * count, count};
    return NAS_OK;
}

nas_status nas__net_bind(nas_net *net)
{
    uint64_t trained = net->block.parameters.count, states = net->block.states.count;
    uint64_t bytes = 4 * (trained ? trained : 16);
    NAS_TRY(nas_buffer_create(net->device, bytes, "parameters", &net->parameters));
    if (net->plan.options.training)
        NAS_TRY(nas_buffer_create(net->device, bytes, "gradients", &net->gradients));
    NAS_TRY(nas_buffer_create(net->device, 4 * (states ? states : 16), "states", &net->states));
    net->block.parameters.buffer = net->parameters;
    net->block.states.buffer = net->states;
    net->block.gradients = net->block.parameters;
    net->block.gradients.buffer = net->gradients;
    for (int i = 0; i < net->list_count; i++)
        bind_entry(net, &net->list[i]);
    return bind_shards(net);
}

const nas_net_parameter *nas__net_parameter(const nas_net *net, int node, int parameter)
{
    for (int i = 0; i < net->list_count; i++)
        if (net->list[i].node == node && parameter-- == 0)
            return net->list[i].tensor.buffer ? &net->list[i] : NULL;
    return NULL;
}

/* ---- initial values ---- */

static float initial_value(const nas_parameter *spec, nas_random *random)
{
    double fan_in = spec->fan_in > 0 ? spec->fan_in : 1;
    double fan_out = spec->fan_out > 0 ? spec->fan_out : 1;
    switch (spec->init) {
    case NAS_INIT_ONE:
        return 1.0f;
    case NAS_INIT_HE:
        return (float)(nas_random_normal(random) * sqrt(2.0 / fan_in));
    case NAS_INIT_GLOROT:
        return (float)((2.0 * nas_random_uniform(random) - 1.0) * sqrt(6.0 / (fan_in + fan_out)));
    default:
        return 0.0f;
    }
}

void nas_parameter_initialise(const nas_parameter *spec, uint64_t seed, uint32_t key_a, int node,
                              int parameter, float *values, uint64_t count)
{
    uint32_t which = (uint32_t)node * NAS_OP_PARAMETERS + (uint32_t)parameter;
    nas_random random = nas_random_make(seed, NAS_STREAM_INIT, key_a, which, 0);
    for (uint64_t i = 0; i < count; i++)
        values[i] = initial_value(spec, &random);
}

static nas_status initialise_block(nas_net *net, bool trained, nas_tensor block, uint64_t seed,
                                   uint32_t key_a)
{
    if (block.count == 0)
        return NAS_OK;
    float *values = calloc(block.count, sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "no memory for %llu parameters", (unsigned long long)block.count);
    int parameter = 0;
    for (int i = 0; i < net->list_count; i++) {
        const nas_net_parameter *entry = &net->list[i];
        parameter = i > 0 && net->list[i - 1].node == entry->node ? parameter + 1 : 0;
        if (entry->spec.trained != trained)
            continue;
        nas_parameter_initialise(&entry->spec, seed, key_a, entry->node, parameter,
                                 values + entry->tensor.at, entry->tensor.count);
    }
    nas_status status = nas_tensor_write(block, values);
    free(values);
    return status;
}

nas_status nas_net_initialise(nas_net *net, uint64_t seed, uint32_t key_a)
{
    NAS_TRY(initialise_block(net, true, net->block.parameters, seed, key_a));
    return initialise_block(net, false, net->block.states, seed, key_a);
}

/* ---- files ---- */

static nas_status fill_entry(const nas_net_parameter *entry, nas_safetensor *tensor)
{
    snprintf(tensor->name, sizeof tensor->name, "%s", entry->name);
    tensor->rank = entry->spec.rank;
    for (int d = 0; d < entry->spec.rank; d++)
        tensor->dims[d] = (uint64_t)entry->spec.dims[d];
    tensor->data = malloc(entry->tensor.count * sizeof *tensor->data);
    if (!tensor->data)
        NAS_FAIL(NAS_MEMORY, "no memory to save %s", entry->name);
    return nas_tensor_read(entry->tensor, tensor->data);
}

nas_status nas_net_save(nas_net *net, const char *path, const char *const *keys,
                        const char *const *values, int pairs)
{
    nas_status status = NAS_OK;
    nas_text graph = {0};
    nas_safetensors file = {0};
    file.tensors = calloc((size_t)net->list_count + 1, sizeof *file.tensors);
    file.keys = calloc((size_t)pairs + 1, sizeof *file.keys);
    file.values = calloc((size_t)pairs + 1, sizeof *file.values);
    if (!file.tensors || !file.keys || !file.values) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory to save %s", path);
        goto done;
    }
    nas_graph_write(&net->graph, &graph);
    NAS_TRY_DONE(nas_text_check(&graph));
    for (int i = 0; i < pairs; i++) {
        if (!values[i])
            continue;
        file.keys[file.metadata_count] = (char *)(uintptr_t)keys[i];
        file.values[file.metadata_count++] = (char *)(uintptr_t)values[i];
    }
    file.keys[file.metadata_count] = (char *)(uintptr_t) "graph";
    file.values[file.metadata_count++] = graph.data;
    for (int i = 0; i < net->list_count; i++)
        if (net->list[i].tensor.buffer)
            NAS_TRY_DONE(fill_entry(&net->list[i], &file.tensors[file.count++]));
    NAS_TRY_DONE(nas_safetensors_write(path, &file));
done:
    for (int i = 0; file.tensors && i < file.count; i++)
        free(file.tensors[i].data);
    free(file.tensors);
    free(file.keys);
    free(file.values);
    nas_text_clear(&graph);
    return status;
}

static nas_status check_entry(const nas_net_parameter *entry, const nas_safetensor *tensor,
                              const char *path)
{
    if (!tensor)
        NAS_FAIL(NAS_FAILED, "%s: tensor %s of this network is not in the file", path, entry->name);
    if (!nas_parameter_fits(&entry->spec, tensor))
        NAS_FAIL(NAS_FAILED, "%s: tensor %s has another shape than this network's, or is no F32",
                 path, entry->name);
    return NAS_OK;
}

nas_status nas_net_take(nas_net *net, const nas_safetensors *content, const char *path)
{
    for (int i = 0; i < net->list_count; i++) /* all or nothing: check first */
        if (net->list[i].tensor.buffer)
            NAS_TRY(
                check_entry(&net->list[i], nas_safetensors_find(content, net->list[i].name), path));
    for (int i = 0; i < net->list_count; i++)
        if (net->list[i].tensor.buffer)
            NAS_TRY(nas_tensor_write(net->list[i].tensor,
                                     nas_safetensors_find(content, net->list[i].name)->data));
    return NAS_OK;
}

nas_status nas_net_load(nas_net *net, const char *path)
{
    nas_safetensors file = {0};
    NAS_TRY(nas_safetensors_read(path, &file));
    const nas_status status = nas_net_take(net, &file, path);
    nas_safetensors_clear(&file);
    return status;
}

static nas_status inherit_node(const nas_safetensors *file, int from,
                               const nas_net_parameter *entry, nas_inheritance *inheritance)
{
    const nas_safetensor *tensor = from > 0 ? nas_parameter_find(file, from, &entry->spec) : NULL;
    if (!tensor || !nas_parameter_fits(&entry->spec, tensor)) {
        inheritance->fresh += entry->tensor.count;
        return NAS_OK;
    }
    inheritance->copied += entry->tensor.count;
    return nas_tensor_write(entry->tensor, tensor->data);
}

nas_status nas_net_inherit_nodes(nas_net *net, const char *path, const int *from,
                                 nas_inheritance *inheritance)
{
    nas_safetensors file = {0};
    *inheritance = (nas_inheritance){0};
    NAS_TRY(nas_safetensors_read(path, &file));
    nas_status status = NAS_OK;
    for (int i = 0; i < net->list_count && status == NAS_OK; i++) {
        const nas_net_parameter *entry = &net->list[i];
        if (entry->spec.trained && entry->tensor.buffer)
            status = inherit_node(&file, from[entry->node], entry, inheritance);
    }
    nas_safetensors_clear(&file);
    return status;
}
