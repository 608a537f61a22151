/* simulate_search.c - one search on a table, by the same loop as a real one: claim, score, commit, in a study in memory.
 *
 * One worker, and each proposal sees all earlier results, as the published comparisons do.  The clock is nas_clock:
 * a trial that would end after the limit is the end and does not count.
 *
 * With two objectives a search is judged by hypervolume: the area that its front dominates, up to the worst values of the
 * whole table, as a share of what the exact front dominates. */
#include "simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct progress {
    nas_clock clock;
    double best, report;
    int evaluations;
    double (*points)[2]; /* scores of the trials, with two objectives */
    int point_count;
} progress;

int number_count(const simulation *s, const run *r)
{
    return r->objectives.count > 1 ? s->at.count : 4;
}

/* ---- hypervolume ------------------------------------------------------------------------------------------------- */

static int by_first(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return a[0] > b[0] ? -1 : a[0] < b[0] ? 1 : a[1] > b[1] ? -1 : a[1] < b[1];
}

/* Area between the points and the reference; greater is better in both.  Sorts the points. */
static double hypervolume(double (*points)[2], int count, const double reference[2])
{
    double area = 0, height = reference[1];
    qsort(points, (size_t)count, sizeof *points, by_first);
    for (int i = 0; i < count; i++)
        if (points[i][1] > height && points[i][0] > reference[0]) {
            area += (points[i][0] - reference[0]) * (points[i][1] - height);
            height = points[i][1];
        }
    return area;
}

static nas_status score(const simulation *s, const nas_arch *arch, double budget, nas_trial *result)
{
    const nas_eval_call call = {.arch = arch, .budget = budget};
    nas_trial_init(result);
    return nas_eval_score(s->eval, &call, result);
}

static bool scores_of(const run *r, const nas_trial *trial, double point[2])
{
    double scores[NAS_OBJECTIVES];
    nas_objective_scores(&r->objectives, trial, scores);
    point[0] = scores[0];
    point[1] = scores[1];
    return isfinite(point[0]) && isfinite(point[1]);
}

/* Scores every row of the space; `points` grows. */
static nas_status score_all(const simulation *s, const run *r, double (**points)[2], int *count)
{
    nas_arch row = {.count = (uint16_t)s->domain->count};
    int capacity = 0;
    *count = 0;
    for (bool more = true; more;) {
        nas_arch canonical = row;
        nas_trial trial;
        nas_domain_canonical(s->domain, &canonical);
        if (nas_arch_equal(&canonical, &row)) {
            if (*count == capacity) {
                capacity = capacity ? 2 * capacity : 4096;
                void *grown = realloc(*points, (size_t)capacity * sizeof **points);
                if (!grown)
                    NAS_FAIL(NAS_MEMORY, "no memory for %d points", capacity);
                *points = grown;
            }
            NAS_TRY(score(s, &row, s->budget, &trial));
            *count += scores_of(r, &trial, (*points)[*count]);
            nas_trial_clear(&trial);
        }
        more = false;
        for (int i = 0; i < row.count && !more; i++) {
            more = ++row.genes[i] < s->domain->genes[i].choices;
            row.genes[i] = more ? row.genes[i] : 0;
        }
    }
    return NAS_OK;
}

nas_status measure_whole_front(const simulation *s, run *r)
{
    double(*points)[2] = NULL;
    int count;
    if (r->objectives.count != 2)
        NAS_FAIL(NAS_CONFIG, "run %s: one objective or two", r->name);
    nas_status status = score_all(s, r, &points, &count);
    r->reference[0] = r->reference[1] = INFINITY;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 2; k++)
            r->reference[k] = fmin(r->reference[k], points[i][k]);
    if (status == NAS_OK)
        r->whole_volume = hypervolume(points, count, r->reference);
    free(points);
    return status;
}

/* ---- one search ---------------------------------------------------------------------------------------------------- */

/* Takes in a result; false: it came after the end of the clock. */
static bool take(const simulation *s, const run *r, const nas_trial *result, progress *p)
{
    if (!nas_clock_take(&p->clock, result))
        return false;
    p->evaluations++;
    if (r->objectives.count > 1) {
        p->point_count += scores_of(r, result, p->points[p->point_count]);
        return true;
    }
    double selection = nas_objective_score(&r->objectives.item[0], result);
    if (selection > p->best) {
        p->best = selection;
        p->report = nas_trial_metric(result, s->report) * s->report_scale;
    }
    return true;
}

static nas_status work(const simulation *s, const run *r, nas_study *study, nas_search *search,
                       const nas_owner *owner, progress *p, double numbers[NUMBERS_MAX])
{
    int limit = r->objectives.count > 1 ? (int)s->at.item[s->at.count - 1] : (int)s->trials;
    int checkpoint = 0;
    for (bool more = true; more && (limit == 0 || nas_study_count(study) < limit);) {
        nas_next next;
        nas_job job;
        nas_trial result;
        bool accepted;
        NAS_TRY(nas_search_next(search, owner, "", &next, &job));
        if (next == NAS_NEXT_DONE)
            break;
        if (next == NAS_NEXT_WAIT)
            continue;
        nas_status status = score(s, &job.arch, job.budget, &result);
        more = status == NAS_OK && take(s, r, &result, p);
        if (more)
            status = nas_study_commit(study, &job.claim, &result, &accepted);
        nas_trial_clear(&result);
        NAS_TRY(status);
        while (r->objectives.count > 1 && checkpoint < s->at.count &&
               p->evaluations >= s->at.item[checkpoint])
            numbers[checkpoint++] =
                hypervolume(p->points, p->point_count, r->reference) / r->whole_volume;
    }
    while (r->objectives.count > 1 && checkpoint < s->at.count) /* the space was used up */
        numbers[checkpoint++] =
            hypervolume(p->points, p->point_count, r->reference) / r->whole_volume;
    return NAS_OK;
}

nas_status search_once(const simulation *s, const run *r, uint64_t seed,
                       double numbers[NUMBERS_MAX])
{
    static const char *const also[] = {"type", NULL};
    progress p = {.clock.limit_s = s->seconds, .best = -INFINITY, .report = NAN};
    nas_study *study = NULL;
    nas_search *search = NULL;
    nas_owner owner;
    const nas_search_setting setting = {.strategy = r->strategy,
                                        .group = r->group,
                                        .also = also,
                                        .domain = s->domain,
                                        .objectives = r->objectives,
                                        .seed = seed,
                                        .budget = s->budget,
                                        .lookahead = 1,
                                        .reuse = r->reuse};
    nas_status status = NAS_OK;
    size_t room = r->objectives.count > 1 ? (size_t)s->at.item[s->at.count - 1] : 0;
    p.points = malloc((room + 1) * sizeof *p.points);
    if (!p.points)
        NAS_FAIL(NAS_MEMORY, "no memory for %zu points", room);
    NAS_TRY_DONE(nas_owner_self(&owner));
    NAS_TRY_DONE(nas_study_create(NULL, NULL, &study));
    NAS_TRY_DONE(nas_search_create(&setting, study, &search));
    NAS_TRY_DONE(work(s, r, study, search, &owner, &p, numbers));
    if (r->objectives.count == 1) {
        const double all[] = {p.evaluations, p.clock.now_s, p.best, p.report};
        memcpy(numbers, all, sizeof all);
    }
done:
    nas_search_destroy(search);
    nas_study_close(study);
    free(p.points);
    return status;
}
