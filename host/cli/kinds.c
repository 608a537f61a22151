/* kinds.c - every list of descriptors under one roof, for `describe` and the reference page.
 *
 * A list that is added to the library is one row here; what is added to a list needs nothing.
 */
#include "cli.h"

#include <clnas/report.h>

#include <string.h>

static int group_count(void)
{
    int count;
    nas_config_kinds(&count);
    return count + 2;
}

/* The session's own groups, then those that data sets and optimizers share. */
static const nas_kind *group_at(int index)
{
    int count;
    const nas_kind *const *kinds = nas_config_kinds(&count);
    return index < count ? kinds[index] : index == count ? &nas_data_kind : &nas_train_kind;
}

/* The lists whose descriptors start with a nas_kind. */
#define KIND_LIST(name)                                                                            \
    static int name##_count(void)                                                                  \
    {                                                                                              \
        int count;                                                                                 \
        nas_##name##_all(&count);                                                                  \
        return count;                                                                              \
    }                                                                                              \
    static const nas_kind *name##_at(int index)                                                    \
    {                                                                                              \
        int count;                                                                                 \
        return &nas_##name##_all(&count)[index]->kind;                                             \
    }
KIND_LIST(dataset)
KIND_LIST(space)
KIND_LIST(strategy)
KIND_LIST(optimizer)
KIND_LIST(evaluator)
KIND_LIST(op)
KIND_LIST(exporter)
#undef KIND_LIST

static int plot_count(void)
{
    int count = 0;
    while (nas_plot_at(count))
        count++;
    return count;
}

static const cli_kind_list lists[] = {
    {"group", "Groups of a config", "What a config file is made of; `config` is its top level.",
     group_count, group_at},
    {"dataset", "Data sets", "In the group `data`, beside its common options; chosen by `type`.",
     dataset_count, dataset_at},
    {"space", "Search spaces", "In the group `space`; chosen by `type`.", space_count, space_at},
    {"strategy", "Strategies", "In the group `strategy`; chosen by `type`.", strategy_count,
     strategy_at},
    {"evaluator", "Evaluators", "In the group `evaluate`; chosen by `type`.", evaluator_count,
     evaluator_at},
    {"optimizer", "Optimizers",
     "In the group `train`, beside its common options; chosen by `optimizer`.", optimizer_count,
     optimizer_at},
    {"op", "Operators",
     "In the text form of a network (`clnas show`); a config does not name them.", op_count, op_at},
    {"exporter", "Exports", "For `clnas export STUDY --to NAME`; a config does not name them.",
     exporter_count, exporter_at},
    {"plot", "Pictures", "For `clnas plot NAME STUDY`; a config does not name them.", plot_count,
     nas_plot_at},
};

const cli_kind_list *cli_kind_lists(int *count)
{
    *count = (int)(sizeof lists / sizeof *lists);
    return lists;
}

const cli_kind_list *cli_kind_list_find(const char *name)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].name, name) == 0)
            return &lists[i];
    return NULL;
}

int cli_option_count(const nas_kind *kind)
{
    int count = 0;
    while (kind->options && kind->options[count].name)
        count++;
    return count;
}

const char *cli_option_type_text(nas_option_type type)
{
    static const char *const names[] = {
        "bool",        "int",         "real",         "text",
        "choice",      "list of int", "list of real", "list of choices",
        "list of text"};
    return names[type];
}

/* "a|b" as "a, b" */
static void choices_text(const char *choices, char *text, size_t size)
{
    size_t length = 0;
    for (; *choices && length + 3 < size; choices++) {
        text[length++] = *choices == '|' ? ',' : *choices;
        if (*choices == '|')
            text[length++] = ' ';
    }
    text[length] = '\0';
}

void cli_option_range_text(const nas_option *option, char *text, size_t size)
{
    bool open = option->min <= -1e30 && option->max >= 1e30; /* any number, for all that matters */
    text[0] = '\0';
    if (option->choices)
        choices_text(option->choices, text, size);
    else if ((option->min != 0 || option->max != 0) && !open)
        /* 15 digits: enough for every bound, too few to show 0.1 as it is stored */
        snprintf(text, size, "%.15g … %.15g", option->min, option->max);
}
