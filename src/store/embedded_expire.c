/* Retention: whole segments go, oldest first, each with a tombstone that is durable before the
 * catalog forgets the segment; its file goes when no query can be reading it. A clock that jumps
 * ahead makes nothing old at once: a segment's age is the time in which the store went on. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/embedded_care.h"

/* From one segment to the next at most so much counts: a segment is of one day, and no day on which
 * Canh runs is without rows. */
#define STEP_NS_MAX (2 * 86400 * CLOCK_SECOND_NS)

struct expire {
    struct embedded *e;
    const struct store_policy *policies;
    uint32_t policy_count;
    int64_t now_ns;
    bool dry_run;
    store_expire_visit *visit;
    void *context;
    struct store_expired *out;
    struct err *err;
    struct catalog_list list;
    int64_t *ages_ns; /* of the list's segments */
};

static int later_first(const void *a, const void *b)
{
    const struct catalog_segment *x = *(const struct catalog_segment *const *)a;
    const struct catalog_segment *y = *(const struct catalog_segment *const *)b;
    return (x->received_max_ns < y->received_max_ns) - (x->received_max_ns > y->received_max_ns);
}

/* Since the newest row of each was received, from now back over what lies between. */
static void ages_reckon(struct expire *x)
{
    const struct catalog_segment **by_time = mem_zeroed(x->list.count + 1, sizeof(*by_time));
    int64_t later_ns = x->now_ns, age_ns = 0;
    x->ages_ns = mem_zeroed(x->list.count + 1, sizeof(*x->ages_ns));
    for (uint32_t i = 0; i < x->list.count; i++)
        by_time[i] = &x->list.items[i];
    qsort(by_time, x->list.count, sizeof(*by_time), later_first);
    for (uint32_t i = 0; i < x->list.count; i++) {
        int64_t newest_ns = by_time[i]->received_max_ns;
        if (newest_ns < later_ns) {
            uint64_t step_ns = (uint64_t)later_ns - (uint64_t)newest_ns;
            age_ns += step_ns < (uint64_t)STEP_NS_MAX ? (int64_t)step_ns : STEP_NS_MAX;
            later_ns = newest_ns;
        }
        x->ages_ns[by_time[i] - x->list.items] = age_ns;
    }
    mem_free(by_time);
}

static const struct store_policy *policy_of(const struct expire *x, struct slice partition)
{
    const struct store_policy *other = NULL;
    for (uint32_t i = 0; i < x->policy_count; i++) {
        if (slice_equal(x->policies[i].partition, partition))
            return &x->policies[i];
        if (x->policies[i].partition.len == 0)
            other = &x->policies[i];
    }
    return other;
}

static int segment_bury(struct expire *x, const struct catalog_segment *s, const char *reason)
{
    struct embedded *e = x->e;
    struct notary_tombstone stone = {s->partition,     s->path,      s->first_sequence,
                                     s->last_sequence, s->row_count, reason};
    check(pthread_mutex_lock(&e->mutex) == 0);
    int rc = notary_bury(e->notary, &stone, x->now_ns, x->err);
    check(pthread_mutex_unlock(&e->mutex) == 0);
    if (rc == ERR_OK)
        rc = catalog_change(e->catalog, NULL, 0, &s->id, 1, 0, x->now_ns, x->err);
    return rc;
}

static int segment_expire(struct expire *x, const struct catalog_segment *s, const char *reason)
{
    int rc = x->dry_run ? ERR_OK : segment_bury(x, s, reason);
    if (rc)
        return rc;
    x->out->segments++;
    x->out->rows += s->row_count;
    x->out->bytes += s->file_bytes;
    if (x->visit)
        x->visit(x->context, s->path, s->row_count, s->file_bytes, reason);
    return ERR_OK;
}

/* The list is by sequence: what is received first comes first. */
static int partition_expire(struct expire *x, struct slice partition)
{
    const struct store_policy *policy = policy_of(x, partition);
    uint64_t bytes = 0;
    int rc = ERR_OK;
    if (!policy || policy->hold)
        return ERR_OK;
    for (uint32_t i = 0; i < x->list.count; i++)
        if (slice_equal(x->list.items[i].partition, partition))
            bytes += x->list.items[i].file_bytes;
    for (uint32_t i = 0; i < x->list.count && rc == ERR_OK; i++) {
        const struct catalog_segment *s = &x->list.items[i];
        if (!slice_equal(s->partition, partition))
            continue;
        bool old = policy->keep_ns > 0 && x->ages_ns[i] > policy->keep_ns;
        bool large = policy->keep_bytes > 0 && bytes > policy->keep_bytes;
        if (!old && !large)
            continue;
        rc = segment_expire(x, s, old ? "age" : "size");
        bytes -= s->file_bytes;
    }
    return rc;
}

static int partitions_expire(struct expire *x)
{
    int rc = catalog_read(x->e->catalog, &x->list, x->err);
    struct slice done[CHAIN_PARTITIONS_MAX];
    uint32_t count = 0;
    if (rc == ERR_OK)
        ages_reckon(x);
    for (uint32_t i = 0; i < x->list.count && rc == ERR_OK; i++) {
        bool seen = false;
        for (uint32_t k = 0; k < count && !seen; k++)
            seen = slice_equal(done[k], x->list.items[i].partition);
        if (seen || count == CHAIN_PARTITIONS_MAX)
            continue;
        done[count++] = x->list.items[i].partition;
        rc = partition_expire(x, x->list.items[i].partition);
    }
    mem_free(x->ages_ns);
    catalog_list_free(&x->list);
    return rc;
}

/* The chain goes on over what is removed only when its roots are in the notary. */
static int heads_note(struct embedded *e, int64_t now_ns, struct err *err)
{
    check(pthread_mutex_lock(&e->mutex) == 0);
    if (now_ns > e->floor_ns)
        e->floor_ns = now_ns;
    /* a minute that ended may have been signed before a restart, which opened it again */
    chain_tick(e->chain, e->floor_ns);
    embedded_intervals_take(e);
    int rc = embedded_sign(e, e->floor_ns, err);
    check(pthread_mutex_unlock(&e->mutex) == 0);
    return rc;
}

int embedded_expire(void *self, const struct store_policy *policies, uint32_t count, int64_t now_ns,
                    bool dry_run, store_expire_visit *visit, void *context,
                    struct store_expired *out, struct err *err)
{
    struct embedded *e = self;
    struct expire x = {.e = e,
                       .policies = policies,
                       .policy_count = count,
                       .now_ns = now_ns,
                       .dry_run = dry_run,
                       .visit = visit,
                       .context = context,
                       .out = out,
                       .err = err};
    *out = (struct store_expired){0};
    if (!e->options.write || e->read_only)
        return err_set(err, ERR_IO, "the store is read-only: nothing can be removed from it");
    check(pthread_mutex_lock(&e->care_mutex) == 0);
    int rc = dry_run ? ERR_OK : heads_note(e, now_ns, err);
    if (rc == ERR_OK)
        rc = partitions_expire(&x);
    if (rc == ERR_OK && !dry_run)
        rc = embedded_sweep(e, now_ns, err);
    check(pthread_mutex_unlock(&e->care_mutex) == 0);
    return rc;
}
