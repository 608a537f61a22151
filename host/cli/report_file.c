/* report_file.c - a page or a picture into a file that may be an older one of this program, and nothing else.
 *
 * Reports are made again and again under one name, so what this program wrote is replaced without a question: pages and pictures are told by
 * how page.c and svg.c of the report begin them, so that a page of somebody else's is none.  Anything else that has the name, a study above
 * all, is left alone until --force is given.  What is no file, such as /dev/null or a pipe, is written to and never replaced. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char page_beginning[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';";
static const char picture_beginning[] = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ";

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Does the file begin as what this program writes?  An empty one does, too. */
static bool is_ours(const char *path)
{
    char head[256] = "";
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    const size_t size = fread(head, 1, sizeof head - 1, file);
    const bool empty = size == 0 && !ferror(file);
    fclose(file);
    return empty || begins(head, page_beginning) ||
           (begins(head, picture_beginning) && strstr(head, " role=\"img\" aria-label=\""));
}

static nas_status write_to(FILE *file, const char *name, const nas_text *page)
{
    if (fwrite(page->data, 1, page->length, file) != page->length || fflush(file) != 0)
        NAS_FAIL(NAS_FAILED, "writing to %s failed: %s", name, strerror(errno));
    return NAS_OK;
}

static nas_status write_through(const char *path, const nas_text *page)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        NAS_FAIL(NAS_FAILED, "%s: cannot write there: %s", path, strerror(errno));
    nas_status status = write_to(file, path, page);
    if (fclose(file) != 0 && status == NAS_OK)
        status = nas_error_set(NAS_FAILED, __FILE__, __LINE__, "writing to %s failed: %s", path,
                               strerror(errno));
    return status;
}

nas_status cli_report_save(const char *path, const nas_text *page, bool force)
{
    struct stat about;
    NAS_TRY(nas_text_check(page));
    if (strcmp(path, "-") == 0)
        return write_to(stdout, "stdout", page);
    const bool there = stat(path, &about) == 0;
    if (there && !S_ISREG(about.st_mode))
        return write_through(path, page);
    if (there && !force && !is_ours(path))
        NAS_FAIL(
            NAS_CONFIG,
            "%s exists and is neither a page nor a picture of clnas; -o FILE writes elsewhere, "
            "--force overwrites it",
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
