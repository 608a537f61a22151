/* test_batches.c - batches on the device: which samples, how they are augmented and normalised, against the same in plain C; kept on the device or
 * streamed to it. */
#include "data_files.h"

#include <clnas/data.h>

#include <math.h>
#include <unistd.h>

#include "data/dataset.h"

/* ---- batches --------------------------------------------------------------------------------- */

/* A target of its own, without a net. */
typedef struct fixture {
    nas_device *device;
    nas_data *data;
    nas_data_home *home;
    nas_buffer *buffer;
    nas_batches_target target;
    nas_batches *batches;
    uint64_t image_count;
    int n;
} fixture;

static void set_up_shards(fixture *f, nas_device *device, const char *config, nas_split split,
                          const nas_batches_options *options, bool plain, int shards)
{
    *f = (fixture){.device = device};
    nas_test_ok(open_data(config, &f->data));
    nas_test_ok(nas_data_home_create(device, f->data, &f->home));
    f->home->plain = plain;
    f->n = nas_batch_padded(options->batch);
    f->image_count = nas_shape_count(nas_data_shape(f->data)) * (uint64_t)f->n;
    nas_test_ok(nas_buffer_create(device, 4 * (f->image_count + (uint64_t)f->n + 16), "target",
                                  &f->buffer));
    const uint64_t each = f->image_count / (uint64_t)shards;
    f->target.shards = shards;
    for (int i = 0; i < shards; i++)
        f->target.images[i] = (nas_tensor){f->buffer, 16 + each * (uint64_t)i, each};
    f->target.labels = (nas_tensor){f->buffer, 16 + f->image_count, (uint64_t)f->n};
    f->target.step = (nas_tensor){f->buffer, 0, 16};
    nas_test_ok(nas_batches_create(f->home, split, options, &f->target, &f->batches));
}

static void set_up(fixture *f, nas_device *device, const char *config, nas_split split,
                   const nas_batches_options *options, bool plain)
{
    set_up_shards(f, device, config, split, options, plain, 1);
}

static void tear_down(fixture *f)
{
    nas_batches_destroy(f->batches);
    nas_buffer_destroy(f->buffer);
    nas_data_home_destroy(f->home);
    nas_data_destroy(f->data);
    assert_int_equal(nas_device_live_objects(f->device), 0);
}

/* The step block's words: real, slot, epoch, step. */
static void load(fixture *f, uint32_t epoch, int step)
{
    const uint32_t words[16] = {(uint32_t)nas_batches_real(f->batches, step), 0, epoch,
                                (uint32_t)step};
    nas_test_ok(nas_buffer_fill(f->buffer, 0, sizeof words, words, sizeof words));
    nas_test_ok(nas_batches_load(f->batches, step));
}

static void read_batch(fixture *f, float *images, int32_t *labels)
{
    const size_t n = (size_t)f->n / (size_t)f->target.shards;
    float *shard = malloc(f->image_count * sizeof *shard);
    for (int s = 0; s < f->target.shards; s++) {
        nas_test_ok(nas_tensor_read(f->target.images[s], shard));
        for (size_t i = 0; i < f->target.images[s].count; i++)
            images[i / n * (size_t)f->n + (size_t)s * n + i % n] = shard[i];
    }
    free(shard);
    nas_test_ok(nas_buffer_read(f->buffer, 4 * f->target.labels.at, 4 * (uint64_t)f->n, labels));
}

static void each_sample_comes_once(void **state)
{
    fixture f;
    int seen[90], first_order[90], equal = 0;
    const nas_batches_options training = {.batch = 8, .training = true, .seed = 5, .key = 77};
    set_up(&f, *state,
           "{ type = \"synthetic\"; train = 90; valid = 10; test = 21; shape = [1, 3, 3]; }",
           NAS_SPLIT_TRAIN, &training, false);
    assert_int_equal(nas_batches_steps(f.batches), 10);
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        uint32_t count;
        const uint32_t *members = nas_data_split(f.data, NAS_SPLIT_TRAIN, &count);
        memset(seen, 0, sizeof seen);
        nas_test_ok(nas_batches_epoch(f.batches, epoch));
        for (uint32_t i = 0; i < count; i++) {
            seen[nas_batches_order(f.batches)[i]]++;
            equal += epoch && first_order[i] == (int)nas_batches_order(f.batches)[i];
            first_order[i] = (int)nas_batches_order(f.batches)[i];
        }
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(seen[members[i]], 1);
    }
    assert_true(equal < 20);
    tear_down(&f);
    const nas_batches_options some = {.batch = 8, .training = true, .samples = 30};
    set_up(&f, *state, "{ type = \"synthetic\"; train = 90; shape = [1, 3, 3]; }", NAS_SPLIT_TRAIN,
           &some, false);
    assert_int_equal(nas_batches_steps(f.batches), 3);
    assert_int_equal(nas_batches_samples(f.batches), 24);
    tear_down(&f);
    const nas_batches_options evaluation = {.batch = 8};
    set_up(&f, *state, "{ type = \"synthetic\"; train = 90; test = 21; shape = [1, 3, 3]; }",
           NAS_SPLIT_TEST, &evaluation, false);
    assert_int_equal(nas_batches_steps(f.batches), 3);
    assert_int_equal(nas_batches_real(f.batches, 2), 5);
    tear_down(&f);
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A split in two, and batches of one portion: the one portion once an epoch, the other in batches that know nothing of
 * each other. */
static void a_split_is_cut_and_drawn_from(void **state)
{
    const char *const config =
        "{ type = \"synthetic\"; train = 90; valid = 10; classes = 4; shape = [1, 3, 3]; }";
    fixture f;
    uint32_t samples[80], again[80], count, all;
    int times[90] = {0}, last[90] = {0}, changed = 0;
    nas_batches_options options = {.batch = 8, .training = true, .seed = 5, .key = 77};
    set_up(&f, *state, config, NAS_SPLIT_TRAIN, &options, false);
    nas_data_split(f.data, NAS_SPLIT_TRAIN, &all);
    assert_int_equal(all, 80);
    nas_test_ok(nas_data_cut(f.data, NAS_SPLIT_TRAIN, 0.7, 3, samples, &count));
    assert_int_equal(count, 56);
    nas_test_ok(nas_data_cut(f.data, NAS_SPLIT_TRAIN, 0.7, 3, again, &count));
    assert_memory_equal(samples, again, sizeof samples);
    nas_test_ok(nas_data_cut(f.data, NAS_SPLIT_TRAIN, 0.7, 4, again, &count));
    assert_memory_not_equal(samples, again, sizeof samples);
    for (uint32_t i = 0; i < all; i++)
        assert_true(i == 0 || i == count || samples[i] > samples[i - 1]);
    qsort(again, all, sizeof *again, compare);
    assert_memory_equal(again, nas_data_split(f.data, NAS_SPLIT_TRAIN, &all), sizeof again);
    nas_test_fails(nas_data_cut(f.data, NAS_SPLIT_TRAIN, 0.001, 3, again, &count), NAS_CONFIG,
                   "leaves nothing");
    tear_down(&f);

    options.subset = samples;
    options.subset_count = 56;
    set_up(&f, *state, config, NAS_SPLIT_TRAIN, &options, false);
    assert_int_equal(nas_batches_steps(f.batches), 7);
    nas_test_ok(nas_batches_epoch(f.batches, 1));
    memcpy(again, nas_batches_order(f.batches), 56 * sizeof *again);
    qsort(again, 56, sizeof *again, compare);
    assert_memory_equal(again, samples, 56 * sizeof *again);
    tear_down(&f);

    options.subset = samples + 56;
    options.subset_count = 24;
    options.independent = true;
    options.samples = 8 * 300;
    set_up(&f, *state, config, NAS_SPLIT_TRAIN, &options, false);
    assert_int_equal(nas_batches_steps(f.batches), 300);
    nas_test_ok(nas_batches_epoch(f.batches, 1));
    const uint32_t *order = nas_batches_order(f.batches);
    for (int i = 0; i < 8 * 300; i++) {
        assert_true(times[order[i]] == 0 || last[order[i]] / 8 != i / 8); /* once in a batch */
        changed += times[order[i]] && last[order[i]] / 8 < i / 8 - 1;
        last[order[i]] = i;
        times[order[i]]++;
    }
    for (int i = 0; i < 24; i++) /* 100 expected, standard deviation 8.2 */
        assert_in_range(times[samples[56 + i]], 59, 141);
    assert_true(changed > 1000); /* of 2400 draws 2 in 3 come after a batch without */
    tear_down(&f);
}

/* ---- gather against plain C ------------------------------------------------------------------ */

typedef struct fate {
    bool flip;
    int down, right, top, left;
} fate;

static fate fate_of(const nas_data_options *options, nas_shape shape, uint64_t seed, uint64_t key,
                    uint32_t place, uint32_t epoch)
{
    uint32_t words[4], philox_key[2];
    const uint32_t counter[4] = {place, epoch, (uint32_t)key, (uint32_t)(key >> 32)};
    const uint32_t range = 2 * (uint32_t)options->crop + 1;
    nas_random_key(seed, NAS_STREAM_AUGMENT, philox_key);
    nas_philox(counter, philox_key, words);
    return (fate){
        .flip = options->flip && words[0] >> 31,
        .down = (int)((words[1] >> 16) * range >> 16) - (int)options->crop,
        .right = (int)((words[1] & 0xFFFF) * range >> 16) - (int)options->crop,
        .top = (int)((uint64_t)words[2] * (uint64_t)shape.h >> 32) - (int)options->cutout / 2,
        .left = (int)((uint64_t)words[3] * (uint64_t)shape.w >> 32) - (int)options->cutout / 2,
    };
}

static float expected_pixel(const nas_data *data, const nas_data_part *part, uint32_t sample, int c,
                            int y, int x, const fate *f)
{
    const nas_shape shape = nas_data_shape(data);
    const nas_data_options *options = &nas_data_config_of(data)->common;
    const bool is_bytes = nas_data_content_of(data)->type == NAS_SAMPLE_UINT8;
    const double mean = nas_data_mean(data)[c], std = nas_data_std(data)[c];
    const int from_y = y + f->down, from_x = (f->flip ? shape.w - 1 - x : x) + f->right;
    float value = 0;
    if (y >= f->top && y < f->top + options->cutout && x >= f->left &&
        x < f->left + options->cutout)
        return 0;
    if (from_y >= 0 && from_y < shape.h && from_x >= 0 && from_x < shape.w) {
        size_t at =
            (((size_t)sample * (size_t)shape.c + (size_t)c) * (size_t)shape.h + (size_t)from_y) *
                (size_t)shape.w +
            (size_t)from_x;
        value = is_bytes ? ((uint8_t *)part->samples)[at] : ((float *)part->samples)[at];
    }
    return (float)((value / (is_bytes ? 255.0 : 1.0) - mean) / std);
}

static void check_batch(fixture *f, const nas_batches_options *options, nas_split split,
                        uint32_t epoch, int step)
{
    const nas_shape shape = nas_data_shape(f->data);
    const nas_data_options *common = &nas_data_config_of(f->data)->common;
    const nas_data_part *part = nas__data_part_of(f->data, split);
    const int real = nas_batches_real(f->batches, step);
    float *images = malloc(f->image_count * sizeof *images);
    int32_t *labels = malloc((size_t)f->n * sizeof *labels);
    load(f, epoch, step);
    read_batch(f, images, labels);
    for (int i = 0; i < f->n; i++) {
        uint32_t place = (uint32_t)(step * options->batch + i);
        uint32_t sample = i < real ? nas_batches_order(f->batches)[place] : 0;
        fate what = {0};
        if (options->augment)
            what = fate_of(common, shape, options->seed, options->key, place, epoch);
        else
            what.top = what.left = 1 << 20;
        assert_int_equal(labels[i], i < real ? part->labels[sample] : 0);
        for (int p = 0; p < (int)nas_shape_count(shape); p++) {
            int c = p / (shape.h * shape.w), y = p / shape.w % shape.h, x = p % shape.w;
            float wanted = i < real ? expected_pixel(f->data, part, sample, c, y, x, &what) : 0;
            float given = images[(size_t)p * (size_t)f->n + (size_t)i];
            if (!(fabsf(given - wanted) <= 2e-6f * (1 + fabsf(wanted))))
                fail_msg("sample %d, pixel %d %d %d: %g instead of %g", i, c, y, x, (double)given,
                         (double)wanted);
        }
    }
    free(images);
    free(labels);
}

static void gather_equals_the_host(void **state)
{
    static const char *const configs[] = {
        "{ type = \"synthetic\"; train = 60; valid = 7; test = 21; shape = [1, 9, 13]; placement = "
        "\"%s\"; "
        "augment = { flip = true; crop = 3; cutout = 4; }; }",
        "{ type = \"synthetic\"; train = 60; valid = 7; test = 21; shape = [3, 5, 33]; placement = "
        "\"%s\"; "
        "augment = { flip = true; crop = 32; }; }",
        "{ type = \"synthetic\"; train = 60; valid = 7; test = 21; shape = [2, 7, 16]; placement = "
        "\"%s\"; "
        "augment = { cutout = 5; }; }",
    };
    char config[512];
    for (int i = 0; i < 3; i++)
        for (int variant = 0; variant < 16; variant++) {
            const bool training = variant & 1, plain = variant & 2, streamed = variant & 4;
            const int shards = variant & 8 ? 2 : 1; /* 16 samples and 2 */
            const nas_split split = training ? NAS_SPLIT_TRAIN : NAS_SPLIT_TEST;
            const nas_batches_options options = {.batch = 18,
                                                 .training = training,
                                                 .augment = training,
                                                 .seed = 4,
                                                 .key = 0x123456789abcULL};
            fixture f;
            snprintf(config, sizeof config, configs[i], streamed ? "streamed" : "resident");
            set_up_shards(&f, *state, config, split, &options, plain, shards);
            assert_int_equal(nas_data_home_resident(f.home), !streamed);
            nas_test_ok(nas_batches_epoch(f.batches, 2));
            check_batch(&f, &options, split, 2, 0);
            check_batch(&f, &options, split, 2, nas_batches_steps(f.batches) - 1);
            tear_down(&f);
        }
}

static void gather_takes_floats(void **state)
{
    float images[6 * 12];
    fixture f;
    const nas_batches_options options = {.batch = 3, .training = true, .augment = true, .seed = 1};
    for (int i = 0; i < 72; i++)
        images[i] = (float)(i % 31) * 0.37f - 2;
    write_npy_set(NAS_NPY_FLOAT32, images);
    for (int plain = 0; plain < 2; plain++) {
        set_up(
            &f, *state,
            "{ type = \"npy\"; path = \"%s\"; valid = 2; augment = { flip = true; crop = 32; }; }",
            NAS_SPLIT_TRAIN, &options, plain);
        nas_test_ok(nas_batches_epoch(f.batches, 1));
        check_batch(&f, &options, NAS_SPLIT_TRAIN, 1, 0);
        tear_down(&f);
    }
    for (int i = 0; i < 4; i++)
        remove_file(npy_names[i]);
}

/* All batches of an epoch, run ahead without waiting in between, give the same bits in all ways. */
static void hash_epoch(nas_device *device, const char *placement, bool plain, uint64_t hashes[2])
{
    char config[512];
    fixture f;
    const nas_batches_options options = {.batch = 16, .training = true, .augment = true, .seed = 9};
    snprintf(config, sizeof config,
             "{ type = \"synthetic\"; train = 200; shape = [3, 8, 8]; placement = \"%s\"; "
             "augment = { flip = true; crop = 2; cutout = 3; }; }",
             placement);
    set_up(&f, device, config, NAS_SPLIT_TRAIN, &options, plain);
    nas_buffer *all;
    const int steps = nas_batches_steps(f.batches);
    const uint64_t size = 4 * f.image_count;
    nas_test_ok(nas_buffer_create(device, size * (uint64_t)steps, "all", &all));
    nas_test_ok(nas_batches_epoch(f.batches, 3));
    for (int i = 0; i < steps; i++) {
        load(&f, 3, i);
        nas_test_ok(nas_buffer_copy(f.buffer, 64, all, size * (uint64_t)i, size));
    }
    char *bits = malloc(size * (uint64_t)steps);
    nas_test_ok(nas_buffer_read(all, 0, size * (uint64_t)steps, bits));
    hashes[0] = nas_hash(bits, size * (uint64_t)steps, 0);
    hashes[1] = nas_data_hash(f.data);
    free(bits);
    nas_buffer_destroy(all);
    tear_down(&f);
}

static void streamed_equals_resident(void **state)
{
    uint64_t resident[2], streamed[2], plain[2];
    hash_epoch(*state, "resident", false, resident);
    hash_epoch(*state, "streamed", false, streamed);
    hash_epoch(*state, "streamed", true, plain);
    assert_memory_equal(resident, streamed, sizeof resident);
    assert_memory_equal(resident, plain, sizeof resident);
}

static void augmentation_is_even(void **state)
{
    const nas_data_options options = {.flip = true, .crop = 2};
    const nas_shape shape = {1, 28, 28};
    int flips = 0, downs[5] = {0}, rights[5] = {0};
    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        fate f = fate_of(&options, shape, 1, 2, i, 0);
        flips += f.flip;
        downs[f.down + 2]++;
        rights[f.right + 2]++;
        assert_true(f.top >= 0 && f.top < 28 && f.left >= 0 && f.left < 28);
    }
    assert_true(abs(flips - 10000) < 400);
    for (int i = 0; i < 5; i++) {
        assert_true(abs(downs[i] - 4000) < 320);
        assert_true(abs(rights[i] - 4000) < 320);
    }
}

/* ---- the real ones --------------------------------------------------------------------------- */

static void time_batches(fixture *f, const char *what)
{
    nas_test_ok(nas_batches_epoch(f->batches, 0));
    for (int i = 0; i < 10; i++)
        load(f, 0, i);
    nas_test_ok(nas_device_finish(f->device));
    double start = nas_now_s();
    for (int i = 0; i < 200; i++)
        load(f, 0, i);
    nas_test_ok(nas_device_finish(f->device));
    print_message("%s: %.3f ms per batch of 128\n", what, (nas_now_s() - start) / 200 * 1000);
}

static void fashion_mnist_is_read(void **state)
{
    static const char *const augments[] = {"", "augment = { flip = true; crop = 2; };"};
    fixture f;
    char config[512];
    const nas_batches_options options = {.batch = 128, .training = true, .augment = true};
    if (getenv("CLNAS_TEST_SMALL") ||
        access("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz", R_OK) != 0)
        skip();
    for (int i = 0; i < 4; i++) {
        snprintf(config, sizeof config,
                 "{ type = \"idx\"; path = \"/usr/share/datasets/fashion-mnist\"; valid = 10000; "
                 "placement = \"%s\"; %s }",
                 i < 2 ? "resident" : "streamed", augments[i % 2]);
        double start = nas_now_s();
        set_up(&f, *state, config, NAS_SPLIT_TRAIN, &options,
               nas_device_describe(*state)->type == NAS_DEVICE_GPU);
        print_message("opened and set up in %.2f s\n", nas_now_s() - start);
        assert_int_equal(nas_data_content_of(f.data)->train.count, 60000);
        assert_int_equal(nas_data_content_of(f.data)->test.count, 10000);
        assert_int_equal(nas_data_outputs(f.data), 10);
        assert_true(fabs(nas_data_mean(f.data)[0] - 0.286) < 0.002);
        assert_true(fabs(nas_data_std(f.data)[0] - 0.353) < 0.002);
        time_batches(&f, i == 0   ? "resident"
                         : i == 1 ? "resident, augmented"
                         : i == 2 ? "streamed"
                                  : "streamed, augmented");
        tear_down(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sample_comes_once),   cmocka_unit_test(a_split_is_cut_and_drawn_from),
        cmocka_unit_test(gather_equals_the_host),   cmocka_unit_test(gather_takes_floats),
        cmocka_unit_test(streamed_equals_resident), cmocka_unit_test(augmentation_is_even),
        cmocka_unit_test(fashion_mnist_is_read),
    };
    const char *only =
        getenv("NAS_TEST_ONLY"); /* a name or pattern, for slow runs under Oclgrind */
    if (only)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
