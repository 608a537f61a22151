/* encoding.c - one-hot genes, or the paths of a cell where the space can tell them.
 *
 * Idea (BANANAS, 1910.11858): a network's accuracy depends on the paths that data can take through a cell (the sequences of
 * operations from input to output), and a row with a bit for each of them is easier to learn from than the genes.  Spaces
 * say their paths by nas_space.paths. */
#include "encoding.h"

#include <math.h>
#include <stdlib.h>

nas_status nas__examples_init(const nas_domain *domain, nas__encoding encoding, int paths,
                              nas__examples *e)
{
    *e = (nas__examples){.domain = domain, .encoding = encoding};
    int count = encoding == NAS__ENCODING_PATH ? nas_domain_path_count(domain)
                                               : nas_domain_feature_count(domain);
    if (count == 0)
        NAS_FAIL(NAS_CONFIG, "the %s space has no path encoding; use encoding = \"one_hot\"",
                 domain->space->kind.name);
    e->row = calloc((size_t)count, sizeof *e->row);
    if (!e->row)
        NAS_FAIL(NAS_MEMORY, "no memory for a row of %d features", count);
    bool some = encoding == NAS__ENCODING_PATH && paths > 0 && paths < count;
    e->inputs = some ? paths : count;
    return NAS_OK;
}

void nas__examples_clear(nas__examples *e)
{
    free(e->archs);
    free(e->indices);
    free(e->features);
    free(e->targets);
    free(e->row);
    *e = (nas__examples){0};
}

void nas__encode(const nas__examples *e, const nas_arch *arch, double *features)
{
    if (e->encoding == NAS__ENCODING_PATH)
        nas_domain_paths(e->domain, arch, e->row);
    else
        nas_domain_features(e->domain, arch, e->row);
    for (int i = 0; i < e->inputs; i++)
        features[i] = e->row[i];
}

static nas_status grow(nas__examples *e)
{
    if (e->count < e->capacity)
        return NAS_OK;
    size_t wanted = e->capacity ? 2 * (size_t)e->capacity : 64;
    nas_arch *archs = realloc(e->archs, wanted * sizeof *archs);
    e->archs = archs ? archs : e->archs;
    int *indices = realloc(e->indices, wanted * sizeof *indices);
    e->indices = indices ? indices : e->indices;
    double *targets = realloc(e->targets, wanted * sizeof *targets);
    e->targets = targets ? targets : e->targets;
    double *features = realloc(e->features, wanted * (size_t)e->inputs * sizeof *features);
    e->features = features ? features : e->features;
    if (!archs || !indices || !targets || !features)
        NAS_FAIL(NAS_MEMORY, "no memory for %zu results", wanted);
    e->capacity = (int)wanted;
    return NAS_OK;
}

nas_status nas__examples_add(nas__examples *e, const nas_seen *trial)
{
    bool good = !trial->failed && trial->violation == 0;
    NAS_TRY(grow(e));
    e->archs[e->count] = trial->arch;
    e->indices[e->count] = trial->index;
    e->targets[e->count] = good ? trial->score[0] : -INFINITY;
    nas__encode(e, &trial->arch, e->features + (size_t)e->count * (size_t)e->inputs);
    e->count++;
    return NAS_OK;
}

nas_status nas__examples_targets(const nas__examples *e, int count, double **targets)
{
    double worst = INFINITY, *copy = malloc(((size_t)count + 1) * sizeof *copy);
    if (!copy)
        NAS_FAIL(NAS_MEMORY, "no memory for %d results", count);
    for (int i = 0; i < count; i++)
        if (isfinite(e->targets[i]) && e->targets[i] < worst)
            worst = e->targets[i];
    for (int i = 0; i < count; i++)
        copy[i] = isfinite(e->targets[i]) ? e->targets[i] : isfinite(worst) ? worst : 0;
    *targets = copy;
    return NAS_OK;
}
