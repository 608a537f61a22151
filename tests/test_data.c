/* test_data.c - data sets: files good and bad, splits, batches on the device. */
#include "nas_test.h"

#include <clnas/data.h>

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "data/dataset.h"

static char folder[512];

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

static const char *path_of(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void remove_file(const char *name)
{
    unlink(path_of(name));
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

static nas_status fill_config(nas_data_config *config, const char *text)
{
    nas_value group = {0};
    nas_test_ok(nas_value_parse(text, "test.cfg", 7, &group));
    nas_status status = nas_data_config_fill(&group, config);
    nas_value_clear(&group);
    return status;
}

/* Opens { TEXT } with FOLDER replaced where %s stands. */
static nas_status open_data(const char *format, nas_data **data)
{
    static nas_data_config config;
    char text[2048];
    snprintf(text, sizeof text, format, folder);
    nas_test_ok(fill_config(&config, text));
    return nas_data_open(&config, 3, data);
}

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
                   NAS_CONFIG, "not supported");
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
    assert_int_equal(content->classes, 3);
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
    assert_int_equal(nas_data_classes(data), 100);
    assert_int_equal(nas_data_content_of(data)->train.labels[3], 19);
    nas_data_destroy(data);
    nas_test_ok(
        open_data("{ type = \"cifar\"; path = \"%s\"; valid = 1; labels = \"coarse\"; }", &data));
    assert_int_equal(nas_data_classes(data), 20);
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
static const char *const npy_names[] = {"train_images.npy", "train_labels.npy", "test_images.npy",
                                        "test_labels.npy"};

static void write_npy(const char *name, nas_npy_type type, int rank, const uint64_t *dims,
                      const void *data)
{
    nas_test_ok(nas_npy_write(path_of(name), type, rank, dims, data));
}

static void write_npy_set(nas_npy_type type, const void *images)
{
    static const int64_t labels[] = {0, 1, 2, 0, 1, 2};
    write_npy(npy_names[0], type, 4, (uint64_t[]){6, 2, 3, 2}, images);
    write_npy(npy_names[1], NAS_NPY_INT64, 1, (uint64_t[]){6}, labels);
    write_npy(npy_names[2], type, 4, (uint64_t[]){3, 2, 3, 2}, images);
    write_npy(npy_names[3], NAS_NPY_INT64, 1, (uint64_t[]){3}, labels);
}

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
        assert_int_equal(nas_data_classes(f.data), 10);
        assert_true(fabs(nas_data_mean(f.data)[0] - 0.286) < 0.002);
        assert_true(fabs(nas_data_std(f.data)[0] - 0.353) < 0.002);
        time_batches(&f, i == 0   ? "resident"
                         : i == 1 ? "resident, augmented"
                         : i == 2 ? "streamed"
                                  : "streamed, augmented");
        tear_down(&f);
    }
}

static int open_device(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/clnas_test_data_%ld", (long)getpid());
    if (nas_folder_make(folder, 0700) != NAS_OK)
        return -1;
    return nas_device_open("any", NULL, (nas_device **)state) == NAS_OK ? 0 : -1;
}

static int close_device(void **state)
{
    nas_device_destroy(*state);
    rmdir(folder);
    return 0;
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
        cmocka_unit_test(splits_are_stratified_and_disjoint),
        cmocka_unit_test(each_sample_comes_once),
        cmocka_unit_test(a_split_is_cut_and_drawn_from),
        cmocka_unit_test(gather_equals_the_host),
        cmocka_unit_test(gather_takes_floats),
        cmocka_unit_test(streamed_equals_resident),
        cmocka_unit_test(augmentation_is_even),
        cmocka_unit_test(fashion_mnist_is_read),
    };
    const char *only =
        getenv("NAS_TEST_ONLY"); /* a name or pattern, for slow runs under Oclgrind */
    if (only)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
