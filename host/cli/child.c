/* child.c - runs this program once more and reads what it prints, so that whatever happens to it (an OpenCL
 * driver that crashes, hangs or calls exit) costs the child and not us. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENT_LIMIT = 16, LINE_LIMIT = 1 << 16 };

/* In the child: stdout to the pipe, stderr to nowhere, then exec. */
static void become(const char *const *arguments, int output)
{
    const char *list[ARGUMENT_LIMIT + 2] = {"clnas"};
    int count = 1, nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (; arguments[count - 1] && count <= ARGUMENT_LIMIT; count++)
        list[count] = arguments[count - 1];
    list[count] = NULL;
    if (dup2(output, STDOUT_FILENO) < 0 || (nowhere >= 0 && dup2(nowhere, STDERR_FILENO) < 0))
        _exit(127);
    execv("/proc/self/exe", (char *const *)list);
    _exit(127);
}

/* Hands over the whole lines in `text`; what remains moves to the front. */
static void cut_lines(nas_text *text, void (*line)(void *user, const char *text), void *user)
{
    char *start = text->data, *stop;
    size_t rest;
    while (start && (stop = strchr(start, '\n')) != NULL) {
        *stop = '\0';
        line(user, start);
        start = stop + 1;
    }
    rest = start ? strlen(start) : 0;
    if (rest)
        memmove(text->data, start, rest + 1);
    text->length = rest;
    if (text->data)
        text->data[rest] = '\0';
}

/* Reads until the other end closes or the time is over; false: over. */
static bool read_all(int input, double limit_s, void (*line)(void *user, const char *text),
                     void *user)
{
    nas_text text = {0};
    char block[4096];
    double end_s = nas_now_s() + limit_s;
    bool open = true;
    while (open) {
        struct pollfd wait = {input, POLLIN, 0};
        double left_s = end_s - nas_now_s();
        int ready = left_s > 0 ? poll(&wait, 1, (int)(left_s * 1000) + 1) : 0;
        if (ready == 0)
            break;
        ssize_t got = ready > 0 ? read(input, block, sizeof block) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        open = got > 0;
        if (got > 0 && text.length < LINE_LIMIT)
            nas_text_add_bytes(&text, block, (size_t)got);
        cut_lines(&text, line, user);
    }
    nas_text_clear(&text);
    return !open;
}

nas_status cli_child_run(const char *const *arguments, double limit_s,
                         void (*line)(void *user, const char *text), void *user, cli_child_end *end)
{
    int ends[2], state = 0;
    if (pipe(ends) != 0)
        NAS_FAIL(NAS_FAILED, "no pipe for a child process: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        NAS_FAIL(NAS_FAILED, "no child process: %s", strerror(errno));
    }
    if (child == 0) {
        close(ends[0]);
        become(arguments, ends[1]);
    }
    close(ends[1]);
    *end = (cli_child_end){.exit_code = -1, .timed_out = !read_all(ends[0], limit_s, line, user)};
    close(ends[0]);
    if (end->timed_out)
        kill(child, SIGKILL);
    while (waitpid(child, &state, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(state))
        end->exit_code = WEXITSTATUS(state);
    else if (WIFSIGNALED(state))
        end->signal = WTERMSIG(state);
    return NAS_OK;
}
