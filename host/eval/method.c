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
static const struct entry {
    const char *name;
    bool whole; /* an int64_t; else a double */
    size_t offset;
} entries[] = {
    {"epochs", true, AT(epochs)},
    {"share", false, AT(share)},
    {"order", true, AT(order)},
    {"partial", true, AT(partial)},
    {"recalibrate", true, AT(recalibrate)},
    {"curvature", true, AT(curvature)},
    {"alpha.start", true, AT(start)},
    {"alpha.lr", false, AT(lr)},
    {"alpha.beta1", false, AT(beta1)},
    {"alpha.beta2", false, AT(beta2)},
    {"alpha.weight_decay", false, AT(weight_decay)},
    {"alpha.scale", false, AT(scale)},
    {"temperature.from", false, AT(warm)},
    {"temperature.to", false, AT(cold)},
    {"candidates", true, AT(controller.candidates)},
    {"controller.steps", true, AT(controller.steps)},
    {"controller.aggregate", true, AT(controller.aggregate)},
    {"controller.hidden", true, AT(controller.hidden)},
    {"controller.layers", true, AT(controller.layers)},
    {"controller.tanh", false, AT(controller.tanh_constant)},
    {"controller.op_tanh", false, AT(controller.op_tanh)},
    {"controller.temperature", false, AT(controller.temperature)},
    {"controller.lr", false, AT(controller.lr)},
    {"controller.beta1", false, AT(controller.beta1)},
    {"controller.beta2", false, AT(controller.beta2)},
    {"controller.epsilon", false, AT(controller.epsilon)},
    {"controller.clip", false, AT(controller.clip)},
    {"controller.entropy", false, AT(controller.entropy)},
    {"controller.baseline", false, AT(controller.decay)},
    {"controller.skip_target", false, AT(controller.skip_target)},
    {"controller.skip_weight", false, AT(controller.skip_weight)},
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
    *options = (nas__method_options){
        .method = find_method(group), .order = 1, .partial = 1, .share = 1, .warm = 1, .cold = 1};
    if (!options->method)
        NAS_FAIL(NAS_CONFIG, "the evaluator supernet trains for strategies such as darts; "
                             "`clnas describe strategy` lists them");
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        const nas_value *value = find_value(group, entries[i].name);
        char *field = (char *)options + entries[i].offset;
        if (!value)
            continue;
        if (entries[i].whole)
            memcpy(field, &value->integer, sizeof value->integer);
        else
            memcpy(field,
                   value->type == NAS_VALUE_INT ? &(double){(double)value->integer} : &value->real,
                   sizeof value->real);
    }
    if (options->epochs < 1 || options->share <= 0 ||
        (options->lr <= 0 && !options->method->sampled) ||
        (options->method->controlled &&
         (options->controller.steps < 1 || options->controller.aggregate < 1 ||
          options->controller.hidden < 1 || options->controller.lr <= 0)))
        NAS_FAIL(NAS_CONFIG, "strategy %s: its options are not complete", options->method->name);
    return NAS_OK;
}
