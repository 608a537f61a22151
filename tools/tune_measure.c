/* tune_measure.c - is a candidate right, and how much faster is it than what an untuned device does.
 *
 * Right: its results are close to the plain kernel's, and one that promises to change no bit has all bits of the default, statistics
 * and reductions by part included.  The plain kernel is slow; where a call is large, the check takes fewer samples.
 *
 * Faster: default and candidate take turns, a few runs each, and medians are compared; so a slow spell of the machine falls on both. */
#include "tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MOST = 31 };
#define SAMPLE_SECONDS 2e-3
#define TOLERANCE 1e-4

static nas_status use(nas_device *device, const nas_tuning_row *row)
{
    nas_tuning table = {0};
    nas_status status = row->count ? nas_tuning_set(&table, row) : NAS_OK;
    if (status == NAS_OK)
        status = nas_device_set_tuning(device, &table, row->inexact);
    nas_tuning_clear(&table);
    return status;
}

/* ---- right ------------------------------------------------------------------------------------------------ */

static void forget(tune_result **result)
{
    if (*result)
        tune_result_clear(*result);
    free(*result);
    *result = NULL;
}

static nas_status result_by(tune_case *c, nas_op_pass pass, const nas_tuning_row *row,
                            tune_result **result)
{
    tune_result *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "out of memory for results");
    nas_status status = use(c->device, row);
    if (status == NAS_OK)
        status = tune_case_result(c, pass, made);
    if (status == NAS_OK)
        *result = made;
    else
        free(made);
    return status;
}

/* The default's results, which the plain kernel must agree with. */
static nas_status make_truth(tune_job *job, int i)
{
    nas_tuning_row plain;
    if (job->usual[i])
        return NAS_OK;
    forget(&job->truth[i]); /* of a try that failed half-way */
    NAS_TRY(use(job->cases[i]->device, &job->rows[0]));
    NAS_TRY(tune_plain_row(job->cases[i], job->pass, &plain));
    NAS_TRY(result_by(job->cases[i], job->pass, &plain, &job->truth[i]));
    NAS_TRY(result_by(job->cases[i], job->pass, &job->rows[0], &job->usual[i]));
    if (!(tune_difference(job->usual[i], job->truth[i]) <= TOLERANCE))
        NAS_FAIL(NAS_DEVICE,
                 "%s: even the default differs from the plain kernel: this device must not be "
                 "used; see clnas doctor",
                 job->rows[0].key);
    return NAS_OK;
}

static nas_status check(tune_job *job, const nas_tuning_row *row, int i)
{
    tune_result *own = NULL;
    NAS_TRY(make_truth(job, i));
    NAS_TRY(result_by(job->cases[i], job->pass, row, &own));
    const double off = tune_difference(own, job->truth[i]);
    const bool same = tune_same_bits(own, job->usual[i]);
    forget(&own);
    if (!(off <= TOLERANCE))
        NAS_FAIL(NAS_FAILED, "its results differ from the plain kernel's by %.2g of the largest",
                 off);
    if (!row->inexact && !same)
        NAS_FAIL(NAS_FAILED, "it promises the default's bits and has others");
    return NAS_OK;
}

/* ---- faster -------------------------------------------------------------------------------------------------- */

static nas_status run(nas_device *device, nas_tape *tape, int times, double *seconds)
{
    const double start = nas_now_s();
    for (int i = 0; i < times; i++)
        NAS_TRY(nas_tape_run(tape));
    NAS_TRY(nas_device_finish(device));
    *seconds = (nas_now_s() - start) / times;
    return NAS_OK;
}

static nas_status take_turns(nas_device *device, nas_tape *tapes[2], int rounds, double medians[2])
{
    double samples[2][ROUNDS_MOST], once;
    NAS_TRY(run(device, tapes[0], 1, &once));
    NAS_TRY(run(device, tapes[1], 1, &once));
    NAS_TRY(run(device, tapes[0], 1, &once));
    const int times = once > 0 ? (int)fmin(64, fmax(1, SAMPLE_SECONDS / once)) : 64;
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < 2; i++)
            NAS_TRY(run(device, tapes[i], times, &samples[i][r]));
    for (int i = 0; i < 2; i++) {
        bench_sort(samples[i], rounds);
        medians[i] = bench_median(samples[i], rounds);
    }
    return NAS_OK;
}

/* Records both by tables of their own.  The first recordings make room, so that the second ones share what is written to. */
static nas_status time_case(tune_case *c, nas_op_pass pass, const nas_tuning_row *const rows[2],
                            int rounds, double medians[2])
{
    nas_tape *tapes[2] = {NULL, NULL};
    nas_status status = NAS_OK;
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < 2; i++) {
            nas_tape_destroy(tapes[i]);
            tapes[i] = NULL;
            NAS_TRY_DONE(use(c->device, rows[i]));
            NAS_TRY_DONE(tune_case_record(c, pass, &tapes[i]));
        }
    status = take_turns(c->device, tapes, rounds, medians);
done:
    nas_tape_destroy(tapes[0]);
    nas_tape_destroy(tapes[1]);
    return status;
}

nas_status tune_measure(tune_job *job, const nas_tuning_row *row, int rounds, double *gain)
{
    double usual = 0, own = 0;
    const nas_tuning_row *const rows[2] = {&job->rows[0], row};
    rounds = rounds < ROUNDS_MOST ? rounds : ROUNDS_MOST;
    for (int i = 0; i < job->case_count; i++)
        NAS_TRY(check(job, row, i));
    for (int i = 0; i < job->case_count; i++) {
        double medians[2];
        NAS_TRY(time_case(job->cases[i], job->pass, rows, rounds, medians));
        usual += job->counts[i] * medians[0];
        own += job->counts[i] * medians[1];
    }
    if (!(own > 0 && usual > 0))
        NAS_FAIL(NAS_FAILED, "the clock stood still");
    *gain = usual / own;
    return NAS_OK;
}

void tune_job_clear(tune_job *job)
{
    for (int i = 0; i < 4; i++) {
        forget(&job->truth[i]);
        forget(&job->usual[i]);
    }
    free(job->rows);
    memset(job, 0, sizeof *job);
}
