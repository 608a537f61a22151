/* bench_ops.c - clnas-bench ops: every operator and optimizer, forward and backward, held against the ceiling that binds it.
 *
 *     clnas-bench ops [--device MATCH] [--only TEXT] [--repeats 5] [--milliseconds 20] [--clock wall|cpu] [--format ...]
 *
 * A row is a pass of an operator (bench_op.h) on one shape: milliseconds, and from their median
 *
 *   GFLOP/s      of multiply-adds, where there are some
 *   GB/s         of the bytes that it cannot do without, each read or written once
 *   share        of the ceiling that binds ("bound"): multiply-adds in registers, or copying as many bytes, whichever lets it come closer, both
 *                measured in this run; of dense convolutions always of the multiply-adds
 *   x CLBlast    1x1 convolutions and dense layers: how much longer the same pass takes through CLBlast as it is shipped
 *
 * and, as notes, the geometric mean and the worst of each group.  An operator that the list of shapes does not name is measured on the largest of
 * its own sample cases, so a new one has rows at once.  Times include the ordering of weights and the adding up of parts.  `--only` takes
 * rows whose group or shape has that text in it.  On a busy machine `--clock cpu` counts the processor time of this process (of all its threads:
 * figures are then per core). */
#include "bench.h"
#include "bench_op.h"
#include "bench_ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- shapes ------------------------------------------------------------------------------------------------------------- */

enum { CONV, POINTWISE, SMALL_CNN, DEPTHWISE, NORM, POOLING, MIXED, OPTIMIZER, OTHER, GROUPS };
static const char *const group_names[GROUPS] = {"conv 3x3",  "conv 1x1",       "small CNN (28x28)",
                                                "depthwise", "norm",           "pooling",
                                                "mixed sum", "optimizer step", "other"};

typedef struct bench_shape {
    int group;
    const char *op, *options;
    int batch;
    nas_shape in;
    int copies;      /* inputs of this shape; 0: 1 */
    nas_shape other; /* of one more input; 0: none */
} bench_shape;

static const bench_shape shapes[] = {
    {CONV, "conv2d", "out = 16", 64, {16, 32, 32}, 1, {0}},
    {CONV, "conv2d", "out = 32", 64, {32, 32, 32}, 1, {0}},
    {CONV, "conv2d", "out = 64", 64, {64, 32, 32}, 1, {0}},
    {CONV, "conv2d", "out = 32", 64, {32, 16, 16}, 1, {0}},
    {CONV, "conv2d", "out = 64", 64, {64, 16, 16}, 1, {0}},
    {CONV, "conv2d", "out = 128", 64, {128, 16, 16}, 1, {0}},
    {CONV, "conv2d", "out = 64", 64, {64, 8, 8}, 1, {0}},
    {CONV, "conv2d", "out = 128", 64, {128, 8, 8}, 1, {0}},
    {CONV, "conv2d", "out = 64; stride = 2", 64, {32, 32, 32}, 1, {0}},
    {POINTWISE, "conv2d", "out = 16; kernel = 1", 64, {16, 32, 32}, 1, {0}},
    {POINTWISE, "conv2d", "out = 32; kernel = 1", 64, {32, 16, 16}, 1, {0}},
    {POINTWISE, "conv2d", "out = 64; kernel = 1", 64, {64, 16, 16}, 1, {0}},
    {POINTWISE, "conv2d", "out = 128; kernel = 1", 64, {128, 8, 8}, 1, {0}},
    {POINTWISE, "dense", "out = 128", 64, {1024, 1, 1}, 1, {0}},
    {SMALL_CNN, "conv2d", "out = 16", 128, {1, 28, 28}, 1, {0}},
    {SMALL_CNN, "conv2d", "out = 32; stride = 2", 128, {16, 28, 28}, 1, {0}},
    {SMALL_CNN, "conv2d", "groups = 0", 128, {32, 14, 14}, 1, {0}},
    {SMALL_CNN, "conv2d", "out = 64; kernel = 1", 128, {32, 14, 14}, 1, {0}},
    {SMALL_CNN, "conv2d", "groups = 0", 128, {64, 7, 7}, 1, {0}},
    {SMALL_CNN, "conv2d", "out = 64; kernel = 1", 128, {64, 7, 7}, 1, {0}},
    {SMALL_CNN, "conv2d", "out = 64", 128, {64, 14, 14}, 1, {0}},
    {SMALL_CNN, "conv2d", "out = 64", 128, {64, 7, 7}, 1, {0}},
    {DEPTHWISE, "conv2d", "groups = 0", 64, {16, 32, 32}, 1, {0}},
    {DEPTHWISE, "conv2d", "groups = 0", 64, {64, 32, 32}, 1, {0}},
    {DEPTHWISE, "conv2d", "groups = 0", 64, {64, 8, 8}, 1, {0}},
    {DEPTHWISE, "conv2d", "groups = 0; kernel = 5", 64, {32, 16, 16}, 1, {0}},
    {DEPTHWISE, "conv2d", "groups = 0; dilation = 2", 64, {16, 32, 32}, 1, {0}},
    {DEPTHWISE, "conv2d", "groups = 0; kernel = 5; dilation = 2", 64, {16, 32, 32}, 1, {0}},
    {DEPTHWISE, "conv2d", "groups = 0; stride = 2", 64, {16, 32, 32}, 1, {0}},
    {DEPTHWISE, "conv2d", "groups = 0; kernel = 5; stride = 2", 64, {32, 16, 16}, 1, {0}},
    {NORM, "batch_norm", "", 64, {16, 32, 32}, 1, {0}},
    {NORM, "batch_norm", "", 64, {64, 16, 16}, 1, {0}},
    {POOLING, "pool", "kernel = 3; stride = 1; padding = 1", 64, {16, 32, 32}, 1, {0}},
    {POOLING,
     "pool",
     "kind = \"average\"; kernel = 3; stride = 1; padding = 1",
     64,
     {16, 32, 32},
     1,
     {0}},
    {POOLING, "pool", "kernel = 2", 64, {64, 16, 16}, 1, {0}},
    {POOLING, "pool", "kind = \"global_average\"", 64, {128, 8, 8}, 1, {0}},
    {MIXED, "mixed", "out = 16; gates = [0, 1, 2, 3, 4, 5, 6]", 64, {16, 32, 32}, 7, {0}},
    {MIXED, "mixed", "out = 64; gates = [0, 1, 2, 3, 4, 5, 6]", 64, {64, 8, 8}, 7, {0}},
    {OTHER, "activation", "", 64, {16, 32, 32}, 1, {0}},
    {OTHER, "add", "", 64, {16, 32, 32}, 2, {0}},
    {OTHER, "mul", "", 64, {32, 16, 16}, 1, {32, 1, 1}},
    {OTHER, "concat", "", 64, {16, 32, 32}, 4, {0}},
    {OTHER, "slice", "count = 8", 64, {32, 32, 32}, 1, {0}},
    {OTHER, "subsample", "", 64, {32, 32, 32}, 1, {0}},
    {OTHER, "zero", "", 64, {16, 32, 32}, 1, {0}},
    {OTHER, "shuffle", "groups = 4", 64, {16, 32, 32}, 1, {0}},
    {OTHER, "dropout", "", 64, {16, 32, 32}, 1, {0}},
    {OTHER, "drop_path", "probability = 0.2", 64, {16, 32, 32}, 1, {0}},
    {OTHER, "softmax_cross_entropy", "", 128, {10, 1, 1}, 1, {0}},
    {OTHER, "upsample", "", 64, {32, 16, 16}, 1, {0}},
};
enum { SHAPE_COUNT = sizeof shapes / sizeof shapes[0] };

/* ---- one row ------------------------------------------------------------------------------------------------------------ */

static nas_status run_samples(bench_ops_run *b, nas_tape *tape, bench_row *row)
{
    for (int i = 0; i < b->repeats; i++) {
        double best_s;
        NAS_TRY(bench_time(b->device, tape, b->seconds, &best_s));
        bench_row_add(row, 1e3 * best_s);
    }
    return NAS_OK;
}

nas_status bench_ops_row(bench_ops_run *b, const bench_work *work, nas_tape *tape)
{
    static const char *const bounds[] = {"operations", "bytes"};
    bench_row *row;
    double copy;
    NAS_TRY(bench_report_row(&b->report, work->group, work->shape, "ms", &row));
    bench_row_label(row, 2, work->pass);
    NAS_TRY(run_samples(b, tape, row));
    NAS_TRY(bench_copy(b->device, (uint64_t)work->bytes, b->seconds, &copy));
    const double seconds = 1e-3 * bench_row_median(row);
    const double gflops = 2e-9 * work->macs / seconds, gbytes = 1e-9 * work->bytes / seconds;
    const double by_operations = gflops / b->peak, by_bytes = gbytes / copy;
    const bool bytes = !work->dense && by_bytes > by_operations;
    bench_row_label(row, 3, bounds[bytes]);
    if (work->macs > 0)
        bench_row_fact(row, "GFLOP/s", gflops);
    bench_row_fact(row, "GB/s", gbytes);
    bench_row_fact(row, "share", bytes ? by_bytes : by_operations);
    return NAS_OK;
}

static nas_status measure_pass(bench_ops_run *b, const bench_op *op, const bench_work *of,
                               bench_pass pass, double *milliseconds)
{
    bench_work work = *of;
    nas_tape *tape = NULL;
    nas_status status = NAS_OK;
    work.pass = bench_pass_names[pass];
    work.bytes = bench_op_bytes(op, pass);
    work.macs = bench_op_macs(op, pass);
    NAS_TRY_DONE(nas_tape_create(b->device, work.pass, &tape));
    NAS_TRY_DONE(bench_op_record(op, pass, tape));
    if (milliseconds) { /* CLBlast: no row of its own */
        double best_s;
        NAS_TRY_DONE(bench_time(b->device, tape, b->seconds, &best_s));
        *milliseconds = 1e3 * best_s;
    } else {
        NAS_TRY_DONE(bench_ops_row(b, &work, tape));
    }
done:
    nas_tape_destroy(tape);
    return status;
}

/* ---- one operator on one shape -------------------------------------------------------------------------------------------- */

typedef struct op_inputs {
    nas_shape shape[NAS_OP_INPUTS];
    int count;
} op_inputs;

static op_inputs inputs_of(const bench_shape *s)
{
    op_inputs in = {.count = 0};
    for (int i = 0; i < (s->copies ? s->copies : 1); i++)
        in.shape[in.count++] = s->in;
    if (s->other.c)
        in.shape[in.count++] = s->other;
    return in;
}

static void write_shape(const bench_shape *s, char *text, size_t size)
{
    char copies[16] = "", other[32] = "";
    if (s->copies > 1)
        snprintf(copies, sizeof copies, "%d of ", s->copies);
    if (s->other.c)
        snprintf(other, sizeof other, " and %dx%dx%d", s->other.c, s->other.h, s->other.w);
    snprintf(text, size, "%s%s%s, %s%dx%dx%d%s, batch %d", s->op, s->options[0] ? " " : "",
             s->options, copies, s->in.c, s->in.h, s->in.w, other, s->batch);
}

/* The same passes through CLBlast, for the rows that have just been added. */
static nas_status compare_clblast(bench_ops_run *b, const bench_shape *s, const bench_work *work,
                                  const bench_pass *passes, int count)
{
    bench_op *op = calloc(1, sizeof *op);
    const op_inputs in = inputs_of(s);
    const nas_op *of;
    nas_status status = NAS_OK;
    if (!op)
        NAS_FAIL(NAS_MEMORY, "no memory for an operator's call");
    NAS_TRY_DONE(nas_op_get(s->op, &of));
    NAS_TRY_DONE(bench_op_open(b->device, of, s->options, s->batch, in.shape, in.count, true, op));
    for (int i = 0; i < count; i++) {
        bench_row *row = &b->report.rows[b->report.count - count + i];
        double milliseconds;
        NAS_TRY_DONE(measure_pass(b, op, work, passes[i], &milliseconds));
        bench_row_fact(row, "x CLBlast", milliseconds / bench_row_median(row));
    }
done:
    bench_op_close(op);
    free(op);
    return status;
}

static nas_status measure_op(bench_ops_run *b, const bench_shape *s, const op_inputs *in)
{
    char text[96];
    bench_pass passes[3];
    bench_work work = {.group = group_names[s->group], .shape = text};
    bench_op *op = calloc(1, sizeof *op);
    const nas_op *of;
    double again;
    nas_status status = NAS_OK;
    int count;
    if (!op)
        NAS_FAIL(NAS_MEMORY, "no memory for an operator's call");
    write_shape(s, text, sizeof text);
    work.dense = s->group == CONV;
    NAS_TRY_DONE(nas_op_get(s->op, &of));
    NAS_TRY_DONE(
        bench_op_open(b->device, of, s->options, s->batch, in->shape, in->count, false, op));
    NAS_TRY_DONE(bench_fma_peak(b->device, b->seconds, &again));
    b->peak = again > b->peak ? again : b->peak;
    count = bench_op_passes(op, passes);
    for (int i = 0; i < count; i++)
        NAS_TRY_DONE(measure_pass(b, op, &work, passes[i], NULL));
    if (s->group == POINTWISE)
        NAS_TRY_DONE(compare_clblast(b, s, &work, passes, count));
done:
    bench_op_close(op);
    free(op);
    return status;
}

static bool is_wanted(const bench_ops_run *b, const char *group, const char *shape)
{
    return strstr(group, b->only) || strstr(shape, b->only);
}

static nas_status run_listed(bench_ops_run *b)
{
    for (int i = 0; i < SHAPE_COUNT; i++) {
        char text[96];
        const op_inputs in = inputs_of(&shapes[i]);
        write_shape(&shapes[i], text, sizeof text);
        if (is_wanted(b, group_names[shapes[i].group], text))
            NAS_TRY(measure_op(b, &shapes[i], &in));
    }
    return NAS_OK;
}

/* ---- what the list does not name ------------------------------------------------------------------------------------------ */

static bool is_listed(const nas_op *op)
{
    for (int i = 0; i < SHAPE_COUNT; i++)
        if (strcmp(shapes[i].op, op->kind.name) == 0)
            return true;
    return false;
}

static uint64_t case_size(const nas_op_case *c)
{
    uint64_t size = 0;
    for (int k = 0; k < c->input_count; k++)
        size += nas_shape_count(c->in[k]) * (uint64_t)c->batch;
    return size;
}

static nas_status run_case(bench_ops_run *b, const nas_op *op)
{
    const nas_op_case *largest = op->cases;
    op_inputs in;
    for (const nas_op_case *c = op->cases; c->options; c++)
        largest = case_size(c) > case_size(largest) ? c : largest;
    bench_shape s = {OTHER, op->kind.name, largest->options, largest->batch, largest->in[0], 1,
                     {0}};
    if (largest->input_count == 2)
        s.other = largest->in[1];
    else
        s.copies = largest->input_count; /* in the label; the shapes are the case's own */
    in.count = largest->input_count;
    memcpy(in.shape, largest->in, sizeof largest->in);
    return is_wanted(b, group_names[OTHER], op->kind.name) ? measure_op(b, &s, &in) : NAS_OK;
}

static nas_status run_unlisted(bench_ops_run *b)
{
    int count;
    const nas_op *const *all = nas_op_all(&count);
    for (int i = 0; i < count; i++)
        if (b->cases || !is_listed(all[i]))
            NAS_TRY(run_case(b, all[i]));
    return NAS_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

/* Geometric mean and worst of the facts called `name` in a group. */
static void note_group(bench_report *report, const char *title, const char *group, const char *name,
                       const char *of)
{
    double logs = 0, worst = 0;
    int count = 0;
    for (int i = 0; i < report->count; i++)
        for (int k = 0; k < report->rows[i].fact_count; k++) {
            const double value = report->rows[i].facts[k].value;
            if (strcmp(report->rows[i].label[0], group) != 0 ||
                strcmp(report->rows[i].facts[k].name, name) != 0 || !(value > 0))
                continue;
            worst = count++ && worst < value ? worst : value;
            logs += log(value);
        }
    if (count)
        bench_report_note(report, title, "%d rows, geometric mean %.2f, worst %.2f %s", count,
                          exp(logs / count), worst, of);
}

static nas_status measure(bench_ops_run *b)
{
    NAS_TRY(bench_fma_peak(b->device, b->seconds, &b->peak));
    if (!b->cases)
        NAS_TRY(run_listed(b));
    NAS_TRY(run_unlisted(b));
    if (is_wanted(b, group_names[OPTIMIZER], ""))
        NAS_TRY(bench_ops_optimizers(b, group_names[OPTIMIZER]));
    bench_report_note(&b->report, "fma peak", "%.1f GFLOP/s, %d lanes, %s clock", b->peak,
                      nas_device_lanes(b->device), b->clock);
    for (int g = 0; g < GROUPS; g++)
        note_group(&b->report, group_names[g], group_names[g], "share",
                   g == CONV ? "of the fma peak" : "of the ceiling that binds");
    note_group(&b->report, "1x1 and dense", group_names[POINTWISE], "x CLBlast",
               "times as fast as CLBlast");
    return NAS_OK;
}

typedef struct options {
    const char *device, *only;
    int repeats, milliseconds, clock, format;
    bool cases;
} options;

static const cli_option rows[] = {
    CLI_DEVICE_OPTION(options),
    {"only", 0, CLI_TEXT, offsetof(options, only), "TEXT", "", 0, 0, NULL,
     "Rows in whose name or shape this stands"},
    {"cases", 0, CLI_FLAG, offsetof(options, cases), NULL, NULL, 0, 0, NULL,
     "The small cases that clnas doctor proves, too"},
    BENCH_REPEATS_OPTION(options, "5"),
    BENCH_MILLISECONDS_OPTION(options, "20"),
    {"clock", 0, CLI_CHOICE, offsetof(options, clock), NULL, "wall", 0, 0, "wall|cpu",
     "The wall's, or the time of this process's threads"},
    BENCH_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status run(const cli_call *call)
{
    static const char *const labels[] = {"group", "shape", "pass", "bound", NULL};
    const options *given = call->options;
    bench_ops_run b = {.report = {.labels = labels},
                       .repeats = given->repeats,
                       .only = given->only,
                       .clock = given->clock ? "cpu" : "wall",
                       .seconds = 1e-3 * given->milliseconds,
                       .cases = given->cases};
    bench_use_cpu_clock(given->clock == 1);
    nas_status status = nas_device_open(given->device, NULL, &b.device);
    if (status == NAS_OK) {
        b.report.device = nas_device_describe(b.device);
        status = measure(&b);
    }
    status = bench_end(status, &b.report, given->format);
    nas_device_destroy(b.device);
    return status;
}

const cli_command bench_command_ops = {
    .name = "ops",
    .arguments = "",
    .summary = "Measure every operator, forward and backward, against the ceiling that binds it",
    .examples = "  clnas-bench ops --only conv2d --format md\n",
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
