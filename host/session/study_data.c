/* study_data.c - what a study remembers of its data: their hash, and what its models must be told of them.
 *
 * A trial's result is one of these samples and splits.  Files that changed since give other results under the same names, so whoever
 * works on a study holds its data against the hash that the first one kept, and stops where they differ.  Shape, preprocessing, names and columns are
 * kept beside it, as every model keeps them, for whoever has the study and not the data. */
#include "session_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

nas_status nas__study_hold(nas_study *study, const char *key, const char *value, bool *same)
{
    nas_text kept = {0};
    bool found = false;
    nas_status status = nas_study_get(study, key, &kept, &found);
    *same = !found || (kept.data && strcmp(kept.data, value) == 0);
    if (status == NAS_OK && !found)
        status = nas_study_set(study, key, value);
    nas_text_clear(&kept);
    return status;
}

static nas_status keep_words(nas_study *study, const nas_data_words *words)
{
    static const char *const keys[] = {"preprocessing", "classes", "postprocessing", "columns"};
    const nas_text *const texts[] = {&words->preprocessing, &words->classes, &words->postprocessing,
                                     &words->columns};
    bool same;
    for (int i = 0; i < 4; i++)
        if (texts[i]->data)
            NAS_TRY(nas__study_hold(study, keys[i], texts[i]->data, &same));
    return NAS_OK;
}

nas_status nas__study_data_hold(nas_study *study, const nas_data *data)
{
    char hash[32], text[64];
    nas_data_words words = {0};
    bool same = true;
    snprintf(hash, sizeof hash, "%016" PRIx64, nas_data_hash(data));
    NAS_TRY(nas__study_hold(study, "data", hash, &same));
    if (!same)
        NAS_FAIL(
            NAS_DATA,
            "%s: the data are not those that it began with (their hash is %s): put these back, "
            "or begin another study with `clnas search CONFIG --new`",
            nas_study_path(study), hash);
    const nas_shape shape = nas_data_shape(data);
    snprintf(text, sizeof text, "%d %d %d %d", shape.c, shape.h, shape.w, nas_data_outputs(data));
    NAS_TRY(nas__study_hold(study, "shape", text, &same));
    nas_status status = nas_data_describe(data, &words);
    if (status == NAS_OK)
        status = keep_words(study, &words);
    nas_data_words_clear(&words);
    return status;
}
