/* oneshot.h - what strategies share whose trials are epochs of one supernet.
 *
 *   darts.c, snas.c, gdas.c, pcdarts.c, proxylessnas.c   a descriptor and an option table each     oneshot.c   what they propose
 *
 * The options are read twice: here, and by the evaluator `supernet`, which gets the group (host/eval/method.c).
 */
#ifndef NAS_SEARCH_ONESHOT_H
#define NAS_SEARCH_ONESHOT_H

#include "search.h"

typedef struct nas__oneshot_options {
    int64_t epochs, start, every, order, partial;
    double share;
    double lr, beta1, beta2, weight_decay, scale;
    double warm, cold;
    int64_t stop_skips, stop_after, curvature;
    double stop_curvature;
    char latency_table[NAS_TEXT_SIZE];
    double latency_weight, latency_reference;
} nas__oneshot_options;

#define NAS__ONESHOT_AT(field) offsetof(nas__oneshot_options, field)

/* Rows of the option tables of DARTS and its kin, with the defaults that differ. */
#define NAS__ONESHOT_ROWS(epochs_, alpha_lr, alpha_start)                                          \
    NAS__ONESHOT_ROWS_OF(epochs_, "0.5", alpha_lr, "0.5", "0.001", alpha_start)

/* Rows of every option table. */
#define NAS__ONESHOT_ROWS_OF(epochs_, share_, alpha_lr, alpha_beta1, alpha_decay, alpha_start)     \
    {"epochs",                                                                                     \
     NAS_OPTION_INT,                                                                               \
     NAS__ONESHOT_AT(epochs),                                                                      \
     epochs_,                                                                                      \
     1,                                                                                            \
     100000,                                                                                       \
     NULL,                                                                                         \
     "of the supernet, each a trial; the schedules of `train` span them"},                         \
        {"share",                                                                                  \
         NAS_OPTION_REAL,                                                                          \
         NAS__ONESHOT_AT(share),                                                                   \
         share_,                                                                                   \
         0.01,                                                                                     \
         0.99,                                                                                     \
         NULL,                                                                                     \
         "of the training split that weights are trained on; architecture weights get the rest"},  \
        {"alpha.lr",                                                                               \
         NAS_OPTION_REAL,                                                                          \
         NAS__ONESHOT_AT(lr),                                                                      \
         alpha_lr,                                                                                 \
         1e-9,                                                                                     \
         10,                                                                                       \
         NULL,                                                                                     \
         "learning rate of the architecture weights (Adam), constant"},                            \
        {"alpha.beta1",                                                                            \
         NAS_OPTION_REAL,                                                                          \
         NAS__ONESHOT_AT(beta1),                                                                   \
         alpha_beta1,                                                                              \
         0,                                                                                        \
         0.999999,                                                                                 \
         NULL,                                                                                     \
         "how long the mean of their gradients remembers"},                                        \
        {"alpha.beta2",                                                                            \
         NAS_OPTION_REAL,                                                                          \
         NAS__ONESHOT_AT(beta2),                                                                   \
         "0.999",                                                                                  \
         0,                                                                                        \
         0.999999,                                                                                 \
         NULL,                                                                                     \
         "how long the mean of their squares remembers"},                                          \
        {"alpha.weight_decay",                                                                     \
         NAS_OPTION_REAL,                                                                          \
         NAS__ONESHOT_AT(weight_decay),                                                            \
         alpha_decay,                                                                              \
         0,                                                                                        \
         1,                                                                                        \
         NULL,                                                                                     \
         "pull of architecture weights towards 0, added to their gradient"},                       \
        {"alpha.scale",                                                                            \
         NAS_OPTION_REAL,                                                                          \
         NAS__ONESHOT_AT(scale),                                                                   \
         "0.001",                                                                                  \
         0,                                                                                        \
         100,                                                                                      \
         NULL,                                                                                     \
         "standard deviation of their first values, which are normal around 0"},                   \
        {"alpha.start",                                                                            \
         NAS_OPTION_INT,                                                                           \
         NAS__ONESHOT_AT(start),                                                                   \
         alpha_start,                                                                              \
         0,                                                                                        \
         100000,                                                                                   \
         NULL,                                                                                     \
         "epochs in which only the weights are trained, before"},                                  \
        {"stop.skips",                                                                             \
         NAS_OPTION_INT,                                                                           \
         NAS__ONESHOT_AT(stop_skips),                                                              \
         "0",                                                                                      \
         0,                                                                                        \
         1000,                                                                                     \
         NULL,                                                                                     \
         "ends when a derived cell has more skip connections, with the last one that had not; 0: " \
         "never"},                                                                                 \
        {"curvature",                                                                              \
         NAS_OPTION_INT,                                                                           \
         NAS__ONESHOT_AT(curvature),                                                               \
         "0",                                                                                      \
         0,                                                                                        \
         100000,                                                                                   \
         NULL,                                                                                     \
         "every so many epochs the largest eigenvalue of the loss' Hessian by alpha is measured "  \
         "(published: 2); 0: never"},                                                              \
        {"stop.curvature",                                                                         \
         NAS_OPTION_REAL,                                                                          \
         NAS__ONESHOT_AT(stop_curvature),                                                          \
         "0",                                                                                      \
         0,                                                                                        \
         1e6,                                                                                      \
         NULL,                                                                                     \
         "ends when the mean curvature has grown by this factor over four measurements, with the " \
         "architecture of then (published: 1.3); 0: never"},                                       \
    {                                                                                              \
        "stop.after", NAS_OPTION_INT, NAS__ONESHOT_AT(stop_after), "10", 0, 100000, NULL,          \
            "epochs that are done before stop.skips and stop.curvature count"                      \
    }

#define NAS__ONESHOT_TEMPERATURE(from, to)                                                         \
    {"temperature.from",                                                                           \
     NAS_OPTION_REAL,                                                                              \
     NAS__ONESHOT_AT(warm),                                                                        \
     from,                                                                                         \
     1e-3,                                                                                         \
     1e3,                                                                                          \
     NULL,                                                                                         \
     "of the softmax over noisy architecture weights, in the first epoch"},                        \
    {                                                                                              \
        "temperature.to", NAS_OPTION_REAL, NAS__ONESHOT_AT(cold), to, 1e-3, 1e3, NULL,             \
            "in the last epoch; linear between"                                                    \
    }

/* The epochs of a supernet in the log. */
typedef struct nas__epochs {
    int last;    /* trial of the last good one; −1: none yet */
    double done; /* its budget */
    bool over;   /* no further one */
} nas__epochs;

/* NAS_CONFIG where the study has given architectures. */
nas_status nas__epochs_begin(const nas_setting *setting, nas__epochs *epochs);
/* A good one of `wanted`. */
void nas__epochs_observe(nas__epochs *epochs, const nas_seen *trial, int64_t wanted);
/* The next one. */
void nas__epochs_propose(const nas__epochs *epochs, const nas_setting *setting,
                         nas_proposal *proposal);

nas_status nas__oneshot_begin(const nas_setting *setting, void **state);
nas_status nas__oneshot_observe(void *state, const nas_seen *trial);
nas_status nas__oneshot_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal);
bool nas__oneshot_wants_weights(const void *state, int trial);
void nas__oneshot_end(void *state);

/* A descriptor of the family: name, summary, paper, option table. */
#define NAS__ONESHOT_STRATEGY(name_, summary_, paper_, options_)                                   \
    const nas_strategy nas__strategy_##name_ = {                                                   \
        .kind = {.name = #name_,                                                                   \
                 .summary = summary_,                                                              \
                 .paper = paper_,                                                                  \
                 .instance_size = sizeof(nas__oneshot_options),                                    \
                 .options = options_},                                                             \
        .objectives_max = 1,                                                                       \
        .lookahead_max = 1,                                                                        \
        .evaluator = "supernet",                                                                   \
        .begin = nas__oneshot_begin,                                                               \
        .observe = nas__oneshot_observe,                                                           \
        .propose = nas__oneshot_propose,                                                           \
        .wants_weights = nas__oneshot_wants_weights,                                               \
        .end = nas__oneshot_end,                                                                   \
    }

#endif
