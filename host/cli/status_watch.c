/* status_watch.c - `clnas status --watch`: a study on the screen, again and again, until it has ended.
 *
 * On a terminal the alternate screen is used, as by other programs of this kind: what stood there before comes back at the end, whatever
 * the end is - the study's, q, Ctrl-C, a signal, a failure.  A frame is written in one piece and over the old one, so that nothing flickers.
 * ^Z gives the terminal back before it stops, and fg draws anew.  Elsewhere (a pipe, a file, TERM=dumb) a line is written where something
 * has changed, or with `--format jsonl` an object at each look.  Where nobody can read it any more, the watch ends.
 *
 * Signals are held back but for the wait between two looks, so that none of them meets half a frame. */
#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

enum { ASK_AGAIN_S = 60 };

/* ---- signals --------------------------------------------------------------------------------------------------------- */

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
static volatile sig_atomic_t ended_by, to_stop, to_draw;

static void on_signal(int number)
{
    if (number == SIGTSTP)
        to_stop = 1;
    else if (number == SIGCONT || number == SIGWINCH)
        to_draw = number == SIGCONT ? 2 : to_draw ? to_draw : 1;
    else
        ended_by = number;
}

/* From now on they are handled, in the wait alone; `free` is the mask for that. */
static void hold_signals(sigset_t *free)
{
    struct sigaction action;
    sigset_t held;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    sigemptyset(&held);
    action.sa_handler = on_signal;
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        struct sigaction before;
        if (sigaction(watched[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue; /* nohup means it */
        sigaction(watched[i], &action, NULL);
        sigaddset(&held, watched[i]);
    }
    sigprocmask(SIG_BLOCK, &held, free);
}

/* As if nobody had handled it, so that a shell sees what ended us. */
static void die_by(int number)
{
    sigset_t one;
    signal(number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
}

/* ---- the terminal ----------------------------------------------------------------------------------------------------- */

typedef struct terminal {
    bool screen, keys; /* taken just now */
    struct termios before;
} terminal;

static nas_status cannot_write(void)
{
    NAS_FAIL(NAS_FAILED, "writing to stdout failed");
}

static nas_status write_all(const char *data, size_t size)
{
    while (size > 0) {
        const ssize_t done = write(STDOUT_FILENO, data, size);
        if (done < 0 && errno == EAGAIN) /* somebody has it set not to wait, and reads slowly */
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, 100);
        else if (done < 0 && errno != EINTR)
            return cannot_write();
        data += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
    return NAS_OK;
}

/* Where nobody reads it nothing is lost. */
static void write_text(const char *text)
{
    if (write_all(text, strlen(text)) != NAS_OK)
        nas_error_clear();
}

/* Keys one at a time and unseen; in the background the terminal is left alone.  Where they are taken already it is done again: a shell
 * may have set its own meanwhile. */
static void take_keys(terminal *t)
{
    struct termios raw;
    const bool here = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
    t->keys = t->keys && here; /* what a shell has set since is the shell's */
    if (!here || (!t->keys && tcgetattr(STDIN_FILENO, &t->before) != 0))
        return;
    raw = t->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    t->keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void enter(terminal *t)
{
    take_keys(t);
    write_text("\033[?1049h\033[?25l\033[2J");
    t->screen = true;
}

static void leave(terminal *t)
{
    if (t->screen)
        write_text("\033[?25h\033[?1049l");
    if (t->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
    t->screen = t->keys = false;
}

/* ^Z: others have the terminal until we go on, by a SIGCONT that says no more than that. */
static void stop(terminal *t)
{
    const bool had = t->screen;
    sigset_t pending, going_on;
    int number;
    to_stop = 0;
    leave(t);
    raise(SIGSTOP);
    sigemptyset(&going_on);
    sigaddset(&going_on, SIGCONT);
    if (sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1)
        sigwait(&going_on, &number);
    if (had)
        enter(t);
}

/* ---- the wait --------------------------------------------------------------------------------------------------------- */

typedef enum wish { GO_ON, DRAW, QUIT } wish;

static wish read_key(void)
{
    char keys[16];
    const ssize_t count = read(STDIN_FILENO, keys, sizeof keys);
    for (ssize_t i = 0; i < count; i++)
        if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 3)
            return QUIT;
    return count > 0 ? DRAW : GO_ON;
}

/* Until the time is over, a key comes, or a signal. */
static wish wait_for(terminal *t, double seconds, const sigset_t *mask)
{
    const double end_s = nas_now_s() + seconds;
    bool reads = t->keys;
    for (;;) {
        const double left = end_s - nas_now_s();
        fd_set files;
        FD_ZERO(&files);
        if (reads)
            FD_SET(STDIN_FILENO, &files);
        const struct timespec time = {(time_t)(left > 0 ? left : 0),
                                      left > 0 ? (long)(1e9 * (left - (double)(time_t)left)) : 0};
        const int found = pselect(reads ? STDIN_FILENO + 1 : 0, &files, NULL, NULL, &time, mask);
        if (ended_by)
            return QUIT;
        if (to_stop) {
            stop(t);
            return DRAW;
        }
        if (to_draw) {
            if (to_draw == 2 && t->screen) { /* stopped by SIGSTOP: a shell has set its own */
                take_keys(t);
                write_text("\033[?1049h\033[?25l\033[2J");
            }
            to_draw = 0;
            return DRAW;
        }
        if (found > 0) {
            const wish key = read_key();
            if (key != GO_ON)
                return key;
            reads = false; /* another has read it, or nobody is there: not again in this wait */
        }
        if (left <= 0)
            return GO_ON;
    }
}

/* ---- showing ---------------------------------------------------------------------------------------------------------- */

typedef struct watching {
    const char *path;
    double interval_s;
    bool screen;
    cli_format format;
    nas_watch *watch;
    nas_watch_view view;
    char message[512]; /* why the last look has failed; "" */
    /* of lines */
    int64_t revision, epoch, job;
    nas_watch_state state;
    double told_s; /* 0: nothing yet */
    bool told_message;
    terminal terminal;
} watching;

static cli_look look_of(const watching *w)
{
    const int columns = cli_terminal_columns(stdout);
    return (cli_look){.columns = columns > 1 ? columns - 1 : 79,
                      .rows = cli_terminal_rows(stdout),
                      .colours = cli_terminal_colours(stdout),
                      .unicode = cli_terminal_unicode(),
                      .path = w->path,
                      .message = w->message};
}

/* Line by line over the old frame: what is longer than the new line, and what is below, is erased. */
static nas_status draw_frame(const watching *w)
{
    nas_text lines = {0}, frame = {0};
    char keys[96];
    cli_look look = look_of(w);
    snprintf(keys, sizeof keys, "q leaves, any other key looks at once; every %.4g s%s",
             w->interval_s, w->terminal.keys ? "" : " (no keys: Ctrl-C)");
    look.keys = keys;
    nas_status status = cli_screen_draw(&w->view, &look, &lines);
    nas_text_add(&frame, "\033[H");
    for (const char *at = lines.data; status == NAS_OK && *at;) {
        const size_t length = strcspn(at, "\n");
        nas_text_add_bytes(&frame, at, length);
        at += length + (at[length] == '\n');
        nas_text_add(&frame, *at ? "\033[K\r\n" : "\033[K");
    }
    nas_text_add(&frame, "\033[J");
    status = status == NAS_OK ? nas_text_check(&frame) : status;
    status = status == NAS_OK ? write_all(frame.data, frame.length) : status;
    nas_text_clear(&lines);
    nas_text_clear(&frame);
    return status;
}

/* The whole picture, as text that stays. */
static nas_status print_picture(const watching *w)
{
    nas_text lines = {0};
    cli_look look = look_of(w);
    look.rows = 0;
    look.message = "";
    nas_status status = cli_screen_draw(&w->view, &look, &lines);
    status = status == NAS_OK ? write_all(lines.data, lines.length) : status;
    nas_text_clear(&lines);
    return status;
}

static nas_status print_object(const watching *w)
{
    cli_listing listing = {0}, uses = {0};
    const cli_listing *const list = &uses;
    cli_status_listing(w->path, &w->view, &listing);
    cli_listing_column(&listing, "message", true);
    cli_listing_text(&listing, "message", w->message);
    cli_uses_listing(&uses, w->view.progress.uses, w->view.progress.use_count);
    const nas_status status = cli_print_object(&listing, &list, 1, CLI_JSONL);
    cli_listing_clear(&listing);
    cli_listing_clear(&uses);
    return status == NAS_OK && fflush(stdout) != 0 ? cannot_write() : status;
}

/* Worth a line: something has happened, or nothing for a minute. */
static bool is_news(watching *w)
{
    const nas_progress *p = &w->view.progress;
    const int64_t revision = nas_study_revision(w->view.study);
    const bool same = w->told_s > 0 && revision == w->revision && p->epoch == w->epoch &&
                      p->job == w->job && w->view.state == w->state;
    if (same && nas_now_s() - w->told_s < ASK_AGAIN_S)
        return false;
    w->revision = revision;
    w->epoch = p->epoch;
    w->job = p->job;
    w->state = w->view.state;
    w->told_s = nas_now_s();
    return true;
}

static nas_status print_line(watching *w)
{
    char line[768];
    if (w->message[0] && !w->told_message)
        cli_note("%s", w->message); /* once each time */
    w->told_message = w->message[0] != '\0';
    if (w->message[0] || !is_news(w))
        return NAS_OK;
    cli_session_line(&w->view.progress, line, sizeof line);
    cli_text_clean(line);
    printf("%s: %s\n", nas_watch_state_name(w->view.state), line);
    return fflush(stdout) == 0 ? NAS_OK : cannot_write();
}

static nas_status show(watching *w)
{
    if (w->format == CLI_JSONL)
        return print_object(w);
    return w->screen ? draw_frame(w) : print_line(w);
}

/* ---- the loop --------------------------------------------------------------------------------------------------------- */

static bool goes_on(const nas_watch_view *view)
{
    return view->state == NAS_WATCH_SEARCH || view->state == NAS_WATCH_RETRAIN;
}

/* A file that cannot be read just now is no end: the next look may succeed. */
static void look_again(watching *w)
{
    const nas_status status = nas_session_watch_update(w->watch, &w->view);
    snprintf(w->message, sizeof w->message, "%s", status == NAS_OK ? "" : nas_error_message());
}

static nas_status follow(watching *w, const sigset_t *mask)
{
    wish wished = GO_ON;
    if (w->screen)
        enter(&w->terminal);
    while (wished != QUIT) {
        const bool over = w->message[0] == '\0' && !goes_on(&w->view);
        if (!over || w->format == CLI_JSONL)
            NAS_TRY(show(w));
        if (over)
            return NAS_OK;
        wished = wait_for(&w->terminal, w->interval_s, mask);
        if (wished != QUIT)
            look_again(w);
    }
    return NAS_OK;
}

/* What stays, for people: the end, and what follows from it. */
static nas_status say_end(const watching *w)
{
    if (w->format == CLI_JSONL)
        return NAS_OK;
    if (!goes_on(&w->view))
        NAS_TRY(print_picture(w));
    nas_text words = {0};
    if (w->view.state == NAS_WATCH_STOPPED)
        nas_text_add(&words, "Nobody works on it.  To go on: clnas resume ");
    else if (w->view.state == NAS_WATCH_DONE && w->view.missing > 0)
        nas_text_add(&words, "The search has ended; to retrain its best: clnas resume ");
    if (words.length > 0) {
        nas_text_add_word(&words, w->path);
        puts(words.data);
    }
    fflush(stdout);
    const nas_status status = nas_text_check(&words);
    nas_text_clear(&words);
    return status;
}

nas_status cli_status_watch(const char *path, double interval_s, cli_format format)
{
    sigset_t mask;
    watching *w = calloc(1, sizeof *w);
    if (!w)
        NAS_FAIL(NAS_MEMORY, "no memory to watch %s", path);
    *w = (watching){.path = path, .interval_s = interval_s, .format = format};
    nas_status status = nas_session_watch_open(path, &w->watch);
    if (status == NAS_OK)
        status = nas_session_watch_update(w->watch, &w->view);
    if (status == NAS_OK) {
        w->screen = format == CLI_TABLE && cli_terminal_moves(stdout) && goes_on(&w->view);
        hold_signals(&mask);
        status = follow(w, &mask);
        leave(&w->terminal);
        if (status == NAS_OK && !ended_by)
            status = say_end(w);
        sigprocmask(SIG_SETMASK, &mask, NULL);
    }
    nas_session_watch_close(w->watch);
    free(w);
    if (ended_by)
        die_by(ended_by);
    return status;
}
