/* optimizer_list.h - every optimizer, one line each.  C builds the registry from it; CMake compiles
 * host/train/NAME.c, which defines `const nas_optimizer nas__optimizer_NAME`, and embeds
 * cl/NAME.cl. */
NAS_OPTIMIZER(sgd)
NAS_OPTIMIZER(adam)
NAS_OPTIMIZER(adamw)
NAS_OPTIMIZER(rmsprop)
