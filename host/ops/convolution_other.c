/* convolution_other.c - the two other ways of a convolution: plain kernels, and CLBlast's matrix product. */
#include "convolution_plan.h"

/* ---- the plain kernels: any structure, any device; passes give statistics and reductions --------------------- */

/* Work-items side by side in a group: enough for a GPU, one on a CPU, where a group is a loop. */
static size_t plain_local(const plan *p, const nas_op_call *call, size_t global)
{
    enum { SIDE_BY_SIDE = 64 };
    if (nas_device_describe(call->device)->on_host)
        return 1;
    const size_t most = p->tuned.local ? (size_t)p->tuned.local : SIDE_BY_SIDE;
    size_t local = 1;
    while (local < most && global % (2 * local) == 0)
        local *= 2;
    return local;
}

static nas_status launch_plain(nas_tape *tape, const plan *p, const nas_op_call *call,
                               const char *kernel, const nas_shape *shape, const nas__arguments *a)
{
    size_t across = (size_t)(call->n / nas_device_lanes(call->device));
    nas_launch l = {.source = "conv2d_plain",
                    .kernel = kernel,
                    .defines = p->defines[0] ? p->defines : NULL,
                    .global = {across, (size_t)(shape->h * shape->w), (size_t)shape->c},
                    .local = {plain_local(p, call, across), 1, 1},
                    .arguments = a->item,
                    .argument_count = a->count};
    return nas_tape_add(tape, &l);
}

nas_status nas__convolution_plain_forward(plan *p, const nas_op_call *call, nas_tape *tape)
{
    nas__arguments a = {.count = 0};
    nas__convolution_defines(p, call->in[0].activation);
    nas__push_stream_read(&a, &call->in[0]);
    nas__push_tensor(&a, call->parameters[0]);
    nas__push_tensor(&a, p->c.bias ? call->parameters[1] : (nas_tensor){.buffer = NULL});
    nas__push_tensor(&a, call->out);
    nas__push_convolution(&a, p);
    nas__push_int(&a, p->c.bias);
    NAS_TRY(launch_plain(tape, p, call, "plain_forward", &p->c.out, &a));
    if (!call->statistics.buffer)
        return NAS_OK;
    return nas_pass_statistics(tape, call->out, p->c.out, call->n, call->real, call->statistics);
}

nas_status nas__convolution_plain_input(const plan *p, const nas_op_call *call, nas_tape *tape)
{
    nas_into into = call->into[0];
    into.reductions.buffer = NULL;
    nas__arguments a = {.count = 0};
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, call->parameters[0]);
    nas__push_stream_into(&a, &into);
    nas__push_convolution(&a, p);
    NAS_TRY(launch_plain(tape, p, call, "plain_backward_input", &p->c.in, &a));
    if (!call->into[0].reductions.buffer)
        return NAS_OK;
    return nas_pass_reduce(tape, into.g, into.read.x, into.mean, call->in_shape[0], call->n,
                           call->real, call->into[0].reductions);
}

nas_status nas__convolution_plain_weight(const plan *p, const nas_op_call *call, nas_tape *tape)
{
    nas__arguments a = {.count = 0};
    nas__push_stream_read(&a, &call->in[0]);
    nas__push_stream_gradient(&a, &call->out_gradient);
    nas__push_tensor(&a, call->parameter_gradients[0]);
    nas__push_convolution(&a, p);
    int weights = p->c.out.c * (p->c.in.c / p->c.groups) * p->c.kernel_h * p->c.kernel_w;
    return nas__convolution_launch(tape, "conv2d_plain", "plain_backward_weight", p->defines,
                                   weights, 1, 1, &a);
}

/* ---- CLBlast: z = W·a, da = Wᵀ·dz, dW = dz·aᵀ with C × (h·w·n) and K × (h·w·n) matrices ---------------------- */

static nas_gemm product(int m, int n, int k)
{
    return (nas_gemm){
        .m = m, .n = n, .k = k, .alpha = 1.0f, .a_stride = k, .b_stride = n, .c_stride = n};
}

/* The read as a plain tensor: itself, or materialised to `space`. */
static nas_status plain_input(const nas_op_call *call, nas_tensor space, nas_tape *tape,
                              nas_tensor *x)
{
    *x = call->in[0].x;
    if (nas_read_mode(&call->in[0]) == 0)
        return NAS_OK;
    *x = space;
    return nas_pass_materialise(tape, &call->in[0], call->in_shape[0], call->n, space);
}

nas_status nas__convolution_product_forward(const plan *p, const nas_op_call *call, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    int columns = c->in.h * c->in.w * call->n;
    nas_tensor x;
    NAS_TRY(plain_input(call, nas_tensor_view(call->scratch, 0, in_count(c, call->n)), tape, &x));
    nas_gemm gemm = product(c->out.c, columns, c->in.c);
    gemm.a = call->parameters[0].buffer, gemm.a_at = call->parameters[0].at;
    gemm.b = x.buffer, gemm.b_at = x.at;
    gemm.c = call->out.buffer, gemm.c_at = call->out.at;
    if (c->bias) {
        nas__arguments a = {.count = 0};
        nas__push_tensor(&a, call->parameters[1]);
        nas__push_tensor(&a, call->out);
        nas__push_int(&a, c->out.w * call->n);
        NAS_TRY(nas__convolution_launch(tape, "conv2d_parts", "fill_bias", NULL, c->out.h, c->out.c,
                                        1, &a));
        gemm.beta = 1.0f;
    }
    NAS_TRY(nas_tape_add_gemm(tape, &gemm));
    if (!call->statistics.buffer)
        return NAS_OK;
    return nas_pass_statistics(tape, call->out, c->out, call->n, call->real, call->statistics);
}

static nas_status input_product(const plan *p, const nas_op_call *call, nas_tensor dz, nas_tensor v,
                                nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    const nas_into *into = &call->into[0];
    bool direct = nas_into_mode(into) == 0;
    if (direct)
        v = into->g;
    nas_gemm gemm = product(c->in.c, c->in.h * c->in.w * call->n, c->out.c);
    gemm.transpose_a = true;
    gemm.a_stride = c->in.c;
    gemm.beta = direct && into->accumulate ? 1.0f : 0.0f;
    gemm.a = call->parameters[0].buffer, gemm.a_at = call->parameters[0].at;
    gemm.b = dz.buffer, gemm.b_at = dz.at;
    gemm.c = v.buffer, gemm.c_at = v.at;
    NAS_TRY(nas_tape_add_gemm(tape, &gemm));
    return direct ? NAS_OK : nas_pass_into(tape, v, into, call->in_shape[0], call->n, call->real);
}

nas_status nas__convolution_product_backward(const plan *p, const nas_op_call *call,
                                             nas_op_pass pass, nas_tape *tape)
{
    const nas__convolution *c = &p->c;
    uint64_t ins = in_count(c, call->n), outs = out_count(c, call->n);
    nas_tensor dz = call->out_gradient.g, x;
    if (call->out_gradient.coefficients.buffer) {
        dz = nas_tensor_view(call->scratch, 2 * ins, outs);
        NAS_TRY(nas_pass_form(tape, &call->out_gradient, c->out, call->n, call->real, dz));
    }
    if (pass == NAS_PASS_WEIGHT) {
        NAS_TRY(plain_input(call, nas_tensor_view(call->scratch, 0, ins), tape, &x));
        nas_gemm gemm = product(c->out.c, c->in.c, c->in.h * c->in.w * call->n);
        gemm.transpose_b = true;
        gemm.b_stride = gemm.k;
        gemm.a = dz.buffer, gemm.a_at = dz.at;
        gemm.b = x.buffer, gemm.b_at = x.at;
        gemm.c = call->parameter_gradients[0].buffer, gemm.c_at = call->parameter_gradients[0].at;
        return nas_tape_add_gemm(tape, &gemm);
    }
    return input_product(p, call, dz, nas_tensor_view(call->scratch, ins, ins), tape);
}
