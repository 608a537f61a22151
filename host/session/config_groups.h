/* config_groups.h - the session's own groups: their tables and their way in and out of structs. */
#ifndef NAS_SESSION_CONFIG_GROUPS_H
#define NAS_SESSION_CONFIG_GROUPS_H

#include <clnas/session.h>

typedef struct nas__session_row {
    char study[NAS_TEXT_SIZE];
    int64_t seed;
    bool exact;
} nas__session_row;
/* Of an objective or a bound: where and how its metric is measured (config_measures.c). */
typedef struct nas__measure_row {
    char device[NAS_TEXT_SIZE], table[NAS_TEXT_SIZE];
    int64_t batch;
    int source;
} nas__measure_row;
typedef struct nas__objective_row {
    char metric[NAS_TEXT_SIZE];
    int goal;
    nas__measure_row measure;
} nas__objective_row;
typedef struct nas__bound_row {
    char metric[NAS_TEXT_SIZE];
    double min, max;
    nas__measure_row measure;
} nas__bound_row;

extern const nas_kind nas__session_kind, nas__budget_kind, nas__objective_kind, nas__bound_kind,
    nas__device_kind, nas__retrain_kind;

/* NAS_CONFIG with the value's file:line in front. */
nas_status nas__value_fail(const nas_value *value, const char *message);

/* `list` may be NULL: none (objectives: the score of the data's task, max).  Behind nas__devices_fill, whose names they may say, and the data. */
nas_status nas__objectives_fill(nas_value *list, nas_config *config);
nas_status nas__bounds_fill(nas_value *list, nas_config *config);
nas_status nas__devices_fill(nas_value *list, nas_config *config);
nas_status nas__objectives_value(const nas_config *config, nas_value *list);
nas_status nas__bounds_value(const nas_config *config, nas_value *list);
/* The full name of a metric as an entry has it, and what has to be measured for it, added to the config's once. */
nas_status nas__measure_fill(const nas_value *entry, const char *metric,
                             const nas__measure_row *row, nas_config *config,
                             char full[NAS_NAME_SIZE]);
/* The first entry of objectives or bounds, as the config has them, whose metric is a network's on a device; NULL: none is. */
const nas_value *nas__measure_first(const nas_value *list);
/* Members `metric`, and of a measure `device`, `batch`, `source`, `table`, added to an entry. */
nas_status nas__measure_value(const nas_config *config, const char *full, nas_value *entry);
nas_status nas__add_text(nas_value *group, const char *name, const char *text);
nas_status nas__add_int(nas_value *group, const char *name, int64_t number);
nas_status nas__devices_value(const nas_config *config, nas_value *list);

#endif
