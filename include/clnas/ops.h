/* ops.h - operators: what a node of a graph means, costs and does on a device.
 *
 * An operator is one descriptor: options, shape inference, parameters, cost, a plain C reference (the
 * definition of what it computes) and functions that record its kernels on a tape.  host/ops/NAME.c and
 * cl/NAME.cl and one line in host/ops/op_list.h are all there is to one; tests walk the list.
 *
 * NORMALISE ON READ.  Nobody writes normalised or activated tensors.  A convolution writes its raw output z
 * once (a *home*); batch_norm and activation nodes are *views*: they only say how z is read.  Whoever reads a
 * home applies  activation(scale[c]·z + shift[c])  on load: that is a nas_read.  The affine belongs to the home,
 * the activation to the reading edge.
 *
 * Backward: G[z] holds dL/d(scale·z + shift), summed over the readers, each of which multiplies by the derivative
 * of its own activation.  Whoever needs dL/dz forms  a[c]·G + b[c]·z + d[c]  on load: that is a nas_gradient (a, b, d from
 * batch norm's backward; without norm it is G itself).  What a reader does to G is a nas_into.
 *
 * Statistics: the writer of z gives, per channel and part, (count, mean, M2 about that mean); the writer that completes G
 * gives, per channel and part, R0 = ΣG and R1 = ΣG·(z − mean).  Parts are a function of the problem alone, never of the device,
 * and are merged in index order, so the bits do not depend on threads.
 *
 * Padded lanes (samples real … n−1 of the innermost axis): z there is undefined but finite or not used; statistics
 * leave them out; G and formed gradients are 0 there.
 *
 * An operator that does not fuse something (see nas_fusion) gets plain tensors, and the net records a separate pass
 * (nas_pass_*) instead: a new operator can start simple.
 */
#ifndef CLNAS_OPS_H
#define CLNAS_OPS_H

#include <clnas/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NAS_OP_INPUTS =
        40, /* a node of a search network: seven candidates on each of five edges, and room */
    NAS_OP_PARAMETERS = 4,
    NAS_OPTIONS_SIZE = 2304,
    NAS_GATES = 4096 /* most elements of a net's gate vector */
};

/* Numbers shared with cl/activation.clh. */
typedef enum nas_activation {
    NAS_ACT_NONE,
    NAS_ACT_RELU,
    NAS_ACT_RELU6,
    NAS_ACT_LEAKY_RELU,
    NAS_ACT_SIGMOID,
    NAS_ACT_TANH,
    NAS_ACT_SILU,
    NAS_ACT_HARD_SWISH,
    NAS_ACT_GELU, /* exact, by erf */
    NAS_ACT_STEP, /* 1 above 0, else 0; no gradient goes through it */
} nas_activation;

/* Functions of `function`, with two numbers a and b (host/ops/function.c).  Numbers shared with cl/function.cl. */
typedef enum nas_function {
    NAS_FUNCTION_CLIP,
    NAS_FUNCTION_HARD_SIGMOID,
    NAS_FUNCTION_LEAKY,
    NAS_FUNCTION_THRESHOLD,
    NAS_FUNCTION_ELU, /* times b: selu is one */
    NAS_FUNCTION_CELU,
    NAS_FUNCTION_GELU_TANH,
    NAS_FUNCTION_ERF,
    NAS_FUNCTION_SOFTPLUS,
    NAS_FUNCTION_SOFTSIGN,
} nas_function;

/* ---- how kernels see tensors --------------------------------------------------------------------- */

/* Reads activation(scale[c]·x + shift[c]).  No scale: identity affine.  Kernels are built with READ = 0 raw, 1 affine,
 * 2 affine + relu, 3 affine + any activation (uniform argument); see nas_read_mode. */
typedef struct nas_read {
    nas_tensor x;              /* [c][h][w][n] */
    nas_tensor scale, shift;   /* [c] each, or none */
    nas_activation activation; /* behind the affine; its number */
    float slope;               /* of leaky_relu */
} nas_read;

/* dL/dz of an output: a[c]·g + b[c]·z + d[c] with coefficients [3][c] (a, b, d), 0 in padded lanes; or just g where there are no
 * coefficients.  GRAD = 0 or 1. */
typedef struct nas_gradient {
    nas_tensor g, z, coefficients; /* what was summed; the raw output; [3][c], or none */
} nas_gradient;

/* Where dL/d(value read) of one input goes:  v·activation'(scale·x + shift)  is stored to g, or added when
 * `accumulate`.  With `reductions` the writer also gives [c][2][parts] sums R0, R1 of the completed g (mean [c] given).
 * INTO = 0 plain store or add (activation none, no reductions), 1 with derivative, 2 with derivative and reductions.
 * No g: this gradient is not wanted; but with reductions still those of G = gate·dz, see NAS_FUSES_LENDING. */
typedef struct nas_into {
    nas_tensor g;          /* where it goes */
    bool accumulate;       /* added, else stored */
    nas_read read;         /* the same as the input was read with in forward */
    nas_tensor mean;       /* [c] */
    nas_tensor reductions; /* or none */
} nas_into;

/* Words of the step block, a small buffer that the host refills before each step; the same order in cl/step.clh. */
typedef struct nas_step {
    uint32_t real;        /* real samples in this batch; the loss masks the others */
    uint32_t slot;        /* where this step's metrics go */
    uint32_t epoch, step; /* counted from 0; step within the epoch */
    uint32_t key[2];      /* Philox key for dropout and drop-path */
    float lr;             /* learning rate of this step */
    float drop_path;      /* probability that drop_path drops, now (ramped by the trainer) */
    uint32_t time;        /* optimizer steps done before this one (Adam's bias correction) */
    /* Weight of this batch in running statistics: 1/k of the k-th gives their plain mean; 0: each norm's own. */
    float norm_momentum;
    uint32_t spare[6]; /* [0 … 3]: nas_optimizer.factors; 64 bytes in all */
} nas_step;

/* Everything one recording call needs. */
typedef struct nas_op_call {
    nas_device *device;  /* lent */
    const void *options; /* the op's instance */
    int node;            /* index in the graph: a stream of its own for random numbers */
    int n, real;         /* padded and real samples */
    int first;           /* number in the batch of sample 0: a shard's (nas_net_options.shards) */
    bool ragged;         /* some shard has padded lanes: sizes are the same for all */
    bool training;       /* backward will follow */
    bool use_clblast;    /* gemm = "clblast" */
    bool paths; /* a candidate whose gate is 0 may not have been computed (nas_net_set_path) */
    int input_count;
    nas_shape in_shape[NAS_OP_INPUTS], out_shape; /* of one sample */
    nas_read in[NAS_OP_INPUTS];                   /* how each input is read */
    nas_tensor out;                               /* z, written raw */
    nas_tensor statistics;                    /* [c][3][statistics_parts] of z to write, or none */
    nas_tensor parameters[NAS_OP_PARAMETERS]; /* by nas_op.parameters' order */
    nas_tensor parameter_gradients[NAS_OP_PARAMETERS]; /* written, not added to */
    nas_tensor scratch; /* as asked for in sizes; contents do not survive the call's launches */
    nas_tensor step;    /* the step block */
    nas_tensor labels;  /* losses only: words, [rows][n]; see nas_op.labels */
    nas_tensor metrics; /* losses only: [slots][4] = loss sum, score sum, real samples, 0 */
    nas_tensor saved; /* what forward keeps for backward (sizes.saved), e.g. argmax of a pooling */
    nas_tensor table; /* sizes.table */
    nas_tensor gates; /* the net's gate vector; for ops that have gates */
    /* backward only */
    nas_gradient out_gradient;
    nas_into into[NAS_OP_INPUTS]; /* of each input */
    nas_tensor
        gate_gradients; /* of the whole vector; added to, for several nodes may share a gate */
} nas_op_call;

/* Floats that an operator wants for a given call (device, shapes, n and options set; no tensors yet). */
typedef struct nas_op_sizes {
    int statistics_parts;               /* if it fuses statistics */
    int reduction_parts[NAS_OP_INPUTS]; /* if it fuses reductions */
    uint64_t scratch, saved;            /* for one call's launches; from forward to backward */
    uint64_t
        table; /* written while recording, the same forward and backward; lives as long as the net */
} nas_op_sizes;

/* ---- parameters and cost --------------------------------------------------------------------------- */

/* What a parameter starts as: a constant, or drawn by its fans (He: normal; Glorot: uniform). */
typedef enum nas_init { NAS_INIT_ZERO, NAS_INIT_ONE, NAS_INIT_HE, NAS_INIT_GLOROT } nas_init;

/* What an operator wants of one of its parameters. */
typedef struct nas_parameter {
    const char *name;    /* "weight", "bias", "gamma", "running_mean" … */
    int rank;            /* number of axes */
    int dims[4];         /* length of each */
    nas_init init;       /* first values */
    int fan_in, fan_out; /* values that one output sums; outputs that one value serves */
    bool trained;        /* false: state such as running statistics */
    bool decayed;        /* weight decay applies (not to biases and norms) */
} nas_parameter;

/* What a node or a network costs, whatever the device. */
typedef struct nas_cost {
    uint64_t parameters; /* trained ones */
    uint64_t macs;       /* multiply-accumulates per sample; convolutions and dense layers only */
    uint64_t bytes;      /* activations written per sample */
} nas_cost;

/* ---- plain C reference ---------------------------------------------------------------------------------- */

/* CHWN, n = real batch, no padding.  Pointers are to float or double: each op's reference is compiled for both
 * (see host/ops/reference.h); the double one is the truth of every test. */
typedef struct nas_reference_call {
    const void *options; /* the op's instance */
    int node, n;         /* index in the graph; samples */
    bool training;       /* batch statistics, dropout on */
    int input_count;
    nas_shape in_shape[NAS_OP_INPUTS], out_shape; /* of one sample */
    const void *in[NAS_OP_INPUTS];                /* values of each input */
    void *out;                                    /* forward writes it, backward may read it */
    void *parameters
        [NAS_OP_PARAMETERS];  /* forward in training updates untrained ones (running statistics) */
    const void *out_gradient; /* dL/d(out); backward only */
    void *in_gradients[NAS_OP_INPUTS];            /* added to; NULL: not wanted */
    void *parameter_gradients[NAS_OP_PARAMETERS]; /* added to; NULL: not wanted */
    const void *gates;                            /* the net's gate vector */
    void *gate_gradients;                         /* added to */
    const int32_t *labels;                        /* words, [rows][n]: floats by their bits */
    void *scores;  /* losses: forward writes what each sample scores, [n]; NULL: not wanted */
    nas_step step; /* of the pass */
} nas_reference_call;
/* Computes forward or backward of one call. */
typedef void (*nas_reference_function)(const nas_reference_call *call);

/* ---- the descriptor ------------------------------------------------------------------------------------- */

/* What an operator's kernels do themselves; bits. */
typedef enum nas_fusion {
    NAS_FUSES_READ = 1,       /* reads inputs through a nas_read; else raw tensors are handed in */
    NAS_FUSES_STATISTICS = 2, /* gives statistics of z; else a pass over z does */
    NAS_FUSES_GRADIENT = 4,   /* forms dz on load; else a formed gradient is handed in */
    NAS_FUSES_INTO = 8, /* derivative and accumulation; else it writes plain v and a pass follows */
    NAS_FUSES_REDUCTION = 16, /* R0 and R1; else a pass over G and z does */
    /* An op with gates: for an input of as many channels as the output it gives R0 and R1 of G = gate·dz without writing
     * G, so that the input's writer reads dz itself, with coefficients that have the gate in them. */
    NAS_FUSES_LENDING = 32,
} nas_fusion;

/* Who computes an operator's output. */
typedef enum nas_view {
    NAS_VIEW_NONE,       /* writes a home of its own */
    NAS_VIEW_NORM,       /* batch_norm: gives its input home an affine */
    NAS_VIEW_ACTIVATION, /* activation: changes the reading edge */
    NAS_VIEW_IDENTITY,   /* output is the input */
    NAS_VIEW_LOSS,       /* last node of a training graph: labels in, metrics out */
} nas_view;

/* Where an output channel comes from: what a network must know that takes over another one's weights. */
typedef enum nas_channels {
    NAS_CHANNELS_OWN,  /* none of these: slice, shuffle */
    NAS_CHANNELS_KEPT, /* channel c from channel c of every input: norms, activations, pools, sums */
    NAS_CHANNELS_MIXED,  /* all from all by parameter 0, [out][in / groups][…]: conv2d, dense */
    NAS_CHANNELS_JOINED, /* the inputs' channels, one after the other: concat */
} nas_channels;

/* ---- operators for others ----------------------------------------------------------------------------------- */

/* What an operator computes in evaluation, told in numbers for programs that know nothing of it: exporters, and whoever draws it. */
typedef enum nas_layer_kind {
    NAS_LAYER_IDENTITY, /* acts in training only */
    NAS_LAYER_CONVOLUTION,
    NAS_LAYER_DENSE, /* of all values of its input, channel by channel */
    NAS_LAYER_MAX_POOL,
    NAS_LAYER_AVERAGE_POOL, /* padding is left out of the divisor */
    NAS_LAYER_GLOBAL_AVERAGE,
    NAS_LAYER_NORM, /* (x − mean)·gamma/√(variance + epsilon) + beta by channel, with the running statistics */
    NAS_LAYER_ACTIVATION,
    NAS_LAYER_ADD,
    NAS_LAYER_MUL, /* the second input may be one value per channel */
    NAS_LAYER_CONCAT,
    NAS_LAYER_SLICE,     /* channels from `from` on */
    NAS_LAYER_SUBSAMPLE, /* zeros where it leaves the image */
    NAS_LAYER_SHUFFLE, /* channel c is channel (c mod groups)·(channels / groups) + c div groups */
    NAS_LAYER_UPSAMPLE, /* nearest pixel, cut at the bottom and right to the output's shape */
    NAS_LAYER_ZERO,
    NAS_LAYER_RESHAPE, /* the same values in the same order, as the output's shape */
    NAS_LAYER_TRANSPOSE, /* axis k of the output is axis order[k] of the input: 0 channels, 1 rows, 2 columns */
    NAS_LAYER_PAD, /* before[k] and after[k] more of value `a` on axis k, or less where below 0 */
    NAS_LAYER_SOFTMAX,  /* along `axis` */
    NAS_LAYER_FUNCTION, /* `function` with `a` and `b` */
} nas_layer_kind;

/* Pairs are height and width; what a kind does not use is 0. */
typedef struct nas_layer {
    nas_layer_kind kind;      /* which of the following counts */
    int kernel[2], stride[2]; /* stride: of subsample the step, too */
    int padding[2];           /* on each side */
    int first[2];             /* of subsample: first pixel */
    /* Of convolutions and pools; of convolutions and shuffles; of slices; of upsampling. */
    int dilation, groups, from, factor;
    nas_activation activation; /* of NAS_LAYER_ACTIVATION */
    float slope;               /* of leaky_relu */
    double epsilon;            /* of norms */
    /* Of transpose; of pad; of softmax: 0 channels, 1 rows, 2 columns. */
    int order[3], before[3], after[3], axis;
    nas_function function; /* of NAS_LAYER_FUNCTION */
    float a, b;            /* its two numbers; of pad the value */
} nas_layer;

/* Sample cases that every test and benchmark of an op uses. */
typedef struct nas_op_case {
    const char
        *options; /* config notation: "out = 5; kernel = 3; stride = 2" ; NULL ends the table */
    int batch;    /* real samples */
    int input_count;
    nas_shape in[4]; /* of each input */
} nas_op_case;

/* What kernels are measured and tuned by. */
typedef enum nas_op_pass { NAS_PASS_FORWARD, NAS_PASS_INPUT, NAS_PASS_WEIGHT } nas_op_pass;
enum {
    NAS_OP_PASSES = 3,
    NAS_TUNING_PLAIN = 3 /* value of "way" in an inexact row of a convolution: its plain kernels */
};

/* What a row of labels holds. */
typedef enum nas_label {
    NAS_LABEL_CLASS,  /* int32 */
    NAS_LABEL_FLAG,   /* float, 0 or 1 */
    NAS_LABEL_NUMBER, /* float */
} nas_label;

/* An operator, in all that others know of it.  Functions get the instance as `options`. */
typedef struct nas_op {
    nas_kind kind;              /* instance_size ≤ NAS_OPTIONS_SIZE */
    int inputs_min, inputs_max; /* how many it takes */
    nas_view view;              /* how the net sees it */
    nas_channels channels;      /* where its output's channels come from */
    unsigned fusion;            /* nas_fusion bits */
    /* Output shape, or NAS_SHAPE with a message that names the sizes. */
    nas_status (*infer)(const void *options, const nas_shape *in, int count, nas_shape *out);
    /* Number of parameters (≤ NAS_OP_PARAMETERS); NULL: none. */
    int (*parameters)(const void *options, const nas_shape *in, int count,
                      nas_parameter parameters[NAS_OP_PARAMETERS]);
    void (*cost)(const void *options, const nas_shape *in, int count, nas_shape out,
                 nas_cost *cost); /* NULL: bytes of the output only */
    /* Elements that the net's gate vector must have for this node, ≤ NAS_GATES, and the first that weighs each input
     * (`first` may be NULL).  NULL: it has no gates. */
    int (*gates)(const void *options, const nas_shape *in, int count, int *first);
    void (*sizes)(const nas_op_call *call, nas_op_sizes *sizes); /* NULL: all 0 */
    /* Its forward costs about as much as reading its input and keeps nothing for backward, which does not read the output:
     * a net may run it again rather than keep the output.  NULL: no. */
    bool (*cheap)(const void *options, const nas_shape *in, int count);
    /* Record the passes; NAS_DEVICE with the compiler's words when a kernel cannot be built. */
    nas_status (*forward)(const nas_op_call *call, nas_tape *tape);
    /* From out_gradient to every `into` and parameter gradient that is wanted. */
    nas_status (*backward)(const nas_op_call *call, nas_tape *tape);
    /* Losses: rows of labels, a word of each for a sample, and what the first and the others hold. */
    int (*labels)(const void *options, nas_shape in, nas_label *first, nas_label *others);
    /* Rows of a tuning table worth trying for this pass, at most `most`, all with the key that the pass looks for; the first says what an
     * untuned device does.  Those not `inexact` change no bit.  `inexact` false: none of the others.  NULL: nothing to tune. */
    int (*candidates)(const nas_op_call *call, nas_op_pass pass, bool inexact, nas_tuning_row *rows,
                      int most);
    nas_reference_function reference_forward[2], reference_backward[2]; /* [0] float, [1] double */
    /* Fills a zeroed layer, or says why this one has none.  NULL: an operator of training or of search networks. */
    nas_status (*layer)(const void *options, const nas_shape *in, nas_layer *layer);
    const nas_op_case *cases; /* ends with NULL options */
} nas_op;

NAS_API const nas_op *nas_op_find(const char *name); /* NULL: none */
NAS_API const nas_op *const *nas_op_all(int *count);
/* Like find, with a message that names the nearest op. */
NAS_API nas_status nas_op_get(const char *name, const nas_op **op);

/* READ define for a way of reading: 0, 1, 2 or 3. */
NAS_API int nas_read_mode(const nas_read *read);
/* INTO define, likewise: 0, 1 or 2. */
NAS_API int nas_into_mode(const nas_into *into);

/* ---- passes: what the net records where an op does not fuse --------------------------------------------- */

/* y = read(x), raw, shape given; padded lanes copied. */
NAS_API nas_status nas_pass_materialise(nas_tape *tape, const nas_read *read, nas_shape shape,
                                        int n, nas_tensor y);
/* Statistics of z: [c][3][parts]; parts from nas_pass_parts. */
NAS_API int nas_pass_parts(nas_shape shape, int n);
/* Records them. */
NAS_API nas_status nas_pass_statistics(nas_tape *tape, nas_tensor z, nas_shape shape, int n,
                                       int real, nas_tensor statistics);
/* dz = formed gradient, plain. */
NAS_API nas_status nas_pass_form(nas_tape *tape, const nas_gradient *gradient, nas_shape shape,
                                 int n, int real, nas_tensor dz);
/* Plain v into G: derivative, accumulation, and reductions if into->reductions ([c][2][parts], nas_pass_parts). */
NAS_API nas_status nas_pass_into(nas_tape *tape, nas_tensor v, const nas_into *into,
                                 nas_shape shape, int n, int real);
/* R0, R1 of a completed G: [c][2][parts], parts from nas_pass_parts. */
NAS_API nas_status nas_pass_reduce(nas_tape *tape, nas_tensor g, nas_tensor z, nas_tensor mean,
                                   nas_shape shape, int n, int real, nas_tensor reductions);

/* total[i] = first[i] + Σ others[k·stride + i], k = 0 … count − 1 in order; total may be first.  As many floats as first has. */
NAS_API nas_status nas_pass_sum(nas_tape *tape, nas_tensor first, nas_tensor others,
                                uint64_t stride, int count, nas_tensor total);

/* ---- taps: what measures look at inside a network (nas_net_options.taps) -------------------------------------- */

/* Which values a read would pass on, scale·x + shift > 0, as bits: 32 neighbouring pixels of one channel and sample to a
 * word, [c][⌈h·w/32⌉][n].  The read's activation does not matter. */
NAS_API uint64_t nas_tap_sign_words(nas_shape shape, int n);
/* Records them into `words`. */
NAS_API nas_status nas_tap_signs(nas_tape *tape, const nas_read *read, nas_shape shape, int n,
                                 nas_tensor words);
/* distances[i][j] += bits in which samples i and j differ; uint32 [n][n]. */
NAS_API nas_status nas_tap_distances(nas_tape *tape, nas_tensor words, nas_shape shape, int n,
                                     nas_tensor distances);
/* sums[c][n] = Σ over the pixels of z·dz. */
NAS_API nas_status nas_tap_saliency(nas_tape *tape, const nas_gradient *gradient, nas_tensor z,
                                    nas_shape shape, int n, int real, nas_tensor sums);

/* ---- batch norm, the view with arithmetic of its own ---------------------------------------------------------- */

/* What the net keeps per normalised home, all [c]. */
typedef struct nas_norm {
    nas_tensor scale, shift; /* what readers apply */
    nas_tensor mean, rstd;   /* of this batch */
    nas_tensor coefficients; /* [3][c], for nas_gradient */
} nas_norm;

/* What the passes of one norm work with. */
typedef struct nas_norm_call {
    nas_tensor gamma, beta;                    /* none: not affine */
    nas_tensor running_mean, running_variance; /* none: not kept */
    nas_tensor step;                           /* the step block, for norm_momentum */
    nas_tensor gamma_gradient, beta_gradient;  /* backward: written */
    nas_tensor
        gate; /* backward: [1], G is so many times what nas_gradient.g holds; none: it is G */
    /* Added to the variance; weight of this batch where the step has none. */
    float epsilon, momentum;
    int channels;    /* c */
    uint64_t count;  /* real elements per channel: h·w·real, of all shards */
    int shards;      /* sets of statistics or reductions to merge, in order; 0: 1 */
    uint64_t stride; /* floats from one to the next */
} nas_norm_call;

/* Training: merge parts, write mean, rstd, scale, shift; update running statistics (variance unbiased). */
NAS_API nas_status nas_norm_finish(nas_tape *tape, const nas_norm_call *call, nas_tensor statistics,
                                   int parts, const nas_norm *norm);
/* Evaluation: scale and shift from the running statistics. */
NAS_API nas_status nas_norm_frozen(nas_tape *tape, const nas_norm_call *call, const nas_norm *norm);
/* Backward: merge R0, R1; write coefficients a, b, d, gamma and beta gradients. */
NAS_API nas_status nas_norm_backward(nas_tape *tape, const nas_norm_call *call,
                                     nas_tensor reductions, int parts, const nas_norm *norm);
/* The calls above for a batch_norm node's options and parameters (order: gamma, beta, running_mean, running_variance). */
NAS_API void nas_norm_call_make(const nas_op_call *node, nas_norm_call *call);
/* What an activation node's options say. */
NAS_API void nas_activation_of(const void *options, nas_activation *activation, float *slope);
NAS_API const char *nas_activation_name(nas_activation activation); /* as a config says it */
NAS_API const char *nas_function_name(nas_function function);       /* the same */
/* activation(x), in double. */
NAS_API double nas_activation_value(nas_activation activation, double slope, double x);
/* And its derivative. */
NAS_API double nas_activation_derivative(nas_activation activation, double slope, double x);

#ifdef __cplusplus
}
#endif
#endif
