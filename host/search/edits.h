/* edits.h - a policy that edits good networks instead of drawing new ones. */
#ifndef NAS_SEARCH_EDITS_H
#define NAS_SEARCH_EDITS_H

#include <clnas/learn.h>
#include <clnas/search.h>

enum { NAS__EDIT_PARENTS_MAX = 64 };

typedef struct nas__edits nas__edits;

/* `shape` as for a policy that draws rows; `edits`: genes that it draws anew at first, on average; one of the best `parents`
 * networks is edited. */
nas_status nas__edits_create(const nas_setting *setting, const nas_policy_shape *shape,
                             double edits, int parents, nas__edits **made);
void nas__edits_destroy(nas__edits *edits);
nas_policy *nas__edits_policy(nas__edits *edits); /* lent */
void nas__edits_observe(nas__edits *edits, const nas_seen *trial);
/* Is the trial one of those that may be edited? */
bool nas__edits_has_parent(const nas__edits *edits, int trial);
/* An edited network, its parent, and from, where the evaluator keeps weights; a uniform draw while nothing good was seen. */
nas_status nas__edits_propose(nas__edits *edits, const nas_outlook *outlook, int64_t tries,
                              nas_proposal *proposal);
/* The actions that led to the trial, for nas_policy_look and _learn; false for one that no policy made. */
bool nas__edits_recall(nas__edits *edits, const nas_seen *trial, nas_arch *actions);

#endif
