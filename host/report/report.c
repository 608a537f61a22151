/* report.c - the page of a study.
 *
 * A report is a list of sections, each of which writes its body or nothing; what wrote nothing has no heading and no line in
 * the contents.  So the same list serves a plain search, one for a front, a one-shot search, and a study that has just begun.
 *
 * Next: section_study.c; plots.c for the pictures among them. */
#include "sections.h"

#include <clnas/report.h>

#include <stdlib.h>

typedef struct section {
    const char *anchor, *heading;
    const char *plot; /* pictures, which stand first; NULL: none */
    nas_status (*write)(nas__subject *subject, nas_text *page); /* NULL: nothing more */
} section;

static const section sections[] = {
    {"study", "What was searched", NULL, nas__section_study},
    {"networks", "Best networks", NULL, nas__section_networks},
    {"history", "History", "history", NULL},
    {"fronts", "Trade-offs", "pareto", nas__section_front},
    {"retrained", "Retrained from the start", NULL, nas__section_retrained},
    {"supernet", "The supernet", "supernet", nas__section_supernet},
    {"curves", "Training curves", "curves", NULL},
    {"importance", "What matters", "importance", NULL},
    {"devices", "Devices", "timeline", NULL},
    {"failures", "Failures", NULL, nas__section_failures},
    {"repeat", "To repeat it", NULL, nas__section_repeat},
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

void nas__say_more(nas_text *page, int shown, int count, const char *command, const char *path)
{
    nas_text words = {0};
    if (shown >= count)
        return;
    nas__number_words(&words, count - shown);
    nas_text_format(&words, " more are not shown here; they are listed by: clnas %s ", command);
    nas_text_add_word(&words, path);
    nas__page_words(page, nas__part(&words, page));
    nas_text_clear(&words);
}

static nas_status write_body(const section *part, nas__subject *subject, nas_text *body)
{
    if (part->plot)
        NAS_TRY(nas__plot_page(part->plot, subject, body));
    return part->write ? part->write(subject, body) : NAS_OK;
}

static void subtitle_of(const nas__subject *subject, nas_text *text)
{
    const nas_progress *progress = &subject->progress;
    const bool running = progress->running > 0;
    nas_text_format(text, "%s by %s in the space %s. This page was made on ",
                    running ? "A search that goes on," : "A search",
                    nas__group_type(&subject->config->strategy),
                    nas__group_type(&subject->config->space));
    nas__time_words(text, nas_time_ms());
    nas_text_add(text, ".");
}

/* Bodies first: the contents are to name only what is there. */
static void join(const nas__subject *subject, const nas_text bodies[SECTIONS], nas_text *page)
{
    const char *contents[SECTIONS][2];
    nas_text subtitle = {0};
    int count = 0;
    for (int i = 0; i < SECTIONS; i++)
        if (bodies[i].length > 0) {
            contents[count][0] = sections[i].anchor;
            contents[count++][1] = sections[i].heading;
        }
    subtitle_of(subject, &subtitle);
    nas__page_begin(page, subject->config->study, nas__part(&subtitle, page));
    nas__page_contents(page, (const char *const(*)[2])contents, count);
    for (int i = 0; i < SECTIONS; i++) {
        const char *body = nas__part(&bodies[i], page); /* one that failed may be empty, too */
        if (!*body)
            continue;
        nas__page_section(page, sections[i].anchor, sections[i].heading);
        nas_text_add(page, body);
        nas__page_section_end(page);
    }
    nas__page_end(page);
    nas_text_clear(&subtitle);
}

nas_status nas_report_write(const char *study_path, nas_text *page)
{
    nas_text bodies[SECTIONS] = {{0}};
    nas__subject *subject = calloc(1, sizeof *subject);
    if (!subject)
        NAS_FAIL(NAS_MEMORY, "no memory for a report");
    nas_status status = nas__subject_open(study_path, subject);
    for (int i = 0; i < SECTIONS && status == NAS_OK; i++)
        status = write_body(&sections[i], subject, &bodies[i]);
    if (status == NAS_OK && subject->no_memory)
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "%s", subject->no_domain);
    if (status == NAS_OK) {
        join(subject, bodies, page);
        status = nas_text_check(page);
    }
    for (int i = 0; i < SECTIONS; i++)
        nas_text_clear(&bodies[i]);
    nas__subject_clear(subject);
    free(subject);
    return status;
}
