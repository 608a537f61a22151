/* weights.c - Adam on one flat row of doubles: the controllers and surrogates of this room are small. */
#include <clnas/learn.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

nas_status nas_weights_create(int count, nas_weights *weights)
{
    double *all = calloc(4 * (size_t)count + 1, sizeof *all);
    if (!all)
        NAS_FAIL(NAS_MEMORY, "no memory for %d weights", count);
    *weights = (nas_weights){.count = count,
                             .value = all,
                             .gradient = all + count,
                             .first = all + 2 * (size_t)count,
                             .second = all + 3 * (size_t)count};
    return NAS_OK;
}

void nas_weights_clear(nas_weights *weights)
{
    free(weights->value);
    *weights = (nas_weights){0};
}

static double scale_of(const nas_weights *w, double clip)
{
    double sum = 0;
    for (int i = 0; i < w->count && clip > 0; i++)
        sum += w->gradient[i] * w->gradient[i];
    double norm = sqrt(sum);
    return norm > clip && clip > 0 ? clip / norm : 1;
}

void nas_weights_step(nas_weights *w, const nas_adam *adam)
{
    double scale = scale_of(w, adam->clip);
    w->steps++;
    double first_share = 1 - pow(adam->beta1, (double)w->steps);
    double second_share = 1 - pow(adam->beta2, (double)w->steps);
    for (int i = 0; i < w->count; i++) {
        double g = w->gradient[i] * scale;
        w->first[i] = adam->beta1 * w->first[i] + (1 - adam->beta1) * g;
        w->second[i] = adam->beta2 * w->second[i] + (1 - adam->beta2) * g * g;
        w->value[i] -= adam->rate * (w->first[i] / first_share) /
                       (sqrt(w->second[i] / second_share) + adam->epsilon);
    }
    memset(w->gradient, 0, (size_t)w->count * sizeof *w->gradient);
}
