/* rmsprop.cl - RMSprop (Hinton, lecture 6e of "Neural networks for machine learning", 2012), as
 * torch.optim has it:
 *     g += decay·p     v = α·v + (1 − α)·g²     d = g / (√v + ε)
 *     momentum: m = momentum·m + d, p −= lr·m;   else p −= lr·d */
#include "update.clh"

__kernel void rmsprop(UPDATE_ARGUMENTS, const float weight_decay, const float alpha,
                      const float one_less_alpha, const float epsilon, const float momentum)
{
    UPDATE_OPEN
    OPEN_WRITE(moment0);
    OPEN_WRITE(moment1);
    g = fma((lanes)(UPDATE_DECAY(weight_decay)), p, g);
    const lanes v = fma((lanes)(alpha), lanes_load(moment0 + i), (lanes)(one_less_alpha) * g * g);
    lanes_store(moment0 + i, v);
    const lanes d = g / (sqrt(v) + (lanes)(epsilon));
    const lanes m = fma((lanes)(momentum), lanes_load(moment1 + i), d);
    lanes_store(moment1 + i, m);
    lanes_store(parameters + i, fma((lanes)(-step->lr), m, p));
}
