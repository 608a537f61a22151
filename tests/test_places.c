/* test_places.c - which device and driver each entry of devices = ( … ) gets.
 *
 * Vendors' folders are made here: PoCL under two names (like devices of two drivers), a driver that aborts as it is
 * loaded, one that is no library, and rusticl's llvmpipe where the system has it (an unlike device).  The program is its own prober,
 * as tests of sessions are their own workers. */
#include "session_runs.h"
#include "vendors.h"

#include "session/places.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static char top[PATH_MAX];
static bool has_pocl;

static const char *folder(const char *name)
{
    static char paths[4][PATH_MAX + 64];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", top, name);
    return path;
}

static void use_folder(const char *name)
{
    setenv("OCL_ICD_VENDORS", folder(name), 1);
}

static nas__places find(const char *devices)
{
    const char *override = devices;
    nas__places places;
    nas_config *config = parse_config(&override, 1);
    nas_search_options options = {.program = "/proc/self/exe"};
    nas_test_ok(nas__places_find(config, &options, &places));
    nas_config_clear(config);
    free(config);
    return places;
}

/* ---- drivers -------------------------------------------------------------------------------------- */

static void test_drivers_are_files_of_a_folder(void **state)
{
    nas_drivers drivers;
    (void)state;
    vendors_write(folder("names"), "zebra.icd", "libz.so\n");
    vendors_write(folder("names"), "ape.icd", "liba.so\n");
    vendors_write(folder("names"), "ape.icd.old", "liba.so\n");
    vendors_write(folder("names"), ".icd", "libhidden.so\n");
    use_folder("names");
    nas_drivers_find(&drivers);
    assert_int_equal(drivers.count, 2);
    assert_string_equal(drivers.name[0], "ape.icd");
    assert_string_equal(drivers.name[1], "zebra.icd");
    assert_string_equal(nas_driver_alone(), "");
    use_folder("nowhere");
    nas_drivers_find(&drivers);
    assert_int_equal(drivers.count, 0);
}

static void test_a_process_takes_one(void **state)
{
    nas_drivers drivers;
    (void)state;
    use_folder("names");
    nas_test_ok(nas_driver_use(""));
    nas_test_ok(nas_driver_use(NULL));
    nas_test_fails(nas_driver_use("cow.icd"), NAS_NO_DEVICE, "ape.icd, zebra.icd");
    nas_test_fails(nas_driver_use("../names/ape.icd"), NAS_CONFIG, "no driver");
    nas_test_fails(nas_driver_use("ape"), NAS_CONFIG, "no driver");
    nas_test_ok(nas_driver_use("ape.icd"));
    assert_string_equal(getenv("OCL_ICD_VENDORS"), folder("names/ape.icd"));
    assert_string_equal(nas_driver_alone(), "ape.icd");
    nas_drivers_find(&drivers);
    assert_int_equal(drivers.count, 0);
    nas_test_ok(nas_driver_use("ape.icd"));
    nas_test_fails(nas_driver_use("zebra.icd"), NAS_NO_DEVICE, "lets no other be seen");
}

/* ---- places --------------------------------------------------------------------------------------- */

static void expect_place(const nas__place *place, const char *driver, const char *match)
{
    assert_string_equal(place->missing, "");
    assert_true(place->known);
    assert_string_equal(place->wish.driver, driver);
    assert_string_equal(place->wish.match, match);
}

static void test_like_devices_of_two_drivers(void **state)
{
    (void)state;
    if (!has_pocl)
        skip();
    use_folder("two");
    nas__places places = find("devices=({name=\"x\";},{name=\"y\";driver=\"b.icd\";},"
                              "{name=\"z\";match=\"1:0\";})");
    assert_int_equal(places.count, 3);
    expect_place(&places.item[0], "a.icd", "0:0");
    expect_place(&places.item[1], "b.icd", "0:0");
    assert_true(places.item[2].known && places.item[2].wish.driver[0]);
    assert_false(places.unlike);
    nas_test_ok(nas__places_check(&places));
    nas__places_clear(&places);
}

static void test_a_driver_that_crashes_is_left_out(void **state)
{
    const char *crash = getenv("NAS_CRASH_ICD");
    (void)state;
    if (!has_pocl || !crash)
        skip();
    vendors_copy(folder("crash"), "b.icd", "pocl.icd");
    vendors_write(folder("crash"), "a.icd", crash);
    vendors_write(folder("crash"), "c.icd", "libno-such-library.so\n");
    use_folder("crash");
    nas__places places = find("devices=({name=\"x\";match=\"type:cpu\";})");
    expect_place(&places.item[0], "b.icd", "0:0");
    nas__places_clear(&places);
    /* All at once crash as well, so platforms count by drivers. */
    places = find("devices=({name=\"x\";match=\"0:0\";})");
    expect_place(&places.item[0], "b.icd", "0:0");
    nas__places_clear(&places);
}

static void test_missing_ones(void **state)
{
    (void)state;
    if (!has_pocl)
        skip();
    use_folder("two");
    nas__places places = find("devices=({name=\"gone\";match=\"no such\";optional=true;},"
                              "{name=\"here\";match=\"type:cpu\";})");
    assert_non_null(strstr(places.item[0].missing, "no such"));
    expect_place(&places.item[1], "a.icd", "0:0");
    nas_test_ok(nas__places_check(&places));
    nas__places_clear(&places);
    places = find("devices=({name=\"gone\";match=\"no such\";},{name=\"here\";})");
    nas_test_fails(nas__places_check(&places), NAS_NO_DEVICE, "\"gone\"");
    nas__places_clear(&places);
    places = find("devices=({match=\"no such\";optional=true;},{driver=\"c.icd\";optional=true;})");
    nas_test_fails(nas__places_check(&places), NAS_NO_DEVICE, "none of the devices");
    nas__places_clear(&places);
}

static void test_nobody_is_asked_for_nothing(void **state)
{
    (void)state;
    if (!has_pocl)
        skip();
    vendors_copy(folder("one"), "a.icd", "pocl.icd");
    use_folder("one");
    nas__places places = find("devices=({match=\"no such\";})");
    assert_false(places.item[0].known); /* its worker will tell */
    assert_string_equal(places.item[0].missing, "");
    nas__places_clear(&places);
    use_folder("two");
    places = find("devices=({driver=\"b.icd\";})");
    assert_false(places.item[0].known);
    nas__places_clear(&places);
}

static void test_unlike_devices(void **state)
{
    (void)state;
    if (!has_pocl || !vendors_copy(folder("unlike"), "b.icd", "rusticl.icd"))
        skip();
    vendors_copy(folder("unlike"), "a.icd", "pocl.icd");
    setenv("RUSTICL_ENABLE", "llvmpipe", 1);
    use_folder("unlike");
    nas__places places = find("devices=({name=\"x\";match=\"any\";driver=\"a.icd\";},"
                              "{name=\"y\";match=\"llvmpipe\";optional=true;})");
    unsetenv("RUSTICL_ENABLE");
    bool there = places.item[1].known;
    if (there) {
        expect_place(&places.item[1], "b.icd", "0:0");
        assert_true(places.unlike);
    }
    nas__places_clear(&places);
    if (!there)
        skip();
}

static int make_folders(void **state)
{
    if (make_session_folder(state) != 0 || !realpath(path_of("."), top))
        return 1;
    has_pocl = vendors_copy(folder("two"), "a.icd", "pocl.icd") &&
               vendors_copy(folder("two"), "b.icd", "pocl.icd");
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drivers_are_files_of_a_folder),
        cmocka_unit_test(test_a_process_takes_one),
        cmocka_unit_test(test_like_devices_of_two_drivers),
        cmocka_unit_test(test_a_driver_that_crashes_is_left_out),
        cmocka_unit_test(test_missing_ones),
        cmocka_unit_test(test_nobody_is_asked_for_nothing),
        cmocka_unit_test(test_unlike_devices),
    };
    be_a_worker(argc, argv);
    return cmocka_run_group_tests(tests, make_folders, remove_session_folder);
}
