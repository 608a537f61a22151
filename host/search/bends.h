/* bends.h - a search by α that is ended where the loss begins to bend sharply under α (bends.c). */
#ifndef NAS_SEARCH_BENDS_H
#define NAS_SEARCH_BENDS_H

#include <clnas/space.h>

typedef struct nas__bend {
    double epochs, curvature; /* measured after so many epochs */
    nas_arch derived;         /* what α then spoke for */
} nas__bend;

typedef struct nas__bends {
    nas__bend *at; /* in the order of epochs */
    int count;
} nas__bends;

nas_status nas__bends_add(nas__bends *bends, const nas__bend *bend);
void nas__bends_clear(nas__bends *bends);
/* The measurement that the search is to go back to, behind `after` epochs or more, since the newest one shows that the mean curvature has
 * grown by more than `factor` from there; −1: go on. */
int nas__bends_turn(const nas__bends *bends, double factor, double after);

#endif
