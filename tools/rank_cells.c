/* rank_cells.c - what is ranked: the file, the sample of architectures, rank correlation. */
#include "config_file.h"
#include "rank.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS_MAX = 10000000 };

#define AT(field) offsetof(ranking, field)
static const nas_option options[] = {
    {"seed", NAS_OPTION_INT, AT(seed), "1", 0, 0, NULL, "of the sample and of the evaluator"},
    {"count", NAS_OPTION_INT, AT(count), "500", 3, SPACE_MAX, NULL, "architectures"},
    {"by", NAS_OPTION_TEXT, AT(by), "\"test_accuracy\"", 0, 0, NULL,
     "the metric of `truth` that the others are held against"},
    {0},
};
#undef AT
static const nas_kind kind = {"ranking", "", NULL, offsetof(ranking, root), options};

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static nas_status open_data(ranking *r)
{
    nas_data_config *config = calloc(1, sizeof *config);
    if (!config)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    nas_status status = nas_data_config_fill(nas_value_member(&r->root, "data"), config);
    if (status == NAS_OK)
        status = nas_data_open(config, (uint64_t)r->seed, &r->data);
    free(config);
    return status;
}

static nas_status open_domain(ranking *r)
{
    static const char *const also[] = {"type", NULL};
    const nas_value *group = nas_value_member(&r->root, "space");
    const nas_space *space;
    NAS_TRY(nas_space_get(type_of(group), &space));
    return nas_domain_open(space, group, also, nas_data_shape(r->data), nas_data_classes(r->data),
                           &r->domain);
}

static nas_status open_eval(ranking *r, const char *name, nas_eval **eval)
{
    const nas_eval_setting setting = {.group = nas_value_member(&r->root, name),
                                      .device = r->device,
                                      .data = r->data,
                                      .domain = r->domain,
                                      .train = r->train,
                                      .seed = (uint64_t)r->seed};
    if (!setting.group)
        NAS_FAIL(NAS_CONFIG, "%s = { type = \"…\"; … }; is missing", name);
    return nas_eval_create(&setting, eval);
}

nas_status open_ranking(const char *path, const char *folder, const char *device, ranking *r)
{
    static const char *const also[] = {"space", "data", "evaluate", "truth", NULL};
    NAS_TRY(read_config_file(path, &r->root));
    NAS_TRY(nas_options_fill(&kind, &r->root, also, r));
    if (folder && chdir(folder))
        NAS_FAIL(NAS_FAILED, "%s: %s", folder, strerror(errno));
    NAS_TRY(open_data(r));
    NAS_TRY(open_domain(r));
    r->train = calloc(1, sizeof *r->train);
    if (!r->train)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    NAS_TRY(nas_train_config_fill(NULL, r->train));
    NAS_TRY(nas_device_open(device, NULL, &r->device));
    NAS_TRY(open_eval(r, "truth", &r->truth));
    NAS_TRY(open_eval(r, "evaluate", &r->evaluate));
    const char *const *name = nas_eval_kind(r->evaluate)->metrics;
    for (; *name && r->column_count < COLUMNS_MAX; name++)
        r->columns[r->column_count++] = *name;
    return NAS_OK;
}

void close_ranking(ranking *r)
{
    nas_eval_destroy(r->evaluate);
    nas_eval_destroy(r->truth);
    nas_device_destroy(r->device);
    nas_domain_close(r->domain);
    nas_data_destroy(r->data);
    nas_value_clear(&r->root);
    free(r->train);
}

/* ---- the sample ------------------------------------------------------------------------------------------------------ */

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

/* Every canonical, valid row; `rows` has room for SPACE_MAX. */
static nas_status list_rows(const nas_domain *domain, nas_arch *rows, uint32_t *count)
{
    nas_arch row = {.count = (uint16_t)domain->count};
    *count = 0;
    do {
        nas_arch canonical = row;
        nas_domain_canonical(domain, &canonical);
        if (!nas_arch_equal(&canonical, &row) || nas_domain_valid(domain, &row) != NAS_OK)
            continue;
        if (*count == SPACE_MAX)
            NAS_FAIL(NAS_CONFIG, "the space has more than %d architectures", SPACE_MAX);
        rows[(*count)++] = row;
    } while (count_up(domain, &row));
    return NAS_OK;
}

nas_status draw_archs(const ranking *r, int count, nas_arch **archs, int *drawn)
{
    uint32_t all = 0;
    nas_status status = NAS_OK;
    if (row_count(r->domain) > ROWS_MAX)
        NAS_FAIL(NAS_CONFIG, "the space has %.0f rows; one of %d or fewer can be sampled",
                 row_count(r->domain), ROWS_MAX);
    nas_arch *rows = malloc(SPACE_MAX * sizeof *rows);
    uint32_t *order = malloc(SPACE_MAX * sizeof *order);
    nas_arch *some = malloc((size_t)count * sizeof *some);
    if (!rows || !order || !some)
        NAS_TRY_DONE(nas_error_set(NAS_MEMORY, __FILE__, __LINE__,
                                   "no memory to draw %d architectures", count));
    NAS_TRY_DONE(list_rows(r->domain, rows, &all));
    for (uint32_t i = 0; i < all; i++)
        order[i] = i;
    nas_random random = nas_random_make((uint64_t)r->seed, NAS_STREAM_SHUFFLE, 0, 0, 0);
    nas_random_shuffle(&random, order, all);
    *drawn = count < (int)all ? count : (int)all;
    for (int i = 0; i < *drawn; i++)
        some[i] = rows[order[i]];
done:
    free(rows);
    free(order);
    if (status == NAS_OK)
        *archs = some;
    else
        free(some);
    return status;
}

/* ---- rank correlation --------------------------------------------------------------------------------------------------- */

typedef struct item {
    double value;
    int at;
} item;

static int by_value(const void *left, const void *right)
{
    const item *a = left, *b = right;
    return a->value < b->value ? -1 : a->value > b->value;
}

static nas_status rank(const double *values, int count, double *ranks)
{
    item *items = malloc((size_t)count * sizeof *items);
    if (!items)
        NAS_FAIL(NAS_MEMORY, "no memory to rank %d numbers", count);
    for (int i = 0; i < count; i++)
        items[i] = (item){isnan(values[i]) ? -INFINITY : values[i], i};
    qsort(items, (size_t)count, sizeof *items, by_value);
    for (int i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && items[next].value == items[i].value;)
            next++;
        for (int k = i; k < next; k++)
            ranks[items[k].at] = (i + next - 1) / 2.0;
    }
    free(items);
    return NAS_OK;
}

nas_status spearman(const double *a, const double *b, int count, double *correlation)
{
    double *ranks = malloc(2 * (size_t)count * sizeof *ranks);
    if (!ranks)
        NAS_FAIL(NAS_MEMORY, "no memory to rank %d numbers", count);
    nas_status status = rank(a, count, ranks);
    if (status == NAS_OK)
        status = rank(b, count, ranks + count);
    double middle = (count - 1) / 2.0, aa = 0, bb = 0, ab = 0;
    for (int i = 0; status == NAS_OK && i < count; i++) {
        double x = ranks[i] - middle, y = ranks[count + i] - middle;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    *correlation = ab / sqrt(aa * bb);
    free(ranks);
    return status;
}
