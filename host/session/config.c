/* config.c - a whole config: every group held against its option table, completed, and written back.
 *
 * Idea: a config is read into a tree (config_tree.c), each group goes through the table of the piece of code that will
 * use it, and the completed group replaces what was written.  So one text, with every default in it, says all that a study
 * depends on; it is stored in the study, and reading it again gives the same config.  A key that no table has is an
 * error with its place and the nearest name, here and nowhere later. */
#include "config_groups.h"
#include "config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const top_names[] = {"data",    "space",   "strategy",   "evaluate",
                                        "train",   "budget",  "objectives", "bounds",
                                        "devices", "retrain", NULL};

/* ---- groups with a type ------------------------------------------------------------------------------------ */

/* The text member `type`, or `fallback`; NULL with a message when it must be there and is not. */
static nas_status type_of(const nas_value *group, const char *what, const char *fallback,
                          const char **type)
{
    const nas_value *member = nas_value_member(group, "type");
    char message[128];
    if (group && group->type != NAS_VALUE_GROUP) {
        snprintf(message, sizeof message, "%s must be a group { … }", what);
        return nas__value_fail(group, message);
    }
    snprintf(message, sizeof message, "%s needs type = \"…\"; `clnas describe %s` lists them", what,
             what);
    if (!member && !fallback)
        return nas__value_fail(group, message);
    if (member && member->type != NAS_VALUE_TEXT)
        return nas__value_fail(member, message);
    *type = member ? member->text : fallback;
    return NAS_OK;
}

/* Puts file:line of the group's type in front of the message. */
static nas_status at_type(const nas_value *group, nas_status status)
{
    const nas_value *member = nas_value_member(group, "type");
    if (status != NAS_OK && member && member->file)
        nas_error_add("%s:%d: ", member->file, member->line);
    return status;
}

nas_status nas__config_complete(const nas_kind *kind, const nas_value *group,
                                const char *const *also, nas_value *complete)
{
    nas_value *type;
    void *instance = calloc(1, kind->instance_size + 1);
    if (!instance)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    nas_status status = nas_options_fill(kind, group, also, instance);
    complete->type = NAS_VALUE_GROUP;
    if (status == NAS_OK)
        status = nas_value_append(complete, "type", &type);
    if (status == NAS_OK) {
        type->type = NAS_VALUE_TEXT;
        type->text = strdup(kind->name);
        status = type->text ? nas_options_value(kind, instance, complete) : NAS_MEMORY;
    }
    free(instance);
    return status;
}

/* ---- kinds of another program --------------------------------------------------------------------------------- */

/* Stands for one that is not here. */
static const nas_strategy unknown_strategy = {.objectives_max = NAS_OBJECTIVES};

/* A group as it is written, but for `without`. */
static nas_status keep_group(const nas_value *group, const char *without, nas_value *kept)
{
    kept->type = NAS_VALUE_GROUP;
    for (int i = 0; i < group->item_count; i++)
        if (!without || strcmp(group->items[i].name, without) != 0)
            NAS_TRY(nas__config_set(kept, &group->items[i]));
    return NAS_OK;
}

static const char *type_in(const nas_value *group)
{
    const nas_value *type = nas_value_member(group, "type");
    return type && type->type == NAS_VALUE_TEXT ? type->text : "";
}

nas_status nas_config_known(const nas_config *config, const char *path)
{
    const struct {
        const char *noun, *name;
        bool known;
    } all[] = {
        {"search space", type_in(&config->space), nas_space_find(type_in(&config->space))},
        {"strategy", type_in(&config->strategy), nas_strategy_find(type_in(&config->strategy))},
        {"evaluator", type_in(&config->evaluate), nas_evaluator_find(type_in(&config->evaluate))},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!all[i].known)
            NAS_FAIL(
                NAS_CONFIG,
                "%s: the %s \"%.64s\" is registered by the program that made the study; work on "
                "it with that program; here it can be looked at (`clnas status`, `clnas trials`)",
                path, all[i].noun, all[i].name);
    return NAS_OK;
}

/* ---- groups of a config ------------------------------------------------------------------------------------------ */

static nas_status read_space(const nas_value *root, nas__kinds_wanted wanted, nas_config *config)
{
    static const char *const also[] = {"type", NULL};
    const nas_value *group = nas_value_member(root, "space");
    const nas_space *space;
    const char *type;
    NAS_TRY(type_of(group, "space", NULL, &type));
    if (wanted == NAS__KINDS_STORED && !nas_space_find(type))
        return keep_group(group, NULL, &config->space);
    NAS_TRY(at_type(group, nas_space_get(type, &space)));
    return nas__config_complete(&space->kind, group, also, &config->space);
}

static nas_status read_evaluate(const nas_value *root, const nas_strategy *strategy,
                                nas__kinds_wanted wanted, nas_config *config)
{
    static const char *const also[] = {"type", NULL};
    const nas_value *group = nas_value_member(root, "evaluate");
    const nas_evaluator *evaluator;
    const char *type;
    NAS_TRY(
        type_of(group, "evaluate", strategy->evaluator ? strategy->evaluator : "trained", &type));
    if (wanted == NAS__KINDS_STORED && !nas_evaluator_find(type))
        return keep_group(group, NULL, &config->evaluate);
    NAS_TRY(at_type(group, nas_evaluator_get(type, &evaluator)));
    if (strategy != &unknown_strategy)
        NAS_TRY(nas__one_shot_pair(group, strategy, evaluator));
    NAS_TRY(nas__config_complete(&evaluator->kind, group, also, &config->evaluate));
    return nas_evaluator_simulates(&config->evaluate, &config->simulated);
}

/* Sets member `from->name` of `group` to a copy of `from`, in place of one that is there. */
nas_status nas__config_set(nas_value *group, const nas_value *from)
{
    nas_value copy = {0}, *member = nas_value_member(group, from->name);
    if (!member)
        NAS_TRY(nas_value_append(group, from->name, &member));
    NAS_TRY(nas_value_copy(from, &copy));
    nas_value_clear(member);
    *member = copy;
    return NAS_OK;
}

typedef struct given_row {
    nas_text_list given;
} given_row;
static const nas_option given_options[] = {
    {"given", NAS_OPTION_TEXT_LIST, offsetof(given_row, given), "[]", 0, 0, NULL,
     "architectures tried first, as trials 0 …: names that the space knows, or their text"},
    {0},
};
static const nas_kind given_kind = {"given", "", NULL, sizeof(given_row), given_options};

/* strategy.given: only this member of the group. */
static nas_status read_given(const nas_value *group, nas_config *config)
{
    given_row *row = calloc(1, sizeof *row);
    nas_value only = {.type = NAS_VALUE_GROUP};
    const nas_value *member = nas_value_member(group, "given");
    nas_status status = row ? NAS_OK : NAS_MEMORY;
    if (status == NAS_OK && member)
        status = nas__config_set(&only, member);
    if (status == NAS_OK)
        status = nas_options_fill(&given_kind, &only, NULL, row);
    if (status == NAS_OK)
        config->given = row->given;
    if (status == NAS_OK)
        status = nas_options_value(&given_kind, row, &config->strategy);
    nas_value_clear(&only);
    free(row);
    return status;
}

static nas_status complete_strategy(const nas_strategy *strategy, const nas_value *group,
                                    const char *const *also, nas_value *complete)
{
    nas_value *type;
    void *instance = calloc(1, strategy->kind.instance_size + 1);
    if (!instance)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    nas_status status = nas_strategy_fill(strategy, group, also, instance);
    complete->type = NAS_VALUE_GROUP;
    if (status == NAS_OK)
        status = nas_value_append(complete, "type", &type);
    if (status == NAS_OK) {
        type->type = NAS_VALUE_TEXT;
        type->text = strdup(strategy->kind.name);
        status = type->text ? nas_strategy_value(strategy, group, instance, complete) : NAS_MEMORY;
    }
    free(instance);
    return status;
}

static nas_status read_strategy(const nas_value *root, nas__kinds_wanted wanted, nas_config *config,
                                const nas_strategy **chosen)
{
    static const char *const also[] = {"type", "given", NULL};
    const nas_value *group = nas_value_member(root, "strategy");
    const nas_strategy *strategy;
    const char *type;
    char message[224];
    NAS_TRY(type_of(group, "strategy", NULL, &type));
    if (wanted == NAS__KINDS_STORED && !nas_strategy_find(type)) {
        *chosen = &unknown_strategy;
        NAS_TRY(keep_group(group, "given", &config->strategy));
        return read_given(group, config);
    }
    NAS_TRY(at_type(group, nas_strategy_get(type, &strategy)));
    NAS_TRY(complete_strategy(strategy, group, also, &config->strategy));
    NAS_TRY(read_given(group, config));
    *chosen = strategy;
    if (strategy->evaluator)
        NAS_TRY(nas__one_shot_fit(root, config));
    snprintf(message, sizeof message,
             "%s works with %d objective%s, not %d; nsga2 takes several, and bounds = ( … ) hold "
             "the rest",
             type, strategy->objectives_max, strategy->objectives_max == 1 ? "" : "s",
             config->objectives.count);
    if (config->objectives.count > strategy->objectives_max)
        return nas__value_fail(group, message);
    snprintf(message, sizeof message,
             "%s needs budget.lookahead = %d or less, and budget.order = \"index\"", type,
             strategy->lookahead_max);
    if (strategy->lookahead_max && (config->budget.lookahead > strategy->lookahead_max ||
                                    config->budget.order == NAS_ORDER_ARRIVAL))
        return nas__value_fail(group, message);
    if (strategy->lookahead_max)
        config->budget.order = NAS_ORDER_INDEX;
    return NAS_OK;
}

static nas_status read_data(const nas_value *root, nas_config *config)
{
    const nas_value *group = nas_value_member(root, "data");
    const char *type;
    NAS_TRY(type_of(group, "data", NULL, &type));
    nas_data_config *data = calloc(1, sizeof *data);
    if (!data)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    nas_status status = nas_data_config_fill(group, data);
    if (status == NAS_OK)
        status = nas_data_config_value(data, &config->data);
    free(data);
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static nas_status check_name(const nas_value *root, const char *name)
{
    const nas_value *place = nas_value_member(root, "study");
    if (!name[0] || strlen(name) > 100)
        return nas__value_fail(place, "the study's name has 1 to 100 characters");
    if (name[0] == '.' || name[0] == '-' || strchr(name, '/'))
        return nas__value_fail(
            place, "the study's name is a file name without / that begins with neither . nor -");
    return NAS_OK;
}

static nas_status check_end(const nas_value *root, const nas_budget *budget)
{
    if (nas__one_shot_ends(root))
        return NAS_OK;
    if (budget->trials == 0 && budget->minutes == 0 && budget->target == 0 && budget->patience == 0)
        return nas__value_fail(
            nas_value_member(root, "budget"),
            "the search would never end: give budget.trials, minutes, target or patience");
    return NAS_OK;
}

static nas_status read_root(nas_value *root, nas__kinds_wanted wanted, nas_config *config)
{
    nas__session_row row;
    const nas_strategy *strategy;
    NAS_TRY(nas_options_fill(&nas__session_kind, root, top_names, &row));
    NAS_TRY(check_name(root, row.study));
    snprintf(config->study, sizeof config->study, "%s", row.study);
    config->seed = row.seed;
    config->exact = row.exact;
    NAS_TRY(nas_options_fill(&nas__budget_kind, nas_value_member(root, "budget"), NULL,
                             &config->budget));
    NAS_TRY(check_end(root, &config->budget));
    NAS_TRY(nas__devices_fill(nas_value_member(root, "devices"), config));
    NAS_TRY(read_data(root, config));
    NAS_TRY(nas__objectives_fill(nas_value_member(root, "objectives"), config));
    NAS_TRY(nas__bounds_fill(nas_value_member(root, "bounds"), config));
    NAS_TRY(read_space(root, wanted, config));
    NAS_TRY(read_strategy(root, wanted, config, &strategy));
    NAS_TRY(read_evaluate(root, strategy, wanted, config));
    return nas__config_trainings(root, strategy, config);
}

static nas_status parse(const char *text, const char *file, const char *folder,
                        const char *const *overrides, int override_count, nas__kinds_wanted wanted,
                        nas_config *config)
{
    nas_value root = {0};
    nas_config *fresh = calloc(1, sizeof *fresh);
    nas_status status = fresh ? NAS_OK : NAS_MEMORY;
    if (status == NAS_OK)
        status = nas_config_tree(text, file, folder, &root);
    for (int i = 0; status == NAS_OK && i < override_count; i++)
        status = nas__config_override(&root, overrides[i]);
    if (status == NAS_OK)
        status = read_root(&root, wanted, fresh);
    if (status == NAS_OK)
        *config = *fresh;
    else if (fresh)
        nas_config_clear(fresh);
    nas_value_clear(&root);
    free(fresh);
    return status;
}

nas_status nas__config_parse(const char *text, const char *file, const char *const *overrides,
                             int override_count, nas__kinds_wanted wanted, nas_config *config)
{
    return parse(text, file, NULL, overrides, override_count, wanted, config);
}

nas_status nas_config_parse(const char *text, const char *file, const char *folder,
                            const char *const *overrides, int override_count, nas_config *config)
{
    return parse(text, file, folder, overrides, override_count, NAS__KINDS_KNOWN, config);
}

nas_status nas_config_read(const char *path, const char *const *overrides, int override_count,
                           nas_config *config)
{
    void *data = NULL;
    size_t size = 0;
    char folder[NAS_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) >= sizeof folder)
        NAS_FAIL(NAS_CONFIG, "%s: the path is too long", path);
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1,
             slash ? path : ".");
    if (nas_file_read(path, NAS_CONFIG_SIZE, &data, &size) != NAS_OK)
        return nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "%s", nas_error_message());
    nas_status status = NAS_OK;
    if (memchr(data, '\0', size))
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                               "%s: a NUL byte at offset %zu: this is no config text", path,
                               (size_t)((char *)memchr(data, '\0', size) - (char *)data));
    if (status == NAS_OK)
        status = nas_config_parse(data, path, folder, overrides, override_count, config);
    free(data);
    return status;
}

void nas_config_clear(nas_config *config)
{
    if (!config)
        return;
    nas_value_clear(&config->data);
    nas_value_clear(&config->space);
    nas_value_clear(&config->strategy);
    nas_value_clear(&config->evaluate);
    nas_value_clear(&config->train);
    nas_value_clear(&config->retrain_train);
    nas_value_clear(&config->retrain_space);
    nas_value_clear(&config->retrain_data);
    *config = (nas_config){0};
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

static void write_member(const char *name, const nas_value *value, nas_text *text)
{
    nas_text_format(text, "%s = ", name);
    nas_value_write(value, 0, text);
    nas_text_add(text, ";\n");
}

static nas_status own_groups(const nas_config *config, nas_value *own)
{
    nas_value *item;
    own->type = NAS_VALUE_GROUP;
    NAS_TRY(nas_value_append(own, "budget", &item));
    NAS_TRY(nas_options_value(&nas__budget_kind, &config->budget, item));
    NAS_TRY(nas_value_append(own, "objectives", &item));
    NAS_TRY(nas__objectives_value(config, item));
    NAS_TRY(nas_value_append(own, "bounds", &item));
    NAS_TRY(nas__bounds_value(config, item));
    NAS_TRY(nas_value_append(own, "devices", &item));
    NAS_TRY(nas__devices_value(config, item));
    NAS_TRY(nas_value_append(own, "retrain", &item));
    return nas__config_retrain_value(config, item);
}

void nas_config_write(const nas_config *config, nas_text *text)
{
    nas_value own = {0}, name = {.type = NAS_VALUE_TEXT, .text = (char *)config->study};
    write_member("study", &name, text);
    nas_text_format(text, "seed = %lld;\nexact = %s;\n", (long long)config->seed,
                    config->exact ? "true" : "false");
    write_member("data", &config->data, text);
    write_member("space", &config->space, text);
    write_member("strategy", &config->strategy, text);
    write_member("evaluate", &config->evaluate, text);
    write_member("train", &config->train, text);
    if (own_groups(config, &own) != NAS_OK)
        text->failed = true;
    for (int i = 0; i < own.item_count; i++)
        write_member(own.items[i].name, &own.items[i], text);
    nas_value_clear(&own);
}
