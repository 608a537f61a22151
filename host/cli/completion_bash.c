/* completion_bash.c - the script for bash.
 *
 * It stands alone: bash-completion loads it and lends it nothing.  Readline parts words at `=` and `:`, which stand within ours
 * (--format=json, type:gpu, train.lr=0.05); so the script parts the line at blanks, and takes off a reply what readline takes for another
 * word.  Words and files lie in two cases, of "COMMAND --option" and of "COMMAND position".
 */
#include "command_line.h"

#include <string.h>

static void name_function(const cli_program *program, char *name, size_t size)
{
    snprintf(name, size, "_%s", program->name);
    for (char *at = name; *at; at++)
        if (*at == '-')
            *at = '_';
}

/* words='a b'; patterns='*.cfg'; … of a case, or nothing. */
static void add_candidates(const cli_candidates *c, nas_text *out)
{
    const char *words = c->words.data;
    char word[256];
    if (c->words.length) {
        nas_text_add(out, " words='");
        for (bool first = true; cli_next_word(&words, word, sizeof word); first = false)
            nas_text_format(out, "%s%s", first ? "" : " ", word);
        nas_text_add(out, "'");
    }
    if (c->patterns.length)
        nas_text_format(out, " patterns='%s'", c->patterns.data);
    if (c->folders)
        nas_text_add(out, " folders=1");
    if (c->open)
        nas_text_add(out, " open=1");
}

static void add_option_case(const cli_program *program, const cli_command *command, nas_text *out)
{
    const cli_option *row;
    for (int i = 0; (row = cli_option_at(program, command, i)) != NULL; i++) {
        cli_candidates c = {0};
        if (row->type == CLI_FLAG || !row->help)
            continue;
        cli_option_candidates(program, row, &c);
        nas_text_format(out, "        '%s --%s'", command->name, row->name);
        if (row->letter)
            nas_text_format(out, " | '%s -%c'", command->name, row->letter);
        nas_text_add(out, ")");
        add_candidates(&c, out);
        nas_text_add(out, c.words.length || c.patterns.length || c.folders ? " ;;\n" : " : ;;\n");
        cli_candidates_clear(&c);
    }
}

/* The case of an argument that depends on the one in front of it. */
static void add_dependent(const cli_program *program, const cli_command *command, int position,
                          nas_text *out)
{
    cli_candidates before = {0};
    bool depends;
    char word[256];
    cli_argument_candidates(program, command, position - 1, NULL, &before, &depends);
    nas_text_add(out, " case $before in\n");
    for (const char *words = before.words.data; cli_next_word(&words, word, sizeof word);) {
        cli_candidates c = {0};
        cli_argument_candidates(program, command, position, word, &c, &depends);
        nas_text_format(out, "            %s)", word);
        add_candidates(&c, out);
        nas_text_add(out, " ;;\n");
        cli_candidates_clear(&c);
    }
    nas_text_add(out, "            esac");
    cli_candidates_clear(&before);
}

static void add_argument_case(const cli_program *program, const cli_command *command, nas_text *out)
{
    const bool repeats = strstr(command->arguments, "…") != NULL;
    for (int position = 0; position < 4; position++) {
        cli_candidates c = {0};
        bool depends;
        if (!cli_argument_candidates(program, command, position, NULL, &c, &depends))
            break;
        if (depends || c.words.length || c.patterns.length || c.folders) {
            nas_text_format(out, repeats && position == 3 ? "        '%s '*)" : "        '%s %d')",
                            command->name, position);
            if (depends)
                add_dependent(program, command, position, out);
            else
                add_candidates(&c, out);
            nas_text_add(out, " ;;\n");
        }
        cli_candidates_clear(&c);
    }
}

static void add_names_case(const cli_program *program, const cli_command *command, nas_text *out)
{
    const cli_option *row;
    nas_text_format(out, "        %s) words='", command->name);
    for (int i = 0; (row = cli_option_at(program, command, i)) != NULL; i++)
        if (row->help)
            nas_text_format(out, "%s--%s", i ? " " : "", row->name);
    nas_text_add(out, "' ;;\n");
}

static void add_commands(const cli_program *program, const char *name, nas_text *out)
{
    nas_text_format(out, "        '%s') words='", name);
    for (const cli_command *const *command = program->commands; *command; command++)
        if (!(*command)->hidden)
            nas_text_format(out, "%s ", (*command)->name);
    nas_text_add(out, "help' ;;\n");
}

static void each_command(const cli_program *program, nas_text *out,
                         void (*add)(const cli_program *, const cli_command *, nas_text *))
{
    for (const cli_command *const *command = program->commands; *command; command++)
        if (!(*command)->hidden)
            add(program, *command, out);
}

static const char walk[] =
    "    local line cur command=%s option= before= position=0 i word file pattern head\n"
    "    local words= patterns= folders= open=\n"
    "    COMPREPLY=()\n"
    "    read -ra line <<<\"${COMP_LINE:0:COMP_POINT}\"\n"
    "    [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && line+=('')\n"
    "    cur=${line[${#line[@]} - 1]}\n"
    "    for ((i = 1; i < ${#line[@]} - 1; i++)); do\n"
    "        word=${line[i]}\n"
    "        if [[ -n $option ]]; then\n"
    "            option=\n"
    "        elif [[ $word == -* ]]; then\n"
    "            [[ \" $valued \" == *\" $command$word \"* ]] && option=$word\n"
    "        elif [[ -z $command ]]; then\n"
    "            command=$word\n"
    "        else\n"
    "            before=$word\n"
    "            ((++position))\n"
    "        fi\n"
    "    done\n"
    "    if [[ -z $option && $cur == --*=* ]]; then\n"
    "        option=${cur%%%%=*}\n"
    "        cur=${cur#*=}\n"
    "    fi\n";

static const char end[] =
    "    [[ -n $open && $cur == *=* ]] && return\n"
    "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
    "    [[ -n $open ]] && compopt -o nospace 2>/dev/null\n"
    "    if [[ -n $patterns$folders ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        while read -r file; do\n"
    "            if [[ -d $file ]]; then\n"
    "                COMPREPLY+=(\"$file\")\n"
    "                continue\n"
    "            fi\n"
    "            local IFS=' '\n"
    "            set -f\n"
    "            for pattern in $patterns; do\n"
    "                [[ $file == $pattern ]] && COMPREPLY+=(\"$file\") && break\n"
    "            done\n"
    "            set +f\n"
    "        done < <(compgen -f -- \"$cur\")\n"
    "    fi\n"
    "    head=${cur%\"${cur##*[=:]}\"}\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"$head\"}\")\n"
    "}\n";

/* "search--study search-s …": the options behind which a value comes. */
static void add_valued(const cli_program *program, nas_text *out)
{
    nas_text_add(out, "    local valued='");
    for (const cli_command *const *command = program->commands; *command; command++) {
        const cli_option *row;
        for (int i = 0; (row = cli_option_at(program, *command, i)) != NULL; i++) {
            if (row->type == CLI_FLAG || !row->help || (*command)->hidden)
                continue;
            nas_text_format(out, " %s--%s", (*command)->name, row->name);
            if (row->letter)
                nas_text_format(out, " %s-%c", (*command)->name, row->letter);
        }
    }
    nas_text_add(out, "'\n");
}

void cli_completion_bash(const cli_program *program, nas_text *out)
{
    char function[64];
    name_function(program, function, sizeof function);
    nas_text_format(out,
                    "# bash completion for %s, written by itself from its option tables\n%s()\n{\n",
                    program->name, function);
    add_valued(program, out);
    nas_text_format(out, walk, program->single ? program->name : "");
    nas_text_add(out, "    if [[ -n $option ]]; then\n        case \"$command $option\" in\n");
    each_command(program, out, add_option_case);
    nas_text_add(out, "        esac\n    elif [[ $cur == -* ]]; then\n        case $command in\n");
    each_command(program, out, add_names_case);
    nas_text_add(out, "        *) words='--help --version' ;;\n        esac\n    else\n"
                      "        case \"$command $position\" in\n");
    if (!program->single) {
        add_commands(program, " 0", out);
        add_commands(program, "help 0", out);
    }
    each_command(program, out, add_argument_case);
    nas_text_format(out, "        esac\n    fi\n%scomplete -F %s %s\n", end, function,
                    program->name);
}
