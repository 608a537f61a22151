/* bench_latency_walk.c - the distinct steps of a space's networks, and networks to measure them in.
 *
 * A space is looked at through its networks, as any space gives them: those that it has names for, what lies a gene from the first of them, then random
 * ones, until PATIENCE in a row have brought no new step.  Nothing here needs a device. */
#include "bench_latency.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 200, DRAWS = 5000, STEPS = 20000 };

/* ---- the space ------------------------------------------------------------------------------------------------- */

/* Of what makes its networks: options of the space, shape and classes of the data. */
static nas_status hash_of(latency_space *space)
{
    nas_text text = {0};
    nas_value_write(&space->config->space, -1, &text);
    nas_text_format(&text, " %dx%dx%d %d", space->domain->input.c, space->domain->input.h,
                    space->domain->input.w, space->domain->classes);
    const nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        space->hash = nas_hash(text.data, text.length, 0);
    nas_text_clear(&text);
    return status;
}

nas_status latency_open(const char *path, latency_space *space)
{
    space->config = calloc(1, sizeof *space->config);
    if (!space->config)
        NAS_FAIL(NAS_MEMORY, "no memory for a config");
    NAS_TRY(nas_config_read(path, NULL, 0, space->config));
    NAS_TRY(nas_data_open_group(&space->config->data, (uint64_t)space->config->seed, &space->data));
    NAS_TRY(nas_domain_open_group(&space->config->space, nas_data_shape(space->data),
                                  nas_data_outputs(space->data), &space->domain));
    return hash_of(space);
}

void latency_close(latency_space *space)
{
    nas_domain_close(space->domain);
    nas_data_destroy(space->data);
    if (space->config)
        nas_config_clear(space->config);
    free(space->config);
}

nas_status latency_draw(const latency_space *space, latency_row row, int index, nas_arch *arch)
{
    nas_random random = nas_random_make((uint64_t)space->config->seed, NAS_STREAM_TEST,
                                        (uint32_t)index, 0x1a7e, (uint32_t)row);
    return nas_domain_sample(space->domain, &random, arch);
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static int find(const latency_walk *walk, const char *step)
{
    for (int i = 0; i < walk->step_count; i++)
        if (strcmp(walk->steps[i].row.step, step) == 0)
            return i;
    return -1;
}

/* Takes over the key. */
static nas_status add_step(latency_walk *walk, nas_net_step *step, int at)
{
    if (walk->step_count == walk->capacity) {
        const int capacity = walk->capacity ? 2 * walk->capacity : 64;
        latency_step *steps = realloc(walk->steps, (size_t)capacity * sizeof *steps);
        if (!steps)
            NAS_FAIL(NAS_MEMORY, "no memory for %d steps", capacity);
        walk->steps = steps;
        walk->capacity = capacity;
    }
    walk->steps[walk->step_count++] =
        (latency_step){.row = {.step = step->key, .macs = step->macs, .bytes = step->bytes},
                       .network = walk->network_count,
                       .at = at};
    step->key = NULL;
    return NAS_OK;
}

static nas_status add_network(const latency_space *space, const nas_arch *arch, latency_walk *walk)
{
    nas_graph graph = {0};
    nas_net_steps steps = {0};
    const int before = walk->step_count;
    nas_status status = nas_domain_build(space->domain, arch, &graph);
    if (status == NAS_OK)
        status = nas_net_steps_list(&graph, &steps);
    for (int i = 0; i < steps.count && status == NAS_OK && walk->step_count < STEPS; i++)
        if (find(walk, steps.item[i].key) < 0)
            status = add_step(walk, &steps.item[i], i);
    if (walk->step_count > before)
        walk->networks[walk->network_count++] = *arch;
    walk->drawn++;
    nas_net_steps_clear(&steps);
    nas_graph_clear(&graph);
    return status;
}

static nas_status add_named(const latency_space *space, latency_walk *walk)
{
    nas_arch first, *near = NULL;
    int count = 0;
    bool any = false;
    for (const char *const *name = space->domain->space->names; name && *name; name++) {
        nas_arch arch;
        if (nas_domain_read(space->domain, *name, &arch) != NAS_OK)
            continue; /* not in these options */
        first = any ? first : arch;
        any = true;
        NAS_TRY(add_network(space, &arch, walk));
    }
    if (!any || nas_domain_neighbours(space->domain, &first, &near, &count) != NAS_OK)
        return NAS_OK;
    nas_status status = NAS_OK;
    for (int i = 0; i < count && walk->drawn < DRAWS / 2 && status == NAS_OK; i++)
        status = add_network(space, &near[i], walk);
    free(near);
    return status;
}

nas_status latency_walk_space(const latency_space *space, latency_walk *walk)
{
    int idle = 0, quarter = 0;
    walk->networks = calloc(DRAWS + 64, sizeof *walk->networks);
    if (!walk->networks)
        NAS_FAIL(NAS_MEMORY, "no memory for networks");
    NAS_TRY(add_named(space, walk));
    int *at = calloc(DRAWS + 64, sizeof *at); /* steps known after each network */
    if (!at)
        NAS_FAIL(NAS_MEMORY, "no memory for networks");
    nas_status status = NAS_OK;
    for (int i = 0; walk->drawn < DRAWS && idle < PATIENCE && status == NAS_OK; i++) {
        nas_arch arch;
        const int before = walk->step_count;
        status = latency_draw(space, LATENCY_WALK, i, &arch);
        if (status == NAS_OK)
            status = add_network(space, &arch, walk);
        idle = walk->step_count > before ? 0 : idle + 1;
        at[walk->drawn] = walk->step_count;
    }
    quarter = walk->drawn - walk->drawn / 4;
    walk->new_steps = walk->step_count - (at[quarter] ? at[quarter] : walk->step_count);
    free(at);
    return status;
}

void latency_walk_clear(latency_walk *walk)
{
    for (int i = 0; i < walk->step_count; i++)
        free(walk->steps[i].row.step);
    free(walk->steps);
    free(walk->networks);
    *walk = (latency_walk){0};
}
