/* cells.h - what tests of cell spaces ask of an architecture, and how they count. */
#ifndef CELLS_H
#define CELLS_H

#include "space_walk.h"

static const nas_shape cifar = {3, 32, 32};

static inline uint64_t parameters_of(const nas_domain *domain, const char *text)
{
    nas_arch arch;
    nas_cost cost;
    nas_test_ok(nas_domain_read(domain, text, &arch));
    nas_test_ok(nas_domain_cost(domain, &arch, &cost));
    return cost.parameters;
}

static inline void assert_describes(const nas_domain *domain, const char *arch_text,
                                    const char *wanted)
{
    nas_arch arch;
    nas_text text = {0};
    nas_test_ok(nas_domain_read(domain, arch_text, &arch));
    nas_domain_describe(domain, &arch, &text);
    assert_string_equal(text.data, wanted);
    nas_text_clear(&text);
}

static inline int compare_numbers(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts `list` and returns how many different numbers are in it. */
static inline int count_distinct(uint64_t *list, int count)
{
    int distinct = 0;
    qsort(list, (size_t)count, sizeof *list, compare_numbers);
    for (int i = 0; i < count; i++)
        distinct += i == 0 || list[i] != list[i - 1];
    return distinct;
}

#endif
