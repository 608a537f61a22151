/* rank_truth.c - what is known of an architecture: its line in a table of results, or its training in another study.
 *
 *     truth = { type = "table"; path = "results.csv"; metrics = [ "valid_accuracy" ]; };
 *     truth = { type = "study"; path = "grid.study"; };
 *
 * The first is any evaluator that needs no training.  Of a study count the complete trainings of an architecture alone (not the epochs of a
 * supernet, not what was only measured); where one was trained several times, the longest, then the last of them. */
#include "config_file.h"
#include "rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char study_type[] = "study";

/* ---- a study's trials ------------------------------------------------------------------------------------------------- */

static nas_status key_of(const ranking *r, const char *text, char **key)
{
    nas_arch arch;
    nas_text written = {0};
    NAS_TRY(nas_domain_read(r->domain, text, &arch));
    nas_domain_write(r->domain, &arch, &written);
    NAS_TRY(nas_text_check(&written));
    *key = written.data;
    return NAS_OK;
}

/* By key; of one key the training that counts comes first. */
static int by_key(const void *left, const void *right)
{
    const struct trained_trial *a = left, *b = right;
    const int order = strcmp(a->key, b->key);
    if (order != 0)
        return order;
    return a->budget != b->budget ? (a->budget > b->budget ? -1 : 1) : b->index - a->index;
}

/* Keeps the first of each key. */
static void drop_repeats(trained_trials *t)
{
    int kept = 0;
    for (int i = 0; i < t->count; i++) {
        if (kept > 0 && strcmp(t->list[kept - 1].key, t->list[i].key) == 0)
            free(t->list[i].key);
        else
            t->list[kept++] = t->list[i];
    }
    t->count = kept;
}

static nas_status list_trials(ranking *r)
{
    trained_trials *t = &r->trained;
    const int all = nas_study_count(t->study);
    t->list = calloc((size_t)all + 1, sizeof *t->list);
    if (!t->list)
        NAS_FAIL(NAS_MEMORY, "no memory for %d trials", all);
    for (int i = 0; i < all; i++) {
        const nas_trial *trial = nas_study_trial(t->study, i);
        if (trial->status != NAS_TRIAL_COMPLETE || trial->derived || trial->budget <= 0)
            continue;
        struct trained_trial *next = &t->list[t->count];
        *next = (struct trained_trial){.budget = trial->budget, .index = i};
        nas_status status = key_of(r, trial->arch, &next->key);
        if (status != NAS_OK)
            nas_error_add("truth: trial %d of %s: ", i, nas_study_path(t->study));
        NAS_TRY(status);
        t->count++;
    }
    qsort(t->list, (size_t)t->count, sizeof *t->list, by_key);
    drop_repeats(t);
    if (t->count == 0)
        NAS_FAIL(NAS_CONFIG, "%s: no architecture was trained in this study",
                 nas_study_path(t->study));
    return NAS_OK;
}

static nas_status open_trials(ranking *r, const nas_value *group)
{
    const nas_value *path = nas_value_member(group, "path");
    if (!path || path->type != NAS_VALUE_TEXT || group->item_count != 2)
        NAS_FAIL(NAS_CONFIG,
                 "truth = { type = \"study\"; path = \"…\"; }; names a study and nothing else");
    NAS_TRY(nas_study_open(path->text, NAS_STORE_READ, &r->trained.study));
    NAS_TRY(nas_study_sync(r->trained.study));
    return list_trials(r);
}

static int by_name(const void *key, const void *trial)
{
    return strcmp(key, ((const struct trained_trial *)trial)->key);
}

static nas_status find_trial(const ranking *r, const nas_arch *arch, nas_trial *result)
{
    const trained_trials *t = &r->trained;
    nas_text key = {0};
    nas_domain_write(r->domain, arch, &key);
    NAS_TRY(nas_text_check(&key));
    const struct trained_trial *found =
        bsearch(key.data, t->list, (size_t)t->count, sizeof *t->list, by_name);
    nas_text_clear(&key);
    if (found)
        return nas_trial_copy(nas_study_trial(t->study, found->index), result);
    result->status = NAS_TRIAL_FAILED;
    return NAS_OK;
}

/* ---- either ----------------------------------------------------------------------------------------------------------- */

nas_status open_truth(ranking *r)
{
    const nas_value *group = nas_value_member(&r->root, "truth");
    if (!group || group->type != NAS_VALUE_GROUP)
        NAS_FAIL(NAS_CONFIG, "truth = { type = \"…\"; … }; is missing");
    if (strcmp(type_of(group), study_type) == 0)
        return open_trials(r, group);
    const nas_eval_setting setting = {.group = group,
                                      .device = r->device,
                                      .data = r->data,
                                      .domain = r->domain,
                                      .train = r->train,
                                      .seed = r->eval_seed};
    return nas_eval_create(&setting, &r->table);
}

void close_truth(ranking *r)
{
    for (int i = 0; i < r->trained.count; i++)
        free(r->trained.list[i].key);
    free(r->trained.list);
    nas_study_close(r->trained.study);
    nas_eval_destroy(r->table);
}

nas_status look_up(const ranking *r, const nas_arch *arch, nas_trial *result)
{
    const nas_eval_call call = {.arch = arch, .budget = 1};
    nas_trial_init(result);
    return r->table ? nas_eval_score(r->table, &call, result) : find_trial(r, arch, result);
}
