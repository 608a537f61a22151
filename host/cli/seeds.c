/* seeds.c - the same search under several seeds: one study per seed, one after another.
 *
 *     clnas search fashion.cfg --seeds 1-20        fashion-s1.study … fashion-s20.study
 *
 * One seed says little about a strategy: another one would have found something else.  So each seed is a search and a study of its
 * own, as `--seed N --study NAME-sN.study` would make it, and `clnas compare` reads them all.  The command may be given again at any
 * time: a study that is there goes on (nas_search_options.go_on), a complete one has nothing left to do, one that was made from
 * another config is an error.  So no study is ever overwritten here either.
 *
 * Next: host/report/compare.c, which is what the studies are for. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS_MAX = 1000 };

typedef struct seed_list {
    int count;
    int64_t item[SEEDS_MAX];
} seed_list;

/* ---- "1,2,5-8" --------------------------------------------------------------------------------------------------- */

static nas_status add_seed(seed_list *seeds, int64_t seed)
{
    for (int i = 0; i < seeds->count; i++)
        if (seeds->item[i] == seed)
            NAS_FAIL(NAS_CONFIG, "--seeds has %lld twice; a seed gives the same search each time",
                     (long long)seed);
    if (seeds->count == SEEDS_MAX)
        NAS_FAIL(NAS_CONFIG, "--seeds has more than %d seeds", SEEDS_MAX);
    seeds->item[seeds->count++] = seed;
    return NAS_OK;
}

/* A whole number that is not negative; its end, or NULL. */
static const char *read_seed(const char *text, int64_t *seed)
{
    char *end;
    if (*text < '0' || *text > '9')
        return NULL;
    errno = 0;
    *seed = strtoll(text, &end, 10);
    return errno ? NULL : end;
}

static nas_status read_seeds(const char *text, seed_list *seeds)
{
    for (const char *at = text;; at++) {
        int64_t first, last;
        const char *end = read_seed(at, &first);
        last = first;
        if (end && *end == '-')
            end = read_seed(end + 1, &last);
        if (!end || (*end && *end != ','))
            NAS_FAIL(NAS_CONFIG, "--seeds wants whole numbers and ranges, as in 1,2,5-8, not '%s'",
                     text);
        if (last < first)
            NAS_FAIL(NAS_CONFIG, "--seeds: the range %lld-%lld is empty", (long long)first,
                     (long long)last);
        if (last - first >= SEEDS_MAX)
            NAS_FAIL(NAS_CONFIG, "--seeds has more than %d seeds", SEEDS_MAX);
        for (int64_t seed = first; seed <= last; seed++)
            NAS_TRY(add_seed(seeds, seed));
        at = end;
        if (!*at)
            return NAS_OK;
    }
}

/* ---- the command itself, for people who are to give it again --------------------------------------------------------- */

static void write_command(const cli_call *call, nas_text *text)
{
    nas_text_add(text, "clnas");
    for (char **word = call->words; *word; word++) {
        nas_text_add(text, " ");
        nas_text_add_word(text, *word);
    }
}

/* ---- the searches ------------------------------------------------------------------------------------------------------- */

typedef struct seeds_run {
    const cli_call *call;
    const cli_overrides *overrides;
    nas_search_options search; /* study_path: as the user gave it, NULL: by the config's name */
    seed_list seeds;
    cli_listing listing;
    nas_text command;
} seeds_run;

/* The usual line; where a study alone would be resumed, the command is given again. */
static void show_progress(void *user, const nas_progress *progress)
{
    const seeds_run *r = user;
    nas_progress shown = *progress;
    if (shown.event == NAS_EVENT_STOPPING)
        shown.note = r->command.data ? r->command.data : "";
    cli_session_progress(NULL, &shown);
}

/* NAME-s7.study, where the one search would be NAME.study. */
static nas_status path_of(const seeds_run *r, const nas_config *config, int64_t seed, char *path,
                          size_t size)
{
    static const char end[] = ".study";
    char base[NAS_PATH_SIZE];
    if (r->search.study_path)
        snprintf(base, sizeof base, "%s", r->search.study_path);
    else
        NAS_TRY(nas_session_study_path(config, base, sizeof base));
    size_t length = strlen(base), cut = sizeof end - 1;
    if (length > cut && strcmp(base + length - cut, end) == 0)
        base[length - cut] = '\0';
    else
        cut = 0;
    if ((size_t)snprintf(path, size, "%s-s%lld%s", base, (long long)seed, cut ? end : "") >= size)
        NAS_FAIL(NAS_CONFIG, "the study's path %.40s… is too long", base);
    return NAS_OK;
}

static void begin_listing(cli_listing *listing)
{
    static const char *const names[] = {
        "seed",    "study", "ended_by",    "was_complete", "trials", "failed",    "reused",
        "seconds", "best",  "best_metric", "best_value",   "score",  "test_score"};
    listing->name = "searches";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(listing, names[i],
                           strcmp(names[i], "was_complete") != 0 &&
                               strcmp(names[i], "reused") != 0);
}

static void add_row(cli_listing *listing, int64_t seed, const nas_search_report *report)
{
    cli_listing_row(listing);
    cli_listing_int(listing, "seed", seed);
    cli_listing_bool(listing, "was_complete", report->was_complete);
    cli_search_cells(listing, report);
    if (report->result_count) { /* the best one that was retrained */
        cli_listing_text(listing, "score", report->results[0].score);
        cli_listing_real(listing, "test_score", report->results[0].test_score, "%.4f");
    }
}

static nas_status search_config(seeds_run *r, const cli_overrides *overrides, int64_t seed,
                                nas_config *config, nas_search_report *report)
{
    char path[NAS_PATH_SIZE];
    nas_search_options search = r->search;
    NAS_TRY(nas_config_read(r->call->arguments[0], (const char *const *)overrides->item,
                            overrides->count, config));
    NAS_TRY(path_of(r, config, seed, path, sizeof path));
    search.study_path = path;
    search.go_on = true;
    search.progress = show_progress;
    search.user = r;
    nas_status status = nas_session_search(config, &search, report);
    cli_progress_hide();
    if (*report->study_path)
        add_row(&r->listing, seed, report);
    if (status == NAS_OK && report->was_complete && !cli_quiet())
        cli_note("%s was complete already", report->study_path);
    return status;
}

/* One seed: the config as it would be with --seed. */
static nas_status search_seed(seeds_run *r, int64_t seed)
{
    cli_overrides overrides = {0};
    nas_search_report *report = calloc(1, sizeof *report);
    nas_config *config = calloc(1, sizeof *config);
    nas_status status = NAS_OK;
    if (!report || !config) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for a search");
        goto done;
    }
    for (int i = 0; i < r->overrides->count; i++)
        NAS_TRY_DONE(cli_override_add(&overrides, "%s", r->overrides->item[i]));
    NAS_TRY_DONE(cli_override_add(&overrides, "seed=%lld", (long long)seed));
    status = search_config(r, &overrides, seed, config, report);
done:
    nas_config_clear(config);
    cli_overrides_clear(&overrides);
    free(config);
    free(report);
    return status;
}

static nas_status search_all(seeds_run *r)
{
    for (int i = 0; i < r->seeds.count; i++) {
        if (!cli_quiet())
            cli_note("seed %lld (%d of %d)", (long long)r->seeds.item[i], i + 1, r->seeds.count);
        nas_status status = search_seed(r, r->seeds.item[i]);
        if (cli_interrupt_signal() || status == NAS_STOPPED)
            NAS_FAIL(NAS_STOPPED, "stopped at seed %lld; to go on, the same command again: %s",
                     (long long)r->seeds.item[i], r->command.data ? r->command.data : "");
        if (status != NAS_OK) {
            nas_error_add("seed %lld: ", (long long)r->seeds.item[i]);
            return status;
        }
    }
    return NAS_OK;
}

nas_status cli_seeds_search(const cli_call *call, const char *seeds, const cli_overrides *overrides,
                            const nas_search_options *search, cli_format format)
{
    char message[2048] = "";
    seeds_run *r = calloc(1, sizeof *r);
    nas_status status, printed = NAS_OK;
    if (!r)
        NAS_FAIL(NAS_MEMORY, "no memory for a list of seeds");
    r->call = call;
    r->overrides = overrides;
    r->search = *search;
    NAS_TRY_DONE(read_seeds(seeds, &r->seeds));
    write_command(call, &r->command);
    NAS_TRY_DONE(nas_text_check(&r->command));
    begin_listing(&r->listing);
    status = search_all(r);
    snprintf(message, sizeof message, "%s", nas_error_message());
    if (r->listing.row_count)
        printed = cli_listing_print(&r->listing, format, stdout);
    fflush(stdout);
    if (status != NAS_OK)
        status = nas_error_set(status, __FILE__, __LINE__, "%s", message);
    else
        status = printed;
done:
    cli_listing_clear(&r->listing);
    nas_text_clear(&r->command);
    free(r);
    return status;
}
