/* compare_setup.c - which studies are the same search under another seed, and what tells the others apart.
 *
 * Idea: the effective config that a study keeps has every option with its value.  Written out as lines "path = value" and without those that
 * leave a search what it is, equal lists are one group; the label of a group is its strategy and the lines that others lack.  An
 * option of a strategy tells it only from groups of the same strategy. */
#include "compare.h"
#include "drawing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options as lines ------------------------------------------------------------------------------------------------ */

/* How long a search runs, how it is called, what is retrained afterwards. */
static const char *const passed_over[] = {"seed",
                                          "study",
                                          "retrain",
                                          "budget.trials",
                                          "budget.minutes",
                                          "budget.target",
                                          "budget.patience",
                                          "budget.lease_s",
                                          "budget.keep",
                                          "budget.keep_paused",
                                          "budget.checkpoint_s"};

static bool is_passed_over(const char *path)
{
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++)
        if (strcmp(path, passed_over[i]) == 0)
            return true;
    return false;
}

static nas_status add_line(nas__setup *setup, const char *path, const nas_value *value)
{
    nas_text text = {0};
    nas__setup_line *grown =
        realloc(setup->lines, ((size_t)setup->count + 1) * sizeof *setup->lines);
    if (grown)
        setup->lines = grown;
    nas_value_write(value, -1, &text);
    char *name = strdup(path);
    if (!grown || !name || nas_text_check(&text) != NAS_OK) {
        free(name);
        nas_text_clear(&text);
        NAS_FAIL(NAS_MEMORY, "no memory for the options of a study");
    }
    setup->lines[setup->count++] = (nas__setup_line){name, text.data};
    return NAS_OK;
}

/* A list of groups (devices, objectives) has its items' options by number. */
static bool is_branch(const nas_value *value)
{
    return value->type == NAS_VALUE_GROUP ||
           (value->type == NAS_VALUE_LIST && value->item_count > 0 &&
            value->items[0].type == NAS_VALUE_GROUP);
}

static nas_status add_lines(nas__setup *setup, const char *path, const nas_value *value)
{
    char below[512];
    if (is_passed_over(path))
        return NAS_OK;
    if (!is_branch(value))
        return add_line(setup, path, value);
    for (int i = 0; i < value->item_count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "." : "",
                 value->items[i].name ? value->items[i].name : number);
        NAS_TRY(add_lines(setup, below, &value->items[i]));
    }
    return NAS_OK;
}

nas_status nas__setup_read(const nas_config *config, nas__setup *setup)
{
    nas_text text = {0};
    nas_value root = {0};
    nas_status status;
    nas_config_write(config, &text);
    NAS_TRY_DONE(nas_text_check(&text));
    NAS_TRY_DONE(nas_config_tree(text.data, "the study's config", NULL, &root));
    status = add_lines(setup, "", &root);
done:
    nas_value_clear(&root);
    nas_text_clear(&text);
    return status;
}

void nas__setup_clear(nas__setup *setup)
{
    for (int i = 0; i < setup->count; i++) {
        free(setup->lines[i].path);
        free(setup->lines[i].value);
    }
    free(setup->lines);
    *setup = (nas__setup){0};
}

bool nas__setup_equal(const nas__setup *a, const nas__setup *b)
{
    bool equal = a->count == b->count;
    for (int i = 0; i < a->count && equal; i++)
        equal = strcmp(a->lines[i].path, b->lines[i].path) == 0 &&
                strcmp(a->lines[i].value, b->lines[i].value) == 0;
    return equal;
}

const char *nas__setup_value(const nas__setup *setup, const char *path)
{
    for (int i = 0; i < setup->count; i++)
        if (strcmp(setup->lines[i].path, path) == 0)
            return setup->lines[i].value;
    return NULL;
}

/* ---- labels ----------------------------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool same_value(const nas__setup *a, const nas__setup *b, const char *path)
{
    const char *x = nas__setup_value(a, path), *y = nas__setup_value(b, path);
    return x && y ? strcmp(x, y) == 0 : x == y;
}

/* The first entry of each group stands for it. */
static const nas__setup *setup_of(const nas_comparison *c, int group)
{
    return &nas__group_entries(c, group)->setup;
}

/* Does this line tell the group from some other one? */
static bool tells_apart(const nas_comparison *c, const nas__setup *own, const char *path)
{
    static const char type[] = "strategy.type";
    bool tells = false;
    for (int g = 0; g < c->group_count && !tells; g++) {
        const nas__setup *other = setup_of(c, g);
        if (begins(path, "strategy.") && !same_value(own, other, type))
            continue;
        tells = !same_value(own, other, path);
    }
    return tells && strcmp(path, type) != 0;
}

/* A text without the quotes of config notation. */
static void add_plain(nas_text *text, const char *value)
{
    size_t length = strlen(value);
    bool quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';
    nas_text_format(text, "%.*s", (int)(quoted ? length - 2 : length), value + quoted);
}

static nas_status label_group(nas_comparison *c, int group)
{
    const nas__setup *own = setup_of(c, group);
    const char *type = nas__setup_value(own, "strategy.type");
    nas_text text = {0};
    int told = 0;
    add_plain(&text, type ? type : "search");
    for (int i = 0; i < own->count; i++) {
        const char *path = own->lines[i].path;
        if (!tells_apart(c, own, path))
            continue;
        nas_text_format(&text, "%s%s=", told++ ? ", " : " ",
                        begins(path, "strategy.") ? path + strlen("strategy.") : path);
        add_plain(&text, own->lines[i].value);
    }
    const nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        nas__text_fit(c->groups[group].label, sizeof c->groups[group].label, text.data);
    nas_text_clear(&text);
    return status;
}

/* Labels that were cut, or that hide what an absent option means, still must be different. */
static void number_equal_labels(nas_comparison *c)
{
    for (int i = 0; i < c->group_count; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(c->groups[i].label, c->groups[k].label) == 0) {
                char number[24];
                snprintf(number, sizeof number, " #%d", i + 1);
                char *label = c->groups[i].label;
                nas__text_fit(label, sizeof c->groups[i].label - strlen(number), label);
                strcat(label, number);
            }
}

/* ---- groups ------------------------------------------------------------------------------------------------------------- */

static int by_group(const void *left, const void *right)
{
    const nas_compared_study *a = &((const nas__entry *)left)->shown;
    const nas_compared_study *b = &((const nas__entry *)right)->shown;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return a->seed < b->seed ? -1 : a->seed > b->seed;
}

const nas__entry *nas__group_entries(const nas_comparison *c, int group)
{
    const nas__entry *entry = c->parts->entries;
    for (int g = 0; g < group; g++)
        entry += c->groups[g].studies;
    return entry;
}

/* In the order in which they come. */
static void find_groups(nas_comparison *c)
{
    nas__comparison_parts *parts = c->parts;
    c->group_count = 0;
    for (int i = 0; i < parts->entry_count; i++) {
        int like = 0;
        while (like < i && !nas__setup_equal(&parts->entries[like].setup, &parts->entries[i].setup))
            like++;
        parts->entries[i].shown.group =
            like < i ? parts->entries[like].shown.group : c->group_count++;
    }
    qsort(parts->entries, (size_t)parts->entry_count, sizeof *parts->entries, by_group);
}

static nas_status check_seeds(const nas_comparison *c)
{
    const nas__comparison_parts *parts = c->parts;
    for (int i = 1; i < parts->entry_count; i++) {
        const nas_compared_study *a = &parts->entries[i - 1].shown, *b = &parts->entries[i].shown;
        if (a->group == b->group && a->seed == b->seed)
            NAS_FAIL(
                NAS_CONFIG,
                "%s and %s have the same options and the same seed %lld: that is one search, and "
                "counts once; leave one of them out",
                a->path, b->path, (long long)a->seed);
    }
    return NAS_OK;
}

/* Groups whose options differ there; what is noted says how it reads. */
static nas_status note_difference(nas_comparison *c, const char *prefix, const char *meaning)
{
    const nas__setup *first = setup_of(c, 0);
    for (int g = 1; g < c->group_count; g++) {
        const nas__setup *other = setup_of(c, g);
        const nas__setup *both[] = {first, other};
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < both[side]->count; i++) {
                const char *path = both[side]->lines[i].path;
                if (!begins(path, prefix) || same_value(first, other, path))
                    continue;
                const char *x = nas__setup_value(first, path), *y = nas__setup_value(other, path);
                char shown[2][84];
                nas__text_fit(shown[0], sizeof shown[0], x ? x : "none");
                nas__text_fit(shown[1], sizeof shown[1], y ? y : "none");
                return nas__note(c, "%s differs (%s, %s): %s", path, shown[0], shown[1], meaning);
            }
    }
    return NAS_OK;
}

static nas_status note_what_is_unlike(nas_comparison *c)
{
    NAS_TRY(note_difference(c, "data.", "results on other data are no common measure"));
    NAS_TRY(
        note_difference(c, "evaluate.", "results of another evaluation may be no common measure"));
    NAS_TRY(note_difference(c, "objectives.", "the searches did not look for the same"));
    return note_difference(c, "bounds.", "the searches were not allowed the same networks");
}

nas_status nas__groups_make(nas_comparison *c)
{
    find_groups(c);
    NAS_TRY(check_seeds(c));
    c->groups = calloc((size_t)c->group_count + 1, sizeof *c->groups);
    if (!c->groups)
        NAS_FAIL(NAS_MEMORY, "no memory for %d groups", c->group_count);
    for (int i = 0; i < c->parts->entry_count; i++)
        c->groups[c->parts->entries[i].shown.group].studies++;
    for (int g = 0; g < c->group_count; g++)
        NAS_TRY(label_group(c, g));
    number_equal_labels(c);
    return note_what_is_unlike(c);
}
