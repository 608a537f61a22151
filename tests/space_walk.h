/* space_walk.h - what the tests of spaces share: rows drawn from a fixed seed, and what holds for every one of them. */
#ifndef SPACE_WALK_H
#define SPACE_WALK_H

#include <clnas/space.h>

#include "nas_test.h"

static const nas_shape space_mnist = {1, 28, 28};

/* CLNAS_DRAWS, or the short tier's 10,000; the slow tier runs 100,000. */
int space_draws(void);
/* Options as in a config, or NULL; ten classes. */
nas_domain *space_open(const char *space, const char *options, nas_shape input);
nas_arch space_sample(const nas_domain *domain, uint32_t draw);
/* Canonical, valid, nothing behind the end. */
void assert_settled(const nas_domain *domain, const nas_arch *arch);
uint64_t space_graph_hash(const nas_domain *domain, const nas_arch *arch);
/* `count` random rows: settled, text and back, moves; every twentieth built, with neighbours now and then. */
void space_walk(const nas_domain *domain, int count);
/* Every row there is, read, those that are valid, each once: how many.  With `networks` each is built too, and
 * no two may be the same network. */
double space_count_by_hand(const nas_domain *domain, bool networks);
/* `named` with the options of `space`, as nas_domain_open refuses it: the message contains `part`. */
void assert_refused(const char *space, const char *options, const char *part);
/* On `count` random rows the cost that `mmacs` is held against is the graph's own: a row is valid at its own number and not
 * under it.  `options` ends before the closing brace. */
void assert_macs(const char *space, const char *options, nas_shape input, int count);

#endif
