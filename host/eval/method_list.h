/* method_list.h - one-shot methods, by the strategy's name.  A strategy of this name is a line of host/search/strategy_list.h.
 *
 * Gradient-based: how a supernet's gates come from architecture weights (cl/gates.cl, relaxation.c).
 *   noisy    Gumbel noise on the weights before the softmax        hard   the winner's gate is 1, the others' 0: they do not run
 *   edges    edges into one node have weights of their own         pairs  α's step compares two choices of each row
 * By sampled paths: nothing but weights is trained, one path at a time (sampling.c).
 *   sampled  paths are drawn                                       fair   each step trains every choice of an edge once
 *   controlled  by a controller, which learns from their accuracy on other samples (controller.c) */
NAS_METHOD(darts, .noisy = false)
NAS_METHOD(snas, .noisy = true)
NAS_METHOD(gdas, .noisy = true, .hard = true)
NAS_METHOD(pcdarts, .edges = true)
NAS_METHOD(proxylessnas, .noisy = true, .hard = true, .pairs = true)
NAS_METHOD(spos, .sampled = true)
NAS_METHOD(fairnas, .sampled = true, .fair = true)
NAS_METHOD(enas, .sampled = true, .controlled = true)
