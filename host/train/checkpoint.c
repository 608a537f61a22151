/* checkpoint.c - a training on disk: saved at any step, continued with the same bits.
 *
 * One safetensors file: the flat blocks (parameters, states, moments, what others attached) and, as metadata, where
 * training stands. Reals are written as hex floats, which read back equal.  `fingerprint` is a hash
 * of graph, config, seed, key, data and block layout: a checkpoint of another training is refused
 * rather than continued wrongly.  `checksum` is over the blocks and the other metadata; nothing
 * reaches the device before all of it holds. */
#include "trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OWN_LIMIT = 2 + NAS_OPTIMIZER_MOMENTS,
    BLOCK_LIMIT = OWN_LIMIT + NAS_TRAINER_ATTACHED,
    HASH_TEXT = 33
};

/* What is saved, by name. */
typedef struct blocks {
    int count;
    nas__attached item[BLOCK_LIMIT];
} blocks;

static size_t size_of(const nas__attached *block)
{
    return (size_t)block->count * (block->values ? sizeof(double) : sizeof(float));
}

static blocks blocks_of(const nas_trainer *trainer)
{
    static const char *const moments[NAS_OPTIMIZER_MOMENTS] = {"moment.0", "moment.1"};
    const nas_net_block block = nas_net_parameters(trainer->net);
    blocks list = {0};
    const nas_tensor tensors[OWN_LIMIT] = {block.parameters, block.states, trainer->moments[0],
                                           trainer->moments[1]};
    const char *const names[OWN_LIMIT] = {"parameters", "states", moments[0], moments[1]};
    for (int i = 0; i < OWN_LIMIT; i++)
        if (tensors[i].buffer && tensors[i].count)
            list.item[list.count++] = (nas__attached){names[i], tensors[i], NULL, tensors[i].count};
    for (int i = 0; i < trainer->attached_count; i++)
        list.item[list.count++] = trainer->attached[i];
    return list;
}

/* Where training stands, as one line of text; what load reads back. */
static void write_state(const nas_trainer *trainer, char *text, size_t size)
{
    nas_format(text, size, "%d %d %a %a %" PRIu64 " %a %a %" PRIu64 " %a", trainer->epoch,
               trainer->step, trainer->sums.loss, trainer->sums.score, trainer->sums.count,
               trainer->last.loss, trainer->last.score, trainer->last.count, trainer->seconds);
}

static bool read_state(const char *text, nas_trainer *state)
{
    return nas_scan(text, "%d %d %la %la %" SCNu64 " %la %la %" SCNu64 " %la", &state->epoch,
                    &state->step, &state->sums.loss, &state->sums.score, &state->sums.count,
                    &state->last.loss, &state->last.score, &state->last.count,
                    &state->seconds) == 9;
}

/* Of the blocks in the order of `list`, then the text. */
static void make_checksum(void *const *data, const blocks *list, const char *state,
                          char text[HASH_TEXT])
{
    uint64_t hash[2] = {0, 1};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < list->count; i++)
            hash[k] = nas_hash(data[i], size_of(&list->item[i]), hash[k]);
        hash[k] = nas_hash(state, strlen(state), hash[k]);
    }
    snprintf(text, HASH_TEXT, "%016" PRIx64 "%016" PRIx64, hash[0], hash[1]);
}

/* ---- save ------------------------------------------------------------------------------------ */

static nas_status read_blocks(const blocks *list, nas_safetensor *tensors, void **data)
{
    for (int i = 0; i < list->count; i++) {
        const nas__attached *block = &list->item[i];
        data[i] = malloc(size_of(block));
        if (!data[i])
            NAS_FAIL(NAS_MEMORY, "no memory for a checkpoint");
        tensors[i] = (nas_safetensor){.rank = 1, .dims = {block->count}};
        snprintf(tensors[i].name, sizeof tensors[i].name, "%s", block->name);
        if (block->values) {
            memcpy(data[i], block->values, size_of(block));
            tensors[i].doubles = data[i];
        } else {
            NAS_TRY(nas_tensor_read(block->tensor, data[i]));
            tensors[i].data = data[i];
        }
    }
    return NAS_OK;
}

nas_status nas_trainer_save(nas_trainer *trainer, const char *path)
{
    const blocks list = blocks_of(trainer);
    nas_safetensor tensors[BLOCK_LIMIT];
    void *data[BLOCK_LIMIT] = {0};
    char state[512], checksum[HASH_TEXT], fingerprint[24], format[] = "clnas checkpoint 1";
    char *keys[] = {"checksum", "fingerprint", "format", "state"};
    char *values[] = {checksum, fingerprint, format, state};
    nas_status status = read_blocks(&list, tensors, data);
    if (status == NAS_OK) {
        write_state(trainer, state, sizeof state);
        snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, trainer->fingerprint);
        make_checksum(data, &list, state, checksum);
        const nas_safetensors content = {.tensors = tensors,
                                         .count = list.count,
                                         .keys = keys,
                                         .values = values,
                                         .metadata_count = 4};
        status = nas_safetensors_write(path, &content);
    }
    for (int i = 0; i < list.count; i++)
        free(data[i]);
    return status;
}

/* ---- load ------------------------------------------------------------------------------------ */

static const char *metadata(const nas_safetensors *file, const char *key)
{
    const char *value = nas_safetensors_value(file, key);
    return value ? value : "";
}

static void *find_block(const nas_safetensors *file, const nas__attached *block)
{
    for (int i = 0; i < file->count; i++) {
        const nas_safetensor *tensor = &file->tensors[i];
        if (strcmp(tensor->name, block->name) == 0 && tensor->rank == 1 &&
            tensor->dims[0] == block->count)
            return block->values ? (void *)tensor->doubles : (void *)tensor->data;
    }
    return NULL;
}

/* All that the file says, before any of it is believed. */
static nas_status check_file(const nas_trainer *trainer, const char *path,
                             const nas_safetensors *file, const blocks *list, void **data,
                             nas_trainer *state)
{
    char fingerprint[24], checksum[HASH_TEXT];
    if (strcmp(metadata(file, "format"), "clnas checkpoint 1") != 0)
        NAS_FAIL(NAS_DATA, "%s: not a checkpoint of this version of clnas (\"%.40s\")", path,
                 metadata(file, "format"));
    for (int i = 0; i < list->count; i++) {
        data[i] = find_block(file, &list->item[i]);
        if (!data[i])
            NAS_FAIL(NAS_DATA,
                     "%s: has no \"%s\" of %" PRIu64 " numbers; it belongs to another network or "
                     "optimizer",
                     path, list->item[i].name, list->item[i].count);
    }
    make_checksum(data, list, metadata(file, "state"), checksum);
    if (strcmp(checksum, metadata(file, "checksum")) != 0)
        NAS_FAIL(NAS_DATA,
                 "%s: its checksum does not hold; delete it, the training is then repeated", path);
    snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, trainer->fingerprint);
    if (strcmp(fingerprint, metadata(file, "fingerprint")) != 0)
        NAS_FAIL(NAS_DATA,
                 "%s: belongs to a training with another network, config, seed, key or data set",
                 path);
    if (!read_state(metadata(file, "state"), state) || state->epoch < 0 || state->step < 0 ||
        state->epoch > trainer->config.common.epochs || state->step >= trainer->steps)
        NAS_FAIL(NAS_DATA, "%s: its state \"%.80s\" makes no sense", path, metadata(file, "state"));
    return NAS_OK;
}

static nas_status apply(nas_trainer *trainer, const blocks *list, void *const *data,
                        const nas_trainer *state)
{
    for (int i = 0; i < list->count; i++) {
        const nas__attached *block = &list->item[i];
        if (block->values)
            memcpy(block->values, data[i], size_of(block));
        else
            NAS_TRY(nas_tensor_write(block->tensor, data[i]));
    }
    trainer->epoch = state->epoch;
    trainer->step = state->step;
    trainer->sums = state->sums;
    trainer->last = state->last;
    trainer->seconds = state->seconds;
    return NAS_OK;
}

nas_status nas_trainer_load(nas_trainer *trainer, const char *path)
{
    const blocks list = blocks_of(trainer);
    nas_safetensors file = {0};
    void *data[BLOCK_LIMIT] = {0};
    nas_trainer state = {0};
    nas_status status = nas_safetensors_read(path, &file);
    if (status != NAS_OK)
        return status == NAS_MEMORY ? status : NAS_DATA;
    status = check_file(trainer, path, &file, &list, data, &state);
    if (status == NAS_OK)
        status = apply(trainer, &list, data, &state);
    nas_safetensors_clear(&file);
    return status;
}
