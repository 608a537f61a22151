/* pcdarts.c - PC-DARTS: a part of the channels is searched with, and edges have weights of their own.
 *
 * Xu et al., 1907.05737.  1/partial of a state's channels goes through the mixed operations, the others go around, and a channel
 * shuffle mixes them: a supernet needs less memory, and operations without parameters gain less on the others.  What edges win
 * is decided by weights β of their own, a softmax over the edges into one node; derivation ranks α·β.  α and β begin after
 * some epochs, when the weights are worth asking.
 * Read next: oneshot.c. */
#include "oneshot.h"

static const nas_option options[] = {
    NAS__ONESHOT_ROWS("50", "0.0006", "15"),
    {"partial", NAS_OPTION_INT, NAS__ONESHOT_AT(partial), "4", 1, 64, NULL,
     "1/partial of the channels goes through the operations; 1: all"},
    {0},
};

NAS__ONESHOT_STRATEGY(pcdarts, "like darts, on a part of the channels and with weights of edges",
                      "arXiv 1907.05737", options);
