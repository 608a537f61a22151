/* nas_test_study.h - what a study file says, by public calls alone. */
#ifndef NAS_TEST_STUDY_H
#define NAS_TEST_STUDY_H

#include "nas_test.h"

#include <clnas/study.h>

/* Its trials: two studies are the same when these are.  free() it. */
static inline char *nas_test_canonical(const char *path)
{
    nas_study *study;
    nas_text text = {0};
    nas_test_ok(nas_study_open(path, NAS_STORE_READ, &study));
    nas_study_canonical(study, &text);
    nas_study_close(study);
    nas_test_ok(nas_text_check(&text));
    return text.data;
}

#endif
