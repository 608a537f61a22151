/* command_worker.c - one worker process of a search, started by `clnas search`, never by people. */
#include "cli.h"

#include <stdlib.h>
#include <unistd.h>

static nas_status run(const cli_call *call)
{
    int code = nas_session_worker(call->count, call->arguments);
    fflush(NULL);
    _exit(code); /* an OpenCL driver's exit handlers have nothing left to say */
}

const cli_command cli_command_worker = {
    .name = "worker",
    .arguments = "ARGUMENT…",
    .summary = "Work on a study's trials (started by search and resume)",
    .arguments_min = 0,
    .arguments_max = 64,
    .run = run,
    .hidden = true,
};
