/* process.c - one worker process: started, listened to, reaped; and the worker's own side of it.
 *
 * A worker is the same program again (`program worker key=value …`): it gets a study's path and a device, and
 * nothing else is shared - no memory, no store handle, no OpenCL state - so a driver that crashes takes only itself down.
 * It talks back over a pipe (descriptor 3), a line at a time, fields separated by tabs:
 *
 *     ready   DEVICE                          data and device are open
 *     epoch   JOB JOBS EPOCH EPOCHS NAME      retraining
 *     end     STATUS MESSAGE                  its last words; none when it crashed
 *
 * When the supervisor dies, its workers die with it (Linux: PR_SET_PDEATHSIG).  Ctrl-C in a terminal reaches the whole
 * process group: workers ignore it and take their orders from the supervisor, SIGTERM to stop and SIGUSR1 to claim
 * nothing new.  Next: supervisor.c. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

extern char **environ;

volatile sig_atomic_t nas__wish_now, nas__signal, nas__children[256];

void nas__wish_reset(void)
{
    nas__wish_now = NAS__GO;
    nas__signal = 0;
}

void nas_session_interrupt(int signal)
{
    bool again = nas__signal != 0;
    nas__signal = signal;
    nas__wish_now = NAS__STOP;
    for (size_t i = 0; again && i < sizeof nas__children / sizeof nas__children[0]; i++)
        if (nas__children[i] > 0)
            kill((pid_t)nas__children[i], SIGKILL);
}

/* ---- the supervisor's side ---------------------------------------------------------------------------------------- */

static void remember_child(pid_t pid, pid_t instead_of)
{
    for (size_t i = 0; i < sizeof nas__children / sizeof nas__children[0]; i++)
        if (nas__children[i] == (sig_atomic_t)instead_of) {
            nas__children[i] = (sig_atomic_t)pid;
            return;
        }
}

/* Handlers and mask of the worker as a fresh program expects them; output to the log. */
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                   const char *log, int write_end)
{
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGUSR1);
    int error =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    error = error ? error : posix_spawnattr_setsigmask(attributes, &none);
    error = error ? error : posix_spawnattr_setsigdefault(attributes, &usual);
    error = error ? error : posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    error = error ? error
                  : posix_spawn_file_actions_addopen(actions, 1, log, O_WRONLY | O_CREAT | O_APPEND,
                                                     0666);
    error = error ? error : posix_spawn_file_actions_adddup2(actions, 1, 2);
    return error ? error : posix_spawn_file_actions_adddup2(actions, write_end, NAS__REPORT_FILE);
}

static int spawn(nas__process *process, const char *program, const nas_study *study,
                 const char *mode, const char *log, int write_end)
{
    char how[32], path[NAS_PATH_SIZE + 8], match[NAS_TEXT_SIZE + 8], alias[NAS_TEXT_SIZE + 8],
        parent[32];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    snprintf(how, sizeof how, "mode=%s", mode);
    snprintf(path, sizeof path, "study=%s", nas_study_path(study));
    snprintf(match, sizeof match, "match=%s", process->match);
    snprintf(alias, sizeof alias, "alias=%s", process->alias);
    snprintf(parent, sizeof parent, "parent=%ld", (long)getpid());
    char *arguments[] = {(char *)program, "worker", how, path, match, alias, parent, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int error = prepare(&actions, &attributes, log, write_end);
    if (!error)
        error = posix_spawn(&process->pid, program, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static void forget_words(nas__process *process)
{
    process->length = 0;
    process->ready = process->said_end = false;
    process->end = NAS_OK;
    process->message[0] = process->job_name[0] = '\0';
    process->job = process->jobs = process->epoch = process->epochs = 0;
    process->trial = -1;
    process->started_s = process->heard_s = nas_now_s();
}

nas_status nas__process_start(nas__process *process, const char *program, const nas_study *study,
                              const char *mode)
{
    char name[64], log[NAS_PATH_SIZE];
    int ends[2];
    snprintf(name, sizeof name, "worker-%d.log", process->slot);
    NAS_TRY(nas__study_file(study, name, log, sizeof log));
    if (pipe(ends) != 0)
        NAS_FAIL(NAS_FAILED, "cannot make a pipe: %s", strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    forget_words(process);
    int error = spawn(process, program, study, mode, log, ends[1]);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        process->pid = 0;
        NAS_FAIL(NAS_FAILED, "cannot start a worker (%s): %s", program, strerror(error));
    }
    process->report = ends[0];
    remember_child(process->pid, 0);
    return NAS_OK;
}

static nas_status status_named(const char *name)
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
        snprintf(process->message, sizeof process->message, "%s", rest);
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
        process->end = status_named(rest);
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

bool nas__process_reap(nas__process *process, int *how)
{
    if (process->pid <= 0 || waitpid(process->pid, how, WNOHANG) != process->pid)
        return false;
    nas__process_hear(process);
    close(process->report);
    process->report = -1;
    remember_child(0, process->pid);
    process->pid = 0;
    return true;
}

void nas__process_signal(const nas__process *process, int signal)
{
    if (process->pid > 0)
        kill(process->pid, signal);
}

/* ---- the worker's side -------------------------------------------------------------------------------------------- */

typedef struct orders {
    const char *mode, *study, *match, *alias;
    long parent;
} orders;

static void say(const char *format, ...) NAS_PRINTF(1, 2);
static void say(const char *format, ...)
{
    char line[NAS__LINE_SIZE];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    if (length < 0)
        return;
    size_t size = (size_t)length < sizeof line - 1 ? (size_t)length : sizeof line - 2;
    for (size_t i = 0; i < size; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[size++] = '\n';
    while (write(NAS__REPORT_FILE, line, size) < 0 && errno == EINTR)
        continue;
}

static void say_epoch(void *user, int job, int jobs, int epoch, int epochs, const char *name)
{
    (void)user;
    say("epoch\t%d\t%d\t%d\t%d\t%s", job, jobs, epoch, epochs, name);
}

static void on_order(int signal)
{
    if (signal == SIGTERM)
        nas__wish_now = NAS__STOP;
    else if (nas__wish_now == NAS__GO)
        nas__wish_now = NAS__DRAIN;
}

static void log_line(void *user, nas_log_level level, const char *message)
{
    (void)user;
    (void)level;
    fprintf(stderr, "%lld %s\n", (long long)nas_time_ms(), message);
}

/* Signals, and dying with the supervisor. */
static bool obey(const orders *given)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_order;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGPIPE, &action, NULL);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    fcntl(NAS__REPORT_FILE, F_SETFD, FD_CLOEXEC);
    return given->parent == 0 || (long)getppid() == given->parent;
}

static nas_status work(const orders *given)
{
    nas_study *study = NULL;
    nas__bench bench = {0};
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_study_open(given->study, NAS_STORE_WRITE, &study));
    NAS_TRY_DONE(nas__bench_open(study, &bench));
    NAS_TRY_DONE(nas__bench_device(&bench, given->match, given->alias));
    say("ready\t%s", bench.device_name);
    if (strcmp(given->mode, "retrain") == 0)
        status = nas__retrain_run(&bench, say_epoch, NULL);
    else {
        nas__worker worker = {.bench = &bench};
        status = nas__worker_search(&worker);
    }
done:
    nas__bench_close(&bench);
    nas_study_close(study);
    return status;
}

static const char *argument(const char *text, const char *name)
{
    size_t length = strlen(name);
    return strncmp(text, name, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

int nas_session_worker(int argc, char **argv)
{
    orders given = {.mode = "search", .match = "any", .alias = ""};
    for (int i = 0; i < argc; i++) {
        const char *value;
        if ((value = argument(argv[i], "mode")))
            given.mode = value;
        else if ((value = argument(argv[i], "study")))
            given.study = value;
        else if ((value = argument(argv[i], "match")))
            given.match = value;
        else if ((value = argument(argv[i], "alias")))
            given.alias = value;
        else if ((value = argument(argv[i], "parent")))
            given.parent = strtol(value, NULL, 10);
    }
    if (!given.study || fcntl(NAS__REPORT_FILE, F_GETFD) < 0 || !obey(&given))
        return nas_status_exit_code(NAS_CONFIG);
    nas_log_set(log_line, NULL, NAS_LOG_INFO);
    nas_status status = work(&given);
    if (status != NAS_OK)
        nas_log(NAS_LOG_ERROR, "%s", nas_error_message());
    say("end\t%s\t%s", nas_status_name(status), status == NAS_OK ? "" : nas_error_message());
    return nas_status_exit_code(status);
}
