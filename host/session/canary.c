/* canary.c - does the device still compute what it computed, and was that right?
 *
 * A device that fails says so, as a rule; one that computes wrong numbers says nothing, and its trials go into the log as
 * any others.  So each worker keeps one small network whose answer is known - convolution, batch norm, relu, pooling, dense
 * layer, loss, and all their gradients - and runs it between trials.  The first answer is held against the plain C
 * reference in double; every later one must have the same bits.  Each result is committed behind a look that was good, so that
 * a device which begins to compute wrong numbers in the middle of a search leaves none of them in the log.  A look takes as long as
 * one step of a very small training, milliseconds on PoCL.
 *
 * What it cannot see: a fault that comes and goes within a trial, and one in kernels that the small network has not got.
 * Next: worker.c, which asks; supervisor.c, what becomes of such a device. */
#include "session_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16, CLASSES = 5, CHANNELS = 3, SIDE = 8, PIXELS = CHANNELS * SIDE * SIDE };
static const nas_step the_step = {.real = BATCH, .key = {5, 9}};

struct nas__canary {
    nas_device *device;
    nas_net *net;
    float *answer, *now; /* metrics, then all gradients */
    uint64_t gradients;
    double cost_s; /* of the last look */
};

/* ---- the network -------------------------------------------------------------------------------------------------- */

static nas_status draw(nas_graph *graph)
{
    int node = 0;
    NAS_TRY(nas_graph_init(graph, (nas_shape){CHANNELS, SIDE, SIDE}));
    NAS_TRY(nas_graph_then(graph, "conv2d", &node, "out = 16; kernel = 3"));
    NAS_TRY(nas_graph_then(graph, "batch_norm", &node, "%s", ""));
    NAS_TRY(nas_graph_then(graph, "activation", &node, "kind = \"relu\""));
    NAS_TRY(nas_graph_then(graph, "pool", &node, "kind = \"max\"; kernel = 2; stride = 2"));
    NAS_TRY(nas_graph_then(graph, "conv2d", &node, "out = 16; kernel = 3; groups = 16"));
    NAS_TRY(nas_graph_then(graph, "pool", &node, "kind = \"global_average\""));
    return nas_graph_then(graph, "dense", &node, "out = %d", (int)CLASSES);
}

/* The same samples on both sides; the padded batch is the batch. */
static nas_status fill(nas__canary *canary, nas_reference *reference)
{
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 77, 0, 0);
    nas_tensor at = nas_net_labels(canary->net);
    float values[PIXELS * BATCH];
    int32_t labels[BATCH];
    for (int i = 0; i < PIXELS * BATCH; i++)
        nas_reference_input(reference)[i] = values[i] = (float)nas_random_normal(&random);
    for (int n = 0; n < BATCH; n++)
        nas_reference_labels(reference)[n] = labels[n] =
            (int32_t)nas_random_below(&random, CLASSES);
    NAS_TRY(nas_tensor_write(nas_net_input(canary->net), values));
    NAS_TRY(nas_buffer_write(at.buffer, 4 * at.at, sizeof labels, labels));
    NAS_TRY(nas_net_initialise(canary->net, 3, 4));
    NAS_TRY(nas_net_set_step(canary->net, &the_step));
    return nas_reference_copy(reference, canary->net);
}

static nas_status ask(nas__canary *canary, float *answer)
{
    const nas_net_block block = nas_net_parameters(canary->net);
    NAS_TRY(nas_net_forward(canary->net));
    NAS_TRY(nas_net_backward(canary->net));
    NAS_TRY(nas_tensor_read(nas_tensor_view(nas_net_metrics(canary->net), 0, 4), answer));
    return nas_tensor_read(block.gradients, answer + 4);
}

/* ---- is the first answer right? ------------------------------------------------------------------------------------- */

static nas_status wrong(const nas__canary *canary, const char *what)
{
    const nas_device_info *info = nas_device_describe(canary->device);
    NAS_FAIL(NAS_DEVICE, "device %s %s computes wrong numbers: %s; clnas doctor examines it",
             info->id, info->name, what);
}

/* Gradients of one parameter against the reference's, by the largest entry. */
static double error_of(const nas__canary *canary, const nas_net_parameter *row, const double *truth)
{
    const nas_net_block block = nas_net_parameters(canary->net);
    const float *got = canary->answer + 4 + (row->gradient.at - block.gradients.at);
    double largest = 1e-2, difference = 0;
    for (uint64_t i = 0; i < row->gradient.count; i++) {
        double error = fabs((double)got[i] - truth[i]);
        largest = fmax(largest, fabs(truth[i]));
        difference = isfinite(error) ? fmax(difference, error) : INFINITY;
    }
    return difference / largest;
}

static nas_status compare(const nas__canary *canary, nas_reference *reference)
{
    double loss = nas_reference_forward(reference, true, &the_step);
    nas_reference_backward(reference, &the_step);
    if (!(fabs(canary->answer[0] / BATCH - loss) <= 1e-4 * fmax(1, fabs(loss))))
        return wrong(canary, "the loss of a small network is not what the reference says");
    int parameter = 0;
    for (int i = 0; i < nas_net_parameter_count(canary->net); i++) {
        const nas_net_parameter *row = nas_net_parameter_at(canary->net, i);
        double *gradient = NULL;
        parameter = i > 0 && row[-1].node == row->node ? parameter + 1 : 0;
        nas_reference_parameter(reference, row->node, parameter, &gradient, NULL);
        if (row->spec.trained && gradient && !(error_of(canary, row, gradient) <= 1e-3))
            return wrong(canary, "gradients of a small network are not what the reference says");
    }
    return NAS_OK;
}

static nas_status prove(nas__canary *canary, const nas_graph *graph, const nas_net_options *options)
{
    nas_reference *reference = NULL;
    NAS_TRY(nas_reference_create(graph, options, &reference));
    nas_status status = fill(canary, reference);
    if (status == NAS_OK)
        status = ask(canary, canary->answer);
    if (status == NAS_OK)
        status = compare(canary, reference);
    nas_reference_destroy(reference);
    return status;
}

nas_status nas__canary_create(nas_device *device, nas__canary **canary)
{
    const nas_net_options options = {.batch = BATCH, .training = true, .loss = NAS_CROSS_ENTROPY};
    nas_status status = NAS_OK;
    nas_graph graph = {0};
    nas__canary *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    fresh->device = device;
    NAS_TRY_DONE(draw(&graph));
    NAS_TRY_DONE(nas_net_create(device, &graph, &options, &fresh->net));
    fresh->gradients = nas_net_parameters(fresh->net).gradients.count;
    fresh->answer = calloc(fresh->gradients + 4, sizeof *fresh->answer);
    fresh->now = calloc(fresh->gradients + 4, sizeof *fresh->now);
    if (!fresh->answer || !fresh->now)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "out of host memory");
    NAS_TRY_DONE(status);
    NAS_TRY_DONE(prove(fresh, &graph, &options));
    NAS_TRY_DONE(nas__canary_look(fresh));
    *canary = fresh;
done:
    nas_graph_clear(&graph);
    if (status != NAS_OK)
        nas__canary_destroy(fresh);
    return status;
}

void nas__canary_destroy(nas__canary *canary)
{
    if (!canary)
        return;
    nas_net_destroy(canary->net);
    free(canary->answer);
    free(canary->now);
    free(canary);
}

/* ---- later answers -------------------------------------------------------------------------------------------------- */

nas_status nas__canary_look(nas__canary *canary)
{
    const double start_s = nas_now_s();
    NAS_TRY(ask(canary, canary->now));
    canary->cost_s = nas_now_s() - start_s;
    if (memcmp(canary->now, canary->answer, (canary->gradients + 4) * sizeof(float)) != 0)
        return wrong(canary, "a small network does not give again what it gave");
    return NAS_OK;
}

double nas__canary_cost_s(const nas__canary *canary)
{
    return canary->cost_s;
}
