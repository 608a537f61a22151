/* test_tape.c - tapes: what is on them runs in order, as often as it is asked for, in shares of a grid and in shards of a batch.  The rest of the
 * device room: test_device.c.  Kernels: cl/selftest.cl. */
#include "device/opencl.h"
#include "nas_test_buffers.h"
#include "nas_test_device.h"

#include <math.h>
#include <stdlib.h>

static void test_tape_fill_and_copy(void **state)
{
    (void)state;
    float back[32];
    nas_tape *tape = NULL;
    nas_buffer *x = nas_test_floats(device, NULL, 32), *y = nas_test_floats(device, NULL, 32);
    const nas_argument arguments[] = {NAS_ARG_BUFFER(x, 0), NAS_ARG_BUFFER(x, 0), NAS_ARG_FLOAT(2)};
    nas_test_ok(nas_tape_create(device, "fill and copy", &tape));
    nas_test_ok(nas_tape_add_fill(tape, x, 0, 64, 3));
    nas_test_ok(nas_tape_add(tape, &(nas_launch){.source = "selftest",
                                                 .kernel = "selftest_scale",
                                                 .global = {16 / (size_t)nas_device_lanes(device)},
                                                 .arguments = arguments,
                                                 .argument_count = 3}));
    nas_test_ok(nas_tape_add_copy(tape, x, 4, y, 64, 32));
    assert_int_equal(nas_tape_length(tape), 3);
    assert_int_equal(nas_tape_add_fill(tape, x, 0, 132, 0), NAS_DEVICE);
    assert_int_equal(nas_tape_length(tape), 3);
    for (int i = 0; i < 3; i++)
        nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_buffer_read(y, 0, sizeof back, back));
    for (int i = 0; i < 32; i++)
        assert_true(back[i] == (i >= 16 && i < 24 ? 6.0f : 0.0f));
    nas_tape_destroy(tape);
    nas_tape_destroy(NULL);
    nas_buffer_destroy(x);
    nas_buffer_destroy(y);
}

/* Guarded launches run while their guard is open, and all of them when nobody says which are. */
static void test_guards(void **state)
{
    (void)state;
    nas_buffer *x = NULL;
    nas_tape *tape = NULL;
    float back[4];
    uint32_t open[2] = {0, 0};
    nas_test_ok(nas_buffer_create(device, sizeof back, "x", &x));
    nas_test_ok(nas_tape_create(device, "guards", &tape));
    nas_test_ok(nas_tape_add_fill(tape, x, 0, 16, 1));
    nas_tape_guard(tape, 5);
    nas_test_ok(nas_tape_add_fill(tape, x, 0, 4, 2));
    nas_tape_guard(tape, 40);
    nas_test_ok(nas_tape_add_fill(tape, x, 4, 4, 3));
    nas_tape_guard(tape, 0);
    nas_test_ok(nas_tape_add_copy(tape, x, 0, x, 8, 8));
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_buffer_read(x, 0, sizeof back, back));
    assert_true(back[0] == 2 && back[1] == 3 && back[2] == 2 && back[3] == 3);
    nas_tape_guards(tape, open);
    for (int k = 0; k < 4; k++) {
        open[0] = k & 1 ? 1u << 5 : ~(1u << 5);
        open[1] = k & 2 ? 1u << 8 : ~(1u << 8);
        nas_test_ok(nas_tape_run(tape));
        nas_test_ok(nas_buffer_read(x, 0, sizeof back, back));
        assert_true(back[2] == (k & 1 ? 2.0f : 1.0f) && back[3] == (k & 2 ? 3.0f : 1.0f));
    }
    nas_tape_destroy(tape);
    nas_buffer_destroy(x);
}

/* What was flushed is waited for, too: a tape flushes, and some drivers' clFinish waits only for what came after that. */
static void test_finish_waits(void **state)
{
    (void)state;
    enum { FLOATS = 1 << 16, LAUNCHES = 64 };
    cl_event last = NULL;
    cl_int stage = CL_QUEUED;
    nas_tape *tape = NULL;
    nas_buffer *x = nas_test_floats(device, NULL, FLOATS);
    const nas_argument arguments[] = {NAS_ARG_BUFFER(x, 0), NAS_ARG_BUFFER(x, 0), NAS_ARG_FLOAT(2)};
    const nas_launch scale = {.source = "selftest",
                              .kernel = "selftest_scale",
                              .global = {FLOATS / (size_t)nas_device_lanes(device)},
                              .arguments = arguments,
                              .argument_count = 3};
    nas_test_ok(nas_tape_create(device, "finish", &tape));
    for (int i = 0; i < LAUNCHES; i++)
        nas_test_ok(nas_tape_add(tape, &scale));
    nas_test_ok(nas_tape_run(tape));
    assert_int_equal(clEnqueueMarkerWithWaitList(device->whole.queue, 0, NULL, &last), CL_SUCCESS);
    assert_int_equal(clFlush(device->whole.queue), CL_SUCCESS);
    nas_test_ok(nas_device_finish(device));
    assert_int_equal(
        clGetEventInfo(last, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof stage, &stage, NULL),
        CL_SUCCESS);
    assert_int_equal(stage, CL_COMPLETE);
    clReleaseEvent(last);
    nas_tape_destroy(tape);
    nas_buffer_destroy(x);
}

/* More launches than may be pending at once, and a write that is waited for by a fence. */
static void test_far_ahead(void **state)
{
    (void)state;
    bool simulated = strstr(nas_device_describe(device)->name, "Oclgrind") != NULL;
    float values[16], back[16];
    nas_tape *tape = NULL;
    nas_fence *fence = NULL;
    nas_buffer *x = nas_test_floats(device, NULL, 16);
    const nas_argument arguments[] = {NAS_ARG_BUFFER(x, 0), NAS_ARG_BUFFER(x, 0),
                                      NAS_ARG_FLOAT(-1)};
    const nas_launch negate = {.source = "selftest",
                               .kernel = "selftest_scale",
                               .global = {16 / (size_t)nas_device_lanes(device)},
                               .arguments = arguments,
                               .argument_count = 3};
    for (int i = 0; i < 16; i++)
        values[i] = (float)i;
    nas_test_ok(nas_buffer_write_later(x, 0, sizeof values, values));
    nas_test_ok(nas_fence_put(device, &fence));
    nas_test_ok(nas_tape_create(device, "ahead", &tape));
    for (int i = 0; i < 501; i++)
        nas_test_ok(nas_tape_add(tape, &negate));
    for (int i = 0; i < (simulated ? 1 : 31); i++)
        nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_fence_wait(fence));
    nas_test_ok(nas_buffer_read(x, 0, sizeof back, back));
    for (int i = 0; i < 16; i++)
        assert_true(back[i] == -values[i]);
    nas_tape_destroy(tape);
    nas_buffer_destroy(x);
}

/* A grid that is shared out to threads (cl/share.clh): every place is taken once a launch, launch after launch. */
static void check_shares(size_t size0, size_t size1, size_t size2)
{
    enum { LAUNCHES = 3, RUNS = 2 };
    nas_tape *tape;
    size_t places = size0 * size1 * size2;
    int32_t *back = calloc(places, sizeof *back);
    nas_buffer *taken = nas_test_floats(device, NULL, places); /* zeros */
    const nas_argument arguments[] = {NAS_ARG_BUFFER(taken, 0), NAS_ARG_SHARES};
    nas_test_ok(nas_tape_create(device, "shares", &tape));
    for (int i = 0; i < LAUNCHES; i++)
        nas_test_ok(nas_tape_add(tape, &(nas_launch){.source = "selftest",
                                                     .kernel = "selftest_share",
                                                     .global = {size0, size1, size2},
                                                     .arguments = arguments,
                                                     .argument_count = 2}));
    for (int i = 0; i < RUNS; i++)
        nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_buffer_read(taken, 0, places * 4, back));
    for (size_t i = 0; i < places; i++)
        assert_int_equal(back[i], LAUNCHES * RUNS);
    nas_tape_destroy(tape);
    nas_buffer_destroy(taken);
    free(back);
}

static void test_shares(void **state)
{
    (void)state;
    check_shares(1, 1, 1); /* fewer places than threads */
    check_shares(2, 1, 1);
    check_shares(1, 7, 3); /* a dimension 0 that is shorter than there are shares */
    check_shares(3, 5, 7);
    check_shares(64, 33, 2);
    check_shares(101, 1, 1);
}

/* ---- shards --------------------------------------------------------------------------------------
 *
 * Each round every shard doubles its own vector a few times - the first shard more often than the others, so that they come to
 * meetings at different times - and hands it to its neighbour.  Then the whole device turns all signs.  Without the
 * order that tapes promise, somebody takes a vector that is too old or too new. */

enum { SHARD_FLOATS = 256, SHARD_ROUNDS = 6, SHARD_RUNS = 20, SHARDS_MOST = 5 };

static nas_launch scale(const nas_argument arguments[3], size_t floats_)
{
    return (nas_launch){.source = "selftest",
                        .kernel = "selftest_scale",
                        .global = {floats_ / (size_t)nas_device_lanes(device)},
                        .arguments = arguments,
                        .argument_count = 3};
}

static void add_scale(nas_tape *tape, nas_buffer *from, nas_buffer *to, int shard, float factor)
{
    const uint64_t at = (uint64_t)shard * SHARD_FLOATS;
    const nas_argument arguments[] = {NAS_ARG_BUFFER(from, at), NAS_ARG_BUFFER(to, at),
                                      NAS_ARG_FLOAT(factor)};
    const nas_launch launch_ = scale(arguments, SHARD_FLOATS);
    nas_test_ok(nas_tape_add(tape, &launch_));
}

static void add_round(nas_tape *tape, nas_buffer *x, nas_buffer *y, int shards)
{
    const nas_argument whole[] = {NAS_ARG_BUFFER(x, 0), NAS_ARG_BUFFER(x, 0), NAS_ARG_FLOAT(-1)};
    const nas_launch turn = scale(whole, (size_t)shards * SHARD_FLOATS);
    for (int s = 0; s < shards; s++) {
        nas_tape_shard(tape, s);
        for (int i = 0; i < (s == 0 ? 24 : 0); i++)
            add_scale(tape, x, x, s, i % 2 ? 0.5f : 2.0f);
        add_scale(tape, x, y, s, 2.0f);
    }
    nas_test_ok(nas_tape_meet(tape));
    for (int s = 0; s < shards; s++) {
        const uint64_t bytes = 4 * SHARD_FLOATS;
        nas_tape_shard(tape, s);
        nas_test_ok(nas_tape_add_copy(tape, y, bytes * (uint64_t)((s + 1) % shards), x,
                                      bytes * (uint64_t)s, bytes));
    }
    nas_test_ok(nas_tape_meet(tape)); /* y may be written again */
    nas_tape_shard(tape, NAS_ALL_SHARDS);
    nas_test_ok(nas_tape_add(tape, &turn));
}

static void check_shards(int shards)
{
    float values[SHARDS_MOST * SHARD_FLOATS], back[SHARDS_MOST * SHARD_FLOATS];
    const size_t count = (size_t)shards * SHARD_FLOATS;
    nas_tape *tape;
    nas_buffer *x = nas_test_floats(device, NULL, count), *y = nas_test_floats(device, NULL, count);
    nas_test_ok(nas_tape_create(device, "shards", &tape));
    nas_test_ok(nas_tape_part(tape, shards));
    for (int i = 0; i < SHARD_ROUNDS; i++)
        add_round(tape, x, y, shards);
    nas_test_fails(nas_tape_part(tape, 1), NAS_DEVICE, "behind its first entry");
    for (int run = 0; run < (getenv("CLNAS_TEST_SMALL") ? 1 : SHARD_RUNS); run++) {
        for (size_t i = 0; i < count; i++)
            values[i] = (float)(i + 1) + (float)run;
        nas_test_ok(nas_buffer_write(x, 0, 4 * count, values));
        nas_test_ok(nas_tape_run(tape)); /* and once more, behind itself */
        nas_test_ok(nas_tape_run(tape));
        nas_test_ok(nas_buffer_read(x, 0, 4 * count, back));
        for (size_t i = 0; i < count; i++) {
            const size_t from = (i + 2 * SHARD_ROUNDS * SHARD_FLOATS) % count;
            assert_true(back[i] == ldexpf(values[from], 2 * SHARD_ROUNDS)); /* signs: even */
        }
    }
    nas_tape_destroy(tape);
    nas_buffer_destroy(x);
    nas_buffer_destroy(y);
}

static void test_shards(void **state)
{
    (void)state;
    for (int shards = 1; shards <= SHARDS_MOST; shards++)
        check_shards(shards);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tape_fill_and_copy),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_finish_waits),
        cmocka_unit_test(test_far_ahead),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_shards),
    };
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
