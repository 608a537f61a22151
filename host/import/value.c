/* value.c - the values of a model by name, and what a node reads and gives.
 *
 * Every name that anybody mentions gets a place before nodes are read, with the number of times it will be used: so a value that
 * nobody gives, one that is given twice and a circle of nodes are all found by looking at the place, and what may be changed because
 * nobody else will read it is known. */
#include "importing.h"

#include <stdlib.h>
#include <string.h>

static size_t slot_of(const nas__importing *i, const char *name)
{
    size_t slot = (size_t)nas_hash(name, strlen(name), 0) & (i->value_slots - 1);
    while (i->values[slot].name && strcmp(i->values[slot].name, name) != 0)
        slot = (slot + 1) & (i->value_slots - 1);
    return slot;
}

static void mention(nas__importing *i, const char *name, int uses)
{
    if (!name || !name[0])
        return;
    nas__value *value = &i->values[slot_of(i, name)];
    value->name = name;
    value->uses += uses;
}

nas_status nas__values_create(nas__importing *i)
{
    const Onnx__GraphProto *graph = i->model->graph;
    size_t names = graph->n_initializer + graph->n_input + graph->n_output;
    for (size_t n = 0; n < graph->n_node; n++)
        names += graph->node[n]->n_input + graph->node[n]->n_output;
    for (i->value_slots = 16; i->value_slots < 2 * names;)
        i->value_slots *= 2;
    i->values = calloc(i->value_slots, sizeof *i->values);
    if (!i->values)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %zu names", i->path, names);
    for (size_t n = 0; n < graph->n_node; n++) {
        for (size_t k = 0; k < graph->node[n]->n_input; k++)
            mention(i, graph->node[n]->input[k], 1);
        for (size_t k = 0; k < graph->node[n]->n_output; k++)
            mention(i, graph->node[n]->output[k], 0);
    }
    for (size_t k = 0; k < graph->n_initializer; k++)
        mention(i, graph->initializer[k]->name, 0);
    for (size_t k = 0; k < graph->n_input; k++)
        mention(i, graph->input[k]->name, 0);
    for (size_t k = 0; k < graph->n_output; k++)
        mention(i, graph->output[k]->name, 1);
    return NAS_OK;
}

void nas__values_destroy(nas__importing *i)
{
    for (size_t k = 0; i->values && k < i->value_slots; k++)
        nas__constant_clear(&i->values[k].is);
    free(i->values);
    i->values = NULL;
}

nas__value *nas__value_find(nas__importing *i, const char *name)
{
    nas__value *value = name && name[0] ? &i->values[slot_of(i, name)] : NULL;
    return value && value->name ? value : NULL;
}

static nas_status open_place(nas__importing *i, const char *name, nas__value **value)
{
    char shown[64];
    *value = nas__value_find(i, name);
    if (!*value)
        NAS__REFUSE(i, NAS_DATA, "it gives a value without a name");
    if ((*value)->known)
        NAS__REFUSE(i, NAS_DATA, "\"%s\" is given twice", nas__printable(name, shown));
    (*value)->known = true;
    return NAS_OK;
}

nas_status nas__value_give_node(nas__importing *i, const char *name, int node,
                                const nas__axes *axes)
{
    nas__value *value;
    NAS_TRY(nas__axes_check(i, axes, NAS__VALUES_MOST, "its result"));
    if ((uint64_t)nas__axes_count(axes) != nas_shape_count(nas__shape_of(i, node)))
        NAS__REFUSE(i, NAS_DATA, "its result has another number of values than its axes say");
    NAS_TRY(open_place(i, name, &value));
    value->node = node;
    value->axes = *axes;
    i->pending[node] += value->uses;
    return NAS_OK;
}

nas_status nas__value_give_constant(nas__importing *i, const char *name,
                                    const nas__constant *constant)
{
    nas__value *value;
    const nas_status status = open_place(i, name, &value);
    if (status != NAS_OK) {
        free(constant->owned);
        return status;
    }
    value->constant = true;
    value->is = *constant;
    return NAS_OK;
}

/* ---- the node that is read ---------------------------------------------------------------------------------- */

nas__value *nas__input(nas__importing *i, int k)
{
    return k < (int)i->at->n_input ? nas__value_find(i, i->at->input[k]) : NULL;
}

int nas__input_count(const nas__importing *i)
{
    return (int)i->at->n_input;
}

nas_status nas__need(nas__importing *i, int k, nas__value **value)
{
    *value = nas__input(i, k);
    if (!*value)
        NAS__REFUSE(i, NAS_DATA, "input %d is missing", k);
    return NAS_OK;
}

nas_status nas__need_node(nas__importing *i, int k, nas__value **value)
{
    NAS_TRY(nas__need(i, k, value));
    if ((*value)->constant)
        NAS__REFUSE(i, NAS_CONFIG,
                    "input %d is a constant, where a value that follows from the model's input is "
                    "supported; simplify the model (onnxsim) first",
                    k);
    return NAS_OK;
}

static nas_status constant_input(nas__importing *i, int k, const nas__constant **constant)
{
    nas__value *value = nas__input(i, k);
    *constant = NULL;
    if (!value)
        return NAS_OK;
    if (!value->constant)
        NAS__REFUSE(i, NAS_CONFIG,
                    "input %d follows from the model's input; only a constant is supported there",
                    k);
    *constant = &value->is;
    return NAS_OK;
}

nas_status nas__floats(nas__importing *i, int k, const nas__constant **constant)
{
    NAS_TRY(constant_input(i, k, constant));
    if (*constant && !(*constant)->floats)
        NAS__REFUSE(i, NAS_CONFIG, "input %d is no float32", k);
    return NAS_OK;
}

nas_status nas__numbers(nas__importing *i, int k, const nas__constant **constant)
{
    NAS_TRY(constant_input(i, k, constant));
    if (*constant && (!(*constant)->numbers || (*constant)->axes.rank > 1))
        NAS__REFUSE(i, NAS_CONFIG, "input %d is no list of whole numbers", k);
    return NAS_OK;
}

nas_status nas__give(nas__importing *i, int node, const nas__axes *axes)
{
    char shown[64];
    for (size_t k = 1; k < i->at->n_output; k++) {
        const nas__value *other = nas__value_find(i, i->at->output[k]);
        if (other && other->uses > 0)
            NAS__REFUSE(i, NAS_CONFIG, "its output \"%s\" is used; only the first is supported",
                        nas__printable(other->name, shown));
    }
    if (i->at->n_output < 1)
        NAS__REFUSE(i, NAS_DATA, "it has no output");
    return nas__value_give_node(i, i->at->output[0], node, axes);
}

int nas__batch_axes(const nas__importing *i)
{
    return i->options.whole ? 0 : 1;
}

nas_status nas__axis(const nas__importing *i, int64_t axis, int rank, int *own)
{
    const int all = rank + nas__batch_axes(i);
    const int64_t counted = axis < 0 ? axis + all : axis;
    if (counted < 0 || counted >= all)
        NAS__REFUSE(i, NAS_DATA, "axis %lld of a value with %d", (long long)axis, all);
    if (counted < nas__batch_axes(i))
        NAS__REFUSE(i, NAS_CONFIG, "it acts along axis %lld, which is the batch", (long long)axis);
    *own = (int)counted - nas__batch_axes(i);
    return NAS_OK;
}
