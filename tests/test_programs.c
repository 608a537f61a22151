/* test_programs.c - how many programs the quick start builds, and that a second run builds none.
 *
 * Kernel sources are compiled once per (source, defines), so what a search must wait for is the number of different
 * defines its space can ask for.  Networks are drawn from the space of configs/quickstart.cfg, enough to meet every operation,
 * kernel, stride and width (which is checked), and each is trained for a step and evaluated as the search would, on made-up pictures of
 * the same shape, by one device: at most PROGRAMS_MAX programs.
 *
 * The counting runs in processes of its own (this program with a folder as its argument), so that two of them can follow each
 * other: with binaries kept on disk the second compiles nothing.  Without CLNAS_KERNEL_CACHE=always PoCL's binaries
 * are in its own cache and not ours to count.
 */
#include "nas_test.h"

#include "session/session_private.h"

#include <clnas/clnas.h>

enum { PROGRAMS_MAX = 40, NETWORKS = 40 };

typedef struct counts {
    int programs, from_source;
} counts;

/* ---- the counting process ------------------------------------------------------------------------------ */

/* Pictures like the quick start's, augmented as it does. */
static const char made_up[] =
    "{ type = \"synthetic\"; shape = [1, 28, 28]; train = 160; valid = 32; test = 16; "
    "augment = { flip = true; crop = 2; }; }";

static nas_status read_config(nas_config *config)
{
    char path[1024];
    const char *source = getenv("NAS_SOURCE_FOLDER");
    snprintf(path, sizeof path, "%s/configs/quickstart.cfg", source ? source : ".");
    return nas_config_read(path, NULL, 0, config);
}

static nas_status open_data(nas_data **data)
{
    nas_value group = {0};
    nas_data_config *config = calloc(1, sizeof *config);
    nas_status status = nas_value_parse(made_up, "made up", 1, &group);
    if (status == NAS_OK)
        status = nas_data_config_fill(&group, config);
    if (status == NAS_OK)
        status = nas_data_open(config, 1, data);
    nas_value_clear(&group);
    free(config);
    return status;
}

static nas_status train_one(nas_data_home *home, const nas_config *config, const nas_graph *graph)
{
    nas_train_config *train = calloc(1, sizeof *train);
    nas_trainer *trainer = NULL;
    nas_evaluation evaluation;
    const nas_trainer_setup setup = {.split = NAS_SPLIT_TRAIN, .seed = 1, .key = 1};
    nas_status status = nas_train_config_fill(&config->train, train);
    if (status == NAS_OK) {
        train->common.samples = train->common.batch;
        status = nas_trainer_create(home, graph, train, &setup, &trainer);
    }
    if (status == NAS_OK)
        status = nas_trainer_run(trainer, 1);
    if (status == NAS_OK)
        status = nas_trainer_evaluate(trainer, NAS_SPLIT_VALID, &evaluation);
    nas_trainer_destroy(trainer);
    free(train);
    return status;
}

/* [depthwise][kernel 5][stride 2][width 16, 32, 64 of dense ones]: what the drawn networks have in them. */
static bool met[2][2][2][3];

static void note_layers(const nas_graph *graph)
{
    for (int i = 1; i < graph->count; i++) {
        nas_shape in[NAS_OP_INPUTS];
        nas_parameter weight[NAS_OP_PARAMETERS];
        const int width = graph->nodes[i].shape.c;
        if (strcmp(graph->nodes[i].op->kind.name, "conv2d") != 0)
            continue;
        nas_node_shapes(graph, i, in);
        nas_node_parameters(graph, i, weight);
        const bool depthwise = in[0].c > 1 && weight[0].dims[1] == 1;
        const bool strided = in[0].h != graph->nodes[i].shape.h;
        if (weight[0].dims[2] > 1)
            met[depthwise][weight[0].dims[2] == 5][strided][depthwise ? 0 : width / 32] = true;
    }
}

static nas_status check_all_met(void)
{
    for (int which = 0; which < 8; which++)
        for (int width = 0; width < (which & 4 ? 1 : 3); width++)
            if (!met[which >> 2 & 1][which >> 1 & 1][which & 1][width])
                NAS_FAIL(NAS_FAILED,
                         "no network drawn has a %s convolution, kernel %d, stride %d, width %d",
                         which & 4 ? "depthwise" : "dense", which & 2 ? 5 : 3, which & 1 ? 2 : 1,
                         16 << width);
    return NAS_OK;
}

/* Networks that are drawn, and one after another trained on one device. */
static nas_status train_all(nas_data_home *home, const nas_config *config, const nas_domain *domain)
{
    nas_random random = nas_random_make(1, NAS_STREAM_TEST, 0, 0, 0);
    for (int i = 0; i < NETWORKS; i++) {
        nas_arch arch;
        nas_graph graph = {0};
        NAS_TRY(nas_domain_sample(domain, &random, &arch));
        NAS_TRY(nas_domain_build(domain, &arch, &graph));
        note_layers(&graph);
        nas_status status = train_one(home, config, &graph);
        nas_graph_clear(&graph);
        NAS_TRY(status);
    }
    return check_all_met();
}

static nas_status count_programs(nas_build_counts *builds)
{
    nas_config config = {0};
    nas_data *data = NULL;
    nas_device *device = NULL;
    nas_data_home *home = NULL;
    nas_domain *domain = NULL;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(read_config(&config));
    NAS_TRY_DONE(open_data(&data));
    NAS_TRY_DONE(nas__open_domain(&config, data, &domain));
    NAS_TRY_DONE(nas_device_open("", NULL, &device));
    NAS_TRY_DONE(nas_data_home_create(device, data, &home));
    NAS_TRY_DONE(train_all(home, &config, domain));
    *builds = nas_device_builds(device);
done:
    nas_data_home_destroy(home);
    nas_domain_close(domain);
    nas_device_destroy(device);
    nas_data_destroy(data);
    nas_config_clear(&config);
    return status;
}

static int child(void)
{
    nas_build_counts builds = {0};
    nas_status status = count_programs(&builds);
    if (status != NAS_OK)
        fprintf(stderr, "%s: %s\n", nas_status_name(status), nas_error_message());
    else
        printf("programs %d from_source %d\n", builds.programs, builds.from_source);
    return nas_status_exit_code(status);
}

/* ---- the tests --------------------------------------------------------------------------------------------- */

static char program[1024], folder[64];

static counts run_child(void)
{
    char command[2048], line[256];
    counts found = {.programs = -1};
    snprintf(command, sizeof command, "CLNAS_KERNEL_CACHE=always CLNAS_CACHE='%s' '%s' count",
             folder, program);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    while (fgets(line, sizeof line, output))
        if (sscanf(line, "programs %d from_source %d", &found.programs, &found.from_source) == 2)
            printf("%s", line);
    assert_int_equal(pclose(output), 0);
    assert_true(found.programs > 0);
    return found;
}

static void quick_start_builds_few_programs(void **state)
{
    (void)state;
    const counts first = run_child();
    assert_int_equal(first.from_source, first.programs);
    if (first.programs > PROGRAMS_MAX)
        fail_msg("%d programs, allowed are %d", first.programs, PROGRAMS_MAX);
}

static void second_run_compiles_nothing(void **state)
{
    (void)state;
    const counts second = run_child();
    assert_int_equal(second.from_source, 0);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "programs_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quick_start_builds_few_programs),
        cmocka_unit_test(second_run_compiles_nothing),
    };
    nas_device_info *devices = NULL;
    int count = 0;
    if (argc == 2 && strcmp(argv[1], "count") == 0)
        return child();
    if (nas_devices_list(&devices, &count) != NAS_OK || count == 0) {
        free(devices);
        return 77;
    }
    free(devices);
    snprintf(program, sizeof program, "%s", argv[0]);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
