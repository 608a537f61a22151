/* test_benchmark.c - the table of configs/tables/benchmark729.csv against its own config: every cell once, costs as the graphs
 * have them, seeds that agree.
 *
 * How strategies do on it is tests/cli/benchmark729.sh. */
#include "nas_test.h"

#include <clnas/eval.h>
#include <clnas/session.h>

#include <math.h>

enum { GENES = 6, CHOICES = 3, ROWS = 729 };

static const char *const columns[] = {"table_parameters = parameters",
                                      "table_macs = macs",
                                      "valid",
                                      "test",
                                      "s1_valid",
                                      "s2_valid",
                                      "s1_cpu_s"};
enum { PARAMETERS, MACS, VALID, TEST, VALID_1, VALID_2, CPU, COLUMNS };

static nas_domain *domain;
static char table_path[512], ranks_path[512];
static double values[ROWS][COLUMNS];

static void open_domain(const char *source)
{
    static const char *const also[] = {"type", NULL};
    char path[512];
    nas_config config = {0};
    const nas_space *space;
    snprintf(path, sizeof path, "%s/configs/benchmark729.cfg", source);
    nas_test_ok(nas_config_read(path, NULL, 0, &config));
    nas_test_ok(nas_space_get(nas_value_member(&config.space, "type")->text, &space));
    nas_test_ok(nas_domain_open(space, &config.space, also, (nas_shape){1, 28, 28}, 10, &domain));
    nas_config_clear(&config);
}

static nas_eval *open_table(void)
{
    nas_eval *eval;
    nas_value group = {0};
    nas_text text = {0};
    nas_text_format(&text, "{ type = \"table\"; path = \"%s\"; metrics = [ ", table_path);
    for (int i = 0; i < COLUMNS; i++)
        nas_text_format(&text, "%s\"%s\"", i ? ", " : "", columns[i]);
    nas_text_add(&text, " ]; }");
    nas_test_ok(nas_value_parse(text.data, "test", 1, &group));
    const nas_eval_setting setting = {.group = &group, .domain = domain};
    nas_test_ok(nas_eval_create(&setting, &eval));
    nas_value_clear(&group);
    nas_text_clear(&text);
    return eval;
}

static nas_arch row_at(int index)
{
    nas_arch row = {.count = GENES};
    for (int i = 0; i < GENES; i++, index /= CHOICES)
        row.genes[i] = (uint8_t)(index % CHOICES);
    return row;
}

static const char *metric_name(const char *column)
{
    static char name[NAS_NAME_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(column, " "), column);
    return name;
}

/* Every canonical row of the space is in the table, with the costs of its own graph. */
static int read_all(void **state)
{
    const char *source = getenv("NAS_SOURCE_FOLDER");
    (void)state;
    source = source ? source : "..";
    snprintf(table_path, sizeof table_path, "%s/configs/tables/benchmark729.csv", source);
    snprintf(ranks_path, sizeof ranks_path, "%s/tools/ranks", source);
    open_domain(source);
    nas_eval *eval = open_table();
    for (int row = 0; row < ROWS; row++) {
        const nas_arch arch = row_at(row);
        const nas_eval_call call = {.arch = &arch, .budget = 1};
        nas_arch canonical = arch;
        nas_trial result;
        nas_domain_canonical(domain, &canonical);
        assert_true(nas_arch_equal(&arch, &canonical));
        nas_trial_init(&result);
        nas_test_ok(nas_eval_score(eval, &call, &result));
        assert_int_equal(result.status, NAS_TRIAL_COMPLETE);
        for (int i = 0; i < COLUMNS; i++)
            values[row][i] = nas_trial_metric(&result, metric_name(columns[i]));
        assert_true(values[row][PARAMETERS] == nas_trial_metric(&result, "parameters"));
        assert_true(values[row][MACS] == nas_trial_metric(&result, "macs"));
        nas_trial_clear(&result);
    }
    nas_eval_destroy(eval);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    nas_domain_close(domain);
    return 0;
}

static void every_cell_is_there_once(void **state)
{
    char line[512];
    int lines = 0;
    double size;
    bool exact;
    (void)state;
    FILE *file = fopen(table_path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        lines++;
    fclose(file);
    assert_int_equal(lines, ROWS + 1); /* and read_all found each of them */
    assert_true(nas_domain_size(domain, &size, &exact) && exact && size == ROWS);
}

static void numbers_are_sane(void **state)
{
    (void)state;
    for (int row = 0; row < ROWS; row++) {
        const double *v = values[row];
        for (int i = VALID; i <= VALID_2; i++)
            assert_true(v[i] > 0.1 && v[i] < 1); /* ten classes: chance is 0.1 */
        assert_true(fabs(v[VALID] - (v[VALID_1] + v[VALID_2]) / 2) < 1e-5);
        assert_true(v[CPU] > 0);
        /* validation accuracies are whole images of 4,000, test accuracies of 10,000 */
        assert_true(fabs(4000 * v[VALID_1] - round(4000 * v[VALID_1])) < 1e-2);
        assert_true(fabs(10000 * v[TEST] - round(10000 * v[TEST])) < 1e-2);
    }
}

/* Kendall's tau-b, pair by pair. */
static double tau(int a, int b)
{
    double alike = 0, unlike = 0, only_a = 0, only_b = 0;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < i; j++) {
            const double x = values[i][a] - values[j][a], y = values[i][b] - values[j][b];
            alike += x * y > 0;
            unlike += x * y < 0;
            only_a += x != 0 && y == 0;
            only_b += x == 0 && y != 0;
        }
    return (alike - unlike) / sqrt((alike + unlike + only_a) * (alike + unlike + only_b));
}

static double printed_tau(const char *pair)
{
    char command[1200], line[256], first[64], second[64];
    double printed = NAN;
    snprintf(command, sizeof command, "'%s' '%s' %s", ranks_path, table_path, pair);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(line, sizeof line, pipe))
        sscanf(line, "| %63s | %63s | %lf", first, second, &printed);
    assert_int_equal(pclose(pipe), 0);
    return printed;
}

static void seeds_agree_as_the_command_says(void **state)
{
    (void)state;
    assert_true(tau(VALID_1, VALID_2) >= 0.6);
    assert_true(tau(VALID, TEST) >= 0.6);
    assert_true(fabs(printed_tau("s1_valid:s2_valid") - tau(VALID_1, VALID_2)) < 0.00051);
    assert_true(fabs(printed_tau("valid:parameters") - tau(VALID, PARAMETERS)) < 0.00051);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_there_once),
        cmocka_unit_test(numbers_are_sane),
        cmocka_unit_test(seeds_agree_as_the_command_says),
    };
    return cmocka_run_group_tests(tests, read_all, close_all);
}
