/* space.h - architectures as rows of small integers, and the spaces that give the rows a meaning.
 *
 * Strategies never see layers: they see a `nas_domain` (a space opened for one data set), which says
 * how many genes a row has and how many choices each gene has.  Everything that works on rows
 * (hash, text, features, mutation, crossover, neighbours, distance) is written once, in
 * host/space/arch.c.  A space adds what only it can know: which genes have no effect in a given row
 * (the canonical form sets them to 0, so that equal networks have equal rows), what is not allowed,
 * and the graph of a row.
 *
 *     nas_domain *domain;
 *     NAS_TRY(nas_space_get("chain", &space));
 *     NAS_TRY(nas_domain_open(space, group, also, input, classes, &domain));
 *     NAS_TRY(nas_domain_sample(domain, &random, &arch));    // canonical and valid
 *     NAS_TRY(nas_domain_build(domain, &arch, &graph));
 *
 * Next: host/space/chain.c, the first space; docs/recipes for a space of your own.
 */
#ifndef CLNAS_SPACE_H
#define CLNAS_SPACE_H

#include <clnas/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- arch: a value ------------------------------------------------------------------------------ */

enum { NAS_GENES = 254, NAS_CHOICES = 255 };

/* Genes beyond `count` are 0, so rows may be compared and hashed as a whole. */
typedef struct nas_arch {
    uint16_t count;
    uint8_t genes[NAS_GENES];
} nas_arch;

typedef struct nas_gene {
    char name[32]; /* "op", "kernel" …, for people, features and controllers */
    int choices;   /* ≥ 1; 1: nothing to choose */
    bool ordered;  /* neighbouring choices are alike (widths, depths): step mutation goes ±1 */
    int group; /* genes of one layer or node share it; crossover cuts, text and controllers use it */
} nas_gene;

NAS_API bool nas_arch_equal(const nas_arch *a, const nas_arch *b);
NAS_API uint64_t nas_arch_hash(const nas_arch *arch); /* equal on every machine */
/* Genes that differ (rows of different length: the longer one's extra genes count too). */
NAS_API int nas_arch_distance(const nas_arch *a, const nas_arch *b);
/* One character 0-9a-z per gene, "(136)" where a gene needs more, "-" between groups:
 * "2-000-011-120".  The parser ignores the "-"; it checks characters, not meaning. */
NAS_API void nas_arch_write(const nas_arch *arch, const nas_gene *genes, nas_text *text);
NAS_API nas_status nas_arch_parse(const char *text, nas_arch *arch);

/* ---- the descriptor that spaces fill in --------------------------------------------------------- */

typedef struct nas_space {
    nas_kind kind;
    /* Checks what the option table cannot and prepares `*state` (NULL is fine).  `options` (the
     * instance) outlives the state. */
    nas_status (*begin)(const void *options, nas_shape input, int classes, void **state);
    void (*end)(void *state);
    /* Fills `genes` (room for NAS_GENES), returns how many. */
    int (*genes)(const void *state, nas_gene *genes);
    /* In place: genes without effect become 0, and what a row cannot mean is read as the nearest
     * thing it can.  Idempotent.  Every gene is already within its choices. */
    void (*canonical)(const void *state, nas_arch *arch);
    /* NAS_OK, or NAS_SHAPE / NAS_BOUND with a reason.  NULL: every canonical row is valid. */
    nas_status (*valid)(const void *state, const nas_arch *arch);
    /* The network of a canonical row into a zeroed graph.  The caller clears it, also on failure. */
    nas_status (*build)(const void *state, const nas_arch *arch, nas_graph *graph);
    /* One line for people: "conv3x3(16) sep_conv3x3(32)/2 …". */
    void (*describe)(const void *state, const nas_arch *arch, nas_text *text);
    /* Number of canonical rows (exact below 2^53); `*exact` false: an upper bound, because `valid`
     * refuses some.  NULL: not countable. */
    double (*size)(const void *state, bool *exact);
    /* Published or hand-made networks by name ("baseline").  NULL: none.
     * NAS_CONFIG when the name is unknown or cannot be written in this space's options. */
    nas_status (*named)(const void *state, const char *name, nas_arch *arch);
    const char *const *names; /* what `named` knows; ends with NULL; NULL: none */
    /* Another notation than the row's, as the space's source writes it; `describe` gives it back.  NULL: none.
     * NAS_CONFIG when the text is not in it. */
    nas_status (*parse)(const void *state, const char *text, nas_arch *arch);
    /* What the space's source takes for the same architecture, where that goes beyond equal rows (isomorphic cells):
     * equal keys.  NULL: rows say it all. */
    void (*key)(const void *state, const nas_arch *arch, nas_text *text);
    /* Path encoding for surrogates (BANANAS, arXiv 1910.11858): a number for each way through a cell, short ways first.
     * NULL: none. */
    int (*path_count)(const void *state);
    void (*paths)(const void *state, const nas_arch *arch, float *features);
    /* Shorter side, in pixels, of what the layer with this group of genes reads, as the groups before it say.  NULL: the same
     * for all, or several (cells that are stacked). */
    int (*reads_size)(const void *state, const nas_arch *arch, int group);
} nas_space;

NAS_API const nas_space *nas_space_find(const char *name); /* NULL: none */
NAS_API const nas_space *const *nas_space_all(int *count);
/* Like find, with a message that names the nearest space. */
NAS_API nas_status nas_space_get(const char *name, const nas_space **space);

/* ---- domain: a space opened for one data set ---------------------------------------------------- */

/* Hard bounds on what a graph costs, known before any training; 0: none. */
typedef struct nas_cost_bounds {
    uint64_t parameters_max, macs_max, bytes_max;
} nas_cost_bounds;

typedef struct nas_domain {
    const nas_space *space;
    void *options; /* the effective options instance */
    void *state;
    nas_shape input;
    int classes; /* outputs of the head */
    int count;
    nas_gene genes[NAS_GENES];
    nas_cost_bounds bounds; /* set after opening: sampling and mutation then avoid what is over */
} nas_domain;

/* `group`: the config's group or NULL for defaults; members named in `also` are the caller's. */
NAS_API nas_status nas_domain_open(const nas_space *space, const nas_value *group,
                                   const char *const *also, nas_shape input, int classes,
                                   nas_domain **domain);
NAS_API void nas_domain_close(nas_domain *domain);

/* Every gene within its choices and the right number of them, else NAS_CONFIG. */
NAS_API nas_status nas_domain_check(const nas_domain *domain, const nas_arch *arch);
NAS_API void nas_domain_canonical(const nas_domain *domain, nas_arch *arch);
/* Canonical row allowed?  NAS_SHAPE or NAS_BOUND with a reason; builds the graph only when cost
 * bounds are set. */
NAS_API nas_status nas_domain_valid(const nas_domain *domain, const nas_arch *arch);
/* `graph` must be zeroed; it is cleared on failure. */
NAS_API nas_status nas_domain_build(const nas_domain *domain, const nas_arch *arch,
                                    nas_graph *graph);
NAS_API nas_status nas_domain_cost(const nas_domain *domain, const nas_arch *arch, nas_cost *cost);
NAS_API void nas_domain_write(const nas_domain *domain, const nas_arch *arch, nas_text *text);
NAS_API void nas_domain_describe(const nas_domain *domain, const nas_arch *arch, nas_text *text);
/* Equal for architectures that the space's source counts as one: its isomorphism key, or the row's text. */
NAS_API void nas_domain_key(const nas_domain *domain, const nas_arch *arch, nas_text *text);
/* A name the space knows ("baseline"), arch text, or the notation of the space's source: canonical and valid, or
 * NAS_CONFIG. */
NAS_API nas_status nas_domain_read(const nas_domain *domain, const char *text, nas_arch *arch);
/* Number of architectures; false when not countable.  `*exact` as in nas_space.size. */
NAS_API bool nas_domain_size(const nas_domain *domain, double *size, bool *exact);

/* One-hot row: Σ choices floats, each 0 or 1.  `features` holds nas_domain_feature_count floats. */
NAS_API int nas_domain_feature_count(const nas_domain *domain);
NAS_API void nas_domain_features(const nas_domain *domain, const nas_arch *arch, float *features);
/* Shorter side of what the layer of `gene` reads; only the genes before it count; 0: the space does not say. */
NAS_API int nas_domain_reads_size(const nas_domain *domain, const nas_arch *arch, int gene);
/* The space's path encoding; 0: it has none. */
NAS_API int nas_domain_path_count(const nas_domain *domain);
NAS_API void nas_domain_paths(const nas_domain *domain, const nas_arch *arch, float *features);

/* ---- moves: results are canonical and valid ------------------------------------------------------ */

/* Every gene uniform over its choices, redrawn while invalid; NAS_CONFIG when a thousand draws in a
 * row are refused (bounds that leave nothing). */
NAS_API nas_status nas_domain_sample(const nas_domain *domain, nas_random *random, nas_arch *arch);

typedef enum nas_mutation {
    NAS_MUTATE_ONE,  /* one gene takes another choice, both uniform (regularized evolution) */
    NAS_MUTATE_RATE, /* each gene takes another choice with probability `rate`; at least one does */
    NAS_MUTATE_STEP, /* one gene: an ordered one moves by ±1, another takes another choice */
} nas_mutation;

/* A child that differs from `parent`.  Moves on genes without effect are redrawn.  NAS_FAILED when
 * the parent has no valid neighbour. */
NAS_API nas_status nas_domain_mutate(const nas_domain *domain, const nas_arch *parent,
                                     nas_mutation kind, double rate, nas_random *random,
                                     nas_arch *child);

typedef enum nas_crossover {
    NAS_CROSS_NONE,      /* the first parent */
    NAS_CROSS_UNIFORM,   /* each gene from either parent */
    NAS_CROSS_ONE_POINT, /* a prefix of the first, the rest of the second, cut between groups */
} nas_crossover;

/* May equal a parent.  Falls back to the first parent when a few draws are all invalid. */
NAS_API void nas_domain_cross(const nas_domain *domain, const nas_arch *first,
                              const nas_arch *second, nas_crossover kind, nas_random *random,
                              nas_arch *child);

/* All canonical, valid rows one changed gene away, each once, without `arch` itself, in gene order.
 * free() the list. */
NAS_API nas_status nas_domain_neighbours(const nas_domain *domain, const nas_arch *arch,
                                         nas_arch **list, int *count);

#ifdef __cplusplus
}
#endif
#endif
