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
    uint8_t genes[NAS_GENES]; /* choices, each below its gene's `choices` */
} nas_arch;

/* One decision of a space. */
typedef struct nas_gene {
    char name[32]; /* "op", "kernel" …, for people, features and controllers */
    int choices;   /* ≥ 1; 1: nothing to choose */
    bool ordered;  /* neighbouring choices are alike (widths, depths): step mutation goes ±1 */
    int group; /* genes of one layer or node share it; crossover cuts, text and controllers use it */
} nas_gene;

NAS_API bool nas_arch_equal(const nas_arch *a, const nas_arch *b); /* the same row */
NAS_API uint64_t nas_arch_hash(const nas_arch *arch);              /* equal on every machine */
/* Genes that differ (rows of different length: the longer one's extra genes count too). */
NAS_API int nas_arch_distance(const nas_arch *a, const nas_arch *b);
/* One character 0-9a-z per gene, "(136)" where a gene needs more, "-" between groups:
 * "2-000-011-120".  The parser ignores the "-"; it checks characters, not meaning. */
NAS_API void nas_arch_write(const nas_arch *arch, const nas_gene *genes, nas_text *text);
/* Back.  NAS_CONFIG: a character that stands for no choice, or too many genes. */
NAS_API nas_status nas_arch_parse(const char *text, nas_arch *arch);

/* ---- supergraph: every network of a space in one ------------------------------------------------- */

/* One-shot methods train one network, the supernet, that has all operations at once: where an architecture decides for one of
 * several candidates, the supergraph has an operator `mixed` that adds them up, each times a number, its gate (DARTS,
 * arXiv 1806.09055; SPOS, 1904.00420).  A row of gates is one decision: which operation an edge carries.  The gates are data:
 * softmax weights, a one-hot sample, a path.
 *
 * The net's gate vector holds the rows one after the other, Σ choices floats, which is also how architecture weights α
 * and what `derive` reads are laid out; behind them, with `partial`, one gate per row for the channels that go around. */
enum { NAS_GATE_ROWS = 256 };

/* One decision of a supernet. */
typedef struct nas_gate_row {
    int choices; /* ≥ 1 */
    int first;   /* its gates, and its α: first … first + choices − 1 */
    int none;    /* the choice that is no operation, whose gate nobody reads; −1: there is none */
    int skip;    /* the choice that is a skip connection; −1 */
    const char
        *part; /* of the network that it decides for: "normal", "reduce", "cell", "network" */
    int group; /* rows of one group are the edges into one node: `derive` may keep only some */
    int around; /* gate of the channels that go around this row's operations, the edge's weight alone; −1 */
} nas_gate_row;

/* All of them, in the order of the gates. */
typedef struct nas_gate_table {
    nas_gate_row rows[NAS_GATE_ROWS]; /* the first `count` count */
    int count;
    int choices; /* Σ of the rows' choices: length of α */
    int gates;   /* length of the gate vector: `choices`, and one more per row with `partial` */
    int row_of_gate[NAS_GATES]; /* −1: a gate around a row (nas_net_options.row_of_gate) */
} nas_gate_table;

/* What a supernet may want beyond the space's own options.  All 0 is allowed: all channels, norms without a scale of
 * their own and without running statistics.  Stem, head and what else no decision touches have plain norms. */
typedef struct nas_supergraph_options {
    int partial; /* 1/partial of an edge's channels goes through its operations, the others around them (a 2×2 max pooling where the
                    edge halves the size), then a channel shuffle: PC-DARTS, arXiv 1907.05737, with 4; 0 or 1: all do */
    bool affine; /* norms learn a scale and a shift (DARTS: they do not) */
    bool running; /* norms keep running statistics (DARTS: they do; NAS-Bench-201: they do not) */
} nas_supergraph_options;

/* ---- sketch: how a network is put together, for people -------------------------------------------- */

/* What a graph of single operators no longer shows: the layers, blocks and cells that a space built it from, in the words of the
 * field.  It knows nothing of pictures; host/report/diagram.c draws it. */
enum { NAS_SKETCH_CELLS = 4, NAS_SKETCH_NODES = 16, NAS_SKETCH_EDGES = 48, NAS_SKETCH_PARTS = 256 };

/* A value in a cell. */
typedef struct nas_sketch_node {
    char name[40];  /* "input", "0", "conv3x3" */
    bool operation; /* the node computes something; else it only adds up (or joins) what arrives */
} nas_sketch_node;

/* From an earlier node of the cell to a later one. */
typedef struct nas_sketch_edge {
    int from, to;       /* nodes of the cell */
    char operation[40]; /* on the way; "": none, the value arrives as it is */
} nas_sketch_edge;

/* A small acyclic graph that the network holds several copies of.  Edges that an architecture leaves out are not in it. */
typedef struct nas_sketch_cell {
    char name[32]; /* "normal" */
    int node_count, edge_count;
    nas_sketch_node nodes[NAS_SKETCH_NODES]; /* the first `node_count` count */
    nas_sketch_edge edges[NAS_SKETCH_EDGES]; /* the first `edge_count` count */
} nas_sketch_cell;

/* Neighbouring nodes of the network's graph that people take for one thing: a layer, a block, a cell. */
typedef struct nas_sketch_part {
    char name[64]; /* "conv 3x3, stride 2" */
    int last;      /* its last node; it begins behind the last one of the part before it */
    int cell;      /* which of `cells` it is a copy of; −1: none */
} nas_sketch_part;

/* How one network is put together; a zeroed one knows nothing. */
typedef struct nas_sketch {
    int cell_count, part_count;
    nas_sketch_cell cells[NAS_SKETCH_CELLS]; /* the first `cell_count` count */
    nas_sketch_part parts[NAS_SKETCH_PARTS]; /* all nodes up to the graph's output; 0: not known */
} nas_sketch;

/* ---- the descriptor that spaces fill in --------------------------------------------------------- */

/* A space: what rows of genes mean.  Functions get what `begin` prepared as `state`. */
typedef struct nas_space {
    nas_kind kind; /* its options are `begin`'s */
    /* Checks what the option table cannot and prepares `*state` (NULL is fine).  `options` (the
     * instance) outlives the state. */
    nas_status (*begin)(const void *options, nas_shape input, int classes, void **state);
    void (*end)(void *state); /* frees the state; NULL: nothing to free */
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
    /* The graph that `build` makes, and how it is put together, into a zeroed sketch.  NULL: the graph has to tell. */
    nas_status (*sketch)(const void *state, const nas_arch *arch, nas_graph *graph,
                         nas_sketch *sketch);
    /* What a gene decides, "layer 3: kernel", and what one of its choices is, "5x5".  NULL: the gene's own name, and the
     * choice's number. */
    void (*describe_gene)(const void *state, int gene, nas_text *text);
    /* Of the gene; within its choices. */
    void (*describe_choice)(const void *state, int gene, int choice, nas_text *text);
    /* Number of canonical rows (exact below 2^53); `*exact` false: an upper bound, because `valid`
     * refuses some; NaN: there was no memory to count in.  NULL: not countable. */
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
    /* [path_count], each 0 or 1. */
    void (*paths)(const void *state, const nas_arch *arch, float *features);
    /* Shorter side, in pixels, of what the layer with this group of genes reads (of a sequence its length), as the groups before it say.  NULL: the same
     * for all, or several (cells that are stacked). */
    int (*reads_size)(const void *state, const nas_arch *arch, int group);
    /* The supernet into a zeroed graph, and its rows into a zeroed table; `partial` is at least 1.  NAS_CONFIG when this
     * space's options allow none.  The caller clears the graph, also on failure.  NULL: has none; then the
     * next two are NULL, too. */
    nas_status (*supergraph)(const void *state, const nas_supergraph_options *options,
                             nas_graph *graph, nas_gate_table *table);
    /* The architecture that weights [table->choices] speak for, by the rule that was published with the space; of equal
     * weights the first counts. */
    void (*derive)(const void *state, const nas_gate_table *table, const float *weights,
                   nas_arch *arch);
    /* Which choice of each row an architecture takes; −1: none of them, the edge is not there.  NAS_BOUND when the supernet does not
     * contain it. */
    nas_status (*path)(const void *state, const nas_gate_table *table, const nas_arch *arch,
                       int choices[NAS_GATE_ROWS]);
} nas_space;

NAS_API const nas_space *nas_space_find(const char *name); /* NULL: none */
NAS_API const nas_space *const *nas_space_all(int *count);
/* Like find, with a message that names the nearest space. */
NAS_API nas_status nas_space_get(const char *name, const nas_space **space);
/* Adds a space of the program's own, which is lent for good: from then on it is found, listed, and named in configs like any
 * other.  Before threads start and before anything else is called that looks for spaces; in every process that works on such a
 * study (nas_session_worker).  NAS_CONFIG says what the descriptor lacks. */
NAS_API nas_status nas_space_register(const nas_space *space);

/* ---- domain: a space opened for one data set ---------------------------------------------------- */

/* Hard bounds on what a graph costs, known before any training; 0: none. */
typedef struct nas_cost_bounds {
    /* Trained parameters; multiply-accumulates; bytes of activations, of a sample. */
    uint64_t parameters_max, macs_max, bytes_max;
} nas_cost_bounds;

/* Never changes while it is searched, so that threads may share it. */
typedef struct nas_domain {
    const nas_space *space; /* whose */
    void *options;          /* the effective options instance */
    void *state;            /* of the space */
    nas_shape input;        /* of a sample */
    int classes;            /* outputs of the head */
    int count;
    nas_gene genes[NAS_GENES]; /* the first `count` count */
    nas_cost_bounds bounds; /* set after opening: sampling and mutation then avoid what is over */
} nas_domain;

/* `group`: the config's group or NULL for defaults; members named in `also` are the caller's. */
NAS_API nas_status nas_domain_open(const nas_space *space, const nas_value *group,
                                   const char *const *also, nas_shape input, int classes,
                                   nas_domain **domain);
/* The same of a config's group, whose `type` names the space. */
NAS_API nas_status nas_domain_open_group(const nas_value *group, nas_shape input, int classes,
                                         nas_domain **domain);
NAS_API void nas_domain_close(nas_domain *domain);

/* Every gene within its choices and the right number of them, else NAS_CONFIG. */
NAS_API nas_status nas_domain_check(const nas_domain *domain, const nas_arch *arch);
/* In place, see nas_space.canonical. */
NAS_API void nas_domain_canonical(const nas_domain *domain, nas_arch *arch);
/* Canonical row allowed?  NAS_SHAPE or NAS_BOUND with a reason; builds the graph only when cost
 * bounds are set. */
NAS_API nas_status nas_domain_valid(const nas_domain *domain, const nas_arch *arch);
/* `graph` must be zeroed; it is cleared on failure. */
NAS_API nas_status nas_domain_build(const nas_domain *domain, const nas_arch *arch,
                                    nas_graph *graph);
/* Of the network of a canonical row. */
NAS_API nas_status nas_domain_cost(const nas_domain *domain, const nas_arch *arch, nas_cost *cost);
/* The row's text, "2-000-011-120", appended. */
NAS_API void nas_domain_write(const nas_domain *domain, const nas_arch *arch, nas_text *text);
/* One line for people, appended. */
NAS_API void nas_domain_describe(const nas_domain *domain, const nas_arch *arch, nas_text *text);
/* The graph, which must be zeroed and is cleared on failure, and its sketch; without cells and parts where the space has none.
 * NAS_CONFIG: the space's own sketch does not fit its graph. */
NAS_API nas_status nas_domain_sketch(const nas_domain *domain, const nas_arch *arch,
                                     nas_graph *graph, nas_sketch *sketch);
/* What a gene decides, "layer 3: kernel", appended. */
NAS_API void nas_domain_describe_gene(const nas_domain *domain, int gene, nas_text *text);
/* What one of its choices is, "5x5", appended. */
NAS_API void nas_domain_describe_choice(const nas_domain *domain, int gene, int choice,
                                        nas_text *text);
/* Equal for architectures that the space's source counts as one: its isomorphism key, or the row's text. */
NAS_API void nas_domain_key(const nas_domain *domain, const nas_arch *arch, nas_text *text);
/* A name the space knows ("baseline"), arch text, or the notation of the space's source: canonical and valid, or
 * NAS_CONFIG. */
NAS_API nas_status nas_domain_read(const nas_domain *domain, const char *text, nas_arch *arch);
/* Number of architectures; false when not countable, or not now: there was no memory to count in.  `*exact` as in nas_space.size. */
NAS_API bool nas_domain_size(const nas_domain *domain, double *size, bool *exact);

/* One-hot row: Σ choices floats, each 0 or 1.  `features` holds nas_domain_feature_count floats. */
NAS_API int nas_domain_feature_count(const nas_domain *domain);
/* Fills them. */
NAS_API void nas_domain_features(const nas_domain *domain, const nas_arch *arch, float *features);
/* Shorter side of what the layer of `gene` reads; only the genes before it count; 0: the space does not say. */
NAS_API int nas_domain_reads_size(const nas_domain *domain, const nas_arch *arch, int gene);
/* The space's path encoding; 0: it has none. */
NAS_API int nas_domain_path_count(const nas_domain *domain);
/* Fills them. */
NAS_API void nas_domain_paths(const nas_domain *domain, const nas_arch *arch, float *features);

/* ---- the supernet of a domain --------------------------------------------------------------------- */

/* `graph` must be zeroed; it is cleared on failure.  NAS_CONFIG when the space has no supernet. */
NAS_API nas_status nas_domain_supergraph(const nas_domain *domain,
                                         const nas_supergraph_options *options, nas_graph *graph,
                                         nas_gate_table *table);
/* `weights` [table->choices], such as softmax(α) of each row: the larger the better.  The result is canonical; NAS_FAILED when a
 * weight is not a number. */
NAS_API nas_status nas_domain_derive(const nas_domain *domain, const nas_gate_table *table,
                                     const float *weights, nas_arch *arch);
/* The choice that a canonical row takes of each row of the table, −1 where it uses none; entries beyond table->count are −1.
 * With gates 1 at these choices (and 0 elsewhere) the supernet computes that network.  NAS_BOUND when it cannot. */
NAS_API nas_status nas_domain_path(const nas_domain *domain, const nas_gate_table *table,
                                   const nas_arch *arch, int choices[NAS_GATE_ROWS]);

/* ---- moves: results are canonical and valid ------------------------------------------------------ */

/* Every gene uniform over its choices, redrawn while invalid; NAS_CONFIG when a thousand draws in a
 * row are refused (bounds that leave nothing). */
NAS_API nas_status nas_domain_sample(const nas_domain *domain, nas_random *random, nas_arch *arch);

/* How a child is made of one parent. */
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

/* How a child is made of two. */
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
