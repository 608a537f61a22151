/* networks.h - networks that tools are told by name: references, a graph's text, a model file, a trial of a study.
 *
 *   small_cnn      12,762 parameters on 1×28×28: the figures of docs/performance.md
 *   resnet20       ResNet-20 on 3×32×32, shortcuts of 1×1 convolutions (He et al. 2015, arXiv 1512.03385): 272,474
 *   mobilenetv2    MobileNetV2 on 3×32×32, strides as CIFAR wants them (Sandler et al. 2018, arXiv 1801.04381): 2,236,682
 *   darts_v2       the cell DARTS_V2 in its published size, 20 cells, 36 channels, 3×32×32 (arXiv 1806.09055): 3,349,342
 *   darts_v2_small the same cell as a search has it, 8 cells, 16 channels
 *   quickstart     the network that configs/quickstart.cfg finds (docs/results.md, seed 1): 119,706 on 1×28×28 */
#ifndef CLNAS_TOOLS_NETWORKS_H
#define CLNAS_TOOLS_NETWORKS_H

#include <clnas/graph.h>

typedef struct network_reference {
    const char *name, *summary;
    nas_status (*build)(nas_graph *graph); /* into a zeroed graph */
} network_reference;

/* Ends with a NULL name. */
extern const network_reference network_references[];

/* `name` is a reference, else the path of a graph's text, of a model file (safetensors or ONNX), or STUDY[:TRIAL]: without a trial, the best one.  The graph must be
 * zeroed; it is empty on failure.  NAS_CONFIG: none of these; the message lists the references. */
nas_status network_open(const char *name, nas_graph *graph);

/* What a program that takes a NETWORK completes (cli_program.words). */
void network_words(const char *argument, const char *before, nas_text *words);

#endif
