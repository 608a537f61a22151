/* test_threads.c - the rules of threads (include/clnas/base.h) hold: several searches in one process, each by a thread of its own.
 *
 * The truth is each search alone: at once, with one cancelled from another thread, and after an interrupt of all, the lists of
 * trials are the same.  Built with NAS_SANITIZE=thread (docs/embedding.md) this is also where races of the library would show. */
#include "nas_test.h"
#include "nas_test_study.h"

#include <clnas/session.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { THREADS = 2 };

/* Two searches that have nothing in common but the code: a trained one, and one by another strategy and space with a retraining. */
static const char *const texts[THREADS] = {
    "seed = 3;\n"
    "data = { type = \"synthetic\"; shape = [1, 12, 12]; classes = 4; train = 320; test = 64; "
    "valid = 64; };\n"
    "space = { type = \"chain\"; depth = [1, 3]; width = [4, 8]; kernel = [3]; };\n"
    "strategy = { type = \"evolution\"; population = 4; tournament = 2; };\n"
    "train = { epochs = 2; batch = 32; lr = 0.1; };\n"
    "budget = { trials = 6; lookahead = 2; keep = 2; };\n"
    "retrain = { top = 0; };\n",
    "seed = 8;\n"
    "data = { type = \"synthetic\"; shape = [3, 8, 8]; classes = 3; train = 256; test = 64; valid "
    "= "
    "64; };\n"
    "space = { type = \"cell201\"; cells = 1; channels = 4; };\n"
    "strategy = { type = \"bananas\"; };\n"
    "train = { epochs = 1; batch = 32; lr = 0.05; };\n"
    "budget = { trials = 8; lookahead = 1; };\n"
    "retrain = { top = 1; epochs = 1; };\n",
};

typedef struct searcher {
    const char *text;
    char path[64];
    bool resumed; /* goes on with a study that is there */
    pthread_t thread;
    atomic_int done;       /* trials */
    atomic_bool wish;      /* the main thread's: stop */
    pthread_t called_from; /* by the progress function */
    bool elsewhere;        /* it was called by another thread */
    nas_status status;
    char message[512];
    nas_search_report report;
} searcher;

static void see(void *user, const nas_progress *progress)
{
    searcher *s = user;
    s->elsewhere = s->elsewhere || !pthread_equal(pthread_self(), s->thread);
    atomic_store(&s->done, (int)progress->done);
}

static bool cancelled(void *user)
{
    searcher *s = user;
    s->elsewhere = s->elsewhere || !pthread_equal(pthread_self(), s->thread);
    return atomic_load(&s->wish);
}

static void *search(void *user)
{
    searcher *s = user;
    nas_config *config = calloc(1, sizeof *config);
    const nas_search_options options = {
        .study_path = s->path, .progress = see, .cancelled = cancelled, .user = s};
    s->thread = pthread_self();
    s->status =
        config ? nas_config_parse(s->text, "threads.cfg", NULL, NULL, 0, config) : NAS_MEMORY;
    if (s->status == NAS_OK && s->resumed)
        s->status = nas_session_resume(s->path, NULL, 0, &options, &s->report);
    else if (s->status == NAS_OK)
        s->status = nas_session_search(config, &options, &s->report);
    snprintf(s->message, sizeof s->message, "%s", nas_error_message());
    if (config)
        nas_config_clear(config);
    free(config);
    return NULL;
}

static searcher *make(int which, const char *name, bool resumed)
{
    searcher *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->text = texts[which];
    s->resumed = resumed;
    snprintf(s->path, sizeof s->path, "%s-%d.study", name, which);
    return s;
}

static void start(searcher *s)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, search, s), 0);
    s->called_from = thread;
}

static void join(searcher *s)
{
    assert_int_equal(pthread_join(s->called_from, NULL), 0);
    assert_false(s->elsewhere);
}

static void expect(const searcher *s, nas_status wanted)
{
    if (s->status != wanted)
        fail_msg("%s: %s instead of %s: %s", s->path, nas_status_name(s->status),
                 nas_status_name(wanted), s->message);
}

static char *alone[THREADS]; /* canonical lists */
static double alone_score;   /* of the retrained one */

static void need_reference(void)
{
    for (int i = 0; i < THREADS && !alone[i]; i++) {
        searcher *s = make(i, "alone", false);
        start(s);
        join(s);
        if (s->status == NAS_NO_DEVICE)
            skip();
        expect(s, NAS_OK);
        alone[i] = nas_test_canonical(s->path);
        if (s->report.result_count)
            alone_score = s->report.results[0].test_score;
        free(s);
    }
}

static void assert_as_alone(const searcher *s, int which)
{
    char *list = nas_test_canonical(s->path);
    assert_string_equal(list, alone[which]);
    free(list);
    if (s->report.result_count)
        assert_true(s->report.results[0].test_score == alone_score);
}

/* ---- two at once ------------------------------------------------------------------------------------------ */

static atomic_int log_calls;

static void count_log(void *user, nas_log_level level, const char *message)
{
    (void)user, (void)level, (void)message;
    atomic_fetch_add(&log_calls, 1);
}

static void test_at_once(void **state)
{
    searcher *s[THREADS];
    (void)state;
    need_reference();
    for (int i = 0; i < THREADS; i++)
        start(s[i] = make(i, "once", false));
    for (int i = 0; i < THREADS; i++)
        join(s[i]);
    for (int i = 0; i < THREADS; i++) {
        expect(s[i], NAS_OK);
        assert_as_alone(s[i], i);
        free(s[i]);
    }
    assert_true(atomic_load(&log_calls) > 0);
    assert_string_equal(nas_error_message(),
                        ""); /* whatever failed there, this thread's is its own */
}

/* ---- one stopped from here -------------------------------------------------------------------------------- */

static void wait_for_trials(searcher *s, int count)
{
    while (atomic_load(&s->done) < count)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void resume_and_compare(const char *name, int which)
{
    searcher *s = make(which, name, true);
    start(s);
    join(s);
    expect(s, NAS_OK);
    assert_as_alone(s, which);
    free(s);
}

static void test_one_cancelled(void **state)
{
    searcher *s[THREADS];
    (void)state;
    need_reference();
    for (int i = 0; i < THREADS; i++)
        start(s[i] = make(i, "cancel", false));
    wait_for_trials(s[0], 1);
    atomic_store(&s[0]->wish, true);
    for (int i = 0; i < THREADS; i++)
        join(s[i]);
    expect(s[0], NAS_STOPPED);
    assert_string_equal(s[0]->report.ended_by, "cancelled");
    expect(s[1], NAS_OK);
    assert_as_alone(s[1], 1);
    resume_and_compare("cancel", 0);
    free(s[0]);
    free(s[1]);
}

/* ---- all stopped ------------------------------------------------------------------------------------------- */

static void test_all_interrupted(void **state)
{
    searcher *s[THREADS];
    (void)state;
    need_reference();
    for (int i = 0; i < THREADS; i++)
        start(s[i] = make(i, "interrupt", false));
    for (int i = 0; i < THREADS; i++)
        wait_for_trials(s[i], 1);
    nas_session_interrupt(SIGTERM);
    for (int i = 0; i < THREADS; i++)
        join(s[i]);
    for (int i = 0; i < THREADS; i++) {
        if (s[i]->status != NAS_OK) { /* OK: it had ended before */
            expect(s[i], NAS_STOPPED);
            assert_int_equal(s[i]->report.signal, SIGTERM);
            assert_string_equal(s[i]->report.ended_by, "signal");
        }
        free(s[i]);
    }
    for (int i = 0; i < THREADS; i++) /* a call that begins later is not meant */
        resume_and_compare("interrupt", i);
}

/* ---- messages ------------------------------------------------------------------------------------------------ */

static void *fail_in_a_thread(void *user)
{
    const nas_space *space;
    char name[32];
    snprintf(name, sizeof name, "space_%d", *(int *)user);
    for (int i = 0; i < 1000; i++) {
        if (nas_space_get(name, &space) == NAS_OK || !strstr(nas_error_message(), name))
            return user;
    }
    return NULL;
}

static void test_messages_per_thread(void **state)
{
    pthread_t threads[4];
    int numbers[4];
    (void)state;
    nas_error_clear();
    for (int i = 0; i < 4; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, fail_in_a_thread, &numbers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_string_equal(nas_error_message(), "");
}

int main(void)
{
    nas_log_set(count_log, NULL, NAS_LOG_DEBUG);
    if (system("rm -rf ./*.study*") != 0)
        return 3;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_per_thread),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_one_cancelled),
        cmocka_unit_test(test_all_interrupted),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (int i = 0; i < THREADS; i++)
        free(alone[i]);
    return failed;
}
