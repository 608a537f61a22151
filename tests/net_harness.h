/* net_harness.h - a whole network on a device against the double reference, from a graph's text.
 *
 * Loss, output, running statistics, every gradient of parameters, input and gates; and the reference itself against finite
 * differences of the loss.  The bound is the product's: 1e-3 of the largest entry of the double gradient.
 */
#ifndef NET_HARNESS_H
#define NET_HARNESS_H

#include "nas_test.h"

#include <clnas/net.h>

typedef struct net_case {
    const char *name;
    int batch;
    const char *graph;
} net_case;

/* What a test's step block says, but for `real`. */
extern const nas_step net_step;

/* Fails the running test where the net and the reference differ.  With several shards the batch is larger than the case says. */
void net_check(nas_device *device, const net_case *c, int shards, bool unfused, bool clblast);
/* The reference's own gradients against central differences of the loss, in double, along one random direction per
 * parameter tensor and for the gates; at 1e-6 the truncation error is far below the bound and kinks are improbable. */
void net_check_differences(nas_device *device, const net_case *c);

/* ---- pieces ---- */

/* Random input, labels and gates, and parameters away from their symmetric start; the same in both. */
void net_randomise(nas_net *net, nas_reference *reference);
/* Largest difference as a share of the largest entry of the truth (and at least `floor` of anything). */
double net_worst(const float *got, const double *truth, uint64_t count, double floor);
void net_compare_loss(nas_net *net, double truth, const char *name);
/* Gradients of all trained parameters (or the states), then of the gates. */
void net_compare_parameters(nas_net *net, nas_reference *reference, bool states, double bound,
                            const char *name);
void net_compare_gates(nas_net *net, nas_reference *reference, const char *name);
/* Number of live objects that were left; destroys the device. */
int net_close_device(nas_device *device);

#endif
