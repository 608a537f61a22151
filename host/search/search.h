/* search.h - what the files of this room share. */
#ifndef NAS_SEARCH_SEARCH_H
#define NAS_SEARCH_SEARCH_H

#include <clnas/search.h>

#define NAS_STRATEGY(name) extern const nas_strategy nas__strategy_##name;
#include "strategy_list.h"
#undef NAS_STRATEGY

/* Every trial of the study with its architecture parsed, and where each architecture came first. */
typedef struct nas__roll {
    nas_seen **rows; /* by index; each stays where it is */
    int *same;       /* the next row with an equal architecture, -1: none */
    int count, capacity;
    int *slots; /* open addressing: index of the first row with an architecture, -1: free */
    int slot_count, distinct;
} nas__roll;

void nas__roll_clear(nas__roll *roll);
/* Takes in the study's trials that it has not got yet. */
nas_status nas__roll_follow(nas__roll *roll, const nas_domain *domain, const nas_study *study);
int nas__roll_find(const nas__roll *roll, const nas_arch *arch); /* first row, -1: none */

#endif
