/* places.c - which device and which driver each entry of devices = ( … ) means.
 *
 * Two vendors' libraries must not share an address space, so a worker loads one driver.  A config may name it (driver =
 * "rusticl.icd"); where it does not, every driver says in a process of its own what it has (probe.c), the match is made
 * over all of that, and the worker gets the driver and the device's number inside it.  "0:1" counts as clinfo does, over all
 * drivers at once, so for such a match they are asked at once, too; where that fails, platforms count by drivers' names.
 *
 * Nobody is asked when there is nothing to find out: one wish, and one driver or a driver that is named.
 * Read next: supervisor.c, which puts workers there. */
#include "places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct map {
    const char *program;
    nas__found *found;       /* by driver */
    nas_device_info *merged; /* the same devices, platforms numbered through */
    int count;
} map;

/* ---- what is wished for -------------------------------------------------------------------------------------------- */

static nas_status list_wishes(const nas_config *config, const nas_search_options *options,
                              nas__places *places)
{
    const bool given = options->device || config->device_count == 0;
    places->count = given ? 1 : config->device_count;
    places->item = calloc((size_t)places->count, sizeof *places->item);
    if (!places->item)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    for (int i = 0; i < places->count; i++) {
        nas_device_wish *wish = &places->item[i].wish;
        if (given) {
            *wish = (nas_device_wish){.workers = 1};
            snprintf(wish->match, sizeof wish->match, "%s",
                     options->device ? options->device : "any");
        } else {
            *wish = config->devices[i];
        }
        if (options->workers > 0)
            wish->workers = options->workers;
    }
    return NAS_OK;
}

static bool is_number(const char *match)
{
    size_t digits = strspn(match, "0123456789");
    return digits > 0 && match[digits] == ':' && match[digits + 1] &&
           strspn(match + digits + 1, "0123456789") == strlen(match + digits + 1);
}

/* ---- the map of what there is ----------------------------------------------------------------------------------------- */

static nas_status draw_map(const char *program, const nas_drivers *drivers, map *m)
{
    m->program = program;
    NAS_TRY(nas__probe(program, drivers, &m->found, &m->count));
    m->merged = malloc((size_t)(m->count + 1) * sizeof *m->merged);
    if (!m->merged)
        NAS_FAIL(NAS_MEMORY, "out of host memory");
    for (int i = 0, platform = -1; i < m->count; i++) {
        const nas__found *found = &m->found[i];
        if (i == 0 || strcmp(found->driver, found[-1].driver) != 0 ||
            found->info.platform != found[-1].info.platform)
            platform++;
        m->merged[i] = found->info;
        m->merged[i].platform = platform;
        snprintf(m->merged[i].id, sizeof m->merged[i].id, "%d:%d", platform % 10000,
                 found->info.index % 10000);
    }
    return NAS_OK;
}

static bool same_device(const nas_device_info *a, const nas_device_info *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->driver, b->driver) == 0 &&
           strcmp(a->platform_name, b->platform_name) == 0;
}

/* "0:1", by all drivers at once; *at -1: they cannot be asked at once, or have no such device. */
static nas_status find_number(const map *m, const char *match, int *at)
{
    const nas_drivers all = {.count = 1};
    nas__found *list = NULL;
    int count = 0;
    *at = -1;
    NAS_TRY(nas__probe(m->program, &all, &list, &count));
    for (int i = 0; i < count; i++)
        for (int k = 0; *at < 0 && strcmp(list[i].info.id, match) == 0 && k < m->count; k++)
            if (same_device(&m->found[k].info, &list[i].info) &&
                m->found[k].info.index == list[i].info.index)
                *at = k;
    free(list);
    return NAS_OK;
}

/* Of the devices of one driver, or of all (""). */
static nas_status select_place(const map *m, const nas_device_wish *wish, int *at)
{
    nas_device_info *some = malloc((size_t)(m->count + 1) * sizeof *some);
    int *from = malloc((size_t)(m->count + 1) * sizeof *from), count = 0, chosen = 0;
    nas_status status = some && from ? NAS_OK : NAS_MEMORY;
    for (int i = 0; status == NAS_OK && i < m->count; i++)
        if (!wish->driver[0] || strcmp(wish->driver, m->found[i].driver) == 0) {
            from[count] = i;
            some[count++] = wish->driver[0] ? m->found[i].info : m->merged[i];
        }
    if (status == NAS_OK)
        status = nas_device_select(some, count, wish->match, &chosen);
    if (status == NAS_OK)
        *at = from[chosen];
    free(some);
    free(from);
    return status;
}

static nas_status find_place(const map *m, nas__place *place)
{
    nas_device_wish *wish = &place->wish;
    int at = -1;
    if (!wish->driver[0] && is_number(wish->match))
        NAS_TRY(find_number(m, wish->match, &at));
    nas_status status = at < 0 ? select_place(m, wish, &at) : NAS_OK;
    if (status == NAS_NO_DEVICE) {
        snprintf(place->missing, sizeof place->missing, "%s", nas_error_message());
        return NAS_OK;
    }
    NAS_TRY(status);
    place->known = true;
    place->info = m->found[at].info;
    if (m->found[at].driver[0]) {
        snprintf(wish->driver, sizeof wish->driver, "%s", m->found[at].driver);
        snprintf(wish->match, sizeof wish->match, "%s", place->info.id);
    }
    return NAS_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------------------------ */

static bool nothing_to_ask(const nas__places *places, const nas_drivers *drivers)
{
    return places->count == 1 && (drivers->count < 2 || places->item[0].wish.driver[0]);
}

static void compare(nas__places *places)
{
    const nas__place *first = NULL;
    for (int i = 0; i < places->count; i++) {
        const nas__place *place = &places->item[i];
        if (!place->known)
            continue;
        if (first && !same_device(&first->info, &place->info))
            places->unlike = true;
        first = first ? first : place;
    }
}

nas_status nas__places_find(const nas_config *config, const nas_search_options *options,
                            nas__places *places)
{
    map m = {0};
    nas_drivers drivers;
    nas_status status = NAS_OK;
    *places = (nas__places){0};
    NAS_TRY(list_wishes(config, options, places));
    nas_drivers_find(&drivers);
    if (!options->program || nothing_to_ask(places, &drivers))
        return NAS_OK;
    if (drivers.count == 0)
        drivers = (nas_drivers){.count = 1}; /* whatever the loader has */
    NAS_TRY_DONE(draw_map(options->program, &drivers, &m));
    for (int i = 0; i < places->count; i++)
        NAS_TRY_DONE(find_place(&m, &places->item[i]));
    compare(places);
done:
    free(m.found);
    free(m.merged);
    if (status != NAS_OK)
        nas__places_clear(places);
    return status;
}

const char *nas__place_name(const nas__place *place)
{
    return place->wish.name[0] ? place->wish.name : place->wish.match;
}

nas_status nas__places_check(const nas__places *places)
{
    int missing = 0;
    for (int i = 0; i < places->count; i++) {
        const nas__place *place = &places->item[i];
        missing += place->missing[0] != 0;
        if (place->missing[0] && !place->wish.optional && place->wish.name[0])
            NAS_FAIL(NAS_NO_DEVICE,
                     "device \"%.80s\": %s (with optional = true the others work without it; "
                     "--device puts another in place of all)",
                     place->wish.name, place->missing);
        if (place->missing[0] && !place->wish.optional)
            NAS_FAIL(NAS_NO_DEVICE, "%s", place->missing);
    }
    if (missing == places->count)
        NAS_FAIL(NAS_NO_DEVICE, "none of the devices is there; the last one: %s",
                 places->item[places->count - 1].missing);
    return NAS_OK;
}

nas_status nas__place_measured(const nas__places *places, const nas_measure *measure,
                               const nas__place **place)
{
    for (int i = 0; i < places->count; i++) {
        const nas__place *there = &places->item[i];
        if (strcmp(there->wish.name, measure->device) != 0)
            continue;
        if (there->missing[0])
            NAS_FAIL(NAS_NO_DEVICE,
                     "%s cannot be measured: device \"%.80s\": %s; it must be there, optional or "
                     "not, or source = \"predicted\" with a table in its place",
                     measure->metric, there->wish.name, there->missing);
        *place = there;
        return NAS_OK;
    }
    NAS_FAIL(NAS_NO_DEVICE, "%s cannot be measured: the config has no device \"%.80s\"",
             measure->metric, measure->device);
}

nas_status nas__places_check_measured(const nas__places *places, const nas_config *config,
                                      const nas_search_options *options)
{
    const nas__place *place;
    for (int i = 0; i < config->measure_count && !options->device; i++)
        if (config->measures[i].device[0] && !config->measures[i].predicted)
            NAS_TRY(nas__place_measured(places, &config->measures[i], &place));
    return NAS_OK;
}

void nas__places_clear(nas__places *places)
{
    free(places->item);
    *places = (nas__places){0};
}
