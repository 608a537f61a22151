/* adamw.c - AdamW (Loshchilov and Hutter, arXiv 1711.05101). Adam's kernel with DECOUPLED = 1:
 * decay acts on the weights themselves and not through the moments. */
#include "optimizer.h"

#include <math.h>

typedef struct adamw_options {
    double beta1, beta2, epsilon, weight_decay;
} adamw_options;

static const nas_option options[] = {
    {"beta1", NAS_OPTION_REAL, offsetof(adamw_options, beta1), "0.9", 0, 0.999999, NULL,
     "decay of the running mean of gradients"},
    {"beta2", NAS_OPTION_REAL, offsetof(adamw_options, beta2), "0.999", 0, 0.999999, NULL,
     "decay of the running mean of squared gradients"},
    {"epsilon", NAS_OPTION_REAL, offsetof(adamw_options, epsilon), "1e-8", 1e-30, 1, NULL,
     "added to the root of the second moment"},
    {"weight_decay", NAS_OPTION_REAL, offsetof(adamw_options, weight_decay), "0.01", 0, 1, NULL,
     "share of lr by which weights shrink at each step; not of biases and norms"},
    {0},
};

static nas_status record(const void *instance, const nas_optimizer_call *call, nas_tape *tape)
{
    const adamw_options *own = instance;
    const nas_argument extra[] = {
        NAS_ARG_FLOAT((float)own->weight_decay), NAS_ARG_FLOAT((float)own->beta1),
        NAS_ARG_FLOAT((float)(1 - own->beta1)),  NAS_ARG_FLOAT((float)own->beta2),
        NAS_ARG_FLOAT((float)(1 - own->beta2)),  NAS_ARG_FLOAT((float)own->epsilon),
    };
    return nas__update_record(call, "adam", "adam", "-DDECOUPLED=1", extra, 6, tape);
}

/* lr / (1 − β1^t) and 1 / √(1 − β2^t), t = time + 1. */
static void factors(const void *instance, uint32_t time, double lr, float factor[4])
{
    const adamw_options *own = instance;
    const double t = (double)time + 1;
    factor[0] = (float)(lr / (1 - pow(own->beta1, t)));
    factor[1] = (float)(1 / sqrt(1 - pow(own->beta2, t)));
}

const nas_optimizer nas__optimizer_adamw = {
    .kind = {.name = "adamw",
             .summary = "Adam with decoupled weight decay",
             .paper = "arXiv 1711.05101",
             .instance_size = sizeof(adamw_options),
             .options = options},
    .moments = 2,
    .lr = 0.001,
    .record = record,
    .factors = factors,
};
