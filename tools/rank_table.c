/* rank_table.c - the table: a line per metric, its rank correlations with the truth; where the truth has published values of the same
 * metrics, theirs, and how alike the two rank. */
#include "rank.h"

#include <math.h>
#include <stdio.h>

typedef struct correlations {
    double tau, rho;
} correlations;

static nas_status correlate(const double *a, const double *b, int count, correlations *both)
{
    NAS_TRY(kendall(a, b, count, &both->tau));
    return spearman(a, b, count, &both->rho);
}

static int count_numbers(const double *numbers, int count)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        found += !isnan(numbers[i]);
    return found;
}

/* A cell; – when there is no such number: nothing is published, or all are equal and have no ranks. */
static void print_number(const char *format, double number)
{
    printf(" ");
    if (isnan(number))
        printf("–");
    else
        printf(format, number);
    printf(" |");
}

static void print_both(correlations both)
{
    print_number("%.3f", both.tau);
    print_number("%.3f", both.rho);
}

static nas_status print_row(const ranking *r, const scores *s, int column, bool published)
{
    const size_t at = (size_t)column * (size_t)s->count;
    const double *here = s->measured + at, *there = s->published + at;
    correlations ours, theirs, alike;
    const int found = count_numbers(here, s->count);
    if (found == 0)
        return NAS_OK;
    NAS_TRY(correlate(here, s->truth, s->count, &ours));
    NAS_TRY(correlate(there, s->truth, s->count, &theirs));
    NAS_TRY(correlate(here, there, s->count, &alike));
    printf("| %s | %d |", r->columns[column], found);
    print_both(ours);
    if (published) {
        print_both(theirs);
        print_number("%+.3f", ours.rho - theirs.rho);
        print_both(alike);
    }
    printf("\n");
    return NAS_OK;
}

nas_status print_table(const ranking *r, const scores *s)
{
    double cpu_s = 0;
    for (int i = 0; i < s->count; i++)
        cpu_s += s->cpu_s[i];
    const bool published = count_numbers(s->published, s->count * r->column_count) > 0;
    printf("Rank correlation with %s (Kendall's τ-b, Spearman's ρ), %d architectures, %.1f "
           "core-minutes on %s\n\n",
           r->by, s->count, cpu_s / 60, nas_device_describe(r->device)->name);
    printf("| metric | numbers | τ | ρ |%s\n",
           published ? " published τ | published ρ | difference of ρ | here with published: τ | ρ |"
                     : "");
    printf("|---|---|---|---|%s\n", published ? "---|---|---|---|---|" : "");
    for (int k = 0; k < r->column_count; k++)
        NAS_TRY(print_row(r, s, k, published));
    return NAS_OK;
}
