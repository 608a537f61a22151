/* bench_ops.c - clnas-bench ops: convolutions as a training step uses them.
 *
 * Inputs are read through scale, shift and ReLU, statistics are written, dz is formed on load, the gradient goes back through
 * ReLU with R0 and R1: all that batch norm needs.  Times include the ordering of weights and the adding up of parts.
 *
 * Dense convolutions are compared with the multiply-adds the device does in registers.  Depthwise ones are
 * compared with the ceiling that binds: multiply-adds, or copying as many bytes as they must touch (inputs read once, outputs
 * written once). */
#include "bench.h"

#include <clnas/ops.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum group { CONV, POINTWISE, SMALL_CNN, DEPTHWISE, GROUPS } group;
static const char *const group_names[] = {"conv 3x3", "conv 1x1", "small CNN (28x28)", "depthwise"};

typedef struct bench_shape {
    group group;
    const char *op, *options;
    int batch;
    nas_shape in;
} bench_shape;

static const bench_shape shapes[] = {
    {CONV, "conv2d", "out = 16", 64, {16, 32, 32}},
    {CONV, "conv2d", "out = 32", 64, {32, 32, 32}},
    {CONV, "conv2d", "out = 64", 64, {64, 32, 32}},
    {CONV, "conv2d", "out = 32", 64, {32, 16, 16}},
    {CONV, "conv2d", "out = 64", 64, {64, 16, 16}},
    {CONV, "conv2d", "out = 128", 64, {128, 16, 16}},
    {CONV, "conv2d", "out = 64", 64, {64, 8, 8}},
    {CONV, "conv2d", "out = 128", 64, {128, 8, 8}},
    {CONV, "conv2d", "out = 64; stride = 2", 64, {32, 32, 32}},
    {POINTWISE, "conv2d", "out = 16; kernel = 1", 64, {16, 32, 32}},
    {POINTWISE, "conv2d", "out = 32; kernel = 1", 64, {32, 16, 16}},
    {POINTWISE, "conv2d", "out = 64; kernel = 1", 64, {64, 16, 16}},
    {POINTWISE, "conv2d", "out = 128; kernel = 1", 64, {128, 8, 8}},
    {POINTWISE, "dense", "out = 128", 64, {1024, 1, 1}},
    {SMALL_CNN, "conv2d", "out = 16", 128, {1, 28, 28}},
    {SMALL_CNN, "conv2d", "out = 32; stride = 2", 128, {16, 28, 28}},
    {SMALL_CNN, "conv2d", "groups = 0", 128, {32, 14, 14}},
    {SMALL_CNN, "conv2d", "out = 64; kernel = 1", 128, {32, 14, 14}},
    {SMALL_CNN, "conv2d", "groups = 0", 128, {64, 7, 7}},
    {SMALL_CNN, "conv2d", "out = 64; kernel = 1", 128, {64, 7, 7}},
    {SMALL_CNN, "conv2d", "out = 64", 128, {64, 14, 14}},
    {SMALL_CNN, "conv2d", "out = 64", 128, {64, 7, 7}},
    {DEPTHWISE, "conv2d", "groups = 0", 64, {16, 32, 32}},
    {DEPTHWISE, "conv2d", "groups = 0", 64, {64, 32, 32}},
    {DEPTHWISE, "conv2d", "groups = 0", 64, {64, 8, 8}},
    {DEPTHWISE, "conv2d", "groups = 0; kernel = 5", 64, {32, 16, 16}},
    {DEPTHWISE, "conv2d", "groups = 0; dilation = 2", 64, {16, 32, 32}},
    {DEPTHWISE, "conv2d", "groups = 0; kernel = 5; dilation = 2", 64, {16, 32, 32}},
    {DEPTHWISE, "conv2d", "groups = 0; stride = 2", 64, {16, 32, 32}},
    {DEPTHWISE, "conv2d", "groups = 0; kernel = 5; stride = 2", 64, {32, 16, 16}},
};
enum { SHAPE_COUNT = sizeof shapes / sizeof shapes[0], PASSES = 3 };
static const char *const pass_names[] = {"forward", "input gradient", "weight gradient"};

typedef struct result {
    double seconds, gflops, gbytes, share; /* share of the ceiling that binds */
    bool by_bytes;
} result;

/* ---- one call's tensors, in one buffer ---------------------------------------------------------------- */

typedef struct bench_call {
    nas_op_call call;
    const nas_op *op;
    _Alignas(16) unsigned char options[NAS_OPTIONS_SIZE];
    nas_buffer *buffer;
    uint64_t used;
} bench_call;

static nas_tensor take(bench_call *b, uint64_t count)
{
    nas_tensor t = {b->buffer, b->used, count};
    b->used += (count + 15) / 16 * 16;
    return t;
}

static void place(bench_call *b, const nas_op_sizes *sizes, uint64_t weights)
{
    nas_op_call *c = &b->call;
    uint64_t ins = nas_shape_count(c->in_shape[0]) * (uint64_t)c->n;
    uint64_t outs = nas_shape_count(c->out_shape) * (uint64_t)c->n;
    uint64_t channels = (uint64_t)c->in_shape[0].c, out_channels = (uint64_t)c->out_shape.c;
    b->used = 0;
    c->in[0] =
        (nas_read){.x = take(b, ins), .scale = take(b, channels), .shift = take(b, channels)};
    c->in[0].activation = NAS_ACT_RELU;
    c->out = take(b, outs);
    c->statistics = take(b, 3 * out_channels * (uint64_t)sizes->statistics_parts);
    c->parameters[0] = take(b, weights);
    c->parameter_gradients[0] = take(b, weights);
    c->parameters[1] = take(b, out_channels);
    c->parameter_gradients[1] = take(b, out_channels);
    c->scratch = take(b, sizes->scratch);
    c->out_gradient =
        (nas_gradient){.g = take(b, outs), .z = c->out, .coefficients = take(b, 3 * out_channels)};
    c->into[0] = (nas_into){.g = take(b, ins), .read = c->in[0], .mean = take(b, channels)};
    c->into[0].reductions = take(b, 2 * channels * (uint64_t)sizes->reduction_parts[0]);
}

static nas_status fill_random(nas_buffer *buffer, uint64_t count)
{
    float *values = malloc(count * sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "out of memory for a benchmark's values");
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    for (uint64_t i = 0; i < count; i++)
        values[i] = (float)nas_random_uniform(&random) - 0.5f;
    nas_status status = nas_buffer_write(buffer, 0, count * 4, values);
    free(values);
    return status;
}

static nas_status call_make(nas_device *device, const bench_shape *shape, bench_call *b)
{
    memset(b, 0, sizeof *b);
    char text[128];
    snprintf(text, sizeof text, "{ %s; }", shape->options);
    nas_value options = {.type = NAS_VALUE_NONE};
    NAS_TRY(nas_op_get(shape->op, &b->op));
    NAS_TRY(nas_value_parse(text, "bench", 1, &options));
    nas_status status = nas_options_fill(&b->op->kind, &options, NULL, b->options);
    nas_value_clear(&options);
    NAS_TRY(status);
    nas_op_call *c = &b->call;
    *c = (nas_op_call){
        .device = device, .options = b->options, .real = shape->batch, .training = true};
    c->n = nas_batch_padded(shape->batch);
    c->input_count = 1;
    c->in_shape[0] = shape->in;
    NAS_TRY(b->op->infer(b->options, c->in_shape, 1, &c->out_shape));
    nas_op_sizes sizes;
    nas_cost cost;
    b->op->sizes(c, &sizes);
    b->op->cost(b->options, c->in_shape, 1, c->out_shape, &cost);
    place(b, &sizes, cost.parameters);
    NAS_TRY(nas_buffer_create(device, b->used * 4, "bench", &b->buffer));
    place(b, &sizes, cost.parameters);
    return fill_random(b->buffer, b->used);
}

/* ---- timing ------------------------------------------------------------------------------------------- */

static nas_status record(const bench_call *b, int pass, nas_tape *tape)
{
    nas_op_call call = b->call;
    if (pass == 0)
        return b->op->forward(&call, tape);
    if (pass == 1)
        call.parameter_gradients[0].buffer = call.parameter_gradients[1].buffer = NULL;
    else
        call.into[0].g.buffer = NULL;
    return b->op->backward(&call, tape);
}

/* Bytes that a pass must touch: x, z; G, z, x, G of x; x, G, z. */
static double bytes_of(const bench_call *b, int pass)
{
    double ins = (double)nas_shape_count(b->call.in_shape[0]),
           outs = (double)nas_shape_count(b->call.out_shape);
    return 4.0 * b->call.n * (pass == 0 ? ins + outs : 2 * (pass == 1 ? ins : ins / 2) + 2 * outs);
}

static nas_status measure(nas_device *device, const bench_call *b, int pass, double seconds,
                          double peak, result *r)
{
    nas_status status = NAS_OK;
    nas_tape *tape = NULL;
    nas_cost cost;
    double copy;
    b->op->cost(b->options, b->call.in_shape, 1, b->call.out_shape, &cost);
    NAS_TRY_DONE(nas_tape_create(device, pass_names[pass], &tape));
    NAS_TRY_DONE(record(b, pass, tape));
    NAS_TRY_DONE(bench_time(device, tape, seconds, &r->seconds));
    NAS_TRY_DONE(bench_copy(device, (uint64_t)bytes_of(b, pass), seconds / 4, &copy));
    r->gflops = 2e-9 * (double)cost.macs * b->call.real / r->seconds;
    r->gbytes = 1e-9 * bytes_of(b, pass) / r->seconds;
    double by_operations = r->gflops / peak, by_bytes = r->gbytes / copy;
    r->by_bytes = by_bytes > by_operations;
    r->share = r->by_bytes ? by_bytes : by_operations;
done:
    nas_tape_destroy(tape);
    return status;
}

/* ---- printing ------------------------------------------------------------------------------------------ */

static void write_label(const bench_shape *s, char *label, size_t size)
{
    snprintf(label, size, "%s %s, %dx%dx%d, batch %d", s->op, s->options, s->in.c, s->in.h, s->in.w,
             s->batch);
}

static void print_row(const bench_options *options, const bench_shape *s, int pass, const result *r,
                      double peak, bool first)
{
    char label[128];
    write_label(s, label, sizeof label);
    if (options->json)
        printf("%s{\"group\":\"%s\",\"shape\":\"%s\",\"pass\":\"%s\",\"ms\":%.4f,\"gflops\":%.1f,"
               "\"gbytes\":%.1f,\"peak_share\":%.4f,\"ceiling_share\":%.4f,\"ceiling\":\"%s\"}",
               first ? "" : ",\n", group_names[s->group], label, pass_names[pass], r->seconds * 1e3,
               r->gflops, r->gbytes, r->gflops / peak, r->share,
               r->by_bytes ? "bytes" : "operations");
    else
        printf("%-62s %-16s %8.3f ms %7.1f GFLOP/s %4.0f %% %6.1f GB/s  ceiling %3.0f %% (%s)\n",
               label, pass_names[pass], r->seconds * 1e3, r->gflops, 100 * r->gflops / peak,
               r->gbytes, 100 * r->share, r->by_bytes ? "bytes" : "operations");
    fflush(stdout);
}

static nas_status run_shapes(nas_device *device, const bench_options *options, double *peak)
{
    double logs[GROUPS] = {0}, worst[GROUPS];
    int counts[GROUPS] = {0};
    bool first = true;
    for (int i = 0; i < SHAPE_COUNT; i++) {
        const bench_shape *s = &shapes[i];
        char label[128];
        write_label(s, label, sizeof label);
        if (!strstr(group_names[s->group], options->only) && !strstr(label, options->only))
            continue;
        bench_call b;
        double again;
        NAS_TRY(call_make(device, s, &b));
        NAS_TRY(bench_fma_peak(device, options->seconds / 4, &again));
        *peak = again > *peak ? again : *peak;
        for (int pass = 0; pass < PASSES; pass++, first = false) {
            result r;
            NAS_TRY(measure(device, &b, pass, options->seconds, *peak, &r));
            print_row(options, s, pass, &r, *peak, first);
            double share = s->group == CONV ? r.gflops / *peak : r.share;
            logs[s->group] += log(share);
            worst[s->group] =
                counts[s->group]++ && worst[s->group] < share ? worst[s->group] : share;
        }
        nas_buffer_destroy(b.buffer);
    }
    for (int g = 0; g < GROUPS && !options->json; g++)
        if (counts[g])
            printf("%-18s geometric mean %.0f %%, worst %.0f %% of the %s\n", group_names[g],
                   100 * exp(logs[g] / counts[g]), 100 * worst[g],
                   g == CONV ? "fma peak" : "ceiling that binds");
    return NAS_OK;
}

nas_status bench_ops(const bench_options *options)
{
    nas_status status = NAS_OK;
    nas_device *device;
    double peak = 0;
    NAS_TRY(nas_device_open(options->device, NULL, &device));
    NAS_TRY_DONE(bench_fma_peak(device, 0.3, &peak));
    printf(options->json ? "{\"device\":\"%s\",\"lanes\":%d,\"rows\":[\n" : "%s, %d lanes\n",
           nas_device_describe(device)->name, nas_device_lanes(device));
    NAS_TRY_DONE(run_shapes(device, options, &peak));
    printf(options->json ? "],\n\"fma_peak_gflops\":%.1f}\n" : "fma peak %.1f GFLOP/s\n", peak);
done:
    nas_device_destroy(device);
    return status;
}
