/* command_line.c - option rows become getopt_long's tables and typed values.
 *
 * One table per command says everything once.  Parsing goes through getopt_long, so `--trials 5`,
 * `--trials=5`, bundled letters, `--` and options behind arguments work as everywhere.  What getopt
 * cannot do is say what was probably meant: an unknown option is answered with the nearest name.
 */
#include "command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_LIMIT = 32, FIRST_CODE = 1000 };

static const cli_option help_row = {
    .name = "help", .letter = 'h', .type = CLI_FLAG, .help = "Show this help"};

const cli_option *cli_option_at(const cli_program *program, const cli_command *command, int index)
{
    for (const cli_option *row = command->options; row && row->name; row++)
        if (index-- == 0)
            return row;
    for (const cli_option *row = program->common; row && row->name; row++)
        if (index-- == 0)
            return row;
    return index == 0 ? &help_row : NULL;
}

static bool is_own(const cli_command *command, const cli_option *option)
{
    for (const cli_option *row = command->options; row && row->name; row++)
        if (row == option)
            return true;
    return false;
}

static nas_status set_number(const cli_option *row, const char *text, void *field)
{
    char *end;
    double number;
    long long integer = 0;
    errno = 0;
    if (row->type != CLI_REAL) {
        integer = strtoll(text, &end, 10);
        number = (double)integer;
    } else {
        number = strtod(text, &end);
    }
    if (end == text || *end || errno || number != number)
        NAS_FAIL(NAS_CONFIG, "--%s wants a%s, not '%s'", row->name,
                 row->type == CLI_REAL ? " number" : " whole number", text);
    if ((row->min != 0 || row->max != 0) && (number < row->min || number > row->max))
        NAS_FAIL(NAS_CONFIG, "--%s is %s, but must lie in %.10g … %.10g", row->name, text, row->min,
                 row->max);
    if (row->type == CLI_INT)
        *(int64_t *)field = integer;
    else if (row->type == CLI_NUMBER)
        *(int *)field = (int)integer;
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

static nas_status fail_unknown(const cli_program *program, const cli_command *command,
                               const char *given, int letter)
{
    const char *names[OPTION_LIMIT], *nearest;
    char name[64], title[64];
    int count = 0;
    const cli_option *row;
    cli_command_title(program, command, title, sizeof title);
    if (letter)
        NAS_FAIL(NAS_CONFIG, "%s has no option -%c; '%s --help' lists them", title, letter, title);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(given, "="), given);
    while (count < OPTION_LIMIT && (row = cli_option_at(program, command, count)) != NULL)
        names[count++] = row->name;
    nearest = nas_nearest_name(name, names, count);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "%s has no option --%s; did you mean --%s?", title, name, nearest);
    NAS_FAIL(NAS_CONFIG, "%s has no option --%s; '%s --help' lists them", title, name, title);
}

/* What getopt complained about: '?' (unknown) or ':' (value missing). */
static nas_status fail_getopt(const cli_program *program, const cli_command *command, int code,
                              char **argv)
{
    const char *word = argv[optind - 1];
    const cli_option *row;
    if (code != ':' && optopt == 0)
        return fail_unknown(program, command, strncmp(word, "--", 2) == 0 ? word + 2 : word, 0);
    for (int i = 0; (row = cli_option_at(program, command, i)) != NULL; i++) {
        if (optopt != FIRST_CODE + i && !(row->letter && optopt == row->letter))
            continue;
        if (row->type == CLI_FLAG)
            NAS_FAIL(NAS_CONFIG, "--%s takes no value", row->name);
        NAS_FAIL(NAS_CONFIG, "--%s wants a value: --%s %s", row->name, row->name,
                 cli_option_value(row));
    }
    return fail_unknown(program, command, "", optopt);
}

/* Fills getopt_long's tables from the rows. */
static void make_tables(const cli_program *program, const cli_command *command,
                        struct option *longs, char *letters)
{
    const cli_option *row;
    char *next = letters;
    *next++ = ':';
    for (int i = 0; i < OPTION_LIMIT && (row = cli_option_at(program, command, i)) != NULL; i++) {
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

static nas_status check_count(const cli_program *program, const cli_command *command,
                              const cli_call *call)
{
    char title[64];
    cli_command_title(program, command, title, sizeof title);
    if (call->count < command->arguments_min)
        NAS_FAIL(NAS_CONFIG, "%s wants %s; '%s --help' tells more", title, command->arguments,
                 title);
    if (call->count > command->arguments_max)
        NAS_FAIL(NAS_CONFIG, "%s does not know what to do with '%s'", title,
                 call->arguments[command->arguments_max]);
    return NAS_OK;
}

static void use_common(const cli_program *program, const cli_option *row, bool *help)
{
    if (row == &help_row)
        *help = true;
    else if (program->use_common)
        program->use_common(row->letter);
}

nas_status cli_parse(const cli_program *program, const cli_command *command, int argc, char **argv,
                     void *instance, cli_call *call, bool *help)
{
    struct option longs[OPTION_LIMIT + 1] = {{0}};
    char letters[2 * OPTION_LIMIT + 2];
    int code;
    make_tables(program, command, longs, letters);
    NAS_TRY(fill_defaults(command, instance));
    *help = false;
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const cli_option *row = NULL;
        if (code == '?' || code == ':')
            return fail_getopt(program, command, code, argv);
        for (int i = 0; (row = cli_option_at(program, command, i)) != NULL; i++)
            if (code == FIRST_CODE + i || code == row->letter)
                break;
        if (is_own(command, row))
            NAS_TRY(set_option(row, optarg, instance));
        else
            use_common(program, row, help);
    }
    *call = (cli_call){instance, argc - optind, argv + optind, argv};
    return *help ? NAS_OK : check_count(program, command, call);
}
