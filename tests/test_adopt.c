/* test_adopt.c - a context and a queue that the program has made itself, handed in.
 *
 * The truth is a device of nas_device_open: the same training on the adopted one must give the same bits.  The program's own buffer on
 * the same queue keeps what is in it and its commands run in order with ours; and when the device is closed, context and
 * queue have as many references as before. */
#include "nas_test.h"
#include "nas_test_open.h"
#include "nas_test_study.h"

#include <clnas/clnas.h>
#include <clnas/opencl.h>

#include <time.h>

typedef struct world {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
} world;

/* Of the device that nas_device_open("any") takes; NULL: there is none. */
static cl_device_id find_device(void)
{
    nas_device *device;
    cl_platform_id platforms[32];
    cl_device_id devices[32], found = NULL;
    cl_uint platform_count = 0, count = 0;
    if (nas_device_open("any", NULL, &device) != NAS_OK)
        return NULL;
    const nas_device_info *info = nas_device_describe(device);
    if (clGetPlatformIDs(32, platforms, &platform_count) == CL_SUCCESS &&
        info->platform < (int)platform_count &&
        clGetDeviceIDs(platforms[info->platform], CL_DEVICE_TYPE_ALL, 32, devices, &count) ==
            CL_SUCCESS &&
        info->index < (int)count)
        found = devices[info->index];
    nas_device_destroy(device);
    return found;
}

static void open_world(world *w, cl_command_queue_properties properties)
{
    cl_int code;
    w->id = find_device();
    if (!w->id)
        skip();
    w->context = clCreateContext(NULL, 1, &w->id, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    w->queue = clCreateCommandQueue(w->context, w->id, properties, &code);
    if (!w->queue) { /* the device cannot do that */
        clReleaseContext(w->context);
        skip();
    }
}

static void close_world(world *w)
{
    clReleaseCommandQueue(w->queue);
    clReleaseContext(w->context);
}

static cl_uint references(const world *w, bool of_queue)
{
    cl_uint count = 0;
    const cl_int code =
        of_queue
            ? clGetCommandQueueInfo(w->queue, CL_QUEUE_REFERENCE_COUNT, sizeof count, &count, NULL)
            : clGetContextInfo(w->context, CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, NULL);
    assert_int_equal(code, CL_SUCCESS);
    return count;
}

/* Drivers may let go of commands a moment after these are done. */
static void assert_references(const world *w, cl_uint of_context, cl_uint of_queue)
{
    for (int i = 0; i < 200; i++) {
        if (references(w, false) == of_context && references(w, true) == of_queue)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("context: %u references in place of %u; queue: %u in place of %u",
             references(w, false), of_context, references(w, true), of_queue);
}

/* Hash of a small network's weights after two epochs. */
static uint64_t train_on(nas_device *device)
{
    nas_value words = {0};
    nas_train_config recipe;
    nas_graph graph = {0};
    nas_data_home *home;
    nas_trainer *trainer;
    nas_trainer_setup setup = {.split = NAS_SPLIT_TRAIN, .seed = 3, .key = 4};
    nas_data *data = nas_test_data("{ type = \"synthetic\"; shape = [1, 12, 12]; classes = 4; "
                                   "train = 320; test = 64; valid = 64; }",
                                   1);
    nas_test_ok(nas_graph_parse("input 1x12x12\n"
                                "1 conv2d(0) out = 8; kernel = 3\n"
                                "2 batch_norm(1)\n"
                                "3 activation(2) kind = \"relu\"\n"
                                "4 pool(3) kind = \"global_average\"\n"
                                "5 dense(4) out = 4\n",
                                "test", &graph));
    nas_test_ok(nas_value_parse("{ epochs = 2; batch = 32; lr = 0.1; }", "test", 1, &words));
    nas_test_ok(nas_train_config_fill(&words, &recipe));
    nas_test_ok(nas_data_home_create(device, data, &home));
    nas_test_ok(nas_trainer_create(home, &graph, &recipe, &setup, &trainer));
    nas_test_ok(nas_trainer_run(trainer, 2));
    const nas_tensor weights = nas_net_parameters(nas_trainer_net(trainer)).parameters;
    float *values = malloc((size_t)weights.count * sizeof *values);
    assert_non_null(values);
    nas_test_ok(nas_tensor_read(weights, values));
    const uint64_t hash = nas_hash(values, (size_t)weights.count * sizeof *values, 0);
    free(values);
    nas_trainer_destroy(trainer);
    nas_data_home_destroy(home);
    nas_data_destroy(data);
    nas_graph_clear(&graph);
    nas_value_clear(&words);
    return hash;
}

static void test_same_bits_and_references(void **state)
{
    enum { COUNT = 4096 };
    world w;
    nas_device *device;
    cl_int code;
    float own[COUNT], back[COUNT];
    (void)state;
    open_world(&w, 0);
    nas_test_ok(nas_device_open("any", NULL, &device));
    const uint64_t wanted = train_on(device);
    nas_device_destroy(device);
    for (int i = 0; i < COUNT; i++)
        own[i] = (float)i / 3;
    cl_mem buffer = clCreateBuffer(w.context, CL_MEM_READ_WRITE, sizeof own, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    /* PoCL's queues hold their last command, which holds the queue */
    assert_int_equal(
        clEnqueueReadBuffer(w.queue, buffer, CL_TRUE, 0, sizeof back, back, 0, NULL, NULL),
        CL_SUCCESS);
    const cl_uint context_before = references(&w, false), queue_before = references(&w, true);
    nas_test_ok(nas_device_adopt(w.id, w.context, w.queue, NULL, &device));
    assert_true(references(&w, false) > context_before);
    assert_true(references(&w, true) > queue_before);
    /* enqueued before our work, read after it */
    assert_int_equal(
        clEnqueueWriteBuffer(w.queue, buffer, CL_FALSE, 0, sizeof own, own, 0, NULL, NULL),
        CL_SUCCESS);
    assert_true(train_on(device) == wanted);
    assert_int_equal(nas_device_live_objects(device), 0);
    assert_int_equal(
        clEnqueueReadBuffer(w.queue, buffer, CL_FALSE, 0, sizeof back, back, 0, NULL, NULL),
        CL_SUCCESS);
    nas_device_destroy(device); /* waits for that, too */
    assert_memory_equal(own, back, sizeof own);
    assert_references(&w, context_before, queue_before);
    assert_int_equal(
        clEnqueueReadBuffer(w.queue, buffer, CL_TRUE, 0, sizeof back, back, 0, NULL, NULL),
        CL_SUCCESS);
    assert_memory_equal(own, back, sizeof own);
    clReleaseMemObject(buffer);
    close_world(&w);
}

/* Retained: the program may let go of what it handed in. */
static void test_outlives_the_program_s_references(void **state)
{
    world w;
    nas_device *device;
    nas_buffer *buffer;
    float out = 0;
    const float in = 2.5f;
    (void)state;
    open_world(&w, 0);
    nas_test_ok(nas_device_adopt(w.id, w.context, w.queue, NULL, &device));
    close_world(&w);
    nas_test_ok(nas_buffer_create(device, 64, "x", &buffer));
    nas_test_ok(nas_buffer_write(buffer, 0, sizeof in, &in));
    nas_test_ok(nas_buffer_read(buffer, 0, sizeof out, &out));
    assert_true(in == out);
    nas_buffer_destroy(buffer);
    nas_device_destroy(device);
}

static void test_refused(void **state)
{
    const nas_device_options profile = {.profile = true}, lanes = {.lanes = 5};
    world w, other;
    nas_device *device = NULL;
    (void)state;
    open_world(&w, 0);
    open_world(&other, 0);
    const cl_uint context_before = references(&w, false), queue_before = references(&w, true);
    nas_test_fails(nas_device_adopt(w.id, w.context, NULL, NULL, &device), NAS_CONFIG, "NULL");
    nas_test_fails(nas_device_adopt(w.id, w.context, other.queue, NULL, &device), NAS_CONFIG,
                   "another context");
    nas_test_fails(nas_device_adopt(w.id, w.context, w.queue, &profile, &device), NAS_CONFIG,
                   "CL_QUEUE_PROFILING_ENABLE");
    nas_test_fails(nas_device_adopt(w.id, w.context, w.queue, &lanes, &device), NAS_CONFIG,
                   "lanes");
    assert_null(device);
    assert_references(&w, context_before, queue_before);
    close_world(&other);
    close_world(&w);
    open_world(&w, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    nas_test_fails(nas_device_adopt(w.id, w.context, w.queue, NULL, &device), NAS_CONFIG,
                   "out of order");
    close_world(&w);
}

static void test_profile(void **state)
{
    const nas_device_options options = {.profile = true};
    world w;
    nas_device *device;
    nas_profile_row *rows = NULL;
    int count = 0;
    (void)state;
    open_world(&w, CL_QUEUE_PROFILING_ENABLE);
    nas_test_ok(nas_device_adopt(w.id, w.context, w.queue, &options, &device));
    train_on(device);
    nas_test_ok(nas_device_profile(device, &rows, &count));
    assert_true(count > 3 && rows[0].launches > 0);
    free(rows);
    nas_device_destroy(device);
    close_world(&w);
}

/* A part of a device, which is in no list of devices. */
static void test_sub_device(void **state)
{
    const cl_device_partition_property half[] = {CL_DEVICE_PARTITION_EQUALLY, 1, 0};
    cl_device_id parts[64] = {NULL};
    cl_uint count = 0, units = 0;
    cl_int code;
    world w;
    nas_device *device;
    (void)state;
    open_world(&w, 0);
    const cl_device_id whole = w.id;
    clGetDeviceInfo(whole, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    nas_test_ok(nas_device_adopt(w.id, w.context, w.queue, NULL, &device));
    const uint64_t wanted = train_on(device);
    nas_device_destroy(device);
    close_world(&w);
    if (units < 2 || units > 64 ||
        clCreateSubDevices(whole, half, 64, parts, &count) != CL_SUCCESS || count == 0)
        skip();
    w.id = parts[0];
    w.context = clCreateContext(NULL, 1, &w.id, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    w.queue = clCreateCommandQueue(w.context, w.id, 0, &code);
    assert_int_equal(code, CL_SUCCESS);
    nas_test_ok(nas_device_adopt(w.id, w.context, w.queue, NULL, &device));
    assert_int_equal(nas_device_describe(device)->compute_units, 1);
    assert_true(train_on(device) == wanted); /* by any number of cores */
    nas_device_destroy(device);
    close_world(&w); /* parts stay: PoCL may still look at one (host/device/queues.c) */
}

/* ---- a search on it ---------------------------------------------------------------------------------------- */

static const char config_text[] =
    "seed = 3;\n"
    "data = { type = \"synthetic\"; shape = [1, 12, 12]; classes = 4; train = 320; test = 64; "
    "valid = 64; };\n"
    "space = { type = \"chain\"; depth = [1, 2]; width = [4, 8]; kernel = [3]; };\n"
    "strategy = { type = \"random\"; };\n"
    "train = { epochs = 1; batch = 32; lr = 0.1; };\n"
    "budget = { trials = 3; };\n"
    "retrain = { top = 1; epochs = 1; };\n";

static char *search(const char *path, nas_device *device, nas_search_report *report)
{
    nas_config *config = calloc(1, sizeof *config);
    assert_non_null(config);
    const nas_search_options options = {.study_path = path, .open_device = device};
    nas_test_ok(nas_config_parse(config_text, "adopt.cfg", NULL, NULL, 0, config));
    nas_test_ok(nas_session_search(config, &options, report));
    nas_config_clear(config);
    free(config);
    return nas_test_canonical(path);
}

static void test_search_on_it(void **state)
{
    world w;
    nas_device *device;
    nas_search_report alone, lent;
    nas_eval_result here, there;
    (void)state;
    open_world(&w, 0);
    assert_int_equal(system("rm -rf ./*.study*"), 0);
    char *wanted = search("alone.study", NULL, &alone);
    nas_test_ok(nas_device_adopt(w.id, w.context, w.queue, NULL, &device));
    char *got = search("lent.study", device, &lent);
    assert_string_equal(got, wanted);
    assert_int_equal(lent.result_count, 1);
    assert_true(lent.results[0].test_score == alone.results[0].test_score);
    nas_test_ok(nas_session_eval(alone.results[0].model, "alone.study", NULL, &here));
    nas_test_ok(nas_session_eval(lent.results[0].model, "lent.study",
                                 &(nas_eval_options){.open_device = device}, &there));
    assert_true(here.score == there.score && here.loss == there.loss);
    nas_eval_result_clear(&here);
    nas_eval_result_clear(&there);
    assert_int_equal(nas_device_live_objects(device), 0);
    nas_device_destroy(device);
    free(wanted);
    free(got);
    close_world(&w);
}

/* Workers open their own. */
static void test_not_with_workers(void **state)
{
    nas_device *device;
    nas_search_report report;
    nas_config config = {0};
    (void)state;
    if (nas_device_open("any", NULL, &device) != NAS_OK)
        skip();
    const nas_search_options options = {
        .study_path = "none.study", .program = "/proc/self/exe", .open_device = device};
    nas_test_fails(nas_session_search(&config, &options, &report), NAS_CONFIG, "program");
    nas_device_destroy(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits_and_references),
        cmocka_unit_test(test_outlives_the_program_s_references),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_sub_device),
        cmocka_unit_test(test_search_on_it),
        cmocka_unit_test(test_not_with_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
