/* Ordered multiset of numbers with access by rank: insert, remove and n-th in O(log n) expected (a
 * treap whose priorities are drawn from the process's random seed).
 * Limits: those of its caller. Threads: one. Ownership: owns its nodes. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct window_rank_node {
    double key;
    uint32_t left, right; /* 0: none */
    uint32_t size, priority;
};

struct window_rank {
    struct window_rank_node *nodes; /* from 1 */
    uint32_t root, used, capacity, free_list;
    uint64_t random;
};

void window_rank_insert(struct window_rank *r, double key);
bool window_rank_remove(struct window_rank *r, double key); /* one of that key; false: none */
uint32_t window_rank_count(const struct window_rank *r);
double window_rank_nth(const struct window_rank *r, uint32_t n); /* from 0, in rising order */
/* The percentile (0..100) by linear interpolation between closest ranks; 0 when empty. */
double window_rank_percentile(const struct window_rank *r, double percentile);
void window_rank_clear(struct window_rank *r);
void window_rank_free(struct window_rank *r);
