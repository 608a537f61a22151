/* test_train.c - optimizers and clip against formulas in double, schedules against closed forms,
 * the trainer. */
#include "nas_test.h"

#include <clnas/train.h>

#include <math.h>
#include <unistd.h>

#include "train/trainer.h"

/* ---- options and schedules ------------------------------------------------------------------- */

static nas_status fill_config(nas_train_config *config, const char *text)
{
    nas_value group = {0};
    nas_test_ok(nas_value_parse(text, "test.cfg", 3, &group));
    nas_status status = nas_train_config_fill(&group, config);
    nas_value_clear(&group);
    return status;
}

static void options_are_checked(void **state)
{
    nas_train_config config, again;
    (void)state;
    nas_test_fails(fill_config(&config, "{ optimizer = \"adm\"; }"), NAS_CONFIG, "\"adam\"");
    nas_test_fails(fill_config(&config, "{ optimizer = \"adam\"; momentum = 0.9; }"), NAS_CONFIG,
                   "test.cfg:3");
    nas_test_fails(fill_config(&config, "{ epoch = 3; }"), NAS_CONFIG, "epochs");
    nas_test_fails(fill_config(&config, "{ lr = 0.1; min_lr = 0.2; }"), NAS_CONFIG, "min_lr");
    nas_test_ok(fill_config(&config, "{ optimizer = \"adamw\"; beta1 = 0.8; epochs = 3; }"));
    assert_true(config.common.lr == 0.001);
    nas_value group = {0};
    nas_test_ok(nas_train_config_value(&config, &group));
    nas_test_ok(nas_train_config_fill(&group, &again));
    assert_memory_equal(&config, &again, sizeof config);
    nas_value_clear(&group);
}

static void close_to(double given, double wanted, double tolerance)
{
    if (!(fabs(given - wanted) <= tolerance * (1 + fabs(wanted))))
        fail_msg("%.9g instead of %.9g", given, wanted);
}

static void schedules_have_closed_forms(void **state)
{
    nas_train_config config;
    (void)state;
    nas_test_ok(
        fill_config(&config, "{ epochs = 10; lr = 0.4; schedule = \"constant\"; warmup = 2; }"));
    close_to(nas_schedule_lr(&config.common, 0, 5), 0.04, 1e-12);
    close_to(nas_schedule_lr(&config.common, 9, 5), 0.4, 1e-12);
    close_to(nas_schedule_lr(&config.common, 49, 5), 0.4, 1e-12);
    nas_test_ok(
        fill_config(&config, "{ epochs = 10; lr = 0.4; min_lr = 0.1; schedule = \"cosine\"; }"));
    close_to(nas_schedule_lr(&config.common, 0, 10), 0.4, 1e-12);
    close_to(nas_schedule_lr(&config.common, 25, 10), 0.1 + 0.15 * (1 + cos(3.141592653589793 / 4)),
             1e-12);
    close_to(nas_schedule_lr(&config.common, 50, 10), 0.25, 1e-12);
    nas_test_ok(
        fill_config(&config, "{ epochs = 10; lr = 0.4; schedule = \"linear\"; warmup = 1; }"));
    close_to(nas_schedule_lr(&config.common, 55, 10), 0.2, 1e-12);
    nas_test_ok(fill_config(&config, "{ epochs = 10; lr = 0.4; schedule = \"step\"; }"));
    close_to(nas_schedule_lr(&config.common, 49, 10), 0.4, 1e-12);
    close_to(nas_schedule_lr(&config.common, 50, 10), 0.04, 1e-12);
    close_to(nas_schedule_lr(&config.common, 75, 10), 0.004, 1e-12);
    nas_test_ok(fill_config(&config,
                            "{ epochs = 7; lr = 1; schedule = \"cosine_restart\"; restart = 1; }"));
    close_to(nas_schedule_lr(&config.common, 5, 10), 0.5, 1e-12);
    close_to(nas_schedule_lr(&config.common, 10, 10), 1, 1e-12);
    close_to(nas_schedule_lr(&config.common, 20, 10), 0.5, 1e-12);
    close_to(nas_schedule_lr(&config.common, 30, 10), 1, 1e-12);
    close_to(nas_schedule_lr(&config.common, 50, 10), 0.5, 1e-12);
}

/* ---- optimizers on a bare tape --------------------------------------------------------------- */

enum { COUNT = 80, DECAYED = 48, STEPS = 6 };

/* One block each of parameters, gradients, moments; a step block; a scale. */
typedef struct bench {
    nas_device *device;
    nas_buffer *buffer;
    nas_optimizer_call call;
    nas_tape *tape;
} bench;

static void set_up(bench *b, nas_device *device, uint64_t count, bool scaled)
{
    *b = (bench){.device = device};
    nas_test_ok(nas_buffer_create(device, 4 * (4 * count + 32), "bench", &b->buffer));
    b->call = (nas_optimizer_call){
        .device = device,
        .parameters = {b->buffer, 0, count},
        .gradients = {b->buffer, count, count},
        .decayed_count = DECAYED,
        .moments = {{b->buffer, 2 * count, count}, {b->buffer, 3 * count, count}},
        .step = {b->buffer, 4 * count, 16}};
    if (scaled)
        b->call.scale = (nas_tensor){b->buffer, 4 * count + 16, 2};
    nas_test_ok(nas_tape_create(device, "bench", &b->tape));
}

static void tear_down(bench *b)
{
    nas_tape_destroy(b->tape);
    nas_buffer_destroy(b->buffer);
    assert_int_equal(nas_device_live_objects(b->device), 0);
}

static double pseudo(int i, int step)
{
    return sin(1.7 * i + 0.9 * step) * (1 + (i % 5));
}

/* What is expected, one float at a time. */
typedef struct expected {
    double p, m, v;
} expected;

typedef void (*formula)(expected *e, double g, double decay, double lr, int time);

static void sgd_formula(expected *e, double g, double decay, double lr, int time)
{
    (void)time;
    g += decay * e->p;
    e->m = 0.9 * e->m + g;
    e->p -= lr * e->m;
}

static void nesterov_formula(expected *e, double g, double decay, double lr, int time)
{
    (void)time;
    g += decay * e->p;
    e->m = 0.9 * e->m + g;
    e->p -= lr * (g + 0.9 * e->m);
}

static void adam_core(expected *e, double g, double lr, int time)
{
    e->m = 0.9 * e->m + 0.1 * g;
    e->v = 0.999 * e->v + 0.001 * g * g;
    const double m = e->m / (1 - pow(0.9, time + 1)), v = e->v / (1 - pow(0.999, time + 1));
    e->p -= lr * m / (sqrt(v) + 1e-8);
}

static void adam_formula(expected *e, double g, double decay, double lr, int time)
{
    adam_core(e, g + decay * e->p, lr, time);
}

static void adamw_formula(expected *e, double g, double decay, double lr, int time)
{
    e->p *= 1 - lr * decay;
    adam_core(e, g, lr, time);
}

static void rmsprop_formula(expected *e, double g, double decay, double lr, int time)
{
    (void)time;
    g += decay * e->p;
    e->v = 0.99 * e->v + 0.01 * g * g;
    e->m = 0.7 * e->m + g / (sqrt(e->v) + 1e-8);
    e->p -= lr * e->m;
}

static void run_step(bench *b, const nas_train_config *config, int time, double lr,
                     float *gradients)
{
    nas_step step = {.lr = (float)lr, .time = (uint32_t)time};
    float factor[4] = {0};
    for (int i = 0; i < COUNT; i++)
        gradients[i] = (float)pseudo(i, time);
    if (config->optimizer->factors)
        config->optimizer->factors(&config->options, step.time, lr, factor);
    memcpy(step.spare, factor, sizeof factor);
    nas_test_ok(nas_tensor_write(b->call.gradients, gradients));
    nas_test_ok(nas_buffer_fill(b->buffer, 4 * b->call.step.at, sizeof step, &step, sizeof step));
    nas_test_ok(nas_tape_run(b->tape));
}

static void check_optimizer(nas_device *device, const char *text, formula f, bool scaled)
{
    bench b;
    nas_train_config config;
    expected e[COUNT] = {{0}};
    float p[COUNT], g[COUNT];
    nas_test_ok(fill_config(&config, text));
    set_up(&b, device, COUNT, scaled);
    for (int i = 0; i < COUNT; i++)
        e[i].p = p[i] = (float)pseudo(i, 100);
    nas_test_ok(nas_tensor_write(b.call.parameters, p));
    if (scaled)
        nas_test_ok(nas_tensor_write(b.call.scale, (float[]){0.5f, 0}));
    nas_test_ok(config.optimizer->record(&config.options, &b.call, b.tape));
    for (int time = 0; time < STEPS; time++) {
        const double lr = (float)(0.02 / (1 + time));
        run_step(&b, &config, time, lr, g);
        for (int i = 0; i < COUNT; i++)
            f(&e[i], g[i] * (scaled ? 0.5 : 1), i < DECAYED ? 0.1 : 0, lr, time);
        nas_test_ok(nas_tensor_read(b.call.parameters, p));
        for (int i = 0; i < COUNT; i++)
            close_to((double)p[i], e[i].p, 2e-6);
    }
    tear_down(&b);
}

static void optimizers_follow_their_formulas(void **state)
{
    for (int scaled = 0; scaled < 2; scaled++) {
        check_optimizer(*state, "{ weight_decay = 0.1; }", sgd_formula, scaled);
        check_optimizer(*state, "{ weight_decay = 0.1; nesterov = true; }", nesterov_formula,
                        scaled);
        check_optimizer(*state, "{ optimizer = \"adam\"; weight_decay = 0.1; }", adam_formula,
                        scaled);
        check_optimizer(*state, "{ optimizer = \"adamw\"; weight_decay = 0.1; }", adamw_formula,
                        scaled);
        check_optimizer(*state, "{ optimizer = \"rmsprop\"; weight_decay = 0.1; momentum = 0.7; }",
                        rmsprop_formula, scaled);
    }
}

/* Strips whose guard is closed keep parameters and moments to the bit, decay and momentum included; the others follow the
 * formula as if they were alone. */
static void closed_strips_stay(void **state)
{
    const uint32_t owners[COUNT / 16] = {0, 33, 2, 33, 2};
    bench b;
    nas_buffer *mask;
    nas_train_config config;
    expected e[COUNT] = {{0}};
    float p[COUNT], g[COUNT];
    nas_test_ok(fill_config(&config, "{ weight_decay = 0.1; }"));
    set_up(&b, *state, COUNT, false);
    nas_test_ok(nas_buffer_create(b.device, 4 * 32, "mask", &mask));
    nas_test_ok(nas_buffer_write(mask, 0, sizeof owners, owners));
    b.call.mask = (nas_strip_mask){.owners = {mask, 0, COUNT / 16}, .open = {mask, 16, 2}};
    for (int i = 0; i < COUNT; i++)
        e[i].p = p[i] = (float)pseudo(i, 100);
    nas_test_ok(nas_tensor_write(b.call.parameters, p));
    nas_test_ok(config.optimizer->record(&config.options, &b.call, b.tape));
    for (int time = 0; time < STEPS; time++) {
        const uint32_t open[2] = {time % 3 == 0 ? 1u << 2 : 0, time % 2 ? 1u << 1 : 0};
        nas_test_ok(nas_buffer_write(mask, 64, sizeof open, open));
        run_step(&b, &config, time, 0.05, g);
        nas_test_ok(nas_tensor_read(b.call.parameters, p));
        for (int i = 0; i < COUNT; i++) {
            const uint32_t owner = owners[i / 16];
            const double before = e[i].p;
            if (owner == 0 || (open[owner / 32] >> owner % 32 & 1))
                sgd_formula(&e[i], g[i], i < DECAYED ? 0.1 : 0, 0.05, time);
            else
                assert_true(e[i].p == before);
            close_to((double)p[i], e[i].p, 2e-6);
        }
    }
    nas_buffer_destroy(mask);
    tear_down(&b);
}

/* Every optimizer of the list does something finite, and leaves gaps (0, with gradient 0) alone. */
static void every_optimizer_steps(void **state)
{
    int count;
    const nas_optimizer *const *all = nas_optimizer_all(&count);
    for (int k = 0; k < count; k++) {
        bench b;
        nas_train_config config;
        char text[128];
        float p[COUNT] = {0}, g[COUNT];
        snprintf(text, sizeof text, "{ optimizer = \"%s\"; }", all[k]->kind.name);
        nas_test_ok(fill_config(&config, text));
        assert_true(config.common.lr > 0);
        set_up(&b, *state, COUNT, false);
        nas_test_ok(nas_tensor_write(b.call.parameters, p));
        nas_test_ok(config.optimizer->record(&config.options, &b.call, b.tape));
        nas_step step = {.lr = 0.1f};
        memset(g, 0, sizeof g);
        g[3] = 1;
        float factor[4] = {0};
        if (config.optimizer->factors)
            config.optimizer->factors(&config.options, 0, 0.1, factor);
        memcpy(step.spare, factor, sizeof factor);
        nas_test_ok(nas_tensor_write(b.call.gradients, g));
        nas_test_ok(nas_buffer_fill(b.buffer, 4 * b.call.step.at, sizeof step, &step, sizeof step));
        nas_test_ok(nas_tape_run(b.tape));
        nas_test_ok(nas_tensor_read(b.call.parameters, p));
        for (int i = 0; i < COUNT; i++)
            assert_true(i == 3 ? p[i] < 0 : p[i] == 0);
        tear_down(&b);
    }
}

/* ---- clip ------------------------------------------------------------------------------------ */

static void check_clip(nas_device *device, uint64_t count, double bound, float special)
{
    nas_buffer *buffer;
    nas_tape *tape;
    double sum = 0;
    float result[2];
    float *values = malloc(count * sizeof *values);
    const uint64_t scratch = nas_clip_scratch(count);
    for (uint64_t i = 0; i < count; i++) {
        values[i] = (float)pseudo((int)i, 3);
        sum += (double)values[i] * values[i];
    }
    values[count - 1] += special;
    nas_test_ok(nas_buffer_create(device, 4 * (count + 16 + scratch), "clip", &buffer));
    nas_test_ok(nas_tape_create(device, "clip", &tape));
    const nas_tensor block = {buffer, 0, count}, scale = {buffer, count, 2};
    nas_test_ok(nas_tensor_write(block, values));
    nas_test_ok(nas_clip_record(tape, block, NULL, bound, (nas_tensor){buffer, count + 16, scratch},
                                scale));
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_tensor_read(scale, result));
    if (isnan(special)) {
        assert_true(isnan(result[1]));
        assert_true(bound == 0 || isnan(result[0]));
    } else {
        close_to((double)result[1], sqrt(sum), 1e-5);
        close_to((double)result[0], bound > 0 ? fmin(1, bound / (sqrt(sum) + 1e-6)) : 1, 1e-5);
    }
    nas_tape_destroy(tape);
    nas_buffer_destroy(buffer);
    free(values);
}

/* The norm is that of the open strips, whatever the closed ones hold. */
static void clip_leaves_closed_strips_out(void **state)
{
    enum { SIZE = 4096 + 32, STRIPS = SIZE / 16 };
    nas_buffer *buffer, *masks;
    nas_tape *tape;
    double sum = 0;
    float values[SIZE], result[2];
    uint32_t owners[STRIPS];
    const uint32_t open[1] = {1u << 1 | 1u << 4};
    for (int i = 0; i < STRIPS; i++)
        owners[i] = (uint32_t)(i % 5);
    for (int i = 0; i < SIZE; i++) {
        bool counts = owners[i / 16] == 0 || (open[0] >> owners[i / 16] & 1);
        values[i] = counts ? (float)pseudo(i, 3) : NAN;
        sum += counts ? (double)values[i] * values[i] : 0;
    }
    nas_test_ok(nas_buffer_create(*state, 4 * (SIZE + 32), "clip", &buffer));
    nas_test_ok(nas_buffer_create(*state, 4 * (STRIPS + 32), "masks", &masks));
    nas_test_ok(nas_tape_create(*state, "clip", &tape));
    const nas_tensor block = {buffer, 0, SIZE}, scale = {buffer, SIZE, 2};
    const nas_strip_mask mask = {{masks, 0, STRIPS}, {masks, STRIPS, 1}};
    nas_test_ok(nas_tensor_write(block, values));
    nas_test_ok(nas_buffer_write(masks, 0, sizeof owners, owners));
    nas_test_ok(nas_buffer_write(masks, 4 * STRIPS, sizeof open, open));
    nas_test_ok(nas_clip_record(tape, block, &mask, 5, (nas_tensor){buffer, SIZE + 16, 16}, scale));
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_tensor_read(scale, result));
    close_to((double)result[1], sqrt(sum), 1e-5);
    nas_tape_destroy(tape);
    nas_buffer_destroy(masks);
    nas_buffer_destroy(buffer);
}

static void clip_bounds_the_norm(void **state)
{
    check_clip(*state, 16, 1, 0);
    check_clip(*state, 16, 1e6, 0);
    check_clip(*state, 4096 + 16, 5, 0);
    check_clip(*state, 3 * 4096 + 160, 0, 0);
    check_clip(*state, 4096 + 16, 5, NAN);
    check_clip(*state, 64, 0, NAN);
    assert_int_equal(nas_device_live_objects(*state), 0);
}

/* ---- the trainer ----------------------------------------------------------------------------- */

typedef struct world {
    nas_device *device;
    nas_data *data;
    nas_data_home *home;
    nas_graph graph;
    nas_train_config config;
    nas_trainer_setup setup;
} world;

static const char *const small_data =
    "{ type = \"synthetic\"; train = 240; valid = 48; test = 40; classes = 4; "
    "shape = [1, 8, 8]; noise = 0.3; augment = { flip = true; crop = 1; }; }";
static const char *const small_train =
    "{ epochs = 4; batch = 16; lr = 0.05; clip = 5; warmup = 0.5; }";

/* Emulated devices get four steps an epoch. */
static const char *resumed_train(void)
{
    return getenv("CLNAS_TEST_SMALL")
               ? "{ epochs = 3; batch = 16; samples = 64; lr = 0.05; clip = 5; warmup = 0.5; }"
               : small_train;
}

static void make_world(world *w, nas_device *device, const char *data_text, const char *train_text)
{
    static nas_data_config data;
    nas_value group = {0};
    int node = 0;
    *w = (world){.device = device,
                 .setup = {.split = NAS_SPLIT_TRAIN, .seed = 3, .key = 0xfeedbeef77ULL}};
    nas_test_ok(nas_value_parse(data_text, "test.cfg", 1, &group));
    nas_test_ok(nas_data_config_fill(&group, &data));
    nas_value_clear(&group);
    nas_test_ok(nas_data_open(&data, w->setup.seed, &w->data));
    nas_test_ok(nas_data_home_create(device, w->data, &w->home));
    nas_test_ok(fill_config(&w->config, train_text));
    nas_test_ok(nas_graph_init(&w->graph, nas_data_shape(w->data)));
    nas_test_ok(nas_graph_then(&w->graph, "conv2d", &node, "out = 8; kernel = 3"));
    nas_test_ok(nas_graph_then(&w->graph, "batch_norm", &node, NULL));
    nas_test_ok(nas_graph_then(&w->graph, "activation", &node, "kind = \"relu\""));
    nas_test_ok(nas_graph_then(&w->graph, "pool", &node, "kind = \"max\"; kernel = 2; stride = 2"));
    nas_test_ok(nas_graph_then(&w->graph, "dense", &node, "out = %d", nas_data_classes(w->data)));
}

static void clear_world(world *w)
{
    nas_graph_clear(&w->graph);
    nas_data_home_destroy(w->home);
    nas_data_destroy(w->data);
    assert_int_equal(nas_device_live_objects(w->device), 0);
}

static void make_trainer(world *w, nas_trainer **trainer)
{
    nas_test_ok(nas_trainer_create(w->home, &w->graph, &w->config, &w->setup, trainer));
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
    print_message("train %.3f %.3f, valid %.3f %.3f\n", train.loss, train.accuracy, valid.loss,
                  valid.accuracy);
    assert_int_equal(valid.count, 48);
    assert_true(train.accuracy > 0.85);
    assert_true(valid.accuracy > 0.85);
    int32_t predicted[48];
    uint32_t count, right = 0;
    const uint32_t *members = nas_data_split(w.data, NAS_SPLIT_VALID, &count);
    nas_test_ok(nas_evaluate(nas_trainer_net(trainer), w.home, NAS_SPLIT_VALID, &valid, predicted));
    for (uint32_t i = 0; i < count; i++)
        right += predicted[i] == nas_data_content_of(w.data)->train.labels[members[i]];
    close_to(valid.accuracy, right / 48.0, 1e-9);
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
    int32_t *first = calloc(count, sizeof *first), *second = calloc(count, sizeof *second);
    nas_test_ok(nas_evaluate(sharded, w->home, split, &a, first));
    nas_test_ok(nas_evaluate(whole, w->home, split, &b, second));
    assert_int_equal(a.count, count);
    close_to(a.loss, b.loss, 1e-6);
    assert_true(a.accuracy == b.accuracy);
    for (uint32_t i = 0; i < count; i++)
        right += first[i] == nas_data_content_of(w->data)->train.labels[members[i]];
    close_to(a.accuracy, right / (double)count, 1e-9);
    assert_memory_equal(first, second, count * sizeof *first);
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
        .batch = small ? 32 : 128, .training = true, .loss = true, .shards = 2};
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

/* Where time goes without the net: an optimizer step over a million parameters. */
static void optimizer_timing(void **state)
{
    static const char *const configs[] = {"{ }", "{ optimizer = \"adam\"; }",
                                          "{ optimizer = \"rmsprop\"; }"};
    const uint64_t count = 1 << 20;
    if (getenv("CLNAS_TEST_SMALL"))
        skip();
    for (int k = 0; k < 3; k++) {
        bench b;
        nas_train_config config;
        nas_test_ok(fill_config(&config, configs[k]));
        set_up(&b, *state, count, false);
        nas_test_ok(config.optimizer->record(&config.options, &b.call, b.tape));
        for (int i = 0; i < 3; i++)
            nas_test_ok(nas_tape_run(b.tape));
        nas_test_ok(nas_device_finish(*state));
        const double start = nas_now_s();
        for (int i = 0; i < 50; i++)
            nas_test_ok(nas_tape_run(b.tape));
        nas_test_ok(nas_device_finish(*state));
        const double each = (nas_now_s() - start) / 50;
        const double moved = 4.0 * (double)count * (k ? 7 : 5);
        print_message("%s: %.3f ms for a million parameters, %.1f GB/s\n",
                      config.optimizer->kind.name, each * 1000, moved / each / 1e9);
        tear_down(&b);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(schedules_have_closed_forms),
        cmocka_unit_test(optimizers_follow_their_formulas),
        cmocka_unit_test(closed_strips_stay),
        cmocka_unit_test(every_optimizer_steps),
        cmocka_unit_test(clip_bounds_the_norm),
        cmocka_unit_test(clip_leaves_closed_strips_out),
        cmocka_unit_test(a_small_set_is_learned),
        cmocka_unit_test(steps_follow_the_reference),
        cmocka_unit_test(resume_gives_equal_bits),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(shards_are_evaluated),
        cmocka_unit_test(damaged_checkpoints_are_refused),
        cmocka_unit_test(nan_stops_training),
        cmocka_unit_test(wrong_graphs_and_limits_are_refused),
        cmocka_unit_test(optimizer_timing),
    };
    if (getenv(hash_only))
        return print_hash(getenv(hash_only));
    const char *only =
        getenv("NAS_TEST_ONLY"); /* a name or pattern, for slow runs under Oclgrind */
    if (only)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
