/* xml.c - strings become text of XML and HTML, whatever bytes they hold.
 *
 * Names, architectures and reasons come from configs, trainers and drivers.  Here is the one place where they enter a page: the five
 * characters that mean something to a parser are written as references, so that the same text is safe between tags and inside
 * a quoted attribute; what is no UTF-8 or what XML 1.0 forbids (section 2.2: control characters, U+FFFE) becomes U+FFFD, and so do
 * the controls that it only discourages.  Nothing here writes to <script> or <style>, where escaping works differently.
 *
 * Next: svg.c and page.c, which send every string through this. */
#include "drawing.h"

#include <string.h>

const char *nas__part(const nas_text *part, nas_text *whole)
{
    whole->failed = whole->failed || part->failed;
    return part->data ? part->data : "";
}

static const char replacement[] = "\xEF\xBF\xBD";

/* Of a character of `size` bytes: may it stand in XML? */
static bool allowed(const unsigned char *at, int size)
{
    if (size == 1)
        return (at[0] >= 0x20 && at[0] != 0x7F) || at[0] == '\n' || at[0] == '\t';
    if (size == 2)
        return at[0] != 0xC2 || at[1] >= 0xA0;
    if (size == 3)
        return at[0] != 0xEF || at[1] != 0xBF || at[2] < 0xBE;
    return (at[1] & 0x0F) != 0x0F || at[2] != 0xBF || at[3] < 0xBE;
}

static const char *reference(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* The character at `*at`, which moves behind it. */
static void add_character(nas_text *text, const char **at)
{
    const int size = nas_character_size(*at);
    const char *name = reference(**at);
    if (name)
        nas_text_add(text, name);
    else if (size == 0 || !allowed((const unsigned char *)*at, size))
        nas_text_add(text, replacement);
    else
        nas_text_add_bytes(text, *at, (size_t)size);
    *at += size ? size : 1;
}

void nas__xml_text(nas_text *text, const char *words)
{
    for (const char *at = words; *at;)
        add_character(text, &at);
}

void nas__xml_text_cut(nas_text *text, const char *words, int most)
{
    const char *const end = words + nas__text_cut(words, most);
    for (const char *at = words; at < end;)
        add_character(text, &at);
    if (*end)
        nas_text_add(text, "…");
}
