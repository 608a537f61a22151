/* domain.c - a space opened for one data set, and what a row means in it.
 *
 * The domain is what strategies hold: the gene table, the space's functions behind plain ones, and
 * the cost bounds that make a row invalid before anything is trained.  Next: moves.c. */
#include "space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static nas_status check_genes(const nas_domain *domain)
{
    const char *name = domain->space->kind.name;
    if (domain->count < 1 || domain->count > NAS_GENES)
        NAS_FAIL(NAS_CONFIG, "space %s: %d genes, but 1 to %d are possible", name, domain->count,
                 NAS_GENES);
    for (int i = 0; i < domain->count; i++)
        if (domain->genes[i].choices < 1 || domain->genes[i].choices > NAS_CHOICES)
            NAS_FAIL(NAS_CONFIG, "space %s: gene %d (%s) has %d choices, but 1 to %d are possible",
                     name, i, domain->genes[i].name, domain->genes[i].choices, NAS_CHOICES);
    return NAS_OK;
}

nas_status nas_domain_open(const nas_space *space, const nas_value *group, const char *const *also,
                           nas_shape input, int classes, nas_domain **domain)
{
    nas_status status = NAS_OK;
    if (input.c < 1 || input.h < 1 || input.w < 1 || classes < 1)
        NAS_FAIL(NAS_SHAPE, "space %s: input %dx%dx%d with %d classes is not possible",
                 space->kind.name, input.c, input.h, input.w, classes);
    nas_domain *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for space %s", space->kind.name);
    *made = (nas_domain){.space = space, .input = input, .classes = classes};
    made->options = calloc(1, space->kind.instance_size + 1);
    if (!made->options) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for space %s",
                               space->kind.name);
        goto done;
    }
    NAS_TRY_DONE(nas_options_fill(&space->kind, group, also, made->options));
    if (space->begin)
        NAS_TRY_DONE(space->begin(made->options, input, classes, &made->state));
    made->count = space->genes(made->state, made->genes);
    NAS_TRY_DONE(check_genes(made));
    *domain = made;
    return NAS_OK;
done:
    nas_domain_close(made);
    return status;
}

nas_status nas_domain_open_group(const nas_value *group, nas_shape input, int classes,
                                 nas_domain **domain)
{
    static const char *const also[] = {"type", NULL};
    const nas_value *type = nas_value_member(group, "type");
    const nas_space *space;
    NAS_TRY(nas_space_get(type && type->type == NAS_VALUE_TEXT ? type->text : "", &space));
    return nas_domain_open(space, group, also, input, classes, domain);
}

void nas_domain_close(nas_domain *domain)
{
    if (!domain)
        return;
    if (domain->space->end && domain->state)
        domain->space->end(domain->state);
    free(domain->options);
    free(domain);
}

nas_status nas_domain_check(const nas_domain *domain, const nas_arch *arch)
{
    if (arch->count != domain->count)
        NAS_FAIL(NAS_CONFIG, "an architecture of this %s space has %d genes, not %d",
                 domain->space->kind.name, domain->count, arch->count);
    for (int i = 0; i < arch->count; i++)
        if (arch->genes[i] >= domain->genes[i].choices)
            NAS_FAIL(NAS_CONFIG, "gene %d (%s) is %d, but this %s space has choices 0 to %d", i,
                     domain->genes[i].name, arch->genes[i], domain->space->kind.name,
                     domain->genes[i].choices - 1);
    return NAS_OK;
}

void nas_domain_canonical(const nas_domain *domain, nas_arch *arch)
{
    if (domain->space->canonical)
        domain->space->canonical(domain->state, arch);
}

static nas_status within(uint64_t value, uint64_t max, const char *what)
{
    if (max && value > max)
        NAS_FAIL(NAS_BOUND, "%llu %s, but the bound is %llu", (unsigned long long)value, what,
                 (unsigned long long)max);
    return NAS_OK;
}

nas_status nas_domain_valid(const nas_domain *domain, const nas_arch *arch)
{
    const nas_cost_bounds *bounds = &domain->bounds;
    if (domain->space->valid)
        NAS_TRY(domain->space->valid(domain->state, arch));
    if (!bounds->parameters_max && !bounds->macs_max && !bounds->bytes_max)
        return NAS_OK;
    nas_cost cost;
    NAS_TRY(nas_domain_cost(domain, arch, &cost));
    NAS_TRY(within(cost.parameters, bounds->parameters_max, "parameters"));
    NAS_TRY(within(cost.macs, bounds->macs_max, "multiply-accumulates"));
    return within(cost.bytes, bounds->bytes_max, "bytes of activations per sample");
}

bool nas__domain_settle(const nas_domain *domain, nas_arch *arch)
{
    nas_domain_canonical(domain, arch);
    return nas_domain_valid(domain, arch) == NAS_OK;
}

nas_status nas_domain_build(const nas_domain *domain, const nas_arch *arch, nas_graph *graph)
{
    NAS_TRY(nas_domain_check(domain, arch));
    nas_status status = domain->space->build(domain->state, arch, graph);
    if (status != NAS_OK) {
        nas_text text = {0};
        nas_domain_write(domain, arch, &text);
        nas_error_add("architecture %s: ", text.data ? text.data : "");
        nas_text_clear(&text);
        nas_graph_clear(graph);
    }
    return status;
}

nas_status nas_domain_cost(const nas_domain *domain, const nas_arch *arch, nas_cost *cost)
{
    nas_graph graph = {0};
    NAS_TRY(nas_domain_build(domain, arch, &graph));
    nas_graph_cost(&graph, cost);
    nas_graph_clear(&graph);
    return NAS_OK;
}

void nas_domain_write(const nas_domain *domain, const nas_arch *arch, nas_text *text)
{
    nas_arch_write(arch, domain->genes, text);
}

void nas_domain_describe(const nas_domain *domain, const nas_arch *arch, nas_text *text)
{
    if (domain->space->describe)
        domain->space->describe(domain->state, arch, text);
    else
        nas_domain_write(domain, arch, text);
}

void nas_domain_key(const nas_domain *domain, const nas_arch *arch, nas_text *text)
{
    if (domain->space->key)
        domain->space->key(domain->state, arch, text);
    else
        nas_domain_write(domain, arch, text);
}

static bool is_name(const nas_space *space, const char *text)
{
    for (const char *const *name = space->names; name && *name; name++)
        if (strcmp(*name, text) == 0)
            return true;
    return false;
}

nas_status nas_domain_read(const nas_domain *domain, const char *text, nas_arch *arch)
{
    nas_arch row;
    if (is_name(domain->space, text)) {
        NAS_TRY(domain->space->named(domain->state, text, &row));
    } else if (nas_arch_parse(text, &row) == NAS_OK) {
        NAS_TRY(nas_domain_check(domain, &row));
    } else if (domain->space->parse) {
        NAS_TRY(domain->space->parse(domain->state, text, &row));
    } else {
        return NAS_CONFIG;
    }
    nas_domain_canonical(domain, &row);
    if (nas_domain_valid(domain, &row) != NAS_OK) {
        nas_error_add("architecture \"%.80s\": ", text);
        return NAS_CONFIG;
    }
    *arch = row;
    return NAS_OK;
}

bool nas_domain_size(const nas_domain *domain, double *size, bool *exact)
{
    if (!domain->space->size)
        return false;
    *size = domain->space->size(domain->state, exact);
    if (domain->bounds.parameters_max || domain->bounds.macs_max || domain->bounds.bytes_max)
        *exact = false;
    return !isnan(*size);
}

int nas_domain_feature_count(const nas_domain *domain)
{
    int count = 0;
    for (int i = 0; i < domain->count; i++)
        count += domain->genes[i].choices;
    return count;
}

void nas_domain_features(const nas_domain *domain, const nas_arch *arch, float *features)
{
    for (int i = 0; i < domain->count; i++)
        for (int choice = 0; choice < domain->genes[i].choices; choice++)
            *features++ = arch->genes[i] == choice ? 1.0f : 0.0f;
}

int nas_domain_reads_size(const nas_domain *domain, const nas_arch *arch, int gene)
{
    nas_arch before = {.count = arch->count};
    if (!domain->space->reads_size)
        return 0;
    memcpy(before.genes, arch->genes, (size_t)gene);
    return domain->space->reads_size(domain->state, &before, domain->genes[gene].group);
}

int nas_domain_path_count(const nas_domain *domain)
{
    return domain->space->path_count ? domain->space->path_count(domain->state) : 0;
}

void nas_domain_paths(const nas_domain *domain, const nas_arch *arch, float *features)
{
    if (domain->space->paths)
        domain->space->paths(domain->state, arch, features);
}
