/* strategy_list.h - every strategy, one line each.  C builds the registry from it; CMake compiles
 * host/search/NAME.c for each line. */
NAS_STRATEGY(random)
NAS_STRATEGY(evolution)
