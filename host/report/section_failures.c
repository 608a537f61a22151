/* section_failures.c - what failed and why, reasons that differ in their numbers alone taken together.
 *
 * A failure is a result: a network over a bound, a loss that was not a number.  A trial that was given back and tried again is told, too:
 * it points at a device that misbehaves. */
#include "sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REASONS = 64, SHOWN = 20, TRIALS = 8 };

typedef struct reason {
    char key[256]; /* with # for each number */
    const char *example;
    int count, first[TRIALS];
} reason;

typedef struct reasons {
    int count, all, left_out;
    reason item[REASONS];
} reasons;

static void key_of(const char *text, char key[256])
{
    size_t length = 0;
    for (const char *at = text; *at && length < 254;) {
        const bool digit = *at >= '0' && *at <= '9';
        key[length++] = digit ? '#' : *at;
        at++;
        while (digit && ((*at >= '0' && *at <= '9') ||
                         (*at && strchr(".,e", *at) && at[1] >= '0' && at[1] <= '9')))
            at++;
    }
    key[length] = '\0';
}

static void add_reason(reasons *list, int trial, const char *text)
{
    char key[256];
    reason *item = NULL;
    key_of(text, key);
    list->all++;
    for (int i = 0; i < list->count && !item; i++)
        if (strcmp(list->item[i].key, key) == 0)
            item = &list->item[i];
    if (!item && list->count == REASONS) {
        list->left_out++;
        return;
    }
    if (!item) {
        item = &list->item[list->count++];
        memcpy(item->key, key, sizeof key);
        item->example = text;
    }
    if (item->count < TRIALS)
        item->first[item->count] = trial;
    item->count++;
}

static int by_count(const void *left, const void *right)
{
    const reason *a = left, *b = right;
    return a->count != b->count ? b->count - a->count : a->first[0] - b->first[0];
}

static void write_table(reasons *list, nas_text *page)
{
    nas__table table = {.columns = 3};
    nas_text words = {0};
    qsort(list->item, (size_t)list->count, sizeof *list->item, by_count);
    nas__table_add(&table, "how many");
    nas__table_add(&table, "reason, of the first");
    nas__table_add(&table, "trials");
    for (int i = 0; i < list->count && i < SHOWN; i++) {
        const reason *item = &list->item[i];
        nas__number_words(&words, item->count);
        nas__table_take(&table, &words);
        nas__table_add(&table, item->example);
        for (int k = 0; k < item->count && k < TRIALS; k++)
            nas_text_format(&words, "%s%d", k ? ", " : "", item->first[k]);
        nas_text_add(&words, item->count > TRIALS ? " …" : "");
        nas__table_take(&table, &words);
    }
    nas__table_write(&table, page);
    nas_text_clear(&words);
}

static void write_reasons(reasons *list, const char *sentence, nas__subject *subject,
                          nas_text *page)
{
    nas_text words = {0};
    int shown = 0;
    if (list->all == 0)
        return;
    nas__number_words(&words, list->all);
    nas_text_add(&words, " of ");
    nas__number_words(&words, subject->count);
    nas_text_format(&words, " trials %s", sentence);
    nas__page_words(page, nas__part(&words, page));
    write_table(list, page);
    for (int i = 0; i < list->count && i < SHOWN; i++)
        shown += list->item[i].count;
    nas__say_more(page, shown, list->all, "trials", subject->view.path);
    nas_text_clear(&words);
}

nas_status nas__section_failures(nas__subject *subject, nas_text *page)
{
    reasons *failed = calloc(2, sizeof *failed), *lost = failed ? failed + 1 : NULL;
    if (!failed)
        NAS_FAIL(NAS_MEMORY, "no memory for reasons");
    for (int i = 0; i < subject->count; i++) {
        const nas_trial *trial = nas_study_trial(subject->study, i);
        if (trial->status == NAS_TRIAL_FAILED)
            add_reason(failed, i, *trial->reason ? trial->reason : "no reason was given");
        else if (trial->attempts > 1)
            add_reason(lost, i, *trial->reason ? trial->reason : "an attempt was lost");
    }
    write_reasons(failed,
                  "failed. The search goes on without them, and none of them is ever the best.",
                  subject, page);
    write_reasons(lost, "needed more than one attempt.", subject, page);
    free(failed);
    return NAS_OK;
}
