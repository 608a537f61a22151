/* signs.c - what a session tells those who look on: who runs it, what became of its devices, how far its retraining is.
 *
 * Everything about trials is in the log already.  What the log does not say stands under the study's key "session", a line each:
 *
 *     owner HOST PID START                        the process that runs it; none once it has ended
 *     place NAME STATE LOST DEVICE TROUBLE        a device, and what ended the last worker that was lost there
 *     retrain JOB JOBS EPOCH EPOCHS NAME
 *
 * with tabs between the words.  It is written when it changes, at most once a second (but each job of retraining when it begins),
 * so that it costs a search nothing that can be measured; a process that was killed leaves its name behind, and whoever reads asks
 * whether it lives.  Anybody can have written what is read: numbers are held within bounds, texts cut.  Read next: watching.c. */
#include "session_private.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char key[] = "session";
enum { FIELDS = 6 };

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/* One word of a line: tabs and ends of lines would make two of it. */
static void add_word(nas_text *text, const char *word)
{
    nas_text_add(text, "\t");
    for (; *word; word++)
        nas_text_add_bytes(text, *word == '\t' || *word == '\n' || *word == '\r' ? " " : word, 1);
}

static void write_text(const nas__signs *signs, nas_text *text)
{
    nas_text_add(text, "");
    if (signs->owner.pid == 0)
        return;
    nas_text_add(text, "owner");
    add_word(text, signs->owner.host);
    nas_text_format(text, "\t%" PRId64 "\t%" PRId64 "\n", signs->owner.pid, signs->owner.start);
    for (int i = 0; i < signs->place_count; i++) {
        const nas__sign_place *place = &signs->places[i];
        nas_text_add(text, "place");
        add_word(text, place->name);
        add_word(text, place->state);
        nas_text_format(text, "\t%d", place->lost);
        add_word(text, place->device);
        add_word(text, place->trouble);
        nas_text_add(text, "\n");
    }
    if (signs->jobs == 0)
        return;
    nas_text_format(text, "retrain\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64, signs->job,
                    signs->jobs, signs->epoch, signs->epochs);
    add_word(text, signs->job_name);
    nas_text_add(text, "\n");
}

void nas__signs_write(nas_study *study, const nas__signs *signs, bool now,
                      nas__signs_written *written)
{
    nas_text text = {0};
    const double at_s = nas_now_s();
    if (!now && written->at_s > 0 && at_s - written->at_s < 1)
        return;
    written->at_s = at_s;
    write_text(signs, &text);
    const uint64_t hash = text.failed ? written->hash : nas_hash(text.data, text.length, 1);
    if (hash != written->hash && nas_study_set(study, key, text.data) == NAS_OK)
        written->hash = hash;
    nas_text_clear(&text);
}

void nas__run_retrains(nas__run *run)
{
    const nas_progress *p = &run->picture.progress;
    const bool begins =
        p->job > run->last_job; /* workers have several at a time, whose epochs come in turns */
    run->last_job = begins ? p->job : run->last_job;
    run->signs.job = p->job;
    run->signs.jobs = p->jobs;
    run->signs.epoch = p->epoch;
    run->signs.epochs = p->epochs;
    snprintf(run->signs.job_name, sizeof run->signs.job_name, "%s", p->job_name);
    nas__signs_write(run->study, &run->signs, begins, &run->signs_written);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* Cuts a line at its tabs; words that are missing are "". */
static void cut(char *line, const char *words[FIELDS])
{
    for (int i = 0; i < FIELDS; i++)
        words[i] = "";
    for (int i = 0; line && i < FIELDS; i++) {
        char *tab = i < FIELDS - 1 ? strchr(line, '\t') : NULL;
        words[i] = line;
        if (tab)
            *tab++ = '\0';
        line = tab;
    }
}

/* A number of ours: whole, from 0 on. */
static int64_t number(const char *word)
{
    const long long value = strtoll(word, NULL, 10);
    return value < 0 ? 0 : value > INT_MAX ? INT_MAX : value;
}

static void read_line(char *line, nas__signs *signs)
{
    const char *words[FIELDS];
    cut(line, words);
    if (strcmp(words[0], "owner") == 0) {
        snprintf(signs->owner.host, sizeof signs->owner.host, "%s", words[1]);
        signs->owner.pid = strtoll(words[2], NULL, 10);
        signs->owner.start = strtoll(words[3], NULL, 10);
    } else if (strcmp(words[0], "place") == 0 && signs->place_count < NAS_CONFIG_DEVICES) {
        nas__sign_place *place = &signs->places[signs->place_count++];
        snprintf(place->name, sizeof place->name, "%s", words[1]);
        snprintf(place->state, sizeof place->state, "%s", words[2]);
        place->lost = (int)number(words[3]);
        snprintf(place->device, sizeof place->device, "%s", words[4]);
        snprintf(place->trouble, sizeof place->trouble, "%s", words[5]);
    } else if (strcmp(words[0], "retrain") == 0) {
        signs->job = number(words[1]);
        signs->jobs = number(words[2]);
        signs->epoch = number(words[3]);
        signs->epochs = number(words[4]);
        snprintf(signs->job_name, sizeof signs->job_name, "%s", words[5]);
    }
}

nas_status nas__signs_read(nas_study *study, nas__signs *signs)
{
    nas_text text = {0};
    bool found = false;
    char *place = NULL;
    *signs = (nas__signs){0};
    const nas_status status = nas_study_get(study, key, &text, &found);
    if (status == NAS_OK && found)
        for (char *line = strtok_r(text.data, "\n", &place); line;
             line = strtok_r(NULL, "\n", &place))
            read_line(line, signs);
    nas_text_clear(&text);
    return status;
}
