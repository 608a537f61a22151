/* thin.c - which of very many points are drawn.
 *
 * A chart has some hundred pixels each way; a study has ten thousand trials.  Of a cloud, a grid is laid over the pixels and one
 * point of each cell is kept; the cells grow until few enough are left.  Of a line, each column of pixels keeps its first, lowest, highest
 * and last point, which draws the same picture as all of them would.  The outermost points are always kept: they are what people
 * look for. */
#include "drawing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GRID = 2048 }; /* pixels at most, each way */

static bool drawn(const double *x, const double *y, int i)
{
    return isfinite(x[i]) && isfinite(y[i]);
}

/* The points with the least and the greatest x and y; false: there is none. */
static bool outermost(const double *x, const double *y, int count, int outer[4])
{
    bool some = false;
    for (int i = 0; i < count; i++) {
        if (!drawn(x, y, i))
            continue;
        for (int k = 0; k < 4 && !some; k++)
            outer[k] = i;
        some = true;
        outer[0] = x[i] < x[outer[0]] ? i : outer[0];
        outer[1] = x[i] > x[outer[1]] ? i : outer[1];
        outer[2] = y[i] < y[outer[2]] ? i : outer[2];
        outer[3] = y[i] > y[outer[3]] ? i : outer[3];
    }
    return some;
}

static size_t cell_of(double pixel, double least, double size, int cells)
{
    const double cell = (pixel - least) / size;
    return (size_t)(cell < 0 ? 0 : cell >= cells ? cells - 1 : cell);
}

/* With cells of this size; `taken` holds a byte for each. */
static int keep_cells(const double *x, const double *y, int count, double size, const int outer[4],
                      char *taken, int *kept)
{
    const int columns = (int)fmin(GRID, (x[outer[1]] - x[outer[0]]) / size + 1);
    const int rows = (int)fmin(GRID, (y[outer[3]] - y[outer[2]]) / size + 1);
    int found = 0;
    memset(taken, 0, (size_t)columns * (size_t)rows);
    for (int k = 0; k < 4; k++)
        taken[cell_of(y[outer[k]], y[outer[2]], size, rows) * (size_t)columns +
              cell_of(x[outer[k]], x[outer[0]], size, columns)] = 1;
    for (int i = 0; i < count; i++) {
        if (!drawn(x, y, i))
            continue;
        char *cell = &taken[cell_of(y[i], y[outer[2]], size, rows) * (size_t)columns +
                            cell_of(x[i], x[outer[0]], size, columns)];
        if (!*cell || i == outer[0] || i == outer[1] || i == outer[2] || i == outer[3])
            kept[found++] = i;
        *cell = 1;
    }
    return found;
}

int nas__thin_cloud(const double *x, const double *y, int count, int most, int *kept)
{
    int outer[4] = {0}, found = 0;
    for (int i = 0; i < count; i++)
        if (drawn(x, y, i))
            kept[found++] = i;
    if (found <= most || most < 4 || !outermost(x, y, count, outer))
        return found;
    char *taken = malloc((size_t)GRID * GRID);
    for (double size = 1; taken && found > most && size < 4 * GRID; size *= 1.4)
        found = keep_cells(x, y, count, size, outer, taken, kept);
    free(taken);
    return found;
}

/* Adds the four points of a column that are worth drawing, in order, each once. */
static int keep_column(const double *y, int first, int last, int *kept)
{
    int low = first, high = first, found = 0;
    for (int i = first; i <= last; i++) {
        low = y[i] < y[low] ? i : low;
        high = y[i] > y[high] ? i : high;
    }
    const int middle[2] = {low < high ? low : high, low < high ? high : low};
    kept[found++] = first;
    for (int k = 0; k < 2; k++)
        if (middle[k] != kept[found - 1])
            kept[found++] = middle[k];
    if (last != kept[found - 1])
        kept[found++] = last;
    return found;
}

int nas__thin_line(const double *x, const double *y, int count, int *kept)
{
    int found = 0;
    for (int i = 0; i < count;) {
        int last = i;
        if (!drawn(x, y, i)) { /* one gap stands for several */
            while (last + 1 < count && !drawn(x, y, last + 1))
                last++;
            kept[found++] = i;
        } else {
            while (last + 1 < count && drawn(x, y, last + 1) && floor(x[last + 1]) == floor(x[i]))
                last++;
            found += keep_column(y, i, last, kept + found);
        }
        i = last + 1;
    }
    return found;
}
