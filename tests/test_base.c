/* test_base.c - the ground floor: random numbers, values, option tables, files, hashes, messages. */
#include "nas_test.h"

#include "comma_locale.h"
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- random numbers ------------------------------------------------------------------------------ */

/* The vectors of Random123's kat_vectors file, philox4x32 with 10 rounds. */
static void philox_gives_the_known_answers(void **state)
{
    static const uint32_t counters[3][4] = {{0, 0, 0, 0},
                                            {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                            {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t keys[3][2] = {{0, 0}, {0xffffffff, 0xffffffff}, {0xa4093822, 0x299f31d0}};
    static const uint32_t answers[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                           {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                           {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        uint32_t words[4];
        nas_philox(counters[i], keys[i], words);
        assert_memory_equal(words, answers[i], sizeof words);
    }
}

static void random_is_keyed_and_repeats(void **state)
{
    nas_random first = nas_random_make(1, NAS_STREAM_TEST, 2, 3, 4);
    nas_random again = nas_random_make(1, NAS_STREAM_TEST, 2, 3, 4);
    nas_random seed = nas_random_make(2, NAS_STREAM_TEST, 2, 3, 4);
    nas_random stream = nas_random_make(1, NAS_STREAM_INIT, 2, 3, 4);
    nas_random index = nas_random_make(1, NAS_STREAM_TEST, 2, 3, 5);
    int equal = 0;
    (void)state;
    for (int i = 0; i < 100; i++) {
        uint32_t word = nas_random_word(&first);
        assert_int_equal(word, nas_random_word(&again));
        equal += word == nas_random_word(&seed);
        equal += word == nas_random_word(&stream);
        equal += word == nas_random_word(&index);
    }
    assert_true(equal <= 1);
}

static void random_below_is_even(void **state)
{
    enum { BOUND = 7, DRAWS = 70000 };
    nas_random random = nas_random_make(5, NAS_STREAM_TEST, 0, 0, 0);
    int counts[BOUND] = {0};
    double chi_square = 0;
    (void)state;
    for (int i = 0; i < DRAWS; i++)
        counts[nas_random_below(&random, BOUND)]++;
    for (int i = 0; i < BOUND; i++)
        chi_square += pow(counts[i] - DRAWS / BOUND, 2) / (DRAWS / BOUND);
    assert_true(chi_square < 22.5); /* 6 degrees of freedom, p = 0.001 */
    assert_int_equal(nas_random_below(&random, 1), 0);
    for (int i = 0; i < 1000; i++) /* a bound where plain modulo would be far off */
        assert_true(nas_random_below(&random, 0xC0000000u) < 0xC0000000u);
}

static void random_moments_are_right(void **state)
{
    enum { DRAWS = 100000 };
    nas_random random = nas_random_make(6, NAS_STREAM_TEST, 0, 0, 0);
    double sum = 0, uniform = 0, square = 0;
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        double u = nas_random_uniform(&random), n = nas_random_normal(&random);
        assert_true(u >= 0 && u < 1 && isfinite(n));
        uniform += u;
        sum += n;
        square += n * n;
    }
    assert_true(fabs(uniform / DRAWS - 0.5) < 0.005);
    assert_true(fabs(sum / DRAWS) < 0.015);
    assert_true(fabs(square / DRAWS - 1) < 0.02);
}

static void shuffle_is_a_permutation(void **state)
{
    enum { COUNT = 1000 };
    uint32_t items[COUNT];
    bool seen[COUNT] = {false};
    int moved = 0;
    nas_random random = nas_random_make(7, NAS_STREAM_SHUFFLE, 0, 0, 0);
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++)
        items[i] = i;
    nas_random_shuffle(&random, items, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(items[i] < COUNT && !seen[items[i]]);
        seen[items[i]] = true;
        moved += items[i] != i;
    }
    assert_true(moved > COUNT * 9 / 10);
    nas_random_shuffle(&random, items, 0);
}

/* ---- values ------------------------------------------------------------------------------------------ */

static void check_round_trip(const char *text, const char *expected)
{
    nas_value value = {0}, again = {0};
    nas_text first = {0}, second = {0};
    nas_test_ok(nas_value_parse(text, "f", 1, &value));
    nas_value_write(&value, -1, &first);
    nas_test_ok(nas_text_check(&first));
    assert_string_equal(first.data, expected);
    nas_test_ok(nas_value_parse(first.data, "f", 1, &again));
    nas_value_write(&again, -1, &second);
    assert_string_equal(first.data, second.data);
    nas_value_clear(&value);
    nas_value_clear(&again);
    nas_text_clear(&first);
    nas_text_clear(&second);
}

static void values_read_and_write(void **state)
{
    (void)state;
    check_round_trip("true", "true");
    check_round_trip(" 12 ", "12");
    check_round_trip("-0x10", "-16");
    check_round_trip("5000000000", "5000000000L");
    check_round_trip("0.1", "0.1");
    check_round_trip("1e3", "1000.0");
    check_round_trip("1e-8", "1e-08");
    check_round_trip("2.0", "2.0");
    check_round_trip(".5", "0.5");
    check_round_trip("sgd", "\"sgd\"");
    check_round_trip("/data/my set", "\"/data/my set\"");
    check_round_trip("3x3", "\"3x3\"");
    check_round_trip("nan", "\"nan\"");
    check_round_trip("", "\"\"");
    check_round_trip("\"a\\n\\\"b\\\\\\x01\"", "\"a\\n\\\"b\\\\\\x01\"");
    check_round_trip("[ 3, 5, ]", "[3, 5]");
    check_round_trip("[]", "[]");
    check_round_trip("[1, 2.5]", "(1, 2.5)");
    check_round_trip("[conv, max_pool]", "[\"conv\", \"max_pool\"]");
    check_round_trip("( { metric = \"loss\"; goal : min } )",
                     "({ metric = \"loss\"; goal = \"min\"; })");
    check_round_trip("{a=1;b=[1,2];c={d=true;};}", "{ a = 1; b = [1, 2]; c = { d = true; }; }");
}

static void values_know_their_place(void **state)
{
    nas_value value = {0}, copy = {0};
    nas_text text = {0};
    (void)state;
    nas_test_ok(nas_value_parse("{ a = 1;\n b = [1,\n 2]; }", "x.cfg", 7, &value));
    nas_value *b = nas_value_member(&value, "b");
    assert_int_equal(nas_value_member(&value, "a")->line, 7);
    assert_int_equal(b->line, 8);
    assert_int_equal(b->items[1].line, 9);
    assert_string_equal(b->items[1].file, "x.cfg");
    assert_null(nas_value_member(&value, "c"));
    assert_null(nas_value_member(NULL, "c"));
    assert_null(nas_value_member(b, "c"));
    nas_test_ok(nas_value_copy(&value, &copy));
    nas_value_clear(&value);
    nas_value_write(&copy, 0, &text);
    assert_string_equal(text.data, "{\n    a = 1;\n    b = [1, 2];\n}");
    assert_int_equal(nas_value_member(&copy, "b")->line, 8);
    nas_value_clear(&copy);
    nas_text_clear(&text);
    nas_value_clear(NULL);
}

static void refused(const char *text, const char *part)
{
    nas_value value = {.type = NAS_VALUE_BOOL, .boolean = true};
    nas_test_fails(nas_value_parse(text, "x.cfg", 3, &value), NAS_CONFIG, part);
    assert_int_equal(value.type, NAS_VALUE_BOOL); /* untouched on failure */
}

static void hostile_values_are_refused(void **state)
{
    enum { MANY = 200000 };
    char *big = malloc(2 * MANY + 1);
    (void)state;
    refused("99999999999999999999", "x.cfg:3: ");
    refused("99999999999999999999", "64 bits");
    refused("1e999", "too large");
    refused("\"abc", "closing");
    refused("\"\\q\"", "escape");
    refused("\"\\x00\"", "escape");
    refused("\"\\", "escape");
    refused("[1, 2", "in a list");
    refused("[1 2]", "in a list");
    refused("[1)", "in a list");
    refused("[,]", "expected a value");
    refused("{a 1}", "expected '='");
    refused("{a = 1; a = 2;}", "twice");
    refused("{= 1}", "expected a name");
    refused("{a = }", "expected a value");
    refused("[1] x", "too much");
    memset(big, '[', MANY);
    big[MANY] = '\0';
    refused(big, "deeper");
    memset(big, '{', MANY);
    refused(big, "name");
    memset(big, '9', MANY);
    nas_value value = {0};
    nas_test_ok(nas_value_parse(big, NULL, 0, &value)); /* too long for any number: a text */
    assert_int_equal(value.type, NAS_VALUE_TEXT);
    nas_value_clear(&value);
    big[0] = '[';
    for (int i = 0; i < MANY - 1; i++)
        memcpy(big + 1 + 2 * i, "1,", 2);
    big[2 * MANY - 1] = '\0';
    refused(big, "more than");
    free(big);
}

/* Every prefix and many one-byte changes of a valid text: refused or parsed, never a crash. */
static void broken_values_never_crash(void **state)
{
    const char text[] = "{ a = [1, -2.5e3]; b = ( \"x\\n\", { c : true } ); d = word; }";
    char broken[sizeof text];
    nas_random random = nas_random_make(8, NAS_STREAM_TEST, 0, 0, 0);
    (void)state;
    for (int i = 0; i < 20000; i++) {
        nas_value value = {0};
        memcpy(broken, text, sizeof text);
        broken[nas_random_below(&random, sizeof text)] = 0;
        for (int j = 0; j < 2; j++)
            broken[nas_random_below(&random, sizeof text - 1)] =
                "[](){}\"\\,;=: 0e.x\n"[nas_random_below(&random, 18)];
        if (nas_value_parse(broken, "f", 1, &value) == NAS_OK)
            nas_value_clear(&value);
    }
}

/* ---- options --------------------------------------------------------------------------------------- */

typedef struct sample {
    bool flip;
    int64_t epochs;
    double lr;
    char path[NAS_TEXT_SIZE];
    int optimizer;
    nas_int_list kernel, op;
    nas_real_list steps;
    nas_text_list given;
} sample;

static const nas_option sample_options[] = {
    {"augment.flip", NAS_OPTION_BOOL, offsetof(sample, flip), "false", 0, 0, NULL, "mirror"},
    {"epochs", NAS_OPTION_INT, offsetof(sample, epochs), "2", 1, 1000, NULL, "passes"},
    {"lr", NAS_OPTION_REAL, offsetof(sample, lr), "0.1", 1e-8, 10, NULL, "learning rate"},
    {"path", NAS_OPTION_TEXT, offsetof(sample, path), NULL, 0, 0, NULL, "folder of the data"},
    {"optimizer", NAS_OPTION_CHOICE, offsetof(sample, optimizer), "sgd", 0, 0, "sgd|adam|adamw",
     ""},
    {"kernel", NAS_OPTION_INT_LIST, offsetof(sample, kernel), "[3, 5]", 1, 11, NULL, "sizes"},
    {"op", NAS_OPTION_CHOICE_LIST, offsetof(sample, op), "conv", 0, 0, "conv|sep_conv|max_pool",
     ""},
    {"steps", NAS_OPTION_REAL_LIST, offsetof(sample, steps), "[]", 0, 1, NULL, "fractions"},
    {"given", NAS_OPTION_TEXT_LIST, offsetof(sample, given), "[]", 0, 0, NULL, "names"},
    {.name = NULL}};

static const nas_kind sample_kind = {"sample", "a test", NULL, sizeof(sample), sample_options};

static nas_status fill(const char *text, sample *options)
{
    static const char *const also[] = {"type", NULL};
    nas_value config = {0};
    nas_status status = nas_value_parse(text, "quickstart.cfg", 1, &config);
    if (status == NAS_OK) {
        nas_value *group = nas_value_member(&config, "data");
        status = nas_options_fill(&sample_kind, group ? group : &config, also, options);
    }
    nas_value_clear(&config);
    return status;
}

static void options_fill_every_type(void **state)
{
    sample options;
    (void)state;
    nas_test_ok(fill("{ type = x; path = \"/d\"; }", &options));
    assert_false(options.flip);
    assert_int_equal(options.epochs, 2);
    assert_true(options.lr == 0.1);
    assert_int_equal(options.optimizer, 0);
    assert_int_equal(options.kernel.count, 2);
    assert_int_equal(options.op.count, 1);
    assert_int_equal(options.steps.count, 0);
    nas_test_ok(fill("{ path = 7; augment = { flip = true; }; epochs = 3.0; lr = 1;"
                     "  optimizer = adamw; kernel = 7; op = [max_pool, conv];"
                     "  steps = [0.5, 1]; given = [baseline, \"two words\"]; }",
                     &options));
    assert_true(options.flip);
    assert_int_equal(options.epochs, 3);
    assert_true(options.lr == 1.0);
    assert_string_equal(options.path, "7");
    assert_int_equal(options.optimizer, 2);
    assert_int_equal(options.kernel.item[0], 7);
    assert_int_equal(options.op.item[0], 2);
    assert_true(options.steps.item[1] == 1.0);
    assert_string_equal(options.given.item[1], "two words");
}

static void options_fail_with_place_and_hint(void **state)
{
    sample o;
    (void)state;
    nas_test_fails(fill("{ path = a;\n epoch = 2; }", &o), NAS_CONFIG,
                   "quickstart.cfg:2: unknown option \"epoch\" in \"sample\"; did you mean "
                   "\"epochs\"?");
    nas_test_fails(fill("{ data = { path = a; ptah = b; }; }", &o), NAS_CONFIG,
                   "unknown option \"ptah\" in data \"sample\"; did you mean \"path\"?");
    nas_test_fails(fill("{ path = a; zzzzzz = 1; }", &o), NAS_CONFIG, "clnas describe");
    nas_test_fails(fill("{ path = a; augment = { flpi = true; }; }", &o), NAS_CONFIG,
                   "did you mean \"augment.flip\"?");
    nas_test_fails(fill("{ path = a; augment = true; }", &o), NAS_CONFIG, "must be a group");
    nas_test_fails(fill("{ path = a;\n\n lr = 12; }", &o), NAS_CONFIG,
                   "quickstart.cfg:3: lr = 12 is out of range [1e-08, 10]");
    nas_test_fails(fill("{ path = a; lr = fast; }", &o), NAS_CONFIG, "must be a number");
    nas_test_fails(fill("{ path = a; epochs = 2.5; }", &o), NAS_CONFIG, "whole number");
    nas_test_fails(fill("{ path = a; epochs = 0; }", &o), NAS_CONFIG, "out of range [1, 1000]");
    nas_test_fails(fill("{ path = a; optimizer = \"adma\"; }", &o), NAS_CONFIG,
                   "optimizer = \"adma\" is none of sgd|adam|adamw; did you mean \"adam\"?");
    nas_test_fails(fill("{ path = a; kernel = [3, 99]; }", &o), NAS_CONFIG, "kernel = 99");
    nas_test_fails(fill("{ path = [1]; }", &o), NAS_CONFIG, "must be a text");
    nas_test_fails(fill("{ path = a; augment = { flip = 1; }; }", &o), NAS_CONFIG, "true or false");
    nas_test_fails(fill("{ lr = 1; }", &o), NAS_CONFIG, "needs \"path\": folder of the data");
    nas_test_fails(fill("[1]", &o), NAS_CONFIG, "must be a group");
}

static void options_write_back_equal(void **state)
{
    sample options, again;
    nas_value group = {0};
    nas_text text = {0};
    (void)state;
    nas_test_ok(fill("{ path = \"/a b\"; steps = [0.1]; given = x; augment = { flip = true; }; }",
                     &options));
    nas_test_ok(nas_options_value(&sample_kind, &options, &group));
    nas_value_write(&group, -1, &text);
    nas_test_ok(fill(text.data, &again));
    assert_memory_equal(&options, &again, sizeof options);
    assert_non_null(strstr(text.data, "augment = { flip = true; }"));
    assert_non_null(strstr(text.data, "optimizer = \"sgd\""));
    nas_value_clear(&group);
    nas_text_clear(&text);
}

static void names_and_choices(void **state)
{
    static const char *const names[] = {"width", "depth", "mutation"};
    char word[8];
    (void)state;
    assert_string_equal(nas_nearest_name("widht", names, 3), "width");
    assert_string_equal(nas_nearest_name("mutatoin", names, 3), "mutation");
    assert_null(nas_nearest_name("optimizer", names, 3));
    assert_true(nas_choice_name("a|bc|", 1, word, sizeof word));
    assert_string_equal(word, "bc");
    assert_false(nas_choice_name("a|bc", 2, word, sizeof word));
    assert_false(nas_choice_name("much_too_long", 0, word, sizeof word));
    assert_int_equal(nas_choice_index("a|bc", "bc"), 1);
    assert_int_equal(nas_choice_index("a|bc", "b"), -1);
    assert_int_equal(nas_choice_index(NULL, "b"), -1);
}

/* ---- files, hashes ------------------------------------------------------------------------------------ */

static void files_are_replaced_whole(void **state)
{
    char folder[] = "/tmp/clnas-test-XXXXXX", deep[128], path[256], link_path[256];
    void *data;
    size_t size;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(deep, sizeof deep, "%s/a//b/c", folder);
    nas_test_ok(nas_folder_make(deep, 0700));
    nas_test_ok(nas_folder_make(deep, 0700));
    snprintf(path, sizeof path, "%s/file", deep);
    nas_test_fails(nas_file_read(path, 100, &data, &size), NAS_FAILED, "No such file");
    nas_test_ok(nas_file_replace(path, "old", 3));
    nas_test_ok(nas_file_replace(path, "new text", 8));
    nas_test_ok(nas_file_read(path, 8, &data, &size));
    assert_int_equal(size, 8);
    assert_string_equal(data, "new text");
    free(data);
    nas_test_fails(nas_file_read(path, 7, &data, &size), NAS_FAILED, "more than the 7");
    nas_test_fails(nas_file_read(deep, 100, &data, &size), NAS_FAILED, "not a regular file");
    nas_test_fails(nas_folder_make(path, 0700), NAS_FAILED, "is no folder");
    snprintf(link_path, sizeof link_path, "%s/none/file", folder);
    nas_test_fails(nas_file_replace(link_path, "x", 1), NAS_FAILED, "cannot write there");
    nas_test_fails(nas_file_replace("/dev/full/x", "x", 1), NAS_FAILED, "cannot write");
    unlink(path);
    rmdir(deep);
    snprintf(path, sizeof path, "%s/a/b", folder);
    assert_int_equal(rmdir(path), 0); /* no temporary file was left */
    snprintf(path, sizeof path, "%s/a", folder);
    rmdir(path);
    rmdir(folder);
}

static void cache_folder_follows_the_environment(void **state)
{
    char path[64];
    (void)state;
    setenv("CLNAS_CACHE", "/tmp/x", 1);
    nas_test_ok(nas_cache_folder(path, sizeof path));
    assert_string_equal(path, "/tmp/x");
    unsetenv("CLNAS_CACHE");
    setenv("XDG_CACHE_HOME", "/tmp/y", 1);
    nas_test_ok(nas_cache_folder(path, sizeof path));
    assert_string_equal(path, "/tmp/y/clnas");
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", "/tmp/z", 1);
    nas_test_ok(nas_cache_folder(path, sizeof path));
    assert_string_equal(path, "/tmp/z/.cache/clnas");
    nas_test_fails(nas_cache_folder(path, 4), NAS_FAILED, "too long");
}

static void hashes_are_xxh3(void **state)
{
    char hex[33];
    (void)state;
    assert_true(nas_hash("", 0, 0) == 0x2d06800538d394c2u); /* xxhash's own vector */
    assert_true(nas_hash("a", 1, 0) != nas_hash("a", 1, 1));
    nas_hash_hex("", 0, hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
}

/* ---- messages, text, log --------------------------------------------------------------------------------- */

static void *fail_elsewhere(void *unused)
{
    nas_error_set(NAS_FAILED, "f", 1, "another thread's");
    return unused;
}

static void messages_are_per_thread(void **state)
{
    pthread_t thread;
    (void)state;
    nas_error_clear();
    assert_string_equal(nas_error_message(), "");
    assert_int_equal(nas_error_set(NAS_DATA, "f", 1, "%d bytes", 3), NAS_DATA);
    nas_error_add("reading %s: ", "x");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(nas_error_message(), "reading x: 3 bytes");
    for (int i = 0; i < 2000; i++)
        nas_error_add("more and ");
    assert_true(strlen(nas_error_message()) < 5000);
    nas_error_set(NAS_FAILED, "f", 1, "again: %.20s", nas_error_message());
    assert_int_equal(strncmp(nas_error_message(), "again: more and ", 16), 0);
    assert_string_equal(nas_status_name(NAS_DEVICE_MEMORY), "DEVICE_MEMORY");
    assert_int_equal(nas_status_exit_code(NAS_STOPPED), 7);
    assert_string_equal(nas_status_text(NAS_DATA), "data set");
}

static void texts_grow(void **state)
{
    nas_text text = {0};
    (void)state;
    nas_test_ok(nas_text_check(&text));
    for (int i = 0; i < 1000; i++)
        nas_text_format(&text, "%d,", i);
    nas_text_add_bytes(&text, "\0x", 2);
    nas_test_ok(nas_text_check(&text));
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4 + 2);
    nas_text_reset(&text);
    assert_int_equal(text.length, 0);
    nas_text_add(&text, "");
    assert_string_equal(text.data, "");
    nas_text_clear(&text);
}

static void count_line(void *user, nas_log_level level, const char *message)
{
    assert_true(level <= NAS_LOG_WARNING);
    assert_string_equal(message, "7 lines");
    ++*(int *)user;
}

static void logs_go_where_they_should(void **state)
{
    int lines = 0;
    (void)state;
    nas_log(NAS_LOG_ERROR, "nowhere");
    nas_log_set(count_line, &lines, NAS_LOG_WARNING);
    nas_log(NAS_LOG_WARNING, "%d lines", 7);
    nas_log(NAS_LOG_INFO, "too detailed");
    nas_log_set(NULL, NULL, NAS_LOG_ERROR);
    assert_int_equal(lines, 1);
}

static void test_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int size;
    } cases[] = {{"", 0},
                 {"a", 1},
                 {"\x7f", 1},
                 {"é", 2},
                 {"中", 3},
                 {"𝄞", 4},
                 {"\x80", 0},
                 {"\xc0\xaf", 0},
                 {"\xc1\xbf", 0},
                 {"\xe0\x9f\xbf", 0},
                 {"\xed\xa0\x80", 0},
                 {"\xf0\x8f\xbf\xbf", 0},
                 {"\xe4\xb8", 0},
                 {"\xf4\x8f\xbf\xbf", 4},
                 {"\xf4\x90\x80\x80", 0},
                 {"\xff", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(nas_character_size(cases[i].text), cases[i].size);
}

/* The shell is asked what it takes each word for. */
static void words_are_as_a_shell_takes_them(void **state)
{
    (void)state;
    static const char *const words[] = {
        "plain-1.study", "",      " ",          "two words", "it's", "''", "'",
        "a\"b",          "$HOME", "`id`",       "\\",        "*",    "~",  "=ls",
        "a;b|c&d",       "#x",    "line\nline", "ünï",       "!!"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        nas_text command = {0};
        char taken[64] = "";
        nas_text_add(&command, "printf %s ");
        nas_text_add_word(&command, words[i]);
        FILE *shell = popen(command.data, "r");
        assert_non_null(shell);
        taken[fread(taken, 1, sizeof taken - 1, shell)] = '\0';
        assert_int_equal(pclose(shell), 0);
        assert_string_equal(taken, words[i]);
        nas_text_clear(&command);
    }
    nas_text plain = {0};
    nas_text_add_word(&plain, "runs/a-1.study:17");
    assert_string_equal(plain.data, "runs/a-1.study:17");
    nas_text_clear(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters),
        cmocka_unit_test(words_are_as_a_shell_takes_them),
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(random_is_keyed_and_repeats),
        cmocka_unit_test(random_below_is_even),
        cmocka_unit_test(random_moments_are_right),
        cmocka_unit_test(shuffle_is_a_permutation),
        cmocka_unit_test(values_read_and_write),
        cmocka_unit_test(values_know_their_place),
        cmocka_unit_test(hostile_values_are_refused),
        cmocka_unit_test(broken_values_never_crash),
        cmocka_unit_test(options_fill_every_type),
        cmocka_unit_test(options_fail_with_place_and_hint),
        cmocka_unit_test(options_write_back_equal),
        cmocka_unit_test(names_and_choices),
        cmocka_unit_test(files_are_replaced_whole),
        cmocka_unit_test(cache_folder_follows_the_environment),
        cmocka_unit_test(hashes_are_xxh3),
        cmocka_unit_test(messages_are_per_thread),
        cmocka_unit_test(texts_grow),
        cmocka_unit_test(logs_go_where_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
