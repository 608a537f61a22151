/* evaluator.h - what the files of this room share. */
#ifndef NAS_EVAL_EVALUATOR_H
#define NAS_EVAL_EVALUATOR_H

#include <clnas/eval.h>

/* A network that no attempt could fit on this device is a result (NAS_BOUND), found before anything is allocated; memory
 * that runs out later is not. */
nas_status nas__check_fits(nas_device *device, const nas_graph *graph,
                           const nas_net_options *options);

#define NAS_EVALUATOR(name) extern const nas_evaluator nas__evaluator_##name;
#include "evaluator_list.h"
#undef NAS_EVALUATOR

#endif
