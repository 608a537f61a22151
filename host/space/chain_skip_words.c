/* chain_skip_words.c - the chain_skip space in words: a network in a line, its layers in a picture, genes and their choices.
 *
 * As in chain_words.c, what is told is what is built; sources have the numbers that chain_skip.c gives them. */
#include "chain_skip.h"

#include <stdio.h>

/* "conv 3x3, stride 2, add 2 skips" */
nas_status nas__chain_skip_name_layer(const chain_skip *c, const layer *y, nas__build *build)
{
    char op[32] = "", stride[32] = "", skips[48] = "", activation[32] = "";
    nas_text window = {0};
    if (!build->sketch)
        return NAS_OK;
    int count = 0;
    for (uint64_t left = y->skips; left; left &= left - 1)
        count++;
    nas_choice_name(OP_CHOICES, y->op, op, sizeof op);
    nas__write_window(c->input, is_pooling(y->op) ? (int)c->options->pool : y->kernel, &window);
    if (y->stride > 1)
        snprintf(stride, sizeof stride, ", stride %d", y->stride);
    if (c->options->activation.count > 1 && !is_pooling(y->op))
        nas_choice_name(NAS__ACTIVATIONS, y->activation, activation, sizeof activation);
    if (count > 0)
        snprintf(skips, sizeof skips, ", %s %d skip%s", y->join == JOIN_ADD ? "add" : "concat",
                 count, count > 1 ? "s" : "");
    nas__build_part(build, -1, "%s %s%s%s%s%s", op, window.data ? window.data : "", stride,
                    *activation ? ", " : "", activation, skips);
    const nas_status status = nas_text_check(&window);
    nas_text_clear(&window);
    return status;
}

static void describe_skips(const layer *y, int l, nas_text *text)
{
    const char *separator = y->join == JOIN_ADD ? "+" : "&";
    for (int source = 0; source <= l; source++)
        if (y->skips >> source & 1)
            nas_text_format(text, "%s%d", separator, source);
}

/* "16 conv3x3(16) conv3x3(32)/2+0 max_pool3x3&1&2": the stem's width, then the layers; + and & say which sources are added
 * or concatenated. */
void nas__chain_skip_describe(const void *state, const nas_arch *arch, nas_text *text)
{
    const chain_skip *c = state;
    layer layers[LAYERS_MAX];
    int depth = nas__chain_skip_resolve(c, arch, layers);
    nas_text_format(text, "%d", (int)c->options->stem);
    for (int l = 0; l < depth; l++) {
        const layer *y = &layers[l];
        char op[32] = "", activation[32] = "";
        int window = is_pooling(y->op) ? (int)c->options->pool : y->kernel;
        nas_choice_name(OP_CHOICES, y->op, op, sizeof op);
        nas_choice_name(NAS__ACTIVATIONS, y->activation, activation, sizeof activation);
        bool tell = c->options->activation.count > 1;
        nas_text_format(text, " %s", op);
        nas__write_window(c->input, window, text);
        if (!is_pooling(y->op))
            nas_text_format(text, "(%d%s%s)", y->width, tell ? ", " : "", tell ? activation : "");
        if (y->stride > 1)
            nas_text_format(text, "/%d", y->stride);
        describe_skips(y, l, text);
    }
}

/* The lot of a gene, LOT_COUNT for a skip, −1 for the depth; its layer, and a skip's source. */
static int lot_of(const chain_skip *c, int gene, int *at_layer, int *source)
{
    for (*at_layer = 0; *at_layer < c->depth_max; ++*at_layer) {
        for (int lot = 0; lot < LOT_COUNT; lot++)
            if (c->at[*at_layer][lot] == gene)
                return lot;
        for (*source = 0; *source <= *at_layer; ++*source)
            if (c->skip_at[*at_layer][*source] == gene)
                return LOT_COUNT;
    }
    return -1;
}

void nas__chain_skip_describe_gene(const void *state, int gene, nas_text *text)
{
    int at_layer, source;
    const int lot = lot_of(state, gene, &at_layer, &source);
    if (lot < 0)
        nas_text_add(text, "depth");
    else if (lot < LOT_COUNT)
        nas_text_format(text, "layer %d: %s", at_layer + 1, nas__chain_skip_lot_names[lot]);
    else if (source == 0)
        nas_text_format(text, "layer %d: skip from the stem", at_layer + 1);
    else
        nas_text_format(text, "layer %d: skip from layer %d", at_layer + 1, source);
}

void nas__chain_skip_describe_choice(const void *state, int gene, int choice, nas_text *text)
{
    static const char *const words[LOT_COUNT] = {
        [LOT_OP] = OP_CHOICES, [LOT_ACTIVATION] = NAS__ACTIVATIONS, [LOT_JOIN] = JOIN_CHOICES};
    const chain_skip *c = state;
    int at_layer, source;
    const int lot = lot_of(c, gene, &at_layer, &source);
    if (lot < 0)
        nas_text_format(text, "%d", c->depth_min + choice);
    else if (lot < LOT_COUNT)
        nas__list_describe(c->lots[lot], choice, words[lot], text);
    else
        nas_text_add(text, choice ? "yes" : "no");
}
