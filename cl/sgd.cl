/* sgd.cl - stochastic gradient descent with momentum, as torch.optim.SGD has it (dampening 0):
 *     g += decay·p     m = momentum·m + g     p −= lr·m   (Nesterov: p −= lr·(g + momentum·m))
 * Moments start as 0, so the first step gives m = g; with momentum 0 the rest follows, m = g
 * always. */
// compile: -DLANES=16
// compile: -DMASKED=1 -DSCALED=1
#include "update.clh"

__kernel void sgd(UPDATE_ARGUMENTS, const float weight_decay, const float momentum,
                  const int nesterov)
{
    UPDATE_OPEN
    g = fma((lanes)(UPDATE_DECAY(weight_decay)), p, g);
    OPEN_WRITE(moment0);
    const lanes m = fma((lanes)(momentum), lanes_load(moment0 + i), g);
    lanes_store(moment0 + i, m);
    g = nesterov ? fma((lanes)(momentum), m, g) : m;
    lanes_store(parameters + i, fma((lanes)(-step->lr), g, p));
}
