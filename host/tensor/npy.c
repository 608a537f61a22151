/* npy.c - NumPy's array files, versions 1 to 3.
 *
 * Layout: "\x93NUMPY", major, minor, header length (2 bytes in version 1, else 4, little-endian),
 * the header - a Python dict with exactly 'descr', 'fortran_order' and 'shape' - and the data.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html The header is somebody
 * else's word: it is parsed by the grammar below, never evaluated, and its shape is held against
 * the size of the file before memory is taken. */
#include <clnas/tensor.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "files are little-endian and are read as they are"
#endif

enum { HEADER_LIMIT = 65536, RANK_LIMIT = 8 };

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

static const struct {
    const char *descr;
    nas_npy_type type;
    unsigned size;
} types[] = {
    {"<f4", NAS_NPY_FLOAT32, 4}, {"|u1", NAS_NPY_UINT8, 1},   {"<i4", NAS_NPY_INT32, 4},
    {"<i8", NAS_NPY_INT64, 8},   {"<f8", NAS_NPY_FLOAT64, 8},
};

static int type_row(nas_npy_type type)
{
    for (int i = 0; i < (int)(sizeof types / sizeof types[0]); i++)
        if (types[i].type == type)
            return i;
    return -1;
}

/* Bytes of an array; false where they do not fit 63 bits. */
static bool array_bytes(int rank, const uint64_t *dims, unsigned item, uint64_t *bytes)
{
    uint64_t total = item;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 0)
            empty = true;
        else if (total > (uint64_t)INT64_MAX / dims[i])
            return false;
        else
            total *= dims[i];
    }
    *bytes = empty ? 0 : total;
    return true;
}

/* ---- the header's grammar
 * ------------------------------------------------------------------------ */

typedef struct nas__npy_header {
    int row; /* of types */
    bool has_descr, has_order, has_shape;
    int rank;
    uint64_t dims[RANK_LIMIT];
} nas__npy_header;

static void skip_blanks(const char **text)
{
    *text += strspn(*text, " \t\n");
}

static bool take(const char **text, const char *token)
{
    skip_blanks(text);
    size_t length = strlen(token);
    if (strncmp(*text, token, length) != 0)
        return false;
    *text += length;
    return true;
}

/* 'word' or "word" */
static bool take_word(const char **text, char *word, size_t size)
{
    skip_blanks(text);
    char quote = **text;
    if (quote != '\'' && quote != '"')
        return false;
    const char *start = *text + 1, *end = strchr(start, quote);
    if (!end || (size_t)(end - start) >= size)
        return false;
    memcpy(word, start, (size_t)(end - start));
    word[end - start] = '\0';
    *text = end + 1;
    return true;
}

static bool take_size(const char **text, uint64_t *size)
{
    skip_blanks(text);
    if (**text < '0' || **text > '9')
        return false;
    char *end = NULL;
    errno = 0;
    *size = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* () or (3,) or (2, 3) or (2, 3,) */
static const char *parse_shape(const char **text, nas__npy_header *header)
{
    if (!take(text, "("))
        return "'shape' is no tuple";
    while (!take(text, ")")) {
        if (header->rank == RANK_LIMIT)
            return "it has more than 8 dimensions";
        if (!take_size(text, &header->dims[header->rank]))
            return "'shape' has something that is no size";
        header->rank++;
        if (!take(text, ",")) {
            if (header->rank == 1 || !take(text, ")")) /* (3) is no tuple in Python */
                return "'shape' does not end";
            break;
        }
    }
    header->has_shape = true;
    return NULL;
}

static const char *parse_descr(const char **text, nas__npy_header *header)
{
    char descr[32];
    if (!take_word(text, descr, sizeof descr))
        return "its element type is not a plain one (structured arrays are not read)";
    for (int i = 0; i < (int)(sizeof types / sizeof types[0]); i++) {
        if (strcmp(descr, types[i].descr) == 0) {
            header->row = i;
            header->has_descr = true;
            return NULL;
        }
    }
    return "its element type is not one of <f4, <f8, |u1, <i4, <i8";
}

static const char *parse_member(const char **text, nas__npy_header *header)
{
    char key[32];
    if (!take_word(text, key, sizeof key) || !take(text, ":"))
        return "its header is no dict of names";
    if (strcmp(key, "descr") == 0 && !header->has_descr)
        return parse_descr(text, header);
    if (strcmp(key, "shape") == 0 && !header->has_shape)
        return parse_shape(text, header);
    if (strcmp(key, "fortran_order") == 0 && !header->has_order) {
        header->has_order = true;
        if (take(text, "True"))
            return "it is in Fortran order: save numpy.ascontiguousarray(array)";
        return take(text, "False") ? NULL : "'fortran_order' is neither True nor False";
    }
    return "its header has a name that is unknown or there twice";
}

static const char *parse_header(const char *text, nas__npy_header *header)
{
    if (!take(&text, "{"))
        return "its header does not start with {";
    while (!take(&text, "}")) {
        const char *fault = parse_member(&text, header);
        if (fault)
            return fault;
        if (!take(&text, ",")) {
            if (!take(&text, "}"))
                return "its header does not end";
            break;
        }
    }
    skip_blanks(&text);
    if (*text)
        return "something stands behind its header";
    if (!header->has_descr || !header->has_order || !header->has_shape)
        return "its header lacks 'descr', 'fortran_order' or 'shape'";
    return NULL;
}

/* ---- reading
 * --------------------------------------------------------------------------------------- */

/* Fixed part and header text; leaves the file at the data. */
static const char *read_header(FILE *file, nas__npy_header *header, uint64_t *data_at)
{
    unsigned char fixed[12] = {0};
    if (fread(fixed, 1, 10, file) != 10 || memcmp(fixed, magic, sizeof magic) != 0)
        return "it is no NPY file";
    if (fixed[6] < 1 || fixed[6] > 3 || fixed[7] != 0)
        return "its NPY version is not 1.0, 2.0 or 3.0";
    uint64_t length = fixed[8] | (uint64_t)fixed[9] << 8;
    *data_at = 10;
    if (fixed[6] >= 2) {
        if (fread(fixed + 10, 1, 2, file) != 2)
            return "it ends inside its header";
        length |= (uint64_t)fixed[10] << 16 | (uint64_t)fixed[11] << 24;
        *data_at = 12;
    }
    if (length > HEADER_LIMIT)
        return "its header is longer than 64 KiB";
    char *text = calloc(1, (size_t)length + 1);
    if (!text)
        return "there is no memory for its header";
    const char *fault = NULL;
    if (fread(text, 1, (size_t)length, file) != length)
        fault = "it ends inside its header";
    else if (strlen(text) != length)
        fault = "its header has a NUL";
    else
        fault = parse_header(text, header);
    free(text);
    *data_at += length;
    return fault;
}

static nas_status read_data(FILE *file, const char *path, const nas__npy_header *header,
                            uint64_t data_at, nas_npy *npy)
{
    struct stat state;
    uint64_t bytes = 0;
    if (fstat(fileno(file), &state) != 0 || !S_ISREG(state.st_mode))
        NAS_FAIL(NAS_DATA, "%s: it is no regular file", path);
    if (!array_bytes(header->rank, header->dims, types[header->row].size, &bytes))
        NAS_FAIL(NAS_DATA, "%s: its shape is larger than any memory", path);
    uint64_t there = (uint64_t)state.st_size - data_at;
    if (there != bytes)
        NAS_FAIL(NAS_DATA,
                 "%s: its header announces %" PRIu64 " bytes of data and %" PRIu64
                 " are there (from offset %" PRIu64 "): the file is truncated or damaged",
                 path, bytes, there, data_at);
    void *data = malloc(bytes ? (size_t)bytes : 1);
    if (!data)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %" PRIu64 " bytes", path, bytes);
    if (fread(data, 1, (size_t)bytes, file) != bytes) {
        free(data);
        NAS_FAIL(NAS_DATA, "%s: reading fails: %s", path, strerror(errno));
    }
    *npy = (nas_npy){
        .type = types[header->row].type, .rank = header->rank, .data = data, .size_bytes = bytes};
    memcpy(npy->dims, header->dims, sizeof npy->dims);
    return NAS_OK;
}

nas_status nas_npy_read(const char *path, nas_npy *npy)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        NAS_FAIL(NAS_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    nas__npy_header header = {0};
    uint64_t data_at = 0;
    nas_status status;
    const char *fault = read_header(file, &header, &data_at);
    if (fault)
        status = nas_error_set(NAS_DATA, __FILE__, __LINE__, "%s: %s", path, fault);
    else
        status = read_data(file, path, &header, data_at, npy);
    fclose(file);
    return status;
}

void nas_npy_clear(nas_npy *npy)
{
    if (!npy)
        return;
    free(npy->data);
    *npy = (nas_npy){0};
}

/* ---- writing
 * --------------------------------------------------------------------------------------- */

/* The version 1 header; the data starts at a multiple of 64. */
static void write_header(int row, int rank, const uint64_t *dims, nas_text *text)
{
    nas_text dict = {0};
    nas_text_format(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", types[row].descr);
    for (int i = 0; i < rank; i++)
        nas_text_format(&dict, "%s%" PRIu64 "%s", i ? ", " : "", dims[i], rank == 1 ? "," : "");
    nas_text_add(&dict, "), }");
    while ((10 + dict.length + 1) % 64 != 0 && !dict.failed)
        nas_text_add(&dict, " ");
    nas_text_add(&dict, "\n");
    const unsigned char fixed[4] = {1, 0, (unsigned char)dict.length,
                                    (unsigned char)(dict.length >> 8)};
    nas_text_add_bytes(text, magic, sizeof magic);
    nas_text_add_bytes(text, fixed, sizeof fixed);
    if (dict.data)
        nas_text_add_bytes(text, dict.data, dict.length);
    text->failed = text->failed || dict.failed;
    nas_text_clear(&dict);
}

nas_status nas_npy_write(const char *path, nas_npy_type type, int rank, const uint64_t *dims,
                         const void *data)
{
    int row = type_row(type);
    uint64_t bytes = 0;
    if (row < 0 || rank < 0 || rank > RANK_LIMIT ||
        !array_bytes(rank, dims, types[row].size, &bytes))
        NAS_FAIL(NAS_SHAPE, "%s: no array of this type and rank (%d) can be written", path, rank);
    nas_text text = {0};
    write_header(row, rank, dims, &text);
    if (bytes)
        nas_text_add_bytes(&text, data, (size_t)bytes);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        status = nas_file_replace(path, text.data, text.length);
    nas_text_clear(&text);
    return status;
}
