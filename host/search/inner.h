/* inner.h - a strategy inside another: halving, Hyperband, ASHA, BOHB, filter and warm-up have one. */
#ifndef NAS_SEARCH_INNER_H
#define NAS_SEARCH_INNER_H

#include "search.h"

typedef struct nas__inner {
    const nas_strategy *strategy;
    void *own_options; /* where the group named it */
    nas_setting setting;
    void *state;
    nas_seen *shown; /* pending proposals, with its notes */
    const nas_seen **rows;
    int capacity;
    int observed; /* results that it was shown */
} nas__inner;

/* `strategy` with its `options`, or (NULL) the one that the group's `inner` names, else random. */
nas_status nas__inner_begin(nas__inner *inner, const nas_setting *setting,
                            const nas_strategy *strategy, const void *options);
void nas__inner_end(nas__inner *inner);
/* A result as its own, with the note it wrote. */
nas_status nas__inner_observe(nas__inner *inner, const nas_seen *trial, const char *note);

/* The note that the inner strategy wrote for a pending trial; NULL: not one that it is to know of. */
typedef const char *(*nas__inner_note)(const void *outer, const nas_seen *pending);
/* Its proposal, as if there were nothing around it; `outer` is for `note`. */
nas_status nas__inner_propose(nas__inner *inner, const nas_outlook *outlook, nas__inner_note note,
                              const void *outer, nas_proposal *proposal);
/* May a proposal of its own start from that trial's weights? */
bool nas__inner_wants_weights(const nas__inner *inner, int trial);
/* Puts the outer strategy's `mark` in front of the note.  NAS_CONFIG when there is no room. */
nas_status nas__inner_mark(const nas__inner *inner, const char *mark, nas_proposal *proposal);

#endif
