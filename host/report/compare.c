/* compare.c - several studies against each other: which strategy, space, device or training is better, as far as so many seeds can tell?
 *
 * Idea: one search is one draw.  To say that A is better than B takes several seeds of each, the same cost for both, and a test that
 * says how often chance alone would do as well.  Each step is a file: logs become rows (compare_read.c), options become groups
 * (compare_setup.c), rows become the best so far at equal cost (compare_curve.c), pairs of groups become verdicts
 * (compare_verdict.c, statistics.c).  Only logs are read; a study that runs is not disturbed.
 *
 * Source: Li and Talwalkar, "Random search and reproducibility for neural architecture search" (1902.07638); Lindauer and Hutter, "Best
 * practices for scientific research on neural architecture search" (1909.02453); Demšar, "Statistical comparisons of classifiers"
 * (JMLR 7, 2006), for signed ranks and Holm's correction.  Next: docs/compare.md. */
#include "compare.h"
#include "drawing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

nas_status nas_comparison_create(const nas_comparison_options *options, nas_comparison **comparison)
{
    nas_comparison *c = calloc(1, sizeof *c);
    nas__comparison_parts *parts = calloc(1, sizeof *parts);
    if (!c || !parts) {
        free(c);
        free(parts);
        NAS_FAIL(NAS_MEMORY, "no memory for a comparison");
    }
    c->parts = parts;
    c->by = options->by;
    c->level = options->level > 0 ? options->level : 0.01;
    parts->at = options->at;
    parts->target = options->target;
    snprintf(parts->metric, sizeof parts->metric, "%s", options->metric ? options->metric : "");
    *comparison = c;
    return NAS_OK;
}

void nas_comparison_destroy(nas_comparison *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->parts->entry_count; i++)
        nas__entry_clear(&c->parts->entries[i]);
    for (int g = 0; c->groups && g < c->group_count; g++)
        free(c->groups[g].mean); /* low and high stand behind it */
    free(c->parts->entries);
    free(c->parts);
    free(c->studies);
    free(c->groups);
    free(c->pairs);
    free(c->costs);
    free(c->notes);
    free(c);
}

nas_status nas__note(nas_comparison *c, const char *format, ...)
{
    va_list list;
    char note[2 * sizeof *c->notes];
    void *grown = realloc(c->notes, ((size_t)c->note_count + 1) * sizeof *c->notes);
    if (!grown)
        NAS_FAIL(NAS_MEMORY, "no memory for a note");
    c->notes = grown;
    va_start(list, format);
    nas_format_list(note, sizeof note, format, list);
    va_end(list);
    nas__text_fit(c->notes[c->note_count++], sizeof *c->notes, note);
    return NAS_OK;
}

/* ---- studies ---------------------------------------------------------------------------------------------------------- */

nas_status nas_comparison_add(nas_comparison *c, const char *name, const nas_study *study,
                              const nas_config *config)
{
    nas__comparison_parts *parts = c->parts;
    if (parts->judged)
        NAS_FAIL(NAS_FAILED, "%s: this comparison is judged already", name);
    nas__entry *grown =
        realloc(parts->entries, ((size_t)parts->entry_count + 1) * sizeof *parts->entries);
    if (!grown)
        NAS_FAIL(NAS_MEMORY, "no memory for %d studies", parts->entry_count + 1);
    parts->entries = grown;
    nas__entry *entry = &grown[parts->entry_count];
    *entry = (nas__entry){0};
    nas_status status = nas__entry_read(name, study, config, parts->metric, entry);
    if (status == NAS_OK)
        parts->entry_count++;
    else
        nas__entry_clear(entry);
    return status;
}

static nas_status check_new(const nas_comparison *c, const char *path, const struct stat *about)
{
    for (int i = 0; i < c->parts->entry_count; i++) {
        const nas__entry *entry = &c->parts->entries[i];
        if (entry->volume == (uint64_t)about->st_dev && entry->file == (uint64_t)about->st_ino)
            NAS_FAIL(NAS_CONFIG, "%s is named twice (%s): a study counts once", path,
                     entry->shown.path);
    }
    return NAS_OK;
}

nas_status nas_comparison_add_file(nas_comparison *c, const char *path)
{
    struct stat about = {0};
    nas_study_view *view = calloc(1, sizeof *view);
    nas_status status = NAS_OK;
    if (!view)
        NAS_FAIL(NAS_MEMORY, "no memory for a study");
    if (stat(path, &about) == 0)
        NAS_TRY_DONE(check_new(c, path, &about));
    NAS_TRY_DONE(nas_study_view_open(path, view));
    NAS_TRY_DONE(nas_comparison_add(c, path, view->study, &view->config));
    nas__entry *entry = &c->parts->entries[c->parts->entry_count - 1];
    entry->volume = (uint64_t)about.st_dev;
    entry->file = (uint64_t)about.st_ino;
done:
    nas_study_view_clear(view);
    free(view);
    return status;
}

/* ---- the judgement ------------------------------------------------------------------------------------------------------- */

nas_status nas_comparison_judge(nas_comparison *c)
{
    nas__comparison_parts *parts = c->parts;
    if (parts->judged)
        NAS_FAIL(NAS_FAILED, "this comparison is judged already");
    if (parts->entry_count == 0)
        NAS_FAIL(NAS_CONFIG, "nothing to compare: no study was named");
    parts->judged = true;
    NAS_TRY(nas__curves_make(c));
    NAS_TRY(nas__verdicts_make(c));
    if (c->group_count == 1)
        NAS_TRY(
            nas__note(c, "all studies are of one group, so there is nothing to compare it with"));
    c->studies = calloc((size_t)parts->entry_count + 1, sizeof *c->studies);
    if (!c->studies)
        NAS_FAIL(NAS_MEMORY, "no memory for %d studies", parts->entry_count);
    for (int i = 0; i < parts->entry_count; i++)
        c->studies[i] = parts->entries[i].shown;
    c->study_count = parts->entry_count;
    return NAS_OK;
}

const char *nas_compare_by_name(nas_compare_by by)
{
    static const char *const names[] = {"trials", "epochs", "seconds", "simulated"};
    return names[by];
}

const char *nas_verdict_name(nas_verdict verdict)
{
    static const char *const names[] = {"first", "second", "none", "too few"};
    return names[verdict];
}
