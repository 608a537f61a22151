/* completion_zsh.c - the script for zsh: a list of specifications for _arguments for each command. */
#include "command_line.h"

#include <string.h>

/* Text within '…': in a specification, brackets and colons mean something. */
static void add_quoted(nas_text *out, const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            nas_text_add(out, "'\\''");
        else
            nas_text_format(out, strchr("[]:\\", *text) ? "\\%c" : "%c", *text);
}

/* Within '…'; the words of one action. */
static void add_action(const cli_candidates *c, nas_text *out)
{
    const char *words = c->words.data;
    char word[256];
    if (c->words.length) {
        nas_text_add(out, c->open ? "{compadd -S \"\" --" : "{compadd --");
        while (cli_next_word(&words, word, sizeof word))
            nas_text_format(out, " %s", word);
        nas_text_add(out, c->patterns.length ? "; _files}" : "}");
    } else if (c->patterns.length) {
        nas_text_format(out, "_files -g \"%s\"", c->patterns.data);
    } else if (c->folders) {
        nas_text_add(out, "_files -/");
    }
}

static void add_option(const cli_program *program, const cli_option *row, nas_text *out)
{
    cli_candidates c = {0};
    const bool value = row->type != CLI_FLAG;
    nas_text_add(out, "            ");
    if (row->type == CLI_LIST)
        nas_text_add(out, "'*'");
    else if (row->letter)
        nas_text_format(out, "'(-%c --%s)'", row->letter, row->name);
    if (row->letter)
        nas_text_format(out, "{-%c%s,--%s%s}", row->letter, value ? "+" : "", row->name,
                        value ? "=" : "");
    else
        nas_text_format(out, "--%s%s", row->name, value ? "=" : "");
    nas_text_add(out, "'[");
    add_quoted(out, row->help);
    nas_text_add(out, "]");
    if (value) {
        nas_text_add(out, ":");
        add_quoted(out, cli_option_value(row));
        nas_text_add(out, ":");
        cli_option_candidates(program, row, &c);
        add_action(&c, out);
        cli_candidates_clear(&c);
    }
    nas_text_add(out, "' \\\n");
}

static void add_dependent(const cli_program *program, const cli_command *command, int position,
                          nas_text *out)
{
    cli_candidates before = {0};
    bool depends;
    char word[256];
    cli_argument_candidates(program, command, position - 1, NULL, &before, &depends);
    nas_text_add(out, "{case $words[CURRENT-1] in");
    for (const char *words = before.words.data; cli_next_word(&words, word, sizeof word);) {
        cli_candidates c = {0};
        cli_argument_candidates(program, command, position, word, &c, &depends);
        nas_text_format(out, " %s) compadd --", word);
        char name[256];
        for (const char *names = c.words.data; cli_next_word(&names, name, sizeof name);)
            nas_text_format(out, " %s", name);
        nas_text_add(out, ";;");
        cli_candidates_clear(&c);
    }
    nas_text_add(out, " esac}");
    cli_candidates_clear(&before);
}

static void add_arguments(const cli_program *program, const cli_command *command, nas_text *out)
{
    const bool repeats = strstr(command->arguments, "…") != NULL;
    for (int position = 0; position < (repeats ? 2 : 4); position++) {
        cli_candidates c = {0};
        bool depends;
        if (!cli_argument_candidates(program, command, position, NULL, &c, &depends))
            break;
        nas_text_format(out, repeats && position == 1 ? "            '*" : "            '%d",
                        position + 1);
        nas_text_add(out, position >= command->arguments_min ? "::" : ":");
        add_quoted(out, command->arguments);
        nas_text_add(out, ":");
        if (depends)
            add_dependent(program, command, position, out);
        else
            add_action(&c, out);
        nas_text_add(out, "' \\\n");
        cli_candidates_clear(&c);
    }
}

static void add_command(const cli_program *program, const cli_command *command, nas_text *out)
{
    const cli_option *row;
    nas_text_format(out, "    %s)\n        _arguments -s \\\n", command->name);
    for (int i = 0; (row = cli_option_at(program, command, i)) != NULL; i++)
        if (row->help)
            add_option(program, row, out);
    add_arguments(program, command, out);
    nas_text_add(out, "            && return\n        ;;\n");
}

void cli_completion_zsh(const cli_program *program, nas_text *out)
{
    nas_text_format(out,
                    "#compdef %s\n# zsh completion for %s, written by itself from its option "
                    "tables\n_%s()\n{\n",
                    program->name, program->name, program->name);
    if (!program->single) {
        nas_text_add(out, "    local -a commands\n    commands=(\n");
        for (const cli_command *const *command = program->commands; *command; command++) {
            if ((*command)->hidden)
                continue;
            nas_text_format(out, "        '%s:", (*command)->name);
            add_quoted(out, (*command)->summary);
            nas_text_add(out, "'\n");
        }
        nas_text_add(out, "        'help:Show the help of a command'\n    )\n"
                          "    if (( CURRENT == 2 )); then\n"
                          "        _describe -t commands command commands\n"
                          "        return\n"
                          "    fi\n"
                          "    shift words\n"
                          "    (( CURRENT-- ))\n");
    }
    nas_text_format(out, "    case %s in\n", program->single ? program->name : "$words[1]");
    if (!program->single)
        nas_text_add(out, "    help) _describe -t commands command commands ;;\n");
    for (const cli_command *const *command = program->commands; *command; command++)
        if (!(*command)->hidden)
            add_command(program, *command, out);
    nas_text_format(
        out,
        "    esac\n}\n"
        "if [[ $funcstack[1] == _%s ]]; then\n    _%s \"$@\"\nelse\n    compdef _%s %s\nfi\n",
        program->name, program->name, program->name, program->name);
}
