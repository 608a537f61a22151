/* synthetic.c - pictures made up by numbers: no files, any size, learnable, the same on every
 * machine.
 *
 * Each class has a smooth prototype per channel: a 4 × 4 grid of random values, enlarged
 * bilinearly.  A sample is its class's prototype, with a contrast and a brightness of its own (which a regression learns), plus noise.  A small network
 * learns it in seconds, and `noise` says how hard it is.  Everything is drawn by (seed,
 * NAS_STREAM_SYNTHETIC, what for), with additions and multiplications only, so bytes do not depend
 * on anybody's libm.
 *
 * This is the smallest data set of clnas: copy it to write another. What one must give: an option
 * table, a function that fills nas_data_content, a descriptor, and its line in dataset_list.h. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

/* 1. What the config may say.  `data = { type = "synthetic"; noise = 0.5; }` */
typedef struct synthetic_options {
    nas_int_list shape;
    int64_t classes, train, test, seed;
    double noise;
} synthetic_options;

static const nas_option options[] = {
    {"shape", NAS_OPTION_INT_LIST, offsetof(synthetic_options, shape), "[1, 16, 16]", 1, 4096, NULL,
     "channels, height, width of one sample"},
    {"classes", NAS_OPTION_INT, offsetof(synthetic_options, classes), "10", 2, 10000, NULL,
     "number of classes, which are equally frequent"},
    {"train", NAS_OPTION_INT, offsetof(synthetic_options, train), "4000", 1, 10000000, NULL,
     "training samples, validation included"},
    {"test", NAS_OPTION_INT, offsetof(synthetic_options, test), "1000", 0, 10000000, NULL,
     "test samples"},
    {"noise", NAS_OPTION_REAL, offsetof(synthetic_options, noise), "1.0", 0, 100, NULL,
     "deviation of the noise, in units of the prototypes' own"},
    {"seed", NAS_OPTION_INT, offsetof(synthetic_options, seed), "1", 0, 2147483647, NULL,
     "of the made-up data, apart from the study's seed"},
    {0},
};

enum { GRID = 4, FOR_GRID = 0, FOR_TRAIN = 1, FOR_TEST = 2 };

static nas_random draw(const synthetic_options *synthetic, uint32_t what, uint32_t item)
{
    return nas_random_make((uint64_t)synthetic->seed, NAS_STREAM_SYNTHETIC, what, item, 0);
}

/* Sum of four uniforms, less its mean, times its inverse deviation: nearly normal, and exact. */
static double noise(nas_random *random)
{
    double sum = -2.0;
    for (int i = 0; i < 4; i++)
        sum += nas_random_uniform(random);
    return sum * 1.7320508075688772;
}

/* Bilinear between grid points; position 0 … size − 1 spans the grid. */
static double enlarge(const double grid[GRID][GRID], int y, int x, int h, int w)
{
    double at_y = h > 1 ? (double)y * (GRID - 1) / (h - 1) : 0;
    double at_x = w > 1 ? (double)x * (GRID - 1) / (w - 1) : 0;
    int row = at_y >= GRID - 1 ? GRID - 2 : (int)at_y,
        column = at_x >= GRID - 1 ? GRID - 2 : (int)at_x;
    double down = at_y - row, right = at_x - column;
    double upper = grid[row][column] * (1 - right) + grid[row][column + 1] * right;
    double lower = grid[row + 1][column] * (1 - right) + grid[row + 1][column + 1] * right;
    return upper * (1 - down) + lower * down;
}

/* [classes][c][h][w] */
static void make_prototypes(const synthetic_options *synthetic, nas_shape shape, float *to)
{
    double grid[GRID][GRID];
    for (int k = 0; k < (int)synthetic->classes; k++) {
        nas_random random = draw(synthetic, FOR_GRID, (uint32_t)k);
        for (int c = 0; c < shape.c; c++) {
            for (int i = 0; i < GRID * GRID; i++)
                grid[i / GRID][i % GRID] = noise(&random);
            for (int y = 0; y < shape.h; y++)
                for (int x = 0; x < shape.w; x++)
                    *to++ = (float)enlarge((const double(*)[GRID])grid, y, x, shape.h, shape.w);
        }
    }
}

/* What a picture was made with: the two targets of a regression. */
typedef struct made {
    float contrast, brightness;
} made;

static made make_sample(const synthetic_options *synthetic, uint32_t what, uint32_t item,
                        const float *prototype, size_t size, uint8_t *to)
{
    nas_random random = draw(synthetic, what, item);
    double contrast = 24.0 + 16.0 * nas_random_uniform(&random);
    double brightness = 112.0 + 32.0 * nas_random_uniform(&random);
    for (size_t i = 0; i < size; i++) {
        double value = brightness + contrast * (prototype[i] + synthetic->noise * noise(&random));
        to[i] = value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5);
    }
    return (made){(float)contrast, (float)brightness};
}

static nas_status make_part(const synthetic_options *synthetic, nas_task task, uint32_t what,
                            uint32_t count, const float *prototypes, size_t size,
                            nas_data_part *part)
{
    const bool numbers = task == NAS_TASK_REGRESS;
    part->samples = malloc(count * size + 1);
    if (numbers)
        part->targets = malloc((2 * (size_t)count + 1) * sizeof *part->targets);
    else
        part->labels = malloc(((size_t)count + 1) * sizeof *part->labels);
    if (!part->samples || !(numbers ? (void *)part->targets : (void *)part->labels))
        NAS_FAIL(NAS_MEMORY, "no memory for %u made-up samples", count);
    part->count = count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t class = i % (uint32_t)synthetic->classes;
        const made how = make_sample(synthetic, what, i, prototypes + class * size, size,
                                     (uint8_t *)part->samples + i * size);
        if (!numbers)
            part->labels[i] = (int32_t) class;
        else
            memcpy(part->targets + 2 * (size_t)i, &how, sizeof how);
    }
    return NAS_OK;
}

/* 2. Filling the content.  On failure the caller clears what is there so far. */
static nas_status open_synthetic(const void *instance, nas_task task, nas_data_content *content)
{
    const synthetic_options *synthetic = instance;
    if (synthetic->shape.count != 3)
        NAS_FAIL(NAS_CONFIG, "data.shape must be [ channels, height, width ]");
    const int64_t *side = synthetic->shape.item;
    content->shape = (nas_shape){(int)side[0], (int)side[1], (int)side[2]};
    content->type = NAS_SAMPLE_UINT8;
    content->outputs = task == NAS_TASK_REGRESS ? 2 : (int)synthetic->classes;
    size_t size = (size_t)nas_shape_count(content->shape);
    if (size > (1u << 24))
        NAS_FAIL(NAS_CONFIG, "data.shape: %zu values per sample are more than 16 million", size);
    float *prototypes = malloc(size * (size_t)synthetic->classes * sizeof *prototypes);
    if (!prototypes)
        NAS_FAIL(NAS_MEMORY, "no memory for %d prototypes", (int)synthetic->classes);
    make_prototypes(synthetic, content->shape, prototypes);
    nas_status status = make_part(synthetic, task, FOR_TRAIN, (uint32_t)synthetic->train,
                                  prototypes, size, &content->train);
    if (status == NAS_OK)
        status = make_part(synthetic, task, FOR_TEST, (uint32_t)synthetic->test, prototypes, size,
                           &content->test);
    free(prototypes);
    return status;
}

/* 3. The descriptor. */
const nas_dataset nas__dataset_synthetic = {
    .kind = {.name = "synthetic",
             .summary = "made-up pictures: a smooth prototype per class, plus noise; to regress: "
                        "their contrast and "
                        "brightness",
             .instance_size = sizeof(synthetic_options),
             .options = options},
    .tasks = 1u << NAS_TASK_CLASSIFY | 1u << NAS_TASK_REGRESS,
    .open = open_synthetic,
};
