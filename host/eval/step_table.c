/* step_table.c - tables of latency: what each step of a space's networks takes on a device, and what a network takes by them.
 *
 *     # clnas latency table 1
 *     # device: 0:0 cpu-haswell
 *     # driver: Portable Computing Language, 3.1
 *     # space: 0123456789abcdef
 *     # model: batch, fixed_s, step_s, warm, cold
 *     # model: 1, 7.1e-05, 1.2e-06, 0.93, 0
 *     batch,warm_s,cold_s,macs,bytes,step
 *     1,1.83e-05,2.2e-05,112896,25088,conv2d out = 16; kernel = 3 | 1x28x28 raw | batch_norm
 *
 * A row is one step (nas_net_steps_list), measured alone: `warm` with the same buffers again and again, `cold` with other buffers each time, more of
 * them than the last cache holds.  In a network neither is quite so: a step finds what the one before it has just written, and its weights
 * where the last pass left them; launches of neighbours overlap a little; and a pass has a cost of its own, the waiting for the device.  So a
 * network's latency is
 *
 *     fixed + step · (number of steps) + warm · Σ warm_s + cold · Σ cold_s
 *
 * with four numbers that are not negative, of each batch, which whoever made the table has fitted to whole networks of the space
 * (nas_latency_fit).
 *
 * A step that the table lacks is predicted from its rows of the same operator, by seconds ≈ a + b · macs + c · bytes, fitted in the same way.
 *
 * Files are hostile: everything is checked before it is believed. */
#include <clnas/eval.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_LIMIT = 16 << 20, ROW_LIMIT = 1 << 17 };

static const char first_line[] = "# clnas latency table 1";
static const char columns[] = "batch,warm_s,cold_s,macs,bytes,step";

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

void nas_step_table_write(const nas_step_table *table, nas_text *text)
{
    nas_text_format(text, "%s\n# device: %s\n# driver: %s\n# space: %016" PRIx64 "\n", first_line,
                    table->device, table->driver, table->space);
    nas_text_add(text, "# model: batch, fixed_s, step_s, warm, cold\n");
    for (int i = 0; i < table->model_count; i++) {
        const nas_latency_model *m = &table->models[i];
        nas_text_format(text, "# model: %d, %.9g, %.9g, %.9g, %.9g\n", m->batch, m->share[0],
                        m->share[1], m->share[2], m->share[3]);
    }
    nas_text_format(text, "%s\n", columns);
    for (int i = 0; i < table->count; i++) {
        const nas_step_row *row = &table->rows[i];
        nas_text_format(text, "%d,%.9g,%.9g,%" PRIu64 ",%" PRIu64 ",%s\n", row->batch, row->warm_s,
                        row->cold_s, row->macs, row->bytes, row->step);
    }
}

nas_status nas_step_table_add(nas_step_table *table, const nas_step_row *row)
{
    if (table->count == table->capacity) {
        const int capacity = table->capacity ? 2 * table->capacity : 64;
        nas_step_row *rows = realloc(table->rows, (size_t)capacity * sizeof *rows);
        if (!rows)
            NAS_FAIL(NAS_MEMORY, "no memory for %d rows of a table of latency", capacity);
        table->rows = rows;
        table->capacity = capacity;
    }
    nas_step_row copy = *row;
    copy.step = strdup(row->step);
    if (!copy.step)
        NAS_FAIL(NAS_MEMORY, "no memory for a row of a table of latency");
    table->rows[table->count++] = copy;
    return NAS_OK;
}

void nas_step_table_clear(nas_step_table *table)
{
    if (!table)
        return;
    for (int i = 0; i < table->count; i++)
        free(table->rows[i].step);
    free(table->rows);
    *table = (nas_step_table){0};
}

static int by_step(const void *a, const void *b)
{
    const nas_step_row *left = a, *right = b;
    if (left->batch != right->batch)
        return left->batch < right->batch ? -1 : 1;
    return strcmp(left->step, right->step);
}

void nas_step_table_sort(nas_step_table *table)
{
    if (table->count > 0)
        qsort(table->rows, (size_t)table->count, sizeof *table->rows, by_step);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    const char *path;
    nas_step_table table;
    int line;
    bool titled;
} reader;

static nas_status bad(const reader *r, const char *what, const char *at)
{
    NAS_FAIL(NAS_DATA, "%s:%d: \"%.40s\": %s", r->path, r->line, at, what);
}

/* A finite number that is not negative, and `stop` behind it. */
static bool read_real(const char **at, char stop, double *value)
{
    char *behind;
    *value = nas_real_read(*at, &behind);
    if (behind == *at || *behind != stop || !isfinite(*value) || *value < 0)
        return false;
    *at = behind + (stop != '\0');
    return true;
}

static bool read_count(const char **at, char stop, uint64_t *value)
{
    char *behind;
    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    *value = strtoull(*at, &behind, 10);
    if (*behind != stop || errno)
        return false;
    *at = behind + 1;
    return true;
}

static bool read_batch(const char **at, int *batch)
{
    uint64_t value;
    if (!read_count(at, ',', &value) || value < 1 || value > NAS_MEASURE_BATCH)
        return false;
    *batch = (int)value;
    return true;
}

static nas_status read_model(reader *r, const char *text)
{
    const char *at = text;
    nas_latency_model model = {0};
    if (strcmp(text, "batch, fixed_s, step_s, warm, cold") == 0)
        return NAS_OK;
    bool good = read_batch(&at, &model.batch);
    for (int i = 0; i < NAS_LATENCY_SHARES && good; i++)
        good = read_real(&at, i + 1 < NAS_LATENCY_SHARES ? ',' : '\0', &model.share[i]);
    if (!good)
        return bad(r, "a model is a batch and four numbers that are not negative", text);
    if (r->table.model_count == NAS_LATENCY_MODELS || nas_step_table_model(&r->table, model.batch))
        return bad(r, "a second model of this batch, or one too many", text);
    r->table.models[r->table.model_count++] = model;
    return NAS_OK;
}

static nas_status read_comment(reader *r, const char *text)
{
    nas_step_table *table = &r->table;
    if (strncmp(text, "# device: ", 10) == 0)
        snprintf(table->device, sizeof table->device, "%s", text + 10);
    else if (strncmp(text, "# driver: ", 10) == 0)
        snprintf(table->driver, sizeof table->driver, "%s", text + 10);
    else if (strncmp(text, "# model: ", 9) == 0)
        return read_model(r, text + 9);
    else if (strncmp(text, "# space: ", 9) == 0 &&
             sscanf(text + 9, "%16" SCNx64, &table->space) != 1)
        return bad(r, "no hash of a space", text);
    return NAS_OK;
}

static nas_status read_entry(reader *r, const char *text)
{
    const char *at = text;
    nas_step_row row = {0};
    if (!read_batch(&at, &row.batch) || !read_real(&at, ',', &row.warm_s) ||
        !read_real(&at, ',', &row.cold_s) || !read_count(&at, ',', &row.macs) ||
        !read_count(&at, ',', &row.bytes))
        return bad(r, "a row is batch, seconds warm and cold, macs and bytes, none negative", text);
    if (!*at)
        return bad(r, "a row ends with its step", text);
    if (r->table.count == ROW_LIMIT)
        return bad(r, "too many rows", text);
    row.step = (char *)at;
    return nas_step_table_add(&r->table, &row);
}

static nas_status read_line(reader *r, const char *text)
{
    r->line++;
    if (r->line == 1 && strcmp(text, first_line) != 0)
        NAS_FAIL(NAS_DATA,
                 "%s:1: \"%.40s\" where a table of latency of this version begins with \"%s\"; "
                 "`clnas-bench latency CONFIG --output FILE` writes one",
                 r->path, text, first_line);
    if (text[0] == '#')
        return read_comment(r, text);
    if (text[0] == '\0')
        return NAS_OK;
    if (r->titled)
        return read_entry(r, text);
    if (strcmp(text, columns) != 0)
        NAS_FAIL(NAS_DATA, "%s:%d: \"%.40s\": where the columns \"%s\" must be named", r->path,
                 r->line, text, columns);
    r->titled = true;
    return NAS_OK;
}

static nas_status check_rows(const reader *r)
{
    const nas_step_table *table = &r->table;
    if (table->count == 0)
        NAS_FAIL(NAS_DATA, "%s:%d: the table ends without a row", r->path, r->line);
    for (int i = 0; i < table->count; i++) {
        if (!nas_step_table_model(table, table->rows[i].batch))
            NAS_FAIL(NAS_DATA, "%s: rows of batch %d and no line \"# model: %d, …\"", r->path,
                     table->rows[i].batch, table->rows[i].batch);
        if (i > 0 && by_step(&table->rows[i - 1], &table->rows[i]) == 0)
            NAS_FAIL(NAS_DATA, "%s: the step \"%.80s\" stands twice for batch %d", r->path,
                     table->rows[i].step, table->rows[i].batch);
    }
    return NAS_OK;
}

static nas_status read_text(reader *r, char *text, size_t size)
{
    if (memchr(text, '\0', size))
        NAS_FAIL(NAS_DATA, "%s: a NUL byte: this is no table of latency", r->path);
    for (char *at = text, *next; at; at = next) {
        next = strchr(at, '\n');
        if (next)
            *next++ = '\0';
        at[strcspn(at, "\r")] = '\0';
        if (next || *at || r->line == 0)
            NAS_TRY(read_line(r, at));
    }
    nas_step_table_sort(&r->table);
    return check_rows(r);
}

nas_status nas_step_table_read(const char *path, nas_step_table *table)
{
    void *data;
    size_t size;
    reader r = {.path = path};
    NAS_TRY(nas_file_read(path, SIZE_LIMIT, &data, &size));
    nas_hash_hex(data, size, r.table.hash);
    const nas_status status = read_text(&r, data, size);
    free(data);
    if (status == NAS_OK)
        *table = r.table;
    else
        nas_step_table_clear(&r.table);
    return status;
}

/* ---- what it says ------------------------------------------------------------------------------------------------------ */

const nas_latency_model *nas_step_table_model(const nas_step_table *table, int batch)
{
    for (int i = 0; i < table->model_count; i++)
        if (table->models[i].batch == batch)
            return &table->models[i];
    return NULL;
}

const nas_step_row *nas_step_table_find(const nas_step_table *table, int batch, const char *step)
{
    const nas_step_row wanted = {.batch = batch, .step = (char *)step};
    return table->count
               ? bsearch(&wanted, table->rows, (size_t)table->count, sizeof wanted, by_step)
               : NULL;
}

/* "conv2d": what a step's key begins with. */
static size_t operator_length(const char *step)
{
    return strcspn(step, " ");
}

static bool same_operator(const char *a, const char *b)
{
    const size_t length = operator_length(a);
    return length == operator_length(b) && strncmp(a, b, length) == 0;
}

/* Warm and cold seconds of a step that the table lacks, by its rows of the same operator; false: it has none. */
static nas_status estimate(const nas_step_table *table, int batch, const nas_net_step *step,
                           double sums[2], bool *found)
{
    double *x = malloc(((size_t)table->count + 1) * 5 * sizeof *x), *y = x + 3 * table->count;
    int rows = 0;
    nas_status status = NAS_OK;
    if (!x)
        NAS_FAIL(NAS_MEMORY, "no memory to predict a step");
    for (int i = 0; i < table->count; i++) {
        const nas_step_row *row = &table->rows[i];
        if (row->batch != batch || !same_operator(row->step, step->key))
            continue;
        x[3 * rows] = 1;
        x[3 * rows + 1] = (double)row->macs;
        x[3 * rows + 2] = (double)row->bytes;
        y[rows] = row->warm_s;
        y[table->count + rows] = row->cold_s;
        rows++;
    }
    *found = rows > 0;
    for (int k = 0; k < 2 && rows > 0; k++) {
        double share[NAS_LATENCY_SHARES];
        NAS_TRY_DONE(nas_latency_fit(x, y + (size_t)k * (size_t)table->count, rows, 3, share));
        sums[k] += share[0] + share[1] * (double)step->macs + share[2] * (double)step->bytes;
    }
done:
    free(x);
    return status;
}

nas_status nas_step_table_terms(const nas_step_table *table, const nas_net_steps *steps, int batch,
                                double terms[NAS_LATENCY_SHARES], int *known)
{
    double sums[2] = {0, 0};
    *known = 0;
    for (int i = 0; i < steps->count; i++) {
        const nas_step_row *row = nas_step_table_find(table, batch, steps->item[i].key);
        bool found = row != NULL;
        if (row) {
            sums[0] += row->warm_s;
            sums[1] += row->cold_s;
            ++*known;
        } else {
            NAS_TRY(estimate(table, batch, &steps->item[i], sums, &found));
        }
        if (!found)
            NAS_FAIL(NAS_CONFIG,
                     "the table of latency has no \"%.*s\" at batch %d, which the step \"%.120s\" "
                     "could be predicted by; `clnas-bench latency CONFIG` of this space has",
                     (int)operator_length(steps->item[i].key), steps->item[i].key, batch,
                     steps->item[i].key);
    }
    terms[0] = 1;
    terms[1] = steps->count;
    terms[2] = sums[0];
    terms[3] = sums[1];
    return NAS_OK;
}

nas_status nas_step_table_predict(const nas_step_table *table, const nas_graph *graph, int batch,
                                  nas_latency_prediction *prediction)
{
    nas_net_steps steps = {0};
    double terms[NAS_LATENCY_SHARES];
    nas_latency_prediction made = {0};
    const nas_latency_model *model = nas_step_table_model(table, batch);
    if (!model)
        NAS_FAIL(NAS_CONFIG,
                 "the table of latency was not measured at batch %d; `clnas-bench latency CONFIG "
                 "--batch %d` does",
                 batch, batch);
    NAS_TRY(nas_net_steps_list(graph, &steps));
    const nas_status status = nas_step_table_terms(table, &steps, batch, terms, &made.known);
    made.steps = steps.count;
    nas_net_steps_clear(&steps);
    NAS_TRY(status);
    for (int i = 0; i < NAS_LATENCY_SHARES; i++)
        made.seconds += model->share[i] * terms[i];
    *prediction = made;
    return NAS_OK;
}
