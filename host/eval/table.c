/* table.c - an evaluator that looks its numbers up: every architecture was trained once, by somebody else or by the grid.
 *
 * Idea (NAS-Bench-101, 1902.09635; NAS-Bench-201, 2001.00326): with a table of results a search costs milliseconds, so
 * strategies can be compared over hundreds of seeds.  Any CSV file will do, plain or gzipped:
 *
 *     evaluate = { type = "table"; path = "nb201_accuracy.csv"; arch = "ops";
 *                  metrics = [ "valid_accuracy = c10_val12", "c10_test200" ]; scale = 0.01; cost = "c10_cost12_s"; };
 *
 * `arch` names the column of architectures, written as the space writes or reads them.  `metrics` are the columns that
 * trials get, under their own name or the one in front of "=".  `cost` is the column with the seconds that the training
 * took: each trial of more than 0 epochs then has the metric `simulated_s`, and their sum is the simulated clock that
 * budget.minutes counts.
 * Repeats in a table come as several columns; `metrics` picks one.  An epoch budget picks nothing: one table, one budget, unless
 * `budgets` lists the budgets of the metrics, one for each; then a trial gets those of the largest budget that is not over its own,
 * and costs that budget's share of what the largest one costs.
 *
 * A second file can add columns: `join` is its path, `on` a column of numbers that both files have, `join_metrics` its
 * columns (measured latencies of the same networks, say).
 *
 * An architecture that the table lacks is a failed trial.  A space may read several rows as one network: the row that is
 * its own canonical form counts, else the first. */
#include "csv.h"
#include "evaluator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct table_options {
    char path[NAS_TEXT_SIZE], arch[NAS_TEXT_SIZE], cost[NAS_TEXT_SIZE];
    char join[NAS_TEXT_SIZE], on[NAS_TEXT_SIZE];
    nas_text_list metrics, join_metrics;
    nas_real_list budgets;
    double scale;
} table_options;

#define AT(field) offsetof(table_options, field)
static const nas_option options[] = {
    {"path", NAS_OPTION_TEXT, AT(path), NULL, 0, 0, NULL,
     "the CSV file, plain or gzipped; its first line names the columns"},
    {"arch", NAS_OPTION_TEXT, AT(arch), "\"arch\"", 0, 0, NULL,
     "column with the architectures as the space writes them"},
    {"metrics", NAS_OPTION_TEXT_LIST, AT(metrics), "[\"valid_accuracy\"]", 0, 0, NULL,
     "columns that trials get as metrics: \"column\" or \"metric = column\""},
    {"scale", NAS_OPTION_REAL, AT(scale), "1", 0, 0, NULL,
     "factor of all metrics, 0.01 for a table in percent"},
    {"cost", NAS_OPTION_TEXT, AT(cost), "\"\"", 0, 0, NULL,
     "column with the seconds that a training took (with the largest of budgets, others their "
     "share), for the simulated clock; empty: none"},
    {"budgets", NAS_OPTION_REAL_LIST, AT(budgets), "[]", 0, 0, NULL,
     "epochs behind each of `metrics`, which then may have the same name; empty: one budget"},
    {"join", NAS_OPTION_TEXT, AT(join), "\"\"", 0, 0, NULL,
     "a second CSV file with more columns; empty: none"},
    {"on", NAS_OPTION_TEXT, AT(on), "\"index\"", 0, 0, NULL,
     "column of numbers by which rows of the two files belong together"},
    {"join_metrics", NAS_OPTION_TEXT_LIST, AT(join_metrics), "[]", 0, 0, NULL,
     "columns of the second file that trials get as metrics; never scaled"},
    {0},
};
#undef AT

enum { METRICS_MAX = 18 }; /* 16 of a list, the cost, the column to join on */

typedef struct table {
    const table_options *options;
    nas__csv csv;
    char names[METRICS_MAX][NAS_NAME_SIZE];
    int count;          /* metrics */
    int cost_at, on_at; /* columns of the cost and to join on; -1: none */
    nas__csv joined;
    char joined_names[METRICS_MAX][NAS_NAME_SIZE];
    int *joined_row; /* row in `joined` of each row, -1: none; NULL: nothing is joined */
    nas_arch *archs;
    bool *canonical; /* the row is its own canonical form */
    int *slots;      /* open addressing by architecture: row, -1: free */
    int slot_count;
} table;

static void finish(void *state)
{
    table *t = state;
    if (!t)
        return;
    nas__csv_clear(&t->csv);
    nas__csv_clear(&t->joined);
    free(t->joined_row);
    free(t->archs);
    free(t->canonical);
    free(t->slots);
    free(t);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

/* "metric = column" into the metric's name; returns the column. */
static nas_status read_metric(const char *text, char name[NAS_NAME_SIZE], const char **column)
{
    const char *equal = strchr(text, '=');
    const char *from = skip_space(text);
    size_t length = equal ? (size_t)(equal - from) : strlen(from);
    while (length > 0 && strchr(" \t", from[length - 1]))
        length--;
    *column = equal ? skip_space(equal + 1) : from;
    if (length == 0 || length >= NAS_NAME_SIZE || !**column)
        NAS_FAIL(NAS_CONFIG, "evaluate.metrics: \"%.60s\" is not \"column\" or \"metric = column\"",
                 text);
    memcpy(name, from, length);
    name[length] = '\0';
    return NAS_OK;
}

static nas_status read_table(table *t)
{
    const table_options *o = t->options;
    const char *columns[METRICS_MAX];
    if (o->metrics.count == 0)
        NAS_FAIL(NAS_CONFIG, "evaluate.metrics: a table without a metric says nothing");
    if (o->budgets.count && o->budgets.count != o->metrics.count)
        NAS_FAIL(NAS_CONFIG, "evaluate.budgets: %d budgets for %d metrics", o->budgets.count,
                 o->metrics.count);
    for (t->count = 0; t->count < o->metrics.count; t->count++)
        NAS_TRY(read_metric(o->metrics.item[t->count], t->names[t->count], &columns[t->count]));
    int count = t->count;
    t->cost_at = o->cost[0] ? count++ : -1;
    t->on_at = o->join[0] ? count++ : -1;
    if (t->cost_at >= 0)
        columns[t->cost_at] = o->cost;
    if (t->on_at >= 0)
        columns[t->on_at] = o->on;
    return nas__csv_read(o->path, o->arch, columns, count, &t->csv);
}

/* A row of the joined file and the number it is known by. */
typedef struct known_row {
    double number;
    int row;
} known_row;

static int by_number(const void *left, const void *right)
{
    const known_row *a = left, *b = right;
    return a->number < b->number ? -1 : a->number > b->number;
}

static nas_status match_rows(table *t)
{
    size_t rows = (size_t)t->joined.rows;
    known_row *known = malloc((rows + 1) * sizeof *known);
    t->joined_row = malloc(((size_t)t->csv.rows + 1) * sizeof *t->joined_row);
    if (!known || !t->joined_row) {
        free(known);
        NAS_FAIL(NAS_MEMORY, "no memory to join %s", t->options->join);
    }
    for (int i = 0; i < t->joined.rows; i++)
        known[i] = (known_row){nas_real_read(t->joined.keys[i], NULL), i};
    qsort(known, rows, sizeof *known, by_number);
    for (int i = 0; i < t->csv.rows; i++) {
        known_row wanted = {t->csv.values[(size_t)i * (size_t)t->csv.columns + (size_t)t->on_at],
                            0};
        const known_row *found = bsearch(&wanted, known, rows, sizeof *known, by_number);
        t->joined_row[i] = found ? found->row : -1;
    }
    free(known);
    return NAS_OK;
}

static nas_status join_table(table *t)
{
    const table_options *o = t->options;
    const char *columns[METRICS_MAX];
    if (!o->join[0])
        return NAS_OK;
    for (int i = 0; i < o->join_metrics.count; i++)
        NAS_TRY(read_metric(o->join_metrics.item[i], t->joined_names[i], &columns[i]));
    NAS_TRY(nas__csv_read(o->join, o->on, columns, o->join_metrics.count, &t->joined));
    return match_rows(t);
}

/* The slot of an architecture: its row's, or the free one where it belongs. */
static int slot_of(const table *t, const nas_arch *arch)
{
    int slot = (int)(nas_arch_hash(arch) & (uint64_t)(t->slot_count - 1));
    while (t->slots[slot] >= 0 && !nas_arch_equal(&t->archs[t->slots[slot]], arch))
        slot = (slot + 1) & (t->slot_count - 1);
    return slot;
}

static nas_status enter_row(table *t, const nas_domain *domain, int row)
{
    nas_arch raw;
    if (nas_domain_read(domain, t->csv.keys[row], &t->archs[row]) != NAS_OK) {
        nas_error_add("%s: row %d: ", t->options->path, row + 1);
        return NAS_DATA;
    }
    t->canonical[row] =
        nas_arch_parse(t->csv.keys[row], &raw) == NAS_OK && nas_arch_equal(&raw, &t->archs[row]);
    int *slot = &t->slots[slot_of(t, &t->archs[row])];
    if (*slot < 0 || (t->canonical[row] && !t->canonical[*slot]))
        *slot = row;
    return NAS_OK;
}

static nas_status enter_rows(table *t, const nas_domain *domain)
{
    size_t rows = (size_t)t->csv.rows;
    for (t->slot_count = 256; t->slot_count < 2 * t->csv.rows;)
        t->slot_count *= 2;
    t->archs = calloc(rows + 1, sizeof *t->archs);
    t->canonical = calloc(rows + 1, sizeof *t->canonical);
    t->slots = malloc((size_t)t->slot_count * sizeof *t->slots);
    if (!t->archs || !t->canonical || !t->slots)
        NAS_FAIL(NAS_MEMORY, "no memory for the %d rows of %s", t->csv.rows, t->options->path);
    for (int i = 0; i < t->slot_count; i++)
        t->slots[i] = -1;
    for (int row = 0; row < t->csv.rows; row++)
        NAS_TRY(enter_row(t, domain, row));
    return NAS_OK;
}

static nas_status prepare(const void *instance, const nas_eval_setting *setting, void **state)
{
    table *t = calloc(1, sizeof *t);
    if (!t)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    t->options = instance;
    nas_status status = read_table(t);
    if (status == NAS_OK)
        status = join_table(t);
    if (status == NAS_OK)
        status = enter_rows(t, setting->domain);
    if (status != NAS_OK) {
        finish(t);
        return status;
    }
    *state = t;
    return NAS_OK;
}

/* ---- scoring ------------------------------------------------------------------------------------------------------------ */

/* With budgets: is metric i the one of its name that a trial with `budget` gets? */
static bool is_wanted(const table *t, int i, double budget)
{
    const nas_real_list *budgets = &t->options->budgets;
    if (!budgets->count)
        return true;
    if (budgets->item[i] > budget)
        return false;
    for (int k = 0; k < t->count; k++)
        if (strcmp(t->names[k], t->names[i]) == 0 && budgets->item[k] <= budget &&
            budgets->item[k] > budgets->item[i])
            return false;
    return true;
}

/* The part of a whole training that a trial with `budget` takes; 1 without budgets. */
static double share_of(const table *t, double budget)
{
    const nas_real_list *budgets = &t->options->budgets;
    double taken = 0, whole = 0;
    for (int i = 0; i < budgets->count; i++) {
        whole = fmax(whole, budgets->item[i]);
        taken = budgets->item[i] <= budget ? fmax(taken, budgets->item[i]) : taken;
    }
    return budgets->count && whole > 0 ? taken / whole : 1;
}

static nas_status set_joined(const table *t, int row, nas_trial *result)
{
    int at = t->joined_row ? t->joined_row[row] : -1;
    for (int i = 0; at >= 0 && i < t->joined.columns; i++)
        NAS_TRY(nas_trial_set_metric(
            result, t->joined_names[i],
            t->joined.values[(size_t)at * (size_t)t->joined.columns + (size_t)i], false));
    return NAS_OK;
}

static nas_status score(void *state, const nas_eval_call *call, const nas_graph *graph,
                        nas_trial *result)
{
    const table *t = state;
    int row = t->slots[slot_of(t, call->arch)];
    (void)graph;
    if (row < 0)
        NAS_FAIL(NAS_BOUND, "not in the table %s", t->options->path);
    const double *values = t->csv.values + (size_t)row * (size_t)t->csv.columns;
    for (int i = 0; i < t->count; i++) {
        if (!is_wanted(t, i, call->budget))
            continue;
        if (!isfinite(values[i]))
            NAS_FAIL(NAS_NONFINITE, "%s is %g in the table", t->names[i], values[i]);
        NAS_TRY(nas_trial_set_metric(result, t->names[i], t->options->scale * values[i], false));
    }
    if (t->cost_at >= 0 && call->budget > 0)
        NAS_TRY(nas_trial_set_metric(result, "simulated_s",
                                     share_of(t, call->budget) * values[t->cost_at], false));
    return set_joined(t, row, result);
}

static bool simulates(const void *instance)
{
    const table_options *o = instance;
    return o->cost[0] != '\0';
}

static const char *const metrics[] = {"parameters", "macs", "activation_bytes", "simulated_s",
                                      NULL};

const nas_evaluator nas__evaluator_table = {
    .kind = {.name = "table",
             .summary = "looks an architecture up in a CSV file of results",
             .paper = "arXiv 1902.09635, 2001.00326",
             .instance_size = sizeof(table_options),
             .options = options},
    .metrics = metrics,
    .pure = true,
    .needs_device = false,
    .simulates = simulates,
    .prepare = prepare,
    .score = score,
    .finish = finish,
};
