/* plan.h - what the plan of a network says; made by plan.c, recorded by record_forward.c and record_backward.c.
 *
 * Three words carry it:
 *   home   a tensor that is really written: the raw output of a step, perhaps with a norm (an affine) of its own;
 *   view   how a node's value is read: a home, with or without its norm, through an activation;
 *   step   something that runs: a node's operator, or a copy that turns a view into a home of its own.
 *
 * Time runs through the steps forward and back again: step s runs at time s going forward and at 2·steps − 1 − s going
 * backward; lifetimes in the arena are intervals of that time.
 */
#ifndef NAS_NET_PLAN_H
#define NAS_NET_PLAN_H

#include <clnas/net.h>

enum { NAS__NONE = -1, NAS__COPY = -2 };

typedef struct nas__view {
    int home;
    bool normed; /* through the home's norm */
    nas_activation activation;
    float slope;
} nas__view;

typedef struct nas__home {
    int node;      /* whose value it is raw: for names and errors */
    int step;      /* that writes it; NAS__NONE: the input */
    int norm_node; /* batch_norm that reads it; NAS__NONE: none */
    nas_shape shape;
    bool wants_gradient;
    /* Readers run on different paths: nobody knows beforehand who begins and who completes the gradient. */
    bool loose;
    bool
        gated; /* some gate weighs what it comes from: the gates' backward pass needs its gradient */
    int lender; /* home whose G, times a gate, is this one's: it has none of its own; NAS__NONE */
    int first_reader, last_reader; /* steps */
    bool
        cheap; /* its step can be run again just before the one step that reads it, going backward */
    /* arena reservations; `again`: z when it is recomputed; of the shared arena: statistics and reductions, a set for each
     * shard */
    int z, again, g, norm, statistics, reductions;
    int saliency; /* of a tap */
    int statistics_parts, reduction_parts;
} nas__home;

typedef struct nas__step {
    int node; /* of the graph, or NAS__COPY */
    int home; /* written; NAS__NONE for a loss */
    int input_count;
    nas__view in[NAS_OP_INPUTS];
    nas_op_sizes sizes;
    bool backward;   /* some gradient flows through it */
    int guard;       /* which has to be open for it to run (paths.c); 0: it always runs */
    int alternative; /* gate of a row that alone it serves, so that no other of the row is open when it runs; NAS__NONE */
    /* arena reservations; NAS__NONE: none */
    int saved, table, raw_in[NAS_OP_INPUTS], formed, plain[NAS_OP_INPUTS];
} nas__step;

typedef struct nas__plan {
    nas_device *device; /* sizes may depend on its kind, never on its speed; NULL: none are made */
    nas_graph graph;    /* with the loss, if any */
    int auxiliary_from, auxiliary_to; /* steps that serve auxiliary losses alone */
    nas_net_options options;
    int shards, n;    /* parts of the batch; padded samples of each */
    nas__view *views; /* per node */
    nas__home *homes;
    int home_count;
    nas__step *steps;
    int step_count;
    int output_home;
    int features_home;    /* NAS__NONE: none was asked for */
    int signs, distances; /* arena reservations of a tap */
    bool recompute;       /* cheap homes are not kept */
    int cheap_homes;      /* how many there are */
    int label_rows;       /* of the loss */
    nas_label label_first, label_others;
    int widest;  /* channels of the widest home: length of the constants */
    int scratch; /* arena reservation that all steps share */
    uint64_t *
        guards; /* per guard from 1 on the gates of which one must be open: nas__guard_words each */
    int guard_count;
    int *row_of_gate; /* options.row_of_gate, copied; NULL */
} nas__plan;

/* Puts a loss behind the output of a graph. */
nas_status nas__add_loss(nas_graph *graph, const nas_loss *loss);
/* Rows of labels that the loss at the output reads; without one, a class. */
int nas__label_rows(const nas_graph *graph, nas_label *first, nas_label *others);
/* The graph that a net of these options has: without what lies behind the output for auxiliary losses, unless these are trained. */
nas_status nas__plan_graph(const nas_graph *graph, const nas_net_options *options, nas_graph *own);
/* Homes, views and steps of a graph.  `graph` is copied (and the loss put behind it). */
nas_status nas__plan_make(nas_device *device, const nas_graph *graph,
                          const nas_net_options *options, nas__plan *plan);
void nas__plan_clear(nas__plan *plan);
/* Reserves everything that lives in the activation arena of a shard: the same for each. */
nas_status nas__plan_reserve(nas__plan *plan, nas_arena *arena);
/* Statistics and reductions of norms, where the shards meet. */
nas_status nas__plan_reserve_shared(nas__plan *plan, nas_arena *arena);
/* Floats from one shard's set of `sums` numbers per channel and part to the next one's. */
static inline uint64_t nas__set_floats(int channels, int sums, int parts)
{
    return ((uint64_t)channels * (uint64_t)sums * (uint64_t)parts + 63) / 64 * 64;
}

/* The op's fusion bits, 0 when the options say unfused. */
unsigned nas__plan_fusion(const nas__plan *plan, const nas__step *step);
static inline int nas__time_back(const nas__plan *plan, int step)
{
    return 2 * plan->step_count - 1 - step;
}
/* Floats of one home's tensor. */
static inline uint64_t nas__home_floats(const nas__plan *plan, const nas__home *home)
{
    return nas_shape_count(home->shape) * (uint64_t)plan->n;
}
/* This home is not kept from forward to backward. */
static inline bool nas__is_recomputed(const nas__plan *plan, const nas__home *home)
{
    return plan->recompute && home->cheap;
}
/* A channel vector in the norm block is padded to this many floats. */
static inline uint64_t nas__channel_floats(int channels)
{
    return ((uint64_t)channels + 15) / 16 * 16;
}
/* paths.c: guards of the steps and loose homes. */
nas_status nas__plan_guards(nas__plan *plan);
static inline size_t nas__guard_words(const nas__plan *plan)
{
    return ((size_t)nas_graph_gates(&plan->graph) + 63) / 64;
}
/* This input is the first to come to its home's gradient, going backward. */
bool nas__begins_gradient(const nas__plan *plan, int step, int input);
/* Of one of the two tables of a step. */
static inline uint64_t nas__table_floats(const nas__step *step)
{
    return (step->sizes.table + 15) / 16 * 16;
}
/* taps.c: memory of what is kept; does the saliency of this step's home count among it? */
bool nas__taps_saliency(const nas__plan *plan, const nas__step *step);
nas_status nas__taps_reserve(nas__plan *plan, nas_arena *arena);
const nas_op *nas__step_op(const nas__plan *plan, const nas__step *step); /* NULL: a copy */
/* Shapes, n, options: what sizes() and every recording need. */
void nas__plan_call(const nas__plan *plan, const nas__step *step, nas_op_call *call);
/* The view reads its home as it stands. */
static inline bool nas__view_raw(const nas__view *view)
{
    return !view->normed && view->activation == NAS_ACT_NONE;
}
/* The last step, going backward, that adds to the home's gradient: its first reader that passes gradients on. */
bool nas__completes_gradient(const nas__plan *plan, int step, int input);
/* Some input of the step before `input` reads the same home, or a later step does: the gradient is already begun.  That of a loose
 * home begins as zeros, and its sums are a pass of their own. */
bool nas__gradient_begun(const nas__plan *plan, int step, int input);
/* The gradient of this input is wanted. */
bool nas__wants_gradient(const nas__plan *plan, int step, int input);
/* This input's gradient can be handed to the op's own kernels (no second input reads the same home). */
bool nas__into_direct(const nas__plan *plan, int step, int input);

#endif
