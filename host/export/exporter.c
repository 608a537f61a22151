/* exporter.c - the registry of exporters. */
#include "exporter.h"

#include <string.h>

#define NAS_EXPORTER(name) extern const nas_exporter nas__exporter_##name;
#include "exporter_list.h"
#undef NAS_EXPORTER

static const nas_exporter *const exporters[] = {
#define NAS_EXPORTER(name) &nas__exporter_##name,
#include "exporter_list.h"
#undef NAS_EXPORTER
};

const nas_exporter *const *nas_exporter_all(int *count)
{
    *count = (int)(sizeof exporters / sizeof exporters[0]);
    return exporters;
}

const nas_exporter *nas_exporter_find(const char *name)
{
    int count;
    const nas_exporter *const *all = nas_exporter_all(&count);
    for (int i = 0; i < count; i++)
        if (strcmp(all[i]->kind.name, name) == 0)
            return all[i];
    return NULL;
}
