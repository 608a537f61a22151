/* importing.h - what the files of this room share.
 *
 *   import.c       the whole: file, input, nodes in order, output      wire.c        is the file what it says, before it is unpacked
 *   value.c        values by name: constants, and nodes of our graph    constant.c    constants out of the file
 *   attribute.c    attributes of a node                                 emit.c        nodes of our graph with weights; the result
 *   convolution.c  Conv, pools, BatchNormalization                      elementwise.c functions, Add, Mul …, of one value or two
 *   matrix.c       Gemm, MatMul, Softmax                                moving.c      Reshape, Transpose …
 *   cutting.c      Slice, Pad, Concat, Resize                           fold.c        what is computed while reading: shapes
 *
 * A value of the model is a constant, or a node of our graph with the axes that the model gives it.  The engine sees channels, rows
 * and columns; a sample's values have the same order in both, so axes are only bookkeeping until an operator needs certain ones
 * (nas__shaped).  Axes of a value leave the batch out, unless the whole input is one sample.
 *
 * To add an operator: a function here, and its line in operator_list.h. */
#ifndef NAS_IMPORT_IMPORTING_H
#define NAS_IMPORT_IMPORTING_H

#include <clnas/data.h>
#include <clnas/graph.h>
#include <clnas/import.h>

#include <onnx.pb-c.h>

enum {
    NAS__RANK = 8,
    NAS__NODES = 20000,
    NAS__VALUES_MOST = 1 << 28, /* floats of a sample, of one value */
    NAS__FOLDED_MOST = 1 << 28, /* values of all constants that are worked out while reading */
    NAS__WEIGHTS_MOST = 1 << 29 /* floats of all weights: what a file of 2 GiB can hold */
};
/* The length of the batch in shapes that the model computes with. */
#define NAS__BATCH (-((int64_t)1 << 40))

/* Axes and their lengths; a scalar has none. */
typedef struct nas__axes {
    int rank;
    int64_t length[NAS__RANK];
} nas__axes;

int64_t nas__axes_count(const nas__axes *axes); /* of axes that were checked */
/* Of axes `from` to before `to`. */
int64_t nas__axes_product(const nas__axes *axes, int from, int to);
/* An image of what lies before an axis, the axis, and what lies behind it. */
nas_shape nas__around(const nas__axes *axes, int axis);

/* One of the two is there: float32, or whole numbers.  Lent of the file, or owned. */
typedef struct nas__constant {
    nas__axes axes;
    const float *floats;
    const int64_t *numbers;
    void *owned;
} nas__constant;

typedef struct nas__value {
    const char *name;
    bool known;    /* something gave it */
    bool constant; /* else a node */
    nas__constant is;
    int node;
    nas__axes axes; /* of a sample, of a node's value */
    int uses;       /* that are still to come: inputs of nodes, and the output */
} nas__value;

typedef struct nas__weight {
    int node;
    char name[24];
    float *values;
    uint64_t count;
} nas__weight;

typedef struct nas__importing {
    const char *path;
    nas_import_options options;
    Onnx__ModelProto *model;
    int64_t opset;
    const Onnx__NodeProto *at; /* the node that is read */
    int number;                /* of it */
    int64_t batch;             /* as the input declares it; NAS__BATCH: any */
    nas_graph graph;
    int *pending; /* of each node of the graph: uses to come of values that it holds */
    int *readers; /* of each node: nodes of the graph that read it */
    int capacity;
    nas__weight *weights;
    int weight_count, weight_capacity;
    uint64_t weight_floats;
    int64_t folded;     /* values */
    nas__value *values; /* open addressing by name */
    size_t value_slots;
    bool prepares; /* the model's preprocessing was recognised and taken off */
} nas__importing;

/* Sets "MODEL: node 12 "name" (Op): …" and returns the status. */
nas_status nas__refuse(const nas__importing *i, nas_status status, const char *format, ...)
    NAS_PRINTF(3, 4);
#define NAS__REFUSE(i, status, ...) return nas__refuse((i), (status), __VA_ARGS__)
/* A name as messages can show it. */
const char *nas__printable(const char *name, char text[64]);

/* ---- wire.c --------------------------------------------------------------------------------------------- */

/* Nesting, counts and kinds of what is in the file, before anything is allocated for it. */
nas_status nas__wire_check(const uint8_t *data, size_t size, const char *path);

/* ---- value.c -------------------------------------------------------------------------------------------- */

nas_status nas__values_create(nas__importing *i);
void nas__values_destroy(nas__importing *i);
nas__value *nas__value_find(nas__importing *i, const char *name); /* NULL: nobody mentions it */
/* Gives a value once; NAS_DATA: it is given already. */
nas_status nas__value_give_node(nas__importing *i, const char *name, int node,
                                const nas__axes *axes);
nas_status nas__value_give_constant(nas__importing *i, const char *name,
                                    const nas__constant *constant); /* takes what it owns */
/* Input k of the node that is read; NULL: it has none. */
nas__value *nas__input(nas__importing *i, int k);
int nas__input_count(const nas__importing *i);
/* The same, and it must be there: NAS_DATA. */
nas_status nas__need(nas__importing *i, int k, nas__value **value);
nas_status nas__need_node(nas__importing *i, int k, nas__value **value);
/* A constant of floats, or of whole numbers of one axis at most; `*constant` is NULL where the input is left out. */
nas_status nas__floats(nas__importing *i, int k, const nas__constant **constant);
nas_status nas__numbers(nas__importing *i, int k, const nas__constant **constant);
/* The node's output.  Others than the first must not be used. */
nas_status nas__give(nas__importing *i, int node, const nas__axes *axes);
/* Of a sample; with `whole`, of all. */
int nas__batch_axes(const nas__importing *i);
/* An axis of the model, maybe counted from the end, among those of a sample of `rank`; NAS_CONFIG: it is the batch. */
nas_status nas__axis(const nas__importing *i, int64_t axis, int rank, int *own);

/* ---- constant.c ----------------------------------------------------------------------------------------- */

nas_status nas__constant_read(const nas__importing *i, const Onnx__TensorProto *tensor,
                              nas__constant *constant);
void nas__constant_clear(nas__constant *constant);
/* Room for so many, owned, zeroed. */
nas_status nas__constant_floats(const nas__axes *axes, nas__constant *constant, float **values);
nas_status nas__constant_numbers(const nas__axes *axes, nas__constant *constant, int64_t **values);
/* NAS_DATA: a length below 0 or more values than `most`. */
nas_status nas__axes_check(const nas__importing *i, const nas__axes *axes, int64_t most,
                           const char *what);
/* The values as they stand against `axes`, which they must fit as NumPy broadcasts them, expanded; the caller frees them.
 * The constant's axes may begin with a batch of 1. */
nas_status nas__constant_expand(nas__importing *i, const nas__constant *constant,
                                const nas__axes *axes, float **values);
/* Does it hold one number for each length of axis 0, or one for all, as it stands against `axes`? */
bool nas__constant_by_channel(const nas__importing *i, const nas__constant *constant,
                              const nas__axes *axes);

/* ---- attribute.c ---------------------------------------------------------------------------------------- */

bool nas__has_attribute(const nas__importing *i, const char *name);
nas_status nas__int_attribute(const nas__importing *i, const char *name, int64_t usual,
                              int64_t *value);
nas_status nas__float_attribute(const nas__importing *i, const char *name, float usual,
                                float *value);
/* "usual" where there is none; must fit 32 bytes. */
nas_status nas__text_attribute(const nas__importing *i, const char *name, const char *usual,
                               char value[32]);
/* Lent; *count 0: there is none. */
nas_status nas__ints_attribute(const nas__importing *i, const char *name, const int64_t **values,
                               int *count);
/* A list of numbers that old opsets have as an attribute and new ones as an input; lent, *list NULL: there is none. */
nas_status nas__list(nas__importing *i, const char *name, int input, const int64_t **list,
                     int *count);
const Onnx__AttributeProto *nas__attribute(const nas__importing *i, const char *name);

/* ---- emit.c --------------------------------------------------------------------------------------------- */

/* A node of our graph; options are printf-style. */
nas_status nas__emit(nas__importing *i, const char *op, const int *inputs, int count, int *node,
                     const char *options, ...) NAS_PRINTF(6, 7);
nas_status nas__emit_one(nas__importing *i, const char *op, int input, int *node,
                         const char *options, ...) NAS_PRINTF(5, 6);
/* A tensor of the node last emitted; copied; NAS_DATA: numbers that are not finite, or another count than the node wants. */
nas_status nas__weigh(nas__importing *i, int node, const char *name, const float *values,
                      uint64_t count);
/* The same, zeroed, to be filled. */
nas_status nas__weigh_room(nas__importing *i, int node, const char *name, uint64_t count,
                           float **values);
nas_shape nas__shape_of(const nas__importing *i, int node);
/* The value's node, reshaped if it has another shape; as many values. */
nas_status nas__shaped(nas__importing *i, int node, nas_shape shape, int *result);
/* The shape of up to three axes: {c,1,1}, {c,1,l}, {c,h,w}; of more, the last ones together. */
nas_shape nas__image_of(const nas__axes *axes);
/* y = scale·x + shift, a number of each for every channel of the node; written into the weights of what made x where that
 * serves nobody else. */
nas_status nas__affine(nas__importing *i, int x, const float *scale, const float *shift, int *node);
/* The same with one pair for all. */
nas_status nas__affine_all(nas__importing *i, int x, float scale, float shift, int *node);
/* Is this node scale·x + shift for all channels alike? */
bool nas__is_affine(const nas__importing *i, int node, float scale, float shift);
/* Takes the nodes that the output needs, and what they weigh, as a model file of clnas has them. */
nas_status nas__emit_result(nas__importing *i, int output, nas_safetensors *content);
nas_status nas__add_metadata(nas_safetensors *content, const char *key, const char *value);
void nas__emit_clear(nas__importing *i);

/* ---- moving.c and cutting.c ------------------------------------------------------------------------------------------- */

/* The node's values along permuted axes: axis k of the result is axis order[k]. */
nas_status nas__transposed(nas__importing *i, int node, const nas__axes *axes, const int *order,
                           int *result);
/* Border of `before` and `after` on channels, rows and columns; nothing happens where all are 0. */
nas_status nas__padded(nas__importing *i, int node, const int before[3], const int after[3],
                       float value, int *result);

/* ---- operators ------------------------------------------------------------------------------------------ */

typedef nas_status (*nas__reader)(nas__importing *i);
#define NAS_ONNX(op, reader) nas_status nas__read_##reader(nas__importing *i);
#include "operator_list.h"
#undef NAS_ONNX

/* Reads a node all of whose inputs are constants; *done: it is one of those that can be. */
nas_status nas__fold(nas__importing *i, bool *done);

#endif
