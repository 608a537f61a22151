/* rank_scores.c - the scores of a sample, each a line of a file.
 *
 * The first line is a hash of all that decides about a score (groups, seeds, the shared weights); the file is refused with other ones.  What
 * is there is not scored again.  A line that a kill cut off is. */
#include "rank.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double *row(double *numbers, const scores *s, int column)
{
    return numbers + (size_t)column * (size_t)s->count;
}

static nas_status make_scores(const ranking *r, const nas_arch *archs, int count, scores *s)
{
    size_t cells = (size_t)r->column_count * (size_t)count;
    *s = (scores){.count = count,
                  .names = calloc((size_t)count + 1, sizeof *s->names),
                  .measured = malloc((cells + 1) * sizeof *s->measured),
                  .published = malloc((cells + 1) * sizeof *s->published),
                  .truth = malloc(((size_t)count + 1) * sizeof *s->truth),
                  .cpu_s = calloc((size_t)count + 1, sizeof *s->cpu_s)};
    if (!s->names || !s->measured || !s->published || !s->truth || !s->cpu_s)
        NAS_FAIL(NAS_MEMORY, "no memory for %d architectures", count);
    for (size_t i = 0; i < cells; i++)
        s->measured[i] = s->published[i] = NAN;
    for (int i = 0; i < count; i++) {
        nas_text text = {0};
        nas_domain_write(r->domain, &archs[i], &text);
        NAS_TRY(nas_text_check(&text));
        s->names[i] = text.data;
    }
    return NAS_OK;
}

void clear_scores(scores *s)
{
    for (int i = 0; s->names && i < s->count; i++)
        free(s->names[i]);
    free(s->names);
    free(s->measured);
    free(s->published);
    free(s->truth);
    free(s->cpu_s);
}

/* ---- the file --------------------------------------------------------------------------------------------------------- */

static nas_status add_weights(const char *path, nas_text *text)
{
    void *data;
    size_t size;
    char hex[33];
    NAS_TRY(nas_file_read(path, (size_t)1 << 32, &data, &size));
    nas_hash_hex(data, size, hex);
    free(data);
    nas_text_add(text, hex);
    return NAS_OK;
}

static nas_status hash_of(const ranking *r, char hex[33])
{
    const nas_value *const groups[] = {r->space, r->data_group, r->evaluate, r->strategy};
    nas_text text = {0};
    nas_status status = NAS_OK;
    for (int i = 0; i < 4; i++)
        if (groups[i])
            nas_value_write(groups[i], -1, &text);
    nas_text_format(&text, "%lld", (long long)r->seed);
    if (r->study) {
        nas_value_write(&r->study->train, -1, &text);
        nas_text_format(&text, "%lld", (long long)r->study->seed);
        status = add_weights(r->weights, &text);
    }
    if (status == NAS_OK)
        status = nas_text_check(&text);
    if (status == NAS_OK)
        nas_hash_hex(text.data, text.length, hex);
    nas_text_clear(&text);
    return status;
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
static nas_status read_file(const ranking *r, const char *path, const char *hex, scores *s)
{
    char line[4096] = "", wanted[40];
    snprintf(wanted, sizeof wanted, "# %s\n", hex);
    FILE *file = fopen(path, "r");
    if (file && fgets(line, sizeof line, file) && strcmp(line, wanted) != 0) {
        fclose(file);
        NAS_FAIL(NAS_CONFIG, "%s is from other options; remove it, or name another --out", path);
    }
    bool more = file && fgets(line, sizeof line, file);
    while (more && s->known < s->count && fgets(line, sizeof line, file)) {
        more = read_line(r, line, s->names[s->known], s);
        s->known += more;
    }
    if (file)
        fclose(file);
    return NAS_OK;
}

static bool write_line(const ranking *r, const scores *s, int i, FILE *file)
{
    fprintf(file, "%s,%.4f", s->names[i], s->cpu_s[i]);
    for (int k = 0; k < r->column_count; k++)
        fprintf(file, ",%.10g", row(s->measured, s, k)[i]);
    return fprintf(file, "\n") > 0 && fflush(file) == 0;
}

/* Begins the file anew with what is known, so that it ends in a whole line. */
static nas_status begin_file(const ranking *r, const char *path, const char *hex, const scores *s,
                             FILE **file)
{
    char fresh[PATH_SIZE + 8];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    *file = fopen(fresh, "w");
    if (!*file)
        NAS_FAIL(NAS_FAILED, "%s: %s", fresh, strerror(errno));
    write_header(r, hex, *file);
    bool fine = true;
    for (int i = 0; i < s->known; i++)
        fine &= write_line(r, s, i, *file);
    if (!fine || rename(fresh, path)) {
        fclose(*file);
        NAS_FAIL(NAS_FAILED, "%s: %s", path, strerror(errno));
    }
    return NAS_OK;
}

/* ---- scoring ---------------------------------------------------------------------------------------------------------- */

/* With shared weights nothing is trained: a budget of 0. */
static nas_status measure(const ranking *r, const nas_arch *arch, scores *s, int i)
{
    nas_trial result;
    const bool shared = r->weights[0] != 0;
    const nas_eval_call call = {
        .arch = arch, .budget = shared ? 0 : 1, .from = shared ? r->weights : NULL};
    double begin = nas_cpu_s();
    nas_trial_init(&result);
    nas_status status = nas_eval_score(r->eval, &call, &result);
    s->cpu_s[i] = nas_cpu_s() - begin;
    for (int k = 0; k < r->column_count; k++)
        row(s->measured, s, k)[i] = nas_trial_metric(&result, r->columns[k]);
    nas_trial_clear(&result);
    return status;
}

static nas_status read_truth(const ranking *r, const nas_arch *arch, scores *s, int i)
{
    nas_trial result;
    nas_status status = look_up(r, arch, &result);
    s->truth[i] = nas_trial_metric(&result, r->by);
    for (int k = 0; k < r->column_count; k++) {
        char name[NAS_NAME_SIZE];
        snprintf(name, sizeof name, "published_%s", r->columns[k]);
        row(s->published, s, k)[i] = nas_trial_metric(&result, name);
    }
    nas_trial_clear(&result);
    return status;
}

nas_status score_all(const ranking *r, const nas_arch *archs, int count, const char *path,
                     scores *s)
{
    FILE *file;
    char hex[33];
    nas_status status = NAS_OK;
    NAS_TRY(make_scores(r, archs, count, s));
    for (int i = 0; i < s->count; i++)
        NAS_TRY(read_truth(r, &archs[i], s, i));
    NAS_TRY(hash_of(r, hex));
    NAS_TRY(read_file(r, path, hex, s));
    if (s->known == s->count)
        return NAS_OK;
    NAS_TRY(begin_file(r, path, hex, s, &file));
    for (int i = s->known; status == NAS_OK && i < s->count; i++) {
        status = measure(r, &archs[i], s, i);
        if (status == NAS_OK && !write_line(r, s, i, file))
            status = nas_error_set(NAS_FAILED, __FILE__, __LINE__, "%s: %s", path, strerror(errno));
    }
    fclose(file);
    return status;
}
