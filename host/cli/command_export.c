/* command_export.c - writes a trained network for others and tells how near it is to the engine's. */
#include "cli.h"

typedef struct options {
    const char *to, *output, *device;
    bool keep_norms;
    int format;
} options;

static const cli_option rows[] = {
    {"to", 0, CLI_TEXT, offsetof(options, to), "EXPORTER", NULL, 0, 0, NULL,
     "c, onnx, torch, safetensors, json or dot (clnas describe exporter)"},
    {"output", 'o', CLI_TEXT, offsetof(options, output), "FILE", NULL, 0, 0, NULL, "Where it goes"},
    {"keep-norms", 0, CLI_FLAG, offsetof(options, keep_norms), NULL, NULL, 0, 0, NULL,
     "Leave batch norms as layers of their own; else they are folded into the weights before them"},
    {"device", 'd', CLI_TEXT, offsetof(options, device), "MATCH", NULL, 0, 0, NULL,
     "Where the network runs that the file is compared with (default any)"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

static nas_status print(const nas_export_report *report, const options *given)
{
    cli_listing listing = {.name = "export"};
    const char *const names[] = {"file",       "kind",    "model",      "input", "outputs",
                                 "parameters", "samples", "difference", "note"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cli_listing_column(&listing, names[i], true);
    cli_listing_row(&listing);
    cli_listing_text(&listing, "file", given->output);
    cli_listing_text(&listing, "kind", given->to);
    cli_listing_text(&listing, "model", report->model);
    cli_listing_format(&listing, "input", "%dx%dx%d", report->input.c, report->input.h,
                       report->input.w);
    cli_listing_int(&listing, "outputs", (int64_t)nas_shape_count(report->output));
    cli_listing_int(&listing, "parameters", (int64_t)report->parameters);
    if (report->compared) {
        cli_listing_int(&listing, "samples", report->samples);
        cli_listing_real(&listing, "difference", report->difference, NULL);
    }
    if (report->note[0])
        cli_listing_format(&listing, "note", "%s: %s",
                           report->compared ? "read back and run by clnas itself"
                                            : "not compared with the engine",
                           report->note);
    nas_status status = cli_listing_print_one(&listing, given->format, stdout);
    cli_listing_clear(&listing);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    char source[NAS_PATH_SIZE];
    nas_export_options wanted = {.to = given->to,
                                 .output = given->output,
                                 .device = given->device,
                                 .keep_norms = given->keep_norms};
    nas_export_report report;
    if (!given->to || !given->output)
        NAS_FAIL(NAS_CONFIG, "export needs --to KIND and -o FILE: clnas export %s --to c -o net.c",
                 call->arguments[0]);
    NAS_TRY(cli_study_split(call->arguments[0], source, sizeof source, &wanted.trial));
    NAS_TRY(nas_session_export(source, &wanted, &report));
    return print(&report, given);
}

const cli_command cli_command_export = {
    .name = "export",
    .arguments = "STUDY[:TRIAL]|MODEL",
    .summary =
        "Write a trained network as C, ONNX or a PyTorch module; its weights, layers or picture",
    .examples = "  clnas export fashion.study --to c -o fashion.c\n"
                "  clnas export fashion.study:17 --to c -o net.c --keep-norms\n"
                "  clnas export model.safetensors --to torch -o net.py\n"
                "  clnas export model.safetensors --to dot -o net.dot && dot -Tsvg -O net.dot\n"
                "  clnas export resnet.onnx --to c -o resnet.c\n",
    .details = "Of a study it is the best network that was retrained, or the trial that is named.\n"
               "What was written is run on random samples and compared with the network on a "
               "device before\n"
               "the command succeeds; where there is no C compiler, PyTorch or ONNX Runtime to run "
               "it, a note\n"
               "says so.  What is read and not run, weights, JSON and pictures, is read back.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
