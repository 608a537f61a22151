/* nas_test_device.h - one device for all tests of a program, which must leave nothing on it:
 *
 *     cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device) */
#ifndef NAS_TEST_DEVICE_H
#define NAS_TEST_DEVICE_H

#include "nas_test.h"

#include <clnas/device.h>

static nas_device *device;

static int nas_test_open_device(void **state)
{
    (void)state;
    nas_test_ok(nas_device_open("", NULL, &device));
    return 0;
}

static int nas_test_close_device(void **state)
{
    (void)state;
    int live = nas_device_live_objects(device);
    nas_device_destroy(device);
    if (live != 0)
        print_error("%d live device objects at the end\n", live);
    return live != 0;
}

#endif
