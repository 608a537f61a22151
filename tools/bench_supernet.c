/* bench_supernet.c - clnas-bench supernet: a search step of a one-shot method, its memory, and where the time goes.
 *
 * On the supernet of the space `cell`.  Without --method: the halves of a step of DARTS, on the net itself (bench_supernet_darts.c); --shards
 * and --keep are for these.  With it: steps of that strategy as a search runs them (bench_supernet_search.c).  --profile: time by kernel.
 *
 * Methods, cells, channels and batches may be lists: each combination is a line of a table, and a process of its own, so that the
 * peak of its memory (Linux) is its own; in JSON too each is a line, with every sample.  One that fails says why, and the others go on.  --sweep: 4 and 8 cells; 8, 16 and 32 channels;
 * batches of 32, 64 and 256.
 *
 * `--peer` runs tools/peers/supernet.py in turns, at PyTorch's best setting, the same method on the same network, in no more memory than
 * the machine has left. */
#include "bench_supernet.h"
#include "peer_script.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PEER_LINE = 512, LIST = 16 };

typedef struct number_list {
    int item[LIST], count;
} number_list;

typedef struct combinations {
    supernet_options each; /* of all combinations */
    number_list cells, channels, batch;
    char methods[256];
    const char *method[LIST];
    int method_count;
} combinations;

/* ---- options ------------------------------------------------------------------------------------------ */

static bool read_list(const char *text, int most, number_list *list)
{
    char copy[256], *rest = copy;
    list->count = 0;
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return false;
    for (char *item; (item = strtok_r(rest, ",", &rest)) != NULL; list->count++)
        if (list->count == LIST || !bench_read_number(item, 1, most, &list->item[list->count]))
            return false;
    return list->count > 0;
}

static bool read_methods(const char *text, combinations *c)
{
    static const char *const known[] = {"darts", "gdas", "spos", "fairnas"};
    char *rest = c->methods;
    c->method_count = 0;
    if (snprintf(c->methods, sizeof c->methods, "%s", text) >= (int)sizeof c->methods)
        return false;
    for (char *item; (item = strtok_r(rest, ",", &rest)) != NULL;) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= strcmp(item, known[i]) == 0;
        if (!found || c->method_count == LIST)
            return false;
        c->method[c->method_count++] = item;
    }
    return c->method_count > 0;
}

typedef struct options {
    const char *method, *cells, *channels, *batch, *device, *python, *script;
    int size, steps, repeats, shards, threads, format;
    bool sweep, keep, profile, peer;
} options;

static const cli_option rows[] = {
    {"method", 0, CLI_TEXT, offsetof(options, method), "METHOD,…", NULL, 0, 0, NULL,
     "Steps of these strategies as a search runs them: darts, gdas, spos, fairnas (default: the "
     "halves of a step of DARTS, on the net itself)"},
    {"cells", 0, CLI_TEXT, offsetof(options, cells), "N,…", "8", 0, 0, NULL,
     "Cells of the supernet"},
    {"channels", 0, CLI_TEXT, offsetof(options, channels), "N,…", "16", 0, 0, NULL,
     "Channels of its first cell"},
    {"batch", 0, CLI_TEXT, offsetof(options, batch), "N,…", "64", 0, 0, NULL, "Samples of a step"},
    {"sweep", 0, CLI_FLAG, offsetof(options, sweep), NULL, NULL, 0, 0, NULL,
     "4 and 8 cells; 8, 16 and 32 channels; batches of 32, 64 and 256"},
    {"size", 0, CLI_NUMBER, offsetof(options, size), "N", "32", 1, 512, NULL,
     "Height and width of the images"},
    {"steps", 0, CLI_NUMBER, offsetof(options, steps), "N", "3", 1, 1000, NULL,
     "Steps of a sample"},
    {"repeats", 0, CLI_NUMBER, offsetof(options, repeats), "N", "3", 1, BENCH_REPEATS, NULL,
     "Samples of each figure"},
    BENCH_SHARDS_OPTION(options),
    {"keep", 0, CLI_FLAG, offsetof(options, keep), NULL, NULL, 0, 0, NULL,
     "Keep every activation instead of making some again; without --method"},
    {"profile", 0, CLI_FLAG, offsetof(options, profile), NULL, NULL, 0, 0, NULL,
     "Time by kernel, too"},
    CLI_DEVICE_OPTION(options),
    {"peer", 0, CLI_FLAG, offsetof(options, peer), NULL, NULL, 0, 0, NULL,
     "The same in PyTorch, in turns"},
    BENCH_PEER_OPTIONS(options),
    BENCH_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status take_list(const char *name, const char *text, int most, number_list *list)
{
    if (!read_list(text, most, list))
        NAS_FAIL(NAS_CONFIG, "--%s %s: no such option or value; numbers of 1 … %d, with commas",
                 name, text, most);
    return NAS_OK;
}

static nas_status take_options(const options *given, combinations *c)
{
    c->each = (supernet_options){.size = given->size,
                                 .steps = given->steps,
                                 .repeats = given->repeats,
                                 .shards = given->shards,
                                 .threads = given->threads,
                                 .device = given->device,
                                 .python = given->python,
                                 .script = given->script,
                                 .keep = given->keep,
                                 .profile = given->profile,
                                 .peer = given->peer,
                                 .format = given->format};
    c->method[0] = "";
    c->method_count = 1;
    NAS_TRY(take_list("cells", given->sweep ? "4,8" : given->cells, 32, &c->cells));
    NAS_TRY(take_list("channels", given->sweep ? "8,16,32" : given->channels, 256, &c->channels));
    NAS_TRY(take_list("batch", given->sweep ? "32,64,256" : given->batch, 65536, &c->batch));
    if (given->method && !read_methods(given->method, c))
        NAS_FAIL(NAS_CONFIG, "--method %s: no such option or value; darts, gdas, spos or fairnas",
                 given->method);
    if (given->method && (given->shards || given->keep))
        NAS_FAIL(NAS_CONFIG, "--shards and --keep go without --method");
    return NAS_OK;
}

/* ---- the peer ------------------------------------------------------------------------------------------- */

/* A number of a file in /proc, in bytes; 0: there is none. */
static double read_kilobytes(const char *path, const char *format)
{
    FILE *file = fopen(path, "r");
    char line[256];
    double kilobytes = 0;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, format, &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return 1024 * kilobytes;
}

static nas_status run_peer(const supernet_options *o, supernet_outcome *r)
{
    char command[4096 + 1024], line[PEER_LINE] = "", limit[64] = "", script[4096];
    double median_ms = 0, bytes = 0;
    const double left = read_kilobytes("/proc/meminfo", "MemAvailable: %lf kB");
    if (left > 0)
        snprintf(limit, sizeof limit, "ulimit -v %.0f; ", left / 1024);
    if (!o->script)
        NAS_TRY(peer_script("supernet", script, sizeof script));
    snprintf(
        command, sizeof command,
        "%s%s %s '%s' --channels-last --method %s --cells %d --channels %d --batch %d --size %d "
        "--steps %d --threads %d",
        limit, BENCH_PEER_BEST, o->python, o->script ? o->script : script,
        o->method[0] ? o->method : "darts", o->cells, o->channels, o->batch, o->size, o->steps,
        o->threads);
    NAS_TRY(bench_first_line(command, line, sizeof line));
    if (sscanf(line, "torch %63s parameters %lf median_ms %lf min_ms %*f max_ms %*f peak_bytes %lf",
               r->torch, &r->peer_parameters, &median_ms, &bytes) != 4)
        NAS_FAIL(NAS_FAILED, "the peer says \"%s\": %s", line, command);
    r->peer.step_ms[r->peer.count++] = median_ms;
    r->peer_bytes = fmax(r->peer_bytes, bytes);
    return NAS_OK;
}

/* Our figures stand without the peer's. */
static nas_status take_turn(const supernet_options *o, supernet_outcome *r)
{
    if (o->peer && run_peer(o, r) != NAS_OK)
        fprintf(stderr, "clnas-bench supernet: %s\n", nas_error_message());
    return NAS_OK;
}

/* ---- combinations ---------------------------------------------------------------------------------------- */

static nas_status measure(const supernet_options *o, supernet_outcome *r)
{
    *r = (supernet_outcome){0};
    NAS_TRY(o->method[0] ? bench_supernet_search(o, take_turn, r)
                         : bench_supernet_darts(o, take_turn, r));
    r->peak_bytes = read_kilobytes("/proc/self/status", "VmHWM: %lf kB");
    return NAS_OK;
}

static nas_status run_one(const supernet_options *o)
{
    supernet_outcome r;
    NAS_TRY(measure(o, &r));
    bench_supernet_print(o, &r);
    return o->profile && !o->method[0] ? bench_supernet_profile(o) : NAS_OK;
}

/* The child's part: the outcome into the pipe. */
static void measure_and_exit(const supernet_options *o, int to)
{
    supernet_outcome r;
    nas_status status = measure(o, &r);
    if (status != NAS_OK)
        fprintf(stderr, "clnas-bench supernet: %d cells, %d channels, batch %d: %s\n", o->cells,
                o->channels, o->batch, nas_error_message());
    else if (write(to, &r, sizeof r) != (ssize_t)sizeof r)
        status = NAS_FAILED;
    _exit(nas_status_exit_code(status));
}

/* In a process of its own; `*done` false: it failed, and said so. */
static nas_status measure_apart(const supernet_options *o, supernet_outcome *r, bool *done)
{
    int ends[2], state = 0;
    size_t got = 0;
    if (pipe(ends))
        NAS_FAIL(NAS_FAILED, "no pipe to a process of its own");
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        measure_and_exit(o, ends[1]);
    }
    close(ends[1]);
    for (ssize_t n = 1; child > 0 && n > 0 && got<sizeof *r; got += n> 0 ? (size_t)n : 0)
        n = read(ends[0], (char *)r + got, sizeof *r - got);
    close(ends[0]);
    if (child < 0 || waitpid(child, &state, 0) != child)
        NAS_FAIL(NAS_FAILED, "no process of its own");
    *done = got == sizeof *r && state == 0;
    if (!*done && WIFSIGNALED(state))
        fprintf(stderr,
                "clnas-bench supernet: %d cells, %d channels, batch %d: killed by signal %d\n",
                o->cells, o->channels, o->batch, WTERMSIG(state));
    return NAS_OK;
}

static supernet_options combination(const combinations *c, int index)
{
    supernet_options o = c->each;
    o.batch = c->batch.item[index % c->batch.count];
    index /= c->batch.count;
    o.channels = c->channels.item[index % c->channels.count];
    index /= c->channels.count;
    o.cells = c->cells.item[index % c->cells.count];
    o.method = c->method[index / c->cells.count];
    return o;
}

static nas_status run_all(const combinations *c, int count)
{
    int failed = 0;
    bench_supernet_head(&c->each);
    for (int i = 0; i < count; i++) {
        const supernet_options o = combination(c, i);
        supernet_outcome r;
        bool done;
        NAS_TRY(measure_apart(&o, &r, &done));
        bench_supernet_line(&o, done ? &r : NULL);
        failed += !done;
    }
    if (failed)
        NAS_FAIL(NAS_FAILED, "%d of %d combinations failed", failed, count);
    return NAS_OK;
}

static nas_status run(combinations *c)
{
    char python[512];
    const int count = c->method_count * c->cells.count * c->channels.count * c->batch.count;
    if (c->each.peer && !bench_find_torch(c->each.python, python, sizeof python)) {
        fprintf(
            stderr,
            "No Python here can import torch (Debian: python3-torch), so clnas stands alone.\n");
        c->each.peer = false;
    }
    if (c->each.peer)
        c->each.python = python;
    if (count > 1 && c->each.profile)
        NAS_FAIL(NAS_CONFIG, "--profile is for one combination, and these are %d", count);
    if (count > 1)
        return run_all(c, count);
    const supernet_options o = combination(c, 0);
    return run_one(&o);
}

static nas_status run_command(const cli_call *call)
{
    combinations c = {0};
    NAS_TRY(take_options(call->options, &c));
    return run(&c);
}

const cli_command bench_command_supernet = {
    .name = "supernet",
    .arguments = "",
    .summary = "Measure a search step of a one-shot method, its memory, and where the time goes",
    .examples = "  clnas-bench supernet --method darts,gdas --cells 4,8\n"
                "  clnas-bench supernet --sweep --format md\n",
    .details = "Each combination of the lists is a row, and a process of its own, so that the peak "
               "of its\nmemory is its own.\n",
    .instance_size = sizeof(options),
    .options = rows,
    .run = run_command,
};
