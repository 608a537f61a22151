/* simulate.c - clnas-simulate: strategies against each other on a table of results, over many seeds.
 *
 *     clnas-simulate FILE [OPTION]…
 *
 * FILE says what to run (simulate_config.c; docs/recipes/simulate.md).  Each search appends one line to FOLDER/RUN.csv, so a run that
 * was stopped goes on with the seeds that are missing, and more seeds can be added later.  The first line of such a file is
 * a hash of all options that matter; with other options it is refused.  At the end the table for docs/results.md
 * goes to stdout: mean, standard deviation and standard error over the seeds.
 *
 * Next: simulate_search.c, one search. */
#include "cli/command_line.h"
#include "simulate.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct command {
    const char *file, *data, *only;
    char *out;
    int jobs, seeds;
} command;

/* The lines of a run's file. */
typedef struct results {
    double (*numbers)[NUMBERS_MAX];
    bool *known; /* by seed */
    int seeds, count;
} results;

/* ---- files -------------------------------------------------------------------------------------------------------- */

static void path_of(const command *c, const run *r, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.csv", c->out, r->name);
}

/* The hash of everything that a line of the file depends on. */
static nas_status hash_of(const simulation *s, const run *r, char hex[33])
{
    nas_text text = {0};
    const char *const groups[] = {"space", "evaluate", NULL};
    for (int i = 0; groups[i]; i++)
        if (nas_value_member(&s->root, groups[i]))
            nas_value_write(nas_value_member(&s->root, groups[i]), -1, &text);
    if (r->group)
        nas_value_write(r->group, -1, &text);
    nas_text_add(&text, r->peer);
    for (int i = 0; i < r->objectives.count; i++)
        nas_text_format(&text, "%s %d;", r->objectives.item[i].metric, r->objectives.item[i].goal);
    nas_text_format(&text, "%s %s %g %g %g %lld %d", s->select, s->report, s->seconds, s->budget,
                    s->report_scale, (long long)s->trials, r->reuse);
    for (int i = 0; r->objectives.count > 1 && i < s->at.count; i++)
        nas_text_format(&text, " %lld", (long long)s->at.item[i]);
    NAS_TRY(nas_text_check(&text));
    nas_hash_hex(text.data, text.length, hex);
    nas_text_clear(&text);
    return NAS_OK;
}

static void write_header(const simulation *s, const run *r, const char *hex, FILE *file)
{
    fprintf(file, "# %s\nseed", hex);
    for (int i = 0; r->objectives.count > 1 && i < s->at.count; i++)
        fprintf(file, ",hypervolume_%lld", (long long)s->at.item[i]);
    fprintf(file, "%s\n",
            r->objectives.count > 1 ? "" : ",evaluations,simulated_s,selected,reported");
}

/* One whole line of numbers into the results; others (cut off by a kill) are passed over. */
static void read_line(const char *line, int columns, int64_t first, results *found)
{
    char *end;
    long long seed = strtoll(line, &end, 10) - first;
    double numbers[NUMBERS_MAX] = {0};
    if (end == line || seed < 0 || seed >= found->seeds || found->known[seed])
        return;
    for (int i = 0; i < columns; i++) {
        if (*end != ',')
            return;
        const char *from = end + 1;
        numbers[i] = strtod(from, &end);
        if (end == from)
            return;
    }
    if (*end != '\n')
        return;
    memcpy(found->numbers[seed], numbers, sizeof numbers);
    found->known[seed] = true;
    found->count++;
}

/* Reads a run's file, or begins it. */
static nas_status read_results(const command *c, const simulation *s, const run *r, results *found)
{
    char path[4096], hex[33], line[1024] = "", wanted[40];
    found->seeds = (int)(c->seeds > 0 ? c->seeds : r->seeds);
    found->count = 0;
    found->numbers = calloc((size_t)found->seeds + 1, sizeof *found->numbers);
    found->known = calloc((size_t)found->seeds + 1, sizeof *found->known);
    if (!found->numbers || !found->known)
        NAS_FAIL(NAS_MEMORY, "no memory for %d seeds", found->seeds);
    path_of(c, r, path, sizeof path);
    NAS_TRY(hash_of(s, r, hex));
    snprintf(wanted, sizeof wanted, "# %s\n", hex);
    FILE *file = fopen(path, "a+");
    if (!file)
        NAS_FAIL(NAS_FAILED, "%s: %s", path, strerror(errno));
    rewind(file);
    bool empty = !fgets(line, sizeof line, file);
    bool same = empty || strcmp(line, wanted) == 0;
    while (same && fgets(line, sizeof line, file))
        read_line(line, number_count(s, r), s->first_seed, found);
    if (empty)
        write_header(s, r, hex, file);
    fclose(file);
    if (!same)
        NAS_FAIL(NAS_CONFIG, "%s is from other options; remove it, or give the run another name",
                 path);
    return NAS_OK;
}

/* One write of a whole line: several processes append to one file. */
static nas_status append_line(const char *path, uint64_t seed, const double *numbers, int count)
{
    char line[1024];
    int length = snprintf(line, sizeof line, "%llu", (unsigned long long)seed);
    for (int i = 0; i < count; i++)
        length += snprintf(line + length, sizeof line - (size_t)length, ",%.10g", numbers[i]);
    line[length++] = '\n';
    int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    bool ok = file >= 0 && write(file, line, (size_t)length) == length;
    if (file >= 0)
        close(file);
    if (!ok)
        NAS_FAIL(NAS_FAILED, "%s: %s", path, strerror(errno));
    return NAS_OK;
}

static void clear_results(results *found)
{
    free(found->numbers);
    free(found->known);
}

/* ---- running ---------------------------------------------------------------------------------------------------------- */

/* The seeds that are missing and are this job's. */
static nas_status run_job(const command *c, const simulation *s, const run *r, const results *found,
                          int job)
{
    char path[4096];
    path_of(c, r, path, sizeof path);
    for (int i = job; i < found->seeds; i += c->jobs) {
        double numbers[NUMBERS_MAX] = {0};
        uint64_t seed = (uint64_t)(s->first_seed + i);
        if (found->known[i])
            continue;
        NAS_TRY(r->peer[0] ? peer_once(s, r, seed, numbers) : search_once(s, r, seed, numbers));
        NAS_TRY(append_line(path, seed, numbers, number_count(s, r)));
    }
    return NAS_OK;
}

static nas_status run_jobs(const command *c, const simulation *s, const run *r,
                           const results *found)
{
    bool failed = false;
    int status, started = 0;
    fflush(NULL);
    for (; started < c->jobs; started++) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid > 0)
            continue;
        nas_status done = run_job(c, s, r, found, started);
        if (done != NAS_OK)
            fprintf(stderr, "clnas-simulate: %s: %s\n", r->name, nas_error_message());
        _exit(nas_status_exit_code(done));
    }
    for (int i = 0; i < started; i++)
        failed |= wait(&status) < 0 || status != 0;
    if (failed || started < c->jobs)
        NAS_FAIL(NAS_FAILED, "%s: not all searches ended well; run it again to go on", r->name);
    return NAS_OK;
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

static void moments(const results *found, int column, double *mean, double *deviation)
{
    double sum = 0, square = 0;
    for (int i = 0; i < found->seeds; i++)
        sum += found->known[i] ? found->numbers[i][column] : 0;
    *mean = sum / found->count;
    for (int i = 0; i < found->seeds; i++)
        square += found->known[i] ? pow(found->numbers[i][column] - *mean, 2) : 0;
    *deviation = found->count > 1 ? sqrt(square / (found->count - 1)) : 0;
}

static void print_row(const simulation *s, const run *r, const results *found)
{
    double mean, deviation;
    bool front = r->objectives.count > 1;
    printf("| %s | %d |", r->name, found->count);
    for (int i = front ? 0 : 3; i < number_count(s, r); i++) {
        if (!front) {
            moments(found, 0, &mean, &deviation);
            printf(" %.1f |", mean);
        }
        moments(found, i, &mean, &deviation);
        printf(front ? " %.4f ± %.4f | %.4f |" : " %.3f ± %.3f | %.3f |", mean, deviation,
               deviation / sqrt(found->count));
    }
    if (!front)
        printf(" %s |", r->published[0] ? r->published : "–");
    printf("\n");
    fflush(stdout);
}

static void print_head(const simulation *s, const run *r)
{
    if (r->objectives.count == 1) {
        printf("| run | seeds | evaluations | %s, mean ± std | std. error | published |\n"
               "|---|---|---|---|---|---|\n",
               s->report);
        return;
    }
    printf("| run | seeds |");
    for (int i = 0; i < s->at.count; i++)
        printf(" hypervolume at %lld | std. error |", (long long)s->at.item[i]);
    printf("\n|---|---|");
    for (int i = 0; i < s->at.count; i++)
        printf("---|---|");
    printf("\n");
}

static nas_status do_run(const command *c, const simulation *s, run *r)
{
    results found = {0};
    nas_status status = NAS_OK;
    double begin = nas_now_s();
    NAS_TRY_DONE(read_results(c, s, r, &found));
    int before = found.count;
    if (before < found.seeds && r->peer[0] && !find_python(r)) {
        fprintf(stderr, "%s: left out, no python3 here has the library of %s\n", r->name, r->peer);
        goto done;
    }
    if (before < found.seeds) {
        if (r->objectives.count > 1 && !r->peer[0])
            NAS_TRY_DONE(measure_whole_front(s, r));
        NAS_TRY_DONE(run_jobs(c, s, r, &found));
        clear_results(&found);
        NAS_TRY_DONE(read_results(c, s, r, &found));
    }
    print_row(s, r, &found);
    fprintf(stderr, "%s: %d searches in %.1f s\n", r->name, found.count - before,
            nas_now_s() - begin);
done:
    clear_results(&found);
    return status;
}

static nas_status do_all(const command *c)
{
    simulation s = {0};
    run *runs = calloc(RUNS_MAX, sizeof *runs);
    int count = 0;
    nas_status status = runs ? NAS_OK : NAS_MEMORY;
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(read_simulation(c->file, c->data, &s, runs, &count));
    print_head(&s, &runs[0]);
    for (int i = 0; i < count; i++)
        if (!c->only || strcmp(c->only, runs[i].name) == 0)
            NAS_TRY_DONE(do_run(c, &s, &runs[i]));
done:
    clear_simulation(&s);
    free(runs);
    return status;
}

/* ---- the command line -------------------------------------------------------------------------------------------------- */

typedef struct options {
    const char *data, *out, *only;
    int jobs, seeds;
} options;

static const cli_option rows[] = {
    {"data", 0, CLI_TEXT, offsetof(options, data), "FOLDER", NULL, 0, 0, NULL,
     "Where the tables are that FILE names (default here)"},
    {"out", 'o', CLI_TEXT, offsetof(options, out), "FOLDER", "simulated", 0, 0, NULL,
     "Where results go, a file for each run"},
    {"only", 0, CLI_TEXT, offsetof(options, only), "RUN", NULL, 0, 0, NULL, "Only this run"},
    {"jobs", 'j', CLI_NUMBER, offsetof(options, jobs), "N", "1", 1, 1024, NULL,
     "Searches at a time"},
    {"seeds", 0, CLI_NUMBER, offsetof(options, seeds), "N", NULL, 1, 1000000, NULL,
     "Searches of each run (default as FILE says)"},
    {.name = NULL},
};

static nas_status run_command(const cli_call *call)
{
    const options *given = call->options;
    command c = {.file = call->arguments[0],
                 .data = given->data,
                 .only = given->only,
                 .jobs = given->jobs,
                 .seeds = given->seeds};
    NAS_TRY(nas_folder_make(given->out, 0777));
    c.out = realpath(given->out, NULL); /* reading changes into the folder of the data */
    if (!c.out)
        NAS_FAIL(NAS_FAILED, "%s: %s", given->out, strerror(errno));
    const nas_status status = do_all(&c);
    free(c.out);
    return status;
}

static const cli_command simulate_command = {
    .name = "clnas-simulate",
    .arguments = "FILE",
    .summary = "Run strategies against each other on a table of results, over many seeds",
    .examples =
        "  clnas-simulate configs/simulate/benchmark729.cfg --data configs/tables --jobs 2\n",
    .details = "FILE says what to run; docs/recipes/simulate.md tells how.  A run that was stopped "
               "goes on with the\nseeds that are missing.  The table goes to stdout in Markdown.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run_command,
};

static const cli_program program = {
    .name = "clnas-simulate",
    .summary = "run search strategies against each other on a table of results",
    .see_also = "clnas(1), clnas-rank(1)",
    .commands = (const cli_command *const[]){&simulate_command, NULL},
    .single = true,
};

int main(int argc, char **argv)
{
    return cli_tool_main(&program, argc, argv);
}
