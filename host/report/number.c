/* number.c - numbers as pictures and pages write them.
 *
 * printf asks the locale for its decimal point, and a program that links the library may have set any; SVG and readers of
 * the page want a full stop.  Digits are therefore written from whole numbers here: a value is rounded to so many decimals
 * as an integer, which is split.  What does not fit one is written as mantissa and power of ten. */
#include "drawing.h"

#include <math.h>
#include <stdio.h>

enum { DECIMALS = 9 };

static double power_of_ten(int exponent)
{
    return pow(10, exponent);
}

static void add_scientific(nas_text *text, double value, int digits)
{
    int exponent = (int)floor(log10(fabs(value)));
    double mantissa = value / power_of_ten(exponent);
    if (fabs(mantissa) >= 10 - 0.5 / power_of_ten(digits)) {
        mantissa /= 10;
        exponent++;
    }
    nas__number_fixed(text, mantissa, digits, true);
    nas_text_format(text, "e%d", exponent);
}

void nas__number_fixed(nas_text *text, double value, int decimals, bool trim)
{
    decimals = decimals < 0 ? 0 : decimals > DECIMALS ? DECIMALS : decimals;
    if (isnan(value) || isinf(value)) {
        nas_text_add(text, isnan(value) ? "–" : value < 0 ? "−∞" : "∞");
        return;
    }
    const double scaled = fabs(value) * power_of_ten(decimals);
    if (scaled >= 9e15) {
        add_scientific(text, value, 3);
        return;
    }
    const long long unit = llround(power_of_ten(decimals)), whole = llround(scaled);
    long long rest = whole % unit;
    int shown = decimals;
    for (; trim && shown > 0 && rest % 10 == 0; shown--)
        rest /= 10;
    nas_text_format(text, "%s%lld", value < 0 && whole > 0 ? "-" : "", whole / unit);
    if (shown > 0)
        nas_text_format(text, ".%0*lld", shown, rest);
}

static void add_grouped(nas_text *text, double value)
{
    long long left = llround(fabs(value)), unit = 1;
    while (left / unit >= 1000)
        unit *= 1000;
    nas_text_format(text, "%s%lld", value < 0 ? "-" : "", left / unit);
    for (left %= unit; unit > 1; left %= unit) {
        unit /= 1000;
        nas_text_format(text, ",%03lld", left / unit);
    }
}

void nas__number_digits(nas_text *text, double value, int digits)
{
    const double size = fabs(value);
    if (isnan(value) || isinf(value))
        nas__number_fixed(text, value, 0, false);
    else if (size < 1e15 && (size >= power_of_ten(digits) || value == floor(value)))
        add_grouped(text, value);
    else if (size < 1e-4 || size >= 1e15)
        add_scientific(text, value, digits - 1);
    else
        nas__number_fixed(text, value, digits - 1 - (int)floor(log10(size)), true);
}

void nas__number_words(nas_text *text, double value)
{
    nas__number_digits(text, value, 4);
}

nas_status nas__number_take(nas_text *words, char text[NAS__NUMBER_SIZE])
{
    const nas_status status = nas_text_check(words);
    snprintf(text, NAS__NUMBER_SIZE, "%s", words->data ? words->data : "");
    nas_text_clear(words);
    return status;
}

nas_status nas__number_in(double value, int digits, char text[NAS__NUMBER_SIZE])
{
    nas_text words = {0};
    nas__number_digits(&words, value, digits);
    return nas__number_take(&words, text);
}

void nas__number_percent(nas_text *text, double share)
{
    nas__number_fixed(text, 100 * share, 2, false);
    if (isfinite(share))
        nas_text_add(text, " %");
}

void nas__number_duration(nas_text *text, double seconds)
{
    if (!(seconds < 1e15 && seconds > -1e15)) {
        nas__number_fixed(text, seconds, 0, false);
        return;
    }
    const long long whole = llround(fabs(seconds));
    nas_text_add(text, seconds < 0 && whole > 0 ? "-" : "");
    if (whole >= 3600)
        nas_text_format(text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        nas_text_format(text, "%lld:%02lld", whole / 60, whole % 60);
}
