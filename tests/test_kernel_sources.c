/* test_kernel_sources.c - what the build embedded is what stands in cl/, byte for byte.
 *
 * The test expands the includes of every embedded source itself, with the C library and none of
 * CMake's string functions, and compares.  A .cl file of odd bytes (semicolons, brackets,
 * backslashes, trigraphs, UTF-8) goes through the same script in tests/embed.cmake. */
#include "device/kernel_sources.h"
#include "nas_test.h"

static char seen[64][64];
static int seen_count;

static bool first_time(const char *name)
{
    for (int i = 0; i < seen_count; i++)
        if (strcmp(seen[i], name) == 0)
            return false;
    assert_true(seen_count < 64);
    snprintf(seen[seen_count++], sizeof seen[0], "%s", name);
    return true;
}

/* The file inside `#include "file"` on this line, or false. */
static bool include_line(const char *line, char name[64])
{
    char quote;
    return sscanf(line, " # include \"%63[^\"]%c", name, &quote) == 2 && quote == '"';
}

static void expand(const char *name, nas_text *text)
{
    char path[1024], include[64];
    void *data;
    size_t size;
    int number = 0;
    snprintf(path, sizeof path, "%s/cl/%s", getenv("NAS_SOURCE_FOLDER"), name);
    nas_test_ok(nas_file_read(path, 1 << 22, &data, &size));
    nas_text_format(text, "#line 1 \"%s\"\n", name);
    for (char *line = data; *line;) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        line[length] = '\0';
        number++;
        if (include_line(line, include)) {
            if (first_time(include))
                expand(include, text);
            nas_text_format(text, "#line %d \"%s\"\n", number + 1, name);
        } else
            nas_text_format(text, "%s\n", line);
        line = next;
    }
    free(data);
}

static void sources_are_the_files(void **state)
{
    (void)state;
    const nas_kernel_source *source;
    unsigned count = 0;
    for (; (source = nas__kernel_source_at(count)) != NULL; count++) {
        char file[80];
        nas_text wanted = {0}, found = {0};
        seen_count = 0;
        snprintf(file, sizeof file, "%s.cl", source->name);
        first_time(file);
        expand(file, &wanted);
        for (unsigned i = 0; i < source->line_count; i++)
            nas_text_add(&found, source->lines[i]);
        assert_string_equal(found.data, wanted.data);
        assert_int_equal(strlen(source->hash), 32);
        assert_ptr_equal(nas__kernel_source(source->name), source);
        nas_text_clear(&wanted);
        nas_text_clear(&found);
    }
    assert_true(count > 0);
    assert_null(nas__kernel_source("no_such_kernel"));
}

int main(void)
{
    if (!getenv("NAS_SOURCE_FOLDER"))
        return 77;
    const struct CMUnitTest tests[] = {cmocka_unit_test(sources_are_the_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
