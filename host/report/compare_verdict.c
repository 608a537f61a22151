/* compare_verdict.c - is one group better than another?  Asked of every pair of groups, at equal cost.
 *
 * Where every seed of the smaller group is in the other one, too, the two are held together seed by seed: the same seed has the same split
 * of the data and the same first weights, and what these do to both is no difference between them (Wilcoxon's signed ranks).
 * Else they are two samples (Mann and Whitney).  Holm's correction keeps the chance that any verdict of the whole table is
 * wrong at `level`.  "No difference found" is not "they are equal": the interval of the effect says how much could hide. */
#include "compare.h"
#include "drawing.h"
#include "statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The values of two groups, greater is better; of pairs, both in the same order. */
typedef struct match {
    double *a, *b;
    int a_count, b_count;
} match;

static double better(const nas_comparison *c, double value)
{
    return c->goal == NAS_GOAL_MAX ? value : -value;
}

static void take_all(const nas_comparison *c, const nas_compared_pair *pair, match *m)
{
    const nas__entry *x = nas__group_entries(c, pair->first);
    const nas__entry *y = nas__group_entries(c, pair->second);
    m->a_count = c->groups[pair->first].studies;
    m->b_count = c->groups[pair->second].studies;
    for (int i = 0; i < m->a_count; i++)
        m->a[i] = better(c, x[i].shown.value);
    for (int i = 0; i < m->b_count; i++)
        m->b[i] = better(c, y[i].shown.value);
}

/* Those whose seed both groups have, which are sorted by it. */
static void take_common(const nas_comparison *c, const nas_compared_pair *pair, match *m)
{
    const nas__entry *x = nas__group_entries(c, pair->first);
    const nas__entry *y = nas__group_entries(c, pair->second);
    const nas__entry *x_end = x + c->groups[pair->first].studies;
    const nas__entry *y_end = y + c->groups[pair->second].studies;
    m->a_count = 0;
    while (x < x_end && y < y_end) {
        if (x->shown.seed == y->shown.seed) {
            m->a[m->a_count] = better(c, x++->shown.value);
            m->b[m->a_count++] = better(c, y++->shown.value);
        } else if (x->shown.seed < y->shown.seed) {
            x++;
        } else {
            y++;
        }
    }
    m->b_count = m->a_count;
}

/* Differences without their last bits, so that those that are equal on paper are tied: 0.85 − 0.84 and 0.86 − 0.85. */
static void clean(const match *m, double *differences)
{
    double largest = 0;
    int exponent;
    for (int i = 0; i < m->a_count; i++)
        largest = fmax(largest, fmax(fabs(m->a[i]), fabs(m->b[i])));
    frexp(largest, &exponent);
    for (int i = 0; i < m->a_count; i++)
        differences[i] = round(ldexp(differences[i], 44 - exponent));
}

static nas_status test_pairs(const match *m, nas__test *test, nas_interval *difference)
{
    double *differences = calloc((size_t)m->a_count + 1, sizeof *differences);
    if (!differences)
        NAS_FAIL(NAS_MEMORY, "no memory for %d differences", m->a_count);
    for (int i = 0; i < m->a_count; i++)
        differences[i] = m->a[i] - m->b[i];
    *difference = nas__mean_interval(differences, m->a_count, nas__interval_level);
    clean(m, differences);
    nas_status status = nas__signed_rank(differences, m->a_count, test);
    free(differences);
    return status;
}

static nas_status test_pair(const nas_comparison *c, nas_compared_pair *pair, match *m,
                            nas__test *test)
{
    const nas_compared_group *x = &c->groups[pair->first], *y = &c->groups[pair->second];
    int smaller = x->studies < y->studies ? x->studies : y->studies;
    take_common(c, pair, m);
    pair->paired = m->a_count == smaller;
    if (pair->paired) {
        NAS_TRY(test_pairs(m, test, &pair->difference));
    } else {
        take_all(c, pair, m);
        NAS_TRY(nas__rank_sum(m->a, m->a_count, m->b, m->b_count, test));
        pair->difference =
            nas__difference_interval(m->a, m->a_count, m->b, m->b_count, nas__interval_level);
    }
    if (c->goal == NAS_GOAL_MIN)
        pair->difference =
            (nas_interval){-pair->difference.at, -pair->difference.high, -pair->difference.low};
    pair->superiority = nas__superiority(m->a, m->a_count, m->b, m->b_count, nas__interval_level);
    pair->first_count = m->a_count;
    pair->second_count = m->b_count;
    pair->test = pair->paired ? "signed rank" : "rank sum";
    pair->exact = test->exact;
    pair->p = test->p;
    pair->least = test->least;
    pair->verdict = test->favours > 0 ? NAS_VERDICT_FIRST : NAS_VERDICT_SECOND; /* if any */
    return NAS_OK;
}

/* ---- in words ------------------------------------------------------------------------------------------------------------ */

static void describe_size(const nas_compared_pair *pair, char *text, size_t size)
{
    if (pair->paired)
        snprintf(text, size, "n = %d pair%s", pair->first_count, pair->first_count == 1 ? "" : "s");
    else
        snprintf(text, size, "n = %d and %d", pair->first_count, pair->second_count);
}

/* "0.250"; "3.1e-5" where three decimals would hide what it is. */
static nas_status describe_p(double p, char text[NAS__NUMBER_SIZE])
{
    nas_text words = {0};
    if (p < 0.001)
        nas__number_digits(&words, p, 2);
    else
        nas__number_fixed(&words, p, 3, false);
    return nas__number_take(&words, text);
}

static nas_status say(const nas_comparison *c, nas_compared_pair *pair)
{
    const char *x = c->groups[pair->first].label, *y = c->groups[pair->second].label;
    bool second = pair->verdict == NAS_VERDICT_SECOND;
    char size[64], shown[NAS__NUMBER_SIZE], least[NAS__NUMBER_SIZE];
    describe_size(pair, size, sizeof size);
    NAS_TRY(describe_p(pair->adjusted, shown));
    NAS_TRY(nas__number_in(pair->least, 3, least));
    if (pair->verdict == NAS_VERDICT_TOO_FEW)
        snprintf(pair->sentence, sizeof pair->sentence,
                 "too few seeds to tell %s from %s: with %s the smallest possible p is %s%s", x, y,
                 size, least, c->pair_count > 1 ? " before the correction" : "");
    else if (pair->verdict == NAS_VERDICT_NONE)
        snprintf(pair->sentence, sizeof pair->sentence,
                 "no difference found between %s and %s (p = %s, %s)", x, y, shown, size);
    else
        snprintf(pair->sentence, sizeof pair->sentence, "%s is better than %s (p = %s, %s)",
                 second ? y : x, second ? x : y, shown, size);
    return NAS_OK;
}

static nas_status judge(const nas_comparison *c, nas_compared_pair *pair)
{
    if (!(pair->adjusted <= c->level))
        pair->verdict =
            c->pair_count * pair->least > c->level ? NAS_VERDICT_TOO_FEW : NAS_VERDICT_NONE;
    return say(c, pair);
}

static nas_status correct(nas_comparison *c)
{
    double *p = calloc(2 * (size_t)c->pair_count + 1, sizeof *p);
    if (!p)
        NAS_FAIL(NAS_MEMORY, "no memory for %d tests", c->pair_count);
    for (int i = 0; i < c->pair_count; i++)
        p[i] = c->pairs[i].p;
    nas_status status = nas__holm(p, c->pair_count, p + c->pair_count);
    for (int i = 0; i < c->pair_count; i++)
        c->pairs[i].adjusted = p[c->pair_count + i];
    free(p);
    return status;
}

nas_status nas__verdicts_make(nas_comparison *c)
{
    size_t room = (size_t)c->parts->entry_count + 1;
    int count = c->group_count * (c->group_count - 1) / 2;
    double *values = calloc(2 * room, sizeof *values);
    match m = {.a = values, .b = values ? values + room : NULL};
    nas_status status = NAS_OK;
    c->pairs = calloc((size_t)count + 1, sizeof *c->pairs);
    if (!values || !c->pairs) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for %d verdicts", count);
        goto done;
    }
    for (int first = 0; first < c->group_count; first++)
        for (int second = first + 1; second < c->group_count; second++) {
            nas__test test;
            nas_compared_pair *pair = &c->pairs[c->pair_count++];
            pair->first = first;
            pair->second = second;
            NAS_TRY_DONE(test_pair(c, pair, &m, &test));
        }
    NAS_TRY_DONE(correct(c));
    for (int i = 0; i < c->pair_count; i++)
        NAS_TRY_DONE(judge(c, &c->pairs[i]));
done:
    free(values);
    return status;
}
