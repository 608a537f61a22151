/* adam.c - Adam (Kingma and Ba, arXiv 1412.6980). cl/adam.cl has the formula; the two factors that
 * depend on the step's number are worked out here, in double. */
#include "optimizer.h"

#include <math.h>

typedef struct adam_options {
    double beta1, beta2, epsilon, weight_decay;
} adam_options;

static const nas_option options[] = {
    {"beta1", NAS_OPTION_REAL, offsetof(adam_options, beta1), "0.9", 0, 0.999999, NULL,
     "decay of the running mean of gradients"},
    {"beta2", NAS_OPTION_REAL, offsetof(adam_options, beta2), "0.999", 0, 0.999999, NULL,
     "decay of the running mean of squared gradients"},
    {"epsilon", NAS_OPTION_REAL, offsetof(adam_options, epsilon), "1e-8", 1e-30, 1, NULL,
     "added to the root of the second moment"},
    {"weight_decay", NAS_OPTION_REAL, offsetof(adam_options, weight_decay), "0", 0, 1, NULL,
     "pull of weights towards 0, added to the gradient; not of biases and norms"},
    {0},
};

static nas_status record(const void *instance, const nas_optimizer_call *call, nas_tape *tape)
{
    const adam_options *own = instance;
    const nas_argument extra[] = {
        NAS_ARG_FLOAT((float)own->weight_decay), NAS_ARG_FLOAT((float)own->beta1),
        NAS_ARG_FLOAT((float)(1 - own->beta1)),  NAS_ARG_FLOAT((float)own->beta2),
        NAS_ARG_FLOAT((float)(1 - own->beta2)),  NAS_ARG_FLOAT((float)own->epsilon),
    };
    return nas__update_record(call, "adam", "adam", "-DDECOUPLED=0", extra, 6, tape);
}

/* lr / (1 − β1^t) and 1 / √(1 − β2^t), t = time + 1. */
static void factors(const void *instance, uint32_t time, double lr, float factor[4])
{
    const adam_options *own = instance;
    const double t = (double)time + 1;
    factor[0] = (float)(lr / (1 - pow(own->beta1, t)));
    factor[1] = (float)(1 / sqrt(1 - pow(own->beta2, t)));
}

const nas_optimizer nas__optimizer_adam = {
    .kind = {.name = "adam",
             .summary = "Adam: steps scaled by running moments of the gradient",
             .paper = "arXiv 1412.6980",
             .instance_size = sizeof(adam_options),
             .options = options},
    .moments = 2,
    .lr = 0.001,
    .record = record,
    .factors = factors,
};
