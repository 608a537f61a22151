/* config_include.c - one text out of a config file and what it includes.
 *
 * Idea: libconfig (1.5) opens whatever an @include names, absolute paths and pipes too, so it never gets to see one.
 * This file walks the text once, knows comments and strings, and copies everything else: comments become blanks,
 * an @include line becomes the file it names, an @ inside a string becomes \x40.  What leaves here has no @ at all.  Each
 * line remembers its file and number, so that messages name the place where people look.
 *
 * An included file lies in the config's folder or below it (after links are followed), at most ten deep; the whole is at
 * most 1 MiB.  Read next: config_lint.c. */
#include "config_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_LIMIT = 10 };

typedef struct expansion {
    nas_config_text *out;
    char root[4096];              /* real path of the folder that confines includes; "": none */
    char *stack[DEPTH_LIMIT + 1]; /* real paths being read */
    int depth;
} expansion;

static nas_status expand_text(expansion *e, const char *text, size_t size, int file);

nas_status nas__config_fail(const nas_config_text *expanded, int line, const char *format, ...)
{
    char message[768];
    va_list arguments;
    va_start(arguments, format);
    nas_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    const char *file = expanded->file_count ? expanded->files[0] : "config";
    if (line >= 1 && line <= expanded->line_count) {
        file = expanded->files[expanded->lines[line - 1].file];
        line = expanded->lines[line - 1].line;
    }
    NAS_FAIL(NAS_CONFIG, "%s:%d: %s", file, line, message);
}

void nas__config_text_clear(nas_config_text *expanded)
{
    nas_text_clear(&expanded->text);
    free(expanded->lines);
    for (int i = 0; i < expanded->file_count; i++)
        free(expanded->files[i]);
    *expanded = (nas_config_text){0};
}

static nas_status add_file(nas_config_text *out, const char *name, int *file)
{
    int limit = (int)(sizeof out->files / sizeof out->files[0]);
    if (out->file_count == limit)
        NAS_FAIL(NAS_CONFIG, "%s: more than %d included files", out->files[0], limit);
    out->files[out->file_count] = strdup(name);
    if (!out->files[out->file_count])
        NAS_FAIL(NAS_MEMORY, "%s: out of host memory", name);
    *file = out->file_count++;
    return NAS_OK;
}

/* The next line of the output comes from line `line` of `file`. */
static nas_status begin_line(nas_config_text *out, int file, int line)
{
    if (out->line_count == out->line_capacity) {
        int capacity = out->line_capacity ? 2 * out->line_capacity : 256;
        void *lines = realloc(out->lines, (size_t)capacity * sizeof *out->lines);
        if (!lines)
            NAS_FAIL(NAS_MEMORY, "%s: out of host memory", out->files[file]);
        out->lines = lines;
        out->line_capacity = capacity;
    }
    out->lines[out->line_count].file = file;
    out->lines[out->line_count++].line = line;
    return NAS_OK;
}

static void folder_of(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(folder, size, ".");
    else
        snprintf(folder, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static bool is_inside(const char *path, const char *root)
{
    size_t length = strlen(root);
    if (strcmp(root, "/") == 0)
        return true;
    return strncmp(path, root, length) == 0 && path[length] == '/';
}

/* Reads and expands one file whose real path is known to be allowed. */
static nas_status include_file(expansion *e, const char *real, const char *shown)
{
    void *data = NULL;
    size_t size = 0;
    int file = 0;
    nas_status status = nas_file_read(real, NAS_CONFIG_SIZE, &data, &size);
    if (status != NAS_OK)
        return nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "%s", nas_error_message());
    e->stack[e->depth] = strdup(real);
    e->depth++;
    status = add_file(e->out, shown, &file);
    if (status == NAS_OK)
        status = expand_text(e, data, size, file);
    free(e->stack[--e->depth]);
    free(data);
    return status;
}

/* Resolves the name in an @include line and puts the file's text in. */
static nas_status include_name(expansion *e, const char *name, int file)
{
    const char *from = e->out->files[file];
    char folder[2048], path[4096], real[4096];
    int line = e->out->line_count;
    if (!e->root[0])
        return nas__config_fail(e->out, line, "@include is not allowed here");
    if (name[0] == '/')
        return nas__config_fail(e->out, line,
                                "@include \"%s\": give a path inside the config's folder", name);
    if (e->depth > DEPTH_LIMIT)
        return nas__config_fail(e->out, line, "@include \"%s\": more than %d deep", name,
                                DEPTH_LIMIT);
    folder_of(from, folder, sizeof folder);
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return nas__config_fail(e->out, line, "@include: the path is too long");
    char *resolved = realpath(path, NULL);
    if (!resolved)
        return nas__config_fail(e->out, line, "@include \"%s\": %s", name, strerror(errno));
    snprintf(real, sizeof real, "%s", resolved);
    free(resolved);
    if (!is_inside(real, e->root))
        return nas__config_fail(e->out, line, "@include \"%s\" lies outside the config's folder %s",
                                name, e->root);
    for (int i = 0; i < e->depth; i++)
        if (e->stack[i] && strcmp(e->stack[i], real) == 0)
            return nas__config_fail(e->out, line, "@include \"%s\": the file includes itself",
                                    name);
    return include_file(e, real, path);
}

/* `at` stands on @.  Handles `@include "name"` and moves behind it. */
static nas_status expand_include(expansion *e, const char **at, const char *end, int file)
{
    const char *word = "@include";
    const char *p = *at;
    char name[1024];
    size_t length = strlen(word);
    int line = e->out->line_count;
    if ((size_t)(end - p) < length || memcmp(p, word, length) != 0)
        return nas__config_fail(e->out, line, "@ is only for @include \"file\"");
    for (p += length; p < end && (*p == ' ' || *p == '\t');)
        p++;
    const char *close = p < end && *p == '"' ? memchr(p + 1, '"', (size_t)(end - p - 1)) : NULL;
    if (!close || close - p >= (ptrdiff_t)sizeof name || memchr(p, '\n', (size_t)(close - p)))
        return nas__config_fail(e->out, line, "write @include \"file\" on a line of its own");
    snprintf(name, sizeof name, "%.*s", (int)(close - p - 1), p + 1);
    int here = e->out->lines[line - 1].line;
    *at = close + 1;
    nas_text_add(&e->out->text, "\n"); /* the included text begins a line */
    NAS_TRY(include_name(e, name, file));
    nas_text_add(&e->out->text, "\n");
    return begin_line(e->out, file, here);
}

/* Copies a string literal; `at` stands on the opening quote. */
static nas_status expand_string(expansion *e, const char **at, const char *end)
{
    nas_text *text = &e->out->text;
    const char *p = *at + 1;
    nas_text_add(text, "\"");
    while (p < end && *p != '"' && *p != '\n') {
        if (*p == '@')
            nas_text_add(text, "\\x40");
        else
            nas_text_add_bytes(text, p, 1);
        if (*p == '\\' && p + 1 < end && p[1] != '\n' && p[1] != '@')
            nas_text_add_bytes(text, ++p, 1);
        p++;
    }
    if (p >= end || *p != '"')
        return nas__config_fail(e->out, e->out->line_count,
                                "the text that begins here has no closing \"");
    nas_text_add(text, "\"");
    *at = p + 1;
    return NAS_OK;
}

/* Skips a block comment but keeps its lines. */
static nas_status skip_block(expansion *e, const char **at, const char *end, int file, int *line)
{
    int begin = e->out->line_count;
    const char *p = *at + 2;
    for (; p + 1 < end && !(p[0] == '*' && p[1] == '/'); p++)
        if (*p == '\n') {
            nas_text_add(&e->out->text, "\n");
            NAS_TRY(begin_line(e->out, file, ++*line));
        }
    if (p + 1 >= end)
        return nas__config_fail(e->out, begin, "the comment that begins here has no end");
    *at = p + 2;
    nas_text_add(&e->out->text, " ");
    return NAS_OK;
}

/* True when only blanks stand before `at` on its line. */
static bool opens_line(const char *text, const char *at)
{
    while (at > text && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    return at == text || at[-1] == '\n';
}

static nas_status expand_text(expansion *e, const char *text, size_t size, int file)
{
    const char *at = text, *end = text + size;
    int line = 1;
    NAS_TRY(begin_line(e->out, file, line));
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        at += 3; /* the byte-order mark that some editors write */
    while (at < end) {
        if (e->out->text.length > NAS_CONFIG_SIZE)
            NAS_FAIL(NAS_CONFIG, "%s: more than 1 MiB with its includes", e->out->files[0]);
        if (*at == '\0')
            return nas__config_fail(e->out, e->out->line_count,
                                    "a NUL byte: this is no config text");
        if (*at == '\n') {
            nas_text_add(&e->out->text, "\n");
            NAS_TRY(begin_line(e->out, file, ++line));
            at++;
        } else if (*at == '#' || (*at == '/' && at + 1 < end && at[1] == '/')) {
            while (at < end && *at != '\n')
                at++;
        } else if (*at == '/' && at + 1 < end && at[1] == '*') {
            NAS_TRY(skip_block(e, &at, end, file, &line));
        } else if (*at == '"') {
            NAS_TRY(expand_string(e, &at, end));
        } else if (*at == '@') {
            if (!opens_line(text, at))
                return nas__config_fail(e->out, e->out->line_count,
                                        "@include \"file\" stands on a line of its own");
            NAS_TRY(expand_include(e, &at, end, file));
        } else {
            nas_text_add_bytes(&e->out->text, at++, 1);
        }
    }
    return nas_text_check(&e->out->text);
}

nas_status nas__config_expand(const char *text, size_t size, const char *file, const char *folder,
                              nas_config_text *expanded)
{
    expansion e = {.out = expanded, .depth = 1};
    int first = 0;
    *expanded = (nas_config_text){0};
    if (folder) {
        char *root = realpath(folder, NULL);
        if (!root)
            NAS_FAIL(NAS_CONFIG, "%s: %s", folder, strerror(errno));
        snprintf(e.root, sizeof e.root, "%s", root);
        free(root);
        e.stack[0] = realpath(file, NULL);
    }
    nas_status status = add_file(expanded, file, &first);
    if (status == NAS_OK)
        status = expand_text(&e, text, size, first);
    free(e.stack[0]);
    return status;
}
