/* bench_peer.c - see bench_peer.h.  What the peer prints is believed after it was checked: a version, as many parameters as
 * the network has, times above 0. */
#include "bench_peer.h"
#include "peer_script.h"
#include "networks.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const bench_engine_names[BENCH_ENGINES] = {"clnas", "PyTorch, best setting",
                                                       "PyTorch, default", "ONNX Runtime"};
const bench_engine bench_engine_turns[BENCH_ENGINES] = {BENCH_TORCH, BENCH_CLNAS, BENCH_TORCH_BEST,
                                                        BENCH_ONNX};

static const char *const files[] = {"graph.txt", "weights.safetensors", "images.npy", "outputs.npy",
                                    "model.onnx"};
enum { GRAPH, WEIGHTS, IMAGES, OUTPUTS, MODEL, FILES, COMPARED = 8, LINE_SIZE = 1 << 16 };

typedef struct file_name {
    char text[96];
} file_name;

static file_name name_of(const bench_peer *peer, int file)
{
    file_name name;
    snprintf(name.text, sizeof name.text, "%s/%s", peer->folder, files[file]);
    return name;
}

/* ---- processes ------------------------------------------------------------------------------------------------------- */

bool bench_quote(const char *text, char *to, size_t size)
{
    return !strchr(text, '\'') && snprintf(to, size, "'%s'", text) < (int)size;
}

static bool can_import(const char *quoted, const char *modules)
{
    char command[1024];
    snprintf(command, sizeof command, "%s -c 'import %s' >/dev/null 2>&1", quoted, modules);
    return system(command) == 0;
}

bool bench_find_torch(const char *python, char *quoted, size_t size)
{
    static const char *const candidates[] = {"python3", "/usr/bin/python3"};
    if (python)
        return bench_quote(python, quoted, size) && can_import(quoted, "torch");
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (bench_quote(candidates[i], quoted, size) && can_import(quoted, "torch"))
            return true;
    return false;
}

nas_status bench_first_line(const char *command, char *line, int size)
{
    FILE *output = popen(command, "r");
    if (!output)
        NAS_FAIL(NAS_FAILED, "cannot start: %s", command);
    const bool read = fgets(line, size, output) != NULL;
    const int code = pclose(output);
    if (!read || code != 0)
        NAS_FAIL(NAS_FAILED, "the peer failed (status %d): %s", code, command);
    return NAS_OK;
}

nas_status bench_peer_open(bench_peer *peer, const char *python, const char *script)
{
    char own[4096];
    memset(peer, 0, sizeof *peer);
    peer->has[BENCH_CLNAS] = true;
    if (!script)
        NAS_TRY(peer_script("network", own, sizeof own));
    if (!bench_quote(script ? script : own, peer->script, sizeof peer->script))
        NAS_FAIL(NAS_CONFIG, "the script's path is too long or has a quote in it: %s", script);
    const bool torch = bench_find_torch(python, peer->python, sizeof peer->python);
    peer->has[BENCH_TORCH] = peer->has[BENCH_TORCH_BEST] = torch;
    peer->has[BENCH_ONNX] = torch && can_import(peer->python, "onnx, onnxruntime");
    if (!torch)
        fprintf(stderr, "No Python here can import torch (Debian: python3-torch), so clnas stands "
                        "alone; --python names another one.\n");
    else if (!peer->has[BENCH_ONNX])
        fprintf(stderr, "That Python has no onnx and onnxruntime, so ONNX Runtime is left out.\n");
    snprintf(peer->folder, sizeof peer->folder, "/tmp/clnas-peers-XXXXXX");
    if (!mkdtemp(peer->folder)) {
        peer->folder[0] = '\0';
        NAS_FAIL(NAS_FAILED, "no folder in /tmp for what the peers read");
    }
    return NAS_OK;
}

void bench_peer_close(bench_peer *peer)
{
    if (!peer->folder[0])
        return;
    for (int i = 0; i < FILES; i++)
        unlink(name_of(peer, i).text);
    rmdir(peer->folder);
}

/* ---- its answer -------------------------------------------------------------------------------------------------------- */

static nas_status bad_answer(const char *why, const char *line)
{
    return nas_error_set(NAS_FAILED, __FILE__, __LINE__, "the peer's answer %s: %.200s", why, line);
}

/* At most `most` samples, means of neighbours where there are more. */
static bool add_samples(const json_t *times, int most, bench_row *row)
{
    const size_t count = json_array_size(times);
    const size_t stride = (count + (size_t)most - 1) / (size_t)most;
    for (size_t i = 0; i < count; i += stride) {
        double sum = 0;
        size_t taken = 0;
        for (; taken < stride && i + taken < count; taken++) {
            const double sample = json_number_value(json_array_get(times, i + taken));
            if (!(sample > 0 && sample < 1e9))
                return false;
            sum += sample;
        }
        bench_row_add(row, sum / (double)taken);
    }
    return count > 0;
}

static nas_status read_answer(bench_peer *peer, const bench_peer_call *call, const json_t *answer,
                              const char *line, bench_row *const *rows)
{
    const char *engine = json_string_value(json_object_get(answer, "engine"));
    const json_t *infer = json_object_get(answer, "infer_ms");
    if (!engine)
        return bad_answer("names no engine", line);
    snprintf(peer->version[call->engine], sizeof *peer->version, "%s", engine);
    if (call->engine != BENCH_ONNX &&
        json_number_value(json_object_get(answer, "parameters")) != peer->parameters)
        NAS_FAIL(NAS_FAILED,
                 "the peer's network has other parameters than the %.0f of ours: %.200s",
                 peer->parameters, line);
    if (rows[0] && !add_samples(json_object_get(answer, "train_ms"), call->samples, rows[0]))
        return bad_answer("has no times of training", line);
    for (int k = 0; k < call->infer->count; k++) {
        char batch[16];
        snprintf(batch, sizeof batch, "%d", call->infer->item[k]);
        if (rows[1 + k] && !add_samples(json_object_get(infer, batch), call->samples, rows[1 + k]))
            return bad_answer("has no times of inference", line);
    }
    return NAS_OK;
}

static nas_status ask(bench_peer *peer, const bench_peer_call *call, const char *arguments,
                      bench_row *const *rows)
{
    char command[4096];
    char *text = calloc(1, LINE_SIZE);
    json_error_t error;
    nas_status status = NAS_OK;
    json_t *answer = NULL;
    if (!text)
        NAS_FAIL(NAS_MEMORY, "no memory for a peer's answer");
    snprintf(command, sizeof command, "%s%s %s '%s' %s",
             call->engine == BENCH_TORCH_BEST ? BENCH_PEER_BEST : "", peer->python, peer->script,
             name_of(peer, GRAPH).text, arguments);
    NAS_TRY_DONE(bench_first_line(command, text, LINE_SIZE));
    answer = json_loads(text, 0, &error);
    status = json_is_object(answer) ? read_answer(peer, call, answer, text, rows)
                                    : bad_answer("is no JSON", text);
done:
    json_decref(answer);
    free(text);
    return status;
}

nas_status bench_peer_run(bench_peer *peer, const bench_peer_call *call, bench_row *const *rows)
{
    nas_text text = {0};
    nas_text_format(&text, "--threads %d --seconds %g", call->threads, call->seconds);
    if (call->batch)
        nas_text_format(&text, " --train %d", call->batch);
    for (int k = 0; k < call->infer->count; k++)
        nas_text_format(&text, "%s%d", k ? "," : " --infer ", call->infer->item[k]);
    if (call->engine == BENCH_TORCH_BEST)
        nas_text_add(&text, " --channels-last");
    if (call->engine == BENCH_ONNX)
        nas_text_format(&text, " --engine onnxruntime --onnx '%s'", name_of(peer, MODEL).text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = ask(peer, call, text.data, rows);
    nas_text_clear(&text);
    return status;
}

/* ---- the network at hand ------------------------------------------------------------------------------------------------- */

static nas_status export_model(bench_peer *peer)
{
    static const bench_batches none = {.count = 0};
    const bench_peer_call call = {.engine = BENCH_TORCH, .infer = &none};
    bench_row *const rows[1] = {NULL};
    char arguments[128];
    snprintf(arguments, sizeof arguments, "--onnx '%s'", name_of(peer, MODEL).text);
    return ask(peer, &call, arguments, rows);
}

nas_status bench_peer_network(bench_peer *peer, const char *network)
{
    nas_graph graph = {0};
    nas_cost cost;
    nas_text text = {0};
    NAS_TRY(network_open(network, &graph));
    nas_graph_cost(&graph, &cost);
    nas_graph_write(&graph, &text);
    nas_graph_clear(&graph);
    peer->parameters = (double)cost.parameters;
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_file_replace(name_of(peer, GRAPH).text, text.data, text.length);
    nas_text_clear(&text);
    if (status == NAS_OK && peer->has[BENCH_ONNX])
        status = export_model(peer);
    return status;
}

/* ---- the same outputs ------------------------------------------------------------------------------------------------------ */

static nas_status write_images(const bench_peer *peer, const bench_network *b, float *nchw)
{
    const nas_shape shape = b->graph.nodes[0].shape;
    const uint64_t dims[] = {COMPARED, (uint64_t)shape.c, (uint64_t)shape.h, (uint64_t)shape.w};
    const nas_tensor input = nas_net_input(b->net);
    nas_random random = nas_random_make(2, NAS_STREAM_TEST, 0, 0, 0);
    float *chwn = calloc(input.count, sizeof *chwn);
    if (!chwn)
        NAS_FAIL(NAS_MEMORY, "out of memory for images");
    for (uint64_t i = 0; i < nas_shape_count(shape) * COMPARED; i++)
        nchw[i] = (float)nas_random_normal(&random);
    nas_chwn_from_nchw(nchw, shape, COMPARED, nas_batch_padded(COMPARED), chwn);
    nas_status status = nas_tensor_write(input, chwn);
    free(chwn);
    NAS_TRY(status);
    return nas_npy_write(name_of(peer, IMAGES).text, NAS_NPY_FLOAT32, 4, dims, nchw);
}

/* Theirs is [sample][class], ours [class][padded sample]. */
static nas_status read_difference(const bench_peer *peer, const bench_network *b, const float *ours,
                                  double *difference)
{
    const int classes = (int)nas_shape_count(b->graph.nodes[b->graph.output].shape);
    const int padded = nas_batch_padded(COMPARED);
    double largest = 1e-30, worst = 0;
    nas_npy theirs = {0};
    NAS_TRY(nas_npy_read(name_of(peer, OUTPUTS).text, &theirs));
    const float *values = theirs.data;
    const bool fits = theirs.type == NAS_NPY_FLOAT32 && theirs.rank == 2 &&
                      theirs.dims[0] == COMPARED && theirs.dims[1] == (uint64_t)classes;
    for (int s = 0; fits && s < COMPARED; s++)
        for (int k = 0; k < classes; k++) {
            const double own = ours[k * padded + s], other = values[s * classes + k];
            largest = fmax(largest, fabs(own));
            worst = fabs(own - other) <= 1e30 ? fmax(worst, fabs(own - other)) : INFINITY;
        }
    nas_npy_clear(&theirs);
    if (!fits)
        NAS_FAIL(NAS_FAILED, "the peer's outputs are no %d x %d floats", COMPARED, classes);
    *difference = worst / largest;
    return NAS_OK;
}

static nas_status compare(bench_peer *peer, const bench_network *b, float *values,
                          double *difference)
{
    static const bench_batches none = {.count = 0};
    const bench_peer_call call = {.engine = BENCH_TORCH, .infer = &none};
    bench_row *const rows[1] = {NULL};
    char arguments[512];
    NAS_TRY(nas_net_load(b->net, name_of(peer, WEIGHTS).text));
    NAS_TRY(write_images(peer, b, values));
    snprintf(arguments, sizeof arguments, "--weights '%s' --input '%s' --output '%s'",
             name_of(peer, WEIGHTS).text, name_of(peer, IMAGES).text, name_of(peer, OUTPUTS).text);
    NAS_TRY(ask(peer, &call, arguments, rows));
    NAS_TRY(nas_net_evaluate(b->net));
    NAS_TRY(nas_tensor_read(nas_net_output(b->net), values));
    return read_difference(peer, b, values, difference);
}

nas_status bench_peer_compare(bench_peer *peer, const bench_net_options *net,
                              const bench_network *trained, double *difference)
{
    bench_net_options options = *net;
    bench_network b;
    float *values = NULL;
    nas_status status = NAS_OK;
    options.batch = COMPARED;
    options.shards = 1;
    NAS_TRY(bench_network_open(&options, BENCH_NET_INFER, &b));
    NAS_TRY_DONE(
        nas_net_save(trained ? trained->net : b.net, name_of(peer, WEIGHTS).text, NULL, NULL, 0));
    values = calloc(nas_net_input(b.net).count + nas_net_output(b.net).count, sizeof *values);
    if (values)
        status = compare(peer, &b, values, difference);
    else
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "out of memory for outputs");
done:
    free(values);
    bench_network_close(&b);
    return status;
}
