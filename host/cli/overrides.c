/* overrides.c - the command line's changes to a config, all in one form: "path.to.key=value".
 *
 * `--trials 5` is nothing but `-s budget.trials=5`: the option tables of the library check both the same
 * way, and the study records the result.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

nas_status cli_override_add(cli_overrides *overrides, const char *format, ...)
{
    va_list list;
    char *text;
    va_start(list, format);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (overrides->count == (int)(sizeof overrides->item / sizeof *overrides->item))
        NAS_FAIL(NAS_CONFIG, "too many overrides");
    text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (!text)
        NAS_FAIL(NAS_MEMORY, "no memory for an override");
    va_start(list, format);
    vsnprintf(text, (size_t)length + 1, format, list);
    va_end(list);
    overrides->item[overrides->count++] = text;
    return NAS_OK;
}

nas_status cli_override_list(cli_overrides *overrides, const cli_list *list)
{
    for (int i = 0; i < list->count; i++) {
        const char *equals = strchr(list->item[i], '=');
        if (!equals || equals == list->item[i])
            NAS_FAIL(NAS_CONFIG, "-s wants path.to.key=value, not '%s'", list->item[i]);
        NAS_TRY(cli_override_add(overrides, "%s", list->item[i]));
    }
    return NAS_OK;
}

/* devices=( { name = "device1"; match = "type:gpu"; workers = 1; }, … ) */
nas_status cli_override_devices(cli_overrides *overrides, const cli_list *matches, int64_t workers)
{
    nas_text text = {0};
    nas_status status = NAS_OK;
    if (matches->count == 0 && workers == 0)
        return NAS_OK;
    nas_text_add(&text, "devices=(");
    for (int i = 0; i < matches->count || i == 0; i++) {
        const char *match = matches->count ? matches->item[i] : "any";
        nas_text_format(&text, "%s { name = \"device%d\"; match = \"", i ? "," : "", i + 1);
        for (; *match; match++)
            nas_text_format(&text, "%s%c", *match == '"' || *match == '\\' ? "\\" : "", *match);
        nas_text_format(&text, "\"; workers = %lld; }", (long long)(workers ? workers : 1));
    }
    nas_text_add(&text, " )");
    status = nas_text_check(&text);
    if (status == NAS_OK)
        status = cli_override_add(overrides, "%s", text.data);
    nas_text_clear(&text);
    return status;
}

void cli_overrides_clear(cli_overrides *overrides)
{
    for (int i = 0; i < overrides->count; i++)
        free(overrides->item[i]);
    overrides->count = 0;
}
