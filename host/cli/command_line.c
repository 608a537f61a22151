/* command_line.c - option rows become getopt_long's tables, typed values and --help.
 *
 * One table per command says everything once.  Parsing goes through getopt_long, so `--trials 5`,
 * `--trials=5`, bundled letters, `--` and options behind arguments work as everywhere.  What getopt
 * cannot do is say what was probably meant: an unknown option is answered with the nearest name.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_LIMIT = 32, FIRST_CODE = 1000 };

/* Options that every command has, behind its own. */
static const cli_option common[] = {
    {.name = "verbose", .letter = 'v', .type = CLI_FLAG, .help = "Log debugging details too"},
    {.name = "quiet", .letter = 'q', .type = CLI_FLAG, .help = "Log errors only, no progress"},
    {.name = "help", .letter = 'h', .type = CLI_FLAG, .help = "Show this help"},
    {.name = NULL},
};

/* The command's row at `index`, then the common ones; NULL behind the last. */
static const cli_option *option_at(const cli_command *command, int index)
{
    for (const cli_option *row = command->options; row && row->name; row++)
        if (index-- == 0)
            return row;
    for (const cli_option *row = common; row->name; row++)
        if (index-- == 0)
            return row;
    return NULL;
}

static bool is_common(const cli_option *row)
{
    return row >= common && row < common + sizeof common / sizeof *common;
}

static nas_status set_number(const cli_option *row, const char *text, void *field)
{
    char *end;
    double number;
    long long integer = 0;
    errno = 0;
    if (row->type == CLI_INT) {
        integer = strtoll(text, &end, 10);
        number = (double)integer;
    } else {
        number = strtod(text, &end);
    }
    if (end == text || *end || errno || number != number)
        NAS_FAIL(NAS_CONFIG, "--%s wants a%s, not '%s'", row->name,
                 row->type == CLI_INT ? " whole number" : " number", text);
    if ((row->min != 0 || row->max != 0) && (number < row->min || number > row->max))
        NAS_FAIL(NAS_CONFIG, "--%s is %s, but must lie in %.10g … %.10g", row->name, text, row->min,
                 row->max);
    if (row->type == CLI_INT)
        *(int64_t *)field = integer;
    else
        *(double *)field = number;
    return NAS_OK;
}

static nas_status set_choice(const cli_option *row, const char *text, void *field)
{
    char words[16][NAS_TEXT_SIZE];
    const char *names[16];
    int count = 0, index = nas_choice_index(row->choices, text);
    if (index >= 0) {
        *(int *)field = index;
        return NAS_OK;
    }
    while (count < 16 && nas_choice_name(row->choices, count, words[count], sizeof words[0])) {
        names[count] = words[count];
        count++;
    }
    const char *nearest = nas_nearest_name(text, names, count);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "--%s has no choice '%s'; did you mean '%s'? (%s)", row->name, text,
                 nearest, row->choices);
    NAS_FAIL(NAS_CONFIG, "--%s has no choice '%s' (%s)", row->name, text, row->choices);
}

static nas_status set_option(const cli_option *row, const char *text, void *instance)
{
    void *field = (char *)instance + row->offset;
    cli_list *list = field;
    switch (row->type) {
    case CLI_FLAG:
        *(bool *)field = true;
        return NAS_OK;
    case CLI_TEXT:
        *(const char **)field = text;
        return NAS_OK;
    case CLI_LIST:
        if (list->count == CLI_LIST_SIZE)
            NAS_FAIL(NAS_CONFIG, "--%s can be given %d times at most", row->name, CLI_LIST_SIZE);
        list->item[list->count++] = text;
        return NAS_OK;
    case CLI_CHOICE:
        return set_choice(row, text, field);
    default:
        return set_number(row, text, field);
    }
}

static nas_status fail_unknown(const cli_command *command, const char *given, int letter)
{
    const char *names[OPTION_LIMIT], *nearest;
    char name[64];
    int count = 0;
    const cli_option *row;
    if (letter)
        NAS_FAIL(NAS_CONFIG, "clnas %s has no option -%c; 'clnas %s --help' lists them",
                 command->name, letter, command->name);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(given, "="), given);
    while (count < OPTION_LIMIT && (row = option_at(command, count)) != NULL)
        names[count++] = row->name;
    nearest = nas_nearest_name(name, names, count);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "clnas %s has no option --%s; did you mean --%s?", command->name, name,
                 nearest);
    NAS_FAIL(NAS_CONFIG, "clnas %s has no option --%s; 'clnas %s --help' lists them", command->name,
             name, command->name);
}

/* What getopt complained about: '?' (unknown) or ':' (value missing). */
static nas_status fail_getopt(const cli_command *command, int code, char **argv)
{
    const char *word = argv[optind - 1];
    const cli_option *row;
    if (code != ':' && optopt == 0)
        return fail_unknown(command, strncmp(word, "--", 2) == 0 ? word + 2 : word, 0);
    for (int i = 0; (row = option_at(command, i)) != NULL; i++) {
        if (optopt != FIRST_CODE + i && !(row->letter && optopt == row->letter))
            continue;
        if (row->type == CLI_FLAG)
            NAS_FAIL(NAS_CONFIG, "--%s takes no value", row->name);
        NAS_FAIL(NAS_CONFIG, "--%s wants a value: --%s %s", row->name, row->name,
                 row->argument  ? row->argument
                 : row->choices ? row->choices
                                : "VALUE");
    }
    return fail_unknown(command, "", optopt);
}

/* Fills getopt_long's tables from the rows. */
static void make_tables(const cli_command *command, struct option *longs, char *letters)
{
    const cli_option *row;
    char *next = letters;
    *next++ = ':';
    for (int i = 0; i < OPTION_LIMIT && (row = option_at(command, i)) != NULL; i++) {
        bool value = row->type != CLI_FLAG;
        longs[i] = (struct option){row->name, value ? required_argument : no_argument, NULL,
                                   FIRST_CODE + i};
        if (!row->letter)
            continue;
        *next++ = row->letter;
        if (value)
            *next++ = ':';
    }
    *next = '\0';
}

static nas_status fill_defaults(const cli_command *command, void *instance)
{
    for (const cli_option *row = command->options; row && row->name; row++)
        if (row->fallback)
            NAS_TRY(set_option(row, row->fallback, instance));
    return NAS_OK;
}

static nas_status check_count(const cli_command *command, const cli_call *call)
{
    if (call->count < command->arguments_min)
        NAS_FAIL(NAS_CONFIG, "clnas %s wants %s; 'clnas %s --help' shows examples", command->name,
                 command->arguments, command->name);
    if (call->count > command->arguments_max)
        NAS_FAIL(NAS_CONFIG, "clnas %s does not know what to do with '%s'", command->name,
                 call->arguments[command->arguments_max]);
    return NAS_OK;
}

static void use_common(const cli_option *row, bool *help)
{
    if (row->letter == 'h')
        *help = true;
    else
        cli_verbosity_add(row->letter == 'v' ? 1 : -1);
}

nas_status cli_parse(const cli_command *command, int argc, char **argv, void *instance,
                     cli_call *call, bool *help)
{
    struct option longs[OPTION_LIMIT + 1] = {{0}};
    char letters[2 * OPTION_LIMIT + 2];
    int code;
    make_tables(command, longs, letters);
    NAS_TRY(fill_defaults(command, instance));
    *help = false;
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const cli_option *row = NULL;
        if (code == '?' || code == ':')
            return fail_getopt(command, code, argv);
        for (int i = 0; (row = option_at(command, i)) != NULL; i++)
            if (code == FIRST_CODE + i || code == row->letter)
                break;
        if (is_common(row))
            use_common(row, help);
        else
            NAS_TRY(set_option(row, optarg, instance));
    }
    *call = (cli_call){instance, argc - optind, argv + optind, argv};
    return *help ? NAS_OK : check_count(command, call);
}

/* ---- help ---------------------------------------------------------------------------------------- */

static void print_option(const cli_option *row, FILE *to)
{
    char left[80];
    char letter[] = {'-', row->letter ? row->letter : ' ', row->letter ? ',' : ' ', '\0'};
    const char *value = row->argument ? row->argument : row->choices ? row->choices : "VALUE";
    if (!row->letter)
        letter[0] = ' ';
    snprintf(left, sizeof left, "%s --%s%s%s", letter, row->name, row->type == CLI_FLAG ? "" : " ",
             row->type == CLI_FLAG ? "" : value);
    fprintf(to, "  %-34s %s", left, row->help);
    if (row->fallback)
        fprintf(to, " (default %s)", row->fallback);
    if (row->type == CLI_LIST)
        fputs("; may be repeated", to);
    fputc('\n', to);
}

void cli_command_help(const cli_command *command, FILE *to)
{
    const cli_option *row;
    fprintf(to, "usage: clnas %s%s%s [OPTION]…\n\n%s.\n", command->name,
            *command->arguments ? " " : "", command->arguments, command->summary);
    if (command->examples)
        fprintf(to, "\nExamples:\n%s", command->examples);
    fputs("\nOptions:\n", to);
    for (int i = 0; (row = option_at(command, i)) != NULL; i++)
        if (row->help)
            print_option(row, to);
    if (command->details)
        fprintf(to, "\n%s", command->details);
}

void cli_program_help(FILE *to)
{
    int count;
    const cli_command *const *commands = cli_commands(&count);
    fputs("usage: clnas COMMAND [OPTION]… [ARGUMENT]…\n\n"
          "Designs convolutional networks by searching, and trains every candidate itself, on any\n"
          "OpenCL device.\n\n"
          "A first search:\n"
          "  clnas init quickstart             write a commented config, quickstart.cfg\n"
          "  clnas search quickstart.cfg       run it; Ctrl-C is safe, `clnas resume` goes on\n"
          "  clnas best fashion.study          see what was found\n\n"
          "Commands (clnas COMMAND --help tells more):\n",
          to);
    for (int i = 0; i < count; i++)
        if (!commands[i]->hidden)
            fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nData goes to stdout, progress and logs to stderr.  Exit codes: 0 done, 1 failed, 2 "
          "usage\n"
          "or config, 3 no usable device, 4 device or kernel error, 5 study store, 6 data set,\n"
          "7 stopped early (resumable), 130/143 after SIGINT/SIGTERM.\n",
          to);
}
