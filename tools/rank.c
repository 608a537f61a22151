/* rank.c - clnas-rank: how well an evaluator, or the shared weights of a supernet, rank architectures.
 *
 *     clnas-rank FILE [--supernet STUDY[:TRIAL]] [--recalibrate N] [--by METRIC] [--data FOLDER] [--out CSV] [--count N] [--device MATCH]
 *
 * FILE (docs/zero-cost.md) names a space, an evaluator and a truth: a table of results, or a study that trained architectures.  With
 * --supernet space and evaluator are those of a finished search with shared weights, and each architecture is scored on its path.  A sample of
 * architectures is drawn by the seed and scored one after the other; each appends a line to CSV, so a run that was stopped goes on where it
 * was, and a larger N adds to what is there.  At the end the table for docs/results.md goes to stdout: Kendall's τ-b and Spearman's
 * rank correlation of each metric with the truth, those of parameters and multiply-accumulates, which cost nothing, among them.
 *
 * Next: rank.h says which file does what. */
#include "config_file.h"
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

static int usage(FILE *to, int exit_code)
{
    fprintf(to,
            "usage: clnas-rank FILE [--supernet STUDY[:TRIAL]] [--recalibrate N] [--by METRIC]\n"
            "                  [--data FOLDER] [--out CSV] [--count N] [--device MATCH]\n"
            "How well an evaluator, or a supernet's shared weights, rank architectures, by a "
            "table of\nresults or a study's trainings; see docs/zero-cost.md.\n");
    return exit_code;
}

int main(int argc, char **argv)
{
    command c = {.setup = {.device = "", .recalibrate = -1}};
    const char *out = "ranked.csv", *supernet = NULL;
    const tool_option options[] = {
        {.name = "--data", .text = &c.setup.folder},
        {.name = "--out", .text = &out},
        {.name = "--by", .text = &c.setup.by},
        {.name = "--supernet", .text = &supernet},
        {.name = "--device", .text = &c.setup.device},
        {.name = "--recalibrate", .number = &c.setup.recalibrate, .low = 0, .high = 100000},
        {.name = "--count", .number = &c.count, .low = 3, .high = SPACE_MAX},
        {0}};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (!read_command_line(argc, argv, options) || !make_absolute(out, c.out) ||
        (supernet && !make_absolute(supernet, c.supernet)))
        return usage(stderr, 2);
    c.setup.file = argv[1];
    c.setup.supernet = supernet ? c.supernet : NULL;
    nas_status status = run(&c);
    if (status != NAS_OK)
        fprintf(stderr, "clnas-rank: %s\n", nas_error_message());
    return nas_status_exit_code(status);
}
