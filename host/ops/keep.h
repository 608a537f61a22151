/* keep.h - the random words of dropout and drop_path on the host; cl/keep.clh draws the same on the device. */
#ifndef NAS_OPS_KEEP_H
#define NAS_OPS_KEEP_H

#include <clnas/ops.h>

enum { NAS__WHOLE_SAMPLE = -1 }; /* the position of a draw per sample */

/* The word for element `position` (in c, h, w order) of a sample. */
static inline uint32_t nas__keep_word(const nas_step *step, int node, uint32_t position, int sample)
{
    const uint32_t counter[4] = {position,
                                 ((uint32_t)node << 16) + (uint32_t)(sample / 16 * 4 + sample % 4),
                                 step->step, step->epoch};
    uint32_t words[4];
    nas_philox(counter, step->key, words);
    return words[sample % 16 / 4];
}

/* Words below it are dropped; probability in [0, 1). */
static inline uint32_t nas__keep_threshold(float probability)
{
    return (uint32_t)((double)probability * 4294967296.0);
}

#endif
