/* proxies.h - zero-cost proxies: numbers of a network at its initialisation that go with its accuracy after training.
 *
 *   mini_batch.c   the batch      proxies.c  the passes, and the proxies that are sums over what they leave
 *   eigenvalues.c  naswot and jacob_cov          synflow.c, grasp.c  those with a network of their own
 *   zero_cost.c    the evaluator; trained.c has them as a stage before training
 */
#ifndef NAS_EVAL_PROXIES_H
#define NAS_EVAL_PROXIES_H

#include "evaluator.h"

/* In the order of NAS__PROXY_NAMES, which are the metrics' names too. */
typedef enum nas__proxy {
    NAS__SYNFLOW,
    NAS__SNIP,
    NAS__GRAD_NORM,
    NAS__PLAIN,
    NAS__GRASP,
    NAS__FISHER,
    NAS__JACOB_COV,
    NAS__NASWOT,
    NAS__ZEN,
    NAS__PROXIES
} nas__proxy;
#define NAS__PROXY_NAMES "synflow|snip|grad_norm|plain|grasp|fisher|jacob_cov|naswot|zen"

typedef struct nas__proxy_options {
    nas_int_list measures; /* of nas__proxy */
    int64_t batch;
    double step;
} nas__proxy_options;

/* The rows of an option table whose instance has a nas__proxy_options `base` bytes from its start. */
#define NAS__PROXY_ROWS(prefix, base, measures_fallback)                                           \
    {prefix "measures",                                                                            \
     NAS_OPTION_CHOICE_LIST,                                                                       \
     (base) + offsetof(nas__proxy_options, measures),                                              \
     measures_fallback,                                                                            \
     0,                                                                                            \
     0,                                                                                            \
     NAS__PROXY_NAMES,                                                                             \
     "zero-cost proxies to compute, each a metric of its name (docs/zero-cost.md)"},               \
        {prefix "batch",                                                                           \
         NAS_OPTION_INT,                                                                           \
         (base) + offsetof(nas__proxy_options, batch),                                             \
         "64",                                                                                     \
         2,                                                                                        \
         4096,                                                                                     \
         NULL,                                                                                     \
         "samples of their one mini-batch, the same for every candidate"},                         \
    {                                                                                              \
        prefix "step", NAS_OPTION_REAL, (base) + offsetof(nas__proxy_options, step), "0.001",      \
            1e-6, 0.5, NULL,                                                                       \
            "of grasp: the share by which weights are scaled up and down to difference gradients"  \
    }

typedef struct nas__proxies nas__proxies;

/* Takes the batch from `home`, which is lent for the call; options and setting outlive the proxies. */
nas_status nas__proxies_create(const nas__proxy_options *options, const nas_eval_setting *setting,
                               nas_data_home *home, nas__proxies **proxies);
void nas__proxies_destroy(nas__proxies *proxies);
/* Sets one metric for each measure.  NAS_NONFINITE when one is not a finite number: the network has no such score. */
nas_status nas__proxies_score(nas__proxies *proxies, const nas_eval_call *call,
                              const nas_graph *graph, nas_trial *result);

/* The one batch of all candidates. */
typedef struct nas__mini_batch {
    uint64_t seed;
    nas_shape shape;
    int real, n, rows;               /* n: padded; rows of labels */
    nas_loss loss;                   /* by the data's task */
    float *images, *noise, *shifted; /* [c][h][w][n]; noise and shifted are zen's */
    int32_t *labels;                 /* [rows][n] words */
} nas__mini_batch;

/* Setting and home are lent for the call; clear it also after a failure. */
nas_status nas__mini_batch_make(const nas_eval_setting *setting, nas_data_home *home, int real,
                                nas__mini_batch *batch);
void nas__mini_batch_clear(nas__mini_batch *batch);
static inline uint64_t nas__image_count(const nas__mini_batch *batch)
{
    return nas_shape_count(batch->shape) * (uint64_t)batch->n;
}
/* Is number i of a tensor of the padded batch one of a sample's? */
static inline bool nas__is_real(const nas__mini_batch *batch, uint64_t i)
{
    return i % (uint64_t)batch->n < (uint64_t)batch->real;
}
/* Input (`images`, one of the batch's three), labels and step block of a net. */
nas_status nas__mini_batch_write(const nas__mini_batch *batch, const float *images, uint32_t key,
                                 nas_net *net);

/* A network's weights of convolutions and dense layers and their gradients, as its decayed block has them. */
typedef struct nas__own {
    uint64_t count;
    float *weights, *gradient;
} nas__own;

/* ---- proxies.c: what the other files ask of nodes and nets ---- */

bool nas__is_op(const nas_node *node, const char *name);
/* NAS_ACT_NONE of a node that is no activation. */
nas_activation nas__activation_of(const nas_node *node);
/* A tensor's floats; free() them. */
nas_status nas__fetch(nas_tensor tensor, float **values);
/* Which of its node's parameters the net's parameter i is, as nas_parameter_initialise counts. */
int nas__parameter_of_node(const nas_net *net, int i);

/* ---- proxies by themselves ---- */

/* −Σ w · (H g), by a difference of gradients at (1 ± step)·w. */
nas_status nas__grasp(nas_device *device, const nas_graph *graph, const nas__mini_batch *batch,
                      uint32_t key, const nas__own *own, double step, double *score);

/* log10 of Σ |w · dR/dw|; −∞ when it is 0. */
nas_status nas__synflow(nas_device *device, const nas_graph *graph, uint64_t seed, uint32_t key,
                        double *score);

/* `distances` [n][stride]: in how many of `signs` relus two samples differ. */
nas_status nas__naswot(const uint32_t *distances, int stride, int n, uint64_t signs, double *score);
/* `jacobian` [d][stride]: of sample i, column i. */
nas_status nas__jacob_cov(const float *jacobian, int d, int stride, int n, double *score);

#endif
