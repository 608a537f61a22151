/* bench_tuning.c - a device as a study has it: the tuning table of a study with exact = false.
 *
 * Rows that add up in another order change results.  So such a study keeps, per device, the table that was there when it first worked
 * on it, and goes on with that one whatever clnas-tune writes later; else a resumed study would not be the one it was.  With
 * exact = true, as usual, a table changes no result, and the device's own file is picked up by itself. */
#include "session_private.h"

#include <stdio.h>

static nas_status keep_table(nas_study *study, const nas_device_info *info, const char *key,
                             nas_text *text)
{
    nas_tuning table = {0};
    nas_tuning_state state;
    nas_status status = NAS_OK;
    bool found;
    char why[256];
    NAS_TRY(nas_tuning_load(info, &table, &state, why));
    if (state != NAS_TUNING_CURRENT)
        nas_log(NAS_LOG_INFO, "exact = false, and device %s has no table: %s", info->id, why);
    nas_tuning_write(&table, info, text);
    NAS_TRY_DONE(nas_text_check(text));
    NAS_TRY_DONE(nas_study_set(study, key, text->data));
    nas_text_clear(text); /* who was a moment later has the word */
    status = nas_study_get(study, key, text, &found);
done:
    nas_tuning_clear(&table);
    return status;
}

static nas_status set_table(nas_study *study, nas_device *device)
{
    const nas_device_info *info = nas_device_describe(device);
    nas_text text = {0};
    nas_tuning table = {0};
    nas_status status = NAS_OK;
    bool found = false, current = false;
    char name[64], key[80], why[256];
    nas_tuning_name(info, name);
    snprintf(key, sizeof key, "tuning %s", name);
    NAS_TRY_DONE(nas_study_get(study, key, &text, &found));
    if (!found)
        NAS_TRY_DONE(keep_table(study, info, key, &text));
    NAS_TRY_DONE(nas_tuning_parse(text.data, text.length, nas_study_path(study), info, &table,
                                  &current, why));
    if (!current)
        nas_log(NAS_LOG_WARNING,
                "the study goes on with the tuning table that it began with, although %s", why);
    status = nas_device_set_tuning(device, &table, true);
done:
    nas_tuning_clear(&table);
    nas_text_clear(&text);
    return status;
}

/* Where exactness is asked for, rows that change results go, whoever let them in. */
nas_status nas__device_set(nas_study *study, bool exact, nas_device *device)
{
    nas_tuning table = {0};
    if (!exact)
        return set_table(study, device);
    NAS_TRY(nas_tuning_copy(nas_device_tuning(device), &table));
    const nas_status status = nas_device_set_tuning(device, &table, false);
    nas_tuning_clear(&table);
    return status;
}

nas_status nas__device_open(nas_study *study, bool exact, const char *match, nas_device **device)
{
    const nas_device_options options = {.untuned = !exact};
    nas_device *opened;
    NAS_TRY(nas_device_open(match, &options, &opened));
    const nas_status status = exact ? NAS_OK : set_table(study, opened);
    if (status == NAS_OK)
        *device = opened;
    else
        nas_device_destroy(opened);
    return status;
}

nas_status nas__device_borrow(nas_device *lent, const char *match, nas_device **device)
{
    if (!lent)
        return nas_device_open(match, NULL, device);
    *device = lent;
    return NAS_OK;
}

void nas__device_return(nas_device *lent, nas_device *device)
{
    if (device != lent)
        nas_device_destroy(device);
}
