/* Policies: what canh.yaml says about keeping partitions, as the store takes it. Threads: any.
 * Ownership: names borrow from the configuration. */
#pragma once
#include "store/store.h"
#include "watch/config.h"

enum { POLICY_MAX = CONFIG_PARTITIONS_MAX + 1 };

/* One for each named partition, and first the one of all others. Returns how many. */
uint32_t policy_list(const struct config *config, struct store_policy out[POLICY_MAX]);
/* The disk is full: seals, so that journal files go, and removes what the policies do not keep.
 * The error of the store when that did not work; *freed: whether anything went. */
MUST_CHECK int policy_make_room(struct store *store, const struct store_policy *policies,
                                uint32_t count, bool *freed, struct err *err);
