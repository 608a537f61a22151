/* test_device.c - the device room on whatever device CLNAS_DEVICE or "any" gives: discovery,
 * memory, launches, sums, random numbers, errors, GEMM, profile; tapes: test_tape.c. Kernels: cl/selftest.cl.
 *
 * Sizes are small so that the same file runs under Oclgrind. Without a device it is skipped (77).
 * */
#include "nas_test_buffers.h"

#include <math.h>

static nas_device *device;

#define ok nas_test_ok

static void message_has(const char *part)
{
    if (!strstr(nas_error_message(), part))
        fail_msg("the message lacks \"%s\": %s", part, nas_error_message());
}

/* Runs one launch and waits. */
static nas_status launch(const nas_launch *wanted)
{
    nas_tape *tape = NULL;
    ok(nas_tape_create(device, "test", &tape));
    nas_status status = nas_tape_add(tape, wanted);
    if (status == NAS_OK)
        status = nas_tape_run(tape);
    if (status == NAS_OK)
        status = nas_device_finish(device);
    nas_tape_destroy(tape);
    return status;
}

/* ---- discovery ----------------------------------------------------------------------------------
 * */

static void test_list(void **state)
{
    (void)state;
    nas_device_info *devices = NULL;
    int count = 0;
    ok(nas_devices_list(&devices, &count));
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        assert_true(strlen(devices[i].name) > 0);
        assert_true(devices[i].usable == (devices[i].why_not[0] == '\0'));
    }
    free(devices);
}

static nas_device_info made_up(const char *id, const char *name, const char *vendor,
                               nas_device_type type, bool usable)
{
    nas_device_info info = {.type = type, .usable = usable};
    snprintf(info.id, sizeof info.id, "%s", id);
    snprintf(info.name, sizeof info.name, "%s", name);
    snprintf(info.vendor, sizeof info.vendor, "%s", vendor);
    snprintf(info.why_not, sizeof info.why_not, "%s", usable ? "" : "its driver has no compiler");
    return info;
}

static void test_select(void **state)
{
    (void)state;
    const nas_device_info devices[] = {
        made_up("0:0", "pthread-AMD EPYC", "AuthenticAMD", NAS_DEVICE_CPU, true),
        made_up("1:0", "Radeon RX 7900", "Advanced Micro Devices, Inc.", NAS_DEVICE_GPU, true),
        made_up("1:1", "Radeon RX 6600", "Advanced Micro Devices, Inc.", NAS_DEVICE_GPU, true),
        made_up("2:0", "Arc A770", "Intel(R) Corporation", NAS_DEVICE_GPU, false),
        made_up("3:0", "FPGA board", "Xilinx", NAS_DEVICE_OTHER, true),
    };
    const struct {
        const char *match;
        int chosen; /* -1: NAS_NO_DEVICE */
        const char *says;
    } rows[] = {
        {"", 1, NULL},
        {"any", 1, NULL},
        {"0:0", 0, NULL},
        {"1:1", 1 + 1, NULL},
        {"type:cpu", 0, NULL},
        {"type:gpu", 1, NULL},
        {"type:other", 4, NULL},
        {"type:c", -1, "fits no device"},
        {"vendor:amd", 1, NULL},
        {"vendor:xilinx", 4, NULL},
        {"EPYC", 0, NULL},
        {"rx 66", 2, NULL},
        {"radeon", -1, "several devices"},
        {"2:0", -1, "cannot be used"},
        {"arc", -1, "no compiler"},
        {"9:9", -1, "1:1 Radeon RX 6600"},
        {"no such thing", -1, "fits no device"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int chosen = -1;
        nas_status status = nas_device_select(devices, 5, rows[i].match, &chosen);
        assert_int_equal(status, rows[i].chosen < 0 ? NAS_NO_DEVICE : NAS_OK);
        assert_int_equal(chosen, rows[i].chosen);
        if (rows[i].says)
            message_has(rows[i].says);
    }
    int chosen = -1;
    assert_int_equal(nas_device_select(NULL, 0, "", &chosen), NAS_NO_DEVICE);
    message_has("no OpenCL device");
}

static void test_error_names(void **state)
{
    (void)state;
    assert_string_equal(nas_opencl_error_name(-5), "CL_OUT_OF_RESOURCES");
    assert_string_equal(nas_opencl_error_name(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
    assert_string_equal(nas_opencl_error_name(-1016), "CLBlastInvalidLeadDimA");
    assert_string_equal(nas_opencl_error_name(-9999), "unknown OpenCL error");
}

/* ---- memory
 * --------------------------------------------------------------------------------------- */

static void test_buffers(void **state)
{
    (void)state;
    float values[100], back[100];
    for (int i = 0; i < 100; i++)
        values[i] = (float)i;
    nas_buffer *a = nas_test_floats(device, NULL, 100), *b = nas_test_floats(device, values, 100);
    ok(nas_buffer_read(a, 0, sizeof back, back));
    for (int i = 0; i < 100; i++)
        assert_true(back[i] == 0.0f); /* zeros at first */
    const float seven = 7;
    ok(nas_buffer_copy(b, 40, a, 80, 160));
    ok(nas_buffer_fill(a, 0, 40, &seven, sizeof seven));
    ok(nas_buffer_read(a, 0, sizeof back, back));
    for (int i = 0; i < 100; i++)
        assert_true(back[i] == (i < 10 ? 7.0f : i < 20 || i >= 60 ? 0.0f : (float)(i - 10)));
    assert_int_equal(nas_buffer_size(a), 400);
    assert_int_equal(nas_buffer_read(a, 396, 8, back), NAS_DEVICE);
    message_has("outside buffer \"floats\"");
    assert_int_equal(nas_buffer_write(a, UINT64_MAX, 8, back), NAS_DEVICE);
    assert_int_equal(nas_buffer_copy(a, 0, b, 1, 400), NAS_DEVICE);
    assert_int_equal(nas_buffer_fill(a, 2, 4, &seven, 4), NAS_DEVICE);
    nas_buffer_destroy(a);
    nas_buffer_destroy(b);
    nas_buffer_destroy(NULL);
    assert_int_equal(nas_buffer_create(device, UINT64_MAX, "huge", &a), NAS_DEVICE_MEMORY);
    message_has("huge");
}

/* ---- launches
 * ------------------------------------------------------------------------------------- */

static void test_scale_with_offsets(void **state)
{
    (void)state;
    float values[96], back[96];
    for (int i = 0; i < 96; i++)
        values[i] = (float)i - 11;
    nas_buffer *x = nas_test_floats(device, values, 96), *y = nas_test_floats(device, NULL, 96);
    const nas_argument arguments[] = {NAS_ARG_BUFFER(x, 32), NAS_ARG_BUFFER(y, 16),
                                      NAS_ARG_FLOAT(2.5f)};
    ok(launch(&(nas_launch){.source = "selftest",
                            .kernel = "selftest_scale",
                            .global = {64 / (size_t)nas_device_lanes(device)},
                            .local = {2},
                            .arguments = arguments,
                            .argument_count = 3}));
    ok(nas_buffer_read(y, 0, sizeof back, back));
    for (int i = 0; i < 96; i++)
        assert_true(back[i] == (i >= 16 && i < 80 ? 2.5f * values[i + 16] : 0.0f));
    nas_buffer_destroy(x);
    nas_buffer_destroy(y);
}

/* Whole registers may be loaded past both edges: the slack is there, and zero. */
static void test_slack(void **state)
{
    (void)state;
    float values[32], back[32];
    for (int i = 0; i < 32; i++)
        values[i] = (float)(i + 1);
    nas_buffer *x = nas_test_floats(device, values, 32), *y = nas_test_floats(device, NULL, 32);
    for (int shift = -37; shift <= 37; shift += 37) {
        const nas_argument arguments[] = {NAS_ARG_BUFFER(x, 0), NAS_ARG_BUFFER(y, 0),
                                          NAS_ARG_INT(shift)};
        ok(launch(&(nas_launch){.source = "selftest",
                                .kernel = "selftest_shift",
                                .global = {32 / (size_t)nas_device_lanes(device)},
                                .arguments = arguments,
                                .argument_count = 3}));
        ok(nas_buffer_read(y, 0, sizeof back, back));
        for (int i = 0; i < 32; i++)
            assert_true(back[i] == (i - shift >= 0 && i - shift < 32 ? values[i - shift] : 0.0f));
    }
    nas_buffer_destroy(x);
    nas_buffer_destroy(y);
}

/* Class p mod 16 in rising order, then halves: prelude.clh. */
static float canonical_sum(const float *x, int count)
{
    float a[16] = {0};
    for (int p = 0; p < count; p++)
        a[p % 16] += x[p];
    for (int half = 8; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            a[i] += a[i + half];
    return a[0];
}

static void test_canonical_sum(void **state)
{
    (void)state;
    float values[160], sums[2];
    nas_random random = nas_random_make(7, NAS_STREAM_TEST, 0, 0, 0);
    for (int i = 0; i < 160; i++)
        values[i] = (float)nas_random_normal(&random);
    values[151] = NAN; /* a padded lane may hold anything */
    nas_buffer *x = nas_test_floats(device, values, 160), *y = nas_test_floats(device, NULL, 2);
    const int counts[] = {16, 144, 151};
    for (int i = 0; i < 3; i++) {
        const nas_argument arguments[] = {NAS_ARG_BUFFER(x, 0), NAS_ARG_BUFFER(y, 0),
                                          NAS_ARG_INT(counts[i])};
        ok(launch(&(nas_launch){.source = "selftest",
                                .kernel = "selftest_sum",
                                .global = {1},
                                .arguments = arguments,
                                .argument_count = 3}));
        ok(nas_buffer_read(y, 0, sizeof sums, sums));
        assert_true(sums[0] == canonical_sum(values, counts[i]));
        assert_true(sums[1] == canonical_sum(values, counts[i] / 16 * 16));
    }
    nas_buffer_destroy(x);
    nas_buffer_destroy(y);
}

static void test_philox(void **state)
{
    (void)state;
    uint32_t words[40], expected[4], key[2];
    nas_random_key(99, NAS_STREAM_TEST, key);
    nas_buffer *buffer = nas_test_floats(device, NULL, 40);
    const nas_argument arguments[] = {NAS_ARG_BUFFER(buffer, 0), NAS_ARG_UINT(key[0]),
                                      NAS_ARG_UINT(key[1]),      NAS_ARG_UINT(5),
                                      NAS_ARG_UINT(0xffffffffu), NAS_ARG_UINT(3)};
    ok(launch(&(nas_launch){.source = "selftest",
                            .kernel = "selftest_philox",
                            .global = {10},
                            .arguments = arguments,
                            .argument_count = 6}));
    ok(nas_buffer_read(buffer, 0, sizeof words, words));
    for (uint32_t i = 0; i < 10; i++) {
        const uint32_t counter[4] = {i, 5, 0xffffffffu, 3};
        nas_philox(counter, key, expected);
        assert_memory_equal(words + 4 * i, expected, sizeof expected);
    }
    nas_buffer_destroy(buffer);
}

/* A group that the device cannot have becomes smaller; a kernel for one group size is refused. */
static void test_local_sizes(void **state)
{
    (void)state;
    size_t limit = (size_t)nas_device_describe(device)->group_items;
    size_t items = 2 * limit;
    nas_buffer *places = nas_test_floats(device, NULL, items);
    int32_t *back = calloc(items, sizeof *back);
    const nas_argument argument = NAS_ARG_BUFFER(places, 0);
    nas_launch wanted = {.source = "selftest",
                         .kernel = "selftest_local",
                         .global = {items},
                         .local = {items},
                         .arguments = &argument,
                         .argument_count = 1};
    ok(launch(&wanted));
    ok(nas_buffer_read(places, 0, items * 4, back));
    int32_t widest = 0;
    for (size_t i = 0; i < items; i++)
        widest = back[i] > widest ? back[i] : widest;
    assert_true(widest >= 1 && (size_t)widest < limit);
    wanted.local[0] = items - 1;
    assert_int_equal(launch(&wanted), NAS_DEVICE);
    message_has("not a multiple");
    wanted.kernel = "selftest_fixed_group"; /* reqd_work_group_size(2, 1, 1) */
    wanted.local[0] = 2;
    ok(launch(&wanted));
    wanted.local[0] = 1;
    assert_int_equal(launch(&wanted), NAS_DEVICE);
    message_has("groups of 2 x 1 x 1");
    free(back);
    nas_buffer_destroy(places);
}

static void test_launch_errors(void **state)
{
    (void)state;
    nas_buffer *x = nas_test_floats(device, NULL, 64);
    const nas_argument arguments[] = {NAS_ARG_BUFFER(x, 0), NAS_ARG_BUFFER(x, 0), NAS_ARG_FLOAT(1),
                                      NAS_ARG_ULONG(1), NAS_ARG_BUFFER(x, 65)};
    nas_launch good = {.source = "selftest",
                       .kernel = "selftest_scale",
                       .global = {1},
                       .arguments = arguments,
                       .argument_count = 3};
    nas_launch bad = good;
    bad.kernel = "no_such_kernel";
    assert_int_equal(launch(&bad), NAS_DEVICE);
    message_has("no_such_kernel");
    message_has("CL_INVALID_KERNEL_NAME");
    message_has(nas_device_describe(device)->name);
    bad = good;
    bad.source = "no_such_source";
    assert_int_equal(launch(&bad), NAS_DEVICE);
    message_has("cl/no_such_source.cl");
    bad = good;
    bad.argument_count = 2;
    assert_int_equal(launch(&bad), NAS_DEVICE);
    message_has("takes 5 arguments and 4 are given");
    bad = good;
    bad.arguments = arguments + 1; /* buffer, float, ulong where float is wanted … */
    bad.argument_count = 4;
    assert_int_equal(launch(&bad), NAS_DEVICE);
    bad = good;
    bad.defines = "-DSELFTEST_BROKEN=1";
    assert_int_equal(launch(&bad), NAS_DEVICE);
    message_has("cl/selftest.cl does not build");
    message_has("-DSELFTEST_BROKEN=1");
    message_has("asks for a build failure");
    const nas_build_log *log =
        nas_device_build_log_at(device, nas_device_build_log_count(device) - 1);
    assert_false(log->built);
    assert_string_equal(log->program, "selftest");
    assert_non_null(strstr(log->options, "-DSELFTEST_BROKEN=1"));
    assert_non_null(strstr(log->words, "asks for a build failure"));
    ok(launch(&good));
    nas_buffer_destroy(x);
}

/* ---- gemm, profile
 * -------------------------------------------------------------------------------- */

enum { M = 19, N = 33, K = 21, STRIDE = 40, AT = 5, ROOM = 40 * 40 };

static void test_gemm(void **state)
{
    (void)state;
    static float a[ROOM], b[ROOM], c[ROOM], back[ROOM];
    nas_random random = nas_random_make(8, NAS_STREAM_TEST, 0, 0, 0);
    for (int i = 0; i < ROOM; i++) {
        a[i] = (float)nas_random_normal(&random);
        b[i] = (float)nas_random_normal(&random);
        c[i] = (float)nas_random_normal(&random);
    }
    nas_buffer *a_buffer = nas_test_floats(device, a, ROOM),
               *b_buffer = nas_test_floats(device, b, ROOM),
               *c_buffer = nas_test_floats(device, c, ROOM);
    for (int way = 0; way < 4; way++) {
        nas_tape *tape = NULL;
        nas_gemm gemm = {M,        N,        K,  way & 1, way & 2, 0.5f,   2.0f,   a_buffer,
                         b_buffer, c_buffer, AT, AT + 1,  AT + 2,  STRIDE, STRIDE, STRIDE};
        ok(nas_buffer_write(c_buffer, 0, sizeof c, c));
        ok(nas_tape_create(device, "gemm", &tape));
        ok(nas_tape_add_gemm(tape, &gemm));
        gemm.c_stride = N - 1;
        assert_int_equal(nas_tape_add_gemm(tape, &gemm), NAS_SHAPE);
        gemm.c_stride = 100;
        assert_int_equal(nas_tape_add_gemm(tape, &gemm), NAS_SHAPE);
        message_has("outside buffer");
        ok(nas_tape_run(tape));
        ok(nas_buffer_read(c_buffer, 0, sizeof back, back));
        for (int i = 0; i < M; i++) {
            for (int j = 0; j < N; j++) {
                double sum = 0;
                for (int k = 0; k < K; k++)
                    sum += (double)a[AT + (way & 1 ? k * STRIDE + i : i * STRIDE + k)] *
                           b[AT + 1 + (way & 2 ? j * STRIDE + k : k * STRIDE + j)];
                int place = AT + 2 + i * STRIDE + j;
                double wanted = 0.5 * sum + 2.0 * c[place];
                assert_true(fabs(back[place] - wanted) < 1e-4);
                back[place] = c[place];
            }
        }
        assert_memory_equal(back, c, sizeof c); /* nothing else was written */
        nas_tape_destroy(tape);
    }
    nas_buffer_destroy(a_buffer);
    nas_buffer_destroy(b_buffer);
    nas_buffer_destroy(c_buffer);
}

static void test_profile(void **state)
{
    (void)state;
    nas_device *kept = device;
    nas_profile_row *rows = NULL;
    int count = 0;
    assert_int_equal(nas_device_profile(device, &rows, &count), NAS_CONFIG);
    ok(nas_device_open("", &(nas_device_options){.profile = true}, &device));
    nas_buffer *x = nas_test_floats(device, NULL, 64);
    const nas_argument arguments[] = {NAS_ARG_BUFFER(x, 0), NAS_ARG_BUFFER(x, 0), NAS_ARG_FLOAT(2)};
    nas_launch wanted = {.source = "selftest",
                         .kernel = "selftest_scale",
                         .global = {4},
                         .arguments = arguments,
                         .argument_count = 3,
                         .label = "doubling"};
    for (int i = 0; i < 5; i++)
        ok(launch(&wanted));
    ok(nas_device_profile(device, &rows, &count));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].label, "doubling");
    assert_int_equal(rows[0].launches, 5);
    assert_true(rows[0].seconds > 0 && rows[0].seconds < 60);
    free(rows);
    nas_device_profile_reset(device);
    ok(nas_device_profile(device, &rows, &count));
    assert_int_equal(count, 0);
    free(rows);
    nas_buffer_destroy(x);
    assert_int_equal(nas_device_live_objects(device), 0);
    nas_device_destroy(device);
    device = kept;
}

static void test_nothing_lives(void **state)
{
    (void)state;
    assert_int_equal(nas_device_live_objects(device), 0);
    nas_build_counts builds = nas_device_builds(device);
    assert_int_equal(builds.programs, builds.from_source + builds.from_cache);
}

int main(void)
{
    nas_status status = nas_device_open("", NULL, &device);
    if (status == NAS_NO_DEVICE) {
        fprintf(stderr, "skipped: %s\n", nas_error_message());
        return 77;
    }
    if (status != NAS_OK) {
        fprintf(stderr, "%s\n", nas_error_message());
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_error_names),
        cmocka_unit_test(test_buffers),
        cmocka_unit_test(test_scale_with_offsets),
        cmocka_unit_test(test_slack),
        cmocka_unit_test(test_canonical_sum),
        cmocka_unit_test(test_philox),
        cmocka_unit_test(test_local_sizes),
        cmocka_unit_test(test_launch_errors),
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_nothing_lives),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nas_device_destroy(device);
    return failed ? 1 : 0;
}
