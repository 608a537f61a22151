/* rank.c - clnas-rank: how well an evaluator, or the shared weights of a supernet, rank architectures.
 *
 *     clnas-rank FILE [OPTION]…
 *
 * FILE (docs/zero-cost.md) names a space, an evaluator and a truth: a table of results, or a study that trained architectures.  With
 * --supernet space and evaluator are those of a finished search with shared weights, and each architecture is scored on its path.  A sample of
 * architectures is drawn by the seed and scored one after the other; each appends a line to CSV, so a run that was stopped goes on where it
 * was, and a larger N adds to what is there.  At the end the table for docs/results.md goes to stdout: Kendall's τ-b and Spearman's
 * rank correlation of each metric with the truth, those of parameters and multiply-accumulates, which cost nothing, among them.
 *
 * Next: rank.h says which file does what. */
#include "cli/command_line.h"
#include "rank.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct command {
    ranking_setup setup;
    char out[PATH_SIZE], supernet[PATH_SIZE];
    int count; /* 0: the file's */
} command;

static nas_status run(const command *c)
{
    ranking r = {0};
    scores s = {0};
    nas_arch *archs = NULL;
    int count = 0;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(open_ranking(&c->setup, &r));
    NAS_TRY_DONE(draw_archs(&r, c->count ? c->count : (int)r.count, &archs, &count));
    NAS_TRY_DONE(score_all(&r, archs, count, c->out, &s));
    NAS_TRY_DONE(print_table(&r, &s));
done:
    free(archs);
    clear_scores(&s);
    close_ranking(&r);
    return status;
}

/* An absolute path: reading changes into the folder of the data. */
static bool make_absolute(const char *path, char out[PATH_SIZE])
{
    char *here = path[0] == '/' ? NULL : realpath(".", NULL);
    int length = snprintf(out, PATH_SIZE, "%s%s%s", here ? here : "", here ? "/" : "", path);
    free(here);
    return length < PATH_SIZE;
}

typedef struct options {
    const char *supernet, *by, *data, *out, *device;
    int recalibrate, count;
} options;

static const cli_option rows[] = {
    {"supernet", 0, CLI_TEXT, offsetof(options, supernet), "STUDY[:TRIAL]", NULL, 0, 0, NULL,
     "Rank by the shared weights of this finished search"},
    {"recalibrate", 0, CLI_NUMBER, offsetof(options, recalibrate), "N", "-1", -1, 100000, NULL,
     "Batches that a path's norms are measured anew on; -1: as the search's strategy says"},
    {"by", 0, CLI_TEXT, offsetof(options, by), "METRIC", NULL, 0, 0, NULL,
     "Of the truth (default as FILE says)"},
    {"data", 0, CLI_TEXT, offsetof(options, data), "FOLDER", NULL, 0, 0, NULL,
     "Where the tables are that FILE names (default here)"},
    {"out", 'o', CLI_TEXT, offsetof(options, out), "CSV", "ranked.csv", 0, 0, NULL,
     "Where scores go; what is there already is not scored again"},
    {"count", 0, CLI_NUMBER, offsetof(options, count), "N", NULL, 3, SPACE_MAX, NULL,
     "Architectures (default as FILE says)"},
    CLI_DEVICE_OPTION(options),
    {.name = NULL},
};

static nas_status run_command(const cli_call *call)
{
    const options *given = call->options;
    command c = {.setup = {.file = call->arguments[0],
                           .folder = given->data,
                           .by = given->by,
                           .device = given->device,
                           .recalibrate = given->recalibrate},
                 .count = given->count};
    if (!make_absolute(given->out, c.out) ||
        (given->supernet && !make_absolute(given->supernet, c.supernet)))
        NAS_FAIL(NAS_CONFIG, "a path has more than %d letters", PATH_SIZE - 1);
    c.setup.supernet = given->supernet ? c.supernet : NULL;
    return run(&c);
}

static const cli_command rank_command = {
    .name = "clnas-rank",
    .arguments = "FILE",
    .summary = "Tell how well an evaluator, or a supernet's shared weights, rank architectures",
    .examples = "  clnas-rank configs/rank/benchmark729.cfg --data configs/tables\n"
                "  clnas-rank truth.cfg --supernet spos.study --count 200\n",
    .details = "FILE names a space, an evaluator and a truth: a table of results or a study; "
               "docs/zero-cost.md tells how.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run_command,
};

static const cli_program program = {
    .name = "clnas-rank",
    .summary = "tell how well scores rank neural architectures",
    .see_also = "clnas(1), clnas-simulate(1)",
    .commands = (const cli_command *const[]){&rank_command, NULL},
    .single = true,
};

int main(int argc, char **argv)
{
    return cli_tool_main(&program, argc, argv);
}
