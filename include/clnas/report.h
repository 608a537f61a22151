/* report.h - studies to look at: a page of a study, and single pictures.
 *
 * Everything here reads studies that may still be running, and never disturbs them (NAS_STORE_READ).  A page is one HTML file that
 * opens offline: charts and diagrams are SVG drawn here, the style sheet stands inside, and there is no script.  Strings out of a
 * study (names, architectures, reasons) are text wherever they appear, whatever characters they hold.
 */
#ifndef CLNAS_REPORT_H
#define CLNAS_REPORT_H

#include <clnas/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the report of one study as an HTML page.  NAS_STORE: no study, or one that cannot be read. */
NAS_API nas_status nas_report_write(const char *study_path, nas_text *page);

/* The pictures that there are, by index: name, and what it shows.  NULL: no more. */
NAS_API const nas_kind *nas_plot_at(int index);
/* Draws one of them alone, as an SVG file.  NAS_CONFIG: there is no such picture; NAS_FAILED: the study has nothing for it. */
NAS_API nas_status nas_plot_write(const char *name, const char *study_path, nas_text *svg);

/* A number and what it may be; both ends NaN when too little is known. */
typedef struct nas_interval {
    double at, low, high;
} nas_interval;

#ifdef __cplusplus
}
#endif
#endif
