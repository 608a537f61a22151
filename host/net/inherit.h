/* inherit.h - what the files that carry weights from a parent to a child share.
 *
 *   match.c     which layer of the parent a layer of the child was
 *   descent.c   which channel of the parent a channel of the child carries; what inserted nodes have to do
 *   inherit.c   the parameters that follow from both, on the device */
#ifndef NAS_NET_INHERIT_H
#define NAS_NET_INHERIT_H

#include <clnas/net.h>

enum { NAS__NOBODY = -1 };

/* Layers, whose weights mix channels, and joints, which have several inputs. */
bool nas__is_matched(const nas_op *op, int inputs);
/* of[c]: the parent's layer or joint that c of the child is again, in order in both graphs; NAS__NOBODY for new ones and for all
 * other nodes.  `of` holds child->count. */
nas_status nas__match(const nas_graph *parent, const nas_graph *child, int *of);

/* A convolution or dense layer as its weights say. */
typedef struct nas__weight {
    int out, in, height, width; /* in: per group; height and width 1 for dense layers */
    bool depthwise;
    bool same_size; /* the output is as large as the input */
} nas__weight;

/* False for nodes that do not mix channels. */
bool nas__weight_of(const nas_graph *graph, int node, nas__weight *weight);

/* What one node of the child does with what it takes over. */
typedef struct nas__heir {
    int of;       /* node of the parent that it is again, or NAS__NOBODY: inserted */
    int value;    /* node of the parent whose value it carries, or NAS__NOBODY */
    int *from;    /* [channels] channel of `value` that each channel carries, NAS__NOBODY: none */
    bool *extra;  /* [inputs] of a sum: the parent's has nothing like it */
    int carrier;  /* inserted, several inputs: the one whose value goes on */
    bool through; /* inserted: hands its input on, as well as it can */
    bool silent;  /* inserted norm: gives 0 at first */
} nas__heir;

typedef struct nas__descent {
    const nas_graph *parent, *child;
    nas__heir *heirs; /* [child->count] */
    int *same;        /* [parent->count] the first node that is the same by what it computes */
} nas__descent;

nas_status nas__descent_make(const nas_graph *parent, const nas_graph *child,
                             nas__descent *descent);
void nas__descent_clear(nas__descent *descent);
/* Channel of a parent with `parent` channels that channel c of a child takes its place from when only the numbers differ: the
 * same one, and round again. */
int nas__channel_again(int c, int parent);

#endif
