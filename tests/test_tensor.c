/* test_tensor.c - shapes and layouts, arenas by random lifetimes, NPY and safetensors with hostile
 * files.
 *
 * Layouts and files need no device; the arena tests are skipped where there is none. */
#include "nas_test.h"

#include <clnas/tensor.h>

#include <limits.h>
#include <unistd.h>

static const char npy_path[] = "test_tensor.npy", st_path[] = "test_tensor.safetensors";
static nas_device *device; /* NULL: there is none */

/* ---- shapes and layouts
 * --------------------------------------------------------------------------- */

static void test_layouts(void **state)
{
    (void)state;
    const nas_shape shape = {3, 2, 5};
    enum { BATCH = 19, PLACES = 30, PADDED = 32 };
    static float nchw[BATCH * PLACES], chwn[PADDED * PLACES], back[BATCH * PLACES];
    assert_int_equal(nas_shape_count(shape), PLACES);
    assert_int_equal(nas_batch_padded(BATCH), PADDED);
    assert_int_equal(nas_batch_padded(16), 16);
    for (int i = 0; i < BATCH * PLACES; i++)
        nchw[i] = (float)(i + 1);
    nas_chwn_from_nchw(nchw, shape, BATCH, PADDED, chwn);
    for (int place = 0; place < PLACES; place++)
        for (int n = 0; n < PADDED; n++)
            assert_true(chwn[place * PADDED + n] == (n < BATCH ? nchw[n * PLACES + place] : 0.0f));
    nas_nchw_from_chwn(chwn, shape, BATCH, PADDED, back);
    assert_memory_equal(nchw, back, sizeof nchw);
}

static void test_views(void **state)
{
    (void)state;
    if (!device)
        skip();
    nas_arena *arena = NULL;
    int reservation = 0;
    float values[40], back[40];
    nas_test_ok(nas_arena_create(device, "views", &arena));
    nas_test_ok(nas_arena_reserve(arena, 40, 0, INT_MAX, &reservation));
    nas_test_ok(nas_arena_commit(arena));
    nas_tensor whole = nas_arena_tensor(arena, reservation);
    for (int i = 0; i < 40; i++)
        values[i] = (float)i;
    nas_test_ok(nas_tensor_write(whole, values));
    nas_tensor part = nas_tensor_view(nas_tensor_view(whole, 8, 24), 2, 5);
    nas_test_ok(nas_tensor_read(part, back));
    assert_memory_equal(back, values + 10, 5 * sizeof(float));
    nas_test_fails(nas_tensor_read((nas_tensor){0}, back), NAS_SHAPE, "no memory");
    nas_arena_destroy(arena);
    assert_int_equal(nas_device_live_objects(device), 0);
}

/* ---- arenas
 * ----------------------------------------------------------------------------------------- */

enum { ROWS = 120, STEPS = 40 };

typedef struct lifetime {
    uint64_t count;
    int first, last, reservation;
    int row, choice; /* row −1: no alternative */
} lifetime;

static void random_rows(uint32_t seed, lifetime rows[ROWS])
{
    nas_random random = nas_random_make(seed, NAS_STREAM_TEST, 1, 2, 3);
    for (int i = 0; i < ROWS; i++) {
        rows[i].count = nas_random_below(&random, 8) == 0 ? nas_random_below(&random, 3)
                                                          : nas_random_below(&random, 5000);
        rows[i].first = (int)nas_random_below(&random, STEPS);
        rows[i].last = rows[i].first + (int)nas_random_below(&random, 6);
        if (nas_random_below(&random, 10) == 0)
            rows[i].last = INT_MAX;
        rows[i].row = rows[i].choice = -1;
    }
}

static void make_alternatives(uint32_t seed, lifetime rows[ROWS])
{
    nas_random random = nas_random_make(seed, NAS_STREAM_TEST, 1, 2, 4);
    for (int i = 0; i < ROWS; i++) {
        rows[i].row = (int)nas_random_below(&random, 4) - 1;
        rows[i].choice = (int)nas_random_below(&random, 3);
    }
}

static bool overlap(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
    return a < b + b_count && b < a + a_count;
}

/* What lives together shares no float; all is aligned and inside its buffer. */
static void check_plan(const nas_arena *arena, const lifetime rows[ROWS])
{
    for (int i = 0; i < ROWS; i++) {
        nas_tensor a = nas_arena_tensor(arena, rows[i].reservation);
        assert_non_null(a.buffer);
        assert_true(a.count == rows[i].count && a.at % 16 == 0);
        assert_true((a.at + a.count) * 4 <= nas_buffer_size(a.buffer));
        for (int j = 0; j < i; j++) {
            nas_tensor b = nas_arena_tensor(arena, rows[j].reservation);
            bool together = rows[i].first <= rows[j].last && rows[j].first <= rows[i].last;
            if (rows[i].row >= 0 && rows[i].row == rows[j].row)
                together &= rows[i].choice == rows[j].choice;
            assert_false(together && a.buffer == b.buffer && overlap(a.at, a.count, b.at, b.count));
        }
    }
}

/* Bytes in use at a step: of each row what its largest choice needs. */
static uint64_t full(const lifetime rows[ROWS], int step)
{
    uint64_t sum = 0, of[3][3] = {{0}};
    for (int i = 0; i < ROWS; i++)
        if (rows[i].first <= step && step <= rows[i].last)
            *(rows[i].row < 0 ? &sum : &of[rows[i].row][rows[i].choice]) += rows[i].count * 4;
    for (int row = 0; row < 3; row++) {
        uint64_t most = 0;
        for (int choice = 0; choice < 3; choice++)
            most = of[row][choice] > most ? of[row][choice] : most;
        sum += most;
    }
    return sum;
}

/* No plan can be smaller than the fullest step. */
static uint64_t fullest_step(const lifetime rows[ROWS])
{
    uint64_t most = 0;
    for (int step = 0; step < STEPS + 6; step++)
        most = full(rows, step) > most ? full(rows, step) : most;
    return most;
}

static void check_arenas(bool alternatives)
{
    if (!device)
        skip();
    for (uint32_t seed = 0; seed < 20; seed++) {
        lifetime rows[ROWS];
        nas_arena *arena = NULL;
        uint64_t bytes = 0, again = 0;
        random_rows(seed, rows);
        if (alternatives)
            make_alternatives(seed, rows);
        nas_test_ok(nas_arena_create(device, "random", &arena));
        for (int i = 0; i < ROWS; i++) {
            nas_arena_alternative(arena, rows[i].row, rows[i].choice);
            nas_test_ok(nas_arena_reserve(arena, rows[i].count, rows[i].first, rows[i].last,
                                          &rows[i].reservation));
        }
        nas_test_ok(nas_arena_plan(arena, &bytes));
        assert_null(nas_arena_tensor(arena, rows[0].reservation).buffer);
        assert_int_equal(nas_device_live_objects(device), 0); /* nothing is allocated yet */
        nas_test_ok(nas_arena_commit(arena));
        nas_test_ok(nas_arena_plan(arena, &again));
        assert_true(bytes == again);
        check_plan(arena, rows);
        assert_true(bytes >= fullest_step(rows) && bytes < 1.5 * (double)fullest_step(rows));
        nas_arena_destroy(arena);
        assert_int_equal(nas_device_live_objects(device), 0);
    }
}

static void test_arena_lifetimes(void **state)
{
    (void)state;
    check_arenas(false);
}

static void test_arena_alternatives(void **state)
{
    (void)state;
    check_arenas(true);
}

static void test_arena_limits(void **state)
{
    (void)state;
    if (!device)
        skip();
    const nas_device_info *info = nas_device_describe(device);
    nas_arena *arena = NULL;
    int reservation = 0;
    uint64_t bytes = 0, half = info->allocation_bytes / 8;
    nas_test_ok(nas_arena_create(device, "limits", &arena));
    nas_test_fails(nas_arena_reserve(arena, 1, 3, 2, &reservation), NAS_SHAPE, "step 3 to 2");
    /* Two halves of the largest allocation do not fit one slab beside its slack: two slabs. */
    nas_test_ok(nas_arena_reserve(arena, half, 0, 1, &reservation));
    nas_test_ok(nas_arena_reserve(arena, half, 1, 2, &reservation));
    nas_test_ok(nas_arena_reserve(arena, half, 2, 3, &reservation)); /* shares with the first */
    if (info->memory_bytes >= info->allocation_bytes) {
        nas_test_ok(nas_arena_plan(arena, &bytes));
        assert_true(bytes >= 8 * half && bytes <= 8 * half + 256);
    }
    for (uint64_t sum = 0; sum <= info->memory_bytes; sum += half * 4)
        nas_test_ok(nas_arena_reserve(arena, half, 0, INT_MAX, &reservation));
    nas_test_fails(nas_arena_plan(arena, &bytes), NAS_DEVICE_MEMORY, "MiB");
    nas_test_fails(nas_arena_commit(arena), NAS_DEVICE_MEMORY, info->name);
    nas_arena_destroy(arena);
    nas_test_ok(nas_arena_create(device, "one", &arena));
    nas_test_ok(nas_arena_reserve(arena, info->allocation_bytes / 4 + 1, 0, 0, &reservation));
    nas_test_fails(nas_arena_plan(arena, &bytes), NAS_DEVICE_MEMORY, "one tensor");
    nas_arena_destroy(arena);
    nas_arena_destroy(NULL);
}

/* ---- NPY
 * --------------------------------------------------------------------------------------------- */

static void test_npy_round_trip(void **state)
{
    (void)state;
    const uint64_t dims[3] = {2, 3, 4};
    double values[24];
    for (int i = 0; i < 24; i++)
        values[i] = i * 0.5;
    const unsigned item[] = {[NAS_NPY_FLOAT32] = 4,
                             [NAS_NPY_UINT8] = 1,
                             [NAS_NPY_INT32] = 4,
                             [NAS_NPY_INT64] = 8,
                             [NAS_NPY_FLOAT64] = 8};
    for (int type = NAS_NPY_FLOAT32; type <= NAS_NPY_FLOAT64; type++) {
        for (int rank = 0; rank <= 3; rank++) {
            nas_npy npy = {0};
            uint64_t bytes = item[type];
            for (int i = 0; i < rank; i++)
                bytes *= dims[i];
            nas_test_ok(nas_npy_write(npy_path, (nas_npy_type)type, rank, dims, values));
            nas_test_ok(nas_npy_read(npy_path, &npy));
            assert_int_equal(npy.type, type);
            assert_int_equal(npy.rank, rank);
            assert_memory_equal(npy.dims, dims, (size_t)rank * sizeof dims[0]);
            assert_int_equal(npy.size_bytes, bytes);
            assert_memory_equal(npy.data, values, bytes);
            nas_npy_clear(&npy);
        }
    }
    const uint64_t none[2] = {0, 7};
    nas_npy npy = {0};
    nas_test_ok(nas_npy_write(npy_path, NAS_NPY_FLOAT32, 2, none, NULL));
    nas_test_ok(nas_npy_read(npy_path, &npy));
    assert_int_equal(npy.size_bytes, 0);
    nas_npy_clear(&npy);
    nas_npy_clear(NULL);
}

/* A file with this version, header and number of data bytes. */
static void make_npy(int version, const char *header, size_t data)
{
    nas_text file = {0};
    size_t length = strlen(header);
    const unsigned char head[12] = {0x93,
                                    'N',
                                    'U',
                                    'M',
                                    'P',
                                    'Y',
                                    (unsigned char)version,
                                    0,
                                    (unsigned char)length,
                                    (unsigned char)(length >> 8),
                                    0,
                                    0};
    nas_text_add_bytes(&file, head, version == 1 ? 10 : 12);
    nas_text_add(&file, header);
    for (size_t i = 0; i < data; i++)
        nas_text_add_bytes(&file, "\0", 1);
    nas_test_ok(nas_file_replace(npy_path, file.data, file.length));
    nas_text_clear(&file);
}

static void test_npy_hostile(void **state)
{
    (void)state;
    const struct {
        int version;
        const char *header;
        size_t data;
        const char *says; /* NULL: must be read */
    } rows[] = {
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, NULL},
        {2, "{\"shape\":(2,1),\"descr\":\"<f4\",\"fortran_order\":False}", 8, NULL},
        {3, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", 4, NULL},
        {4, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8, "version"},
        {1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }\n", 8, "Fortran"},
        {1, "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }\n", 8, "element type"},
        {1, "{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (2,), }\n", 8, "structured"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 7, "truncated"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 9, "are there"},
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 8,
         "larger than any memory"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }", 8,
         "larger than any memory"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", 8,
         "truncated"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 8,
         "no size"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", 8, "no size"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2), }", 8, "does not end"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4,
         "8 dimensions"},
        {1, "{'descr': '<f4', 'fortran_order': False}", 8, "lacks"},
        {1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, "twice"},
        {1, "{'evil': 1, 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, "unknown"},
        {1, "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, "neither"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} __import__('os')", 8,
         "behind"},
        {1, "{'descr': '<f4", 8, "element type"},
        {1, "", 8, "start with {"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nas_npy npy = {0};
        make_npy(rows[i].version, rows[i].header, rows[i].data);
        if (rows[i].says)
            nas_test_fails(nas_npy_read(npy_path, &npy), NAS_DATA, rows[i].says);
        else
            nas_test_ok(nas_npy_read(npy_path, &npy));
        nas_npy_clear(&npy);
    }
}

static void test_npy_cut_anywhere(void **state)
{
    (void)state;
    const uint64_t dims[1] = {5};
    const float values[5] = {1, 2, 3, 4, 5};
    void *file = NULL;
    size_t size = 0;
    nas_npy npy = {0};
    nas_test_ok(nas_npy_write(npy_path, NAS_NPY_FLOAT32, 1, dims, values));
    nas_test_ok(nas_file_read(npy_path, 1 << 20, &file, &size));
    assert_int_equal((size - sizeof values) % 64, 0);
    for (size_t cut = 0; cut < size; cut += cut < 16 ? 1 : 13) {
        nas_test_ok(nas_file_replace(npy_path, file, cut));
        nas_test_fails(nas_npy_read(npy_path, &npy), NAS_DATA, npy_path);
    }
    free(file);
    nas_test_fails(nas_npy_read("no/such/file.npy", &npy), NAS_DATA, "no/such/file.npy");
    nas_test_fails(nas_npy_read(".", &npy), NAS_DATA, ".");
}

/* ---- safetensors
 * -------------------------------------------------------------------------------------- */

static void test_safetensors_round_trip(void **state)
{
    (void)state;
    float a[6] = {1, 2, 3, 4, 5, 6}, b[1] = {-7};
    double c[3] = {1.0 / 3, -0.0, 1e-310};
    nas_safetensor tensors[] = {
        {.name = "conv.weight", .rank = 4, .dims = {3, 1, 1, 2}, .data = a},
        {.name = "α \"quoted\"", .rank = 0, .data = b},
        {.name = "empty", .rank = 2, .dims = {0, 5}},
        {.name = "doubles", .rank = 1, .dims = {3}, .doubles = c},
    };
    char *keys[] = {"arch", "format"}, *values[] = {"1-2-3", "clnas"};
    const nas_safetensors out = {
        .tensors = tensors, .count = 4, .keys = keys, .values = values, .metadata_count = 2};
    nas_safetensors in = {0};
    nas_test_ok(nas_safetensors_write(st_path, &out));
    nas_test_ok(nas_safetensors_read(st_path, &in));
    assert_int_equal(in.count, 4);
    assert_int_equal(in.metadata_count, 2);
    assert_string_equal(in.keys[0], "arch");
    assert_string_equal(in.values[1], "clnas");
    assert_string_equal(in.tensors[0].name, "doubles"); /* where they are aligned */
    assert_memory_equal(in.tensors[0].doubles, c, sizeof c);
    assert_null(in.tensors[0].data);
    assert_string_equal(in.tensors[1].name, "conv.weight");
    assert_memory_equal(in.tensors[1].dims, tensors[0].dims, sizeof tensors[0].dims);
    assert_memory_equal(in.tensors[1].data, a, sizeof a);
    assert_null(in.tensors[1].doubles);
    for (int i = 2; i < 4; i++)
        if (in.tensors[i].rank == 0) {
            assert_string_equal(in.tensors[i].name, tensors[1].name);
            assert_true(in.tensors[i].data[0] == b[0]);
        }
    nas_safetensors_clear(&in);
    snprintf(tensors[1].name, sizeof tensors[1].name, "conv.weight");
    nas_test_fails(nas_safetensors_write(st_path, &out), NAS_DATA, "twice");
    snprintf(tensors[1].name, sizeof tensors[1].name, "__metadata__");
    nas_test_fails(nas_safetensors_write(st_path, &out), NAS_DATA, "reserved");
    snprintf(tensors[1].name, sizeof tensors[1].name, "\xff");
    nas_test_fails(nas_safetensors_write(st_path, &out), NAS_DATA, "UTF-8");
    nas_test_ok(nas_safetensors_read(st_path, &in)); /* the old file still stands */
    nas_safetensors_clear(&in);
}

static void make_safetensors(const char *header, int64_t length, size_t data)
{
    nas_text file = {0};
    uint64_t announced = length < 0 ? strlen(header) : (uint64_t)length;
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)(announced >> (8 * i));
    nas_text_add_bytes(&file, prefix, sizeof prefix);
    nas_text_add(&file, header);
    for (size_t i = 0; i < data; i++)
        nas_text_add_bytes(&file, "\0", 1);
    nas_test_ok(nas_file_replace(st_path, file.data, file.length));
    nas_text_clear(&file);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":"

static void test_safetensors_hostile(void **state)
{
    (void)state;
    const struct {
        const char *header;
        int64_t length; /* -1: true */
        size_t data;
        const char *says; /* NULL: must be read */
    } rows[] = {
        {"{" A "[0,8]}}   ", -1, 8, NULL},
        {"{}", -1, 0, NULL},
        {"{" A "[0,8]}}", 100000001, 8, "100 MB"},
        {"{" A "[0,8]}}", INT64_MAX, 8, "past the end"},
        {"{" A "[0,8]}}", 500, 8, "past the end"},
        {"{" A "[0,8]}}", 0, 8, "start with {"},
        {" {" A "[0,8]}}", -1, 8, "start with {"},
        {"["
         "]",
         -1, 0, "start with {"},
        {"{" A "[0,8]},", -1, 8, "JSON"},
        {"{" A "[0,8]}} {}", -1, 8, "JSON"},
        {"{" A "[0,8]}," A "[8,16]}}", -1, 16, "uplicate"},
        {"{" A "[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}", -1, 16,
         "hole"},
        {"{" A "[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", -1, 8,
         "overlaps"},
        {"{" A "[4,12]}}", -1, 12, "hole"},
        {"{" A "[0,8]}}", -1, 9, "truncated or damaged"},
        {"{" A "[0,8]}}", -1, 7, "truncated or damaged"},
        {"{" A "[0,4]}}", -1, 4, "disagree"},
        {"{" A "[8,0]}}", -1, 8, "no span"},
        {"{" A "[-8,0]}}", -1, 8, "no span"},
        {"{" A "[0,8.0]}}", -1, 8, "no span"},
        {"{" A "[0]}}", -1, 8, "two data_offsets"},
        {"{" A "[0,8],\"x\":1}}", -1, 8, "nothing else"},
        {"{\"a\":3}", -1, 0, "must have"},
        {"{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", -1, 4,
         "neither F32 nor F64"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}", -1, 16, NULL},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,8]}}", -1, 8, "disagree"},
        {"{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[4,12]}}",
         -1, 12, "multiple of 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", -1, 4, "no size"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}", -1, 4,
         "4 dimensions"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", -1,
         0, "disagree"},
        {"{\"__metadata__\":{\"k\":1}}", -1, 0, "no text"},
        {"{\"__metadata__\":[]}", -1, 0, "no map"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nas_safetensors in = {0};
        make_safetensors(rows[i].header, rows[i].length, rows[i].data);
        if (rows[i].says)
            nas_test_fails(nas_safetensors_read(st_path, &in), NAS_DATA, rows[i].says);
        else
            nas_test_ok(nas_safetensors_read(st_path, &in));
        nas_safetensors_clear(&in);
    }
    nas_safetensors in = {0};
    nas_test_ok(nas_file_replace(st_path, "1234567", 7));
    nas_test_fails(nas_safetensors_read(st_path, &in), NAS_DATA, "too short");
    nas_test_fails(nas_safetensors_read("no/such", &in), NAS_DATA, "no/such");
}

int main(void)
{
    if (nas_device_open("", NULL, &device) != NAS_OK)
        fprintf(stderr, "arena tests skipped: %s\n", nas_error_message());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_arena_lifetimes),
        cmocka_unit_test(test_arena_alternatives),
        cmocka_unit_test(test_arena_limits),
        cmocka_unit_test(test_npy_round_trip),
        cmocka_unit_test(test_npy_hostile),
        cmocka_unit_test(test_npy_cut_anywhere),
        cmocka_unit_test(test_safetensors_round_trip),
        cmocka_unit_test(test_safetensors_hostile),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nas_device_destroy(device);
    unlink(npy_path);
    unlink(st_path);
    return failed ? 1 : 0;
}
