/* view.c - a study as those see it who only read: commands that list and show, reports, comparisons.
 *
 * Opened read-only, so a search that goes on is never disturbed; the log is as it was when the view was opened. */
#include "session_private.h"

#include <stdio.h>

nas_status nas_study_view_open(const char *study_path, nas_study_view *view)
{
    snprintf(view->path, sizeof view->path, "%s", study_path);
    NAS_TRY(nas_study_open(study_path, NAS_STORE_READ, &view->study));
    NAS_TRY(nas_study_sync(view->study));
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

nas_status nas__domain_by_shape(nas_study *study, const nas_config *config, nas_domain **domain,
                                bool *found)
{
    nas_text text = {0};
    nas_shape shape;
    int outputs;
    nas_status status = nas_study_get(study, "shape", &text, found);
    *found = status == NAS_OK && *found &&
             sscanf(text.data, "%d %d %d %d", &shape.c, &shape.h, &shape.w, &outputs) == 4;
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
