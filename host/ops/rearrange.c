/* rearrange.c - the two launches of operators that only move pixels.
 *
 * Each of them says where a pixel comes from as a walk over the other side's pixels (rearrange.h), in both directions: what moves one to
 * one is gathered backward as it is forward, so nothing is added up and no order of sums arises. */
#include "rearrange.h"

#include "passes.h"

nas__walk nas__walk_plain(nas_shape shape)
{
    return (nas__walk){.step = {shape.h * shape.w, shape.w, 1},
                       .high = {shape.c, shape.h, shape.w}};
}

/* The group WALK_ARGUMENTS of cl/rearrange.cl. */
static void push_walk(nas__arguments *arguments, nas__walk walk, nas_shape own, nas_shape other)
{
    nas__push_int(arguments, walk.base);
    for (int k = 0; k < 3; k++)
        nas__push_int(arguments, walk.step[k]);
    for (int k = 0; k < 3; k++)
        nas__push_int(arguments, walk.low[k]);
    for (int k = 0; k < 3; k++)
        nas__push_int(arguments, walk.high[k]);
    nas__push_int(arguments, own.w);
    nas__push_int(arguments, other.h * other.w);
}

nas_status nas__rearrange_forward(const nas_op_call *call, nas__walk walk, float value,
                                  nas_tape *tape)
{
    const nas_shape shape = call->out_shape;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_axes(&arguments, shape, call->n, call->real);
    push_walk(&arguments, walk, shape, call->in_shape[0]);
    nas__push_float(&arguments, value);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    return nas__stream_launch(tape, "rearrange", "rearrange_forward",
                              nas__curved_define(nas__is_curved(call->in[0].activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}

nas_status nas__rearrange_backward(const nas_op_call *call, nas__walk walk, nas_tape *tape)
{
    const nas_shape shape = call->in_shape[0];
    if (!call->into[0].g.buffer)
        return NAS_OK;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, &call->out_gradient);
    nas__push_stream_into(&arguments, &call->into[0]);
    nas__push_axes(&arguments, shape, call->n, call->real);
    push_walk(&arguments, walk, shape, call->out_shape);
    nas__push_int(&arguments, call->out_shape.c);
    return nas__stream_launch(tape, "rearrange", "rearrange_backward",
                              nas__curved_define(nas__is_curved(call->into[0].read.activation)),
                              nas_pass_parts(shape, call->n), shape.c, &arguments);
}
