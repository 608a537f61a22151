/* process.c - one worker process: started, listened to, reaped.
 *
 * A worker is the same program again (`program worker key=value …`): it gets a study's path and a device, and
 * nothing else is shared - no memory, no store handle, no OpenCL state - so a driver that crashes takes only itself down.
 * It talks back over a pipe (descriptor 3), a line at a time, fields separated by tabs:
 *
 *     testing                                 the device is open and is put to the test
 *     ready   DEVICE                          data and device are open
 *     epoch   JOB JOBS EPOCH EPOCHS NAME      retraining
 *     end     STATUS MESSAGE                  its last words; none when it crashed
 *
 * Next: orders.c, the worker's own side of this; supervisor.c. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- the supervisor's side ---------------------------------------------------------------------------------------- */

/* The signals that a worker waits for (orders.c) are blocked from its first moment on, so that none meets it before it does; and where this
 * process ignores one of them the worker does not, nor SIGCHLD, which drivers need that start a compiler.  Output to the log, input from
 * `orders` where there are any. */
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                   const char *log, int orders, int write_end)
{
    static const int told[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
    sigset_t blocked, usual;
    sigemptyset(&blocked);
    sigemptyset(&usual);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        sigaddset(&blocked, told[i]);
        sigaddset(&usual, told[i]);
    }
    sigaddset(&usual, SIGCHLD);
    int error =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    error = error ? error : posix_spawnattr_setsigmask(attributes, &blocked);
    error = error ? error : posix_spawnattr_setsigdefault(attributes, &usual);
    if (!error && orders >= 0)
        error = posix_spawn_file_actions_adddup2(actions, orders, 0);
    else if (!error)
        error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    /* before the log: a program without 0 and 1 has the pipe there */
    error = error ? error : posix_spawn_file_actions_adddup2(actions, write_end, NAS__REPORT_FILE);
    error = error ? error
                  : posix_spawn_file_actions_addopen(actions, 1, log, O_WRONLY | O_CREAT | O_APPEND,
                                                     0666);
    return error ? error : posix_spawn_file_actions_adddup2(actions, 1, 2);
}

static int spawn(const char *program, char *const *arguments, const char *log, int orders,
                 int write_end, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = prepare(&actions, &attributes, log, orders, write_end);
    if (!error)
        error = posix_spawn(pid, program, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* A child that another thread starts between pipe and F_SETFD would keep the pipe open, and its end would not be seen before that child's. */
static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

static nas_status spawn_with_pipe(const char *program, char *const *arguments, const char *log,
                                  int orders, int ends[2], pid_t *pid, int *error)
{
    if (pipe(ends) != 0)
        NAS_FAIL(NAS_FAILED, "cannot make a pipe: %s", strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    *error = spawn(program, arguments, log, orders, ends[1], pid);
    close(ends[1]);
    return NAS_OK;
}

nas_status nas__child_start(const char *program, char *const *arguments, const char *log,
                            int orders, const nas__wishes *wishes, pid_t *pid, int *report)
{
    int ends[2], error = 0;
    pthread_mutex_lock(&starting);
    const nas_status status = spawn_with_pipe(program, arguments, log, orders, ends, pid, &error);
    pthread_mutex_unlock(&starting);
    NAS_TRY(status);
    if (error) {
        close(ends[0]);
        *pid = 0;
        NAS_FAIL(NAS_FAILED, "cannot start a worker (%s): %s", program, strerror(error));
    }
    *report = ends[0];
    nas__child_here(*pid, wishes);
    return NAS_OK;
}

static void forget_words(nas__process *process)
{
    process->length = 0;
    process->ready = process->testing = process->said_end = false;
    process->end = NAS_OK;
    process->message[0] = process->job_name[0] = '\0';
    process->job = process->jobs = process->epoch = process->epochs = 0;
    process->trial = -1;
    process->started_s = process->heard_s = nas_now_s();
    process->started_at_ms = nas_time_ms();
}

nas_status nas__process_start(nas__process *process, const char *program, const nas_study *study,
                              const char *mode, const nas__wishes *wishes)
{
    char name[64], log[NAS_PATH_SIZE], how[32], path[NAS_PATH_SIZE + 8], parent[32];
    char match[NAS_TEXT_SIZE + 8], alias[NAS_TEXT_SIZE + 8], driver[NAS_TEXT_SIZE + 8];
    char test[16], avoid[32];
    char own[NAS_PATH_SIZE + 8];
    snprintf(name, sizeof name, "worker-%d.log", process->slot);
    NAS_TRY(nas__study_file(study, name, log, sizeof log));
    snprintf(how, sizeof how, "mode=%s", mode);
    snprintf(path, sizeof path, "study=%s", nas_study_path(study));
    snprintf(match, sizeof match, "match=%s", process->match);
    snprintf(alias, sizeof alias, "alias=%s", process->alias);
    snprintf(driver, sizeof driver, "driver=%s", process->driver);
    snprintf(test, sizeof test, "test=%d", (int)process->test);
    snprintf(avoid, sizeof avoid, "avoid=%d", process->avoid);
    snprintf(parent, sizeof parent, "parent=%ld", (long)getpid());
    snprintf(own, sizeof own, "program=%s", program);
    char *arguments[] = {(char *)program, "worker", how,   path,   match, alias,
                         driver,          test,     avoid, parent, own,   NULL};
    forget_words(process);
    return nas__child_start(program, arguments, log, -1, wishes, &process->pid, &process->report);
}

nas_status nas__status_named(const char *name)
{
    for (int status = 0; status <= (int)NAS_TIME; status++)
        if (strcmp(nas_status_name((nas_status)status), name) == 0)
            return (nas_status)status;
    return NAS_FAILED;
}

/* One line of the worker's. */
static void understand(nas__process *process, char *line)
{
    char *rest = strchr(line, '\t');
    if (rest)
        *rest++ = '\0';
    else
        rest = line + strlen(line);
    process->heard_s = nas_now_s();
    if (strcmp(line, "ready") == 0) {
        process->ready = true;
        process->testing = false;
        snprintf(process->device, sizeof process->device, "%s", rest);
        snprintf(process->message, sizeof process->message, "%s", rest);
    } else if (strcmp(line, "testing") == 0) {
        process->testing = true;
    } else if (strcmp(line, "epoch") == 0) {
        int at = 0;
        if (sscanf(rest, "%d\t%d\t%d\t%d\t%n", &process->job, &process->jobs, &process->epoch,
                   &process->epochs, &at) >= 4 &&
            at > 0)
            snprintf(process->job_name, sizeof process->job_name, "%.63s", rest + at);
    } else if (strcmp(line, "end") == 0) {
        char *text = strchr(rest, '\t');
        if (text)
            *text++ = '\0';
        process->said_end = true;
        process->end = nas__status_named(rest);
        snprintf(process->message, sizeof process->message, "%s", text ? text : "");
    }
}

bool nas__process_hear(nas__process *process)
{
    bool news = false;
    while (process->report >= 0) {
        ssize_t got = read(process->report, process->line + process->length,
                           sizeof process->line - 1 - process->length);
        if (got <= 0)
            return news;
        process->length += (size_t)got;
        process->line[process->length] = '\0';
        char *end;
        while ((end = strchr(process->line, '\n'))) {
            *end = '\0';
            understand(process, process->line);
            news = true;
            process->length -= (size_t)(end + 1 - process->line);
            memmove(process->line, end + 1, process->length + 1);
        }
        if (process->length == sizeof process->line - 1)
            process->length = 0; /* no worker writes such a line */
    }
    return news;
}

/* ECHILD: it has ended, but this program lets the system forget its children (SIGCHLD ignored) or has waited for it elsewhere. */
bool nas__process_reap(nas__process *process, int *how)
{
    if (process->pid <= 0)
        return false;
    *how = 0;
    const pid_t gone = waitpid(process->pid, how, WNOHANG);
    if (gone != process->pid && !(gone < 0 && errno == ECHILD))
        return false;
    nas__process_hear(process);
    close(process->report);
    process->report = -1;
    nas__child_gone(process->pid);
    process->gone = process->pid;
    process->pid = 0;
    return true;
}

void nas__process_signal(const nas__process *process, int signal)
{
    if (process->pid > 0)
        kill(process->pid, signal);
}
