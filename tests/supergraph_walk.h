/* supergraph_walk.h - what the tests of supernets share: opening one, and which gates its sums read. */
#ifndef SUPERGRAPH_WALK_H
#define SUPERGRAPH_WALK_H

#include "space_walk.h"

/* One operator `mixed` per input: the gate of its first candidate, as the graph's text says. */
typedef struct supergraph_sum {
    int gates[NAS_OP_INPUTS];
    int count; /* 0: the node is no `mixed` */
} supergraph_sum;

typedef struct supergraph {
    nas_domain *domain;
    nas_graph graph;
    nas_gate_table table;
    supergraph_sum *sums; /* of every node */
} supergraph;

/* Fails the test when the space refuses. */
supergraph supergraph_open(const char *space, const char *options, nas_shape input,
                           nas_supergraph_options how);
void supergraph_close(supergraph *super);
bool is_op(const nas_graph *graph, int node, const char *op);

#endif
