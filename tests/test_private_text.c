/* test_private_text.c - what a bug report must not carry is taken out of texts, and what it should carry stays. */
#include "nas_test.h"

#include "cli/doctor.h"

static void check(const cli_private *names, const char *text, const char *wanted)
{
    char *made = cli_private_text(names, text);
    assert_non_null(made);
    if (strcmp(made, wanted) != 0)
        fail_msg("\"%s\" became \"%s\" and not \"%s\"", text, made, wanted);
    free(made);
}

static void test_texts(void **state)
{
    (void)state;
    cli_private names = {0};
    setenv("HOME", "/home/jane doe", 1);
    setenv("USER", "jdoe", 1);
    setenv("HOSTNAME", "janes-box", 1);
    cli_private_find(&names);
    assert_true(names.count >= 4);
    check(&names, "", "");
    check(&names, "warning: /tmp/PoCL_x/conv2d.cl:12:3: unused",
          "warning: (path)/conv2d.cl:12:3: unused");
    check(&names, "cannot open '/home/jane doe/secret project/x' (13)",
          "cannot open ' (path) project/x' (13)");
    check(&names, "-I/opt/thing -cl-std=CL1.2 -DLANES=8", "-I(path) -cl-std=CL1.2 -DLANES=8");
    check(&names, "-I/home/jane doe/include", "-I (path)");
    check(&names, "~/.cache/clnas, LIB=/usr/lib/libx.so: gone", "(path), LIB=(path)/libx.so: gone");
    check(&names, "user jdoe on janes-box (JDOE)", "user (hidden) on (hidden) ((hidden))");
    check(&names, "jdoes 3.1 GB/s, 1/2, a / b, // no; /* no */ cl/conv2d.cl",
          "jdoes 3.1 GB/s, 1/2, a / b, // no; /* no */ cl/conv2d.cl");
    check(&names, "/", "/");
    check(&names, "/tmp/a(/tmp/b)</tmp/c>/tmp/d", "(path))<(path)>(path)");
    cli_private_clear(&names);
    assert_int_equal(names.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts)};
    return cmocka_run_group_tests_name("private_text", tests, NULL, NULL);
}
