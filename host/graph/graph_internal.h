/* graph_internal.h - what the files of this room share. */
#ifndef NAS_GRAPH_INTERNAL_H
#define NAS_GRAPH_INTERNAL_H

#include <clnas/graph.h>

/* nas_graph_add with plain option text and the place it came from (file may be NULL). */
nas_status nas__graph_add_text(nas_graph *graph, const char *op_name, const int *inputs,
                               int input_count, const char *options, const char *file, int line,
                               int *node);

#endif
