/* test_cell101.c - the space `cell101` against NAS-Bench-101: how many cells there are, by edges and vertices, parameters, channels.
 *
 * CLNAS_DRAWS of 100,000 and more (the slow tier) enumerates all 423,624 cells instead of the 2,532 of at most five vertices. */
#include "cells.h"
#include "space/cell101_graph.h"

static bool is_long_tier(void)
{
    const char *draws = getenv("CLNAS_DRAWS");
    return draws && atoi(draws) >= 100000;
}

/* A pruned cell as one number. */
static uint64_t packed(const nas__cell101 *cell)
{
    uint64_t code = (uint64_t)cell->vertices;
    for (int v = 1; v < cell->vertices; v++)
        code = code * 256 + (uint64_t)(cell->reads[v] * 4 + cell->ops[v]);
    return code;
}

/* The graph whose edges are the bits, or false: not every vertex is on a path from input to output. */
static bool wire(int vertices, uint32_t bits, nas__cell101 *cell)
{
    nas__cell101 pruned;
    *cell = (nas__cell101){.vertices = vertices};
    for (int to = 1; to < vertices; to++)
        for (int from = 0; from < to; from++, bits >>= 1)
            if (bits & 1)
                cell->reads[to] |= (uint8_t)(1 << from);
    pruned = *cell;
    return nas__cell101_prune(&pruned) && pruned.vertices == vertices;
}

typedef struct tally {
    uint64_t *rows, *hashes;
    int count, edges;
} tally;

enum { TALLY_MAX = 1000000 };

/* Every labelling of one wiring. */
static void add_labellings(const nas__cell101 *wiring, tally *all)
{
    int labellings = 1;
    for (int v = 1; v < wiring->vertices - 1; v++)
        labellings *= 3;
    for (int i = 0; i < labellings; i++) {
        nas__cell101 cell = *wiring;
        for (int v = 1, rest = i; v < cell.vertices - 1; v++, rest /= 3)
            cell.ops[v] = (uint8_t)(rest % 3);
        const uint64_t hash = nas__cell101_hash(&cell);
        nas__cell101_order(&cell);
        assert_true(nas__cell101_hash(&cell) == hash);
        assert_true(all->count < TALLY_MAX);
        all->hashes[all->count] = hash;
        all->rows[all->count++] = packed(&cell);
    }
}

/* Cells with exactly so many vertices and edges.  Of wirings that renumber into each other only the ordered one is labelled. */
static int count_cells(int vertices, int edges, tally *all)
{
    int distinct;
    all->count = 0;
    for (uint32_t bits = 0; bits < 1U << vertices * (vertices - 1) / 2; bits++) {
        nas__cell101 cell, ordered;
        if (__builtin_popcount(bits) != edges || !wire(vertices, bits, &cell))
            continue;
        ordered = cell;
        nas__cell101_order(&ordered);
        if (packed(&ordered) == packed(&cell))
            add_labellings(&cell, all);
    }
    distinct = count_distinct(all->rows, all->count);
    assert_int_equal(count_distinct(all->hashes, all->count), distinct);
    return distinct;
}

static double size_101(int vertices, int edges)
{
    char options[64];
    double size;
    bool exact;
    snprintf(options, sizeof options, "{ vertices = %d; edges = %d; }", vertices, edges);
    nas_domain *domain = space_open("cell101", options, cifar);
    assert_true(nas_domain_size(domain, &size, &exact) && exact);
    nas_domain_close(domain);
    return size;
}

/* By the smallest numbering and by the benchmark's hash: 2,532 cells of at most 5 vertices, 423,624 of at most 7. */
static void test_cell101_counts(void **state)
{
    (void)state;
    const int most = is_long_tier() ? 7 : 5;
    double by_edges[10] = {0}; /* with at most so many vertices and so many edges */
    tally all = {.rows = malloc(TALLY_MAX * sizeof(uint64_t)),
                 .hashes = malloc(TALLY_MAX * sizeof(uint64_t))};
    for (int vertices = 2; vertices <= most; vertices++) {
        double sum = 0;
        for (int edges = 1; edges <= 9; edges++) {
            int count = count_cells(vertices, edges, &all);
            by_edges[edges] += count;
            sum += by_edges[edges];
            if (vertices >= 3)
                assert_true(size_101(vertices, edges) == sum);
        }
        if (vertices == 5)
            assert_true(sum == 2532);
        if (vertices == 7)
            assert_true(sum == 423624);
    }
    assert_true(size_101(7, 9) == 423624);
    free(all.rows);
    free(all.hashes);
}

/* Moves of one gene lead from any cell to any other: a walk from one of them meets all 2,532. */
static void test_cell101_moves(void **state)
{
    (void)state;
    nas_domain *domain = space_open("cell101", "{ vertices = 5; }", cifar);
    nas_arch *met = malloc(2532 * sizeof *met);
    int count = 1;
    nas_test_fails(nas_domain_read(domain, "inception", &met[0]), NAS_CONFIG, "space.vertices = 7");
    nas_test_ok(nas_domain_read(domain, "baseline", &met[0]));
    for (int i = 0; i < count; i++) {
        nas_arch *list;
        int neighbours;
        nas_test_ok(nas_domain_neighbours(domain, &met[i], &list, &neighbours));
        for (int k = 0; k < neighbours; k++) {
            bool known = false;
            for (int j = 0; j < count && !known; j++)
                known = nas_arch_equal(&met[j], &list[k]);
            assert_true(known || count < 2532);
            if (!known)
                met[count++] = list[k];
        }
        free(list);
    }
    assert_int_equal(count, 2532);
    free(met);
    nas_domain_close(domain);
}

/* The README's example has 2,694,282 parameters in the benchmark. */
static void test_cell101_published(void **state)
{
    (void)state;
    nas_domain *domain = space_open("cell101", "{ }", cifar);
    assert_int_equal(parameters_of(domain, "inception"), 2694282);
    assert_describes(domain, "baseline", "1:conv3x3(in) 2:conv3x3(1) out(in,2)");
    /* a path that the numbering hides: every vertex dead, the input goes straight to the output */
    assert_describes(domain, "00-000-0000-00000-000000-000000", "out(in)");
    nas_arch arch;
    nas_test_fails(nas_domain_read(domain, "00-000-0000-00000-000000-100000", &arch), NAS_CONFIG,
                   "no path leads");
    nas_domain_close(domain);
}

/* 128 channels over three vertices: 43, 43, 42; a vertex that only feeds one of them has as many as that one. */
static void test_cell101_channels(void **state)
{
    (void)state;
    const nas__cell101 cell = {6, {0, 1, 1, 1, 2, 4 + 8 + 16}, {0}};
    int channels[NAS__CELL101_VERTICES];
    nas__cell101_channels(&cell, 64, 128, channels);
    static const int wanted[] = {64, 42, 43, 43, 42, 128};
    for (int v = 0; v < 6; v++)
        assert_int_equal(channels[v], wanted[v]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cell101_counts),
        cmocka_unit_test(test_cell101_moves),
        cmocka_unit_test(test_cell101_published),
        cmocka_unit_test(test_cell101_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
