/* test_optimizers.c - recipes of training without a net: options, schedules against closed forms, optimizers and clip against their formulas in
 * double. */
#include "train_config.h"

/* ---- options and schedules ------------------------------------------------------------------- */

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
        cmocka_unit_test(optimizer_timing),
    };
    const char *only =
        getenv("NAS_TEST_ONLY"); /* a name or pattern, for slow runs under Oclgrind */
    if (only)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
