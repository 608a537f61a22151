/* c_run.c - a written C file compiled and run, to see that it computes what it should.
 *
 * The machine's own compiler ($CC, or cc) builds it with a main() that reads samples from the standard input and writes
 * outputs to the standard output, in a temporary folder that goes afterwards. */
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

enum { FILES = 5 };
static const char *const files[FILES] = {"main.c", "program", "inputs", "outputs", "messages"};
typedef enum file { MAIN, PROGRAM, INPUTS, OUTPUTS, MESSAGES } file;

typedef struct folder {
    char path[NAS_PATH_SIZE];
    char file[FILES][NAS_PATH_SIZE + 16];
} folder;

static nas_status folder_make(folder *f)
{
    const char *where = getenv("TMPDIR");
    snprintf(f->path, sizeof f->path, "%s/clnas-export-XXXXXX", where && *where ? where : "/tmp");
    if (!mkdtemp(f->path))
        NAS_FAIL(NAS_FAILED, "%s: %s", f->path, strerror(errno));
    for (int i = 0; i < FILES; i++)
        snprintf(f->file[i], sizeof f->file[i], "%s/%s", f->path, files[i]);
    return NAS_OK;
}

static void folder_remove(const folder *f)
{
    for (int i = 0; i < FILES; i++)
        unlink(f->file[i]);
    rmdir(f->path);
}

/* The program's exit code, or −1 when a signal ended it. */
static nas_status run_program(char *const *arguments, const char *input, const char *output,
                              const char *messages, int *code)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int how;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int error = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
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

static nas_status write_main(const folder *f, const char *path)
{
    nas_text text = {0};
    nas__c_names names;
    NAS_TRY(nas__c_names_of(path, &names));
    nas_text_format(&text,
                    "#include \"%s\"\n#include <stdio.h>\n"
                    "static float input[%s_INPUTS], output[%s_OUTPUTS], work[%s_WORK];\n"
                    "int main(void)\n{\n"
                    "    while (fread(input, sizeof input, 1, stdin) == 1) {\n"
                    "        %s_run(input, output, work);\n"
                    "        if (fwrite(output, sizeof output, 1, stdout) != 1)\n"
                    "            return 1;\n    }\n    return 0;\n}\n",
                    names.base, names.upper, names.upper, names.upper, names.name);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_file_replace(f->file[MAIN], text.data, text.length);
    nas_text_clear(&text);
    return status;
}

/* The compiler's first line in the message: the rest is for whoever calls it by hand. */
static nas_status complain(const folder *f, const char *path, const char *what)
{
    void *text = NULL;
    size_t size;
    nas_status status = nas_file_read(f->file[MESSAGES], 1 << 20, &text, &size);
    NAS_TRY(status);
    status = nas_error_set(NAS_FAILED, __FILE__, __LINE__, "%s: %s: %.*s", path, what,
                           (int)strcspn(text, "\n"), (const char *)text);
    free(text);
    return status;
}

static nas_status compile(const folder *f, const char *path)
{
    const char *given = getenv("CC");
    const char *compiler = given && *given ? given : "cc";
    const char *slash = strrchr(path, '/');
    char include[NAS_PATH_SIZE + 2];
    int code = 0;
    snprintf(include, sizeof include, "-I%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    const char *arguments[] = {compiler,         "-std=c99", "-O1",         include, "-o",
                               f->file[PROGRAM], path,       f->file[MAIN], "-lm",   NULL};
    const nas_status status = run_program((char *const *)(uintptr_t)arguments, "/dev/null",
                                          "/dev/null", f->file[MESSAGES], &code);
    if (status == NAS_NO_DEVICE)
        NAS_FAIL(NAS_NO_DEVICE, "there is no C compiler here (%s)", compiler);
    NAS_TRY(status);
    return code == 0 ? NAS_OK : complain(f, path, "it does not compile");
}

static nas_status run_samples(const folder *f, const char *path, const float *inputs,
                              size_t input_bytes, float *outputs, size_t output_bytes)
{
    const char *arguments[] = {f->file[PROGRAM], NULL};
    void *data = NULL;
    size_t size;
    int code = 0;
    NAS_TRY(nas_file_replace(f->file[INPUTS], inputs, input_bytes));
    NAS_TRY(run_program((char *const *)(uintptr_t)arguments, f->file[INPUTS], f->file[OUTPUTS],
                        f->file[MESSAGES], &code));
    if (code != 0)
        NAS_FAIL(NAS_FAILED, "%s: compiled, it ended with code %d", path, code);
    NAS_TRY(nas_file_read(f->file[OUTPUTS], output_bytes + 1, &data, &size));
    if (size == output_bytes)
        memcpy(outputs, data, output_bytes);
    free(data);
    if (size != output_bytes)
        NAS_FAIL(NAS_FAILED, "%s: compiled, it wrote %zu bytes, not %zu", path, size, output_bytes);
    return NAS_OK;
}

nas_status nas__c_run(const nas_model *model, const char *path, const float *inputs, int samples,
                      float *outputs)
{
    const size_t in = (size_t)nas_shape_count(nas_model_input(model)) * sizeof *inputs;
    const size_t out = (size_t)nas_shape_count(nas_model_output(model)) * sizeof *outputs;
    folder f;
    NAS_TRY(folder_make(&f));
    nas_status status = write_main(&f, path);
    if (status == NAS_OK)
        status = compile(&f, path);
    if (status == NAS_OK)
        status =
            run_samples(&f, path, inputs, (size_t)samples * in, outputs, (size_t)samples * out);
    folder_remove(&f);
    return status;
}
