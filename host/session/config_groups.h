/* config_groups.h - the session's own groups: their tables and their way in and out of structs. */
#ifndef NAS_SESSION_CONFIG_GROUPS_H
#define NAS_SESSION_CONFIG_GROUPS_H

#include <clnas/session.h>

typedef struct nas__session_row {
    char study[NAS_TEXT_SIZE];
    int64_t seed;
    bool exact;
} nas__session_row;
typedef struct nas__objective_row {
    char metric[NAS_TEXT_SIZE];
    int goal;
} nas__objective_row;
typedef struct nas__bound_row {
    char metric[NAS_TEXT_SIZE];
    double min, max;
} nas__bound_row;

extern const nas_kind nas__session_kind, nas__budget_kind, nas__objective_kind, nas__bound_kind,
    nas__device_kind, nas__retrain_kind;

/* NAS_CONFIG with the value's file:line in front. */
nas_status nas__value_fail(const nas_value *value, const char *message);

/* `list` may be NULL: none (objectives: valid_accuracy, max). */
nas_status nas__objectives_fill(nas_value *list, nas_objectives *objectives);
nas_status nas__bounds_fill(nas_value *list, nas_objectives *objectives);
nas_status nas__devices_fill(nas_value *list, nas_config *config);
nas_status nas__objectives_value(const nas_objectives *objectives, nas_value *list);
nas_status nas__bounds_value(const nas_objectives *objectives, nas_value *list);
nas_status nas__devices_value(const nas_config *config, nas_value *list);

#endif
