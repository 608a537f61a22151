/* layout.c - a layered drawing of an acyclic graph, after Sugiyama, Tagawa and Toda (IEEE Trans. SMC 11, 1981).
 *
 *     layers     an item stands one layer behind the last of those that lead to it (longest path), so all lines go one way
 *     lanes      where a line passes a layer it takes a place there as if it were a thin item: no line runs through a box
 *     order      each layer is sorted by the mean place of its neighbours in the layer before it, then behind it, forth and back,
 *                and neighbours change places where that unties lines; the order with the fewest crossings is kept
 *     places     each place is drawn to the mean of those it is joined to, lines more than boxes so that they run straight; one layer at
 *                a time this is a regression with the order as its constraint, which pooling neighbours solves exactly (pool adjacent
 *                violators; Brunk 1955)
 *
 * Everything is decided by numbers and, between equal ones, by the index: the same graph is the same picture.
 *
 * The layers' direction is called the main axis here, the other one the cross axis.  Next: diagram.c. */
#include "layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ORDER_SWEEPS = 24, PLACE_SWEEPS = 40 };
static const double lane = 10; /* what a passing line takes */

/* An item, or a line where it passes a layer. */
typedef struct spot {
    int item; /* −1: a line */
    int layer, order;
    double size, at; /* on the cross axis */
    double key;      /* what it is sorted by */
} spot;

typedef struct joint {
    int from, to; /* spots in neighbouring layers */
} joint;

typedef struct work {
    nas__layout *layout;
    int layers, spot_count, joint_count;
    spot *spots;
    joint *joints;
    int **layer;        /* of each the spots in order */
    int *size;          /* how many */
    int *kept;          /* the best order so far, by spot */
    int *edge_spot;     /* of each edge the first spot of a line; the others follow */
    double *low, *high; /* of each layer on the main axis */
} work;

/* ---- layers ---------------------------------------------------------------------------------------------- */

static nas_status find_layers(nas__layout *layout)
{
    bool moved = true;
    for (int i = 0; i < layout->item_count; i++)
        layout->items[i].layer = 0;
    for (int round = 0; moved; round++) {
        if (round > layout->item_count)
            NAS_FAIL(NAS_SHAPE, "what is to be laid out in layers has a circle");
        moved = false;
        for (int e = 0; e < layout->edge_count; e++) {
            const nas__layout_item *from = &layout->items[layout->edges[e].from];
            nas__layout_item *to = &layout->items[layout->edges[e].to];
            moved |= to->layer <= from->layer;
            if (to->layer <= from->layer)
                to->layer = from->layer + 1;
        }
    }
    return NAS_OK;
}

/* Late items go as far back as what they lead to allows; those behind come first. */
static void move_late(nas__layout *layout)
{
    for (int round = 0; round < layout->item_count; round++) {
        bool moved = false;
        for (int i = layout->item_count - 1; i >= 0; i--) {
            int latest = -1;
            for (int e = 0; e < layout->edge_count && layout->items[i].late; e++) {
                const int to = layout->items[layout->edges[e].to].layer;
                if (layout->edges[e].from == i && (latest < 0 || to - 1 < latest))
                    latest = to - 1;
            }
            moved |= latest > layout->items[i].layer;
            if (latest > layout->items[i].layer)
                layout->items[i].layer = latest;
        }
        if (!moved)
            return;
    }
}

static int span_of(const nas__layout *layout, int edge)
{
    return layout->items[layout->edges[edge].to].layer -
           layout->items[layout->edges[edge].from].layer;
}

/* ---- spots and joints ------------------------------------------------------------------------------------- */

static nas_status count_spots(work *w, int most)
{
    nas__layout *layout = w->layout;
    w->spot_count = layout->item_count;
    w->joint_count = w->layers = 0;
    for (int e = 0; e < layout->edge_count; e++) {
        w->spot_count += span_of(layout, e) - 1;
        w->joint_count += span_of(layout, e);
    }
    for (int i = 0; i < layout->item_count; i++)
        if (layout->items[i].layer >= w->layers)
            w->layers = layout->items[i].layer + 1;
    if (w->spot_count > most)
        NAS_FAIL(NAS_BOUND, "%d boxes and passing lines, but at most %d are laid out",
                 w->spot_count, most);
    return NAS_OK;
}

static nas_status allocate(work *w)
{
    const size_t layers = (size_t)w->layers + 1, spots = (size_t)w->spot_count + 1;
    w->spots = calloc(spots, sizeof *w->spots);
    w->joints = calloc((size_t)w->joint_count + 1, sizeof *w->joints);
    w->layer = calloc(layers, sizeof *w->layer);
    w->size = calloc(layers, sizeof *w->size);
    w->kept = calloc(spots, sizeof *w->kept);
    w->edge_spot = calloc((size_t)w->layout->edge_count + 1, sizeof *w->edge_spot);
    w->low = calloc(layers, sizeof *w->low);
    w->high = calloc(layers, sizeof *w->high);
    bool fine = w->spots && w->joints && w->layer && w->size && w->kept && w->edge_spot && w->low &&
                w->high;
    for (int k = 0; fine && k < w->layers; k++) {
        w->layer[k] = calloc(spots, sizeof **w->layer);
        fine = w->layer[k] != NULL;
    }
    if (!fine)
        NAS_FAIL(NAS_MEMORY, "no memory to lay out %d boxes", w->layout->item_count);
    return NAS_OK;
}

static void release(work *w)
{
    for (int k = 0; w->layer && k < w->layers; k++)
        free(w->layer[k]);
    free(w->spots);
    free(w->joints);
    free(w->layer);
    free(w->size);
    free(w->kept);
    free(w->edge_spot);
    free(w->low);
    free(w->high);
}

static void add_spot(work *w, int index, int item, int layer, double size)
{
    w->spots[index] = (spot){.item = item, .layer = layer, .size = size};
    w->spots[index].order = w->size[layer];
    w->layer[layer][w->size[layer]++] = index;
}

static void make_spots(work *w)
{
    const nas__layout *layout = w->layout;
    int next = layout->item_count, joints = 0;
    for (int i = 0; i < layout->item_count; i++) {
        const nas__layout_item *item = &layout->items[i];
        add_spot(w, i, i, item->layer, layout->down ? item->width : item->height);
    }
    for (int e = 0; e < layout->edge_count; e++) {
        const nas__layout_edge *edge = &layout->edges[e];
        const int start = layout->items[edge->from].layer, span = span_of(layout, e);
        w->edge_spot[e] = next;
        for (int step = 1; step < span; step++)
            add_spot(w, next + step - 1, -1, start + step, lane);
        for (int step = 0; step < span; step++)
            w->joints[joints++] = (joint){step == 0 ? edge->from : next + step - 1,
                                          step == span - 1 ? edge->to : next + step};
        next += span - 1;
    }
}

/* ---- order -------------------------------------------------------------------------------------------------- */

static long count_crossings(const work *w)
{
    long crossings = 0;
    for (int a = 0; a < w->joint_count; a++)
        for (int b = 0; b < a; b++) {
            const joint *x = &w->joints[a], *y = &w->joints[b];
            if (w->spots[x->from].layer != w->spots[y->from].layer)
                continue;
            const int before = w->spots[x->from].order - w->spots[y->from].order;
            const int behind = w->spots[x->to].order - w->spots[y->to].order;
            crossings += (before < 0 && behind > 0) || (before > 0 && behind < 0);
        }
    return crossings;
}

static void number_layer(work *w, int k)
{
    for (int i = 0; i < w->size[k]; i++)
        w->spots[w->layer[k][i]].order = i;
}

/* The mean place of its neighbours on one side; its own where there are none. */
static void find_keys(work *w, int k, bool forth)
{
    for (int i = 0; i < w->size[k]; i++) {
        const int s = w->layer[k][i];
        double sum = 0;
        int count = 0;
        for (int j = 0; j < w->joint_count; j++) {
            const int here = forth ? w->joints[j].to : w->joints[j].from;
            if (here != s)
                continue;
            sum += w->spots[forth ? w->joints[j].from : w->joints[j].to].order;
            count++;
        }
        w->spots[s].key = count ? sum / count : w->spots[s].order;
    }
}

/* Stable: equal ones stay as they are. */
static void sort_layer(work *w, int k)
{
    int *list = w->layer[k];
    for (int i = 1; i < w->size[k]; i++)
        for (int j = i; j > 0 && w->spots[list[j]].key < w->spots[list[j - 1]].key; j--) {
            const int swap = list[j];
            list[j] = list[j - 1];
            list[j - 1] = swap;
        }
    number_layer(w, k);
}

static void keep_order(work *w)
{
    for (int s = 0; s < w->spot_count; s++)
        w->kept[s] = w->spots[s].order;
}

static void restore_order(work *w)
{
    for (int s = 0; s < w->spot_count; s++)
        w->layer[w->spots[s].layer][w->kept[s]] = s;
    for (int k = 0; k < w->layers; k++)
        number_layer(w, k);
}

/* Crossings of the lines of two spots when `a` stands in front of `b`. */
static long crossings_between(const work *w, int a, int b)
{
    long crossings = 0;
    for (int i = 0; i < w->joint_count; i++)
        for (int j = 0; j < w->joint_count; j++) {
            const joint *x = &w->joints[i], *y = &w->joints[j];
            if (x->from == a && y->from == b)
                crossings += w->spots[x->to].order > w->spots[y->to].order;
            if (x->to == a && y->to == b)
                crossings += w->spots[x->from].order > w->spots[y->from].order;
        }
    return crossings;
}

static bool untie(work *w)
{
    bool better = false;
    for (int k = 0; k < w->layers; k++)
        for (int i = 0; i + 1 < w->size[k]; i++) {
            int *list = w->layer[k];
            const int a = list[i], b = list[i + 1];
            if (crossings_between(w, a, b) <= crossings_between(w, b, a))
                continue;
            list[i] = b;
            list[i + 1] = a;
            number_layer(w, k);
            better = true;
        }
    return better;
}

static void find_order(work *w)
{
    /* looking at every pair of lines is for pictures that a person can still read */
    const bool small = w->joint_count <= 200;
    keep_order(w);
    long best = count_crossings(w);
    for (int sweep = 0; sweep < ORDER_SWEEPS && best > 0; sweep++) {
        const bool forth = sweep % 2 == 0;
        for (int k = 1; k < w->layers; k++) {
            find_keys(w, forth ? k : w->layers - 1 - k, forth);
            sort_layer(w, forth ? k : w->layers - 1 - k);
        }
        for (int round = 0; small && round < 8 && untie(w); round++)
            ;
        const long crossings = count_crossings(w);
        if (crossings < best) {
            best = crossings;
            keep_order(w);
        }
    }
    restore_order(w);
}

/* ---- places --------------------------------------------------------------------------------------------------- */

static double distance(const work *w, int a, int b)
{
    const bool lines = w->spots[a].item < 0 && w->spots[b].item < 0;
    return (w->spots[a].size + w->spots[b].size) / 2 + (lines ? 4 : w->layout->item_gap);
}

/* A run of spots that stand as near to each other as they may. */
typedef struct pool {
    int count;
    double weight, mean; /* of where the first of the layer would stand */
} pool;

/* The places of layer k nearest to `wanted` that keep order and distances. */
static void settle(work *w, int k, const double *wanted, const double *weight, pool *pools)
{
    double offset = 0;
    int count = 0;
    for (int i = 0; i < w->size[k]; i++) {
        offset += i ? distance(w, w->layer[k][i - 1], w->layer[k][i]) : 0;
        pools[count++] = (pool){1, weight[i], wanted[i] - offset};
        while (count > 1 && pools[count - 2].mean > pools[count - 1].mean) {
            pool *a = &pools[count - 2], *b = &pools[count - 1];
            a->mean = (a->mean * a->weight + b->mean * b->weight) / (a->weight + b->weight);
            a->weight += b->weight;
            a->count += b->count;
            count--;
        }
    }
    offset = 0;
    for (int i = 0, p = 0, left = pools[0].count; i < w->size[k]; i++) {
        offset += i ? distance(w, w->layer[k][i - 1], w->layer[k][i]) : 0;
        if (left == 0)
            left = pools[++p].count;
        left--;
        w->spots[w->layer[k][i]].at = pools[p].mean + offset;
    }
}

/* side −1: drawn to the layer before, 1: to the one behind, 0: to both. */
static void find_wanted(const work *w, int k, int side, double *wanted, double *weight)
{
    for (int i = 0; i < w->size[k]; i++) {
        const int s = w->layer[k][i];
        double sum = 0, total = 0;
        for (int j = 0; j < w->joint_count; j++) {
            const int other = w->joints[j].from == s && side >= 0 ? w->joints[j].to
                              : w->joints[j].to == s && side <= 0 ? w->joints[j].from
                                                                  : -1;
            if (other < 0)
                continue;
            const int lines = (w->spots[s].item < 0) + (w->spots[other].item < 0);
            const double pull = lines == 2 ? 40 : lines == 1 ? 2 : 1;
            sum += pull * w->spots[other].at;
            total += pull;
        }
        wanted[i] = total > 0 ? sum / total : w->spots[s].at;
        weight[i] = total > 0 ? total : 0.01;
    }
}

static nas_status find_places(work *w)
{
    int widest = 1;
    for (int k = 0; k < w->layers; k++)
        widest = w->size[k] > widest ? w->size[k] : widest;
    w->layout->widest = widest;
    double *wanted = calloc((size_t)widest * 2, sizeof *wanted);
    pool *pools = calloc((size_t)widest, sizeof *pools);
    if (wanted && pools) {
        for (int k = 0; k < w->layers; k++) {
            for (int i = 0; i < widest; i++)
                wanted[i] = 0, wanted[widest + i] = 1;
            settle(w, k, wanted, wanted + widest, pools);
        }
        for (int sweep = 0; sweep < PLACE_SWEEPS; sweep++)
            for (int k = 0; k < w->layers; k++) {
                const int at = sweep % 2 == 0 ? k : w->layers - 1 - k;
                const int side = sweep > PLACE_SWEEPS - 6 ? 0 : sweep % 2 == 0 ? -1 : 1;
                find_wanted(w, at, side, wanted, wanted + widest);
                settle(w, at, wanted, wanted + widest, pools);
            }
    }
    const bool fine = wanted && pools;
    free(wanted);
    free(pools);
    if (!fine)
        NAS_FAIL(NAS_MEMORY, "no memory to lay out %d boxes", w->layout->item_count);
    return NAS_OK;
}

/* ---- the result -------------------------------------------------------------------------------------------------- */

/* Layers one after the other on the main axis, and everything from 0 on. */
static void place_items(work *w)
{
    nas__layout *layout = w->layout;
    double least = 0, most = 0, at = 0;
    for (int s = 0; s < w->spot_count; s++) {
        const double low = w->spots[s].at - w->spots[s].size / 2;
        least = s == 0 || low < least ? low : least;
    }
    for (int s = 0; s < w->spot_count; s++) {
        w->spots[s].at -= least;
        const double high = w->spots[s].at + w->spots[s].size / 2;
        most = high > most ? high : most;
    }
    for (int k = 0; k < w->layers; k++) {
        double size = 0;
        for (int i = 0; i < layout->item_count; i++) {
            const double own = layout->down ? layout->items[i].height : layout->items[i].width;
            if (layout->items[i].layer == k && own > size)
                size = own;
        }
        w->low[k] = at;
        w->high[k] = at + size;
        at += size + layout->layer_gap;
    }
    for (int i = 0; i < layout->item_count; i++) {
        nas__layout_item *item = &layout->items[i];
        const double along = (w->low[item->layer] + w->high[item->layer]) / 2;
        item->x = layout->down ? w->spots[i].at : along;
        item->y = layout->down ? along : w->spots[i].at;
    }
    at -= w->layers ? layout->layer_gap : 0;
    layout->width = layout->down ? most : at;
    layout->height = layout->down ? at : most;
}

static void add_point(nas__layout *layout, double along, double across)
{
    double *point = layout->points[layout->point_count++];
    point[0] = layout->down ? across : along;
    point[1] = layout->down ? along : across;
}

static void place_edge(work *w, int e)
{
    nas__layout *layout = w->layout;
    nas__layout_edge *edge = &layout->edges[e];
    const nas__layout_item *from = &layout->items[edge->from], *to = &layout->items[edge->to];
    const double half_from = (layout->down ? from->height : from->width) / 2;
    const double half_to = (layout->down ? to->height : to->width) / 2;
    const double across_from = layout->down ? from->x : from->y;
    const double across_to = layout->down ? to->x : to->y;
    edge->first = layout->point_count;
    add_point(layout, (layout->down ? from->y : from->x) + half_from, across_from);
    add_point(layout, w->high[from->layer], across_from);
    for (int k = from->layer + 1, s = w->edge_spot[e]; k < to->layer; k++, s++) {
        add_point(layout, w->low[k], w->spots[s].at);
        add_point(layout, w->high[k], w->spots[s].at);
    }
    add_point(layout, w->low[to->layer], across_to);
    add_point(layout, (layout->down ? to->y : to->x) - half_to, across_to);
    edge->count = layout->point_count - edge->first;
}

static nas_status place_edges(work *w)
{
    nas__layout *layout = w->layout;
    const size_t most = 2 * ((size_t)w->spot_count + 2 * (size_t)layout->edge_count) + 1;
    layout->points = calloc(most, sizeof *layout->points);
    if (!layout->points)
        NAS_FAIL(NAS_MEMORY, "no memory to lay out %d lines", layout->edge_count);
    layout->point_count = 0;
    for (int e = 0; e < layout->edge_count; e++)
        place_edge(w, e);
    return NAS_OK;
}

nas_status nas__layout_run(nas__layout *layout, int most)
{
    nas_status status = NAS_OK;
    work w = {.layout = layout};
    NAS_TRY(find_layers(layout));
    move_late(layout);
    NAS_TRY(count_spots(&w, most));
    NAS_TRY_DONE(allocate(&w));
    make_spots(&w);
    find_order(&w);
    NAS_TRY_DONE(find_places(&w));
    place_items(&w);
    layout->layers = w.layers;
    NAS_TRY_DONE(place_edges(&w));
done:
    release(&w);
    return status;
}

void nas__layout_clear(nas__layout *layout)
{
    free(layout->points);
    layout->points = NULL;
    layout->point_count = 0;
}
