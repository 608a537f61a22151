/* select.c - which device a text such as "type:gpu" means.
 *
 * Names mislead: PoCL on an AMD processor has "AMD" in its name and is no GPU. So a match says what
 * it means (type:, vendor:, platform:device), and a plain part of a name must fit one device only.
 * */
#include "opencl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool contains(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < length && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == length)
            return true;
    }
    return length == 0;
}

static bool vendor_fits(const nas_device_info *info, const char *vendor)
{
    if (contains(info->vendor, vendor) || contains(info->platform_name, vendor))
        return true;
    return contains("amd", vendor) && contains(info->vendor, "advanced micro devices");
}

/* GPU before other before CPU; the first of equals. */
static int rank_of(const nas_device_info *info)
{
    return info->type == NAS_DEVICE_GPU ? 2 : info->type == NAS_DEVICE_OTHER ? 1 : 0;
}

typedef struct nas__match {
    enum { ANY, ID, TYPE, VENDOR, NAME } kind;
    const char *text;
} nas__match;

static nas__match parse(const char *match)
{
    if (!match || !*match || strcmp(match, "any") == 0)
        return (nas__match){ANY, ""};
    if (strncmp(match, "type:", 5) == 0)
        return (nas__match){TYPE, match + 5};
    if (strncmp(match, "vendor:", 7) == 0)
        return (nas__match){VENDOR, match + 7};
    const char *colon = strchr(match, ':');
    if (colon && strspn(match, "0123456789") == (size_t)(colon - match) && colon > match &&
        colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1))
        return (nas__match){ID, match};
    return (nas__match){NAME, match};
}

static bool fits(const nas_device_info *info, nas__match match)
{
    static const char *const types[] = {
        [NAS_DEVICE_CPU] = "cpu", [NAS_DEVICE_GPU] = "gpu", [NAS_DEVICE_OTHER] = "other"};
    switch (match.kind) {
    case ANY:
        return true;
    case ID:
        return strcmp(info->id, match.text) == 0;
    case TYPE:
        return strlen(match.text) == strlen(types[info->type]) &&
               contains(types[info->type], match.text);
    case VENDOR:
        return vendor_fits(info, match.text);
    case NAME:
        return contains(info->name, match.text);
    }
    return false;
}

/* "0:0 PoCL …, 1:0 Radeon … (not usable: …)" */
static void list_candidates(const nas_device_info *devices, int count, nas_text *text)
{
    for (int i = 0; i < count; i++) {
        nas_text_format(text, "%s%s %s", i ? ", " : "", devices[i].id, devices[i].name);
        if (!devices[i].usable)
            nas_text_format(text, " (not usable: %s)", devices[i].why_not);
    }
}

static nas_status no_match(const nas_device_info *devices, int count, const char *match,
                           const char *problem)
{
    nas_text text = {0};
    list_candidates(devices, count, &text);
    nas_status status =
        nas_error_set(NAS_NO_DEVICE, __FILE__, __LINE__, "device match \"%s\" %s; devices: %s",
                      match ? match : "", problem, text.data ? text.data : "none");
    nas_text_clear(&text);
    return status;
}

nas_status nas_device_select(const nas_device_info *devices, int count, const char *match,
                             int *chosen)
{
    if (count == 0)
        NAS_FAIL(
            NAS_NO_DEVICE,
            "no OpenCL device found: install a driver (pocl-opencl-icd runs on any CPU) and see "
            "that clinfo lists it");
    nas__match wanted = parse(match);
    int best = -1, fitting = 0;
    const char *fault = NULL;
    for (int i = 0; i < count; i++) {
        if (!fits(&devices[i], wanted))
            continue;
        if (!devices[i].usable) {
            fault = devices[i].why_not;
            continue;
        }
        fitting++;
        if (best < 0 || rank_of(&devices[i]) > rank_of(&devices[best]))
            best = i;
    }
    if (best < 0 && fault)
        return no_match(devices, count, match, "fits only a device that cannot be used");
    if (best < 0)
        return no_match(devices, count, match, "fits no device");
    if (wanted.kind == NAME && fitting > 1)
        return no_match(devices, count, match, "fits several devices: use platform:device");
    *chosen = best;
    return NAS_OK;
}
