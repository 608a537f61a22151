/* cutting.c - values cut, widened and joined: Pad, Slice, Concat, Resize.
 *
 * They happen on images of three axes: what lies before the axis that is acted on together as channels, that axis as rows, and what lies
 * behind as columns.  Rows and columns of an image are acted on at once. */
#include "importing.h"

#include <stdlib.h>
#include <string.h>

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
        NAS_TRY(nas__shaped(i, *node, nas__around(axes, k), node));
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
    NAS_TRY(nas__list(i, "pads", 1, &list, &count));
    if (!list)
        NAS_TRY(nas__ints_attribute(i, "paddings", &list, &count));
    NAS_TRY(nas__list(i, "", 3, &named, &named_count));
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
    NAS_TRY(nas__list(i, "starts", 1, &starts, &count));
    NAS_TRY(nas__list(i, "ends", 2, &ends, &ends_count));
    NAS_TRY(nas__list(i, "axes", 3, &named, &named_count));
    NAS_TRY(nas__list(i, "steps", 4, &steps, &step_count));
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
    const nas_shape shape = nas__around(axes, axis);
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
    const nas_shape whole = nas__around(&j->axes, j->axis);
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
    const nas_shape whole = nas__around(&j->axes, j->axis);
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
