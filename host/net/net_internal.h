/* net_internal.h - the net itself, shared by the files of this room. */
#ifndef NAS_NET_INTERNAL_H
#define NAS_NET_INTERNAL_H

#include "plan.h"

/* A part of the batch: what is computed of it, from its input to its share of the gradients, is its own. */
typedef struct nas__shard {
    nas_arena *arena;
    int first, real; /* samples of the batch */
    nas_tensor labels, metrics, gate_gradients;
    nas_tensor gradients; /* of all parameters; shard 0's become the net's */
} nas__shard;

struct nas_net {
    nas_device *device;
    nas_graph graph; /* as given, without the loss */
    nas__plan plan;
    nas__shard shards[NAS_SHARDS]; /* plan.shards of them */
    nas_arena *shared;             /* statistics and reductions, where shards meet */
    nas_net_memory memory;
    nas_buffer *parameters, *gradients, *states; /* flat blocks; gradients NULL without training */
    nas_buffer *shard_gradients;                 /* of shards 1 …; NULL with one */
    nas_buffer *small;                           /* step block, labels, metrics, constants */
    nas_tensor step, labels, metrics, ones, zeros, gates;
    nas_net_block block;
    nas_buffer *masks; /* owners and open guards of nets with paths; NULL */
    nas_strip_mask mask;
    uint32_t *open; /* the same guards as the tapes see them */
    bool runs;      /* the path that is set is one of a pass, not of an update alone */
    nas_net_parameter *list;
    int list_count;
    bool
        going_back; /* while a backward tape is recorded: recomputed homes are where they are then */
    nas_tape *forward, *backward, *backward_gates, *backward_output, *evaluate;
};

/* weights.c: where each parameter lies; sets net->list and the block's counts (no memory yet). */
nas_status nas__net_lay_out(nas_net *net, uint64_t *trained_floats, uint64_t *state_floats);
nas_status nas__net_bind(nas_net *net);
const nas_net_parameter *nas__net_parameter(const nas_net *net, int node, int parameter);

/* record_forward.c, record_backward.c */
nas_status nas__record_forward(nas_net *net, bool training, nas_tape *tape);
/* One step, for each shard: its kernels and the norm of what it wrote. */
nas_status nas__record_step(nas_net *net, int step, bool training, nas_tape *tape);
/* One step's kernels alone, once more: what it wrote into the home, to the same bits. */
nas_status nas__record_again(nas_net *net, int shard, int step, nas_tape *tape);
typedef enum nas__wanted {
    NAS__ALL,         /* parameters and gates, from the loss */
    NAS__GATES,       /* only what lies between the loss and the gates; no parameters, no taps */
    NAS__FROM_OUTPUT, /* all, from dL/d(output) as it is; without taps */
} nas__wanted;
nas_status nas__record_backward(nas_net *net, nas__wanted wanted, nas_tape *tape);

/* paths.c: who owns which strip of parameters; all guards are open.  Once the tapes are recorded. */
nas_status nas__net_make_masks(nas_net *net);

/* taps.c: the signs of what is read from a home, once it is written; NAS__NONE: before the first step.  The saliency of a
 * step's home, once its gradient is complete and has its coefficients. */
nas_status nas__record_signs(nas_net *net, int home, nas_tape *tape);
nas_status nas__record_saliency(nas_net *net, int step, nas_tape *tape);

/* Pieces that both directions use. */
nas_tensor nas__home_z(const nas_net *net, int shard, int home);
/* Its own G, or the one it borrows. */
nas_tensor nas__home_g(const nas_net *net, int shard, int home);
void nas__home_norm(const nas_net *net, int shard, int home, nas_norm *norm);
nas_read nas__read_of(const nas_net *net, int shard, const nas__view *view);
/* Options, shapes, parameters, scratch, step, inputs as the op wants to read them. */
void nas__fill_call(const nas_net *net, int shard, int step, bool training, nas_op_call *call);
/* The norm call of a home's batch_norm node.  Only shard 0's writes gradients and, in training, running statistics. */
void nas__fill_norm_call(const nas_net *net, int shard, int home, bool training,
                         nas_norm_call *call);
/* Of the shard's arena; none for NAS__NONE. */
nas_tensor nas__reserved(const nas_net *net, int shard, int reservation);
/* The set of a shard among statistics or reductions, `sums` numbers per channel and part. */
nas_tensor nas__shared_set(const nas_net *net, int shard, int reservation, int channels, int sums,
                           int parts);

#endif
