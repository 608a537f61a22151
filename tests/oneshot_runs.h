/* oneshot_runs.h - small one-shot searches for tests of sessions, on data and in a space of a few cells. */
#ifndef ONESHOT_RUNS_H
#define ONESHOT_RUNS_H

#include "session_runs.h"

enum { EPOCHS = 3 }; /* of the strategies of these tests */

extern const char space_cell[];  /* what `space` says, without its braces */
extern const char train_group[]; /* a line of a config */

bool oneshot_has_device(void);
/* Groups without their braces; `more`: further lines of the config. */
nas_status parse_oneshot(const char *space, const char *strategy, const char *more,
                         nas_config *config);
/* In space_cell, with one retraining; nas_config_clear and free it. */
nas_config *oneshot_config(const char *strategy, const char *budget);
/* Searches to the end; canonical trials and the hash of every model file; free() it. */
char *search_oneshot(const char *strategy, const char *budget, const nas_search_options *options);
/* The worker dies at the beginning of a trial's first attempt: the search must come out as `whole`. */
void crash_at(const char *trial, const char *strategy, const char *name, const char *whole);

#endif
