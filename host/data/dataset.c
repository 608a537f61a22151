/* dataset.c - the registry of data sets, made from dataset_list.h.
 *
 * To add one, copy synthetic.c (the smallest), rename, and write its line.  Read next: idx.c. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

static const nas_dataset *const datasets[] = {
#define NAS_DATASET(name) &nas__dataset_##name,
#include "dataset_list.h"
#undef NAS_DATASET
};

enum { DATASET_COUNT = sizeof datasets / sizeof datasets[0] };

const nas_dataset *const *nas_dataset_all(int *count)
{
    *count = DATASET_COUNT;
    return datasets;
}

const nas_dataset *nas_dataset_find(const char *name)
{
    for (int i = 0; i < DATASET_COUNT; i++)
        if (strcmp(datasets[i]->kind.name, name) == 0)
            return datasets[i];
    return NULL;
}

void nas_data_content_clear(nas_data_content *content)
{
    if (!content)
        return;
    for (int i = 0; content->class_names && i < content->classes; i++)
        free(content->class_names[i]);
    free(content->class_names);
    free(content->train.samples);
    free(content->train.labels);
    free(content->test.samples);
    free(content->test.labels);
    *content = (nas_data_content){0};
}
