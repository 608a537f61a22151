/* workspace.c - memory for the values between layers, planned before anything runs.
 *
 * A value lives from the layer that writes it to the last one that reads it.  Values are placed in that order, each at the lowest
 * place that no living one covers: first fit, good enough where networks are mostly chains. */
#include "exporter.h"

#include <stdlib.h>

typedef struct planning {
    const nas_model *model;
    int *last; /* reader of each layer's value */
    nas__workspace *workspace;
} planning;

static uint64_t size_of(const planning *p, int layer)
{
    return nas_shape_count(p->model->layers[layer].shape);
}

static void find_last_readers(planning *p)
{
    for (int i = 0; i < p->model->count; i++)
        for (int k = 0; k < p->model->layers[i].input_count; k++)
            p->last[p->model->layers[i].inputs[k]] = i;
}

/* The value that this layer may write over, −1: none. */
static int victim_of(const planning *p, int layer)
{
    const nas_model_layer *l = &p->model->layers[layer];
    const bool elementwise = l->what.kind == NAS_LAYER_ACTIVATION || l->what.kind == NAS_LAYER_NORM;
    return elementwise && p->last[l->inputs[0]] == layer &&
                   p->workspace->at[l->inputs[0]] != NAS__NOWHERE
               ? l->inputs[0]
               : -1;
}

/* The lowest place from `at` on where `size` floats meet no value that lives when `layer` runs. */
static uint64_t place(const planning *p, int layer)
{
    const uint64_t size = size_of(p, layer);
    uint64_t at = 0;
    for (int i = 0; i < layer; i++) {
        const uint64_t other = p->workspace->at[i];
        if (other == NAS__NOWHERE || p->last[i] < layer || at + size <= other ||
            at >= other + size_of(p, i))
            continue;
        at = other + size_of(p, i);
        i = -1; /* look at all of them again */
    }
    return at;
}

nas_status nas__workspace_plan(const nas_model *model, bool own_input, nas__workspace *workspace)
{
    planning p = {model, calloc((size_t)model->count, sizeof *p.last), workspace};
    *workspace = (nas__workspace){.at = calloc((size_t)model->count, sizeof *workspace->at)};
    if (!p.last || !workspace->at) {
        free(p.last);
        NAS_FAIL(NAS_MEMORY, "no memory to plan %d layers", model->count);
    }
    find_last_readers(&p);
    for (int i = 0; i < model->count; i++) {
        const bool nowhere = (i == 0 && !own_input) || i == model->count - 1;
        const int victim = nowhere || i == 0 ? -1 : victim_of(&p, i);
        workspace->at[i] = nowhere       ? NAS__NOWHERE
                           : victim >= 0 ? workspace->at[victim]
                                         : place(&p, i);
        if (!nowhere && workspace->at[i] + size_of(&p, i) > workspace->floats)
            workspace->floats = workspace->at[i] + size_of(&p, i);
    }
    free(p.last);
    return NAS_OK;
}
