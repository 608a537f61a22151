/* saved_model.c - model files of any graph without training one. */
#include "saved_model.h"

#include <math.h>

/* Weights whose outputs stay near 1, whatever the depth; statistics that matter. */
static double draw_value(nas_random *random, const nas_parameter *spec)
{
    const double normal = nas_random_normal(random), uniform = nas_random_uniform(random);
    if (strcmp(spec->name, "running_variance") == 0 || strcmp(spec->name, "gamma") == 0)
        return 0.5 + uniform;
    return spec->rank > 1 ? normal / sqrt(spec->fan_in) : 0.3 * normal;
}

/* A file as nas_net_save makes it, with values that the reference gets, too. */
void save_random(const nas_graph *graph, nas_reference *reference, const char *path,
                 const char *classes, const char *preprocessing)
{
    nas_random random = nas_random_make(7, NAS_STREAM_TEST, 1, 2, 3);
    nas_text text = {0};
    nas_safetensor *tensors = calloc((size_t)graph->count * NAS_OP_PARAMETERS, sizeof *tensors);
    char keys[3][16] = {"graph", "classes", "preprocessing"};
    nas_safetensors file = {.tensors = tensors};
    assert_non_null(tensors);
    for (int node = 1; node < graph->count; node++) {
        nas_parameter specs[NAS_OP_PARAMETERS];
        const int parameters = nas_node_parameters(graph, node, specs);
        for (int p = 0; p < parameters; p++) {
            const uint64_t count = nas_parameter_count(&specs[p]);
            double *values = node <= graph->output /* the reference has none behind it */
                                 ? nas_reference_parameter(reference, node, p, NULL, NULL)
                                 : NULL;
            if (count == 0)
                continue;
            nas_safetensor *tensor = &tensors[file.count++];
            nas_parameter_name(node, &specs[p], tensor->name, sizeof tensor->name);
            tensor->rank = specs[p].rank;
            for (int d = 0; d < specs[p].rank; d++)
                tensor->dims[d] = (uint64_t)specs[p].dims[d];
            tensor->data = malloc(count * sizeof *tensor->data);
            assert_non_null(tensor->data);
            for (uint64_t i = 0; i < count; i++) {
                tensor->data[i] = (float)draw_value(&random, &specs[p]);
                if (values)
                    values[i] = tensor->data[i];
            }
        }
    }
    nas_graph_write(graph, &text);
    char *key_list[] = {keys[0], keys[1], keys[2]};
    char *value_list[] = {text.data, (char *)(uintptr_t)classes, (char *)(uintptr_t)preprocessing};
    file.keys = key_list;
    file.values = value_list;
    file.metadata_count = preprocessing ? 3 : classes ? 2 : 1;
    nas_test_ok(nas_safetensors_write(path, &file));
    for (int i = 0; i < file.count; i++)
        free(tensors[i].data);
    free(tensors);
    nas_text_clear(&text);
}
