/* tuning_file.c - a device's tuning table as a text: one file per device, to be read, sent and deleted by people.
 *
 *     clnas-tuning 1
 *     device pthread-haswell-AMD EPYC          \
 *     platform Portable Computing Language      |  whom it is for; all must be as they are now, else the file is
 *     platform_version OpenCL 3.0 PoCL 3.1 …    |  stale and nobody believes it
 *     version …    driver …    units 2          |
 *     kernels 5a3c…                             /  hash of all sources in cl/
 *     date 2026-11-29
 *     row exact 1.42 "conv2d 3x3 s1 d1" lanes=8 kt=6
 *     end 1                                       rows; a file that was cut short is none
 *
 * Nothing in it is trusted: lines, words, numbers and counts are checked as they come, the message names the line. */
#include "opencl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FORMAT = 1, LINE_MOST = 640, HEADS = 7 };

/* ---- whom it is for ------------------------------------------------------------------------------ */

/* One hash of all kernel sources of this build. */
static void hash_kernels(char hex[33])
{
    nas_text all = {0};
    const nas_kernel_source *source;
    for (unsigned i = 0; (source = nas__kernel_source_at(i)) != NULL; i++)
        nas_text_format(&all, "%s %s\n", source->name, source->hash);
    nas_hash_hex(all.data ? all.data : "", all.length, hex);
    nas_text_clear(&all);
}

typedef struct head {
    const char *name;
    char value[320];
} head;

/* A driver's words, on one line. */
static void set_head(head *to, const char *name, const char *value)
{
    to->name = name;
    snprintf(to->value, sizeof to->value, "%s", value);
    for (char *c = to->value; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

static void heads_of(const nas_device_info *device, head heads[HEADS])
{
    char units[16], kernels[33];
    snprintf(units, sizeof units, "%u", device->compute_units);
    hash_kernels(kernels);
    set_head(&heads[0], "device", device->name);
    set_head(&heads[1], "platform", device->platform_name);
    set_head(&heads[2], "platform_version", device->platform_version);
    set_head(&heads[3], "version", device->version);
    set_head(&heads[4], "driver", device->driver);
    set_head(&heads[5], "units", units);
    set_head(&heads[6], "kernels", kernels);
}

/* ---- writing -------------------------------------------------------------------------------------- */

void nas_tuning_write(const nas_tuning *tuning, const nas_device_info *device, nas_text *text)
{
    head heads[HEADS];
    heads_of(device, heads);
    nas_text_format(text, "clnas-tuning %d\n", FORMAT);
    for (int i = 0; i < HEADS; i++)
        nas_text_format(text, "%s %s\n", heads[i].name, heads[i].value);
    nas_text_format(text, "date %s\n", tuning->date);
    for (int i = 0; i < tuning->count; i++) {
        const nas_tuning_row *row = &tuning->rows[i];
        nas_text_format(text, "row %s %.3f \"%s\"", row->inexact ? "inexact" : "exact", row->gain,
                        row->key);
        for (int v = 0; v < row->count; v++)
            nas_text_format(text, " %s=%d", row->values[v].name, row->values[v].value);
        nas_text_add(text, "\n");
    }
    nas_text_format(text, "end %d\n", tuning->count);
}

/* ---- reading -------------------------------------------------------------------------------------- */

typedef struct reader {
    const char *file, *at, *end;
    int number; /* of the line, 1 … */
    char line[LINE_MOST];
} reader;

static nas_status fault(const reader *r, const char *what)
{
    NAS_FAIL(NAS_DATA, "%s:%d: %s: not a tuning file of clnas; delete it and run clnas-tune",
             r->file, r->number, what);
}

static nas_status next_line(reader *r)
{
    r->number++;
    const char *stop = r->at < r->end ? memchr(r->at, '\n', (size_t)(r->end - r->at)) : NULL;
    if (!stop)
        return fault(r, "the file ends here");
    size_t length = (size_t)(stop - r->at);
    if (length >= LINE_MOST)
        return fault(r, "the line is too long");
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)r->at[i] < ' ')
            return fault(r, "a control character");
    memcpy(r->line, r->at, length);
    r->line[length] = '\0';
    r->at = stop + 1;
    return NAS_OK;
}

/* "name value": the value, or NULL. */
static const char *after(const reader *r, const char *name)
{
    size_t length = strlen(name);
    return strncmp(r->line, name, length) == 0 && r->line[length] == ' ' ? r->line + length + 1
                                                                         : NULL;
}

/* A decimal number of at most 5 digits and what ends it; −1: none. */
static int whole_number(const char **at)
{
    int value = 0, digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < 6; (*at)++, digits++)
        value = 10 * value + (**at - '0');
    return digits > 0 && digits < 6 ? value : -1;
}

/* Up to and without `stop`, which is passed; false: too long or not there. */
static bool word(const char **at, char stop, char *to, size_t size)
{
    const char *end = strchr(*at, stop);
    if (!end || end == *at || (size_t)(end - *at) >= size)
        return false;
    memcpy(to, *at, (size_t)(end - *at));
    to[end - *at] = '\0';
    *at = end + 1;
    return true;
}

static nas_status read_row(const reader *r, const char *at, nas_tuning *tuning)
{
    nas_tuning_row row = {.count = 0};
    char kind[16], gain[24], *end;
    if (!word(&at, ' ', kind, sizeof kind) ||
        (strcmp(kind, "exact") != 0 && strcmp(kind, "inexact") != 0))
        return fault(r, "a row is exact or inexact");
    row.inexact = kind[0] == 'i';
    if (!word(&at, ' ', gain, sizeof gain))
        return fault(r, "a row has a gain");
    row.gain = nas_real_read(gain, &end);
    if (*end != '\0' || strspn(gain, "0123456789.") != strlen(gain))
        return fault(r, "the gain is no number");
    if (*at++ != '"' || !word(&at, '"', row.key, sizeof row.key))
        return fault(r, "a row has a key in quotes");
    while (*at == ' ') {
        if (row.count == NAS_TUNING_VALUES)
            return fault(r, "too many values");
        nas_tuning_value *v = &row.values[row.count++];
        at++;
        if (!word(&at, '=', v->name, sizeof v->name) || (v->value = whole_number(&at)) < 0)
            return fault(r, "a value is name=number");
    }
    if (*at != '\0')
        return fault(r, "something stands behind the values");
    const int before = tuning->count;
    if (nas_tuning_set(tuning, &row) != NAS_OK)
        return fault(r, nas_error_message());
    return tuning->count > before ? NAS_OK : fault(r, "the key is there twice");
}

static nas_status read_heads(reader *r, const nas_device_info *device, bool *current, char *why)
{
    head heads[HEADS];
    heads_of(device, heads);
    *current = true;
    NAS_TRY(next_line(r));
    const char *value = after(r, "clnas-tuning");
    if (!value)
        return fault(r, "no \"clnas-tuning\"");
    int format = whole_number(&value);
    if (format < 0 || *value != '\0')
        return fault(r, "no format number");
    if (format != FORMAT) {
        *current = false;
        snprintf(why, 256, "it has format %d and this clnas reads %d", format, FORMAT);
        return NAS_OK;
    }
    for (int i = 0; i < HEADS; i++) {
        NAS_TRY(next_line(r));
        value = after(r, heads[i].name);
        if (!value)
            return fault(r, "a line of the head is missing");
        if (*current && strcmp(value, heads[i].value) != 0) {
            *current = false;
            snprintf(why, 256, "its %s is \"%.80s\" and now it is \"%.80s\"", heads[i].name, value,
                     heads[i].value);
        }
    }
    return NAS_OK;
}

static nas_status read_rows(reader *r, nas_tuning *tuning)
{
    const char *value;
    NAS_TRY(next_line(r));
    value = after(r, "date");
    if (!value || strlen(value) >= sizeof tuning->date)
        return fault(r, "no date");
    snprintf(tuning->date, sizeof tuning->date, "%s", value);
    do {
        NAS_TRY(next_line(r));
        value = after(r, "row");
        if (value)
            NAS_TRY(read_row(r, value, tuning));
    } while (value);
    value = after(r, "end");
    if (!value || whole_number(&value) != tuning->count || *value != '\0')
        return fault(r, "neither a row nor the right end");
    return r->at == r->end ? NAS_OK : fault(r, "something stands behind the end");
}

nas_status nas_tuning_parse(const char *text, size_t size, const char *file,
                            const nas_device_info *device, nas_tuning *tuning, bool *current,
                            char why[256])
{
    char words[256] = "";
    bool fits = false;
    nas_tuning read = {0};
    reader r = {.file = file, .at = text, .end = text + size};
    if (size > NAS_TUNING_SIZE)
        NAS_FAIL(NAS_DATA, "%s: %zu bytes are too many for a tuning file", file, size);
    nas_status status = read_heads(&r, device, &fits, words);
    if (status == NAS_OK &&
        (fits || r.number > 1)) /* of another format, only the first line is known */
        status = read_rows(&r, &read);
    if (status != NAS_OK) {
        nas_tuning_clear(&read);
        return status;
    }
    *tuning = read;
    *current = fits;
    if (why)
        memcpy(why, words, sizeof words);
    return NAS_OK;
}

/* ---- the file --------------------------------------------------------------------------------------- */

static nas_status find_folder(char *folder, size_t size)
{
    const char *variable = getenv("CLNAS_TUNING"), *data = getenv("XDG_DATA_HOME"),
               *home = getenv("HOME");
    int length = 0;
    if (variable && strcmp(variable, "never") == 0)
        NAS_FAIL(NAS_CONFIG, "CLNAS_TUNING is never: there are no tuning files");
    if (variable && *variable)
        length = snprintf(folder, size, "%s", variable);
    else if (data && *data == '/')
        length = snprintf(folder, size, "%s/clnas/tuning", data);
    else if (home && *home == '/')
        length = snprintf(folder, size, "%s/.local/share/clnas/tuning", home);
    if (length <= 0 || (size_t)length >= size)
        NAS_FAIL(NAS_CONFIG, "no folder for tuning files: set CLNAS_TUNING to one");
    return NAS_OK;
}

/* The hash is of what makes it this device; drivers and kernels may change and are in the file. */
void nas_tuning_name(const nas_device_info *device, char name[64])
{
    enum { WORDS = 48 };
    char who[640], hex[33];
    size_t length = 0;
    for (const char *c = device->name; *c && length < WORDS; c++) {
        const bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                           (*c >= 'A' && *c <= 'Z') || *c == '-';
        if (plain || (length > 0 && name[length - 1] != '_'))
            name[length++] = plain ? *c : '_';
    }
    snprintf(who, sizeof who, "%s\n%s\n%u", device->platform_name, device->name,
             device->compute_units);
    nas_hash_hex(who, strlen(who), hex);
    snprintf(name + length, 64 - length, "-%.8s", hex);
}

nas_status nas_tuning_path(const nas_device_info *device, char *path, size_t size)
{
    char folder[1024], name[64];
    NAS_TRY(find_folder(folder, sizeof folder));
    nas_tuning_name(device, name);
    if ((size_t)snprintf(path, size, "%s/%s.tuning", folder, name) >= size)
        NAS_FAIL(NAS_CONFIG, "%.64s…: the path of the tuning file is too long", folder);
    return NAS_OK;
}

nas_status nas_tuning_load(const nas_device_info *device, nas_tuning *tuning,
                           nas_tuning_state *state, char why[256])
{
    char path[1200], words[256] = "there is no tuning file";
    void *text = NULL;
    size_t size = 0;
    bool current = false;
    nas_tuning read = {0};
    nas_tuning_state found = NAS_TUNING_NONE;
    nas_status status = nas_tuning_path(device, path, sizeof path);
    if (status == NAS_OK && access(path, F_OK) == 0) {
        status = nas_file_read(path, NAS_TUNING_SIZE, &text, &size);
        if (status == NAS_OK)
            status = nas_tuning_parse(text, size, path, device, &read, &current, words);
        found = status != NAS_OK ? NAS_TUNING_BROKEN
                : current        ? NAS_TUNING_CURRENT
                                 : NAS_TUNING_STALE;
        free(text);
    }
    if (status == NAS_MEMORY)
        return status;
    if (status != NAS_OK)
        snprintf(words, sizeof words, "%.255s", nas_error_message());
    if (found == NAS_TUNING_STALE) {
        char reason[256];
        memcpy(reason, words, sizeof reason);
        nas_tuning_clear(&read);
        snprintf(words, sizeof words, "its tuning is stale (%.160s): run clnas-tune again", reason);
    }
    *tuning = read;
    *state = found;
    if (why)
        memcpy(why, words, sizeof words);
    return NAS_OK;
}

nas_status nas_tuning_save(const nas_tuning *tuning, const nas_device_info *device)
{
    char folder[1024], path[1200];
    nas_text text = {0};
    NAS_TRY(find_folder(folder, sizeof folder));
    NAS_TRY(nas_tuning_path(device, path, sizeof path));
    NAS_TRY(nas_folder_make(folder, 0700));
    nas_tuning_write(tuning, device, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_file_replace(path, text.data, text.length);
    nas_text_clear(&text);
    return status;
}
