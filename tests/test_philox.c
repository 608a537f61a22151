/* test_philox.c - the kernels' Philox against Random123's known answers and the host's. */
#include "nas_test.h"

#include <clnas/device.h>

enum { ITEMS = 64 };

/* ITEMS draws of the device, from counter (first, a, b, c). */
static void draw(nas_device *device, const uint32_t counter[4], const uint32_t key[2],
                 uint32_t words[4 * ITEMS])
{
    nas_buffer *buffer;
    nas_tape *tape;
    nas_test_ok(nas_buffer_create(device, 16 * ITEMS, "words", &buffer));
    nas_test_ok(nas_tape_create(device, "philox", &tape));
    const nas_argument arguments[] = {
        NAS_ARG_BUFFER(buffer, 0), NAS_ARG_UINT(counter[0]), NAS_ARG_UINT(counter[1]),
        NAS_ARG_UINT(counter[2]),  NAS_ARG_UINT(counter[3]), NAS_ARG_UINT(key[0]),
        NAS_ARG_UINT(key[1]),
    };
    const nas_launch launch = {.source = "philox",
                               .kernel = "philox_words",
                               .global = {ITEMS},
                               .arguments = arguments,
                               .argument_count = 7};
    nas_test_ok(nas_tape_add(tape, &launch));
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_buffer_read(buffer, 0, 16 * ITEMS, words));
    nas_tape_destroy(tape);
    nas_buffer_destroy(buffer);
}

static void device_equals_random123(void **state)
{
    static const uint32_t counters[3][4] = {{0, 0, 0, 0},
                                            {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                            {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t keys[3][2] = {{0, 0}, {0xffffffff, 0xffffffff}, {0xa4093822, 0x299f31d0}};
    static const uint32_t answers[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                           {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                           {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; i++) {
        uint32_t words[4 * ITEMS];
        draw(*state, counters[i], keys[i], words);
        assert_memory_equal(words, answers[i], 16);
        for (uint32_t j = 0; j < ITEMS; j++) {
            uint32_t counter[4], host[4];
            memcpy(counter, counters[i], sizeof counter);
            counter[0] += j;
            nas_philox(counter, keys[i], host);
            assert_memory_equal(words + 4 * j, host, 16);
        }
    }
}

static int open_device(void **state)
{
    return nas_device_open("any", NULL, (nas_device **)state) == NAS_OK ? 0 : -1;
}

static int close_device(void **state)
{
    nas_device_destroy(*state);
    return 0;
}

int main(void)
{
    nas_device_info *devices;
    int count;
    if (nas_devices_list(&devices, &count) != NAS_OK || count == 0)
        return 77;
    free(devices);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(device_equals_random123, open_device, close_device)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
