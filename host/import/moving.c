/* moving.c - axes renamed and exchanged: Reshape, Flatten, Squeeze, Unsqueeze, Transpose.
 *
 * The first four are bookkeeping (importing.h).  A transposition is really one of fewer axes than the model has: those of length 1, and those that
 * stay side by side, do not count.  Two or three axes are one `transpose` or `shuffle`; of more, one after the other is brought to the front. */
#include "importing.h"

#include <string.h>

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
    NAS_TRY(nas__list(i, "shape", 1, &list, &count));
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
    NAS_TRY(nas__list(i, "axes", 1, &list, &count));
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
    NAS_TRY(nas__list(i, "axes", 1, &list, &count));
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
    const nas_shape cut = nas__around(axes, axis), now = nas__shape_of(i, node);
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
