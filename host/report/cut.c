/* cut.c - words that are too long for their place, cut between characters.
 *
 * A character is what nas_character_size says; a byte that begins none counts as one, since nas__xml_text shows it as one.  Where a text goes
 * on, "…" stands in the place of its last character.  Pictures and pages cut by characters, arrays of a fixed size by bytes; nobody else
 * in this room counts either.
 *
 * Next: xml.c, svg.c. */
#include "drawing.h"

#include <limits.h>
#include <string.h>

static const char dots[] = "…";

/* Bytes of the character at `at`, which is not the end. */
static size_t size_at(const char *at)
{
    const int size = nas_character_size(at);
    return size > 0 ? (size_t)size : 1;
}

int nas__text_width(const char *words)
{
    int width = 0;
    for (const char *at = words; *at && width < INT_MAX; width++)
        at += size_at(at);
    return width;
}

size_t nas__text_cut(const char *words, int most)
{
    const char *at = words;
    const int kept = nas__text_width(words) <= most ? most : most - 1;
    for (int i = 0; *at && i < kept; i++)
        at += size_at(at);
    return (size_t)(at - words);
}

/* Bytes of whole characters, no more than `room` of them. */
static size_t bytes_within(const char *words, size_t room)
{
    const char *at = words;
    while (*at && (size_t)(at - words) + size_at(at) <= room)
        at += size_at(at);
    return (size_t)(at - words);
}

void nas__text_fit(char *to, size_t size, const char *words)
{
    const bool whole = strlen(words) < size;
    const size_t kept = whole ? strlen(words) : bytes_within(words, size - sizeof dots);
    memmove(to, words, kept); /* `to` may be a part of itself */
    strcpy(to + kept, whole ? "" : dots);
}
