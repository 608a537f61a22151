/* help.c - --help of a command and of a program, from the same rows that parse the line (command_line.h).
 */
#include "command_line.h"

#include <string.h>

const char *cli_option_value(const cli_option *row)
{
    return row->type == CLI_FLAG ? ""
           : row->argument       ? row->argument
           : row->choices        ? row->choices
                                 : "VALUE";
}

static void print_option(const cli_option *row, FILE *to)
{
    char left[80];
    char letter[] = {'-', row->letter ? row->letter : ' ', row->letter ? ',' : ' ', '\0'};
    if (!row->letter)
        letter[0] = ' ';
    snprintf(left, sizeof left, "%s --%s%s%s", letter, row->name, row->type == CLI_FLAG ? "" : " ",
             cli_option_value(row));
    int padding = 34; /* in letters, not bytes */
    for (const char *at = left; *at; at++)
        padding -= (*at & 0xc0) != 0x80;
    fprintf(to, "  %s%*s %s", left, padding > 0 ? padding : 0, "", row->help);
    if (row->fallback && *row->fallback)
        fprintf(to, " (default %s)", row->fallback);
    if (row->type == CLI_LIST)
        fputs("; may be repeated", to);
    fputc('\n', to);
}

void cli_command_usage(const cli_program *program, const cli_command *command, FILE *to)
{
    char title[64];
    cli_command_title(program, command, title, sizeof title);
    fprintf(to, "usage: %s%s%s [OPTION]…\n", title, *command->arguments ? " " : "",
            command->arguments);
}

void cli_command_help(const cli_program *program, const cli_command *command, FILE *to)
{
    const cli_option *row;
    cli_command_usage(program, command, to);
    fprintf(to, "\n%s.\n", command->summary);
    if (command->examples)
        fprintf(to, "\nExamples:\n%s", command->examples);
    fputs("\nOptions:\n", to);
    for (int i = 0; (row = cli_option_at(program, command, i)) != NULL; i++)
        if (row->help)
            print_option(row, to);
    if (command->details)
        fprintf(to, "\n%s", command->details);
}

void cli_program_help(const cli_program *program, FILE *to)
{
    if (program->single) {
        cli_command_help(program, program->commands[0], to);
        return;
    }
    fprintf(to, "usage: %s COMMAND [OPTION]… [ARGUMENT]…\n", program->name);
    if (program->about)
        fprintf(to, "\n%s", program->about);
    if (program->examples)
        fprintf(to, "\nExamples:\n%s", program->examples);
    fprintf(to, "\nCommands (%s COMMAND --help tells more):\n", program->name);
    for (const cli_command *const *command = program->commands; *command; command++)
        if (!(*command)->hidden)
            fprintf(to, "  %-10s %s\n", (*command)->name, (*command)->summary);
    if (program->notes)
        fprintf(to, "\n%s", program->notes);
}
