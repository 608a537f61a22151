/* nas_test_buffers.h - floats on a device. */
#ifndef NAS_TEST_BUFFERS_H
#define NAS_TEST_BUFFERS_H

#include "nas_test.h"

#include <clnas/device.h>

/* `values` NULL: zeros. */
static inline nas_buffer *nas_test_floats(nas_device *device, const float *values, size_t count)
{
    nas_buffer *buffer = NULL;
    nas_test_ok(nas_buffer_create(device, count * sizeof(float), "floats", &buffer));
    if (values)
        nas_test_ok(nas_buffer_write(buffer, 0, count * sizeof(float), values));
    return buffer;
}

#endif
