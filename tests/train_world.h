/* train_world.h - a small network on made-up data, ready to be trained, for tests of the trainer. */
#ifndef TRAIN_WORLD_H
#define TRAIN_WORLD_H

#include "nas_test_open.h"
#include "train_config.h"

#include <clnas/train.h>

typedef struct world {
    nas_device *device;
    nas_data *data;
    nas_data_home *home;
    nas_graph graph;
    nas_train_config config;
    nas_trainer_setup setup;
} world;

/* With a norm, or without: then nothing but the loss looks at several samples. */
static inline void make_world_in(bool norm, world *w, nas_device *device, const char *data_text,
                                 const char *train_text)
{
    int node = 0;
    *w = (world){.device = device,
                 .setup = {.split = NAS_SPLIT_TRAIN, .seed = 3, .key = 0xfeedbeef77ULL}};
    w->data = nas_test_data(data_text, w->setup.seed);
    nas_test_ok(nas_data_home_create(device, w->data, &w->home));
    nas_test_ok(fill_config(&w->config, train_text));
    nas_test_ok(nas_graph_init(&w->graph, nas_data_shape(w->data)));
    nas_test_ok(nas_graph_then(&w->graph, "conv2d", &node, "out = 8; kernel = 3"));
    if (norm)
        nas_test_ok(nas_graph_then(&w->graph, "batch_norm", &node, NULL));
    nas_test_ok(nas_graph_then(&w->graph, "activation", &node, "kind = \"relu\""));
    nas_test_ok(nas_graph_then(&w->graph, "pool", &node, "kind = \"max\"; kernel = 2; stride = 2"));
    nas_test_ok(nas_graph_then(&w->graph, "dense", &node, "out = %d", nas_data_outputs(w->data)));
}

static inline void make_world(world *w, nas_device *device, const char *data_text,
                              const char *train_text)
{
    make_world_in(true, w, device, data_text, train_text);
}

static inline void clear_world(world *w)
{
    nas_graph_clear(&w->graph);
    nas_data_home_destroy(w->home);
    nas_data_destroy(w->data);
    assert_int_equal(nas_device_live_objects(w->device), 0);
}

static inline void make_trainer(world *w, nas_trainer **trainer)
{
    nas_test_ok(nas_trainer_create(w->home, &w->graph, &w->config, &w->setup, trainer));
}

#endif
