/* report.h - studies to look at: a page of a study, single pictures, and a comparison of several studies.
 *
 * Everything here reads studies that may still be running, and never disturbs them (NAS_STORE_READ).  A page is one HTML file that
 * opens offline: charts and diagrams are SVG drawn here, styles and the little script stand inside.  Strings out of a
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

#ifdef __cplusplus
}
#endif
#endif
