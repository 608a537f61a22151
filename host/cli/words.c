/* words.c - what completion offers for the arguments of clnas: everything that the option tables name.
 *
 * `-s` is completed to the paths of a config's options (train.lr=, space.kernel=), `describe` to kinds and their names, `export --to` and
 * `init` to what there is.
 */
#include "cli.h"

#include "templates.h"

#include <stdlib.h>
#include <string.h>

static void add_names(const cli_kind_list *list, nas_text *out)
{
    for (int i = 0; list && i < list->count(); i++)
        nas_text_format(out, "%s\n", list->at(i)->name);
}

/* Where a config has the options of a kind; NULL: nowhere. */
static const char *path_of(const cli_kind_list *list, const nas_kind *kind)
{
    static const struct {
        const char *list, *kind, *path; /* kind NULL: every one */
    } paths[] = {
        {"group", "config", ""},         {"group", "objective", "objectives.0."},
        {"group", "bound", "bounds.0."}, {"group", "device", "devices.0."},
        {"group", "budget", "budget."},  {"group", "retrain", "retrain."},
        {"group", "data", "data."},      {"group", "train", "train."},
        {"dataset", NULL, "data."},      {"space", NULL, "space."},
        {"strategy", NULL, "strategy."}, {"evaluator", NULL, "evaluate."},
        {"optimizer", NULL, "train."},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(paths[i].list, list->name) == 0 &&
            (!paths[i].kind || strcmp(paths[i].kind, kind->name) == 0))
            return paths[i].path;
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of `text`, sorted, each once. */
static void add_sorted(nas_text *text, nas_text *out)
{
    char *lines[2048], *rest = text->data;
    int count = 0;
    for (char *line; count < 2048 && rest && (line = strtok_r(rest, "\n", &rest)) != NULL;)
        lines[count++] = line;
    qsort(lines, (size_t)count, sizeof *lines, compare);
    for (int i = 0; i < count; i++)
        if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0)
            nas_text_format(out, "%s\n", lines[i]);
}

static void add_paths(nas_text *out)
{
    nas_text all = {0};
    int count;
    const cli_kind_list *lists = cli_kind_lists(&count);
    nas_text_add(&all, "space.type=\nstrategy.type=\nevaluate.type=\ndata.type=\n"
                       "train.optimizer=\n");
    for (int i = 0; i < count; i++)
        for (int k = 0; k < lists[i].count(); k++) {
            const nas_kind *kind = lists[i].at(k);
            const char *path = path_of(&lists[i], kind);
            for (const nas_option *row = kind->options; path && row && row->name; row++)
                nas_text_format(&all, "%s%s=\n", path, row->name);
        }
    if (nas_text_check(&all) == NAS_OK)
        add_sorted(&all, out);
    nas_text_clear(&all);
}

void cli_words(const char *argument, const char *before, nas_text *out)
{
    int count;
    const cli_kind_list *lists = cli_kind_lists(&count);
    if (strcmp(argument, "KEY=VALUE") == 0)
        add_paths(out);
    else if (strcmp(argument, "EXPORTER") == 0)
        add_names(cli_kind_list_find("exporter"), out);
    else if (strcmp(argument, "PICTURE") == 0)
        add_names(cli_kind_list_find("plot"), out);
    else if (strcmp(argument, "SHELL") == 0)
        nas_text_add(out, "bash\nzsh\nfish\n");
    else if (strcmp(argument, "TEMPLATE") == 0)
        for (const cli_template *row = cli_templates; row->name; row++)
            nas_text_format(out, "%s\n", row->name);
    else if (strcmp(argument, "KIND") == 0)
        for (int i = 0; i < count; i++)
            nas_text_format(out, "%s\n", lists[i].name);
    else if (strcmp(argument, "NAME") == 0 && before)
        add_names(cli_kind_list_find(before), out);
}
