/* terminal.c - what stderr and stdout can do, and the few sentences that are not data.
 *
 * Three switches that people know are honoured: NO_COLOR (no colours), TERM=dumb (no cursor movement
 * and no colours) and COLUMNS and LINES (the size).  A stream that is no terminal gets neither colours nor
 * redrawing.  Errors start with "clnas: ", as every Unix program's do.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool cli_terminal_moves(FILE *stream)
{
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && term && *term && strcmp(term, "dumb") != 0;
}

bool cli_terminal_colours(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR");
    return cli_terminal_moves(stream) && !(no_colour && *no_colour);
}

/* A side of the terminal: what the environment says, else what the terminal does; 0: no terminal. */
static int side(FILE *stream, const char *name, bool columns, int usual)
{
    const char *given = getenv(name);
    const int size = given ? atoi(given) : 0;
    struct winsize window;
    if (size > 0)
        return size < 10000 ? size : 10000;
    if (!isatty(fileno(stream)))
        return 0;
    if (ioctl(fileno(stream), TIOCGWINSZ, &window) != 0)
        return usual;
    const int own = columns ? window.ws_col : window.ws_row;
    return own > 0 ? own : usual;
}

int cli_terminal_columns(FILE *stream)
{
    return side(stream, "COLUMNS", true, 80);
}

int cli_terminal_rows(FILE *stream)
{
    return side(stream, "LINES", false, 24);
}

bool cli_terminal_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
    }
    return true;
}

static void say(const char *colour, const char *head, const char *format, va_list list)
{
    bool coloured = colour && cli_terminal_colours(stderr);
    cli_progress_hide();
    fprintf(stderr, "clnas: %s%s%s", coloured ? colour : "", head, coloured ? "\033[0m" : "");
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
}

void cli_error(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say("\033[31m", "error: ", format, list);
    va_end(list);
}

void cli_note(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say(NULL, "", format, list);
    va_end(list);
}

void cli_log(void *user, nas_log_level level, const char *message)
{
    static const char *const heads[] = {"error: ", "warning: ", "", "debug: "};
    bool coloured = cli_terminal_colours(stderr) && level <= NAS_LOG_WARNING;
    (void)user;
    cli_progress_hide();
    fprintf(stderr, "clnas: %s%s%s%s\n", coloured ? (level ? "\033[33m" : "\033[31m") : "",
            heads[level], coloured ? "\033[0m" : "", message);
}
