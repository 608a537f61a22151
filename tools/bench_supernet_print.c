/* bench_supernet_print.c - what clnas-bench supernet found: in words and in full for one combination, a line of a table for each of
 * many (Markdown or CSV), or an object of JSON with every sample. */
#include "bench_supernet.h"

#include <stdio.h>

static const char *name_of(const supernet_options *o)
{
    return o->method[0] ? o->method : "darts, halves";
}

static void sort_all(supernet_outcome *r)
{
    bench_times_sort(&r->step);
    bench_times_sort(&r->peer);
    bench_times_sort(&r->weight);
    bench_times_sort(&r->architecture);
}

static bool is_json(const supernet_options *o)
{
    return o->format == BENCH_JSON || o->format == BENCH_JSONL;
}

static void print_samples(const char *name, const bench_times *times)
{
    printf(", \"%s\": [", name);
    for (int i = 0; i < times->count; i++)
        printf("%s%.4f", i ? ", " : "", times->step_ms[i]);
    printf("]");
}

static void print_json(const supernet_options *o, const supernet_outcome *r)
{
    const double ours = bench_median_ms(&r->step);
    printf("{\"method\": \"%s\", \"cells\": %d, \"channels\": %d, \"batch\": %d, \"parameters\": "
           "%.0f",
           name_of(o), o->cells, o->channels, o->batch, r->parameters);
    if (r->weight.count)
        printf(", \"weight_ms\": %.2f, \"architecture_ms\": %.2f", bench_median_ms(&r->weight),
               bench_median_ms(&r->architecture));
    printf(", \"step_ms\": %.2f, \"planned_bytes\": %.0f, \"peak_bytes\": %.0f", ours,
           r->planned_bytes, r->peak_bytes);
    if (r->peer.count)
        printf(", \"torch\": \"%s\", \"peer_ms\": %.2f, \"peer_bytes\": %.0f, \"ratio\": %.3f, "
               "\"memory_share\": %.3f",
               r->torch, bench_median_ms(&r->peer), r->peer_bytes, bench_median_ms(&r->peer) / ours,
               r->peak_bytes / r->peer_bytes);
    print_samples("step_samples_ms", &r->step);
    if (r->weight.count) {
        print_samples("weight_samples_ms", &r->weight);
        print_samples("architecture_samples_ms", &r->architecture);
    }
    if (r->peer.count)
        print_samples("peer_samples_ms", &r->peer);
    printf("}\n");
}

static void print_words(const supernet_options *o, const supernet_outcome *r)
{
    const double ours = bench_median_ms(&r->step);
    const int last = r->step.count - 1;
    printf("DARTS supernet, %d cells, %d channels, batch %d, 3x%dx%d: %.0f parameters", o->cells,
           o->channels, o->batch, o->size, o->size, r->parameters);
    if (r->nodes)
        printf(", %d nodes", r->nodes);
    printf("\n");
    if (r->weight.count)
        printf("weight step %.1f ms, architecture step %.1f ms; ", bench_median_ms(&r->weight),
               bench_median_ms(&r->architecture));
    printf("%s step %.1f ms (%.1f to %.1f)\n", o->method[0] ? o->method : "search", ours,
           r->step.step_ms[0], r->step.step_ms[last]);
    printf("memory: %.0f MB planned", 1e-6 * r->planned_bytes);
    if (r->activation_bytes > 0)
        printf(" (%.0f activations, %.0f scratch)", 1e-6 * r->activation_bytes,
               1e-6 * r->scratch_bytes);
    printf(", %.0f MB peak of the process\nloss %.4f\n", 1e-6 * r->peak_bytes, r->loss);
    if (r->peer.count)
        printf("torch %s at its best setting: %.0f parameters, search step %.1f ms (%.1f to %.1f), "
               "%.0f MB peak\n"
               "clnas takes 1/%.2f of its time and 1/%.2f of its memory\n",
               r->torch, r->peer_parameters, bench_median_ms(&r->peer), r->peer.step_ms[0],
               r->peer.step_ms[r->peer.count - 1], 1e-6 * r->peer_bytes,
               bench_median_ms(&r->peer) / ours, r->peer_bytes / r->peak_bytes);
}

void bench_supernet_print(const supernet_options *o, supernet_outcome *r)
{
    sort_all(r);
    if (is_json(o)) {
        print_json(o, r);
    } else if (o->format == BENCH_TABLE) {
        print_words(o, r);
    } else {
        bench_supernet_head(o);
        bench_supernet_line(o, r);
    }
    fflush(stdout);
}

/* ---- many ------------------------------------------------------------------------------------------------ */

void bench_supernet_head(const supernet_options *o)
{
    if (is_json(o))
        return;
    if (o->format == BENCH_CSV) {
        printf("method,cells,channels,batch,parameters,step_ms,peak_bytes,peer_ms,peer_bytes\n");
        return;
    }
    printf("| method | cells | channels | batch | parameters | step, ms | peak, MB |%s\n",
           o->peer ? " PyTorch step, ms | peak, MB | times as fast | of its memory |" : "");
    printf("|---|---|---|---|---|---|---|%s\n", o->peer ? "---|---|---|---|" : "");
    fflush(stdout);
}

/* Figures that there are none of stay empty. */
static void print_csv(const supernet_options *o, supernet_outcome *r)
{
    printf("\"%s\",%d,%d,%d,", name_of(o), o->cells, o->channels, o->batch);
    if (r)
        sort_all(r);
    if (r)
        printf("%.0f,%.9g,%.0f,", r->parameters, bench_median_ms(&r->step), r->peak_bytes);
    else
        printf(",,,");
    if (r && r->peer.count)
        printf("%.9g,%.0f\n", bench_median_ms(&r->peer), r->peer_bytes);
    else
        printf(",\n");
    fflush(stdout);
}

void bench_supernet_line(const supernet_options *o, supernet_outcome *r)
{
    if (is_json(o)) {
        if (r)
            bench_supernet_print(o, r);
        return;
    }
    if (o->format == BENCH_CSV) {
        print_csv(o, r);
        return;
    }
    printf("| %s | %d | %d | %d |", name_of(o), o->cells, o->channels, o->batch);
    if (r) {
        sort_all(r);
        printf(" %.0f | %.1f | %.0f |", r->parameters, bench_median_ms(&r->step),
               1e-6 * r->peak_bytes);
    } else {
        printf(" – | – | – |");
    }
    if (o->peer && r && r->peer.count)
        printf(" %.1f | %.0f | %.2f | 1/%.2f |", bench_median_ms(&r->peer), 1e-6 * r->peer_bytes,
               bench_median_ms(&r->peer) / bench_median_ms(&r->step),
               r->peer_bytes / r->peak_bytes);
    else if (o->peer)
        printf(" – | – | – | – |");
    printf("\n");
    fflush(stdout);
}

/* ---- by kernel ---------------------------------------------------------------------------------------------------------- */

static void print_bytes(const supernet_bytes *bytes, const nas_profile_row *row, double seconds)
{
    const double needed = bytes ? bytes->of(bytes->user, row->label) : 0;
    if (needed > 0)
        printf(" %8.0f %7.1f %5.0f%%", needed * 1e-6, 1e-9 * needed / seconds,
               1e-7 * needed / seconds / bytes->copy);
}

void bench_supernet_kernels(const nas_profile_row *rows, int count, int steps,
                            const supernet_bytes *bytes)
{
    double all = 0;
    for (int i = 0; i < count; i++)
        all += rows[i].seconds;
    printf("%-28s %9s %9s %7s%s\n", "kernel", "launches", "ms/step", "share",
           bytes ? "       MB    GB/s   copy" : "");
    for (int i = 0; i < count; i++) {
        const double seconds = rows[i].seconds / steps;
        printf("%-28s %9.1f %9.2f %6.1f%%", rows[i].label, (double)rows[i].launches / steps,
               seconds * 1e3, 100 * rows[i].seconds / all);
        print_bytes(bytes, &rows[i], seconds);
        putchar('\n');
    }
    printf("%-28s %9s %9.2f\n", "all", "", all * 1e3 / steps);
}
