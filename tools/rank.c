/* rank.c - clnas-rank: how well an evaluator ranks architectures, held against a table of results.
 *
 *     clnas-rank FILE [--data FOLDER] [--out CSV] [--count N] [--device MATCH]
 *
 * FILE (docs/zero-cost.md) names a space, an evaluator and a table.  A sample of architectures is drawn by the seed and scored one after
 * the other; each appends a line to CSV, so a run that was stopped goes on where it was, and a larger N adds to what is there.  The
 * first line is a hash of all that matters; with other options the file is refused.  At the end the table for docs/results.md
 * goes to stdout: Spearman's rank correlation of each metric with the truth; beside it that of the truth's own metric
 * `published_NAME`, where there is one, on the same architectures, and how alike the two rank.
 *
 * Next: rank_cells.c. */
#include "config_file.h"
#include "rank.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct command {
    const char *file, *data, *device;
    char out[4096];
    int count; /* 0: the file's */
} command;

/* What is known of the sample, [column][architecture]; NaN: no such number. */
typedef struct scores {
    int count, known; /* architectures; the first so many were read from the file */
    double *measured, *published, *truth, *cpu_s;
} scores;

static double *row(double *numbers, const scores *s, int column)
{
    return numbers + (size_t)column * (size_t)s->count;
}

static nas_status make_scores(const ranking *r, int count, scores *s)
{
    size_t cells = (size_t)r->column_count * (size_t)count;
    s->count = count;
    s->measured = malloc((cells + 1) * sizeof *s->measured);
    s->published = malloc((cells + 1) * sizeof *s->published);
    s->truth = malloc(((size_t)count + 1) * sizeof *s->truth);
    s->cpu_s = calloc((size_t)count + 1, sizeof *s->cpu_s);
    if (!s->measured || !s->published || !s->truth || !s->cpu_s)
        NAS_FAIL(NAS_MEMORY, "no memory for %d architectures", count);
    for (size_t i = 0; i < cells; i++)
        s->measured[i] = s->published[i] = NAN;
    return NAS_OK;
}

static void clear_scores(scores *s)
{
    free(s->measured);
    free(s->published);
    free(s->truth);
    free(s->cpu_s);
}

/* ---- the file of scores ------------------------------------------------------------------------------------------------- */

static nas_status hash_of(const ranking *r, char hex[33])
{
    static const char *const groups[] = {"space", "data", "evaluate"};
    nas_text text = {0};
    for (int i = 0; i < 3; i++)
        if (nas_value_member(&r->root, groups[i]))
            nas_value_write(nas_value_member(&r->root, groups[i]), -1, &text);
    nas_text_format(&text, "%lld", (long long)r->seed);
    NAS_TRY(nas_text_check(&text));
    nas_hash_hex(text.data, text.length, hex);
    nas_text_clear(&text);
    return NAS_OK;
}

/* "arch,cpu_s,numbers": false when the line is cut off or of another architecture. */
static bool read_line(const ranking *r, const char *line, const char *arch, scores *s)
{
    size_t length = strlen(arch);
    if (strncmp(line, arch, length) != 0 || line[length] != ',')
        return false;
    const char *at = line + length;
    for (int i = -1; i < r->column_count; i++) {
        char *end;
        if (*at != ',')
            return false;
        double number = strtod(at + 1, &end);
        if (end == at + 1)
            return false;
        *(i < 0 ? &s->cpu_s[s->known] : &row(s->measured, s, i)[s->known]) = number;
        at = end;
    }
    return *at == '\n';
}

static void write_header(const ranking *r, const char *hex, FILE *file)
{
    fprintf(file, "# %s\narch,cpu_s", hex);
    for (int i = 0; i < r->column_count; i++)
        fprintf(file, ",%s", r->columns[i]);
    fprintf(file, "\n");
}

/* Reads what there is, in the order of the sample, and drops the rest (a line that a kill cut off). */
static nas_status read_file(const ranking *r, const char *path, char *const *names, scores *s)
{
    char line[4096] = "", hex[33], wanted[40];
    NAS_TRY(hash_of(r, hex));
    snprintf(wanted, sizeof wanted, "# %s\n", hex);
    FILE *file = fopen(path, "r");
    if (file && fgets(line, sizeof line, file) && strcmp(line, wanted) != 0) {
        fclose(file);
        NAS_FAIL(NAS_CONFIG, "%s is from other options; remove it, or name another --out", path);
    }
    bool more = file && fgets(line, sizeof line, file);
    while (more && s->known < s->count && fgets(line, sizeof line, file)) {
        more = read_line(r, line, names[s->known], s);
        s->known += more;
    }
    if (file)
        fclose(file);
    return NAS_OK;
}

static bool write_line(const ranking *r, const char *name, const scores *s, int i, FILE *file)
{
    fprintf(file, "%s,%.4f", name, s->cpu_s[i]);
    for (int k = 0; k < r->column_count; k++)
        fprintf(file, ",%.10g", row(s->measured, s, k)[i]);
    return fprintf(file, "\n") > 0 && fflush(file) == 0;
}

/* Begins the file anew with what is known, so that it ends in a whole line. */
static nas_status begin_file(const ranking *r, const char *path, char *const *names,
                             const scores *s, FILE **file)
{
    char fresh[4200], hex[33];
    NAS_TRY(hash_of(r, hex));
    snprintf(fresh, sizeof fresh, "%s.new", path);
    *file = fopen(fresh, "w");
    if (!*file)
        NAS_FAIL(NAS_FAILED, "%s: %s", fresh, strerror(errno));
    write_header(r, hex, *file);
    bool fine = true;
    for (int i = 0; i < s->known; i++)
        fine &= write_line(r, names[i], s, i, *file);
    if (!fine || rename(fresh, path)) {
        fclose(*file);
        NAS_FAIL(NAS_FAILED, "%s: %s", path, strerror(errno));
    }
    return NAS_OK;
}

/* ---- scoring -------------------------------------------------------------------------------------------------------------- */

static nas_status score(nas_eval *eval, const nas_arch *arch, nas_trial *result)
{
    const nas_eval_call call = {.arch = arch, .budget = 1};
    nas_trial_init(result);
    return nas_eval_score(eval, &call, result);
}

static nas_status measure(const ranking *r, const nas_arch *arch, scores *s, int i)
{
    nas_trial result;
    double begin = nas_cpu_s();
    nas_status status = score(r->evaluate, arch, &result);
    s->cpu_s[i] = nas_cpu_s() - begin;
    for (int k = 0; k < r->column_count; k++)
        row(s->measured, s, k)[i] = nas_trial_metric(&result, r->columns[k]);
    nas_trial_clear(&result);
    return status;
}

static nas_status look_up(const ranking *r, const nas_arch *arch, scores *s, int i)
{
    nas_trial result;
    nas_status status = score(r->truth, arch, &result);
    s->truth[i] = nas_trial_metric(&result, r->by);
    for (int k = 0; k < r->column_count; k++) {
        char name[NAS_NAME_SIZE];
        snprintf(name, sizeof name, "published_%s", r->columns[k]);
        row(s->published, s, k)[i] = nas_trial_metric(&result, name);
    }
    nas_trial_clear(&result);
    return status;
}

static nas_status score_all(const ranking *r, const char *path, const nas_arch *archs,
                            char *const *names, scores *s)
{
    FILE *file;
    nas_status status = NAS_OK;
    for (int i = 0; i < s->count; i++)
        NAS_TRY(look_up(r, &archs[i], s, i));
    NAS_TRY(read_file(r, path, names, s));
    if (s->known == s->count)
        return NAS_OK;
    NAS_TRY(begin_file(r, path, names, s, &file));
    for (int i = s->known; status == NAS_OK && i < s->count; i++) {
        status = measure(r, &archs[i], s, i);
        if (status == NAS_OK && !write_line(r, names[i], s, i, file))
            status = nas_error_set(NAS_FAILED, __FILE__, __LINE__, "%s: %s", path, strerror(errno));
    }
    fclose(file);
    return status;
}

/* ---- the table --------------------------------------------------------------------------------------------------------------- */

static int count_numbers(const double *numbers, int count)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        found += !isnan(numbers[i]);
    return found;
}

/* A cell of the table; – when there is no such number: nothing is published, or all are equal and have no ranks. */
static void print_number(const char *format, double number)
{
    printf(" ");
    if (isnan(number))
        printf("–");
    else
        printf(format, number);
    printf(" |");
}

static nas_status print_row(const ranking *r, const scores *s, int column)
{
    const double *measured = row(s->measured, s, column), *published = row(s->published, s, column);
    double ours, theirs, alike;
    int found = count_numbers(measured, s->count);
    if (found == 0)
        return NAS_OK;
    NAS_TRY(spearman(measured, s->truth, s->count, &ours));
    NAS_TRY(spearman(published, s->truth, s->count, &theirs));
    NAS_TRY(spearman(measured, published, s->count, &alike));
    printf("| %s | %d |", r->columns[column], found);
    print_number("%.3f", ours);
    print_number("%.3f", theirs);
    print_number("%+.3f", ours - theirs);
    print_number("%.3f", alike);
    printf("\n");
    return NAS_OK;
}

static nas_status print_table(const ranking *r, const scores *s)
{
    double cpu_s = 0;
    for (int i = 0; i < s->count; i++)
        cpu_s += s->cpu_s[i];
    printf("Spearman's rank correlation with %s, %d architectures, %.1f core-minutes on %s\n\n"
           "| metric | numbers | here | published | difference | here with published |\n"
           "|---|---|---|---|---|---|\n",
           r->by, s->count, cpu_s / 60, nas_device_describe(r->device)->name);
    for (int k = 0; k < r->column_count; k++)
        NAS_TRY(print_row(r, s, k));
    return NAS_OK;
}

/* ---- the program --------------------------------------------------------------------------------------------------------------- */

static nas_status write_names(const ranking *r, const nas_arch *archs, int count, char ***names)
{
    *names = calloc((size_t)count + 1, sizeof **names);
    if (!*names)
        NAS_FAIL(NAS_MEMORY, "no memory for %d architectures", count);
    for (int i = 0; i < count; i++) {
        nas_text text = {0};
        nas_domain_write(r->domain, &archs[i], &text);
        NAS_TRY(nas_text_check(&text));
        (*names)[i] = text.data;
    }
    return NAS_OK;
}

static nas_status run(const command *c)
{
    ranking r = {0};
    scores s = {0};
    nas_arch *archs = NULL;
    char **names = NULL;
    int count = 0;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(open_ranking(c->file, c->data, c->device, &r));
    NAS_TRY_DONE(draw_archs(&r, c->count ? c->count : (int)r.count, &archs, &count));
    NAS_TRY_DONE(write_names(&r, archs, count, &names));
    NAS_TRY_DONE(make_scores(&r, count, &s));
    NAS_TRY_DONE(score_all(&r, c->out, archs, names, &s));
    NAS_TRY_DONE(print_table(&r, &s));
done:
    for (int i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
    free(archs);
    clear_scores(&s);
    close_ranking(&r);
    return status;
}

/* An absolute path: reading changes into the folder of the data. */
static bool make_absolute(const char *path, char *out, size_t size)
{
    char *here = path[0] == '/' ? NULL : realpath(".", NULL);
    int length = snprintf(out, size, "%s%s%s", here ? here : "", here ? "/" : "", path);
    free(here);
    return length < (int)size;
}

static int usage(FILE *to, int exit_code)
{
    fprintf(to, "usage: clnas-rank FILE [--data FOLDER] [--out CSV] [--count N] [--device MATCH]\n"
                "How well an evaluator ranks architectures, by a table of results; see "
                "docs/zero-cost.md.\n");
    return exit_code;
}

int main(int argc, char **argv)
{
    command c = {.device = ""};
    const char *out = "ranked.csv";
    const tool_option options[] = {
        {.name = "--data", .text = &c.data},
        {.name = "--out", .text = &out},
        {.name = "--device", .text = &c.device},
        {.name = "--count", .number = &c.count, .low = 3, .high = SPACE_MAX},
        {0}};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (!read_command_line(argc, argv, options) || !make_absolute(out, c.out, sizeof c.out))
        return usage(stderr, 2);
    c.file = argv[1];
    nas_status status = run(&c);
    if (status != NAS_OK)
        fprintf(stderr, "clnas-rank: %s\n", nas_error_message());
    return nas_status_exit_code(status);
}
