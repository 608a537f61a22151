/* qtable.h - values of (state, choice) along a row of genes: the table of Q-learning. */
#ifndef NAS_SEARCH_QTABLE_H
#define NAS_SEARCH_QTABLE_H

#include <clnas/space.h>

/* The state at gene i is (i, the genes that are remembered, the bucket of the size that its layer reads).  Remembered are so many
 * before it, or, with memory −1, those of its own group so far and of the group before. */
typedef struct nas__qtable {
    const nas_domain *domain;
    int memory;
    double initial;
    int width; /* choices_max */
    uint64_t *keys;
    double *values; /* [slot][width] */
    bool *used;
    int slot_count, count;
} nas__qtable;

nas_status nas__qtable_create(const nas_domain *domain, int memory, double initial,
                              nas__qtable *table);
void nas__qtable_clear(nas__qtable *table);
/* The values of the choices of gene `gene` after the genes before it in `row`; NULL: never updated. */
const double *nas__qtable_look(const nas__qtable *table, const nas_arch *row, int gene);
/* Q ← (1 − alpha)·Q + alpha·(reward + gamma·max Q(next)) from the last live gene to the first; the reward comes with the
 * last, whose next value is 0.  `live`: the genes that had an effect. */
nas_status nas__qtable_update(nas__qtable *table, const nas_arch *row, const bool *live,
                              double reward, double alpha, double gamma);

#endif
