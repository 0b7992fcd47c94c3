/* Sealing: the journal up to a cut becomes segments (docs/store-format.md, "Seal"). */
#include <stdio.h>

#include "base/mem.h"
#include "store/segment_writer.h"
#include "store/store_embedded.h"

enum { SEAL_SEGMENTS_MAX = 4096 };
#define SEAL_WRITER_MEMORY_MIN ((size_t)8 << 20)

struct seal_partition {
    struct slice name;
    struct segment_writer *writer;
    uint32_t next_interval; /* of the seal's intervals: the first that may be this one's */
};

struct seal {
    struct embedded *e;
    struct arena arena;
    struct journal_place cut;
    uint64_t after, through; /* rows (after, through] */
    int64_t commit_ns;
    struct buf carry, chain;
    struct chain_interval *intervals;
    uint32_t interval_count;
    struct seal_partition partitions[CHAIN_PARTITIONS_MAX];
    uint32_t partition_count;
    struct slice *finished; /* paths in tmp/ */
    uint32_t finished_count;
    struct catalog_segment *segments;
    struct slice *paths;
    uint64_t lost_rows;
};

static void names_copy(struct seal *s)
{
    for (uint32_t i = 0; i < s->interval_count; i++)
        s->intervals[i].partition = arena_copy(&s->arena, s->intervals[i].partition);
}

/* Under mutex: the cut, and the state as it stands there. */
static int seal_begin(struct seal *s, int64_t now_ns, struct err *err)
{
    struct embedded *e = s->e;
    int rc = embedded_cut(e, now_ns, err);
    if (rc)
        return rc;
    s->cut = journal_end(e->journal);
    s->after = e->sealed_sequence;
    s->through = journal_next_sequence(e->journal) - 1;
    s->commit_ns = e->floor_ns;
    carry_write(e->carry, &s->carry);
    chain_write(e->chain, &s->chain);
    s->interval_count = e->unsealed.count;
    s->intervals = arena_alloc(&s->arena, (s->interval_count + 1) * sizeof(*s->intervals));
    if (s->interval_count)
        memcpy(s->intervals, e->unsealed.items, s->interval_count * sizeof(*s->intervals));
    names_copy(s);
    e->rows_since_cut = e->bytes_since_cut = 0;
    e->first_since_cut_ns = CLOCK_NONE;
    return ERR_OK;
}

static int writer_end(struct seal *s, struct seal_partition *p, struct err *err)
{
    char path[64];
    if (!p->writer)
        return ERR_OK;
    if (s->finished_count == SEAL_SEGMENTS_MAX)
        return err_set(err, ERR_LIMIT, "a seal would make more than %d segments",
                       SEAL_SEGMENTS_MAX);
    (void)snprintf(path, sizeof path, "tmp/%llu-%u.segment", (unsigned long long)s->through,
                   s->finished_count);
    int rc = segment_writer_end(p->writer, s->e->disk, path, err);
    segment_writer_close(&p->writer);
    s->finished[s->finished_count++] = arena_copy(&s->arena, slice_from(path));
    return rc;
}

static struct seal_partition *partition_of(struct seal *s, struct slice name)
{
    for (uint32_t i = 0; i < s->partition_count; i++)
        if (slice_equal(s->partitions[i].name, name))
            return &s->partitions[i];
    check(s->partition_count < CHAIN_PARTITIONS_MAX);
    struct seal_partition *p = &s->partitions[s->partition_count++];
    *p = (struct seal_partition){.name = arena_copy(&s->arena, name)};
    return p;
}

static uint32_t partitions_count(const struct seal *s)
{
    struct slice seen[CHAIN_PARTITIONS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->interval_count && count < CHAIN_PARTITIONS_MAX; i++) {
        uint32_t at = 0;
        while (at < count && !slice_equal(seen[at], s->intervals[i].partition))
            at++;
        if (at == count)
            seen[count++] = s->intervals[i].partition;
    }
    return count ? count : 1;
}

static void writer_begin(struct seal *s, struct seal_partition *p)
{
    size_t share = EMBEDDED_SEAL_MEMORY_BYTES / partitions_count(s);
    struct segment_writer_options options = {
        .partition = p->name,
        .compression = 1,
        .memory_bytes = share > SEAL_WRITER_MEMORY_MIN ? share : SEAL_WRITER_MEMORY_MIN,
        .seal_after = s->after,
        .seal_through = s->through};
    memcpy(options.uuid, s->e->identity.uuid, sizeof options.uuid);
    p->writer = segment_writer_open(&options);
}

/* The intervals that end with this row go into the segment that holds it. */
static void interval_pass(struct seal *s, struct seal_partition *p, uint64_t sequence)
{
    for (; p->next_interval < s->interval_count; p->next_interval++) {
        const struct chain_interval *i = &s->intervals[p->next_interval];
        if (!slice_equal(i->partition, p->name))
            continue;
        if (i->last_sequence > sequence)
            return;
        struct segment_interval passed = {i->number,    i->first_sequence, i->last_sequence,
                                          i->row_count, i->minute_ns,      i->root,
                                          i->head};
        segment_writer_interval(p->writer, &passed);
    }
}

static int row_seal(struct seal *s, const struct row *row, struct err *err)
{
    struct seal_partition *p = partition_of(s, row->context->partition);
    if (p->writer && segment_writer_full(p->writer)) {
        int rc = writer_end(s, p, err);
        if (rc)
            return rc;
    }
    if (!p->writer)
        writer_begin(s, p);
    segment_writer_add(p->writer, row);
    interval_pass(s, p, row->sequence);
    return ERR_OK;
}

static int batch_seal(struct seal *s, struct batch_reader *reader, struct slice bytes,
                      uint64_t *sequence, struct err *err)
{
    struct row row;
    int rc = batch_reader_open(reader, bytes, err);
    if (rc)
        return rc;
    reader->first_sequence = *sequence;
    *sequence += reader->row_count;
    while (rc == ERR_OK && batch_next(reader, &row))
        if (row.sequence > s->after && row.sequence <= s->through)
            rc = row_seal(s, &row, err);
    return rc;
}

static void damage_note(void *context, const struct journal_damage *damage)
{
    struct seal *s = context;
    s->lost_rows += damage->next_sequence - damage->first_missing;
}

static bool place_before(struct journal_place a, struct journal_place b)
{
    return a.file < b.file || (a.file == b.file && a.offset < b.offset);
}

static int rows_seal(struct seal *s, struct err *err)
{
    struct journal_scan *scan = NULL;
    struct journal_frame frame;
    struct batch_reader reader = {0};
    int rc = journal_scan_open(&scan, s->e->disk, &s->e->identity, s->e->cut, false, err);
    while (rc == ERR_OK && (rc = journal_scan_next(scan, &frame, damage_note, s, err)) == ERR_OK) {
        uint64_t sequence = frame.first_sequence;
        for (uint32_t i = 0; i < frame.section_count && rc == ERR_OK; i++)
            if (frame.kinds[i] == JOURNAL_BATCH)
                rc = batch_seal(s, &reader, frame.sections[i], &sequence, err);
        if (!place_before(frame.end, s->cut))
            break;
    }
    if (rc == ERR_END)
        rc = ERR_OK;
    for (uint32_t i = 0; i < s->partition_count && rc == ERR_OK; i++)
        rc = writer_end(s, &s->partitions[i], err);
    batch_reader_free(&reader);
    journal_scan_close(&scan);
    return rc;
}

int embedded_segment_path(struct disk *disk, const struct catalog_segment *s, struct buf *out,
                          struct err *err)
{
    struct clock_date day;
    clock_to_date(s->received_min_ns, 0, &day);
    buf_clear(out);
    buf_printf(out, "segments/%.*s/%04d%02d%02d", (int)s->partition.len, s->partition.data,
               day.year, day.month, day.day);
    const char *folder = buf_text(out);
    int rc = disk_make_folder(disk, folder, err);
    struct buf above = {0};
    buf_printf(&above, "segments/%.*s", (int)s->partition.len, s->partition.data);
    /* also when it is there: who made it may have been cut off before these */
    if (rc == ERR_OK)
        rc = disk_sync_folder(disk, buf_text(&above), err);
    if (rc == ERR_OK)
        rc = disk_sync_folder(disk, "segments", err);
    buf_free(&above);
    if (rc)
        return rc;
    buf_printf(out, "/%020llu-%020llu.g%u.segment", (unsigned long long)s->first_sequence,
               (unsigned long long)s->last_sequence, s->generation);
    return ERR_OK;
}

/* A segment that is whole in tmp/ to its place, its name durable. */
static int segment_place(struct seal *s, uint32_t number, struct err *err)
{
    struct embedded *e = s->e;
    struct segment *segment = NULL;
    struct buf path = {0};
    const char *from = s->finished[number].data;
    struct catalog_segment *row = &s->segments[number];
    int rc = segment_open(&segment, e->disk, from, err);
    if (rc)
        return rc;
    catalog_segment_of(segment, (struct slice){0}, row);
    row->partition = arena_copy(&s->arena, row->partition);
    segment_close(&segment);
    rc = embedded_segment_path(e->disk, row, &path, err);
    if (rc == ERR_OK) {
        row->path = arena_copy(&s->arena, buf_as_slice(&path));
        rc = disk_rename(e->disk, from, row->path.data, err);
    }
    if (rc == ERR_OK) {
        path.len = (size_t)(strrchr(buf_text(&path), '/') - path.data);
        rc = disk_sync_folder(e->disk, buf_text(&path), err);
    }
    buf_free(&path);
    return rc;
}

static int seal_publish(struct seal *s, int64_t now_ns, struct err *err)
{
    struct embedded *e = s->e;
    s->segments = arena_zeroed(&s->arena, s->finished_count + 1, sizeof(*s->segments));
    int rc = ERR_OK;
    for (uint32_t i = 0; i < s->finished_count && rc == ERR_OK; i++)
        rc = segment_place(s, i, err);
    if (rc == ERR_OK)
        rc = disk_sync_folder(e->disk, "tmp", err); /* a rename lasts when both folders do */
    if (rc == ERR_OK)
        rc = catalog_change(e->catalog, s->segments, s->finished_count, NULL, 0, s->through, now_ns,
                            err);
    if (rc)
        return rc;
    struct checkpoint c = {.number = e->checkpoint_number + 1,
                           .identity = e->identity,
                           .last_sequence = s->through,
                           .cut = s->cut,
                           .commit_ns = s->commit_ns,
                           .carry = buf_as_slice(&s->carry),
                           .chain = buf_as_slice(&s->chain)};
    return checkpoint_write(e->disk, &c, err);
}

/* Under mutex: what is sealed is taken out of the books. */
static int seal_end(struct seal *s, struct err *err)
{
    struct embedded *e = s->e;
    e->checkpoint_number++;
    e->cut = s->cut;
    e->sealed_sequence = s->through;
    check(s->interval_count <= e->unsealed.count);
    e->unsealed.count -= s->interval_count;
    if (e->unsealed.count)
        memmove(e->unsealed.items, e->unsealed.items + s->interval_count,
                e->unsealed.count * sizeof(*e->unsealed.items));
    return journal_forget(e->journal, s->cut, err);
}

/* A file that the catalog does not know, and says so, is none of the store's. */
static void placed_remove(struct seal *s)
{
    struct embedded *e = s->e;
    for (uint32_t i = 0; i < s->finished_count && s->segments; i++) {
        bool known = true;
        if (s->segments[i].path.len &&
            catalog_knows(e->catalog, s->segments[i].path, &known, NULL) == ERR_OK && !known &&
            disk_exists(e->disk, s->segments[i].path.data))
            (void)!disk_remove(e->disk, s->segments[i].path.data, NULL);
    }
}

/* What became of rows that were to be sealed: they still stand in the journal, and count again. */
static void seal_undo(struct seal *s, uint64_t rows, uint64_t bytes, int64_t first_ns)
{
    struct embedded *e = s->e;
    e->rows_since_cut += rows;
    e->bytes_since_cut += bytes;
    e->first_since_cut_ns = first_ns;
    for (uint32_t i = 0; i < s->finished_count; i++)
        if (disk_exists(e->disk, s->finished[i].data))
            (void)!disk_remove(e->disk, s->finished[i].data, NULL);
}

/* A seal that failed may have been taken into the catalog all the same: those rows are sealed. */
static int sealed_learn(struct embedded *e, struct err *err)
{
    struct catalog_list list = {0};
    uint32_t kept = 0;
    int rc = catalog_read(e->catalog, &list, err);
    if (rc)
        return rc;
    check(pthread_mutex_lock(&e->mutex) == 0);
    if (list.sealed_sequence > e->sealed_sequence) {
        e->sealed_sequence = list.sealed_sequence;
        for (uint32_t i = 0; i < e->unsealed.count; i++)
            if (e->unsealed.items[i].last_sequence > e->sealed_sequence)
                e->unsealed.items[kept++] = e->unsealed.items[i];
        e->unsealed.count = kept;
    }
    check(pthread_mutex_unlock(&e->mutex) == 0);
    catalog_list_free(&list);
    return ERR_OK;
}

static int seal_run(struct seal *s, int64_t now_ns, struct err *err)
{
    struct embedded *e = s->e;
    int rc = sealed_learn(e, err);
    if (rc)
        return rc;
    check(pthread_mutex_lock(&e->mutex) == 0);
    uint64_t rows = e->rows_since_cut, bytes = e->bytes_since_cut;
    int64_t first_ns = e->first_since_cut_ns;
    rc = rows ? seal_begin(s, now_ns, err) : ERR_END;
    check(pthread_mutex_unlock(&e->mutex) == 0);
    if (rc)
        return rc == ERR_END ? ERR_OK : rc;
    s->finished = arena_zeroed(&s->arena, SEAL_SEGMENTS_MAX, sizeof(*s->finished));
    rc = rows_seal(s, err);
    if (rc == ERR_OK)
        rc = seal_publish(s, now_ns, err);
    if (rc)
        placed_remove(s);
    check(pthread_mutex_lock(&e->mutex) == 0);
    if (rc == ERR_OK)
        rc = seal_end(s, err);
    else
        seal_undo(s, rows, bytes, first_ns);
    check(pthread_mutex_unlock(&e->mutex) == 0);
    return rc;
}

int embedded_seal(void *self, int64_t now_ns, struct err *err)
{
    struct embedded *e = self;
    struct seal s = {.e = e};
    if (!e->options.write || e->read_only)
        return err_set(err, ERR_IO, "the store is read-only: nothing can be sealed");
    check(pthread_mutex_lock(&e->care_mutex) == 0);
    int rc = seal_run(&s, now_ns, err);
    check(pthread_mutex_unlock(&e->care_mutex) == 0);
    for (uint32_t i = 0; i < s.partition_count; i++)
        segment_writer_close(&s.partitions[i].writer);
    buf_free(&s.carry);
    buf_free(&s.chain);
    arena_free(&s.arena);
    return rc;
}
