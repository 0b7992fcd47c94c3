/* Hashes of bytes in memory (XXH3, seeded). Not for anything an attacker must not forge; tables
 * that hold hostile keys take a seed that is drawn at start (hash_seed). */
#pragma once
#include <stdint.h>

#include "base/str.h"

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed);
uint64_t hash_seed(void); /* one random value a process, drawn at the first call; any thread */

static inline uint64_t hash_slice(struct slice s, uint64_t seed)
{
    return hash_bytes(s.data, s.len, seed);
}
