#include "program/policy.h"

static struct store_policy policy_of(const struct config_partition *p)
{
    return (struct store_policy){.partition = p->row.name,
                                 .keep_ns = (int64_t)p->keep_ns,
                                 .keep_bytes = p->keep_bytes,
                                 .hold = p->hold};
}

uint32_t policy_list(const struct config *config, struct store_policy out[POLICY_MAX])
{
    const struct config_partition *named = config->partitions.items;
    uint32_t count = 0;
    out[count] = policy_of(&config->usual);
    out[count++].partition = SLICE("");
    for (uint32_t i = 0; i < config->partitions.count && count < POLICY_MAX; i++)
        if (!slice_equal(named[i].row.name, SLICE("default")))
            out[count++] = policy_of(&named[i]);
    return count;
}

static void nothing_said(void *context, struct slice path, uint64_t rows, uint64_t bytes,
                         const char *reason)
{
    (void)context;
    (void)path;
    (void)rows;
    (void)bytes;
    (void)reason;
}

int policy_make_room(struct store *store, const struct store_policy *policies, uint32_t count,
                     bool *freed, struct err *err)
{
    struct store_expired gone = {0};
    struct store_stats before, after;
    *freed = false;
    int rc = store_stat(store, &before, err);
    uint64_t journal_bytes = before.journal_bytes;
    if (rc == ERR_OK)
        rc = store_seal(store, clock_now_ns(), err);
    if (rc == ERR_OK)
        rc = store_expire(store, policies, count, clock_now_ns(), false, nothing_said, NULL, &gone,
                          err);
    if (rc == ERR_OK)
        rc = store_stat(store, &after, err);
    *freed = rc == ERR_OK && (gone.segments > 0 || after.journal_bytes < journal_bytes);
    return rc;
}
