/* controller.h - a policy that draws a supernet's paths and learns from their rewards (controller.c).  Who does what: method.h. */
#ifndef NAS_EVAL_CONTROLLER_H
#define NAS_EVAL_CONTROLLER_H

#include "method.h"

#include <clnas/learn.h>

typedef struct nas__controller nas__controller;

/* What must survive with the shared weights, beside the policy's. */
typedef struct nas__controller_state {
    double updates; /* so far */
    double baseline;
    double reward, entropy; /* sums over the running epoch's architectures */
} nas__controller_state;
enum { NAS__CONTROLLER_STATE = sizeof(nas__controller_state) / sizeof(double) };

/* Rewards without the entropy bonus of `count` architectures, which are number first … of the epoch. */
typedef nas_status (*nas__controller_score)(void *user, const nas_arch *archs, int first, int count,
                                            double *rewards);

/* Options, domain and table are lent. */
nas_status nas__controller_create(const nas__controller_options *options, const nas_domain *domain,
                                  const nas_gate_table *table, uint64_t seed,
                                  nas__controller **controller);
void nas__controller_destroy(nas__controller *controller);
nas__controller_state *nas__controller_state_of(nas__controller *controller);
nas_policy *nas__controller_policy(nas__controller *controller);
/* An architecture as the policy now draws it, which the supernet contains; `user` is a controller: the drawer of sampling.h. */
nas_status nas__controller_draw(void *user, nas_random *random, nas_arch *arch);
/* One update of the policy, by options->aggregate architectures. */
nas_status nas__controller_update(nas__controller *controller, nas__controller_score score,
                                  void *user);
/* The architecture `first`, then others, different ones and `count` in all as far as there are: arch texts with blanks between. */
nas_status nas__controller_list(nas__controller *controller, const nas_arch *first, int64_t count,
                                nas_text *list);

#endif
