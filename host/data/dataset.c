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

const char *nas_task_name(nas_task task)
{
    static const char *const names[NAS_TASKS] = {"classify", "multilabel", "regress"};
    return names[task];
}

const char *nas_task_score(nas_task task)
{
    return task == NAS_TASK_REGRESS ? "r2" : "accuracy";
}

void nas_score_name(nas_task task, const char *split, char *name, size_t size)
{
    snprintf(name, size, "%s_%s", split, nas_task_score(task));
}

static void part_clear(nas_data_part *part)
{
    free(part->samples);
    free(part->labels);
    free(part->targets);
    free(part->groups);
}

void nas_data_content_clear(nas_data_content *content)
{
    if (!content)
        return;
    for (int i = 0; content->names && i < content->outputs; i++)
        free(content->names[i]);
    free(content->names);
    free(content->columns);
    part_clear(&content->train);
    part_clear(&content->test);
    *content = (nas_data_content){0};
}
