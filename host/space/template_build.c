/* template_build.c - the network of a plan: stem, segments, head.
 *
 * A segment joins what it reads: every source is brought to the size where the segment begins and, to be added, to the
 * channels of the nearest source (the one with the highest number); then come its blocks, of which the first has the stride.
 *
 *     plain       k×k → norm → act
 *     residual    k×k → norm → act → k×k → norm → + → act                     ResNet, 1512.03385, figure 5 left
 *     bottleneck  1×1 (width / 4) → norm → act → k×k → norm → act → 1×1 → norm → + → act               figure 5 right
 *     inverted    1×1 (× expansion) → norm → act → depthwise k×k → norm → act → [gate] → 1×1 → norm [→ +]
 *                 MobileNetV2, 1801.04381; the gate as in MnasNet, 1807.11626; no first 1×1 where the expansion is 1
 *
 * The shortcut of residual and bottleneck is a strided 1×1 convolution with batch norm where the shape changes; an
 * inverted block has one only where it does not. */
#include "template.h"

static nas_status add_shortcut(const nas__block_at *at, nas__build *build, nas__value from,
                               nas__value *value)
{
    const int activation = at->t->options->activation;
    const int width = value->shape.c;
    if (at->stride > 1 || from.shape.c != width)
        NAS_TRY(nas__build_match(build, &from, at->stride, width, NAS__SHRINK_CONVOLUTION));
    const nas__value both[] = {*value, from};
    NAS_TRY(nas__build_join(build, both, 2, "add", value));
    return nas__build_activation(build, value, activation);
}

static nas_status add_residual(const nas__block_at *at, nas__build *build, nas__value *value)
{
    const int activation = at->t->options->activation, kernel = at->s->kernel[at->b];
    const nas__value from = *value;
    nas__convolution_part part = {.out = at->s->width, .kernel = kernel, .stride = at->stride};
    NAS_TRY(nas__build_layer(build, value, part, activation));
    part.stride = 1;
    NAS_TRY(nas__build_convolution(build, value, part));
    NAS_TRY(nas__build_norm(build, value));
    return add_shortcut(at, build, from, value);
}

static nas_status add_bottleneck(const nas__block_at *at, nas__build *build, nas__value *value)
{
    const int activation = at->t->options->activation, width = at->s->width;
    const int inside = width >= 4 ? width / 4 : 1;
    const nas__value from = *value;
    const nas__convolution_part first = {.out = inside, .kernel = 1};
    const nas__convolution_part middle = {
        .out = inside, .kernel = at->s->kernel[at->b], .stride = at->stride};
    const nas__convolution_part last = {.out = width, .kernel = 1};
    NAS_TRY(nas__build_layer(build, value, first, activation));
    NAS_TRY(nas__build_layer(build, value, middle, activation));
    NAS_TRY(nas__build_convolution(build, value, last));
    NAS_TRY(nas__build_norm(build, value));
    return add_shortcut(at, build, from, value);
}

static nas_status add_inverted(const nas__block_at *at, nas__build *build, nas__value *value)
{
    const int activation = at->t->options->activation, squeeze = at->s->squeeze[at->b];
    const int inside = value->shape.c * at->s->expansion[at->b];
    const nas__value from = *value;
    const nas__convolution_part expand = {.out = inside, .kernel = 1};
    const nas__convolution_part depthwise = {
        .out = inside, .kernel = at->s->kernel[at->b], .stride = at->stride, .groups = inside};
    const nas__convolution_part project = {.out = at->s->width, .kernel = 1};
    if (inside != from.shape.c)
        NAS_TRY(nas__build_layer(build, value, expand, activation));
    NAS_TRY(nas__build_layer(build, value, depthwise, activation));
    if (squeeze > 0)
        NAS_TRY(nas__build_gate(build, value, nas__reduced(inside, squeeze), activation));
    NAS_TRY(nas__build_convolution(build, value, project));
    NAS_TRY(nas__build_norm(build, value));
    if (at->stride > 1 || from.shape.c != at->s->width)
        return NAS_OK;
    const nas__value both[] = {*value, from};
    return nas__build_join(build, both, 2, "add", value);
}

nas_status nas__template_block(const nas__block_at *at, nas__build *build, nas__value *value)
{
    switch (at->s->block) {
    case NAS__BLOCK_RESIDUAL:
        return add_residual(at, build, value);
    case NAS__BLOCK_BOTTLENECK:
        return add_bottleneck(at, build, value);
    case NAS__BLOCK_INVERTED:
        return add_inverted(at, build, value);
    default:
        return nas__build_layer(build, value,
                                (nas__convolution_part){.out = at->s->width,
                                                        .kernel = at->s->kernel[at->b],
                                                        .stride = at->stride},
                                at->t->options->activation);
    }
}

/* ---- what a segment reads -------------------------------------------------------------------------------- */

static int factor_of(const nas__template_plan *plan, int source)
{
    return source == 0 ? 1 : plan->segment[source - 1].factor;
}

static nas_status join_sources(const nas__template *t, const nas__template_plan *plan, int j,
                               nas__build *build, const nas__value *sources, nas__value *joined)
{
    const nas__segment_plan *s = &plan->segment[j];
    nas__value arriving[NAS__SEGMENTS];
    int count = 0, channels = 0;
    const bool one = (s->reads & (s->reads - 1)) == 0;
    for (int source = j; source >= 0; source--) {
        if (!(s->reads >> source & 1))
            continue;
        nas__value value = sources[source];
        const int factor = factor_of(plan, source);
        channels = channels ? channels : value.shape.c;
        const int wanted = one || s->join == NAS__JOIN_CONCAT ? 0 : channels;
        if (factor > s->in_factor)
            NAS_TRY(nas__build_enlarge(build, &value, factor / s->in_factor,
                                       nas__reduced(t->input.h, s->in_factor),
                                       nas__reduced(t->input.w, s->in_factor)));
        const int shrink = factor < s->in_factor ? s->in_factor / factor : 1;
        NAS_TRY(nas__build_match(build, &value, shrink, wanted, (nas__shrink)t->options->shrink));
        arriving[count++] = value;
    }
    return nas__build_join(build, arriving, count, s->join == NAS__JOIN_CONCAT ? "concat" : "add",
                           joined);
}

nas_status nas__template_network(const nas__template *t, const nas__template_plan *plan,
                                 const nas__template_content *content, nas__build *build)
{
    nas__value sources[NAS__SEGMENTS + 1], ends[NAS__SEGMENTS];
    const unsigned loose = nas__template_loose(t, plan);
    int count = 0;
    NAS_TRY(nas__build_begin(build, &sources[0]));
    NAS_TRY(nas__build_layer(build, &sources[0],
                             (nas__convolution_part){.out = (int)t->options->stem, .kernel = 3},
                             t->options->activation));
    nas__build_part(build, -1, "stem: conv 3x3");
    for (int j = 0; j < t->count; j++) {
        NAS_TRY(join_sources(t, plan, j, build, sources, &sources[j + 1]));
        nas__build_part(build, -1, "%d: %s", j + 1,
                        plan->segment[j].join == NAS__JOIN_CONCAT ? "concat" : "add");
        build->norm = content->norm;
        NAS_TRY(content->segment(t, content->content, plan, j, build, &sources[j + 1]));
        build->norm = NULL;
        if (loose >> (j + 1) & 1)
            ends[count++] = sources[j + 1];
    }
    return nas__build_head(build, ends, count, t->classes);
}

static nas_status add_blocks(const nas__template *t, const void *content,
                             const nas__template_plan *plan, int j, nas__build *build,
                             nas__value *value)
{
    const nas__segment_plan *s = &plan->segment[j];
    (void)content;
    for (int b = 0; b < s->depth; b++) {
        const nas__block_at at = {t, s, b, b == 0 ? s->stride : 1};
        NAS_TRY(nas__template_block(&at, build, value));
        NAS_TRY(nas__template_name_block(&at, j, build));
    }
    return NAS_OK;
}

nas_status nas__template_assemble(const nas__template *t, const nas__template_plan *plan,
                                  nas__build *build)
{
    const nas__template_content content = {.segment = add_blocks};
    return nas__template_network(t, plan, &content, build);
}
