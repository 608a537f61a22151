/* test_kernel_cache.c - kernel binaries on disk: the second open loads them, damaged ones are
 * compiled again and replaced, a cache that cannot be used is no error, processes may share one.
 *
 * Each test opens its own device with CLNAS_CACHE in a fresh folder, and with
 * CLNAS_KERNEL_CACHE=always, because PoCL is otherwise left to its own cache. A driver that gives
 * no binaries (or takes none back) makes the tests of their content pass trivially. */
#include "nas_test.h"

#include <clnas/device.h>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEADER_SIZE = 56, PATH_SIZE = 600 };

static char root[256];
static bool on_rusticl;

/* Uses one program (two with `more`) and says where it came from. */
static nas_build_counts use_program(bool more)
{
    nas_device *device = NULL;
    nas_tape *tape = NULL;
    nas_buffer *buffer = NULL;
    float back[16];
    const float ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    nas_test_ok(nas_device_open("", NULL, &device));
    on_rusticl = strcmp(nas_device_describe(device)->platform_name, "rusticl") == 0;
    nas_test_ok(nas_buffer_create(device, sizeof ones, "x", &buffer));
    nas_test_ok(nas_buffer_write(buffer, 0, sizeof ones, ones));
    nas_test_ok(nas_tape_create(device, "cache", &tape));
    const nas_argument arguments[] = {NAS_ARG_BUFFER(buffer, 0), NAS_ARG_BUFFER(buffer, 0),
                                      NAS_ARG_FLOAT(2)};
    nas_launch launch = {.source = "selftest",
                         .kernel = "selftest_scale",
                         .global = {16 / (size_t)nas_device_lanes(device)},
                         .arguments = arguments,
                         .argument_count = 3};
    nas_test_ok(nas_tape_add(tape, &launch));
    nas_test_ok(nas_tape_add(tape, &launch)); /* the same program: no second build */
    launch.defines = "-DSELFTEST_GROUP=1";
    if (more)
        nas_test_ok(nas_tape_add(tape, &launch));
    nas_test_ok(nas_tape_run(tape));
    nas_test_ok(nas_buffer_read(buffer, 0, sizeof back, back));
    for (int i = 0; i < 16; i++)
        assert_true(back[i] == (more ? 8.0f : 4.0f));
    nas_build_counts builds = nas_device_builds(device);
    assert_int_equal(builds.programs, more ? 2 : 1);
    assert_int_equal(builds.programs, builds.from_source + builds.from_cache);
    nas_tape_destroy(tape);
    nas_buffer_destroy(buffer);
    assert_int_equal(nas_device_live_objects(device), 0);
    nas_device_destroy(device);
    return builds;
}

/* CLNAS_CACHE = a new folder under `root`. */
static void fresh_cache(const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(setenv("CLNAS_CACHE", path, 1), 0);
}

/* Paths of the binaries in the cache in use, at most two. */
static int binaries(char paths[2][PATH_SIZE])
{
    char folder[PATH_SIZE / 2];
    snprintf(folder, sizeof folder, "%s/kernels", getenv("CLNAS_CACHE"));
    int count = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries)) && count < 2;) {
        if (strstr(entry->d_name, ".bin"))
            snprintf(paths[count++], PATH_SIZE, "%s/%.200s", folder, entry->d_name);
    }
    if (entries)
        closedir(entries);
    return count;
}

static void test_second_open_loads(void **state)
{
    (void)state;
    char paths[2][PATH_SIZE];
    struct stat status;
    fresh_cache("second");
    assert_int_equal(use_program(true).from_source, 2);
    if (binaries(paths) == 0)
        return;
    assert_int_equal(use_program(true).from_cache, 2);
    char folder[PATH_SIZE];
    snprintf(folder, sizeof folder, "%s/kernels", getenv("CLNAS_CACHE"));
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void test_switched_off(void **state)
{
    (void)state;
    char paths[2][PATH_SIZE];
    nas_device *device = NULL;
    fresh_cache("off");
    nas_test_ok(nas_device_open("", &(nas_device_options){.no_binary_cache = true}, &device));
    nas_tape *tape = NULL;
    nas_test_ok(nas_tape_create(device, "off", &tape));
    const nas_argument arguments[] = {NAS_ARG_BUFFER(NULL, 0), NAS_ARG_INT(0)};
    (void)nas_tape_add(tape, &(nas_launch){.source = "selftest",
                                           .kernel = "selftest_sum",
                                           .arguments = arguments,
                                           .argument_count = 2});
    nas_tape_destroy(tape);
    assert_int_equal(nas_device_builds(device).from_source, 1);
    nas_device_destroy(device);
    assert_int_equal(binaries(paths), 0);
}

/* ---- damage
 * -------------------------------------------------------------------------------------- */

typedef void damage(unsigned char *file, size_t *size);

static void truncate_half(unsigned char *file, size_t *size)
{
    (void)file;
    *size /= 2;
}

static void truncate_header(unsigned char *file, size_t *size)
{
    (void)file;
    *size = HEADER_SIZE - 1;
}

static void empty(unsigned char *file, size_t *size)
{
    (void)file;
    *size = 0;
}

static void flip_payload(unsigned char *file, size_t *size)
{
    file[*size - 7] ^= 1;
}

static void flip_key(unsigned char *file, size_t *size)
{
    (void)size;
    file[20] ^= 1;
}

static void flip_length(unsigned char *file, size_t *size)
{
    (void)size;
    file[41] ^= 1;
}

static void other_format(unsigned char *file, size_t *size)
{
    (void)size;
    file[7]++;
}

/* A valid envelope around bytes that no driver takes. */
static void garbage_inside(unsigned char *file, size_t *size)
{
    memset(file + HEADER_SIZE, 'x', *size - HEADER_SIZE);
    uint64_t sum = nas_hash(file + HEADER_SIZE, *size - HEADER_SIZE, 0);
    for (int i = 0; i < 8; i++)
        file[48 + i] = (unsigned char)(sum >> (8 * i));
}

static void test_damage(void **state)
{
    (void)state;
    static damage *const ways[] = {truncate_half, truncate_header, empty,        flip_payload,
                                   flip_key,      flip_length,     other_format, garbage_inside};
    char paths[2][PATH_SIZE];
    fresh_cache("damage");
    use_program(false);
    if (binaries(paths) != 1 || use_program(false).from_cache != 1)
        return;
    /* rusticl (Mesa 22.3) ends the process on bytes that are not its own, so it is spared this:
     * with a right checksum, key and driver version they would have to be written on purpose. */
    size_t count = sizeof ways / sizeof ways[0] - on_rusticl;
    for (size_t i = 0; i < count; i++) {
        void *file = NULL;
        size_t size = 0;
        nas_test_ok(nas_file_read(paths[0], 1 << 28, &file, &size));
        ways[i](file, &size);
        nas_test_ok(nas_file_replace(paths[0], file, size));
        free(file);
        assert_int_equal(use_program(false).from_source, 1); /* not trusted */
        assert_int_equal(use_program(false).from_cache, 1);  /* and replaced */
    }
}

/* The binary of one program under the name of another: the key inside gives it away. */
static void test_swapped_files(void **state)
{
    (void)state;
    char paths[2][PATH_SIZE];
    fresh_cache("swapped");
    use_program(true);
    if (binaries(paths) != 2)
        return;
    void *file = NULL;
    size_t size = 0;
    nas_test_ok(nas_file_read(paths[0], 1 << 28, &file, &size));
    nas_test_ok(nas_file_replace(paths[1], file, size));
    free(file);
    nas_build_counts builds = use_program(true);
    assert_int_equal(builds.from_source, 1);
    assert_int_equal(builds.from_cache, 1);
}

/* ---- folders
 * ------------------------------------------------------------------------------------- */

static void test_folder_of_others(void **state)
{
    (void)state;
    char folder[PATH_SIZE];
    fresh_cache("open");
    use_program(false);
    snprintf(folder, sizeof folder, "%s/kernels", getenv("CLNAS_CACHE"));
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(use_program(false).from_source, 1);
    assert_int_equal(chmod(folder, 0700), 0);
}

static void test_folder_that_cannot_be(void **state)
{
    (void)state;
    char folder[PATH_SIZE];
    assert_int_equal(setenv("CLNAS_CACHE", "/dev/null/cache", 1), 0);
    assert_int_equal(use_program(false).from_source, 1);
    fresh_cache("readonly");
    snprintf(folder, sizeof folder, "%s/kernels", getenv("CLNAS_CACHE"));
    nas_test_ok(nas_folder_make(folder, 0700));
    assert_int_equal(chmod(folder, 0500), 0);
    assert_int_equal(use_program(false).from_source, 1);
    use_program(false);
    assert_int_equal(chmod(folder, 0700), 0);
}

/* ---- several processes, before this one has touched a driver
 * ----------------------------------------- */

static int together(void)
{
    enum { PROCESSES = 3 };
    pid_t children[PROCESSES];
    int failed = 0;
    fresh_cache("together");
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            use_program(true);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;
        failed += children[i] < 0 || waitpid(children[i], &status, 0) < 0 || status != 0;
    }
    return failed;
}

/* A child tells whether there is a device at all, so that this process stays untouched. */
static bool has_device(void)
{
    pid_t child = fork();
    if (child == 0) {
        nas_device *device = NULL;
        nas_status status = nas_device_open("", NULL, &device);
        nas_device_destroy(device);
        _exit(status == NAS_NO_DEVICE ? 77 : 0);
    }
    int status = 0;
    return child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) ||
           WEXITSTATUS(status) != 77;
}

static int failed_together;

static void test_processes(void **state)
{
    (void)state;
    assert_int_equal(failed_together, 0);
}

int main(void)
{
    char command[PATH_SIZE];
    snprintf(root, sizeof root, "kernel_cache_XXXXXX");
    setenv("CLNAS_KERNEL_CACHE", "always", 1);
    if (!has_device()) {
        fprintf(stderr, "skipped: no OpenCL device\n");
        return 77;
    }
    if (!mkdtemp(root)) {
        perror("mkdtemp");
        return 1;
    }
    failed_together = together();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_second_open_loads),
        cmocka_unit_test(test_switched_off),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_swapped_files),
        cmocka_unit_test(test_folder_of_others),
        cmocka_unit_test(test_folder_that_cannot_be),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) != 0 || failed ? 1 : 0;
}
