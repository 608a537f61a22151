/* orders.c - a worker process seen from within: what it was told, and what it says.
 *
 * `program worker key=value …` comes here.  The driver is chosen first, before anything of OpenCL is loaded; then either
 *
 *     mode=search     trials until the search is over          mode=retrain    the best again, at its end
 *     mode=probe      lists the devices that this driver has:
 *                     device  PLATFORM INDEX TYPE USABLE NAME VENDOR PLATFORM_NAME DRIVER WHY_NOT
 *     mode=measure    latencies that another process asks for on the standard input (meter_device.c)
 *
 * When the supervisor dies, its workers die with it (Linux: PR_SET_PDEATHSIG).  Ctrl-C in a terminal reaches the whole
 * process group: workers ignore it and take their orders from the supervisor, SIGTERM to stop and SIGUSR1 to claim
 * nothing new.  Orders are waited for by a thread, with these signals blocked in all others: a compiler inside a driver may put its own handlers
 * in the place of ours (LLVM does when it writes its first file, and SIGUSR1 ends there), but it cannot take a blocked signal.
 * Lines are those of process.c.  Next: worker.c. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { AVOID_MS = 30000 };

typedef struct orders {
    const char *mode, *study, *match, *alias, *driver, *program;
    long parent;
    bool test;  /* the device must prove itself first */
    bool exact; /* as the study's config says, to measure by */
    int avoid;  /* a trial that it leaves to others for AVOID_MS, -1: none */
} orders;

static void say(const char *format, ...) NAS_PRINTF(1, 2);
static void say(const char *format, ...)
{
    char line[NAS__LINE_SIZE];
    va_list list;
    va_start(list, format);
    int length = nas_format_list(line, sizeof line - 1, format, list);
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

/* The thread that takes orders; SIGINT and SIGHUP are the terminal's, and none. */
static void *take_orders(void *signals)
{
    int signal;
    while (sigwait(signals, &signal) == 0)
        if (signal == SIGTERM || signal == SIGUSR1)
            nas__wish_of_process(signal == SIGTERM ? NAS__STOP : NAS__DRAIN);
    return NULL;
}

static void log_line(void *user, nas_log_level level, const char *message)
{
    (void)user;
    (void)level;
    fprintf(stderr, "%lld %s\n", (long long)nas_time_ms(), message);
}

/* Before any other thread is there: threads have the mask of the one that starts them. */
static bool listen_to_signals(void)
{
    static sigset_t signals; /* the thread's, as long as the process lives */
    pthread_t thread;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0 ||
        pthread_create(&thread, NULL, take_orders, &signals) != 0)
        return false;
    pthread_detach(thread);
    return true;
}

/* Signals, and dying with the supervisor. */
static bool obey(const orders *given)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    if (!listen_to_signals())
        return false;
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
    nas__wishes wishes = {0};
    nas_status status = NAS_OK;
    char vendors[NAS_PATH_SIZE];
    const char *told = getenv("OCL_ICD_VENDORS");
    snprintf(vendors, sizeof vendors, "%s", told ? told : "");
    NAS_TRY_DONE(nas_driver_use(given->driver));
    NAS_TRY_DONE(nas_study_open(given->study, NAS_STORE_WRITE, &study));
    NAS_TRY_DONE(nas__bench_open(study, &bench));
    NAS_TRY_DONE(nas__bench_device(&bench, given->match, given->alias));
    if (given->test) {
        say("testing\t%s", bench.device_name);
        NAS_TRY_DONE(nas_prove_device_quickly(bench.device));
    }
    nas_study_avoid(study, given->avoid, AVOID_MS);
    bench.program = given->program;
    bench.wishes = &wishes;
    memcpy(bench.vendors, vendors, sizeof vendors);
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

/* Blanks in place of what separates fields. */
static const char *field(char *text)
{
    for (char *c = text; *c; c++)
        if (*c == '\t' || *c == '\n')
            *c = ' ';
    return text;
}

static nas_status list_devices(const orders *given)
{
    nas_device_info *list = NULL;
    int count = 0;
    NAS_TRY(nas_driver_use(given->driver));
    NAS_TRY(nas_devices_list(&list, &count));
    for (int i = 0; i < count; i++) {
        nas_device_info *d = &list[i];
        say("device\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s", d->platform, d->index, (int)d->type,
            (int)d->usable, field(d->name), field(d->vendor), field(d->platform_name),
            field(d->driver), field(d->why_not));
    }
    free(list);
    return NAS_OK;
}

static void answer(const char *line)
{
    say("%s", line);
}

/* For a meter (meter.c) of another process. */
static nas_status measure(const orders *given)
{
    nas_device *device = NULL;
    nas_study *study = NULL;
    NAS_TRY(nas_driver_use(given->driver));
    NAS_TRY(nas_study_open(given->study, NAS_STORE_WRITE, &study));
    const nas_status opened = nas__device_open(study, given->exact, given->match, &device);
    nas_study_close(study);
    NAS_TRY(opened);
    say("ready\t%s", nas_device_describe(device)->name);
    const nas_status status = nas__meter_serve(device, answer);
    nas_device_destroy(device);
    return status;
}

static const char *argument(const char *text, const char *name)
{
    size_t length = strlen(name);
    return strncmp(text, name, length) == 0 && text[length] == '=' ? text + length + 1 : NULL;
}

int nas_session_worker(int argc, char **argv)
{
    orders given = {
        .mode = "search", .match = "any", .alias = "", .driver = "", .avoid = -1, .exact = true};
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
        else if ((value = argument(argv[i], "driver")))
            given.driver = value;
        else if ((value = argument(argv[i], "test")))
            given.test = value[0] == '1';
        else if ((value = argument(argv[i], "exact")))
            given.exact = value[0] == '1';
        else if ((value = argument(argv[i], "avoid")))
            given.avoid = (int)strtol(value, NULL, 10);
        else if ((value = argument(argv[i], "program")))
            given.program = value;
        else if ((value = argument(argv[i], "parent")))
            given.parent = strtol(value, NULL, 10);
    }
    bool probe = strcmp(given.mode, "probe") == 0, meter = strcmp(given.mode, "measure") == 0;
    if ((!given.study && !probe) || fcntl(NAS__REPORT_FILE, F_GETFD) < 0 || !obey(&given))
        return nas_status_exit_code(NAS_CONFIG);
    nas_log_set(log_line, NULL, NAS_LOG_INFO);
    nas_status status = probe ? list_devices(&given) : meter ? measure(&given) : work(&given);
    if (status != NAS_OK)
        nas_log(NAS_LOG_ERROR, "%s", nas_error_message());
    say("end\t%s\t%s", nas_status_name(status), status == NAS_OK ? "" : nas_error_message());
    return nas_status_exit_code(status);
}
