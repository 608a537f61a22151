/* test_inherit.c - networks that begin with the weights of another one.
 *
 * The truth is the function itself: parent and child get the same images, and an edit that is said to preserve the function has to
 * give the same outputs in evaluation, to rounding, with random weights and random running statistics.  A child with its own
 * initial values gives others, so the comparison can fail.  On rows drawn from every space: what is counted as copied, set and
 * fresh is all there is, nothing else changed, and what comes out is finite. */
#include <clnas/net.h>

#include <math.h>
#include <unistd.h>

#include "space_walk.h"
#include "nas_test_tensor.h"

enum { BATCH = 6, SEED = 11, KEY = 5 };
static const char file[] = "inherit-parent.safetensors";
static nas_device *device;

static int open_device(void **state)
{
    (void)state;
    if (nas_device_open("any", NULL, &device) != NAS_OK)
        device = NULL; /* need_device skips */
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    if (device)
        assert_int_equal(nas_device_live_objects(device), 0);
    nas_device_destroy(device);
    unlink(file);
    return 0;
}

static void need_device(void)
{
    if (!device)
        skip();
}

/* ---- networks with something in them ------------------------------------------------------------------------------ */

/* A value as a training might leave it: the initial one, moved; variances stay positive. */
static float moved(const nas_parameter *spec, float value, nas_random *random)
{
    double move = nas_random_normal(random);
    if (strcmp(spec->name, "running_variance") == 0)
        return (float)exp(0.5 * move);
    return value + (float)(move * (spec->rank == 1 ? 0.3 : 0.02));
}

static nas_net *make_net(const nas_graph *graph, uint64_t seed)
{
    const nas_net_options options = {.batch = BATCH};
    nas_net *net = NULL;
    nas_test_ok(nas_net_create(device, graph, &options, &net));
    nas_test_ok(nas_net_initialise(net, seed, KEY));
    return net;
}

static void shake(nas_net *net)
{
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 1, 0, 0);
    for (int i = 0; i < nas_net_parameter_count(net); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(net, i);
        if (!entry->tensor.count)
            continue;
        float *values = nas_test_read(entry->tensor);
        for (uint64_t k = 0; k < entry->tensor.count; k++)
            values[k] = moved(&entry->spec, values[k], &random);
        nas_test_ok(nas_tensor_write(entry->tensor, values));
        free(values);
    }
}

/* Outputs of evaluation on images that depend on nothing but their shape. */
static float *outputs_of(nas_net *net)
{
    nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 2, 0, 0);
    nas_tensor input = nas_net_input(net);
    float *images = malloc((size_t)input.count * sizeof *images);
    nas_step step = {.real = BATCH};
    for (uint64_t i = 0; i < input.count; i++)
        images[i] = (float)nas_random_normal(&random);
    nas_test_ok(nas_tensor_write(input, images));
    free(images);
    nas_test_ok(nas_net_set_step(net, &step));
    nas_test_ok(nas_net_evaluate(net));
    return nas_test_read(nas_net_output(net));
}

/* Largest difference between the classes' outputs, as a share of the largest output. */
static double difference(nas_net *a, nas_net *b)
{
    float *x = outputs_of(a), *y = outputs_of(b);
    const nas_graph *graph = nas_net_graph(a);
    const int classes = graph->nodes[graph->output].shape.c;
    const uint64_t lanes = nas_net_output(a).count / (uint64_t)classes;
    double largest = 0, most = 0;
    assert_true(nas_net_output(a).count == nas_net_output(b).count);
    for (int c = 0; c < classes; c++)
        for (int n = 0; n < BATCH; n++) {
            uint64_t at = (uint64_t)c * lanes + (uint64_t)n;
            assert_true(isfinite(x[at]) && isfinite(y[at]));
            largest = fmax(largest, fabs((double)x[at]));
            most = fmax(most, fabs((double)x[at] - (double)y[at]));
        }
    free(x);
    free(y);
    return most / fmax(largest, 1e-6);
}

/* ---- the counts -------------------------------------------------------------------------------------------------------- */

static uint64_t count_changed(nas_net *net, const float *before)
{
    float *after = nas_test_read(nas_net_parameters(net).parameters);
    uint64_t changed = 0;
    for (uint64_t i = 0; i < nas_net_parameters(net).parameters.count; i++) {
        assert_true(isfinite(after[i]));
        changed += after[i] != before[i];
    }
    free(after);
    return changed;
}

/* Inherits, and holds the counts against the values. */
static nas_inheritance inherit(nas_net *child)
{
    nas_inheritance got;
    nas_cost cost;
    float *before = nas_test_read(nas_net_parameters(child).parameters);
    nas_test_ok(nas_net_inherit(child, file, SEED, KEY, &got));
    nas_graph_cost(nas_net_graph(child), &cost);
    assert_true(got.copied + got.set + got.fresh == cost.parameters);
    assert_true(got.copied <= cost.parameters && got.fresh <= cost.parameters);
    assert_true(count_changed(child, before) <= got.copied + got.set);
    free(before);
    return got;
}

typedef struct outcome {
    double apart;   /* child's outputs from the parent's */
    double foreign; /* the same without inheriting */
    nas_inheritance got;
} outcome;

static outcome edit(const nas_graph *from, const nas_graph *to)
{
    outcome o;
    nas_net *parent = make_net(from, SEED), *child = make_net(to, SEED + 1);
    shake(parent);
    nas_test_ok(nas_net_save(parent, file, NULL, NULL, 0));
    o.foreign = difference(parent, child);
    o.got = inherit(child);
    o.apart = difference(parent, child);
    nas_net_destroy(parent);
    nas_net_destroy(child);
    return o;
}

static void assert_preserved(const char *name, const outcome *o)
{
    if (!(o->apart < 1e-4) || !(o->foreign > 1e-2))
        fail_msg("%s: outputs are %g apart (%g without inheriting)", name, o->apart, o->foreign);
}

/* ---- edits by hand ----------------------------------------------------------------------------------------------------- */

typedef struct pair {
    const char *name, *parent, *child;
} pair;

#define STEM "input 2x7x7\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
#define TAIL(a, b, c) #b " pool(" #a ") kind = \"global_average\"\n" #c " dense(" #b ") out = 4\n"

static const pair pairs[] = {
    {"the same", STEM TAIL(3, 4, 5), STEM TAIL(3, 4, 5)},
    {"wider", STEM TAIL(3, 4, 5),
     "input 2x7x7\n1 conv2d(0) out = 15\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n" TAIL(
         3, 4, 5)},
    {"larger kernel", STEM TAIL(3, 4, 5),
     "input 2x7x7\n1 conv2d(0) out = 6; kernel = 5\n2 batch_norm(1)\n"
     "3 activation(2) kind = \"relu\"\n" TAIL(3, 4, 5)},
    {"deeper", STEM TAIL(3, 4, 5),
     STEM "4 conv2d(3) out = 6\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n" TAIL(6, 7, 8)},
    {"deeper and wider at once", STEM TAIL(3, 4, 5),
     STEM
     "4 conv2d(3) out = 9; kernel = 5\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n" TAIL(
         6, 7, 8)},
    {"deeper by a separable one", STEM TAIL(3, 4, 5),
     STEM "4 conv2d(3) groups = 0\n5 conv2d(4) out = 8; kernel = 1\n6 batch_norm(5)\n"
          "7 activation(6) kind = \"relu\"\n" TAIL(7, 8, 9)},
    {"a norm without scale and shift", STEM TAIL(3, 4, 5),
     STEM "4 conv2d(3) out = 6\n5 batch_norm(4) affine = false\n"
          "6 activation(5) kind = \"relu\"\n" TAIL(6, 7, 8)},
    {"wider in front of a depthwise one",
     STEM "4 conv2d(3) groups = 0\n5 conv2d(4) out = 8; kernel = 1; bias = true\n6 batch_norm(5)\n"
          "7 activation(6) kind = \"silu\"\n" TAIL(7, 8, 9),
     "input 2x7x7\n1 conv2d(0) out = 13\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) groups = 0; kernel = 5\n5 conv2d(4) out = 11; kernel = 1; bias = true\n"
     "6 batch_norm(5)\n7 activation(6) kind = \"silu\"\n" TAIL(7, 8, 9)},
    {"a dense layer behind an image", "input 2x3x4\n1 conv2d(0) out = 3\n2 dense(1) out = 4\n",
     "input 2x3x4\n1 conv2d(0) out = 7\n2 dense(1) out = 4\n"},
    {"a residual sum, all of it wider",
     STEM
     "4 conv2d(3) out = 6\n5 batch_norm(4)\n6 add(3, 5)\n7 activation(6) kind = \"relu\"\n" TAIL(
         7, 8, 9),
     "input 2x7x7\n1 conv2d(0) out = 10\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
     "4 conv2d(3) out = 10\n5 batch_norm(4)\n6 add(3, 5)\n7 activation(6) kind = \"relu\"\n" TAIL(
         7, 8, 9)},
    {"another branch in a sum",
     STEM "4 conv2d(3) out = 6\n5 batch_norm(4)\n6 add(3, 5)\n" TAIL(6, 7, 8),
     STEM "4 conv2d(3) out = 6\n5 batch_norm(4)\n6 conv2d(3) out = 6; kernel = 5\n7 batch_norm(6)\n"
          "8 add(3, 5, 7)\n" TAIL(8, 9, 10)},
    {"a residual block", STEM TAIL(3, 4, 5),
     STEM "4 conv2d(3) out = 6\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n"
          "7 conv2d(6) out = 6\n8 batch_norm(7)\n9 add(3, 8)\n"
          "10 activation(9) kind = \"relu\"\n" TAIL(10, 11, 12)},
    {"something concatenated",
     STEM "4 conv2d(3) out = 5\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n" TAIL(6, 7, 8),
     STEM "4 conv2d(3) out = 5\n5 batch_norm(4)\n6 activation(5) kind = \"relu\"\n7 concat(3, 6)\n"
          "8 conv2d(7) out = 5; kernel = 1\n9 batch_norm(8)\n"
          "10 activation(9) kind = \"relu\"\n" TAIL(10, 11, 12)},
    {"a concatenation, one part wider",
     STEM
     "4 conv2d(3) out = 5\n5 batch_norm(4)\n6 concat(3, 5)\n7 conv2d(6) out = 4\n" TAIL(7, 8, 9),
     STEM
     "4 conv2d(3) out = 12\n5 batch_norm(4)\n6 concat(3, 5)\n7 conv2d(6) out = 4\n" TAIL(7, 8, 9)},
    {"a gate with more hidden units",
     STEM "4 pool(3) kind = \"global_average\"\n5 conv2d(4) out = 2; kernel = 1; bias = true\n"
          "6 activation(5) kind = \"relu\"\n7 conv2d(6) out = 6; kernel = 1; bias = true\n"
          "8 activation(7) kind = \"sigmoid\"\n9 mul(3, 8)\n" TAIL(9, 10, 11),
     STEM "4 pool(3) kind = \"global_average\"\n5 conv2d(4) out = 5; kernel = 1; bias = true\n"
          "6 activation(5) kind = \"relu\"\n7 conv2d(6) out = 6; kernel = 1; bias = true\n"
          "8 activation(7) kind = \"sigmoid\"\n9 mul(3, 8)\n" TAIL(9, 10, 11)},
};

static void edits_by_hand_preserve_the_function(void **state)
{
    (void)state;
    need_device();
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        nas_graph parent = {0}, child = {0};
        nas_test_ok(nas_graph_parse(pairs[i].parent, pairs[i].name, &parent));
        nas_test_ok(nas_graph_parse(pairs[i].child, pairs[i].name, &child));
        outcome o = edit(&parent, &child);
        assert_preserved(pairs[i].name, &o);
        assert_true(o.got.fresh == 0 || strstr(pairs[i].name, "branch") ||
                    strstr(pairs[i].name, "block"));
        nas_graph_clear(&parent);
        nas_graph_clear(&child);
    }
}

/* Repeated channels must not stay equal: what reads them takes unequal parts, each different for each output. */
static void copies_go_their_own_ways(void **state)
{
    nas_graph parent = {0}, child = {0};
    (void)state;
    need_device();
    nas_test_ok(nas_graph_parse(
        "input 1x1x1\n1 conv2d(0) out = 2; kernel = 1\n2 dense(1) out = 3\n", "test", &parent));
    nas_test_ok(nas_graph_parse(
        "input 1x1x1\n1 conv2d(0) out = 4; kernel = 1\n2 dense(1) out = 3\n", "test", &child));
    nas_net *from = make_net(&parent, SEED), *to = make_net(&child, SEED + 1);
    nas_inheritance got;
    nas_test_ok(nas_net_save(from, file, NULL, NULL, 0));
    nas_test_ok(nas_net_inherit(to, file, SEED, KEY, &got));
    float *old = nas_test_read(nas_net_parameter_at(from, 1)->tensor);
    float *new = nas_test_read(nas_net_parameter_at(to, 1)->tensor);
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 2; i++) {
            double a = (double)new[4 * o + i], b = (double)new[4 * o + i + 2];
            double sum = (double)old[2 * o + i], share = a / sum;
            assert_true(fabs(a + b - sum) < 1e-6 * fabs(sum) + 1e-9);
            assert_true(share > 0.249 && share < 0.751 && fabs(share - 0.5) > 1e-4);
        }
    assert_true(got.copied == 4 + 12 + 3 && got.set == 0 && got.fresh == 0);
    free(old);
    free(new);
    nas_net_destroy(from);
    nas_net_destroy(to);
    nas_graph_clear(&parent);
    nas_graph_clear(&child);
}

/* ---- the norm of an inserted layer, in training --------------------------------------------------------------------------- */

/* The statistics that an inserted norm expects, relu of a Gaussian, against 200,000 draws of it. */
static void inserted_norms_expect_what_comes(void **state)
{
    nas_graph parent = {0}, child = {0};
    nas_inheritance got;
    (void)state;
    need_device();
    nas_test_ok(nas_graph_parse(STEM TAIL(3, 4, 5), "test", &parent));
    nas_test_ok(nas_graph_parse(STEM "4 conv2d(3) out = 6\n5 batch_norm(4)\n"
                                     "6 activation(5) kind = \"relu\"\n" TAIL(6, 7, 8),
                                "test", &child));
    nas_net *from = make_net(&parent, SEED), *to = make_net(&child, SEED + 1);
    shake(from);
    nas_test_ok(nas_net_save(from, file, NULL, NULL, 0));
    nas_test_ok(nas_net_inherit(to, file, SEED, KEY, &got));
    float *values[4] = {0}; /* gamma and beta of node 2, mean and variance of node 5 */
    for (int i = 0; i < nas_net_parameter_count(to); i++) {
        const nas_net_parameter *entry = nas_net_parameter_at(to, i);
        static const char *const names[] = {"2.gamma", "2.beta", "5.running_mean",
                                            "5.running_variance"};
        for (int k = 0; k < 4; k++)
            if (strcmp(entry->name, names[k]) == 0)
                values[k] = nas_test_read(entry->tensor);
    }
    for (int c = 0; c < 6; c++) {
        enum { DRAWS = 200000 };
        nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 3, (uint32_t)c, 0);
        double sum = 0, square = 0;
        for (int i = 0; i < DRAWS; i++) {
            double x = (double)values[1][c] + (double)values[0][c] * nas_random_normal(&random);
            x = x > 0 ? x : 0;
            sum += x;
            square += x * x;
        }
        double mean = sum / DRAWS, variance = square / DRAWS - mean * mean;
        assert_true(fabs((double)values[2][c] - mean) < 0.02);
        assert_true(fabs((double)values[3][c] - fmax(variance, 1e-3)) < 0.02);
    }
    for (int k = 0; k < 4; k++)
        free(values[k]);
    nas_net_destroy(from);
    nas_net_destroy(to);
    nas_graph_clear(&parent);
    nas_graph_clear(&child);
}

/* ---- edits of genes in the spaces -------------------------------------------------------------------------------------------- */

typedef struct promise {
    const char *space, *options;
    const char *genes; /* names of genes whose next larger choice preserves the function */
    int from, to;      /* only from this choice to that one; to 0: any to the next */
    int draws;
} promise;

static const promise promises[] = {
    {"chain",
     "{ depth = [2, 5]; width = [4, 7, 9]; kernel = [1, 3, 5]; op = [\"conv\", \"sep_conv\", "
     "\"max_pool\", \"dil_conv\"]; }",
     "width kernel", 0, 0, 12},
    {"chain",
     "{ depth = [2, 5]; width = [6]; kernel = [3]; op = [\"conv\", \"sep_conv\"]; stride = [1]; "
     "hold = 0; }",
     "depth", 0, 0, 12},
    {"chain_skip",
     "{ depth = [2, 4]; stem = 6; width = [6, 8]; kernel = [3, 5]; op = [\"conv\", \"sep_conv\"]; "
     "join = [\"concat\"]; }",
     "kernel width", 0, 0, 10},
    {"template",
     "{ segments = 2; stem = 5; pattern = [\"chain\"]; constraints = { widths = \"any\"; }; "
     "segment1 = { width = [5, 8]; }; segment2 = { width = [9, 11]; }; segment = { depth = [1, 2]; "
     "kernel = [3, 5]; stride = [1, 2]; expansion = [2, 3]; squeeze = [0]; }; }",
     "depth width kernel expansion", 0, 0, 12},
    {"cell201", "{ cells = 1; channels = 4; dead = \"zero\"; }", "*", 0, 3, 12},
};

static bool is_named(const char *name, const char *list)
{
    const char *at = strstr(list, name);
    return strcmp(list, "*") == 0 || (at && strlen(name) > 0);
}

static void build(const nas_domain *domain, const nas_arch *arch, nas_graph *graph)
{
    *graph = (nas_graph){0};
    nas_test_ok(nas_domain_build(domain, arch, graph));
}

static outcome edit_rows(const nas_domain *domain, const nas_arch *from, const nas_arch *to)
{
    nas_graph parent, child;
    build(domain, from, &parent);
    build(domain, to, &child);
    outcome o = edit(&parent, &child);
    nas_graph_clear(&parent);
    nas_graph_clear(&child);
    return o;
}

/* The row with gene g one larger (or from `from` to `to`), if that is another valid row. */
static bool larger(const nas_domain *domain, const promise *p, const nas_arch *arch, int g,
                   nas_arch *to)
{
    *to = *arch;
    if (!is_named(domain->genes[g].name, p->genes) || (p->to && arch->genes[g] != p->from))
        return false;
    if (p->to && nas_arch_equal(arch, &(nas_arch){.count = arch->count}))
        return false; /* a cell of nothing gives zeros; whatever is in it changes that */
    to->genes[g] = (uint8_t)(p->to ? p->to : arch->genes[g] + 1);
    if (to->genes[g] >= domain->genes[g].choices)
        return false;
    nas_domain_canonical(domain, to);
    return !nas_arch_equal(to, arch) && nas_domain_valid(domain, to) == NAS_OK;
}

static void edits_of_genes_preserve_the_function(void **state)
{
    (void)state;
    need_device();
    for (size_t k = 0; k < sizeof promises / sizeof *promises; k++) {
        const promise *p = &promises[k];
        nas_domain *domain = space_open(p->space, p->options, (nas_shape){1, 12, 12});
        int edits = 0;
        for (int draw = 0; edits < p->draws && draw < 200; draw++) {
            nas_arch from = space_sample(domain, (uint32_t)draw), to;
            int g = draw % domain->count;
            while (g < domain->count && !larger(domain, p, &from, g, &to))
                g++;
            if (g == domain->count)
                continue;
            outcome o = edit_rows(domain, &from, &to);
            nas_text text = {0};
            nas_text_format(&text, "%s, %s: ", p->space, domain->genes[g].name);
            nas_domain_describe(domain, &from, &text);
            nas_text_add(&text, " -> ");
            nas_domain_describe(domain, &to, &text);
            assert_preserved(text.data, &o);
            nas_text_clear(&text);
            edits++;
        }
        assert_true(edits >= p->draws / 2);
        nas_domain_close(domain);
    }
}

/* ---- every space ---------------------------------------------------------------------------------------------------------------- */

static const char *small_options(const char *space)
{
    static const char *const options[][2] = {
        {"cell", "{ cells = 3; channels = 4; }"},
        {"cell201", "{ cells = 1; channels = 4; }"},
        {"cell101", "{ stem = 8; stacks = 2; cells = 1; }"},
        {"template", "{ segments = 3; stem = 4; segment = { width = [4, 8]; }; }"},
        {"chain_skip", "{ stem = 4; width = [4, 6]; }"},
        {"chain", "{ width = [4, 6]; }"},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strcmp(options[i][0], space) == 0)
            return options[i][1];
    return NULL;
}

/* A mutant, and a stranger, of rows of every space; the same network again is the same to the bit. */
static void nets_of_every_space_inherit(void **state)
{
    int count;
    const nas_space *const *spaces = nas_space_all(&count);
    (void)state;
    need_device();
    for (int s = 0; s < count; s++) {
        nas_domain *domain = space_open(spaces[s]->kind.name, small_options(spaces[s]->kind.name),
                                        (nas_shape){1, 12, 12});
        double shares = 0;
        int draws = 6;
        for (int draw = 0; draw < draws; draw++) {
            nas_random random = nas_random_make(SEED, NAS_STREAM_TEST, 4, (uint32_t)draw, 0);
            nas_arch from = space_sample(domain, (uint32_t)draw), to;
            nas_test_ok(nas_domain_mutate(domain, &from, NAS_MUTATE_ONE, 0, &random, &to));
            outcome mutant = edit_rows(domain, &from, &to);
            outcome same = edit_rows(domain, &from, &from);
            nas_arch other = space_sample(domain, 99);
            outcome stranger = edit_rows(domain, &from, &other);
            assert_true(same.got.set == 0 && same.got.fresh == 0 && same.apart == 0);
            assert_true(isfinite(stranger.apart));
            shares += (double)mutant.got.copied /
                      (double)(mutant.got.copied + mutant.got.set + mutant.got.fresh);
        }
        print_message("%s: a mutant has %.0f %% of its parameters from its parent\n",
                      spaces[s]->kind.name, 100 * shares / draws);
        assert_true(shares / draws > 0.5);
        nas_domain_close(domain);
    }
}

/* ---- what cannot be inherited ------------------------------------------------------------------------------------------------- */

static void files_are_checked(void **state)
{
    nas_graph graph = {0}, other = {0};
    nas_safetensors content = {0};
    nas_inheritance got;
    (void)state;
    need_device();
    nas_test_ok(nas_graph_parse(STEM TAIL(3, 4, 5), "test", &graph));
    nas_test_ok(nas_graph_parse("input 3x7x7\n1 dense(0) out = 4\n", "test", &other));
    nas_net *net = make_net(&graph, SEED), *wrong = make_net(&other, SEED);
    nas_test_fails(nas_net_inherit(net, "missing.safetensors", SEED, KEY, &got), NAS_DATA,
                   "missing");
    nas_test_ok(nas_net_save(net, file, NULL, NULL, 0));
    nas_test_fails(nas_net_inherit(wrong, file, SEED, KEY, &got), NAS_SHAPE, "channels");
    nas_test_ok(nas_safetensors_read(file, &content));
    content.count--; /* the last tensor is gone */
    nas_test_ok(nas_safetensors_write(file, &content));
    nas_test_fails(nas_net_inherit(net, file, SEED, KEY, &got), NAS_DATA, "missing");
    int pairs_kept = content.metadata_count;
    content.metadata_count = 0;
    nas_test_ok(nas_safetensors_write(file, &content));
    nas_test_fails(nas_net_inherit(net, file, SEED, KEY, &got), NAS_DATA, "no graph");
    content.metadata_count = pairs_kept;
    content.count++;
    nas_safetensors_clear(&content);
    nas_net_destroy(net);
    nas_net_destroy(wrong);
    nas_graph_clear(&graph);
    nas_graph_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_by_hand_preserve_the_function),
        cmocka_unit_test(copies_go_their_own_ways),
        cmocka_unit_test(inserted_norms_expect_what_comes),
        cmocka_unit_test(edits_of_genes_preserve_the_function),
        cmocka_unit_test(nets_of_every_space_inherit),
        cmocka_unit_test(files_are_checked),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
