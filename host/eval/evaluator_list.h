/* evaluator_list.h - the evaluators.  A line here compiles host/eval/NAME.c and puts it in the table. */
NAS_EVALUATOR(trained)
NAS_EVALUATOR(table)
NAS_EVALUATOR(zero_cost)
NAS_EVALUATOR(supernet)
