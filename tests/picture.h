/* picture.h - an SVG picture as its elements, read by expat, and what holds for every picture of a network. */
#ifndef PICTURE_H
#define PICTURE_H

#include "nas_test.h"

enum { PICTURE_BOXES = 512, PICTURE_LINES = 512, PICTURE_WORDS = 1024, PICTURE_POINTS = 512 };

typedef struct picture_box {
    double x, y, width, height;
} picture_box;

typedef struct picture_line {
    int count;
    double points[PICTURE_POINTS][2]; /* on the line, near to each other */
} picture_line;

typedef struct picture_words {
    double x, y, size; /* of a letter, in pixels */
    int anchor;        /* 0: from x on, 1: around it, 2: up to it */
    char text[160];
} picture_words;

typedef struct picture {
    double width, height;
    int box_count, bar_count, line_count, head_count, words_count, hover_count;
    picture_box boxes[PICTURE_BOXES], bars[PICTURE_BOXES];
    picture_line lines[PICTURE_LINES];
    picture_words words[PICTURE_WORDS];
    char name[256]; /* aria-label */
} picture;

/* Fails the test where the text is no XML. */
picture *picture_read(const nas_text *svg);
/* No two boxes overlap; nothing is outside; words end where their box does; no line runs through a box. */
void picture_check(const picture *p);
/* The box that has this point on its rim; −1: none. */
int picture_box_at(const picture *p, double x, double y);
/* The words inside a box, from the top: the first of them, NULL: none. */
const char *picture_title(const picture *p, int box);
/* How many lines lead from one box to another. */
int picture_lines_between(const picture *p, int from, int to);

#endif
