/* test_micro_batches.c - a step's batch in parts (train.micro_batches): the same training where nothing but the loss looks at several samples,
 * in less memory; with norms one of its own, that stops and goes on like any other. */
#include "train_world.h"

#include <unistd.h>

#include "train/trainer.h"

enum { EPOCHS = 3 };

static const char *const data =
    "{ type = \"synthetic\"; train = 200; valid = 48; test = 40; classes = "
    "4; shape = [1, 8, 8]; noise = 0.3; augment = { flip = true; crop = 1; }; }";

/* 152 samples make three steps of 48, in parts of 48, 24, 12 or 3. */
static nas_trainer *trainer_of(world *w, int parts)
{
    char text[256];
    nas_trainer *trainer;
    snprintf(
        text, sizeof text,
        "{ epochs = %d; batch = 48; micro_batches = %d; lr = 0.05; clip = 0.5; warmup = 0.5; }",
        EPOCHS, parts);
    nas_test_ok(fill_config(&w->config, text));
    make_trainer(w, &trainer);
    return trainer;
}

static float *weights_of(const nas_trainer *trainer, uint64_t *count)
{
    const nas_tensor block = nas_net_parameters(nas_trainer_net(trainer)).parameters;
    float *values = malloc((size_t)block.count * sizeof *values);
    nas_test_ok(nas_tensor_read(block, values));
    *count = block.count;
    return values;
}

/* The largest difference of the weights, and how far they have moved from what `other` has. */
static double difference(const nas_trainer *trainer, const nas_trainer *other)
{
    uint64_t count;
    float *a = weights_of(trainer, &count), *b = weights_of(other, &count);
    double most = 0;
    for (uint64_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    free(a);
    free(b);
    return most;
}

static void parts_are_the_batch(void **state)
{
    static const int parts[] = {2, 4, 16};
    world w;
    nas_evaluation wanted, got;
    make_world_in(false, &w, *state, data, "{ }");
    nas_trainer *whole = trainer_of(&w, 1), *begun = trainer_of(&w, 1);
    nas_test_ok(nas_trainer_run(whole, EPOCHS));
    assert_true(nas_trainer_epoch_result(whole, &wanted));
    assert_true(difference(whole, begun) > 0.01);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        nas_trainer *trainer = trainer_of(&w, parts[i]);
        assert_int_equal(nas_trainer_steps(trainer), nas_trainer_steps(whole));
        nas_test_ok(nas_trainer_run(trainer, EPOCHS));
        assert_true(nas_trainer_epoch_result(trainer, &got));
        assert_true(difference(whole, trainer) < 1e-5);
        close_to(got.loss, wanted.loss, 1e-5);
        assert_true(got.score == wanted.score);
        assert_true(got.count == wanted.count);
        nas_trainer_destroy(trainer);
    }
    nas_trainer_destroy(whole);
    nas_trainer_destroy(begun);
    clear_world(&w);
}

static void parts_need_less_memory(void **state)
{
    world w;
    nas_net_memory whole, cut;
    make_world(&w, *state, data, "{ }");
    nas_trainer *one = trainer_of(&w, 1), *three = trainer_of(&w, 3);
    nas_net_memory_of(nas_trainer_net(one), &whole);
    nas_net_memory_of(nas_trainer_net(three), &cut);
    assert_true(2 * cut.activation_bytes < whole.activation_bytes);
    nas_trainer_destroy(one);
    nas_trainer_destroy(three);
    clear_world(&w);
}

/* Statistics are those of a part: what is learned is something else, not some rounding of it. */
static void norms_see_their_part(void **state)
{
    world w;
    make_world(&w, *state, data, "{ }");
    nas_trainer *whole = trainer_of(&w, 1), *cut = trainer_of(&w, 4);
    nas_test_ok(nas_trainer_run(whole, EPOCHS));
    nas_test_ok(nas_trainer_run(cut, EPOCHS));
    assert_true(difference(whole, cut) > 1e-3);
    nas_trainer_destroy(whole);
    nas_trainer_destroy(cut);
    clear_world(&w);
}

static bool stop_at_1(void *user, const nas_train_progress *progress)
{
    (void)user;
    return !(progress->epoch == 1 && progress->step >= 1);
}

static void parts_go_on(void **state)
{
    static const char path[] = "parts.safetensors";
    world w;
    make_world(&w, *state, data, "{ }");
    nas_trainer *whole = trainer_of(&w, 4);
    nas_test_ok(nas_trainer_run(whole, EPOCHS));
    w.setup.callback = stop_at_1;
    nas_trainer *trainer = trainer_of(&w, 4);
    trainer->meeting_s = 0; /* each step */
    nas_test_fails(nas_trainer_run(trainer, EPOCHS), NAS_STOPPED, "epoch 1, step 1 of 3");
    nas_test_ok(nas_trainer_save(trainer, path));
    nas_trainer_destroy(trainer);
    w.setup.callback = NULL;
    trainer = trainer_of(&w, 2);
    nas_test_fails(nas_trainer_load(trainer, path), NAS_DATA, "");
    nas_trainer_destroy(trainer);
    trainer = trainer_of(&w, 4);
    nas_test_ok(nas_trainer_load(trainer, path));
    nas_test_ok(nas_trainer_run(trainer, EPOCHS));
    assert_true(difference(whole, trainer) == 0);
    nas_trainer_destroy(trainer);
    nas_trainer_destroy(whole);
    unlink(path);
    clear_world(&w);
}

static void what_does_not_divide_is_refused(void **state)
{
    nas_train_config config;
    (void)state;
    nas_test_ok(fill_config(&config, "{ batch = 96; micro_batches = 3; }"));
    assert_int_equal(nas_train_micro_batch(&config), 32);
    nas_value group = {0};
    nas_test_ok(nas_value_parse("{ batch = 96; micro_batches = 5; }", "test.cfg", 3, &group));
    nas_test_fails(nas_train_config_fill(&group, &config), NAS_CONFIG,
                   "train.micro_batches = 5 does not divide train.batch = 96");
    nas_value_clear(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_the_batch),
        cmocka_unit_test(parts_need_less_memory),
        cmocka_unit_test(norms_see_their_part),
        cmocka_unit_test(parts_go_on),
        cmocka_unit_test(what_does_not_divide_is_refused),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
