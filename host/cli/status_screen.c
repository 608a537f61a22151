/* status_screen.c - what `clnas status --watch` shows of a study.
 *
 * The ranks of its lines say what goes first where there is no room: blank lines, then old trials, failures, histories; how far it is, and what is
 * best, stay to the end.  Read next: screen.c, lines that fit; status_watch.c, which puts them on the terminal. */
#include "screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- numbers ------------------------------------------------------------------------------------------------------- */

static const char *duration(double seconds, char text[32])
{
    if (seconds >= 86400)
        snprintf(text, 32, "%.0f d %.0f h", floor(seconds / 86400),
                 floor(fmod(seconds, 86400) / 3600));
    else
        cli_duration_text(seconds, text, 32);
    return text;
}

/* Of the clock on the wall; with its date where that is another day. */
static const char *clock_text(int64_t time_ms, int64_t now_ms, char text[32])
{
    const time_t then = (time_t)(time_ms / 1000), now = (time_t)(now_ms / 1000);
    struct tm at, today;
    if (!localtime_r(&then, &at) || !localtime_r(&now, &today))
        return "";
    const bool same = at.tm_yday == today.tm_yday && at.tm_year == today.tm_year;
    strftime(text, 32, same ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &at);
    return text;
}

/* ---- the parts ------------------------------------------------------------------------------------------------------ */

static const char *type_of(const nas_value *group)
{
    const nas_value *type = nas_value_member(group, "type");
    return type && type->text ? type->text : "";
}

static void show_head(cli_screen *s)
{
    const nas_watch_view *v = s->view;
    static const char *const colours[] = {"32", "36", "33", "36"};
    char clock[32];
    cli_line_begin(s, 0);
    cli_line_colour(s, "1");
    cli_line_some(s, s->look->columns - 12, s->look->path);
    cli_line_colour(s, "");
    cli_line_add(s, "  ");
    cli_line_colour(s, colours[v->state]);
    cli_line_add(s, "%s", nas_watch_state_name(v->state));
    cli_line_colour(s, "");
    clock_text(v->looked_ms, v->looked_ms, clock);
    if (cli_line_room(s) > 12) {
        cli_line_column(s, s->look->columns - 8);
        cli_line_add(s, "%s", clock);
    }
    cli_line_begin(s, 5);
    cli_line_colour(s, "2");
    cli_line_add(s, "%s  space %s  strategy %s  objective %s", v->config->study,
                 type_of(&v->config->space), type_of(&v->config->strategy),
                 v->progress.best_metric);
    if (v->config->objectives.count > 1)
        cli_line_add(s, " and %d more", v->config->objectives.count - 1);
    cli_line_colour(s, "");
}

/* How far by trials, or, where these are no end, by minutes; less than 0: nobody knows. */
static double share_done(const nas_watch_view *v)
{
    const nas_progress *p = &v->progress;
    const double trials = p->total > 0 ? (double)p->done / (double)p->total : -1;
    const double limit_s = v->config->simulated ? 0 : 60 * v->config->budget.minutes;
    return fmax(trials, limit_s > 0 ? p->run_s / limit_s : -1);
}

static void show_bar(cli_screen *s)
{
    const nas_progress *p = &s->view->progress;
    const double share = s->view->state == NAS_WATCH_DONE ? 1 : share_done(s->view);
    const int width = s->look->columns >= 100 ? 50 : s->look->columns / 2 - 4;
    cli_line_begin(s, 0);
    if (share >= 0) {
        cli_line_bar(s, width > 4 ? width : 4, share);
        cli_line_add(s, " %.0f %%  ", 100 * fmin(1, share));
    }
    cli_line_add(s, p->total > 0 ? "%lld/%lld trials" : "%lld trials", (long long)p->done,
                 (long long)p->total);
}

static void show_times(cli_screen *s)
{
    const nas_watch_view *v = s->view;
    const nas_progress *p = &v->progress;
    char text[32];
    cli_line_label(s, 1, "time");
    if (p->eta_s >= 0) {
        cli_line_add(s, "%s left", duration(p->eta_s, text));
        cli_line_add(s, ", ends %s  ",
                     clock_text(v->looked_ms + (int64_t)(1000 * p->eta_s), v->looked_ms, text));
    }
    if (v->state == NAS_WATCH_DONE)
        cli_line_add(s, "ended by %s  ", v->ended_by);
    if (p->elapsed_s > 0)
        cli_line_add(s, "elapsed %s", duration(p->elapsed_s, text));
    if (p->run_s > p->elapsed_s + 10 || (p->elapsed_s <= 0 && p->run_s > 0))
        cli_line_add(s, "%srunning time %s", p->elapsed_s > 0 ? ", over all sessions " : "",
                     duration(p->run_s, text));
    cli_line_add(s, "%sstarted %s", p->eta_s >= 0 || p->run_s > 0 || p->elapsed_s > 0 ? "  " : "",
                 clock_text(v->begun_ms > 0 ? v->begun_ms : v->created_ms, v->looked_ms, text));
}

static void show_counts(cli_screen *s)
{
    const nas_watch_view *v = s->view;
    const nas_progress *p = &v->progress;
    cli_line_label(s, 2, "trials");
    cli_line_add(s, "complete %lld  ", (long long)(p->done - p->failed - v->aliases));
    if (p->failed)
        cli_line_colour(s, "31");
    cli_line_add(s, "failed %lld", (long long)p->failed);
    if (p->failed)
        cli_line_colour(s, "");
    cli_line_add(s, "  running %lld  queued %lld  known already %lld", (long long)p->running,
                 (long long)v->queued, (long long)v->aliases);
    cli_line_label(s, 2, "rate");
    if (p->per_minute > 0)
        cli_line_add(s, "%.1f/min now  ", p->per_minute);
    if (v->per_minute_all > 0)
        cli_line_add(s, "%.1f/min over all", v->per_minute_all);
    if (p->per_minute <= 0 && v->per_minute_all <= 0)
        cli_line_add(s, "not known yet");
}

static void show_best(cli_screen *s)
{
    const nas_watch_view *v = s->view;
    const nas_progress *p = &v->progress;
    char text[32];
    cli_line_label(s, 1, "best");
    if (!p->has_best) {
        cli_line_add(s, "none yet");
        return;
    }
    cli_line_colour(s, "1");
    cli_line_add(s, "%.4f", p->best_value);
    cli_line_colour(s, "");
    cli_line_add(s, " %s, trial %lld", p->best_metric, (long long)p->best_index);
    if (v->best_ms > 0) {
        cli_line_add(s, ", found %s", clock_text(v->best_ms, v->looked_ms, text));
        cli_line_add(s, " (%s ago)", duration((double)(v->looked_ms - v->best_ms) / 1000, text));
    }
    cli_line_label(s, 3, "");
    cli_line_add(s, "%s", v->best_words);
}

static void show_retraining(cli_screen *s)
{
    const nas_progress *p = &s->view->progress;
    const bool is = s->view->state == NAS_WATCH_RETRAIN && p->jobs > 0;
    if (!is && s->view->missing == 0)
        return;
    cli_line_label(s, 1, "retrain");
    if (!is) {
        cli_line_add(s, "%d networks are not retrained yet", s->view->missing);
        return;
    }
    cli_line_add(s, "%lld/%lld %s, epoch %lld/%lld ", (long long)p->job + 1, (long long)p->jobs,
                 p->job_name, (long long)p->epoch, (long long)p->epochs);
    const double all = (double)p->epochs * (double)p->jobs;
    cli_line_bar(s, 16,
                 all > 0 ? ((double)p->job * (double)p->epochs + (double)p->epoch) / all : 0);
}

/* ---- devices --------------------------------------------------------------------------------------------------------- */

/* What is known against it; `*bad` is how much that is worth a colour: 0 nothing, 1 look, 2 it does not work. */
static void health(const nas_watch_view *v, const nas_device_use *use, nas_text *text, int *bad)
{
    char time[32];
    const double late_s = v->config->budget.lease_s / 2;
    const bool off = strcmp(use->state, "is dropped") == 0 || strcmp(use->state, "is missing") == 0;
    *bad = off ? 2 : 0;
    nas_text_add(text, "");
    if (use->silent_s > late_s && late_s > 0) {
        nas_text_format(text, "silent for %s; ", duration(use->silent_s, time));
        *bad = *bad > 1 ? *bad : 1;
    }
    if (use->lost) {
        nas_text_format(text, "%d worker%s lost; ", use->lost, use->lost == 1 ? "" : "s");
        *bad = *bad > 1 ? *bad : 1;
    }
    if (use->trouble[0])
        nas_text_add(text, use->trouble);
    else if (text->length == 0 && use->state[0])
        nas_text_add(text, off ? "" : "well");
}

static void show_device(cli_screen *s, const nas_device_use *use)
{
    static const char *const colours[] = {"32", "33", "31"};
    nas_text known = {0};
    int bad;
    health(s->view, use, &known, &bad);
    cli_line_begin(s, bad ? 3 : 4);
    cli_line_some(s, 11, use->name);
    cli_line_column(s, 12);
    cli_line_some(s, 10, use->state);
    cli_line_column(s, 23);
    if (use->trial >= 0)
        cli_line_add(s, "%lld %3.0f %%", (long long)use->trial, 100 * use->progress);
    cli_line_column(s, 36);
    cli_line_add(s, "%lld", (long long)use->done);
    cli_line_column(s, 43);
    cli_line_add(s, "%lld", (long long)use->failed);
    cli_line_column(s, 50);
    if (use->busy >= 0)
        cli_line_add(s, "%.0f %%", 100 * use->busy);
    cli_line_column(s, 57);
    if (use->per_minute > 0)
        cli_line_add(s, "%.1f", use->per_minute);
    cli_line_column(s, 65);
    cli_line_colour(s, colours[bad]);
    if (!known.failed)
        cli_line_add(s, "%s", known.data);
    cli_line_colour(s, "");
    nas_text_clear(&known);
}

static void show_devices(cli_screen *s)
{
    const nas_progress *p = &s->view->progress;
    if (p->use_count == 0)
        return;
    cli_line_blank(s);
    cli_line_title(s, 4, "device      state      trial        done   failed busy   /min    health");
    for (int i = 0; i < p->use_count; i++)
        show_device(s, &p->uses[i]);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------- */

static void show_foot(cli_screen *s)
{
    if (s->look->message && *s->look->message) {
        cli_line_begin(s, 0);
        cli_line_colour(s, "31");
        cli_line_add(s, "%s", s->look->message);
        cli_line_colour(s, "");
    }
    if (s->look->keys && *s->look->keys) {
        cli_line_begin(s, 8);
        cli_line_colour(s, "2");
        cli_line_add(s, "%s", s->look->keys);
        cli_line_colour(s, "");
    }
}

nas_status cli_screen_draw(const nas_watch_view *view, const cli_look *look, nas_text *text)
{
    cli_screen *s = calloc(1, sizeof *s);
    if (!s)
        NAS_FAIL(NAS_MEMORY, "no memory for a screen");
    s->view = view;
    s->look = look;
    const int width = look->columns - 34 > 8 ? look->columns - 34 : 8;
    const int points = (look->unicode ? 2 : 1) * (width < 200 ? width : 200);
    show_head(s);
    cli_line_blank(s);
    show_bar(s);
    show_times(s);
    show_counts(s);
    show_best(s);
    show_retraining(s);
    cli_show_best_so_far(s, 5, points);
    cli_show_last_values(s, 7, points);
    show_devices(s);
    cli_show_recent(s);
    cli_show_failures(s);
    show_foot(s);
    if (!s->text.failed)
        cli_screen_write(s, look->rows, text);
    const bool failed = s->text.failed || text->failed;
    nas_text_clear(&s->text);
    free(s);
    if (failed)
        NAS_FAIL(NAS_MEMORY, "no memory for a screen");
    return NAS_OK;
}
