/* test_train.c - the trainer: it learns, follows the reference step by step, stops and goes on to the same bits, on any number of threads,
 * and refuses what is damaged or does not fit.  Optimizers and schedules: test_optimizers.c. */
#include "train_world.h"

#include <math.h>
#include <unistd.h>

#include "train/trainer.h"

/* ---- the trainer ----------------------------------------------------------------------------- */

static const char *const small_data =
    "{ type = \"synthetic\"; train = 240; valid = 48; test = 40; classes = 4; "
    "shape = [1, 8, 8]; noise = 0.3; augment = { flip = true; crop = 1; }; }";
static const char *const numbers_data =
    "{ type = \"synthetic\"; task = \"regress\"; train = 480; valid = 48; test = 40; classes = 2; "
    "shape = [1, 8, 8]; noise = 0.3; mean = 0.5; std = 0.2; }";
static const char *const weighted_data =
    "{ type = \"synthetic\"; train = 240; valid = 48; test = 40; classes = 4; "
    "shape = [1, 8, 8]; noise = 0.3; class_weights = [0, 1, 1, 2]; }";
static const char *const small_train =
    "{ epochs = 4; batch = 16; lr = 0.05; clip = 5; warmup = 0.5; }";

/* Emulated devices get four steps an epoch. */
static const char *resumed_train(void)
{
    return getenv("CLNAS_TEST_SMALL")
               ? "{ epochs = 3; batch = 16; samples = 64; lr = 0.05; clip = 5; warmup = 0.5; }"
               : small_train;
}

static uint64_t weights_hash(nas_trainer *trainer)
{
    const nas_net_block block = nas_net_parameters(nas_trainer_net(trainer));
    float *values = malloc((block.parameters.count + block.states.count) * sizeof *values);
    nas_test_ok(nas_tensor_read(block.parameters, values));
    nas_test_ok(nas_tensor_read(block.states, values + block.parameters.count));
    uint64_t hash =
        nas_hash(values, (block.parameters.count + block.states.count) * sizeof *values, 0);
    free(values);
    return hash;
}

static void a_small_set_is_learned(void **state)
{
    world w;
    nas_trainer *trainer;
    nas_evaluation train, valid;
    if (getenv("CLNAS_TEST_SMALL"))
        skip(); /* steps_follow_the_reference says the same of ten steps */
    make_world(&w, *state, small_data, "{ epochs = 12; batch = 16; lr = 0.05; }");
    make_trainer(&w, &trainer);
    assert_false(nas_trainer_epoch_result(trainer, &train));
    nas_test_ok(nas_trainer_run(trainer, 12));
    assert_int_equal(nas_trainer_epoch(trainer), 12);
    assert_true(nas_trainer_epoch_result(trainer, &train));
    nas_test_ok(nas_trainer_evaluate(trainer, NAS_SPLIT_VALID, &valid));
    print_message("train %.3f %.3f, valid %.3f %.3f\n", train.loss, train.score, valid.loss,
                  valid.score);
    assert_int_equal(valid.count, 48);
    assert_true(train.score > 0.85);
    assert_true(valid.score > 0.85);
    float outputs[48 * 10];
    const int classes = nas_data_outputs(w.data);
    uint32_t count, right = 0;
    const uint32_t *members = nas_data_split(w.data, NAS_SPLIT_VALID, &count);
    nas_test_ok(nas_evaluate(nas_trainer_net(trainer), w.home, NAS_SPLIT_VALID, &valid, outputs,
                             NULL, NULL));
    for (uint32_t i = 0; i < count; i++)
        right += nas_largest_output(outputs + i * (uint32_t)classes, classes) ==
                 nas_data_content_of(w.data)->train.labels[members[i]];
    close_to(valid.score, right / 48.0, 1e-9);
    nas_trainer_destroy(trainer);
    clear_world(&w);
}

/* ---- other tasks ------------------------------------------------------------------------------- */

/* R² by its definition, over all numbers, as they are learned. */
static double r2_of(const nas_data *data, nas_split split, const float *outputs)
{
    uint32_t count;
    const uint32_t *members = nas_data_split(data, split, &count);
    const uint32_t each = (uint32_t)nas_data_outputs(data);
    double error = 0, varies = 0;
    for (uint32_t k = 0; k < each; k++) {
        double mean = 0;
        for (int pass = 0; pass < 2; pass++)
            for (uint32_t i = 0; i < count; i++) {
                float words[8];
                nas_data_target_write(data, split, members[i], (int32_t *)words);
                if (pass == 0) {
                    mean += words[k] / (double)count;
                    continue;
                }
                error += pow(outputs[i * each + k] - (double)words[k], 2);
                varies += pow(words[k] - mean, 2);
            }
    }
    return 1 - error / varies;
}

static void numbers_are_learned(void **state)
{
    world w;
    nas_trainer *trainer;
    nas_evaluation train, valid;
    float outputs[48 * 2];
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    make_world(&w, *state, numbers_data,
               "{ epochs = 24; batch = 16; lr = 0.02; optimizer = \"adam\"; huber = 2.0; }");
    make_trainer(&w, &trainer);
    nas_test_ok(nas_trainer_run(trainer, 24));
    assert_true(nas_trainer_epoch_result(trainer, &train));
    nas_test_ok(nas_evaluate(nas_trainer_net(trainer), w.home, NAS_SPLIT_VALID, &valid, outputs,
                             NULL, NULL));
    print_message("R² train %.3f, valid %.3f\n", train.score, valid.score);
    assert_true(train.score > 0.8 && valid.score > 0.8);
    close_to(valid.score, r2_of(w.data, NAS_SPLIT_VALID, outputs), 1e-5);
    nas_trainer_destroy(trainer);
    clear_world(&w);
}

static void heads_are_for_classes(void **state)
{
    world w;
    nas_trainer *trainer;
    make_world(&w, *state, numbers_data, "{ epochs = 1; batch = 16; }");
    int node = w.graph.output;
    const int output = node;
    nas_test_ok(nas_graph_then(&w.graph, "softmax_cross_entropy", &node, "auxiliary = 0.4"));
    w.graph.output = output;
    nas_test_fails(nas_trainer_create(w.home, &w.graph, &w.config, &w.setup, &trainer), NAS_CONFIG,
                   "space.auxiliary");
    clear_world(&w);
}

/* A class of weight 0 is not learned: nothing is told to be it; and the loss is the mean of what is weighted. */
static void weights_steer(void **state)
{
    world w;
    nas_trainer *trainer;
    nas_evaluation valid;
    float outputs[48 * 10];
    uint32_t count, told = 0;
    double loss = 0;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    make_world(&w, *state, weighted_data,
               "{ epochs = 8; batch = 16; lr = 0.05; label_smoothing = 0.1; }");
    make_trainer(&w, &trainer);
    nas_test_ok(nas_trainer_run(trainer, 8));
    nas_test_ok(nas_evaluate(nas_trainer_net(trainer), w.home, NAS_SPLIT_VALID, &valid, outputs,
                             NULL, NULL));
    const uint32_t *members = nas_data_split(w.data, NAS_SPLIT_VALID, &count);
    const int classes = nas_data_outputs(w.data);
    for (uint32_t i = 0; i < count; i++) {
        const float *x = outputs + i * (uint32_t)classes;
        const int32_t label = nas_data_content_of(w.data)->train.labels[members[i]];
        double sum = 0;
        for (int k = 0; k < classes; k++)
            sum += exp((double)x[k]);
        told += nas_largest_output(x, classes) == 0;
        loss += nas_data_class_weights(w.data)[label] * (log(sum) - (double)x[label]) / count;
    }
    assert_int_equal(told, 0);
    close_to(valid.loss, loss, 1e-5); /* without smoothing */
    nas_trainer_destroy(trainer);
    clear_world(&w);
}

/* ---- the whole step against the reference in double ------------------------------------------ */

enum { SHADOW_PARAMETERS = 16, SHADOW_FLOATS = 2048, SHADOW_STEPS = 10 };

typedef struct shadow {
    nas_trainer *trainer;
    nas_reference *reference;
    double moment[SHADOW_PARAMETERS][SHADOW_FLOATS];
    double worst;
    int steps;
} shadow;

/* One SGD step of the reference's parameters; then the largest difference from the net's. */
static void shadow_update(shadow *s, double lr)
{
    nas_net *net = nas_trainer_net(s->trainer);
    float values[SHADOW_FLOATS];
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *parameter = nas_net_parameter_at(net, i);
        double *gradient = NULL, *value = NULL;
        uint64_t count = 0;
        for (int p = 0; p < NAS_OP_PARAMETERS; p++) {
            nas_parameter specs[NAS_OP_PARAMETERS];
            int known = nas_node_parameters(nas_net_graph(net), parameter->node, specs);
            if (p < known && strcmp(specs[p].name, parameter->spec.name) == 0)
                value =
                    nas_reference_parameter(s->reference, parameter->node, p, &gradient, &count);
        }
        if (!parameter->spec.trained)
            continue;
        assert_non_null(value);
        assert_true(count <= SHADOW_FLOATS && i < SHADOW_PARAMETERS);
        nas_test_ok(nas_tensor_read(nas_tensor_view(parameter->tensor, 0, count), values));
        for (uint64_t k = 0; k < count; k++) {
            double g = gradient[k] + (parameter->spec.decayed ? 0.0005 * value[k] : 0);
            s->moment[i][k] = 0.9 * s->moment[i][k] + g;
            value[k] -= lr * s->moment[i][k];
            s->worst = fmax(s->worst, fabs(value[k] - values[k]));
        }
    }
}

/* After each step of the trainer: the same batch through the reference. */
static bool follow(void *user, const nas_train_progress *progress)
{
    shadow *s = user;
    nas_net *net = nas_trainer_net(s->trainer);
    const nas_tensor input = nas_net_input(net), labels = nas_net_labels(net);
    float *images = malloc(input.count * sizeof *images);
    const nas_step step = {.real = 16, .lr = (float)progress->lr};
    nas_test_ok(nas_tensor_read(input, images));
    for (uint64_t i = 0; i < input.count; i++)
        nas_reference_input(s->reference)[i] = images[i];
    free(images);
    nas_test_ok(
        nas_buffer_read(labels.buffer, 4 * labels.at, 4 * 16, nas_reference_labels(s->reference)));
    nas_reference_forward(s->reference, true, &step);
    nas_reference_backward(s->reference, &step);
    shadow_update(s, progress->lr);
    return ++s->steps < SHADOW_STEPS;
}

static void steps_follow_the_reference(void **state)
{
    world w;
    static shadow s;
    s = (shadow){0};
    make_world(&w, *state, small_data, "{ epochs = 4; batch = 16; lr = 0.05; }");
    w.setup.callback = follow;
    w.setup.user = &s;
    make_trainer(&w, &s.trainer);
    s.trainer->meeting_s = 0;
    nas_test_ok(nas_reference_create(&w.graph, nas_net_options_of(nas_trainer_net(s.trainer)),
                                     &s.reference));
    nas_test_ok(nas_reference_copy(s.reference, nas_trainer_net(s.trainer)));
    nas_test_fails(nas_trainer_run(s.trainer, 4), NAS_STOPPED, "stopped");
    assert_int_equal(s.steps, SHADOW_STEPS);
    print_message("largest difference after %d steps: %g\n", s.steps, s.worst);
    assert_true(s.worst < 1e-4);
    nas_reference_destroy(s.reference);
    nas_trainer_destroy(s.trainer);
    clear_world(&w);
}

static bool stop_at_3(void *user, const nas_train_progress *progress)
{
    (void)user;
    return !(progress->epoch == 1 && progress->step >= 3);
}

/* Uninterrupted; saved after an epoch and loaded; stopped in the middle of one: the same bits. */
static void resume_gives_equal_bits(void **state)
{
    world w;
    nas_trainer *trainer;
    nas_evaluation first, second;
    const char *path = "/tmp/clnas_test_train.safetensors";
    make_world(&w, *state, small_data, resumed_train());
    const int epochs = (int)w.config.common.epochs;
    make_trainer(&w, &trainer);
    nas_test_ok(nas_trainer_run(trainer, epochs));
    const uint64_t wanted = weights_hash(trainer);
    nas_trainer_epoch_result(trainer, &first);
    nas_trainer_destroy(trainer);

    make_trainer(&w, &trainer);
    nas_test_ok(nas_trainer_run(trainer, 2));
    nas_test_ok(nas_trainer_save(trainer, path));
    nas_trainer_destroy(trainer);
    make_trainer(&w, &trainer);
    nas_test_ok(nas_trainer_load(trainer, path));
    assert_int_equal(nas_trainer_epoch(trainer), 2);
    nas_test_ok(nas_trainer_run(trainer, epochs));
    assert_int_equal(weights_hash(trainer), wanted);
    nas_trainer_destroy(trainer);

    w.setup.callback = stop_at_3;
    make_trainer(&w, &trainer);
    trainer->meeting_s = 0; /* each step */
    nas_test_fails(nas_trainer_run(trainer, epochs), NAS_STOPPED, "epoch 1, step 3 of ");
    nas_test_ok(nas_trainer_save(trainer, path));
    nas_trainer_destroy(trainer);
    w.setup.callback = NULL;
    make_trainer(&w, &trainer);
    nas_test_ok(nas_trainer_load(trainer, path));
    nas_test_ok(nas_trainer_run(trainer, epochs));
    assert_int_equal(weights_hash(trainer), wanted);
    nas_trainer_epoch_result(trainer, &second);
    assert_memory_equal(&first, &second, sizeof first);
    nas_trainer_destroy(trainer);
    unlink(path);
    clear_world(&w);
}

/* ---- threads: this program starts itself with another number of them ------------------------- */

static const char *const hash_only = "NAS_TEST_TRAIN_HASH";

/* The batch in shards, each on a team of cores where there are several. */
static const char *const sharded_data =
    "{ type = \"synthetic\"; train = 300; valid = 44; test = 0; "
    "shape = [1, 8, 8]; classes = 3; }";

/* Emulated devices get one step. */
static const char *sharded_train(void)
{
    return getenv("CLNAS_TEST_SMALL") ? "{ epochs = 2; batch = 128; samples = 128; lr = 0.05; }"
                                      : "{ epochs = 2; batch = 128; lr = 0.05; }";
}

static int print_hash(const char *what)
{
    world w;
    nas_trainer *trainer;
    nas_device *device;
    if (nas_device_open("any", NULL, &device) != NAS_OK)
        return 1;
    const bool sharded = strcmp(what, "sharded") == 0;
    make_world(&w, device, sharded ? sharded_data : small_data,
               sharded ? sharded_train() : resumed_train());
    make_trainer(&w, &trainer);
    assert_true((nas_net_shard_count(nas_trainer_net(trainer)) > 1) ==
                (sharded && nas_device_describe(device)->on_host));
    nas_test_ok(nas_trainer_run(trainer, sharded && getenv("CLNAS_TEST_SMALL") ? 1 : 2));
    printf("%016llx\n", (unsigned long long)weights_hash(trainer));
    nas_trainer_destroy(trainer);
    clear_world(&w);
    nas_device_destroy(device);
    return 0;
}

static void read_hash(const char *what, const char *threads, const char *teams, char hash[32])
{
    char path[512], command[1024];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(length > 0);
    path[length] = '\0';
    snprintf(command, sizeof command,
             "%s=%s POCL_MAX_PTHREAD_COUNT=%s LP_NUM_THREADS=%s CLNAS_TEAMS=%s '%s'", hash_only,
             what, threads, threads, teams, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(hash, 32, pipe));
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(strlen(hash), 17);
}

static void threads_change_nothing(void **state)
{
    char one[32], other[32];
    (void)state;
    read_hash("whole", "1", "8", one);
    read_hash("whole", "2", "8", other);
    assert_string_equal(one, other);
    read_hash("sharded", "1", "8", one);
    read_hash("sharded", "2", "1", other); /* both threads for each shard in turn */
    assert_string_equal(one, other);
    read_hash("sharded", "2", "8", other); /* a thread for each shard */
    assert_string_equal(one, other);
    read_hash("sharded", "4", "8", other); /* two threads for each */
    assert_string_equal(one, other);
}

/* Predictions of a net in shards are those of one in one piece: of whole batches, and where the second shard has no sample. */
static void check_predictions(world *w, nas_net *sharded, nas_net *whole, nas_split split)
{
    nas_evaluation a, b;
    uint32_t count, right = 0;
    const uint32_t *members = nas_data_split(w->data, split, &count);
    const uint32_t classes = (uint32_t)nas_data_outputs(w->data);
    float *first = calloc(count, classes * sizeof *first);
    float *second = calloc(count, classes * sizeof *second);
    nas_test_ok(nas_evaluate(sharded, w->home, split, &a, first, NULL, NULL));
    nas_test_ok(nas_evaluate(whole, w->home, split, &b, second, NULL, NULL));
    assert_int_equal(a.count, count);
    close_to(a.loss, b.loss, 1e-6);
    assert_true(a.score == b.score);
    for (uint32_t i = 0; i < count; i++)
        right += nas_largest_output(first + i * classes, (int)classes) ==
                 nas_data_content_of(w->data)->train.labels[members[i]];
    close_to(a.score, right / (double)count, 1e-9);
    assert_memory_equal(first, second, count * classes * sizeof *first);
    free(first);
    free(second);
}

static void shards_are_evaluated(void **state)
{
    world w;
    nas_trainer *trainer;
    nas_net *sharded, *whole;
    char path[64];
    const bool small = getenv("CLNAS_TEST_SMALL") != NULL;
    nas_net_options options = {
        .batch = small ? 32 : 128, .training = true, .loss = NAS_CROSS_ENTROPY, .shards = 2};
    snprintf(path, sizeof path, "/tmp/clnas_test_shards_%d.safetensors", (int)getpid());
    make_world(&w, *state, sharded_data, sharded_train());
    make_trainer(&w, &trainer);
    if (!small)
        nas_test_ok(nas_trainer_run(trainer, 2));
    nas_test_ok(nas_net_save(nas_trainer_net(trainer), path, NULL, NULL, 0));
    nas_trainer_destroy(trainer);
    nas_test_ok(nas_net_create(w.device, &w.graph, &options, &sharded));
    options.shards = 0;
    nas_test_ok(nas_net_create(w.device, &w.graph, &options, &whole));
    nas_test_ok(nas_net_load(sharded, path));
    nas_test_ok(nas_net_load(whole, path));
    if (!small)
        check_predictions(&w, sharded, whole, NAS_SPLIT_TRAIN);
    check_predictions(&w, sharded, whole, NAS_SPLIT_VALID);
    nas_net_destroy(sharded);
    nas_net_destroy(whole);
    unlink(path);
    clear_world(&w);
}

static void damaged_checkpoints_are_refused(void **state)
{
    world w;
    nas_trainer *trainer;
    void *bytes;
    size_t size;
    const char *path = "/tmp/clnas_test_damaged.safetensors";
    const double kept[3] = {1.0 / 3, -0.0, 1e-310};
    double values[3];
    make_world(&w, *state, small_data, small_train);
    make_trainer(&w, &trainer);
    nas_test_ok(nas_trainer_attach_values(trainer, "others", values, 3));
    memcpy(values, kept, sizeof kept);
    nas_test_ok(nas_trainer_save(trainer, path));
    const uint64_t before = weights_hash(trainer);
    nas_test_ok(nas_file_read(path, 1 << 24, &bytes, &size));
    memset(values, 0, sizeof values);
    for (size_t at = 0; at < size; at += 1 + size / 97) {
        ((unsigned char *)bytes)[at] ^= 0x10;
        nas_test_ok(nas_file_replace(path, bytes, size));
        nas_test_fails(nas_trainer_load(trainer, path), NAS_DATA, path);
        ((unsigned char *)bytes)[at] ^= 0x10;
        nas_test_ok(nas_file_replace(path, bytes, at));
        nas_test_fails(nas_trainer_load(trainer, path), NAS_DATA, path);
    }
    assert_int_equal(weights_hash(trainer), before);
    assert_true(values[0] == 0 && values[2] == 0);
    nas_test_ok(nas_file_replace(path, bytes, size));
    nas_test_ok(nas_trainer_load(trainer, path));
    assert_memory_equal(values, kept, sizeof kept);
    nas_trainer_destroy(trainer);
    w.setup.seed++;
    make_trainer(&w, &trainer);
    nas_test_ok(nas_trainer_attach_values(trainer, "others", values, 3));
    nas_test_fails(nas_trainer_load(trainer, path), NAS_DATA, "seed");
    nas_trainer_destroy(trainer);
    free(bytes);
    unlink(path);
    clear_world(&w);
}

static void nan_stops_training(void **state)
{
    world w;
    nas_trainer *trainer;
    make_world(&w, *state, small_data,
               "{ epochs = 4; batch = 16; lr = 1000; schedule = \"constant\"; }");
    make_trainer(&w, &trainer);
    const nas_net_block block = nas_net_parameters(nas_trainer_net(trainer));
    const float nan = NAN;
    nas_test_ok(nas_tensor_write(nas_tensor_view(block.parameters, 0, 1), &nan));
    nas_test_fails(nas_trainer_run(trainer, 4), NAS_NONFINITE, "epoch 0");
    nas_trainer_destroy(trainer);
    clear_world(&w);
}

static void wrong_graphs_and_limits_are_refused(void **state)
{
    world w;
    nas_trainer *trainer;
    make_world(&w, *state, small_data, "{ epochs = 400; batch = 16; limit_minutes = 1e-5; }");
    make_trainer(&w, &trainer);
    nas_test_fails(nas_trainer_run(trainer, 400), NAS_TIME, "limit_minutes");
    nas_trainer_destroy(trainer);
    int node = w.graph.count - 1;
    nas_test_ok(nas_graph_then(&w.graph, "dense", &node, "out = 3"));
    nas_test_fails(nas_trainer_create(w.home, &w.graph, &w.config, &w.setup, &trainer), NAS_SHAPE,
                   "4 classes");
    clear_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_set_is_learned),
        cmocka_unit_test(numbers_are_learned),
        cmocka_unit_test(heads_are_for_classes),
        cmocka_unit_test(weights_steer),
        cmocka_unit_test(steps_follow_the_reference),
        cmocka_unit_test(resume_gives_equal_bits),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(shards_are_evaluated),
        cmocka_unit_test(damaged_checkpoints_are_refused),
        cmocka_unit_test(nan_stops_training),
        cmocka_unit_test(wrong_graphs_and_limits_are_refused),
    };
    if (getenv(hash_only))
        return print_hash(getenv(hash_only));
    const char *only =
        getenv("NAS_TEST_ONLY"); /* a name or pattern, for slow runs under Oclgrind */
    if (only)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
