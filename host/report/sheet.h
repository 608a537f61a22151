/* sheet.h - where pictures go: figures of a page, or one SVG file of its own. */
#ifndef CLNAS_REPORT_SHEET_H
#define CLNAS_REPORT_SHEET_H

#include "drawing.h"

typedef struct nas__panel {
    nas_text svg;
    double width, height;
} nas__panel;

enum { NAS__PANELS = 32, NAS__NONE_SIZE = 512 };

typedef struct nas__sheet {
    nas_text *out;
    bool alone; /* an SVG file; else figures of a page */
    nas__panel panels[NAS__PANELS];
    int count;                 /* pictures so far */
    char none[NAS__NONE_SIZE]; /* why there are none; "": the study has nothing that they show */
    bool whole;                /* alone: somebody else drew the whole file */
} nas__sheet;

void nas__sheet_begin(nas__sheet *sheet, bool alone, nas_text *out);
void nas__sheet_end(nas__sheet *sheet, const char *title);
/* A chart; on a page it is as wide as two beside each other. */
void nas__sheet_chart(nas__sheet *sheet, nas__chart *chart, const char *caption);
/* A picture of that size, drawn (not `alone`) into the text; then end it. */
nas_text *nas__sheet_picture(nas__sheet *sheet, bool wide, double width, double height);
void nas__sheet_picture_end(nas__sheet *sheet, const char *caption);
/* A picture that somebody draws as a whole, `alone` as the sheet is; the only one of a file. */
nas_text *nas__sheet_whole(nas__sheet *sheet, bool wide);

#endif
