/* Merging: small segments of one partition and day that follow one another become one. The new file
 * is whole and named before one transaction of the catalog takes it in and its inputs out; a crash
 * before that leaves a file that the next start removes, a crash after it inputs that the next
 * sweep does. */
#include <stdio.h>

#include "base/mem.h"
#include "store/embedded_care.h"
#include "store/embedded_rows.h"
#include "store/segment_writer.h"

enum {
    MERGE_COMPRESSION = 6,
    MERGE_INPUTS_READY = 8, /* so many are merged although their day goes on */
    MERGE_SMALL_ROWS = SEGMENT_ROWS_MAX / 4
};
#define MERGE_DAY_NS    (86400 * CLOCK_SECOND_NS)
#define MERGE_RAW_BYTES ((uint64_t)2 << 30) /* of rows as received, in one segment */

struct merge {
    struct embedded *e;
    int64_t now_ns;
    struct err *err;
    struct catalog_list list;
    const struct catalog_segment **run; /* what is merged now */
    uint32_t run_count;
    struct segment_writer *writer;
    bool full; /* the run does not fit into one segment */
};

static int64_t day_of(int64_t time_ns)
{
    return time_ns / MERGE_DAY_NS - (time_ns % MERGE_DAY_NS < 0);
}

static bool is_small(const struct catalog_segment *s)
{
    return s->generation == 0 && s->row_count < MERGE_SMALL_ROWS;
}

static int row_merge(void *context, const struct row *row)
{
    struct merge *m = context;
    if (segment_writer_full(m->writer)) {
        m->full = true;
        return ERR_END;
    }
    segment_writer_add(m->writer, row);
    return ERR_OK;
}

static bool is_as_listed(const struct segment_about *about, const struct catalog_segment *item)
{
    return slice_equal(about->partition, item->partition) &&
           about->first_sequence == item->first_sequence &&
           about->last_sequence == item->last_sequence && about->row_count == item->row_count;
}

static int input_merge(struct merge *m, const struct catalog_segment *input)
{
    struct segment *s = NULL;
    int rc = segment_open(&s, m->e->disk, input->path.data, m->err);
    if (rc)
        return rc;
    if (!is_as_listed(segment_about(s), input))
        rc = err_set(m->err, ERR_DAMAGED, "%s is not as catalog.db says", input->path.data);
    if (rc == ERR_OK)
        rc = embedded_segment_rows(s, 0, UINT64_MAX, row_merge, m, m->err);
    for (uint32_t i = 0; i < segment_about(s)->interval_count && rc == ERR_OK; i++)
        segment_writer_interval(m->writer, &segment_intervals(s)[i]);
    segment_close(&s);
    return rc;
}

static int seal_range(struct merge *m, const struct catalog_segment *input, bool through,
                      uint64_t *sequence)
{
    struct segment *s = NULL;
    int rc = segment_open(&s, m->e->disk, input->path.data, m->err);
    if (rc)
        return rc;
    *sequence = through ? segment_about(s)->seal_through : segment_about(s)->seal_after;
    segment_close(&s);
    return ERR_OK;
}

static int writer_open(struct merge *m, struct slice *inputs)
{
    struct segment_writer_options options = {.partition = m->run[0]->partition,
                                             .compression = MERGE_COMPRESSION,
                                             .generation = 1,
                                             .inputs = inputs,
                                             .input_count = m->run_count};
    memcpy(options.uuid, m->e->identity.uuid, sizeof options.uuid);
    for (uint32_t i = 0; i < m->run_count; i++)
        inputs[i] = m->run[i]->path;
    int rc = seal_range(m, m->run[0], false, &options.seal_after);
    if (rc == ERR_OK)
        rc = seal_range(m, m->run[m->run_count - 1], true, &options.seal_through);
    if (rc == ERR_OK)
        m->writer = segment_writer_open(&options);
    return rc;
}

/* The new segment to its place and into the catalog, its inputs out of it. */
static int merged_publish(struct merge *m, const char *from)
{
    struct embedded *e = m->e;
    struct segment *s = NULL;
    struct catalog_segment item;
    struct buf path = {0};
    uint64_t *ids = mem_zeroed(m->run_count, sizeof(*ids));
    for (uint32_t i = 0; i < m->run_count; i++)
        ids[i] = m->run[i]->id;
    int rc = segment_open(&s, e->disk, from, m->err);
    if (rc == ERR_OK) {
        catalog_segment_of(s, (struct slice){0}, &item);
        rc = embedded_segment_path(e->disk, &item, &path, m->err);
    }
    if (rc == ERR_OK) {
        item.path = slice_from(buf_text(&path));
        rc = disk_rename(e->disk, from, item.path.data, m->err);
    }
    if (rc == ERR_OK)
        rc = disk_sync_folder_of(e->disk, item.path.data, m->err);
    if (rc == ERR_OK)
        rc = disk_sync_folder(e->disk, "tmp", m->err);
    if (rc == ERR_OK)
        rc = catalog_change(e->catalog, &item, 1, ids, m->run_count, 0, m->now_ns, m->err);
    segment_close(&s);
    buf_free(&path);
    mem_free(ids);
    return rc;
}

/* ERR_END: it does not fit into one segment. A damaged input is left as it is: what can be read of
 * it can be read there. */
static int run_merge(struct merge *m)
{
    char path[64];
    struct slice *inputs = mem_zeroed(m->run_count, sizeof(*inputs));
    (void)snprintf(path, sizeof path, "tmp/merge-%llu.segment",
                   (unsigned long long)m->run[0]->first_sequence);
    m->full = false;
    int rc = writer_open(m, inputs);
    for (uint32_t i = 0; i < m->run_count && rc == ERR_OK; i++)
        rc = input_merge(m, m->run[i]);
    if (rc == ERR_OK && disk_exists(m->e->disk, path))
        rc = disk_remove(m->e->disk, path, m->err);
    if (rc == ERR_OK)
        rc = segment_writer_end(m->writer, m->e->disk, path, m->err);
    segment_writer_close(&m->writer);
    if (rc == ERR_OK)
        rc = merged_publish(m, path);
    mem_free(inputs);
    return rc;
}

static int run_end(struct merge *m, bool ready, uint64_t *merged)
{
    int rc = ERR_OK;
    if (m->run_count < 2 || !(ready || m->run_count >= MERGE_INPUTS_READY))
        return ERR_OK;
    while (m->run_count >= 2 && (rc = run_merge(m)) == ERR_END)
        m->run_count /= 2; /* those left are merged another time */
    if (rc == ERR_OK && m->run_count >= 2)
        *merged += m->run_count;
    return rc == ERR_DAMAGED || rc == ERR_NOT_FOUND || rc == ERR_END ? ERR_OK : rc;
}

/* Runs of small segments of one partition: ready when its day is over or nothing more fits. */
static int partition_merge(struct merge *m, struct slice partition, uint64_t *merged)
{
    uint64_t rows = 0, raw_bytes = 0;
    int rc = ERR_OK;
    m->run_count = 0;
    for (uint32_t i = 0; i < m->list.count && rc == ERR_OK; i++) {
        const struct catalog_segment *s = &m->list.items[i];
        if (!slice_equal(s->partition, partition))
            continue;
        bool fits =
            m->run_count < SEGMENT_INPUTS_MAX && is_small(s) &&
            rows + s->row_count <= SEGMENT_ROWS_MAX &&
            raw_bytes + s->raw_bytes <= MERGE_RAW_BYTES &&
            (m->run_count == 0 || day_of(m->run[0]->received_min_ns) == day_of(s->received_min_ns));
        if (!fits) {
            rc = run_end(m, true, merged);
            m->run_count = 0;
            rows = raw_bytes = 0;
        }
        if (is_small(s)) {
            m->run[m->run_count++] = s;
            rows += s->row_count;
            raw_bytes += s->raw_bytes;
        }
    }
    if (rc == ERR_OK && m->run_count)
        rc = run_end(m, day_of(m->run[0]->received_min_ns) < day_of(m->now_ns), merged);
    return rc;
}

static int partitions_merge(struct merge *m, uint64_t *merged)
{
    struct slice done[CHAIN_PARTITIONS_MAX];
    uint32_t count = 0;
    int rc = catalog_read(m->e->catalog, &m->list, m->err);
    m->run = mem_zeroed(SEGMENT_INPUTS_MAX + 1, sizeof(const struct catalog_segment *));
    for (uint32_t i = 0; i < m->list.count && rc == ERR_OK; i++) {
        struct slice partition = m->list.items[i].partition;
        bool seen = false;
        for (uint32_t k = 0; k < count && !seen; k++)
            seen = slice_equal(done[k], partition);
        if (seen || count == CHAIN_PARTITIONS_MAX)
            continue;
        done[count++] = partition;
        rc = partition_merge(m, partition, merged);
    }
    mem_free(m->run);
    catalog_list_free(&m->list);
    return rc;
}

int embedded_merge(void *self, int64_t now_ns, uint64_t *merged, struct err *err)
{
    struct embedded *e = self;
    struct merge m = {.e = e, .now_ns = now_ns, .err = err};
    *merged = 0;
    if (!e->options.write || e->read_only)
        return err_set(err, ERR_IO, "the store is read-only: nothing can be merged");
    check(pthread_mutex_lock(&e->care_mutex) == 0);
    int rc = partitions_merge(&m, merged);
    if (rc == ERR_OK)
        rc = embedded_sweep(e, now_ns, err);
    check(pthread_mutex_unlock(&e->care_mutex) == 0);
    return rc;
}
