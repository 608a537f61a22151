/* wire.c - a look at the bytes of an ONNX model before protobuf unpacks them.
 *
 * Unpacking allocates as it goes and descends as deep as messages nest, so a small file could ask for a great deal of memory, or for more
 * stack than there is.  Networks of convolutions need neither: their messages nest six deep, and their parts can be counted.  This walk
 * follows the messages that unpacking would make, checks every length against the one around it, counts, and refuses by name what
 * belongs to other kinds of models: subgraphs, functions, training, sequences, sparse and external tensors.
 *
 * Wire format: protobuf.dev/programming-guides/encoding; field numbers: onnx.proto. */
#include "importing.h"

#include <stdio.h>

enum { PARTS_MOST = 2000000, NUMBERS_MOST = 64 << 20 /* that grow from a byte to eight */ };

/* What a message may hold: fields that are messages themselves, and fields that are refused. */
typedef struct message message;
typedef struct field {
    uint32_t number;
    const message *inside; /* NULL: refused, for `reason` */
    const char *reason;
} field;
struct message {
    const char *name;
    const field *fields; /* ends with number 0; others are numbers or bytes */
};

static const message entry = {"a text of the metadata", (const field[]){{0, NULL, NULL}}};
static const message opset = {"an operator set", (const field[]){{0, NULL, NULL}}};
static const message dimension = {"a dimension", (const field[]){{0, NULL, NULL}}};
static const message shape = {"a shape", (const field[]){{1, &dimension, NULL}, {0, NULL, NULL}}};
static const message tensor_type = {"a tensor's type",
                                    (const field[]){{2, &shape, NULL}, {0, NULL, NULL}}};
static const message type = {"a type",
                             (const field[]){{1, &tensor_type, NULL},
                                             {4, NULL, "a value that is a sequence"},
                                             {5, NULL, "a value that is a map"},
                                             {7, NULL, "a value of another kind than tensors"},
                                             {8, NULL, "a sparse value"},
                                             {9, NULL, "an optional value"},
                                             {0, NULL, NULL}}};
static const message information = {"a value's type",
                                    (const field[]){{2, &type, NULL}, {0, NULL, NULL}}};
static const message packed = {"numbers in a row", (const field[]){{0, NULL, NULL}}};
static const message segment = {"a segment", (const field[]){{0, NULL, NULL}}};
static const message tensor = {
    "a tensor",
    (const field[]){
        {1, &packed, NULL},
        {3, &segment, NULL},
        {5, &packed, NULL},
        {7, &packed, NULL},
        {11, &packed, NULL},
        {13, NULL, "a tensor whose data lie in another file; save the model as one file"},
        {0, NULL, NULL}}};
static const message attribute = {"an attribute",
                                  (const field[]){{5, &tensor, NULL},
                                                  {8, &packed, NULL},
                                                  {10, &tensor, NULL},
                                                  {6, NULL, "a subgraph, as If and Loop have"},
                                                  {11, NULL, "subgraphs, as If and Loop have"},
                                                  {14, NULL, "an attribute that is a type"},
                                                  {15, NULL, "an attribute of types"},
                                                  {22, NULL, "a sparse tensor"},
                                                  {23, NULL, "sparse tensors"},
                                                  {0, NULL, NULL}}};
static const message node = {"a node", (const field[]){{5, &attribute, NULL}, {0, NULL, NULL}}};
static const message annotation = {"a quantization",
                                   (const field[]){{2, &entry, NULL}, {0, NULL, NULL}}};
static const message graph = {"the graph", (const field[]){{1, &node, NULL},
                                                           {5, &tensor, NULL},
                                                           {11, &information, NULL},
                                                           {12, &information, NULL},
                                                           {13, &information, NULL},
                                                           {14, &annotation, NULL},
                                                           {15, NULL, "a sparse tensor"},
                                                           {0, NULL, NULL}}};
static const message model = {
    "the model",
    (const field[]){{7, &graph, NULL},
                    {8, &opset, NULL},
                    {14, &entry, NULL},
                    {20, NULL, "training, besides the network; export it for inference"},
                    {25, NULL, "functions of its own; export it with plain operators"},
                    {0, NULL, NULL}}};

typedef struct walk {
    const char *path;
    const uint8_t *data;
    size_t at, parts, numbers;
    size_t node_at, node_end; /* of the node that is walked; 0: none */
    int node;                 /* its number */
} walk;

static nas_status broken(const walk *w, const message *m)
{
    NAS_FAIL(NAS_DATA, "%s: damaged at byte %zu, in %s; is it an ONNX model, and whole?", w->path,
             w->at, m->name);
}

static nas_status read_number(walk *w, const message *m, size_t end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (w->at >= end)
            break;
        const uint8_t byte = w->data[w->at++];
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return NAS_OK;
    }
    return broken(w, m);
}

static const field *field_of(const message *m, uint64_t number)
{
    for (const field *f = m->fields; f->number; f++)
        if (f->number == number)
            return f;
    return NULL;
}

static nas_status walk_message(walk *w, const message *m, size_t end);

/* Text `number` of the node that is walked, as messages can show it. */
static const char *text_of_node(const walk *w, uint64_t number, char text[64])
{
    walk inside = {.path = w->path, .data = w->data, .at = w->node_at};
    text[0] = '\0';
    while (inside.at < w->node_end) {
        uint64_t key, value;
        if (read_number(&inside, &node, w->node_end, &key) != NAS_OK ||
            read_number(&inside, &node, w->node_end, &value) != NAS_OK)
            break;
        if ((key & 7) != 2)
            continue;
        if (value > w->node_end - inside.at)
            break;
        if (key >> 3 == number) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)(value < 60 ? value : 60),
                     (const char *)w->data + inside.at);
            return nas__printable(name, text);
        }
        inside.at += (size_t)value;
    }
    return text;
}

static nas_status refuse(const walk *w, const field *f)
{
    char name[64], op[64];
    if (!w->node_at)
        NAS_FAIL(NAS_CONFIG, "%s: %s; only networks of plain tensors are read", w->path, f->reason);
    NAS_FAIL(NAS_CONFIG, "%s: node %d \"%s\" (%s): %s; only networks of plain tensors are read",
             w->path, w->node, text_of_node(w, 3, name), text_of_node(w, 4, op), f->reason);
}

static nas_status count_numbers(walk *w, uint64_t count)
{
    w->numbers += (size_t)count;
    if (w->numbers > NUMBERS_MOST)
        NAS_FAIL(NAS_DATA, "%s: over %d whole numbers, more than a network has", w->path,
                 NUMBERS_MOST);
    return NAS_OK;
}

static nas_status walk_node(walk *w, size_t length)
{
    w->node_at = w->at;
    w->node_end = w->at + length;
    NAS_TRY(walk_message(w, &node, w->node_end));
    w->node_at = 0;
    w->node++;
    return NAS_OK;
}

/* Bytes, a text, numbers in a row, or a message. */
static nas_status walk_bytes(walk *w, const message *m, uint64_t number, size_t end)
{
    const field *f = field_of(m, number);
    uint64_t length;
    NAS_TRY(read_number(w, m, end, &length));
    if (length > end - w->at)
        return broken(w, m);
    if (++w->parts > PARTS_MOST)
        NAS_FAIL(NAS_DATA, "%s: over %d parts, more than a network has", w->path, PARTS_MOST);
    if (f && !f->inside)
        return refuse(w, f);
    if (f && f->inside == &packed)
        NAS_TRY(count_numbers(w, length));
    else if (f && f->inside == &node)
        return walk_node(w, (size_t)length);
    else if (f)
        return walk_message(w, f->inside, w->at + (size_t)length);
    w->at += (size_t)length;
    return NAS_OK;
}

static nas_status skip(walk *w, const message *m, size_t end, size_t bytes)
{
    if (bytes > end - w->at)
        return broken(w, m);
    w->at += bytes;
    return NAS_OK;
}

static nas_status walk_message(walk *w, const message *m, size_t end)
{
    while (w->at < end) {
        uint64_t key, value;
        NAS_TRY(read_number(w, m, end, &key));
        switch (key & 7) {
        case 0:
            NAS_TRY(read_number(w, m, end, &value));
            NAS_TRY(count_numbers(w, 1));
            break;
        case 1:
            NAS_TRY(skip(w, m, end, 8));
            break;
        case 2:
            NAS_TRY(walk_bytes(w, m, key >> 3, end));
            break;
        case 5:
            NAS_TRY(skip(w, m, end, 4));
            break;
        default:
            return broken(w, m);
        }
    }
    return NAS_OK;
}

nas_status nas__wire_check(const uint8_t *data, size_t size, const char *path)
{
    walk w = {.path = path, .data = data};
    return walk_message(&w, &model, size);
}
