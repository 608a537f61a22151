/* adam.cl - Adam (arXiv 1412.6980) and AdamW (arXiv 1711.05101), as torch.optim has them.
 *
 *     m = β1·m + (1 − β1)·g      v = β2·v + (1 − β2)·g²      p −= rate · m / (√v · root + ε)
 *
 * rate = lr / (1 − β1^t) and root = 1 / √(1 − β2^t) come from the host, worked out in double
 * (host/train/adam.c): 1 − β2^t in float would lose four digits at the first steps. DECOUPLED = 0:
 * decay is added to the gradient (Adam).  1: p shrinks by lr·decay before (AdamW). */
#include "update.clh"

#ifndef DECOUPLED
#define DECOUPLED 0
#endif

__kernel void adam(UPDATE_ARGUMENTS, const float weight_decay, const float beta1,
                   const float one_less_beta1, const float beta2, const float one_less_beta2,
                   const float epsilon)
{
    UPDATE_OPEN
    OPEN_WRITE(moment0);
    OPEN_WRITE(moment1);
    const float decay = UPDATE_DECAY(weight_decay);
#if DECOUPLED
    const lanes start = p * (lanes)(fma(-step->lr, decay, 1.0f));
#else
    const lanes start = p;
    g = fma((lanes)(decay), p, g);
#endif
    const lanes m = fma((lanes)(beta1), lanes_load(moment0 + i), (lanes)(one_less_beta1) * g);
    const lanes v = fma((lanes)(beta2), lanes_load(moment1 + i), (lanes)(one_less_beta2) * g * g);
    lanes_store(moment0 + i, m);
    lanes_store(moment1 + i, v);
    const lanes below = fma(sqrt(v), (lanes)(UPDATE_FACTOR(1)), (lanes)(epsilon));
    lanes_store(parameters + i, fma((lanes)(-UPDATE_FACTOR(0)), m / below, start));
}
