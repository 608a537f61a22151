/* onnx_run.c - an imported model on a device. */
#include "onnx_run.h"

static nas_status run_net(nas_net *net, const float *inputs, int samples, onnx_outputs *outputs)
{
    const nas_graph *graph = nas_net_graph(net);
    const nas_shape in = graph->nodes[0].shape, out = graph->nodes[graph->output].shape;
    const nas_tensor input = nas_net_input(net), output = nas_net_output(net);
    const nas_step step = {.real = (uint32_t)samples};
    const int n = nas_batch_padded(samples);
    nas_status status = NAS_OK;
    float *chwn = calloc(input.count > output.count ? input.count : output.count, sizeof *chwn);
    outputs->count = nas_shape_count(out);
    outputs->values = calloc(outputs->count * (uint64_t)samples, sizeof *outputs->values);
    assert_true(chwn && outputs->values);
    nas_chwn_from_nchw(inputs, in, samples, n, chwn);
    NAS_TRY_DONE(nas_tensor_write(input, chwn));
    NAS_TRY_DONE(nas_net_set_step(net, &step));
    NAS_TRY_DONE(nas_net_evaluate(net));
    NAS_TRY_DONE(nas_tensor_read(output, chwn));
    nas_nchw_from_chwn(chwn, out, samples, n, outputs->values);
done:
    free(chwn);
    return status;
}

nas_status onnx_run(nas_device *device, const nas_safetensors *content, const float *inputs,
                    uint64_t input_count, int samples, onnx_outputs *outputs)
{
    const nas_net_options options = {.batch = samples};
    nas_graph graph = {0};
    nas_net *net = NULL;
    nas_status status = NAS_OK;
    *outputs = (onnx_outputs){.values = NULL};
    NAS_TRY_DONE(nas_graph_parse(nas_safetensors_value(content, "graph"), "imported", &graph));
    if (nas_shape_count(graph.nodes[0].shape) != input_count) {
        status = nas_error_set(NAS_SHAPE, __FILE__, __LINE__, "inputs of another size");
        goto done;
    }
    NAS_TRY_DONE(nas_net_create(device, &graph, &options, &net));
    NAS_TRY_DONE(nas_net_take(net, content, "imported"));
    status = run_net(net, inputs, samples, outputs);
done:
    nas_net_destroy(net);
    nas_graph_clear(&graph);
    return status;
}
