/* view.c - a study as those see it who only read: commands that list and show, reports, comparisons.
 *
 * Opened read-only, so a search that goes on is never disturbed; the log is as it was when the view was opened. */
#include "session_private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

nas_status nas_study_view_open(const char *study_path, nas_study_view *view)
{
    memset(view, 0, sizeof *view);
    if (strlen(study_path) >= sizeof view->path)
        NAS_FAIL(NAS_CONFIG, "the path %.40s… is too long", study_path);
    strcpy(view->path, study_path);
    NAS_TRY(nas_study_open(study_path, NAS_STORE_READ, &view->study));
    return nas_config_of_study(view->study, &view->config);
}

void nas_study_view_clear(nas_study_view *view)
{
    if (!view)
        return;
    nas_study_close(view->study);
    nas_config_clear(&view->config);
    view->study = NULL;
}

/* "3 32 32 10": channels, height, width, outputs.  False: no data set is like that. */
static bool read_shape(const char *text, nas_shape *shape, int *outputs)
{
    enum { SIDE_MAX = 1 << 20 };
    long numbers[4];
    char *end;
    for (int i = 0; i < 4; i++, text = end) {
        numbers[i] = strtol(text, &end, 10);
        if (end == text || numbers[i] < 1 || numbers[i] > SIDE_MAX)
            return false;
    }
    *shape = (nas_shape){(int)numbers[0], (int)numbers[1], (int)numbers[2]};
    *outputs = (int)numbers[3];
    return (int64_t)shape->c * shape->h <= INT_MAX / shape->w;
}

nas_status nas__domain_by_shape(nas_study *study, const nas_config *config, nas_domain **domain,
                                bool *found)
{
    nas_text text = {0};
    nas_shape shape;
    int outputs;
    nas_status status = nas_study_get(study, "shape", &text, found);
    *found = status == NAS_OK && *found && read_shape(text.data, &shape, &outputs);
    if (*found)
        status = nas_domain_open_group(&config->space, shape, outputs, domain);
    nas_text_clear(&text);
    return status;
}

/* A page every ten seconds should not read the data set every ten seconds. */
nas_status nas_study_view_domain(const nas_study_view *view, nas_domain **domain)
{
    nas_data *data;
    bool found = false;
    NAS_TRY(nas_config_known(&view->config, view->path));
    NAS_TRY(nas__domain_by_shape(view->study, &view->config, domain, &found));
    if (found)
        return NAS_OK;
    NAS_TRY(nas__open_data(&view->config, &data));
    nas_status status = nas_domain_open_group(&view->config.space, nas_data_shape(data),
                                              nas_data_outputs(data), domain);
    nas_data_destroy(data);
    return status;
}
