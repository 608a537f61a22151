/* torch_run.c - a written PyTorch module loaded and run, by $CLNAS_PEER_PYTHON or python3, where it has PyTorch. */
#include "exporter.h"

#include <stdio.h>
#include <stdlib.h>

enum { NO_TORCH = 42 };

static const char script[] =
    "import importlib.util, sys\n"
    "try:\n"
    "    import torch\n"
    "except ImportError:\n"
    "    sys.exit(42)\n"
    "spec = importlib.util.spec_from_file_location('exported', sys.argv[1])\n"
    "module = importlib.util.module_from_spec(spec)\n"
    "spec.loader.exec_module(module)\n"
    "shape = [int(size) for size in sys.argv[2:]]\n"
    "x = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.float32).reshape(-1, "
    "*shape)\n"
    "with torch.no_grad():\n"
    "    y = module.load()(x)\n"
    "sys.stdout.buffer.write(bytes(y.contiguous().view(torch.uint8).flatten().tolist()))\n";

static nas_status run_module(const nas__scratch *s, const nas_model *model, const char *path)
{
    const char *given = getenv("CLNAS_PEER_PYTHON");
    const char *python = given && *given ? given : "python3";
    const nas_shape in = nas_model_input(model);
    char c[16], h[16], w[16];
    int code = 0;
    snprintf(c, sizeof c, "%d", in.c);
    snprintf(h, sizeof h, "%d", in.h);
    snprintf(w, sizeof w, "%d", in.w);
    const char *arguments[] = {python, "-B", s->file[NAS__SCRATCH_SOURCE], path, c, h, w, NULL};
    const nas_status status = nas__scratch_run(s, arguments, &code);
    if (status == NAS_NO_DEVICE)
        NAS_FAIL(NAS_NO_DEVICE, "there is no %s here", python);
    NAS_TRY(status);
    if (code == NO_TORCH)
        NAS_FAIL(NAS_NO_DEVICE, "%s has no PyTorch; CLNAS_PEER_PYTHON may name one that has",
                 python);
    return code == 0 ? NAS_OK : nas__scratch_complain(s, path, "PyTorch does not run it");
}

nas_status nas__torch_run(const nas_model *model, const char *path, const float *inputs,
                          int samples, float *outputs)
{
    const size_t in = (size_t)nas_shape_count(nas_model_input(model)) * sizeof *inputs;
    const size_t out = (size_t)nas_shape_count(nas_model_output(model)) * sizeof *outputs;
    nas__scratch s;
    NAS_TRY(nas__scratch_make(&s, ".py"));
    nas_status status = nas_file_replace(s.file[NAS__SCRATCH_SOURCE], script, sizeof script - 1);
    if (status == NAS_OK)
        status = nas_file_replace(s.file[NAS__SCRATCH_INPUTS], inputs, (size_t)samples * in);
    if (status == NAS_OK)
        status = run_module(&s, model, path);
    if (status == NAS_OK)
        status = nas__scratch_outputs(&s, path, outputs, (size_t)samples * out);
    nas__scratch_remove(&s);
    return status;
}
