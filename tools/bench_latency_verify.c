/* bench_latency_verify.c - predicted against measured: how alike they rank, and how far one is from the other.
 *
 * The error of a network is |predicted − measured| / measured.  How well anything could predict is told beside it: the first half of the
 * samples of each network against the second half, as if the one had predicted the other.  Each half has fewer samples than the whole, so
 * what is measured is a little better than that; but an error below it says nothing, and one near it is the machine's.  People get one line for each batch; programs every network with every
 * sample (`--format json`, a line for each batch). */
#include "bench_latency.h"
#include "rank.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

typedef struct verdict {
    double spearman, kendall; /* NaN where all are equal, and have no ranks */
    double median_error, worst_error, low_s, high_s;
    double again_spearman, again_error; /* of one half of the samples against the other */
    int steps, known;
} verdict;

/* One half of the samples against the other; NaN where a network has a single one. */
static nas_status judge_noise(const latency_network *networks, int count, double *work, verdict *v)
{
    double *first = work, *second = work + count, *error = work + 2 * (size_t)count;
    const int half = networks[0].count / 2;
    v->again_spearman = v->again_error = NAN;
    if (half < 1)
        return NAS_OK;
    for (int i = 0; i < count; i++) {
        first[i] = nas_inference_settle(networks[i].sample_s, half);
        second[i] = nas_inference_settle(networks[i].sample_s + half, networks[i].count - half);
        error[i] = fabs(first[i] - second[i]) / second[i];
    }
    bench_sort(error, count);
    v->again_error = bench_median(error, count);
    return spearman(first, second, count, &v->again_spearman);
}

static nas_status judge(const latency_network *networks, int count, verdict *v)
{
    double *predicted = malloc(3 * (size_t)count * sizeof *predicted);
    double *measured = predicted ? predicted + count : NULL;
    double *error = predicted ? measured + count : NULL;
    if (!predicted)
        NAS_FAIL(NAS_MEMORY, "no memory for %d networks", count);
    *v = (verdict){.low_s = INFINITY};
    for (int i = 0; i < count; i++) {
        predicted[i] = networks[i].predicted_s;
        measured[i] = networks[i].measured_s;
        error[i] = fabs(predicted[i] - measured[i]) / measured[i];
        v->low_s = fmin(v->low_s, measured[i]);
        v->high_s = fmax(v->high_s, measured[i]);
        v->steps += networks[i].steps;
        v->known += networks[i].known;
    }
    bench_sort(error, count);
    v->median_error = bench_median(error, count);
    v->worst_error = error[count - 1];
    nas_status status = spearman(predicted, measured, count, &v->spearman);
    if (status == NAS_OK)
        status = kendall(predicted, measured, count, &v->kendall);
    if (status == NAS_OK)
        status = judge_noise(networks, count, predicted, v);
    free(predicted);
    return status;
}

/* NULL, which leaves the member out, where there is no such number: networks that are all predicted alike have no ranks. */
static json_t *number_json(double number)
{
    return isnan(number) ? NULL : json_real(number);
}

static json_t *network_json(const latency_space *space, const latency_network *network)
{
    nas_text text = {0};
    json_t *samples = json_array();
    for (int i = 0; i < network->count; i++)
        json_array_append_new(samples, json_real(1e3 * network->sample_s[i]));
    nas_domain_write(space->domain, &network->arch, &text);
    json_t *object = json_pack("{s:s, s:f, s:f, s:i, s:i, s:o}", "arch", text.data ? text.data : "",
                               "predicted_ms", 1e3 * network->predicted_s, "measured_ms",
                               1e3 * network->measured_s, "steps", network->steps, "known",
                               network->known, "samples_ms", samples);
    nas_text_clear(&text);
    return object;
}

static nas_status print_json(const latency_space *space, const nas_device_info *device, int batch,
                             const verdict *v, const latency_network *networks, int count, FILE *to)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, network_json(space, &networks[i]));
    json_t *root = json_pack(
        "{s:i, s:s, s:s*, s:s*, s:i, s:o*, s:o*, s:f, s:f, s:o*, s:o*, s:f, s:o}", "schema_version",
        1, "space", space->domain->space->kind.name, "device", device->name, "driver",
        device->driver, "batch", batch, "spearman", number_json(v->spearman), "kendall",
        number_json(v->kendall), "median_error", v->median_error, "worst_error", v->worst_error,
        "again_spearman", number_json(v->again_spearman), "again_error",
        number_json(v->again_error), "known", (double)v->known / v->steps, "networks", list);
    const bool good = root && json_dumpf(root, to, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0 &&
                      fputc('\n', to) != EOF;
    json_decref(root);
    if (!good)
        NAS_FAIL(NAS_FAILED, "writing the figures failed");
    return NAS_OK;
}

static const char *number_text(double number, char text[16])
{
    snprintf(text, 16, isnan(number) ? "–" : "%.3f", number);
    return text;
}

nas_status latency_print(const latency_space *space, const nas_device_info *device,
                         bench_format format, int batch, const latency_network *networks, int count,
                         FILE *to)
{
    verdict v;
    NAS_TRY(judge(networks, count, &v));
    if (format == BENCH_JSON)
        return print_json(space, device, batch, &v, networks, count, to);
    char rho[16], tau[16];
    fprintf(to,
            "%s, batch %d, %d random networks of %.3f to %.3f ms on %s %s: Spearman %s, Kendall "
            "%s; error %.1f %% in the median, %.1f %% at worst; %.1f %% of the steps in the "
            "table\n",
            space->domain->space->kind.name, batch, count, 1e3 * v.low_s, 1e3 * v.high_s,
            device->id, device->name, number_text(v.spearman, rho), number_text(v.kendall, tau),
            100 * v.median_error, 100 * v.worst_error, 100.0 * v.known / v.steps);
    if (!isnan(v.again_error))
        fprintf(
            to,
            "    half of the samples against the other half: Spearman %.3f; difference %.1f %% in "
            "the median\n",
            v.again_spearman, 100 * v.again_error);
    return NAS_OK;
}
