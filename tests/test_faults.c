/* test_faults.c - every OpenCL call that the library makes fails, one after another.
 *
 * A scene (fault_scenes.c) is first run as it is: how often it calls each entry point, and what comes out.  Then for each entry point
 * the shim (shim/shim.h) lets the first, the last and some call between fail with the codes that OpenCL 1.2 allows there, and once
 * lets all calls fail from some point on, which is how a lost device looks.  Each time
 *
 *   - nothing crashes, and no OpenCL object is left when the scene has cleaned up (host memory: the sanitizers),
 *   - either the status is an error, whose message has the call and the code,
 *   - or the library could do without that call, and what comes out has the same bits,
 *   - and afterwards the process can do it all again.
 *
 *   test_faults [long] [SCENE …]
 *
 * walks through these scenes, or all; long: all codes at more places.  A case that crashes or does not end is named, and ends the
 * program: what a driver's thread has broken nobody can clean up.  Without the layer in OPENCL_LAYERS the tests are skipped. */
#include "nas_test.h"

#include "fault_scenes.h"
#include "shim/shim.h"

#include <clnas/device.h>

#include <signal.h>
#include <unistd.h>

enum { CASE_LIMIT_S = 300 }; /* compiling takes seconds, on a busy machine minutes */

static nas_shim shim;
static bool is_long;
static int chosen_count; /* 0: all scenes */
static char *const *chosen;

/* ---- codes ------------------------------------------------------------------------------------ */

enum { CODES_MOST = 16 };

/* What OpenCL 1.2 lets an entry point return; a call that is not here is a query or gives something back. */
static const struct {
    const char *entry;
    int codes[CODES_MOST];
} allowed[] = {
    {"clGetPlatformIDs", {-6, -30, -1001}},
    {"clGetPlatformInfo", {-32, -30, -6}},
    {"clGetDeviceIDs", {-5, -6, -32, -31, -30, -1}},
    {"clGetDeviceInfo", {-5, -6, -33, -30}},
    {"clCreateSubDevices", {-18, -33, -30, -68, -5, -6}},
    {"clCreateContext", {-6, -2, -32, -64, -30, -33, -5}},
    {"clCreateCommandQueue", {-5, -34, -33, -30, -35, -6}},
    {"clCreateBuffer", {-4, -61, -34, -30, -37, -5, -6}},
    {"clCreateProgramWithSource", {-6, -34, -30, -5}},
    {"clCreateProgramWithBinary", {-42, -34, -30, -33, -5, -6}},
    {"clBuildProgram", {-11, -3, -44, -30, -33, -42, -43, -59, -5, -6}},
    {"clGetProgramInfo", {-5, -44, -30, -6, -45}},
    {"clGetProgramBuildInfo", {-30, -33, -44}},
    {"clCreateKernel", {-46, -44, -45, -47, -30, -5, -6}},
    {"clSetKernelArg", {-49, -48, -50, -38, -51, -5, -6}},
    {"clGetKernelInfo", {-48, -30, -5, -6}},
    {"clGetKernelArgInfo", {-19, -49, -30, -48}},
    {"clGetKernelWorkGroupInfo", {-33, -30, -48, -5, -6}},
    {"clWaitForEvents", {-14, -30, -34, -58, -5, -6}},
    {"clGetEventProfilingInfo", {-7, -30, -58, -5, -6}},
    {"clFlush", {-36, -5, -6}},
    {"clFinish", {-5, -36, -6}},
    {"clEnqueueReadBuffer", {-5, -36, -34, -38, -30, -57, -13, -14, -4, -59, -6}},
    {"clEnqueueWriteBuffer", {-4, -36, -34, -38, -30, -57, -13, -14, -59, -5, -6}},
    {"clEnqueueCopyBuffer", {-5, -36, -34, -38, -30, -57, -13, -8, -4, -6}},
    {"clEnqueueFillBuffer", {-4, -36, -34, -38, -30, -57, -13, -5, -6}},
    {"clEnqueueNDRangeKernel",
     {-5, -45, -36, -48, -34, -52, -53, -63, -56, -54, -55, -13, -4, -57, -6}},
    {"clEnqueueMarkerWithWaitList", {-6, -36, -34, -57, -4, -5}},
    {"clEnqueueBarrierWithWaitList", {-5, -36, -34, -57, -4, -6}},
};
static const int usual_codes[CODES_MOST] = {-5, -6, -30};

static const int *codes_of(const char *entry)
{
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (strcmp(allowed[i].entry, entry) == 0)
            return allowed[i].codes;
    return usual_codes;
}

/* The library asks, or has another way, when these fail: fewer devices, no teams, no kept binary, no profile; and nobody can
 * do anything about a release.  All others must be reported: by the call, or, where a device is closed anyway, by a warning. */
static bool may_be_ignored(const char *entry, const fault_scene *scene)
{
    static const char *const words[] = {
        "clGet",   "clRelease", "clCreateSubDevices", "clFinish", "clCreateProgramWithBinary",
        "clFlush", NULL};
    for (int i = 0; words[i]; i++)
        if (strncmp(entry, words[i], strlen(words[i])) == 0)
            return true;
    return strcmp(entry, scene->spare) == 0;
}

/* ---- one case ------------------------------------------------------------------------------------- */

static char what[256]; /* the case that is running */
static char logged[8192];
static bool warned; /* a message that users see is among what was logged */
static int wrong;   /* cases of a walk that went wrong: all are shown */

#define complain(...)                                                                              \
    do {                                                                                           \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        wrong++;                                                                                   \
    } while (0)

static void keep_log(void *user, nas_log_level level, const char *message)
{
    (void)user;
    warned |= level <= NAS_LOG_WARNING;
    const size_t length = strlen(logged);
    snprintf(logged + length, sizeof logged - length, "%s\n", message);
}

static bool is_said(const char *part)
{
    return strstr(nas_error_message(), part) || strstr(logged, part);
}

/* CLBlast returns the code and keeps to itself which call had it. */
static bool is_call_said(const fault_scene *scene, const char *entry)
{
    return is_said(entry) || (*scene->through && is_said(scene->through));
}

static void name_the_case(int signal_number)
{
    const char *end = signal_number == SIGALRM ? ": does not end\n" : ": crashed\n";
    const ssize_t said =
        write(STDERR_FILENO, what, strlen(what)) + write(STDERR_FILENO, end, strlen(end));
    (void)said;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* In place of cmocka's own, which would go on with the next test. */
static void watch_for_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], name_the_case);
}

static void check_nothing_is_left(void)
{
    /* Sub-devices are kept by the process, 2 + 4 + 8 of each device at most. */
    if (shim.live("*") != shim.live("device") || shim.live("device") > 14)
        complain("%s: left are %ld contexts, %ld queues, %ld buffers, %ld programs, %ld kernels, "
                 "%ld events, %ld devices (%s)",
                 what, shim.live("context"), shim.live("queue"), shim.live("memory"),
                 shim.live("program"), shim.live("kernel"), shim.live("event"), shim.live("device"),
                 nas_error_message());
}

/* `code` of `entry` ("*": of any) must show, or not matter. */
static void run_case(const fault_scene *scene, uint64_t wanted, const char *entry, long at, bool on,
                     int code)
{
    char fault[128];
    uint64_t hash = 0;
    snprintf(fault, sizeof fault, "%s:%ld%s:%d", entry, at, on ? "+" : "", code);
    snprintf(what, sizeof what, "scene %s, %s", scene->name, fault);
    logged[0] = '\0';
    warned = false;
    assert_int_equal(shim.arm(fault), 0);
    alarm(CASE_LIMIT_S);
    const nas_status status = scene->run(&hash);
    const long happened = shim.happened();
    shim.arm("");
    check_nothing_is_left();
    if (happened == 0)
        complain("%s: the call was not reached", what);
    if (status == NAS_OK) {
        if (hash != wanted)
            complain("%s: OK, and other numbers", what);
        if (!on && !may_be_ignored(entry, scene) && !(warned && is_said(entry)))
            complain("%s: nobody noticed", what);
    } else if (strcmp(entry, "*") != 0 && code != -1 && code != -1001 && /* no device: no fault */
               (!is_call_said(scene, entry) || !is_said(nas_opencl_error_name(code)))) {
        complain("%s: the message lacks call or code: %s\nlog:\n%s", what, nas_error_message(),
                 logged);
    }
}

static uint64_t run_undisturbed(const fault_scene *scene)
{
    uint64_t hash = 0;
    snprintf(what, sizeof what, "scene %s, undisturbed", scene->name);
    assert_int_equal(shim.arm(""), 0);
    alarm(CASE_LIMIT_S);
    nas_test_ok(scene->run(&hash));
    check_nothing_is_left();
    assert_true(hash != 0);
    return hash;
}

/* ---- the walk -------------------------------------------------------------------------------------- */

/* Which calls of `count`: ascending, none twice. */
static int places(long count, long at[8])
{
    const long all[] = {1, 2, 3, count / 4, count / 2, count * 3 / 4, count - 1, count};
    const long few[] = {1, count / 2 + 1, count};
    const long *list = is_long ? all : few;
    int found = 0;
    for (size_t i = 0; i < (is_long ? sizeof all / sizeof *all : sizeof few / sizeof *few); i++) {
        long place = list[i] < 1 ? 1 : list[i] > count ? count : list[i];
        if (found == 0 || place > at[found - 1])
            at[found++] = place;
    }
    return found;
}

static int walk_entry(const fault_scene *scene, uint64_t wanted, const char *entry, long count)
{
    const int *codes = codes_of(entry);
    long at[8];
    int cases = 0;
    const int found = places(count, at);
    for (int p = 0; p < found; p++)
        for (int c = 0; c < CODES_MOST && codes[c] != 0; c++)
            if (c == p || (is_long && (p == 0 || p == found / 2 || p == found - 1))) {
                run_case(scene, wanted, entry, at[p], false, codes[c]);
                cases++;
            }
    return cases;
}

/* The device is lost: from some call on nothing works. */
static int walk_lost(const fault_scene *scene, uint64_t wanted, long count)
{
    const int parts = is_long ? 64 : 6;
    for (int i = 0; i < parts; i++)
        run_case(scene, wanted, "*", 1 + (count - 1) * i / (parts - 1), true, i % 2 ? -5 : -36);
    return parts;
}

static bool is_looked_at(const fault_scene *scene, const char *entry)
{
    return is_long || !scene->entries || !*scene->entries || strstr(scene->entries, entry);
}

static bool is_chosen(const fault_scene *scene)
{
    for (int i = 0; i < chosen_count; i++)
        if (strcmp(chosen[i], scene->name) == 0)
            return true;
    return chosen_count == 0 && (is_long || scene->entries);
}

static void every_call_may_fail(void **state)
{
    const fault_scene *scene = *state;
    long counts[64];
    int entries = 0, cases = 0;
    if (!is_chosen(scene))
        skip();
    watch_for_signals();
    wrong = 0;
    assert_int_equal(shim.fake(scene->device), 0);
    run_undisturbed(scene); /* builds what a driver keeps */
    const uint64_t wanted = run_undisturbed(scene);
    const long all = shim.calls("*");
    for (; shim.entry(entries); entries++)
        counts[entries] = shim.calls(shim.entry(entries));
    for (int e = 0; e < entries; e++) {
        if (counts[e] == 0 || !is_looked_at(scene, shim.entry(e)))
            continue;
        cases += walk_entry(scene, wanted, shim.entry(e), counts[e]);
        if (is_long || e % 4 == 0)
            assert_true(run_undisturbed(scene) == wanted);
    }
    cases += walk_lost(scene, wanted, all);
    assert_true(run_undisturbed(scene) == wanted);
    alarm(0);
    shim.fake("");
    print_message("%s: %ld calls, %d faults\n", scene->name, all, cases);
    assert_int_equal(wrong, 0);
}

static const struct CMUnitTest tests[] = {
#define FAULT_SCENE(name)                                                                          \
    {#name, every_call_may_fail, NULL, NULL, (void *)(uintptr_t)&fault_##name},
#include "fault_scene_list.h"
#undef FAULT_SCENE
};

/* False where a word is no scene. */
static bool choose(int count, char *const *words)
{
    chosen_count = count;
    chosen = words;
    for (int i = 0; i < count; i++) {
        bool found = false;
        for (size_t t = 0; t < sizeof tests / sizeof tests[0]; t++)
            found = found || strcmp(tests[t].name, words[i]) == 0;
        if (!found) {
            print_error("%s is no scene of fault_scene_list.h\n", words[i]);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    nas_device_info *devices = NULL;
    int count = 0;
    is_long = argc > 1 && strcmp(argv[1], "long") == 0;
    if (!choose(argc - 1 - is_long, argv + 1 + is_long))
        return 2;
    if (nas_devices_list(&devices, &count) != NAS_OK)
        count = 0;
    free(devices);
    if (count == 0 || !nas_shim_load(&shim))
        return 77;
    nas_log_set(keep_log, NULL, NAS_LOG_INFO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
