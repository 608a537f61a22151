/* sgd.c - stochastic gradient descent with momentum; the formula and its kernel are in cl/sgd.cl.
 * Sources: Polyak 1964; Nesterov's form after Sutskever et al., "On the importance of
 * initialization and momentum in deep learning", ICML 2013.
 *
 * This is the smallest optimizer: options, one recording, a descriptor.  Copy it to write another.
 * */
#include "optimizer.h"

typedef struct sgd_options {
    double momentum, weight_decay;
    bool nesterov;
} sgd_options;

static const nas_option options[] = {
    {"momentum", NAS_OPTION_REAL, offsetof(sgd_options, momentum), "0.9", 0, 1, NULL,
     "share of the last step that is kept in this one"},
    {"nesterov", NAS_OPTION_BOOL, offsetof(sgd_options, nesterov), "false", 0, 0, NULL,
     "look ahead along the momentum"},
    {"weight_decay", NAS_OPTION_REAL, offsetof(sgd_options, weight_decay), "0.0005", 0, 1, NULL,
     "pull of weights towards 0, added to the gradient; not of biases and norms"},
    {0},
};

static nas_status record(const void *instance, const nas_optimizer_call *call, nas_tape *tape)
{
    const sgd_options *sgd = instance;
    const nas_argument extra[] = {NAS_ARG_FLOAT((float)sgd->weight_decay),
                                  NAS_ARG_FLOAT((float)sgd->momentum), NAS_ARG_INT(sgd->nesterov)};
    return nas__update_record(call, "sgd", "sgd", NULL, extra, 3, tape);
}

const nas_optimizer nas__optimizer_sgd = {
    .kind = {.name = "sgd",
             .summary = "stochastic gradient descent with momentum",
             .paper = "ICML 2013, Sutskever et al.",
             .instance_size = sizeof(sgd_options),
             .options = options},
    .moments = 1,
    .lr = 0.1,
    .record = record,
};
