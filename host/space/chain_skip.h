/* chain_skip.h - what the files of the chain_skip space share; what the space is says chain_skip.c. */
#ifndef NAS_SPACE_CHAIN_SKIP_H
#define NAS_SPACE_CHAIN_SKIP_H

#include "supergraph.h"

enum { OP_CONV, OP_SEP_CONV, OP_DIL_CONV, OP_MAX_POOL, OP_AVG_POOL };
#define OP_CHOICES "conv|sep_conv|dil_conv|max_pool|avg_pool"
#define JOIN_CHOICES "add|concat"
enum { JOIN_ADD, JOIN_CONCAT };
enum { LAYERS_MAX = 40 };

typedef struct chain_skip_options {
    nas_int_list depth, op, kernel, width, stride, activation, join, span;
    int64_t stem, pool, stages, min_size, hold;
    int shrink;
    double mmacs;
} chain_skip_options;

/* The per-layer lots, in the order of their genes; the skips follow. */
enum { LOT_OP, LOT_KERNEL, LOT_WIDTH, LOT_STRIDE, LOT_ACTIVATION, LOT_JOIN, LOT_COUNT };
extern const char *const nas__chain_skip_lot_names[LOT_COUNT];

typedef struct chain_skip {
    const chain_skip_options *options;
    nas_shape input;
    int classes;
    int depth_min, depth_max, span_min, span_max, stride_max;
    int first_convolution; /* of the options' operations */
    const nas_int_list *lots[LOT_COUNT];
    int gene_count, depth_at;            /* -1: no such gene */
    int at[LAYERS_MAX][LOT_COUNT];       /* gene of a layer's lot, -1: none */
    int skip_at[LAYERS_MAX][LAYERS_MAX]; /* gene of the skip from a source, -1: none */
} chain_skip;

/* One layer as it is really built. */
typedef struct layer {
    int op, kernel, width, stride, activation, join;
    uint64_t skips;           /* bit j: source j arrives here too */
    uint8_t genes[LOT_COUNT]; /* canonical choices */
} layer;

/* Where a chain stands while it is read from the front. */
typedef struct place {
    int layer, depth;
    int height, width;
    int held; /* layers of this size so far */
} place;

static inline bool is_pooling(int op)
{
    return op == OP_MAX_POOL || op == OP_AVG_POOL;
}

place nas__chain_skip_start(const chain_skip *c, int depth);
/* Reads one layer at a place and moves the place behind it. */
void nas__chain_skip_read(const chain_skip *c, place *at, const uint8_t raw[LOT_COUNT],
                          uint64_t skips, layer *out);
/* All layers of a row; returns its depth. */
int nas__chain_skip_resolve(const chain_skip *c, const nas_arch *arch, layer layers[LAYERS_MAX]);

/* chain_skip_build.c: a whole network; its first convolution; one layer's operation, activated where nothing is added to it. */
nas_status nas__chain_skip_assemble(const chain_skip *c, const layer *layers, int depth,
                                    nas__build *build);
nas_status nas__chain_skip_stem(const chain_skip *c, nas__build *build, nas__value *x);
nas_status nas__chain_skip_operation(const chain_skip *c, nas__build *build, const layer *y,
                                     nas__value *x);

/* chain_skip_words.c; for the sketch: what was built since the layer before is this one. */
nas_status nas__chain_skip_name_layer(const chain_skip *c, const layer *y, nas__build *build);
void nas__chain_skip_describe(const void *state, const nas_arch *arch, nas_text *text);
void nas__chain_skip_describe_gene(const void *state, int gene, nas_text *text);
void nas__chain_skip_describe_choice(const void *state, int gene, int choice, nas_text *text);

/* chain_skip_supergraph.c */
nas_status nas__chain_skip_supergraph(const void *state, const nas_supergraph_options *options,
                                      nas_graph *graph, nas_gate_table *table);
void nas__chain_skip_derive(const void *state, const nas_gate_table *table, const float *weights,
                            nas_arch *arch);
nas_status nas__chain_skip_path(const void *state, const nas_gate_table *table,
                                const nas_arch *arch, int choices[NAS_GATE_ROWS]);

/* chain_skip_size.c */
double nas__chain_skip_size(const chain_skip *c, bool *exact);

#endif
