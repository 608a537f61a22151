/* curvature.c - how sharply the loss bends under α: the largest eigenvalue of its Hessian.
 *
 * Zela et al. (arXiv 1909.09656) found that an architecture which DARTS derives loses little by being made discrete where this number is
 * small, and that a search which goes wrong, towards skip connections, is seen by its rise.  With the weights held and on one batch,
 *
 *     H·v ≈ (g(α + ε·v) − g(α − ε·v)) / 2ε,    g: gradient by α, v of length 1
 *
 * so a product is two passes forth and back for the gates alone, and Lanczos (spectrum.c) needs about a dozen products where the authors, who have
 * second derivatives, form H as a whole.  ε = 0.1 over hundreds of weights moves each by a hundredth: far enough for floats, near enough for the
 * softmax, whose third derivative makes errors of ε²/6.
 *
 * A relu bends the loss at points, where second derivatives see nothing and a difference sees the bend that it steps over.  So this is the
 * curvature of the loss as it is at that distance, and not the number that second derivatives give; the two agree where no relu follows
 * a choice (tests/test_unrolled.c holds both).  What the rule needs is how it grows.
 *
 * They take the largest eigenvalue, not the one of the largest size, and so do we. */
#include "relaxation.h"
#include "spectrum.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const double epsilon = 0.1;

typedef struct bend {
    nas__relaxation *relaxation;
    int used;
    float *alpha; /* as it was; all of these as long as α with its padding */
    float *moved;
    float *up, *down; /* gradients */
} bend;

static nas_status gradient_at(bend *b, const double *vector, double by, float *gradient)
{
    nas__relaxation *r = b->relaxation;
    for (int i = 0; i < b->used; i++)
        b->moved[i] = (float)(b->alpha[i] + by * vector[i]);
    NAS_TRY(nas_tensor_write(r->alpha, b->moved));
    NAS_TRY(nas__relaxation_plain(r));
    NAS_TRY(nas_net_forward(r->net));
    NAS_TRY(nas_net_backward_gates(r->net));
    NAS_TRY(nas__relaxation_backward(r));
    return nas_tensor_read(r->gradient, gradient);
}

static nas_status multiply(void *user, const double *vector, double *result)
{
    bend *b = user;
    NAS_TRY(gradient_at(b, vector, epsilon, b->up));
    NAS_TRY(gradient_at(b, vector, -epsilon, b->down));
    for (int i = 0; i < b->used; i++)
        result[i] = ((double)b->up[i] - b->down[i]) / (2 * epsilon);
    return NAS_OK;
}

static nas_status measure(bend *b, double *largest)
{
    const nas_tensor alpha = b->relaxation->alpha;
    NAS_TRY(nas_tensor_read(alpha, b->alpha));
    memcpy(b->moved, b->alpha, alpha.count * sizeof *b->alpha);
    nas_status status = nas__largest_eigenvalue(multiply, b, b->used, largest);
    nas_status back = nas_tensor_write(alpha, b->alpha);
    return status != NAS_OK ? status : back;
}

nas_status nas__curvature(nas__relaxation *relaxation, double *largest)
{
    const size_t count = (size_t)relaxation->alpha.count;
    bend b = {.relaxation = relaxation, .used = nas__relaxation_used(relaxation)};
    b.alpha = malloc(4 * count * sizeof *b.alpha);
    if (!b.alpha)
        NAS_FAIL(NAS_MEMORY, "no memory for %" PRIu64 " architecture weights",
                 relaxation->alpha.count);
    b.moved = b.alpha + count;
    b.up = b.moved + count;
    b.down = b.up + count;
    nas_status status = measure(&b, largest);
    free(b.alpha);
    return status;
}
