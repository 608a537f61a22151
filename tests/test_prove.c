/* test_prove.c - the proofs of a device: they pass on a good one, give the same bits again, and see a wrong number.
 *
 * Wrong numbers come from clEnqueueReadBuffer, which is wrapped at link time: in read number `wrong_at` the
 * first float of what the device gave is turned.  So a proof is held to seeing what a wrong kernel or a wrong copy does.
 */
#include "nas_test_device.h"

#include <clnas/net.h>

#include <CL/cl.h>

static long reads, wrong_at = -1;

cl_int __real_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                  size_t offset, size_t size, void *to, cl_uint count,
                                  const cl_event *waits, cl_event *event);
cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                  size_t offset, size_t size, void *to, cl_uint count,
                                  const cl_event *waits, cl_event *event);

cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                  size_t offset, size_t size, void *to, cl_uint count,
                                  const cl_event *waits, cl_event *event)
{
    cl_int code =
        __real_clEnqueueReadBuffer(queue, buffer, blocking, offset, size, to, count, waits, event);
    if (wrong_at >= 0 && reads == wrong_at && size >= 4)
        ((unsigned char *)to)[3] ^= 0x41; /* sign and exponent */
    reads++;
    return code;
}

static void test_good(void **state)
{
    (void)state;
    int count;
    const nas_op *const *ops = nas_op_all(&count);
    for (int i = 0; i < count; i++) {
        nas_proof one, again;
        nas_test_ok(nas_prove_op(device, ops[i], true, &one));
        nas_test_ok(nas_prove_op(device, ops[i], true, &again));
        if (!one.good)
            fail_msg("%s: %.2e, allowed %.0e", one.where, one.error, one.tolerance);
        assert_int_equal(one.cases, 1);
        assert_true(one.error >= 0 && one.error <= one.tolerance && one.bits != 0);
        assert_true(one.bits == again.bits);
    }
    nas_test_ok(nas_prove_device_quickly(device));
}

/* Lanes and shares of the image change nothing that counts. */
static void test_same_bits(void **state)
{
    (void)state;
    const nas_op *op;
    nas_test_ok(nas_op_get("conv2d", &op));
    uint64_t bits[3];
    for (int i = 0; i < 3; i++) {
        nas_device *other;
        nas_proof proof;
        nas_test_ok(nas_device_open("", &(nas_device_options){.lanes = 4 << i}, &other));
        nas_test_ok(nas_prove_op(other, op, true, &proof));
        assert_true(proof.good);
        bits[i] = proof.bits;
        nas_device_destroy(other);
    }
    assert_true(bits[0] == bits[2] && bits[1] == bits[2]);
}

/* Each read that a proof makes matters: wrong in one, it is seen. */
static void test_wrong_numbers(void **state)
{
    (void)state;
    const nas_op *op;
    nas_proof good, wrong;
    nas_test_ok(nas_op_get("conv2d", &op));
    reads = 0;
    nas_test_ok(nas_prove_op(device, op, true, &good));
    const long all = reads;
    assert_true(all >= 4);
    for (long at = 0; at < all; at++) {
        reads = 0;
        wrong_at = at;
        nas_status status = nas_prove_op(device, op, true, &wrong);
        wrong_at = -1;
        nas_test_ok(status);
        if (wrong.good)
            fail_msg("read %ld of %ld is wrong and nobody sees it", at, all);
        assert_true(strstr(wrong.where, "conv2d") != NULL);
    }
    assert_true(wrong.bits != good.bits); /* the last one was output */
    reads = 0;
    wrong_at = 0;
    nas_status status = nas_prove_device_quickly(device);
    wrong_at = -1;
    assert_int_equal(status, NAS_DEVICE);
    assert_non_null(strstr(nas_error_message(), "clnas doctor --device"));
    nas_test_ok(nas_prove_device_quickly(device));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_wrong_numbers),
    };
    return cmocka_run_group_tests_name("prove", tests, nas_test_open_device, nas_test_close_device);
}
