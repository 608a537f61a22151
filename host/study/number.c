/* number.c - doubles as hex floats, exactly and whatever the locale is.
 *
 * printf("%a") writes the locale's decimal point, and a log that says 'the same' with a comma on one machine does not.
 * The form is C99's: 0x1.8p+1; zero is 0x0p+0; subnormals are 0x0.…p-1022. */
#include "study.h"

#include <math.h>
#include <string.h>

void nas__hex_write(double value, nas_text *text)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & 0xfffffffffffffu;
    int exponent = (int)(bits >> 52 & 0x7ff);
    if (isnan(value)) {
        nas_text_add(text, "nan");
        return;
    }
    nas_text_add(text, bits >> 63 ? "-" : "");
    if (isinf(value)) {
        nas_text_add(text, "inf");
        return;
    }
    char digits[14];
    int length = 0;
    for (; fraction; fraction = fraction << 4 & 0xfffffffffffffu)
        digits[length++] = "0123456789abcdef"[fraction >> 48];
    digits[length] = '\0';
    bool zero = exponent == 0 && length == 0;
    nas_text_format(text, "0x%d%s%sp%+d", exponent != 0, length ? "." : "", digits,
                    zero       ? 0
                    : exponent ? exponent - 1023
                               : -1022);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool read_word(const char **text, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

static bool read_exponent(const char **text, int *exponent)
{
    bool negative = **text == '-';
    int value = 0, digits = 0;
    if (**text == '-' || **text == '+')
        (*text)++;
    for (; **text >= '0' && **text <= '9' && digits < 5; digits++)
        value = value * 10 + (*(*text)++ - '0');
    *exponent = negative ? -value : value;
    return digits > 0;
}

bool nas__hex_read(const char **text, double *value)
{
    const char *at = *text;
    bool negative = read_word(&at, "-");
    double result = 0;
    if (read_word(&at, "nan")) {
        result = NAN;
    } else if (read_word(&at, "inf")) {
        result = INFINITY;
    } else {
        uint64_t mantissa = 0;
        int shift = 0, digits = 0, exponent;
        if (!read_word(&at, "0x"))
            return false;
        for (; hex_digit(*at) >= 0 && digits < 15; digits++)
            mantissa = mantissa << 4 | (uint64_t)hex_digit(*at++);
        if (digits == 0)
            return false;
        if (*at == '.')
            for (at++; hex_digit(*at) >= 0 && digits < 15; digits++, shift += 4)
                mantissa = mantissa << 4 | (uint64_t)hex_digit(*at++);
        if (!read_word(&at, "p") || !read_exponent(&at, &exponent))
            return false;
        result = ldexp((double)mantissa, exponent - shift);
    }
    *value = negative ? -result : result;
    *text = at;
    return true;
}
