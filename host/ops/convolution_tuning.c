/* convolution_tuning.c - what clnas-tune may change about a convolution's kernels, and what of a table is believed.
 *
 * A row's key is a kind of work: way, kernel, stride, dilation, pass, and a class of shapes, for instance
 *
 *     conv2d 3x3 s1 d1 forward wide          wide: more than 24 channels to make; narrow; vector: images of one pixel (dense)
 *
 * Parameters that leave every sum alone (the canonical class; cl/conv2d.cl and depthwise.cl say why, tests/test_tuning.c holds them to it):
 *
 *     lanes            4, 8, 16: samples of a register vector
 *     kt, pt           register tile of forward and input gradient: channels × pixels
 *     items            work-items per unit of the device that are enough; fewer make more channels each from what they packed
 *     kt_weight, ct    register tile of the weight gradient: output × input channels
 *     group            strips of a depthwise work-item, forward and input gradient
 *     local            work-items of a group, where kernels are not threads of the host
 *
 * and those that do not, for inexact rows only:
 *
 *     registers        packed values of a block of channels: blocks are added up one after the other
 *     group            in the depthwise weight gradient
 *     way              1 + one of convolution_plan.h's ways: CLBlast for matrix products, packing kernels on a GPU …
 *
 * Without a table, tiles follow the device's native width (`usual` below, and the .cl files): with 16 lanes those made for 32
 * registers of AVX-512; with 8, those that 16 registers hold.  A value that a row does not name stays the usual one. */
#include "convolution_plan.h"

#include <stdio.h>
#include <string.h>

_Static_assert(NAS_TUNING_PLAIN == 1 + PLAIN, "ops.h names the plain way");

/* ---- keys --------------------------------------------------------------------------------------------------- */

static const char *class_of(const nas__convolution *c, nas_op_pass pass)
{
    enum { NARROW_MOST = 24 };
    const int made = pass == NAS_PASS_FORWARD ? c->out.c
                     : pass == NAS_PASS_INPUT ? c->in.c
                                              : least(c->in.c, c->out.c);
    if (c->in.h * c->in.w == 1 || c->plane > 1)
        return "vector";
    return made <= NARROW_MOST ? "narrow" : "wide";
}

static void key_of(const nas__convolution *c, way as, nas_op_pass pass, char *key, size_t size)
{
    static const char *const ways[] = {
        [FAST] = "conv2d", [DEPTHWISE] = "depthwise", [PLAIN] = "plain", [PRODUCT] = "product"};
    static const char *const passes[] = {"forward", "input", "weight"};
    snprintf(key, size, "%s %dx%d s%d d%d %s %s", ways[as], c->kernel_h, c->kernel_w, c->stride,
             c->dilation, passes[pass], class_of(c, pass));
}

/* ---- what holds ----------------------------------------------------------------------------------------------- */

static bool is_power_of_two(int value, int most)
{
    return value > 0 && value <= most && (value & (value - 1)) == 0;
}

/* depthwise.cl: PT divides BLOCK_W; the weight gradient takes pixels by 4, or by 7 where PT is a multiple of it. */
static bool depthwise_pixels(const nas__convolution *c, int pt, nas_op_pass pass)
{
    return pt <= 16 && nas__depthwise_block_w(c) % pt == 0 &&
           (pass != NAS_PASS_WEIGHT || pt % 4 == 0 || pt % 7 == 0);
}

static bool depthwise_group_fits(const nas__convolution *c, int group)
{
    enum { RING_MOST = 1024 };
    return group == 1 ||
           ((group == 2 || group == 4) && group * nas__depthwise_ring(c) <= RING_MOST);
}

/* Is this possible for the convolution?  Zeros always are. */
static bool holds(const tuned *t, const nas__convolution *c, nas_op_pass pass, bool inexact)
{
    const bool depthwise = c->groups > 1;
    const bool canonical = !t->registers && !t->way && (!t->group || pass != NAS_PASS_WEIGHT);
    const int tile = (t->kt_weight ? t->kt_weight : 1) * (t->ct ? t->ct : 1);
    return (inexact || canonical) &&
           (!t->lanes || t->lanes == 4 || is_power_of_two(t->lanes, 16)) && t->lanes != 1 &&
           t->lanes != 2 && t->kt <= 8 && t->items <= 64 && t->kt_weight <= 8 && t->ct <= 8 &&
           tile * c->kernel_w <= 64 &&
           (!t->pt ||
            (depthwise ? depthwise_pixels(c, t->pt, pass) : is_power_of_two(t->pt, PB))) &&
           (!t->group || depthwise_group_fits(c, t->group)) &&
           (!t->local || is_power_of_two(t->local, 1024)) &&
           (!t->registers || (t->registers >= 64 && is_power_of_two(t->registers, 2048))) &&
           t->way <= 1 + PRODUCT;
}

static tuned of_row(const nas_tuning_row *row)
{
    return (tuned){.lanes = nas_tuning_value_of(row, "lanes", 0),
                   .kt = nas_tuning_value_of(row, "kt", 0),
                   .pt = nas_tuning_value_of(row, "pt", 0),
                   .items = nas_tuning_value_of(row, "items", 0),
                   .kt_weight = nas_tuning_value_of(row, "kt_weight", 0),
                   .ct = nas_tuning_value_of(row, "ct", 0),
                   .group = nas_tuning_value_of(row, "group", 0),
                   .local = nas_tuning_value_of(row, "local", 0),
                   .registers = nas_tuning_value_of(row, "registers", 0),
                   .way = nas_tuning_value_of(row, "way", 0)};
}

/* Where nothing is tuned; 0: as the .cl file says for the device's lanes.  A processor of 8 lanes takes a strip of 16 samples as two
 * registers: a line of the cache is then used whole, the first time it is fetched, and a weight serves both. */
static tuned usual(const nas__convolution *c, const nas_op_call *call, way as, nas_op_pass pass)
{
    const nas_device_info *info = nas_device_describe(call->device);
    const bool halves =
        info->on_host && info->native_float_lanes == 8 && !nas_device_lanes_given(call->device);
    if (halves && as == FAST && pass != NAS_PASS_WEIGHT)
        return (tuned){.lanes = 16, .kt = KT, .pt = 1};
    if (halves && as == DEPTHWISE && c->stride == 1 &&
        (pass == NAS_PASS_INPUT || (pass == NAS_PASS_FORWARD && c->kernel_w > 3)))
        return (tuned){.lanes = 16, .pt = 4};
    return (tuned){.lanes = 0};
}

/* What a row says, the rest as usual. */
static tuned merged(tuned t, tuned rest)
{
    int *const to[] = {&t.lanes, &t.kt, &t.pt, &t.items, &t.kt_weight, &t.ct, &t.group};
    const int from[] = {rest.lanes,     rest.kt, rest.pt,   rest.items,
                        rest.kt_weight, rest.ct, rest.group};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++)
        if (!*to[i])
            *to[i] = from[i];
    return t;
}

tuned nas__convolution_tuned(const nas__convolution *c, const nas_op_call *call, nas_op_pass pass)
{
    const nas_tuning *table = nas_device_tuning(call->device);
    const way as = nas__convolution_way(c, call);
    const tuned rest = usual(c, call, as, pass);
    char key[64];
    if (table->count == 0 || nas__convolution_plain)
        return rest;
    key_of(c, as, pass, key, sizeof key);
    const nas_tuning_row *row = nas_tuning_find(table, key);
    if (!row)
        return rest;
    const tuned t = of_row(row);
    if (holds(&t, c, pass, row->inexact))
        return merged(t, rest);
    nas_log(NAS_LOG_DEBUG, "tuning row \"%s\" is not possible here and is left out", key);
    return rest;
}

/* ---- candidates, the most promising first ----------------------------------------------------------------------- */

typedef struct list {
    const char *key;
    nas_tuning_row *rows;
    int count, most;
    bool inexact;
} list;

/* Up to three values; those that are 0 are left out. */
static void add(list *l, const char *a, int a_value, const char *b, int b_value, const char *c,
                int c_value)
{
    const char *const names[] = {a, b, c};
    const int values[] = {a_value, b_value, c_value};
    if (l->count == l->most)
        return;
    nas_tuning_row *row = &l->rows[l->count++];
    *row = (nas_tuning_row){.inexact = l->inexact, .gain = 1};
    snprintf(row->key, sizeof row->key, "%s", l->key);
    for (int i = 0; i < 3; i++)
        if (values[i]) {
            nas_tuning_value *v = &row->values[row->count++];
            snprintf(v->name, sizeof v->name, "%s", names[i]);
            v->value = values[i];
        }
}

typedef struct tile {
    int lanes, a, b;
} tile;

static void add_tiles(list *l, const tile *tiles, int count, const char *a, const char *b)
{
    for (int i = 0; i < count; i++)
        add(l, "lanes", tiles[i].lanes, a, tiles[i].a, b, tiles[i].b);
}
#define ADD_TILES(list, tiles, a, b) add_tiles(list, tiles, sizeof tiles / sizeof tiles[0], a, b)

static void add_fast(list *l, const nas__convolution *c, nas_op_pass pass)
{
    static const tile pixels[] = {{16, 4, 1}, {8, 4, 2},  {16, 4, 2}, {8, 6, 2},  {8, 2, 4},
                                  {16, 2, 2}, {16, 4, 4}, {8, 4, 4},  {16, 6, 1}, {8, 8, 1},
                                  {16, 6, 2}, {8, 3, 4},  {4, 4, 2},  {4, 4, 4}};
    static const tile points[] = {{8, 3, 4},  {16, 2, 2}, {8, 4, 2}, {8, 4, 3},
                                  {16, 4, 2}, {8, 2, 4},  {8, 3, 3}, {16, 4, 4},
                                  {8, 4, 4},  {16, 2, 4}, {4, 4, 2}};
    static const tile triples[] = {{8, 2, 2},  {16, 1, 2}, {16, 2, 1}, {8, 4, 1},
                                   {16, 4, 1}, {8, 3, 1},  {8, 2, 1},  {16, 4, 2},
                                   {8, 4, 2},  {4, 4, 1},  {4, 2, 2}};
    static const tile wide[] = {{16, 2, 1}, {8, 2, 1},  {8, 4, 1},
                                {16, 1, 1}, {16, 4, 1}, {8, 1, 2}};
    if (pass != NAS_PASS_WEIGHT) {
        ADD_TILES(l, pixels, "kt", "pt");
        for (int items = 1; items <= 16; items *= 2)
            if (items != 4)
                add(l, "items", items, "", 0, "", 0);
    } else if (c->kernel_w == 1) {
        ADD_TILES(l, points, "kt_weight", "ct");
    } else if (c->kernel_w <= 3) {
        ADD_TILES(l, triples, "kt_weight", "ct");
    } else {
        ADD_TILES(l, wide, "kt_weight", "ct");
    }
}

static void add_depthwise(list *l, nas_op_pass pass)
{
    static const tile pixels[] = {{16, 4, 0}, {8, 2, 0},  {16, 2, 0}, {8, 4, 0},
                                  {8, 8, 0},  {16, 8, 0}, {8, 7, 0},  {16, 7, 0}};
    static const tile weights[] = {{16, 0, 0}, {8, 0, 0}, {16, 4, 0}, {8, 8, 0}};
    if (pass == NAS_PASS_WEIGHT) {
        ADD_TILES(l, weights, "pt", "group");
        return;
    }
    ADD_TILES(l, pixels, "pt", "group");
    for (int group = 1; group <= 4; group *= 2)
        add(l, "group", group, "", 0, "", 0);
}

static void add_inexact(list *l, const nas__convolution *c, const nas_op_call *call, way as,
                        nas_op_pass pass)
{
    l->inexact = true;
    if (nas__convolution_way_as(c, call, PRODUCT, as) != as)
        add(l, "way", 1 + PRODUCT, "", 0, "", 0);
    if (as == PLAIN)
        for (int other = FAST; other <= DEPTHWISE; other++)
            if (nas__convolution_way_as(c, call, (way)other, as) != as)
                add(l, "way", 1 + other, "", 0, "", 0);
    if (as == FAST && c->kernel_h > 1 && pass != NAS_PASS_WEIGHT) {
        add(l, "registers", 256, "", 0, "", 0);
        add(l, "registers", 1024, "", 0, "", 0);
    }
    if (as == DEPTHWISE && pass == NAS_PASS_WEIGHT)
        for (int group = 1; group <= 4; group *= 2)
            add(l, "group", group, "", 0, "", 0);
}

/* What the .cl files take where nothing is said. */
static tuned of_files(const nas__convolution *c, const nas_op_call *call, way as, int lanes)
{
    lanes = lanes ? lanes : nas_device_lanes(call->device);
    const bool wide = lanes == 16;
    if (as == DEPTHWISE)
        return (tuned){.lanes = lanes, .pt = wide ? 0 : 4};
    return (tuned){.lanes = lanes,
                   .kt = KT,
                   .pt = wide ? 4 : 2,
                   .kt_weight = wide ? (c->kernel_w <= 6 ? 4 : 2) : (c->kernel_w == 1 ? 3 : 2),
                   .ct = c->kernel_w == 1   ? 4
                         : c->kernel_w <= 3 ? 2
                                            : 1};
}

/* A row that says what is usual is no candidate; the first one, which says nothing, stays. */
static bool is_usual(const tuned *row, const nas__convolution *c, const nas_op_call *call, way as,
                     nas_op_pass pass)
{
    const tuned none = {.lanes = 0};
    tuned rest = usual(c, call, as, pass), t = merged(*row, rest);
    if (memcmp(row, &none, sizeof none) == 0)
        return false;
    rest = merged(rest, of_files(c, call, as, rest.lanes));
    t = merged(t, of_files(c, call, as, t.lanes));
    return memcmp(&rest, &t, sizeof t) == 0;
}

int nas__convolution_candidates(const nas__convolution *c, const nas_op_call *call,
                                nas_op_pass pass, bool inexact, nas_tuning_row *rows, int most)
{
    const way as = nas__convolution_way(c, call);
    char key[64];
    list l = {.key = key, .rows = rows, .most = most};
    key_of(c, as, pass, key, sizeof key);
    if (as == PRODUCT)
        return 0;
    add(&l, "", 0, "", 0, "", 0);
    if (as == FAST)
        add_fast(&l, c, pass);
    else if (as == DEPTHWISE)
        add_depthwise(&l, pass);
    else if (!nas_device_describe(call->device)->on_host && pass != NAS_PASS_WEIGHT)
        for (int local = 16; local <= 256; local *= 2)
            if (local != 64)
                add(&l, "local", local, "", 0, "", 0);
    if (inexact)
        add_inexact(&l, c, call, as, pass);
    int count = 0;
    for (int i = 0; i < l.count; i++) {
        const tuned t = of_row(&rows[i]);
        if (holds(&t, c, pass, rows[i].inexact) && !is_usual(&t, c, call, as, pass))
            rows[count++] = rows[i];
    }
    return count;
}
