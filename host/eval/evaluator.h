/* evaluator.h - what the files of this room share. */
#ifndef NAS_EVAL_EVALUATOR_H
#define NAS_EVAL_EVALUATOR_H

#include <clnas/eval.h>

#define NAS_EVALUATOR(name) extern const nas_evaluator nas__evaluator_##name;
#include "evaluator_list.h"
#undef NAS_EVALUATOR

#endif
