/* command_predict.c - what a saved model says of new files: a line for each sample. */
#include "cli.h"

#include <string.h>

typedef struct options {
    const char *device;
    int64_t top;
    int format;
} options;

static const cli_option rows[] = {
    {"top", 0, CLI_INT, offsetof(options, top), "N", "1", 1, 1000, NULL,
     "Classes to show of each sample, the most probable first"},
    {"device", 'd', CLI_TEXT, offsetof(options, device), "MATCH", NULL, 0, 0, NULL,
     "Where to run (default any)"},
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

typedef struct predictions {
    const options *given;
    cli_listing listing;
} predictions;

static const char *name_of(const nas_prediction *p, int output, char number[16])
{
    snprintf(number, 16, "%d", output);
    return p->names ? p->names[output] : number;
}

/* The k-th most probable class; of equals, the first. */
static int class_at(const nas_prediction *p, int k)
{
    for (int output = 0; output < p->outputs; output++) {
        int before = 0;
        for (int other = 0; other < p->outputs; other++)
            before += p->values[other] > p->values[output] ||
                      (p->values[other] == p->values[output] && other < output);
        if (before == k)
            return output;
    }
    return 0;
}

static void begin_row(predictions *all, const nas_prediction *p)
{
    cli_listing_row(&all->listing);
    cli_listing_text(&all->listing, "file", p->file);
    if (p->sample >= 0)
        cli_listing_int(&all->listing, "sample", p->sample);
}

static void add_class(predictions *all, const nas_prediction *p, int output)
{
    char number[16];
    begin_row(all, p);
    cli_listing_text(&all->listing, "class", name_of(p, output, number));
    cli_listing_real(&all->listing, "probability", p->values[output], "%.4f");
}

/* All labels that it has; none: an empty cell. */
static void add_labels(predictions *all, const nas_prediction *p)
{
    nas_text labels = {0};
    char number[16];
    begin_row(all, p);
    for (int k = 0; k < p->outputs; k++)
        if (p->values[k] > 0.5)
            nas_text_format(&labels, "%s%s", labels.length ? ";" : "", name_of(p, k, number));
    cli_listing_text(&all->listing, "labels", labels.data ? labels.data : "");
    for (int k = 0; k < p->outputs; k++)
        cli_listing_real(&all->listing, name_of(p, k, number), p->values[k], "%.4f");
    nas_text_clear(&labels);
}

static void add_numbers(predictions *all, const nas_prediction *p)
{
    char number[16];
    begin_row(all, p);
    for (int k = 0; k < p->outputs; k++)
        cli_listing_real(&all->listing, name_of(p, k, number), p->values[k], "%.6g");
}

static void set_columns(predictions *all, const nas_prediction *p)
{
    char number[16];
    cli_listing_column(&all->listing, "file", true);
    cli_listing_column(&all->listing, "sample", true);
    if (p->task == NAS_TASK_CLASSIFY) {
        cli_listing_column(&all->listing, "class", true);
        cli_listing_column(&all->listing, "probability", true);
        return;
    }
    if (p->task == NAS_TASK_MULTILABEL)
        cli_listing_column(&all->listing, "labels", true);
    for (int k = 0; k < p->outputs && k < 50; k++)
        cli_listing_column(&all->listing, name_of(p, k, number), true);
}

static nas_status add(void *user, const nas_prediction *p)
{
    predictions *all = user;
    if (all->listing.column_count == 0)
        set_columns(all, p);
    if (p->task == NAS_TASK_MULTILABEL)
        add_labels(all, p);
    else if (p->task == NAS_TASK_REGRESS)
        add_numbers(all, p);
    else
        for (int k = 0; k < all->given->top && k < p->outputs; k++)
            add_class(all, p, k == 0 ? p->largest : class_at(p, k));
    return NAS_OK;
}

static nas_status run(const cli_call *call)
{
    predictions all = {.given = call->options, .listing = {.name = "predictions"}};
    const nas_predict_options wanted = {.device = all.given->device, .each = add, .user = &all};
    nas_status status = nas_session_predict(
        call->arguments[0], (const char *const *)call->arguments + 1, call->count - 1, &wanted);
    if (status == NAS_OK)
        status = cli_listing_print(&all.listing, (cli_format)all.given->format, stdout);
    cli_listing_clear(&all.listing);
    return status;
}

const cli_command cli_command_predict = {
    .name = "predict",
    .arguments = "MODEL FILE…",
    .summary = "Ask a saved model about new files: images, arrays of samples, tables",
    .examples = "  clnas predict model.safetensors photo.jpg scan.png\n"
                "  clnas predict model.safetensors --top 3 photo.jpg\n"
                "  clnas predict model.safetensors new.npy --format csv\n"
                "  clnas predict model.onnx new.csv\n",
    .details = "An image is resized and scaled as the model's training data were. An array (.npy) "
               "has samples "
               "as\n"
               "the data set stores them, N×C×H×W or one C×H×W; sides of length 1 may be left out. "
               "A CSV has "
               "the\n"
               "columns that the model learned from, in any order, among any others.\n",
    .arguments_min = 2,
    .arguments_max = 1000000,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
