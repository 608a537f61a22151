/* tune.c - clnas-tune: measures which kernels are fastest on a device and writes its tuning file.
 *
 *     clnas-tune [NETWORK|CONFIG|STUDY] [OPTION]…
 *
 * Drivers crash and hang on kernels that are out of the ordinary.  So this process opens no device.  It starts another one that does,
 * and watches its journal: where a candidate was begun and its process ended, or nothing came for too long, that candidate is out and
 * the next process goes on behind it.  See tune.h for the rest. */
#include "networks.h"
#include "tune.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { DEFAULT_SECONDS = 28, PROCESSES_MOST = 64 };

typedef struct watch {
    const tune_options *options;
    char path[1200], journal_path[1300];
    int lock;
    tune_journal journal;
    off_t read;       /* size of the journal when it was read last */
    double changed_s; /* when it grew */
    double started_s;
    pid_t child;
    bool terminal;
} watch;

/* ---- before the first process --------------------------------------------------------------------------------- */

static nas_status find_device(const tune_options *options, nas_device_info *info)
{
    nas_device_info *devices = NULL;
    int count = 0, chosen = 0;
    const char *match = options->device;
    if (!*match && getenv("CLNAS_DEVICE"))
        match = getenv("CLNAS_DEVICE");
    NAS_TRY(nas_devices_list(&devices, &count));
    nas_status status = nas_device_select(devices, count, match, &chosen);
    if (status == NAS_OK)
        *info = devices[chosen];
    free(devices);
    return status;
}

static nas_status take_lock(watch *w)
{
    char folder[1200], path[1320];
    snprintf(folder, sizeof folder, "%s", w->path);
    *strrchr(folder, '/') = '\0';
    NAS_TRY(nas_folder_make(folder, 0700));
    snprintf(path, sizeof path, "%s.lock", w->path);
    w->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (w->lock < 0)
        NAS_FAIL(NAS_FAILED, "%s: cannot write there", path);
    if (flock(w->lock, LOCK_EX | LOCK_NB) != 0)
        NAS_FAIL(NAS_FAILED, "%s: another clnas-tune is tuning this device", path);
    return NAS_OK;
}

/* A journal that is there is of a run that was killed, or that took the machine with it: what it was at is left out. */
static nas_status begin_journal(watch *w)
{
    tune_journal old;
    NAS_TRY(tune_journal_read(w->journal_path, &old));
    unlink(w->journal_path);
    nas_status status = tune_journal_read(w->journal_path, &w->journal);
    for (int i = 0; i < old.count && status == NAS_OK; i++)
        if (old.tries[i].state == TUNE_BEGUN)
            status = tune_journal_end(&w->journal, &old.tries[i].row, false,
                                      "an earlier run ended while it was tried");
    tune_journal_clear(&old);
    return status;
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

static void show(const watch *w, bool end)
{
    enum { WIDTH = 30 };
    int tried = 0, failed = 0;
    char bar[WIDTH + 1];
    for (int i = 0; i < w->journal.count; i++) {
        tried += !w->journal.tries[i].confirmed;
        failed += w->journal.tries[i].state == TUNE_FAILED;
    }
    const double seconds = nas_now_s() - w->started_s, limit = w->options->seconds;
    double share = w->journal.planned ? (double)tried / w->journal.planned : 0;
    if (limit > 0 && seconds / limit > share)
        share = seconds / limit;
    share = end || share > 1 ? 1 : share;
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < share * WIDTH ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "%sclnas-tune [%s] %d of %d candidates, %d failed, %.0f s%s",
            w->terminal ? "\r" : "", bar, tried, w->journal.planned, failed, seconds,
            w->terminal && !end ? "" : "\n");
}

/* ---- watching ------------------------------------------------------------------------------------------------------ */

static nas_status start(watch *w, char **words)
{
    int count = 0;
    while (words[count])
        count++;
    char until[32], seconds[32], **all = calloc((size_t)count + 8, sizeof *all);
    int used = 0;
    if (!all)
        NAS_FAIL(NAS_MEMORY, "out of memory for a process");
    for (; used < count; used++)
        all[used] = words[used];
    snprintf(until, sizeof until, "%.6f", w->options->until);
    snprintf(seconds, sizeof seconds, "%d", w->options->seconds);
    all[used++] = "--journal";
    all[used++] = w->journal_path;
    all[used++] = "--until";
    all[used++] = until;
    all[used++] = "--seconds";
    all[used++] = seconds;
    const int error = posix_spawn(&w->child, "/proc/self/exe", NULL, NULL, all, environ);
    free(all);
    if (error != 0)
        NAS_FAIL(NAS_FAILED, "cannot start a process: %s", strerror(error));
    w->changed_s = nas_now_s();
    return NAS_OK;
}

static nas_status look(watch *w)
{
    struct stat about;
    if (stat(w->journal_path, &about) != 0 || about.st_size == w->read)
        return NAS_OK;
    w->read = about.st_size;
    w->changed_s = nas_now_s();
    tune_journal_clear(&w->journal);
    return tune_journal_read(w->journal_path, &w->journal);
}

/* Until it ends, or is ended because nothing came; `*code` as waitpid gives it. */
static nas_status watch_child(watch *w, int *code, bool *hung)
{
    double shown = 0;
    *hung = false;
    while (waitpid(w->child, code, WNOHANG) == 0) {
        nas_status status = look(w);
        if (status != NAS_OK || (!*hung && nas_now_s() - w->changed_s > w->options->hang_s)) {
            *hung = status == NAS_OK;
            kill(w->child, SIGKILL);
        }
        if (nas_now_s() - shown > (w->terminal ? 0.2 : 5)) {
            show(w, false);
            shown = nas_now_s();
        }
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
    return look(w);
}

/* Writes down what ended the process; false: it was at no candidate. */
static bool blame(watch *w, int code, bool hung)
{
    char why[128];
    if (hung)
        snprintf(why, sizeof why, "it did not end within %d s", w->options->hang_s);
    else if (WIFSIGNALED(code))
        snprintf(why, sizeof why, "it ended the process by signal %d (%s)", WTERMSIG(code),
                 strsignal(WTERMSIG(code)));
    else
        snprintf(why, sizeof why, "the process ended with code %d", WEXITSTATUS(code));
    for (int i = 0; i < w->journal.count; i++)
        if (w->journal.tries[i].state == TUNE_BEGUN) {
            nas_tuning_row row = w->journal.tries[i].row;
            return tune_journal_end(&w->journal, &row, w->journal.tries[i].confirmed, why) ==
                   NAS_OK;
        }
    return false;
}

static nas_status run_all(watch *w, char **words)
{
    for (int i = 0; i < PROCESSES_MOST; i++) {
        int code = 0;
        bool hung;
        NAS_TRY(start(w, words));
        NAS_TRY(watch_child(w, &code, &hung));
        if (WIFEXITED(code) && WEXITSTATUS(code) == 0)
            return NAS_OK;
        if (WIFEXITED(code) && WEXITSTATUS(code) != 0 && WEXITSTATUS(code) < 126)
            exit(WEXITSTATUS(code)); /* it has said why */
        if (!blame(w, code, hung))
            NAS_FAIL(NAS_DEVICE,
                     "the process that measures %s before it tried a candidate; see clnas doctor",
                     hung ? "hung" : "ended");
    }
    NAS_FAIL(NAS_DEVICE, "%d processes ended on candidates: this driver is best left alone",
             PROCESSES_MOST);
}

/* ---- results ---------------------------------------------------------------------------------------------------------- */

static bool is_kept(const nas_tuning *table, const tune_try *t)
{
    for (int i = 0; i < table->count; i++) {
        const nas_tuning_row *row = &table->rows[i];
        char a[256], b[256];
        tune_values_text(row, a, sizeof a);
        tune_values_text(&t->row, b, sizeof b);
        if (strcmp(row->key, t->row.key) == 0 && row->inexact == t->row.inexact &&
            strcmp(a, b) == 0)
            return true;
    }
    return false;
}

static nas_status add_result(bench_report *report, const tune_try *t, const char *outcome)
{
    char values[256];
    bench_row *row;
    tune_values_text(&t->row, values, sizeof values);
    NAS_TRY(bench_report_row(report, t->row.key, values, "times as fast", &row));
    bench_row_label(row, 2, t->row.inexact ? "inexact" : "exact");
    bench_row_label(row, 3, outcome);
    if (t->state == TUNE_MEASURED)
        bench_row_add(row, t->row.gain);
    return NAS_OK;
}

static nas_status report_all(const watch *w, const nas_device_info *info)
{
    static const char *const labels[] = {"kernel", "values", "class", "outcome", NULL};
    bench_report report = {.device = info, .labels = labels};
    nas_tuning table = {0};
    nas_tuning_state state;
    nas_status status = NAS_OK;
    NAS_TRY(nas_tuning_load(info, &table, &state, NULL));
    bench_report_note(&report, "file", "%s", w->path);
    bench_report_note(&report, "seconds", "%.1f", nas_now_s() - w->started_s);
    for (int i = 0; i < w->journal.count && status == NAS_OK; i++) {
        const tune_try *t = &w->journal.tries[i];
        const bool kept = t->confirmed && t->state == TUNE_MEASURED && is_kept(&table, t);
        if (kept)
            status = add_result(&report, t, "kept");
        else if (t->state == TUNE_FAILED)
            status = add_result(&report, t, t->why);
        else if (!t->confirmed && (w->options->all || t->row.inexact))
            status = add_result(&report, t, "measured");
    }
    if (status == NAS_OK)
        status = bench_report_print(&report, w->options->format, stdout);
    bench_report_clear(&report);
    nas_tuning_clear(&table);
    return status;
}

static nas_status tune(tune_options *options, char **words)
{
    nas_device_info info;
    nas_status status = NAS_OK;
    watch w = {.options = options, .lock = -1, .terminal = isatty(STDERR_FILENO)};
    w.started_s = nas_now_s();
    options->until = options->seconds ? w.started_s + options->seconds : 0;
    if (getenv("CLNAS_LANES"))
        NAS_FAIL(NAS_CONFIG, "CLNAS_LANES is set: tables are for devices as they are; unset it");
    NAS_TRY(find_device(options, &info));
    NAS_TRY(nas_tuning_path(&info, w.path, sizeof w.path));
    snprintf(w.journal_path, sizeof w.journal_path, "%s.journal", w.path);
    NAS_TRY_DONE(take_lock(&w));
    NAS_TRY_DONE(begin_journal(&w));
    status = run_all(&w, words);
    show(&w, true);
    NAS_TRY_DONE(status);
    unlink(w.journal_path);
    status = report_all(&w, &info);
done:
    if (w.lock >= 0)
        close(w.lock);
    tune_journal_clear(&w.journal);
    return status;
}

/* ---- command line ----------------------------------------------------------------------------------------------------- */

static const cli_option rows[] = {
    CLI_DEVICE_OPTION(tune_options),
    {"thorough", 0, CLI_FLAG, offsetof(tune_options, thorough), NULL, NULL, 0, 0, NULL,
     "All candidates, however long it takes"},
    {"seconds", 0, CLI_NUMBER, offsetof(tune_options, seconds), "N", "-1", -1, 1000000, NULL,
     "At most so long; 0: no limit; -1: 28, with --thorough no limit"},
    {"inexact", 0, CLI_FLAG, offsetof(tune_options, inexact), NULL, NULL, 0, 0, NULL,
     "Candidates that add up in another order, too (CLBlast …); they count for configs with exact "
     "= false"},
    {"batch", 0, CLI_NUMBER, offsetof(tune_options, batch), "N", NULL, 1, 65536, NULL,
     "Samples of a training step"},
    {"hang", 0, CLI_NUMBER, offsetof(tune_options, hang_s), "SECONDS", "20", 1, 100000, NULL,
     "A candidate that takes so long is given up"},
    {"fresh", 0, CLI_FLAG, offsetof(tune_options, fresh), NULL, NULL, 0, 0, NULL,
     "Forget rows of earlier runs"},
    {"all", 0, CLI_FLAG, offsetof(tune_options, all), NULL, NULL, 0, 0, NULL,
     "Print every candidate, not only those kept or failed"},
    {"compare", 0, CLI_FLAG, offsetof(tune_options, compare), NULL, NULL, 0, 0, NULL,
     "Training steps with and without the table, in turns"},
    BENCH_FORMAT_OPTION(tune_options),
    {"journal", 0, CLI_TEXT, offsetof(tune_options, journal), "FILE", NULL, 0, 0, NULL, NULL},
    {"until", 0, CLI_REAL, offsetof(tune_options, until), "SECONDS", NULL, 0, 0, NULL, NULL},
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    tune_options options = *(const tune_options *)call->options;
    options.what = call->count ? call->arguments[0] : NULL;
    if (options.seconds < 0)
        options.seconds = options.thorough ? 0 : DEFAULT_SECONDS;
    return options.compare   ? tune_compare(&options)
           : options.journal ? tune_search(&options)
                             : tune(&options, call->words);
}

static const cli_command command = {
    .name = "clnas-tune",
    .arguments = "[NETWORK|CONFIG|STUDY[:TRIAL]]",
    .summary = "Measure which kernels are fastest on a device and write its tuning file",
    .examples = "  clnas-tune\n"
                "  clnas-tune fashion.cfg --device type:gpu --thorough\n"
                "  clnas-tune --compare\n",
    .details =
        "clnas uses the file by itself; no result changes by a bit unless a config says exact "
        "= false.\n"
        "--compare takes NETWORK or `supernet`.\n",
    .arguments_max = 1,
    .instance_size = sizeof(tune_options),
    .options = rows,
    .run = run,
};

static const cli_program program = {
    .name = "clnas-tune",
    .summary = "measure which kernels of clnas are fastest on an OpenCL device",
    .files = "~/.local/share/clnas/tuning\tTuning files, one for each device.\n",
    .see_also = "clnas(1), clnas-bench(1)",
    .commands = (const cli_command *const[]){&command, NULL},
    .single = true,
    .words = network_words,
};

int main(int argc, char **argv)
{
    return cli_tool_main(&program, argc, argv);
}
