/* test_table.c - the evaluator that looks results up: CSV plain, gzipped and quoted, joined files, budgets, and files that lie. */
#include "nas_test.h"
#include "nas_test_open.h"

#include <clnas/eval.h>

#include <math.h>
#include <unistd.h>
#include <zlib.h>

static nas_domain *domain;
static char folder[] = "table-XXXXXX", path[64], other_path[64];

static int open_all(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.csv", folder);
    snprintf(other_path, sizeof other_path, "%s/b.csv", folder);
    domain = nas_test_domain("chain",
                             "{ depth = [1, 2]; op = \"conv\"; kernel = 3; width = [8, 16, 32]; "
                             "stride = 1; mmacs = 0.0; }",
                             (nas_shape){1, 28, 28}, 10);
    return 0;
}

static int close_all(void **state)
{
    char command[96];
    (void)state;
    nas_domain_close(domain);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static nas_status create(const char *options, nas_eval **eval)
{
    nas_value group = {0};
    char text[1024];
    snprintf(text, sizeof text, "{ type = \"table\"; path = \"%s\"; %s }", path, options);
    nas_test_ok(nas_value_parse(text, "test", 1, &group));
    const nas_eval_setting setting = {.group = &group, .domain = domain};
    nas_status status = nas_eval_create(&setting, eval);
    nas_value_clear(&group);
    return status;
}

static void write_text(const char *to, const char *text)
{
    nas_test_ok(nas_file_replace(to, text, strlen(text)));
}

/* The metric of an architecture at a budget; NaN and a reason when the trial failed. */
static double look(nas_eval *eval, const char *text, double budget, const char *metric,
                   const char *reason)
{
    nas_arch arch;
    nas_trial result;
    nas_test_ok(nas_domain_read(domain, text, &arch));
    const nas_eval_call call = {.arch = &arch, .budget = budget};
    nas_trial_init(&result);
    nas_test_ok(nas_eval_score(eval, &call, &result));
    if (reason) {
        assert_int_equal(result.status, NAS_TRIAL_FAILED);
        assert_non_null(strstr(result.reason, reason));
    }
    double value = nas_trial_metric(&result, metric);
    nas_trial_clear(&result);
    return value;
}

static const char table[] = "arch,\"v, 12\",cost,t\r\n"
                            "0-0-0,10,1.5,20\r\n"
                            "\"0-1-0\",\"20\",2.5,\r\n"
                            "\n"
                            "1-0-1,30,3.5,40\n"
                            "0-2-1,99,9,99\n" /* reads as 0-2-0: the canonical row comes first */
                            "0-2-0,12,1,13";

static const char usual[] =
    "metrics = [\"valid_accuracy = v, 12\", \"t\"]; scale = 0.01; cost = \"cost\";";

static void check_usual(void)
{
    nas_eval *eval;
    nas_test_ok(create(usual, &eval));
    assert_true(look(eval, "0-0-0", 1, "valid_accuracy", NULL) == 0.01 * 10);
    assert_true(look(eval, "0-0-0", 1, "t", NULL) == 0.01 * 20);
    assert_true(look(eval, "1-0-1", 1, "simulated_s", NULL) == 3.5);
    assert_true(look(eval, "1-0-1", 1, "parameters", NULL) > 0);
    assert_true(look(eval, "0-2-0", 1, "valid_accuracy", NULL) == 0.01 * 12);
    assert_true(isnan(look(eval, "1-1-1", 1, "valid_accuracy", "not in the table")));
    look(eval, "0-1-0", 1, "t", "t is nan in the table");
    nas_eval_destroy(eval);
}

static void plain_and_gzipped_files_say_the_same(void **state)
{
    (void)state;
    write_text(path, table);
    check_usual();
    gzFile file = gzopen(path, "wb");
    assert_int_equal(gzwrite(file, table, sizeof table - 1), sizeof table - 1);
    gzclose(file);
    check_usual();
}

static void budgets_choose_the_metric(void **state)
{
    nas_eval *eval;
    (void)state;
    write_text(path, "arch,v4,v12,seconds\n0-0-0,1,2,30\n");
    nas_test_ok(create(
        "metrics = [\"v = v4\", \"v = v12\"]; budgets = [4, 12]; cost = \"seconds\";", &eval));
    assert_true(look(eval, "0-0-0", 4, "v", NULL) == 1);
    assert_true(look(eval, "0-0-0", 11, "v", NULL) == 1);
    assert_true(look(eval, "0-0-0", 12, "v", NULL) == 2);
    assert_true(isnan(look(eval, "0-0-0", 2, "v", NULL)));
    assert_true(fabs(look(eval, "0-0-0", 4, "simulated_s", NULL) - 10) < 1e-12);
    assert_true(fabs(look(eval, "0-0-0", 5, "simulated_s", NULL) - 10) < 1e-12);
    assert_true(fabs(look(eval, "0-0-0", 99, "simulated_s", NULL) - 30) < 1e-12);
    assert_true(look(eval, "0-0-0", 2, "simulated_s", NULL) == 0);
    nas_eval_destroy(eval);
}

static void files_are_joined(void **state)
{
    nas_eval *eval;
    char options[256];
    (void)state;
    write_text(path, "index,arch,v\n7,0-0-0,1\n3,0-1-0,2\n5,0-2-0,3\n");
    write_text(other_path, "ms,index\n0.5,3\n0.25,7\n");
    snprintf(options, sizeof options,
             "metrics = [\"v\"]; join = \"%s\"; join_metrics = [\"latency = ms\"];", other_path);
    nas_test_ok(create(options, &eval));
    assert_true(look(eval, "0-0-0", 1, "latency", NULL) == 0.25);
    assert_true(look(eval, "0-1-0", 1, "latency", NULL) == 0.5);
    assert_true(isnan(look(eval, "0-2-0", 1, "latency", NULL)));
    nas_eval_destroy(eval);
}

static void bad_files_are_refused(void **state)
{
    nas_eval *eval;
    (void)state;
    write_text(path, table);
    nas_test_fails(create("metrics = [\"vv\"];", &eval), NAS_CONFIG, "no column \"vv\"");
    nas_test_fails(create("arch = \"arc\"; metrics = [\"t\"];", &eval), NAS_CONFIG, "\"arch\"");
    nas_test_fails(create("metrics = [\"a = \"];", &eval), NAS_CONFIG, "metric = column");
    nas_test_fails(create("metrics = [\"t\"]; budgets = [1, 2];", &eval), NAS_CONFIG, "2 budgets");
    nas_test_fails(create("metrics = [];", &eval), NAS_CONFIG, "metric");
    write_text(path, "arch,v\n0-0-0,1\n0-1-0\n");
    nas_test_fails(create("metrics = [\"v\"];", &eval), NAS_DATA, "a.csv:3");
    write_text(path, "arch,v\n0-0-0,1x\n");
    nas_test_fails(create("metrics = [\"v\"];", &eval), NAS_DATA, "a.csv:2");
    write_text(path, "arch,v\n0-9-0,1\n");
    nas_test_fails(create("metrics = [\"v\"];", &eval), NAS_DATA, "row 1");
    write_text(path, "");
    nas_test_fails(create("metrics = [\"v\"];", &eval), NAS_DATA, "empty");
    gzFile file = gzopen(path, "wb");
    for (int i = 0; i < 5000; i++)
        gzprintf(file, "%d,%d\n", i * 7919 % 65537, i * 104729 % 65537);
    gzclose(file);
    assert_int_equal(truncate(path, 3000), 0);
    nas_test_fails(create("arch = \"0\"; metrics = [\"0\"];", &eval), NAS_DATA, "a.csv");
    char *line = malloc(70001);
    memset(line, 'x', 70000);
    line[70000] = '\0';
    write_text(path, line);
    free(line);
    nas_test_fails(create("metrics = [\"v\"];", &eval), NAS_CONFIG, "no column \"arch\"");
    unlink(path);
    nas_test_fails(create("metrics = [\"v\"];", &eval), NAS_DATA, "a.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_gzipped_files_say_the_same),
        cmocka_unit_test(budgets_choose_the_metric),
        cmocka_unit_test(files_are_joined),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
