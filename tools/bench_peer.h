/* bench_peer.h - tools/peers/network.py as clnas-bench peers runs it: a process per turn, its answer a line of JSON. */
#ifndef NAS_TOOLS_BENCH_PEER_H
#define NAS_TOOLS_BENCH_PEER_H

#include "bench_net.h"

typedef enum bench_engine {
    BENCH_CLNAS,
    BENCH_TORCH_BEST,
    BENCH_TORCH,
    BENCH_ONNX,
    BENCH_ENGINES
} bench_engine;
extern const char *const bench_engine_names[BENCH_ENGINES];
extern const bench_engine bench_engine_turns[BENCH_ENGINES];

typedef struct bench_peer {
    bool has[BENCH_ENGINES];
    char version[BENCH_ENGINES][64]; /* as the peer says; "" until it has run */
    char python[512], script[1024];  /* quoted for the shell */
    char folder[64];                 /* of its own, for graph, weights, images, model */
    double parameters;               /* of the network at hand */
} bench_peer;

/* Looks who is there, and says on stderr who is not.  python, script NULL: looked for.  Close it also after a failure. */
nas_status bench_peer_open(bench_peer *peer, const char *python, const char *script);
void bench_peer_close(bench_peer *peer);
/* From now on this one; as network_open takes it.  Exports it for ONNX Runtime where that is there. */
nas_status bench_peer_network(bench_peer *peer, const char *network);
/* The largest difference of PyTorch's outputs to ours for the same images and weights, of the largest output.  Weights are those of
 * `trained`, or new ones (NULL). */
nas_status bench_peer_compare(bench_peer *peer, const bench_net_options *net,
                              const bench_network *trained, double *difference);

typedef struct bench_peer_call {
    bench_engine engine;
    int batch; /* of training; 0: none */
    const bench_batches *infer;
    double seconds;
    int threads, samples; /* at most so many of each work */
} bench_peer_call;
/* Adds samples to rows[0] (training) and rows[1 + k] (inference at batch k of the list). */
nas_status bench_peer_run(bench_peer *peer, const bench_peer_call *call, bench_row *const *rows);

#endif
