/* rmsprop.c - RMSprop; the formula and its kernel are in cl/rmsprop.cl.  Source: Hinton, lecture 6e
 * of "Neural networks for machine learning", 2012. */
#include "optimizer.h"

typedef struct rmsprop_options {
    double alpha, epsilon, momentum, weight_decay;
} rmsprop_options;

static const nas_option options[] = {
    {"alpha", NAS_OPTION_REAL, offsetof(rmsprop_options, alpha), "0.99", 0, 1, NULL,
     "decay of the running mean of squared gradients"},
    {"epsilon", NAS_OPTION_REAL, offsetof(rmsprop_options, epsilon), "1e-8", 1e-30, 1, NULL,
     "added to the root of that mean"},
    {"momentum", NAS_OPTION_REAL, offsetof(rmsprop_options, momentum), "0", 0, 1, NULL,
     "share of the last step that is kept in this one"},
    {"weight_decay", NAS_OPTION_REAL, offsetof(rmsprop_options, weight_decay), "0", 0, 1, NULL,
     "pull of weights towards 0, added to the gradient; not of biases and norms"},
    {0},
};

static nas_status record(const void *instance, const nas_optimizer_call *call, nas_tape *tape)
{
    const rmsprop_options *own = instance;
    const nas_argument extra[] = {
        NAS_ARG_FLOAT((float)own->weight_decay), NAS_ARG_FLOAT((float)own->alpha),
        NAS_ARG_FLOAT((float)(1 - own->alpha)),  NAS_ARG_FLOAT((float)own->epsilon),
        NAS_ARG_FLOAT((float)own->momentum),
    };
    return nas__update_record(call, "rmsprop", "rmsprop", NULL, extra, 5, tape);
}

const nas_optimizer nas__optimizer_rmsprop = {
    .kind = {.name = "rmsprop",
             .summary = "steps scaled by the running root mean square of the gradient",
             .paper = "Hinton 2012, lecture 6e",
             .instance_size = sizeof(rmsprop_options),
             .options = options},
    .moments = 2,
    .lr = 0.01,
    .record = record,
};
