/* peer_script.h - where the scripts of tools/peers/ lie: beside the program that runs, in ../share/clnas/peers. */
#ifndef CLNAS_TOOLS_PEER_SCRIPT_H
#define CLNAS_TOOLS_PEER_SCRIPT_H

#include <clnas/base.h>

/* The path of NAME.py.  In the build folder and where clnas is installed the way from bin/ is the same, so no program knows the folder that it was
 * built in.  NAS_FAILED: the path does not fit, or the program cannot tell where it is. */
nas_status peer_script(const char *name, char *path, size_t size);

#endif
