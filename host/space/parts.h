/* parts.h - what spaces build networks from.
 *
 * One description serves two uses: with a graph, nodes are added; without one, only shapes and multiply-accumulates are
 * counted, which is what a cost bound asks for thousands of times while a search draws rows.  So a space says once how its
 * network goes together, and the bound is the graph's own number.
 *
 * Convolutions and poolings are padded so that their output is ⌈size / stride⌉; a side of length 1 in the network's
 * input (sequences are 1×L) takes no part in any window. */
#ifndef NAS_SPACE_PARTS_H
#define NAS_SPACE_PARTS_H

#include <clnas/space.h>

/* In the order of nas_activation, without "none". */
#define NAS__ACTIVATIONS "relu|relu6|leaky_relu|sigmoid|tanh|silu|hard_swish|gelu"

/* ---- building -------------------------------------------------------------------------------------- */

typedef struct nas__build {
    nas_graph *graph; /* NULL: only count */
    nas_shape input;
    double macs;        /* so far */
    const char *norm;   /* options of batch norms from here on; NULL: the operator's defaults */
    nas_sketch *sketch; /* gets the parts; NULL: nobody asks */
} nas__build;

/* A tensor of the network: its node (0 while only counting) and shape. */
typedef struct nas__value {
    int node;
    nas_shape shape;
} nas__value;

/* 0 stands for: out as many as the input has, stride 1, dilation 1, groups 1. */
typedef struct nas__convolution_part {
    int out, kernel, stride, dilation, groups;
    bool bias;
} nas__convolution_part;

/* How a larger tensor is brought down to the size of a smaller one. */
typedef enum nas__shrink {
    NAS__SHRINK_AVERAGE,
    NAS__SHRINK_MAX,
    NAS__SHRINK_CONVOLUTION
} nas__shrink;
#define NAS__SHRINKS "avg_pool|max_pool|conv"

nas_status nas__build_begin(nas__build *build, nas__value *value);
/* For the sketch: the nodes added since the part before are one, of this name, a copy of the sketch's cell (−1: of none). */
void nas__build_part(nas__build *build, int cell, const char *format, ...) NAS_PRINTF(3, 4);
nas_status nas__build_convolution(nas__build *build, nas__value *value, nas__convolution_part part);
/* The first half of a separable convolution: depthwise; `part` becomes the 1×1 that is left to do. */
nas_status nas__build_depthwise(nas__build *build, nas__value *value, nas__convolution_part *part);
nas_status nas__build_norm(nas__build *build, nas__value *value);
/* An index into NAS__ACTIVATIONS. */
nas_status nas__build_activation(nas__build *build, nas__value *value, int activation);
/* Convolution, batch norm, activation. */
nas_status nas__build_layer(nas__build *build, nas__value *value, nas__convolution_part part,
                            int activation);
/* `kind` "max" or "average"; an odd window, or one equal to the stride. */
nas_status nas__build_pool(nas__build *build, nas__value *value, const char *kind, int window,
                           int stride);
/* `how` "add" or "concat"; one value stays as it is, more than an operator takes become a row of operators. */
nas_status nas__build_join(nas__build *build, const nas__value *values, int count, const char *how,
                           nas__value *joined);
/* `factor` times smaller, and with `channels` channels (0: as many as it has): pooling and a 1×1 convolution with batch norm
 * where needed, or a strided 1×1. */
nas_status nas__build_match(nas__build *build, nas__value *value, int factor, int channels,
                            nas__shrink how);
/* `factor` times larger, cut to height × width. */
nas_status nas__build_enlarge(nas__build *build, nas__value *value, int factor, int height,
                              int width);
/* Squeeze and excitation (arXiv 1709.01507): every channel times a gate in 0 … 1 computed from all channels' means. */
nas_status nas__build_gate(nas__build *build, nas__value *value, int hidden, int activation);
/* Global average pooling of each value, side by side, and a dense layer. */
nas_status nas__build_head(nas__build *build, const nas__value *values, int count, int classes);

/* ---- sizes ------------------------------------------------------------------------------------------- */

int nas__reduced(int size, int stride);
/* The shorter side of an image inside a network of this input; of a sequence its length. */
int nas__side_of(nas_shape input, int height, int width);
/* "3x3" of a window as it acts on the network's input: "1x3" on sequences. */
void nas__write_window(nas_shape input, int window, nas_text *text);
/* May an image be reduced by `stride`: no side longer than 1 falls under `least`, and something is left to reduce. */
bool nas__may_reduce(int height, int width, int stride, int least);

/* ---- lists of choices in options ------------------------------------------------------------------------ */

bool nas__list_has_double(const nas_int_list *list);
/* Index of the value nearest to `value`. */
int nas__list_nearest(const nas_int_list *list, int64_t value);
/* Index of `value`, -1: not there. */
int nas__list_find(const nas_int_list *list, int64_t value);
int64_t nas__list_max(const nas_int_list *list);
/* A choice in words: of "a|b|c" the one that the value stands for, or the value itself where `words` is NULL. */
void nas__list_describe(const nas_int_list *list, int choice, const char *words, nas_text *text);

/* ---- what no option table can check: NAS_CONFIG, with the space's name in front --------------------------- */

/* `space` may say more than the name: "template: segment 3". */

/* [ from, to ], or one number for both. */
nas_status nas__check_range(const char *space, const char *name, const nas_int_list *list);
/* At least one choice, none twice. */
nas_status nas__check_choices(const char *space, const char *name, const nas_int_list *list);
nas_status nas__check_kernels(const char *space, const nas_int_list *kernels);
/* Of a row; where there are too many, `hint` (may be "") says what makes fewer. */
nas_status nas__check_gene_count(const char *space, int count, const char *hint);

#endif
