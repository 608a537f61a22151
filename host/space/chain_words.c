/* chain_words.c - the chain space in words: a network in a line, its layers in a picture, genes and their choices.
 *
 * All of it is told of layers as they are built, not of rows: a stride that the row asks for and min_size forbids is not there.
 * An activation is named where there is a choice of it. */
#include "chain.h"

#include <stdio.h>

/* "sep_conv 5x5, stride 2, gelu" */
nas_status nas__chain_name_layer(const chain *c, const layer *y, nas__build *build)
{
    char op[32] = "", activation[32] = "", stride[32] = "";
    nas_text window = {0};
    if (!build->sketch)
        return NAS_OK;
    nas_choice_name(OP_CHOICES, y->op, op, sizeof op);
    nas_choice_name(NAS__ACTIVATIONS, y->activation, activation, sizeof activation);
    nas__write_window(c->input, y->kernel, &window);
    if (y->stride > 1)
        snprintf(stride, sizeof stride, ", stride %d", y->stride);
    const bool tell = c->options->activation.count > 1 && !is_pooling(y->op);
    nas__build_part(build, -1, "%s %s%s%s%s", op, window.data ? window.data : "", stride,
                    tell ? ", " : "", tell ? activation : "");
    const nas_status status = nas_text_check(&window);
    nas_text_clear(&window);
    return status;
}

/* "conv3x3(16) sep_conv3x3(32, gelu)/2 max_pool2x2": kernel, width, activation, stride. */
void nas__chain_describe(const void *state, const nas_arch *arch, nas_text *text)
{
    const chain *c = state;
    layer layers[LAYERS_MAX];
    int count = nas__chain_resolve(c, arch, layers);
    for (int l = 0; l < count; l++) {
        const layer *y = &layers[l];
        char op[32] = "", activation[32] = "";
        nas_choice_name(OP_CHOICES, y->op, op, sizeof op);
        nas_text_format(text, "%s%s", l ? " " : "", op);
        nas__write_window(c->input, y->kernel, text);
        if (is_pooling(y->op))
            continue;
        nas_choice_name(NAS__ACTIVATIONS, y->activation, activation, sizeof activation);
        nas_text_format(text, "(%d%s%s)", y->width, c->options->activation.count > 1 ? ", " : "",
                        c->options->activation.count > 1 ? activation : "");
        if (y->stride > 1)
            nas_text_format(text, "/%d", y->stride);
    }
}

/* The lot of a gene, its layer in *at_layer; −1: it is the depth. */
static int lot_of(const chain *c, int gene, int *at_layer)
{
    for (*at_layer = 0; *at_layer < c->depth_max; ++*at_layer)
        for (int lot = 0; lot < LOT_COUNT; lot++)
            if (c->at[*at_layer][lot] == gene)
                return lot;
    return -1;
}

void nas__chain_describe_gene(const void *state, int gene, nas_text *text)
{
    int at_layer;
    const int lot = lot_of(state, gene, &at_layer);
    if (lot < 0)
        nas_text_add(text, "depth");
    else
        nas_text_format(text, "layer %d: %s", at_layer + 1, nas__chain_lot_names[lot]);
}

void nas__chain_describe_choice(const void *state, int gene, int choice, nas_text *text)
{
    static const char *const words[LOT_COUNT] = {
        [LOT_OP] = OP_CHOICES, [LOT_ACTIVATION] = NAS__ACTIVATIONS};
    const chain *c = state;
    int at_layer;
    const int lot = lot_of(c, gene, &at_layer);
    if (lot < 0)
        nas_text_format(text, "%d", c->depth_min + choice);
    else
        nas__list_describe(c->lots[lot], choice, words[lot], text);
}
