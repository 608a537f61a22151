/* exporting.c - a trained network written for others, and held against the engine before anybody relies on it.
 *
 * The network is a model file, or a study's: of the trial that is named, else of its best trial that was retrained.  What was
 * written is run on random samples where it can be (nas_exporter.run), and so is the network on a device; the largest difference,
 * by the largest output, must stay below 1e-4. */
#include "model_file.h"

#include <clnas/export.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 8 };
static const double bound = 1e-4;

/* ---- which model ------------------------------------------------------------------------------------------------ */

/* A repeat of the trial that has a model file. */
static const nas__result *result_of(const nas__result *results, int count, int64_t trial)
{
    for (int i = 0; i < count; i++)
        if (results[i].job.index == trial && results[i].model[0] && !results[i].reason[0])
            return &results[i];
    return NULL;
}

static const nas__result *best_result(const nas_study *study, const nas_config *config,
                                      const nas__result *results, int count)
{
    const nas__result *best = NULL;
    double best_score = -INFINITY;
    for (int i = 0; i < count; i++) {
        const nas_trial *trial = nas_study_result(study, results[i].job.index);
        const nas__result *result = result_of(results, count, results[i].job.index);
        const double score =
            trial ? nas_objective_score(&config->objectives.item[0], trial) : -INFINITY;
        if (result && (!best || score > best_score)) {
            best = result;
            best_score = score;
        }
    }
    return best;
}

static nas_status choose_result(nas_study *study, int64_t trial, char path[NAS_PATH_SIZE])
{
    nas__result *results = NULL;
    int count = 0;
    nas_status status = NAS_OK;
    nas_config *config = calloc(1, sizeof *config);
    if (!config)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    NAS_TRY_DONE(nas_study_sync(study));
    NAS_TRY_DONE(nas__stored_config(study, NULL, 0, config));
    NAS_TRY_DONE(nas__results_read(study, &results, &count));
    const nas__result *chosen =
        trial >= 0 ? result_of(results, count, trial) : best_result(study, config, results, count);
    if (!chosen && trial >= 0)
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                               "trial %lld has no trained weights; make some: clnas train %s:%lld",
                               (long long)trial, nas_study_path(study), (long long)trial);
    else if (!chosen)
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                               "no network of this study was retrained yet: clnas train %s",
                               nas_study_path(study));
    else if (strchr(chosen->model, '/'))
        snprintf(path, NAS_PATH_SIZE, "%s", chosen->model);
    else
        status = nas__study_file(study, chosen->model, path, NAS_PATH_SIZE);
done:
    nas_config_clear(config);
    free(config);
    free(results);
    return status;
}

static nas_status find_model(const char *source, int64_t trial, char path[NAS_PATH_SIZE])
{
    nas_study *study;
    if (!nas__is_study(source)) {
        if (trial >= 0)
            NAS_FAIL(NAS_CONFIG, "%s is no study, so it has no trial %lld", source,
                     (long long)trial);
        snprintf(path, NAS_PATH_SIZE, "%s", source);
        return NAS_OK;
    }
    NAS_TRY(nas_study_open(source, NAS_STORE_READ, &study));
    const nas_status status = choose_result(study, trial, path);
    nas_study_close(study);
    return status;
}

/* ---- comparing with the engine ------------------------------------------------------------------------------------- */

typedef struct samples {
    float *inputs, *prepared, *outputs, *truth; /* a sample after the other */
    uint64_t in, out;                           /* floats of each */
} samples;

static void samples_clear(samples *s)
{
    free(s->inputs);
    free(s->prepared);
    free(s->outputs);
    free(s->truth);
}

/* Bytes where the model was trained on bytes, else numbers around 0; and what the network sees of them. */
static nas_status draw_samples(const nas_model *model, samples *s)
{
    const nas_preprocessing *p = &model->preprocessing;
    const nas_shape shape = nas_model_input(model);
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    s->in = nas_shape_count(shape);
    s->out = nas_shape_count(nas_model_output(model));
    s->inputs = malloc(SAMPLES * s->in * sizeof *s->inputs);
    s->prepared = malloc(SAMPLES * s->in * sizeof *s->prepared);
    s->outputs = malloc(SAMPLES * s->out * sizeof *s->outputs);
    s->truth = malloc(SAMPLES * s->out * sizeof *s->truth);
    if (!s->inputs || !s->prepared || !s->outputs || !s->truth)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    for (uint64_t i = 0; i < SAMPLES * s->in; i++) {
        const int channel = (int)(i % s->in / (uint64_t)(shape.h * shape.w));
        const bool bytes = model->prepares && p->bytes;
        const double x = bytes ? nas_random_below(&random, 256) : nas_random_normal(&random);
        s->inputs[i] = (float)x;
        s->prepared[i] =
            !model->prepares
                ? s->inputs[i]
                : (float)(s->inputs[i] * nas_sample_scale(p->bytes, p->std.item[channel]) +
                          nas_sample_shift(p->mean.item[channel], p->std.item[channel]));
    }
    return NAS_OK;
}

/* Outputs in their own units, a sample after the other, into `to`. */
static nas_status run_net(nas_net *net, const nas_postprocessing *units, const samples *s,
                          const float *inputs, float *to)
{
    const int padded = nas_batch_padded(SAMPLES);
    const nas_graph *graph = nas_net_graph(net);
    float *in = malloc(s->in * (uint64_t)padded * sizeof *in);
    float *out = malloc(s->out * (uint64_t)padded * sizeof *out);
    const nas_step step = {.real = SAMPLES};
    nas_status status = in && out ? NAS_OK : NAS_MEMORY;
    NAS_TRY_DONE(status);
    nas_chwn_from_nchw(inputs, graph->nodes[0].shape, SAMPLES, padded, in);
    NAS_TRY_DONE(nas_tensor_write(nas_net_input(net), in));
    NAS_TRY_DONE(nas_net_set_step(net, &step));
    NAS_TRY_DONE(nas_net_evaluate(net));
    NAS_TRY_DONE(nas_tensor_read(nas_net_output(net), out));
    nas_nchw_from_chwn(out, graph->nodes[graph->output].shape, SAMPLES, padded, to);
    for (uint64_t i = 0; i < SAMPLES * s->out; i++)
        to[i] = (float)nas_output_number(units, (int)(i % s->out), to[i]);
done:
    free(in);
    free(out);
    return status;
}

static nas_status run_engine(const nas_postprocessing *units, const nas__model_file *file,
                             const char *path, const char *match, const samples *s,
                             const float *inputs, float *to)
{
    const nas_net_options options = {.batch = SAMPLES};
    nas_device *device = NULL;
    nas_net *net = NULL;
    nas_status status = nas_device_open(match ? match : "any", NULL, &device);
    if (status == NAS_OK)
        status = nas_net_create(device, &file->graph, &options, &net);
    if (status == NAS_OK)
        status = nas_net_take(net, &file->content, path);
    if (status == NAS_OK)
        status = run_net(net, units, s, inputs, to);
    nas_net_destroy(net);
    nas_device_destroy(device);
    return status;
}

/* An ONNX file that nothing else on this machine can run is read back (import.h) and run on a device. */
static nas_status run_imported(const nas_export_options *options, samples *s)
{
    const nas_postprocessing none = {.task = NAS_TASK_CLASSIFY}; /* its units are in its weights */
    nas__model_file back;
    NAS_TRY(nas__model_open(options->output, false, &back));
    const bool prepares = nas_safetensors_value(&back.content, "preprocessing") != NULL;
    const nas_status status = run_engine(&none, &back, options->output, options->device, s,
                                         prepares ? s->prepared : s->inputs, s->outputs);
    nas__model_clear(&back);
    return status;
}

static double difference_of(const samples *s)
{
    double largest = 0, worst = 0;
    for (uint64_t i = 0; i < SAMPLES * s->out; i++) {
        const double difference = fabs((double)s->truth[i] - s->outputs[i]);
        largest = fmax(largest, fabs(s->truth[i]));
        worst = isnan(difference) ? INFINITY : fmax(worst, difference);
    }
    return worst / fmax(largest, 1e-30);
}

static nas_status compare(const nas_exporter *exporter, const nas_model *model,
                          const nas__model_file *file, const nas_export_options *options,
                          nas_export_report *report)
{
    samples s = {0};
    nas_status status = draw_samples(model, &s);
    if (status == NAS_OK)
        status = exporter->run(model, options->output, s.inputs, SAMPLES, s.outputs);
    const bool ran = status == NAS_OK;
    if (status == NAS_NO_DEVICE) {
        snprintf(report->note, sizeof report->note, "%.255s", nas_error_message());
        status = exporter->imports ? run_imported(options, &s) : NAS_OK;
    }
    if (status == NAS_OK && (ran || exporter->imports)) {
        status = run_engine(&model->postprocessing, file, report->model, options->device, &s,
                            s.prepared, s.truth);
        report->compared = status == NAS_OK;
    }
    if (report->compared) {
        report->samples = SAMPLES;
        report->difference = difference_of(&s);
        if (!(report->difference <= bound))
            status = nas_error_set(
                NAS_FAILED, __FILE__, __LINE__,
                "%s does not compute what the network does: %.2e of the largest output apart, "
                "allowed are %.0e",
                options->output, report->difference, bound);
    }
    samples_clear(&s);
    return status;
}

/* ---- the whole -------------------------------------------------------------------------------------------------------- */

static nas_status exporter_named(const char *name, const nas_exporter **exporter)
{
    const char *names[32];
    int count;
    const nas_exporter *const *all = nas_exporter_all(&count);
    *exporter = nas_exporter_find(name);
    if (*exporter)
        return NAS_OK;
    for (int i = 0; i < count && i < 32; i++)
        names[i] = all[i]->kind.name;
    const char *near = nas_nearest_name(name, names, count);
    NAS_FAIL(NAS_CONFIG, "there is no export to \"%.40s\"%s%s; all: clnas describe exporter", name,
             near ? "; did you mean " : "", near ? near : "");
}

static nas_status export_file(const nas_exporter *exporter, const nas__model_file *file,
                              const nas_export_options *options, nas_export_report *report)
{
    nas_model model;
    NAS_TRY(nas_model_make(&file->content, report->model,
                           options->keep_norms ? NAS_NORMS_KEPT : exporter->norms, &model));
    report->input = nas_model_input(&model);
    report->output = nas_model_output(&model);
    report->parameters = model.parameters;
    nas_status status = exporter->write(&model, options->output);
    if (status == NAS_OK && exporter->run)
        status = compare(exporter, &model, file, options, report);
    else
        snprintf(report->note, sizeof report->note, "it is nothing that runs; it was read back");
    nas_model_clear(&model);
    return status;
}

nas_status nas_session_export(const char *source, const nas_export_options *options,
                              nas_export_report *report)
{
    const nas_exporter *exporter;
    nas__model_file file;
    *report = (nas_export_report){0};
    NAS_TRY(exporter_named(options->to, &exporter));
    NAS_TRY(find_model(source, options->trial, report->model));
    NAS_TRY(nas__model_open(report->model, false, &file));
    const nas_status status = export_file(exporter, &file, options, report);
    nas__model_clear(&file);
    return status;
}
