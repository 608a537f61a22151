/* policy.c - a row of genes drawn choice by choice: a table of logits, or an LSTM that has seen the choices before.
 *
 * Idea (Zoph and Le, 1611.01578): an architecture is a sequence of decisions, so a policy that gives each decision a
 * distribution can be trained with the policy gradient: make what paid off more probable.  The table (one row of logits
 * for each gene, NAS-Bench-201's REINFORCE, 2001.00326) takes the decisions as independent; the LSTM (ENAS, 1802.03268)
 * lets each depend on those before it.
 *
 *     log p(row) = Σ_t log softmax(logits_t)[choice_t]
 *     d log p / d logit = [choice] − p        d entropy / d logit = −p·(log p + entropy)
 *
 * The macro controller of ENAS also pays for skips that are more or less likely than wanted, p against the target t, per gene:
 *
 *     penalty = Σ_k p_k log(p_k / t_k)        d penalty / d logit = p·(log(p / t) − penalty)
 *
 * (ENAS takes the sigmoid of one of two opposite logits for p, which is another number than the chance that it draws by.)
 *
 * Logits may be divided by a temperature and squeezed to c·tanh(logit), which keeps a young policy from being sure (Bello
 * et al., 1611.09940; ENAS).
 *
 * Layout: what both kinds share; walking a row; learning from it.  The LSTM is in policy_lstm.c. */
#include "policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_INIT = 3 };

/* Is the gene of step t a skip's? */
static bool is_skip(const nas_policy *p, int t)
{
    const nas_gene *gene = &p->domain->genes[p->genes[t]];
    return gene->choices == 2 && strcmp(gene->name, "skip") == 0;
}

static int count_skip_groups(const nas_policy *p)
{
    int count = 0, last = -1;
    for (int t = 0; t < p->steps; t++) {
        const int group = p->domain->genes[p->genes[t]].group;
        if (!is_skip(p, t) || (count > 0 && group == last))
            continue;
        count++;
        last = group;
    }
    return count;
}

nas_status nas_policy_create(const nas_domain *domain, const nas_policy_shape *shape, uint64_t seed,
                             nas_policy **policy)
{
    nas_status status = NAS_OK;
    nas_policy *p = calloc(1, sizeof *p);
    if (!p)
        NAS_FAIL(NAS_MEMORY, "no memory for a policy");
    p->shape = *shape;
    p->domain = domain;
    int logits = 0;
    for (int i = 0; i < domain->count; i++) {
        int choices = domain->genes[i].choices;
        if (choices < 2)
            continue;
        p->genes[p->steps] = i;
        p->offset[p->steps++] = logits;
        logits += choices;
        p->choices_max = choices > p->choices_max ? choices : p->choices_max;
    }
    p->skip_groups = count_skip_groups(p);
    size_t room = (size_t)p->steps * (size_t)p->choices_max + 1;
    p->chances = calloc(room, sizeof *p->chances);
    p->squeezed = calloc(room, sizeof *p->squeezed);
    if (!p->chances || !p->squeezed) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "no memory for a policy");
        goto done;
    }
    nas_random random = nas_random_make(seed, NAS_STREAM_PROPOSE, 0, 0, STREAM_INIT);
    if (shape->kind == NAS_POLICY_LSTM) {
        NAS_TRY_DONE(nas__lstm_create(p));
        nas__lstm_init(p, &random);
    } else {
        NAS_TRY_DONE(nas_weights_create(logits, &p->weights));
        for (int i = 0; i < logits; i++)
            p->weights.value[i] = 1e-3 * nas_random_normal(&random);
    }
    *policy = p;
    return NAS_OK;
done:
    nas_policy_destroy(p);
    return status;
}

void nas_policy_destroy(nas_policy *policy)
{
    if (!policy)
        return;
    nas__lstm_destroy(policy->lstm);
    nas_weights_clear(&policy->weights);
    free(policy->chances);
    free(policy->squeezed);
    free(policy);
}

nas_weights *nas_policy_weights(nas_policy *policy)
{
    return &policy->weights;
}

void nas_policy_lay_under(nas_policy *policy, const nas_arch *row)
{
    policy->under = row;
}

/* ---- walking a row -------------------------------------------------------------------------------------------------- */

/* Logits in place to probabilities; remembers the slope of temperature and tanh. */
static void soften(nas_policy *p, int t, int choices)
{
    double *chance = p->chances + (size_t)t * (size_t)p->choices_max, sum = 0;
    double *slope = p->squeezed + (size_t)t * (size_t)p->choices_max, most = -INFINITY;
    const bool op = p->shape.op_tanh > 0 && strcmp(p->domain->genes[p->genes[t]].name, "op") == 0;
    const double c = op ? p->shape.op_tanh : p->shape.tanh_constant;
    for (int k = 0; k < choices; k++) {
        double logit = chance[k] / p->shape.temperature, bent = tanh(logit);
        slope[k] = (c > 0 ? c * (1 - bent * bent) : 1) / p->shape.temperature;
        chance[k] = c > 0 ? c * bent : logit;
        if (k == choices - 1 && p->shape.anew > 0)
            chance[k] += log((choices - 1) * (1 - p->shape.anew) / p->shape.anew);
        most = chance[k] > most ? chance[k] : most;
    }
    for (int k = 0; k < choices; k++)
        sum += chance[k] = exp(chance[k] - most);
    for (int k = 0; k < choices; k++)
        chance[k] /= sum;
}

static int draw(const double *chance, int choices, nas_random *random)
{
    double ball = nas_random_uniform(random);
    for (int k = 0; k < choices - 1; k++) {
        if (ball < chance[k])
            return k;
        ball -= chance[k];
    }
    return choices - 1;
}

int nas__policy_choice(const nas_policy *p, const nas_arch *row, int gene)
{
    bool kept = p->under && row->genes[gene] == p->domain->genes[gene].choices - 1;
    return kept ? p->under->genes[gene] : row->genes[gene];
}

/* Steps through the row, drawing it where `random` is given. */
static double walk(nas_policy *p, nas_random *random, nas_arch *row, double *entropy)
{
    double log_chance = 0;
    int before = -1;
    *entropy = 0;
    for (int t = 0; t < p->steps; t++) {
        int gene = p->genes[t], choices = p->domain->genes[gene].choices;
        double *chance = p->chances + (size_t)t * (size_t)p->choices_max;
        if (p->lstm)
            nas__lstm_step(p, t, before, chance);
        else
            memcpy(chance, p->weights.value + p->offset[t], (size_t)choices * sizeof *chance);
        soften(p, t, choices);
        if (random)
            row->genes[gene] = (uint8_t)draw(chance, choices, random);
        log_chance += log(fmax(chance[row->genes[gene]], 1e-300));
        before = nas__policy_choice(p, row, gene);
        for (int k = 0; k < choices; k++)
            *entropy -= chance[k] > 0 ? chance[k] * log(chance[k]) : 0;
    }
    return log_chance;
}

double nas_policy_draw(nas_policy *policy, nas_random *random, nas_arch *row)
{
    double entropy;
    *row = (nas_arch){.count = (uint16_t)policy->domain->count};
    return walk(policy, random, row, &entropy);
}

double nas_policy_look(nas_policy *policy, const nas_arch *row, double *entropy)
{
    nas_arch copy = *row;
    return walk(policy, NULL, &copy, entropy);
}

/* ---- learning ------------------------------------------------------------------------------------------------------- */

/* log(chance / target) of a choice of step t, a skip's. */
static double log_excess(const nas_policy *p, int t, int k)
{
    const double chance = p->chances[(size_t)t * (size_t)p->choices_max + (size_t)k];
    const double target = k == 1 ? p->shape.skip_target : 1 - p->shape.skip_target;
    return log(fmax(chance, 1e-300) / fmax(target, 1e-300));
}

static double penalty_of_step(const nas_policy *p, int t)
{
    const double *chance = p->chances + (size_t)t * (size_t)p->choices_max;
    return chance[0] * log_excess(p, t, 0) + chance[1] * log_excess(p, t, 1);
}

double nas_policy_penalty(const nas_policy *p)
{
    double sum = 0;
    for (int t = 0; t < p->steps; t++)
        sum += is_skip(p, t) ? penalty_of_step(p, t) : 0;
    return p->skip_groups ? sum / p->skip_groups : 0;
}

/* d loss / d logit of step t. */
static void slope_of_step(const nas_policy *p, int t, int choice, const nas_policy_push *push,
                          double *slope)
{
    int choices = p->domain->genes[p->genes[t]].choices;
    const double *q = p->chances + (size_t)t * (size_t)p->choices_max;
    const double *bent = p->squeezed + (size_t)t * (size_t)p->choices_max;
    const double pull = is_skip(p, t) ? push->pull / p->skip_groups : 0;
    const double penalty = pull > 0 ? penalty_of_step(p, t) : 0;
    double entropy = 0;
    for (int k = 0; k < choices; k++)
        entropy -= q[k] > 0 ? q[k] * log(q[k]) : 0;
    for (int k = 0; k < choices; k++) {
        double log_q = q[k] > 0 ? log(q[k]) : 0;
        double up = push->chance * ((k == choice) - q[k]) - push->bonus * q[k] * (log_q + entropy);
        if (pull > 0)
            up -= pull * q[k] * (log_excess(p, t, k) - penalty);
        slope[k] = -up * bent[k];
    }
}

void nas_policy_learn(nas_policy *p, const nas_arch *row, const nas_policy_push *push)
{
    double *slopes = calloc((size_t)p->steps * (size_t)p->choices_max + 1, sizeof *slopes);
    if (!slopes)
        return; /* a step less; the next allocation fails loudly */
    for (int t = 0; t < p->steps; t++)
        slope_of_step(p, t, row->genes[p->genes[t]], push,
                      slopes + (size_t)t * (size_t)p->choices_max);
    if (p->lstm)
        nas__lstm_back(p, row, slopes);
    for (int t = 0; t < p->steps && !p->lstm; t++)
        for (int k = 0; k < p->domain->genes[p->genes[t]].choices; k++)
            p->weights.gradient[p->offset[t] + k] +=
                slopes[(size_t)t * (size_t)p->choices_max + (size_t)k];
    free(slopes);
}
