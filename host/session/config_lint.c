/* config_lint.c - what libconfig would read wrongly or reject in words that help nobody.
 *
 * Idea: libconfig 1.5 clips integers without a word (99999999999 becomes -1), reads 1e999 as infinity, and says "syntax
 * error" for a trailing comma or an array of 1 and 2.0.  One pass over the tokens rewrites each number in a form that it
 * reads without loss (whole numbers get an L, which makes them 64 bits wide) and answers the common slips in full
 * sentences.  Lines stay where they are.  What passes here is still libconfig's to parse: see config_tree.c. */
#include "config_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_LIMIT = 32, SETTING_LIMIT = 4096, NUMBER_SIZE = 400 };

typedef struct lint {
    nas_config_text *in;
    nas_text out;
    const char *at;
    int line;               /* in the expanded text, 1 … */
    char open[DEPTH_LIMIT]; /* brackets */
    int open_line[DEPTH_LIMIT];
    nas_value_type items[DEPTH_LIMIT]; /* of an array */
    int depth;
    char
        before; /* the token before: a bracket, , = ; or v for a value, n for a name, 0 at the start */
    int settings;
} lint;

#define LINT_FAIL(l, ...) return nas__config_fail((l)->in, (l)->line, __VA_ARGS__)

static const char *type_words(nas_value_type type)
{
    return type == NAS_VALUE_INT    ? "whole numbers"
           : type == NAS_VALUE_REAL ? "reals"
           : type == NAS_VALUE_BOOL ? "true and false"
                                    : "texts";
}

/* A scalar of this type stands here. */
static nas_status see_value(lint *l, nas_value_type type)
{
    if (l->before == 'v')
        LINT_FAIL(l, "two values in a row: a , or ; is missing");
    l->before = 'v';
    if (l->depth == 0 || l->open[l->depth - 1] != '[')
        return NAS_OK;
    nas_value_type *first = &l->items[l->depth - 1];
    if (*first == NAS_VALUE_NONE)
        *first = type;
    if (*first == type)
        return NAS_OK;
    if ((*first == NAS_VALUE_INT && type == NAS_VALUE_REAL) ||
        (*first == NAS_VALUE_REAL && type == NAS_VALUE_INT))
        LINT_FAIL(l, "[ … ] mixes whole numbers and reals: write all with a point ([ 1.0, 2.0 ]), "
                     "or use ( … )");
    LINT_FAIL(l, "[ … ] mixes %s and %s: its items have one type", type_words(*first),
              type_words(type));
}

static nas_status open_bracket(lint *l, char bracket)
{
    if (l->depth > 0 && l->open[l->depth - 1] == '[')
        LINT_FAIL(l, "%c inside [ … ]: lists of lists or groups are written ( … )", bracket);
    if (l->depth == DEPTH_LIMIT)
        LINT_FAIL(l, "brackets nested more than %d deep", DEPTH_LIMIT);
    l->open[l->depth] = bracket;
    l->open_line[l->depth] = l->line;
    l->items[l->depth++] = NAS_VALUE_NONE;
    l->before = bracket;
    return NAS_OK;
}

static nas_status close_bracket(lint *l, char bracket)
{
    char want = bracket == '}' ? '{' : bracket == ')' ? '(' : '[';
    if (l->before == ',' && bracket != '}')
        LINT_FAIL(l, "a comma before %c: remove it", bracket);
    if (l->before == '=')
        LINT_FAIL(l, "a value is missing after =");
    if (l->depth == 0 || l->open[l->depth - 1] != want)
        LINT_FAIL(l, "%c closes nothing that is open%s", bracket,
                  l->depth ? " (an earlier bracket is of another kind)" : "");
    l->depth--;
    l->before = 'v';
    return NAS_OK;
}

static nas_status read_punctuation(lint *l)
{
    char c = *l->at;
    if (strchr("{([", c))
        NAS_TRY(open_bracket(l, c));
    else if (strchr("})]", c))
        NAS_TRY(close_bracket(l, c));
    else if (c == '=' || c == ':') {
        if (l->before != 'n')
            LINT_FAIL(l, "%c without a name before it", c);
        if (++l->settings > SETTING_LIMIT)
            LINT_FAIL(l, "more than %d settings", SETTING_LIMIT);
        l->before = '=';
    } else if (c == ',' || c == ';') {
        if (l->before == '=')
            LINT_FAIL(l, "a value is missing after =");
        if (l->before == ',' || (l->before && strchr("([", l->before)))
            LINT_FAIL(l, "%c where a value should be", c);
        l->before = c;
    } else
        LINT_FAIL(l, "unexpected character %s%c%s", isprint((unsigned char)c) ? "\"" : "(code ",
                  isprint((unsigned char)c) ? c : '?', isprint((unsigned char)c) ? "\"" : ")");
    nas_text_add_bytes(&l->out, l->at++, 1);
    return NAS_OK;
}

static nas_status read_string(lint *l)
{
    const char *from = l->at++;
    while (*l->at != '"')
        l->at += *l->at == '\\' && l->at[1] ? 2 : 1;
    l->at++;
    nas_text_add_bytes(&l->out, from, (size_t)(l->at - from));
    if (l->before == 'v') /* adjacent texts are one, as in C */
        return NAS_OK;
    return see_value(l, NAS_VALUE_TEXT);
}

static bool starts_number(const char *at)
{
    if (*at == '+' || *at == '-')
        at++;
    if (*at == '.')
        at++;
    return isdigit((unsigned char)*at);
}

static nas_status read_number(lint *l)
{
    char word[NUMBER_SIZE];
    size_t length = 0;
    nas_value value = {0};
    bool hex = false;
    while (isalnum((unsigned char)*l->at) || *l->at == '.' || *l->at == '_' ||
           ((*l->at == '+' || *l->at == '-') &&
            (length == 0 || (!hex && strchr("eE", word[length - 1]))))) {
        if (length + 1 == sizeof word)
            LINT_FAIL(l, "a number of more than %d characters", NUMBER_SIZE - 1);
        word[length++] = *l->at++;
        hex = hex || (length >= 2 && strchr("xX", word[length - 1]));
    }
    word[length] = '\0';
    struct nas_config_line *place = &l->in->lines[l->line - 1];
    NAS_TRY(nas_value_parse(word, l->in->files[place->file], place->line, &value));
    nas_value_type type = value.type;
    if (type == NAS_VALUE_INT)
        nas_text_format(&l->out, "%lldL", (long long)value.integer);
    else if (type == NAS_VALUE_REAL)
        nas_value_write(&value, -1, &l->out);
    nas_value_clear(&value);
    if (type != NAS_VALUE_INT && type != NAS_VALUE_REAL)
        LINT_FAIL(l, "%.40s is no number (texts stand in \"quotes\")", word);
    return see_value(l, type);
}

static bool is_word(const char *from, size_t length, const char *word)
{
    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)from[i]) != word[i])
            return false;
    return word[length] == '\0';
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*' || c == '.';
}

static nas_status read_word(lint *l)
{
    const char *from = l->at;
    while (in_name(*l->at))
        l->at++;
    size_t length = (size_t)(l->at - from);
    bool value_here = l->before == '=' || (l->depth > 0 && l->open[l->depth - 1] != '{');
    nas_text_add_bytes(&l->out, from, length);
    if (value_here && (is_word(from, length, "true") || is_word(from, length, "false")))
        return see_value(l, NAS_VALUE_BOOL);
    if (value_here)
        LINT_FAIL(l, "%.*s: texts stand in quotes, \"%.*s\"", (int)(length > 60 ? 60 : length),
                  from, (int)(length > 60 ? 60 : length), from);
    if (l->before == 'n')
        LINT_FAIL(l, "= is missing before %.*s", (int)(length > 60 ? 60 : length), from);
    l->before = 'n';
    return NAS_OK;
}

static nas_status lint_tokens(lint *l)
{
    while (*l->at) {
        if (isspace((unsigned char)*l->at)) {
            l->line += *l->at == '\n';
            nas_text_add_bytes(&l->out, l->at++, 1);
        } else if (*l->at == '"')
            NAS_TRY(read_string(l));
        else if (starts_number(l->at))
            NAS_TRY(read_number(l));
        else if (isalpha((unsigned char)*l->at) || *l->at == '*' || *l->at == '_')
            NAS_TRY(read_word(l));
        else
            NAS_TRY(read_punctuation(l));
    }
    if (l->depth > 0)
        return nas__config_fail(l->in, l->open_line[l->depth - 1],
                                "the %c that opens here is never closed", l->open[l->depth - 1]);
    if (l->before == '=' || l->before == 'n')
        LINT_FAIL(l, "the file ends where a value should be");
    return nas_text_check(&l->out);
}

nas_status nas__config_lint(nas_config_text *expanded)
{
    lint l = {.in = expanded, .line = 1, .at = expanded->text.data ? expanded->text.data : ""};
    nas_status status = lint_tokens(&l);
    if (status == NAS_OK) {
        nas_text_clear(&expanded->text);
        expanded->text = l.out;
    } else
        nas_text_clear(&l.out);
    return status;
}
