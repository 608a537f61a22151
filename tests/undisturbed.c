/* undisturbed.c - see undisturbed.h. */
#include "undisturbed.h"
#include "nas_test_study.h"
#include "shim_only.h"
#include "vendors.h"

#include <limits.h>

static char *undisturbed; /* canonical trials */

int make_undisturbed(void **state, const char *const *names, const char *override)
{
    char top[PATH_MAX], folder[PATH_MAX + 16];
    nas_search_report report;
    if (make_session_folder(state) != 0 || !realpath(path_of("."), top))
        return 1;
    snprintf(folder, sizeof folder, "%s/vendors", top);
    for (int i = 0; names[i]; i++)
        if (!vendors_copy(folder, names[i], "pocl.icd"))
            return 0;
    setenv("OCL_ICD_VENDORS", folder, 1);
    nas_search_options options = options_for(path_of("reference.study"), false);
    options.no_retrain = true;
    nas_test_ok(search_with(&options, override, &report));
    undisturbed = nas_test_canonical(path_of("reference.study"));
    return 0;
}

int remove_undisturbed(void **state)
{
    free(undisturbed);
    return remove_session_folder(state);
}

void need_undisturbed(bool with_shim)
{
    if (!undisturbed || (with_shim && !shim_is_there()))
        skip();
}

void assert_same_trials(const char *name)
{
    char *trials = nas_test_canonical(path_of(name));
    assert_string_equal(trials, undisturbed);
    free(trials);
}
