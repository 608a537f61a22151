/* session_runs.h - whole searches of a small study, in this process or in workers, and what they leave. */
#ifndef SESSION_RUNS_H
#define SESSION_RUNS_H

#include "nas_test.h"

#include <clnas/session.h>

/* Eight small chains, trained for two epochs; the best one is retrained. */
extern const char session_config[];

int make_session_folder(void **state);
int remove_session_folder(void **state);
/* The program is its own worker: first thing in main(), returns when it is not called as one. */
void be_a_worker(int argc, char **argv);

const char *path_of(const char *name); /* in the folder; eight live at a time */
nas_config *parse_config(const char *const *overrides, int count);
nas_search_options options_for(const char *study, bool processes);
/* Searches and hands back the status; the report is the caller's. */
nas_status search_with(const nas_search_options *options, const char *override,
                       nas_search_report *report);
nas_status search_config(const char *study, bool processes, const char *override,
                         nas_search_report *report);
nas_status resume_study(const char *study, nas_search_report *report);
void hash_of_file(const char *path, char hash[33]);
/* Canonical trials and the hash of every model file; free() it. */
char *print_of(const char *study);
nas_trial trial_of(const char *study, int index); /* nas_trial_clear it */

/* What events of workers said, a line each, for a search with this progress function; the test empties it. */
extern char worker_notes[8192];
void listen_to_workers(void *user, const nas_progress *progress);
void assert_noted(const char *part);

#endif
