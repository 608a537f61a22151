/* nas_test_open.h - data sets and domains from a few words. */
#ifndef NAS_TEST_OPEN_H
#define NAS_TEST_OPEN_H

#include "nas_test.h"

#include <clnas/data.h>
#include <clnas/space.h>

/* "{ type = … }" */
static inline nas_data *nas_test_data(const char *text, uint64_t seed)
{
    nas_value group = {0};
    nas_data *data = NULL;
    nas_test_ok(nas_value_parse(text, "test", 1, &group));
    nas_test_ok(nas_data_open_group(&group, seed, &data));
    nas_value_clear(&group);
    return data;
}

static inline nas_domain *nas_test_domain(const char *space, const char *options, nas_shape input,
                                          int classes)
{
    const nas_space *found;
    nas_value group = {0};
    nas_domain *domain = NULL;
    nas_test_ok(nas_space_get(space, &found));
    nas_test_ok(nas_value_parse(options, "test", 1, &group));
    nas_test_ok(nas_domain_open(found, &group, NULL, input, classes, &domain));
    nas_value_clear(&group);
    return domain;
}

#endif
