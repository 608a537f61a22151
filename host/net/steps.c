/* steps.c - what an evaluation pass is made of: the plan's fused steps, as text, and one by one on a tape.
 *
 * A network's latency is, to a good part, the sum of what its steps take (tables of latency, host/eval/step_table.c).  Two steps cost the
 * same when they are the same operator with the same options, read the same shapes in the same ways and leave a norm's
 * affine behind or do not.  That is a step's key:
 *
 *     conv2d out = 16; kernel = 3 | 8x28x28 relu | batch_norm
 *     add | 16x14x14 affine, 16x14x14 raw
 *
 * It names no batch and no device: a plan's steps follow from the graph alone, only the floats that they want on the device do
 * not.  So listing them needs no device.
 *
 * Read next: plan.h (what a step is), record_forward.c (what it runs). */
#include "net_internal.h"

#include <stdlib.h>
#include <string.h>

/* How kernels are built to read (nas_read_mode): raw, by an affine, by an affine and an activation. */
static const char *mode_of(const nas__view *view)
{
    if (nas__view_raw(view))
        return "raw";
    return view->activation == NAS_ACT_NONE ? "affine" : nas_activation_name(view->activation);
}

static void write_inputs(const nas__plan *plan, const nas__step *step, nas_text *text)
{
    for (int i = 0; i < step->input_count; i++) {
        const nas_shape shape = plan->homes[step->in[i].home].shape;
        nas_text_format(text, "%s %dx%dx%d %s", i ? "," : " |", shape.c, shape.h, shape.w,
                        mode_of(&step->in[i]));
    }
}

static void write_key(const nas__plan *plan, const nas__step *step, nas_text *text)
{
    nas_text_add(text, step->node == NAS__COPY ? "copy" : nas__step_op(plan, step)->kind.name);
    if (step->node != NAS__COPY)
        nas_node_write_options(&plan->graph.nodes[step->node], text);
    write_inputs(plan, step, text);
    if (step->home == NAS__NONE || plan->homes[step->home].norm_node == NAS__NONE)
        return;
    nas_text_add(text, " | batch_norm");
    nas_node_write_options(&plan->graph.nodes[plan->homes[step->home].norm_node], text);
}

/* Multiply-accumulates and bytes of activations, read and written, of a sample. */
static void cost_of(const nas__plan *plan, const nas__step *step, nas_net_step *listed)
{
    nas_op_call call;
    nas_cost cost = {0};
    nas__plan_call(plan, step, &call);
    if (step->node != NAS__COPY && nas__step_op(plan, step)->cost)
        nas__step_op(plan, step)
            ->cost(call.options, call.in_shape, call.input_count, call.out_shape, &cost);
    listed->macs = cost.macs;
    listed->bytes = 4 * nas_shape_count(call.out_shape);
    for (int i = 0; i < call.input_count; i++)
        listed->bytes += 4 * nas_shape_count(call.in_shape[i]);
}

static nas_status list_step(const nas__plan *plan, const nas__step *step, nas_net_step *listed)
{
    nas_text key = {0};
    write_key(plan, step, &key);
    nas_status status = nas_text_check(&key);
    if (status != NAS_OK) {
        nas_text_clear(&key);
        return status;
    }
    listed->key = key.data;
    cost_of(plan, step, listed);
    return NAS_OK;
}

nas_status nas_net_steps_list(const nas_graph *graph, nas_net_steps *steps)
{
    const nas_net_options options = {.batch = 1};
    nas_status status = NAS_OK;
    nas_net_steps made = {0};
    nas__plan plan;
    NAS_TRY(nas__plan_make(NULL, graph, &options, &plan));
    made.item = calloc((size_t)plan.step_count + 1, sizeof *made.item);
    if (!made.item)
        NAS_TRY_DONE(nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory to list %d steps",
                                   plan.step_count));
    for (; made.count < plan.step_count; made.count++)
        NAS_TRY_DONE(list_step(&plan, &plan.steps[made.count], &made.item[made.count]));
done:
    nas__plan_clear(&plan);
    if (status == NAS_OK)
        *steps = made;
    else
        nas_net_steps_clear(&made);
    return status;
}

void nas_net_steps_clear(nas_net_steps *steps)
{
    if (!steps)
        return;
    for (int i = 0; i < steps->count; i++)
        free(steps->item[i].key);
    free(steps->item);
    *steps = (nas_net_steps){0};
}

nas_status nas_net_record_step(nas_net *net, int step, nas_tape *tape)
{
    if (step < 0 || step >= net->plan.step_count || net->plan.options.training)
        NAS_FAIL(NAS_FAILED, "step %d: a net made for evaluation has its steps 0 to %d recorded",
                 step, net->plan.step_count - 1);
    return nas__record_step(net, step, false, tape);
}
