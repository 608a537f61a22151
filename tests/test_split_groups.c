/* test_split_groups.c - samples of one group stay on one side: of the validation split, of cuts, of the test images; and classes keep their shares as
 * nearly as groups allow. */
#include "nas_test.h"

#include <clnas/data.h>

#include <math.h>

#include "data/dataset.h"

enum { SAMPLES = 600, CLASSES = 3 };

static int32_t labels[SAMPLES];
static uint32_t groups[SAMPLES];

/* Groups of 1 to `most` samples, of mixed or pure classes, whose samples do not lie side by side. */
static uint32_t make_groups(uint32_t seed, uint32_t most, bool pure)
{
    nas_random random = nas_random_make(seed, NAS_STREAM_TEST, most, pure, 0);
    uint32_t order[SAMPLES], group = 0, at = 0;
    for (uint32_t i = 0; i < SAMPLES; i++)
        order[i] = i;
    nas_random_shuffle(&random, order, SAMPLES);
    for (; at < SAMPLES; group++) {
        const uint32_t size = 1 + nas_random_below(&random, most);
        const int32_t label = (int32_t)nas_random_below(&random, CLASSES);
        for (uint32_t i = 0; i < size && at < SAMPLES; i++, at++) {
            groups[order[at]] = group * 7; /* numbers need not be dense */
            labels[order[at]] = pure ? label : (int32_t)nas_random_below(&random, CLASSES);
        }
    }
    return group;
}

static uint32_t pick(uint64_t seed, uint32_t wanted, uint32_t *candidates)
{
    const nas_data_part part = {.count = SAMPLES, .labels = labels, .groups = groups};
    for (uint32_t i = 0; i < SAMPLES; i++)
        candidates[i] = i;
    nas_test_ok(nas__split_pick_groups(&part, CLASSES, seed, 0, candidates, SAMPLES, &wanted));
    return wanted;
}

static void check_sides(const uint32_t *candidates, uint32_t picked)
{
    static int8_t side[7 * SAMPLES];
    bool seen[SAMPLES] = {false};
    memset(side, -1, sizeof side);
    assert_in_range(picked, 1, SAMPLES - 1);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const uint32_t sample = candidates[i];
        const int8_t mine = i >= picked;
        assert_false(seen[sample]);
        seen[sample] = true;
        if (i && i != picked)
            assert_true(sample > candidates[i - 1]);
        assert_true(side[groups[sample]] == -1 || side[groups[sample]] == mine);
        side[groups[sample]] = mine;
    }
}

static void groups_stay_whole(void **state)
{
    static uint32_t candidates[SAMPLES];
    (void)state;
    for (uint32_t seed = 0; seed < 50; seed++)
        for (int pure = 0; pure < 2; pure++)
            for (uint32_t most = 1; most <= 256; most *= 4) {
                make_groups(seed, most, pure);
                for (uint32_t wanted = 1; wanted < SAMPLES; wanted += 149)
                    check_sides(candidates, pick(seed, wanted, candidates));
            }
}

/* Groups of up to 6 samples: 150 are wanted and got but for 2, each class's share but for 3. */
static void shares_are_kept(void **state)
{
    enum { MOST = 6, WANTED = 150 };
    static uint32_t candidates[SAMPLES];
    (void)state;
    for (uint32_t seed = 0; seed < 100; seed++)
        for (int pure = 0; pure < 2; pure++) {
            double of[CLASSES] = {0}, got[CLASSES] = {0};
            make_groups(seed, MOST, pure);
            const uint32_t picked = pick(seed, WANTED, candidates);
            assert_in_range(picked, WANTED - 2, WANTED + 2);
            for (uint32_t i = 0; i < SAMPLES; i++) {
                of[labels[i]]++;
                got[labels[candidates[i]]] += i < picked;
            }
            for (int k = 0; k < CLASSES; k++)
                assert_true(fabs(got[k] - of[k] * WANTED / SAMPLES) <= 3);
        }
}

static void choices_repeat_and_follow_the_seed(void **state)
{
    static uint32_t first[SAMPLES], again[SAMPLES], other[SAMPLES];
    (void)state;
    make_groups(1, 5, false);
    const uint32_t picked = pick(1, 150, first);
    assert_int_equal(pick(1, 150, again), picked);
    assert_memory_equal(first, again, sizeof first);
    pick(2, 150, other);
    assert_memory_not_equal(first, other, sizeof first);
}

/* Sizes 1 and 9 by turns, half of the samples wanted: were large groups taken first, all picked ones would be large. */
static void large_groups_are_not_preferred(void **state)
{
    static uint32_t candidates[SAMPLES];
    uint32_t large = 0, all = 0;
    (void)state;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        groups[i] = i / 10 * 2 + (i % 10 == 0);
        labels[i] = 0;
    }
    for (uint64_t seed = 0; seed < 200; seed++) {
        const uint32_t picked = pick(seed, SAMPLES / 2, candidates);
        for (uint32_t i = 0; i < picked; i++)
            large += groups[candidates[i]] % 2 == 0;
        all += picked;
    }
    assert_true(fabs((double)large / all - 0.9) < 0.02);
}

static void one_group_cannot_be_split(void **state)
{
    static uint32_t candidates[SAMPLES];
    uint32_t wanted = 10;
    (void)state;
    memset(groups, 0, sizeof groups);
    memset(labels, 0, sizeof labels);
    const nas_data_part part = {.count = SAMPLES, .labels = labels, .groups = groups};
    for (uint32_t i = 0; i < SAMPLES; i++)
        candidates[i] = i;
    nas_test_fails(nas__split_pick_groups(&part, 1, 1, 0, candidates, SAMPLES, &wanted), NAS_DATA,
                   "one group");
    for (uint32_t i = 0; i < SAMPLES; i++) /* two: one goes, one stays, whatever is wanted */
        groups[i] = i >= 590;
    for (wanted = 1; wanted < SAMPLES; wanted += 100) {
        uint32_t picked = wanted;
        nas_test_ok(nas__split_pick_groups(&part, 1, 1, 0, candidates, SAMPLES, &picked));
        assert_true(picked == 10 || picked == 590);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_stay_whole),
        cmocka_unit_test(shares_are_kept),
        cmocka_unit_test(choices_repeat_and_follow_the_seed),
        cmocka_unit_test(large_groups_are_not_preferred),
        cmocka_unit_test(one_group_cannot_be_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
