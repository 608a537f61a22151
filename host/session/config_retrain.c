/* config_retrain.c - how networks are trained, in the search and once more at its end.
 *
 * `retrain` begins from what the search has and says what is different: any option of `train`; `space`, for a network of more cells and
 * channels than candidates had, drop-path or a second classifier; `augment`, for stronger augmentation.  A published final training differs in
 * all three (DARTS, arXiv 1806.09055: 8 cells of 16 channels to search, 20 of 36 to train, with cutout).  What changes the
 * genes of an architecture would make it another one: the session refuses that when it opens the space. */
#include "config_groups.h"
#include "config_private.h"

#include <stdlib.h>
#include <string.h>

static nas_status complete_train(const nas_value *group, nas_value *complete)
{
    nas_train_config *train = calloc(1, sizeof *train);
    if (!train)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    nas_status status = nas_train_config_fill(group, train);
    if (status == NAS_OK)
        status = nas_train_config_value(train, complete);
    free(train);
    return status;
}

static bool in_table(const nas_kind *kind, const char *name)
{
    for (const nas_option *option = kind->options; option && option->name; option++)
        if (strcmp(option->name, name) == 0)
            return true;
    return false;
}

/* ---- the recipe ------------------------------------------------------------------------------------------------- */

static const char *optimizer_name(const nas_value *group)
{
    const nas_value *member = nas_value_member(group, "optimizer");
    return member && member->type == NAS_VALUE_TEXT ? member->text : "";
}

/* Members of `retrain` that are no options of a training. */
static bool is_own(const char *name)
{
    return in_table(&nas__retrain_kind, name) || strcmp(name, "space") == 0 ||
           strcmp(name, "augment") == 0;
}

/* The retraining recipe: train's, with what `retrain` says in its place.  Options of train's own optimizer stay
 * behind when retrain names another one. */
static nas_status merge_recipe(const nas_value *train, const nas_value *retrain, nas_value *merged)
{
    bool other = nas_value_member(retrain, "optimizer") &&
                 strcmp(optimizer_name(retrain), optimizer_name(train)) != 0;
    merged->type = NAS_VALUE_GROUP;
    merged->name = strdup("retrain");
    for (int i = 0; i < train->item_count; i++)
        if (!other || in_table(&nas_train_kind, train->items[i].name))
            NAS_TRY(nas__config_set(merged, &train->items[i]));
    for (int i = 0; retrain && i < retrain->item_count; i++)
        if (!is_own(retrain->items[i].name))
            NAS_TRY(nas__config_set(merged, &retrain->items[i]));
    return NAS_OK;
}

/* top, repeats, data … */
static nas_status read_own(const nas_value *retrain, nas_config *config)
{
    nas_value own = {.type = NAS_VALUE_GROUP};
    nas_status status = NAS_OK;
    for (int i = 0; retrain && i < retrain->item_count && status == NAS_OK; i++)
        if (in_table(&nas__retrain_kind, retrain->items[i].name))
            status = nas__config_set(&own, &retrain->items[i]);
    if (status == NAS_OK)
        status = nas_options_fill(&nas__retrain_kind, &own, NULL, &config->retrain);
    if (!retrain)
        config->retrain.top = 0;
    nas_value_clear(&own);
    return status;
}

/* ---- space and data -------------------------------------------------------------------------------------------- */

/* Puts the members of `changes` (NULL: none) in place of those of `group`, in groups within it, too. */
static nas_status lay_over(nas_value *group, const nas_value *changes)
{
    for (int i = 0; changes && i < changes->item_count; i++) {
        const nas_value *change = &changes->items[i];
        nas_value *member = nas_value_member(group, change->name);
        const bool both =
            member && member->type == NAS_VALUE_GROUP && change->type == NAS_VALUE_GROUP;
        NAS_TRY(both ? lay_over(member, change) : nas__config_set(group, change));
    }
    return NAS_OK;
}

static nas_status member_group(const nas_value *retrain, const char *name, const char *message,
                               const nas_value **group)
{
    *group = nas_value_member(retrain, name);
    if (*group && (*group)->type != NAS_VALUE_GROUP)
        return nas__value_fail(*group, message);
    return NAS_OK;
}

static nas_status read_space(const nas_value *retrain, nas_config *config)
{
    static const char *const also[] = {"type", NULL};
    const nas_value *changes, *type = nas_value_member(&config->space, "type"), *other;
    const nas_space *space;
    nas_value merged = {0};
    NAS_TRY(member_group(retrain, "space", "retrain.space must be a group { … }", &changes));
    other = nas_value_member(changes, "type");
    if (other && (other->type != NAS_VALUE_TEXT || strcmp(other->text, type->text) != 0))
        return nas__value_fail(
            other, "retrain.space.type: architectures are of the space that was searched");
    space = nas_space_find(type->text); /* NULL: it is another program's, and complete as it is */
    nas_status status = nas_value_copy(&config->space, &merged);
    if (status == NAS_OK)
        status = lay_over(&merged, changes);
    if (status == NAS_OK && !space)
        status = nas_value_copy(&merged, &config->retrain_space);
    if (status == NAS_OK && space)
        status = nas__config_complete(&space->kind, &merged, also, &config->retrain_space);
    nas_value_clear(&merged);
    return status;
}

static nas_status read_augment(const nas_value *retrain, nas_config *config)
{
    const nas_value *changes;
    nas_value merged = {0}, *augment;
    nas_data_config *data = calloc(1, sizeof *data);
    nas_status status = data ? NAS_OK : NAS_MEMORY;
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(
        member_group(retrain, "augment", "retrain.augment must be a group { … }", &changes));
    NAS_TRY_DONE(nas_value_copy(&config->data, &merged));
    augment = nas_value_member(&merged, "augment");
    NAS_TRY_DONE(lay_over(augment, changes));
    NAS_TRY_DONE(nas_data_config_fill(&merged, data));
    status = nas_data_config_value(data, &config->retrain_data);
done:
    nas_value_clear(&merged);
    free(data);
    return status;
}

/* ---- both trainings ----------------------------------------------------------------------------------------------- */

nas_status nas__config_trainings(const nas_value *root, const nas_strategy *strategy,
                                 nas_config *config)
{
    const nas_value *retrain = nas_value_member(root, "retrain");
    const nas_value *train = nas_value_member(root, "train");
    nas_value merged = {0}, longer = {0};
    nas_status status = NAS_OK;
    if (retrain && retrain->type != NAS_VALUE_GROUP)
        return nas__value_fail(retrain, "retrain must be a group { … }");
    if (strategy->evaluator)
        NAS_TRY_DONE(nas__one_shot_train(train, config, &longer));
    NAS_TRY_DONE(complete_train(strategy->evaluator ? &longer : train, &config->train));
    NAS_TRY_DONE(merge_recipe(&config->train, retrain, &merged));
    NAS_TRY_DONE(complete_train(&merged, &config->retrain_train));
    NAS_TRY_DONE(read_space(retrain, config));
    NAS_TRY_DONE(read_augment(retrain, config));
    NAS_TRY_DONE(read_own(retrain, config));
    if (config->retrain.inherit && !strategy->evaluator && strategy->propose)
        status = nas__value_fail(nas_value_member(retrain, "inherit"),
                                 "retrain.inherit: only one-shot strategies have shared weights to "
                                 "begin with");
done:
    nas_value_clear(&longer);
    nas_value_clear(&merged);
    return status;
}

bool nas__same_values(const nas_value *a, const nas_value *b)
{
    nas_text texts[2] = {{0}};
    nas_value_write(a, -1, &texts[0]);
    nas_value_write(b, -1, &texts[1]);
    const bool same = texts[0].data && texts[1].data && strcmp(texts[0].data, texts[1].data) == 0;
    nas_text_clear(&texts[0]);
    nas_text_clear(&texts[1]);
    return same;
}

/* Members of `now` that `before` has not, or otherwise, as group `name` of `group`; none: no group.  A group that differs is
 * written whole. */
static nas_status add_difference(const char *name, const nas_value *before, const nas_value *now,
                                 nas_value *group)
{
    nas_value *difference = NULL;
    for (int i = 0; i < now->item_count; i++) {
        const nas_value *member = nas_value_member(before, now->items[i].name);
        if (member && nas__same_values(member, &now->items[i]))
            continue;
        if (!difference) {
            NAS_TRY(nas_value_append(group, name, &difference));
            difference->type = NAS_VALUE_GROUP;
        }
        NAS_TRY(nas__config_set(difference, &now->items[i]));
    }
    return NAS_OK;
}

nas_status nas__config_retrain_changes(const nas_config *config, nas_value *group)
{
    const nas_value *augment = nas_value_member(&config->data, "augment");
    const nas_value *stronger = nas_value_member(&config->retrain_data, "augment");
    NAS_TRY(add_difference("space", &config->space, &config->retrain_space, group));
    return augment && stronger ? add_difference("augment", augment, stronger, group) : NAS_OK;
}

nas_status nas__config_retrain_value(const nas_config *config, nas_value *group)
{
    NAS_TRY(nas_options_value(&nas__retrain_kind, &config->retrain, group));
    for (int i = 0; i < config->retrain_train.item_count; i++)
        NAS_TRY(nas__config_set(group, &config->retrain_train.items[i]));
    return nas__config_retrain_changes(config, group);
}
