/* program.c - from argv to a command that runs: the same for clnas, which has many, and for the tools, of which most are one.
 *
 *     PROGRAM COMMAND …, PROGRAM help [COMMAND], --help, --version
 *     PROGRAM --completion bash|zsh|fish      the script, on stdout
 *     PROGRAM --manual FOLDER                 its man pages, into the folder
 */
#include "command_line.h"

#include <stdlib.h>
#include <string.h>

const cli_command *cli_command_find(const cli_program *program, const char *name)
{
    for (const cli_command *const *command = program->commands; *command; command++)
        if (strcmp((*command)->name, name) == 0)
            return *command;
    return NULL;
}

void cli_command_title(const cli_program *program, const cli_command *command, char *title,
                       size_t size)
{
    snprintf(title, size, "%s%s%s", program->name, program->single ? "" : " ",
             program->single ? "" : command->name);
}

static nas_status get_command(const cli_program *program, const char *name,
                              const cli_command **command)
{
    const char *names[64], *nearest;
    int count = 0;
    *command = cli_command_find(program, name);
    if (*command)
        return NAS_OK;
    for (const cli_command *const *row = program->commands; *row && count < 64; row++)
        if (!(*row)->hidden)
            names[count++] = (*row)->name;
    nearest = nas_nearest_name(name, names, count);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "there is no command '%s'; did you mean '%s'?", name, nearest);
    NAS_FAIL(NAS_CONFIG, "there is no command '%s'; '%s --help' lists them", name, program->name);
}

static nas_status run(const cli_program *program, int argc, char **argv, cli_outcome *outcome)
{
    const cli_command *command = outcome->command;
    nas_status status = NAS_OK;
    bool help;
    cli_call call;
    void *instance = calloc(1, command->instance_size + 1);
    if (!instance)
        NAS_FAIL(NAS_MEMORY, "no memory for the options of %s", command->name);
    status = cli_parse(program, command, argc, argv, instance, &call, &help);
    outcome->misused = status != NAS_OK;
    NAS_TRY_DONE(status);
    if (help)
        cli_command_help(program, command, stdout);
    else
        status = command->run(&call);
done:
    free(instance);
    return status;
}

/* The words that are about the program itself; false: it is none of them. */
static bool run_about(const cli_program *program, const char *word, const char *next,
                      nas_status *status)
{
    *status = NAS_OK;
    if (strcmp(word, "--version") == 0) {
        int major, minor, patch;
        nas_version(&major, &minor, &patch);
        printf("%s %d.%d.%d\n", program->name, major, minor, patch);
    } else if (next && strcmp(word, "--completion") == 0) {
        *status = cli_completion_print(program, next, stdout);
    } else if (next && strcmp(word, "--manual") == 0) {
        *status = cli_manual_write(program, next);
    } else {
        return false;
    }
    return true;
}

static bool is_common(const cli_program *program, const char *word)
{
    for (const cli_option *row = program->common; row && row->name; row++)
        if (word[0] == '-' && word[1] == row->letter && !word[2])
            return true;
    return false;
}

static nas_status run_command(const cli_program *program, int argc, char **argv,
                              cli_outcome *outcome)
{
    const char *word = argv[0];
    const bool help = strcmp(word, "help") == 0;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (help && argc == 1)) {
        cli_program_help(program, stdout);
        return NAS_OK;
    }
    NAS_TRY(get_command(program, help ? argv[1] : word, &outcome->command));
    if (!help)
        return run(program, argc, argv, outcome);
    cli_command_help(program, outcome->command, stdout);
    return NAS_OK;
}

nas_status cli_program_run(const cli_program *program, int argc, char **argv, cli_outcome *outcome)
{
    nas_status status;
    int at = 1;
    *outcome = (cli_outcome){NULL, false};
    for (; at < argc && !program->single && is_common(program, argv[at]); at++)
        program->use_common(argv[at][1]);
    if (at < argc && run_about(program, argv[at], at + 1 < argc ? argv[at + 1] : NULL, &status))
        return status;
    if (program->single) {
        outcome->command = program->commands[0];
        return run(program, argc, argv, outcome);
    }
    if (at < argc)
        return run_command(program, argc - at, argv + at, outcome);
    cli_program_help(program, stderr);
    NAS_FAIL(NAS_CONFIG, "no command given");
}

int cli_tool_main(const cli_program *program, int argc, char **argv)
{
    cli_outcome outcome;
    char title[64];
    nas_status status = cli_program_run(program, argc, argv, &outcome);
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    snprintf(title, sizeof title, "%s", program->name);
    if (outcome.command)
        cli_command_title(program, outcome.command, title, sizeof title);
    if (status == NAS_OK && lost)
        status = nas_error_set(NAS_FAILED, __FILE__, __LINE__, "writing to stdout failed");
    if (status != NAS_OK)
        fprintf(stderr, "%s: %s\n", title,
                *nas_error_message() ? nas_error_message() : nas_status_text(status));
    if (outcome.misused)
        cli_command_usage(program, outcome.command, stderr);
    return nas_status_exit_code(status);
}
