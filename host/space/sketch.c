/* sketch.c - how a network is put together, and what its genes mean, in words.
 *
 * A graph knows operators.  People know layers, blocks and cells, and so does the space that built the graph: it fills in a
 * nas_sketch.  Here the sketch is asked for and checked, since a space may come from outside the library and whoever draws it
 * trusts the numbers.
 *
 * Read next: cell_words.c for cells, nas__chain_name_layer in chain_words.c for parts; host/report/diagram.c draws both. */
#include "space.h"

#include <string.h>

static nas_status check_cell(const nas_sketch_cell *cell)
{
    if (cell->node_count < 1 || cell->node_count > NAS_SKETCH_NODES || cell->edge_count < 0 ||
        cell->edge_count > NAS_SKETCH_EDGES)
        NAS_FAIL(NAS_CONFIG, "a sketched cell of %d nodes and %d edges; 1 to %d and 0 to %d can be",
                 cell->node_count, cell->edge_count, NAS_SKETCH_NODES, NAS_SKETCH_EDGES);
    for (int i = 0; i < cell->edge_count; i++) {
        const nas_sketch_edge *edge = &cell->edges[i];
        if (edge->from < 0 || edge->from >= edge->to || edge->to >= cell->node_count)
            NAS_FAIL(NAS_CONFIG,
                     "a sketched edge from node %d to node %d; edges lead to later nodes of the %d",
                     edge->from, edge->to, cell->node_count);
    }
    return NAS_OK;
}

/* The parts follow each other up to the output, and name cells that are there. */
static nas_status check_parts(const nas_graph *graph, const nas_sketch *sketch)
{
    for (int i = 0, before = -1; i < sketch->part_count; i++) {
        const nas_sketch_part *part = &sketch->parts[i];
        if (part->last <= before || part->last > graph->output)
            NAS_FAIL(NAS_CONFIG,
                     "sketched part %d (%.40s) ends at node %d, behind node %d and at most %d can "
                     "be",
                     i, part->name, part->last, before, graph->output);
        if (part->cell < -1 || part->cell >= sketch->cell_count)
            NAS_FAIL(NAS_CONFIG, "sketched part %d (%.40s) is cell %d, but there are %d", i,
                     part->name, part->cell, sketch->cell_count);
        before = part->last;
    }
    const int count = sketch->part_count;
    if (count > 0 && sketch->parts[count - 1].last != graph->output)
        NAS_FAIL(NAS_CONFIG, "the sketch ends at node %d, but the output is node %d",
                 sketch->parts[count - 1].last, graph->output);
    return NAS_OK;
}

static nas_status check_sketch(const nas_graph *graph, const nas_sketch *sketch)
{
    if (sketch->cell_count < 0 || sketch->cell_count > NAS_SKETCH_CELLS || sketch->part_count < 0 ||
        sketch->part_count > NAS_SKETCH_PARTS)
        NAS_FAIL(NAS_CONFIG, "a sketch of %d cells and %d parts; at most %d and %d can be",
                 sketch->cell_count, sketch->part_count, NAS_SKETCH_CELLS, NAS_SKETCH_PARTS);
    for (int i = 0; i < sketch->cell_count; i++)
        NAS_TRY(check_cell(&sketch->cells[i]));
    return check_parts(graph, sketch);
}

nas_status nas_domain_sketch(const nas_domain *domain, const nas_arch *arch, nas_graph *graph,
                             nas_sketch *sketch)
{
    memset(sketch, 0, sizeof *sketch);
    if (!domain->space->sketch)
        return nas_domain_build(domain, arch, graph);
    NAS_TRY(nas_domain_check(domain, arch));
    nas_status status = domain->space->sketch(domain->state, arch, graph, sketch);
    if (status == NAS_OK)
        status = check_sketch(graph, sketch);
    if (status != NAS_OK) {
        nas_error_add("space %s: ", domain->space->kind.name);
        nas_graph_clear(graph);
    }
    return status;
}

/* ---- genes in words ------------------------------------------------------------------------------------ */

void nas_domain_describe_gene(const nas_domain *domain, int gene, nas_text *text)
{
    const char *name = domain->genes[gene].name;
    int same = 0;
    if (domain->space->describe_gene) {
        domain->space->describe_gene(domain->state, gene, text);
        return;
    }
    for (int i = 0; i < domain->count; i++)
        same += strcmp(domain->genes[i].name, name) == 0;
    if (same > 1)
        nas_text_format(text, "gene %d: %s", gene, name);
    else
        nas_text_add(text, name);
}

void nas_domain_describe_choice(const nas_domain *domain, int gene, int choice, nas_text *text)
{
    if (domain->space->describe_choice)
        domain->space->describe_choice(domain->state, gene, choice, text);
    else
        nas_text_format(text, "%d", choice);
}
