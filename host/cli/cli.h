/* cli.h - what the commands of the program share: listings, the terminal and the progress line.  Private to
 * host/cli.
 *
 * A command is one descriptor (cli_command) in a file of its own, command_NAME.c, and one line in
 * command_list.h.  Its option rows drive all that is said of it (command_line.h).  Data goes to stdout in one
 * of four formats (cli_listing); progress, logs and errors go to stderr.
 */
#ifndef CLNAS_CLI_H
#define CLNAS_CLI_H

#include "command_line.h"

#include <clnas/clnas.h>

#include <jansson.h>
#include <stdio.h>

/* ---- the program: main.c, command_line.h ------------------------------------------------------------ */

extern const cli_program cli_clnas;
bool cli_quiet(void);

/* ---- listings: listing.c ---------------------------------------------------------------------------- */

typedef enum cli_format { CLI_TABLE, CLI_JSON, CLI_JSONL, CLI_CSV } cli_format;
#define CLI_FORMATS "table|json|jsonl|csv"
/* The row for `--format`, which every listing has. */
#define CLI_FORMAT_OPTION(type)                                                                    \
    {                                                                                              \
        "format", 'f', CLI_CHOICE, offsetof(type, format), NULL, "table", 0, 0, CLI_FORMATS,       \
            "How to print"                                                                         \
    }

typedef enum cli_cell_type {
    CLI_NONE,
    CLI_CELL_TEXT,
    CLI_CELL_INT,
    CLI_CELL_REAL,
    CLI_CELL_BOOL
} cli_cell_type;

typedef struct cli_cell {
    cli_cell_type type;
    char *text;      /* owned; for tables also of numbers, as people read them */
    int64_t integer; /* also of CLI_CELL_BOOL */
    double real;
} cli_cell;

enum { CLI_COLUMNS = 64 };

typedef struct cli_column {
    char name[80]; /* the stable field name */
    bool table;    /* shown in tables; the other formats show every column */
} cli_column;

/* Rows of cells under named columns.  Zeroed is empty.  Failures are sticky and come with the print. */
typedef struct cli_listing {
    const char *name; /* key of the array in JSON: "devices" */
    cli_column *columns;
    int column_count;
    cli_cell *cells; /* row by row, column_capacity apart */
    int row_count, row_capacity;
    bool wrap; /* tables go on in the next line where a cell is too long; else they cut it */
    bool failed;
} cli_listing;

/* Columns come first, rows after. */
void cli_listing_column(cli_listing *listing, const char *name, bool table);
bool cli_listing_has(const cli_listing *listing, const char *column);
void cli_listing_row(cli_listing *listing);
/* Set a cell of the last row; a column that does not exist is a broken promise (assert). */
void cli_listing_text(cli_listing *listing, const char *column, const char *text);
void cli_listing_format(cli_listing *listing, const char *column, const char *format, ...)
    NAS_PRINTF(3, 4);
void cli_listing_int(cli_listing *listing, const char *column, int64_t value);
/* `format` is the printf form for tables ("%.2f"), or NULL for "%.6g". */
void cli_listing_real(cli_listing *listing, const char *column, double value, const char *format);
void cli_listing_bool(cli_listing *listing, const char *column, bool value);
/* A number that tables show scaled: "1.5 GiB". */
void cli_listing_bytes(cli_listing *listing, const char *column, uint64_t bytes);
nas_status cli_listing_print(const cli_listing *listing, cli_format format, FILE *to);
/* The last row as "name  value" lines (or one JSON object, or CSV): for commands that show one thing. */
nas_status cli_listing_print_one(const cli_listing *listing, cli_format format, FILE *to);
const cli_cell *cli_listing_cell(const cli_listing *listing, int row, int column);
void cli_listing_print_table(const cli_listing *listing, FILE *to); /* listing_table.c */
/* Characters, counting a UTF-8 sequence as one. */
int cli_text_width(const char *text);
/* One row as a new JSON object. */
json_t *cli_listing_json(const cli_listing *listing, int row);
void cli_listing_clear(cli_listing *listing);
/* "1.5 GiB" */
void cli_bytes_text(uint64_t bytes, char *text, size_t size);
/* "0:42", "1:02:03" */
void cli_duration_text(double seconds, char *text, size_t size);

/* ---- texts of others: characters.c --------------------------------------------------------------------- */

/* The character at `*at`, which moves behind it; '?' for what is no UTF-8, steers a terminal, turns its direction or is not seen. */
uint32_t cli_character_next(const char **at);
/* Columns that it takes on a terminal, and that a text takes. */
int cli_character_width(uint32_t code);
int cli_text_columns(const char *text);
/* The same characters become '?', but for line ends and tabs, which listings print as blanks. */
void cli_text_clean(char *text);

/* ---- terminal: terminal.c ------------------------------------------------------------------------------ */

/* Redrawing is allowed: a terminal that is not TERM=dumb. */
bool cli_terminal_moves(FILE *stream);
/* The same and no NO_COLOR. */
bool cli_terminal_colours(FILE *stream);
/* $COLUMNS, else the terminal's, else 0: not limited. */
int cli_terminal_columns(FILE *stream);
int cli_terminal_rows(FILE *stream); /* $LINES, else the terminal's, else 0 */
/* The locale's characters are UTF-8 (LC_ALL, LC_CTYPE, LANG; none of them: they are). */
bool cli_terminal_unicode(void);
/* "clnas: …" on stderr, behind a cleared progress line. */
void cli_error(const char *format, ...) NAS_PRINTF(1, 2);
void cli_note(const char *format, ...) NAS_PRINTF(1, 2);
/* The log function for nas_log_set. */
void cli_log(void *user, nas_log_level level, const char *message);

/* ---- the progress line: progress.c -------------------------------------------------------------------- */

/* On a terminal one line that is redrawn; else `plain` lines, which the caller sends when something
 * happened.  Nothing is kept when stderr is neither. */
void cli_progress_draw(const char *line);
/* Takes the line off the terminal, so that others may write; the next draw brings it back. */
void cli_progress_hide(void);
void cli_progress_end(void);

/* ---- signals: interrupt.c --------------------------------------------------------------------------------- */

/* First SIGINT or SIGTERM: nas_session_interrupt, the session ends resumably.  The second leaves at once
 * with 128 + signal. */
void cli_interrupt_watch(void);
/* 0, SIGINT or SIGTERM. */
int cli_interrupt_signal(void);

/* ---- sessions: session_line.c, overrides.c ---------------------------------------------------------------- */

/* What -s, --trials, --minutes, --seed, --device and --workers say, as "path=value" texts. */
typedef struct cli_overrides {
    int count;
    char *item[CLI_LIST_SIZE + 8]; /* owned */
} cli_overrides;

nas_status cli_override_add(cli_overrides *overrides, const char *format, ...) NAS_PRINTF(2, 3);
nas_status cli_override_list(cli_overrides *overrides, const cli_list *list);
/* Replaces the config's devices by these matches; workers 0: 1 each. */
nas_status cli_override_devices(cli_overrides *overrides, const cli_list *matches, int64_t workers);
void cli_overrides_clear(cli_overrides *overrides);
/* For nas_search_options.progress; user: NULL. */
void cli_session_progress(void *user, const nas_progress *progress);
/* The line itself, for `status` too. */
void cli_session_line(const nas_progress *progress, char *line, size_t size);
/* nas_session_search for each of several seeds, see seeds.c.  `seeds` is "1,2,3" or "1-20"; the config's seed is overridden. */
nas_status cli_seeds_search(const cli_call *call, const char *seeds, const cli_overrides *overrides,
                            const nas_search_options *search, cli_format format);
/* Prints what a search came to and what to type next. */
nas_status cli_search_report_print(const nas_search_report *report, cli_format format);
/* The cells of the last row that every listing of searches has: study, ended_by, counts, seconds, the best. */
void cli_search_cells(cli_listing *listing, const nas_search_report *report);
/* How the devices of a search are used, a row for each. */
void cli_uses_listing(cli_listing *listing, const nas_device_use *uses, int count);
/* The summary's last row as one JSON object (format: json or jsonl) with each list as an array under its name. */
nas_status cli_print_object(const cli_listing *summary, const cli_listing *const *lists, int count,
                            cli_format format);
void cli_results_listing(cli_listing *listing, const nas_train_result *results, int count);

/* ---- watching a study: status_screen.c, status_watch.c ----------------------------------------------------------- */

/* How a screen is to look. */
typedef struct cli_look {
    int columns, rows; /* rows 0: as many as there are */
    bool colours, unicode;
    const char *path;    /* of the study, as it was given */
    const char *message; /* what is wrong just now; NULL or "": nothing */
    const char *keys;    /* the last line; NULL or "": none */
} cli_look;

/* The view as lines, none wider than the columns, no more of them than rows. */
nas_status cli_screen_draw(const nas_watch_view *view, const cli_look *look, nas_text *text);
/* Shows the study until it has ended or somebody has seen enough. */
nas_status cli_status_watch(const char *path, double interval_s, cli_format format);
/* What `clnas status` tells, as rows under "status" and "devices". */
void cli_status_listing(const char *path, const nas_watch_view *view, cli_listing *listing);

/* ---- a study's trials: study_view.c ---------------------------------------------------------------- */

/* "fashion.study:17" to path and trial; -1 when no trial is named. */
nas_status cli_study_split(const char *text, char *path, size_t size, int64_t *trial);
/* One row per trial; metrics that any of them has become columns, objectives first. */
nas_status cli_trials_listing(const nas_study_view *view, const int *indices, int count,
                              cli_listing *listing);
/* "2026-01-31T12:00:00Z" */
void cli_time_text(int64_t time_ms, char text[32]);

/* ---- pages and pictures: report_file.c ----------------------------------------------------------------------------- */

/* Into a file, or to stdout for "-".  A page or picture that this program wrote is replaced, another file only with `force`. */
nas_status cli_report_save(const char *path, const nas_text *page, bool force);
/* "fashion.study" and ".html": "fashion.html". */
nas_status cli_report_path(const char *study, const char *ending, char *path, size_t size);

/* ---- results from outside: told.c ------------------------------------------------------------------------------- */

/* What `clnas tell` was told, by flags and JSON. */
typedef struct cli_told {
    nas_claim claim; /* index -1, token 0: not said */
    nas_trial result;
    char *arch; /* owned; NULL: not said */
} cli_told;

void cli_told_init(cli_told *told);
void cli_told_clear(cli_told *told);
/* "valid_accuracy=0.91"; "nan" and "inf" are numbers here. */
nas_status cli_told_metric(cli_told *told, const char *assignment, bool measured);
/* A JSON object in a file, or on stdin ("-"); see `clnas tell --help`. */
nas_status cli_told_json(cli_told *told, const char *path);

/* ---- everything with an option table: kinds.c, reference_page.c ----------------------------------------------- */

/* One list of descriptors: ops, strategies … */
typedef struct cli_kind_list {
    const char *name;  /* "strategy": as `describe` and JSON call it */
    const char *title; /* "Strategies" */
    const char *text;  /* where its options stand in a config, one sentence */
    int (*count)(void);
    const nas_kind *(*at)(int index);
} cli_kind_list;

const cli_kind_list *cli_kind_lists(int *count);
const cli_kind_list *cli_kind_list_find(const char *name);
int cli_option_count(const nas_kind *kind);
/* "real", "0 … 1"; ranges and choices as people read them. */
const char *cli_option_type_text(nas_option_type type);
void cli_option_range_text(const nas_option *option, char *text, size_t size);
/* What completion offers for an argument of clnas (cli_program.words). */
void cli_words(const char *argument, const char *before, nas_text *words);
/* clnas.cfg.5 and clnas-study.5: manual_pages.c. */
nas_status cli_manual_pages_write(const char *folder);
/* docs/config.md as a whole. */
void cli_reference_page(nas_text *page);

/* ---- hardware: driver_hint.c ------------------------------------------------------------------------------- */

/* Adds one line per GPU of this machine that no listed OpenCL device belongs to, and, when nothing is
 * listed at all, what to install for the CPU.  "" when there is nothing to say. */
void cli_driver_hint(const nas_device_info *devices, int count, nas_text *text);
/* NAS_NO_DEVICE with that hint as its message. */
nas_status cli_no_device(const nas_device_info *devices, int count);

/* ---- doctor: child.c, doctor_device.c ------------------------------------------------------------------------ */

/* How a child process ended. */
typedef struct cli_child_end {
    int exit_code;  /* -1: by a signal or the time limit */
    int signal;     /* that killed it; 0: none */
    bool timed_out; /* and was killed for it */
} cli_child_end;

/* Runs this program with `arguments` (NULL-terminated, without the program's name) and hands over its stdout
 * line by line. */
nas_status cli_child_run(const char *const *arguments, double limit_s,
                         void (*line)(void *user, const char *text), void *user,
                         cli_child_end *end);
/* Proves every op on one device; JSON lines on stdout, see doctor_device.c. */

#endif
