/* arch.c - the row of genes as a value: comparing, hashing, writing, reading.
 *
 * Idea: every search space of the survey (arXiv 1905.01392) can be written as a row of small
 * integers.  What is done with rows is written here once, so that a space has to say only what its
 * genes mean.
 *
 * Layout: rows as values here; what a row means in a space in domain.c; mutation, crossover and
 * neighbours in moves.c; chain.c is the first space. */
#include <clnas/space.h>

#include <ctype.h>
#include <string.h>

bool nas_arch_equal(const nas_arch *a, const nas_arch *b)
{
    return a->count == b->count && memcmp(a->genes, b->genes, a->count) == 0;
}

uint64_t nas_arch_hash(const nas_arch *arch)
{
    return nas_hash(arch->genes, arch->count, arch->count);
}

int nas_arch_distance(const nas_arch *a, const nas_arch *b)
{
    int shorter = a->count < b->count ? a->count : b->count;
    int distance = a->count + b->count - 2 * shorter;
    for (int i = 0; i < shorter; i++)
        distance += a->genes[i] != b->genes[i];
    return distance;
}

/* ---- text ----------------------------------------------------------------------------------------- */

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

void nas_arch_write(const nas_arch *arch, const nas_gene *genes, nas_text *text)
{
    for (int i = 0; i < arch->count; i++) {
        if (i > 0 && genes && genes[i].group != genes[i - 1].group)
            nas_text_add_bytes(text, "-", 1);
        if (arch->genes[i] < 36)
            nas_text_add_bytes(text, &digits[arch->genes[i]], 1);
        else
            nas_text_format(text, "(%d)", arch->genes[i]);
    }
}

/* "(136)": one to three digits, at most 255.  Moves `*text` behind it. */
static bool parse_large(const char **text, int *gene)
{
    const char *at = *text + 1;
    int value = 0, length = 0;
    for (; isdigit((unsigned char)at[length]) && length < 3; length++)
        value = value * 10 + (at[length] - '0');
    if (length == 0 || at[length] != ')' || value >= NAS_CHOICES)
        return false;
    *gene = value;
    *text = at + length + 1;
    return true;
}

nas_status nas_arch_parse(const char *text, nas_arch *arch)
{
    nas_arch row = {0};
    for (const char *at = text; *at;) {
        if (*at == '-') {
            at++;
            continue;
        }
        int gene = 0;
        const char *digit = strchr(digits, *at);
        if (*at == '(') {
            if (!parse_large(&at, &gene))
                NAS_FAIL(NAS_CONFIG,
                         "architecture \"%.80s\": \"(\" needs a number up to %d and \")\"", text,
                         NAS_CHOICES - 1);
        } else if (digit) {
            gene = (int)(digit - digits);
            at++;
        } else {
            NAS_FAIL(NAS_CONFIG,
                     "architecture \"%.80s\": character %d is none of 0-9, a-z, \"(\" and \"-\"",
                     text, (int)(at - text) + 1);
        }
        if (row.count == NAS_GENES)
            NAS_FAIL(NAS_CONFIG, "architecture \"%.80s\": more than %d genes", text, NAS_GENES);
        row.genes[row.count++] = (uint8_t)gene;
    }
    *arch = row;
    return NAS_OK;
}
