/* convolution.h - recording convolutions: what conv2d and dense have in common.  See convolution.c. */
#ifndef NAS_OPS_CONVOLUTION_H
#define NAS_OPS_CONVOLUTION_H

#include <clnas/ops.h>

/* One convolution, groups = in.c = out.c being depthwise.  A dense layer is 1×1 over an image of one pixel. */
typedef struct nas__convolution {
    nas_shape in, out;
    int kernel_h, kernel_w, stride, dilation, pad_h, pad_w, groups;
    bool bias;
    int plane; /* dense: in.c counts pixels, `plane` of each real channel; else 1 */
} nas__convolution;

/* Sizes, forward and backward of an op whose call is this convolution (weight in parameters[0], bias in [1]). */
void nas__convolution_sizes(const nas__convolution *convolution, const nas_op_call *call,
                            nas_op_sizes *sizes);
nas_status nas__convolution_forward(const nas__convolution *convolution, const nas_op_call *call,
                                    nas_tape *tape);
nas_status nas__convolution_backward(const nas__convolution *convolution, const nas_op_call *call,
                                     nas_tape *tape);

/* See nas_op.candidates. */
int nas__convolution_candidates(const nas__convolution *convolution, const nas_op_call *call,
                                nas_op_pass pass, bool inexact, nas_tuning_row *rows, int most);

/* For tests: true sends everything to the plain kernels. */
extern bool nas__convolution_plain;

#endif
