/* python_run.c - what Python can run, run by $CLNAS_PEER_PYTHON or python3, where it has the modules for it. */
#include "exporter.h"

#include <stdio.h>
#include <stdlib.h>

enum { NO_MODULES = 42 };

static nas_status write_script(const nas__python *python, const char *path)
{
    nas_text text = {0};
    nas_text_format(&text,
                    "import sys\n"
                    "try:\n"
                    "    import %s\n"
                    "except ImportError:\n"
                    "    sys.exit(%d)\n"
                    "path, shape = sys.argv[1], [int(size) for size in sys.argv[2:]]\n"
                    "data = bytearray(sys.stdin.buffer.read())\n"
                    "%s"
                    "sys.stdout.buffer.write(result)\n",
                    python->modules, NO_MODULES, python->body);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_file_replace(path, text.data, text.length);
    nas_text_clear(&text);
    return status;
}

static nas_status run_script(const nas__python *what, const nas__scratch *s, const nas_model *model,
                             const char *path)
{
    const char *given = getenv("CLNAS_PEER_PYTHON");
    const char *python = given && *given ? given : "python3";
    const nas_shape in = nas_model_input(model);
    char c[16], h[16], w[16], failed[64];
    int code = 0;
    snprintf(c, sizeof c, "%d", in.c);
    snprintf(h, sizeof h, "%d", in.h);
    snprintf(w, sizeof w, "%d", in.w);
    const char *arguments[] = {python, "-B", s->file[NAS__SCRATCH_SOURCE], path, c, h, w, NULL};
    const nas_status status = nas__scratch_run(s, arguments, &code);
    if (status == NAS_NO_DEVICE)
        NAS_FAIL(NAS_NO_DEVICE, "there is no %s here", python);
    NAS_TRY(status);
    if (code == NO_MODULES)
        NAS_FAIL(NAS_NO_DEVICE, "%s has no %s; CLNAS_PEER_PYTHON may name one that has", python,
                 what->what);
    snprintf(failed, sizeof failed, "%s does not run it", what->what);
    return code == 0 ? NAS_OK : nas__scratch_complain(s, path, failed);
}

nas_status nas__python_run(const nas__python *python, const nas_model *model, const char *path,
                           const float *inputs, int samples, float *outputs)
{
    const size_t in = (size_t)nas_shape_count(nas_model_input(model)) * sizeof *inputs;
    const size_t out = (size_t)nas_shape_count(nas_model_output(model)) * sizeof *outputs;
    nas__scratch s;
    NAS_TRY(nas__scratch_make(&s, ".py"));
    nas_status status = write_script(python, s.file[NAS__SCRATCH_SOURCE]);
    if (status == NAS_OK)
        status = nas_file_replace(s.file[NAS__SCRATCH_INPUTS], inputs, (size_t)samples * in);
    if (status == NAS_OK)
        status = run_script(python, &s, model, path);
    if (status == NAS_OK)
        status = nas__scratch_outputs(&s, path, outputs, (size_t)samples * out);
    nas__scratch_remove(&s);
    return status;
}
