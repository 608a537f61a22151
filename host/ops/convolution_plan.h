/* convolution_plan.h - how a convolution is cut into work, shared by the files that record its kernels.  See convolution.c. */
#ifndef NAS_OPS_CONVOLUTION_PLAN_H
#define NAS_OPS_CONVOLUTION_PLAN_H

#include "arguments.h"
#include "convolution.h"

/* Constants that name a .cl file must equal the defines there. */
enum {
    KT = 4,                  /* conv2d.cl: output channels of a register tile */
    CHANNELS = 32,           /* conv2d.cl: output channels of a work-item at most */
    CHANNELS_POINTWISE = 64, /* the same of 1×1 with stride 1 */
    PB = 8,
    ROWS = 8,              /* conv2d.cl: output pixels of a work-item */
    PIXELS = 32,           /* conv2d.cl: pixels of a chunk in the weight gradient */
    WINDOW_MOST = 512,     /* conv2d.cl: registers that the packed rows of one channel may take */
    DEPTHWISE_MOST = 4096, /* depthwise.cl: pixels of one strip in a ring, 256 KB */
    DEPTHWISE_ROWS = 16,   /* depthwise.cl: rows of a part */
    BANDS = 2, /* parts of the image that sums keep apart at least, so that cores can (share.clh) */
    PARTS_MOST = 256, /* of statistics and reductions per channel, where rows are whole */
};

typedef enum way { FAST, DEPTHWISE, PLAIN, PRODUCT } way;

/* Parameters of the kernels of one pass that the device's tuning table may set (convolution_tuning.c); 0: as the .cl file says. */
typedef struct tuned {
    int lanes, kt, pt;  /* register tile */
    int items;          /* work-items per unit of the device that are enough */
    int kt_weight, ct;  /* conv2d.cl: the weight gradient's tile */
    int group;          /* depthwise.cl: strips of a work-item */
    int local;          /* conv2d_plain.cl: work-items of a group */
    int registers, way; /* in another order: only where inexact rows count; way is 1 + a way */
} tuned;

/* A convolution as the kernels get it. */
typedef struct plan {
    nas__convolution c; /* shapes laid flat where that is possible */
    way way;
    bool flat; /* rows and strips are one run of pixels, cut anywhere */
    int n, real, strips;
    int group; /* strips of a work-item of depthwise.cl: GROUP; else 1 */
    tuned tuned;
    char defines[192];
} plan;

static inline int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

static inline int least(int a, int b)
{
    return a < b ? a : b;
}

static inline int most(int a, int b)
{
    return a > b ? a : b;
}

/* Pixels of a tensor of one channel cut into parts, for statistics of z or for reductions of the input's gradient. */
typedef struct pixel_parts {
    int rows, across, blocks; /* of a part; parts in a row; parts of one strip */
} pixel_parts;

typedef struct weight_parts {
    int block_k, block_c; /* conv2d.cl: KB and CB_WEIGHT */
    int chunk_h, chunk_w; /* pixels of a chunk */
    int down;             /* chunks of a band, from top to bottom */
    int per_part, parts;  /* chunks */
    uint64_t count;       /* weights */
} weight_parts;

static inline uint64_t round_up_16(uint64_t count)
{
    return (count + 15) / 16 * 16;
}

static inline uint64_t in_count(const nas__convolution *c, int n)
{
    return nas_shape_count(c->in) * (uint64_t)n;
}

static inline uint64_t out_count(const nas__convolution *c, int n)
{
    return nas_shape_count(c->out) * (uint64_t)n;
}

/* Where rows mean nothing (convolution.c, FLAT): lays the pixels in rows of about `row`. */
void nas__convolution_lay_flat(plan *p, int row);
plan nas__convolution_plan_make(const nas__convolution *convolution, const nas_op_call *call,
                                nas_op_pass pass);
/* The way without a table, and with one that asks for `wanted`; the latter is `fallback` where that cannot be. */
way nas__convolution_way(const nas__convolution *c, const nas_op_call *call);
way nas__convolution_way_as(const nas__convolution *c, const nas_op_call *call, way wanted,
                            way fallback);
bool nas__convolution_is_product(const nas__convolution *c);
/* depthwise.cl's BLOCK_W, and pixels of one strip in a ring. */
int nas__depthwise_block_w(const nas__convolution *c);
int nas__depthwise_ring(const nas__convolution *c);
/* What the device's table says of this pass (all 0: nothing that holds). */
tuned nas__convolution_tuned(const nas__convolution *c, const nas_op_call *call, nas_op_pass pass);
pixel_parts nas__convolution_pixel_parts(const plan *p, bool of_input);
weight_parts nas__convolution_weight_parts(const plan *p);

/* Recording: the convolution's sizes as arguments, its structure as defines, one launch with groups of one. */
void nas__push_convolution(nas__arguments *a, const plan *p);
void nas__convolution_defines(plan *p, nas_activation activation);
nas_status nas__convolution_launch(nas_tape *tape, const char *source, const char *kernel,
                                   const char *defines, int x, int y, int z,
                                   const nas__arguments *a);

nas_status nas__convolution_plain_forward(plan *p, const nas_op_call *call, nas_tape *tape);
nas_status nas__convolution_plain_input(const plan *p, const nas_op_call *call, nas_tape *tape);
nas_status nas__convolution_plain_weight(const plan *p, const nas_op_call *call, nas_tape *tape);
nas_status nas__convolution_product_forward(const plan *p, const nas_op_call *call, nas_tape *tape);
nas_status nas__convolution_product_backward(const plan *p, const nas_op_call *call,
                                             nas_op_pass pass, nas_tape *tape);

#endif
