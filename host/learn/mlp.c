/* mlp.c - the surrogate of BANANAS and PNAS: relu layers, mean absolute error, Adam, five of them.
 *
 * Idea (White, Neiswanger, Savani, "BANANAS", 1910.11858): a handful of networks that start from different weights agree
 * where there are data and differ where there are none, so the spread of an ensemble says how unsure a prediction is.
 *
 * Weights of a member in one row: for each layer W [out][in], then b [out].  Products are CBLAS with one batch at a time.
 * Targets are brought to mean 0 and deviation 1, so that one learning rate does for percent and for shares. */
#include <clnas/learn.h>

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_FIT = 5 };

static int width_of(const nas_mlp *m, int layer) /* 0: the inputs; layers + 1: the output */
{
    return layer == 0 ? m->shape.inputs : layer <= m->shape.layers ? m->shape.units : 1;
}

nas_status nas_mlp_create(const nas_mlp_shape *shape, nas_mlp *mlp)
{
    *mlp = (nas_mlp){.shape = *shape};
    int count = 0;
    for (int layer = 0; layer <= shape->layers; layer++)
        count += (width_of(mlp, layer) + 1) * width_of(mlp, layer + 1);
    mlp->widest = shape->inputs > shape->units ? shape->inputs : shape->units;
    size_t plane = (size_t)shape->batch * (size_t)mlp->widest;
    mlp->members = calloc((size_t)shape->members, sizeof *mlp->members);
    mlp->activations = calloc(((size_t)shape->layers + 2) * plane, sizeof *mlp->activations);
    mlp->errors = calloc(2 * plane, sizeof *mlp->errors);
    nas_status status = mlp->members && mlp->activations && mlp->errors ? NAS_OK : NAS_MEMORY;
    for (int i = 0; i < shape->members && status == NAS_OK; i++)
        status = nas_weights_create(count, &mlp->members[i]);
    if (status != NAS_OK) {
        nas_mlp_clear(mlp);
        NAS_FAIL(NAS_MEMORY, "no memory for an ensemble of %d networks", shape->members);
    }
    return NAS_OK;
}

void nas_mlp_clear(nas_mlp *mlp)
{
    for (int i = 0; mlp->members && i < mlp->shape.members; i++)
        nas_weights_clear(&mlp->members[i]);
    free(mlp->members);
    free(mlp->activations);
    free(mlp->errors);
    *mlp = (nas_mlp){0};
}

/* ---- forward and backward ---------------------------------------------------------------------------------------- */

static double *plane(const nas_mlp *m, int layer)
{
    return m->activations + (size_t)layer * (size_t)m->shape.batch * (size_t)m->widest;
}

/* Leaves the activations of `rows` rows in the planes; the last plane is the output. */
static void forward(nas_mlp *m, int member, const double *features, int rows)
{
    const double *w = m->members[member].value;
    memcpy(plane(m, 0), features, (size_t)rows * (size_t)m->shape.inputs * sizeof *features);
    for (int layer = 0; layer <= m->shape.layers; layer++) {
        int in = width_of(m, layer), out = width_of(m, layer + 1);
        const double *bias = w + in * out;
        double *y = plane(m, layer + 1);
        for (int i = 0; i < rows; i++)
            memcpy(y + i * out, bias, (size_t)out * sizeof *y);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, out, in, 1, plane(m, layer), in,
                    w, in, 1, y, out);
        for (int i = 0; i < rows * out && layer < m->shape.layers; i++)
            y[i] = y[i] > 0 ? y[i] : 0;
        w += (in + 1) * out;
    }
}

/* `error`: of the output, [rows][1]. */
static void backward(nas_mlp *m, int member, int rows, double *error)
{
    const nas_weights *weights = &m->members[member];
    int at = weights->count;
    double *other = m->errors + (size_t)m->shape.batch * (size_t)m->widest;
    for (int layer = m->shape.layers; layer >= 0; layer--) {
        int in = width_of(m, layer), out = width_of(m, layer + 1);
        at -= (in + 1) * out;
        double *dw = weights->gradient + at, *db = dw + in * out;
        const double *x = plane(m, layer);
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, rows, 1, error, out, x, in, 1,
                    dw, in);
        for (int i = 0; i < rows; i++)
            cblas_daxpy(out, 1, error + i * out, 1, db, 1);
        if (layer == 0)
            return;
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, in, out, 1, error, out,
                    weights->value + at, in, 0, other, in);
        for (int i = 0; i < rows * in; i++)
            other[i] = x[i] > 0 ? other[i] : 0;
        double *held = error;
        error = other;
        other = held;
    }
}

double nas_mlp_loss(nas_mlp *m, int member, const double *features, const double *targets, int rows)
{
    double sum = 0, *error = m->errors;
    forward(m, member, features, rows);
    const double *y = plane(m, m->shape.layers + 1);
    for (int i = 0; i < rows; i++) {
        double difference = y[i] - targets[i];
        sum += fabs(difference) / rows;
        error[i] = (difference > 0 ? 1.0 : difference < 0 ? -1.0 : 0.0) / rows;
    }
    backward(m, member, rows, error);
    return sum;
}

/* ---- fitting ------------------------------------------------------------------------------------------------------- */

/* Glorot and Bengio's uniform weights; biases 0. */
static void init(nas_mlp *m, int member, nas_random *random)
{
    nas_weights *weights = &m->members[member];
    size_t bytes = (size_t)weights->count * sizeof *weights->value;
    double *w = weights->value;
    memset(weights->first, 0, bytes);
    memset(weights->second, 0, bytes);
    memset(weights->gradient, 0, bytes);
    weights->steps = 0;
    for (int layer = 0; layer <= m->shape.layers; layer++) {
        int in = width_of(m, layer), out = width_of(m, layer + 1);
        double reach = sqrt(6.0 / (in + out));
        for (int i = 0; i < in * out; i++)
            w[i] = reach * (2 * nas_random_uniform(random) - 1);
        memset(w + in * out, 0, (size_t)out * sizeof *w);
        w += (in + 1) * out;
    }
}

static void scale_targets(nas_mlp *m, const double *targets, int rows, double *scaled)
{
    double sum = 0, square = 0;
    for (int i = 0; i < rows; i++)
        sum += targets[i];
    m->mean = sum / rows;
    for (int i = 0; i < rows; i++)
        square += (targets[i] - m->mean) * (targets[i] - m->mean);
    m->deviation = square > 0 ? sqrt(square / rows) : 1;
    for (int i = 0; i < rows; i++)
        scaled[i] = (targets[i] - m->mean) / m->deviation;
}

typedef struct fit {
    const double *features, *scaled;
    int rows;
    uint32_t *order;
    double *batch, *batch_targets;
} fit;

static void fit_member(nas_mlp *m, int member, const fit *f, nas_random *random)
{
    const nas_adam adam = {m->shape.rate, 0.9, 0.999, 1e-8, 0};
    size_t inputs = (size_t)m->shape.inputs;
    init(m, member, random);
    for (int i = 0; i < f->rows; i++)
        f->order[i] = (uint32_t)i;
    for (int epoch = 0; epoch < m->shape.epochs; epoch++) {
        nas_random_shuffle(random, f->order, (uint32_t)f->rows);
        for (int from = 0; from < f->rows; from += m->shape.batch) {
            int rows = f->rows - from < m->shape.batch ? f->rows - from : m->shape.batch;
            for (int i = 0; i < rows; i++) {
                uint32_t row = f->order[from + i];
                memcpy(f->batch + (size_t)i * inputs, f->features + row * inputs,
                       inputs * sizeof *f->batch);
                f->batch_targets[i] = f->scaled[row];
            }
            nas_mlp_loss(m, member, f->batch, f->batch_targets, rows);
            nas_weights_step(&m->members[member], &adam);
        }
    }
}

nas_status nas_mlp_fit(nas_mlp *m, const double *features, const double *targets, int rows,
                       uint64_t seed, uint32_t key)
{
    double *scaled = malloc(((size_t)rows + 1) * sizeof *scaled);
    fit f = {.features = features, .scaled = scaled, .rows = rows};
    f.order = malloc(((size_t)rows + 1) * sizeof *f.order);
    f.batch = malloc((size_t)m->shape.batch * (size_t)m->shape.inputs * sizeof *f.batch);
    f.batch_targets = malloc((size_t)m->shape.batch * sizeof *f.batch_targets);
    bool enough = scaled && f.order && f.batch && f.batch_targets;
    if (enough) {
        scale_targets(m, targets, rows, scaled);
        for (int member = 0; member < m->shape.members; member++) {
            nas_random random =
                nas_random_make(seed, NAS_STREAM_PROPOSE, key, (uint32_t)member, STREAM_FIT);
            fit_member(m, member, &f, &random);
        }
    }
    free(scaled);
    free(f.order);
    free(f.batch);
    free(f.batch_targets);
    if (!enough)
        NAS_FAIL(NAS_MEMORY, "no memory to fit %d results", rows);
    return NAS_OK;
}

void nas_mlp_predict(nas_mlp *m, const double *features, double *mean, double *deviation)
{
    double sum = 0, square = 0;
    int members = m->shape.members;
    for (int i = 0; i < members; i++) {
        forward(m, i, features, 1);
        double y = m->mean + m->deviation * plane(m, m->shape.layers + 1)[0];
        sum += y;
        square += y * y;
    }
    *mean = sum / members;
    double variance = (square - sum * sum / members) / (members > 1 ? members - 1 : 1);
    *deviation = variance > 0 ? sqrt(variance) : 0;
}
