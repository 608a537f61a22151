/* plots.h - what a picture of a study is. */
#ifndef CLNAS_REPORT_PLOTS_H
#define CLNAS_REPORT_PLOTS_H

#include "sheet.h"
#include "subject.h"

typedef struct nas__plot_kind {
    nas_kind kind; /* name, summary: what it shows */
    /* Adds its pictures to the sheet; none where the study has nothing for it. */
    nas_status (*draw)(nas__subject *subject, nas__sheet *sheet);
} nas__plot_kind;

const nas__plot_kind *nas__plot_find(const char *name); /* NULL: none */
/* Onto a page: nothing at all where there is nothing to draw. */
nas_status nas__plot_page(const char *name, nas__subject *subject, nas_text *page);

/* The network to draw: of the best trial, or of the last epoch of a supernet; -1: there is none yet. */
int nas__network_trial(const nas__subject *subject);
nas_status nas__network_draw(nas__subject *subject, int trial, nas__sheet *sheet);

/* What a number of pictures share. */
/* "trial 17: " and the values of the metrics, then its architecture. */
void nas__trial_words(nas_text *text, const nas__subject *subject, int i,
                      const char *const *metrics, int count);
/* Large spread, all positive: a logarithmic axis shows more. */
bool nas__wants_log(const double *values, int count);

#endif
