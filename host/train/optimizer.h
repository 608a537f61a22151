/* optimizer.h - what optimizers share: the registry's descriptors and one launch over a flat block.
 * Private to this room. */
#ifndef NAS_TRAIN_OPTIMIZER_H
#define NAS_TRAIN_OPTIMIZER_H

#include <clnas/train.h>

#define NAS_OPTIMIZER(name) extern const nas_optimizer nas__optimizer_##name;
#include "optimizer_list.h"
#undef NAS_OPTIMIZER

/* Records `kernel` of cl/`source`.cl, one work-item per LANES floats of the block, with the
 * arguments that every update kernel begins with, then `extra`:
 *   parameters, gradients, moments[0], moments[1], step block, scale, owners, open, ulong
 *   count, ulong decayed_count */
nas_status nas__update_record(const nas_optimizer_call *call, const char *source,
                              const char *kernel, const char *defines, const nas_argument *extra,
                              int extra_count, nas_tape *tape);

#endif
