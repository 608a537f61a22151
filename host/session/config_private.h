/* config_private.h - what the files about configs share inside the room. */
#ifndef NAS_SESSION_CONFIG_PRIVATE_H
#define NAS_SESSION_CONFIG_PRIVATE_H

#include <clnas/session.h>

/* One config text with its includes put in and made safe for libconfig, and where each line came from. */
typedef struct nas_config_text {
    nas_text text;
    struct nas_config_line {
        int file; /* index into files */
        int line; /* 1 … */
    } * lines;    /* of the text's line i (0 …) */
    int line_count, line_capacity;
    char *files[64];
    int file_count;
} nas_config_text;

/* Expands `text`, which came from `file`; folder NULL: @include is refused. */
nas_status nas__config_expand(const char *text, size_t size, const char *file, const char *folder,
                              nas_config_text *expanded);
void nas__config_text_clear(nas_config_text *expanded);
/* Sets "file:line: message" (line counted in the expanded text, 1 …). */
nas_status nas__config_fail(const nas_config_text *expanded, int line, const char *format, ...)
    NAS_PRINTF(3, 4);

/* Rewrites the expanded text's numbers so that libconfig reads them without loss, and refuses what libconfig would clip,
 * or reject in words that help nobody. */
nas_status nas__config_lint(nas_config_text *expanded);

/* Which kinds are there.  STORED: they were when the study was made; those that are not here are left as they are written. */
typedef enum nas__kinds_wanted { NAS__KINDS_KNOWN, NAS__KINDS_STORED } nas__kinds_wanted;
/* nas_config_parse of a text without includes. */
nas_status nas__config_parse(const char *text, const char *file, const char *const *overrides,
                             int override_count, nas__kinds_wanted wanted, nas_config *config);

/* Puts "path.to.key=value" into the raw tree. */
nas_status nas__config_override(nas_value *root, const char *assignment);

/* Sets member `from->name` of `group` to a copy of `from`, in place of one that is there. */
nas_status nas__config_set(nas_value *group, const nas_value *from);

/* Completes `group` by `kind` into `complete`, `type` first. */
nas_status nas__config_complete(const nas_kind *kind, const nas_value *group,
                                const char *const *also, nas_value *complete);

/* ---- train and retrain: config_retrain.c ---- */

nas_status nas__config_trainings(const nas_value *root, const nas_strategy *strategy,
                                 nas_config *config);
/* Written alike? */
bool nas__same_values(const nas_value *a, const nas_value *b);
/* The group `retrain` of an effective config into an empty one. */
nas_status nas__config_retrain_value(const nas_config *config, nas_value *group);
/* Its members `space` and `augment` alone: what is different from the search, if anything is. */
nas_status nas__config_retrain_changes(const nas_config *config, nas_value *group);

/* ---- one-shot strategies: config_one_shot.c ---- */

/* Does the search end without a budget, because its strategy does? */
bool nas__one_shot_ends(const nas_value *root);
/* A strategy that decides about shared weights and the evaluator that trains them need each other. */
nas_status nas__one_shot_pair(const nas_value *group, const nas_strategy *strategy,
                              const nas_evaluator *evaluator);
/* Checks the rest of the config; the budget is the strategy's where the config says nothing. */
nas_status nas__one_shot_fit(const nas_value *root, nas_config *config);
/* The `train` group with the strategy's epochs in it. */
nas_status nas__one_shot_train(const nas_value *group, const nas_config *config, nas_value *longer);

#endif
