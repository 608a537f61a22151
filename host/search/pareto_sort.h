/* pareto_sort.h - members of a population in the order of NSGA-II. */
#ifndef NAS_SEARCH_PARETO_SORT_H
#define NAS_SEARCH_PARETO_SORT_H

#include <clnas/search.h>

typedef struct nas__ranked {
    nas_arch arch;
    int index;
    double score[NAS_OBJECTIVES]; /* greater is better */
    double violation;             /* 0: within the bounds; INFINITY: failed */
    int front;                    /* 0: nobody dominates it */
    double crowding;
} nas__ranked;

/* Sets `front` and `crowding` and sorts by (front, crowding, order before). */
nas_status nas__pareto_sort(nas__ranked *members, int count, int objectives);

#endif
