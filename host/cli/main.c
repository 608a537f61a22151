/* main.c - finds the command, parses its options, runs it, and turns its status into an exit code.
 *
 * Everything a command fails with arrives here as one status and one message; this is the only place
 * that prints it and the only one that chooses the exit code (base.h, NAS_STATUS_LIST; 130 and 143 after a
 * signal that ended the work early).  Read command_list.h next, then any command_NAME.c.
 */
#include "cli.h"

#include <stdlib.h>

#define CLI_COMMAND(name) extern const cli_command cli_command_##name;
#include "command_list.h"
#undef CLI_COMMAND

static const cli_command *const commands[] = {
#define CLI_COMMAND(name) &cli_command_##name,
#include "command_list.h"
#undef CLI_COMMAND
    NULL,
};

static int verbosity; /* 0: warnings and information; -1: errors; 1: debug */

static void add_verbosity(int step)
{
    verbosity += step;
    nas_log_set(cli_log, NULL,
                verbosity < 0   ? NAS_LOG_ERROR
                : verbosity > 0 ? NAS_LOG_DEBUG
                                : NAS_LOG_INFO);
}

bool cli_quiet(void)
{
    return verbosity < 0;
}

static const cli_option common[] = {
    {.name = "verbose", .letter = 'v', .type = CLI_FLAG, .help = "Log debugging details too"},
    {.name = "quiet", .letter = 'q', .type = CLI_FLAG, .help = "Log errors only, no progress"},
    {.name = NULL},
};

static void use_common(char letter)
{
    add_verbosity(letter == 'v' ? 1 : -1);
}

const cli_program cli_clnas = {
    .name = "clnas",
    .summary = "design neural networks by searching, on any OpenCL device",
    .about =
        "Designs convolutional networks by searching, and trains every candidate itself, on any\n"
        "OpenCL device.\n",
    .examples =
        "  clnas init quickstart             write a commented config, quickstart.cfg\n"
        "  clnas search quickstart.cfg       run it; Ctrl-C is safe, `clnas resume` goes on\n"
        "  clnas best fashion.study          see what was found\n",
    .notes =
        "Data goes to stdout, progress and logs to stderr.  Exit codes: 0 done, 1 failed, 2 usage\n"
        "or config, 3 no usable device, 4 device or kernel error, 5 study store, 6 data set,\n"
        "7 stopped early (resumable), 130/143 after SIGINT/SIGTERM.\n",
    .files = "NAME.study\tA study, the log of a search: clnas-study(5).\n"
             "NAME.study.d\tWeights of its best trials.\n"
             "NAME.cfg\tA config: clnas.cfg(5).\n"
             "~/.cache/clnas\tCaches of compiled kernels and of decoded images.\n"
             "~/.local/share/clnas/tuning\tTuning files: clnas-tune(1).\n",
    .see_also = "clnas.cfg(5), clnas-study(5), clnas-bench(1), clnas-tune(1), clnas-simulate(1), "
                "clnas-rank(1), clnas-linear(1)",
    .commands = commands,
    .common = common,
    .use_common = use_common,
    .words = cli_words,
    .pages = cli_manual_pages_write,
};

/* Prints what went wrong; the exit code. */
static int finish(nas_status status)
{
    int signal = cli_interrupt_signal();
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    cli_progress_end();
    if (status == NAS_OK && lost)
        status = nas_error_set(NAS_FAILED, __FILE__, __LINE__, "writing to stdout failed");
    if (status != NAS_OK && *nas_error_message())
        (status == NAS_STOPPED ? cli_note : cli_error)("%s", nas_error_message());
    else if (status != NAS_OK)
        cli_error("%s", nas_status_text(status));
    if (signal && (status == NAS_OK || status == NAS_STOPPED))
        return 128 + signal;
    return nas_status_exit_code(status);
}

int main(int argc, char **argv)
{
    cli_outcome outcome;
    add_verbosity(0);
    return finish(cli_program_run(&cli_clnas, argc, argv, &outcome));
}
