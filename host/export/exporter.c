/* exporter.c - the registry of exporters, and what several of them ask. */
#include "exporter.h"

#include <stdlib.h>
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

void nas__missing_pixels(const nas_model_layer *layer, nas_shape in, int missing[2])
{
    const int *first = layer->what.first, *step = layer->what.stride;
    const int size[2] = {in.h, in.w}, wanted[2] = {layer->shape.h, layer->shape.w};
    for (int i = 0; i < 2; i++) {
        const int there = size[i] > first[i] ? (size[i] - first[i] + step[i] - 1) / step[i] : 0;
        missing[i] = wanted[i] - there;
    }
}

nas_status nas__metadata_of(const nas_model *model, nas_data_words *words)
{
    const nas_postprocessing task = {
        .task = model->postprocessing.task}; /* its units are in the weights */
    if (model->prepares)
        NAS_TRY(nas_preprocessing_write(&model->preprocessing, &words->preprocessing));
    if (model->explains)
        NAS_TRY(nas_postprocessing_write(&task, &words->postprocessing));
    if (model->columns)
        nas_text_add(&words->columns, model->columns);
    NAS_TRY(nas_text_check(&words->columns));
    for (int i = 0; model->classes && model->classes[i]; i++)
        nas_text_format(&words->classes, "%s\n", model->classes[i]);
    return nas_text_check(&words->classes);
}

nas_status nas__read_back_fails(const char *path)
{
    NAS_FAIL(NAS_FAILED, "%s: read back, it is not what was written", path);
}

nas_status nas__write_text(const char *path, const nas_text *text)
{
    void *back;
    size_t size;
    NAS_TRY(nas_text_check(text));
    NAS_TRY(nas_file_replace(path, text->data, text->length));
    NAS_TRY(nas_file_read(path, text->length, &back, &size));
    const bool same = size == text->length && memcmp(back, text->data, size) == 0;
    free(back);
    return same ? NAS_OK : nas__read_back_fails(path);
}
