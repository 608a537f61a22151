/* command_compare.c - several studies against each other at equal cost. */
#include "cli.h"

#include <math.h>
#include <string.h>

typedef struct options {
    int by, list, format;
    const char *metric, *output;
    double at, target, level;
    bool force;
} options;

static const cli_option rows[] = {
    {"by", 0, CLI_CHOICE, offsetof(options, by), NULL, "trials", 0, 0,
     "trials|epochs|seconds|simulated", "What counts as cost"},
    {"at", 0, CLI_REAL, offsetof(options, at), "COST", NULL, 1e-9, 1e15, NULL,
     "Compare at this cost (default: as far as every study went)"},
    {"metric", 0, CLI_TEXT, offsetof(options, metric), "NAME", NULL, 0, 0, NULL,
     "Of the best network so far (default: test_X where a table has it beside the objective "
     "valid_X, else the objective)"},
    {"target", 0, CLI_REAL, offsetof(options, target), "VALUE", NULL, 0, 0, NULL,
     "For the cost to reach it (default: the mean of the worst group)"},
    {"level", 0, CLI_REAL, offsetof(options, level), "P", "0.01", 1e-6, 0.5, NULL,
     "How often, at most, chance alone may lead to a wrong verdict among all of them"},
    {"list", 0, CLI_CHOICE, offsetof(options, list), NULL, "all", 0, 0,
     "all|verdicts|groups|studies|curves", "Print only this list"},
    {"output", 'o', CLI_TEXT, offsetof(options, output), "FILE", NULL, 0, 0, NULL,
     "Write a page with curves and tables, too: FILE.html; - is stdout, without the lists"},
    {"force", 0, CLI_FLAG, offsetof(options, force), NULL, NULL, 0, 0, NULL,
     "Overwrite a file that is no page"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};
enum { ALL, VERDICTS, GROUPS, STUDIES, CURVES, LISTS };

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

static void add_columns(cli_listing *listing, const char *name, const char *const *names, int count,
                        int shown)
{
    listing->name = name;
    for (int i = 0; i < count; i++)
        cli_listing_column(listing, names[i], i < shown);
}

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* As tables show values of the metric: shares with four decimals, counts as they are. */
static const char *value_format(const nas_comparison *c)
{
    return fabs(c->groups[0].value.at) < 100 ? "%.4f" : NULL;
}

/* Columns NAME, NAME_low, NAME_high. */
static void set_interval(cli_listing *listing, const char *name, nas_interval interval,
                         const char *format)
{
    char end[64];
    cli_listing_real(listing, name, interval.at, format);
    snprintf(end, sizeof end, "%s_low", name);
    cli_listing_real(listing, end, interval.low, format);
    snprintf(end, sizeof end, "%s_high", name);
    cli_listing_real(listing, end, interval.high, format);
}

static void list_verdicts(const nas_comparison *c, cli_listing *listing)
{
    static const char *const names[] = {"first",
                                        "second",
                                        "better",
                                        "p",
                                        "p_holm",
                                        "superiority",
                                        "superiority_low",
                                        "superiority_high",
                                        "difference",
                                        "difference_low",
                                        "difference_high",
                                        "paired",
                                        "first_count",
                                        "second_count",
                                        "test",
                                        "exact",
                                        "p_least",
                                        "verdict"};
    add_columns(listing, "verdicts", names, COUNT(names), 11);
    for (int i = 0; i < c->pair_count; i++) {
        const nas_compared_pair *pair = &c->pairs[i];
        cli_listing_row(listing);
        cli_listing_text(listing, "first", c->groups[pair->first].label);
        cli_listing_text(listing, "second", c->groups[pair->second].label);
        cli_listing_text(listing, "better", nas_verdict_name(pair->verdict));
        cli_listing_real(listing, "p", pair->p, "%.4f");
        cli_listing_real(listing, "p_holm", pair->adjusted, "%.4f");
        set_interval(listing, "superiority", pair->superiority, "%.3f");
        set_interval(listing, "difference", pair->difference, value_format(c));
        cli_listing_bool(listing, "paired", pair->paired);
        cli_listing_int(listing, "first_count", pair->first_count);
        cli_listing_int(listing, "second_count", pair->second_count);
        cli_listing_text(listing, "test", pair->test);
        cli_listing_bool(listing, "exact", pair->exact);
        cli_listing_real(listing, "p_least", pair->least, NULL);
        cli_listing_text(listing, "verdict", pair->sentence);
    }
}

static void list_groups(const nas_comparison *c, cli_listing *listing)
{
    static const char *const names[] = {"group",       "studies",      "value",       "value_low",
                                        "value_high",  "std",          "median",      "anytime",
                                        "anytime_low", "anytime_high", "target_cost", "reached"};
    const char *format = value_format(c);
    add_columns(listing, "groups", names, COUNT(names), COUNT(names));
    for (int g = 0; g < c->group_count; g++) {
        const nas_compared_group *group = &c->groups[g];
        cli_listing_row(listing);
        cli_listing_text(listing, "group", group->label);
        cli_listing_int(listing, "studies", group->studies);
        set_interval(listing, "value", group->value, format);
        cli_listing_real(listing, "std", group->deviation, format);
        cli_listing_real(listing, "median", group->median, format);
        set_interval(listing, "anytime", group->area, format);
        if (isfinite(group->target_cost))
            cli_listing_real(listing, "target_cost", group->target_cost, NULL);
        cli_listing_int(listing, "reached", group->reached);
    }
}

static void list_studies(const nas_comparison *c, cli_listing *listing)
{
    static const char *const names[] = {"study", "group", "seed",    "trials",     "open",
                                        "cost",  "value", "anytime", "target_cost"};
    const char *format = value_format(c);
    add_columns(listing, "studies", names, COUNT(names), COUNT(names));
    for (int i = 0; i < c->study_count; i++) {
        const nas_compared_study *study = &c->studies[i];
        cli_listing_row(listing);
        cli_listing_text(listing, "study", study->path);
        cli_listing_text(listing, "group", c->groups[study->group].label);
        cli_listing_int(listing, "seed", study->seed);
        cli_listing_int(listing, "trials", study->trials);
        cli_listing_bool(listing, "open", study->open);
        cli_listing_real(listing, "cost", study->cost, NULL);
        cli_listing_real(listing, "value", study->value, format);
        cli_listing_real(listing, "anytime", study->area, format);
        if (isfinite(study->target_cost))
            cli_listing_real(listing, "target_cost", study->target_cost, NULL);
    }
}

static void list_curves(const nas_comparison *c, cli_listing *listing)
{
    static const char *const names[] = {"group", "cost", "mean", "low", "high"};
    add_columns(listing, "curves", names, COUNT(names), COUNT(names));
    for (int g = 0; g < c->group_count; g++)
        for (int p = 0; p < c->point_count; p++) {
            const nas_compared_group *group = &c->groups[g];
            cli_listing_row(listing);
            cli_listing_text(listing, "group", group->label);
            cli_listing_real(listing, "cost", c->costs[p], NULL);
            cli_listing_real(listing, "mean", group->mean[p], value_format(c));
            cli_listing_real(listing, "low", group->low[p], value_format(c));
            cli_listing_real(listing, "high", group->high[p], value_format(c));
        }
}

static void list_summary(const nas_comparison *c, cli_listing *listing)
{
    static const char *const names[] = {"by", "metric", "goal",  "objective",
                                        "at", "level",  "target"};
    add_columns(listing, "comparison", names, COUNT(names), COUNT(names));
    cli_listing_row(listing);
    cli_listing_text(listing, "by", nas_compare_by_name(c->by));
    cli_listing_text(listing, "metric", c->metric);
    cli_listing_text(listing, "goal", c->goal == NAS_GOAL_MAX ? "max" : "min");
    cli_listing_text(listing, "objective", c->objective);
    cli_listing_real(listing, "at", c->at, NULL);
    cli_listing_real(listing, "level", c->level, NULL);
    cli_listing_real(listing, "target", c->target, value_format(c));
}

static void list_notes(const nas_comparison *c, cli_listing *listing)
{
    cli_listing_column(listing, "note", true);
    listing->name = "notes";
    for (int i = 0; i < c->note_count; i++) {
        cli_listing_row(listing);
        cli_listing_text(listing, "note", c->notes[i]);
    }
}

/* ---- printing ------------------------------------------------------------------------------------------------------------ */

/* Notes go to stderr, beside the tables; the verdicts in words come last. */
static nas_status print_tables(const nas_comparison *c, const cli_listing *summary,
                               const cli_listing *lists)
{
    for (int i = 0; i < c->note_count && !cli_quiet(); i++)
        cli_note("note: %s", c->notes[i]);
    NAS_TRY(cli_listing_print_one(summary, CLI_TABLE, stdout));
    putchar('\n');
    NAS_TRY(cli_listing_print(&lists[GROUPS], CLI_TABLE, stdout));
    if (!c->pair_count)
        return NAS_OK;
    putchar('\n');
    NAS_TRY(cli_listing_print(&lists[VERDICTS], CLI_TABLE, stdout));
    putchar('\n');
    for (int i = 0; i < c->pair_count; i++) {
        char sentence[sizeof c->pairs[i].sentence];
        snprintf(sentence, sizeof sentence, "%s", c->pairs[i].sentence);
        cli_text_clean(sentence);
        puts(sentence);
    }
    return NAS_OK;
}

static nas_status print(const nas_comparison *c, const options *given)
{
    cli_listing lists[LISTS] = {{0}}, summary = {0}, notes = {0};
    const cli_listing *const all[] = {&lists[VERDICTS], &lists[GROUPS], &lists[STUDIES],
                                      &lists[CURVES], &notes};
    nas_status status;
    int list = given->list == ALL && given->format == CLI_CSV ? VERDICTS : given->list;
    list_verdicts(c, &lists[VERDICTS]);
    list_groups(c, &lists[GROUPS]);
    list_studies(c, &lists[STUDIES]);
    list_curves(c, &lists[CURVES]);
    list_summary(c, &summary);
    list_notes(c, &notes);
    if (list != ALL)
        status = cli_listing_print(&lists[list], given->format, stdout);
    else if (given->format == CLI_TABLE)
        status = print_tables(c, &summary, lists);
    else
        status = cli_print_object(&summary, all, COUNT(all), given->format);
    for (int i = 0; i < LISTS; i++)
        cli_listing_clear(&lists[i]);
    cli_listing_clear(&summary);
    cli_listing_clear(&notes);
    return status;
}

static bool to_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static nas_status write_page(const nas_comparison *c, const char *path, bool force)
{
    nas_text page = {0};
    nas_status status = nas_comparison_write(c, &page);
    if (status == NAS_OK)
        status = cli_report_save(path, &page, force);
    nas_text_clear(&page);
    if (status == NAS_OK && !cli_quiet() && !to_stdout(path))
        cli_note("wrote %s", path);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    const nas_comparison_options wanted = {.by = (nas_compare_by)given->by,
                                           .metric = given->metric,
                                           .at = given->at,
                                           .target = given->target,
                                           .level = given->level};
    nas_comparison *comparison = NULL;
    nas_status status = NAS_OK;
    NAS_TRY(nas_comparison_create(&wanted, &comparison));
    for (int i = 0; i < call->count; i++)
        NAS_TRY_DONE(nas_comparison_add_file(comparison, call->arguments[i]));
    NAS_TRY_DONE(nas_comparison_judge(comparison));
    if (!to_stdout(given->output)) /* a page there has the lists in it */
        NAS_TRY_DONE(print(comparison, given));
    if (given->output)
        status = write_page(comparison, given->output, given->force);
done:
    nas_comparison_destroy(comparison);
    return status;
}

const cli_command cli_command_compare = {
    .name = "compare",
    .arguments = "STUDY…",
    .summary = "Compare strategies, spaces or devices over several seeds",
    .examples = "  clnas search evolution.cfg --seeds 1-20 --no-retrain\n"
                "  clnas search random.cfg --seeds 1-20 --no-retrain\n"
                "  clnas compare evolution-s*.study random-s*.study\n"
                "  clnas compare *.study --by seconds -o comparison.html\n"
                "  clnas compare *.study --list curves --format csv > curves.csv\n",
    .details =
        "Studies with the same options but for the seed are one group.  Groups are compared at "
        "equal cost,\n"
        "paired by seed where the seeds are the same.  docs/compare.md tells how to read it.\n"
        "A page of before is replaced; any other file only with --force.\n",
    .arguments_min = 1,
    .arguments_max = 10000,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
