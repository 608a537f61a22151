/* places.h - where the work of a session is done: the devices that its config wishes for, found. */
#ifndef NAS_SESSION_PLACES_H
#define NAS_SESSION_PLACES_H

#include <clnas/session.h>

typedef struct nas__place {
    nas_device_wish wish; /* match and driver as its workers get them */
    bool known;           /* it was found, and is `info`; else its workers will see */
    nas_device_info info;
    bool dropped;      /* its workers have failed too often; nothing is started there again */
    char missing[512]; /* why there is no such device; "": nothing is known against it */
    int lost;          /* workers that ended here other than well */
    char trouble[160]; /* what ended the last one */
} nas__place;

typedef struct nas__places {
    nas__place *item;
    int count;
    bool unlike; /* two that are there are not the same device of the same driver */
} nas__places;

/* The config's devices, or what the options put in their place.  The driver of each is found by asking all of them, each in a
 * process of its own; this process opens none.  Without options->program nobody is asked. */
nas_status nas__places_find(const nas_config *config, const nas_search_options *options,
                            nas__places *places);
/* NAS_NO_DEVICE when one is missing that is not optional, or all are. */
nas_status nas__places_check(const nas__places *places);
/* The one that a metric is measured on; NAS_NO_DEVICE when it is missing, optional or not. */
nas_status nas__place_measured(const nas__places *places, const nas_measure *measure,
                               const nas__place **place);
/* All that the config measures on; where the options put another device in place of all, each worker looks for them (meter.c). */
nas_status nas__places_check_measured(const nas__places *places, const nas_config *config,
                                      const nas_search_options *options);
/* Its alias, or what it was matched by. */
const char *nas__place_name(const nas__place *place);
void nas__places_clear(nas__places *places);

/* ---- what there is: probe.c ---- */

typedef struct nas__found {
    char driver[NAS_DRIVER_SIZE]; /* "": asked all at once */
    nas_device_info info; /* texts, type, usable and id (inside its driver) alone are filled */
} nas__found;

/* Asks each of `drivers` ("": all in one process), side by side; one that crashes or hangs has no devices, with a warning in
 * the log.  Answers are kept for a minute.  free() the list. */
nas_status nas__probe(const char *program, const nas_drivers *drivers, nas__found **list,
                      int *count);

#endif
