/* characters.c - the characters of others' texts, as far as a terminal may have them.
 *
 * Names, notes, reasons and devices come from configs, trainers and drivers.  In a terminal some characters are orders: ESC and the other
 * controls, those from U+0080 to U+009F too (U+009B begins an order as ESC [ does), and what turns the direction of writing or is not
 * seen hides what stands there.  All of these, and bytes that are no UTF-8, become '?', in listings as on the screen of `status --watch`.
 * Widths: none for marks that are put on the character before, two for scripts that are written in squares (Unicode's East Asian Width).
 *
 * Read next: screen.c, listing.c. */
#include "cli.h"

#include <string.h>

static bool steers(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
           code == 0xFEFF;
}

uint32_t cli_character_next(const char **at)
{
    const unsigned char *c = (const unsigned char *)*at;
    const int size = nas_character_size(*at);
    uint32_t code = size == 1 ? c[0] : c[0] & (0x7Fu >> size);
    for (int i = 1; i < size; i++)
        code = code << 6 | (c[i] & 0x3F);
    *at += size ? size : 1;
    return size == 0 || steers(code) ? '?' : code;
}

int cli_character_width(uint32_t code)
{
    static const uint32_t none[][2] = {
        {0x300, 0x36F}, {0x1AB0, 0x1AFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
    static const uint32_t wide[][2] = {{0x1100, 0x115F},  {0x2E80, 0x303E}, {0x3041, 0xA4CF},
                                       {0xAC00, 0xD7A3},  {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF},
                                       {0x20000, 0x3FFFD}};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (code >= none[i][0] && code <= none[i][1])
            return 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (code >= wide[i][0] && code <= wide[i][1])
            return 2;
    return 1;
}

int cli_text_columns(const char *text)
{
    int width = 0;
    for (const char *at = text; *at;)
        width += cli_character_width(cli_character_next(&at));
    return width;
}

/* In place: no character becomes longer. */
void cli_text_clean(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        const char *from = at;
        const bool kept = cli_character_next(&at) != '?' || *from == '\n' || *from == '\t';
        const size_t size = kept ? (size_t)(at - from) : 1;
        memmove(to, kept ? from : "?", size);
        to += size;
    }
    *to = '\0';
}
