/* loss.h - what the losses of this room share: see cl/loss.clh. */
#ifndef NAS_OPS_LOSS_H
#define NAS_OPS_LOSS_H

#include "passes.h"

/* Outputs as a vector of one value for each; a loss has the shape of one value.  `name` is in the message. */
nas_status nas__loss_infer(const char *name, nas_shape in, nas_shape *out);
/* Adds up (loss sum, score sum) of each strip in scratch, into the metrics slot that the step block names. */
nas_status nas__loss_finish(const nas_op_call *call, const char *source, nas_tape *tape);
/* Word i of labels, as a float. */
float nas__label_number(const int32_t *labels, int64_t i);

#endif
