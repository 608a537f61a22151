/* undisturbed.h - searches on drivers that go wrong, held against one that nothing disturbs: the trials must be the same.
 *
 * PoCL stands in a vendors' folder of the test's own, under names that the shim (tests/shim/shim.h) can tell apart. */
#ifndef UNDISTURBED_H
#define UNDISTURBED_H

#include "session_runs.h"

/* The session's folder, the vendors' folder with PoCL under each of the names (NULL ends them), and the undisturbed search there, in this
 * process, as `override` wants it (NULL: as it is).  Without PoCL there is none. */
int make_undisturbed(void **state, const char *const *names, const char *override);
int remove_undisturbed(void **state);
/* Skips a test where there is none, or no shim. */
void need_undisturbed(bool with_shim);
void assert_same_trials(const char *name);

#endif
