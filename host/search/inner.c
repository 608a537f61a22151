/* inner.c - a strategy inside another.
 *
 * The inner one must not notice: it observes results with the notes it wrote, in log order, and sees as pending what it has
 * proposed and does not know the result of.  What the outer one needs to know about a trial it writes in front of the note.
 * Only one level deep. */
#include "inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nas_status find_strategy(nas__inner *inner, const nas_value *group)
{
    static const char *const also[] = {"type", NULL};
    const nas_value *type = nas_value_member(group, "type");
    NAS_TRY(nas_strategy_get(type && type->type == NAS_VALUE_TEXT ? type->text : "random",
                             &inner->strategy));
    if (inner->strategy->also || inner->strategy->evaluator)
        NAS_FAIL(NAS_CONFIG, "strategy %s cannot be the inner one of another",
                 inner->strategy->kind.name);
    inner->own_options = calloc(1, inner->strategy->kind.instance_size + 1);
    if (!inner->own_options)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy %s", inner->strategy->kind.name);
    NAS_TRY(nas_options_fill(&inner->strategy->kind, group, also, inner->own_options));
    inner->setting.options = inner->own_options;
    return NAS_OK;
}

nas_status nas__inner_begin(nas__inner *inner, const nas_setting *setting,
                            const nas_strategy *strategy, const void *options)
{
    *inner = (nas__inner){.strategy = strategy, .setting = *setting};
    inner->setting.options = options;
    inner->setting.group = nas_value_member(setting->group, "inner");
    if (!strategy)
        NAS_TRY(find_strategy(inner, inner->setting.group));
    if (setting->objectives->count > inner->strategy->objectives_max)
        NAS_FAIL(NAS_CONFIG, "inner strategy %s takes %d objective%s, not %d",
                 inner->strategy->kind.name, inner->strategy->objectives_max,
                 inner->strategy->objectives_max > 1 ? "s" : "", setting->objectives->count);
    return inner->strategy->begin ? inner->strategy->begin(&inner->setting, &inner->state) : NAS_OK;
}

void nas__inner_end(nas__inner *inner)
{
    if (inner->strategy && inner->strategy->end && inner->state)
        inner->strategy->end(inner->state);
    else
        free(inner->state);
    free(inner->own_options);
    free(inner->shown);
    free(inner->rows);
    *inner = (nas__inner){0};
}

nas_status nas__inner_observe(nas__inner *inner, const nas_seen *trial, const char *note)
{
    nas_seen shown = *trial;
    shown.note = note;
    inner->observed++;
    return inner->strategy->observe ? inner->strategy->observe(inner->state, &shown) : NAS_OK;
}

static nas_status make_room(nas__inner *inner, int count)
{
    if (count <= inner->capacity)
        return NAS_OK;
    size_t wanted = 2 * (size_t)count;
    nas_seen *shown = realloc(inner->shown, wanted * sizeof *shown);
    inner->shown = shown ? shown : inner->shown;
    const nas_seen **rows = realloc(inner->rows, wanted * sizeof *rows);
    inner->rows = rows ? rows : inner->rows;
    if (!shown || !rows)
        NAS_FAIL(NAS_MEMORY, "no memory for %zu pending trials", wanted);
    inner->capacity = (int)wanted;
    return NAS_OK;
}

nas_status nas__inner_propose(nas__inner *inner, const nas_outlook *outlook, nas__inner_note note,
                              const void *outer, nas_proposal *proposal)
{
    nas_outlook its = *outlook;
    int count = 0;
    NAS_TRY(make_room(inner, outlook->pending_count));
    for (int i = 0; i < outlook->pending_count; i++) {
        const char *its_note = note(outer, outlook->pending[i]);
        if (!its_note)
            continue;
        inner->shown[count] = *outlook->pending[i];
        inner->shown[count].note = its_note;
        inner->rows[count] = &inner->shown[count];
        count++;
    }
    its.pending = inner->rows;
    its.pending_count = count;
    its.seen_count = inner->observed;
    return inner->strategy->propose(inner->state, &its, proposal);
}

nas_status nas__inner_mark(const nas__inner *inner, const char *mark, nas_proposal *proposal)
{
    char note[NAS_NOTE_SIZE];
    int length = snprintf(note, sizeof note, "%s%s", mark, proposal->note);
    if (length >= (int)sizeof note)
        NAS_FAIL(NAS_CONFIG, "the notes of strategy %s are too long for it to be an inner one",
                 inner->strategy->kind.name);
    memcpy(proposal->note, note, (size_t)length + 1);
    return NAS_OK;
}

bool nas__inner_wants_weights(const nas__inner *inner, int trial)
{
    const nas_strategy *strategy = inner->strategy;
    return strategy->wants_weights && strategy->wants_weights(inner->state, trial);
}
