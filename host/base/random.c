/* random.c - counter-based random numbers: Philox4x32-10.
 *
 * Idea: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11.  A random number is a
 * function of (key, counter), a ten-round bijection, and not of a state that somebody must store.  A
 * search can then repeat trial 17, or a training step, from its indices alone: nothing to save, nothing
 * that depends on the order of threads or devices.
 *
 * Layout: the key is a hash of (seed, stream); the counter is {draw, a, b, c}.  A draw gives four
 * words, handed out one by one.  The host uses Random123's header; cl/philox.clh is the same function
 * for kernels, tested equal.  Read next: nas_stream in include/clnas/base.h. */
#include <clnas/base.h>

#include <Random123/philox.h>
#include <math.h>
#include <string.h>

void nas_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4])
{
    philox4x32_ctr_t from = {{counter[0], counter[1], counter[2], counter[3]}};
    philox4x32_key_t with = {{key[0], key[1]}};
    philox4x32_ctr_t result = philox4x32_R(10, from, with);
    memcpy(words, result.v, sizeof result.v);
}

/* Seeds are small numbers that people choose (1, 2, 3), and streams are too: one Philox block mixes
 * them, so that (seed 1, stream 2) and (seed 2, stream 1) have nothing in common. */
void nas_random_key(uint64_t seed, nas_stream stream, uint32_t key[2])
{
    const uint32_t counter[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)stream, 0};
    const uint32_t fixed[2] = {0x636c6e61u, 0x73u}; /* "clna", "s" */
    uint32_t words[4];
    nas_philox(counter, fixed, words);
    key[0] = words[0];
    key[1] = words[1];
}

nas_random nas_random_make(uint64_t seed, nas_stream stream, uint32_t a, uint32_t b, uint32_t c)
{
    nas_random random = {.counter = {0, a, b, c}};
    nas_random_key(seed, stream, random.key);
    return random;
}

uint32_t nas_random_word(nas_random *random)
{
    if (random->left == 0) {
        nas_philox(random->counter, random->key, random->words);
        random->counter[0]++;
        random->left = 4;
    }
    return random->words[4 - random->left--];
}

/* Lemire, "Fast random integer generation in an interval", arXiv 1805.10941: the high half of
 * word * bound, after refusing the few words that would favour some results. */
uint32_t nas_random_below(nas_random *random, uint32_t bound)
{
    if (bound <= 1)
        return 0;
    uint32_t refused = (0u - bound) % bound;
    uint64_t product;
    do {
        product = (uint64_t)nas_random_word(random) * bound;
    } while ((uint32_t)product < refused);
    return (uint32_t)(product >> 32);
}

double nas_random_uniform(nas_random *random)
{
    return (double)nas_random_word(random) * 0x1p-32;
}

double nas_random_normal(nas_random *random)
{
    const double two_pi = 6.283185307179586477;
    double radius = 1.0 - nas_random_uniform(random); /* (0, 1]: its logarithm is finite */
    double angle = nas_random_uniform(random);
    return sqrt(-2.0 * log(radius)) * cos(two_pi * angle);
}

/* Fisher and Yates, from the end. */
void nas_random_shuffle(nas_random *random, uint32_t *items, uint32_t count)
{
    for (uint32_t left = count; left > 1; left--) {
        uint32_t chosen = nas_random_below(random, left);
        uint32_t item = items[chosen];
        items[chosen] = items[left - 1];
        items[left - 1] = item;
    }
}
