/* text.c - a growing string whose failure is sticky.
 *
 * Whoever builds a text adds twenty pieces and checks once: an allocation that fails sets `failed`,
 * later adds do nothing, and nas_text_check turns it into a status (the idea of ferror(3)). */
#include <clnas/base.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `size` more bytes and the NUL. */
static bool reserve(nas_text *text, size_t size)
{
    if (text->failed)
        return false;
    if (size > SIZE_MAX / 2 - text->length - 1) {
        text->failed = true;
        return false;
    }
    size_t need = text->length + size + 1;
    if (need <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void nas_text_add_bytes(nas_text *text, const void *bytes, size_t size)
{
    if (!reserve(text, size))
        return;
    if (size)
        memcpy(text->data + text->length, bytes, size);
    text->length += size;
    text->data[text->length] = '\0';
}

void nas_text_add(nas_text *text, const char *string)
{
    nas_text_add_bytes(text, string, strlen(string));
}

void nas_text_format(nas_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = nas_format_list(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) {
        text->failed = true;
        return;
    }
    if (!reserve(text, (size_t)size))
        return;
    va_start(arguments, format);
    nas_format_list(text->data + text->length, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)size;
}

/* An empty word needs quotes, and so does a first letter that some shell looks at. */
void nas_text_add_word(nas_text *text, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./=:,@%+-";
    if (*word && *word != '=' && word[strspn(word, plain)] == '\0') {
        nas_text_add(text, word);
        return;
    }
    nas_text_add(text, "'");
    for (const char *quote; (quote = strchr(word, '\'')) != NULL; word = quote + 1) {
        nas_text_add_bytes(text, word, (size_t)(quote - word));
        nas_text_add(text, "'\\''");
    }
    nas_text_format(text, "%s'", word);
}

void nas_text_reset(nas_text *text)
{
    text->length = 0;
    text->failed = false;
    if (text->data)
        text->data[0] = '\0';
}

void nas_text_clear(nas_text *text)
{
    free(text->data);
    *text = (nas_text){0};
}

nas_status nas_text_check(const nas_text *text)
{
    if (text->failed)
        NAS_FAIL(NAS_MEMORY, "out of host memory while building a text of %zu bytes", text->length);
    return NAS_OK;
}

/* What begins as a character of that many bytes but is none: written too long, half of a surrogate pair, beyond Unicode. */
int nas_character_size(const char *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    const int size = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    uint32_t code = size == 1 ? at[0] : at[0] & (0x7fu >> size);
    if (at[0] == 0 || (at[0] >= 0x80 && at[0] < 0xc0) || at[0] > 0xf4)
        return 0;
    for (int i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    return code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : size;
}
