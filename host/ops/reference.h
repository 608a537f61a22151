/* reference.h - how an op's plain C reference is compiled for float and for double.
 *
 * The idiom: an op's file includes itself twice at its end, once per number type.
 *
 *     #ifndef NAS_REAL              // the op itself: options, infer, kernels, descriptor
 *     #include "reference.h"
 *     ...
 *     static void NAS_FLOAT(forward)(const nas_reference_call *call);   // not needed if the includes stand before the descriptor
 *     #define NAS_REAL float
 *     #define NAS_REFERENCE(name) name##_float
 *     #include "conv2d.c"
 *     #undef NAS_REAL
 *     #undef NAS_REFERENCE
 *     #define NAS_REAL double
 *     #define NAS_REFERENCE(name) name##_double
 *     #include "conv2d.c"
 *     #undef NAS_REAL
 *     #undef NAS_REFERENCE
 *     ... descriptor with .reference_forward = { forward_float, forward_double } ...
 *     #else                         // the reference: plain loops on NAS_REAL
 *     static void NAS_REFERENCE(forward)(const nas_reference_call *call) { ... }
 *     #endif
 */
#ifndef NAS_OPS_REFERENCE_H
#define NAS_OPS_REFERENCE_H

#include <clnas/ops.h>

/* Index of element (c, h, w, n) in CHWN without padding. */
static inline size_t nas__at(nas_shape shape, int batch, int c, int h, int w, int n)
{
    return (((size_t)c * (size_t)shape.h + (size_t)h) * (size_t)shape.w + (size_t)w) *
               (size_t)batch +
           (size_t)n;
}

#endif
