/* recalibrate.c - running statistics of one path through a supernet.
 *
 * Idea (Guo et al., SPOS, arXiv 1904.00420): norms that were trained with one path after another have the statistics of none.  So before an
 * architecture is scored its path is opened, what ran through training is forgotten, some training batches go through in training
 * mode, and then evaluation has the statistics of that very network.  Weights stay as they are.
 *
 *     running_k = running_{k−1} + (batch_k − running_{k−1}) / k        the plain mean of the batches' means and (unbiased) variances
 *
 * A fixed momentum, as in the released code, weighs the last batches most; the plain mean does not depend on their order but for
 * rounding.  All candidates see the same batches, as they are, without augmentation, so that scores differ by the architecture alone.
 *
 * States begin as 0: the first batch's momentum is 1, so nothing of them is left, whatever was scored before; and norms off the path
 * stay 0, which nobody reads. */
#include "supernet.h"

static nas_status forget(nas_net *net)
{
    const nas_tensor states = nas_net_parameters(net).states;
    if (states.count == 0)
        return NAS_OK;
    return nas_buffer_fill(states.buffer, 4 * states.at, 4 * states.count, &(float){0}, 4);
}

nas_status nas__recalibrate(nas_net *net, nas_batches *batches)
{
    NAS_TRY(forget(net));
    NAS_TRY(nas_batches_epoch(batches, 0));
    for (int i = 0; i < nas_batches_steps(batches); i++) {
        const nas_step step = {.real = (uint32_t)nas_batches_real(batches, i),
                               .step = (uint32_t)i,
                               .norm_momentum = 1.0f / (float)(i + 1)};
        NAS_TRY(nas_net_set_step(net, &step));
        NAS_TRY(nas_batches_load(batches, i));
        NAS_TRY(nas_net_forward(net));
    }
    return NAS_OK;
}
