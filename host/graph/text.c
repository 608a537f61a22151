/* text.c - a graph as text and back, and the hash of that text.
 *
 * One node a line.  Options that stand at their default are left out, so that an option added in a later version
 * changes no old text and no old hash.  Hashes are XXH3 over the bytes, hence equal on every machine.
 */
#include "graph_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list of one is written as its item: both spellings mean the same. */
static void write_compact(const nas_value *value, nas_text *text)
{
    bool single = value->type == NAS_VALUE_LIST && value->item_count == 1;
    nas_value_write(single ? &value->items[0] : value, -1, text);
}

static bool is_default(const nas_op *op, const nas_value *member, nas_text *text)
{
    bool same = false;
    for (const nas_option *o = op->kind.options; o && o->name; o++) {
        if (strcmp(o->name, member->name) != 0 || !o->fallback)
            continue;
        nas_value fallback = {0};
        nas_text a = {0}, b = {0};
        const nas_status status = nas_value_parse(o->fallback, NULL, 0, &fallback);
        if (status == NAS_OK) {
            if (o->type == NAS_OPTION_REAL && fallback.type == NAS_VALUE_INT) {
                fallback.type = NAS_VALUE_REAL;
                fallback.real = (double)fallback.integer;
            }
            write_compact(&fallback, &a);
            write_compact(member, &b);
            same = a.data && b.data && strcmp(a.data, b.data) == 0;
        }
        text->failed = text->failed || status == NAS_MEMORY || a.failed || b.failed;
        nas_value_clear(&fallback);
        nas_text_clear(&a);
        nas_text_clear(&b);
    }
    return same;
}

void nas_node_write_options(const nas_node *n, nas_text *text)
{
    nas_value group = {0};
    if (!n->op->kind.options)
        return;
    if (nas_options_value(&n->op->kind, n->options.bytes, &group) != NAS_OK) {
        text->failed = true; /* memory: what is there to be written is there */
        nas_value_clear(&group);
        return;
    }
    const char *separator = " ";
    for (int i = 0; i < group.item_count; i++) {
        nas_value *member = &group.items[i];
        if (is_default(n->op, member, text))
            continue;
        nas_text_format(text, "%s%s = ", separator, member->name);
        write_compact(member, text);
        separator = "; ";
    }
    nas_value_clear(&group);
}

void nas_graph_write(const nas_graph *graph, nas_text *text)
{
    nas_shape in = graph->nodes[0].shape;
    nas_text_format(text, "input %dx%dx%d\n", in.c, in.h, in.w);
    for (int i = 1; i < graph->count; i++) {
        const nas_node *n = &graph->nodes[i];
        nas_text_format(text, "%d %s(", i, n->op->kind.name);
        for (int k = 0; k < n->input_count; k++)
            nas_text_format(text, "%s%d", k ? ", " : "", n->inputs[k]);
        nas_text_add(text, ")");
        nas_node_write_options(n, text);
        nas_text_add(text, "\n");
    }
    if (graph->output != graph->count - 1)
        nas_text_format(text, "output %d\n", graph->output);
}

nas_status nas_graph_hash(const nas_graph *graph, uint64_t *hash)
{
    nas_text text = {0};
    nas_graph_write(graph, &text);
    nas_status status = nas_text_check(&text);
    if (status == NAS_OK)
        *hash = nas_hash(text.data, text.length, 0);
    nas_text_clear(&text);
    return status;
}

/* ---- parsing ---- */

/* "3, 5)" at *cursor; leaves *cursor behind the bracket. */
static bool parse_inputs(const char **cursor, int inputs[NAS_OP_INPUTS], int *count)
{
    *count = 0;
    for (const char *at = *cursor;;) {
        at += strspn(at, " ");
        if (*at == ')' && *count == 0) {
            *cursor = at + 1;
            return true;
        }
        char *end;
        long index = strtol(at, &end, 10);
        if (end == at || *count == NAS_OP_INPUTS || index < 0 || index > 1000000)
            return false;
        inputs[(*count)++] = (int)index;
        at = end + strspn(end, " ");
        if (*at == ')') {
            *cursor = at + 1;
            return true;
        }
        if (*at++ != ',')
            return false;
    }
}

static nas_status parse_node(nas_graph *graph, const char *text, const char *file, int line)
{
    int index = 0, used = 0, inputs[NAS_OP_INPUTS], count;
    char op[64];
    if (sscanf(text, "%d %63[a-z0-9_](%n", &index, op, &used) != 2 || used == 0)
        NAS_FAIL(NAS_CONFIG, "%s:%d: expected \"N op(inputs) options\", found \"%.60s\"", file,
                 line, text);
    if (index != graph->count)
        NAS_FAIL(NAS_CONFIG, "%s:%d: node %d where node %d must stand", file, line, index,
                 graph->count);
    const char *rest = text + used;
    if (!parse_inputs(&rest, inputs, &count))
        NAS_FAIL(NAS_CONFIG, "%s:%d: inputs of node %d are not a list of node numbers", file, line,
                 index);
    return nas__graph_add_text(graph, op, inputs, count, rest, file, line, NULL);
}

static nas_status parse_line(nas_graph *graph, const char *text, const char *file, int line)
{
    int c, h, w, output;
    text += strspn(text, " \t");
    if (*text == '\0' || *text == '#')
        return NAS_OK;
    if (sscanf(text, "input %dx%dx%d", &c, &h, &w) == 3) {
        if (graph->nodes)
            NAS_FAIL(NAS_CONFIG, "%s:%d: a second input line", file, line);
        return nas_graph_init(graph, (nas_shape){c, h, w});
    }
    if (!graph->nodes)
        NAS_FAIL(NAS_CONFIG, "%s:%d: the first line must be \"input CxHxW\"", file, line);
    if (sscanf(text, "output %d", &output) == 1) {
        if (output < 0 || output >= graph->count)
            NAS_FAIL(NAS_CONFIG, "%s:%d: output %d is no node", file, line, output);
        graph->output = output;
        return NAS_OK;
    }
    return parse_node(graph, text, file, line);
}

nas_status nas_graph_parse(const char *text, const char *file, nas_graph *graph)
{
    nas_graph made = {0};
    nas_status status = NAS_OK;
    int line = 1;
    char buffer[2048];
    file = file ? file : "graph";
    for (const char *at = text; *at && status == NAS_OK; line++) {
        size_t length = strcspn(at, "\n");
        if (length >= sizeof buffer) {
            status =
                nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "%s:%d: line too long", file, line);
            break;
        }
        memcpy(buffer, at, length);
        buffer[length] = '\0';
        status = parse_line(&made, buffer, file, line);
        at += length + (at[length] == '\n');
    }
    if (status == NAS_OK && !made.nodes)
        status = nas_error_set(NAS_CONFIG, __FILE__, __LINE__, "%s: no \"input CxHxW\" line", file);
    if (status == NAS_OK)
        *graph = made;
    else
        nas_graph_clear(&made);
    return status;
}
