/* rank_sample.c - which architectures are ranked: those of the space that the truth knows, shuffled by the seed, the first `count`.  So
 * a larger sample begins with a smaller one. */
#include "rank.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS_MAX = 10000000 };

typedef struct row_list {
    nas_arch *list; /* room for SPACE_MAX */
    uint32_t count;
} row_list;

/* ---- a space ---------------------------------------------------------------------------------------------------------- */

/* The next row in lexical order; false after the last. */
static bool count_up(const nas_domain *domain, nas_arch *row)
{
    for (int i = 0; i < row->count; i++) {
        if (++row->genes[i] < domain->genes[i].choices)
            return true;
        row->genes[i] = 0;
    }
    return false;
}

/* Rows in all, those included that are not canonical or not valid. */
static double row_count(const nas_domain *domain)
{
    double count = 1;
    for (int i = 0; i < domain->count; i++)
        count *= domain->genes[i].choices;
    return count;
}

static nas_status add_row(row_list *rows, const nas_arch *row)
{
    if (rows->count == SPACE_MAX)
        NAS_FAIL(NAS_CONFIG, "there are more than %d architectures to draw from", SPACE_MAX);
    rows->list[rows->count++] = *row;
    return NAS_OK;
}

/* Every canonical, valid row. */
static nas_status list_space(const nas_domain *domain, row_list *rows)
{
    nas_arch row = {.count = (uint16_t)domain->count};
    if (row_count(domain) > ROWS_MAX)
        NAS_FAIL(
            NAS_CONFIG,
            "the space has %.0f rows; one of %d or fewer can be sampled, or the trials of a study",
            row_count(domain), ROWS_MAX);
    do {
        nas_arch canonical = row;
        nas_domain_canonical(domain, &canonical);
        if (nas_arch_equal(&canonical, &row) && nas_domain_valid(domain, &row) == NAS_OK)
            NAS_TRY(add_row(rows, &row));
    } while (count_up(domain, &row));
    return NAS_OK;
}

/* What the study of the truth has trained, by key. */
static nas_status list_trained(const ranking *r, row_list *rows)
{
    for (int i = 0; i < r->trained.count; i++) {
        nas_arch row;
        const nas_trial *trial = nas_study_trial(r->trained.study, r->trained.list[i].index);
        NAS_TRY(nas_domain_read(r->domain, trial->arch, &row));
        NAS_TRY(add_row(rows, &row));
    }
    return NAS_OK;
}

/* ---- the sample ------------------------------------------------------------------------------------------------------ */

static nas_status is_known(const ranking *r, const nas_arch *arch, bool *known)
{
    nas_trial result;
    nas_status status = look_up(r, arch, &result);
    *known = status == NAS_OK && !isnan(nas_trial_metric(&result, r->by));
    nas_trial_clear(&result);
    return status;
}

static nas_status take_known(const ranking *r, const row_list *rows, const uint32_t *order,
                             int count, nas_arch *some, int *drawn)
{
    *drawn = 0;
    for (uint32_t i = 0; i < rows->count && *drawn < count; i++) {
        bool known;
        NAS_TRY(is_known(r, &rows->list[order[i]], &known));
        if (known)
            some[(*drawn)++] = rows->list[order[i]];
    }
    if (*drawn == 0)
        NAS_FAIL(NAS_CONFIG, "the truth has no %s of any architecture of the space (by)", r->by);
    return NAS_OK;
}

nas_status draw_archs(const ranking *r, int count, nas_arch **archs, int *drawn)
{
    row_list rows = {.list = malloc(SPACE_MAX * sizeof *rows.list)};
    uint32_t *order = malloc(SPACE_MAX * sizeof *order);
    nas_arch *some = malloc(((size_t)count + 1) * sizeof *some);
    nas_status status = NAS_OK;
    if (!rows.list || !order || !some)
        NAS_TRY_DONE(nas_error_set(NAS_MEMORY, __FILE__, __LINE__,
                                   "no memory to draw %d architectures", count));
    NAS_TRY_DONE(r->table ? list_space(r->domain, &rows) : list_trained(r, &rows));
    for (uint32_t i = 0; i < rows.count; i++)
        order[i] = i;
    nas_random random = nas_random_make((uint64_t)r->seed, NAS_STREAM_SHUFFLE, 0, 0, 0);
    nas_random_shuffle(&random, order, rows.count);
    status = take_known(r, &rows, order, count, some, drawn);
done:
    free(rows.list);
    free(order);
    if (status == NAS_OK)
        *archs = some;
    else
        free(some);
    return status;
}
