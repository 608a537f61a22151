/* method.c - the table of one-shot methods, and the options of one.
 *
 * A method is asked for by the strategy of its name, whose option table stands in host/search (oneshot.h, sharing.h, enas.c); the evaluator
 * cannot see that room and reads the values from the config's group, by name.  What a method has no option for keeps the value that does
 * nothing: first order, all channels, all samples, temperature 1. */
#include "method.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const nas__method nas__methods[] = {
#define NAS_METHOD(name_, ...) {.name = #name_, __VA_ARGS__},
#include "method_list.h"
#undef NAS_METHOD
};
const int nas__method_count = sizeof nas__methods / sizeof nas__methods[0];

/* ---- what the strategy's group says ------------------------------------------------------------------------------ */

#define AT(field) offsetof(nas__method_options, field)
typedef enum value_type { WHOLE, REAL, TEXT } value_type; /* int64_t, double, char[NAS_TEXT_SIZE] */
static const struct entry {
    const char *name;
    value_type type;
    size_t offset;
} entries[] = {
    {"epochs", WHOLE, AT(epochs)},
    {"share", REAL, AT(share)},
    {"order", WHOLE, AT(order)},
    {"partial", WHOLE, AT(partial)},
    {"curvature", WHOLE, AT(curvature)},
    {"alpha.start", WHOLE, AT(start)},
    {"alpha.every", WHOLE, AT(every)},
    {"alpha.lr", REAL, AT(lr)},
    {"alpha.beta1", REAL, AT(beta1)},
    {"alpha.beta2", REAL, AT(beta2)},
    {"alpha.weight_decay", REAL, AT(weight_decay)},
    {"alpha.scale", REAL, AT(scale)},
    {"temperature.from", REAL, AT(warm)},
    {"temperature.to", REAL, AT(cold)},
    {"latency.table", TEXT, AT(latency_table)},
    {"latency.weight", REAL, AT(latency_weight)},
    {"latency.reference", REAL, AT(latency_reference)},
    {"recalibrate", WHOLE, AT(recalibrate)},
    {"candidates", WHOLE, AT(controller.candidates)},
    {"controller.steps", WHOLE, AT(controller.steps)},
    {"controller.aggregate", WHOLE, AT(controller.aggregate)},
    {"controller.hidden", WHOLE, AT(controller.hidden)},
    {"controller.layers", WHOLE, AT(controller.layers)},
    {"controller.tanh", REAL, AT(controller.tanh_constant)},
    {"controller.op_tanh", REAL, AT(controller.op_tanh)},
    {"controller.temperature", REAL, AT(controller.temperature)},
    {"controller.lr", REAL, AT(controller.lr)},
    {"controller.beta1", REAL, AT(controller.beta1)},
    {"controller.beta2", REAL, AT(controller.beta2)},
    {"controller.epsilon", REAL, AT(controller.epsilon)},
    {"controller.clip", REAL, AT(controller.clip)},
    {"controller.entropy", REAL, AT(controller.entropy)},
    {"controller.baseline", REAL, AT(controller.decay)},
    {"controller.skip_target", REAL, AT(controller.skip_target)},
    {"controller.skip_weight", REAL, AT(controller.skip_weight)},
};
#undef AT

/* "alpha.lr" in a group with a group in it; NULL: not there. */
static const nas_value *find_value(const nas_value *group, const char *name)
{
    char outer[32];
    const size_t length = strcspn(name, ".");
    snprintf(outer, sizeof outer, "%.*s", (int)length, name);
    const nas_value *value = nas_value_member(group, outer);
    return name[length] ? nas_value_member(value, name + length + 1) : value;
}

static void take_value(value_type type, const nas_value *value, void *into)
{
    const double real = value->type == NAS_VALUE_INT ? (double)value->integer : value->real;
    switch (type) {
    case WHOLE:
        memcpy(into, &value->integer, sizeof value->integer);
        break;
    case REAL:
        memcpy(into, &real, sizeof real);
        break;
    case TEXT:
        snprintf(into, NAS_TEXT_SIZE, "%s", value->text);
        break;
    }
}

static const nas__method *find_method(const nas_value *group)
{
    const nas_value *type = nas_value_member(group, "type");
    for (int i = 0; i < nas__method_count; i++)
        if (type && type->type == NAS_VALUE_TEXT && strcmp(type->text, nas__methods[i].name) == 0)
            return &nas__methods[i];
    return NULL;
}

nas_status nas__method_read(const nas_value *group, nas__method_options *options)
{
    *options = (nas__method_options){.method = find_method(group),
                                     .every = 1,
                                     .order = 1,
                                     .partial = 1,
                                     .share = 1,
                                     .warm = 1,
                                     .cold = 1};
    if (!options->method)
        NAS_FAIL(NAS_CONFIG, "the evaluator supernet trains for strategies such as darts; "
                             "`clnas describe strategy` lists them");
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        const nas_value *value = find_value(group, entries[i].name);
        if (value)
            take_value(entries[i].type, value, (char *)options + entries[i].offset);
    }
    if (options->epochs < 1 || options->share <= 0 ||
        (options->lr <= 0 && !options->method->sampled) ||
        (options->method->controlled &&
         (options->controller.steps < 1 || options->controller.aggregate < 1 ||
          options->controller.hidden < 1 || options->controller.lr <= 0)))
        NAS_FAIL(NAS_CONFIG, "strategy %s: its options are not complete", options->method->name);
    return NAS_OK;
}
