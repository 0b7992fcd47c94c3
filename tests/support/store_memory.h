/* A store that is a list of rows in memory: the plainest thing that keeps the promises of store.h
 * for appending, searching and reading, so that tests can hold other back ends against it.
 *
 * Searching judges every row with the matcher; nothing is pruned, budgets are not looked at but the
 * limit and canceled. Threads: one. Ownership: copies what is appended. */
#pragma once
#include "store/store.h"

struct store *store_memory_open(void);
