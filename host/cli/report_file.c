/* report_file.c - a page or a picture into a file that may be an older one of its kind, and nothing else.
 *
 * Reports are made again and again under one name, so what looks like a page or a picture is replaced without a question.  Anything
 * else that has the name, a study above all, is left alone until --force is given. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Does the file begin as what this program writes?  An empty one does, too. */
static bool is_ours(const char *path)
{
    static const char *const beginnings[] = {"<!DOCTYPE html>", "<svg"};
    char head[16] = "";
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    const size_t size = fread(head, 1, sizeof head - 1, file);
    const bool empty = size == 0 && !ferror(file);
    fclose(file);
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(head, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return empty;
}

nas_status cli_report_save(const char *path, const nas_text *page, bool force)
{
    NAS_TRY(nas_text_check(page));
    if (strcmp(path, "-") == 0) {
        if (fwrite(page->data, 1, page->length, stdout) != page->length || fflush(stdout) != 0)
            NAS_FAIL(NAS_FAILED, "writing to stdout failed");
        return NAS_OK;
    }
    if (!force && access(path, F_OK) == 0 && !is_ours(path))
        NAS_FAIL(NAS_CONFIG,
                 "%s exists and is neither a page nor a picture; -o FILE writes elsewhere, --force "
                 "overwrites it",
                 path);
    return nas_file_replace(path, page->data, page->length);
}

nas_status cli_report_path(const char *study, const char *ending, char *path, size_t size)
{
    const char *dot = strrchr(study, '.');
    const bool known = dot && strcmp(dot, ".study") == 0;
    const int stem = known ? (int)(dot - study) : (int)strlen(study);
    if ((size_t)snprintf(path, size, "%.*s%s", stem, study, ending) >= size)
        NAS_FAIL(NAS_CONFIG, "the path %.40s… is too long", study);
    return NAS_OK;
}
