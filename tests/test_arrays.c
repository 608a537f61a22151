/* test_arrays.c - NumPy arrays: sequences, labels, numbers, groups, and test sets that are held out. */
#include "data_files.h"

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/clnas_test_arrays_%ld", (long)getpid());
    return nas_folder_make(folder, 0700) == NAS_OK ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"x.npy", "y.npy", "g.npy", "tx.npy", "ty.npy"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove_file(names[i]);
    return rmdir(folder);
}

/* ---- npy ------------------------------------------------------------------------------------- */

#define NPY(more)                                                                                  \
    "{ type = \"npy\"; path = \"%s\"; train_images = \"x.npy\"; train_labels = \"y.npy\"; "        \
    "test_images = \"\"; valid = 2; " more " }"

static void write_samples(int rank, const uint64_t *dims)
{
    float values[120];
    for (int i = 0; i < 120; i++)
        values[i] = (float)i;
    write_npy("x.npy", NAS_NPY_FLOAT32, rank, dims, values);
}

/* The same bytes are images, a table or sequences, as rank and layout say. */
static void npy_has_layouts(void **state)
{
    static const struct {
        int rank;
        uint64_t dims[4];
        const char *config;
        int c, h, w;
    } cases[] = {
        {2, {6, 20}, NPY(""), 20, 1, 1},
        {2, {6, 20}, NPY("layout = \"sequences\";"), 1, 1, 20},
        {3, {6, 4, 5}, NPY(""), 1, 4, 5},
        {3, {6, 4, 5}, NPY("layout = \"sequences\";"), 4, 1, 5},
        {4, {6, 2, 1, 10}, NPY(""), 2, 1, 10},
    };
    nas_data *data;
    (void)state;
    write_npy("y.npy", NAS_NPY_UINT8, 1, (uint64_t[]){6}, "\0\1\0\1\0\1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_samples(cases[i].rank, cases[i].dims);
        nas_test_ok(open_data(cases[i].config, &data));
        assert_shape(data, cases[i].c, cases[i].h, cases[i].w);
        assert_float_equal(((float *)nas_data_content_of(data)->train.samples)[119], 119, 0);
        nas_data_destroy(data);
    }
    nas_test_fails(open_data(NPY("layout = \"sequences\";"), &data), NAS_DATA, "N×C×L or N×L");
    write_samples(1, (uint64_t[]){6});
    nas_test_fails(open_data(NPY(""), &data), NAS_DATA, "1 dimensions; images are");
}

static void npy_has_numbers(void **state)
{
    static const double pairs[12] = {1.5, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1e300};
    nas_data *data;
    (void)state;
    write_samples(2, (uint64_t[]){6, 20});
    write_npy("y.npy", NAS_NPY_FLOAT64, 1, (uint64_t[]){6}, pairs);
    nas_test_ok(open_data(NPY("task = \"regress\";"), &data));
    assert_int_equal(nas_data_outputs(data), 1);
    assert_float_equal(nas_data_content_of(data)->train.targets[1], -2, 0);
    nas_data_destroy(data);
    write_npy("y.npy", NAS_NPY_FLOAT64, 2, (uint64_t[]){6, 2}, pairs);
    nas_test_fails(open_data(NPY("task = \"regress\";"), &data), NAS_DATA,
                   "y.npy: target 1 of sample 5 is not a finite number");
    write_npy("y.npy", NAS_NPY_INT64, 2, (uint64_t[]){6, 2},
              (int64_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -12});
    nas_test_ok(open_data(NPY("task = \"regress\";"), &data));
    assert_int_equal(nas_data_outputs(data), 2);
    assert_float_equal(nas_data_content_of(data)->train.targets[11], -12, 0);
    nas_data_destroy(data);
    write_npy("y.npy", NAS_NPY_FLOAT64, 1, (uint64_t[]){5}, pairs);
    nas_test_fails(open_data(NPY("task = \"regress\";"), &data), NAS_DATA,
                   "y.npy: 1 dimensions with 5 rows of targets for 6 images");
    write_npy("y.npy", NAS_NPY_FLOAT64, 3, (uint64_t[]){6, 1, 1}, pairs);
    nas_test_fails(open_data(NPY("task = \"regress\";"), &data), NAS_DATA, "3 dimensions");
    write_npy("y.npy", NAS_NPY_FLOAT64, 2, (uint64_t[]){6, 0}, pairs);
    nas_test_fails(open_data(NPY("task = \"regress\";"), &data), NAS_DATA, "0 targets");
}

static void npy_has_labels(void **state)
{
    static const uint8_t labels[12] = {1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 2, 0};
    nas_data *data;
    (void)state;
    write_samples(2, (uint64_t[]){6, 20});
    write_npy("y.npy", NAS_NPY_UINT8, 2, (uint64_t[]){6, 2}, labels);
    nas_test_fails(open_data(NPY("task = \"multilabel\";"), &data), NAS_DATA,
                   "y.npy: label 0 of sample 5 is 2");
    nas_test_fails(open_data(NPY(""), &data), NAS_DATA, "2 dimensions with 6 labels");
    write_npy("y.npy", NAS_NPY_UINT8, 2, (uint64_t[]){6, 1}, labels);
    nas_test_ok(open_data(NPY("task = \"multilabel\";"), &data));
    assert_int_equal(nas_data_outputs(data), 1);
    assert_float_equal(nas_data_content_of(data)->train.targets[3], 1, 0);
    assert_null(nas_data_content_of(data)->train.labels);
    nas_data_destroy(data);
}

/* Test files must have as many targets as training files. */
static void npy_parts_agree(void **state)
{
    static const float numbers[12] = {0};
    static const char config[] =
        "{ type = \"npy\"; path = \"%s\"; task = \"regress\"; train_images = \"x.npy\"; "
        "train_labels = \"y.npy\"; test_images = \"tx.npy\"; test_labels = \"ty.npy\"; valid = 2; "
        "}";
    nas_data *data;
    (void)state;
    write_samples(2, (uint64_t[]){6, 20});
    write_npy("y.npy", NAS_NPY_FLOAT32, 1, (uint64_t[]){6}, numbers);
    write_npy("tx.npy", NAS_NPY_FLOAT32, 2, (uint64_t[]){4, 3}, numbers);
    write_npy("ty.npy", NAS_NPY_FLOAT32, 2, (uint64_t[]){4, 2}, numbers);
    nas_test_fails(open_data(config, &data), NAS_DATA, "differ in shape or type");
    write_npy("x.npy", NAS_NPY_FLOAT32, 2, (uint64_t[]){4, 3}, numbers);
    write_npy("y.npy", NAS_NPY_FLOAT32, 1, (uint64_t[]){4}, numbers);
    nas_test_fails(open_data(config, &data), NAS_DATA, "2 targets of a sample, and 1 in training");
    write_npy("ty.npy", NAS_NPY_FLOAT32, 2, (uint64_t[]){4, 1}, numbers);
    nas_test_ok(open_data(config, &data));
    nas_data_destroy(data);
}

/* ---- groups and held-out test sets -------------------------------------------------------------- */

enum { MANY = 600 };

/* Sample i is the number i, of class i % 3 (or i % 7 == 0 alone), of a patient with 1 … 9 samples. */
static void write_patients(void)
{
    float values[MANY];
    uint8_t labels[MANY];
    int32_t groups[MANY];
    int32_t group = 1000, left = 0;
    for (int i = 0; i < MANY; i++) {
        values[i] = (float)i;
        labels[i] = (uint8_t)(i * 7 % 3);
        if (left == 0) {
            group++;
            left = 1 + group * 5 % 9;
        }
        left--;
        groups[i] = group;
    }
    write_npy("x.npy", NAS_NPY_FLOAT32, 2, (uint64_t[]){MANY, 1}, values);
    write_npy("y.npy", NAS_NPY_UINT8, 1, (uint64_t[]){MANY}, labels);
    write_npy("g.npy", NAS_NPY_INT32, 1, (uint64_t[]){MANY}, groups);
}

static const int32_t *groups_of(uint32_t *count)
{
    static nas_npy npy;
    nas_npy_clear(&npy);
    nas_test_ok(nas_npy_read(path_of("g.npy"), &npy));
    *count = (uint32_t)npy.dims[0];
    return npy.data;
}

/* side[group − 1000] of every sample in the split is `mark`, and nobody else's. */
static void assert_apart(const nas_data *data, nas_split split, int mark, int side[MANY],
                         bool seen[MANY])
{
    uint32_t count, all;
    const int32_t *groups = groups_of(&all);
    const uint32_t *members = nas_data_split(data, split, &count);
    const nas_data_content *content = nas_data_content_of(data);
    const nas_data_part *part = split == NAS_SPLIT_TEST ? &content->test : &content->train;
    assert_true(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        const int original = (int)((float *)part->samples)[members[i]];
        const int group = groups[original] - 1000;
        assert_int_equal(part->labels[members[i]], original * 7 % 3);
        assert_int_equal(part->groups[members[i]], groups[original]);
        assert_false(seen[original]);
        seen[original] = true;
        assert_true(side[group] == 0 || side[group] == mark);
        side[group] = mark;
    }
}

/* Test, validation and training share no patient, each sample is in one of them, and their sizes are near to what was asked for. */
static void groups_stay_together(void **state)
{
    char config[1024];
    (void)state;
    write_patients();
    for (int seed = 0; seed < 50; seed++) {
        int side[MANY] = {0};
        bool seen[MANY] = {false};
        uint32_t test, valid, train;
        nas_data *data;
        snprintf(config, sizeof config,
                 "{ type = \"npy\"; path = \"%%s\"; train_images = \"x.npy\"; train_labels = "
                 "\"y.npy\"; train_groups = \"g.npy\"; test_images = \"\"; test = 0.25; "
                 "test_seed = %d; valid = 100; }",
                 seed);
        nas_test_ok(open_data(config, &data));
        assert_apart(data, NAS_SPLIT_TEST, 1, side, seen);
        assert_apart(data, NAS_SPLIT_VALID, 2, side, seen);
        assert_apart(data, NAS_SPLIT_TRAIN, 3, side, seen);
        for (int i = 0; i < MANY; i++)
            assert_true(seen[i]);
        nas_data_split(data, NAS_SPLIT_TEST, &test);
        nas_data_split(data, NAS_SPLIT_VALID, &valid);
        nas_data_split(data, NAS_SPLIT_TRAIN, &train);
        assert_in_range(test, 140, 160);
        assert_in_range(valid, 90, 110);
        assert_int_equal(test + valid + train, MANY);
        nas_data_destroy(data);
    }
}

static uint64_t hash_of_test(const char *config, uint64_t seed)
{
    static nas_data_config filled;
    char text[1024];
    nas_data *data;
    snprintf(text, sizeof text, config, folder);
    nas_test_ok(fill_config(&filled, text));
    nas_test_ok(nas_data_open(&filled, seed, &data));
    const nas_data_part *test = &nas_data_content_of(data)->test;
    const uint64_t hash = nas_hash(test->samples, test->count * sizeof(float), 0);
    uint32_t counts[3] = {0};
    for (uint32_t i = 0; i < test->count; i++)
        counts[test->labels[i]]++;
    for (int k = 0; k < 3; k++)
        assert_int_equal(counts[k], 40); /* exactly in proportion, without groups */
    nas_data_destroy(data);
    return hash;
}

static void test_sets_have_a_seed_of_their_own(void **state)
{
    static const char one[] = NPY("test = 0.2; test_seed = 1;"),
                      two[] = NPY("test = 0.2; test_seed = 2;");
    static nas_data_config filled;
    nas_data *data;
    (void)state;
    write_patients();
    assert_true(hash_of_test(one, 3) == hash_of_test(one, 4));
    assert_true(hash_of_test(one, 3) != hash_of_test(two, 3));
    nas_test_fails(fill_config(&filled, NPY("test = 0.95;")), NAS_CONFIG, "out of range");
    nas_test_fails(open_data(NPY("test = 0.0005;"), &data), NAS_CONFIG, "leaves nothing");
    nas_test_fails(open_data("{ type = \"npy\"; path = \"%s\"; train_images = \"x.npy\"; "
                             "train_labels = \"y.npy\"; test_images = \"x.npy\"; test_labels = "
                             "\"y.npy\"; test = 0.2; valid = 2; }",
                             &data),
                   NAS_CONFIG, "leave one away");
}

static void bad_groups_are_refused(void **state)
{
    static const char config[] = NPY("train_groups = \"g.npy\";");
    static int64_t groups[MANY];
    nas_data *data;
    (void)state;
    write_patients();
    write_npy("g.npy", NAS_NPY_INT64, 1, (uint64_t[]){MANY}, groups);
    nas_test_fails(open_data(config, &data), NAS_DATA, "all 600 samples are of one group");
    groups[7] = -1;
    write_npy("g.npy", NAS_NPY_INT64, 1, (uint64_t[]){MANY}, groups);
    nas_test_fails(open_data(config, &data), NAS_DATA, "group of item 7");
    write_npy("g.npy", NAS_NPY_INT64, 1, (uint64_t[]){MANY - 1}, groups);
    nas_test_fails(open_data(config, &data), NAS_DATA, "599 groups for 600 images");
    write_npy("g.npy", NAS_NPY_FLOAT64, 1, (uint64_t[]){MANY}, groups);
    nas_test_fails(open_data(config, &data), NAS_DATA, "groups must be whole numbers");
    groups[7] = 1; /* one sample against all others: it is taken, though two were asked for */
    write_npy("g.npy", NAS_NPY_INT64, 1, (uint64_t[]){MANY}, groups);
    nas_test_ok(open_data(config, &data));
    uint32_t count;
    assert_int_equal(nas_data_split(data, NAS_SPLIT_VALID, &count)[0], 7);
    assert_int_equal(count, 1);
    nas_data_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_has_layouts),
        cmocka_unit_test(npy_has_numbers),
        cmocka_unit_test(npy_has_labels),
        cmocka_unit_test(npy_parts_agree),
        cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(test_sets_have_a_seed_of_their_own),
        cmocka_unit_test(bad_groups_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
