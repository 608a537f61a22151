/* manual.c - a man page for a program and for each of its commands, from the tables that --help is printed from.
 *
 * As with git, the page of `clnas search` is clnas-search(1); what all commands share (exit status, environment, signals) stands in
 * the program's own.  Words and escapes: manual_text.c.
 */
#include "command_line.h"

#include <ctype.h>
#include <string.h>

/* The summary as the other half of a NAME line: "clnas-search - run a search". */
static void lower_first(const char *text, char *out, size_t size)
{
    snprintf(out, size, "%s", text);
    if (out[0] && islower((unsigned char)out[1]))
        out[0] = (char)tolower((unsigned char)out[0]);
}

static void add_option(nas_text *page, const cli_option *row)
{
    char tag[256];
    nas_text help = {0};
    const char *value = cli_option_value(row);
    snprintf(tag, sizeof tag, "%s%s%s--%s%s%s", row->letter ? "-" : "",
             row->letter ? (const char[]){row->letter, '\0'} : "", row->letter ? ", " : "",
             row->name, *value ? " " : "", value);
    nas_text_format(&help, "%s", row->help);
    if (row->fallback && *row->fallback)
        nas_text_format(&help, " (default %s)", row->fallback);
    if (row->min != 0 || row->max != 0)
        nas_text_format(&help, ", %.10g … %.10g", row->min, row->max);
    nas_text_add(&help, row->type == CLI_LIST ? "; may be repeated." : ".");
    if (nas_text_check(&help) == NAS_OK)
        cli_manual_item(page, tag, help.data);
    nas_text_clear(&help);
}

static void add_synopsis(const cli_program *program, const cli_command *command, nas_text *page)
{
    char title[64];
    cli_command_title(program, command, title, sizeof title);
    cli_manual_heading(page, 1, "synopsis");
    nas_text_add(page, "\\fB");
    for (const char *at = title; *at; at++)
        nas_text_format(page, *at == '-' ? "\\-" : "%c", *at);
    nas_text_add(page, "\\fR ");
    cli_manual_text(page, command->arguments);
    cli_manual_text(page, "[OPTION]…");
}

/* NAS_STATUS_LIST, a line for each exit code, and those of signals. */
static void add_exit_status(nas_text *page)
{
    static const struct {
        const char *text;
        int code;
    } all[] = {
#define STATUS_ROW(name, exit_code, text) {text, exit_code},
        NAS_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
    };
    cli_manual_heading(page, 1, "exit status");
    for (int code = 0; code < 128; code++) {
        nas_text meaning = {0};
        char tag[16];
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            if (all[i].code == code)
                nas_text_format(&meaning, "%s%s", meaning.length ? "; " : "", all[i].text);
        snprintf(tag, sizeof tag, "%d", code);
        if (meaning.length && nas_text_check(&meaning) == NAS_OK)
            cli_manual_item(page, tag, meaning.data);
        nas_text_clear(&meaning);
    }
}

static void add_signals(nas_text *page)
{
    cli_manual_item(page, "130, 143", "ended by SIGINT or SIGTERM, resumable");
    cli_manual_heading(page, 1, "signals");
    cli_manual_text(page,
                    "The first SIGINT or SIGTERM lets every device finish its step, keeps what is "
                    "committed and prints the command that resumes.  A second one leaves at "
                    "once; nothing committed is lost.  SIGHUP counts as SIGTERM.");
}

static void add_environment(nas_text *page)
{
    cli_manual_heading(page, 1, "environment");
    for (const cli_variable *row = cli_environment; row->name; row++)
        cli_manual_item(page, row->name, row->meaning);
}

static void add_files(nas_text *page, const char *files)
{
    cli_manual_heading(page, 1, "files");
    while (*files) {
        char path[256], meaning[256];
        const size_t path_length = strcspn(files, "\t"), length = strcspn(files, "\n");
        snprintf(path, sizeof path, "%.*s", (int)path_length, files);
        snprintf(meaning, sizeof meaning, "%.*s", (int)(length - path_length - 1),
                 files + path_length + 1);
        cli_manual_item(page, path, meaning);
        files += length + (files[length] == '\n');
    }
}

static void add_see_also(nas_text *page, const char *pages)
{
    cli_manual_heading(page, 1, "see also");
    cli_manual_text(page, pages);
}

static void add_options(const cli_program *program, const cli_command *command, nas_text *page)
{
    const cli_option *row;
    cli_manual_heading(page, 1, "options");
    for (int i = 0; (row = cli_option_at(program, command, i)) != NULL; i++)
        if (row->help)
            add_option(page, row);
}

/* What a command's page and the page of a program that is one command have in common. */
static void add_command(const cli_program *program, const cli_command *command, nas_text *page)
{
    add_synopsis(program, command, page);
    cli_manual_heading(page, 1, "description");
    cli_manual_sentence(page, command->summary);
    if (command->details) {
        nas_text_add(page, ".PP\n");
        cli_manual_text(page, command->details);
    }
    add_options(program, command, page);
    if (command->examples) {
        cli_manual_heading(page, 1, "examples");
        cli_manual_lines(page, command->examples);
    }
    add_exit_status(page);
}

static nas_status write_command(const cli_program *program, const cli_command *command,
                                const char *folder)
{
    char name[64], summary[256], see_also[320];
    nas_text page = {0};
    snprintf(name, sizeof name, "%s-%s", program->name, command->name);
    lower_first(command->summary, summary, sizeof summary);
    cli_manual_begin(&page, name, 1, summary);
    add_command(program, command, &page);
    snprintf(see_also, sizeof see_also, "%s(1)%s%s", program->name, program->see_also ? ", " : "",
             program->see_also ? program->see_also : "");
    add_see_also(&page, see_also);
    return cli_manual_finish(&page, folder, name, 1);
}

/* The page of a program with commands names them. */
static void add_program(const cli_program *program, nas_text *page)
{
    cli_manual_heading(page, 1, "synopsis");
    nas_text_add(page, "\\fB");
    for (const char *at = program->name; *at; at++)
        nas_text_format(page, *at == '-' ? "\\-" : "%c", *at);
    nas_text_add(page, "\\fR ");
    cli_manual_text(page, "COMMAND [OPTION]… [ARGUMENT]…");
    cli_manual_heading(page, 1, "description");
    cli_manual_text(page, program->about ? program->about : program->summary);
    cli_manual_heading(page, 1, "commands");
    for (const cli_command *const *command = program->commands; *command; command++) {
        char name[80];
        snprintf(name, sizeof name, "%s-%s(1)", program->name, (*command)->name);
        if (!(*command)->hidden)
            cli_manual_item(page, name, (*command)->summary);
    }
    cli_manual_heading(page, 1, "options");
    cli_manual_item(page, "--help", "Show what there is; of a command, its options.");
    cli_manual_item(page, "--version", "Print the version.");
    cli_manual_item(page, "--completion " CLI_SHELLS, "Print the completions for a shell.");
    cli_manual_item(page, "--manual FOLDER", "Write these pages into a folder.");
    if (program->examples) {
        cli_manual_heading(page, 1, "examples");
        cli_manual_lines(page, program->examples);
    }
    add_exit_status(page);
}

static nas_status write_program(const cli_program *program, const char *folder)
{
    nas_text page = {0};
    cli_manual_begin(&page, program->name, 1, program->summary);
    if (program->single)
        add_command(program, program->commands[0], &page);
    else
        add_program(program, &page);
    if (program->pages) /* it has searches to interrupt */
        add_signals(&page);
    add_environment(&page);
    if (program->files)
        add_files(&page, program->files);
    if (program->see_also)
        add_see_also(&page, program->see_also);
    return cli_manual_finish(&page, folder, program->name, 1);
}

nas_status cli_manual_write(const cli_program *program, const char *folder)
{
    NAS_TRY(nas_folder_make(folder, 0777));
    NAS_TRY(write_program(program, folder));
    for (const cli_command *const *command = program->commands; !program->single && *command;
         command++)
        if (!(*command)->hidden)
            NAS_TRY(write_command(program, *command, folder));
    return program->pages ? program->pages(folder) : NAS_OK;
}
