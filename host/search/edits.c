/* edits.c - a policy that edits good networks instead of drawing new ones: network transformation.
 *
 * Idea (Cai et al., "Efficient architecture search by network transformation", 1707.04873): most of what a trained network has
 * learnt is still there after a small edit, so let the controller's actions be edits, and let the child begin with its parent's
 * weights (host/net/inherit.c; Net2Net, 1511.05641).
 *
 * An action is a gene: keep it, which is one more choice behind the gene's own, or take this choice.  An untrained controller
 * keeps nearly all: the logit of keeping has an offset such that, with all others at 0, `edits` genes are drawn anew on average.
 * The offset is added behind temperature and tanh and is no weight, so the policy gradient is the plain one.  The LSTM reads what
 * each gene is after its step, kept or new, so it knows the network that it edits as far as it has come.
 *
 * The parent is one of the best networks seen, each as likely.  A note "ACTIONS PARENT" brings the actions back with the
 * result.
 *
 * Departures: the authors' controller has two actors, for wider and for deeper layers, on a bidirectional encoding of the whole
 * network, and its reward is tan(accuracy·π/2); here any gene of any space may change, and the reward is the strategy's. */
#include "edits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_PARENT = 4 };

typedef struct parent {
    nas_arch arch;
    int index;
    double score;
} parent;

struct nas__edits {
    const nas_setting *setting;
    nas_domain actions; /* the setting's, with one more choice for each gene that has several */
    nas_policy *policy;
    nas_arch edited;                    /* what the policy works on */
    parent best[NAS__EDIT_PARENTS_MAX]; /* best first */
    int count, limit;
};

nas_status nas__edits_create(const nas_setting *setting, const nas_policy_shape *shape,
                             double edits, int parents, nas__edits **made)
{
    nas__edits *e = calloc(1, sizeof *e);
    if (!e)
        NAS_FAIL(NAS_MEMORY, "no memory for a policy");
    e->setting = setting;
    e->actions = *setting->domain;
    e->limit = parents;
    int genes = 0;
    for (int i = 0; i < e->actions.count; i++)
        if (e->actions.genes[i].choices > 1) {
            e->actions.genes[i].choices++;
            genes++;
        }
    nas_policy_shape with_keep = *shape;
    with_keep.anew = fmin(edits / fmax(genes, 1), 0.9);
    nas_status status = nas_policy_create(&e->actions, &with_keep, setting->seed, &e->policy);
    if (status != NAS_OK) {
        free(e);
        return status;
    }
    nas_policy_lay_under(e->policy, &e->edited);
    *made = e;
    return NAS_OK;
}

void nas__edits_destroy(nas__edits *edits)
{
    if (!edits)
        return;
    nas_policy_destroy(edits->policy);
    free(edits);
}

nas_policy *nas__edits_policy(nas__edits *edits)
{
    return edits->policy;
}

/* ---- parents --------------------------------------------------------------------------------------------------------- */

void nas__edits_observe(nas__edits *e, const nas_seen *trial)
{
    int at = e->count;
    if (trial->failed || trial->violation > 0)
        return;
    while (at > 0 && trial->score[0] > e->best[at - 1].score)
        at--;
    if (at == e->limit)
        return;
    e->count += e->count < e->limit;
    memmove(e->best + at + 1, e->best + at, (size_t)(e->count - at - 1) * sizeof *e->best);
    e->best[at] = (parent){trial->arch, trial->index, trial->score[0]};
}

bool nas__edits_has_parent(const nas__edits *e, int trial)
{
    for (int i = 0; i < e->count; i++)
        if (e->best[i].index == trial)
            return true;
    return false;
}

/* ---- proposals and their notes ------------------------------------------------------------------------------------------ */

static nas_status write_note(const nas_arch *actions, const nas_arch *edited,
                             nas_proposal *proposal)
{
    nas_text text = {0};
    bool fits = false;
    nas_arch_write(actions, NULL, &text);
    nas_text_add(&text, " ");
    nas_arch_write(edited, NULL, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        fits = snprintf(proposal->note, sizeof proposal->note, "%s", text.data) <
               (int)sizeof proposal->note;
    nas_text_clear(&text);
    if (status == NAS_OK && !fits)
        NAS_FAIL(NAS_CONFIG, "the space has too many genes with too many choices to be edited");
    return status;
}

bool nas__edits_recall(nas__edits *e, const nas_seen *trial, nas_arch *actions)
{
    const char *space = strchr(trial->note, ' ');
    char text[NAS_NOTE_SIZE];
    nas_arch edited;
    if (!space || (size_t)(space - trial->note) >= sizeof text)
        return false;
    memcpy(text, trial->note, (size_t)(space - trial->note));
    text[space - trial->note] = '\0';
    if (nas_arch_parse(text, actions) != NAS_OK || nas_arch_parse(space + 1, &edited) != NAS_OK ||
        actions->count != trial->arch.count || nas_domain_check(&e->actions, actions) != NAS_OK ||
        nas_domain_check(e->setting->domain, &edited) != NAS_OK)
        return false;
    e->edited = edited;
    return true;
}

/* The parent with the actions done. */
static nas_arch edited_by(const nas__edits *e, const nas_arch *actions)
{
    nas_arch child = e->edited;
    for (int i = 0; i < child.count; i++)
        if (actions->genes[i] < e->setting->domain->genes[i].choices)
            child.genes[i] = actions->genes[i];
    nas_domain_canonical(e->setting->domain, &child);
    return child;
}

nas_status nas__edits_propose(nas__edits *e, const nas_outlook *outlook, int64_t tries,
                              nas_proposal *proposal)
{
    const nas_domain *domain = e->setting->domain;
    nas_random random =
        nas_random_make(e->setting->seed, NAS_STREAM_PROPOSE, (uint32_t)outlook->index, 0, 0);
    nas_random which = nas_random_make(e->setting->seed, NAS_STREAM_PROPOSE,
                                       (uint32_t)outlook->index, 0, STREAM_PARENT);
    if (e->count == 0)
        return nas_domain_sample(domain, &random, &proposal->arch);
    const parent *p = &e->best[nas_random_below(&which, (uint32_t)e->count)];
    e->edited = p->arch;
    proposal->parent = p->index;
    proposal->from = e->setting->weights ? p->index : -1;
    for (int64_t i = 0; i < tries; i++) {
        nas_arch actions;
        nas_policy_draw(e->policy, &random, &actions);
        proposal->arch = edited_by(e, &actions);
        if (!nas_arch_equal(&proposal->arch, &p->arch) &&
            nas_domain_valid(domain, &proposal->arch) == NAS_OK)
            return write_note(&actions, &p->arch, proposal);
    }
    return nas_domain_mutate(domain, &p->arch, NAS_MUTATE_ONE, 0, &random, &proposal->arch);
}
