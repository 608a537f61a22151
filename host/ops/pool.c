/* pool.c - max, average and global-average pooling.
 *
 * Padding is −∞ for max and left out of the average's divisor; of equal maxima the first in window order wins and alone receives
 * the gradient.  Everything is fused: the input is read through its affine and activation, dy is formed on load, the
 * derivative, accumulation and batch norm's sums happen where the gradient is stored, so that conv → batch_norm → relu →
 * max_pool costs one kernel in each direction.  Work-items and the reason for a saved argmax: cl/pool.cl.
 */
#ifndef NAS_REAL
#include "op.h"
#include "passes.h"
#include "reference.h"

#include <math.h>
#include <stdio.h>

typedef enum pool_kind { POOL_MAX, POOL_AVERAGE, POOL_GLOBAL } pool_kind;

typedef struct pool_options {
    int kind;
    nas_int_list kernel, stride, padding; /* one number, or [height, width] */
} pool_options;

static const nas_option option_table[] = {
    {"kind", NAS_OPTION_CHOICE, offsetof(pool_options, kind), "max", 0, 0,
     "max|average|global_average", "what is taken of each window"},
    {"kernel", NAS_OPTION_INT_LIST, offsetof(pool_options, kernel), "2", 1, 15, NULL,
     "window, one number or [height, width], pixels"},
    {"stride", NAS_OPTION_INT_LIST, offsetof(pool_options, stride), "0", 0, 15, NULL,
     "step from window to window, pixels; 0: the kernel's size"},
    {"padding", NAS_OPTION_INT_LIST, offsetof(pool_options, padding), "0", 0, 7, NULL,
     "rows and columns around the image, pixels; less than the kernel"},
    {.name = NULL},
};

/* The window in numbers. */
typedef struct window {
    int kh, kw, sh, sw, ph, pw;
} window;

static int first_of(const nas_int_list *list)
{
    return (int)list->item[0];
}

static int second_of(const nas_int_list *list)
{
    return (int)list->item[list->count > 1 ? 1 : 0];
}

static window window_of(const pool_options *o)
{
    window w = {
        .kh = first_of(&o->kernel),
        .kw = second_of(&o->kernel),
        .sh = first_of(&o->stride),
        .sw = second_of(&o->stride),
        .ph = first_of(&o->padding),
        .pw = second_of(&o->padding),
    };
    if (w.sh == 0)
        w.sh = w.kh;
    if (w.sw == 0)
        w.sw = w.kw;
    return w;
}

static nas_status infer(const void *options, const nas_shape *in, int count, nas_shape *out)
{
    const pool_options *o = options;
    (void)count;
    if (o->kind == POOL_GLOBAL) {
        *out = (nas_shape){in[0].c, 1, 1};
        return NAS_OK;
    }
    const nas_int_list *lists[] = {&o->kernel, &o->stride, &o->padding};
    for (int i = 0; i < 3; i++)
        if (lists[i]->count < 1 || lists[i]->count > 2)
            NAS_FAIL(NAS_SHAPE, "pool: kernel, stride and padding take one or two numbers, not %d",
                     lists[i]->count);
    const window w = window_of(o);
    if (w.ph >= w.kh || w.pw >= w.kw)
        NAS_FAIL(NAS_SHAPE, "pool: padding %dx%d is not less than the kernel %dx%d", w.ph, w.pw,
                 w.kh, w.kw);
    if (in[0].h + 2 * w.ph < w.kh || in[0].w + 2 * w.pw < w.kw)
        NAS_FAIL(NAS_SHAPE, "pool: kernel %dx%d does not fit into %dx%d pixels with padding %dx%d",
                 w.kh, w.kw, in[0].h, in[0].w, w.ph, w.pw);
    *out = (nas_shape){in[0].c, (in[0].h + 2 * w.ph - w.kh) / w.sh + 1,
                       (in[0].w + 2 * w.pw - w.kw) / w.sw + 1};
    return NAS_OK;
}

static void sizes(const nas_op_call *call, nas_op_sizes *sizes)
{
    const pool_options *o = call->options;
    if (o->kind == POOL_GLOBAL) {
        sizes->statistics_parts = call->n / 16;
        sizes->reduction_parts[0] = nas_pass_parts(call->in_shape[0], call->n);
        return;
    }
    sizes->statistics_parts = call->out_shape.h;
    sizes->reduction_parts[0] = call->in_shape[0].h;
    if (o->kind == POOL_MAX) /* one byte per output */
        sizes->saved = nas_shape_count(call->out_shape) * (uint64_t)call->n / 4;
}

static void write_defines(const pool_options *o, nas_activation activation, char text[128])
{
    const window w = window_of(o);
    const char *curved = nas__is_curved(activation) ? " -DCURVED=1" : "";
    if (o->kind == POOL_GLOBAL)
        snprintf(text, 128, "-DKIND=2%s", curved);
    else
        snprintf(text, 128, "-DKIND=%d -DKH=%d -DKW=%d -DSH=%d -DSW=%d -DPH=%d -DPW=%d%s", o->kind,
                 w.kh, w.kw, w.sh, w.sw, w.ph, w.pw, curved);
}

static nas_status forward_global(const nas_op_call *call, nas_tape *tape, const char *defines)
{
    const nas_shape in = call->in_shape[0];
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_int(&arguments, in.h * in.w);
    nas__push_int(&arguments, call->n);
    nas__push_int(&arguments, call->real);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    return nas__stream_launch(tape, "pool", "pool_forward_global", defines, call->n / 16, in.c,
                              &arguments);
}

static nas_status forward(const nas_op_call *call, nas_tape *tape)
{
    const pool_options *o = call->options;
    char defines[128];
    write_defines(o, call->in[0].activation, defines);
    if (o->kind == POOL_GLOBAL)
        return forward_global(call, tape, defines);
    nas__arguments arguments = {.count = 0};
    nas__push_stream_read(&arguments, &call->in[0]);
    nas__push_tensor(&arguments, call->out);
    nas__push_tensor(&arguments, call->saved);
    nas__push_tensor(&arguments, call->statistics);
    nas__push_int(&arguments, call->in_shape[0].h);
    nas__push_int(&arguments, call->in_shape[0].w);
    nas__push_int(&arguments, call->out_shape.w);
    nas__push_int(&arguments, call->n);
    nas__push_int(&arguments, call->real);
    nas__push_int(&arguments, o->kind == POOL_MAX && call->training && call->saved.buffer != NULL);
    nas__push_int(&arguments, call->statistics.buffer != NULL);
    nas__push_shares(&arguments);
    return nas__stream_launch(tape, "pool", "pool_forward", defines, call->out_shape.h,
                              call->out_shape.c, &arguments);
}

static nas_status backward(const nas_op_call *call, nas_tape *tape)
{
    const pool_options *o = call->options;
    const nas_shape in = call->in_shape[0];
    if (!call->into[0].g.buffer)
        return NAS_OK;
    char defines[128];
    write_defines(o, call->into[0].read.activation, defines);
    nas__arguments arguments = {.count = 0};
    nas__push_stream_gradient(&arguments, &call->out_gradient);
    if (o->kind == POOL_GLOBAL) {
        nas__push_stream_into(&arguments, &call->into[0]);
        nas__push_axes(&arguments, in, call->n, call->real);
        nas__push_int(&arguments, in.c);
        return nas__stream_launch(tape, "pool", "pool_backward_global", defines,
                                  nas_pass_parts(in, call->n), in.c, &arguments);
    }
    nas__push_tensor(&arguments, call->saved);
    nas__push_stream_into(&arguments, &call->into[0]);
    nas__push_int(&arguments, in.w);
    nas__push_int(&arguments, call->out_shape.h);
    nas__push_int(&arguments, call->out_shape.w);
    nas__push_int(&arguments, call->n);
    nas__push_int(&arguments, call->real);
    nas__push_int(&arguments, in.c);
    nas__push_shares(&arguments);
    return nas__stream_launch(tape, "pool", "pool_backward", defines, in.h, in.c, &arguments);
}

static nas_status layer(const void *options, const nas_shape *in, nas_layer *layer)
{
    (void)in;
    const pool_options *o = options;
    if (o->kind == POOL_GLOBAL) {
        layer->kind = NAS_LAYER_GLOBAL_AVERAGE;
        return NAS_OK;
    }
    const window w = window_of(o);
    layer->kind = o->kind == POOL_MAX ? NAS_LAYER_MAX_POOL : NAS_LAYER_AVERAGE_POOL;
    layer->kernel[0] = w.kh, layer->kernel[1] = w.kw;
    layer->stride[0] = w.sh, layer->stride[1] = w.sw;
    layer->padding[0] = w.ph, layer->padding[1] = w.pw;
    return NAS_OK;
}

static const nas_op_case cases[] = {
    {"kind = \"max\"; kernel = 2", 5, 1, {{3, 7, 5}}},
    {"kind = \"max\"; kernel = 3; stride = 2; padding = 1", 19, 1, {{2, 9, 7}}},
    {"kind = \"max\"; kernel = 3; stride = 1; padding = 1", 33, 1, {{2, 11, 13}}},
    {"kind = \"max\"; kernel = [1, 3]; stride = [2, 1]; padding = [0, 1]", 1, 1, {{1, 5, 6}}},
    {"kind = \"max\"; kernel = 2; stride = 3", 5, 1, {{1, 11, 8}}},
    {"kind = \"average\"; kernel = 3; stride = 1; padding = 1", 19, 1, {{3, 5, 7}}},
    {"kind = \"average\"; kernel = 3; stride = 2; padding = 1", 5, 1, {{1, 9, 6}}},
    {"kind = \"average\"; kernel = [3, 2]; stride = [1, 2]; padding = [2, 0]", 1, 1, {{2, 5, 5}}},
    {"kind = \"average\"; kernel = 5; stride = 2; padding = 2", 33, 1, {{1, 7, 9}}},
    {"kind = \"global_average\"", 5, 1, {{3, 7, 5}}},
    {"kind = \"global_average\"", 33, 1, {{2, 17, 16}}},
    {.options = NULL},
};

#define NAS_REAL float
#define NAS_REFERENCE(name) name##_float
#include "pool.c"
#undef NAS_REAL
#undef NAS_REFERENCE
#define NAS_REAL double
#define NAS_REFERENCE(name) name##_double
#include "pool.c"
#undef NAS_REAL
#undef NAS_REFERENCE

const nas_op nas__op_pool = {
    .kind = {"pool", "maximum or average of windows, or of everything", NULL, sizeof(pool_options),
             option_table},
    .inputs_min = 1,
    .inputs_max = 1,
    .channels = NAS_CHANNELS_KEPT,
    .fusion = NAS_FUSES_READ | NAS_FUSES_STATISTICS | NAS_FUSES_GRADIENT | NAS_FUSES_INTO |
              NAS_FUSES_REDUCTION,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
    .reference_forward = {forward_float, forward_double},
    .reference_backward = {backward_float, backward_double},
    .layer = layer,
    .cases = cases,
};

#else /* the reference */

/* One window of one sample: sum, number of pixels, and index (in x) of the first maximum. */
typedef struct NAS_REFERENCE(view) {
    NAS_REAL sum;
    int pixels;
    size_t argmax;
} NAS_REFERENCE(view);

typedef struct NAS_REFERENCE(place) {
    int c, h, w, n;
} NAS_REFERENCE(place);

/* Calls nothing, only walks: with `dx`, adds `share` to every pixel of the window. */
static NAS_REFERENCE(view)
    NAS_REFERENCE(look)(const nas_reference_call *call, NAS_REFERENCE(place) at, NAS_REAL *dx,
                        NAS_REAL share)
{
    const pool_options *o = call->options;
    const nas_shape in = call->in_shape[0];
    const window w = o->kind == POOL_GLOBAL ? (window){in.h, in.w, in.h, in.w, 0, 0} : window_of(o);
    const NAS_REAL *x = call->in[0];
    NAS_REFERENCE(view) seen = {0, 0, 0};
    for (int r = 0; r < w.kh; r++)
        for (int q = 0; q < w.kw; q++) {
            const int iy = at.h * w.sh - w.ph + r, ix = at.w * w.sw - w.pw + q;
            if (iy < 0 || iy >= in.h || ix < 0 || ix >= in.w)
                continue;
            const size_t i = nas__at(in, call->n, at.c, iy, ix, at.n);
            if (seen.pixels == 0 || x[i] > x[seen.argmax])
                seen.argmax = i;
            seen.sum += x[i];
            seen.pixels++;
            if (dx)
                dx[i] += share;
        }
    return seen;
}

static void NAS_REFERENCE(forward)(const nas_reference_call *call)
{
    const pool_options *o = call->options;
    const nas_shape out = call->out_shape;
    for (int c = 0; c < out.c; c++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int n = 0; n < call->n; n++) {
                    const NAS_REFERENCE(view) seen =
                        NAS_REFERENCE(look)(call, (NAS_REFERENCE(place)){c, h, w, n}, NULL, 0);
                    ((NAS_REAL *)call->out)[nas__at(out, call->n, c, h, w, n)] =
                        o->kind == POOL_MAX ? ((const NAS_REAL *)call->in[0])[seen.argmax]
                                            : seen.sum / (NAS_REAL)seen.pixels;
                }
}

static void NAS_REFERENCE(backward)(const nas_reference_call *call)
{
    const pool_options *o = call->options;
    const nas_shape out = call->out_shape;
    NAS_REAL *dx = call->in_gradients[0];
    if (!dx)
        return;
    for (int c = 0; c < out.c; c++)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int n = 0; n < call->n; n++) {
                    const NAS_REFERENCE(place) at = {c, h, w, n};
                    const NAS_REAL dy =
                        ((const NAS_REAL *)call->out_gradient)[nas__at(out, call->n, c, h, w, n)];
                    const NAS_REFERENCE(view) seen = NAS_REFERENCE(look)(call, at, NULL, 0);
                    if (o->kind == POOL_MAX)
                        dx[seen.argmax] += dy;
                    else
                        NAS_REFERENCE(look)(call, at, dx, dy / (NAS_REAL)seen.pixels);
                }
}

#endif
