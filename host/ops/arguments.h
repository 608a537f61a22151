/* arguments.h - pushing the argument groups of cl/access.clh in their fixed order. */
#ifndef NAS_OPS_ARGUMENTS_H
#define NAS_OPS_ARGUMENTS_H

#include <clnas/ops.h>

enum { NAS__ARGUMENTS = 64 };

typedef struct nas__arguments {
    nas_argument item[NAS__ARGUMENTS];
    int count;
} nas__arguments;

void nas__push_tensor(nas__arguments *arguments, nas_tensor tensor);
void nas__push_shares(nas__arguments *arguments); /* SHARES of cl/share.clh */
void nas__push_int(nas__arguments *arguments, int value);
void nas__push_uint(nas__arguments *arguments, uint32_t value);
void nas__push_float(nas__arguments *arguments, float value);
/* x, scale, shift, activation, slope.  Where the read has an activation but no affine, `ones`/`zeros` cannot be
 * conjured here: such a read must carry an affine (the net gives it one: see nas_read_mode). */
void nas__push_read(nas__arguments *arguments, const nas_read *read);
void nas__push_gradient(nas__arguments *arguments, const nas_gradient *gradient);
void nas__push_into(nas__arguments *arguments, const nas_into *into);

/* The groups of cl/stream.clh: the same, followed by what those kernels decide at run time (is there an affine,
 * are there coefficients, are reductions wanted), so that memory-bound operators need one program each. */
void nas__push_stream_read(nas__arguments *arguments, const nas_read *read);
void nas__push_stream_gradient(nas__arguments *arguments, const nas_gradient *gradient);
void nas__push_stream_into(nas__arguments *arguments, const nas_into *into);
/* Neither none nor relu: built only into the variants with CURVED=1. */
bool nas__is_curved(nas_activation activation);

#endif
