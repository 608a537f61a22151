/* screen.h - lines that fit a terminal: see screen.c. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "cli.h"

enum { CLI_LINES = 160 };

typedef struct cli_line {
    size_t start; /* in the text */
    int rank, used;
} cli_line;

typedef struct cli_screen {
    const cli_look *look;
    const nas_watch_view *view;
    nas_text text;
    cli_line lines[CLI_LINES];
    int count;
} cli_screen;

/* A new line, which the calls below write to; of a higher rank, it goes earlier. */
void cli_line_begin(cli_screen *s, int rank);
int cli_line_room(const cli_screen *s); /* columns that are left of it */
void cli_line_add(cli_screen *s, const char *format, ...) NAS_PRINTF(2, 3);
/* As much of a text as fits so many columns and the line. */
void cli_line_some(cli_screen *s, int most, const char *text);
/* Blanks up to a column; one at least where something stands before it. */
void cli_line_column(cli_screen *s, int column);
/* Of what follows, as in "\033[…m"; "": as usual. */
void cli_line_colour(cli_screen *s, const char *code);
/* Lines of one kind: between two parts; over a part; with a word before what it says, from column 10 on. */
void cli_line_blank(cli_screen *s);
void cli_line_title(cli_screen *s, int rank, const char *text);
void cli_line_label(cli_screen *s, int rank, const char *text);
/* A share, 0 … 1, as a bar of so many columns and its two ends. */
void cli_line_bar(cli_screen *s, int width, double share);
/* Values between their least and their most: two in a character, four rows of dots; without Unicode a digit each.  NaN: none. */
void cli_line_history(cli_screen *s, const double *values, int count);
/* The lines that there is room for; rows 0: all. */
void cli_screen_write(const cli_screen *s, int rows, nas_text *to);

/* ---- status_trials.c ---- */

/* The best so far after each share of the trials; the last results; both in so many points. */
void cli_show_best_so_far(cli_screen *s, int rank, int points);
void cli_show_last_values(cli_screen *s, int rank, int points);
/* The trials that changed last, and those that failed last. */
void cli_show_recent(cli_screen *s);
void cli_show_failures(cli_screen *s);

#endif
