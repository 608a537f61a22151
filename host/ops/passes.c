/* passes.c - separate passes over memory, and the launching of stream kernels.
 *
 * A pass does what an operator did not fuse: materialise a read, take statistics, form dz, hand a gradient back, reduce.  The
 * operators that only move channels are passes too, with a channel map.  How the work is cut: cl/stream.clh.
 *
 * Next: cl/passes.cl, then activation.c, the smallest operator.
 */
#include "passes.h"

enum {
    RUN_LEAST = 64, /* strips (4 KB) for one work-item: less costs more to start than to do */
    PARTS_MOST = 64 /* per channel: enough for any CPU, few to merge */
};

static int strips_of(nas_shape shape, int n)
{
    return (int)((uint64_t)shape.h * (uint64_t)shape.w * (uint64_t)n / 16);
}

int nas__stream_run(nas_shape shape, int n)
{
    int even = (strips_of(shape, n) + PARTS_MOST - 1) / PARTS_MOST;
    return even > RUN_LEAST ? even : RUN_LEAST;
}

int nas_pass_parts(nas_shape shape, int n)
{
    int run = nas__stream_run(shape, n);
    return (strips_of(shape, n) + run - 1) / run;
}

nas__map nas__map_plain(int limit)
{
    return (nas__map){.from = 0, .limit = limit, .groups = 1, .per = 0};
}

void nas__push_axes(nas__arguments *arguments, nas_shape shape, int n, int real)
{
    nas__push_int(arguments, strips_of(shape, n));
    nas__push_int(arguments, nas__stream_run(shape, n));
    nas__push_int(arguments, n);
    nas__push_int(arguments, real);
}

static void push_map(nas__arguments *arguments, nas__map map)
{
    nas__push_int(arguments, map.from);
    nas__push_int(arguments, map.limit);
    nas__push_int(arguments, map.groups);
    nas__push_int(arguments, map.per);
}

const char *nas__curved_define(bool curved)
{
    return curved ? "-DCURVED=1" : NULL;
}

nas_status nas__stream_launch(nas_tape *tape, const char *source, const char *kernel,
                              const char *defines, int items, int channels,
                              const nas__arguments *arguments)
{
    nas_launch launch = {
        .source = source,
        .kernel = kernel,
        .defines = defines,
        .global = {(size_t)items, (size_t)channels, 1},
        .local = {1, 1, 1},
        .arguments = arguments->item,
        .argument_count = arguments->count,
    };
    return nas_tape_add(tape, &launch);
}

void nas__stream_sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    sizes->statistics_parts = nas_pass_parts(call->out_shape, call->n);
    for (int i = 0; i < call->input_count; i++)
        sizes->reduction_parts[i] = nas_pass_parts(call->in_shape[i], call->n);
}

nas_status nas__pass_forward(nas_tape *tape, const nas_read *read, nas__map map, nas_shape shape,
                             int n, int real, nas_tensor y, int y_from, nas_tensor statistics)
{
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, read);
    nas__push_tensor(&arguments, y);
    nas__push_tensor(&arguments, statistics);
    nas__push_axes(&arguments, shape, n, real);
    push_map(&arguments, map);
    nas__push_int(&arguments, y_from);
    nas__push_int(&arguments, statistics.buffer != NULL);
    return nas__stream_launch(tape, "passes", "passes_forward",
                              nas__curved_define(nas__is_curved(read->activation)),
                              nas_pass_parts(shape, n), shape.c, &arguments);
}

nas_status nas__pass_hand(nas_tape *tape, const nas_gradient *gradient, nas__map map,
                          const nas_into *into, nas_shape shape, int n, int real)
{
    if (!into->g.buffer)
        return NAS_OK;
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, gradient);
    nas__push_stream_into(&arguments, into);
    nas__push_axes(&arguments, shape, n, real);
    push_map(&arguments, map);
    return nas__stream_launch(tape, "passes", "passes_into",
                              nas__curved_define(nas__is_curved(into->read.activation)),
                              nas_pass_parts(shape, n), shape.c, &arguments);
}

nas_status nas_pass_materialise(nas_tape *tape, const nas_read *read, nas_shape shape, int n,
                                nas_tensor y)
{
    return nas__pass_forward(tape, read, nas__map_plain(shape.c), shape, n, n, y, 0,
                             (nas_tensor){.buffer = NULL});
}

nas_status nas_pass_statistics(nas_tape *tape, nas_tensor z, nas_shape shape, int n, int real,
                               nas_tensor statistics)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, z);
    nas__push_tensor(&arguments, statistics);
    nas__push_axes(&arguments, shape, n, real);
    return nas__stream_launch(tape, "passes", "passes_statistics", NULL, nas_pass_parts(shape, n),
                              shape.c, &arguments);
}

nas_status nas_pass_form(nas_tape *tape, const nas_gradient *gradient, nas_shape shape, int n,
                         int real, nas_tensor dz)
{
    return nas__pass_hand(tape, gradient, nas__map_plain(shape.c), &(nas_into){.g = dz}, shape, n,
                          real);
}

nas_status nas_pass_into(nas_tape *tape, nas_tensor v, const nas_into *into, nas_shape shape, int n,
                         int real)
{
    return nas__pass_hand(tape, &(nas_gradient){.g = v}, nas__map_plain(shape.c), into, shape, n,
                          real);
}

nas_status nas_pass_reduce(nas_tape *tape, nas_tensor g, nas_tensor z, nas_tensor mean,
                           nas_shape shape, int n, int real, nas_tensor reductions)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, g);
    nas__push_tensor(&arguments, z);
    nas__push_tensor(&arguments, mean);
    nas__push_tensor(&arguments, reductions);
    nas__push_axes(&arguments, shape, n, real);
    return nas__stream_launch(tape, "passes", "passes_reduce", NULL, nas_pass_parts(shape, n),
                              shape.c, &arguments);
}

nas_status nas_pass_sum(nas_tape *tape, nas_tensor first, nas_tensor others, uint64_t stride,
                        int count, nas_tensor total)
{
    nas__arguments arguments = {.count = 0};
    nas__push_tensor(&arguments, first);
    nas__push_tensor(&arguments, others);
    nas__push_tensor(&arguments, total);
    nas__push_uint(&arguments, (uint32_t)first.count);
    nas__push_uint(&arguments, (uint32_t)stride);
    nas__push_int(&arguments, count);
    return nas__stream_launch(tape, "passes", "passes_sum", NULL,
                              (int)((first.count + 1023) / 1024), 1, &arguments);
}
