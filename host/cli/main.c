/* main.c - finds the command, parses its options, runs it, and turns its status into an exit code.
 *
 * Everything a command fails with arrives here as one status and one message; this is the only place
 * that prints it and the only one that chooses the exit code (base.h, NAS_STATUS_LIST; 130 and 143 after a
 * signal that ended the work early).  Read command_list.h next, then any command_NAME.c.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define CLI_COMMAND(name) extern const cli_command cli_command_##name;
#include "command_list.h"
#undef CLI_COMMAND

static const cli_command *const commands[] = {
#define CLI_COMMAND(name) &cli_command_##name,
#include "command_list.h"
#undef CLI_COMMAND
};

static int verbosity; /* 0: warnings and information; -1: errors; 1: debug */

const cli_command *const *cli_commands(int *count)
{
    *count = (int)(sizeof commands / sizeof *commands);
    return commands;
}

const cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

void cli_verbosity_add(int step)
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

static nas_status get_command(const char *name, const cli_command **command)
{
    const char *names[sizeof commands / sizeof *commands], *nearest;
    int count = 0;
    *command = cli_command_find(name);
    if (*command)
        return NAS_OK;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!commands[i]->hidden)
            names[count++] = commands[i]->name;
    nearest = nas_nearest_name(name, names, count);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "there is no command '%s'; did you mean '%s'?", name, nearest);
    NAS_FAIL(NAS_CONFIG, "there is no command '%s'; 'clnas --help' lists them", name);
}

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

static nas_status run(const cli_command *command, int argc, char **argv)
{
    nas_status status = NAS_OK;
    bool help;
    cli_call call;
    void *instance = calloc(1, command->instance_size + 1);
    if (!instance)
        NAS_FAIL(NAS_MEMORY, "no memory for the options of %s", command->name);
    NAS_TRY_DONE(cli_parse(command, argc, argv, instance, &call, &help));
    if (help)
        cli_command_help(command, stdout);
    else
        status = command->run(&call);
done:
    free(instance);
    return status;
}

/* clnas --help, --version, help [COMMAND], and -v or -q in front of the command. */
static nas_status run_program(int argc, char **argv)
{
    const cli_command *command;
    int at = 1;
    for (; at < argc && (strcmp(argv[at], "-v") == 0 || strcmp(argv[at], "-q") == 0); at++)
        cli_verbosity_add(argv[at][1] == 'v' ? 1 : -1);
    if (at == argc) {
        cli_program_help(stderr);
        NAS_FAIL(NAS_CONFIG, "no command given");
    }
    if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0 ||
        (strcmp(argv[at], "help") == 0 && at + 1 == argc)) {
        cli_program_help(stdout);
        return NAS_OK;
    }
    if (strcmp(argv[at], "help") == 0) {
        NAS_TRY(get_command(argv[at + 1], &command));
        cli_command_help(command, stdout);
        return NAS_OK;
    }
    NAS_TRY(get_command(strcmp(argv[at], "--version") == 0 ? "version" : argv[at], &command));
    return run(command, argc - at, argv + at);
}

int main(int argc, char **argv)
{
    cli_verbosity_add(0);
    return finish(run_program(argc, argv));
}
