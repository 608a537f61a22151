/* train_graph.c - trains one given network, without a search: on made-up pictures, or on the data and by the recipe of
 * the argument, written as in configs.  Next: clnas/graph.h, clnas/train.h. */
#include <clnas/clnas.h>

#include <stdio.h>

static const char made_up[] = "{ data = { type = \"synthetic\"; valid = 500; };"
                              "  train = { epochs = 4; optimizer = \"adamw\"; lr = 0.003; }; }";

/* Nodes with shapes, on no device yet; `at` is the node that the next one reads. */
static nas_status build(nas_graph *graph, nas_shape input, int classes)
{
    int at = 0;
    NAS_TRY(nas_graph_init(graph, input));
    NAS_TRY(nas_graph_then(graph, "conv2d", &at, "out = 16; kernel = 3"));
    NAS_TRY(nas_graph_then(graph, "activation", &at, "kind = \"relu\""));
    NAS_TRY(nas_graph_then(graph, "pool", &at, "kernel = 4"));
    return nas_graph_then(graph, "dense", &at, "out = %d", classes);
}

static bool show(void *user, const nas_train_progress *now)
{
    if (now->epoch_done)
        printf("epoch %d of %d: loss %.4f\n", now->epoch + 1, now->epochs, now->loss);
    return true; /* false would stop it here, resumably */
}

int main(int argc, char **argv)
{
    nas_trainer_setup setup = {.split = NAS_SPLIT_TRAIN, .seed = 1, .callback = show};
    nas_value words = {0};
    nas_train_config recipe;
    nas_graph graph = {0};
    nas_data *data = NULL;
    nas_device *device = NULL;
    nas_data_home *home = NULL; /* the data, on the device */
    nas_trainer *trainer = NULL;
    nas_evaluation valid;
    nas_status status = NAS_OK;
    NAS_TRY_DONE(nas_value_parse(argc > 1 ? argv[1] : made_up, "argument", 1, &words));
    NAS_TRY_DONE(nas_train_config_fill(nas_value_member(&words, "train"), &recipe));
    NAS_TRY_DONE(nas_data_open_group(nas_value_member(&words, "data"), 1, &data));
    NAS_TRY_DONE(build(&graph, nas_data_shape(data), nas_data_outputs(data)));
    NAS_TRY_DONE(nas_device_open("any", NULL, &device));
    NAS_TRY_DONE(nas_data_home_create(device, data, &home));
    NAS_TRY_DONE(nas_trainer_create(home, &graph, &recipe, &setup, &trainer));
    NAS_TRY_DONE(nas_trainer_run(trainer, (int)recipe.common.epochs));
    NAS_TRY_DONE(nas_trainer_evaluate(trainer, NAS_SPLIT_VALID, &valid));
    printf("of %d new pictures it knows %.1f %%\n", (int)valid.count, 100 * valid.score);
done:
    if (status != NAS_OK)
        fprintf(stderr, "train_graph: %s\n", nas_error_message());
    nas_trainer_destroy(trainer); /* all of these take NULL, or zero */
    nas_data_home_destroy(home);
    nas_device_destroy(device);
    nas_data_destroy(data);
    nas_graph_clear(&graph);
    nas_value_clear(&words);
    return nas_status_exit_code(status);
}
