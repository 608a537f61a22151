/* run.c - other programs, run to see that what was exported computes what it should: a temporary folder, and a child process. */
#include "exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *const files[NAS__SCRATCH_FILES] = {"program", "source", "inputs", "outputs",
                                                      "messages"};

nas_status nas__scratch_make(nas__scratch *s, const char *ending)
{
    const char *where = getenv("TMPDIR");
    *s = (nas__scratch){.path = ""};
    snprintf(s->path, sizeof s->path, "%s/clnas-export-XXXXXX", where && *where ? where : "/tmp");
    if (!mkdtemp(s->path))
        NAS_FAIL(NAS_FAILED, "%s: %s", s->path, strerror(errno));
    for (int i = 0; i < NAS__SCRATCH_FILES; i++)
        snprintf(s->file[i], sizeof s->file[i], "%s/%s%s", s->path, files[i],
                 i == NAS__SCRATCH_SOURCE ? ending : "");
    return NAS_OK;
}

void nas__scratch_remove(const nas__scratch *s)
{
    for (int i = 0; i < NAS__SCRATCH_FILES; i++)
        unlink(s->file[i]);
    rmdir(s->path);
}

nas_status nas__scratch_run(const nas__scratch *s, const char *const *arguments, int *code)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int how;
    const char *const messages = s->file[NAS__SCRATCH_MESSAGES];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, s->file[NAS__SCRATCH_INPUTS], O_RDONLY | O_CREAT,
                                     0600);
    posix_spawn_file_actions_addopen(&actions, 1, s->file[NAS__SCRATCH_OUTPUTS],
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int error = posix_spawnp(&pid, arguments[0], &actions, NULL,
                                   (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        NAS_FAIL(error == ENOENT ? NAS_NO_DEVICE : NAS_FAILED, "%s: %s", arguments[0],
                 strerror(error));
    while (waitpid(pid, &how, 0) != pid)
        if (errno != EINTR)
            NAS_FAIL(NAS_FAILED, "%s: %s", arguments[0], strerror(errno));
    *code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    return NAS_OK;
}

nas_status nas__scratch_complain(const nas__scratch *s, const char *path, const char *what)
{
    void *text = NULL;
    size_t size;
    NAS_TRY(nas_file_read(s->file[NAS__SCRATCH_MESSAGES], 1 << 20, &text, &size));
    char *last = text; /* the last line that says something */
    for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (*line != '\n' && *line != ' ')
            last = line;
    const nas_status status = nas_error_set(NAS_FAILED, __FILE__, __LINE__, "%s: %s: %.*s", path,
                                            what, (int)strcspn(last, "\n"), last);
    free(text);
    return status;
}

nas_status nas__scratch_outputs(const nas__scratch *s, const char *path, float *outputs,
                                size_t bytes)
{
    void *data = NULL;
    size_t size;
    NAS_TRY(nas_file_read(s->file[NAS__SCRATCH_OUTPUTS], bytes + 1, &data, &size));
    if (size == bytes)
        memcpy(outputs, data, bytes);
    free(data);
    if (size != bytes)
        NAS_FAIL(NAS_FAILED, "%s: run, it gave %zu bytes, not %zu", path, size, bytes);
    return NAS_OK;
}
