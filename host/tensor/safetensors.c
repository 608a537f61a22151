/* safetensors.c - weights by name, in the format of https://github.com/huggingface/safetensors.
 *
 * Layout: 8 bytes little-endian N; N bytes of JSON; the tensors' bytes without holes.
 *
 *     {"__metadata__": {"k": "v"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
 *
 * data_offsets count from the end of the JSON.  The reader refuses whatever the specification
 * forbids, before it takes memory for tensors: a header over 100 MB or past the end of the file,
 * duplicate keys, holes, overlaps, spans that disagree with the shape, metadata that is no text.
 * Ours are F32, and F64 for what is worked out on the host.  F64 has to lie at a multiple of 8 bytes, as it does where the larger type
 * is written first; the writer here does that, and so does the format's own. */
#include <clnas/tensor.h>

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEADER_LIMIT = 100000000, RANK_LIMIT = 4, NAME_SIZE = sizeof((nas_safetensor *)0)->name };

static const char metadata_key[] = "__metadata__";

/* Values of a shape; false where the bytes would not fit 63 bits. */
static bool shape_count(const nas_safetensor *tensor, uint64_t *count)
{
    uint64_t total = 1;
    bool empty = false;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] == 0)
            empty = true;
        else if (total > (uint64_t)INT64_MAX / 8 / tensor->dims[i])
            return false;
        else
            total *= tensor->dims[i];
    }
    *count = empty ? 0 : total;
    return true;
}

static uint64_t size_of(const nas_safetensor *tensor)
{
    return tensor->doubles ? sizeof(double) : sizeof(float);
}

/* ---- writing
 * ------------------------------------------------------------------------------------- */

static json_t *describe(const nas_safetensor *tensor, uint64_t begin, uint64_t end)
{
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor->doubles ? "F64" : "F32", "shape",
                     shape, "data_offsets", (json_int_t)begin, (json_int_t)end);
}

static nas_status describe_metadata(const char *path, const nas_safetensors *content,
                                    json_t *header)
{
    json_t *metadata = json_object();
    for (int i = 0; i < content->metadata_count; i++)
        if (json_object_set_new(metadata, content->keys[i], json_string(content->values[i])) != 0) {
            json_decref(metadata);
            NAS_FAIL(NAS_DATA, "%s: metadata %d is not UTF-8", path, i);
        }
    if (content->metadata_count > 0)
        json_object_set(header, metadata_key, metadata);
    json_decref(metadata);
    return NAS_OK;
}

/* The tensors of one type, behind the `*bytes` of those before them. */
static nas_status describe_tensors(const char *path, const nas_safetensors *content, bool doubles,
                                   json_t *header, uint64_t *bytes)
{
    for (int i = 0; i < content->count; i++) {
        const nas_safetensor *tensor = &content->tensors[i];
        uint64_t count = 0;
        if ((tensor->doubles != NULL) != doubles)
            continue;
        if (tensor->rank < 0 || tensor->rank > RANK_LIMIT || !shape_count(tensor, &count))
            NAS_FAIL(NAS_SHAPE, "%s: tensor \"%s\" has an impossible shape", path, tensor->name);
        if (strcmp(tensor->name, metadata_key) == 0 || json_object_get(header, tensor->name))
            NAS_FAIL(NAS_DATA, "%s: the name \"%s\" is there twice or reserved", path,
                     tensor->name);
        const uint64_t end = *bytes + size_of(tensor) * count;
        if (json_object_set_new(header, tensor->name, describe(tensor, *bytes, end)) != 0)
            NAS_FAIL(NAS_DATA, "%s: the name of tensor %d is not UTF-8", path, i);
        *bytes = end;
    }
    return NAS_OK;
}

/* Doubles first. */
static void add_data(const nas_safetensors *content, bool doubles, nas_text *file)
{
    for (int i = 0; i < content->count; i++) {
        const nas_safetensor *tensor = &content->tensors[i];
        uint64_t count = 0;
        shape_count(tensor, &count);
        if (count && (tensor->doubles != NULL) == doubles)
            nas_text_add_bytes(file,
                               doubles ? (const void *)tensor->doubles : (const void *)tensor->data,
                               (size_t)(size_of(tensor) * count));
    }
}

nas_status nas_safetensors_write(const char *path, const nas_safetensors *content)
{
    nas_status status = NAS_OK;
    nas_text file = {0};
    char *text = NULL;
    uint64_t bytes = 0;
    json_t *header = json_object();
    NAS_TRY_DONE(describe_metadata(path, content, header));
    for (int doubles = 1; doubles >= 0; doubles--)
        NAS_TRY_DONE(describe_tensors(path, content, doubles, header, &bytes));
    text = json_dumps(header, JSON_COMPACT);
    if (!text) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "%s: out of memory", path);
        goto done;
    }
    uint64_t length = (strlen(text) + 7) / 8 * 8; /* blanks behind the JSON align the data */
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)(length >> (8 * i));
    nas_text_add_bytes(&file, prefix, sizeof prefix);
    nas_text_add(&file, text);
    while (file.length < 8 + length && !file.failed)
        nas_text_add(&file, " ");
    for (int doubles = 1; doubles >= 0; doubles--)
        add_data(content, doubles, &file);
    NAS_TRY_DONE(nas_text_check(&file));
    NAS_TRY_DONE(nas_file_replace(path, file.data, file.length));
done:
    free(text);
    json_decref(header);
    nas_text_clear(&file);
    return status;
}

/* ---- reading
 * ------------------------------------------------------------------------------------- */

typedef struct nas__span {
    uint64_t begin, end; /* bytes behind the header */
    bool doubles;
    nas_safetensor tensor;
} nas__span;

static bool as_size(const json_t *value, uint64_t *size)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *size = (uint64_t)json_integer_value(value);
    return true;
}

/* One member of the header; NULL or what is wrong with it. */
static const char *read_span(const char *name, const json_t *row, nas__span *span)
{
    const json_t *type = json_object_get(row, "dtype");
    const json_t *shape = json_object_get(row, "shape");
    const json_t *offsets = json_object_get(row, "data_offsets");
    if (strlen(name) >= NAME_SIZE)
        return "its name is longer than 191 bytes";
    snprintf(span->tensor.name, NAME_SIZE, "%s", name);
    if (!json_is_object(row) || json_object_size(row) != 3 || !json_is_string(type) ||
        !json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2)
        return "it must have dtype, shape and two data_offsets, and nothing else";
    span->doubles = strcmp(json_string_value(type), "F64") == 0;
    if (!span->doubles && strcmp(json_string_value(type), "F32") != 0)
        return "its dtype is neither F32 nor F64";
    if (json_array_size(shape) > RANK_LIMIT)
        return "it has more than 4 dimensions";
    span->tensor.rank = (int)json_array_size(shape);
    for (int i = 0; i < span->tensor.rank; i++)
        if (!as_size(json_array_get(shape, (size_t)i), &span->tensor.dims[i]))
            return "a dimension is no size";
    uint64_t count = 0;
    if (!as_size(json_array_get(offsets, 0), &span->begin) ||
        !as_size(json_array_get(offsets, 1), &span->end) || span->end < span->begin)
        return "its data_offsets are no span";
    if (!shape_count(&span->tensor, &count) ||
        span->end - span->begin != (span->doubles ? 8 : 4) * count)
        return "its shape and its data_offsets disagree";
    if (span->doubles && span->begin % 8 != 0)
        return "it is F64 and does not lie at a multiple of 8 bytes";
    return NULL;
}

static int by_begin(const void *a, const void *b)
{
    const nas__span *left = a, *right = b;
    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    return left->end < right->end ? -1 : left->end > right->end;
}

static nas_status read_spans(const char *path, json_t *header, uint64_t bytes, nas__span *spans,
                             int *count)
{
    const char *name;
    json_t *row;
    *count = 0;
    json_object_foreach(header, name, row)
    {
        if (strcmp(name, metadata_key) == 0)
            continue;
        const char *fault = read_span(name, row, &spans[*count]);
        if (fault)
            NAS_FAIL(NAS_DATA, "%s: tensor \"%.80s\": %s", path, name, fault);
        (*count)++;
    }
    qsort(spans, (size_t)*count, sizeof *spans, by_begin);
    uint64_t end = 0;
    for (int i = 0; i < *count; i++) {
        if (spans[i].begin != end)
            NAS_FAIL(NAS_DATA,
                     "%s: tensor \"%.80s\" begins at %" PRIu64 " and not at %" PRIu64 ": %s", path,
                     spans[i].tensor.name, spans[i].begin, end,
                     spans[i].begin < end ? "it overlaps another" : "there is a hole");
        end = spans[i].end;
    }
    if (end != bytes)
        NAS_FAIL(NAS_DATA,
                 "%s: its header describes %" PRIu64 " bytes and %" PRIu64
                 " are there: the file is truncated or damaged",
                 path, end, bytes);
    return NAS_OK;
}

static nas_status read_metadata(const char *path, json_t *header, nas_safetensors *content)
{
    json_t *metadata = json_object_get(header, metadata_key);
    if (!metadata)
        return NAS_OK;
    if (!json_is_object(metadata))
        NAS_FAIL(NAS_DATA, "%s: __metadata__ is no map", path);
    size_t size = json_object_size(metadata) + 1;
    content->keys = calloc(size, sizeof *content->keys);
    content->values = calloc(size, sizeof *content->values);
    if (!content->keys || !content->values)
        NAS_FAIL(NAS_MEMORY, "%s: out of memory", path);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            NAS_FAIL(NAS_DATA, "%s: metadata \"%.80s\" is no text", path, key);
        int i = content->metadata_count++;
        content->keys[i] = strdup(key);
        content->values[i] = strdup(json_string_value(value));
        if (!content->keys[i] || !content->values[i])
            NAS_FAIL(NAS_MEMORY, "%s: out of memory", path);
    }
    return NAS_OK;
}

/* Length prefix and JSON, both held against the size of the file first. */
static nas_status read_header(FILE *file, const char *path, json_t **header, uint64_t *bytes)
{
    struct stat state;
    unsigned char prefix[8];
    if (fstat(fileno(file), &state) != 0 || !S_ISREG(state.st_mode))
        NAS_FAIL(NAS_DATA, "%s: it is no regular file", path);
    if (fread(prefix, 1, 8, file) != 8)
        NAS_FAIL(NAS_DATA, "%s: it is too short to be a safetensors file", path);
    uint64_t length = 0, size = (uint64_t)state.st_size;
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)prefix[i] << (8 * i);
    if (length > HEADER_LIMIT || length > size - 8)
        NAS_FAIL(NAS_DATA,
                 "%s: its header announces %" PRIu64
                 " bytes, over 100 MB or past the end of the file "
                 "(%" PRIu64 " bytes)",
                 path, length, size);
    char *text = malloc((size_t)length + 1);
    if (!text)
        NAS_FAIL(NAS_MEMORY, "%s: out of memory", path);
    json_error_t error = {0};
    bool whole = fread(text, 1, (size_t)length, file) == length;
    *header = whole && length > 0 && text[0] == '{'
                  ? json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &error)
                  : NULL;
    free(text);
    if (!*header)
        NAS_FAIL(NAS_DATA, "%s: its header is not the JSON it must be: %s (offset %d)", path,
                 error.text[0] ? error.text : "it does not start with {", error.position + 8);
    *bytes = size - 8 - length;
    return NAS_OK;
}

/* Gives the tensors their data: one block, in the order of the file. */
static nas_status read_data(FILE *file, const char *path, const nas__span *spans, int count,
                            uint64_t bytes, nas_safetensors *content)
{
    content->tensors = calloc((size_t)count + 1, sizeof *content->tensors);
    content->storage = malloc(bytes ? (size_t)bytes : 1);
    if (!content->tensors || !content->storage)
        NAS_FAIL(NAS_MEMORY, "%s: no memory for %" PRIu64 " bytes", path, bytes);
    if (fread(content->storage, 1, (size_t)bytes, file) != bytes)
        NAS_FAIL(NAS_DATA, "%s: reading fails: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        content->tensors[i] = spans[i].tensor;
        if (spans[i].doubles)
            content->tensors[i].doubles = (double *)content->storage + spans[i].begin / 8;
        else
            content->tensors[i].data = (float *)content->storage + spans[i].begin / 4;
    }
    content->count = count;
    return NAS_OK;
}

nas_status nas_safetensors_read(const char *path, nas_safetensors *content)
{
    nas_status status = NAS_OK;
    nas_safetensors found = {0};
    json_t *header = NULL;
    nas__span *spans = NULL;
    uint64_t bytes = 0;
    int count = 0;
    FILE *file = fopen(path, "rb");
    if (!file)
        NAS_FAIL(NAS_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    NAS_TRY_DONE(read_header(file, path, &header, &bytes));
    spans = calloc(json_object_size(header) + 1, sizeof *spans);
    if (!spans) {
        status = nas_error_set(NAS_MEMORY, __FILE__, __LINE__, "%s: out of memory", path);
        goto done;
    }
    NAS_TRY_DONE(read_spans(path, header, bytes, spans, &count));
    NAS_TRY_DONE(read_metadata(path, header, &found));
    NAS_TRY_DONE(read_data(file, path, spans, count, bytes, &found));
    *content = found;
done:
    fclose(file);
    free(spans);
    json_decref(header);
    if (status != NAS_OK)
        nas_safetensors_clear(&found);
    return status;
}

/* Only what reading made; a struct that was filled for writing is its owner's. */
void nas_safetensors_clear(nas_safetensors *content)
{
    if (!content)
        return;
    for (int i = 0; i < content->metadata_count; i++) {
        free(content->keys[i]);
        free(content->values[i]);
    }
    free(content->keys);
    free(content->values);
    free(content->tensors);
    free(content->storage);
    *content = (nas_safetensors){0};
}

const nas_safetensor *nas_safetensors_find(const nas_safetensors *content, const char *name)
{
    for (int i = 0; i < content->count; i++)
        if (strcmp(content->tensors[i].name, name) == 0)
            return &content->tensors[i];
    return NULL;
}

const char *nas_safetensors_value(const nas_safetensors *content, const char *key)
{
    for (int i = 0; i < content->metadata_count; i++)
        if (strcmp(content->keys[i], key) == 0)
            return content->values[i];
    return NULL;
}
