/* labels.c - labels and class names, checked in the same words for every file format. */
#include "dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 255 };

nas_status nas__labels_check(const char *path, uint64_t first, uint64_t stride,
                             const int32_t *labels, uint32_t count, int classes)
{
    for (uint32_t i = 0; i < count; i++) {
        if (labels[i] >= 0 && labels[i] < classes)
            continue;
        if (stride)
            NAS_FAIL(NAS_DATA,
                     "%s: label %" PRId32 " of item %" PRIu32 " (offset %" PRIu64
                     ") is outside 0 … %d; the file is damaged or belongs to another data set",
                     path, labels[i], i, first + i * stride, classes - 1);
        NAS_FAIL(NAS_DATA,
                 "%s: label %" PRId32 " of item %" PRIu32
                 " is outside 0 … %d; number the classes from 0",
                 path, labels[i], i, classes - 1);
    }
    return NAS_OK;
}

int nas__labels_classes(const int32_t *labels, uint32_t count)
{
    int32_t largest = 0;
    for (uint32_t i = 0; i < count; i++)
        largest = labels[i] > largest ? labels[i] : largest;
    return largest + 1;
}

const char *nas__shown(const char *text, char shown[NAS__SHOWN_SIZE])
{
    size_t i = 0;
    for (; text[i] && i < NAS__SHOWN_SIZE - 4; i++)
        shown[i] = (unsigned char)text[i] < 32 || text[i] == 127 ? '?' : text[i];
    memcpy(shown + i, text[i] ? "…" : "", text[i] ? 4 : 1);
    return shown;
}

/* Bytes of the UTF-8 character at `at`; 0: none, or a control character. */
static int character(const char *at)
{
    return (unsigned char)at[0] < 32 || at[0] == 127 ? 0 : nas_character_size(at);
}

nas_status nas__name_check(const char *where, const char *name)
{
    char shown[NAS__SHOWN_SIZE];
    const char *at = name;
    if (strlen(name) > NAME_LIMIT)
        NAS_FAIL(NAS_DATA, "%s: the name \"%.40s…\" is longer than %d bytes", where, name,
                 NAME_LIMIT);
    while (*at) {
        const int bytes = character(at);
        if (bytes == 0)
            NAS_FAIL(NAS_DATA,
                     "%s: the name \"%s\" has a control character or is not UTF-8, and models keep "
                     "names; rename it",
                     where, nas__shown(name, shown));
        at += bytes;
    }
    return NAS_OK;
}

size_t nas__label_next(const char **at, char label[NAS_TEXT_SIZE])
{
    *at += strspn(*at, "; \t"); /* nothing between two ';' is no label */
    const char *from = *at;
    size_t length = strcspn(from, ";");
    *at += length;
    while (length > 0 && strchr(" \t", from[length - 1]))
        length--;
    const size_t kept = length < NAS_TEXT_SIZE ? length : NAS_TEXT_SIZE - 1;
    memcpy(label, from, kept);
    label[kept] = '\0';
    return length;
}

static void names_clear(char **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

void nas__output_names_read(const char *folder, const char *name, nas_data_content *content)
{
    char path[NAS_PATH_SIZE];
    void *text;
    size_t size;
    char *place = NULL;
    if (!nas__find_file(folder, name, path) || nas_file_read(path, 1 << 20, &text, &size) != NAS_OK)
        return;
    char **names = calloc((size_t)content->outputs, sizeof *names);
    int count = 0;
    for (char *line = strtok_r(text, "\r\n", &place); names && line;
         line = strtok_r(NULL, "\r\n", &place)) {
        if (count < content->outputs && !(names[count] = strdup(line)))
            break;
        count++;
    }
    free(text);
    if (names && count == content->outputs)
        content->names = names;
    else if (names)
        names_clear(names, count < content->outputs ? count : content->outputs);
}
