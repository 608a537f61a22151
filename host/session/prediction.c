/* prediction.c - a saved model asked about new files.
 *
 * The model stands alone: its file says how samples are prepared and what its outputs mean.  Samples of all files are put together to
 * batches, scaled on the host as the data set's gathering kernel does on a device (x·scale + shift), and answered in their order.  What is
 * told are probabilities (softmax of classes, a sigmoid of each label) or numbers in their own units. */
#include "model_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64 };

typedef struct pending {
    char file[NAS_PATH_SIZE];
    int64_t sample;
} pending;

typedef struct predicting {
    const nas_predict_options *options;
    nas__model_words words;
    nas__model_file model;
    nas__wishes wishes;
    nas_device *device;
    nas_net *net;
    int batch, padded, count; /* samples at once, and how many wait */
    uint64_t in;
    int outputs;
    pending *waiting;     /* [batch] */
    float *samples;       /* [batch][in], prepared */
    float *chwn, *answer; /* [in or outputs][padded] */
    double *values;       /* [outputs] */
    float *scale, *shift; /* [channels] */
} predicting;

/* ---- the model ------------------------------------------------------------------------------------------------------ */

static nas_status read_words(const nas_safetensors *content, const char *path, predicting *p)
{
    const char *preprocessing = nas_safetensors_value(content, "preprocessing");
    const char *postprocessing = nas_safetensors_value(content, "postprocessing");
    const char *names = nas_safetensors_value(content, "classes");
    nas__model_words *w = &p->words;
    w->columns = nas_safetensors_value(content, "columns");
    w->prepares = preprocessing != NULL;
    if (preprocessing) {
        NAS_TRY(nas_preprocessing_read(preprocessing, path, &w->preprocessing));
        NAS_TRY(nas_preprocessing_check(&w->preprocessing, path, p->model.graph.nodes[0].shape));
    }
    if (postprocessing)
        NAS_TRY(nas_postprocessing_read(postprocessing, path, &w->postprocessing));
    if (w->postprocessing.mean.count && w->postprocessing.mean.count != p->outputs)
        NAS_FAIL(NAS_DATA, "%s: units of %d numbers for %d outputs", path,
                 w->postprocessing.mean.count, p->outputs);
    return names ? nas_names_read(names, path, p->outputs, &w->names) : NAS_OK;
}

static nas_status read_model(const char *path, predicting *p)
{
    NAS_TRY(nas__model_open(path, true, &p->model));
    const nas_graph *graph = &p->model.graph;
    p->in = nas_shape_count(graph->nodes[0].shape);
    p->outputs = (int)nas_shape_count(graph->nodes[graph->output].shape);
    return read_words(&p->model.content, path, p);
}

/* What is done to each stored value; nothing where the model does not say. */
static nas_status make_mapping(predicting *p)
{
    const int channels = p->model.graph.nodes[0].shape.c;
    if (p->words.prepares)
        NAS_TRY(nas_preprocessing_mapping(&p->words.preprocessing, &p->scale));
    else
        p->scale = calloc(2 * (size_t)channels, sizeof *p->scale);
    if (!p->scale)
        NAS_FAIL(NAS_MEMORY, "no memory for the scales of %d channels", channels);
    p->shift = p->scale + channels;
    for (int c = 0; c < channels && !p->words.prepares; c++)
        p->scale[c] = 1;
    return NAS_OK;
}

static nas_status open_net(const char *path, predicting *p)
{
    const nas_net_options options = {.batch = p->batch};
    const char *match = p->options->device ? p->options->device : "any";
    NAS_TRY(nas__device_borrow(p->options->open_device, match, &p->device));
    NAS_TRY(nas_net_create(p->device, &p->model.graph, &options, &p->net));
    return nas_net_take(p->net, &p->model.content, path);
}

static nas_status allocate(predicting *p)
{
    const size_t batch = (size_t)p->batch, padded = (size_t)nas_batch_padded(p->batch);
    p->padded = (int)padded;
    p->waiting = calloc(batch, sizeof *p->waiting);
    p->samples = calloc(batch * p->in, sizeof *p->samples);
    p->chwn = malloc(padded * p->in * sizeof *p->chwn);
    p->answer = malloc(padded * (size_t)p->outputs * sizeof *p->answer);
    p->values = malloc((size_t)p->outputs * sizeof *p->values);
    if (!p->waiting || !p->samples || !p->chwn || !p->answer || !p->values)
        NAS_FAIL(NAS_MEMORY, "no memory for a batch of %d", p->batch);
    return NAS_OK;
}

/* ---- answering ------------------------------------------------------------------------------------------------------ */

static void softmax(double *values, int count)
{
    double most = values[0], sum = 0;
    for (int k = 1; k < count; k++)
        most = fmax(most, values[k]);
    for (int k = 0; k < count; k++)
        sum += values[k] = exp(values[k] - most);
    for (int k = 0; k < count; k++)
        values[k] /= sum;
}

static nas_status tell(predicting *p, int sample)
{
    const nas_postprocessing *post = &p->words.postprocessing;
    nas_prediction prediction = {.file = p->waiting[sample].file,
                                 .sample = p->waiting[sample].sample,
                                 .task = (nas_task)post->task,
                                 .outputs = p->outputs,
                                 .values = p->values,
                                 .names = (const char *const *)p->words.names};
    for (int k = 0; k < p->outputs; k++) {
        const double x = p->answer[k * p->padded + sample];
        p->values[k] = prediction.task == NAS_TASK_MULTILABEL ? 1 / (1 + exp(-x))
                                                              : nas_output_number(post, k, x);
        if (p->values[k] > p->values[prediction.largest])
            prediction.largest = k;
    }
    if (prediction.task == NAS_TASK_CLASSIFY)
        softmax(p->values, p->outputs);
    return p->options->each(p->options->user, &prediction);
}

/* Answers all that wait. */
static nas_status flush(predicting *p)
{
    const nas_step step = {.real = (uint32_t)p->count};
    if (p->count == 0)
        return NAS_OK;
    if (!nas__goes_on(&p->wishes))
        NAS_FAIL(NAS_STOPPED, "%s", nas__wishes_who(&p->wishes));
    nas_chwn_from_nchw(p->samples, p->model.graph.nodes[0].shape, p->batch, p->padded, p->chwn);
    NAS_TRY(nas_tensor_write(nas_net_input(p->net), p->chwn));
    NAS_TRY(nas_net_set_step(p->net, &step));
    NAS_TRY(nas_net_evaluate(p->net));
    NAS_TRY(nas_tensor_read(nas_net_output(p->net), p->answer));
    for (int i = 0; i < p->count; i++)
        NAS_TRY(tell(p, i));
    p->count = 0;
    return NAS_OK;
}

static nas_status take(void *user, const char *file, int64_t index, const float *values)
{
    predicting *p = user;
    const nas_shape shape = p->model.graph.nodes[0].shape;
    const uint64_t plane = (uint64_t)shape.h * (uint64_t)shape.w;
    float *to = p->samples + (uint64_t)p->count * p->in;
    for (uint64_t i = 0; i < p->in; i++)
        to[i] = fmaf(values[i], p->scale[i / plane], p->shift[i / plane]);
    snprintf(p->waiting[p->count].file, NAS_PATH_SIZE, "%s", file);
    p->waiting[p->count].sample = index;
    p->count++;
    return p->count == p->batch ? flush(p) : NAS_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------- */

static void clear(predicting *p)
{
    nas_net_destroy(p->net);
    nas__device_return(p->options->open_device, p->device);
    nas__model_clear(&p->model);
    nas_preprocessing_clear(&p->words.preprocessing);
    nas_names_free(p->words.names);
    free(p->waiting);
    free(p->samples);
    free(p->chwn);
    free(p->answer);
    free(p->values);
    free(p->scale);
}

nas_status nas_session_predict(const char *model_path, const char *const *files, int count,
                               const nas_predict_options *options)
{
    predicting p = {.options = options, .batch = options->batch > 0 ? options->batch : BATCH};
    nas_status status = NAS_OK;
    nas__wishes_begin(&p.wishes, options->cancelled, options->user);
    NAS_TRY_DONE(read_model(model_path, &p));
    NAS_TRY_DONE(make_mapping(&p));
    NAS_TRY_DONE(allocate(&p));
    NAS_TRY_DONE(open_net(model_path, &p));
    for (int i = 0; i < count; i++)
        NAS_TRY_DONE(nas__samples_read(files[i], &p.words, p.model.graph.nodes[0].shape, take, &p));
    status = flush(&p);
done:
    clear(&p);
    return status;
}
