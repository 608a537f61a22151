/* nas_test_tensor.h - what is in a tensor. */
#ifndef NAS_TEST_TENSOR_H
#define NAS_TEST_TENSOR_H

#include "nas_test.h"

#include <clnas/tensor.h>

#include <stdlib.h>

/* Its floats (at least one is there to look at); free() them. */
static inline float *nas_test_read(nas_tensor tensor)
{
    float *values = calloc((size_t)tensor.count + 1, sizeof *values);
    assert_non_null(values);
    if (tensor.count)
        nas_test_ok(nas_tensor_read(tensor, values));
    return values;
}

#endif
