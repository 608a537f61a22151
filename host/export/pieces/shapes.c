/* A tensor is channel by channel, row by row. */
typedef struct shape {
    int channels, height, width;
} shape;

static inline int plane_of(shape s)
{
    return s.height * s.width;
}

/* Pairs are height and width. */
typedef struct window {
    int kernel[2], stride[2], padding[2], dilation, groups;
} window;
