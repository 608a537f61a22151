/* program.c - building programs, each (source, defines) once.
 *
 * A program is looked for in this process, then on disk (binary_cache.c), then compiled. Shapes are
 * kernel arguments and defines are only for structure, so a whole training needs few programs; they
 * stay with the device until it is destroyed. Nothing here trusts a binary: one that does not build
 * is compiled from source and replaced. */
#include "opencl.h"

#include <stdlib.h>
#include <string.h>

static nas__program *find(const nas_device *device, const nas_kernel_source *source,
                          const char *options)
{
    for (nas__program *program = device->programs; program; program = program->next)
        if (program->source == source && strcmp(program->options, options) == 0)
            return program;
    return NULL;
}

/* The compiler's words, whole; "" where the driver has none. */
static void read_log(const nas_device *device, cl_program program, nas_text *log)
{
    size_t size = 0;
    if (clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) !=
            CL_SUCCESS ||
        size < 2)
        return;
    char *words = calloc(1, size + 1);
    if (words && clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, size, words,
                                       NULL) == CL_SUCCESS)
        nas_text_add(log, words);
    free(words);
}

/* Warnings: a driver that builds without a word leaves nothing. */
static void keep_warnings(nas_device *device, cl_program program, const nas_kernel_source *source,
                          const char *options)
{
    nas_text log = {0};
    read_log(device, program, &log);
    if (log.data && log.data[strspn(log.data, " \t\r\n")])
        nas__build_log_keep(device, source->name, options, true, log.data);
    nas_text_clear(&log);
}

/* A message holds some thousand characters; a longer log goes to the log sink as well, whole. */
static void pass_on(const char *name, const char *words)
{
    enum { PIECE = 3000 };
    for (size_t left = strlen(words); left > PIECE; left = strlen(words)) {
        int length = PIECE;
        while (length > 1 && words[length - 1] != '\n')
            length--;
        length = length > 1 ? length : PIECE;
        nas_log(NAS_LOG_ERROR, "build log of cl/%s.cl:\n%.*s", name, length, words);
        words += length;
    }
    nas_log(NAS_LOG_ERROR, "build log of cl/%s.cl, end:\n%s", name, words);
}

static nas_status build_failed(nas_device *device, cl_program program,
                               const nas_kernel_source *source, const char *options, cl_int code)
{
    nas_text log = {0};
    read_log(device, program, &log);
    nas__build_log_keep(device, source->name, options, false, log.data ? log.data : "");
    if (log.length > 3000)
        pass_on(source->name, log.data);
    nas_status status = nas_error_set(
        NAS_DEVICE, __FILE__, __LINE__,
        "cl/%s.cl does not build on %s %s (driver %s): clBuildProgram: %s (%d)\noptions: %s\n"
        "build log:\n%s",
        source->name, device->info.id, device->info.name, device->info.driver,
        nas_opencl_error_name(code), (int)code, options, log.data ? log.data : "(none)");
    nas_text_clear(&log);
    return status;
}

/* For the device and all of its teams, which are all devices of a context of ours; one that was handed in may have others. */
static cl_int build(const nas_device *device, cl_program program, const char *options)
{
    return clBuildProgram(program, device->builds_alone ? 1 : 0,
                          device->builds_alone ? &device->id : NULL, options, NULL, NULL);
}

static nas_status compile(nas_device *device, const nas_kernel_source *source, const char *options,
                          cl_program *program)
{
    cl_int code = CL_SUCCESS;
    /* The API wants no const pointers inside; it does not write through them. */
    cl_program made = clCreateProgramWithSource(
        device->context, source->line_count, (const char **)(uintptr_t)source->lines, NULL, &code);
    if (!made)
        return nas__opencl_failed(device, code, "clCreateProgramWithSource", __FILE__, __LINE__);
    code = build(device, made, options);
    if (code != CL_SUCCESS) {
        nas_status status = build_failed(device, made, source, options, code);
        clReleaseProgram(made);
        return status;
    }
    keep_warnings(device, made, source, options);
    device->builds.from_source++;
    *program = made;
    return NAS_OK;
}

/* NULL where no binary is on disk or the driver does not like it. */
static cl_program load(nas_device *device, const nas_kernel_source *source, const char *options)
{
    unsigned char *binary = NULL;
    size_t size = 0;
    nas__binary_load(device, source, options, &binary, &size);
    if (!binary)
        return NULL;
    cl_int code = CL_SUCCESS, states[NAS_DEVICE_IDS] = {CL_SUCCESS};
    cl_device_id ids[NAS_DEVICE_IDS];
    const unsigned char *bytes[NAS_DEVICE_IDS];
    size_t sizes[NAS_DEVICE_IDS];
    const int count = nas__queues_ids(device, ids);
    for (int i = 0; i < count; i++) { /* teams run what the whole device runs */
        bytes[i] = binary;
        sizes[i] = size;
    }
    cl_program made = clCreateProgramWithBinary(device->context, (cl_uint)count, ids, sizes, bytes,
                                                states, &code);
    if (made && states[0] == CL_SUCCESS && code == CL_SUCCESS)
        code = build(device, made, options);
    else
        code = code != CL_SUCCESS ? code : states[0] != CL_SUCCESS ? states[0] : CL_INVALID_BINARY;
    free(binary);
    if (code == CL_SUCCESS) {
        device->builds.from_cache++;
        return made;
    }
    nas_log(NAS_LOG_INFO, "the cached binary of cl/%s.cl is refused by %s (%s): compiling again",
            source->name, device->info.name, nas_opencl_error_name(code));
    if (made)
        clReleaseProgram(made);
    return NULL;
}

/* Several workers start at once and want the same programs: who comes second waits for the first
 * and then finds its binary - ours, or the one in the driver's own cache, which some drivers (PoCL)
 * do not guard well against two processes at once. */
static nas_status load_or_compile(nas_device *device, const nas_kernel_source *source,
                                  const char *options, cl_program *program)
{
    cl_program found = device->use_binaries ? load(device, source, options) : NULL;
    nas_status status = NAS_OK;
    if (!found) {
        int lock = nas__binary_lock();
        found = device->use_binaries ? load(device, source, options) : NULL;
        if (!found) {
            status = compile(device, source, options, &found);
            if (status == NAS_OK && device->use_binaries)
                nas__binary_store(device, source, options, found);
        }
        nas__binary_unlock(lock);
    }
    if (status == NAS_OK)
        *program = found;
    return status;
}

static nas_status add(nas_device *device, const nas_kernel_source *source, char *options,
                      const nas__program **program)
{
    nas__program *entry = calloc(1, sizeof *entry);
    if (!entry)
        NAS_FAIL(NAS_MEMORY, "out of memory for program %s", source->name);
    double start = nas_now_s();
    nas_status status = load_or_compile(device, source, options, &entry->program);
    double seconds = nas_now_s() - start;
    device->builds.seconds += seconds;
    if (status != NAS_OK) {
        free(entry);
        return status;
    }
    device->builds.programs++;
    nas_log(NAS_LOG_DEBUG, "built cl/%s.cl in %.0f ms (%s)", source->name, seconds * 1e3, options);
    entry->source = source;
    entry->options = options;
    entry->next = device->programs;
    device->programs = entry;
    *program = entry;
    return NAS_OK;
}

nas_status nas__program_get(nas_device *device, const char *source, const char *defines,
                            const nas__program **program)
{
    const nas_kernel_source *text = nas__kernel_source(source);
    if (!text)
        NAS_FAIL(NAS_DEVICE, "there is no kernel source cl/%s.cl", source);
    nas_text options = {0};
    nas_text_format(&options, "-cl-std=CL1.2");
    if (!defines || !strstr(defines, "-DLANES=")) /* a tuned kernel has its own */
        nas_text_format(&options, " -DLANES=%d", device->lanes);
    nas_text_format(&options, "%s%s", defines && *defines ? " " : "", defines ? defines : "");
    nas_status status = nas_text_check(&options);
    if (status == NAS_OK) {
        *program = find(device, text, options.data);
        if (!*program) {
            status = add(device, text, options.data, program);
            if (status == NAS_OK)
                return NAS_OK; /* the entry has taken the options */
        }
    }
    nas_text_clear(&options);
    return status;
}

void nas__programs_release(nas_device *device)
{
    while (device->programs) {
        nas__program *program = device->programs;
        device->programs = program->next;
        clReleaseProgram(program->program);
        free(program->options);
        free(program);
    }
}
