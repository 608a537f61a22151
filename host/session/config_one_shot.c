/* config_one_shot.c - what a config of a one-shot strategy has to be, and what follows from it.
 *
 * The trials of such a strategy are epochs of one supernet, so it says how long a training is (strategy.epochs), which the trainer's options
 * only repeat; when the search ends; and who evaluates.  A config need not say any of it again, and may not say otherwise.
 *
 * An epoch is of no network, so it has no latency.  Strategies that score many `candidates` at the end have it of each.  Those that derive one
 * architecture could only throw away the whole search at its very end, so what wants latency of them is refused at its beginning. */
#include "config_groups.h"
#include "config_private.h"

#include <stdio.h>
#include <string.h>

/* A supernet has as many epochs as its strategy says. */
bool nas__one_shot_ends(const nas_value *root)
{
    const nas_value *type = nas_value_member(nas_value_member(root, "strategy"), "type");
    const nas_strategy *strategy =
        type && type->type == NAS_VALUE_TEXT ? nas_strategy_find(type->text) : NULL;
    return strategy && strategy->evaluator;
}

/* A strategy that decides about shared weights and the evaluator that trains them need each other. */
nas_status nas__one_shot_pair(const nas_value *group, const nas_strategy *strategy,
                              const nas_evaluator *evaluator)
{
    char message[192];
    const char *wanted = strategy->evaluator;
    if (wanted ? strcmp(evaluator->kind.name, wanted) == 0 : !evaluator->shared)
        return NAS_OK;
    if (wanted)
        snprintf(message, sizeof message,
                 "strategy %s needs evaluate.type = \"%s\", which it has when `evaluate` says "
                 "nothing else",
                 strategy->kind.name, wanted);
    else
        snprintf(message, sizeof message,
                 "evaluator %s trains what a one-shot strategy decides about, such as darts, not "
                 "%s",
                 evaluator->kind.name, strategy->kind.name);
    return nas__value_fail(group, message);
}

static nas_status check_supernet(const nas_value *group, const nas_config *config)
{
    char message[256] = "";
    int count, length = 0;
    const nas_space *chosen, *const *all = nas_space_all(&count);
    chosen = nas_space_find(nas_value_member(&config->space, "type")->text);
    if (!chosen || chosen->supergraph) /* NULL: of another program, which has looked at it */
        return NAS_OK;
    length = snprintf(message, sizeof message,
                      "space %s has no supernet, which one-shot strategies train; these have:",
                      chosen->kind.name);
    for (int i = 0; i < count && length < (int)sizeof message; i++)
        if (all[i]->supergraph)
            length += snprintf(message + length, sizeof message - (size_t)length, " %s",
                               all[i]->kind.name);
    return nas__value_fail(group, message);
}

/* No objective or bound of a network on a device. */
static nas_status check_measures(const nas_value *root, const char *strategy)
{
    char message[320];
    const nas_value *entry = nas__measure_first(nas_value_member(root, "objectives"));
    entry = entry ? entry : nas__measure_first(nas_value_member(root, "bounds"));
    snprintf(
        message, sizeof message,
        "the trials of %s are epochs of a supernet and the one network that comes of it, which "
        "nothing could trade for a faster one: spos, fairnas and enas score many networks, and "
        "proxylessnas has latency in its loss (strategy.latency)",
        strategy);
    return entry ? nas__value_fail(entry, message) : NAS_OK;
}

/* Where the config says nothing, the budget is what such a strategy takes: all its epochs and the architecture that they
 * gave, one after the other. */
nas_status nas__one_shot_fit(const nas_value *root, nas_config *config)
{
    const nas_value *budget = nas_value_member(root, "budget");
    const nas_value *epochs = nas_value_member(&config->strategy, "epochs");
    const nas_value *candidates = nas_value_member(&config->strategy, "candidates");
    NAS_TRY(check_supernet(nas_value_member(root, "space"), config));
    if (config->given.count)
        return nas__value_fail(nas_value_member(root, "strategy"),
                               "strategy.given: a supernet has no trials for given architectures");
    if (!candidates)
        NAS_TRY(check_measures(root, nas_value_member(&config->strategy, "type")->text));
    if (!nas_value_member(budget, "lookahead"))
        config->budget.lookahead = 1;
    if (!nas_value_member(budget, "trials"))
        config->budget.trials = epochs->integer + (candidates ? candidates->integer : 1);
    return NAS_OK;
}

/* Where a strategy says how long a training is, `train` says so too. */
nas_status nas__one_shot_train(const nas_value *group, const nas_config *config, nas_value *longer)
{
    const nas_value *epochs = nas_value_member(&config->strategy, "epochs");
    const nas_value *own = nas_value_member(group, "epochs");
    if (group && group->type != NAS_VALUE_GROUP)
        return nas__value_fail(group, "train must be a group { … }");
    if (own && own->type == NAS_VALUE_INT && own->integer != epochs->integer)
        return nas__value_fail(own, "a supernet is trained for strategy.epochs; leave train.epochs "
                                    "out, or make them equal");
    longer->type = NAS_VALUE_GROUP;
    for (int i = 0; group && i < group->item_count; i++)
        NAS_TRY(nas__config_set(longer, &group->items[i]));
    return nas__config_set(longer, epochs);
}
