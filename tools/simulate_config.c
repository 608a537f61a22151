/* simulate_config.c - the file that says what to simulate: groups as in a config, with the runs to compare.
 *
 *     seeds = 500; seconds = 12000; select = "valid_accuracy"; report = "test_accuracy";
 *     space = { type = "cell201"; dead = "keep"; };
 *     evaluate = { type = "table"; path = "…"; … };
 *     runs = ( { name = "random"; published = "93.77"; strategy = { type = "random"; }; }, … );
 *
 * "#" begins a comment. */
#include "config_file.h"
#include "simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(simulation, field)
static const nas_option options[] = {
    {"seeds", NAS_OPTION_INT, AT(seeds), "10", 1, 1e6, NULL, "searches of each run"},
    {"first_seed", NAS_OPTION_INT, AT(first_seed), "0", 0, 1e9, NULL, "the first one's seed"},
    {"seconds", NAS_OPTION_REAL, AT(seconds), "0", 0, 0, NULL,
     "simulated seconds of a search; a trial that would end later does not count; 0: no limit"},
    {"trials", NAS_OPTION_INT, AT(trials), "0", 0, 1e7, NULL, "trials of a search; 0: no limit"},
    {"epochs", NAS_OPTION_REAL, AT(budget), "1", 0, 0, NULL, "budget of a full trial"},
    {"select", NAS_OPTION_TEXT, AT(select), "\"valid_accuracy\"", 0, 0, NULL,
     "metric that the search sees and selects by"},
    {"report", NAS_OPTION_TEXT, AT(report), "\"test_accuracy\"", 0, 0, NULL,
     "metric of the selected network that is reported"},
    {"report_scale", NAS_OPTION_REAL, AT(report_scale), "100", 0, 0, NULL,
     "factor of the reported metric"},
    {"input", NAS_OPTION_INT_LIST, AT(input), "[3, 32, 32]", 1, 65536, NULL, "shape of an image"},
    {"classes", NAS_OPTION_INT, AT(classes), "10", 1, 1e6, NULL, "classes"},
    {"at", NAS_OPTION_INT_LIST, AT(at), "[500, 2000]", 1, 1e7, NULL,
     "with two objectives: trials after which the hypervolume is taken"},
    {0},
};
#undef AT
static const nas_kind kind = {"simulation", "", NULL, offsetof(simulation, root), options};

#define AT(field) offsetof(run, field)
static const nas_option run_options[] = {
    {"name", NAS_OPTION_TEXT, AT(name), NULL, 0, 0, NULL, "names its file of results"},
    {"published", NAS_OPTION_TEXT, AT(published), "\"\"", 0, 0, NULL, "what a paper says"},
    {"seeds", NAS_OPTION_INT, AT(seeds), "0", 0, 1e6, NULL, "searches; 0: as many as the others"},
    {"peer", NAS_OPTION_TEXT, AT(peer), "\"\"", 0, 0, NULL,
     "a script of tools/peers that searches in place of a strategy"},
    {"reuse", NAS_OPTION_BOOL, AT(reuse), "false", 0, 0, NULL,
     "an architecture that is known costs nothing; false: every query is charged"},
    {0},
};
#undef AT
static const nas_kind run_kind = {"run", "", NULL, offsetof(run, group), run_options};

typedef struct objective_row {
    char metric[NAS_TEXT_SIZE];
    int goal;
} objective_row;
static const nas_option objective_options[] = {
    {"metric", NAS_OPTION_TEXT, offsetof(objective_row, metric), NULL, 0, 0, NULL, "metric"},
    {"goal", NAS_OPTION_CHOICE, offsetof(objective_row, goal), "max", 0, 0, "max|min", "goal"},
    {0},
};
static const nas_kind objective_kind = {"objective", "", NULL, sizeof(objective_row),
                                        objective_options};

static void copy_name(const char *from, char to[NAS_NAME_SIZE])
{
    size_t length = strlen(from);
    length = length < NAS_NAME_SIZE ? length : NAS_NAME_SIZE - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static nas_status read_objectives(const nas_value *list, const simulation *s, nas_objectives *out)
{
    *out = (nas_objectives){.count = 1, .item = {{"", NAS_GOAL_MAX}}};
    copy_name(s->select, out->item[0].metric);
    if (!list)
        return NAS_OK;
    if (list->item_count < 1 || list->item_count > NAS_OBJECTIVES)
        NAS_FAIL(NAS_CONFIG, "objectives: 1 to %d, not %d", NAS_OBJECTIVES, list->item_count);
    out->count = list->item_count;
    for (int i = 0; i < list->item_count; i++) {
        objective_row row = {0};
        NAS_TRY(nas_options_fill(&objective_kind, &list->items[i], NULL, &row));
        out->item[i] = (nas_objective){.goal = (nas_goal)row.goal};
        copy_name(row.metric, out->item[i].metric);
    }
    return NAS_OK;
}

static nas_status read_run(const nas_value *group, const simulation *s, run *r)
{
    static const char *const also[] = {"strategy", "objectives", NULL};
    *r = (run){0};
    NAS_TRY(nas_options_fill(&run_kind, group, also, r));
    r->group = nas_value_member(group, "strategy");
    r->seeds = r->seeds ? r->seeds : s->seeds;
    if (r->name[strspn(r->name, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
        NAS_FAIL(NAS_CONFIG, "run \"%.60s\": a name is made of a-z, 0-9, - and _", r->name);
    NAS_TRY(read_objectives(nas_value_member(group, "objectives"), s, &r->objectives));
    if (!r->peer[0])
        return nas_strategy_get(type_of(r->group), &r->strategy);
    if (r->group || r->objectives.count != 2 ||
        r->peer[strspn(r->peer, "abcdefghijklmnopqrstuvwxyz0123456789_")])
        NAS_FAIL(NAS_CONFIG, "run %s: a peer has two objectives and no strategy", r->name);
    return NAS_OK;
}

static nas_status open_all(simulation *s)
{
    const nas_value *space = nas_value_member(&s->root, "space");
    if (s->input.count != 3)
        NAS_FAIL(NAS_CONFIG, "input: [channels, height, width]");
    nas_shape input = {(int)s->input.item[0], (int)s->input.item[1], (int)s->input.item[2]};
    NAS_TRY(nas_domain_open_group(space, input, (int)s->classes, &s->domain));
    const nas_eval_setting setting = {.group = nas_value_member(&s->root, "evaluate"),
                                      .domain = s->domain};
    return nas_eval_create(&setting, &s->eval);
}

nas_status read_simulation(const char *path, const char *folder, simulation *s, run *runs,
                           int *count)
{
    static const char *const also[] = {"space", "evaluate", "runs", NULL};
    *s = (simulation){0};
    NAS_TRY(read_config_file(path, &s->root));
    NAS_TRY(nas_options_fill(&kind, &s->root, also, s));
    if (s->seconds == 0 && s->trials == 0)
        NAS_FAIL(NAS_CONFIG, "%s: seconds or trials must end a search", path);
    if (s->at.count > CHECKPOINTS_MAX)
        NAS_FAIL(NAS_CONFIG, "%s: at most %d numbers in `at`", path, CHECKPOINTS_MAX);
    const nas_value *list = nas_value_member(&s->root, "runs");
    if (!list || list->item_count < 1 || list->item_count > RUNS_MAX)
        NAS_FAIL(NAS_CONFIG, "%s: runs = ( { name = …; strategy = { … }; }, … ), 1 to %d", path,
                 RUNS_MAX);
    if (folder && chdir(folder))
        NAS_FAIL(NAS_FAILED, "%s: %s", folder, strerror(errno));
    NAS_TRY(open_all(s));
    for (*count = 0; *count < list->item_count; ++*count)
        NAS_TRY(read_run(&list->items[*count], s, &runs[*count]));
    return NAS_OK;
}

void clear_simulation(simulation *s)
{
    nas_eval_destroy(s->eval);
    nas_domain_close(s->domain);
    nas_value_clear(&s->root);
}
