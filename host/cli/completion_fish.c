/* completion_fish.c - the script for fish: a line for each option and each argument.  fish knows no positions, so the arguments of a
 * command are offered together. */
#include "command_line.h"

#include <string.h>

static void add_quoted(nas_text *out, const char *text)
{
    nas_text_add(out, "'");
    for (; *text; text++)
        nas_text_format(out, strchr("'\\", *text) ? "\\%c" : "%c", *text);
    nas_text_add(out, "'");
}

/* complete -c NAME -n CONDITION */
static void begin(const cli_program *program, const cli_command *command, const char *and_word,
                  nas_text *out)
{
    nas_text_format(out, "complete -c %s", program->name);
    if (!program->single)
        nas_text_format(out, " -n '__fish_seen_subcommand_from %s%s%s'", command->name,
                        and_word ? "; and __fish_seen_subcommand_from " : "",
                        and_word ? and_word : "");
}

static void add_words(const cli_candidates *c, nas_text *out)
{
    const char *words = c->words.data;
    char word[256];
    nas_text_add(out, " -a '");
    for (bool first = true; cli_next_word(&words, word, sizeof word); first = false)
        nas_text_format(out, "%s%s", first ? "" : " ", word);
    nas_text_add(out, "'");
}

/* " -a '(…)'" for files with these endings, "" for any file. */
static void add_endings(const cli_candidates *c, nas_text *out)
{
    const char *at = c->patterns.data;
    nas_text_add(out, " -k -a '(");
    for (bool first = true; at && *at; first = false) {
        const size_t length = strcspn(at, " ");
        nas_text_format(out, "%s__fish_complete_suffix %.*s", first ? "" : "; ", (int)length - 1,
                        at + 1);
        at += length + (at[length] == ' ');
    }
    nas_text_add(out, ")'");
}

static bool any_file(const cli_candidates *c)
{
    const char *star = c->patterns.length ? strstr(c->patterns.data, "*") : NULL;
    for (; star; star = strstr(star + 1, "*"))
        if (star[1] == '\0' || star[1] == ' ')
            return true;
    return false;
}

static void add_candidates(const cli_candidates *c, nas_text *out)
{
    if (c->words.length)
        add_words(c, out);
    if (any_file(c))
        nas_text_add(out, " -F");
    else if (c->patterns.length)
        add_endings(c, out);
    else if (c->folders)
        nas_text_add(out, " -a '(__fish_complete_directories)'");
}

static void add_option(const cli_program *program, const cli_command *command,
                       const cli_option *row, nas_text *out)
{
    cli_candidates c = {0};
    begin(program, command, NULL, out);
    nas_text_format(out, " -l %s", row->name);
    if (row->letter)
        nas_text_format(out, " -s %c", row->letter);
    if (row->type != CLI_FLAG) {
        cli_option_candidates(program, row, &c);
        nas_text_add(out, any_file(&c) ? " -r" : " -x");
        add_candidates(&c, out);
        cli_candidates_clear(&c);
    }
    nas_text_add(out, " -d ");
    add_quoted(out, row->help);
    nas_text_add(out, "\n");
}

static void add_dependent(const cli_program *program, const cli_command *command, int position,
                          nas_text *out)
{
    cli_candidates before = {0};
    bool depends;
    char word[256];
    cli_argument_candidates(program, command, position - 1, NULL, &before, &depends);
    for (const char *words = before.words.data; cli_next_word(&words, word, sizeof word);) {
        cli_candidates c = {0};
        cli_argument_candidates(program, command, position, word, &c, &depends);
        begin(program, command, word, out);
        add_words(&c, out);
        nas_text_add(out, "\n");
        cli_candidates_clear(&c);
    }
    cli_candidates_clear(&before);
}

static void add_arguments(const cli_program *program, const cli_command *command, nas_text *out)
{
    for (int position = 0; position < 4; position++) {
        cli_candidates c = {0};
        bool depends;
        if (!cli_argument_candidates(program, command, position, NULL, &c, &depends))
            break;
        if (depends) {
            add_dependent(program, command, position, out);
        } else if (c.words.length || c.patterns.length || c.folders) {
            begin(program, command, NULL, out);
            add_candidates(&c, out);
            nas_text_add(out, "\n");
        }
        cli_candidates_clear(&c);
    }
}

void cli_completion_fish(const cli_program *program, nas_text *out)
{
    nas_text_format(out,
                    "# fish completion for %s, written by itself from its option tables\n"
                    "complete -c %s -f\n",
                    program->name, program->name);
    for (const cli_command *const *command = program->commands; *command; command++) {
        const cli_option *row;
        if ((*command)->hidden)
            continue;
        if (!program->single) {
            nas_text_format(out, "complete -c %s -n __fish_use_subcommand -a %s -d ", program->name,
                            (*command)->name);
            add_quoted(out, (*command)->summary);
            nas_text_add(out, "\n");
        }
        for (int i = 0; (row = cli_option_at(program, *command, i)) != NULL; i++)
            if (row->help)
                add_option(program, *command, row, out);
        add_arguments(program, *command, out);
    }
}
