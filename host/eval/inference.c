/* inference.c - how long a network takes to answer, on a device, measured.
 *
 * What is timed is one evaluation pass over one batch whose images are on the device already, from the first launch that is enqueued until the
 * device says that all is done: what a caller waits for.  A sample is the fastest of a few passes in a row, after one that is not counted: so the
 * network is as warm as one in use.  Weights are drawn as training begins with them, images from a normal distribution; what they are does
 * not change what is computed.
 *
 * Other work on the machine only ever adds time.  So the latency is the smallest of the samples, as all figures of clnas-bench are: what the
 * device takes when it is left alone. */
#include <clnas/eval.h>

#include <math.h>
#include <stdlib.h>

enum { WARM_UP = 2, LEAST = 3, SAMPLES = 16, PASSES = 2, PASSES_MAX = 64 };
static const double passes_s = 0.001;

struct nas_inference {
    nas_net *net;
    nas_device *device;
};

static nas_status fill_images(nas_tensor input, nas_random *random)
{
    float *images = malloc(input.count * sizeof *images);
    if (!images)
        NAS_FAIL(NAS_MEMORY, "no memory for random images");
    for (uint64_t i = 0; i < input.count; i++)
        images[i] = (float)nas_random_normal(random);
    const nas_status status = nas_tensor_write(input, images);
    free(images);
    return status;
}

static nas_status make(nas_device *device, const nas_graph *graph, int batch, nas_inference *made)
{
    const nas_net_options options = nas_inference_options(device, batch);
    const nas_step step = {.real = (uint32_t)batch};
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    made->device = device;
    NAS_TRY(nas_net_create(device, graph, &options, &made->net));
    NAS_TRY(nas_net_initialise(made->net, 1, 1));
    for (int i = 0; i < nas_net_shard_count(made->net); i++)
        NAS_TRY(fill_images(nas_net_shard_at(made->net, i).input, &random));
    NAS_TRY(nas_net_set_step(made->net, &step));
    for (int i = 0; i < WARM_UP; i++)
        NAS_TRY(nas_net_evaluate(made->net));
    return nas_device_finish(device);
}

nas_net_options nas_inference_options(const nas_device *device, int batch)
{
    return (nas_net_options){.batch = batch, .shards = nas_batch_shards(device, batch)};
}

nas_status nas_inference_create(nas_device *device, const nas_graph *graph, int batch,
                                nas_inference **inference)
{
    nas_inference *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory for an inference");
    const nas_status status = make(device, graph, batch, made);
    if (status == NAS_OK)
        *inference = made;
    else
        nas_inference_destroy(made);
    return status;
}

void nas_inference_destroy(nas_inference *inference)
{
    if (!inference)
        return;
    nas_net_destroy(inference->net);
    free(inference);
}

nas_net *nas_inference_net(const nas_inference *inference)
{
    return inference->net;
}

static nas_status pass(nas_inference *inference)
{
    NAS_TRY(nas_net_evaluate(inference->net));
    return nas_device_finish(inference->device);
}

nas_status nas_inference_sample(nas_inference *inference, double *seconds)
{
    double fastest = INFINITY;
    NAS_TRY(pass(inference));
    const double start = nas_now_s();
    for (int i = 0; i < PASSES || (nas_now_s() - start < passes_s && i < PASSES_MAX); i++) {
        const double begin = nas_now_s();
        NAS_TRY(pass(inference));
        fastest = fmin(fastest, nas_now_s() - begin);
    }
    *seconds = fastest;
    return NAS_OK;
}

double nas_inference_settle(const double *samples, int count)
{
    double least = samples[0];
    for (int i = 1; i < count; i++)
        least = fmin(least, samples[i]);
    return least;
}

nas_status nas_inference_latency(nas_device *device, const nas_graph *graph, int batch,
                                 double limit_s, double *seconds)
{
    double samples[SAMPLES];
    int count = 0;
    nas_status status = NAS_OK;
    nas_inference *inference = NULL;
    NAS_TRY(nas_inference_create(device, graph, batch, &inference));
    const double start = nas_now_s();
    while (count < SAMPLES && (count < LEAST || nas_now_s() - start < limit_s)) {
        NAS_TRY_DONE(nas_inference_sample(inference, &samples[count]));
        count++;
    }
    *seconds = nas_inference_settle(samples, count);
done:
    nas_inference_destroy(inference);
    return status;
}
