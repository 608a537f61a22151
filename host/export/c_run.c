/* c_run.c - a written C file compiled and run: the machine's own compiler ($CC, or cc) builds it with a main() that reads samples from
 * the standard input and writes outputs to the standard output. */
#include "exporter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nas_status write_main(const nas__scratch *s, const char *path)
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
        status = nas_file_replace(s->file[NAS__SCRATCH_SOURCE], text.data, text.length);
    nas_text_clear(&text);
    return status;
}

static nas_status compile(const nas__scratch *s, const char *path)
{
    const char *given = getenv("CC");
    const char *compiler = given && *given ? given : "cc";
    const char *slash = strrchr(path, '/');
    char include[NAS_PATH_SIZE + 2];
    int code = 0;
    snprintf(include, sizeof include, "-I%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    const char *arguments[] = {compiler, "-std=c99",
                               "-O1",    include,
                               "-o",     s->file[NAS__SCRATCH_PROGRAM],
                               path,     s->file[NAS__SCRATCH_SOURCE],
                               "-lm",    NULL};
    const nas_status status = nas__scratch_run(s, arguments, &code);
    if (status == NAS_NO_DEVICE)
        NAS_FAIL(NAS_NO_DEVICE, "there is no C compiler here (%s)", compiler);
    NAS_TRY(status);
    return code == 0 ? NAS_OK : nas__scratch_complain(s, path, "it does not compile");
}

static nas_status run_samples(const nas__scratch *s, const char *path)
{
    const char *arguments[] = {s->file[NAS__SCRATCH_PROGRAM], NULL};
    int code = 0;
    NAS_TRY(nas__scratch_run(s, arguments, &code));
    if (code != 0)
        NAS_FAIL(NAS_FAILED, "%s: compiled, it ended with code %d", path, code);
    return NAS_OK;
}

nas_status nas__c_run(const nas_model *model, const char *path, const float *inputs, int samples,
                      float *outputs)
{
    const size_t in = (size_t)nas_shape_count(nas_model_input(model)) * sizeof *inputs;
    const size_t out = (size_t)nas_shape_count(nas_model_output(model)) * sizeof *outputs;
    nas__scratch s;
    NAS_TRY(nas__scratch_make(&s, ".c"));
    nas_status status = write_main(&s, path);
    if (status == NAS_OK)
        status = compile(&s, path);
    if (status == NAS_OK)
        status = nas_file_replace(s.file[NAS__SCRATCH_INPUTS], inputs, (size_t)samples * in);
    if (status == NAS_OK)
        status = run_samples(&s, path);
    if (status == NAS_OK)
        status = nas__scratch_outputs(&s, path, outputs, (size_t)samples * out);
    nas__scratch_remove(&s);
    return status;
}
