/* supergraph_walk.c - see supergraph_walk.h. */
#include "supergraph_walk.h"

bool is_op(const nas_graph *graph, int node, const char *op)
{
    return node > 0 && strcmp(graph->nodes[node].op->kind.name, op) == 0;
}

/* "7 mixed(3, 5) out = 4; gates = [1, 2]": the gates; one input's stands without brackets. */
static void read_line(const char *line, supergraph_sum *sums)
{
    const char *at = strstr(line, "gates = ");
    char *end;
    assert_non_null(at);
    supergraph_sum *sum = &sums[strtol(line, NULL, 10)];
    at += strlen("gates = ");
    for (at += *at == '['; *at && *at != ']' && *at != ';'; at = end + strspn(end, ", ")) {
        assert_true(sum->count < NAS_OP_INPUTS);
        sum->gates[sum->count++] = (int)strtol(at, &end, 10);
        assert_true(end > at);
    }
}

static supergraph_sum *read_sums(const nas_graph *graph)
{
    supergraph_sum *sums = calloc((size_t)graph->count, sizeof *sums);
    nas_text text = {0};
    nas_graph_write(graph, &text);
    nas_test_ok(nas_text_check(&text));
    for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
        if (strstr(line, " mixed("))
            read_line(line, sums);
    nas_text_clear(&text);
    for (int node = 1; node < graph->count; node++)
        assert_int_equal(sums[node].count,
                         is_op(graph, node, "mixed") ? graph->nodes[node].input_count : 0);
    return sums;
}

supergraph supergraph_open(const char *space, const char *options, nas_shape input,
                           nas_supergraph_options how)
{
    supergraph super = {.domain = space_open(space, options, input)};
    nas_test_ok(nas_domain_supergraph(super.domain, &how, &super.graph, &super.table));
    super.sums = read_sums(&super.graph);
    return super;
}

void supergraph_close(supergraph *super)
{
    free(super->sums);
    nas_graph_clear(&super->graph);
    nas_domain_close(super->domain);
}
