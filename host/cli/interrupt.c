/* interrupt.c - Ctrl-C, politely.
 *
 * The first SIGINT or SIGTERM (SIGHUP counts as SIGTERM) asks the session to finish the current steps, keep
 * what is committed and end as resumable.  The second one leaves at once: the session's workers are
 * killed, and as the study is a log of committed trials nothing committed is lost even then.
 */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t received;

static void on_signal(int number)
{
    static const char text[] = "\nclnas: finishing the current steps; once more to leave at once\n";
    int name = number == SIGHUP ? SIGTERM : number;
    bool again = received != 0;
    received = name;
    nas_session_interrupt(name);
    if (again)
        _exit(128 + name);
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        return;
}

void cli_interrupt_watch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

int cli_interrupt_signal(void)
{
    return (int)received;
}
