/* test_diagram.c - pictures of networks show what the network is, each thing once, and can be read.
 *
 * expat reads the pictures back (picture.c).  What they must show is counted here from the space's sketch and the graph, not by
 * the code that draws. */
#include "picture.h"
#include "space_walk.h"

#include "report/blocks.h"
#include "report/diagram.h"

/* ---- settings that are drawn --------------------------------------------------------------------------------------- */

static const char nasnet[] =
    "{ nodes = 5; output = \"loose_ends\"; cells = 18; op = [\"max_pool_3x3\", \"avg_pool_3x3\", "
    "\"skip_connect\", \"sep_conv_3x3\", \"sep_conv_5x5\", \"sep_conv_7x7\", \"conv_7x1_1x7\", "
    "\"conv_1x1\", \"conv_3x3\"]; }";

static const struct setting {
    const char *space, *options;
    nas_shape input;
} settings[] = {
    {"chain", "{}", {1, 28, 28}},
    {"chain", "{ activation = [\"relu\", \"gelu\"]; }", {9, 1, 128}},
    {"chain_skip", "{}", {1, 28, 28}},
    {"chain_skip",
     "{ depth = 12; stages = 3; kernel = [3, 5]; width = 36; stem = 36; join = \"concat\"; "
     "mmacs = 0.0; op = [\"conv\", \"sep_conv\", \"max_pool\", \"avg_pool\"]; }",
     {3, 32, 32}},
    {"template", "{}", {1, 28, 28}},
    {"template",
     "{ pattern = [\"branches\", \"free\"]; segments = 5; constraints = { blocks = \"own\"; "
     "sizes = \"largest\"; }; }",
     {1, 28, 28}},
    {"cell", "{}", {3, 32, 32}},
    {"cell", "{ cells = 20; nodes = 8; reductions = [0, 1, 4, 9]; auxiliary = 0.4; }", {3, 32, 32}},
    {"cell", "{ cells = 2; reductions = [0, 1]; }", {3, 32, 32}},
    {"cell", nasnet, {3, 32, 32}},
    {"cell201", "{}", {3, 32, 32}},
    {"cell201", "{ dead = \"keep\"; cells = 1; }", {3, 32, 32}},
    {"cell101", "{}", {3, 32, 32}},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

typedef void (*check_function)(const nas_domain *domain, const nas_arch *arch);

/* Every name that the setting knows, and `count` random architectures. */
static void walk(const struct setting *setting, int count, check_function check)
{
    nas_domain *domain = space_open(setting->space, setting->options, setting->input);
    for (const char *const *name = domain->space->names; name && *name; name++) {
        nas_arch arch;
        if (nas_domain_read(domain, *name, &arch) == NAS_OK)
            check(domain, &arch);
    }
    for (int i = 0; i < count; i++) {
        const nas_arch arch = space_sample(domain, (uint32_t)i);
        check(domain, &arch);
    }
    nas_domain_close(domain);
}

/* ---- what a space says ------------------------------------------------------------------------------------------------ */

static void check_sketch(const nas_domain *domain, const nas_arch *arch)
{
    nas_sketch sketch;
    nas_graph graph = {0};
    uint64_t hash;
    nas_test_ok(nas_domain_sketch(domain, arch, &graph, &sketch));
    nas_test_ok(nas_graph_hash(&graph, &hash));
    assert_true(hash == space_graph_hash(domain, arch));
    assert_true(sketch.part_count > 2);
    assert_int_equal(sketch.parts[0].last, 0);
    assert_int_equal(sketch.parts[sketch.part_count - 1].last, graph.output);
    for (int p = 0; p < sketch.part_count; p++)
        assert_true(strlen(sketch.parts[p].name) > 2);
    nas_graph_clear(&graph);
}

static void sketches_tell_the_graph(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS; i++)
        walk(&settings[i], 8, check_sketch);
}

/* Another gene, another name; another choice of it, another name. */
static void genes_have_names_of_their_own(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS; i++) {
        nas_domain *domain = space_open(settings[i].space, settings[i].options, settings[i].input);
        nas_text names[NAS_GENES] = {{0}};
        for (int gene = 0; gene < domain->count; gene++) {
            nas_text choices[NAS_CHOICES] = {{0}};
            nas_domain_describe_gene(domain, gene, &names[gene]);
            for (int other = 0; other < gene; other++)
                assert_string_not_equal(names[gene].data, names[other].data);
            for (int c = 0; c < domain->genes[gene].choices; c++) {
                nas_domain_describe_choice(domain, gene, c, &choices[c]);
                assert_true(choices[c].length > 0);
                for (int other = 0; other < c; other++)
                    assert_string_not_equal(choices[c].data, choices[other].data);
            }
            for (int c = 0; c < domain->genes[gene].choices; c++)
                nas_text_clear(&choices[c]);
        }
        for (int gene = 0; gene < domain->count; gene++)
            nas_text_clear(&names[gene]);
        nas_domain_close(domain);
    }
}

static void check_gene(const char *space, const char *options, int gene, int choice,
                       const char *name, const char *meaning)
{
    nas_domain *domain = space_open(space, options, (nas_shape){3, 32, 32});
    nas_text text = {0};
    nas_domain_describe_gene(domain, gene, &text);
    assert_string_equal(text.data, name);
    nas_text_reset(&text);
    nas_domain_describe_choice(domain, gene, choice, &text);
    assert_string_equal(text.data, meaning);
    nas_text_clear(&text);
    nas_domain_close(domain);
}

static void genes_are_told_in_words(void **state)
{
    (void)state;
    check_gene("chain", "{}", 0, 1, "depth", "5");
    check_gene("chain", "{}", 4, 2, "layer 2: op", "max_pool");
    check_gene("chain", "{}", 5, 1, "layer 2: kernel", "5");
    check_gene("cell", "{}", 3, 4, "normal node 0: op 2", "sep_conv_5x5");
    check_gene("cell", "{}", 16 + 12, 3, "reduction node 3: input 1", "node 1");
    check_gene("cell201", "{}", 4, 3, "edge 1-3", "nor_conv_3x3");
    check_gene("cell101", "{}", 0, 2, "vertex 1: op", "maxpool3x3");
    check_gene("cell101", "{}", 1, 0, "vertex 1: edge from input", "yes");
    check_gene("cell101", "{}", 3, 0, "vertex 2: edge from input", "yes");
    check_gene("cell101", "{}", 4, 0, "vertex 2: edge from 1", "no");
    check_gene("cell101", "{}", 20, 1, "output: edge from input", "no");
    check_gene("cell101", "{}", 25, 1, "output: edge from 5", "yes");
    check_gene("template", "{}", 0, 2, "pattern", "lateral");
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------ */

static void draw(const nas_domain *domain, const nas_arch *arch, bool cells, nas_text *svg)
{
    nas_text again = {0};
    nas_test_ok(cells ? nas__diagram_cells(domain, arch, true, svg)
                      : nas__diagram_network(domain, arch, true, svg));
    nas_test_ok(cells ? nas__diagram_cells(domain, arch, true, &again)
                      : nas__diagram_network(domain, arch, true, &again));
    assert_string_equal(svg->data, again.data);
    nas_text_clear(&again);
}

/* A cell whose boxes begin at `box`: nodes, then the operations on edges, joined as the sketch says.  Returns the next cell's
 * first box, and adds the lines that it has. */
static int check_cell(const picture *p, const nas_sketch_cell *cell, int box, int *lines)
{
    int operation = box + cell->node_count;
    for (int i = 0; i < cell->node_count; i++)
        assert_string_equal(picture_title(p, box + i), cell->nodes[i].name);
    for (int e = 0; e < cell->edge_count; e++) {
        const nas_sketch_edge *edge = &cell->edges[e];
        const int from = box + edge->from, to = box + edge->to;
        if (!edge->operation[0]) {
            assert_int_equal(picture_lines_between(p, from, to), 1);
            ++*lines;
            continue;
        }
        assert_string_equal(picture_title(p, operation), edge->operation);
        assert_int_equal(picture_lines_between(p, from, operation), 1);
        assert_int_equal(picture_lines_between(p, operation, to), 1);
        *lines += 2;
        operation++;
    }
    return operation;
}

static void check_cells(const nas_domain *domain, const nas_arch *arch)
{
    nas_sketch sketch;
    nas_graph graph = {0};
    nas_text svg = {0};
    nas_test_ok(nas_domain_sketch(domain, arch, &graph, &sketch));
    nas_graph_clear(&graph);
    if (sketch.cell_count == 0) {
        nas_test_fails(nas__diagram_cells(domain, arch, true, &svg), NAS_CONFIG,
                       "not made of cells");
        assert_int_equal(svg.length, 0);
        return;
    }
    draw(domain, arch, true, &svg);
    picture *p = picture_read(&svg);
    picture_check(p);
    int box = 0, lines = 0;
    for (int c = 0; c < sketch.cell_count; c++)
        box = check_cell(p, &sketch.cells[c], box, &lines);
    assert_int_equal(p->box_count, box);
    assert_int_equal(p->line_count, lines);
    assert_int_equal(p->hover_count, box);
    free(p);
    nas_text_clear(&svg);
}

static void cells_show_every_node_and_edge_once(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS; i++)
        walk(&settings[i], 8, check_cells);
}

/* The part of a graph's node. */
static int part_of(const nas_sketch *sketch, int node)
{
    int part = 0;
    while (sketch->parts[part].last < node)
        part++;
    return part;
}

/* The name, or as much of a long one as a box has room for. */
static void check_title(const picture *p, int box, const char *name)
{
    const char *title = picture_title(p, box);
    const size_t length = strlen(title), dots = strlen("…");
    if (length > 24 && strcmp(title + length - dots, "…") == 0)
        assert_memory_equal(title, name, length - dots);
    else
        assert_string_equal(title, name);
}

/* Parts that are not cells: a box each, and a line for each pair of which one reads the other. */
static void check_parts(const picture *p, const nas_sketch *sketch, const nas_graph *graph)
{
    static bool reads[NAS_SKETCH_PARTS][NAS_SKETCH_PARTS];
    int lines = 0;
    memset(reads, 0, sizeof reads);
    for (int i = 1; i <= graph->output; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            reads[part_of(sketch, i)][part_of(sketch, graph->nodes[i].inputs[k])] = true;
    assert_int_equal(p->box_count, sketch->part_count);
    for (int to = 0; to < sketch->part_count; to++) {
        check_title(p, to, sketch->parts[to].name);
        for (int from = 0; from < to; from++) {
            assert_int_equal(picture_lines_between(p, from, to), reads[to][from]);
            lines += reads[to][from];
        }
    }
    assert_int_equal(p->line_count, lines);
    assert_int_equal(p->head_count, lines);
}

/* Cells: the strip has a box for each run of copies, and a line from each to the next. */
static void check_strip(const picture *p, const nas_sketch *sketch)
{
    int lines = 0, box = 0, first;
    for (int c = 0; c < sketch->cell_count; c++)
        box = check_cell(p, &sketch->cells[c], box, &lines);
    first = box;
    for (int i = 0, copies; i < sketch->part_count; i += copies) {
        const nas_sketch_part *part = &sketch->parts[i];
        char title[128];
        for (copies = 1;
             part->cell >= 0 && i + copies < sketch->part_count && part[copies].cell == part->cell;)
            copies++;
        snprintf(title, sizeof title, copies > 1 ? "%s ×%d" : "%s", part->name, copies);
        assert_string_equal(picture_title(p, box), title);
        box++;
    }
    for (int i = first; i + 1 < box; i++)
        assert_int_equal(picture_lines_between(p, i, i + 1), 1);
    assert_int_equal(p->box_count, box);
    assert_int_equal(p->line_count, lines + box - first - 1);
}

static void check_network(const nas_domain *domain, const nas_arch *arch)
{
    nas_sketch sketch;
    nas_graph graph = {0};
    nas_text svg = {0};
    nas_test_ok(nas_domain_sketch(domain, arch, &graph, &sketch));
    draw(domain, arch, false, &svg);
    picture *p = picture_read(&svg);
    picture_check(p);
    if (sketch.cell_count > 0)
        check_strip(p, &sketch);
    else
        check_parts(p, &sketch, &graph);
    assert_int_equal(p->hover_count, p->box_count);
    if (p->width > 2000 || p->height > 3000)
        fail_msg("%g x %g for %s", p->width, p->height, p->name);
    free(p);
    nas_text_clear(&svg);
    nas_graph_clear(&graph);
}

static void networks_show_every_part_and_connection_once(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS; i++)
        walk(&settings[i], 8, check_network);
}

static int one_gene(const void *state, nas_gene *genes)
{
    (void)state;
    genes[0] = (nas_gene){.name = "width", .choices = 2};
    return 1;
}

static const nas_graph *lent;

static nas_status lent_network(const void *state, const nas_arch *arch, nas_graph *graph)
{
    (void)state;
    (void)arch;
    return nas_graph_copy(lent, graph);
}

/* As the network of a space that has no sketch. */
static void draw_graph(const nas_graph *graph, nas_text *svg)
{
    const nas_space space = {
        .kind = {.name = "a <graph> & more"}, .genes = one_gene, .build = lent_network};
    const nas_domain domain = {
        .space = &space, .classes = 10, .count = 1, .genes = {{"width", 2, 0, 0}}};
    const nas_arch arch = {.count = 1};
    lent = graph;
    nas_test_ok(nas__diagram_network(&domain, &arch, true, svg));
}

/* The same networks as graphs of which nothing else is known. */
static void check_plain_graph(const nas_domain *domain, const nas_arch *arch)
{
    nas_graph graph = {0};
    nas_text svg = {0};
    nas__blocks blocks;
    nas_test_ok(nas_domain_build(domain, arch, &graph));
    draw_graph(&graph, &svg);
    nas_test_ok(nas__blocks_make(&graph, NULL, &blocks));
    picture *p = picture_read(&svg);
    assert_int_equal(strncmp(p->name, "a <graph> & more: ", 18), 0);
    picture_check(p);
    assert_int_equal(p->box_count, blocks.count);
    assert_int_equal(p->line_count, blocks.edge_count);
    for (int e = 0; e < blocks.edge_count; e++)
        assert_int_equal(picture_lines_between(p, blocks.edges[e].from, blocks.edges[e].to), 1);
    assert_true(p->height <= 6500);
    free(p);
    nas__blocks_clear(&blocks);
    nas_text_clear(&svg);
    nas_graph_clear(&graph);
}

static void any_graph_can_be_drawn(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS; i++)
        walk(&settings[i], 4, check_plain_graph);
}

/* ---- blocks -------------------------------------------------------------------------------------------------------------- */

static void check_sums(const nas_graph *graph, const nas_sketch *sketch)
{
    nas__blocks blocks;
    nas_cost cost, sum = {0};
    int nodes = 0;
    nas_graph_cost(graph, &cost);
    nas_test_ok(nas__blocks_make(graph, sketch, &blocks));
    for (int b = 0; b < blocks.count; b++) {
        sum.parameters += blocks.items[b].cost.parameters;
        sum.macs += blocks.items[b].cost.macs;
        sum.bytes += blocks.items[b].cost.bytes;
        nodes += blocks.items[b].nodes;
        assert_true(blocks.items[b].title[0]);
    }
    assert_int_equal(nodes, graph->output + 1);
    assert_true(sum.parameters == cost.parameters && sum.macs == cost.macs &&
                sum.bytes == cost.bytes);
    assert_true(blocks.count <= NAS__BLOCKS_DRAWN);
    for (int i = 1; i <= graph->output; i++)
        for (int k = 0; k < graph->nodes[i].input_count; k++)
            assert_true(blocks.of_node[graph->nodes[i].inputs[k]] <= blocks.of_node[i]);
    nas__blocks_clear(&blocks);
}

static void check_costs(const nas_domain *domain, const nas_arch *arch)
{
    nas_sketch sketch;
    nas_graph graph = {0};
    nas_test_ok(nas_domain_sketch(domain, arch, &graph, &sketch));
    check_sums(&graph, &sketch);
    check_sums(&graph, NULL);
    nas_graph_clear(&graph);
}

static void blocks_add_up_to_the_network(void **state)
{
    (void)state;
    for (int i = 0; i < SETTINGS; i++)
        walk(&settings[i], 8, check_costs);
}

/* A rule of the picture, on the smallest networks that show it. */
static void check_titles(const char *text, const char *const *titles)
{
    nas_graph graph = {0};
    nas__blocks blocks;
    int count = 0;
    nas_test_ok(nas_graph_parse(text, "test", &graph));
    nas_test_ok(nas__blocks_make(&graph, NULL, &blocks));
    for (; titles[count]; count++)
        assert_string_equal(count < blocks.count ? blocks.items[count].title : "(no block)",
                            titles[count]);
    assert_int_equal(blocks.count, count);
    nas__blocks_clear(&blocks);
    nas_graph_clear(&graph);
}

static void norms_and_activations_belong_to_what_computes(void **state)
{
    (void)state;
    const char *const layer[] = {"input", "conv 3x3, relu", "global average", "dense", NULL};
    check_titles("input 1x8x8\n1 conv2d(0) out = 4; kernel = 3\n2 batch_norm(1)\n"
                 "3 activation(2) kind = \"relu\"\n4 pool(3) kind = \"global_average\"\n"
                 "5 dense(4) out = 10\n",
                 layer);
    /* what two read stands alone; what only says how they read it goes to them */
    const char *const both[] = {"input", "conv 3x3", "conv 1x1", "depthwise 3x3",
                                "add 2", "dense",    NULL};
    check_titles("input 1x8x8\n1 conv2d(0) out = 4; kernel = 3\n2 batch_norm(1)\n"
                 "3 activation(1) kind = \"relu\"\n4 conv2d(3) out = 4; kernel = 3; groups = 4\n"
                 "5 conv2d(2) out = 4; kernel = 1\n6 add(4, 5)\n7 dense(6) out = 10\n",
                 both);
    const char *const before[] = {"input", "conv 3x3, stride 2", "dense", NULL};
    check_titles("input 1x8x8\n1 activation(0) kind = \"relu\"\n"
                 "2 conv2d(1) out = 4; kernel = 3; stride = 2\n3 batch_norm(2)\n"
                 "4 dense(3) out = 10\n",
                 before);
}

/* ResNet-110 for CIFAR-10 (arXiv 1512.03385): 54 units of two 3×3 convolutions; and chains that are longer than a picture. */
static void add_unit(nas_graph *graph, int *node, int channels, int stride)
{
    int way = *node, shortcut = *node;
    for (int i = 0; i < 2; i++) {
        nas_test_ok(nas_graph_then(graph, "conv2d", &way, "out = %d; kernel = 3; stride = %d",
                                   channels, i ? 1 : stride));
        nas_test_ok(nas_graph_then(graph, "batch_norm", &way, NULL));
        if (i == 0)
            nas_test_ok(nas_graph_then(graph, "activation", &way, "kind = \"relu\""));
    }
    if (stride > 1)
        nas_test_ok(nas_graph_then(graph, "conv2d", &shortcut, "out = %d; kernel = 1; stride = 2",
                                   channels));
    nas_test_ok(nas_graph_add(graph, "add", (int[]){way, shortcut}, 2, node, NULL));
    nas_test_ok(nas_graph_then(graph, "activation", node, "kind = \"relu\""));
}

static void large_networks_stay_small_pictures(void **state)
{
    (void)state;
    nas_graph resnet = {0}, chain = {0};
    nas_text svg = {0};
    int node = 0;
    nas_test_ok(nas_graph_init(&resnet, (nas_shape){3, 32, 32}));
    nas_test_ok(nas_graph_then(&resnet, "conv2d", &node, "out = 16; kernel = 3"));
    for (int unit = 0; unit < 54; unit++)
        add_unit(&resnet, &node, 16 << unit / 18, unit % 18 == 0 && unit > 0 ? 2 : 1);
    nas_test_ok(nas_graph_then(&resnet, "dense", &node, "out = 10"));
    check_sums(&resnet, NULL);
    draw_graph(&resnet, &svg);
    picture *p = picture_read(&svg);
    picture_check(p);
    assert_int_equal(p->box_count, 2 + 54 + 1);
    assert_true(svg.length < 100000 && p->height < 3600);
    assert_non_null(strstr(svg.data, "drawn as one block"));
    free(p);
    nas_text_clear(&svg);
    nas_test_ok(nas_graph_init(&chain, (nas_shape){1, 8, 8}));
    node = 0;
    for (int layer = 0; layer < 300; layer++)
        nas_test_ok(nas_graph_then(&chain, "conv2d", &node, "out = 2; kernel = 3"));
    check_sums(&chain, NULL);
    draw_graph(&chain, &svg);
    p = picture_read(&svg);
    picture_check(p);
    assert_int_equal(p->box_count, NAS__BLOCKS_DRAWN);
    assert_non_null(strstr(svg.data, "206 more blocks"));
    assert_non_null(strstr(svg.data, "more blocks than a picture shows"));
    free(p);
    nas_text_clear(&svg);
    nas_graph_clear(&resnet);
    nas_graph_clear(&chain);
}

/* ---- spaces from outside --------------------------------------------------------------------------------------------------- */

static nas_status small_network(const void *state, const nas_arch *arch, nas_graph *graph)
{
    int node = 0;
    (void)state;
    NAS_TRY(nas_graph_init(graph, (nas_shape){1, 8, 8}));
    NAS_TRY(nas_graph_then(graph, "conv2d", &node, "out = %d; kernel = 3", arch->genes[0] + 1));
    return nas_graph_then(graph, "dense", &node, "out = 10");
}

/* What the sketch below gets wrong: 0: nothing. */
static int fault;

static nas_status strange_sketch(const void *state, const nas_arch *arch, nas_graph *graph,
                                 nas_sketch *sketch)
{
    NAS_TRY(small_network(state, arch, graph));
    sketch->cell_count = 1;
    nas_sketch_cell *cell = &sketch->cells[0];
    snprintf(cell->name, sizeof cell->name, "<script>\"&'");
    cell->node_count = fault == 1 ? NAS_SKETCH_NODES + 1 : 2;
    cell->edge_count = 1;
    cell->edges[0] = (nas_sketch_edge){.from = 0, .to = fault == 2 ? 0 : fault == 3 ? 2 : 1};
    snprintf(cell->edges[0].operation, sizeof cell->edges[0].operation, "</text><b>\xff\x01");
    sketch->part_count = fault == 4 ? 1 : 2;
    sketch->parts[0] = (nas_sketch_part){.name = "<i>", .last = 1, .cell = fault == 5 ? 1 : 0};
    sketch->parts[1] = (nas_sketch_part){.name = "b", .last = fault == 6 ? 1 : 2, .cell = -1};
    return NAS_OK;
}

static void a_space_from_outside_is_drawn(void **state)
{
    (void)state;
    nas_space space = {.kind = {.name = "own"}, .genes = one_gene, .build = small_network};
    nas_domain domain = {.space = &space, .classes = 10, .count = 1, .genes = {{"width", 2, 0, 0}}};
    const nas_arch arch = {.count = 1};
    nas_text svg = {0}, words = {0};
    nas_test_ok(nas__diagram_network(&domain, &arch, false, &svg));
    picture *p = picture_read(&svg);
    picture_check(p);
    assert_int_equal(p->box_count, 3);
    assert_string_equal(picture_title(p, 1), "conv 3x3");
    free(p);
    nas_text_clear(&svg);
    nas_domain_describe_gene(&domain, 0, &words);
    nas_domain_describe_choice(&domain, 0, 1, &words);
    assert_string_equal(words.data, "width1");
    nas_text_clear(&words);
    space.sketch = strange_sketch;
    fault = 0;
    nas_test_ok(nas__diagram_network(&domain, &arch, true, &svg));
    p = picture_read(&svg);
    picture_check(p);
    assert_int_equal(p->box_count, 2 + 1 + 2);
    assert_string_equal(picture_title(p, 3), "<i>");
    free(p);
    nas_text_clear(&svg);
    for (fault = 1; fault <= 6; fault++) {
        nas_test_fails(nas__diagram_network(&domain, &arch, true, &svg), NAS_CONFIG, "space own: ");
        assert_int_equal(svg.length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sketches_tell_the_graph),
        cmocka_unit_test(genes_have_names_of_their_own),
        cmocka_unit_test(genes_are_told_in_words),
        cmocka_unit_test(cells_show_every_node_and_edge_once),
        cmocka_unit_test(networks_show_every_part_and_connection_once),
        cmocka_unit_test(any_graph_can_be_drawn),
        cmocka_unit_test(blocks_add_up_to_the_network),
        cmocka_unit_test(norms_and_activations_belong_to_what_computes),
        cmocka_unit_test(large_networks_stay_small_pictures),
        cmocka_unit_test(a_space_from_outside_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
