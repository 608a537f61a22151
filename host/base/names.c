/* names.c - choices ("sgd|adam|adamw") and the guess at what a mistyped name should have been.
 *
 * The guess is the name at the smallest edit distance, where a swap of two neighbours counts as one
 * edit (optimal string alignment; Damerau 1964): most typing errors are one such edit.  A name that
 * is further than a third of its length is no guess at all. */
#include <clnas/base.h>

#include <string.h>

enum { NAME_LIMIT = 63 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int edit_distance(const char *a, int a_length, const char *b, int b_length)
{
    int row[3][NAME_LIMIT + 2]; /* two rows back, one back, this */
    for (int j = 0; j <= b_length; j++)
        row[1][j] = j;
    for (int i = 1; i <= a_length; i++) {
        row[2][0] = i;
        for (int j = 1; j <= b_length; j++) {
            int replace = row[1][j - 1] + (a[i - 1] != b[j - 1]);
            int best = smaller(replace, 1 + smaller(row[1][j], row[2][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = smaller(best, 1 + row[0][j - 2]);
            row[2][j] = best;
        }
        memcpy(row[0], row[1], sizeof row[0]);
        memcpy(row[1], row[2], sizeof row[0]);
    }
    return row[1][b_length];
}

const char *nas_nearest_name(const char *name, const char *const *names, int count)
{
    const char *nearest = NULL;
    size_t length = strlen(name);
    if (length > NAME_LIMIT)
        return NULL;
    int best = (int)(length + 2) / 3 + 1;
    for (int i = 0; i < count; i++) {
        size_t other = strlen(names[i]);
        if (other > NAME_LIMIT)
            continue;
        int distance = edit_distance(name, (int)length, names[i], (int)other);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

bool nas_choice_name(const char *choices, int index, char *word, size_t size)
{
    if (!choices || index < 0)
        return false;
    while (index-- > 0) {
        choices = strchr(choices, '|');
        if (!choices)
            return false;
        choices++;
    }
    size_t length = strcspn(choices, "|");
    if (length >= size)
        return false;
    memcpy(word, choices, length);
    word[length] = '\0';
    return true;
}

int nas_choice_index(const char *choices, const char *word)
{
    size_t length = strlen(word);
    for (int index = 0; choices; index++) {
        size_t size = strcspn(choices, "|");
        if (size == length && memcmp(choices, word, size) == 0)
            return index;
        choices = choices[size] ? choices + size + 1 : NULL;
    }
    return -1;
}
