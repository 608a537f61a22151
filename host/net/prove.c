/* prove.c - is what a device computes right, and which bits does it give?
 *
 * Every op is put into a network of its own, at the odd sizes that its sample cases give, run forward and
 * backward on the device, and compared with the plain C reference in double: outputs to 1e-4, gradients
 * to 1e-3 of the largest entry.  This is what the tests do (tests/test_ops.c), on the device that you have.
 *
 * Everything that is read back for the comparison also goes into a fingerprint, real samples only: two runtimes with the
 * same fingerprint have computed the same bits, whatever their lanes and threads.
 *
 * Who asks: clnas doctor (all ops), a worker before it goes on after a device error (nas_prove_device_quickly),
 * tests/matrix_table.sh.
 */
#include <clnas/net.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORWARD_TOLERANCE 1e-4
#define GRADIENT_TOLERANCE 1e-3
#define FLOOR 1e-2 /* entries below this are noise: everything is drawn from N(0, 1) */

static const nas_step the_step = {.epoch = 1, .step = 3, .key = {7, 11}, .drop_path = 0.2f};

/* One case at work. */
typedef struct proof {
    const nas_op *op;
    const nas_op_case *sample;
    nas_device *device;
    nas_graph graph;
    nas_net *net;
    nas_reference *reference;
    nas_random random;
    double worst; /* largest error as a share of its tolerance */
    nas_proof *found;
} proof;

/* ---- building the network --------------------------------------------------------------------------- */

/* A network has one input; an op with several takes slices of it, and gates are pooled to one pixel. */
static nas_status add_inputs(proof *at, int *inputs)
{
    const nas_op_case *sample = at->sample;
    nas_shape whole = {0, sample->in[0].h, sample->in[0].w};
    int from = 0;
    for (int i = 0; i < sample->input_count; i++)
        whole.c += sample->in[i].c;
    NAS_TRY(nas_graph_init(&at->graph, whole));
    for (int i = 0; i < sample->input_count; i++) {
        inputs[i] = 0;
        if (sample->input_count == 1)
            continue;
        NAS_TRY(nas_graph_add(&at->graph, "slice", (int[]){0}, 1, &inputs[i],
                              "from = %d; count = %d", from, sample->in[i].c));
        if (sample->in[i].h != whole.h || sample->in[i].w != whole.w)
            NAS_TRY(nas_graph_add(&at->graph, "pool", &inputs[i], 1, &inputs[i],
                                  "kind = \"global_average\""));
        from += sample->in[i].c;
    }
    return NAS_OK;
}

static nas_status build(proof *at)
{
    int inputs[NAS_OP_INPUTS], node;
    bool loss = at->op->view == NAS_VIEW_LOSS;
    nas_net_options options = {
        .batch = at->sample->batch, .training = true, .input_gradient = true};
    NAS_TRY(add_inputs(at, inputs));
    if (loss) {
        options.loss.op = at->op->kind.name;
        snprintf(options.loss.options, sizeof options.loss.options, "%s", at->sample->options);
        NAS_TRY(
            nas_graph_add(&at->graph, "dense", inputs, 1, &node, "out = %d", at->sample->in[0].c));
    } else {
        NAS_TRY(nas_graph_add(&at->graph, at->op->kind.name, inputs, at->sample->input_count, &node,
                              "%s", at->sample->options));
    }
    NAS_TRY(nas_net_create(at->device, &at->graph, &options, &at->net));
    return nas_reference_create(&at->graph, &options, &at->reference);
}

/* ---- the same numbers on both sides ------------------------------------------------------------------- */

/* N(0, 1) into a CHWN tensor and its dense double twin. */
static nas_status fill(proof *at, nas_tensor tensor, double *twin, nas_shape shape)
{
    int batch = at->sample->batch, padded = nas_batch_padded(batch);
    uint64_t pixels = nas_shape_count(shape);
    float *values = calloc(pixels * (uint64_t)padded, sizeof *values);
    if (!values)
        NAS_FAIL(NAS_MEMORY, "no memory for a sample case");
    for (uint64_t i = 0; i < pixels; i++)
        for (int n = 0; n < batch; n++) {
            float value = (float)nas_random_normal(&at->random);
            values[i * (uint64_t)padded + (uint64_t)n] = value;
            twin[i * (uint64_t)batch + (uint64_t)n] = value;
        }
    nas_status status = nas_tensor_write(tensor, values);
    free(values);
    return status;
}

/* A word of the first or of another row of labels. */
static int32_t draw_label(proof *at, nas_label what, int classes)
{
    float number = what == NAS_LABEL_FLAG ? (float)nas_random_below(&at->random, 2) : 0;
    int32_t word;
    if (what == NAS_LABEL_CLASS)
        return (int32_t)nas_random_below(&at->random, (uint32_t)classes);
    if (what == NAS_LABEL_NUMBER)
        number = (float)nas_random_normal(&at->random);
    memcpy(&word, &number, sizeof word);
    return word;
}

static nas_status fill_labels(proof *at, int classes)
{
    const int padded = nas_batch_padded(at->sample->batch), batch = at->sample->batch;
    const nas_tensor tensor = nas_net_labels(at->net);
    nas_label first, others;
    const int rows = nas_net_label_rows(at->net, &first, &others);
    int32_t *labels = calloc(tensor.count, sizeof *labels);
    if (!labels)
        NAS_FAIL(NAS_MEMORY, "no memory for labels");
    for (int r = 0; r < rows; r++)
        for (int n = 0; n < batch; n++)
            nas_reference_labels(at->reference)[r * batch + n] = labels[r * padded + n] =
                draw_label(at, r ? others : first, classes);
    const nas_status status =
        nas_buffer_write(tensor.buffer, 4 * tensor.at, 4 * tensor.count, labels);
    free(labels);
    return status;
}

/* Moves parameters that start as constants (norms, biases) away from their symmetric start. */
static nas_status shake_parameters(proof *at)
{
    NAS_TRY(nas_net_initialise(at->net, 3, 4));
    for (int i = 0; i < nas_net_parameter_count(at->net); i++) {
        const nas_net_parameter *row = nas_net_parameter_at(at->net, i);
        if (!row->tensor.buffer || !row->spec.trained || row->spec.init == NAS_INIT_HE ||
            row->spec.init == NAS_INIT_GLOROT)
            continue;
        float *values = calloc(row->tensor.count, sizeof *values);
        if (!values)
            NAS_FAIL(NAS_MEMORY, "no memory for parameters");
        nas_status status = nas_tensor_read(row->tensor, values);
        for (uint64_t k = 0; k < row->tensor.count; k++)
            values[k] += 0.3f * (float)nas_random_normal(&at->random);
        status = status == NAS_OK ? nas_tensor_write(row->tensor, values) : status;
        free(values);
        NAS_TRY(status);
    }
    return nas_reference_copy(at->reference, at->net);
}

/* ---- comparing ------------------------------------------------------------------------------------------- */

/* What the device gave goes into the fingerprint, row by row. */
static void take_bits(proof *at, const float *values, size_t count)
{
    at->found->bits = nas_hash(values, count * sizeof *values, at->found->bits);
}

static void judge(proof *at, const char *what, double error, double tolerance)
{
    if (!(error / tolerance > at->worst) && isfinite(error))
        return;
    at->worst = isfinite(error) ? error / tolerance : INFINITY;
    at->found->error = isfinite(error) ? error : INFINITY;
    at->found->tolerance = tolerance;
    snprintf(at->found->where, sizeof at->found->where, "%s of %s (%s; batch %d)", what,
             at->op->kind.name, at->sample->options, at->sample->batch);
}

/* `lanes` floats per row, of which the first `real` count. */
static nas_status compare(proof *at, const char *what, nas_tensor tensor, const double *truth,
                          uint64_t rows, uint64_t lanes, uint64_t real, double tolerance)
{
    double largest = FLOOR, difference = 0;
    float *got = calloc(rows * lanes, sizeof *got);
    if (!got)
        NAS_FAIL(NAS_MEMORY, "no memory for a comparison");
    nas_status status = nas_tensor_read(nas_tensor_view(tensor, 0, rows * lanes), got);
    for (uint64_t i = 0; i < rows * real && status == NAS_OK; i++) {
        double value = got[i / real * lanes + i % real];
        largest = fmax(largest, fabs(truth[i]));
        difference =
            isfinite(value - truth[i]) ? fmax(difference, fabs(value - truth[i])) : INFINITY;
        if (!isfinite(difference))
            break;
    }
    for (uint64_t row = 0; row < rows && status == NAS_OK; row++)
        take_bits(at, got + row * lanes, real);
    free(got);
    if (status == NAS_OK)
        judge(at, what, difference / largest, tolerance);
    return status;
}

static nas_status compare_image(proof *at, const char *what, nas_tensor tensor, const double *truth,
                                nas_shape shape, double tolerance)
{
    return compare(at, what, tensor, truth, nas_shape_count(shape),
                   (uint64_t)nas_batch_padded(at->sample->batch), (uint64_t)at->sample->batch,
                   tolerance);
}

static nas_status compare_parameters(proof *at)
{
    int parameter = 0;
    for (int i = 0; i < nas_net_parameter_count(at->net); i++) {
        const nas_net_parameter *row = nas_net_parameter_at(at->net, i);
        double *gradient = NULL, *value;
        parameter =
            i > 0 && nas_net_parameter_at(at->net, i - 1)->node == row->node ? parameter + 1 : 0;
        value = nas_reference_parameter(at->reference, row->node, parameter, &gradient, NULL);
        if (!row->tensor.buffer || !value)
            continue;
        if (row->spec.trained)
            NAS_TRY(compare(at, row->spec.name, row->gradient, gradient, 1, row->tensor.count,
                            row->tensor.count, GRADIENT_TOLERANCE));
        else
            NAS_TRY(compare(at, row->spec.name, row->tensor, value, 1, row->tensor.count,
                            row->tensor.count, FORWARD_TOLERANCE));
    }
    return NAS_OK;
}

static nas_status compare_loss(proof *at, double truth)
{
    float metrics[4];
    NAS_TRY(nas_tensor_read(nas_tensor_view(nas_net_metrics(at->net), 0, 4), metrics));
    take_bits(at, metrics, 4);
    judge(at, "loss", fabs(metrics[0] / metrics[2] - truth) / fmax(1, fabs(truth)),
          FORWARD_TOLERANCE);
    return NAS_OK;
}

/* Output or loss of the pass that was just enqueued. */
static nas_status compare_forward(proof *at, const char *what, bool training, const nas_step *step)
{
    const nas_graph *graph = &at->graph;
    double loss = nas_reference_forward(at->reference, training, step);
    if (at->op->view == NAS_VIEW_LOSS)
        return compare_loss(at, loss);
    return compare_image(at, what, nas_net_output(at->net),
                         nas_reference_value(at->reference, graph->output),
                         graph->nodes[graph->output].shape, FORWARD_TOLERANCE);
}

static nas_status run_case(proof *at)
{
    const nas_shape in = at->graph.nodes[0].shape;
    const nas_shape out = at->graph.nodes[at->graph.output].shape;
    nas_step step = the_step;
    step.real = (uint32_t)at->sample->batch;
    NAS_TRY(fill(at, nas_net_input(at->net), nas_reference_input(at->reference), in));
    NAS_TRY(shake_parameters(at));
    if (at->op->view == NAS_VIEW_LOSS)
        NAS_TRY(fill_labels(at, out.c));
    else
        NAS_TRY(fill(at, nas_net_output_gradient(at->net),
                     nas_reference_output_gradient(at->reference), out));
    NAS_TRY(nas_net_set_step(at->net, &step));
    NAS_TRY(nas_net_forward(at->net));
    NAS_TRY(compare_forward(at, "output in training", true, &step));
    NAS_TRY(nas_net_backward(at->net));
    nas_reference_backward(at->reference, &step);
    NAS_TRY(compare_image(at, "input gradient", nas_net_input_gradient(at->net),
                          nas_reference_input_gradient(at->reference), in, GRADIENT_TOLERANCE));
    NAS_TRY(compare_parameters(at));
    NAS_TRY(nas_net_evaluate(at->net));
    return compare_forward(at, "output in evaluation", false, &step);
}

/* ---- whole ops --------------------------------------------------------------------------------------------- */

static nas_status prove_case(proof *at)
{
    nas_status status = build(at);
    if (status == NAS_OK)
        status = run_case(at);
    nas_reference_destroy(at->reference);
    nas_net_destroy(at->net);
    nas_graph_clear(&at->graph);
    at->reference = NULL;
    at->net = NULL;
    return status;
}

nas_status nas_prove_op(nas_device *device, const nas_op *op, bool quick, nas_proof *found)
{
    const double start_s = nas_now_s();
    nas_status status = NAS_OK;
    nas_proof made = {.tolerance = FORWARD_TOLERANCE};
    proof at = {.op = op, .device = device, .found = &made};
    for (const nas_op_case *sample = op->cases; sample && sample->options && status == NAS_OK;
         sample++) {
        at.sample = sample;
        at.random = nas_random_make(1, NAS_STREAM_TEST, (uint32_t)made.cases, 0, 0);
        status = prove_case(&at);
        made.cases++;
        if (quick)
            break;
    }
    NAS_TRY(status);
    made.good = at.worst <= 1;
    made.seconds = nas_now_s() - start_s;
    *found = made;
    return NAS_OK;
}

nas_status nas_prove_device_quickly(nas_device *device)
{
    /* What trainings spend their time in: tiles, sums over lanes, the driver's exp and log, reductions. */
    static const char *const names[] = {"conv2d", "pool", "activation", "softmax_cross_entropy"};
    const nas_device_info *info = nas_device_describe(device);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const nas_op *op;
        nas_proof found;
        NAS_TRY(nas_op_get(names[i], &op));
        NAS_TRY(nas_prove_op(device, op, true, &found));
        if (!found.good)
            NAS_FAIL(NAS_DEVICE,
                     "device %s %s computes wrong: %s is off by %.1e of the largest entry, "
                     "allowed is %.0e; clnas doctor --device %s examines it",
                     info->id, info->name, found.where, found.error, found.tolerance, info->id);
    }
    return NAS_OK;
}
