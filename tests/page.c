/* page.c - the judge of pages and pictures: expat.
 *
 * It tells which elements are there, what text they hold, and whether an attribute smells of a script or of an address. */
#include "page.h"

#include <expat.h>

static void note_attribute(page_seen *seen, const char *name, const char *value)
{
    static const char *const numbers[] = {"x",  "y", "x1", "y1", "x2",    "y2",     "cx",
                                          "cy", "r", "rx", "d",  "width", "height", "viewBox"};
    seen->handler = seen->handler || strncmp(name, "on", 2) == 0;
    seen->outside = seen->outside || strcmp(name, "src") == 0 || strcmp(name, "style") == 0 ||
                    strstr(name, "xlink") || (strcmp(name, "href") == 0 && value[0] != '#');
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i]) == 0)
            seen->broken =
                seen->broken || !*value || strspn(value, "MLHVZ-0123456789. ") != strlen(value);
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    static const char *const known[] = {
        "html", "head",    "meta",  "title", "style",  "body",       "header", "h1",
        "h2",   "h3",      "p",     "main",  "nav",    "ul",         "li",     "a",
        "pre",  "section", "table", "thead", "tbody",  "tr",         "th",     "td",
        "dl",   "dt",      "dd",    "div",   "figure", "figcaption", "svg",    "line",
        "g",    "circle",  "rect",  "path",  "text",   "details",    "summary"};
    page_seen *seen = user;
    bool fine = false;
    for (size_t i = 0; i < sizeof known / sizeof *known && !fine; i++)
        fine = strcmp(known[i], name) == 0;
    if (!fine)
        snprintf(seen->strange, sizeof seen->strange, "%s", name);
    for (int i = 0; attributes[i]; i += 2)
        note_attribute(seen, attributes[i], attributes[i + 1]);
    seen->elements++;
    seen->sections += strcmp(name, "section") == 0;
    seen->rows += strcmp(name, "tr") == 0;
    seen->circles += strcmp(name, "circle") == 0;
    seen->paths += strcmp(name, "path") == 0;
    seen->rects += strcmp(name, "rect") == 0;
    seen->titles += strcmp(name, "title") == 0;
    seen->style = strcmp(name, "style") == 0;
}

static void on_end(void *user, const XML_Char *name)
{
    page_seen *seen = user;
    (void)name;
    seen->style = false;
}

static void on_text(void *user, const XML_Char *text, int length)
{
    page_seen *seen = user;
    if (!seen->style)
        nas_text_add_bytes(&seen->text, text, (size_t)length);
}

/* Parses, checks what every picture and page must be, and clears `text`. */
page_seen page_look(nas_text *text)
{
    page_seen seen = {0};
    XML_Parser parser = XML_ParserCreate("UTF-8");
    nas_test_ok(nas_text_check(text));
    assert_non_null(parser);
    XML_SetUserData(parser, &seen);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    if (XML_Parse(parser, text->data, (int)text->length, 1) != XML_STATUS_OK)
        fail_msg("line %lu: %s in\n%.2000s", (unsigned long)XML_GetCurrentLineNumber(parser),
                 XML_ErrorString(XML_GetErrorCode(parser)), text->data);
    XML_ParserFree(parser);
    if (seen.strange[0])
        fail_msg("there is a <%s> in\n%.2000s", seen.strange, text->data);
    assert_false(seen.handler);
    assert_false(seen.outside);
    assert_false(seen.broken);
    nas_text_clear(text);
    if (!seen.text.data)
        nas_text_add(&seen.text, "");
    return seen;
}
