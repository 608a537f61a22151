/* faults.c - which call errs, and how: NAS_SHIM_FAULT, NAS_SHIM_ONCE, NAS_SHIM_COUNT, NAS_SHIM_ONLY (shim.h). */
#include "layer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAULTS_MOST = 16, ANY = SHIM_ENTRIES };

typedef struct fault {
    int entry; /* ANY: every one */
    long at;
    bool on; /* and every call after it */
    cl_int action;
} fault;

static const char *const names[] = {
#define SHIM_ENTRY(name) #name,
#include "entries.h"
#undef SHIM_ENTRY
};

static fault faults[FAULTS_MOST];
static int fault_count;
static atomic_long calls[SHIM_ENTRIES + 1], happened;
static bool may_happen = true; /* NAS_SHIM_ONCE: this process has the file */
static const char *once;

static int entry_named(const char *name, size_t length)
{
    if (length == 1 && *name == '*')
        return ANY;
    for (int i = 0; i < SHIM_ENTRIES; i++)
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
            return i;
    return -1;
}

static bool read_action(const char *text, size_t length, cl_int *action)
{
    static const struct {
        const char *name;
        cl_int action;
    } rows[] = {{"skip", SHIM_SKIP},
                {"nan", SHIM_NAN},
                {"wrong", SHIM_WRONG},
                {"hang", SHIM_HANG},
                {"crash", SHIM_CRASH}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strlen(rows[i].name) == length && strncmp(rows[i].name, text, length) == 0) {
            *action = rows[i].action;
            return true;
        }
    char *end = NULL;
    *action = (cl_int)strtol(text, &end, 10);
    return end == text + length && *action < 0;
}

/* ENTRY:N[+]:ACTION */
static bool read_fault(const char *text, size_t length, fault *read)
{
    const char *colon = memchr(text, ':', length);
    if (!colon)
        return false;
    char *end = NULL;
    read->entry = entry_named(text, (size_t)(colon - text));
    read->at = strtol(colon + 1, &end, 10);
    read->on = *end == '+';
    end += read->on;
    if (read->entry < 0 || read->at < 1 || *end != ':')
        return false;
    end++;
    return read_action(end, length - (size_t)(end - text), &read->action);
}

SHIM_API int nas_shim_arm(const char *text)
{
    fault_count = 0;
    atomic_store(&happened, 0);
    for (int i = 0; i <= SHIM_ENTRIES; i++)
        atomic_store(&calls[i], 0);
    while (*text) {
        const size_t length = strcspn(text, ",");
        if (fault_count == FAULTS_MOST || !read_fault(text, length, &faults[fault_count]))
            return -1;
        fault_count++;
        text += length + (text[length] == ',');
    }
    return 0;
}

SHIM_API long nas_shim_calls(const char *entry)
{
    const int found = entry_named(entry, strlen(entry));
    return found < 0 ? -1 : atomic_load(&calls[found]);
}

SHIM_API const char *nas_shim_entry(int index)
{
    return index >= 0 && index < SHIM_ENTRIES ? names[index] : NULL;
}

SHIM_API long nas_shim_happened(void)
{
    return atomic_load(&happened);
}

bool shim_disturbs(void)
{
    for (int i = 0; i < fault_count; i++)
        if (faults[i].action == SHIM_NAN || faults[i].action == SHIM_WRONG)
            return true;
    return false;
}

static cl_int do_it(cl_int action)
{
    if (once && atomic_load(&happened) == 0) {
        const int file = open(once, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        may_happen = file >= 0;
        if (file >= 0)
            close(file);
        once = may_happen ? NULL : once;
    }
    if (!may_happen)
        return SHIM_GO;
    atomic_fetch_add(&happened, 1);
    if (action == SHIM_CRASH) {
        signal(SIGSEGV, SIG_DFL); /* whoever catches it: a driver's crash is not caught */
        raise(SIGSEGV);
    }
    while (action == SHIM_HANG)
        sleep(1000);
    return action;
}

cl_int shim_enter(shim_entry entry)
{
    const long all = atomic_fetch_add(&calls[ANY], 1) + 1;
    const long own = atomic_fetch_add(&calls[entry], 1) + 1;
    for (int i = 0; i < fault_count; i++) {
        const fault *f = &faults[i];
        const long now = f->entry == ANY ? all : own;
        if ((f->entry == ANY || f->entry == (int)entry) && (f->on ? now >= f->at : now == f->at))
            return do_it(f->action);
    }
    return SHIM_GO;
}

bool shim_is_meant(void)
{
    const char *wanted = getenv("NAS_SHIM_ONLY");
    char line[8192];
    if (!wanted)
        return true;
    const int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    const ssize_t got = file >= 0 ? read(file, line, sizeof line - 1) : 0;
    if (file >= 0)
        close(file);
    line[got > 0 ? got : 0] = '\0';
    for (const char *word = line; word < line + got; word += strlen(word) + 1)
        if (strcmp(word, wanted) == 0)
            return true;
    return false;
}

void shim_faults_from_environment(void)
{
    const char *text = getenv("NAS_SHIM_FAULT");
    once = getenv("NAS_SHIM_ONCE");
    if (text && nas_shim_arm(text) != 0) {
        fprintf(stderr, "shim: NAS_SHIM_FAULT=%s is no list of ENTRY:N[+]:ACTION\n", text);
        abort();
    }
}

void shim_faults_write(void)
{
    const char *path = getenv("NAS_SHIM_COUNT");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    for (int i = 0; i < SHIM_ENTRIES; i++)
        fprintf(file, "calls %s %ld\n", names[i], atomic_load(&calls[i]));
    for (int i = 0; i < SHIM_KINDS; i++)
        fprintf(file, "live %s %ld\n", shim_kind_names[i], shim_live_count((shim_kind)i));
    fclose(file);
}
