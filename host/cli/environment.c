/* environment.c - what the programs look up in the environment: the one table for the man pages and docs/config.md. */
#include "command_line.h"

const cli_variable cli_environment[] = {
    {"CLNAS_CACHE", "Folder of the caches of kernels and of decoded images; else "
                    "`$XDG_CACHE_HOME/clnas`, else `~/.cache/clnas`."},
    {"CLNAS_TUNING", "Folder of tuning files, or `never`; else `$XDG_DATA_HOME/clnas/tuning`, else "
                     "`~/.local/share/clnas/tuning`."},
    {"CLNAS_DEVICE", "The device where neither the command line nor the config names one."},
    {"CLNAS_KERNEL_CACHE", "`always` or `never`; else binaries of kernels are kept for all drivers "
                           "but PoCL, which keeps its own."},
    {"CLNAS_LANES", "4, 8 or 16: floats that kernels take at a time, in place of what the device "
                    "prefers; for measuring."},
    {"CLNAS_SHARES",
     "Shares of an image, in place of one for each thread; 0: none; for measuring."},
    {"CLNAS_TEAMS", "The most teams of cores with a queue each; 1: none; for measuring."},
    {"CLNAS_PEER_PYTHON", "The Python that runs exported networks, in place of `python3`."},
    {"NO_COLOR, TERM, COLUMNS",
     "No colours; `TERM=dumb`: no line is redrawn; the width of tables."},
    {"OCL_ICD_VENDORS, POCL_CACHE_DIR, POCL_MAX_PTHREAD_COUNT, RUSTICL_ENABLE",
     "Belong to the OpenCL loader and the drivers."},
    {NULL, NULL},
};
