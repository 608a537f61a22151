/* session_runs.c - see session_runs.h. */
#include "session_runs.h"

#include "nas_test_study.h"

#include <unistd.h>

static char folder[64];

const char session_config[] =
    "seed = 3;\n"
    "data = { type = \"synthetic\"; shape = [1, 12, 12]; classes = 4; train = 320; test = 64; "
    "valid = 64; };\n"
    "space = { type = \"chain\"; depth = [1, 3]; width = [4, 8]; kernel = [3]; op = [\"conv\", "
    "\"max_pool\"]; };\n"
    "strategy = { type = \"evolution\"; population = 4; tournament = 2; given = [\"baseline\"]; "
    "};\n"
    "train = { epochs = 2; batch = 32; lr = 0.1; };\n"
    "budget = { trials = 8; lookahead = 3; keep = 2; lease_s = 2.0; };\n"
    "retrain = { top = 1; epochs = 3; };\n";

const char *path_of(const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

nas_config *parse_config(const char *const *overrides, int count)
{
    nas_config *config = calloc(1, sizeof *config);
    assert_non_null(config);
    nas_test_ok(nas_config_parse(session_config, "test.cfg", NULL, overrides, count, config));
    return config;
}

nas_search_options options_for(const char *study, bool processes)
{
    return (nas_search_options){.study_path = study,
                                .program = processes ? "/proc/self/exe" : NULL};
}

/* Searches and hands back the status; the report is the caller's. */
nas_status search_with(const nas_search_options *options, const char *override,
                       nas_search_report *report)
{
    nas_config *config = parse_config(&override, override != NULL);
    nas_status status = nas_session_search(config, options, report);
    nas_config_clear(config);
    free(config);
    return status;
}

nas_status search_config(const char *study, bool processes, const char *override,
                         nas_search_report *report)
{
    nas_search_options options = options_for(study, processes);
    return search_with(&options, override, report);
}

nas_status resume_study(const char *study, nas_search_report *report)
{
    nas_search_options options = options_for(study, true);
    return nas_session_resume(study, NULL, 0, &options, report);
}

void hash_of_file(const char *path, char hash[33])
{
    void *data;
    size_t size;
    nas_test_ok(nas_file_read(path, 1 << 24, &data, &size));
    nas_hash_hex(data, size, hash);
    free(data);
}

/* Canonical trials and the hash of every model file; free() it. */
char *print_of(const char *study)
{
    nas_text text = {0};
    char command[512], hash[33], *trials = nas_test_canonical(study);
    nas_text_add(&text, trials);
    free(trials);
    snprintf(command, sizeof command, "cd '%s.d' && ls *.safetensors", study);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    while (fgets(command, sizeof command, list)) {
        char path[1024];
        command[strcspn(command, "\n")] = '\0';
        snprintf(path, sizeof path, "%s.d/%s", study, command);
        hash_of_file(path, hash);
        nas_text_format(&text, "%s %s\n", command, hash);
    }
    pclose(list);
    nas_test_ok(nas_text_check(&text));
    return text.data;
}

nas_trial trial_of(const char *study, int index)
{
    nas_study *opened;
    nas_trial trial;
    nas_test_ok(nas_study_open(study, NAS_STORE_READ, &opened));
    nas_test_ok(nas_trial_copy(nas_study_trial(opened, index), &trial));
    nas_study_close(opened);
    return trial;
}

char worker_notes[8192];

void listen_to_workers(void *user, const nas_progress *progress)
{
    const size_t length = strlen(worker_notes);
    (void)user;
    assert_in_range(progress->use_count, 0, NAS_DEVICE_USES);
    if (progress->event == NAS_EVENT_WORKER && length < sizeof worker_notes)
        snprintf(worker_notes + length, sizeof worker_notes - length, "%s\n", progress->note);
}

void assert_noted(const char *part)
{
    if (!strstr(worker_notes, part))
        fail_msg("no worker's note has \"%s\":\n%s", part, worker_notes);
}

int make_session_folder(void **state)
{
    (void)state;
    strcpy(folder, "session-XXXXXX");
    return mkdtemp(folder) == NULL;
}

int remove_session_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

void be_a_worker(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "worker") != 0)
        return;
    int code = nas_session_worker(argc - 2, argv + 2);
    fflush(NULL);
    _exit(code);
}
