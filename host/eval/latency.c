/* latency.c - tables of latencies: seconds per decision and choice of a supernet, as a CSV file.
 *
 *     # device: ...
 *     # driver: ...
 *     # supergraph: 0123456789abcdef
 *     # batch: 1
 *     row,choice,seconds
 *     0,0,0
 *     0,1,1.83e-05
 *
 * Lines with "#" tell what was measured; "supergraph" is the hash of the space's supergraph, which follows from the space's options
 * and the data's shape and classes, and must be that of the search.  Then each row and choice of the gate table has one line, in any
 * order.  Where cells share a row, its seconds are those of all of them.
 *
 * Files are hostile: everything is checked before it is believed. */
#include "latency.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_LIMIT = 16 << 20 };

static const char columns[] = "row,choice,seconds";

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

void nas_latency_write(const nas_gate_table *table, uint64_t graph_hash,
                       const nas_device_info *device, int batch, const double *seconds,
                       nas_text *text)
{
    nas_text_format(text, "# device: %s %s\n# driver: %s, %s\n# supergraph: %016" PRIx64 "\n",
                    device->id, device->name, device->platform_name, device->driver, graph_hash);
    nas_text_format(text, "# batch: %d\n%s\n", batch, columns);
    for (int row = 0; row < table->count; row++)
        for (int k = 0; k < table->rows[row].choices; k++)
            nas_text_format(text, "%d,%d,%.9g\n", row, k, seconds[table->rows[row].first + k]);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    const char *path;
    const nas_gate_table *table;
    uint64_t hash;
    double *seconds; /* −1: not told yet */
    int line;
    bool hashed, titled;
} reader;

static nas_status read_comment(reader *r, const char *text)
{
    uint64_t hash;
    if (sscanf(text, "# supergraph: %" SCNx64, &hash) != 1)
        return NAS_OK;
    if (hash != r->hash)
        NAS_FAIL(NAS_DATA,
                 "%s:%d: measured for another space or data shape: supergraph %016" PRIx64
                 ", this one is %016" PRIx64
                 "; `clnas-bench latency --choices CONFIG` measures this one",
                 r->path, r->line, hash, r->hash);
    r->hashed = true;
    return NAS_OK;
}

/* A whole number from 0 to `end` − 1 that ends with `stop`. */
static bool read_index(const char **at, int end, char stop, int *index)
{
    char *behind;
    errno = 0;
    const long value = strtol(*at, &behind, 10);
    if (behind == *at || *behind != stop || errno || value < 0 || value >= end)
        return false;
    *at = behind + 1;
    *index = (int)value;
    return true;
}

static nas_status read_seconds(const reader *r, const char *at, double *seconds)
{
    char *behind;
    *seconds = nas_real_read(at, &behind);
    if (behind == at || *behind || !isfinite(*seconds))
        NAS_FAIL(NAS_DATA, "%s:%d: \"%.40s\" is no number of seconds", r->path, r->line, at);
    if (*seconds < 0)
        NAS_FAIL(NAS_DATA, "%s:%d: %g seconds are less than none", r->path, r->line, *seconds);
    return NAS_OK;
}

static nas_status read_entry(reader *r, const char *text)
{
    const char *at = text;
    int row, choice;
    double seconds;
    if (!read_index(&at, r->table->count, ',', &row))
        NAS_FAIL(NAS_DATA, "%s:%d: \"%.40s\" begins with no row of the supernet, which has 0 to %d",
                 r->path, r->line, text, r->table->count - 1);
    const nas_gate_row *its = &r->table->rows[row];
    if (!read_index(&at, its->choices, ',', &choice))
        NAS_FAIL(NAS_DATA, "%s:%d: \"%.40s\" names no choice of row %d, which has 0 to %d", r->path,
                 r->line, text, row, its->choices - 1);
    NAS_TRY(read_seconds(r, at, &seconds));
    if (r->seconds[its->first + choice] >= 0)
        NAS_FAIL(NAS_DATA, "%s:%d: choice %d of row %d stands here a second time", r->path, r->line,
                 choice, row);
    r->seconds[its->first + choice] = seconds;
    return NAS_OK;
}

static nas_status read_line(reader *r, const char *text)
{
    r->line++;
    if (text[0] == '#')
        return read_comment(r, text);
    if (text[0] == '\0')
        return NAS_OK;
    if (r->titled)
        return read_entry(r, text);
    if (strcmp(text, columns) != 0)
        NAS_FAIL(NAS_DATA, "%s:%d: \"%.40s\" where the columns \"%s\" must be named", r->path,
                 r->line, text, columns);
    r->titled = true;
    return NAS_OK;
}

static nas_status check_complete(const reader *r)
{
    if (!r->hashed)
        NAS_FAIL(NAS_DATA, "%s: no line \"# supergraph: …\" says what was measured", r->path);
    for (int row = 0; row < r->table->count; row++)
        for (int k = 0; k < r->table->rows[row].choices; k++)
            if (r->seconds[r->table->rows[row].first + k] < 0)
                NAS_FAIL(NAS_DATA, "%s:%d: ends without choice %d of row %d", r->path, r->line, k,
                         row);
    return NAS_OK;
}

static nas_status read_text(reader *r, char *text)
{
    for (char *at = text, *next; at; at = next) {
        next = strchr(at, '\n');
        if (next)
            *next++ = '\0';
        at[strcspn(at, "\r")] = '\0';
        if (next || *at)
            NAS_TRY(read_line(r, at));
    }
    return check_complete(r);
}

nas_status nas__latency_read(const char *path, const nas_gate_table *table, uint64_t graph_hash,
                             double **seconds)
{
    void *data;
    size_t size;
    reader r = {.path = path, .table = table, .hash = graph_hash};
    NAS_TRY(nas_file_read(path, SIZE_LIMIT, &data, &size));
    r.seconds = malloc(((size_t)table->choices + 1) * sizeof *r.seconds);
    for (int i = 0; r.seconds && i < table->choices; i++)
        r.seconds[i] = -1;
    nas_status status = r.seconds ? read_text(&r, data) : NAS_MEMORY;
    free(data);
    if (status == NAS_OK)
        *seconds = r.seconds;
    else
        free(r.seconds);
    return status;
}

/* ---- what it says ------------------------------------------------------------------------------------------------------ */

double nas__latency_expected(const nas_gate_table *table, const double *seconds,
                             const float *weights)
{
    double expected = 0;
    for (int i = 0; i < table->count; i++) {
        const nas_gate_row *row = &table->rows[i];
        double sum = 0, all = 0;
        for (int k = row->first; k < row->first + row->choices; k++) {
            const double weight = weights ? (double)weights[k] : 1;
            sum += weight * seconds[k];
            all += weight;
        }
        expected += all > 0 ? sum / all : 0;
    }
    return expected;
}

double nas__latency_of_path(const nas_gate_table *table, const double *seconds,
                            const int choices[NAS_GATE_ROWS])
{
    double sum = 0;
    for (int row = 0; row < table->count; row++)
        sum += choices[row] < 0 ? 0 : seconds[table->rows[row].first + choices[row]];
    return sum;
}

nas_status nas__latency_costs(const nas_gate_table *table, const double *seconds, double weight,
                              double reference, float *costs)
{
    const double against = reference > 0 ? reference : nas__latency_expected(table, seconds, NULL);
    if (!(against > 0))
        NAS_FAIL(NAS_DATA, "every choice takes 0 seconds in the table of latencies");
    for (int k = 0; k < table->choices; k++)
        costs[k] = (float)(weight / against * seconds[k]);
    return NAS_OK;
}
