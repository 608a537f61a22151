/* arguments.c - pushing kernel arguments in the fixed groups of cl/access.clh and cl/stream.clh.
 *
 * Every group is pushed whole, whatever the mode: variants of a kernel differ by defines, never by their argument
 * lists.  A tensor that is not there becomes the device room's dummy buffer, which a kernel must not touch.
 */
#include "arguments.h"

#include <assert.h>

static void push(nas__arguments *arguments, nas_argument argument)
{
    assert(arguments->count < NAS__ARGUMENTS);
    arguments->item[arguments->count++] = argument;
}

void nas__push_tensor(nas__arguments *arguments, nas_tensor tensor)
{
    push(arguments, NAS_ARG_TENSOR(tensor));
}

void nas__push_shares(nas__arguments *arguments)
{
    push(arguments, NAS_ARG_SHARES);
}

void nas__push_int(nas__arguments *arguments, int value)
{
    push(arguments, NAS_ARG_INT(value));
}

void nas__push_uint(nas__arguments *arguments, uint32_t value)
{
    push(arguments, NAS_ARG_UINT(value));
}

void nas__push_float(nas__arguments *arguments, float value)
{
    push(arguments, NAS_ARG_FLOAT(value));
}

void nas__push_read(nas__arguments *arguments, const nas_read *read)
{
    nas__push_tensor(arguments, read->x);
    nas__push_tensor(arguments, read->scale);
    nas__push_tensor(arguments, read->shift);
    nas__push_int(arguments, (int)read->activation);
    nas__push_float(arguments, read->slope);
}

void nas__push_gradient(nas__arguments *arguments, const nas_gradient *gradient)
{
    nas__push_tensor(arguments, gradient->g);
    nas__push_tensor(arguments, gradient->z);
    nas__push_tensor(arguments, gradient->coefficients);
}

void nas__push_into(nas__arguments *arguments, const nas_into *into)
{
    nas__push_tensor(arguments, into->g);
    nas__push_tensor(arguments, into->read.x);
    nas__push_tensor(arguments, into->read.scale);
    nas__push_tensor(arguments, into->read.shift);
    nas__push_tensor(arguments, into->mean);
    nas__push_tensor(arguments, into->reductions);
    nas__push_int(arguments, (int)into->read.activation);
    nas__push_float(arguments, into->read.slope);
    nas__push_int(arguments, into->accumulate);
}

void nas__push_stream_read(nas__arguments *arguments, const nas_read *read)
{
    nas__push_read(arguments, read);
    nas__push_int(arguments, read->scale.buffer != NULL);
}

void nas__push_stream_gradient(nas__arguments *arguments, const nas_gradient *gradient)
{
    nas__push_gradient(arguments, gradient);
    nas__push_int(arguments, gradient->coefficients.buffer != NULL);
}

void nas__push_stream_into(nas__arguments *arguments, const nas_into *into)
{
    nas__push_into(arguments, into);
    nas__push_int(arguments, into->read.scale.buffer != NULL);
    nas__push_int(arguments, into->reductions.buffer != NULL);
}

bool nas__is_curved(nas_activation activation)
{
    return activation > NAS_ACT_RELU;
}

int nas_read_mode(const nas_read *read)
{
    if (read->activation == NAS_ACT_NONE)
        return read->scale.buffer ? 1 : 0;
    return read->activation == NAS_ACT_RELU ? 2 : 3;
}

int nas_into_mode(const nas_into *into)
{
    if (into->reductions.buffer)
        return 2;
    return into->read.activation == NAS_ACT_NONE ? 0 : 1;
}
