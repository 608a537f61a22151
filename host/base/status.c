/* status.c - statuses and the one message that explains the last failure.
 *
 * Idea: a function says *that* it failed by its return value and *why* by one sentence kept per
 * thread, so that no error object travels through signatures.  Whoever knows more on the way up puts
 * it in front (nas_error_add), and the program prints the whole line once.
 * The place in our own source (file, line) is kept for debug logs only: users need their file and line.
 * Read next: log.c, and the four macros in include/clnas/base.h. */
#include <clnas/base.h>

#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 4096 };
static _Thread_local char nas_message[MESSAGE_SIZE];

const char *nas_status_name(nas_status status)
{
    switch (status) {
#define STATUS_NAME(name, exit_code, text)                                                         \
    case NAS_##name:                                                                               \
        return #name;
        NAS_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    }
    return "UNKNOWN";
}

const char *nas_status_text(nas_status status)
{
    switch (status) {
#define STATUS_TEXT(name, exit_code, text)                                                         \
    case NAS_##name:                                                                               \
        return text;
        NAS_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

int nas_status_exit_code(nas_status status)
{
    switch (status) {
#define STATUS_EXIT(name, exit_code, text)                                                         \
    case NAS_##name:                                                                               \
        return exit_code;
        NAS_STATUS_LIST(STATUS_EXIT)
#undef STATUS_EXIT
    }
    return 1;
}

const char *nas_error_message(void)
{
    return nas_message;
}

void nas_error_clear(void)
{
    nas_message[0] = '\0';
}

nas_status nas_error_set(nas_status status, const char *file, int line, const char *format, ...)
{
    char fresh[MESSAGE_SIZE]; /* the arguments may contain the old message */
    va_list arguments;
    va_start(arguments, format);
    nas_format_list(fresh, sizeof fresh, format, arguments);
    va_end(arguments);
    memcpy(nas_message, fresh, sizeof fresh);
    nas_log(NAS_LOG_DEBUG, "%s at %s:%d: %s", nas_status_name(status), file, line, nas_message);
    return status;
}

void nas_error_add(const char *format, ...)
{
    char front[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int written = nas_format_list(front, sizeof front, format, arguments);
    va_end(arguments);
    size_t length = strlen(front);
    size_t kept = strlen(nas_message);
    if (written < 0)
        return;
    if (kept > sizeof nas_message - 1 - length)
        kept = sizeof nas_message - 1 - length;
    memmove(nas_message + length, nas_message, kept);
    memcpy(nas_message, front, length);
    nas_message[length + kept] = '\0';
}
