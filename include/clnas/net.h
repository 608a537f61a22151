/* net.h - a graph made ready to run on one device: planned, allocated, recorded.
 *
 * Creation decides the homes and views (normalise on read), the order, the memory reuse, and records three tapes:
 * forward for training, backward, forward for evaluation.  Running one is replaying it; nothing is allocated, built or
 * synchronised between create and destroy.
 *
 * A step of training is:   set the step block; fill input and labels; forward; backward; optimizer tape.
 */
#ifndef CLNAS_NET_H
#define CLNAS_NET_H

#include <clnas/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A network on a device.  One thread at a time. */
typedef struct nas_net nas_net;

/* What measures may ask a net to keep of each pass: small kernels beside those that compute it. */
typedef enum nas_net_tap {
    NAS_TAP_SIGNS =
        1, /* training forward: in how many relus two samples differ (nas_net_distances) */
    NAS_TAP_SALIENCY = 2, /* backward: Σ z·dL/dz of each weighted layer (nas_net_saliency) */
} nas_net_tap;

/* Cheap outputs that a weighted layer reads and nobody else (depthwise convolutions before their 1×1 ones) need not be kept from forward
 * to backward: they can be computed once more, to the same bits, when backward comes to that layer. */
typedef enum nas_recompute {
    NAS_RECOMPUTE_AUTO, /* where it saves a quarter of the activations and 256 MiB or more */
    NAS_RECOMPUTE_NEVER,
    NAS_RECOMPUTE_ALWAYS,
} nas_recompute;

/* What a network is trained by: an operator with labels, and its options as config text. */
typedef struct nas_loss {
    const char *op;   /* lent, as a rule a literal; NULL: no loss */
    char options[96]; /* "label_smoothing = 0.1" */
} nas_loss;
/* Classes, without further options. */
#define NAS_CROSS_ENTROPY                                                                          \
    {                                                                                              \
        .op = "softmax_cross_entropy"                                                              \
    }

/* How it is made; a zeroed one with `batch` set is for evaluation alone. */
typedef struct nas_net_options {
    int batch;        /* real samples of a full batch */
    bool training;    /* false: evaluation only (less memory) */
    int shards;       /* the batch is cut into so many (0: 1), see nas_net_shard */
    nas_loss loss;    /* put behind the output */
    int slots;        /* metric slots (steps between two reads of the metrics); ≥ 1, 0: 1 */
    bool use_clblast; /* gemm = "clblast" */
    bool unfused;     /* a pass for everything: slow, for tests */
    /* Losses besides that of the output take part in training; else what serves them alone, which is what lies behind the output, is
     * left out. */
    bool auxiliary;
    bool input_gradient; /* keep dL/d(input) */
    bool paths;          /* passes may leave candidates out: nas_net_set_path */
    /* With paths: the row of each gate of the graph, < NAS_GATES, −1: none.  A pass opens one gate of a row at most, one of two is refused; so what serves
     * one alone shares memory with what serves the others.  NULL: any gates may be open together.  Lent until the net is there. */
    const int *row_of_gate;
    unsigned taps;           /* nas_net_tap bits */
    int features;            /* node whose value each forward pass keeps; 0: none */
    nas_recompute recompute; /* see there */
} nas_net_options;

/* Bytes on the device, known before anything is allocated. */
typedef struct nas_net_memory {
    uint64_t parameter_bytes;  /* parameters, gradients and states */
    uint64_t activation_bytes; /* outputs, their gradients, and what forward keeps */
    uint64_t scratch_bytes;    /* used within a launch */
    uint64_t total_bytes;      /* of these three */
    uint64_t
        saved_bytes; /* that recomputing saves and the total does not have; 0: nothing is recomputed */
} nas_net_memory;

/* The graph is copied.  Over the device's limits: NAS_DEVICE_MEMORY with the numbers, before allocating. */
NAS_API nas_status nas_net_create(nas_device *device, const nas_graph *graph,
                                  const nas_net_options *options, nas_net **net);
NAS_API void nas_net_destroy(nas_net *net);
/* Those bytes, without allocating; needs an open device, for its limits and kernels. */
NAS_API nas_status nas_net_measure(nas_device *device, const nas_graph *graph,
                                   const nas_net_options *options, nas_net_memory *memory);
NAS_API const nas_graph *nas_net_graph(const nas_net *net); /* its copy; lent */
NAS_API nas_device *nas_net_device(const nas_net *net);     /* lent */
/* As given, with defaults filled in; lent. */
NAS_API const nas_net_options *nas_net_options_of(const nas_net *net);
NAS_API void nas_net_memory_of(const nas_net *net, nas_net_memory *memory); /* as allocated */

/* ---- tensors (lent; live as long as the net) ---------------------------------------------------------- */

/* A batch may be cut into shards, which run side by side where the device can (nas_tape_part): data parallelism within a device,
 * with norms and sums of gradients over the whole batch.  nas_batch_shards says how many suit; the padded batch must be a multiple of
 * 16 for each.  Then [n padded] of the tensors of samples below means that of a shard, and the functions that name no shard mean shard 0;
 * labels and metrics are the batch's.  Taps want one shard. */
typedef struct nas_net_shard {
    int first, real; /* samples of the batch: first … first + real − 1 */
    /* [c][h][w][n padded] of the shard; none where the net has none. */
    nas_tensor input, output, output_gradient, input_gradient, features;
} nas_net_shard;
NAS_API int nas_net_shard_count(const nas_net *net);
NAS_API nas_net_shard nas_net_shard_at(const nas_net *net, int shard); /* from 0 */

NAS_API nas_tensor nas_net_input(const nas_net *net);  /* [c][h][w][n padded] */
NAS_API nas_tensor nas_net_labels(const nas_net *net); /* words [shards][rows][n padded] */
/* Of the loss (nas_op.labels); without one: a class.  `first` and `others` may be NULL. */
NAS_API int nas_net_label_rows(const nas_net *net, nas_label *first, nas_label *others);
NAS_API nas_tensor nas_net_output(const nas_net *net); /* [c][h][w][n padded] */
NAS_API nas_tensor
nas_net_output_gradient(const nas_net *net); /* to be filled when there is no loss */
NAS_API nas_tensor nas_net_input_gradient(const nas_net *net); /* with options.input_gradient */
/* What options.features and options.taps asked for; without them, no tensor. */
NAS_API nas_tensor nas_net_features(const nas_net *net);  /* [c][h][w][n padded] */
NAS_API nas_tensor nas_net_distances(const nas_net *net); /* uint32 [n padded][n padded] */
NAS_API uint64_t
nas_net_sign_count(const nas_net *net); /* relus of one sample: the most a distance can be */
NAS_API nas_tensor nas_net_saliency(const nas_net *net, int node); /* [c][n padded] */
NAS_API nas_tensor nas_net_step_block(const nas_net *net);         /* nas_step, 16 words */
NAS_API nas_tensor
nas_net_metrics(const nas_net *net); /* [slots][4]: loss sum, score sum, real, 0 */
/* The gate vector of a graph with `mixed` nodes: as long as the largest gate in it asks for, all 1 when the net is created,
 * written by whoever trains the architecture, read in every pass.  Its gradient is filled by backward.  Else no tensor. */
NAS_API nas_tensor nas_net_gates(const nas_net *net);
NAS_API nas_tensor nas_net_gate_gradients(const nas_net *net); /* as long as the gates */

/* For nets made with options.paths: the candidates of which gates run from now on, in forward, backward and evaluation; NULL, as at
 * first: all.  `gates` has a value per gate of the net, 0: closed.  What serves closed candidates alone is not run: no time, no statistics, no gradients;
 * those of their parameters keep what an earlier pass left.  The caller sees to it that closed gates are 0.  A path that opens two gates of a
 * row (options.row_of_gate) is one for updates alone (nas_net_strip_mask): no pass runs before another one is set. */
NAS_API nas_status nas_net_set_path(nas_net *net, const float *gates);
/* Of nas_net_evaluate that part alone which runs because choice `choice` of the `choices` gates from `first` on was taken: what serves
 * its gate and none of the others.  The values that it computes mean nothing; for measuring what a choice costs. */
NAS_API nas_status nas_net_evaluate_choice(nas_net *net, int first, int choices, int choice);
/* Which strips of 16 floats of the block take part in a step: those of guard 0 and of guards that are open.  No owners:
 * all do. */
typedef struct nas_strip_mask {
    nas_tensor owners; /* uint32 [count / 16]: guard of each strip */
    nas_tensor open;   /* uint32 words: bit g % 32 of word g / 32 is set where guard g is open */
} nas_strip_mask;
/* The strips of the parameters that the path uses; none for nets without options.paths. */
NAS_API nas_strip_mask nas_net_strip_mask(const nas_net *net);

/* One flat block of trained parameters and its twin of gradients: decayed ones first (decayed_count floats), then
 * biases and norms.  Every parameter starts at a multiple of 16 floats; the gaps are 0 in both. */
typedef struct nas_net_block {
    nas_tensor parameters, gradients; /* same count */
    uint64_t decayed_count;           /* floats [0, decayed_count) get weight decay */
    nas_tensor states;                /* running statistics and the like */
} nas_net_block;
NAS_API nas_net_block nas_net_parameters(const nas_net *net); /* lent, as tensors are */

/* One parameter, or state, by its name. */
typedef struct nas_net_parameter {
    char name[64];               /* "3.weight": node.parameter */
    int node;                    /* of the graph */
    nas_parameter spec;          /* as its operator asked for it */
    nas_tensor tensor, gradient; /* gradient: none for states */
} nas_net_parameter;
NAS_API int nas_net_parameter_count(const nas_net *net);
/* In the order of nodes; lent. */
NAS_API const nas_net_parameter *nas_net_parameter_at(const nas_net *net, int index);

/* ---- running (all enqueue, none waits) ------------------------------------------------------------------- */

/* Writes the step block, behind what is enqueued. */
NAS_API nas_status nas_net_set_step(nas_net *net, const nas_step *step);
NAS_API nas_status
nas_net_forward(nas_net *net); /* batch statistics, dropout on; loss and metrics */
NAS_API nas_status nas_net_backward(nas_net *net); /* fills all gradients */
/* The same for the architecture alone: fills the gradients of the gates and leaves those of the parameters as they are. */
NAS_API nas_status nas_net_backward_gates(nas_net *net);
/* The same from dL/d(output) as the caller has filled it (padded lanes 0), past the loss; needs options.input_gradient and no auxiliary losses.
 * A forward pass serves one backward pass: the next one finds its memory used again. */
NAS_API nas_status nas_net_backward_output(nas_net *net);
NAS_API nas_status
nas_net_evaluate(nas_net *net); /* running statistics, dropout off; loss and metrics */
/* ---- steps: what an evaluation pass is made of ------------------------------------------------------------- */

/* One step of a plan: an operator with what it reads on load, and the norm that it leaves behind. */
typedef struct nas_net_step {
    char *
        key; /* "conv2d out = 16; kernel = 3 | 8x28x28 relu | batch_norm": equal keys, equal work */
    uint64_t macs, bytes; /* of a sample: multiply-accumulates; activations read and written */
} nas_net_step;
/* Steps, in order. */
typedef struct nas_net_steps {
    nas_net_step *item; /* owned */
    int count;
} nas_net_steps;
/* Those of a net made of this graph for evaluation, without a loss, in the order in which they run.  Needs no device: batch, shards and
 * device change what a step costs, not which there are.  The caller clears them. */
NAS_API nas_status nas_net_steps_list(const nas_graph *graph, nas_net_steps *steps);
NAS_API void nas_net_steps_clear(nas_net_steps *steps); /* a zeroed one is fine */
/* Appends the launches of one step of nas_net_evaluate to a tape that was parted into the net's shards; it reads and writes what the net's own
 * pass does.  For nets made for evaluation, as the list above has them. */
NAS_API nas_status nas_net_record_step(nas_net *net, int step, nas_tape *tape);

/* Running statistics of a cumulative forward pass and the like are the caller's: states can be read and written. */

/* ---- weights -------------------------------------------------------------------------------------------------- */

/* He or Glorot as each parameter says, drawn by (seed, NAS_STREAM_INIT, key_a, node·4 + parameter, element). */
NAS_API nas_status nas_net_initialise(nas_net *net, uint64_t seed, uint32_t key_a);
/* What that gives the floats of one parameter. */
NAS_API void nas_parameter_initialise(const nas_parameter *spec, uint64_t seed, uint32_t key_a,
                                      int node, int parameter, float *values, uint64_t count);
/* safetensors with the parameters and states by name, plus metadata: the pairs, those without a value left out, and the graph's
 * text as "graph". */
NAS_API nas_status nas_net_save(nas_net *net, const char *path, const char *const *keys,
                                const char *const *values, int pairs);
/* Back: names and shapes must fit this net, else NAS_FAILED, and the net is as it was.  NAS_DATA: no such file, or damaged. */
NAS_API nas_status nas_net_load(nas_net *net, const char *path);
/* The same from what was read already, or imported; `path` is for messages. */
NAS_API nas_status nas_net_take(nas_net *net, const nas_safetensors *content, const char *path);

/* Trained parameters of a network that began with another one's. */
typedef struct nas_inheritance {
    uint64_t copied; /* from the parent's, perhaps scaled */
    uint64_t set;    /* so that something does not change: zeros, ones, statistics */
    uint64_t fresh;  /* as nas_net_initialise left them */
} nas_inheritance;
/* Takes over what fits of a saved network (nas_net_save) of any other graph with the same input channels: by node, then by channel.
 * Wider layers, inserted layers and larger kernels leave the function alone where that can be (host/net/inherit.c).  Call it
 * behind nas_net_initialise; (seed, key_a) draw the shares of repeated channels.  NAS_DATA: the file is not what it should be. */
NAS_API nas_status nas_net_inherit(nas_net *net, const char *path, uint64_t seed, uint32_t key_a,
                                   nas_inheritance *inheritance);

/* The same with the caller's word for who becomes what: parameters of node i are those of node from[i] of the saved network (0: none), where
 * they have the same shape.  `from` has an entry for each node of the net's graph.  The rest stays as it is, and counts as fresh. */
NAS_API nas_status nas_net_inherit_nodes(nas_net *net, const char *path, const int *from,
                                         nas_inheritance *inheritance);

/* ---- the reference: the same graph in plain C, double ------------------------------------------------------------ */

/* Parameters, gradients and states are laid out as the list of nas_net_parameter_at would be (see nas_reference_parameter). */
typedef struct nas_reference nas_reference;
/* `graph` is copied.  Parameters are 1 where they start so (NAS_INIT_ONE), else 0, until they are set or copied. */
NAS_API nas_status nas_reference_create(const nas_graph *graph, const nas_net_options *options,
                                        nas_reference **reference);
NAS_API void nas_reference_destroy(nas_reference *reference);
NAS_API double *nas_reference_input(nas_reference *reference);              /* CHWN, n = batch */
NAS_API double *nas_reference_input_gradient(nas_reference *reference);     /* as the input */
NAS_API double *nas_reference_value(nas_reference *reference, int node);    /* node's output */
NAS_API double *nas_reference_gradient(nas_reference *reference, int node); /* dL/d(its output) */
/* Filled by the caller where there is no loss. */
NAS_API double *nas_reference_output_gradient(nas_reference *reference);
NAS_API int32_t *nas_reference_labels(nas_reference *reference); /* words [rows][batch] */
/* Parameter p of node; NULL when there is none.  `gradient` may be NULL. */
NAS_API double *nas_reference_parameter(nas_reference *reference, int node, int parameter,
                                        double **gradient, uint64_t *count);
/* The gate vector, all 1 at first; NULL when the graph has none.  `gradient` may be NULL. */
NAS_API double *nas_reference_gates(nas_reference *reference, double **gradient);
/* Forward; the mean loss over the batch when the options have a loss, else 0. */
NAS_API double nas_reference_forward(nas_reference *reference, bool training, const nas_step *step);
/* After a forward pass in training: that loss with those of auxiliary heads, which is what gradients are of. */
NAS_API double nas_reference_total_loss(const nas_reference *reference);
NAS_API void nas_reference_backward(nas_reference *reference,
                                    const nas_step *step); /* zeroes gradients first */
/* Copies all parameters and states, and the gates, from a net. */
NAS_API nas_status nas_reference_copy(nas_reference *reference, const nas_net *net);

/* ---- proofs: does a device compute what the reference computes? ------------------------------------------------------ */

/* What came of running one operator, each of its sample cases in a network of its own. */
typedef struct nas_proof {
    bool good; /* error ≤ tolerance everywhere */
    int cases; /* sample cases that ran */
    double
        error; /* where it is largest for what is allowed there: |difference| / largest entry; may be INFINITY */
    double tolerance; /* allowed there: 1e-4 for outputs, 1e-3 for gradients */
    char where[128];  /* "input gradient of conv2d (out = 5; batch 3)" */
    double seconds;   /* builds of kernels included */
    uint64_t
        bits; /* XXH3 of all outputs, losses and gradients as read, real samples only: equal where every bit is */
} nas_proof;

/* Outputs in training and evaluation, input and parameter gradients of `op` against nas_reference in double.  quick: the first
 * case only.  NAS_OK whenever it ran, good or not; else what building or running it came to. */
NAS_API nas_status nas_prove_op(nas_device *device, const nas_op *op, bool quick, nas_proof *proof);
/* One case of a few operators, a second or less once their kernels are built: for a device that has just erred.  NAS_DEVICE with
 * operator and error in the message where numbers are wrong; where the device fails again, its status. */
NAS_API nas_status nas_prove_device_quickly(nas_device *device);

#ifdef __cplusplus
}
#endif
#endif
