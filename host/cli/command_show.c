/* command_show.c - everything about one trial: result, curves, and the network itself, node by node. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    int format;
} options;

static const cli_option rows[] = {
    CLI_FORMAT_OPTION(options),
    {.name = NULL},
};

/* What the architecture means, of an epoch of a supernet the one that it derives; empty texts when the data set or space cannot be opened any more. */
typedef struct network {
    nas_text line, graph;
} network;

static nas_status describe(const nas_study_view *view, const nas_trial *trial,
                           const nas_trial *result, network *out)
{
    const bool derived = result && result->derived;
    const char *from = derived ? result->derived : trial->arch;
    nas_text text = {0};
    nas_domain *domain = NULL;
    nas_graph graph = {0};
    nas_arch arch;
    nas_status status;
    nas_text_add_bytes(&text, from, derived ? nas_trial_derived_length(result) : strlen(from));
    NAS_TRY_DONE(nas_text_check(&text));
    NAS_TRY_DONE(nas_study_view_domain(view, &domain));
    NAS_TRY_DONE(nas_domain_read(domain, text.data, &arch));
    nas_domain_describe(domain, &arch, &out->line);
    NAS_TRY_DONE(nas_domain_build(domain, &arch, &graph));
    nas_graph_write(&graph, &out->graph);
    status = nas_text_check(&out->graph);
done:
    nas_graph_clear(&graph);
    nas_domain_close(domain);
    nas_text_clear(&text);
    return status;
}

static void add_curve_table(const nas_trial *result)
{
    for (int i = 0; i < result->curve_count; i++) {
        printf("curve %s:", result->curves[i].name);
        for (int point = 0; point < result->curves[i].count; point++)
            printf(" %.4f", result->curves[i].values[point]);
        putchar('\n');
    }
}

static void print_people(const cli_listing *listing, const nas_trial *result, const network *net)
{
    cli_listing_print_one(listing, CLI_TABLE, stdout);
    if (result)
        add_curve_table(result);
    if (net->line.data)
        printf("\n%s\n", net->line.data);
    if (net->graph.data)
        printf("\n%s", net->graph.data);
}

static json_t *curves_json(const nas_trial *result)
{
    json_t *curves = json_object();
    for (int i = 0; result && i < result->curve_count; i++) {
        json_t *points = json_array();
        for (int point = 0; point < result->curves[i].count; point++) {
            double value = result->curves[i].values[point];
            json_array_append_new(points, isfinite(value) ? json_real(value) : json_null());
        }
        json_object_set_new(curves, result->curves[i].name, points);
    }
    return curves;
}

/* The row's fields, then "curves", "network" and "graph". */
static nas_status print_json(const cli_listing *listing, const nas_trial *result,
                             const network *net, cli_format format)
{
    json_t *object = cli_listing_json(listing, listing->row_count - 1);
    json_object_set_new(object, "curves", curves_json(result));
    json_object_set_new(object, "network",
                        net->line.data ? json_string(net->line.data) : json_null());
    json_object_set_new(object, "graph",
                        net->graph.data ? json_string(net->graph.data) : json_null());
    if (format == CLI_JSON)
        json_object_set_new(object, "schema_version", json_integer(1));
    int failed = json_dumpf(object, stdout, format == CLI_JSON ? JSON_INDENT(2) : JSON_COMPACT);
    json_decref(object);
    putchar('\n');
    if (failed)
        NAS_FAIL(NAS_FAILED, "writing JSON failed");
    return NAS_OK;
}

static nas_status print_trial(const nas_study_view *view, int index, cli_format format)
{
    const nas_trial *trial = nas_study_trial(view->study, index);
    const nas_trial *result = nas_study_result(view->study, index);
    cli_listing listing = {0};
    network net = {{0}, {0}};
    nas_status status;
    NAS_TRY_DONE(cli_trials_listing(view, &index, 1, &listing));
    for (int i = 0; i < listing.column_count; i++)
        listing.columns[i].table = true;
    if (describe(view, trial, result, &net) != NAS_OK)
        cli_note("the network cannot be shown: %s", nas_error_message());
    if (format == CLI_TABLE)
        print_people(&listing, result, &net);
    else if (format == CLI_CSV)
        status = cli_listing_print(&listing, format, stdout);
    else
        status = print_json(&listing, result, &net, format);
done:
    nas_text_clear(&net.line);
    nas_text_clear(&net.graph);
    cli_listing_clear(&listing);
    return status;
}

static nas_status run(const cli_call *call)
{
    const options *given = call->options;
    char path[NAS_PATH_SIZE];
    int64_t trial;
    nas_study_view *view = calloc(1, sizeof *view);
    nas_status status;
    if (!view)
        NAS_FAIL(NAS_MEMORY, "no memory for a study");
    NAS_TRY_DONE(cli_study_split(call->arguments[0], path, sizeof path, &trial));
    if (trial < 0) {
        status =
            nas_error_set(NAS_CONFIG, __FILE__, __LINE__,
                          "which trial? clnas show %s:0; clnas trials %s lists them", path, path);
        goto done;
    }
    NAS_TRY_DONE(nas_study_view_open(path, view));
    if (trial >= nas_study_count(view->study))
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "%s has no trial %lld, only 0 … %d",
                               path, (long long)trial, nas_study_count(view->study) - 1);
    else
        status = print_trial(view, (int)trial, given->format);
done:
    nas_study_view_clear(view);
    free(view);
    return status;
}

const cli_command cli_command_show = {
    .name = "show",
    .arguments = "STUDY:TRIAL",
    .summary = "Show one trial: result, curves, the network node by node",
    .examples = "  clnas show fashion.study:17\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .instance_size = sizeof(options),
    .options = rows,
    .run = run,
};
