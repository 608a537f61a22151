/* watching.c - a study seen from outside, while it runs or afterwards.
 *
 * The log says nearly everything: what is done, by whom, since when.  It is opened for reading once and synced at each look, so that a
 * look costs what is new; counts, uses and the rate are a walk through memory.  What the log does not say the session tells by its
 * signs (signs.c).  Nothing is ever written, and a transaction lasts as long as reading the news does, so a run does not notice.
 *
 * The rate is that of the last five minutes of the session, by the times at which trials ended, or, where there are not two of them,
 * that of the whole session; the ETA follows from it and from what is left of the minutes.  A file that was put in the place of the study is
 * another one: it is opened anew. */
#include "session_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { WINDOW_MS = 300000 };

struct nas_watch {
    char path[NAS_PATH_SIZE];
    dev_t device;
    ino_t file;
    nas_study *study;
    const nas_config *config;
    nas_config *own; /* the same, where it is the watch's; NULL: lent */
    uint64_t config_hash;
    nas_domain *domain; /* what puts architectures into words; NULL: not known */
    bool domain_tried;
    nas__signs signs;
    int best; /* that `words` are of; −1: none, or they can get better */
    nas_text words;
    char state_names[NAS_CONFIG_DEVICES][16];
};

const char *nas_watch_state_name(nas_watch_state state)
{
    static const char *const names[] = {"searching", "retraining", "stopped", "ended"};
    return names[state];
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static void forget(nas_watch *watch)
{
    nas_domain_close(watch->domain);
    nas_study_close(watch->study);
    if (watch->own)
        nas_config_clear(watch->own);
    free(watch->own);
    nas_text_clear(&watch->words);
    watch->domain = NULL;
    watch->domain_tried = false;
    watch->study = NULL;
    watch->config = watch->own = NULL;
    watch->config_hash = 0;
    watch->best = -1;
}

void nas_session_watch_close(nas_watch *watch)
{
    if (!watch)
        return;
    forget(watch);
    free(watch);
}

/* What one look reads before anything that is shown changes. */
typedef struct reading {
    nas__signs signs;
    int64_t from_ms, to_ms; /* of the last session's search; to 0: it has not come to its end */
    nas_config *config;     /* NULL: still the one that is known */
    uint64_t config_hash;
} reading;

/* The stored config, where it is not the one that is known: a resume may change it. */
static nas_status read_config(nas_study *study, uint64_t known, reading *r)
{
    nas_text text = {0};
    bool found = false;
    nas_status status = nas_study_get(study, "options", &text, &found);
    r->config_hash = found && text.data ? nas_hash(text.data, text.length, 1) : 0;
    nas_text_clear(&text);
    if (status != NAS_OK || (known && r->config_hash == known))
        return status;
    r->config = calloc(1, sizeof *r->config);
    if (!r->config)
        NAS_FAIL(NAS_MEMORY, "no memory for a config");
    status = nas_config_of_study(study, r->config);
    if (status != NAS_OK) {
        free(r->config);
        r->config = NULL;
    }
    return status;
}

static nas_status read_session(nas_study *study, reading *r)
{
    NAS_TRY(nas__signs_read(study, &r->signs));
    return nas__use_window(study, &r->from_ms, &r->to_ms);
}

/* What is said of the session first: of one that has ended the log is then whole.  Config last: nothing can fail behind it. */
static nas_status read_news(nas_study *study, uint64_t known, reading *r)
{
    NAS_TRY(read_session(study, r));
    NAS_TRY(nas_study_sync(study));
    return read_config(study, known, r);
}

static void take_config(nas_watch *watch, const reading *r)
{
    if (!r->config)
        return;
    if (watch->own)
        nas_config_clear(watch->own);
    free(watch->own);
    watch->config = watch->own = r->config;
    watch->config_hash = r->config_hash;
}

/* Opens the file that has the name now.  What was open stays so until that has worked. */
static nas_status open_again(nas_watch *watch, const struct stat *about, reading *r)
{
    nas_study *study = NULL;
    NAS_TRY(nas_study_open(watch->path, NAS_STORE_READ, &study));
    const nas_status status = read_news(study, 0, r);
    if (status != NAS_OK) {
        nas_study_close(study);
        return status;
    }
    forget(watch);
    watch->device = about->st_dev;
    watch->file = about->st_ino;
    watch->study = study;
    return NAS_OK;
}

static nas_status look(nas_watch *watch, reading *r)
{
    struct stat about = {0};
    *r = (reading){.from_ms = 0};
    if (stat(watch->path, &about) != 0 && watch->study)
        NAS_FAIL(NAS_STORE, "%s is not there any more; what is shown is what it was", watch->path);
    if (!watch->study || about.st_dev != watch->device || about.st_ino != watch->file) {
        NAS_TRY(open_again(watch, &about, r));
    } else {
        NAS_TRY(read_news(watch->study, watch->config_hash, r));
    }
    take_config(watch, r);
    watch->signs = r->signs;
    return NAS_OK;
}

nas_status nas_session_watch_open(const char *study_path, nas_watch **watch)
{
    reading r;
    if (strlen(study_path) >= NAS_PATH_SIZE)
        NAS_FAIL(NAS_CONFIG, "the path %.40s… is too long", study_path);
    nas_watch *made = calloc(1, sizeof *made);
    if (!made)
        NAS_FAIL(NAS_MEMORY, "no memory to watch %s", study_path);
    made->best = -1;
    strcpy(made->path, study_path);
    const nas_status status = look(made, &r);
    if (status != NAS_OK) {
        nas_session_watch_close(made);
        return status;
    }
    *watch = made;
    return NAS_OK;
}

/* ---- words --------------------------------------------------------------------------------------------------------- */

/* Studies of earlier versions keep no shape, others not before the search has opened its data. */
static void open_domain(nas_watch *watch)
{
    bool found = false;
    if (nas__domain_by_shape(watch->study, watch->config, &watch->domain, &found) != NAS_OK)
        watch->domain = NULL;
    watch->domain_tried = found;
}

static const char *words_of(nas_watch *watch, int best)
{
    nas_arch arch;
    if (best == watch->best)
        return watch->words.data;
    if (!watch->domain_tried)
        open_domain(watch);
    const nas_trial *trial = nas_study_trial(watch->study, best);
    nas_text_clear(&watch->words);
    nas_text_add(&watch->words, "");
    if (watch->domain && nas_domain_read(watch->domain, trial->arch, &arch) == NAS_OK)
        nas_domain_describe(watch->domain, &arch, &watch->words);
    else
        nas_text_add(&watch->words, trial->arch);
    watch->best = watch->domain_tried && !watch->words.failed ? best : -1;
    return watch->words.failed ? "" : watch->words.data;
}

/* ---- a look -------------------------------------------------------------------------------------------------------- */

static double run_seconds(nas_study *study)
{
    nas_text text = {0};
    bool found = false;
    const double value = nas_study_get(study, "run_s", &text, &found) == NAS_OK && found
                             ? nas_real_read(text.data, NULL)
                             : 0;
    nas_text_clear(&text);
    return value > 0 && value < 1e12 ? value : 0; /* anybody can have written it */
}

static void count_others(const nas_study *study, nas_watch_view *view)
{
    view->queued = view->aliases = 0;
    for (int i = 0; i < nas_study_count(study); i++) {
        const nas_trial_status status = nas_study_trial(study, i)->status;
        view->queued += status == NAS_TRIAL_QUEUED;
        view->aliases += status == NAS_TRIAL_ALIAS;
    }
}

/* Somebody outside, or of another machine, has shown a sign within the lease. */
static bool is_worked_on(const nas_watch *watch, int64_t now)
{
    const int64_t lease_ms = (int64_t)(1000 * watch->config->budget.lease_s);
    for (int i = 0; i < nas_study_count(watch->study); i++) {
        const nas_trial *trial = nas_study_trial(watch->study, i);
        if (trial->status != NAS_TRIAL_RUNNING)
            continue;
        const nas_owner_state state = nas_owner_look(&trial->owner);
        const int64_t lease =
            strcmp(trial->owner.host, "outside") == 0 ? trial->owner.start : lease_ms;
        const int64_t sign =
            trial->heartbeat_ms > trial->started_ms ? trial->heartbeat_ms : trial->started_ms;
        if (state == NAS_OWNER_ALIVE || (state == NAS_OWNER_UNKNOWN && now - sign < lease))
            return true;
    }
    return false;
}

static void find_state(nas_watch *watch, bool search_ended, nas_watch_view *view)
{
    const nas_owner *owner = &watch->signs.owner;
    const nas_owner_state alive = owner->pid ? nas_owner_look(owner) : NAS_OWNER_DEAD;
    const bool worked_on = is_worked_on(watch, view->looked_ms);
    char how[NAS__HOW_SIZE] = "";
    const bool over =
        nas__search_over(watch->study, watch->config, view->progress.run_s, how) || search_ended;
    view->ended_by[0] = '\0';
    view->missing = 0;
    if (alive == NAS_OWNER_ALIVE || worked_on || (alive == NAS_OWNER_UNKNOWN && !over)) {
        view->state = watch->signs.jobs > 0 && !worked_on ? NAS_WATCH_RETRAIN : NAS_WATCH_SEARCH;
        return;
    }
    view->state = over ? NAS_WATCH_DONE : NAS_WATCH_STOPPED;
    if (!over)
        return;
    snprintf(view->ended_by, sizeof view->ended_by, "%s", how);
    if (view->progress.has_best &&
        nas__retrain_missing(watch->study, watch->config, &view->missing) != NAS_OK)
        view->missing = 0;
}

/* Of trials that ended from `from_ms` on. */
static double rate_since(const nas_study *study, int64_t from_ms, int64_t now, int *count)
{
    *count = 0;
    for (int i = 0; i < nas_study_count(study); i++)
        *count += nas_study_trial(study, i)->ended_ms >= from_ms &&
                  nas_trial_final(nas_study_trial(study, i));
    return now > from_ms ? 60000.0 * *count / (double)(now - from_ms) : 0;
}

static void find_rate(const nas_watch *watch, nas_watch_view *view)
{
    nas_progress *p = &view->progress;
    const nas_budget *budget = &watch->config->budget;
    const int64_t now = view->looked_ms, window = now - WINDOW_MS;
    const int64_t begun_ms = view->begun_ms ? view->begun_ms : view->created_ms; /* ask, tell */
    const double limit_s = nas__real_limit_s(watch->config);
    int count;
    view->per_minute_all = p->run_s > 0 ? 60 * (double)p->done / p->run_s : 0;
    p->per_minute = 0;
    p->eta_s = -1;
    if (view->state != NAS_WATCH_SEARCH)
        return;
    p->per_minute = rate_since(watch->study, window > begun_ms ? window : begun_ms, now, &count);
    if (count < 2 && window > begun_ms)
        p->per_minute = rate_since(watch->study, begun_ms, now, &count);
    if (count < 2)
        p->per_minute = 0;
    if (limit_s > 0)
        p->eta_s = fmax(0, limit_s - p->run_s);
    if (budget->trials > 0 && p->per_minute > 0) {
        const double left = fmax(0, 60 * (double)(budget->trials - p->done) / p->per_minute);
        p->eta_s = p->eta_s < 0 ? left : fmin(p->eta_s, left);
    } else if (budget->trials > 0)
        p->eta_s = -1;
}

static bool is_use_of(const nas_device_use *use, const nas__sign_place *sign)
{
    return sign->device[0] ? strcmp(use->device, sign->device) == 0
                           : strcmp(use->name, sign->name) == 0;
}

/* A session that has ended says nothing of its devices any more, and what it said last does not hold. */
static void merge_signs(nas_watch *watch, nas_watch_view *view)
{
    nas_progress *p = &view->progress;
    const bool runs = view->state == NAS_WATCH_SEARCH;
    for (int i = 0; i < p->use_count; i++)
        p->uses[i].state = p->uses[i].trial >= 0 ? "works" : runs ? "waits" : "";
    for (int i = 0; runs && i < watch->signs.place_count; i++) {
        const nas__sign_place *sign = &watch->signs.places[i];
        int at = 0;
        while (at < p->use_count && !is_use_of(&p->uses[at], sign))
            at++;
        if (at == NAS_DEVICE_USES)
            continue;
        nas_device_use *use = &p->uses[at];
        if (at == p->use_count) {
            *use = (nas_device_use){.state = "", .trial = -1, .busy = NAN, .silent_s = NAN};
            memcpy(use->name, sign->name, sizeof use->name);
            memcpy(use->device, sign->device, sizeof use->device);
            p->use_count++;
        }
        memcpy(watch->state_names[i], sign->state, sizeof sign->state);
        if (strcmp(sign->state, "works") != 0)
            use->state = watch->state_names[i];
        else if (use->trial < 0)
            use->state = "waits";
        use->lost = sign->lost;
        memcpy(use->trouble, sign->trouble, sizeof use->trouble);
    }
}

static void tell_retraining(const nas_watch *watch, nas_watch_view *view)
{
    nas_progress *p = &view->progress;
    const bool retrains = view->state == NAS_WATCH_RETRAIN;
    p->job = retrains ? watch->signs.job : 0;
    p->jobs = retrains ? watch->signs.jobs : 0;
    p->epoch = retrains ? watch->signs.epoch : 0;
    p->epochs = retrains ? watch->signs.epochs : 0;
    p->job_name = retrains ? watch->signs.job_name : "";
}

static void see(nas_watch *watch, const reading *r, nas_watch_view *view)
{
    nas_progress *p = &view->progress;
    *view = (nas_watch_view){.study = watch->study,
                             .config = watch->config,
                             .looked_ms = nas_time_ms(),
                             .begun_ms = r->from_ms,
                             .best_words = ""};
    if (nas__use_time(watch->study, "created", &view->created_ms) != NAS_OK)
        view->created_ms = 0;
    p->event = NAS_EVENT_TICK;
    p->note = "";
    p->total = watch->config->budget.trials;
    p->best_metric = watch->config->objectives.item[0].metric;
    p->run_s = run_seconds(watch->study);
    nas__count_trials(watch->study, watch->config, p);
    count_others(watch->study, view);
    find_state(watch, r->to_ms > 0, view);
    p->devices = p->busy;
    if (view->state == NAS_WATCH_SEARCH && r->from_ms > 0)
        p->elapsed_s = (double)(view->looked_ms - r->from_ms) / 1000;
    if (r->from_ms > 0)
        p->use_count = nas__use_from_log(watch->study, r->from_ms,
                                         r->to_ms ? r->to_ms : nas__use_until(watch->study),
                                         p->uses, NAS_DEVICE_USES);
    find_rate(watch, view);
    merge_signs(watch, view);
    tell_retraining(watch, view);
}

nas_status nas_session_watch_update(nas_watch *watch, nas_watch_view *view)
{
    reading r;
    NAS_TRY(look(watch, &r));
    see(watch, &r, view);
    if (view->progress.has_best) {
        const int best = (int)view->progress.best_index;
        view->best_ms = nas_study_trial(watch->study, best)->ended_ms;
        view->best_words = words_of(watch, best);
    }
    return NAS_OK;
}

/* ---- one look ------------------------------------------------------------------------------------------------------ */

/* Texts that live as long as the config does. */
static void take_progress(const nas_watch_view *view, const nas_config *config,
                          nas_progress *progress)
{
    *progress = view->progress;
    progress->best_metric = config->objectives.item[0].metric;
    progress->job_name = "";
    for (int i = 0; i < progress->use_count; i++)
        progress->uses[i].state = progress->uses[i].trial >= 0 ? "works" : "";
}

nas_status nas_study_view_progress(const nas_study_view *view, nas_progress *progress)
{
    nas_watch watch = {.study = view->study, .config = &view->config};
    nas_watch_view seen;
    reading r = {.from_ms = 0};
    NAS_TRY(read_session(view->study, &r));
    watch.signs = r.signs;
    see(&watch, &r, &seen);
    take_progress(&seen, &view->config, progress);
    return NAS_OK;
}

nas_status nas_session_status(const char *study_path, nas_config *config, nas_progress *progress)
{
    nas_watch *watch = NULL;
    nas_watch_view view;
    NAS_TRY(nas_session_watch_open(study_path, &watch));
    const nas_status status = nas_session_watch_update(watch, &view);
    if (status == NAS_OK) {
        *config = *watch->own; /* taken over */
        free(watch->own);
        watch->own = NULL;
        take_progress(&view, config, progress);
    }
    nas_session_watch_close(watch);
    return status;
}
