/* encoding.h - architectures as rows of numbers for a surrogate, and the results that it learns from. */
#ifndef NAS_SEARCH_ENCODING_H
#define NAS_SEARCH_ENCODING_H

#include <clnas/search.h>

typedef enum nas__encoding { NAS__ENCODING_ONE_HOT, NAS__ENCODING_PATH } nas__encoding;

/* Results in the order in which they were observed. */
typedef struct nas__examples {
    const nas_domain *domain;
    nas__encoding encoding;
    int inputs; /* numbers of a row */
    nas_arch *archs;
    int *indices;
    double *features, *targets; /* target −INFINITY: failed, or outside of the bounds */
    int count, capacity;
    float *row; /* scratch */
} nas__examples;

/* NAS_CONFIG when the space has no paths and `encoding` wants them.  Of paths the first `paths` are kept (0: all). */
nas_status nas__examples_init(const nas_domain *domain, nas__encoding encoding, int paths,
                              nas__examples *examples);
void nas__examples_clear(nas__examples *examples);
nas_status nas__examples_add(nas__examples *examples, const nas_seen *trial);
/* The targets of the first `count` with the worst good one in place of those that are none; free() them. */
nas_status nas__examples_targets(const nas__examples *examples, int count, double **targets);
void nas__encode(const nas__examples *examples, const nas_arch *arch, double *features);

#endif
