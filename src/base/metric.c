#include "base/metric_inside.h"

void metric_add(struct metric *m, uint64_t add)
{
    (void)__atomic_fetch_add(&m->value, add, __ATOMIC_RELAXED);
}

void metric_set(struct metric *m, int64_t value)
{
    __atomic_store_n(&m->value, (uint64_t)value, __ATOMIC_RELAXED);
}

void metric_observe(struct metric *m, uint64_t ns)
{
    int i = 0;
    while (i < METRIC_BUCKETS - 1 && ns > (uint64_t)METRIC_BUCKET_NS << i)
        i++;
    (void)__atomic_fetch_add(&m->buckets[i], 1, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&m->count, 1, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&m->sum, ns, __ATOMIC_RELAXED);
}

uint64_t metric_value(const struct metric *m)
{
    return __atomic_load_n(m->kind == METRIC_HISTOGRAM ? &m->count : &m->value, __ATOMIC_RELAXED);
}

/* Magic u32, count u32; each: kind u16, name, labels, help, value u64, or the histogram's
 * buckets and sum. A histogram's count is the sum of its buckets: they are read one by one while
 * others add. */
void metric_pack(const struct metric *table, uint32_t count, struct buf *out)
{
    check(count <= METRIC_TABLE_MAX);
    bytes_put_u32(out, METRIC_MAGIC);
    bytes_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct metric *m = &table[i];
        bytes_put_u16(out, (uint16_t)m->kind);
        bytes_put_text(out, slice_from(m->name));
        bytes_put_text(out, slice_from(m->labels));
        bytes_put_text(out, slice_from(m->help));
        if (m->kind != METRIC_HISTOGRAM) {
            bytes_put_u64(out, metric_value(m));
            continue;
        }
        for (int k = 0; k < METRIC_BUCKETS; k++)
            bytes_put_u64(out, __atomic_load_n(&m->buckets[k], __ATOMIC_RELAXED));
        bytes_put_u64(out, __atomic_load_n(&m->sum, __ATOMIC_RELAXED));
    }
}
