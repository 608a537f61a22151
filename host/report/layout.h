/* layout.h - where the boxes of an acyclic graph stand, and how its lines run between them.  Private to host/report; knows no SVG. */
#ifndef CLNAS_REPORT_LAYOUT_H
#define CLNAS_REPORT_LAYOUT_H

#include <clnas/base.h>

typedef struct nas__layout_item {
    double width, height; /* given */
    bool late; /* given: stands as near to what it leads to as can be, not to where it comes from */
    int layer; /* set, as all below */
    double x, y; /* of its centre */
} nas__layout_item;

/* A line runs through `count` points, the first on the rim of `from`, the last on that of `to`.  From an even point to the next it is
 * straight and along a layer, in a lane of its own; from an odd one it may swing, for there are no boxes between layers. */
typedef struct nas__layout_edge {
    int from, to;     /* given: items */
    int first, count; /* set: points[first] … */
} nas__layout_edge;

typedef struct nas__layout {
    nas__layout_item *items; /* the caller's */
    nas__layout_edge *edges; /* the caller's */
    int item_count, edge_count;
    bool down;                  /* layers from top to bottom; else from left to right */
    double layer_gap, item_gap; /* between layers; between neighbours in one */
    double width, height;       /* set: of all, from 0 */
    int layers, widest; /* set: how many; most places taken in one, passing lines included */
    int point_count;
    double (*points)[2];
} nas__layout;

/* Places everything.  NAS_BOUND: more than `most` places would be taken, and nothing was set but that; NAS_SHAPE: the edges make
 * a circle. */
nas_status nas__layout_run(nas__layout *layout, int most);
void nas__layout_clear(nas__layout *layout); /* the points */

#endif
