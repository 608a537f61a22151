/* one_file.h - the one file of a test that reads texts: made before all of its tests, removed behind them. */
#ifndef ONE_FILE_H
#define ONE_FILE_H

#include "nas_test.h"

#include <unistd.h>

static char path[] = "/tmp/clnas-test-XXXXXX";

static inline int make_file(void **state)
{
    (void)state;
    return close(mkstemp(path));
}

static inline int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static inline void write_file(const char *text)
{
    nas_test_ok(nas_file_replace(path, text, strlen(text)));
}

#endif
