/* chain.h - what the files of the chain space share; what the space is says chain.c. */
#ifndef NAS_SPACE_CHAIN_H
#define NAS_SPACE_CHAIN_H

#include "parts.h"

enum { OP_CONV, OP_SEP_CONV, OP_DIL_CONV, OP_MAX_POOL, OP_AVG_POOL, OP_IDENTITY };
#define OP_CHOICES "conv|sep_conv|dil_conv|max_pool|avg_pool|identity"
enum { LAYERS_MAX = 40 };

typedef struct chain_options {
    nas_int_list depth, op, kernel, width, stride, activation;
    int64_t pool, min_size, hold;
    double mmacs;
} chain_options;

/* The per-layer lots, in the order of their genes. */
enum { LOT_OP, LOT_KERNEL, LOT_WIDTH, LOT_STRIDE, LOT_ACTIVATION, LOT_COUNT };
extern const char *const nas__chain_lot_names[LOT_COUNT];

typedef struct chain {
    const chain_options *options;
    nas_shape input;
    int classes;
    int depth_min, depth_max;
    const nas_int_list *lots[LOT_COUNT];
    int first_convolution; /* of the options' operations */
    int stem;              /* the first layer's operation */
    int stride_max;
    int gene_count, depth_at;      /* -1: no such gene */
    int at[LAYERS_MAX][LOT_COUNT]; /* gene of a layer's lot, -1: none */
} chain;

/* One layer as it is really built. */
typedef struct layer {
    int op, kernel, width, stride, activation;
    uint8_t genes[LOT_COUNT]; /* canonical choices */
} layer;

static inline bool is_pooling(int op)
{
    return op == OP_MAX_POOL || op == OP_AVG_POOL;
}

/* The layers of a row, identities left out; returns how many. */
int nas__chain_resolve(const chain *c, const nas_arch *arch, layer layers[LAYERS_MAX]);

/* ---- chain_words.c --------------------------------------------------------------------------------------- */

/* For the sketch: what was built since the layer before is this one. */
nas_status nas__chain_name_layer(const chain *c, const layer *y, nas__build *build);
void nas__chain_describe(const void *state, const nas_arch *arch, nas_text *text);
void nas__chain_describe_gene(const void *state, int gene, nas_text *text);
void nas__chain_describe_choice(const void *state, int gene, int choice, nas_text *text);

#endif
