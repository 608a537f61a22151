/* value_parse.c - text to value: a small recursive-descent parser for what people write after `=`.
 *
 *     value = scalar | '[' items ']' | '(' items ')' | '{' members '}'
 *     items = (value (',' value)* ','?)?        members = (name ('='|':') value (';'|',')?)*
 *     scalar = true | false | number | "text with \n escapes" | bare text
 *
 * Bare text at the top is the whole line (`-s data.path=/mnt/my data`); inside lists and groups it is
 * one word.  The input may be hostile: depth and item count are capped, numbers that do not fit are
 * refused rather than rounded, and every message names file and line. */
#include "value_private.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_LIMIT = 32, ITEM_LIMIT = 65536, NUMBER_LIMIT = 400 };

typedef struct parser {
    const char *at;
    const char *file;
    int line;
    int depth;
    int item_count;
} parser;

#define PARSE_FAIL_AS(status, p, ...)                                                              \
    do {                                                                                           \
        char place_[NAS_PLACE_SIZE];                                                               \
        nas_error_set((status), __FILE__, __LINE__, __VA_ARGS__);                                  \
        nas_error_add("%s", nas__place((p)->file, (p)->line, place_));                             \
        return (status);                                                                           \
    } while (0)
#define PARSE_FAIL(p, ...) PARSE_FAIL_AS(NAS_CONFIG, p, __VA_ARGS__)

static nas_status parse_value(parser *p, nas_value *value);

static void skip_space(parser *p)
{
    for (; *p->at && isspace((unsigned char)*p->at); p->at++)
        if (*p->at == '\n')
            p->line++;
}

static nas_status set_text(parser *p, const char *from, size_t size, nas_value *value)
{
    value->text = strndup(from, size);
    if (!value->text)
        PARSE_FAIL_AS(NAS_MEMORY, p, "out of host memory for a text of %zu bytes", size);
    value->type = NAS_VALUE_TEXT;
    return NAS_OK;
}

/* [+-]digits or 0x…, an L behind allowed: 1 done, 0 not an integer, -1 does not fit in 64 bits. */
static int read_integer(const char *word, int64_t *integer)
{
    char *end;
    const char *digits = word + (*word == '-' || *word == '+');
    if (!isdigit((unsigned char)*digits))
        return 0;
    int base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
    errno = 0;
    long long number = strtoll(word, &end, base);
    while (*end == 'L')
        end++;
    if (*end)
        return 0;
    if (errno == ERANGE)
        return -1;
    *integer = number;
    return 1;
}

/* Is the word a number at all?  "nan", "inf" and "3x3" are words. */
static bool is_number_start(const char *word)
{
    word += *word == '-' || *word == '+';
    return isdigit((unsigned char)word[0]) || (word[0] == '.' && isdigit((unsigned char)word[1]));
}

/* true, a number, or the word itself. */
static nas_status parse_word(parser *p, const char *from, size_t size, nas_value *value)
{
    char word[NUMBER_LIMIT + 1];
    if (size > NUMBER_LIMIT)
        return set_text(p, from, size, value);
    memcpy(word, from, size);
    word[size] = '\0';
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
        value->type = NAS_VALUE_BOOL;
        value->boolean = word[0] == 't';
        return NAS_OK;
    }
    if (!is_number_start(word))
        return set_text(p, from, size, value);
    int fits = read_integer(word, &value->integer);
    if (fits < 0)
        PARSE_FAIL(p, "%.40s%s does not fit in 64 bits", word, size > 40 ? "…" : "");
    if (fits) {
        value->type = NAS_VALUE_INT;
        return NAS_OK;
    }
    char *end;
    double real = nas_real_read(word, &end);
    if (*end)
        return set_text(p, from, size, value);
    if (!isfinite(real))
        PARSE_FAIL(p, "%.40s is too large a number", word);
    value->type = NAS_VALUE_REAL;
    value->real = real;
    return NAS_OK;
}

/* One escape behind a backslash; the byte, or -1. */
static int read_escape(const char **at)
{
    static const char names[] = "nrtf\"\\", bytes[] = "\n\r\t\f\"\\";
    const char *c = *at;
    const char *found = *c ? strchr(names, *c) : NULL;
    if (found) {
        *at = c + 1;
        return bytes[found - names];
    }
    if (*c == 'x' && isxdigit((unsigned char)c[1]) && isxdigit((unsigned char)c[2])) {
        char hex[3] = {c[1], c[2], '\0'};
        *at = c + 3;
        return (int)strtol(hex, NULL, 16);
    }
    return -1;
}

/* The inside of a quoted text, escapes resolved; p->at stands behind the closing quote. */
static nas_status read_quoted(parser *p, nas_text *text)
{
    for (p->at++; *p->at != '"';) {
        int byte = (unsigned char)*p->at;
        if (byte == '\0')
            PARSE_FAIL(p, "a text has no closing \"");
        p->at++;
        p->line += byte == '\n';
        if (byte == '\\')
            byte = read_escape(&p->at);
        if (byte <= 0)
            PARSE_FAIL(p, "unknown escape in a text; use \\\\ for a backslash");
        char c = (char)byte;
        nas_text_add_bytes(text, &c, 1);
    }
    p->at++;
    return nas_text_check(text);
}

static nas_status parse_quoted(parser *p, nas_value *value)
{
    nas_text text = {0};
    nas_status status = read_quoted(p, &text);
    if (status == NAS_OK)
        status = set_text(p, text.data ? text.data : "", text.length, value);
    nas_text_clear(&text);
    return status;
}

static nas_status add_item(parser *p, const char *name, nas_value *parent)
{
    nas_value *item;
    if (++p->item_count > ITEM_LIMIT)
        PARSE_FAIL(p, "more than %d items", ITEM_LIMIT);
    NAS_TRY(nas_value_append(parent, name, &item));
    return parse_value(p, item);
}

static nas_status parse_list(parser *p, char close, nas_value *value)
{
    value->type = NAS_VALUE_LIST;
    p->at++;
    for (skip_space(p); *p->at != close; skip_space(p)) {
        NAS_TRY(add_item(p, NULL, value));
        skip_space(p);
        if (*p->at == ',')
            p->at++;
        else if (*p->at != close)
            PARSE_FAIL(p, "expected ',' or '%c' in a list, found \"%.8s\"", close, p->at);
    }
    p->at++;
    return NAS_OK;
}

static nas_status read_name(parser *p, char *name, size_t size)
{
    size_t length = 0;
    while (isalnum((unsigned char)p->at[length]) || (p->at[length] && strchr("_-*", p->at[length])))
        length++;
    if (length == 0 || length >= size)
        PARSE_FAIL(p, "expected a name of at most %zu letters, found \"%.8s\"", size - 1, p->at);
    memcpy(name, p->at, length);
    name[length] = '\0';
    p->at += length;
    return NAS_OK;
}

static nas_status parse_group(parser *p, nas_value *value)
{
    char name[128];
    value->type = NAS_VALUE_GROUP;
    p->at++;
    for (skip_space(p); *p->at != '}'; skip_space(p)) {
        NAS_TRY(read_name(p, name, sizeof name));
        if (nas_value_member(value, name))
            PARSE_FAIL(p, "\"%s\" is given twice", name);
        skip_space(p);
        if (*p->at != '=' && *p->at != ':')
            PARSE_FAIL(p, "expected '=' behind \"%s\", found \"%.8s\"", name, p->at);
        p->at++;
        NAS_TRY(add_item(p, name, value));
        skip_space(p);
        if (*p->at == ';' || *p->at == ',')
            p->at++;
        else if (*p->at != '}')
            PARSE_FAIL(p, "expected ';' or '}' behind \"%s\", found \"%.8s\"", name, p->at);
    }
    p->at++;
    return NAS_OK;
}

static nas_status parse_bare(parser *p, nas_value *value)
{
    size_t size = p->depth == 1 ? strlen(p->at) : strcspn(p->at, ",;=:[](){}\" \t\r\n");
    if (p->depth == 1)
        while (size && isspace((unsigned char)p->at[size - 1]))
            size--;
    if (size == 0 && p->depth > 1)
        PARSE_FAIL(p, "expected a value, found \"%.8s\"", p->at);
    NAS_TRY(parse_word(p, p->at, size, value));
    p->at += size;
    return NAS_OK;
}

static nas_status parse_value(parser *p, nas_value *value)
{
    nas_status status;
    if (p->depth >= DEPTH_LIMIT)
        PARSE_FAIL(p, "nested deeper than %d levels", DEPTH_LIMIT);
    p->depth++;
    skip_space(p);
    value->line = p->line;
    if (p->file && !(value->file = strdup(p->file)))
        PARSE_FAIL_AS(NAS_MEMORY, p, "out of host memory");
    if (*p->at == '[')
        status = parse_list(p, ']', value);
    else if (*p->at == '(')
        status = parse_list(p, ')', value);
    else if (*p->at == '{')
        status = parse_group(p, value);
    else if (*p->at == '"')
        status = parse_quoted(p, value);
    else
        status = parse_bare(p, value);
    p->depth--;
    return status;
}

static nas_status parse_whole(parser *p, nas_value *value)
{
    NAS_TRY(parse_value(p, value));
    skip_space(p);
    if (*p->at)
        PARSE_FAIL(p, "\"%.16s\" is too much behind the value", p->at);
    return NAS_OK;
}

nas_status nas_value_parse(const char *text, const char *file, int line, nas_value *value)
{
    parser p = {.at = text, .file = file, .line = line};
    nas_value parsed = {0};
    nas_status status = parse_whole(&p, &parsed);
    if (status != NAS_OK) {
        nas_value_clear(&parsed);
        return status;
    }
    *value = parsed;
    return NAS_OK;
}
