// function.cl - y = f(read(x); a, b), element by element (host/ops/function.c has the formulas).
//
//   function_forward   one part of one channel (stream.clh), global size (parts, channels)
//   function_backward  the same; dx = dy·f'(read(x))
#include "stream.clh"

// nas_function of include/clnas/ops.h
#define FUNCTION_CLIP 0
#define FUNCTION_HARD_SIGMOID 1
#define FUNCTION_LEAKY 2
#define FUNCTION_THRESHOLD 3
#define FUNCTION_ELU 4
#define FUNCTION_CELU 5
#define FUNCTION_GELU_TANH 6
#define FUNCTION_ERF 7
#define FUNCTION_SOFTPLUS 8
#define FUNCTION_SOFTSIGN 9

#define FUNCTION_ARGUMENTS const int kind, const float a, const float b
#define ROOT_2_PI 0.7978845608f
#define TWO_BY_ROOT_PI 1.1283791671f
#define GELU_CUBE 0.044715f
#define ZERO ((lanes)0.0f)
#define ONE ((lanes)1.0f)

INLINE lanes function_value(lanes x, int kind, float a, float b)
{
    switch (kind) {
    case FUNCTION_CLIP: return fmin(fmax(x, (lanes)a), (lanes)b);
    case FUNCTION_HARD_SIGMOID: return fmin(fmax(fma((lanes)a, x, (lanes)b), ZERO), ONE);
    case FUNCTION_LEAKY: return select((lanes)a * x, x, x > ZERO);
    case FUNCTION_THRESHOLD: return select(ZERO, x, x > (lanes)a);
    case FUNCTION_ELU: return (lanes)b * select((lanes)a * expm1(x), x, x > ZERO);
    case FUNCTION_CELU: return select((lanes)a * expm1(x / (lanes)a), x, x > ZERO);
    case FUNCTION_GELU_TANH:
        return (lanes)0.5f * x * (ONE + tanh((lanes)ROOT_2_PI * fma((lanes)GELU_CUBE * x * x, x, x)));
    case FUNCTION_ERF: return erf(x);
    case FUNCTION_SOFTPLUS: return fmax(x, ZERO) + log1p(exp(-fabs(x)));
    case FUNCTION_SOFTSIGN: return x / (ONE + fabs(x));
    default: return x;
    }
}

INLINE lanes function_slope(lanes x, int kind, float a, float b)
{
    switch (kind) {
    case FUNCTION_CLIP: return select(ZERO, ONE, (x > (lanes)a) & (x < (lanes)b));
    case FUNCTION_HARD_SIGMOID: {
        const lanes line = fma((lanes)a, x, (lanes)b);
        return select(ZERO, (lanes)a, (line > ZERO) & (line < ONE));
    }
    case FUNCTION_LEAKY: return select((lanes)a, ONE, x > ZERO);
    case FUNCTION_THRESHOLD: return select(ZERO, ONE, x > (lanes)a);
    case FUNCTION_ELU: return (lanes)b * select((lanes)a * exp(x), ONE, x > ZERO);
    case FUNCTION_CELU: return select(exp(x / (lanes)a), ONE, x > ZERO);
    case FUNCTION_GELU_TANH: {
        const lanes t = tanh((lanes)ROOT_2_PI * fma((lanes)GELU_CUBE * x * x, x, x));
        const lanes inner = (lanes)ROOT_2_PI * fma((lanes)(3.0f * GELU_CUBE) * x, x, ONE);
        return fma((lanes)0.5f * x * (ONE - t * t), inner, (lanes)0.5f * (ONE + t));
    }
    case FUNCTION_ERF: return (lanes)TWO_BY_ROOT_PI * exp(-x * x);
    case FUNCTION_SOFTPLUS: return ONE / (ONE + exp(-x));
    case FUNCTION_SOFTSIGN: return ONE / ((ONE + fabs(x)) * (ONE + fabs(x)));
    default: return ONE;
    }
}

__kernel void function_forward(STREAM_READ_ARGUMENTS(x), WRITES(y), WRITES(statistics), STREAM_AXES,
                            FUNCTION_ARGUMENTS, const int wants_statistics)
{
    OPEN_RUN;
    OPEN_STREAM_READ(x, c, size);
    OPEN_WRITE(statistics);
    __global float *restrict y = y_home + y_at + c * size;
    for (size_t i = (size_t)first * 16; i < (size_t)last * 16; i += LANES)
        lanes_store(y + i, function_value(STREAM_READ(x, i), kind, a, b));
    if (wants_statistics)
        stream_statistics(y, first, last, n, real, statistics, c, part, parts);
}

__kernel void function_backward(STREAM_GRADIENT_ARGUMENTS(g), STREAM_READ_ARGUMENTS(x), STREAM_INTO_ARGUMENTS(t),
                             STREAM_AXES, FUNCTION_ARGUMENTS, const int channels)
{
    OPEN_RUN;
    OPEN_STREAM_GRADIENT(g, c, channels, size);
    OPEN_STREAM_READ(x, c, size);
    OPEN_STREAM_INTO(t, c, size);
    int sample = STRIP_SAMPLE(first, n);
    for (int s = first; s < last; s++) {
        for (int j = 0; j < PARTS; j++) {
            const size_t i = (size_t)s * 16 + j * LANES;
            const int lane = sample + j * LANES;
            const lanes v = STREAM_FORM(g, i, lane) * function_slope(STREAM_READ(x, i), kind, a, b);
            STREAM_HAND(t, lanes_below(v, (lanes)0.0f, lane, real), i, j);
        }
        sample = NEXT_SAMPLE(sample, n);
    }
    CLOSE_STREAM_INTO(t, c, part, parts);
}
