/* fault_scenes.c - see fault_scenes.h.  Nothing here asserts but what needs no device: whatever a device call returns goes up. */
#include "fault_scenes.h"

#include "nas_test_open.h"
#include "train_config.h"

#include <clnas/device.h>
#include <clnas/train.h>

enum { FLOATS = 1024, SHARDS = 2 };

/* A device is opened, the work done there, the device closed. */
static nas_status on_device(const nas_device_options *options,
                            nas_status (*work)(nas_device *device, uint64_t *hash), uint64_t *hash)
{
    nas_device *device = NULL;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_device_open("", options, &device));
    NAS_TRY_DONE(work(device, hash));
done:
    nas_device_destroy(device);
    return status;
}

/* ---- tapes ------------------------------------------------------------------------------------ */

/* y = 2x of one shard. */
static nas_status add_scale(nas_device *device, nas_tape *tape, nas_buffer *x, nas_buffer *y,
                            int shard)
{
    const uint64_t at = (uint64_t)shard * FLOATS / SHARDS;
    const nas_argument arguments[] = {NAS_ARG_BUFFER(x, at), NAS_ARG_BUFFER(y, at),
                                      NAS_ARG_FLOAT(2)};
    const nas_launch launch = {.source = "selftest",
                               .kernel = "selftest_scale",
                               .global = {FLOATS / SHARDS / (size_t)nas_device_lanes(device)},
                               .arguments = arguments,
                               .argument_count = 3};
    nas_tape_shard(tape, shard);
    return nas_tape_add(tape, &launch);
}

static nas_status record(nas_device *device, nas_tape *tape, nas_buffer *x, nas_buffer *y)
{
    NAS_TRY(nas_tape_part(tape, SHARDS));
    for (int round = 0; round < 2; round++) {
        for (int s = 0; s < SHARDS; s++)
            NAS_TRY(add_scale(device, tape, x, y, s));
        NAS_TRY(nas_tape_meet(tape));
        for (int s = 0; s < SHARDS; s++) {
            const uint64_t half = 4 * FLOATS / SHARDS;
            nas_tape_shard(tape, s);
            NAS_TRY(
                nas_tape_add_copy(tape, y, half * (uint64_t)(1 - s), x, half * (uint64_t)s, half));
        }
        NAS_TRY(nas_tape_meet(tape));
    }
    nas_tape_shard(tape, NAS_ALL_SHARDS);
    return nas_tape_add_fill(tape, x, 0, 64, 7);
}

/* Both buffers filled, written and copied, the tape run twice, everything read. */
static nas_status work(nas_device *device, nas_tape *tape, nas_buffer *x, nas_buffer *y,
                       float back[FLOATS])
{
    float values[FLOATS];
    nas_fence *fence = NULL;
    const float ones = 1;
    for (int i = 0; i < FLOATS; i++)
        values[i] = (float)(i % 97) - 40;
    NAS_TRY(nas_buffer_fill(y, 0, 4 * FLOATS, &ones, sizeof ones));
    NAS_TRY(nas_buffer_write_later(x, 0, 4 * FLOATS, values));
    NAS_TRY(nas_fence_put(device, &fence));
    NAS_TRY(nas_fence_wait(fence));
    NAS_TRY(nas_buffer_write(x, 64, 64, values + 100));
    NAS_TRY(nas_tape_run(tape));
    NAS_TRY(nas_tape_run(tape));
    NAS_TRY(nas_buffer_copy(x, 0, y, 0, 2 * FLOATS));
    NAS_TRY(nas_device_finish(device));
    return nas_buffer_read(y, 0, 4 * FLOATS, back);
}

static nas_status run_tapes(nas_device *device, uint64_t *hash)
{
    nas_buffer *x = NULL, *y = NULL;
    nas_tape *tape = NULL;
    float back[FLOATS];
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_buffer_create(device, 4 * FLOATS, "x", &x));
    NAS_TRY_DONE(nas_buffer_create(device, 4 * FLOATS, "y", &y));
    NAS_TRY_DONE(nas_tape_create(device, "scene", &tape));
    NAS_TRY_DONE(record(device, tape, x, y));
    NAS_TRY_DONE(work(device, tape, x, y, back));
    *hash = nas_hash(back, sizeof back, 0);
done:
    if (status != NAS_OK)
        nas_device_finish(device); /* `values` of a write that nobody waited for */
    nas_tape_destroy(tape);
    nas_buffer_destroy(x);
    nas_buffer_destroy(y);
    return status;
}

static nas_status tapes(uint64_t *hash)
{
    return on_device(NULL, run_tapes, hash);
}

static nas_status run_profiled(nas_device *device, uint64_t *hash)
{
    nas_profile_row *rows = NULL;
    int count = 0;
    uint64_t found = 0;
    NAS_TRY(run_tapes(device, &found));
    NAS_TRY(nas_device_profile(device, &rows, &count));
    free(rows);
    *hash = found;
    return NAS_OK;
}

static nas_status profile(uint64_t *hash)
{
    return on_device(&(nas_device_options){.profile = true}, run_profiled, hash);
}

/* ---- binaries ------------------------------------------------------------------------------------ */

static nas_status binaries(uint64_t *hash)
{
    char folder[] = "fault_XXXXXX", command[64];
    char *before = getenv("CLNAS_CACHE") ? strdup(getenv("CLNAS_CACHE")) : NULL;
    uint64_t found[2] = {0};
    nas_status status = NAS_OK;
    assert_non_null(mkdtemp(folder));
    setenv("CLNAS_CACHE", folder, 1);
    setenv("CLNAS_KERNEL_CACHE", "always", 1);
    for (int i = 0; i < 2; i++)
        NAS_TRY_DONE(tapes(&found[i]));
    *hash = found[0] == found[1] ? found[0] : 0;
done:
    unsetenv("CLNAS_KERNEL_CACHE");
    if (before)
        setenv("CLNAS_CACHE", before, 1);
    else
        unsetenv("CLNAS_CACHE");
    free(before);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    return status;
}

/* ---- gemm ------------------------------------------------------------------------------------------ */

static nas_status multiply(nas_device *device, uint64_t *hash)
{
    enum { SIZE = 16 };
    float values[SIZE * SIZE], back[SIZE * SIZE];
    nas_buffer *a = NULL, *c = NULL;
    nas_tape *tape = NULL;
    nas_status status = NAS_OK;
    for (int i = 0; i < SIZE * SIZE; i++)
        values[i] = (float)(i % 13) - 6;
    NAS_TRY_DONE(nas_buffer_create(device, sizeof values, "a", &a));
    NAS_TRY_DONE(nas_buffer_create(device, sizeof values, "c", &c));
    NAS_TRY_DONE(nas_buffer_write(a, 0, sizeof values, values));
    NAS_TRY_DONE(nas_tape_create(device, "gemm", &tape));
    NAS_TRY_DONE(nas_tape_add_gemm(tape, &(nas_gemm){SIZE, SIZE, SIZE, false, true, 1, 0, a, a, c,
                                                     0, 0, 0, SIZE, SIZE, SIZE}));
    NAS_TRY_DONE(nas_tape_run(tape));
    NAS_TRY_DONE(nas_buffer_read(c, 0, sizeof back, back));
    *hash = nas_hash(back, sizeof back, 0);
done:
    nas_tape_destroy(tape);
    nas_buffer_destroy(a);
    nas_buffer_destroy(c);
    return status;
}

static nas_status gemm(uint64_t *hash)
{
    return on_device(NULL, multiply, hash);
}

/* ---- training --------------------------------------------------------------------------------------- */

static void make_graph(const nas_data *data, nas_graph *graph)
{
    int node = 0;
    nas_test_ok(nas_graph_init(graph, nas_data_shape(data)));
    nas_test_ok(nas_graph_then(graph, "conv2d", &node, "out = 4; kernel = 3"));
    nas_test_ok(nas_graph_then(graph, "batch_norm", &node, NULL));
    nas_test_ok(nas_graph_then(graph, "activation", &node, "kind = \"relu\""));
    nas_test_ok(nas_graph_then(graph, "dense", &node, "out = %d", nas_data_outputs(data)));
}

static nas_status hash_weights(nas_trainer *trainer, const nas_evaluation *valid, uint64_t *hash)
{
    const nas_tensor weights = nas_net_parameters(nas_trainer_net(trainer)).parameters;
    float *values = malloc((weights.count + 2) * sizeof *values);
    assert_non_null(values);
    values[weights.count] = (float)valid->loss;
    values[weights.count + 1] = (float)valid->score;
    const nas_status status = nas_tensor_read(weights, values);
    if (status == NAS_OK)
        *hash = nas_hash(values, (weights.count + 2) * sizeof *values, 0);
    free(values);
    return status;
}

static nas_status train(const nas_data *data, const nas_graph *graph, bool resident, uint64_t *hash)
{
    nas_train_config config;
    nas_evaluation valid;
    nas_device *device = NULL;
    nas_data_home *home = NULL;
    nas_trainer *trainer = NULL;
    const nas_trainer_setup setup = {.split = NAS_SPLIT_TRAIN, .seed = 3, .key = 5};
    nas_status status = NAS_OK;
    nas_test_ok(fill_config(&config, "{ epochs = 1; batch = 16; samples = 48; lr = 0.05; }"));
    NAS_TRY_DONE(nas_device_open("", NULL, &device));
    NAS_TRY_DONE(nas_data_home_create(device, data, &home));
    assert_true(nas_data_home_resident(home) == resident);
    NAS_TRY_DONE(nas_trainer_create(home, graph, &config, &setup, &trainer));
    NAS_TRY_DONE(nas_trainer_run(trainer, 1));
    NAS_TRY_DONE(nas_trainer_evaluate(trainer, NAS_SPLIT_VALID, &valid));
    NAS_TRY_DONE(hash_weights(trainer, &valid, hash));
done:
    nas_trainer_destroy(trainer);
    nas_data_home_destroy(home);
    nas_device_destroy(device);
    return status;
}

static nas_status train_samples(int samples, bool resident, uint64_t *hash)
{
    char text[256];
    nas_graph graph;
    snprintf(text, sizeof text,
             "{ type = \"synthetic\"; train = %d; valid = 16; test = 16; classes = 4; "
             "shape = [1, 8, 8]; augment = { flip = true; crop = 1; }; }",
             samples);
    nas_data *data = nas_test_data(text, 3);
    make_graph(data, &graph);
    const nas_status status = train(data, &graph, resident, hash);
    nas_graph_clear(&graph);
    nas_data_destroy(data);
    return status;
}

static nas_status training(uint64_t *hash)
{
    return train_samples(64, true, hash);
}

/* More than one buffer of the faked device can hold. */
static nas_status streaming(uint64_t *hash)
{
    return train_samples(6144, false, hash);
}

/* ---- all of them ------------------------------------------------------------------------------------- */

const fault_scene fault_tapes = {"tapes", tapes, "", "", "", ""};
const fault_scene fault_profile = {
    "profile", profile, "", "clGetEventProfilingInfo clFinish clRetainEvent", "", ""};
const fault_scene fault_binaries = {"binaries", binaries, "", NULL, "clBuildProgram", ""};
const fault_scene fault_gemm = {"gemm", gemm, "", NULL, "", "CLBlastSgemm failed"};
const fault_scene fault_training = {
    "training", training, "", "clEnqueueNDRangeKernel clCreateBuffer clEnqueueReadBuffer", "", ""};
const fault_scene fault_streaming = {"streaming", streaming, "allocation=300000", NULL, "", ""};
