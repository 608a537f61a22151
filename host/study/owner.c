/* owner.c - who works on a trial, and whether that process still lives.
 *
 * A process id alone is reused; with its start time and the machine's boot id it is unique.  Containers on one machine
 * share the boot id but not their process ids, so the pid namespace belongs to the name of the machine.  Where /proc does
 * not tell, the answer is "unknown" and the lease decides. */
#include "study.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t length = fread(text, 1, size - 1, file);
    fclose(file);
    text[length] = '\0';
    return length > 0;
}

/* State letter and start time of a process, from /proc/PID/stat (proc(5), fields 3 and 22). */
static bool look_up(int64_t pid, char *state, int64_t *start)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    if (!read_file(path, text, sizeof text))
        return false;
    char *at = strrchr(text, ')'); /* the name may hold blanks and parentheses */
    long long ticks;
    if (!at ||
        sscanf(at + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld",
               state, &ticks) != 2)
        return false;
    *start = ticks;
    return true;
}

static void host_name(char *host, size_t size)
{
    char boot[64] = "", space[64] = "";
    if (read_file("/proc/sys/kernel/random/boot_id", boot, sizeof boot)) {
        ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
        space[length > 0 ? length : 0] = '\0';
        boot[strcspn(boot, "\n")] = '\0';
        snprintf(host, size, "%s/%s", boot, space);
    } else {
        gethostname(boot, sizeof boot - 1);
        snprintf(host, size, "%s", boot);
    }
}

nas_status nas_owner_self(nas_owner *owner)
{
    char state;
    *owner = (nas_owner){.pid = (int64_t)getpid()};
    host_name(owner->host, sizeof owner->host);
    if (!look_up(owner->pid, &state, &owner->start))
        owner->start = 0;
    return NAS_OK;
}

nas_status nas_owner_process(int64_t pid, nas_owner *owner)
{
    char state;
    nas_owner made = {.pid = pid};
    host_name(made.host, sizeof made.host);
    if (pid <= 0 || !look_up(pid, &state, &made.start))
        NAS_FAIL(NAS_CONFIG, "there is no process %lld on this machine", (long long)pid);
    *owner = made;
    return NAS_OK;
}

void nas_owner_outside(int64_t lease_ms, nas_owner *owner)
{
    *owner = (nas_owner){.host = "outside", .start = lease_ms};
}

int64_t nas__owner_lease_ms(const nas_owner *owner)
{
    return strcmp(owner->host, "outside") == 0 ? owner->start : 0;
}

nas_owner_state nas_owner_look(const nas_owner *owner)
{
    nas_owner self;
    char state = 0;
    int64_t start = 0;
    nas_owner_self(&self);
    if (owner->start == 0 || self.start == 0 || strcmp(self.host, owner->host) != 0)
        return NAS_OWNER_UNKNOWN;
    if (!look_up(owner->pid, &state, &start) || start != owner->start)
        return NAS_OWNER_DEAD;
    return state == 'Z' || state == 'X' ? NAS_OWNER_DEAD : NAS_OWNER_ALIVE;
}
