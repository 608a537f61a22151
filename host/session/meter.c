/* meter.c - latency, throughput and memory of a network on each device that the config asks for, before it is trained.
 *
 * In this order:
 *
 *   the study's log   a trial of the same architecture has the value: it is taken, whatever its budget was.  So what steered a search once
 *                     steers its replay, and no network is measured twice
 *   a table           source = "predicted" (nas_step_table_predict; tables.c)
 *   this process      the device is the worker's own
 *   another process   it is not: the same program, `worker mode=measure`, with that device's driver alone, started when it is first
 *                     needed and kept.  It is asked and answers as meter_device.c says.  When it dies, its device errs, or it says nothing for
 *                     SILENCE_S, the trial is an attempt poorer, and this worker ends (worker.c): the next attempt gets fresh processes
 *
 * Without a program to start (sessions in one process) other devices are opened here, too.
 * What is measured is marked so in the trial and is no part of its canonical text; predictions and bytes are numbers like any others.
 * For tests, CLNAS_TEST_SILENCE_S is another SILENCE_S. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 100 };
static const double silence_s = 600, pause_s = 5;

/* A device that is not the worker's. */
typedef struct far {
    nas_device_wish wish;
    nas_device *device; /* opened here; NULL */
    pid_t pid;          /* 0: not started */
    int orders, report;
} far;

struct nas__meter {
    nas__bench *bench;
    bool (*go_on)(void *user);
    void *user;
    far fars[NAS_CONFIG_DEVICES];
    int far_count;
    char own_vendors[NAS_PATH_SIZE]; /* OCL_ICD_VENDORS of this process, which sees one driver */
    nas_step_table
        tables[NAS_MEASURES]; /* of the measure with this number; empty: it is not predicted */
};

/* ---- making --------------------------------------------------------------------------------------------------------- */

static far *find_far(nas__meter *meter, const char *alias)
{
    for (int i = 0; i < meter->far_count; i++)
        if (strcmp(meter->fars[i].wish.name, alias) == 0)
            return &meter->fars[i];
    return NULL;
}

static bool is_own(const nas__meter *meter, const nas_measure *measure)
{
    return !measure->device[0] || strcmp(measure->device, meter->bench->alias) == 0;
}

/* What processes that are started see: all drivers, or again this process's own alone. */
static void show_drivers(const nas__meter *meter, bool all)
{
    const char *vendors = all ? meter->bench->vendors : meter->own_vendors;
    if (!meter->bench->program) /* nobody is started, and the environment is every thread's */
        return;
    if (vendors[0])
        setenv("OCL_ICD_VENDORS", vendors, 1);
    else
        unsetenv("OCL_ICD_VENDORS");
}

/* With the driver that has it. */
static nas_status add_far(nas__meter *meter, const nas__places *places, const nas_measure *measure)
{
    const nas__place *place;
    NAS_TRY(nas__place_measured(places, measure, &place));
    meter->fars[meter->far_count++] = (far){.wish = place->wish, .orders = -1, .report = -1};
    return NAS_OK;
}

static nas_status find_devices(nas__meter *meter)
{
    const nas_config *config = &meter->bench->config;
    const nas_search_options options = {.program = meter->bench->program};
    nas__places places = {0};
    nas_status status = NAS_OK;
    for (int i = 0; i < config->measure_count && status == NAS_OK; i++) {
        const nas_measure *measure = &config->measures[i];
        if (measure->predicted || is_own(meter, measure) || find_far(meter, measure->device))
            continue;
        if (places.count == 0) {
            show_drivers(meter, true);
            status = nas__places_find(config, &options, &places);
            show_drivers(meter, false);
        }
        if (status == NAS_OK)
            status = add_far(meter, &places, measure);
    }
    nas__places_clear(&places);
    return status;
}

static nas_status read_tables(nas__meter *meter)
{
    const nas_config *config = &meter->bench->config;
    for (int i = 0; i < config->measure_count; i++)
        if (config->measures[i].predicted)
            NAS_TRY(
                nas__table_read(meter->bench->study, config->measures[i].table, &meter->tables[i]));
    return NAS_OK;
}

nas_status nas__meter_create(nas__bench *bench, bool (*go_on)(void *user), void *user,
                             nas__meter **meter)
{
    nas__meter *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    made->bench = bench;
    made->go_on = go_on;
    made->user = user;
    const char *vendors = getenv("OCL_ICD_VENDORS");
    snprintf(made->own_vendors, sizeof made->own_vendors, "%s", vendors ? vendors : "");
    if (!bench->program) /* nobody is started; nothing was chosen on the way here */
        memcpy(bench->vendors, made->own_vendors, sizeof bench->vendors);
    nas_status status = read_tables(made);
    if (status == NAS_OK)
        status = find_devices(made);
    if (status == NAS_OK)
        *meter = made;
    else
        nas__meter_destroy(made);
    return status;
}

static void end_far(far *f, bool at_once)
{
    if (f->orders >= 0)
        close(f->orders); /* it ends by itself when there is nothing more to read */
    if (f->pid > 0 && at_once)
        kill(f->pid, SIGKILL);
    while (f->pid > 0 && waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (f->pid > 0)
        nas__child_gone(f->pid);
    if (f->report >= 0)
        close(f->report);
    f->pid = 0;
    f->orders = f->report = -1;
}

void nas__meter_destroy(nas__meter *meter)
{
    if (!meter)
        return;
    for (int i = 0; i < meter->far_count; i++) {
        end_far(&meter->fars[i], true);
        nas_device_destroy(meter->fars[i].device);
    }
    for (int i = 0; i < NAS_MEASURES; i++)
        nas_step_table_clear(&meter->tables[i]);
    free(meter);
}

/* ---- another process -------------------------------------------------------------------------------------------------- */

static nas_status start_far(nas__meter *meter, far *f)
{
    char match[NAS_TEXT_SIZE + 8], driver[NAS_TEXT_SIZE + 8], parent[32], name[NAS_TEXT_SIZE + 16];
    char log[NAS_PATH_SIZE], study[NAS_PATH_SIZE + 8], exact[16];
    int ends[2];
    snprintf(match, sizeof match, "match=%s", f->wish.match);
    snprintf(driver, sizeof driver, "driver=%s", f->wish.driver);
    snprintf(parent, sizeof parent, "parent=%ld", (long)getpid());
    snprintf(study, sizeof study, "study=%s", nas_study_path(meter->bench->study));
    snprintf(exact, sizeof exact, "exact=%d", (int)meter->bench->config.exact);
    snprintf(name, sizeof name, "meter-%ld.log", (long)getpid());
    NAS_TRY(nas__study_file(meter->bench->study, name, log, sizeof log));
    char *arguments[] = {(char *)meter->bench->program,
                         "worker",
                         "mode=measure",
                         study,
                         exact,
                         match,
                         driver,
                         parent,
                         NULL};
    if (pipe(ends) != 0)
        NAS_FAIL(NAS_FAILED, "cannot make a pipe: %s", strerror(errno));
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    show_drivers(meter, true);
    const nas_status status = nas__child_start(meter->bench->program, arguments, log, ends[0],
                                               meter->bench->wishes, &f->pid, &f->report);
    show_drivers(meter, false);
    close(ends[0]);
    f->orders = ends[1];
    if (status != NAS_OK)
        end_far(f, true);
    return status;
}

static bool write_all(int file, const char *data, size_t size)
{
    while (size > 0) {
        const ssize_t done = write(file, data, size);
        if (done < 0 && errno != EINTR)
            return false;
        data += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* `quiet_s` by the time since `*seen_s`; where that is long, this process was stopped itself (a shell's ^Z), and the other one with it. */
static bool is_silent(double *quiet_s, double *seen_s)
{
    const char *test = getenv("CLNAS_TEST_SILENCE_S");
    const double now_s = nas_now_s(), step_s = now_s - *seen_s;
    *quiet_s += step_s < pause_s ? step_s : 0;
    *seen_s = now_s;
    return *quiet_s > (test ? nas_real_read(test, NULL) : silence_s);
}

/* One line of its report into `line`; NAS_DEVICE when it has died or says nothing. */
static nas_status hear(nas__meter *meter, far *f, char *line, size_t size)
{
    size_t length = 0;
    double quiet_s = 0, seen_s = nas_now_s();
    while (length + 1 < size) {
        struct pollfd file = {.fd = f->report, .events = POLLIN};
        const ssize_t got = read(f->report, line + length, 1);
        if (got == 1 && line[length] == '\n') {
            line[length] = '\0';
            return NAS_OK;
        }
        if (got == 1) {
            length++;
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR) || is_silent(&quiet_s, &seen_s))
            break;
        if (!meter->go_on(meter->user))
            NAS_FAIL(NAS_STOPPED, "stopped while a latency was measured");
        poll(&file, 1, POLL_MS);
    }
    NAS_FAIL(NAS_DEVICE,
             "the process that measures on device \"%.100s\" has died or says nothing; its output "
             "is in meter-%ld.log",
             f->wish.name, (long)getpid());
}

static nas_status understand(const far *f, char *line, double *value)
{
    char *rest = strchr(line, '\t'), *text;
    if (!rest)
        NAS_FAIL(NAS_DEVICE, "the process that measures on device \"%.100s\" says \"%.100s\"",
                 f->wish.name, line);
    *rest++ = '\0';
    if (strcmp(line, "value") == 0) {
        *value = nas_real_read(rest, NULL);
        return NAS_OK;
    }
    text = strchr(rest, '\t');
    if (text)
        *text++ = '\0';
    const nas_status status = nas__status_named(rest);
    NAS_FAIL(status == NAS_OK ? NAS_DEVICE : status, "device \"%.100s\": %s", f->wish.name,
             text ? text : "");
}

static nas_status ask(nas__meter *meter, far *f, const nas_measure *measure, const nas_text *text,
                      double *value)
{
    char line[2048], request[64];
    const char *what = measure->what == NAS_MEASURED_MEMORY ? "memory" : "latency";
    snprintf(request, sizeof request, "%s %d %zu\n", what, measure->batch, text->length);
    if (!write_all(f->orders, request, strlen(request)) ||
        !write_all(f->orders, text->data, text->length))
        NAS_FAIL(NAS_DEVICE,
                 "the process that measures on device \"%.100s\" has died; its output is in "
                 "meter-%ld.log",
                 f->wish.name, (long)getpid());
    do
        NAS_TRY(hear(meter, f, line, sizeof line));
    while (strncmp(line, "ready\t", 6) == 0);
    return understand(f, line, value);
}

static nas_status ask_far(nas__meter *meter, far *f, const nas_measure *measure,
                          const nas_graph *graph, double *value)
{
    nas_text text = {0};
    nas_status status = f->pid > 0 ? NAS_OK : start_far(meter, f);
    nas_graph_write(graph, &text);
    if (status == NAS_OK)
        status = nas_text_check(&text);
    if (status == NAS_OK)
        status = ask(meter, f, measure, &text, value);
    nas_text_clear(&text);
    if (status != NAS_OK && status != NAS_BOUND)
        end_far(f, true);
    return status;
}

/* ---- a value ------------------------------------------------------------------------------------------------------------ */

/* Of another trial of the same architecture; NaN: none has it. */
static double from_log(const nas__meter *meter, const nas_arch *arch, const char *metric)
{
    const nas_study *study = meter->bench->study;
    double value = NAN;
    nas_text text = {0};
    nas_domain_write(meter->bench->domain, arch, &text);
    for (int i = 0; i < nas_study_count(study) && isnan(value) && text.data; i++) {
        const nas_trial *trial = nas_study_trial(study, i);
        if (nas_trial_final(trial) && strcmp(trial->arch, text.data) == 0)
            value = nas_trial_metric(trial, metric);
    }
    nas_text_clear(&text);
    return value;
}

/* Seconds, or bytes. */
static nas_status measure_on(nas__meter *meter, const nas_measure *measure, const nas_graph *graph,
                             double *value)
{
    far *f = is_own(meter, measure) ? NULL : find_far(meter, measure->device);
    nas_device *device = f ? f->device : meter->bench->device;
    if (f && meter->bench->program)
        return ask_far(meter, f, measure, graph, value);
    if (f && !device) {
        NAS_TRY(nas__device_open(meter->bench->study, meter->bench->config.exact, f->wish.match,
                                 &f->device));
        device = f->device;
    }
    return measure->what == NAS_MEASURED_MEMORY
               ? nas__meter_bytes(device, graph, measure->batch, value)
               : nas__meter_seconds(device, graph, measure->batch, value);
}

static nas_status predict(const nas__meter *meter, int index, const nas_graph *graph,
                          double *seconds)
{
    const nas_measure *measure = &meter->bench->config.measures[index];
    nas_latency_prediction prediction;
    const nas_status status =
        nas_step_table_predict(&meter->tables[index], graph, measure->batch, &prediction);
    if (status != NAS_OK)
        nas_error_add("%s: ", measure->table);
    NAS_TRY(status);
    *seconds = prediction.seconds;
    return NAS_OK;
}

/* Latency and throughput are one measurement: the other of the two, where the trial has it already.  0: it has not. */
static double known_seconds(const nas_measure *measure, const nas_config *config,
                            const nas_trial *result)
{
    for (int i = 0; i < config->measure_count; i++) {
        const nas_measure *other = &config->measures[i];
        if (other->what == NAS_MEASURED_MEMORY || other->predicted != measure->predicted ||
            other->batch != measure->batch || strcmp(other->device, measure->device) != 0 ||
            strcmp(other->table, measure->table) != 0 ||
            !nas_trial_has_metric(result, other->metric))
            continue;
        const double value = nas_trial_metric(result, other->metric);
        return other->what == NAS_MEASURED_LATENCY ? value / 1e3 : other->batch / value;
    }
    return 0;
}

static nas_status find_value(nas__meter *meter, int index, const nas_graph *graph,
                             const nas_trial *result, double *value)
{
    const nas_measure *measure = &meter->bench->config.measures[index];
    double raw = 0;
    if (measure->what != NAS_MEASURED_MEMORY)
        raw = known_seconds(measure, &meter->bench->config, result);
    if (raw == 0 && measure->predicted)
        NAS_TRY(predict(meter, index, graph, &raw));
    else if (raw == 0)
        NAS_TRY(measure_on(meter, measure, graph, &raw));
    *value = measure->what == NAS_MEASURED_MEMORY    ? raw
             : measure->what == NAS_MEASURED_LATENCY ? 1e3 * raw
                                                     : measure->batch / raw;
    return NAS_OK;
}

nas_status nas__meter_take(void *user, const nas_arch *arch, const nas_graph *graph,
                           nas_trial *result)
{
    nas__meter *meter = user;
    const nas_config *config = &meter->bench->config;
    for (int i = 0; i < config->measure_count; i++) {
        const nas_measure *measure = &config->measures[i];
        const bool measured = !measure->predicted && measure->what != NAS_MEASURED_MEMORY;
        double value = from_log(meter, arch, measure->metric);
        if (isnan(value))
            NAS_TRY(find_value(meter, i, graph, result, &value));
        NAS_TRY(nas_trial_set_metric(result, measure->metric, value, measured));
        if (!meter->go_on(meter->user)) /* kernels may have been built meanwhile: a sign of life */
            NAS_FAIL(NAS_STOPPED, "stopped while a network was measured");
    }
    return NAS_OK;
}
