/* sharing.h - what strategies share that search among architectures with a supernet's shared weights.
 *
 *   spos.c, fairnas.c   a descriptor each     sharing.c   the options and what they propose
 *
 * `epochs` and `recalibrate` are read by the evaluator `supernet`, too, which gets the group. */
#ifndef NAS_SEARCH_SHARING_H
#define NAS_SEARCH_SHARING_H

#include "search.h"

typedef struct nas__sharing_options {
    int64_t epochs, candidates, recalibrate;
} nas__sharing_options;

extern const nas_option nas__sharing_options_table[];
extern const char *const nas__sharing_also[];

nas_status nas__sharing_begin(const nas_setting *setting, void **state);
nas_status nas__sharing_observe(void *state, const nas_seen *trial);
nas_status nas__sharing_propose(void *state, const nas_outlook *outlook, nas_proposal *proposal);
bool nas__sharing_wants_weights(const void *state, int trial);
void nas__sharing_end(void *state);

#define NAS__SHARING_STRATEGY(name_, summary_, paper_)                                             \
    const nas_strategy nas__strategy_##name_ = {                                                   \
        .kind = {.name = #name_,                                                                   \
                 .summary = summary_,                                                              \
                 .paper = paper_,                                                                  \
                 .instance_size = sizeof(nas__sharing_options),                                    \
                 .options = nas__sharing_options_table},                                           \
        .objectives_max = 1,                                                                       \
        .lookahead_max = 1,                                                                        \
        .evaluator = "supernet",                                                                   \
        .begin = nas__sharing_begin,                                                               \
        .observe = nas__sharing_observe,                                                           \
        .propose = nas__sharing_propose,                                                           \
        .wants_weights = nas__sharing_wants_weights,                                               \
        .end = nas__sharing_end,                                                                   \
        .also = nas__sharing_also,                                                                 \
    }

#endif
