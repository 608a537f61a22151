/* words.c - distinct texts, numbered as they come: class names, patients, the values of a text column.
 *
 * A hash table of indices over one list of texts, so that a million rows find their number in one step each.  Sorting renumbers:
 * class numbers must not depend on the order of rows. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 }; /* powers of two, at most half of them taken */

/* The slot that has this text, or the empty one where it belongs. */
static size_t slot_of(const nas__words *words, const char *text)
{
    size_t slot = (size_t)nas_hash(text, strlen(text), 0) & (words->slot_count - 1);
    while (words->slots[slot] && strcmp(words->text[words->slots[slot] - 1], text) != 0)
        slot = (slot + 1) & (words->slot_count - 1);
    return slot;
}

static void fill_slots(nas__words *words)
{
    memset(words->slots, 0, words->slot_count * sizeof *words->slots);
    for (uint32_t i = 0; i < words->count; i++)
        words->slots[slot_of(words, words->text[i])] = i + 1;
}

static nas_status grow(nas__words *words)
{
    const size_t wanted = words->slot_count ? 2 * words->slot_count : FIRST_SLOTS;
    char **text = realloc(words->text, wanted / 2 * sizeof *text);
    if (text)
        words->text = text;
    uint32_t *slots = malloc(wanted * sizeof *slots);
    if (!text || !slots) {
        free(slots);
        NAS_FAIL(NAS_MEMORY, "no memory for %zu distinct texts", wanted / 2);
    }
    free(words->slots);
    words->slots = slots;
    words->slot_count = wanted;
    fill_slots(words);
    return NAS_OK;
}

nas_status nas__words_add(nas__words *words, const char *text, uint32_t *index)
{
    if (nas__words_find(words, text, index))
        return NAS_OK;
    if (words->count >= words->slot_count / 2)
        NAS_TRY(grow(words));
    char *copy = strdup(text);
    if (!copy)
        NAS_FAIL(NAS_MEMORY, "no memory for a text of %zu bytes", strlen(text));
    words->text[words->count] = copy;
    words->slots[slot_of(words, text)] = words->count + 1;
    *index = words->count++;
    return NAS_OK;
}

bool nas__words_find(const nas__words *words, const char *text, uint32_t *index)
{
    const uint32_t found = words->slot_count ? words->slots[slot_of(words, text)] : 0;
    if (found)
        *index = found - 1;
    return found != 0;
}

static bool is_number(const char *text)
{
    const size_t length = strlen(text);
    return length > 0 && length < 10 && strspn(text, "0123456789") == length;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_numbers(const void *a, const void *b)
{
    const long x = atol(*(char *const *)a), y = atol(*(char *const *)b);
    return x == y ? compare_texts(a, b) : x < y ? -1 : 1;
}

static void sort(nas__words *words, int (*compare)(const void *, const void *))
{
    if (words->count == 0)
        return;
    qsort(words->text, words->count, sizeof *words->text, compare);
    fill_slots(words);
}

void nas__words_sort(nas__words *words)
{
    bool numbers = true;
    for (uint32_t i = 0; i < words->count; i++)
        numbers &= is_number(words->text[i]);
    sort(words, numbers ? compare_numbers : compare_texts);
}

void nas__words_sort_bytes(nas__words *words)
{
    sort(words, compare_texts);
}

nas_status nas__words_copy(const nas__words *words, char ***texts)
{
    char **copies = calloc((size_t)words->count + 1, sizeof *copies);
    bool whole = copies != NULL;
    for (uint32_t i = 0; whole && i < words->count; i++)
        whole = (copies[i] = strdup(words->text[i])) != NULL;
    if (whole) {
        *texts = copies;
        return NAS_OK;
    }
    for (uint32_t i = 0; copies && i < words->count; i++)
        free(copies[i]);
    free(copies);
    NAS_FAIL(NAS_MEMORY, "no memory for %u names", words->count);
}

void nas__words_clear(nas__words *words)
{
    for (uint32_t i = 0; i < words->count; i++)
        free(words->text[i]);
    free(words->text);
    free(words->slots);
    *words = (nas__words){0};
}
