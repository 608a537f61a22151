/* command_line.h - what clnas and the tools beside it are told: programs, their commands, and rows of options.
 *
 * A program is one descriptor (cli_program) over its commands (cli_command), each with a table of options (cli_option).  The tables
 * say everything once: they drive getopt_long, the checks, --help, the completions of three shells (`--completion SHELL`) and the man pages
 * (`--manual FOLDER`), so that none of them can lag behind.
 */
#ifndef CLNAS_CLI_COMMAND_LINE_H
#define CLNAS_CLI_COMMAND_LINE_H

#include <clnas/base.h>

#include <stdio.h>

typedef enum cli_option_type {
    CLI_FLAG,   /* bool */
    CLI_TEXT,   /* const char *, lent from argv; NULL: not given */
    CLI_INT,    /* int64_t within min … max */
    CLI_NUMBER, /* int within min … max */
    CLI_REAL,   /* double within min … max */
    CLI_CHOICE, /* int: index into choices */
    CLI_LIST,   /* cli_list: the option may be repeated */
} cli_option_type;

enum { CLI_LIST_SIZE = 64 };

typedef struct cli_list {
    int count;
    const char *item[CLI_LIST_SIZE];
} cli_list;

typedef struct cli_option {
    const char *name; /* long name; NULL ends a table */
    char letter;      /* short name or 0 */
    cli_option_type type;
    size_t offset; /* of the field in the command's instance */
    const char
        *argument; /* how --help calls the value: "FILE"; what is completed follows from it */
    const char *fallback; /* default as text, or NULL: zero */
    double min, max;      /* both 0: any */
    const char *choices;  /* "a|b|c" */
    const char *help;     /* one sentence; NULL: not shown */
} cli_option;

/* The row of a tool that runs on one device: `const char *device` of its instance. */
#define CLI_DEVICE_OPTION(type)                                                                    \
    {                                                                                              \
        "device", 'd', CLI_TEXT, offsetof(type, device), "MATCH", "", 0, 0, NULL,                  \
            "As clnas devices names it (default any)"                                              \
    }

typedef struct cli_call {
    const void *options; /* the command's instance */
    int count;
    char **arguments;
    char **words; /* all of the command line, the command's name first; ends with NULL */
} cli_call;

typedef struct cli_command {
    const char *name;
    const char *arguments; /* "STUDY[:TRIAL]" */
    const char *summary;   /* one line */
    const char *examples;  /* lines, or NULL */
    const char *details;   /* a paragraph behind the options, or NULL */
    int arguments_min, arguments_max;
    size_t instance_size;
    const cli_option *options; /* NULL: none */
    nas_status (*run)(const cli_call *call);
    bool hidden;
} cli_command;

typedef struct cli_program {
    const char *name;    /* "clnas-bench" */
    const char *summary; /* one line, as a man page's NAME has it */
    const char *
        about; /* lines behind the usage, or NULL; of a program without commands its command's details say it */
    const char *examples;               /* lines, or NULL */
    const char *notes;                  /* lines behind the commands, or NULL */
    const char *files;                  /* of the man page: "PATH\tmeaning\n" lines, or NULL */
    const char *see_also;               /* "clnas.cfg(5)", or NULL */
    const cli_command *const *commands; /* ends with NULL */
    bool single;                        /* the only command is the program itself and has no name */
    const cli_option *common; /* flags of every command, behind its own; NULL: none but --help */
    void (*use_common)(char letter);
    /* Adds the words, one a line, that may stand for an argument as `arguments` and cli_option.argument call it ("KIND");
     * `before`: the argument in front of it, or NULL.  Files and devices are known without it.  NULL: no words. */
    void (*words)(const char *argument, const char *before, nas_text *words);
    /* Writes man pages that are about no program; NULL: none. */
    nas_status (*pages)(const char *folder);
} cli_program;

/* ---- the line that was typed: command_line.c -------------------------------------------------------- */

/* The command's row at `index`, then those that every command has; NULL behind the last. */
const cli_option *cli_option_at(const cli_program *program, const cli_command *command, int index);
/* Parses argv (argv[0] is the command's name) into `instance` (zeroed, instance_size bytes) and `call`.
 * `*help` is set when --help was given.  Failures are NAS_CONFIG with a hint. */
nas_status cli_parse(const cli_program *program, const cli_command *command, int argc, char **argv,
                     void *instance, cli_call *call, bool *help);

/* ---- programs: program.c ------------------------------------------------------------------------------- */

const cli_command *cli_command_find(const cli_program *program, const char *name);
/* "clnas search", or "clnas-tune" where the program is the command. */
void cli_command_title(const cli_program *program, const cli_command *command, char *title,
                       size_t size);
typedef struct cli_outcome {
    const cli_command *command; /* that was asked for; NULL: none */
    bool misused;               /* its options or arguments were wrong, and it did not run */
} cli_outcome;
/* What argv asks for: a command, help, the version, completions or man pages. */
nas_status cli_program_run(const cli_program *program, int argc, char **argv, cli_outcome *outcome);
/* main() of a tool: runs it, prints what went wrong; the exit code. */
int cli_tool_main(const cli_program *program, int argc, char **argv);

/* ---- help: help.c ------------------------------------------------------------------------------------------ */

void cli_command_usage(const cli_program *program, const cli_command *command, FILE *to);
void cli_command_help(const cli_program *program, const cli_command *command, FILE *to);
void cli_program_help(const cli_program *program, FILE *to);
/* How --help calls an option's value; "" of a flag. */
const char *cli_option_value(const cli_option *row);

/* ---- completion: completion.c, completion_bash.c, completion_zsh.c, completion_fish.c ---------------------- */

#define CLI_SHELLS "bash|zsh|fish"

/* What may stand somewhere: words, files, or both. */
typedef struct cli_candidates {
    nas_text words;    /* one a line */
    nas_text patterns; /* of files, with blanks between: "*.cfg *.study"; "*": any */
    bool folders;      /* folders alone */
    bool open;         /* more is typed behind a word: "train.lr=" */
} cli_candidates;

/* Of an option's value. */
void cli_option_candidates(const cli_program *program, const cli_option *row,
                           cli_candidates *candidates);
/* Of the argument at `position`, from 0; false: there is no such argument.  Where it depends on the one in front of it, words are
 * left empty and *depends is set. */
bool cli_argument_candidates(const cli_program *program, const cli_command *command, int position,
                             const char *before, cli_candidates *candidates, bool *depends);
void cli_candidates_clear(cli_candidates *candidates);
/* The next line of *words as a string; false: none is left. */
bool cli_next_word(const char **words, char *word, size_t size);

void cli_completion_bash(const cli_program *program, nas_text *script);
void cli_completion_zsh(const cli_program *program, nas_text *script);
void cli_completion_fish(const cli_program *program, nas_text *script);
/* The script for a shell; NAS_CONFIG: an unknown one. */
nas_status cli_completion_print(const cli_program *program, const char *shell, FILE *to);

/* ---- man pages: manual.c, manual_text.c ----------------------------------------------------------------------- */

/* NAME.1 of the program and NAME-COMMAND.1 of each command, and its other pages. */
nas_status cli_manual_write(const cli_program *program, const char *folder);
/* The head of a page, up to its NAME. */
void cli_manual_begin(nas_text *page, const char *name, int section, const char *summary);
nas_status cli_manual_finish(nas_text *page, const char *folder, const char *name, int section);
void cli_manual_heading(nas_text *page, int level, const char *title);
/* "text" so that nothing in it is taken for a request; `code` between backquotes becomes bold. */
void cli_manual_text(nas_text *page, const char *text);
/* The same with a full stop at its end. */
void cli_manual_sentence(nas_text *page, const char *text);
/* A tag and what it means. */
void cli_manual_item(nas_text *page, const char *tag, const char *text);
/* Lines as they are. */
void cli_manual_lines(nas_text *page, const char *lines);
/* A page of docs/: headings, paragraphs, lists, tables and examples of Markdown. */
void cli_manual_markdown(nas_text *page, const char *const *lines);

/* What programs look up in the environment, in the order of docs/cli.md; ends with a NULL name. */
typedef struct cli_variable {
    const char *name, *meaning;
} cli_variable;
extern const cli_variable cli_environment[];

#endif
