/* space_walk.c - see space_walk.h. */
#include "space_walk.h"

#include <math.h>

int space_draws(void)
{
    const char *text = getenv("CLNAS_DRAWS");
    return text ? atoi(text) : 10000;
}

nas_domain *space_open(const char *space_name, const char *options, nas_shape input)
{
    const nas_space *space;
    nas_domain *domain = NULL;
    nas_value group = {0};
    assert_int_equal(nas_space_get(space_name, &space), NAS_OK);
    if (options)
        assert_int_equal(nas_value_parse(options, "test", 1, &group), NAS_OK);
    nas_status status = nas_domain_open(space, options ? &group : NULL, NULL, input, 10, &domain);
    if (status != NAS_OK)
        fail_msg("%s", nas_error_message());
    nas_value_clear(&group);
    return domain;
}

nas_arch space_sample(const nas_domain *domain, uint32_t draw)
{
    nas_random random = nas_random_make(7, NAS_STREAM_TEST, draw, 0, 0);
    nas_arch arch;
    if (nas_domain_sample(domain, &random, &arch) != NAS_OK)
        fail_msg("%s", nas_error_message());
    return arch;
}

void assert_settled(const nas_domain *domain, const nas_arch *arch)
{
    nas_arch again = *arch;
    assert_int_equal(nas_domain_check(domain, arch), NAS_OK);
    nas_domain_canonical(domain, &again);
    assert_true(nas_arch_equal(&again, arch));
    assert_int_equal(nas_domain_valid(domain, arch), NAS_OK);
    for (int i = arch->count; i < NAS_GENES; i++)
        assert_int_equal(arch->genes[i], 0);
}

static void assert_text_round_trip(const nas_domain *domain, const nas_arch *arch)
{
    nas_text text = {0};
    nas_arch back;
    nas_domain_write(domain, arch, &text);
    assert_int_equal(nas_domain_read(domain, text.data, &back), NAS_OK);
    assert_true(nas_arch_equal(&back, arch));
    assert_true(nas_arch_hash(&back) == nas_arch_hash(arch));
    nas_text_reset(&text);
    nas_domain_describe(domain, arch, &text);
    const size_t length = text.length;
    assert_true(length > 0);
    nas_domain_describe(domain, arch, &text); /* appends, whatever is there */
    assert_int_equal(text.length, 2 * length);
    assert_memory_equal(text.data, text.data + length, length);
    nas_text_clear(&text);
}

static void assert_features(const nas_domain *domain, const nas_arch *arch)
{
    int count = nas_domain_feature_count(domain);
    float *features = malloc((size_t)count * sizeof *features), sum = 0;
    nas_domain_features(domain, arch, features);
    for (int i = 0; i < count; i++)
        sum += features[i];
    assert_float_equal(sum, domain->count, 0);
    free(features);
}

uint64_t space_graph_hash(const nas_domain *domain, const nas_arch *arch)
{
    nas_graph graph = {0};
    uint64_t hash;
    if (nas_domain_build(domain, arch, &graph) != NAS_OK)
        fail_msg("%s", nas_error_message());
    nas_shape out = graph.nodes[graph.output].shape;
    assert_int_equal(out.c, domain->classes);
    assert_int_equal(out.h * out.w, 1);
    assert_int_equal(nas_graph_hash(&graph, &hash), NAS_OK);
    nas_graph_clear(&graph);
    return hash;
}

static void assert_moves(const nas_domain *domain, const nas_arch *a, const nas_arch *b,
                         uint32_t draw)
{
    static const nas_mutation kinds[] = {NAS_MUTATE_ONE, NAS_MUTATE_RATE, NAS_MUTATE_STEP};
    static const nas_crossover crossings[] = {NAS_CROSS_NONE, NAS_CROSS_UNIFORM,
                                              NAS_CROSS_ONE_POINT};
    nas_random random = nas_random_make(8, NAS_STREAM_TEST, draw, 0, 0);
    nas_arch child;
    for (int k = 0; k < 3; k++) {
        assert_int_equal(nas_domain_mutate(domain, a, kinds[k], 0.2, &random, &child), NAS_OK);
        assert_settled(domain, &child);
        assert_false(nas_arch_equal(&child, a));
        assert_true(nas_arch_distance(&child, a) > 0);
        nas_domain_cross(domain, a, b, crossings[k], &random, &child);
        assert_settled(domain, &child);
        if (crossings[k] == NAS_CROSS_NONE)
            assert_true(nas_arch_equal(&child, a));
    }
}

static void assert_neighbours(const nas_domain *domain, const nas_arch *arch)
{
    nas_arch *list;
    int count;
    assert_int_equal(nas_domain_neighbours(domain, arch, &list, &count), NAS_OK);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        assert_settled(domain, &list[i]);
        assert_false(nas_arch_equal(&list[i], arch));
        for (int j = 0; j < i; j++)
            assert_false(nas_arch_equal(&list[i], &list[j]));
    }
    free(list);
}

void space_walk(const nas_domain *domain, int count)
{
    nas_arch before = space_sample(domain, 0);
    uint64_t hash_before = space_graph_hash(domain, &before);
    for (int i = 1; i < count; i++) {
        nas_arch arch = space_sample(domain, (uint32_t)i);
        assert_settled(domain, &arch);
        assert_text_round_trip(domain, &arch);
        assert_moves(domain, &arch, &before, (uint32_t)i);
        if (i % 20)
            continue;
        /* equal networks have equal rows (unless a key says so instead), and different rows are different networks */
        uint64_t hash = space_graph_hash(domain, &arch);
        bool equal = nas_arch_equal(&arch, &before);
        assert_true(equal ? hash == hash_before : hash != hash_before || domain->space->key);
        assert_features(domain, &arch);
        if (i % 200 == 0)
            assert_neighbours(domain, &arch);
        before = arch;
        hash_before = hash;
    }
}

/* ---- counting by hand ------------------------------------------------------------------------------------ */

enum { ROWS_MAX = 2000000 };

static int compare_archs(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(nas_arch));
}

typedef struct network {
    uint64_t hash;
    size_t row;
} network;

static int compare_networks(const void *a, const void *b)
{
    const network *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static void assert_distinct_networks(const nas_domain *domain, const nas_arch *list, size_t count)
{
    network *networks = malloc((count + 1) * sizeof *networks);
    for (size_t i = 0; i < count; i++)
        networks[i] = (network){space_graph_hash(domain, &list[i]), i};
    qsort(networks, count, sizeof *networks, compare_networks);
    for (size_t i = 1; i < count; i++) {
        if (networks[i].hash != networks[i - 1].hash)
            continue;
        nas_text text = {0};
        nas_domain_describe(domain, &list[networks[i].row], &text);
        nas_text_add(&text, "\nis the same network as\n");
        nas_domain_describe(domain, &list[networks[i - 1].row], &text);
        fail_msg("%s", text.data);
    }
    free(networks);
}

/* Rows in the list, read and valid. */
static size_t list_rows(const nas_domain *domain, nas_arch *list)
{
    nas_arch row = {.count = (uint16_t)domain->count};
    size_t count = 0;
    for (int i = 0; i < domain->count;) {
        nas_arch canonical = row;
        nas_domain_canonical(domain, &canonical);
        if (nas_domain_valid(domain, &canonical) == NAS_OK)
            list[count++] = canonical;
        assert_true(count < ROWS_MAX);
        for (i = 0; i < domain->count; i++) { /* the next row, as an odometer */
            row.genes[i]++;
            if (row.genes[i] < domain->genes[i].choices)
                break;
            row.genes[i] = 0;
        }
    }
    return count;
}

double space_count_by_hand(const nas_domain *domain, bool networks)
{
    nas_arch *list = malloc(ROWS_MAX * sizeof *list);
    size_t count = list_rows(domain, list), distinct = 0;
    qsort(list, count, sizeof *list, compare_archs);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || compare_archs(&list[i], &list[distinct - 1]) != 0)
            list[distinct++] = list[i];
    if (networks)
        assert_distinct_networks(domain, list, distinct);
    free(list);
    return (double)distinct;
}

/* ---- options ----------------------------------------------------------------------------------------------- */

void assert_refused(const char *space_name, const char *options, const char *part)
{
    const nas_space *space;
    nas_value group = {0};
    nas_domain *domain = NULL;
    assert_int_equal(nas_space_get(space_name, &space), NAS_OK);
    assert_int_equal(nas_value_parse(options, "test", 1, &group), NAS_OK);
    assert_int_equal(nas_domain_open(space, &group, NULL, space_mnist, 10, &domain), NAS_CONFIG);
    if (!strstr(nas_error_message(), part))
        fail_msg("\"%s\" is not in: %s", part, nas_error_message());
    nas_value_clear(&group);
}

static void assert_valid_at(const char *space, const char *options, nas_shape input,
                            const nas_arch *arch, double macs, nas_status status)
{
    char text[2048];
    snprintf(text, sizeof text, "%s mmacs = %.9f; }", options, macs * 1e-6);
    nas_domain *domain = space_open(space, text, input);
    assert_int_equal(nas_domain_valid(domain, arch), status);
    nas_domain_close(domain);
}

void assert_macs(const char *space, const char *options, nas_shape input, int count)
{
    char text[2048];
    snprintf(text, sizeof text, "%s mmacs = 0.0; }", options);
    nas_domain *domain = space_open(space, text, input);
    for (int i = 0; i < count; i++) {
        nas_arch arch = space_sample(domain, (uint32_t)i);
        nas_cost cost;
        assert_int_equal(nas_domain_cost(domain, &arch, &cost), NAS_OK);
        assert_valid_at(space, options, input, &arch, (double)cost.macs + 0.5, NAS_OK);
        assert_valid_at(space, options, input, &arch, (double)cost.macs - 0.5, NAS_BOUND);
    }
    nas_domain_close(domain);
}
