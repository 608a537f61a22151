/* tables.c - the tables of latency that a study predicts by.
 *
 * A table is a file beside the config, named in objectives and bounds, and decides about trials as the config does: what was proposed by one
 * and goes on by another is no study.  So the study keeps the hash of each table's bytes when it first reads it, and refuses another one
 * under that name.  Whoever reads a table of a study does it here, so that what is parsed is what was compared.
 * Read next: meter.c, which predicts. */
#include "session_private.h"

#include <stdio.h>
#include <string.h>

static nas_status hold_against(nas_study *study, const char *path, const char *hash)
{
    char key[NAS_TEXT_SIZE + 32];
    bool same = true;
    snprintf(key, sizeof key, "latency table %s", path);
    NAS_TRY(nas__study_hold(study, key, hash, &same));
    if (!same)
        NAS_FAIL(NAS_DATA,
                 "%s: not the table of latency that %s began with (its hash is %s): put that one "
                 "back, or begin another study with `clnas search CONFIG --new`",
                 path, nas_study_path(study), hash);
    return NAS_OK;
}

nas_status nas__table_read(nas_study *study, const char *path, nas_step_table *table)
{
    nas_step_table read = {0};
    nas_status status = nas_step_table_read(path, &read);
    if (status == NAS_FAILED)
        return nas_error_set(NAS_DATA, __FILE__, __LINE__,
                             "%s; objectives or bounds are predicted by this table, which "
                             "`clnas-bench latency CONFIG --output FILE` has written",
                             nas_error_message());
    if (status == NAS_OK && study)
        status = hold_against(study, path, read.hash);
    if (status == NAS_OK)
        *table = read;
    else
        nas_step_table_clear(&read);
    return status;
}

nas_status nas__tables_check(nas_study *study, const nas_config *config)
{
    for (int i = 0; i < config->measure_count; i++) {
        nas_step_table table = {0};
        if (!config->measures[i].predicted)
            continue;
        NAS_TRY(nas__table_read(study, config->measures[i].table, &table));
        nas_step_table_clear(&table);
    }
    return NAS_OK;
}
