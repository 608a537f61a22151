/* space_list.h - every search space, one line each.  C builds the registry from it; CMake compiles
 * host/space/NAME.c for each line. */
NAS_SPACE(chain)
NAS_SPACE(chain_skip)
NAS_SPACE(cell)
NAS_SPACE(cell201)
NAS_SPACE(cell101)
NAS_SPACE(template)
