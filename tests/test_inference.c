/* test_inference.c - a pass, step by step, is the pass: the steps that are listed and timed one by one leave the same bits behind. */
#include "nas_test_device.h"

#include <clnas/eval.h>

#include <stdlib.h>
#include <string.h>

/* Norms, views, a copy (an activation that is normed again), a join, two shards at batch 32. */
static const char network[] =
    "input 2x8x8\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 conv2d(3) out = 8; groups = 8\n5 conv2d(4) out = 8; kernel = 1\n6 batch_norm(5)\n"
    "7 activation(6) kind = \"silu\"\n8 activation(7) kind = \"relu\"\n9 concat(3, 8)\n"
    "10 pool(9) kind = \"max\"; kernel = 2; stride = 2\n11 pool(10) kind = \"global_average\"\n"
    "12 dense(11) out = 5\n";

static float *output_of(nas_inference *inference, uint64_t *count)
{
    const nas_tensor output = nas_net_shard_at(nas_inference_net(inference), 0).output;
    float *values = malloc(output.count * sizeof *values);
    assert_non_null(values);
    nas_test_ok(nas_tensor_read(output, values));
    *count = output.count;
    return values;
}

static void run_steps(nas_inference *inference, int steps)
{
    nas_net *net = nas_inference_net(inference);
    nas_tape *tape;
    nas_test_ok(nas_tape_create(device, "steps", &tape));
    nas_test_ok(nas_tape_part(tape, nas_net_shard_count(net)));
    for (int i = 0; i < steps; i++)
        nas_test_ok(nas_net_record_step(net, i, tape));
    nas_test_fails(nas_net_record_step(net, steps, tape), NAS_FAILED, "step");
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_device_finish(device));
    nas_tape_destroy(tape);
}

static void steps_one_by_one_are_the_pass(void **state)
{
    (void)state;
    static const int batches[] = {1, 32};
    nas_graph graph = {0};
    nas_net_steps steps = {0};
    nas_test_ok(nas_graph_parse(network, "network", &graph));
    nas_test_ok(nas_net_steps_list(&graph, &steps));
    for (int i = 0; i < 2; i++) {
        nas_inference *inference;
        uint64_t count;
        double seconds;
        nas_test_ok(nas_inference_create(device, &graph, batches[i], &inference));
        float *whole = output_of(inference, &count);
        const nas_tensor output = nas_net_shard_at(nas_inference_net(inference), 0).output;
        float *zeros = calloc(count, sizeof *zeros);
        nas_test_ok(nas_tensor_write(output, zeros));
        assert_memory_not_equal(whole, zeros, count * sizeof *zeros);
        run_steps(inference, steps.count);
        float *again = output_of(inference, &count);
        assert_memory_equal(whole, again, count * sizeof *whole);
        nas_test_ok(nas_inference_sample(inference, &seconds));
        assert_true(seconds > 0);
        free(whole);
        free(zeros);
        free(again);
        nas_inference_destroy(inference);
    }
    nas_net_steps_clear(&steps);
    nas_graph_clear(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_one_by_one_are_the_pass)};
    return cmocka_run_group_tests(tests, nas_test_open_device, nas_test_close_device);
}
