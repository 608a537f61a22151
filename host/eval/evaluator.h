/* evaluator.h - what the files of this room share. */
#ifndef NAS_EVAL_EVALUATOR_H
#define NAS_EVAL_EVALUATOR_H

#include <clnas/eval.h>

/* A network that no attempt could fit on this device is a result (NAS_BOUND), found before anything is allocated; memory
 * that runs out later is not. */
nas_status nas__check_fits(nas_device *device, const nas_graph *graph,
                           const nas_net_options *options);

/* Of a training's key, the half word by which its first weights are drawn, as the trainer draws them. */
static inline uint32_t nas__initial_key(uint64_t key)
{
    return (uint32_t)(key ^ key >> 32);
}

#define NAS_EVALUATOR(name) extern const nas_evaluator nas__evaluator_##name;
#include "evaluator_list.h"
#undef NAS_EVALUATOR

#endif
