/* driver_hint.c - which package makes an idle device work.
 *
 * OpenCL can only tell which devices have a driver.  The kernel tells which GPUs are there: the PCI vendor
 * of every /sys/class/drm/card*, /dev/nvidia0 and /dev/kfd.  A GPU whose vendor no OpenCL device has is idle,
 * and its line names the package and, where one is needed, the variable.  CLNAS_TEST_ROOT puts another
 * tree in place of / for the tests.
 */
#include "cli.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef struct vendor {
    unsigned pci;
    const char *name, *words; /* words: parts of OpenCL vendor or device names, '|' between */
    const char *fix;
} vendor;

static const vendor vendors[] = {
    {0x1002, "AMD", "amd|advanced micro|radeon",
     "install rocm-opencl-icd, or mesa-opencl-icd and set RUSTICL_ENABLE=radeonsi"},
    {0x8086, "Intel", "intel",
     "install intel-opencl-icd, or mesa-opencl-icd and set RUSTICL_ENABLE=iris"},
    {0x10de, "NVIDIA", "nvidia",
     "install the driver's own OpenCL library: nvidia-opencl-icd (Debian) or the libnvidia-compute "
     "package of your driver (Ubuntu)"},
};
enum { VENDORS = sizeof vendors / sizeof *vendors };

static void root_path(const char *path, char *out, size_t size)
{
    const char *root = getenv("CLNAS_TEST_ROOT");
    snprintf(out, size, "%s%s", root ? root : "", path);
}

static bool exists(const char *path)
{
    char full[512];
    root_path(path, full, sizeof full);
    return access(full, F_OK) == 0;
}

static bool denied(const char *path)
{
    char full[512];
    root_path(path, full, sizeof full);
    return access(full, F_OK) == 0 && access(full, R_OK | W_OK) != 0;
}

/* The PCI vendor that /sys/class/drm/NAME/device/vendor tells ("0x1002"), or 0. */
static unsigned card_vendor(const char *folder, const char *name)
{
    char path[1024], text[32] = "";
    snprintf(path, sizeof path, "%s/%s/device/vendor", folder, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (!fgets(text, sizeof text, file))
        text[0] = '\0';
    fclose(file);
    return (unsigned)strtoul(text, NULL, 16);
}

/* Sets seen[i] for each vendor that has a card in this machine. */
static void find_cards(bool seen[VENDORS])
{
    char folder[512];
    root_path("/sys/class/drm", folder, sizeof folder);
    DIR *handle = opendir(folder);
    struct dirent *entry;
    while (handle && (entry = readdir(handle)) != NULL) {
        if (strncmp(entry->d_name, "card", 4) != 0 || strchr(entry->d_name, '-'))
            continue;
        unsigned pci = card_vendor(folder, entry->d_name);
        for (int i = 0; i < VENDORS; i++)
            seen[i] = seen[i] || vendors[i].pci == pci;
    }
    if (handle)
        closedir(handle);
    seen[0] = seen[0] || exists("/dev/kfd");
    seen[2] = seen[2] || exists("/dev/nvidia0");
}

static bool contains(const char *text, const char *part, size_t length)
{
    for (; *text; text++)
        if (strncasecmp(text, part, length) == 0)
            return true;
    return false;
}

/* A usable GPU whose vendor or name has one of the words. */
static bool is_served(const vendor *maker, const nas_device_info *devices, int count)
{
    for (int i = 0; i < count; i++) {
        const char *word = maker->words;
        if (devices[i].type != NAS_DEVICE_GPU || !devices[i].usable)
            continue;
        while (*word) {
            size_t length = strcspn(word, "|");
            if (contains(devices[i].vendor, word, length) ||
                contains(devices[i].name, word, length))
                return true;
            word += length + (word[length] == '|');
        }
    }
    return false;
}

static void add_access_hint(nas_text *text)
{
    if (denied("/dev/kfd") || denied("/dev/dri/renderD128"))
        nas_text_add(text,
                     "this user may not open the GPU: sudo usermod -aG render,video $USER, then "
                     "log in again\n");
}

void cli_driver_hint(const nas_device_info *devices, int count, nas_text *text)
{
    bool seen[VENDORS] = {false}, usable = false;
    const char *icd = getenv("OCL_ICD_VENDORS");
    find_cards(seen);
    for (int i = 0; i < count; i++)
        usable = usable || devices[i].usable;
    for (int i = 0; i < VENDORS; i++) {
        if (!seen[i] || is_served(&vendors[i], devices, count))
            continue;
        nas_text_format(text, "an %s GPU is in this machine, but no OpenCL driver offers it: %s\n",
                        vendors[i].name, vendors[i].fix);
        add_access_hint(text);
    }
    if (!usable)
        nas_text_add(text, "to run on this machine's CPU: sudo apt install pocl-opencl-icd\n");
    if (!usable && icd && *icd)
        nas_text_format(
            text, "OCL_ICD_VENDORS=%s is set: only drivers named there are seen; unset it\n", icd);
}

nas_status cli_no_device(const nas_device_info *devices, int count)
{
    nas_text text = {0};
    cli_driver_hint(devices, count, &text);
    if (text.length && text.data[text.length - 1] == '\n')
        text.data[text.length - 1] = '\0';
    nas_error_set(NAS_NO_DEVICE, __FILE__, __LINE__, "%s\n%s",
                  count ? "no OpenCL device is usable (clnas devices tells why)"
                        : "no OpenCL device found",
                  text.data ? text.data : "");
    nas_text_clear(&text);
    return NAS_NO_DEVICE;
}
