/* space_list.h - every search space, one line each.  C builds the registry from it; CMake compiles
 * host/space/NAME.c for each line. */
NAS_SPACE(chain)
