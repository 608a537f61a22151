/* page.h - a page or a picture as expat reads it, which knows nothing of clnas. */
#ifndef PAGE_H
#define PAGE_H

#include "nas_test.h"

/* What is in it. */
typedef struct page_seen {
    int elements, circles, paths, rects, titles, sections, rows;
    char strange[64]; /* an element that pages and pictures do not have */
    bool handler;     /* an attribute on… */
    bool broken;      /* a number that is none */
    bool outside;     /* a link to anywhere but this page, or a name of a file or address to load */
    nas_text text;    /* of all elements but <style> */
    bool style;
} page_seen;

/* Parses, fails the test where the text is no XML or holds what no page or picture of ours may, and clears it.  Clear `text` of the
 * result. */
page_seen page_look(nas_text *text);

#endif
