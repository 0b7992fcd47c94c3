#include "base/hash.h"

#include <pthread.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t process_seed;
static pthread_once_t process_seed_once = PTHREAD_ONCE_INIT;

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, len, seed);
}

static void seed_draw(void)
{
    check(getrandom(&process_seed, sizeof(process_seed), 0) == (ssize_t)sizeof(process_seed));
}

uint64_t hash_seed(void)
{
    check(pthread_once(&process_seed_once, seed_draw) == 0);
    return process_seed;
}
