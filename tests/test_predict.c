/* Predictions: what a model says of new files is what it says of the same samples in a data set. */
#include "image_files.h"
#include "session_runs.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { SAMPLES = 64, SIDE = 12, PIXELS = SIDE * SIDE, CLASSES = 4 };

/* What was told, in order. */
typedef struct told {
    int count;
    int64_t sample[SAMPLES + 8];
    int largest[SAMPLES + 8], outputs;
    double values[SAMPLES + 8][CLASSES];
    char name[64]; /* of output 0 */
} told;

static nas_status take(void *user, const nas_prediction *p)
{
    told *t = user;
    assert_true(t->count < SAMPLES + 8 && p->outputs <= CLASSES);
    t->outputs = p->outputs;
    t->sample[t->count] = p->sample;
    t->largest[t->count] = p->largest;
    memcpy(t->values[t->count], p->values, (size_t)p->outputs * sizeof *p->values);
    snprintf(t->name, sizeof t->name, "%s", p->names ? p->names[0] : "");
    t->count++;
    return NAS_OK;
}

static nas_status ask(const char *model, const char *file, told *t)
{
    const nas_predict_options options = {.batch = 24, .each = take, .user = t};
    *t = (told){0};
    return nas_session_predict(model, &file, 1, &options);
}

/* A search with this override, and the model that its retraining left. */
static void make_model(const char *study, const char *override, char model[NAS_PATH_SIZE])
{
    nas_search_report report;
    nas_train_result results[NAS_TRAIN_RESULTS];
    int count = 0;
    nas_test_ok(search_config(study, false, override, &report));
    nas_test_ok(nas_session_results(study, results, NAS_TRAIN_RESULTS, &count));
    assert_true(count >= 1);
    snprintf(model, NAS_PATH_SIZE, "%s", results[0].model);
}

/* The test samples of the study's data. */
static void open_data(const char *override, nas_data **data)
{
    nas_config *config = parse_config(&override, override ? 1 : 0);
    nas_test_ok(nas_data_open_group(&config->data, config->seed, data));
    nas_config_clear(config);
    free(config);
}

static void write_samples(const char *path, const nas_data *data)
{
    const uint64_t dims[] = {SAMPLES, 1, SIDE, SIDE};
    assert_int_equal(nas_data_content_of(data)->test.count, SAMPLES);
    nas_test_ok(
        nas_npy_write(path, NAS_NPY_UINT8, 4, dims, nas_data_content_of(data)->test.samples));
}

static void classes_are_those_of_eval(void **state)
{
    char model[NAS_PATH_SIZE];
    const char *study = path_of("classes.study"), *arrays = path_of("test.npy");
    nas_eval_result evaluated;
    nas_data *data;
    static told t;
    uint64_t confusion[CLASSES * CLASSES] = {0};
    (void)state;
    make_model(study, NULL, model);
    open_data(NULL, &data);
    write_samples(arrays, data);
    nas_test_ok(nas_session_eval(model, study, NULL, &evaluated));
    nas_test_ok(ask(model, arrays, &t));
    assert_int_equal(t.count, SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
        double sum = 0;
        for (int k = 0; k < CLASSES; k++)
            sum += t.values[i][k];
        assert_true(fabs(sum - 1) < 1e-9);
        assert_int_equal(t.sample[i], i);
        confusion[nas_data_content_of(data)->test.labels[i] * CLASSES + t.largest[i]]++;
    }
    assert_memory_equal(confusion, evaluated.confusion, sizeof confusion);
    nas_eval_result_clear(&evaluated);
    nas_data_destroy(data);
}

/* A picture of the model's size is the same sample, to the last bit; and one array alone is, too. */
static void pictures_are_samples(void **state)
{
    char model[NAS_PATH_SIZE];
    const char *study = path_of("pictures.study"), *picture = path_of("one.png");
    const char *arrays = path_of("all.npy"), *one = path_of("one.npy");
    const uint64_t dims[] = {SIDE, SIDE};
    nas_data *data;
    static told all, t;
    (void)state;
    make_model(study, NULL, model);
    open_data(NULL, &data);
    write_samples(arrays, data);
    const uint8_t *third = (const uint8_t *)nas_data_content_of(data)->test.samples + 2 * PIXELS;
    write_png(picture, SIDE, SIDE, (png_kind){.colour = PNG_COLOR_TYPE_GRAY, .depth = 8}, third);
    nas_test_ok(nas_npy_write(one, NAS_NPY_UINT8, 2, dims, third));
    nas_test_ok(ask(model, arrays, &all));
    nas_test_ok(ask(model, picture, &t));
    assert_int_equal(t.count, 1);
    assert_int_equal(t.sample[0], -1);
    assert_memory_equal(t.values[0], all.values[2], sizeof t.values[0]);
    nas_test_ok(ask(model, one, &t));
    assert_memory_equal(t.values[0], all.values[2], sizeof t.values[0]);
    nas_data_destroy(data);
}

static void numbers_are_in_their_units(void **state)
{
    char model[NAS_PATH_SIZE];
    const char *study = path_of("numbers.study"), *arrays = path_of("numbers.npy");
    nas_eval_result evaluated;
    nas_data *data;
    static told t;
    double absolute = 0;
    (void)state;
    make_model(study, "data.task=regress", model);
    open_data("data.task=regress", &data);
    write_samples(arrays, data);
    nas_test_ok(nas_session_eval(model, study, NULL, &evaluated));
    nas_test_ok(ask(model, arrays, &t));
    for (int i = 0; i < SAMPLES; i++)
        absolute +=
            fabs(t.values[i][1] - nas_data_content_of(data)->test.targets[2 * i + 1]) / SAMPLES;
    assert_int_equal(t.outputs, 2);
    assert_true(fabs(absolute - evaluated.each[1].mae) < 1e-4 * absolute);
    nas_eval_result_clear(&evaluated);
    nas_data_destroy(data);
}

static void other_files_are_refused(void **state)
{
    char model[NAS_PATH_SIZE];
    const char *study = path_of("refused.study"), *file = path_of("file");
    const uint64_t other[] = {3, SIDE, SIDE + 1}, same[] = {1, SIDE, SIDE};
    float values[3 * SIDE * (SIDE + 1)] = {0};
    static told t;
    (void)state;
    make_model(study, NULL, model);
    nas_test_ok(nas_npy_write(file, NAS_NPY_FLOAT32, 3, other, values));
    nas_test_fails(ask(model, file, &t), NAS_DATA, "takes samples of 1x12x12");
    values[5] = NAN;
    nas_test_ok(nas_npy_write(file, NAS_NPY_FLOAT32, 3, same, values));
    nas_test_fails(ask(model, file, &t), NAS_DATA, "value 5 of sample 0");
    nas_test_ok(nas_file_replace(file, "hello", 5));
    nas_test_fails(ask(model, file, &t), NAS_DATA, "file");
    nas_test_fails(ask(model, path_of("missing.png"), &t), NAS_DATA, "missing.png");
    nas_test_fails(ask(file, file, &t), NAS_DATA, "");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_those_of_eval),
        cmocka_unit_test(pictures_are_samples),
        cmocka_unit_test(numbers_are_in_their_units),
        cmocka_unit_test(other_files_are_refused),
    };
    be_a_worker(argc, argv);
    return cmocka_run_group_tests_name("predict", tests, make_session_folder,
                                       remove_session_folder);
}
