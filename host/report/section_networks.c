/* section_networks.c - the best networks, those on the front, those that were retrained, and what a supernet chose.
 *
 * Tables have the metrics under the names that configs and `clnas trials` use, so that a number can be looked up there. */
#include "sections.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEST = 10, DRAWN = 3, DEVICE = 16, MORE = 100, FRONT = 40, EPOCHS = 60, METRICS = 12 };

/* What a table of trials shows: objectives, bounds, costs; each once, where any trial has it. */
typedef struct metric_list {
    bool devices; /* networks were trained on more than one */
    int count;
    const char *name[METRICS];
} metric_list;

static void add_metric(const nas__subject *subject, const char *metric, metric_list *list)
{
    bool some = false;
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->name[i], metric) == 0)
            return;
    for (int i = 0; i < subject->best_count && !some; i++)
        some = nas_trial_has_metric(nas_study_trial(subject->study, subject->best[i]), metric);
    if (some && list->count < METRICS)
        list->name[list->count++] = metric;
}

static metric_list metrics_of(const nas__subject *subject)
{
    const nas_objectives *objectives = &subject->config->objectives;
    metric_list list = {.count = 0};
    for (int i = 0; i < objectives->count; i++)
        add_metric(subject, objectives->item[i].metric, &list);
    for (int i = 0; i < objectives->bound_count; i++)
        add_metric(subject, objectives->bounds[i].metric, &list);
    add_metric(subject, "parameters", &list);
    add_metric(subject, "macs", &list);
    for (int i = 1; i < subject->best_count && !list.devices; i++)
        list.devices = strcmp(nas_study_trial(subject->study, subject->best[i])->device,
                              nas_study_trial(subject->study, subject->best[0])->device) != 0;
    return list;
}

static void add_head(nas__table *table, const metric_list *metrics)
{
    table->columns = metrics->count + 3 + metrics->devices;
    nas__table_add(table, "trial");
    for (int i = 0; i < metrics->count; i++)
        nas__table_add(table, metrics->name[i]);
    nas__table_add(table, "seconds");
    if (metrics->devices)
        nas__table_add(table, "device");
    nas__table_add(table, "network");
}

/* Its alias, which stands before the device in brackets; the whole is told where devices are. */
static void add_device(const char *device, nas_text *words)
{
    const char *bracket = strstr(device, " (");
    size_t length = bracket ? (size_t)(bracket - device) : strlen(device);
    if (length > DEVICE)
        length = strcspn(device + DEVICE, " ") + DEVICE;
    nas_text_add_bytes(words, device, length);
    nas_text_add(words, device[length] && !bracket ? " …" : "");
}

static void add_row(nas__subject *subject, int i, const metric_list *metrics, bool described,
                    nas__table *table)
{
    const nas_trial *trial = nas_study_trial(subject->study, i);
    nas_text words = {0};
    nas_text_format(&words, "%d", i);
    nas__table_take(table, &words);
    for (int k = 0; k < metrics->count; k++) {
        nas__metric_value(&words, metrics->name[k], nas_trial_metric(trial, metrics->name[k]));
        nas__table_take(table, &words);
    }
    nas__number_fixed(&words, trial->seconds, 2, false);
    nas__table_take(table, &words);
    if (metrics->devices) {
        add_device(trial->device, &words);
        nas__table_take(table, &words);
    }
    if (described)
        nas__subject_describe(subject, i, &words);
    else
        nas_text_add(&words, trial->arch ? trial->arch : "");
    nas__table_take(table, &words);
    nas_text_clear(&words);
}

static void write_more(nas__subject *subject, const metric_list *metrics, nas_text *page)
{
    const int count = subject->best_count < MORE ? subject->best_count : MORE;
    nas_text words = {0};
    nas__table table = {.columns = 0};
    if (subject->best_count <= BEST)
        return;
    nas_text_format(&words, "The next %d", count - BEST);
    nas__page_fold_begin(page, nas__part(&words, page));
    add_head(&table, metrics);
    for (int i = BEST; i < count; i++)
        add_row(subject, subject->best[i], metrics, false, &table);
    nas__table_write(&table, page);
    nas__say_more(page, count, subject->best_count, "trials", subject->view.path);
    nas__page_fold_end(page);
    nas_text_clear(&words);
}

/* A network drawn, or why it cannot be: a text that is no architecture of the space is somebody's mistake, and no end of the page. */
static nas_status write_picture(nas__subject *subject, int trial, nas__sheet *sheet, nas_text *page)
{
    nas_text figures = {0};
    nas__sheet_begin(sheet, false, &figures);
    const nas_status status = nas__network_draw(subject, trial, sheet);
    nas__sheet_end(sheet, "");
    if (status == NAS_OK) {
        nas_text_add(page, nas__part(&figures, page));
    } else {
        nas_text_reset(&figures);
        nas_text_format(&figures, "Trial %d cannot be drawn: %s", trial, nas_error_message());
        nas__page_words(page, nas__part(&figures, page));
    }
    nas_text_clear(&figures);
    return status == NAS_MEMORY ? status : NAS_OK;
}

/* The best one drawn, the next two folded away. */
static nas_status write_pictures(nas__subject *subject, nas_text *page)
{
    const int count = subject->best_count < DRAWN ? subject->best_count : DRAWN;
    nas__sheet *sheet = calloc(1, sizeof *sheet);
    nas_status status = NAS_OK;
    if (!sheet)
        NAS_FAIL(NAS_MEMORY, "no memory for pictures");
    if (!nas__subject_domain(subject)) {
        nas_text words = {0};
        nas_text_format(&words, "The networks cannot be drawn: %s", subject->no_domain);
        nas__page_words(page, nas__part(&words, page));
        nas_text_clear(&words);
    }
    for (int i = 0; i < count && subject->domain && status == NAS_OK; i++) {
        if (i == 1)
            nas__page_fold_begin(page, "The next ones, drawn");
        status = write_picture(subject, subject->best[i], sheet, page);
    }
    if (subject->domain && count > 1)
        nas__page_fold_end(page);
    free(sheet);
    return status;
}

nas_status nas__section_networks(nas__subject *subject, nas_text *page)
{
    const metric_list metrics = metrics_of(subject);
    const int count = subject->best_count < BEST ? subject->best_count : BEST;
    nas__table table = {.columns = 0};
    nas_text words = {0};
    if (subject->best_count == 0)
        return NAS_OK;
    nas_text_format(&words, "By %s, of ", subject->first->metric);
    nas__number_words(&words, subject->best_count);
    nas_text_add(&words, subject->best_count == 1 ? " complete network." : " complete networks.");
    nas__page_words(page, nas__part(&words, page));
    add_head(&table, &metrics);
    for (int i = 0; i < count; i++)
        add_row(subject, subject->best[i], &metrics, true, &table);
    nas__table_write(&table, page);
    nas_text_clear(&words);
    NAS_TRY(write_pictures(subject, page));
    write_more(subject, &metrics, page);
    return NAS_OK;
}

/* ---- the front ----------------------------------------------------------------------------------------------------- */

nas_status nas__section_front(nas__subject *subject, nas_text *page)
{
    const metric_list metrics = metrics_of(subject);
    nas__table table = {.columns = 0};
    nas_text words = {0};
    int count = 0;
    if (subject->config->objectives.count < 2 || subject->best_count == 0)
        return NAS_OK;
    int *front = malloc(((size_t)subject->count + 1) * sizeof *front);
    if (!front)
        NAS_FAIL(NAS_MEMORY, "no memory for a front");
    nas_status status =
        nas_study_front(subject->study, &subject->config->objectives, front, &count);
    if (status == NAS_OK) {
        nas_text_format(&words,
                        "%d %s: no other one is at least as good in all %d objectives and "
                        "better in one.",
                        count, count == 1 ? "network is on the front" : "networks are on the front",
                        subject->config->objectives.count);
        nas__page_words(page, nas__part(&words, page));
        add_head(&table, &metrics);
        for (int i = 0; i < count && i < FRONT; i++)
            add_row(subject, front[i], &metrics, true, &table);
        nas__table_write(&table, page);
        nas__say_more(page, FRONT, count, "best --pareto", subject->view.path);
    }
    nas_text_clear(&words);
    free(front);
    return status;
}

/* ---- retrained ------------------------------------------------------------------------------------------------------ */

static void add_result(const nas_train_result *result, nas__table *table)
{
    nas_text words = {0};
    nas__table_add(table, result->name);
    nas__metric_value(&words, result->score, result->test_score);
    if (result->repeats > 1) {
        nas_text_add(&words, " ± ");
        nas__metric_value(&words, result->score, result->test_score_std);
    }
    nas__table_take(table, &words);
    nas__number_words(&words, result->test_loss);
    nas__table_take(table, &words);
    nas__metric_value(&words, result->score, result->valid_score);
    nas__table_take(table, &words);
    nas__number_words(&words, result->repeats);
    nas__table_take(table, &words);
    nas__number_words(&words, (double)result->parameters);
    nas__table_take(table, &words);
    nas__number_words(&words, (double)result->macs);
    nas__table_take(table, &words);
    nas__number_fixed(&words, result->seconds, 1, false);
    nas__table_take(table, &words);
    nas_text_add(&words, result->model);
    nas__table_take(table, &words);
    nas_text_clear(&words);
}

nas_status nas__section_retrained(nas__subject *subject, nas_text *page)
{
    static const char *const head[] = {"network", "test loss", "repeats", "parameters",
                                       "macs",    "seconds",   "model"};
    nas__table table = {.columns = 9};
    nas_text words = {0};
    if (subject->result_count == 0)
        return NAS_OK;
    nas__page_words(page, "Trained from their start by the recipe of the retraining, and tested "
                          "once on the test split, which nothing had seen before.");
    nas__table_add(&table, head[0]);
    nas_text_format(&words, "test %s", subject->results[0].score);
    nas__table_take(&table, &words);
    nas__table_add(&table, head[1]);
    nas_text_format(&words, "valid %s", subject->results[0].score);
    nas__table_take(&table, &words);
    for (size_t i = 2; i < sizeof head / sizeof *head; i++)
        nas__table_add(&table, head[i]);
    for (int i = 0; i < subject->result_count; i++)
        add_result(&subject->results[i], &table);
    nas__table_write(&table, page);
    nas_text_clear(&words);
    return NAS_OK;
}

/* ---- the supernet --------------------------------------------------------------------------------------------------- */

/* Does epoch trial `i` speak for another architecture than `before`? */
static bool changes(const nas__subject *subject, int before, int i)
{
    const nas_trial *a = nas_study_result(subject->study, before);
    const nas_trial *b = nas_study_result(subject->study, i);
    const size_t length = nas_trial_derived_length(b);
    return nas_trial_derived_length(a) != length || memcmp(a->derived, b->derived, length) != 0;
}

nas_status nas__section_supernet(nas__subject *subject, nas_text *page)
{
    nas__table table = {.columns = 3};
    nas_text words = {0};
    int before = -1, shown = 0, all = 0;
    if (subject->epoch_count == 0)
        return NAS_OK;
    nas_text_format(&words,
                    "%d trials are epochs of one network that has all operations at once. After "
                    "each it speaks for an architecture; the table has those epochs after which "
                    "that was another one.",
                    subject->epoch_count);
    nas__page_words(page, nas__part(&words, page));
    nas_text_reset(&words);
    nas__table_add(&table, "trial");
    nas__table_add(&table, "epoch");
    nas__table_add(&table, "speaks for");
    for (int i = 0; i < subject->count; i++) {
        const nas_trial *result = nas_study_result(subject->study, i);
        if (!result || !result->derived || (before >= 0 && !changes(subject, before, i)))
            continue;
        before = i;
        if (++all > EPOCHS)
            continue;
        shown++;
        nas_text_format(&words, "%d", i);
        nas__table_take(&table, &words);
        nas__number_words(&words, nas_study_trial(subject->study, i)->budget);
        nas__table_take(&table, &words);
        nas__subject_describe(subject, i, &words);
        nas__table_take(&table, &words);
    }
    nas__table_write(&table, page);
    nas__say_more(page, shown, all, "trials", subject->view.path);
    nas_text_clear(&words);
    return NAS_OK;
}
