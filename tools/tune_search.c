/* tune_search.c - the process that measures.
 *
 * Calls whose kernels one row decides about make a job.  First all jobs try their first candidate, then all their second, so
 * that whenever the time is over, what matters most has been tried.  Then winners that set different things are tried together, and what
 * is left is measured once more at length: the best of many noisy figures is not the best.  A row must be 3 % faster than the default.
 *
 * Every candidate is written to the journal before it runs.  Who finds one there that was begun and never ended leaves it out. */
#include "tune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROWS_MOST = 64, CASES_MOST = 2, ROUNDS = 5, ROUNDS_AGAIN = 15 };
#define MARGIN 1.03
#define MACS_MOST 3e8   /* of a case: the plain kernel must get through it, too */
#define FLOATS_MOST 4e6 /* of its larger tensor */
#define CONFIRM_SHARE 0.2

typedef struct search {
    const tune_options *options;
    nas_device *device;
    tune_shapes shapes;
    tune_case *cases; /* one per shape, made when it is wanted */
    tune_job *jobs;
    int (*shape_of)[CASES_MOST]; /* of each job's cases */
    int job_count, done;
    tune_journal journal;
} search;

/* ---- jobs --------------------------------------------------------------------------------------------------- */

/* Fewer samples where a call is large. */
static int batch_of(const tune_shape *shape, double macs, uint64_t floats)
{
    int batch = shape->batch;
    while (batch > 16 && (batch * macs > MACS_MOST || batch * (double)floats > FLOATS_MOST))
        batch = (batch / 2 + 15) / 16 * 16;
    return batch;
}

static nas_status case_of(search *s, int shape, tune_case **c)
{
    const tune_shape *from = &s->shapes.list[shape];
    *c = &s->cases[shape];
    if ((*c)->device)
        return NAS_OK;
    nas_shape out;
    nas_cost cost;
    NAS_TRY(from->op->infer(from->options, &from->in, 1, &out));
    from->op->cost(from->options, &from->in, 1, out, &cost);
    const uint64_t ins = nas_shape_count(from->in), outs = nas_shape_count(out);
    const int batch = batch_of(from, (double)cost.macs, ins > outs ? ins : outs);
    return tune_case_make(s->device, from->op, from->options, from->in, batch, *c);
}

/* The job of this key, a new one with the shape's candidates if need be. */
static nas_status job_of(search *s, const nas_op_call *call, const nas_op *op, nas_op_pass pass,
                         tune_job **job)
{
    nas_tuning_row *rows = calloc(ROWS_MOST, sizeof *rows);
    if (!rows)
        NAS_FAIL(NAS_MEMORY, "out of memory for candidates");
    int count = op->candidates(call, pass, s->options->inexact, rows, ROWS_MOST);
    for (int i = 0; i < s->job_count && count > 1; i++)
        if (strcmp(s->jobs[i].rows[0].key, rows[0].key) == 0) {
            *job = &s->jobs[i];
            free(rows);
            return NAS_OK;
        }
    if (count < 2) {
        free(rows);
        *job = NULL;
        return NAS_OK;
    }
    *job = &s->jobs[s->job_count++];
    **job = (tune_job){.pass = pass, .rows = rows, .row_count = count};
    return NAS_OK;
}

/* Keeps the heaviest shapes of a job. */
static void add_case(search *s, tune_job *job, int shape, double weight)
{
    int *list = s->shape_of[job - s->jobs], at = job->case_count;
    if (at == CASES_MOST) {
        at = job->counts[0] < job->counts[CASES_MOST - 1] ? 0 : CASES_MOST - 1;
        if (job->counts[at] >= weight)
            return;
    } else {
        job->case_count++;
    }
    list[at] = shape;
    job->counts[at] = weight;
}

static nas_status add_shape(search *s, int shape)
{
    const tune_shape *from = &s->shapes.list[shape];
    nas_op_call call = {.device = s->device,
                        .options = from->options,
                        .n = nas_batch_padded(from->batch),
                        .real = from->batch,
                        .training = true,
                        .input_count = 1};
    nas_cost cost;
    call.in_shape[0] = from->in;
    NAS_TRY(from->op->infer(from->options, call.in_shape, 1, &call.out_shape));
    from->op->cost(from->options, call.in_shape, 1, call.out_shape, &cost);
    for (int pass = 0; pass < NAS_OP_PASSES; pass++) {
        tune_job *job = NULL;
        NAS_TRY(job_of(s, &call, from->op, (nas_op_pass)pass, &job));
        const double bytes = (double)(nas_shape_count(from->in) + nas_shape_count(call.out_shape));
        const double weight = from->count * from->batch * ((double)cost.macs + 20 * bytes);
        if (!job)
            continue;
        job->macs += weight;
        add_case(s, job, shape, weight);
    }
    return NAS_OK;
}

/* Heavier jobs come first: an array of their numbers. */
static void sort_jobs(const search *s, int *order)
{
    for (int i = 0; i < s->job_count; i++) {
        int at = i;
        for (; at > 0 && s->jobs[order[at - 1]].macs < s->jobs[i].macs; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static nas_status make_jobs(search *s)
{
    NAS_TRY(tune_shapes_read(s->device, s->options, &s->shapes));
    const size_t shapes = (size_t)s->shapes.count + 1;
    s->cases = calloc(shapes, sizeof *s->cases);
    s->jobs = calloc(NAS_OP_PASSES * shapes, sizeof *s->jobs);
    s->shape_of = calloc(NAS_OP_PASSES * shapes, sizeof *s->shape_of);
    if (!s->cases || !s->jobs || !s->shape_of)
        NAS_FAIL(NAS_MEMORY, "out of memory for jobs");
    for (int i = 0; i < s->shapes.count; i++)
        NAS_TRY(add_shape(s, i));
    if (s->job_count == 0)
        NAS_FAIL(NAS_CONFIG, "there is nothing to tune: no convolution that has candidates here");
    return NAS_OK;
}

/* Tensors of a job, when its turn comes.  Weights become runs of a case per run at that many samples. */
static nas_status open_job(search *s, tune_job *job)
{
    for (int i = 0; i < job->case_count; i++) {
        if (job->cases[i])
            continue;
        const int shape = s->shape_of[job - s->jobs][i];
        NAS_TRY(case_of(s, shape, &job->cases[i]));
        job->counts[i] = s->shapes.list[shape].count * s->shapes.list[shape].batch /
                         (double)job->cases[i]->call.real;
    }
    return NAS_OK;
}

/* ---- one candidate --------------------------------------------------------------------------------------------- */

/* For tests: CLNAS_TUNE_FAULT=crash:3 lets the third candidate that is begun end its process; hang, wrong and build likewise. */
static nas_status fault(const search *s)
{
    const char *text = getenv("CLNAS_TUNE_FAULT");
    char what[16];
    int nth;
    if (!text || sscanf(text, "%15[a-z]:%d", what, &nth) != 2 || nth != s->journal.count)
        return NAS_OK;
    if (strcmp(what, "crash") == 0)
        abort();
    while (strcmp(what, "hang") == 0)
        pause();
    if (strcmp(what, "build") == 0)
        NAS_FAIL(NAS_DEVICE, "cl/conv2d.cl does not build (a test asked for it)");
    NAS_FAIL(NAS_FAILED, "its results differ from the plain kernel's (a test asked for it)");
}

/* Measured here, in an earlier process, or failed: `*gain` 0. */
static nas_status try_row(search *s, tune_job *job, nas_tuning_row *row, bool again, double *gain)
{
    *gain = 0;
    row->gain = 0;
    const tune_try *known = tune_journal_find(&s->journal, row, again);
    const tune_try *first = again ? tune_journal_find(&s->journal, row, false) : known;
    if (first && first->state == TUNE_FAILED)
        return NAS_OK;
    if (known) {
        *gain = known->state == TUNE_MEASURED ? known->row.gain : 0;
        return NAS_OK;
    }
    NAS_TRY(open_job(s, job));
    NAS_TRY(tune_journal_begin(&s->journal, row, again));
    nas_status status = again ? NAS_OK : fault(s);
    if (status == NAS_OK)
        status = tune_measure(job, row, again ? ROUNDS_AGAIN : ROUNDS, gain);
    if (status == NAS_MEMORY)
        return status;
    row->gain = *gain;
    return tune_journal_end(&s->journal, row, again, status == NAS_OK ? NULL : nas_error_message());
}

static bool is_over(const search *s, double reserve)
{
    return s->options->until > 0 && nas_now_s() + reserve > s->options->until;
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static nas_status try_all(search *s, const int *order)
{
    const double reserve = CONFIRM_SHARE * s->options->seconds;
    int planned = 0, most = 0;
    for (int i = 0; i < s->job_count; i++) {
        planned += s->jobs[i].row_count - 1;
        most = s->jobs[i].row_count > most ? s->jobs[i].row_count : most;
    }
    NAS_TRY(tune_journal_plan(&s->journal, planned));
    for (int nth = 1; nth < most; nth++)
        for (int i = 0; i < s->job_count; i++) {
            tune_job *job = &s->jobs[order[i]];
            double gain;
            if (nth >= job->row_count)
                continue;
            if (is_over(s, reserve) && s->journal.count > 0)
                return NAS_OK;
            NAS_TRY(try_row(s, job, &job->rows[nth], false, &gain));
            job->rows[nth].gain = gain;
        }
    return NAS_OK;
}

/* Both rows' values, where they set different things; false: they do not. */
static bool join(const nas_tuning_row *a, const nas_tuning_row *b, nas_tuning_row *both)
{
    *both = *a;
    for (int i = 0; i < b->count; i++) {
        if (nas_tuning_value_of(a, b->values[i].name, -1) >= 0 || both->count == NAS_TUNING_VALUES)
            return false;
        both->values[both->count++] = b->values[i];
    }
    return true;
}

static nas_tuning_row *best_of(tune_job *job, bool inexact, const nas_tuning_row *beside)
{
    nas_tuning_row *best = NULL, both;
    for (int i = 1; i < job->row_count; i++) {
        nas_tuning_row *row = &job->rows[i];
        if (row->inexact == inexact && row->gain >= MARGIN && (!best || row->gain > best->gain) &&
            (!beside || join(beside, row, &both)))
            best = row;
    }
    return best;
}

/* The job's rows of a class, measured at length; `*found` tells whether there is one to keep. */
static nas_status decide(search *s, tune_job *job, bool inexact, double least, nas_tuning_row *keep,
                         bool *found)
{
    const nas_tuning_row *best = best_of(job, inexact, NULL);
    double gain, joined;
    *found = false;
    if (!best)
        return NAS_OK;
    nas_tuning_row row = *best, both;
    const nas_tuning_row *other = inexact ? NULL : best_of(job, false, best);
    if (other && !is_over(s, 0) && join(best, other, &both)) {
        NAS_TRY(try_row(s, job, &both, false, &joined));
        if (joined > best->gain)
            row = both;
    }
    NAS_TRY(try_row(s, job, &row, true, &gain));
    *found = gain >= least;
    *keep = row;
    keep->gain = gain;
    return NAS_OK;
}

static nas_status decide_all(search *s, const int *order, nas_tuning *table)
{
    for (int i = 0; i < s->job_count; i++) {
        tune_job *job = &s->jobs[order[i]];
        nas_tuning_row row;
        double least = MARGIN;
        bool found;
        NAS_TRY(decide(s, job, false, least, &row, &found));
        if (found) {
            NAS_TRY(nas_tuning_set(table, &row));
            least *= row.gain; /* an inexact row must be better than that */
        }
        if (s->options->inexact) {
            NAS_TRY(decide(s, job, true, least, &row, &found));
            if (found)
                NAS_TRY(nas_tuning_set(table, &row));
        }
    }
    return NAS_OK;
}

/* Rows of the file that this run says nothing about stay. */
static nas_status begin_table(const search *s, nas_tuning *table)
{
    nas_tuning old = {0};
    nas_tuning_state state;
    nas_status status = NAS_OK;
    if (s->options->fresh)
        return NAS_OK;
    NAS_TRY(nas_tuning_load(nas_device_describe(s->device), &old, &state, NULL));
    for (int i = 0; i < old.count && status == NAS_OK; i++) {
        bool tried = false;
        for (int j = 0; j < s->journal.count; j++)
            tried |= strcmp(s->journal.tries[j].row.key, old.rows[i].key) == 0 &&
                     (s->options->inexact || !old.rows[i].inexact);
        if (!tried)
            status = nas_tuning_set(table, &old.rows[i]);
    }
    nas_tuning_clear(&old);
    return status;
}

static nas_status measure_all(search *s)
{
    nas_tuning table = {0};
    nas_status status = NAS_OK;
    time_t now = time(NULL);
    struct tm day;
    int *order = calloc((size_t)s->job_count, sizeof *order);
    if (!order)
        NAS_FAIL(NAS_MEMORY, "out of memory for jobs");
    sort_jobs(s, order);
    NAS_TRY_DONE(try_all(s, order));
    NAS_TRY_DONE(begin_table(s, &table));
    NAS_TRY_DONE(decide_all(s, order, &table));
    gmtime_r(&now, &day);
    strftime(table.date, sizeof table.date, "%Y-%m-%d", &day);
    status = nas_tuning_save(&table, nas_device_describe(s->device));
done:
    nas_tuning_clear(&table);
    free(order);
    return status;
}

nas_status tune_search(const tune_options *options)
{
    search s = {.options = options};
    nas_status status = NAS_OK;
    const nas_device_options device = {.untuned = true};
    NAS_TRY(tune_journal_read(options->journal, &s.journal));
    NAS_TRY_DONE(nas_device_open(options->device, &device, &s.device));
    NAS_TRY_DONE(make_jobs(&s));
    status = measure_all(&s);
done:
    for (int i = 0; i < s.job_count; i++)
        tune_job_clear(&s.jobs[i]);
    for (int i = 0; i < s.shapes.count && s.cases; i++)
        tune_case_clear(&s.cases[i]);
    free(s.cases);
    free(s.jobs);
    free(s.shape_of);
    tune_shapes_clear(&s.shapes);
    nas_device_destroy(s.device);
    tune_journal_clear(&s.journal);
    return status;
}
