/* method_list.h - gradient-based one-shot methods, by the strategy's name: how a supernet's gates come from architecture weights
 * (cl/gates.cl).  A strategy of this name is a line of host/search/strategy_list.h.
 *
 *   noisy  Gumbel noise on the weights before the softmax          hard   the winner's gate is 1, the others' 0
 *   edges  edges into one node have weights of their own */
NAS_METHOD(darts, .noisy = false, .hard = false, .edges = false)
NAS_METHOD(snas, .noisy = true, .hard = false, .edges = false)
NAS_METHOD(gdas, .noisy = true, .hard = true, .edges = false)
NAS_METHOD(pcdarts, .noisy = false, .hard = false, .edges = true)
