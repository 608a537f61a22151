/* probe.c - which devices each driver has, asked in processes of their own.
 *
 * Listing devices loads the drivers, and a driver may crash, hang or spoil another one in the same address space; so each
 * is asked by a child (orders.c, mode=probe) that is killed when it does not answer.  All are asked side by side; it takes
 * as long as the slowest, some tenths of a second as a rule.  A program that runs many sessions asks once a minute.
 * Read next: places.c. */
#include "places.h"
#include "process.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const double answer_s = 60, keep_s = 60;

typedef struct question {
    const char *driver;
    pid_t pid;
    int report; /* -1: it has answered */
    nas_text text;
} question;

typedef struct answers {
    char asked[NAS_DRIVERS * 32 + 64]; /* what was asked, and in which environment */
    double at_s;
    nas__found *list;
    int count;
} answers;

/* ---- asking ------------------------------------------------------------------------------------------------------- */

static nas_status ask(const char *program, question *q)
{
    char driver[NAS_DRIVER_SIZE + 8], parent[32];
    snprintf(driver, sizeof driver, "driver=%s", q->driver);
    snprintf(parent, sizeof parent, "parent=%ld", (long)getpid());
    char *arguments[] = {(char *)program, "worker", "mode=probe", driver, parent, NULL};
    q->report = -1;
    return nas__child_start(program, arguments, "/dev/null", -1, NULL, &q->pid, &q->report);
}

/* Waits for its end; how it ended. */
static int take_leave(question *q)
{
    int how = 0;
    if (q->report >= 0)
        close(q->report);
    q->report = -1;
    while (q->pid > 0 && waitpid(q->pid, &how, 0) < 0 && errno == EINTR)
        continue;
    nas__child_gone(q->pid);
    q->pid = 0;
    return how;
}

static void warn(const question *q, const char *what)
{
    nas_log(NAS_LOG_WARNING, "OpenCL driver %s %s when asked for its devices; it is left out",
            q->driver[0] ? q->driver : "(all at once)", what);
}

/* Reads what there is; at the end of it the child is gone. */
static void read_answer(question *q)
{
    char block[4096];
    ssize_t got;
    while ((got = read(q->report, block, sizeof block)) > 0)
        nas_text_add_bytes(&q->text, block, (size_t)got);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    int how = take_leave(q);
    if (WIFSIGNALED(how)) {
        warn(q, "crashed");
        nas_text_clear(&q->text);
    }
}

static void listen_all(question *questions, int count)
{
    double end_s = nas_now_s() + answer_s;
    for (;;) {
        struct pollfd files[NAS_DRIVERS];
        int at[NAS_DRIVERS], open = 0;
        for (int i = 0; i < count; i++)
            if (questions[i].report >= 0) {
                at[open] = i;
                files[open++] = (struct pollfd){.fd = questions[i].report, .events = POLLIN};
            }
        double left_s = end_s - nas_now_s();
        if (open == 0 || left_s <= 0)
            return;
        if (poll(files, (nfds_t)open, (int)(left_s * 1000) + 1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < open; i++)
            if (files[i].revents)
                read_answer(&questions[at[i]]);
    }
}

/* ---- understanding ------------------------------------------------------------------------------------------------ */

/* Cuts the next field off; "" at the end. */
static char *next_field(char **rest)
{
    char *field = *rest, *tab = strchr(field, '\t');
    *rest = tab ? tab + 1 : field + strlen(field);
    if (tab)
        *tab = '\0';
    return field;
}

static int next_number(char **rest)
{
    return (int)strtol(next_field(rest), NULL, 10);
}

static void understand(char *line, nas_device_info *info)
{
    char *rest = line;
    *info = (nas_device_info){0};
    info->platform = next_number(&rest);
    info->index = next_number(&rest);
    info->type = (nas_device_type)next_number(&rest);
    info->usable = next_number(&rest) != 0;
    const struct {
        char *text;
        size_t size;
    } rows[] = {{info->name, sizeof info->name},
                {info->vendor, sizeof info->vendor},
                {info->platform_name, sizeof info->platform_name},
                {info->driver, sizeof info->driver},
                {info->why_not, sizeof info->why_not}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        snprintf(rows[i].text, rows[i].size, "%s", next_field(&rest));
    if ((unsigned)info->type > NAS_DEVICE_OTHER)
        info->type = NAS_DEVICE_OTHER;
    snprintf(info->id, sizeof info->id, "%d:%d", info->platform, info->index);
}

static nas_status add_answer(question *q, answers *to)
{
    static const char word[] = "device\t";
    char *line = q->text.data, *end;
    for (; line && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (strncmp(line, word, sizeof word - 1) != 0)
            continue;
        nas__found *more = realloc(to->list, (size_t)(to->count + 1) * sizeof *more);
        if (!more)
            NAS_FAIL(NAS_MEMORY, "out of host memory");
        to->list = more;
        snprintf(more[to->count].driver, sizeof more[0].driver, "%s", q->driver);
        understand(line + sizeof word - 1, &more[to->count++].info);
    }
    return NAS_OK;
}

static nas_status ask_all(const char *program, const nas_drivers *drivers, answers *to)
{
    question questions[NAS_DRIVERS];
    nas_status status = NAS_OK;
    for (int i = 0; i < drivers->count; i++) {
        questions[i] = (question){.driver = drivers->name[i], .report = -1};
        if (status == NAS_OK)
            status = ask(program, &questions[i]);
    }
    listen_all(questions, drivers->count);
    for (int i = 0; i < drivers->count; i++) {
        question *q = &questions[i];
        if (q->pid > 0) {
            warn(q, "did not answer");
            kill(q->pid, SIGKILL);
            take_leave(q);
            nas_text_clear(&q->text);
        }
        if (status == NAS_OK)
            status = add_answer(q, to);
        nas_text_clear(&q->text);
    }
    return status;
}

/* ---- the same again within a minute ---------------------------------------------------------------------------------- */

/* The drivers' names and a hash of the environment, which drivers and loaders go by. */
static void describe_question(const nas_drivers *drivers, char *text, size_t size)
{
    uint64_t hash = 0;
    size_t length = 0;
    for (char **variable = environ; *variable; variable++)
        hash = nas_hash(*variable, strlen(*variable) + 1, hash);
    text[0] = '\0';
    for (int i = 0; i < drivers->count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s|", drivers->name[i]);
    if (length < size)
        snprintf(text + length, size - length, "%016llx", (unsigned long long)hash);
}

/* Under the lock. */
static nas_status probe(const char *program, const nas_drivers *drivers, nas__found **list,
                        int *count)
{
    static answers kept[2]; /* of all drivers apart, and at once */
    answers *known = &kept[drivers->count == 1 && !drivers->name[0][0]];
    char asked[sizeof known->asked];
    describe_question(drivers, asked, sizeof asked);
    if (strcmp(asked, known->asked) != 0 || nas_now_s() - known->at_s > keep_s) {
        answers fresh = {.at_s = nas_now_s()};
        nas_status status = ask_all(program, drivers, &fresh);
        if (status != NAS_OK)
            free(fresh.list);
        NAS_TRY(status);
        snprintf(fresh.asked, sizeof fresh.asked, "%s", asked);
        free(known->list);
        *known = fresh;
    }
    *count = known->count;
    *list = malloc((size_t)(known->count + 1) * sizeof **list);
    if (!*list)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    if (known->count > 0)
        memcpy(*list, known->list, (size_t)known->count * sizeof **list);
    return NAS_OK;
}

nas_status nas__probe(const char *program, const nas_drivers *drivers, nas__found **list,
                      int *count)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    const nas_status status = probe(program, drivers, list, count);
    pthread_mutex_unlock(&lock);
    return status;
}
