/* test_config.c - configs: what is right reads back equal, what is wrong is refused with its place.
 *
 * The hostile half is the point: each entry of `refused` is a text that libconfig alone would misread, follow, hang on or
 * reject without help.  Files of all kinds come next, then thousands of damaged copies of a good config, of which only the
 * verdict is free: never a crash, never a message without words. */
#include "nas_test.h"

#include <clnas/session.h>

#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[128];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "config-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *write_bytes(const char *name, const void *bytes, size_t size)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    return path;
}

static const char *write_text(const char *name, const char *text)
{
    return write_bytes(name, text, strlen(text));
}

static const char *source_config(const char *name)
{
    static char path[512];
    const char *source = getenv("NAS_SOURCE_FOLDER");
    snprintf(path, sizeof path, "%s/configs/%s", source ? source : "..", name);
    return path;
}

/* A small config that is right, with room for more at its end. */
#define GOOD                                                                                       \
    "data = { type = \"synthetic\"; };\n"                                                          \
    "space = { type = \"chain\"; };\n"                                                             \
    "strategy = { type = \"random\"; };\n"                                                         \
    "budget = { trials = 5; };\n"

static nas_status parse(const char *text, nas_config *config)
{
    return nas_config_parse(text, "test.cfg", NULL, NULL, 0, config);
}

/* ---- what is right --------------------------------------------------------------------------------------------------- */

static void read_back(const char *path)
{
    nas_config config = {0}, again = {0};
    nas_text first = {0}, second = {0};
    nas_test_ok(nas_config_read(path, NULL, 0, &config));
    nas_config_write(&config, &first);
    nas_test_ok(nas_config_parse(first.data, "stored", NULL, NULL, 0, &again));
    nas_config_write(&again, &second);
    assert_string_equal(first.data, second.data);
    nas_text_clear(&first);
    nas_text_clear(&second);
    nas_config_clear(&config);
    nas_config_clear(&again);
}

static void test_examples_read_back_equal(void **state)
{
    static const char *const patterns[] = {"*.cfg", "published/*.cfg"};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        glob_t found;
        assert_int_equal(glob(source_config(patterns[i]), 0, NULL, &found), 0);
        assert_true(found.gl_pathc >= 5);
        for (size_t k = 0; k < found.gl_pathc; k++)
            read_back(found.gl_pathv[k]);
        globfree(&found);
    }
}

static void test_values_arrive(void **state)
{
    nas_config config = {0};
    (void)state;
    nas_test_ok(parse(GOOD
                      "study = \"five\"; seed = 5000000000;\n"
                      "train = { epochs = 4; lr = 1; };\n" /* an integer where a real is wanted */
                      "objectives = ( { metric = \"valid_loss\"; goal = \"min\"; } );\n"
                      "bounds = ( { metric = \"parameters\"; max = 1e5; } );\n"
                      "devices = ( { name = \"a\"; match = \"type:cpu\"; optional = true; }, { "
                      "name = \"b\"; driver = \"pocl.icd\"; } );\n"
                      "retrain = { top = 2; repeats = 3; epochs = 9; };\n",
                      &config));
    assert_string_equal(config.study, "five");
    assert_int_equal(config.seed, 5000000000);
    assert_int_equal(config.budget.trials, 5);
    assert_int_equal(config.budget.lookahead, 8);
    assert_int_equal(config.budget.order, NAS_ORDER_AUTO);
    assert_int_equal(config.objectives.item[0].goal, NAS_GOAL_MIN);
    assert_true(config.objectives.bounds[0].max == 1e5 && isinf(config.objectives.bounds[0].min));
    assert_int_equal(config.device_count, 2);
    assert_true(config.devices[0].optional && !config.devices[1].optional);
    assert_string_equal(config.devices[0].driver, "");
    assert_string_equal(config.devices[1].driver, "pocl.icd");
    assert_int_equal(config.retrain.repeats, 3);
    assert_int_equal(nas_value_member(&config.train, "epochs")->integer, 4);
    assert_int_equal(nas_value_member(&config.retrain_train, "epochs")->integer, 9);
    assert_true(nas_value_member(&config.retrain_train, "lr")->real == 1.0);
    nas_config_clear(&config);
}

static void test_recipe_with_another_optimizer(void **state)
{
    nas_config config = {0}, again = {0};
    nas_text text = {0};
    (void)state;
    nas_test_ok(parse(GOOD "train = { optimizer = \"sgd\"; momentum = 0.5; };\n"
                           "retrain = { optimizer = \"adam\"; epochs = 3; };\n",
                      &config));
    assert_null(nas_value_member(&config.retrain_train, "momentum"));
    nas_config_write(&config, &text);
    nas_test_ok(parse(text.data, &again));
    assert_string_equal(nas_value_member(&again.retrain_train, "optimizer")->text, "adam");
    nas_text_clear(&text);
    nas_config_clear(&config);
    nas_config_clear(&again);
}

/* retrain.space and retrain.augment: what they change is kept, what they leave alone follows the search. */
static void test_final_network(void **state)
{
    const char *const later = "retrain.space.hold=7";
    nas_config config = {0}, again = {0};
    nas_text text = {0}, second = {0};
    (void)state;
    nas_test_ok(parse(GOOD "retrain = { epochs = 3; augment = { cutout = 4; }; };\n", &config));
    assert_int_equal(
        nas_value_member(nas_value_member(&config.retrain_data, "augment"), "cutout")->integer, 4);
    assert_int_equal(nas_value_member(nas_value_member(&config.data, "augment"), "cutout")->integer,
                     0);
    nas_config_write(&config, &text);
    assert_null(strstr(text.data, "hold = 7"));
    nas_test_ok(nas_config_parse(text.data, "stored", NULL, &later, 1, &again));
    assert_int_equal(nas_value_member(&again.retrain_space, "hold")->integer, 7);
    assert_int_not_equal(nas_value_member(&again.space, "hold")->integer, 7);
    nas_config_clear(&config);
    nas_text_clear(&text);
    nas_config_write(&again, &text);
    nas_test_ok(parse(text.data, &config));
    nas_config_write(&config, &second);
    assert_string_equal(text.data, second.data);
    assert_non_null(strstr(text.data, "hold = 7"));
    assert_non_null(strstr(text.data, "cutout = 4"));
    nas_text_clear(&text);
    nas_text_clear(&second);
    nas_config_clear(&config);
    nas_config_clear(&again);
}

/* Of a group within the space only what is named changes. */
static void test_final_segments(void **state)
{
    const char *const wider = "retrain.space.segment1.width=48";
    nas_config config = {0};
    nas_text text = {0};
    (void)state;
    nas_test_ok(nas_config_parse(
        "data = { type = \"synthetic\"; };\nstrategy = { type = \"random\"; };\n"
        "budget = { trials = 5; };\n"
        "space = { type = \"template\"; segment1 = { width = 16; stride = 2; }; };\n"
        "retrain = { epochs = 2; };\n",
        "test.cfg", NULL, &wider, 1, &config));
    nas_value_write(nas_value_member(&config.retrain_space, "segment1"), -1, &text);
    assert_non_null(strstr(text.data, "48"));
    assert_non_null(strstr(text.data, "stride = [ 2 ]") ? text.data
                                                        : strstr(text.data, "stride = [2]"));
    nas_text_clear(&text);
    nas_config_clear(&config);
}

static void test_overrides(void **state)
{
    const char *const good[] = {"budget.trials=7", "study=five", "train.lr=1",
                                "strategy.given=[\"baseline\"]", "devices.0.match=type:cpu"};
    static const char *const bad[][2] = {
        {"budget.trial=7", "did you mean \"trials\""},
        {"budget.trials=many", "whole number"},
        {"budget.trials=-1", "out of range"},
        {"=3", "path.to.key=value"},
        {"budget..trials=3", "path.to.key=value"},
        {"devices.4.match=x", "no item of that list"},
        {"devices.0.driver=/etc/OpenCL/vendors/pocl.icd", "without a path"},
        {"devices=({name=\"a\";},{name=\"b\";},{name=\"a\";})", "has this name already"},
        {"budget.trials.deep=1", "no group or list"},
    };
    const char *text = GOOD "devices = ( { name = \"a\"; } );\n";
    nas_config config = {0};
    (void)state;
    nas_test_ok(nas_config_parse(text, "t", NULL, good, 5, &config));
    assert_int_equal(config.budget.trials, 7);
    assert_string_equal(config.study, "five");
    assert_string_equal(config.devices[0].match, "type:cpu");
    assert_int_equal(config.given.count, 1);
    nas_config_clear(&config);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        nas_test_fails(nas_config_parse(text, "t", NULL, &bad[i][0], 1, &config), NAS_CONFIG,
                       bad[i][1]);
}

static void test_places_through_includes(void **state)
{
    nas_config config = {0};
    (void)state;
    write_text("part.cfg", "# two lines\nbudget = { trials = 5; trails = 6; };\n");
    write_text("main.cfg", "data = { type = \"synthetic\"; };\n@include \"part.cfg\"\n"
                           "space = { type = \"chain\"; };\nstrategy = { type = \"random\"; };\n");
    nas_test_fails(nas_config_read(in_folder("main.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "part.cfg:2:");
    nas_test_fails(nas_config_read(in_folder("main.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "\"trials\"");
    write_text("part.cfg",
               "# @include \"none.cfg\"\nbudget = { trials = 5; }; /* @include \"x\"\n */\n");
    nas_test_ok(nas_config_read(in_folder("main.cfg"), NULL, 0, &config));
    nas_config_clear(&config);
    write_text("late.cfg", "@include \"main.cfg\"\n\n\nseed = \"x\";\n");
    nas_test_fails(nas_config_read(in_folder("late.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "late.cfg:4:");
}

/* ---- what is wrong ----------------------------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    static const char *const refused[][3] = {
        /* text after GOOD (which has 4 lines), place, words */
        {"colour = 3;\n", "test.cfg:5:", "unknown option \"colour\""},
        {"sed = 3;\n", "test.cfg:5:", "did you mean \"seed\""},
        {"\ntrain = { epoch = 3; };\n", "test.cfg:6:", "did you mean \"epochs\""},
        {"retrain = { epochss = 3; };\n", "test.cfg:5:", "epochs"},
        {"retrain = { inherit = true; };\n", "test.cfg:5:", "one-shot"},
        {"retrain = { space = 3; };\n", "test.cfg:5:", "group"},
        {"retrain = { space = { type = \"cell\"; }; };\n", "test.cfg:5:", "was searched"},
        {"retrain = { space = { stemm = 3; }; };\n", "test.cfg:5:", "stem"},
        {"retrain = { augment = { cutut = 3; }; };\n", "test.cfg:5:", "cutout"},
        {"train = { epochs = 0; };\n", "test.cfg:5:", "out of range"},
        {"train = { lr = \"fast\"; };\n", "test.cfg:5:", "must be a number"},
        {"train = { batch = 99999999999999999999; };\n", "test.cfg:5:", ""},
        {"train = { batch = 0x1FFFFFFFFFFFFFFFFF; };\n", "test.cfg:5:", ""},
        {"train = { lr = 1e999; };\n", "test.cfg:5:", ""},
        {"train = { lr = 1.5.2; };\n", "test.cfg:5:", "no number"},
        {"a = [ 1, 2.0 ];\n", "test.cfg:5:", "mixes whole numbers and reals"},
        {"a = [ 1, \"x\" ];\n", "test.cfg:5:", "mixes"},
        {"a = [ 1, 2, ];\n", "test.cfg:5:", "a comma before ]"},
        {"a = ( 1, 2, );\n", "test.cfg:5:", "a comma before )"},
        {"a = [ [ 1 ] ];\n", "test.cfg:5:", "( … )"},
        {"a = idx;\n", "test.cfg:5:", "\"idx\""},
        {"a = ;\n", "test.cfg:5:", "value is missing"},
        {"a = { b = 1;\n\n", "test.cfg:5:", "never closed"},
        {"a = 1; };\n", "test.cfg:5:", "closes nothing"},
        {"a = ( 1 ];\n", "test.cfg:5:", "closes nothing"},
        {"a = \"x\n\";\n", "test.cfg:5:", "no closing"},
        {"/* a = 3;\n\n", "test.cfg:5:", "no end"},
        {"a 3;\n", "test.cfg:5:", ""},
        {"= 3;\n", "test.cfg:5:", "without a name"},
        {"a = 1;\na = 2;\n", "test.cfg:6:", ""},
        {"a = $;\n", "test.cfg:5:", "unexpected character"},
        {"@include \"/etc/passwd\"\n", "test.cfg:5:", "not allowed"},
        {"a = 3 @include \"x\"\n", "test.cfg:5:", "line of its own"},
        {"study = \"a/b\";\n", "test.cfg:5:", "file name"},
        {"study = \"..\";\n", "test.cfg:5:", "file name"},
        {"bounds = ( { metric = \"macs\"; } );\n", "test.cfg:5:", "min or max"},
        {"bounds = ( { max = 3.0; } );\n", "test.cfg:5:", "metric"},
        {"objectives = ( { metric = \"macs\"; goal = \"least\"; } );\n", "test.cfg:5:", "max|min"},
        {"objectives = 3;\n", "test.cfg:5:", "list of groups"},
        {"evaluate = { type = \"trainde\"; };\n", "test.cfg:5:", "did you mean \"trained\""},
        {"train = 3;\n", "test.cfg:5:", ""},
        {"retrain = [];\n", "test.cfg:5:", "group"},
    };
    nas_config config = {0};
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", GOOD, refused[i][0]);
        nas_test_fails(parse(text, &config), NAS_CONFIG, refused[i][1]);
        nas_test_fails(parse(text, &config), NAS_CONFIG, refused[i][2]);
    }
    nas_test_fails(parse("data = { type = \"synthetic\"; };\nspace = { type = \"chian\"; "
                         "};\nbudget = { trials = 1; };\n",
                         &config),
                   NAS_CONFIG, "test.cfg:2:");
    nas_test_fails(parse("", &config), NAS_CONFIG, "never end");
    nas_test_fails(parse("budget = { trials = 1; };", &config), NAS_CONFIG, "data needs type");
}

static void test_deep_and_long(void **state)
{
    nas_config config = {0};
    nas_text text = {0};
    (void)state;
    for (int i = 0; i < 20000; i++)
        nas_text_add(&text, "a = (");
    nas_test_fails(parse(text.data, &config), NAS_CONFIG, "");
    nas_text_reset(&text);
    nas_text_add(&text, "a = ");
    for (int i = 0; i < 20000; i++)
        nas_text_add(&text, "(");
    nas_test_fails(parse(text.data, &config), NAS_CONFIG, "nested more than");
    nas_text_reset(&text);
    for (int i = 0; i < 5000; i++)
        nas_text_format(&text, "a%d = 1;\n", i);
    nas_test_fails(parse(text.data, &config), NAS_CONFIG, "test.cfg:4097:");
    nas_text_clear(&text);
}

static void test_files(void **state)
{
    nas_config config = {0};
    char *large = calloc(1, NAS_CONFIG_SIZE + 2);
    (void)state;
    assert_non_null(large);
    memset(large, '\n', NAS_CONFIG_SIZE + 1);
    write_bytes("large.cfg", large, NAS_CONFIG_SIZE + 1);
    free(large);
    nas_test_fails(nas_config_read(in_folder("large.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "large.cfg");
    write_bytes("nul.cfg", "seed = 1;\0study = \"x\";", 23);
    nas_test_fails(nas_config_read(in_folder("nul.cfg"), NULL, 0, &config), NAS_CONFIG, "NUL");
    nas_test_fails(nas_config_read(in_folder("none.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "none.cfg");
    nas_test_fails(nas_config_read(folder, NULL, 0, &config), NAS_CONFIG, "not a regular file");
    assert_int_equal(mkfifo(in_folder("pipe.cfg"), 0600), 0);
    nas_test_fails(nas_config_read(in_folder("pipe.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "not a regular file");
    nas_test_fails(nas_config_read("/dev/zero", NULL, 0, &config), NAS_CONFIG,
                   "not a regular file");
}

static void includes_fail(const char *line, const char *words)
{
    nas_config config = {0};
    char text[512];
    snprintf(text, sizeof text, "seed = 1;\n%s\n", line);
    write_text("main.cfg", text);
    nas_test_fails(nas_config_read(in_folder("main.cfg"), NULL, 0, &config), NAS_CONFIG, words);
    nas_test_fails(nas_config_read(in_folder("main.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "main.cfg:2:");
}

static void test_includes(void **state)
{
    nas_config config = {0};
    char name[32], text[128];
    (void)state;
    includes_fail("@include \"/etc/passwd\"", "inside the config's folder");
    includes_fail("@include \"../test_config\"", "");
    includes_fail("@include \"main.cfg\"", "includes itself");
    includes_fail("@include \"none.cfg\"", "No such file");
    includes_fail("@include none.cfg", "on a line of its own");
    includes_fail("@includes \"none.cfg\"", "");
    assert_int_equal(symlink("/etc/passwd", in_folder("link.cfg")), 0);
    includes_fail("@include \"link.cfg\"", "outside");
    assert_int_equal(mkfifo(in_folder("pipe2.cfg"), 0600), 0);
    write_text("main.cfg", "@include \"pipe2.cfg\"\n");
    nas_test_fails(nas_config_read(in_folder("main.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "not a regular file");
    write_text("ping.cfg", "@include \"pong.cfg\"\n");
    write_text("pong.cfg", "@include \"ping.cfg\"\n");
    nas_test_fails(nas_config_read(in_folder("ping.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "includes itself");
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "deep%d.cfg", i);
        snprintf(text, sizeof text, "@include \"deep%d.cfg\"\n", i + 1);
        write_text(name, i < 19 ? text : GOOD);
    }
    nas_test_fails(nas_config_read(in_folder("deep0.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "10 deep");
    nas_test_ok(nas_config_read(in_folder("deep9.cfg"), NULL, 0, &config));
    nas_config_clear(&config);
    /* a bomb: two includes a file, ten deep */
    for (int i = 0; i < 11; i++) {
        snprintf(name, sizeof name, "bomb%d.cfg", i);
        snprintf(text, sizeof text, "@include \"bomb%d.cfg\"\n@include \"bomb%d.cfg\"\n", i + 1,
                 i + 1);
        write_text(name, i < 10 ? text : "\n");
    }
    nas_test_fails(nas_config_read(in_folder("bomb0.cfg"), NULL, 0, &config), NAS_CONFIG,
                   "included files");
}

/* Each verdict is fine; crashes, hangs and empty messages are not. */
static void test_damaged_copies(void **state)
{
    void *data = NULL;
    size_t size = 0;
    int accepted = 0;
    (void)state;
    nas_test_ok(nas_file_read(source_config("synthetic.cfg"), NAS_CONFIG_SIZE, &data, &size));
    char *copy = malloc(size + 1);
    assert_non_null(copy);
    for (uint32_t round = 0; round < 3000; round++) {
        nas_random random = nas_random_make(1, NAS_STREAM_TEST, round, 0, 0);
        nas_config config = {0};
        size_t length = round % 3 == 0 ? nas_random_below(&random, (uint32_t)size) : size;
        memcpy(copy, data, size);
        copy[length] = '\0';
        for (uint32_t k = 0; k < 1 + round % 4; k++) {
            static const char spice[] = "{}[]()\"@#=;,\\/*-+.eE0179xL\n \t\x80\xff";
            copy[nas_random_below(&random, (uint32_t)length + 1)] =
                spice[nas_random_below(&random, sizeof spice - 1)];
        }
        copy[length] = '\0';
        nas_error_clear();
        if (parse(copy, &config) == NAS_OK)
            accepted++;
        else
            assert_true(strlen(nas_error_message()) > 5);
        nas_config_clear(&config);
    }
    assert_in_range(accepted, 1, 2999);
    free(copy);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_read_back_equal),
        cmocka_unit_test(test_values_arrive),
        cmocka_unit_test(test_recipe_with_another_optimizer),
        cmocka_unit_test(test_final_network),
        cmocka_unit_test(test_final_segments),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_places_through_includes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_deep_and_long),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_includes),
        cmocka_unit_test(test_damaged_copies),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
