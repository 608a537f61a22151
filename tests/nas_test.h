/* nas_test.h - cmocka and the few words that every test of clnas needs. */
#ifndef NAS_TEST_H
#define NAS_TEST_H

#include <clnas/base.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Succeeds, or the test fails with the library's message. */
#define nas_test_ok(call)                                                                          \
    do {                                                                                           \
        nas_status nas_test_status_ = (call);                                                      \
        if (nas_test_status_ != NAS_OK)                                                            \
            fail_msg("%s: %s: %s", #call, nas_status_name(nas_test_status_), nas_error_message()); \
    } while (0)

/* Fails with this status and a message that contains `part`. */
#define nas_test_fails(call, wanted, part)                                                         \
    do {                                                                                           \
        nas_status nas_test_status_ = (call);                                                      \
        if (nas_test_status_ != (wanted))                                                          \
            fail_msg("%s: %s instead of %s (%s)", #call, nas_status_name(nas_test_status_),        \
                     nas_status_name(wanted), nas_error_message());                                \
        if (!strstr(nas_error_message(), (part)))                                                  \
            fail_msg("%s: \"%s\" lacks \"%s\"", #call, nas_error_message(), (part));               \
    } while (0)

#endif
