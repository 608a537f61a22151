/* moving.c - operators that compute nothing and move values: axes renamed, exchanged, cut, widened, joined.
 *
 * Reshapes are bookkeeping (importing.h).  The others happen on images of three axes: what lies before the axis that is acted on
 * together as channels, that axis as rows, and what lies behind as columns. */
#include "importing.h"

#include <stdlib.h>
#include <string.h>

/* Everything before an axis, the axis, everything behind. */
static nas_shape around(const nas__axes *axes, int axis)
{
    return (nas_shape){(int)nas__axes_product(axes, 0, axis), (int)axes->length[axis],
                       (int)nas__axes_product(axes, axis + 1, axes->rank)};
}

/* A list of numbers that old opsets have as an attribute and new ones as an input. */
static nas_status read_list(nas__importing *i, const char *name, int input, const int64_t **list,
                            int *count)
{
    const nas__constant *given;
    NAS_TRY(nas__ints_attribute(i, name, list, count));
    NAS_TRY(nas__numbers(i, input, &given));
    if (given && nas__axes_count(&given->axes) > 64)
        NAS__REFUSE(i, NAS_DATA, "%s has over 64 numbers", name);
    if (given) {
        *list = given->numbers;
        *count = (int)nas__axes_count(&given->axes);
    }
    return NAS_OK;
}

/* ---- axes renamed ------------------------------------------------------------------------------------------------- */

/* Does the first number of a shape stand for the batch, where the others have room for `count` values? */
static bool is_batch(const nas__importing *i, int64_t length, const int64_t *others,
                     int other_count, int64_t count)
{
    int64_t product = 1;
    if (length == 0 || length == NAS__BATCH || (i->batch > 0 && length == i->batch))
        return true;
    for (int k = 0; k < other_count; k++) {
        if (others[k] < 1 || product > count / others[k])
            return false;
        product *= others[k];
    }
    return length == -1 && product == count;
}

/* One length may be −1: what is left. */
static nas_status fill_open(const nas__importing *i, nas__axes *axes, int64_t count)
{
    int64_t rest = count;
    int open = -1;
    for (int k = 0; k < axes->rank; k++) {
        if (axes->length[k] == -1 && open < 0)
            open = k;
        else if (axes->length[k] < 1 || rest % axes->length[k])
            NAS__REFUSE(i, NAS_DATA, "%lld values do not fit the new axes", (long long)count);
        else
            rest /= axes->length[k];
    }
    if (open >= 0)
        axes->length[open] = rest;
    else if (rest != 1)
        NAS__REFUSE(i, NAS_DATA, "%lld values do not fit the new axes", (long long)count);
    return NAS_OK;
}

nas_status nas__read_reshape(nas__importing *i)
{
    const int batch = nas__batch_axes(i);
    const int64_t *list;
    int64_t allow_zero;
    int count;
    nas__value *x;
    nas__axes axes = {.rank = 0};
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__int_attribute(i, "allowzero", 0, &allow_zero));
    NAS_TRY(read_list(i, "shape", 1, &list, &count));
    const int64_t values = nas__axes_count(&x->axes);
    if (!list || count < batch || count > NAS__RANK)
        NAS__REFUSE(i, NAS_CONFIG, "a shape of %d numbers; %d to %d are supported", count, batch,
                    NAS__RANK);
    if (batch && !is_batch(i, list[0], list + 1, count - 1, values))
        NAS__REFUSE(i, NAS_CONFIG,
                    "its new first axis is %lld, which does not leave the batch alone",
                    (long long)list[0]);
    for (int k = batch; k < count; k++) {
        const bool same = list[k] == 0 && !allow_zero && k - batch < x->axes.rank;
        axes.length[axes.rank++] = same ? x->axes.length[k - batch] : list[k];
    }
    NAS_TRY(fill_open(i, &axes, values));
    return nas__give(i, x->node, &axes);
}

nas_status nas__read_flatten(nas__importing *i)
{
    nas__value *x;
    int64_t axis;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__int_attribute(i, "axis", 1, &axis));
    const int all = x->axes.rank + nas__batch_axes(i);
    const int64_t at = axis < 0 ? axis + all : axis;
    if (at < 0 || at > all)
        NAS__REFUSE(i, NAS_DATA, "axis %lld of a value with %d", (long long)axis, all);
    if (nas__batch_axes(i)) {
        if (at != 1)
            NAS__REFUSE(i, NAS_CONFIG, "it joins the batch with other axes");
        return nas__give(i, x->node, &(nas__axes){1, {nas__axes_count(&x->axes)}});
    }
    const nas__axes axes = {2,
                            {nas__axes_product(&x->axes, 0, (int)at),
                             nas__axes_product(&x->axes, (int)at, x->axes.rank)}};
    return nas__give(i, x->node, &axes);
}

nas_status nas__read_squeeze(nas__importing *i)
{
    const int64_t *list;
    int count;
    bool gone[NAS__RANK] = {false};
    nas__value *x;
    nas__axes axes = {.rank = 0};
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(read_list(i, "axes", 1, &list, &count));
    if (!list)
        NAS__REFUSE(i, NAS_CONFIG, "it takes every axis of 1, maybe the batch; name the axes");
    for (int k = 0; k < count; k++) {
        int own;
        NAS_TRY(nas__axis(i, list[k], x->axes.rank, &own));
        if (x->axes.length[own] != 1)
            NAS__REFUSE(i, NAS_DATA, "axis %lld is %lld long", (long long)list[k],
                        (long long)x->axes.length[own]);
        gone[own] = true;
    }
    for (int k = 0; k < x->axes.rank; k++)
        if (!gone[k])
            axes.length[axes.rank++] = x->axes.length[k];
    return nas__give(i, x->node, &axes);
}

nas_status nas__read_unsqueeze(nas__importing *i)
{
    const int64_t *list;
    int count, taken = 0;
    bool added[NAS__RANK] = {false};
    nas__value *x;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(read_list(i, "axes", 1, &list, &count));
    nas__axes axes = {.rank = x->axes.rank + count};
    if (axes.rank > NAS__RANK)
        NAS__REFUSE(i, NAS_CONFIG, "its result has %d axes, %d are supported", axes.rank,
                    NAS__RANK);
    for (int k = 0; k < count; k++) {
        int own;
        NAS_TRY(nas__axis(i, list[k], axes.rank, &own));
        if (added[own])
            NAS__REFUSE(i, NAS_DATA, "axis %lld twice", (long long)list[k]);
        added[own] = true;
    }
    for (int k = 0; k < axes.rank; k++)
        axes.length[k] = added[k] ? 1 : x->axes.length[taken++];
    return nas__give(i, x->node, &axes);
}

/* ---- axes exchanged ------------------------------------------------------------------------------------------------- */

/* Axes of 1 left out, and those that stay side by side taken together: what really is exchanged. */
static void simplify(const nas__axes *axes, const int *order, nas__axes *few,
                     int few_order[NAS__RANK])
{
    int group[NAS__RANK], groups = 0, first[NAS__RANK], last = -2;
    for (int k = 0; k < axes->rank; k++) { /* in the order of the result */
        if (axes->length[order[k]] == 1)
            continue;
        bool follows = groups > 0 && order[k] > last;
        for (int between = last + 1; follows && between < order[k]; between++)
            follows = axes->length[between] == 1;
        if (!follows)
            first[groups++] = order[k];
        group[order[k]] = groups - 1;
        last = order[k];
    }
    int at[NAS__RANK]; /* where each group stands in the input */
    for (int g = 0; g < groups; g++) {
        at[g] = 0;
        for (int other = 0; other < groups; other++)
            at[g] += first[other] < first[g];
        few_order[g] = at[g];
    }
    few->rank = groups;
    for (int g = 0; g < groups; g++)
        few->length[g] = 1;
    for (int k = 0; k < axes->rank; k++)
        if (axes->length[k] != 1)
            few->length[at[group[k]]] *= axes->length[k];
}

/* Axis `axis` to the front: [before][axis][behind] to [axis][before][behind]. */
static nas_status bring_front(nas__importing *i, int node, const nas__axes *axes, int axis,
                              int *result)
{
    const nas_shape cut = around(axes, axis), now = nas__shape_of(i, node);
    *result = node;
    if (cut.c == 1)
        return NAS_OK;
    if (now.c == cut.c * cut.h && now.h * now.w == cut.w) /* channels that change places */
        return nas__emit_one(i, "shuffle", node, result, "groups = %d", cut.c);
    NAS_TRY(nas__shaped(i, node, cut, result));
    return nas__emit_one(i, "transpose", *result, result, "order = [1, 0, 2]");
}

/* Does one axis come to the front, and the others stay as they are? */
static bool only_front(const nas__axes *axes, const int *order)
{
    for (int k = 2; k < axes->rank; k++)
        if (order[k] < order[k - 1])
            return false;
    return true;
}

nas_status nas__transposed(nas__importing *i, int node, const nas__axes *axes, const int *order,
                           int *result)
{
    nas__axes few;
    int few_order[NAS__RANK];
    simplify(axes, order, &few, few_order);
    *result = node;
    if (few.rank < 2)
        return NAS_OK;
    if (only_front(&few, few_order))
        return bring_front(i, node, &few, few_order[0], result);
    if (few.rank == 3) {
        NAS_TRY(nas__shaped(i, node,
                            (nas_shape){(int)few.length[0], (int)few.length[1], (int)few.length[2]},
                            result));
        return nas__emit_one(i, "transpose", *result, result, "order = [%d, %d, %d]", few_order[0],
                             few_order[1], few_order[2]);
    }
    int now[NAS__RANK]; /* which of the few stands where */
    for (int k = 0; k < few.rank; k++)
        now[k] = k;
    for (int k = few.rank - 1; k >= 0;
         k--) { /* the last to the front first, so that it ends last */
        int at = 0;
        nas__axes lengths = few;
        for (int j = 0; j < few.rank; j++) {
            lengths.length[j] = few.length[now[j]];
            if (now[j] == few_order[k])
                at = j;
        }
        NAS_TRY(bring_front(i, *result, &lengths, at, result));
        const int moved = now[at];
        memmove(now + 1, now, (size_t)at * sizeof *now);
        now[0] = moved;
    }
    return NAS_OK;
}

nas_status nas__read_transpose(nas__importing *i)
{
    const int batch = nas__batch_axes(i);
    const int64_t *list;
    int count, order[NAS__RANK], own_node;
    bool seen[NAS__RANK] = {false};
    nas__value *x;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__ints_attribute(i, "perm", &list, &count));
    const int rank = x->axes.rank;
    if (list ? count != rank + batch : batch && rank > 0)
        NAS__REFUSE(i, list ? NAS_DATA : NAS_CONFIG, "perm does not leave the batch in front");
    if (list && batch && list[0] != 0)
        NAS__REFUSE(i, NAS_CONFIG, "it moves the batch");
    nas__axes axes = {.rank = rank};
    for (int k = 0; k < rank; k++) {
        const int64_t from = list ? list[k + batch] - batch : rank - 1 - k;
        if (from < 0 || from >= rank || seen[from])
            NAS__REFUSE(i, NAS_DATA, "perm has axis %lld, or has it twice",
                        (long long)(from + batch));
        seen[from] = true;
        order[k] = (int)from;
        axes.length[k] = x->axes.length[from];
    }
    NAS_TRY(nas__transposed(i, x->node, &x->axes, order, &own_node));
    return nas__give(i, own_node, &axes);
}

/* ---- cut and widened ------------------------------------------------------------------------------------------------- */

nas_status nas__padded(nas__importing *i, int node, const int before[3], const int after[3],
                       float value, int *result)
{
    bool any = false;
    for (int k = 0; k < 3; k++)
        any = any || before[k] || after[k];
    *result = node;
    if (!any)
        return NAS_OK;
    return nas__emit_one(i, "pad", node, result,
                         "before = [%d, %d, %d]; after = [%d, %d, %d]; value = %.9g", before[0],
                         before[1], before[2], after[0], after[1], after[2], (double)value);
}

/* The same along axes of a value: an image's at once, others one after the other. */
static nas_status pad_axes(nas__importing *i, const nas__value *x, const int *before,
                           const int *after, float value, int *node, nas__axes *axes)
{
    const int image[4][3] = {{0}, {0}, {0, 2}, {0, 1, 2}}; /* axes of an image, by rank */
    *axes = x->axes;
    *node = x->node;
    if (axes->rank >= 1 && axes->rank <= 3) {
        int begin[3] = {0}, end[3] = {0};
        for (int k = 0; k < axes->rank; k++) {
            begin[image[axes->rank][k]] = before[k];
            end[image[axes->rank][k]] = after[k];
            axes->length[k] += before[k] + after[k];
        }
        NAS_TRY(nas__shaped(i, *node, nas__image_of(&x->axes), node));
        return nas__padded(i, *node, begin, end, value, node);
    }
    for (int k = 0; k < axes->rank; k++) {
        if (!before[k] && !after[k])
            continue;
        NAS_TRY(nas__shaped(i, *node, around(axes, k), node));
        NAS_TRY(nas__padded(i, *node, (int[3]){0, before[k], 0}, (int[3]){0, after[k], 0}, value,
                            node));
        axes->length[k] += before[k] + after[k];
    }
    return NAS_OK;
}

/* Borders in the order of the sample's axes. */
static nas_status read_borders(nas__importing *i, const nas__value *x, int *before, int *after)
{
    const int batch = nas__batch_axes(i), all = x->axes.rank + batch;
    const int64_t *list, *named;
    int count, named_count;
    NAS_TRY(read_list(i, "pads", 1, &list, &count));
    if (!list)
        NAS_TRY(nas__ints_attribute(i, "paddings", &list, &count));
    NAS_TRY(read_list(i, "", 3, &named, &named_count));
    const int each = named ? named_count : all;
    if (!list || count != 2 * each)
        NAS__REFUSE(i, NAS_DATA, "pads has %d numbers for %d axes", count, each);
    for (int k = 0; k < each; k++) {
        const int64_t at = named ? (named[k] < 0 ? named[k] + all : named[k]) : k;
        const int64_t begin = list[k], end = list[each + k];
        if (at < 0 || at >= all || begin < -1048576 || begin > 1048576 || end < -1048576 ||
            end > 1048576)
            NAS__REFUSE(i, NAS_DATA, "a border of %lld and %lld on axis %lld", (long long)begin,
                        (long long)end, (long long)at);
        if (at < batch && (begin || end))
            NAS__REFUSE(i, NAS_CONFIG, "a border around the batch");
        if (at < batch)
            continue;
        before[at - batch] = (int)begin;
        after[at - batch] = (int)end;
    }
    return NAS_OK;
}

nas_status nas__read_pad(nas__importing *i)
{
    int before[NAS__RANK] = {0}, after[NAS__RANK] = {0}, node;
    const nas__constant *given;
    nas__axes axes;
    nas__value *x;
    char mode[32];
    float value;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(nas__text_attribute(i, "mode", "constant", mode));
    if (strcmp(mode, "constant") != 0)
        NAS__REFUSE(i, NAS_CONFIG, "a border of mode %s; constant is supported", mode);
    NAS_TRY(nas__float_attribute(i, "value", 0, &value));
    NAS_TRY(nas__floats(i, 2, &given));
    if (given && nas__axes_count(&given->axes) != 1)
        NAS__REFUSE(i, NAS_DATA, "its border has %lld values",
                    (long long)nas__axes_count(&given->axes));
    if (given)
        value = given->floats[0];
    value = value < -3.4e38f ? -3.4e38f : value > 3.4e38f ? 3.4e38f : value;
    NAS_TRY(read_borders(i, x, before, after));
    NAS_TRY(pad_axes(i, x, before, after, value, &node, &axes));
    return nas__give(i, node, &axes);
}

/* ---- Slice ---------------------------------------------------------------------------------------------------------- */

typedef struct cut {
    int from, count, step; /* of an axis */
} cut;

static int64_t clamp(int64_t value, int64_t length)
{
    const int64_t counted = value < 0 ? value + length : value;
    return counted < 0 ? 0 : counted > length ? length : counted;
}

/* Of the batch everything is taken, or nothing is supported. */
static nas_status check_batch(const nas__importing *i, int64_t from, int64_t to, int64_t step)
{
    if (from != 0 || to < INT32_MAX || step != 1)
        NAS__REFUSE(i, NAS_CONFIG, "it takes some samples of the batch");
    return NAS_OK;
}

static nas_status read_cuts(nas__importing *i, const nas__value *x, cut *cuts)
{
    const int64_t *starts, *ends, *named, *steps;
    int count, ends_count, named_count, step_count;
    const int batch = nas__batch_axes(i), all = x->axes.rank + batch;
    NAS_TRY(read_list(i, "starts", 1, &starts, &count));
    NAS_TRY(read_list(i, "ends", 2, &ends, &ends_count));
    NAS_TRY(read_list(i, "axes", 3, &named, &named_count));
    NAS_TRY(read_list(i, "steps", 4, &steps, &step_count));
    if (!starts || !ends || count != ends_count || (named && count != named_count) ||
        (steps && count != step_count))
        NAS__REFUSE(i, NAS_DATA, "starts, ends, axes and steps of different lengths");
    for (int k = 0; k < count; k++) {
        const int64_t axis = named ? (named[k] < 0 ? named[k] + all : named[k]) : k;
        const int64_t step = steps ? steps[k] : 1;
        if (axis < 0 || axis >= all)
            NAS__REFUSE(i, NAS_DATA, "axis %lld of a value with %d", (long long)axis, all);
        if (axis < batch) {
            NAS_TRY(check_batch(i, starts[k], ends[k], step));
            continue;
        }
        const int64_t length = x->axes.length[axis - batch];
        const int64_t from = clamp(starts[k], length), to = clamp(ends[k], length);
        if (step < 1 || step > 16)
            NAS__REFUSE(i, NAS_CONFIG, "steps of %lld; 1 to 16 are supported", (long long)step);
        if (from >= to)
            NAS__REFUSE(i, NAS_CONFIG, "nothing is left of axis %lld", (long long)axis);
        cuts[axis - batch] = (cut){(int)from, (int)(to - from), (int)step};
    }
    return NAS_OK;
}

/* Rows and columns of an image at once. */
static nas_status cut_image(nas__importing *i, const cut *h, const cut *w, int *node)
{
    const nas_shape now = nas__shape_of(i, *node);
    NAS_TRY(nas__padded(i, *node, (int[3]){0, -h->from, -w->from},
                        (int[3]){0, h->from + h->count - now.h, w->from + w->count - now.w}, 0,
                        node));
    const int step_h = h->count > 1 ? h->step : 1, step_w = w->count > 1 ? w->step : 1;
    if (step_h == 1 && step_w == 1)
        return NAS_OK;
    return nas__emit_one(i, "subsample", *node, node, "step = [%d, %d]", step_h, step_w);
}

static bool is_whole(const cut *c, int64_t length)
{
    return c->from == 0 && c->count == length && c->step == 1;
}

static nas_status cut_axis(nas__importing *i, const nas__axes *axes, int axis, const cut *c,
                           int *node)
{
    const nas_shape shape = around(axes, axis);
    const cut columns = {0, shape.w, 1};
    if (axis == 0 && c->step == 1) {
        const nas_shape now = nas__shape_of(i, *node);
        if (now.c != shape.h)
            NAS_TRY(nas__shaped(i, *node, nas__image_of(axes), node));
        return nas__emit_one(i, "slice", *node, node, "from = %d; count = %d", c->from, c->count);
    }
    NAS_TRY(nas__shaped(i, *node, shape, node));
    return cut_image(i, c, &columns, node);
}

nas_status nas__read_slice(nas__importing *i)
{
    nas__value *x;
    cut cuts[NAS__RANK];
    NAS_TRY(nas__need_node(i, 0, &x));
    for (int k = 0; k < x->axes.rank; k++)
        cuts[k] = (cut){0, (int)x->axes.length[k], 1};
    NAS_TRY(read_cuts(i, x, cuts));
    nas__axes axes = x->axes;
    int node = x->node, from = 0;
    if (axes.rank == 3 && is_whole(&cuts[0], axes.length[0])) {
        NAS_TRY(nas__shaped(i, node, nas__image_of(&axes), &node));
        NAS_TRY(cut_image(i, &cuts[1], &cuts[2], &node));
        from = 3;
    }
    for (int k = 0; k < axes.rank; k++) {
        if (k >= from && !is_whole(&cuts[k], axes.length[k]))
            NAS_TRY(cut_axis(i, &axes, k, &cuts[k], &node));
        axes.length[k] = (cuts[k].count + cuts[k].step - 1) / cuts[k].step;
    }
    return nas__give(i, node, &axes);
}

/* ---- Concat --------------------------------------------------------------------------------------------------------- */

/* What is joined along `axis`. */
typedef struct joint {
    int axis;
    nas__axes axes; /* of the result */
} joint;

static nas_status part_axes(nas__importing *i, int k, nas__axes *axes)
{
    nas__value *part;
    NAS_TRY(nas__need(i, k, &part));
    *axes = part->axes;
    if (!part->constant)
        return NAS_OK;
    const int batch = nas__batch_axes(i);
    if (!part->is.floats || part->is.axes.rank < batch || (batch && part->is.axes.length[0] != 1))
        NAS__REFUSE(i, NAS_CONFIG, "a constant that is joined differs from sample to sample");
    *axes = (nas__axes){.rank = part->is.axes.rank - batch};
    memcpy(axes->length, part->is.axes.length + batch, (size_t)axes->rank * sizeof *axes->length);
    return NAS_OK;
}

static nas_status read_joint(nas__importing *i, joint *j, bool *constants)
{
    int64_t axis;
    NAS_TRY(part_axes(i, 0, &j->axes));
    NAS_TRY(nas__int_attribute(i, "axis", 1, &axis));
    NAS_TRY(nas__axis(i, axis, j->axes.rank, &j->axis));
    *constants = nas__input(i, 0)->constant;
    for (int k = 1; k < nas__input_count(i); k++) {
        nas__axes next;
        NAS_TRY(part_axes(i, k, &next));
        *constants = *constants || nas__input(i, k)->constant;
        bool same = next.rank == j->axes.rank;
        for (int d = 0; same && d < next.rank; d++)
            same = d == j->axis || next.length[d] == j->axes.length[d];
        if (!same)
            NAS__REFUSE(i, NAS_DATA, "its inputs have different axes");
        j->axes.length[j->axis] += next.length[j->axis];
    }
    return nas__axes_check(i, &j->axes, NAS__VALUES_MOST, "its result");
}

/* Along channels: eight at a time, as many as the operator takes. */
static nas_status join_channels(nas__importing *i, const joint *j, int *node)
{
    enum { MOST = 8 };
    const nas_shape whole = nas__image_of(&j->axes);
    int parts[MOST], held = 0;
    for (int k = 0; k < nas__input_count(i); k++) {
        const nas__value *x = nas__input(i, k);
        NAS_TRY(nas__shaped(i, x->node, (nas_shape){(int)x->axes.length[0], whole.h, whole.w},
                            &parts[held++]));
        if (held == MOST && k + 1 < nas__input_count(i)) {
            NAS_TRY(nas__emit(i, "concat", parts, held, &parts[0], NULL));
            held = 1;
        }
    }
    *node = parts[0];
    return held > 1 ? nas__emit(i, "concat", parts, held, node, NULL) : NAS_OK;
}

/* Constants of the joint at their places, 0 elsewhere. */
static nas_status place_constants(nas__importing *i, const joint *j, float *shift)
{
    const nas_shape whole = around(&j->axes, j->axis);
    int at = 0;
    for (int k = 0; k < nas__input_count(i); k++) {
        const nas__value *x = nas__input(i, k);
        nas__axes axes;
        NAS_TRY(part_axes(i, k, &axes));
        const int rows = (int)axes.length[j->axis];
        const size_t block = (size_t)rows * (size_t)whole.w;
        for (int outer = 0; x->constant && outer < whole.c; outer++)
            memcpy(shift + ((size_t)outer * (size_t)whole.h + (size_t)at) * (size_t)whole.w,
                   x->is.floats + (size_t)outer * block, block * sizeof *shift);
        at += rows;
    }
    return NAS_OK;
}

static nas_status add_constants(nas__importing *i, const joint *j, int *node)
{
    const size_t count = (size_t)nas__axes_count(&j->axes);
    float *both = calloc(2 * count, sizeof *both);
    if (!both)
        NAS_FAIL(NAS_MEMORY, "no memory for %zu numbers", count);
    for (size_t k = 0; k < count; k++)
        both[k] = 1;
    nas_status status = place_constants(i, j, both + count);
    if (status == NAS_OK)
        status = nas__shaped(i, *node, (nas_shape){(int)count, 1, 1}, node);
    if (status == NAS_OK)
        status = nas__affine(i, *node, both, both + count, node);
    free(both);
    return status;
}

/* Along any axis: each widened by zeros to the whole, and added up. */
static nas_status join_padded(nas__importing *i, const joint *j, bool constants, int *node)
{
    const nas_shape whole = around(&j->axes, j->axis);
    int at = 0, pair[2] = {0}, parts = 0;
    for (int k = 0; k < nas__input_count(i); k++) {
        const nas__value *x = nas__input(i, k);
        nas__axes axes;
        NAS_TRY(part_axes(i, k, &axes));
        const int rows = (int)axes.length[j->axis];
        if (!x->constant) {
            NAS_TRY(nas__shaped(i, x->node, (nas_shape){whole.c, rows, whole.w}, &pair[1]));
            NAS_TRY(nas__padded(i, pair[1], (int[3]){0, at, 0}, (int[3]){0, whole.h - at - rows, 0},
                                0, &pair[1]));
            if (parts++)
                NAS_TRY(nas__emit(i, "add", pair, 2, &pair[1], NULL));
            pair[0] = pair[1];
        }
        at += rows;
    }
    *node = pair[0];
    return constants ? add_constants(i, j, node) : NAS_OK;
}

nas_status nas__read_concat(nas__importing *i)
{
    joint j;
    bool constants;
    int node = 0;
    NAS_TRY(read_joint(i, &j, &constants));
    if (j.axis == 0 && !constants)
        NAS_TRY(join_channels(i, &j, &node));
    else
        NAS_TRY(join_padded(i, &j, constants, &node));
    return nas__give(i, node, &j.axes);
}

/* ---- Resize ----------------------------------------------------------------------------------------------------------- */

static nas_status check_nearest(nas__importing *i)
{
    char mode[32], coordinates[32], rounding[32];
    NAS_TRY(nas__text_attribute(i, "mode", "nearest", mode));
    NAS_TRY(nas__text_attribute(i, "coordinate_transformation_mode", "half_pixel", coordinates));
    NAS_TRY(nas__text_attribute(i, "nearest_mode", "round_prefer_floor", rounding));
    const bool old = strcmp(i->at->op_type, "Upsample") == 0;
    const bool even = strcmp(coordinates, "asymmetric") == 0 && strcmp(rounding, "floor") == 0;
    if (strcmp(mode, "nearest") != 0 || (!old && !even))
        NAS__REFUSE(i, NAS_CONFIG, "mode %s, %s, %s; nearest, asymmetric, floor is supported", mode,
                    coordinates, rounding);
    return NAS_OK;
}

/* Whole factors, the same in both directions: every pixel several times. */
nas_status nas__read_resize(nas__importing *i)
{
    const bool old = strcmp(i->at->op_type, "Upsample") == 0;
    const nas__constant *scales;
    nas__value *x;
    int node;
    NAS_TRY(nas__need_node(i, 0, &x));
    NAS_TRY(check_nearest(i));
    NAS_TRY(nas__floats(i, old ? 1 : 2, &scales));
    if (x->axes.rank != 3 || !scales || nas__axes_count(&scales->axes) != 4)
        NAS__REFUSE(i, NAS_CONFIG, "images enlarged by four constant scales are supported");
    const float factor = scales->floats[2];
    if (scales->floats[0] != 1 || scales->floats[1] != 1 || scales->floats[3] != factor ||
        !(factor >= 1 && factor <= 64) || factor != (float)(int)factor)
        NAS__REFUSE(i, NAS_CONFIG, "scales that are no whole factor of height and width alike");
    NAS_TRY(nas__shaped(i, x->node, nas__image_of(&x->axes), &node));
    NAS_TRY(nas__emit_one(i, "upsample", node, &node, "factor = %d", (int)factor));
    const nas_shape shape = nas__shape_of(i, node);
    return nas__give(i, node, &(nas__axes){3, {shape.c, shape.h, shape.w}});
}
