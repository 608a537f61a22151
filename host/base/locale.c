/* locale.c - printf, scanf and strtod that know one decimal point, whatever locale the program that links the library has set.
 *
 * A program with a window calls setlocale(LC_ALL, ""), and from then on printf("%g", 0.1) writes "0,1" where people write so.  What the
 * library writes is read back: options of operators, checkpoints, tables, pages.  So whatever holds a real number goes through here;
 * the calling thread alone takes the C locale for as long as the call lasts, and other threads keep theirs. */
#include <clnas/base.h>

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* uselocale(result) switches back; without memory for a locale (0) it only asks for the present one. */
static locale_t enter(void)
{
    pthread_once(&once, make_c_locale);
    return uselocale(c_locale);
}

int nas_format_list(char *text, size_t size, const char *format, va_list arguments)
{
    const locale_t before = enter();
    const int length = vsnprintf(text, size, format, arguments);
    uselocale(before);
    return length;
}

int nas_format(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = nas_format_list(text, size, format, arguments);
    va_end(arguments);
    return length;
}

int nas_scan(const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const locale_t before = enter();
    const int count = vsscanf(text, format, arguments);
    uselocale(before);
    va_end(arguments);
    return count;
}

double nas_real_read(const char *text, char **end)
{
    const locale_t before = enter();
    const double real = strtod(text, end);
    uselocale(before);
    return real;
}
