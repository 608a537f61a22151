/* progress.c - one line at the bottom of the terminal.
 *
 * The line is redrawn in place (carriage return, text, erase to the end) and cut to the width, because a
 * line that wraps cannot be redrawn.  Whoever writes something else to stderr hides it first; the next
 * draw brings it back.  When stderr is no terminal a draw is a plain line, so callers send fewer of them
 * (see session_progress.c).
 */
#include "cli.h"

#include <string.h>

static bool shown;

void cli_progress_draw(const char *line)
{
    int width = cli_terminal_columns(stderr);
    int length = (int)strlen(line);
    if (!cli_terminal_moves(stderr)) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    if (width > 1 && length > width - 1)
        length = width - 1;
    fprintf(stderr, "\r%.*s\033[K", length, line);
    fflush(stderr);
    shown = true;
}

void cli_progress_hide(void)
{
    if (!shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    shown = false;
}

void cli_progress_end(void)
{
    if (!shown)
        return;
    fputc('\n', stderr);
    shown = false;
}
