/* told.c - a trial's result as somebody outside writes it: NAME=VALUE words and a JSON object.
 *
 * The object may be the one that `clnas ask` printed with "metrics" added, so its other members are known here, and
 * "arch" must still be the trial's.  Everything else is refused with the nearest right name: a metric that is
 * lost for a misspelt key would be a lost training.  JSON has no NaN, so null is one. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_SIZE = 1 << 20, POINTS_MAX = 100000 };

void cli_told_init(cli_told *told)
{
    *told = (cli_told){.claim = {.index = -1}};
    nas_trial_init(&told->result);
    told->result.status = NAS_TRIAL_COMPLETE;
}

void cli_told_clear(cli_told *told)
{
    nas_trial_clear(&told->result);
    free(told->arch);
}

static nas_status set_metric(cli_told *told, const char *name, double value, bool measured)
{
    if (nas_trial_has_metric(&told->result, name))
        NAS_FAIL(NAS_CONFIG, "the metric %s is told twice", name);
    if (nas_trial_set_metric(&told->result, name, value, measured) != NAS_OK)
        return NAS_CONFIG; /* a name that is none; the message says so */
    return NAS_OK;
}

nas_status cli_told_metric(cli_told *told, const char *assignment, bool measured)
{
    const char *equal = strchr(assignment, '=');
    char name[NAS_TEXT_SIZE], *end;
    if (!equal || equal == assignment || equal - assignment >= (long)sizeof name)
        NAS_FAIL(NAS_CONFIG, "\"%.80s\" is no metric: NAME=VALUE, valid_accuracy=0.91", assignment);
    snprintf(name, sizeof name, "%.*s", (int)(equal - assignment), assignment);
    double value = strtod(equal + 1, &end);
    if (end == equal + 1 || *end)
        NAS_FAIL(NAS_CONFIG, "%s = \"%.40s\" is no number", name, equal + 1);
    return set_metric(told, name, value, measured);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* What a member does; NULL: of `clnas ask`, passed over. */
typedef nas_status (*member_function)(cli_told *told, const char *key, json_t *value);

static nas_status wrong_type(const char *key, const char *wanted)
{
    NAS_FAIL(NAS_CONFIG, "\"%s\" wants %s", key, wanted);
}

static nas_status take_index(cli_told *told, const char *key, json_t *value)
{
    json_int_t index = json_integer_value(value);
    if (!json_is_integer(value) || index < 0 || index > INT32_MAX)
        return wrong_type(key, "a trial's number");
    if (told->claim.index >= 0 && told->claim.index != index)
        NAS_FAIL(NAS_CONFIG, "trial %d or trial %lld?", told->claim.index, (long long)index);
    told->claim.index = (int)index;
    return NAS_OK;
}

static nas_status take_token(cli_told *told, const char *key, json_t *value)
{
    json_int_t token = json_integer_value(value);
    if (!json_is_integer(value) || token < 1)
        return wrong_type(key, "the number that clnas ask printed");
    if (told->claim.token > 0 && told->claim.token != token)
        NAS_FAIL(NAS_CONFIG, "token %lld or token %lld?", (long long)told->claim.token,
                 (long long)token);
    told->claim.token = token;
    return NAS_OK;
}

static nas_status take_metrics(cli_told *told, const char *key, json_t *value)
{
    const char *name;
    json_t *number;
    if (!json_is_object(value))
        return wrong_type(key, "an object, {\"valid_accuracy\": 0.91}");
    json_object_foreach(value, name, number)
    {
        if (!json_is_number(number) && !json_is_null(number))
            NAS_FAIL(NAS_CONFIG, "\"%s\": %.60s is no number", key, name);
        NAS_TRY(set_metric(told, name, json_is_null(number) ? NAN : json_number_value(number),
                           strcmp(key, "measured") == 0));
    }
    return NAS_OK;
}

static nas_status take_curves(cli_told *told, const char *key, json_t *value)
{
    const char *name;
    json_t *points, *point;
    size_t i;
    if (!json_is_object(value))
        return wrong_type(key, "an object, {\"valid_accuracy\": [0.80, 0.91]}");
    json_object_foreach(value, name, points)
    {
        if (!json_is_array(points) || json_array_size(points) > POINTS_MAX)
            NAS_FAIL(NAS_CONFIG, "\"%s\": %.60s wants a list of numbers, one per epoch", key, name);
        json_array_foreach(points, i, point)
        {
            if (!json_is_number(point))
                NAS_FAIL(NAS_CONFIG, "\"%s\": %.60s[%zu] is no number", key, name, i);
            if (nas_trial_add_point(&told->result, name, json_number_value(point)) != NAS_OK)
                return NAS_CONFIG;
        }
    }
    return NAS_OK;
}

static nas_status take_failed(cli_told *told, const char *key, json_t *value)
{
    if (!json_is_string(value) || !*json_string_value(value))
        return wrong_type(key, "the reason as a text");
    told->result.status = NAS_TRIAL_FAILED;
    snprintf(told->result.reason, sizeof told->result.reason, "%s", json_string_value(value));
    return NAS_OK;
}

static nas_status take_seconds(cli_told *told, const char *key, json_t *value)
{
    if (!json_is_number(value) || json_number_value(value) < 0)
        return wrong_type(key, "a number, 0 or more");
    told->result.seconds = json_number_value(value);
    return NAS_OK;
}

static nas_status take_device(cli_told *told, const char *key, json_t *value)
{
    if (!json_is_string(value))
        return wrong_type(key, "a text");
    snprintf(told->result.device, sizeof told->result.device, "%s", json_string_value(value));
    return NAS_OK;
}

static nas_status take_arch(cli_told *told, const char *key, json_t *value)
{
    if (!json_is_string(value))
        return wrong_type(key, "a text");
    told->arch = strdup(json_string_value(value));
    if (!told->arch)
        NAS_FAIL(NAS_MEMORY, "no memory for an architecture");
    return NAS_OK;
}

static const struct {
    const char *key;
    member_function take;
} members[] = {
    {"trial", take_index},
    {"token", take_token},
    {"metrics", take_metrics},
    {"measured", take_metrics},
    {"curves", take_curves},
    {"failed", take_failed},
    {"seconds", take_seconds},
    {"device", take_device},
    {"arch", take_arch},
    {"schema_version", NULL},
    {"next", NULL},
    {"study", NULL},
    {"attempt", NULL},
    {"budget", NULL},
    {"seed", NULL},
    {"network", NULL},
    {"graph", NULL},
    {"parent", NULL},
    {"from", NULL},
    {"objectives", NULL},
    {"bounds", NULL},
};
enum { MEMBERS = sizeof members / sizeof *members };

static nas_status take_member(cli_told *told, const char *key, json_t *value)
{
    const char *names[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        names[i] = members[i].key;
        if (strcmp(key, members[i].key) == 0)
            return members[i].take ? members[i].take(told, key, value) : NAS_OK;
    }
    const char *nearest = nas_nearest_name(key, names, MEMBERS);
    if (nearest)
        NAS_FAIL(NAS_CONFIG, "\"%.60s\" is none of a result's members; did you mean \"%s\"?", key,
                 nearest);
    NAS_FAIL(NAS_CONFIG, "\"%.60s\" is none of a result's members; a metric stands in \"metrics\"",
             key);
}

/* The whole file, at most JSON_SIZE bytes; free() it. */
static nas_status read_text(const char *path, char **text, size_t *length)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    if (!file)
        NAS_FAIL(NAS_CONFIG, "%s: %s", path, strerror(errno));
    char *bytes = malloc(JSON_SIZE + 1);
    *length = bytes ? fread(bytes, 1, JSON_SIZE + 1, file) : 0;
    bool bad = ferror(file) != 0;
    if (!standard)
        fclose(file);
    *text = bytes;
    if (!bytes)
        NAS_FAIL(NAS_MEMORY, "no memory for %s", path);
    if (!bad && *length > 0 && *length <= JSON_SIZE)
        return NAS_OK;
    free(bytes);
    NAS_FAIL(NAS_CONFIG, "%s: %s", path,
             bad           ? "cannot be read"
             : *length > 0 ? "over 1 MiB, which no result needs"
                           : "empty; a result is a JSON object");
}

static nas_status take_object(cli_told *told, json_t *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        NAS_FAIL(NAS_CONFIG, "a result is a JSON object, {\"metrics\": {…}}");
    json_object_foreach(object, key, value) NAS_TRY(take_member(told, key, value));
    return NAS_OK;
}

nas_status cli_told_json(cli_told *told, const char *path)
{
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    char *text = NULL;
    size_t length = 0;
    json_error_t error;
    NAS_TRY(read_text(path, &text, &length));
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!object)
        NAS_FAIL(NAS_CONFIG, "%s:%d:%d: %s%s", name, error.line, error.column, error.text,
                 strstr(error.text, "NaN") || strstr(error.text, "Infinity")
                     ? "; JSON has no such number: write null, or \"failed\": \"REASON\""
                     : "");
    nas_status status = take_object(told, object);
    if (status != NAS_OK)
        nas_error_add("%s: ", name);
    json_decref(object);
    return status;
}
