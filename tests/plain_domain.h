/* plain_domain.h - domains of genes alone, and numbers that are near. */
#ifndef PLAIN_DOMAIN_H
#define PLAIN_DOMAIN_H

#include "nas_test.h"

#include <clnas/learn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define assert_near(a, b, tolerance)                                                               \
    do {                                                                                           \
        double a_ = (a), b_ = (b);                                                                 \
        if (!(fabs(a_ - b_) <= (tolerance)))                                                       \
            fail_msg("%s = %.17g, not %.17g", #a, a_, b_);                                         \
    } while (0)

/* Genes are all that these parts look at. */
static inline nas_domain *domain_of(const int *choices, const int *groups, int count)
{
    static const nas_space space = {.kind = {.name = "plain"}};
    nas_domain *domain = calloc(1, sizeof *domain);
    assert_non_null(domain);
    domain->space = &space;
    domain->count = count;
    for (int i = 0; i < count; i++) {
        domain->genes[i] = (nas_gene){.choices = choices[i], .group = groups ? groups[i] : 0};
        snprintf(domain->genes[i].name, sizeof domain->genes[i].name, "%s", i % 2 ? "b" : "a");
    }
    return domain;
}

static inline nas_arch arch_of(const char *text)
{
    nas_arch arch;
    nas_test_ok(nas_arch_parse(text, &arch));
    return arch;
}

#endif
