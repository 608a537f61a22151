/* completion.c - what a shell may offer where: the tables of options, read once more.
 *
 * How --help calls an argument says what it is: STUDY is a file that ends in .study, FILE any, KIND a word that the program itself
 * knows.  So an option or a command that is added is completed without a further line.  The three shells' scripts are written from
 * the same candidates: completion_bash.c, completion_zsh.c, completion_fish.c.
 */
#include "command_line.h"

#include <ctype.h>
#include <string.h>

static const struct {
    const char *argument, *patterns; /* NULL: folders */
} file_arguments[] = {
    {"STUDY", "*.study"},      {"CONFIG", "*.cfg"}, {"MODEL", "*.safetensors *.onnx"},
    {"DATA", "*.cfg *.study"}, {"CSV", "*.csv"},    {"FILE", "*"},
    {"PROGRAM", "*"},          {"NETWORK", "*"},    {"FOLDER", NULL},
};

void cli_candidates_clear(cli_candidates *candidates)
{
    nas_text_clear(&candidates->words);
    nas_text_clear(&candidates->patterns);
    *candidates = (cli_candidates){0};
}

bool cli_next_word(const char **words, char *word, size_t size)
{
    const char *text = *words ? *words : "";
    const size_t length = strcspn(text, "\n");
    if (length == 0)
        return false;
    snprintf(word, size, "%.*s", (int)length, text);
    *words = text + length + (text[length] == '\n');
    return true;
}

static void add_argument(const cli_program *program, const char *argument, const char *before,
                         cli_candidates *c)
{
    for (size_t i = 0; i < sizeof file_arguments / sizeof *file_arguments; i++)
        if (strcmp(argument, file_arguments[i].argument) == 0) {
            c->folders |= !file_arguments[i].patterns;
            if (file_arguments[i].patterns)
                nas_text_format(&c->patterns, "%s%s", c->patterns.length ? " " : "",
                                file_arguments[i].patterns);
        }
    if (strcmp(argument, "MATCH") == 0)
        nas_text_add(&c->words, "any\ntype:gpu\ntype:cpu\n");
    c->open |= strcmp(argument, "KEY=VALUE") == 0;
    if (program->words)
        program->words(argument, before, &c->words);
}

/* The next argument that a text like "STUDY[:TRIAL]|MODEL" names; single letters are numbers. */
static bool next_argument(const char **text, const char *end, char *argument, size_t size)
{
    const char *at = *text;
    while (at < end) {
        const char *begin = at;
        while (at < end && (isupper((unsigned char)*at) || (*at == '=' && at > begin)))
            at++;
        if (at - begin > 1) {
            snprintf(argument, size, "%.*s", (int)(at - begin), begin);
            *text = at;
            return true;
        }
        at += at == begin;
    }
    return false;
}

static void add_arguments(const cli_program *program, const char *text, const char *end,
                          const char *before, cli_candidates *c)
{
    char argument[64];
    while (next_argument(&text, end, argument, sizeof argument))
        add_argument(program, argument, before, c);
}

void cli_option_candidates(const cli_program *program, const cli_option *row, cli_candidates *c)
{
    char word[NAS_TEXT_SIZE];
    for (int i = 0; row->choices && nas_choice_name(row->choices, i, word, sizeof word); i++)
        nas_text_format(&c->words, "%s\n", word);
    if (row->argument)
        add_arguments(program, row->argument, row->argument + strlen(row->argument), NULL, c);
}

/* "STUDY[:TRIAL] | MODEL CONFIG": blanks part the positions, a lone bar begins another way to say it; "FILE…" goes on. */
bool cli_argument_candidates(const cli_program *program, const cli_command *command, int position,
                             const char *before, cli_candidates *c, bool *depends)
{
    int at = 0;
    bool found = false;
    *depends = false;
    for (const char *text = command->arguments; *text; at++) {
        const size_t length = strcspn(text, " ");
        const char *end = text + length;
        const bool bar = length == 1 && *text == '|';
        const bool repeats = strstr(text, "…") && strstr(text, "…") < end;
        if (!bar && (at == position || (repeats && at < position))) {
            found = true;
            add_arguments(program, text, end, before, c);
            *depends |= position > 0 && length >= 4 && strncmp(text, "[NAME", 5) == 0;
        }
        if (bar)
            at = -1;
        text = end + (*end == ' ');
    }
    return found;
}

nas_status cli_completion_print(const cli_program *program, const char *shell, FILE *to)
{
    nas_text script = {0};
    switch (nas_choice_index(CLI_SHELLS, shell)) {
    case 0:
        cli_completion_bash(program, &script);
        break;
    case 1:
        cli_completion_zsh(program, &script);
        break;
    case 2:
        cli_completion_fish(program, &script);
        break;
    default:
        NAS_FAIL(NAS_CONFIG, "there are no completions for '%s', only for bash, zsh and fish",
                 shell);
    }
    nas_status status = nas_text_check(&script);
    if (status == NAS_OK)
        fputs(script.data, to);
    nas_text_clear(&script);
    return status;
}
