/* doctor_device.c - is what this device computes right?  One line of JSON for each operator that was tried.
 *
 * The proofs themselves are host/net/prove.c.  They run in a child of `clnas doctor`, so that a driver that crashes
 * or hangs costs its own lines only:
 *
 *     {"starting": "op conv2d"}
 *     {"check": "op conv2d", "status": "ok", "error": 2.1e-07, "tolerance": 0.001, "bits": "…", "seconds": 1.2, "detail": "…"}
 *
 * For a bundle also {"build": {"program": "conv2d", "options": "…", "built": false, "log": "…"}} and {"timing": {"fma_gflops": …}}.
 */
#include "doctor.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void report(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

static void report_start(const char *check)
{
    report(json_pack("{s:s}", "starting", check));
}

static void report_failure(const char *check)
{
    char detail[512];
    snprintf(detail, sizeof detail, "%s", nas_error_message());
    cli_text_clean(detail);
    report(json_pack("{s:s, s:s, s:s}", "check", check, "status", "failed", "detail", detail));
}

static void report_proof(const char *check, const nas_proof *proof)
{
    char detail[512], bits[17];
    snprintf(detail, sizeof detail,
             "%d case%s against the reference; largest error %.1e of the largest entry "
             "(allowed %.0e)%s%s",
             proof->cases, proof->cases == 1 ? "" : "s", proof->error, proof->tolerance,
             proof->good ? "" : ": ", proof->good ? "" : proof->where);
    cli_text_clean(detail);
    snprintf(bits, sizeof bits, "%016" PRIx64, proof->bits);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:f, s:f}", "check", check, "status",
                               proof->good ? "ok" : "failed", "detail", detail, "bits", bits,
                               "seconds", proof->seconds, "tolerance", proof->tolerance);
    if (isfinite(proof->error))
        json_object_set_new(object, "error", json_real(proof->error));
    report(object);
}

/* Logs from number `from` on; returns how many there are.  At once, for the next op may crash. */
static int report_builds(const nas_device *device, int from)
{
    const int count = nas_device_build_log_count(device);
    for (int i = from; i < count; i++) {
        const nas_build_log *log = nas_device_build_log_at(device, i);
        char *words = strdup(log->words);
        if (!words)
            continue;
        cli_text_clean(words);
        report(json_pack("{s:{s:s, s:s, s:b, s:s}}", "build", "program", log->program, "options",
                         log->options, "built", (int)log->built, "log", words));
        free(words);
    }
    return count;
}

static void report_timings(nas_device *device)
{
    json_t *timings = json_object();
    report_start("timings");
    if (cli_doctor_timings(device, timings) != NAS_OK)
        report_failure("timings");
    report(json_pack("{s:o}", "timing", timings));
}

nas_status cli_doctor_device(const char *match, bool quick, bool bundle)
{
    nas_device *device;
    int count, logs = 0;
    report_start("open");
    NAS_TRY(nas_device_open(match, NULL, &device));
    report(json_pack("{s:s, s:s, s:s}", "check", "open", "status", "ok", "detail",
                     "context, queue and kernel cache"));
    const nas_op *const *ops = nas_op_all(&count);
    for (int i = 0; i < count; i++) {
        char check[80];
        nas_proof proof;
        snprintf(check, sizeof check, "op %s", ops[i]->kind.name);
        report_start(check);
        if (nas_prove_op(device, ops[i], quick, &proof) == NAS_OK)
            report_proof(check, &proof);
        else
            report_failure(check);
        if (bundle)
            logs = report_builds(device, logs);
    }
    if (bundle)
        report_timings(device);
    nas_device_destroy(device);
    return NAS_OK;
}
