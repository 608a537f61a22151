/* test_importance.c - the importance of genes (host/report/importance.c) against the textbook's formula, objectives whose effects are
 * known, and the stored table of all 729 cells. */
#include "space_walk.h"

#include "report/importance.h"

#include <math.h>

static const char options[] =
    "{ cells = 1; op = [\"skip_connect\", \"nor_conv_3x3\", \"avg_pool_3x3\"]; }";
enum { GENES = 6, CHOICES = 3, MOST = 5000 };

typedef struct data {
    nas_domain *domain;
    int count;
    nas_arch rows[MOST];
    double values[MOST];
} data;

static void data_open(data *d, int count)
{
    d->domain = space_open("cell201", options, (nas_shape){1, 28, 28});
    assert_int_equal(d->domain->count, GENES);
    d->count = count;
}

/* Uniform rows, set `which`. */
static void draw_rows(data *d, uint32_t which)
{
    for (int i = 0; i < d->count; i++) {
        nas_random random = nas_random_make(11, NAS_STREAM_TEST, which, (uint32_t)i, 1);
        d->rows[i] = (nas_arch){.count = GENES};
        for (int g = 0; g < GENES; g++)
            d->rows[i].genes[g] = (uint8_t)nas_random_below(&random, CHOICES);
    }
}

static double noise(uint32_t which, int i)
{
    nas_random random = nas_random_make(11, NAS_STREAM_TEST, which, (uint32_t)i, 2);
    return nas_random_normal(&random);
}

static const nas__gene_importance *gene_of(const nas__importance *importance, int gene)
{
    for (int g = 0; g < importance->count; g++)
        if (importance->genes[g].gene == gene)
            return &importance->genes[g];
    fail_msg("gene %d is not there", gene);
    return NULL;
}

/* ---- the textbook ------------------------------------------------------------------------------------------------ */

/* Epsilon squared as Kelley has it: (between − (k − 1)·mean square within) / total, in two passes. */
static double epsilon_of(const data *d, int gene)
{
    double mean = 0, means[CHOICES] = {0}, total = 0, within = 0;
    int counts[CHOICES] = {0}, k = 0;
    for (int i = 0; i < d->count; i++) {
        mean += d->values[i];
        means[d->rows[i].genes[gene]] += d->values[i];
        counts[d->rows[i].genes[gene]]++;
    }
    mean /= d->count;
    for (int c = 0; c < CHOICES; c++) {
        k += counts[c] > 0;
        means[c] /= counts[c] ? counts[c] : 1;
    }
    for (int i = 0; i < d->count; i++) {
        total += pow(d->values[i] - mean, 2);
        within += pow(d->values[i] - means[d->rows[i].genes[gene]], 2);
    }
    const double mean_square = within / (d->count - k);
    return (total - within - (k - 1) * mean_square) / total;
}

/* Cramér's V with Bergsma's correction, from observed and expected counts. */
static double association_of(const data *d, int a, int b)
{
    double counts[CHOICES][CHOICES] = {{0}}, rows[CHOICES] = {0}, columns[CHOICES] = {0}, chi = 0;
    const double n = d->count;
    for (int i = 0; i < d->count; i++) {
        counts[d->rows[i].genes[a]][d->rows[i].genes[b]]++;
        rows[d->rows[i].genes[a]]++;
        columns[d->rows[i].genes[b]]++;
    }
    for (int x = 0; x < CHOICES; x++)
        for (int y = 0; y < CHOICES; y++) {
            const double expected = rows[x] * columns[y] / n;
            chi += pow(counts[x][y] - expected, 2) / expected;
        }
    const double phi = fmax(0, chi / n - 4 / (n - 1)), side = 3 - 4 / (n - 1);
    return sqrt(phi / (side - 1));
}

static void shares_are_kelleys(void **state)
{
    (void)state;
    static data d;
    data_open(&d, 150);
    for (uint32_t which = 0; which < 10; which++) {
        nas__importance importance;
        draw_rows(&d, which);
        for (int i = 0; i < d.count; i++)
            d.values[i] = 1e3 + d.rows[i].genes[1] * d.rows[i].genes[4] + noise(which, i);
        nas_test_ok(nas__importance_of_rows(d.domain, d.rows, d.values, d.count, &importance));
        assert_int_equal(importance.count, GENES);
        for (int g = 0; g < GENES; g++) {
            const nas__gene_importance *gene = gene_of(&importance, g);
            assert_true(fabs(gene->share - epsilon_of(&d, g)) < 1e-10);
            assert_true(gene->low <= gene->high);
            assert_true(fabs(gene->association - association_of(&d, g, gene->partner)) < 1e-10 ||
                        gene->partner < 0);
        }
        for (int g = 1; g < GENES; g++)
            assert_true(importance.genes[g - 1].share >= importance.genes[g].share);
        nas__importance_clear(&importance);
    }
    nas_domain_close(d.domain);
}

/* Whatever the values are, shares of shuffled ones are 0 on average: Kelley's correction is exact. */
static void chance_explains_nothing(void **state)
{
    (void)state;
    static data d;
    enum { SHUFFLES = 400, TRIALS = 30 };
    double sum = 0, square = 0;
    data_open(&d, TRIALS);
    draw_rows(&d, 99);
    for (uint32_t which = 0; which < SHUFFLES; which++) {
        nas__importance importance;
        uint32_t order[TRIALS];
        for (uint32_t i = 0; i < TRIALS; i++)
            order[i] = i;
        nas_random random = nas_random_make(12, NAS_STREAM_TEST, which, 0, 0);
        nas_random_shuffle(&random, order, TRIALS);
        for (int i = 0; i < TRIALS; i++)
            d.values[i] = exp(0.2 * order[i]);
        nas_test_ok(nas__importance_of_rows(d.domain, d.rows, d.values, d.count, &importance));
        const double share = gene_of(&importance, 2)->share;
        sum += share;
        square += share * share;
        nas__importance_clear(&importance);
    }
    const double mean = sum / SHUFFLES, error = sqrt(square / SHUFFLES / SHUFFLES);
    if (fabs(mean) > 4 * error)
        fail_msg("mean share %g, standard error %g", mean, error);
    nas_domain_close(d.domain);
}

/* ---- objectives with known effects ---------------------------------------------------------------------------------- */

/* Gene 0 explains 1/2 of the variance, gene 3 explains 1/8, noise the rest; the other genes nothing.  Returns how wide the interval of
 * gene 0 was on average. */
static double find_known_effects(int count, int repeats)
{
    static data d;
    static const double truth[GENES] = {0.5, 0, 0, 0.125, 0, 0};
    int held[GENES] = {0}, first = 0;
    double mean[GENES] = {0};
    const double step = sqrt(1.5); /* −1, 0, 1 have a variance of 2/3 */
    double width = 0;
    data_open(&d, count);
    for (uint32_t which = 0; which < (uint32_t)repeats; which++) {
        nas__importance importance;
        draw_rows(&d, 1000 + which);
        for (int i = 0; i < d.count; i++)
            d.values[i] = sqrt(0.5) * step * (d.rows[i].genes[0] - 1) +
                          sqrt(0.125) * step * (d.rows[i].genes[3] - 1) +
                          sqrt(0.375) * noise(1000 + which, i);
        nas_test_ok(nas__importance_of_rows(d.domain, d.rows, d.values, d.count, &importance));
        for (int g = 0; g < GENES; g++) {
            const nas__gene_importance *gene = gene_of(&importance, g);
            held[g] += gene->low <= truth[g] && truth[g] <= gene->high;
            mean[g] += gene->share / repeats;
        }
        width += (gene_of(&importance, 0)->high - gene_of(&importance, 0)->low) / repeats;
        first += importance.genes[0].gene == 0 && importance.genes[1].gene == 3;
        nas__importance_clear(&importance);
    }
    for (int g = 0; g < GENES; g++)
        if (held[g] < 0.85 * repeats || fabs(mean[g] - truth[g]) > 0.03)
            fail_msg("gene %d: %d of %d intervals hold %g; mean share %g", g, held[g], repeats,
                     truth[g], mean[g]);
    assert_true(first >= 0.9 * repeats);
    nas_domain_close(d.domain);
    return width;
}

static void known_effects_are_found(void **state)
{
    (void)state;
    find_known_effects(200, 60);
}

/* More trials than a resample has.  The variance of R² is 4·R²·(1 − R²)² / n: the interval is 0.039 wide, not 0.062 as from those of a resample alone. */
static void many_trials_have_short_intervals(void **state)
{
    (void)state;
    const double width = find_known_effects(5000, 40);
    assert_true(width > 0.03 && width < 0.05);
}

/* What two genes do only together is in no share; genes that went along with each other are named. */
static void limits_are_told(void **state)
{
    (void)state;
    static data d;
    nas__importance importance;
    nas_text words = {0};
    data_open(&d, 600);
    draw_rows(&d, 5);
    for (int i = 0; i < d.count; i++)
        d.values[i] = (d.rows[i].genes[0] + d.rows[i].genes[1]) % 3 == 0;
    nas_test_ok(nas__importance_of_rows(d.domain, d.rows, d.values, d.count, &importance));
    assert_true(fabs(gene_of(&importance, 0)->share) < 0.02);
    nas__importance_words(&importance, &words);
    assert_null(strstr(words.data, "Careful"));
    assert_non_null(strstr(words.data, "From 600 trials:"));
    nas_text_clear(&words);
    nas__importance_clear(&importance);
    for (int i = 0; i < d.count; i++) {
        d.rows[i].genes[5] = i % 10 ? d.rows[i].genes[2] : d.rows[i].genes[5];
        d.rows[i].genes[3] = 1;
        d.values[i] = d.rows[i].genes[2] + 0.1 * noise(5, i);
    }
    nas_test_ok(nas__importance_of_rows(d.domain, d.rows, d.values, d.count, &importance));
    assert_int_equal(importance.fixed, 1);
    assert_int_equal(gene_of(&importance, 5)->partner, 2);
    assert_true(gene_of(&importance, 5)->share > 0.5);
    nas__importance_words(&importance, &words);
    assert_non_null(strstr(words.data, "\"edge 1-2\" went along with \"edge 2-3\" (V = 0."));
    assert_non_null(strstr(words.data, "Of 1 more all trials took the same choice"));
    nas_text_clear(&words);
    nas__importance_clear(&importance);
    nas_domain_close(d.domain);
}

static void too_little_is_refused(void **state)
{
    (void)state;
    static data d;
    nas__importance importance;
    data_open(&d, NAS__IMPORTANCE_TRIALS - 1);
    draw_rows(&d, 6);
    for (int i = 0; i < MOST; i++)
        d.values[i] = i < d.count ? i : 7;
    nas_test_fails(nas__importance_of_rows(d.domain, d.rows, d.values, d.count, &importance),
                   NAS_FAILED, "23 trials can be compared");
    nas_test_fails(nas__importance_of_rows(d.domain, d.rows, d.values + d.count, 30, &importance),
                   NAS_FAILED, "all 30 trials have the same result");
    nas_domain_close(d.domain);
}

/* ---- the table of all 729 cells --------------------------------------------------------------------------------------- */

static void read_table(data *d)
{
    char path[NAS_PATH_SIZE];
    nas_csv *csv;
    int arch, valid;
    bool more;
    const char *folder = getenv("NAS_SOURCE_FOLDER");
    snprintf(path, sizeof path, "%s/configs/tables/benchmark729.csv", folder ? folder : ".");
    nas_test_ok(nas_csv_open(path, &csv));
    nas_test_ok(nas_csv_find(csv, "arch", &arch));
    nas_test_ok(nas_csv_find(csv, "valid", &valid));
    d->count = 0;
    for (;;) {
        nas_test_ok(nas_csv_next(csv, &more));
        if (!more)
            break;
        nas_test_ok(nas_arch_parse(nas_csv_cell(csv, arch), &d->rows[d->count]));
        nas_test_ok(nas_csv_number(csv, valid, &d->values[d->count]));
        d->count++;
    }
    nas_csv_close(csv);
    assert_int_equal(d->count, 729);
}

/* All combinations are there, so genes are orthogonal, and what they explain alone adds up to what the sum of their means explains. */
static void a_whole_table_adds_up(void **state)
{
    (void)state;
    static data d;
    nas__importance importance, again;
    double mean = 0, left = 0, total = 0, explained = 0;
    data_open(&d, 0);
    read_table(&d);
    nas_test_ok(nas__importance_of_rows(d.domain, d.rows, d.values, d.count, &importance));
    nas_test_ok(nas__importance_of_rows(d.domain, d.rows, d.values, d.count, &again));
    for (int i = 0; i < d.count; i++)
        mean += d.values[i] / d.count;
    for (int g = 0; g < GENES; g++) {
        const nas__gene_importance *gene = gene_of(&importance, g);
        for (int c = 0; c < CHOICES; c++)
            assert_int_equal(gene->choices[c].count, 243);
        explained += 1 - (1 - gene->share) * (729 - 3) / (729 - 1);
        assert_true(fabs(gene->share - epsilon_of(&d, g)) < 1e-10);
        assert_true(gene->association < 1e-6);
        assert_true(gene->low == gene_of(&again, g)->low && gene->high == gene_of(&again, g)->high);
    }
    for (int i = 0; i < d.count; i++) {
        double sum = mean;
        for (int g = 0; g < GENES; g++)
            sum += gene_of(&importance, g)->choices[d.rows[i].genes[g]].mean - mean;
        left += pow(d.values[i] - sum, 2);
        total += pow(d.values[i] - mean, 2);
    }
    assert_true(fabs(explained - (1 - left / total)) < 1e-9);
    assert_true(explained > 0.5 && explained < 1);
    nas__importance_clear(&importance);
    nas__importance_clear(&again);
    nas_domain_close(d.domain);
}

/* ---- a study ------------------------------------------------------------------------------------------------------------- */

static void add_trial(nas_study *study, const data *d, int i, double budget, nas_trial_status end,
                      const char *derived)
{
    nas_owner self;
    nas_claim claim;
    nas_trial trial;
    nas_text arch = {0};
    bool taken, accepted;
    nas_trial_init(&trial);
    nas_domain_write(d->domain, &d->rows[i], &arch);
    trial.arch = arch.data;
    trial.budget = budget;
    nas_test_ok(nas_owner_self(&self));
    nas_test_ok(nas_study_claim(study, nas_study_count(study), &trial, &self, &claim, &taken));
    assert_false(taken);
    trial.status = end;
    nas_test_ok(nas_trial_set_metric(&trial, "valid_accuracy", d->values[i], false));
    if (derived)
        nas_test_ok(nas_trial_set_derived(&trial, derived));
    nas_test_ok(nas_study_commit(study, &claim, &trial, &accepted));
    assert_true(accepted);
    nas_text_clear(&arch);
    trial.arch = NULL;
    nas_trial_clear(&trial);
}

static void a_study_gives_what_can_be_compared(void **state)
{
    (void)state;
    static data d;
    nas__importance importance, plain;
    nas_study *study;
    nas_text words = {0}, svg = {0};
    data_open(&d, 60);
    draw_rows(&d, 7);
    for (int i = 0; i < d.count; i++)
        d.values[i] = 0.8 + 0.05 * d.rows[i].genes[1] + 0.001 * noise(7, i);
    nas_test_ok(nas_study_create(NULL, &(nas_study_about){.name = "test"}, &study));
    for (int i = 0; i < 40; i++)
        add_trial(study, &d, i, 3, NAS_TRIAL_COMPLETE, NULL);
    for (int i = 40; i < 50; i++)
        add_trial(study, &d, i, 1, NAS_TRIAL_COMPLETE, NULL);
    for (int i = 50; i < 60; i++)
        add_trial(study, &d, i, 3, i % 2 ? NAS_TRIAL_FAILED : NAS_TRIAL_COMPLETE,
                  i % 2 ? NULL : "000000");
    nas_test_ok(nas_study_sync(study));
    nas_test_ok(nas__importance_of_study(d.domain, study, "valid_accuracy", &importance));
    nas_test_ok(nas__importance_of_rows(d.domain, d.rows, d.values, 40, &plain));
    assert_int_equal(importance.trials, 40);
    assert_int_equal(importance.other_budget, 10);
    assert_int_equal(importance.genes[0].gene, 1);
    for (int g = 0; g < GENES; g++)
        assert_true(importance.genes[g].share == plain.genes[g].share &&
                    importance.genes[g].low == plain.genes[g].low);
    nas__importance_words(&importance, &words);
    assert_non_null(strstr(words.data, "budget of 3 (10 with another budget are left out)"));
    nas__importance_draw(&importance, "valid_accuracy", true, &svg);
    nas_test_ok(nas_text_check(&svg));
    assert_non_null(strstr(svg.data, ">edge 0-2</text>"));
    assert_non_null(strstr(svg.data, "nor_conv_3x3: 0.8"));
    nas_test_fails(nas__importance_of_study(d.domain, study, "latency_ms", &plain), NAS_FAILED,
                   "0 trials can be compared");
    nas__importance_clear(&importance);
    nas__importance_clear(&plain);
    nas_text_clear(&words);
    nas_text_clear(&svg);
    nas_study_close(study);
    nas_domain_close(d.domain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_kelleys),
        cmocka_unit_test(chance_explains_nothing),
        cmocka_unit_test(known_effects_are_found),
        cmocka_unit_test(many_trials_have_short_intervals),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(too_little_is_refused),
        cmocka_unit_test(a_whole_table_adds_up),
        cmocka_unit_test(a_study_gives_what_can_be_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
