/* sections.h - the parts of a report.  Each adds its body to the page, or nothing where the study has nothing for it.
 *
 *   report.c            the page, its list of contents
 *   section_study.c     what was searched and how; how far it is
 *   section_networks.c  the best, the fronts, what was retrained
 *   section_failures.c  what failed, and why
 *   section_repeat.c    everything that is needed to do it again */
#ifndef CLNAS_REPORT_SECTIONS_H
#define CLNAS_REPORT_SECTIONS_H

#include "plots.h"
#include "table.h"

nas_status nas__section_study(nas__subject *subject, nas_text *page);
nas_status nas__section_networks(nas__subject *subject, nas_text *page);
nas_status nas__section_front(nas__subject *subject, nas_text *page);
nas_status nas__section_retrained(nas__subject *subject, nas_text *page);
nas_status nas__section_supernet(nas__subject *subject, nas_text *page);
nas_status nas__section_failures(nas__subject *subject, nas_text *page);
nas_status nas__section_repeat(nas__subject *subject, nas_text *page);

/* "and 123 more: clnas trials …", where only `shown` of `count` are in a table. */
void nas__say_more(nas_text *page, int shown, int count, const char *command, const char *path);

#endif
