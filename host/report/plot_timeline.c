/* plot_timeline.c - the timeline drawn: a lane for each worker, a bar for each trial, pauses of the clock as marks.
 *
 * Bars thinner than a pixel that follow each other are one bar, whose label says which trials it stands for. */
#include "plots.h"
#include "timeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double width = 1036, left = 6, right = 1030, lane_height = 20, name_height = 26;

static const char *class_of(nas_trial_status status)
{
    return status == NAS_TRIAL_COMPLETE ? "s0" : status == NAS_TRIAL_FAILED ? "bad" : "s4";
}

/* Top of a lane; with the names of the devices before it. */
static double lane_top(const nas__timeline *t, int lane)
{
    double top = 34;
    for (int i = 0; i <= lane; i++)
        top += (t->lanes[i].number == 0 ? name_height : 0) + (i < lane ? lane_height : 0);
    return top;
}

static void stretch_words(const nas__subject *subject, const nas__stretch *stretch, int last,
                          nas_text *words)
{
    const nas_trial *trial = nas_study_trial(subject->study, stretch->trial);
    nas_text_reset(words);
    if (stretch->trials > 1) {
        nas_text_format(words, "trials %d to %d, %d of them here", stretch->trial, last,
                        stretch->trials);
        return;
    }
    nas_text_format(words, "trial %d, %s, ", stretch->trial, nas_trial_status_name(trial->status));
    nas__number_words(words, round(10 * (stretch->to - stretch->from)) / 10);
    nas_text_add(words, " s from ");
    nas__number_duration(words, stretch->from);
    if (*trial->reason)
        nas_text_format(words, "\n%s", trial->reason);
}

/* ---- bars --------------------------------------------------------------------------------------------------------- */

typedef struct pen {
    const nas__subject *subject;
    const nas__timeline *timeline;
    const nas__axis *clock;
    nas_text *svg;
    nas__stretch held[NAS__LANES]; /* not drawn yet: what follows may join it; trials 0: none */
    int last[NAS__LANES];
} pen;

static void draw_held(pen *p, int lane, nas_text *words)
{
    nas__stretch *held = &p->held[lane];
    if (held->trials == 0)
        return;
    const double from = nas__axis_place(p->clock, held->from);
    const double to = nas__axis_place(p->clock, held->to);
    stretch_words(p->subject, held, p->last[lane], words);
    nas__svg_rect(p->svg, class_of(held->status), from, lane_top(p->timeline, lane) + 3,
                  fmax(to - from - (to - from > 4 ? 1 : 0), 0.6), lane_height - 6,
                  to - from > 6 ? 2 : 0, nas__part(words, p->svg));
    held->trials = 0;
}

static void take_stretch(pen *p, const nas__stretch *stretch, nas_text *words)
{
    nas__stretch *held = &p->held[stretch->lane];
    const double pixel = (p->clock->high - p->clock->low) / (p->clock->to - p->clock->from);
    if (held->trials > 0 && held->status == stretch->status &&
        stretch->from - held->to < 0.5 * pixel && stretch->to - stretch->from < pixel &&
        held->to - held->from < 8 * pixel) {
        held->to = fmax(held->to, stretch->to);
        held->trials++;
    } else {
        draw_held(p, stretch->lane, words);
        *held = *stretch;
    }
    p->last[stretch->lane] = stretch->trial;
}

static nas_status draw_bars(const nas__subject *subject, const nas__timeline *t,
                            const nas__axis *clock, nas_text *svg)
{
    nas_text words = {0};
    pen *p = calloc(1, sizeof *p);
    if (!p)
        NAS_FAIL(NAS_MEMORY, "no memory for a timeline");
    *p = (pen){.subject = subject, .timeline = t, .clock = clock, .svg = svg};
    for (int i = 0; i < t->count; i++)
        take_stretch(p, &t->stretches[i], &words);
    for (int lane = 0; lane < t->lane_count; lane++)
        draw_held(p, lane, &words);
    nas_text_clear(&words);
    free(p);
    return NAS_OK;
}

/* ---- around them -------------------------------------------------------------------------------------------------- */

static void draw_lanes(const nas__timeline *t, nas_text *svg)
{
    nas_text words = {0};
    for (int i = 0; i < t->lane_count; i++) {
        const nas__lane *lane = &t->lanes[i];
        const double top = lane_top(t, i);
        nas__svg_rect(svg, "grid wash", left, top + 3, right - left, lane_height - 6, 2, NULL);
        if (lane->number > 0)
            continue;
        int trials = 0;
        double busy = 0;
        for (int k = i; k < i + lane->of; k++) {
            trials += t->lanes[k].trials;
            busy += t->lanes[k].busy_s;
        }
        nas_text_reset(&words);
        nas_text_format(&words, "%d %s", trials, trials == 1 ? "trial" : "trials");
        if (t->end > 0 && busy > 0) {
            nas_text_add(&words, ", at work ");
            nas__number_fixed(&words, fmin(100, 100 * busy / (t->end * lane->of)), 0, false);
            nas_text_add(&words, " % of the time");
        }
        nas__svg_words(svg, "", left, top - 3, NAS__START, lane->device);
        nas__svg_words(svg, "faint", right, top - 3, NAS__END, nas__part(&words, svg));
    }
    nas_text_clear(&words);
}

static void draw_clock(const nas__timeline *t, const nas__axis *clock, double bottom, nas_text *svg)
{
    nas_text words = {0};
    for (int i = 0; i < clock->tick_count; i++) {
        const double x = nas__axis_place(clock, clock->ticks[i]);
        nas_text_reset(&words);
        nas__axis_label(clock, clock->ticks[i], &words);
        nas__svg_line(svg, "faint", x, bottom, x, bottom + 5);
        nas__svg_words(svg, "faint", x, bottom + 19, i == 0 ? NAS__START : NAS__MIDDLE,
                       nas__part(&words, svg));
    }
    for (int i = 0; i < t->pause_count; i++) {
        const double x = nas__axis_place(clock, t->pauses[i].at);
        nas_text_reset(&words);
        nas_text_add(&words, "a pause of ");
        nas__number_duration(&words, t->pauses[i].length);
        nas_text_add(&words, " is left out");
        nas__svg_rect(svg, "faint wash", x - 4, 40, 8, bottom - 40, 0, nas__part(&words, svg));
        nas__svg_line(svg, "faint dash", x, 40, x, bottom);
    }
    nas_text_clear(&words);
}

static void draw_legend(const nas__timeline *t, nas_text *svg)
{
    static const nas_trial_status all[] = {NAS_TRIAL_COMPLETE, NAS_TRIAL_FAILED, NAS_TRIAL_RUNNING};
    double x = left + 90;
    nas__svg_words(svg, "strong", left, 18, NAS__START, "Timeline");
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        bool some = false;
        for (int i = 0; i < t->count && !some; i++)
            some = t->stretches[i].status == all[k];
        if (!some)
            continue;
        nas__svg_rect(svg, class_of(all[k]), x, 8, 14, 10, 2, NULL);
        nas__svg_words(svg, "", x + 20, 18, NAS__START, nas_trial_status_name(all[k]));
        x += 20 + nas__svg_width(nas_trial_status_name(all[k])) + 18;
    }
}

static nas_status draw_timeline(const nas__subject *subject, const nas__timeline *t,
                                nas__sheet *sheet)
{
    const double bottom = lane_top(t, t->lane_count - 1) + lane_height + 2;
    nas__axis clock = {.time = true, .from = left, .to = right};
    nas_text caption = {0};
    nas__axis_fit(&clock, 0, t->end > 0 ? t->end : 1, 10, false);
    clock.low = 0; /* no air: the bars begin where the lanes do */
    clock.high = t->end > 0 ? t->end : 1;
    while (clock.tick_count > 0 && clock.ticks[clock.tick_count - 1] > clock.high)
        clock.tick_count--;
    nas_text *svg = nas__sheet_picture(sheet, true, width, bottom + 28);
    nas__svg_begin(svg, width, bottom + 28, "Timeline of the devices", false);
    draw_legend(t, svg);
    draw_lanes(t, svg);
    draw_clock(t, &clock, bottom, svg);
    nas_status status = draw_bars(subject, t, &clock, svg);
    nas__svg_end(svg);
    nas_text_add(&caption, "Each bar is a trial where it was worked on; time runs from ");
    nas__time_words(&caption, t->begin_ms);
    nas_text_add(&caption,
                 ". Gaps are time without a trial: starting up, or waiting for results of "
                 "others.");
    if (t->pause_count > 0)
        nas_text_add(&caption, " Long pauses of the whole study are cut to a dashed mark.");
    if (t->left_out > 0)
        nas_text_format(&caption, " %d trials of further workers are not drawn.", t->left_out);
    nas__sheet_picture_end(sheet, nas__part(&caption, sheet->out));
    nas_text_clear(&caption);
    return status;
}

static nas_status draw(nas__subject *subject, nas__sheet *sheet)
{
    nas__timeline *timeline = calloc(1, sizeof *timeline);
    if (!timeline)
        NAS_FAIL(NAS_MEMORY, "no memory for a timeline");
    nas_status status = nas__timeline_init(subject, timeline);
    if (status == NAS_OK && timeline->count > 0)
        status = draw_timeline(subject, timeline, sheet);
    nas__timeline_clear(timeline);
    free(timeline);
    return status;
}

const nas__plot_kind nas__plot_timeline = {
    .kind = {.name = "timeline", .summary = "Which device worked on which trial, and when"},
    .draw = draw,
};
