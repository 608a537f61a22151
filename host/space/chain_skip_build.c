/* chain_skip_build.c - the network of a chain with skips: stem, layers, head; built, or only counted.
 *
 * A layer is its operation and then, where skips arrive, the join (see chain_skip.c).  A skip is brought to the size where it arrives,
 * and to the channels as well where it is added.
 *
 * Read next: chain_skip_supergraph.c, all layers' operations and skips at once. */
#include "chain_skip.h"

nas_status nas__chain_skip_operation(const chain_skip *c, nas__build *build, const layer *y,
                                     nas__value *x)
{
    nas__convolution_part part = {.out = y->width, .kernel = y->kernel, .stride = y->stride};
    if (is_pooling(y->op))
        return nas__build_pool(build, x, y->op == OP_MAX_POOL ? "max" : "average",
                               (int)c->options->pool, y->stride);
    if (y->op == OP_SEP_CONV)
        NAS_TRY(nas__build_depthwise(build, x, &part));
    if (y->op == OP_DIL_CONV)
        part.dilation = 2;
    NAS_TRY(nas__build_convolution(build, x, part));
    NAS_TRY(nas__build_norm(build, x));
    bool later = y->skips && y->join == JOIN_ADD;
    return later ? NAS_OK : nas__build_activation(build, x, y->activation);
}

/* Layer l's operation is x; the skips that arrive are brought to its size (and channels, where they are added). */
static nas_status add_skips(const chain_skip *c, nas__build *build, const layer *layers, int l,
                            const nas__value *sources, nas__value *x)
{
    const layer *y = &layers[l];
    const int channels = x->shape.c;
    nas__value arriving[LAYERS_MAX + 1] = {*x};
    int count = 1, factor = 1;
    for (int source = l; source >= 0; source--) {
        factor *= layers[source].stride;
        if (!(y->skips >> source & 1))
            continue;
        nas__value skip = sources[source];
        NAS_TRY(nas__build_match(build, &skip, factor, y->join == JOIN_ADD ? channels : 0,
                                 (nas__shrink)c->options->shrink));
        arriving[count++] = skip;
    }
    NAS_TRY(nas__build_join(build, arriving, count, y->join == JOIN_ADD ? "add" : "concat", x));
    if (y->join == JOIN_CONCAT)
        return nas__build_layer(build, x, (nas__convolution_part){.out = channels, .kernel = 1},
                                y->activation);
    return is_pooling(y->op) ? NAS_OK : nas__build_activation(build, x, y->activation);
}

nas_status nas__chain_skip_stem(const chain_skip *c, nas__build *build, nas__value *x)
{
    NAS_TRY(nas__build_begin(build, x));
    return nas__build_layer(build, x,
                            (nas__convolution_part){.out = (int)c->options->stem, .kernel = 3},
                            (int)c->options->activation.item[0]);
}

nas_status nas__chain_skip_assemble(const chain_skip *c, const layer *layers, int depth,
                                    nas__build *build)
{
    nas__value sources[LAYERS_MAX + 1], x;
    NAS_TRY(nas__chain_skip_stem(c, build, &x));
    nas__build_part(build, -1, "stem: conv 3x3");
    sources[0] = x;
    for (int l = 0; l < depth; l++) {
        NAS_TRY(nas__chain_skip_operation(c, build, &layers[l], &x));
        if (layers[l].skips)
            NAS_TRY(add_skips(c, build, layers, l, sources, &x));
        NAS_TRY(nas__chain_skip_name_layer(c, &layers[l], build));
        sources[l + 1] = x;
    }
    return nas__build_head(build, &x, 1, c->classes);
}
