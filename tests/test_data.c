/* test_data.c - data sets: options, files good and bad, splits.  What comes of them on a device: test_batches.c. */
#include "data_files.h"

#include <clnas/data.h>

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "data/dataset.h"

/* ---- files ----------------------------------------------------------------------------------- */

typedef struct bytes {
    unsigned char data[64 * 1024];
    size_t size;
} bytes;

static void put(bytes *to, const void *from, size_t size)
{
    assert_true(to->size + size <= sizeof to->data);
    memcpy(to->data + to->size, from, size);
    to->size += size;
}

static void put_big_endian(bytes *to, uint32_t value)
{
    const unsigned char word[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                                   (unsigned char)(value >> 8), (unsigned char)value};
    put(to, word, 4);
}

static void write_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* The gzip form of `from`. */
static void compress_bytes(const bytes *from, bytes *to)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)from->data;
    stream.avail_in = (unsigned)from->size;
    stream.next_out = to->data;
    stream.avail_out = sizeof to->data;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    to->size = stream.total_out;
    deflateEnd(&stream);
}

/* ---- configs --------------------------------------------------------------------------------- */

static void options_are_checked(void **state)
{
    static nas_data_config config;
    (void)state;
    nas_test_fails(fill_config(&config, "{ path = \"x\"; }"), NAS_CONFIG, "needs \"type\"");
    nas_test_fails(fill_config(&config, "{ type = \"idz\"; path = \"x\"; }"), NAS_CONFIG,
                   "\"idx\"");
    nas_test_fails(fill_config(&config, "{ type = \"idx\"; }"), NAS_CONFIG, "path");
    nas_test_fails(fill_config(&config, "{ type = \"idx\"; path = \"x\"; vaild = 3; }"), NAS_CONFIG,
                   "test.cfg:7");
    nas_test_fails(fill_config(&config, "{ type = \"idx\"; path = \"x\"; noise = 3; }"), NAS_CONFIG,
                   "noise");
    nas_test_fails(fill_config(&config, "{ type = \"idx\"; path = \"x\"; task = \"segment\"; }"),
                   NAS_CONFIG, "classify|multilabel|regress");
    nas_test_fails(fill_config(&config, "{ type = \"idx\"; path = \"x\"; task = \"regress\"; }"),
                   NAS_CONFIG, "have classes alone");
    nas_test_fails(
        fill_config(&config, "{ type = \"synthetic\"; task = \"regress\"; balance = true; }"),
        NAS_CONFIG, "need classes");
    nas_test_fails(
        fill_config(&config, "{ type = \"idx\"; path = \"x\"; augment = { crop = 33; }; }"),
        NAS_CONFIG, "crop");
    nas_test_ok(fill_config(&config, "{ type = \"synthetic\"; noise = 2; valid = 5; "
                                     "augment = { flip = true; crop = 2; }; }"));
    assert_int_equal(config.common.valid, 5);
    assert_true(config.common.flip);
    nas_value group = {0};
    static nas_data_config again;
    nas_test_ok(nas_data_config_value(&config, &group));
    nas_test_ok(nas_data_config_fill(&group, &again));
    assert_memory_equal(&config.common, &again.common, sizeof config.common);
    assert_memory_equal(&config.options, &again.options, sizeof config.options);
    nas_value_clear(&group);
}

/* ---- idx ------------------------------------------------------------------------------------- */

enum { TRAIN = 12, TEST = 6, ROWS = 4, COLUMNS = 5 };

static const char *const idx_names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
static const char *const idx_config = "{ type = \"idx\"; path = \"%s\"; valid = 3; }";

static void make_images(bytes *to, uint32_t count)
{
    to->size = 0;
    put_big_endian(to, 0x00000803);
    put_big_endian(to, count);
    put_big_endian(to, ROWS);
    put_big_endian(to, COLUMNS);
    for (uint32_t i = 0; i < count * ROWS * COLUMNS; i++) {
        const unsigned char value = (unsigned char)(i * 7 + i / 11);
        put(to, &value, 1);
    }
}

static void make_labels(bytes *to, uint32_t count)
{
    to->size = 0;
    put_big_endian(to, 0x00000801);
    put_big_endian(to, count);
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char value = (unsigned char)(i % 3);
        put(to, &value, 1);
    }
}

static void make_idx(bytes files[4])
{
    make_images(&files[0], TRAIN);
    make_labels(&files[1], TRAIN);
    make_images(&files[2], TEST);
    make_labels(&files[3], TEST);
}

static void write_idx(const bytes files[4])
{
    for (int i = 0; i < 4; i++)
        write_file(idx_names[i], files[i].data, files[i].size);
}

static void idx_is_read(void **state)
{
    static bytes files[4];
    nas_data *data;
    (void)state;
    make_idx(files);
    write_idx(files);
    nas_test_ok(open_data(idx_config, &data));
    const nas_data_content *content = nas_data_content_of(data);
    assert_int_equal(content->train.count, TRAIN);
    assert_int_equal(content->test.count, TEST);
    assert_int_equal(content->outputs, 3);
    assert_int_equal(content->shape.c, 1);
    assert_int_equal(content->shape.h, ROWS);
    assert_int_equal(content->shape.w, COLUMNS);
    assert_memory_equal(content->train.samples, files[0].data + 16, TRAIN * ROWS * COLUMNS);
    assert_int_equal(content->test.labels[4], 1);
    nas_data_destroy(data);
}

/* Each of the four files cut at each length, plain and gzip: always refused, by name. */
static void idx_truncations_are_refused(void **state)
{
    static bytes files[4], small;
    nas_data *data;
    (void)state;
    make_idx(files);
    for (int compressed = 0; compressed < 2; compressed++)
        for (int i = 0; i < 4; i++) {
            char name[64];
            const bytes *whole = &files[i];
            write_idx(files);
            snprintf(name, sizeof name, "%s%s", idx_names[i], compressed ? ".gz" : "");
            if (compressed) {
                compress_bytes(&files[i], &small);
                remove_file(idx_names[i]);
                whole = &small;
                write_file(name, small.data, small.size);
                nas_test_ok(open_data(idx_config, &data));
                nas_data_destroy(data);
            }
            for (size_t size = 0; size < whole->size; size++) {
                write_file(name, whole->data, size);
                nas_test_fails(open_data(idx_config, &data), NAS_DATA, idx_names[i]);
            }
            remove_file(name);
            nas_test_fails(open_data(idx_config, &data), NAS_DATA, "no such file");
        }
}

/* One byte of one file changed. */
static void refuse_change(int file, size_t at, unsigned char value, const char *message)
{
    static bytes files[4];
    nas_data *data;
    make_idx(files);
    files[file].data[at] = value;
    write_idx(files);
    nas_test_fails(open_data(idx_config, &data), NAS_DATA, message);
}

static void idx_lies_are_refused(void **state)
{
    static bytes files[4];
    nas_data *data;
    (void)state;
    refuse_change(0, 0, 1, "no IDX file");
    refuse_change(0, 2, 0x0D, "element type 0x0d");
    refuse_change(0, 3, 9, "9 dimensions");
    refuse_change(0, 3, 1, "images have 3 or 4");
    refuse_change(1, 3, 3, "labels");
    refuse_change(0, 4, 0xFF, "the file has");        /* billions of images */
    refuse_change(0, 7, TRAIN + 1, "the file has");   /* one more */
    refuse_change(0, 7, TRAIN - 1, "goes on behind"); /* one less */
    refuse_change(0, 7, 0, "dimension 0 is 0");
    refuse_change(1, 7, TRAIN - 1, "do not belong together");
    refuse_change(2, 11, ROWS - 1, "goes on behind");
    refuse_change(3, 8 + 2, 3, "offset 10");
    make_idx(files);
    put(&files[1], "x", 1);
    write_idx(files);
    nas_test_fails(open_data(idx_config, &data), NAS_DATA, "goes on behind offset 20");
    for (int i = 0; i < 4; i++)
        remove_file(idx_names[i]);
}

/* A gzip file of some bytes whose header promises gigabytes. */
static void gzip_bombs_get_no_memory(void **state)
{
    static bytes files[4], small;
    nas_data *data;
    (void)state;
    make_idx(files);
    files[0].data[4] = 0x70; /* 1.8 billion images */
    compress_bytes(&files[0], &small);
    write_idx(files);
    remove_file(idx_names[0]);
    write_file("train-images-idx3-ubyte.gz", small.data, small.size);
    nas_test_fails(open_data(idx_config, &data), NAS_DATA, "ends at offset");
    remove_file("train-images-idx3-ubyte.gz");
    for (int i = 1; i < 4; i++)
        remove_file(idx_names[i]);
}

/* ---- cifar ----------------------------------------------------------------------------------- */

static const char *const cifar_config =
    "{ type = \"cifar\"; path = \"%s\"; train = [\"a.bin\"]; test = \"b.bin\"; valid = 1; }";

static void make_cifar(bytes *to, int count, int label_bytes)
{
    to->size = 0;
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < label_bytes; k++)
            put(to, &(unsigned char){(unsigned char)(3 * i + 10 * k)}, 1);
        for (int k = 0; k < 3072; k++)
            put(to, &(unsigned char){(unsigned char)(i + k * 5)}, 1);
    }
}

static void cifar_is_read(void **state)
{
    static bytes file;
    nas_data *data;
    (void)state;
    make_cifar(&file, 3, 1);
    write_file("a.bin", file.data, file.size);
    write_file("b.bin", file.data, 2 * 3073);
    nas_test_ok(open_data(cifar_config, &data));
    const nas_data_content *content = nas_data_content_of(data);
    assert_int_equal(content->train.count, 3);
    assert_int_equal(content->test.count, 2);
    assert_int_equal(content->train.labels[2], 6);
    assert_memory_equal((char *)content->train.samples + 3072, file.data + 3074, 3072);
    nas_data_destroy(data);
    make_cifar(&file, 4, 2);
    write_file("train.bin", file.data, file.size);
    write_file("test.bin", file.data, file.size);
    nas_test_ok(open_data("{ type = \"cifar\"; path = \"%s\"; valid = 1; }", &data));
    assert_int_equal(nas_data_outputs(data), 100);
    assert_int_equal(nas_data_content_of(data)->train.labels[3], 19);
    nas_data_destroy(data);
    nas_test_ok(
        open_data("{ type = \"cifar\"; path = \"%s\"; valid = 1; labels = \"coarse\"; }", &data));
    assert_int_equal(nas_data_outputs(data), 20);
    assert_int_equal(nas_data_content_of(data)->train.labels[3], 9);
    nas_data_destroy(data);
    remove_file("train.bin");
    remove_file("test.bin");
}

static void cifar_truncations_are_refused(void **state)
{
    static bytes file, small;
    nas_data *data;
    (void)state;
    make_cifar(&file, 2, 1);
    write_file("b.bin", file.data, 3073);
    for (size_t size = 0; size < file.size;
         size += size % 3073 < 8 || size % 3073 > 3065 ? 1 : 61) {
        write_file("a.bin", file.data, size);
        if (size == 0 || size % 3073 != 0)
            nas_test_fails(open_data(cifar_config, &data), NAS_DATA, "a.bin");
    }
    remove_file("a.bin");
    compress_bytes(&file, &small);
    for (size_t size = 0; size < small.size; size++) {
        write_file("a.bin.gz", small.data, size);
        nas_test_fails(open_data(cifar_config, &data), NAS_DATA, "a.bin.gz");
    }
    write_file("a.bin.gz", small.data, small.size);
    nas_test_ok(open_data(cifar_config, &data));
    nas_data_destroy(data);
    file.data[3073] = 10;
    remove_file("a.bin.gz");
    write_file("a.bin", file.data, file.size);
    nas_test_fails(open_data(cifar_config, &data), NAS_DATA, "label 10 of item 1 (offset 3073)");
    remove_file("a.bin");
    nas_test_fails(open_data(cifar_config, &data), NAS_DATA, "no such file");
    remove_file("b.bin");
}

/* ---- npy ------------------------------------------------------------------------------------- */

static const char *const npy_config = "{ type = \"npy\"; path = \"%s\"; valid = 2; }";
static void npy_is_read(void **state)
{
    double wide[72];
    float narrow[72];
    nas_data *data;
    (void)state;
    for (int i = 0; i < 72; i++) {
        wide[i] = i * 0.1 - 3;
        narrow[i] = (float)wide[i];
    }
    write_npy_set(NAS_NPY_FLOAT64, wide);
    nas_test_ok(open_data(npy_config, &data));
    const nas_data_content *content = nas_data_content_of(data);
    assert_int_equal(content->type, NAS_SAMPLE_FLOAT32);
    assert_memory_equal(content->train.samples, narrow, sizeof narrow);
    assert_int_equal(content->shape.c, 2);
    assert_int_equal(content->shape.h, 3);
    nas_data_destroy(data);
    narrow[40] = NAN;
    write_npy_set(NAS_NPY_FLOAT32, narrow);
    nas_test_fails(open_data(npy_config, &data), NAS_DATA, "value 4 of sample 3");
    narrow[40] = 0;
    write_npy_set(NAS_NPY_FLOAT32, narrow);
    write_npy(npy_names[1], NAS_NPY_INT32, 1, (uint64_t[]){6}, (int32_t[]){0, 1, 2, 0, -1, 2});
    nas_test_fails(open_data(npy_config, &data), NAS_DATA, "item 4");
    write_npy(npy_names[1], NAS_NPY_INT32, 1, (uint64_t[]){5}, (int32_t[]){0, 1, 2, 0, 1});
    nas_test_fails(open_data(npy_config, &data), NAS_DATA, "do not belong together");
    write_npy(npy_names[1], NAS_NPY_FLOAT32, 1, (uint64_t[]){6}, narrow);
    nas_test_fails(open_data(npy_config, &data), NAS_DATA, "whole numbers");
}

static void npy_truncations_are_refused(void **state)
{
    unsigned char images[72] = {1, 2, 3};
    nas_data *data;
    (void)state;
    for (int i = 0; i < 4; i++) {
        void *whole;
        size_t size;
        write_npy_set(NAS_NPY_UINT8, images);
        nas_test_ok(nas_file_read(path_of(npy_names[i]), 1 << 16, &whole, &size));
        for (size_t cut = 0; cut < size; cut++) {
            write_file(npy_names[i], whole, cut);
            nas_test_fails(open_data(npy_config, &data), NAS_DATA, npy_names[i]);
        }
        free(whole);
        remove_file(npy_names[i]);
        nas_test_fails(open_data(npy_config, &data), NAS_DATA, npy_names[i]);
    }
    for (int i = 0; i < 4; i++)
        remove_file(npy_names[i]);
}

/* ---- splits ---------------------------------------------------------------------------------- */

static void count_classes(const nas_data *data, nas_split split, int *counts)
{
    uint32_t count;
    const uint32_t *members = nas_data_split(data, split, &count);
    const nas_data_content *content = nas_data_content_of(data);
    const int32_t *labels = split == NAS_SPLIT_TEST ? content->test.labels : content->train.labels;
    for (uint32_t i = 0; i < count; i++) {
        counts[labels[members[i]]]++;
        if (i)
            assert_true(members[i] > members[i - 1]);
    }
}

static void splits_are_stratified_and_disjoint(void **state)
{
    nas_data *data, *other;
    uint32_t train, valid, both;
    int seen[400] = {0}, counts[7] = {0};
    (void)state;
    const char *config =
        "{ type = \"synthetic\"; train = 400; test = 30; classes = 7; valid = 100; "
        "shape = [1, 4, 4]; }";
    nas_test_ok(open_data(config, &data));
    const uint32_t *in_train = nas_data_split(data, NAS_SPLIT_TRAIN, &train);
    const uint32_t *in_valid = nas_data_split(data, NAS_SPLIT_VALID, &valid);
    const uint32_t *in_both = nas_data_split(data, NAS_SPLIT_TRAIN_VALID, &both);
    assert_int_equal(train, 300);
    assert_int_equal(valid, 100);
    assert_int_equal(both, 400);
    for (uint32_t i = 0; i < train; i++)
        seen[in_train[i]]++;
    for (uint32_t i = 0; i < valid; i++)
        seen[in_valid[i]]++;
    for (int i = 0; i < 400; i++) {
        assert_int_equal(seen[i], 1);
        assert_int_equal(in_both[i], i);
    }
    count_classes(data, NAS_SPLIT_VALID, counts);
    for (int k = 0; k < 7; k++)
        assert_true(counts[k] == 14 || counts[k] == 15);
    nas_test_ok(open_data(config, &other));
    assert_int_equal(nas_data_hash(data), nas_data_hash(other));
    nas_data_destroy(other);
    nas_data_destroy(data);
    nas_test_fails(open_data("{ type = \"synthetic\"; train = 50; valid = 50; }", &data),
                   NAS_CONFIG, "leaves none");
    nas_test_ok(
        open_data("{ type = \"synthetic\"; train = 400; test = 50; valid = 100; train_limit = 70; "
                  "test_limit = 20; shape = [1, 4, 4]; }",
                  &data));
    nas_data_split(data, NAS_SPLIT_TRAIN, &train);
    nas_data_split(data, NAS_SPLIT_TEST, &valid);
    assert_int_equal(train, 70);
    assert_int_equal(valid, 20);
    nas_data_destroy(data);
}

/* ---- targets ---------------------------------------------------------------------------------- */

/* What is learned has mean 0 and deviation 1 over the training split, and is the target in its own units, taken to that scale. */
static void numbers_are_scaled(void **state)
{
    nas_data *data;
    uint32_t count;
    double sum = 0, squares = 0;
    (void)state;
    nas_test_ok(open_data(
        "{ type = \"synthetic\"; task = \"regress\"; train = 300; test = 10; valid = 60; }",
        &data));
    const nas_data_part *part = &nas_data_content_of(data)->train;
    const uint32_t *members = nas_data_split(data, NAS_SPLIT_TRAIN, &count);
    assert_int_equal(nas_data_target_rows(data), 2);
    assert_null(part->labels);
    for (uint32_t i = 0; i < count; i++) {
        float learned[2];
        nas_data_target_write(data, NAS_SPLIT_TRAIN, members[i], (int32_t *)learned);
        sum += learned[1];
        squares += (double)learned[1] * learned[1];
        assert_float_equal(learned[1] * nas_data_target_std(data)[1] +
                               nas_data_target_mean(data)[1],
                           part->targets[2 * members[i] + 1], 1e-4);
        assert_in_range((int)part->targets[2 * members[i]], 24,
                        40); /* contrasts, as they are made */
    }
    assert_float_equal(sum / count, 0, 1e-5);
    assert_float_equal(squares / count, 1, 1e-5);
    nas_data_destroy(data);
}

/* Weighted, each class counts as much as any other, and a sample one in the mean. */
static void weights_balance_classes(void **state)
{
    nas_data *data;
    int32_t words[2];
    float weight;
    (void)state;
    nas_test_ok(open_data(
        "{ type = \"synthetic\"; classes = 3; train = 13; test = 2; valid = 3; balance = true; }",
        &data));
    const double *weights = nas_data_class_weights(data);
    uint32_t count, of[3] = {0};
    const uint32_t *members = nas_data_split(data, NAS_SPLIT_TRAIN, &count);
    const int32_t *labels = nas_data_content_of(data)->train.labels;
    for (uint32_t i = 0; i < count; i++)
        of[labels[members[i]]]++;
    assert_true(of[0] != of[1] || of[1] != of[2]);
    for (int k = 0; k < 3; k++)
        assert_float_equal(weights[k] * of[k], count / 3.0, 1e-9);
    assert_int_equal(nas_data_target_rows(data), 2);
    nas_data_target_write(data, NAS_SPLIT_TRAIN, members[0], words);
    memcpy(&weight, &words[1], sizeof weight);
    assert_int_equal(words[0], labels[members[0]]);
    assert_float_equal(weight, weights[words[0]], 1e-6);
    nas_data_destroy(data);
    nas_test_ok(open_data(
        "{ type = \"synthetic\"; classes = 2; train = 8; valid = 2; class_weights = [1, 3]; }",
        &data));
    assert_float_equal(nas_data_class_weights(data)[1], 1.5,
                       1e-12); /* three of each: (1 + 3) / 2 is the mean */
    nas_data_destroy(data);
    nas_test_fails(
        open_data("{ type = \"synthetic\"; classes = 3; class_weights = [1, 3]; }", &data),
        NAS_CONFIG, "2 values");
    nas_test_fails(
        open_data("{ type = \"synthetic\"; classes = 2; class_weights = [0, 0]; }", &data),
        NAS_CONFIG, "no training sample");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(idx_is_read),
        cmocka_unit_test(idx_truncations_are_refused),
        cmocka_unit_test(idx_lies_are_refused),
        cmocka_unit_test(gzip_bombs_get_no_memory),
        cmocka_unit_test(cifar_is_read),
        cmocka_unit_test(cifar_truncations_are_refused),
        cmocka_unit_test(npy_is_read),
        cmocka_unit_test(npy_truncations_are_refused),
        cmocka_unit_test(numbers_are_scaled),
        cmocka_unit_test(weights_balance_classes),
        cmocka_unit_test(splits_are_stratified_and_disjoint),
    };
    const char *only =
        getenv("NAS_TEST_ONLY"); /* a name or pattern, for slow runs under Oclgrind */
    if (only)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
