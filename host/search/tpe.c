/* tpe.c - tree-structured Parzen estimator: what do the good ones have that the others do not?
 *
 * Idea (Bergstra, Bardenet, Bengio, Kégl, "Algorithms for hyper-parameter optimization", NIPS 2011): split the results into
 * the good share and the rest, fit a density to each, and try what is likely under the good density and unlikely under
 * the other.  For choices a density is counts plus a prior, gene by gene.
 *
 * Defaults are hyperopt's: 20 random trials at first, γ 0.25, 24 candidates for each gene, prior weight 1.  hyperopt takes
 * ⌈γ·√n⌉ results as good, at most 25 (good = "sqrt"); the paper takes the share γ (good = "share").
 *
 * Departures: hyperopt weighs old results less once there are more than 25 (linear forgetting); here all count alike.
 * Genes are independent, also where a space has groups.  Failed networks and those outside of the bounds are never good.
 *
 * Cost: results are kept sorted as they come in (a shift of pointers); the densities are counted anew after a result,
 * linear in the log but a few additions per row. */
#include "densities.h"
#include "search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GOOD_SQRT, GOOD_SHARE, GOOD_MOST = 25 };

typedef struct tpe_options {
    int good;
    int64_t start, candidates, tries;
    double gamma, prior;
    bool distinct;
} tpe_options;

#define AT(field) offsetof(tpe_options, field)
static const nas_option options[] = {
    {"start", NAS_OPTION_INT, AT(start), "20", 1, 100000, NULL, "random networks at first"},
    {"gamma", NAS_OPTION_REAL, AT(gamma), "0.25", 0.001, 1, NULL,
     "how many results are good: see `good`"},
    {"good", NAS_OPTION_CHOICE, AT(good), "sqrt", 0, 0, "sqrt|share",
     "sqrt: gamma·√n of n results, at most 25 (hyperopt); share: gamma·n (the paper)"},
    {"candidates", NAS_OPTION_INT, AT(candidates), "24", 1, 100000, NULL,
     "draws from the good density for each gene"},
    {"prior", NAS_OPTION_REAL, AT(prior), "1", 1e-6, 1e6, NULL,
     "count that every choice has before any result"},
    {"distinct", NAS_OPTION_BOOL, AT(distinct), "true", 0, 0, NULL,
     "draw again when the study already has the network"},
    {"tries", NAS_OPTION_INT, AT(tries), "50", 1, 100000, NULL,
     "how often to draw again before a duplicate is accepted"},
    {0},
};
#undef AT

typedef struct example {
    nas_arch arch;
    double score, violation;
} example;

typedef struct tpe {
    const nas_setting *setting;
    const tpe_options *options;
    example **sorted;      /* best first, equals in the order in which they came */
    const nas_arch **rows; /* their architectures */
    int count, capacity;
    nas__densities good, bad;
    bool stale; /* a result came in since the densities were counted */
} tpe;

static void tpe_end(void *state)
{
    tpe *t = state;
    for (int i = 0; i < t->count; i++)
        free(t->sorted[i]);
    free(t->sorted);
    free(t->rows);
    nas__densities_clear(&t->good);
    nas__densities_clear(&t->bad);
    free(t);
}

static nas_status tpe_begin(const nas_setting *setting, void **state)
{
    tpe *t = calloc(1, sizeof *t);
    if (!t)
        NAS_FAIL(NAS_MEMORY, "no memory for strategy tpe");
    t->setting = setting;
    t->options = setting->options;
    nas_status status = nas__densities_create(setting->domain, &t->good);
    if (status == NAS_OK)
        status = nas__densities_create(setting->domain, &t->bad);
    if (status != NAS_OK) {
        tpe_end(t);
        return status;
    }
    *state = t;
    return NAS_OK;
}

static bool is_better(const example *a, const example *b)
{
    return a->violation != b->violation ? a->violation < b->violation : a->score > b->score;
}

static nas_status tpe_observe(void *state, const nas_seen *trial)
{
    tpe *t = state;
    if (t->count == t->capacity) {
        size_t wanted = t->capacity ? 2 * (size_t)t->capacity : 64;
        example **sorted = realloc(t->sorted, wanted * sizeof *sorted);
        t->sorted = sorted ? sorted : t->sorted;
        const nas_arch **rows = realloc(t->rows, wanted * sizeof *rows);
        t->rows = rows ? rows : t->rows;
        if (!sorted || !rows)
            NAS_FAIL(NAS_MEMORY, "no memory for %zu results", wanted);
        t->capacity = (int)wanted;
    }
    example *e = malloc(sizeof *e);
    if (!e)
        NAS_FAIL(NAS_MEMORY, "no memory for a result");
    *e = (example){trial->arch, trial->score[0], trial->failed ? INFINITY : trial->violation};
    int at = t->count++;
    for (; at > 0 && is_better(e, t->sorted[at - 1]); at--) {
        t->sorted[at] = t->sorted[at - 1];
        t->rows[at] = t->rows[at - 1];
    }
    t->sorted[at] = e;
    t->rows[at] = &e->arch;
    t->stale = true;
    return NAS_OK;
}

static void count_densities(tpe *t)
{
    const tpe_options *o = t->options;
    double wanted = o->good == GOOD_SQRT ? fmin(ceil(o->gamma * sqrt(t->count)), GOOD_MOST)
                                         : ceil(o->gamma * t->count);
    int good = (int)wanted;
    while (good > 1 && t->sorted[good - 1]->violation > 0)
        good--;
    nas__densities_set(&t->good, t->rows, good, o->prior);
    nas__densities_set(&t->bad, t->rows + good, t->count - good, o->prior);
    t->stale = false;
}

static nas_status tpe_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal)
{
    tpe *t = state;
    const tpe_options *o = t->options;
    const nas_domain *domain = t->setting->domain;
    const int earlier = outlook->seen_count + outlook->pending_count;
    bool starting = earlier < o->start || t->count == 0, valid = false;
    nas_random random =
        nas_random_make(t->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    if (!starting && t->stale)
        count_densities(t);
    for (int64_t draw = 0; draw < o->tries; draw++) {
        nas_arch row;
        if (starting) {
            NAS_TRY(nas_domain_sample(domain, &random, &row));
        } else {
            nas__densities_propose(&t->good, &t->bad, (int)o->candidates, &random, &row);
            nas_domain_canonical(domain, &row);
            if (nas_domain_valid(domain, &row) != NAS_OK)
                continue;
        }
        valid = true;
        proposal->arch = row;
        if (!o->distinct || nas_outlook_find(outlook, &row) < 0)
            return NAS_OK;
    }
    return valid ? NAS_OK : nas_domain_sample(domain, &random, &proposal->arch);
}

const nas_strategy nas__strategy_tpe = {
    .kind = {.name = "tpe",
             .summary = "tries what is likely among the good results and unlikely among the others",
             .paper = "Bergstra et al., NIPS 2011",
             .instance_size = sizeof(tpe_options),
             .options = options},
    .objectives_max = 1,
    .begin = tpe_begin,
    .observe = tpe_observe,
    .propose = tpe_propose,
    .end = tpe_end,
};
