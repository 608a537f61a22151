/* train_config.h - recipes from a few words, for tests of training. */
#ifndef TRAIN_CONFIG_H
#define TRAIN_CONFIG_H

#include "nas_test.h"

#include <clnas/train.h>

#include <math.h>
#include <stdlib.h>

static inline nas_status fill_config(nas_train_config *config, const char *text)
{
    nas_value group = {0};
    nas_test_ok(nas_value_parse(text, "test.cfg", 3, &group));
    nas_status status = nas_train_config_fill(&group, config);
    nas_value_clear(&group);
    return status;
}

static inline int open_device(void **state)
{
    return nas_device_open("any", NULL, (nas_device **)state) == NAS_OK ? 0 : -1;
}

static inline int close_device(void **state)
{
    nas_device_destroy(*state);
    return 0;
}

static inline void close_to(double given, double wanted, double tolerance)
{
    if (!(fabs(given - wanted) <= tolerance * (1 + fabs(wanted))))
        fail_msg("%.9g instead of %.9g", given, wanted);
}

#endif
