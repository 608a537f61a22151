/* bench_device.c - how fast is a device: `bench_device [MATCH]`, such as type:gpu.  Copies, and the passes of a network.
 *
 * Work goes on a tape, a list of launches that is recorded once and replayed; the clock is the host's, around enough of
 * them.  `clnas-bench` measures much more.  Next: clnas/device.h, clnas/eval.h. */
#include <clnas/clnas.h>

#include <stdio.h>

static const char network[] = "input 3x32x32\n"
                              "1 conv2d(0) out = 32; kernel = 3\n"
                              "2 activation(1) kind = \"relu\"\n"
                              "3 pool(2) kind = \"global_average\"\n"
                              "4 dense(3) out = 10\n";

/* Gigabytes per second, read and written. */
static nas_status copies(nas_device *device, double *rate)
{
    enum { SIZE = 32 << 20, TIMES = 20 };
    nas_buffer *from = NULL, *to = NULL;
    nas_tape *tape = NULL;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_buffer_create(device, SIZE, "from", &from));
    NAS_TRY_DONE(nas_buffer_create(device, SIZE, "to", &to));
    NAS_TRY_DONE(nas_tape_create(device, "copies", &tape));
    NAS_TRY_DONE(nas_tape_add_copy(tape, from, 0, to, 0, SIZE));
    NAS_TRY_DONE(nas_device_finish(device)); /* with what making them has left to do */
    const double begin = nas_now_s();
    for (int i = 0; i < TIMES; i++)
        NAS_TRY_DONE(nas_tape_run(tape));
    NAS_TRY_DONE(nas_device_finish(device));
    *rate = 2e-9 * SIZE * TIMES / (nas_now_s() - begin);
done:
    nas_tape_destroy(tape);
    nas_buffer_destroy(to);
    nas_buffer_destroy(from);
    return status;
}

int main(int argc, char **argv)
{
    nas_device *device = NULL;
    nas_graph graph = {0};
    double rate, seconds;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_device_open(argc > 1 ? argv[1] : "any", NULL, &device));
    printf("%s\n", nas_device_describe(device)->name);
    NAS_TRY_DONE(copies(device, &rate));
    printf("copies: %.2f GB/s\n", rate);
    NAS_TRY_DONE(nas_graph_parse(network, "network", &graph));
    for (int batch = 1; batch <= 64; batch *= 8) {
        NAS_TRY_DONE(nas_inference_latency(device, &graph, batch, 1.0, &seconds));
        printf("batch %2d: %.3f ms, %.0f images/s\n", batch, 1e3 * seconds, batch / seconds);
    }
done:
    if (status != NAS_OK)
        fprintf(stderr, "bench_device: %s\n", nas_error_message());
    nas_graph_clear(&graph);
    nas_device_destroy(device);
    return nas_status_exit_code(status);
}
