/* drawn.c - what lies between a policy and the log: proposals that it draws, the notes that tell of them, and the baseline.
 *
 * A row as the policy drew it need not be the canonical one that becomes the trial, and by the time its result is in the policy has
 * moved on.  So the note keeps both the raw row and its log-probability, and a strategy that is replayed finds them in the log.
 * Read next: host/learn/policy.c, reinforce.c. */
#include "drawn.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- proposals and their notes ---------------------------------------------------------------------------------------- */

static nas_status write_note(const nas_arch *row, double log_chance, nas_proposal *proposal)
{
    nas_text text = {0};
    nas_arch_write(row, NULL, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        snprintf(proposal->note, sizeof proposal->note, "%a %s", log_chance, text.data);
    nas_text_clear(&text);
    return status;
}

nas_status nas__drawn_propose(nas_policy *policy, const nas_setting *setting,
                              const nas_outlook *outlook, int64_t tries, nas_proposal *proposal)
{
    nas_random random =
        nas_random_make(setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    for (int64_t i = 0; i < tries; i++) {
        nas_arch row;
        double log_chance = nas_policy_draw(policy, &random, &row);
        proposal->arch = row;
        nas_domain_canonical(setting->domain, &proposal->arch);
        if (nas_domain_valid(setting->domain, &proposal->arch) == NAS_OK)
            return write_note(&row, log_chance, proposal);
    }
    return nas_domain_sample(setting->domain, &random, &proposal->arch);
}

bool nas__drawn_recall(const nas_seen *trial, nas_arch *row, double *log_chance)
{
    char *end;
    if (!trial->note[0])
        return false;
    double number = nas_real_read(trial->note, &end);
    if (end == trial->note || *end != ' ' || nas_arch_parse(end + 1, row) != NAS_OK ||
        row->count != trial->arch.count)
        return false;
    *log_chance = number;
    return true;
}

/* ---- the baseline --------------------------------------------------------------------------------------------------------- */

double nas__baseline_take(nas__baseline *b, double decay, const nas_seen *trial)
{
    bool good = !trial->failed && trial->violation == 0;
    double reward = good ? trial->score[0] : b->worst;
    if (good && (b->count == 0 || reward < b->worst))
        b->worst = reward;
    b->count += good;
    b->sum = decay * b->sum + (1 - decay) * reward;
    b->share = decay * b->share + (1 - decay);
    return reward;
}

double nas__baseline_value(const nas__baseline *b)
{
    return b->share > 0 ? b->sum / b->share : 0;
}
