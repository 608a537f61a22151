/* policy_lstm.c - the LSTM controller: one step for each gene, back-propagation through time.
 *
 * Idea (Zoph and Le, 1611.01578; ENAS, 1802.03268): step t reads the embedding of the choice made at step t−1, and a head
 * turns the LSTM's output into logits for gene t.  Genes with the same name and number of choices share head and embedding,
 * as ENAS shares them among its layers, so what is learnt about `kernel` at one layer helps at the next.
 *
 *     z = W·[x; h] + b      (i, f, g, o) = (σ, σ, tanh, σ)(z)      c' = f·c + i·g      h' = o·tanh(c')
 *
 * Weights in one row: embeddings (a start row, then the choices of each head), W and b of each layer, the heads.
 * Everything starts uniform in ±0.1.  Matrices are row-major; the products are CBLAS. */
#include "policy.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct nas__lstm {
    int hidden, layers;
    int head_count;
    int head_of[NAS_GENES]; /* of a step */
    int choices[NAS_GENES], embedding_at[NAS_GENES], matrix_at[NAS_GENES], bias_at[NAS_GENES];
    int *layer_at;   /* W of a layer, b behind it */
    double *memory;  /* [steps][layers][MEMORY][hidden] */
    double *errors;  /* [layers][2][hidden]: of h and c, from the step after */
    double *scratch; /* 8 · hidden */
} nas__lstm;

/* What a step keeps of each layer: input and output states, gates, tanh of the cell. */
enum { IN, H_BEFORE, C_BEFORE, GATE_I, GATE_F, GATE_G, GATE_O, CELL, BENT, OUT, MEMORY };

static double *kept(const nas__lstm *n, int t, int layer, int what)
{
    return n->memory + (((size_t)t * (size_t)n->layers + (size_t)layer) * MEMORY + (size_t)what) *
                           (size_t)n->hidden;
}

/* ---- layout of the weights -------------------------------------------------------------------------------------------------- */

static void find_heads(const nas_policy *p, nas__lstm *n)
{
    for (int t = 0; t < p->steps; t++) {
        const nas_gene *gene = &p->domain->genes[p->genes[t]];
        int before = 0;
        for (; before < t; before++) {
            const nas_gene *other = &p->domain->genes[p->genes[before]];
            if (other->choices == gene->choices && strcmp(other->name, gene->name) == 0)
                break;
        }
        if (before == t)
            n->choices[n->head_count] = gene->choices;
        n->head_of[t] = before == t ? n->head_count++ : n->head_of[before];
    }
}

static int lay_out(nas__lstm *n)
{
    int h = n->hidden, at = h; /* the start row */
    for (int i = 0; i < n->head_count; i++) {
        n->embedding_at[i] = at;
        at += n->choices[i] * h;
    }
    for (int i = 0; i < n->layers; i++) {
        n->layer_at[i] = at;
        at += 4 * h * 2 * h + 4 * h;
    }
    for (int i = 0; i < n->head_count; i++) {
        n->matrix_at[i] = at;
        n->bias_at[i] = at + n->choices[i] * h;
        at += n->choices[i] * (h + 1);
    }
    return at;
}

nas_status nas__lstm_create(nas_policy *p)
{
    nas__lstm *n = calloc(1, sizeof *n);
    if (!n)
        NAS_FAIL(NAS_MEMORY, "no memory for a controller");
    p->lstm = n;
    n->hidden = p->shape.hidden;
    n->layers = p->shape.layers;
    size_t h = (size_t)n->hidden, l = (size_t)n->layers;
    n->layer_at = calloc(l, sizeof *n->layer_at);
    n->memory = calloc(((size_t)p->steps + 1) * l * MEMORY * h, sizeof *n->memory);
    n->errors = calloc(l * 2 * h, sizeof *n->errors);
    n->scratch = calloc(8 * h, sizeof *n->scratch);
    if (!n->layer_at || !n->memory || !n->errors || !n->scratch)
        NAS_FAIL(NAS_MEMORY, "no memory for a controller of %d × %d", n->layers, n->hidden);
    find_heads(p, n);
    return nas_weights_create(lay_out(n), &p->weights);
}

void nas__lstm_destroy(nas__lstm *lstm)
{
    if (!lstm)
        return;
    free(lstm->layer_at);
    free(lstm->memory);
    free(lstm->errors);
    free(lstm->scratch);
    free(lstm);
}

void nas__lstm_init(nas_policy *policy, nas_random *random)
{
    for (int i = 0; i < policy->weights.count; i++)
        policy->weights.value[i] = 0.2 * nas_random_uniform(random) - 0.1;
}

/* Where the embedding that step t reads begins. */
static int embedding_of(const nas__lstm *n, int t, int choice_before)
{
    return t == 0 ? 0 : n->embedding_at[n->head_of[t - 1]] + choice_before * n->hidden;
}

/* ---- forward ------------------------------------------------------------------------------------------------------------------- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void layer_forward(const nas_policy *p, int t, int layer)
{
    nas__lstm *n = p->lstm;
    int h = n->hidden;
    const double *w = p->weights.value + n->layer_at[layer], *b = w + 4 * h * 2 * h;
    double *z = n->scratch, *joined = n->scratch + 4 * h;
    size_t bytes = (size_t)h * sizeof *z;
    memcpy(joined, kept(n, t, layer, IN), bytes);
    memcpy(joined + h, kept(n, t, layer, H_BEFORE), bytes);
    memcpy(z, b, 4 * bytes);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, 4 * h, 2 * h, 1, w, 2 * h, joined, 1, 1, z, 1);
    for (int k = 0; k < h; k++) {
        double i = sigmoid(z[k]), f = sigmoid(z[h + k]), g = tanh(z[2 * h + k]),
               o = sigmoid(z[3 * h + k]);
        double c = f * kept(n, t, layer, C_BEFORE)[k] + i * g;
        kept(n, t, layer, GATE_I)[k] = i;
        kept(n, t, layer, GATE_F)[k] = f;
        kept(n, t, layer, GATE_G)[k] = g;
        kept(n, t, layer, GATE_O)[k] = o;
        kept(n, t, layer, CELL)[k] = c;
        kept(n, t, layer, BENT)[k] = tanh(c);
        kept(n, t, layer, OUT)[k] = o * tanh(c);
    }
}

void nas__lstm_step(nas_policy *p, int t, int choice_before, double *logits)
{
    nas__lstm *n = p->lstm;
    size_t bytes = (size_t)n->hidden * sizeof(double);
    const double *values = p->weights.value;
    for (int layer = 0; layer < n->layers; layer++) {
        const double *in =
            layer ? kept(n, t, layer - 1, OUT) : values + embedding_of(n, t, choice_before);
        memcpy(kept(n, t, layer, IN), in, bytes);
        memset(kept(n, t, layer, H_BEFORE), 0, 2 * bytes); /* H_BEFORE and C_BEFORE */
        if (t > 0) {
            memcpy(kept(n, t, layer, H_BEFORE), kept(n, t - 1, layer, OUT), bytes);
            memcpy(kept(n, t, layer, C_BEFORE), kept(n, t - 1, layer, CELL), bytes);
        }
        layer_forward(p, t, layer);
    }
    int head = n->head_of[t], choices = n->choices[head];
    memcpy(logits, values + n->bias_at[head], (size_t)choices * sizeof *logits);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, choices, n->hidden, 1, values + n->matrix_at[head],
                n->hidden, kept(n, t, n->layers - 1, OUT), 1, 1, logits, 1);
}

/* ---- backward ------------------------------------------------------------------------------------------------------------------ */

/* `d_out`: error of the layer's output from above; becomes the error of its input.  The errors of the states of the step
 * before are left in n->errors. */
static void layer_back(nas_policy *p, int t, int layer, double *d_out)
{
    nas__lstm *n = p->lstm;
    int h = n->hidden;
    double *dh = n->errors + (size_t)layer * 2 * (size_t)h, *dc = dh + h;
    double *dz = n->scratch, *joined = n->scratch + 4 * h, *d_joined = n->scratch + 6 * h;
    for (int k = 0; k < h; k++) {
        double i = kept(n, t, layer, GATE_I)[k], f = kept(n, t, layer, GATE_F)[k];
        double g = kept(n, t, layer, GATE_G)[k], o = kept(n, t, layer, GATE_O)[k];
        double bent = kept(n, t, layer, BENT)[k], up = d_out[k] + dh[k];
        double cell = dc[k] + up * o * (1 - bent * bent);
        dz[k] = cell * g * i * (1 - i);
        dz[h + k] = cell * kept(n, t, layer, C_BEFORE)[k] * f * (1 - f);
        dz[2 * h + k] = cell * i * (1 - g * g);
        dz[3 * h + k] = up * bent * o * (1 - o);
        dc[k] = cell * f;
    }
    size_t bytes = (size_t)h * sizeof *dz;
    memcpy(joined, kept(n, t, layer, IN), bytes);
    memcpy(joined + h, kept(n, t, layer, H_BEFORE), bytes);
    const double *w = p->weights.value + n->layer_at[layer];
    double *dw = p->weights.gradient + n->layer_at[layer];
    cblas_dger(CblasRowMajor, 4 * h, 2 * h, 1, dz, 1, joined, 1, dw, 2 * h);
    cblas_daxpy(4 * h, 1, dz, 1, dw + 4 * h * 2 * h, 1);
    cblas_dgemv(CblasRowMajor, CblasTrans, 4 * h, 2 * h, 1, w, 2 * h, dz, 1, 0, d_joined, 1);
    memcpy(d_out, d_joined, bytes);
    memcpy(dh, d_joined + h, bytes);
}

void nas__lstm_back(nas_policy *p, const nas_arch *row, const double *d_logits)
{
    nas__lstm *n = p->lstm;
    int h = n->hidden;
    double *gradient = p->weights.gradient;
    double *d_out = kept(n, p->steps, 0, IN); /* the row behind the last step is free */
    memset(n->errors, 0, (size_t)n->layers * 2 * (size_t)h * sizeof *n->errors);
    for (int t = p->steps - 1; t >= 0; t--) {
        const double *up = d_logits + (size_t)t * (size_t)p->choices_max;
        int head = n->head_of[t], choices = n->choices[head];
        cblas_dger(CblasRowMajor, choices, h, 1, up, 1, kept(n, t, n->layers - 1, OUT), 1,
                   gradient + n->matrix_at[head], h);
        cblas_daxpy(choices, 1, up, 1, gradient + n->bias_at[head], 1);
        cblas_dgemv(CblasRowMajor, CblasTrans, choices, h, 1, p->weights.value + n->matrix_at[head],
                    h, up, 1, 0, d_out, 1);
        for (int layer = n->layers - 1; layer >= 0; layer--)
            layer_back(p, t, layer, d_out);
        int before = t > 0 ? nas__policy_choice(p, row, p->genes[t - 1]) : 0;
        cblas_daxpy(h, 1, d_out, 1, gradient + embedding_of(n, t, before), 1);
    }
}
