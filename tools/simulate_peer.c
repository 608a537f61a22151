/* simulate_peer.c - a search by somebody else's program, printed in the same table.
 *
 * A run with peer = "NAME" is done by tools/peers/NAME.py, one process per seed, which reads the tables of the data folder itself:
 *
 *     python3 NAME.py . --cost METRIC --seed SEED --at 500 2000
 *
 * and prints the numbers of that seed, separated by commas.  Two Pythons are looked at, the one in PATH and the system's; where none
 * has the peer's library the run is left out, and says so. */
#include "peer_script.h"
#include "simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIXED = 8, ARGUMENTS = FIXED + CHECKPOINTS_MAX + 1 };

/* Runs a program and takes in what it prints; false when it ended otherwise than well. */
static bool run_program(const char *const *arguments, char *text, size_t size)
{
    int ends[2], status = 0;
    size_t length = 0;
    ssize_t got = 1;
    if (pipe(ends))
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(ends[1]);
    while (pid > 0 && got > 0 && length + 1 < size) {
        got = read(ends[0], text + length, size - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
    close(ends[0]);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* The library that a peer is named after: "nsga2_deap" needs deap. */
static const char *library_of(const run *r)
{
    const char *bar = strrchr(r->peer, '_');
    return bar ? bar + 1 : r->peer;
}

bool find_python(run *r)
{
    static const char *const pythons[] = {"python3", "/usr/bin/python3"};
    char code[NAS_TEXT_SIZE + 128], text[16];
    snprintf(code, sizeof code,
             "import importlib.util as u, sys; sys.exit(u.find_spec('%s') is None)", library_of(r));
    for (size_t i = 0; i < sizeof pythons / sizeof *pythons; i++) {
        const char *const arguments[] = {pythons[i], "-c", code, NULL};
        r->python = pythons[i];
        if (run_program(arguments, text, sizeof text))
            return true;
    }
    r->python = NULL;
    return false;
}

static nas_status read_numbers(const char *text, int count, const char *script,
                               double numbers[NUMBERS_MAX])
{
    for (int i = 0; i < count; i++) {
        char *end;
        numbers[i] = strtod(text, &end);
        if (end == text || *end != (i + 1 < count ? ',' : '\n'))
            NAS_FAIL(NAS_FAILED, "%s printed \"%.60s\", not %d numbers", script, text, count);
        text = end + 1;
    }
    return NAS_OK;
}

nas_status peer_once(const simulation *s, const run *r, uint64_t seed, double numbers[NUMBERS_MAX])
{
    char script[4096], number[32], at[CHECKPOINTS_MAX][32], text[1024];
    const char *cost = r->objectives.item[1].metric;
    const char *arguments[ARGUMENTS] = {r->python, script,   ".",    "--cost",
                                        cost,      "--seed", number, "--at"};
    NAS_TRY(peer_script(r->peer, script, sizeof script));
    snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
    for (int i = 0; i < s->at.count; i++) {
        snprintf(at[i], sizeof at[i], "%lld", (long long)s->at.item[i]);
        arguments[FIXED + i] = at[i];
    }
    if (!run_program(arguments, text, sizeof text))
        NAS_FAIL(NAS_FAILED, "%s: %s failed", r->name, script);
    return read_numbers(text, s->at.count, script, numbers);
}
