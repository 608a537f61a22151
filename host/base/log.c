/* log.c - where the library's remarks go: to one function that the program installs, or nowhere.
 *
 * A library that prints cannot be embedded, so this one hands each line to a callback.  The callback
 * is set before threads start and only read afterwards.  Failures are not logs: see status.c. */
#include <clnas/base.h>

#include <stdio.h>

static nas_log_function nas_log_sink;
static void *nas_log_user;
static nas_log_level nas_log_limit;

void nas_log_set(nas_log_function function, void *user, nas_log_level most_detailed)
{
    nas_log_sink = function;
    nas_log_user = user;
    nas_log_limit = most_detailed;
}

void nas_log(nas_log_level level, const char *format, ...)
{
    if (!nas_log_sink || level > nas_log_limit)
        return;
    char message[4096];
    va_list arguments;
    va_start(arguments, format);
    nas_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    nas_log_sink(nas_log_user, level, message);
}
