/* picture.c - see picture.h.  Curves are followed point by point; words are measured with the widths of Arial's letters. */
#include "picture.h"

#include <expat.h>
#include <math.h>

typedef struct reading {
    picture *p;
    bool words; /* inside <text> */
} reading;

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (int i = 0; attributes[i]; i += 2)
        if (strcmp(attributes[i], name) == 0)
            return attributes[i + 1];
    return "";
}

static double number(const XML_Char **attributes, const char *name)
{
    return strtod(attribute(attributes, name), NULL);
}

static bool has_class(const XML_Char **attributes, const char *name)
{
    const char *found = strstr(attribute(attributes, "class"), name);
    return found && (found[strlen(name)] == '\0' || found[strlen(name)] == ' ');
}

/* ---- paths: M, L and C with absolute points ------------------------------------------------------------------- */

static void add_point(picture_line *line, double x, double y)
{
    assert_true(line->count < PICTURE_POINTS);
    line->points[line->count][0] = x;
    line->points[line->count++][1] = y;
}

static void follow(picture_line *line, const double (*p)[2], int degree)
{
    const double x = line->points[line->count - 1][0], y = line->points[line->count - 1][1];
    const int steps = degree == 1 ? 4 : 8;
    for (int i = 1; i <= steps; i++) {
        const double t = (double)i / steps, s = 1 - t;
        if (degree == 1)
            add_point(line, s * x + t * p[0][0], s * y + t * p[0][1]);
        else
            add_point(line,
                      s * s * s * x + 3 * s * s * t * p[0][0] + 3 * s * t * t * p[1][0] +
                          t * t * t * p[2][0],
                      s * s * s * y + 3 * s * s * t * p[0][1] + 3 * s * t * t * p[1][1] +
                          t * t * t * p[2][1]);
    }
}

static void read_path(const char *data, picture_line *line)
{
    *line = (picture_line){0};
    while (*data) {
        const char letter = *data++;
        double p[3][2];
        const int count = letter == 'C' ? 3 : 1;
        char *end;
        assert_true(letter == 'M' || letter == 'L' || letter == 'C');
        for (int i = 0; i < 2 * count; i++) {
            p[i / 2][i % 2] = strtod(data, &end);
            assert_true(end > data);
            data = end;
        }
        data += strspn(data, " ");
        if (letter == 'M')
            add_point(line, p[0][0], p[0][1]);
        else
            follow(line, (const double(*)[2])p, count);
    }
}

/* ---- elements --------------------------------------------------------------------------------------------------- */

static void read_box(picture *p, const XML_Char **attributes)
{
    const picture_box box = {number(attributes, "x"), number(attributes, "y"),
                             number(attributes, "width"), number(attributes, "height")};
    assert_true(p->box_count < PICTURE_BOXES && p->bar_count < PICTURE_BOXES);
    if (has_class(attributes, "box"))
        p->boxes[p->box_count++] = box;
    else if (has_class(attributes, "bar"))
        p->bars[p->bar_count++] = box;
}

static void read_words(picture *p, const XML_Char **attributes)
{
    const char *anchor = attribute(attributes, "text-anchor");
    assert_true(p->words_count < PICTURE_WORDS);
    p->words[p->words_count++] = (picture_words){.x = number(attributes, "x"),
                                                 .y = number(attributes, "y"),
                                                 .size = has_class(attributes, "small")    ? 11.5
                                                         : has_class(attributes, "strong") ? 14
                                                                                           : 13,
                                                 .anchor = strcmp(anchor, "middle") == 0 ? 1
                                                           : strcmp(anchor, "end") == 0  ? 2
                                                                                         : 0};
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    reading *r = user;
    picture *p = r->p;
    r->words = strcmp(name, "text") == 0;
    if (strcmp(name, "svg") == 0) {
        p->width = number(attributes, "width");
        p->height = number(attributes, "height");
        snprintf(p->name, sizeof p->name, "%s", attribute(attributes, "aria-label"));
    } else if (strcmp(name, "rect") == 0) {
        read_box(p, attributes);
    } else if (strcmp(name, "path") == 0 && has_class(attributes, "line")) {
        assert_true(p->line_count < PICTURE_LINES);
        read_path(attribute(attributes, "d"), &p->lines[p->line_count++]);
    } else if (strcmp(name, "path") == 0) {
        assert_true(has_class(attributes, "head"));
        p->head_count++;
    } else if (r->words) {
        read_words(p, attributes);
    } else if (strcmp(name, "title") == 0) {
        p->hover_count++;
    } else if (strcmp(name, "style") != 0) {
        fail_msg("there is a <%s>", name);
    }
}

static void on_end(void *user, const XML_Char *name)
{
    (void)name;
    ((reading *)user)->words = false;
}

static void on_text(void *user, const XML_Char *text, int length)
{
    reading *r = user;
    if (!r->words)
        return;
    char *words = r->p->words[r->p->words_count - 1].text;
    const size_t used = strlen(words);
    snprintf(words + used, sizeof r->p->words[0].text - used, "%.*s", length, text);
}

picture *picture_read(const nas_text *svg)
{
    reading r = {calloc(1, sizeof(picture)), false};
    XML_Parser parser = XML_ParserCreate("UTF-8");
    nas_test_ok(nas_text_check(svg));
    assert_non_null(r.p);
    XML_SetUserData(parser, &r);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    if (XML_Parse(parser, svg->data, (int)svg->length, 1) != XML_STATUS_OK)
        fail_msg("line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(parser),
                 XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    return r.p;
}

/* ---- what holds for all -------------------------------------------------------------------------------------------- */

/* Of one em, from Arial's metrics; letters that are not named: 0.556. */
static double letter_width(unsigned char letter)
{
    if (strchr("ijl'", letter))
        return 0.222;
    if (strchr(" ,.:;!tfI/()-", letter))
        return 0.333;
    if (strchr("ksvxyzJc", letter))
        return 0.5;
    if (strchr("mM", letter))
        return 0.833;
    return letter >= 'A' && letter <= 'Z' ? 0.75 : 0.556;
}

static double words_width(const picture_words *words)
{
    double width = 0;
    for (const unsigned char *at = (const unsigned char *)words->text; *at; at++)
        if ((*at & 0xC0) != 0x80)
            width += *at < 0x80 ? letter_width(*at) : 0.8;
    return width * words->size;
}

static bool within(const picture_box *box, double x, double y, double inside)
{
    return x > box->x + inside && x < box->x + box->width - inside && y > box->y + inside &&
           y < box->y + box->height - inside;
}

static void check_place(const picture *p, double x, double y, const char *what)
{
    if (x < -0.01 || y < -0.01 || x > p->width + 0.01 || y > p->height + 0.01)
        fail_msg("%s at (%g, %g) of %g x %g in the picture of %s", what, x, y, p->width, p->height,
                 p->name);
}

static void check_boxes(const picture *p)
{
    for (int i = 0; i < p->box_count; i++) {
        const picture_box *a = &p->boxes[i];
        check_place(p, a->x, a->y, "a box");
        check_place(p, a->x + a->width, a->y + a->height, "a box");
        for (int j = 0; j < i; j++) {
            const picture_box *b = &p->boxes[j];
            if (a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
                b->y < a->y + a->height)
                fail_msg("boxes %d (%s) and %d (%s) overlap in the picture of %s", i,
                         picture_title(p, i), j, picture_title(p, j), p->name);
        }
    }
    for (int i = 0; i < p->bar_count; i++)
        check_place(p, p->bars[i].x + p->bars[i].width, p->bars[i].y, "a bar");
}

static void check_words(const picture *p)
{
    for (int i = 0; i < p->words_count; i++) {
        const picture_words *words = &p->words[i];
        const double width = words_width(words), left = words->x - words->anchor * width / 2;
        check_place(p, left, words->y, words->text);
        check_place(p, left + width, words->y, words->text);
        for (int b = 0; b < p->box_count; b++) {
            const picture_box *box = &p->boxes[b];
            if (within(box, words->x, words->y - 1, 0) &&
                (left < box->x + 2 || left + width > box->x + box->width - 2))
                fail_msg("\"%s\" (%g pixels) is longer than its box (%g) in the picture of %s",
                         words->text, width, box->width, p->name);
        }
    }
}

static void check_lines(const picture *p)
{
    for (int l = 0; l < p->line_count; l++)
        for (int i = 0; i < p->lines[l].count; i++) {
            const double x = p->lines[l].points[i][0], y = p->lines[l].points[i][1];
            check_place(p, x, y, "a line");
            for (int b = 0; b < p->box_count; b++)
                if (within(&p->boxes[b], x, y, 0.5))
                    fail_msg("a line runs through box %d (%s) at (%g, %g) in the picture of %s", b,
                             picture_title(p, b), x, y, p->name);
        }
}

void picture_check(const picture *p)
{
    assert_true(p->width > 0 && p->height > 0);
    check_boxes(p);
    check_words(p);
    check_lines(p);
}

int picture_box_at(const picture *p, double x, double y)
{
    for (int b = 0; b < p->box_count; b++) {
        const picture_box grown = {p->boxes[b].x - 0.5, p->boxes[b].y - 0.5, p->boxes[b].width + 1,
                                   p->boxes[b].height + 1};
        if (within(&grown, x, y, 0))
            return b;
    }
    return -1;
}

const char *picture_title(const picture *p, int box)
{
    for (int i = 0; i < p->words_count; i++)
        if (within(&p->boxes[box], p->words[i].x, p->words[i].y - 1, 0))
            return p->words[i].text;
    return "";
}

int picture_lines_between(const picture *p, int from, int to)
{
    int count = 0;
    for (int l = 0; l < p->line_count; l++) {
        const picture_line *line = &p->lines[l];
        const double *last = line->points[line->count - 1];
        count += picture_box_at(p, line->points[0][0], line->points[0][1]) == from &&
                 picture_box_at(p, last[0], last[1]) == to;
    }
    return count;
}
