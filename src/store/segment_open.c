/* Opening a segment: trailer, header, footer, contexts, shapes. */
#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/segment_inside.h"
#include "base/bytes.h"
#include "store/varint.h"

int segment_damaged(const struct segment *s, struct err *err, const char *format, ...)
{
    char what[ERR_TEXT_BYTES / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(err, ERR_DAMAGED,
                   "%s is damaged: %s. `canh verify` tells which events are touched.", s->path,
                   what);
}

static int bytes_read(struct segment *s, uint64_t offset, size_t len, struct buf *out,
                      struct err *err)
{
    size_t got = 0;
    buf_clear(out);
    buf_reserve(out, len);
    int rc = disk_read(s->file, offset, out->data, len, &got, err);
    if (rc)
        return rc;
    s->bytes_read += got;
    if (got != len)
        return segment_damaged(s, err, "it ends early");
    out->len = len;
    return ERR_OK;
}

int segment_read_chunk(struct segment *s, const struct segment_ref *ref, enum chunk_kind kind,
                       size_t max_bytes, struct buf *out, struct err *err)
{
    int rc = bytes_read(s, ref->offset, ref->bytes, &s->stored, err);
    if (rc)
        return rc;
    struct err why = {0};
    rc = chunk_read(s->reader, buf_as_slice(&s->stored), ref->offset, kind, max_bytes, out, &why);
    if (rc == ERR_DAMAGED)
        return segment_damaged(s, err, "the chunk (%s) at byte %llu: %s", chunk_kind_names[kind],
                               (unsigned long long)ref->offset, why.text);
    if (rc)
        return err_set(err, rc, "%s: the chunk (%s) at byte %llu cannot be read: %s.", s->path,
                       chunk_kind_names[kind], (unsigned long long)ref->offset, why.text);
    return ERR_OK;
}

static int header_open(struct segment *s, struct err *err)
{
    int rc = bytes_read(s, 0, SEGMENT_HEADER_BYTES, &s->stored, err);
    if (rc)
        return rc;
    const char *header = s->stored.data;
    uint32_t version;
    uint64_t sum;
    memcpy(&version, header + 8, sizeof version);
    memcpy(&sum, header + SEGMENT_HEADER_BYTES - sizeof sum, sizeof sum);
    if (memcmp(header, SEGMENT_MAGIC, 8) != 0 ||
        sum != hash_bytes(header, SEGMENT_HEADER_BYTES - sizeof sum, 0))
        return segment_damaged(s, err, "it does not begin as a segment");
    if (version == 0 || version > SEGMENT_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s is a segment of version %u, which this program does not know; use a "
                       "newer one.",
                       s->path, version);
    s->version = version;
    memcpy(s->uuid, header + 16, sizeof s->uuid);
    return ERR_OK;
}

/* The footer's place, from the end of the file. */
static int trailer_open(struct segment *s, struct segment_ref *footer, struct err *err)
{
    uint64_t size;
    int rc = disk_size(s->file, &size, err);
    if (rc)
        return rc;
    s->about.file_bytes = size;
    if (size < SEGMENT_HEADER_BYTES + CHUNK_HEAD_BYTES + SEGMENT_TRAILER_BYTES)
        return segment_damaged(s, err, "it is too short for a segment");
    uint64_t trailer_at = size - SEGMENT_TRAILER_BYTES;
    rc = bytes_read(s, trailer_at, SEGMENT_TRAILER_BYTES, &s->stored, err);
    if (rc)
        return rc;
    const char *trailer = s->stored.data;
    uint64_t sum;
    uint32_t zero;
    memcpy(&sum, trailer + 48, sizeof sum);
    memcpy(&zero, trailer + 12, sizeof zero);
    if (memcmp(trailer + 56, SEGMENT_END_MAGIC, 8) != 0 || sum != hash_bytes(trailer, 48, 0) ||
        zero != 0)
        return segment_damaged(s, err, "its end is missing or does not fit its checksum");
    memcpy(&footer->offset, trailer, sizeof footer->offset);
    memcpy(&footer->bytes, trailer + 8, sizeof footer->bytes);
    memcpy(s->digest.bytes, trailer + 16, DIGEST_BYTES);
    s->footer_offset = footer->offset;
    if (footer->offset < SEGMENT_HEADER_BYTES || footer->offset > trailer_at ||
        footer->bytes != trailer_at - footer->offset || footer->bytes > SEGMENT_FOOTER_BYTES_MAX)
        return segment_damaged(s, err, "its footer is not where it says");
    return ERR_OK;
}

static int everything_open(struct segment *s, struct err *err)
{
    struct segment_ref footer = {0};
    int rc = trailer_open(s, &footer, err);
    rc = rc ? rc : header_open(s, err);
    rc = rc ? rc
            : segment_read_chunk(s, &footer, CHUNK_FOOTER, SEGMENT_FOOTER_BYTES_MAX, &s->raw, err);
    rc = rc ? rc : segment_parse_footer(s, buf_as_slice(&s->raw), err);
    rc = rc ? rc : segment_parse_contexts(s, err);
    return rc ? rc : segment_parse_shapes(s, err);
}

int segment_open(struct segment **out, struct disk *disk, const char *path, struct err *err)
{
    *out = NULL;
    struct segment *s = mem_zeroed(1, sizeof *s);
    s->path = mem_copy_text(path, strlen(path));
    s->counted_column = UINT32_MAX;
    s->placed_block = UINT32_MAX;
    int rc = disk_open(disk, &s->file, path, DISK_READ, err);
    if (rc == ERR_OK) {
        s->reader = chunk_reader_open();
        rc = everything_open(s, err);
    }
    if (rc)
        segment_close(&s);
    *out = s;
    return rc;
}

void segment_close(struct segment **segment)
{
    struct segment *s = *segment;
    if (!s)
        return;
    if (s->bloom_chunks)
        for (uint32_t i = 0; i < segment_bloom_chunks(s); i++)
            mem_free(s->bloom_chunks[i]);
    mem_free(s->bloom_chunks);
    mem_free(s->shape_columns);
    mem_free(s->shape_starts);
    mem_free(s->shape_counts);
    mem_free(s->shape_rows);
    mem_free(s->shape_row_ends);
    mem_free(s->row_bits);
    mem_free(s->list_starts);
    mem_free(s->list_shapes);
    mem_free(s->path);
    chunk_reader_close(&s->reader);
    buf_free(&s->stored);
    buf_free(&s->raw);
    buf_free(&s->key);
    arena_free(&s->arena);
    disk_close(&s->file);
    mem_free(s);
    *segment = NULL;
}

int segment_parse_contexts(struct segment *s, struct err *err)
{
    int rc = segment_read_chunk(s, &s->context_ref, CHUNK_CONTEXTS, SEGMENT_CONTEXT_BYTES_MAX,
                                &s->raw, err);
    if (rc)
        return rc;
    struct bytes_in in = bytes_in(arena_copy(&s->arena, buf_as_slice(&s->raw)));
    s->contexts = arena_zeroed(&s->arena, s->about.context_count + 1, sizeof *s->contexts);
    enum row_context_form form = s->version == 1 ? ROW_CONTEXT_1 : ROW_CONTEXT_2;
    bool whole = true;
    for (uint32_t i = 0; i < s->about.context_count && whole; i++)
        whole = row_context_read(&in, form, &s->contexts[i]) &&
                slice_equal(s->contexts[i].partition, s->about.partition);
    if (!whole || bytes_left(&in))
        return segment_damaged(s, err, "its contexts do not fit the footer");
    return ERR_OK;
}

static uint32_t u32_next(struct varint_walk *w)
{
    struct slice bytes = varint_next_bytes(w, sizeof(uint32_t));
    uint32_t value = 0;
    if (!w->failed)
        memcpy(&value, bytes.data, sizeof value);
    return value;
}

int segment_parse_shapes(struct segment *s, struct err *err)
{
    uint32_t count = s->about.shape_count, fields = s->shape_field_count;
    size_t bytes = 4 + ((size_t)count + fields) * 4;
    int rc = segment_read_chunk(s, &s->shape_ref, CHUNK_SHAPES, bytes, &s->raw, err);
    if (rc)
        return rc;
    struct varint_walk w = varint_walk_make(buf_as_slice(&s->raw));
    if (s->raw.len != bytes || u32_next(&w) != count)
        return segment_damaged(s, err, "its shapes do not fit the footer");
    s->shape_starts = mem_zeroed((size_t)count + 1, sizeof *s->shape_starts);
    s->shape_columns = mem_zeroed((size_t)fields + 1, sizeof *s->shape_columns);
    s->shape_counts = mem_zeroed((size_t)count + 1, sizeof *s->shape_counts);
    uint32_t at = 0;
    for (uint32_t i = 0; i < count && !w.failed; i++) {
        uint32_t in_shape = u32_next(&w);
        if (in_shape > RECORD_FIELDS_MAX || in_shape > fields - at)
            w.failed = true;
        for (uint32_t f = 0; f < in_shape && !w.failed; f++) {
            s->shape_columns[at] = u32_next(&w);
            if (s->shape_columns[at++] >= s->about.column_count)
                w.failed = true;
        }
        s->shape_starts[i + 1] = at;
    }
    if (w.failed || at != fields)
        return segment_damaged(s, err, "its shapes do not fit the footer");
    return ERR_OK;
}

/* By column: the shapes that have it, once for each time they do. */
static void shape_lists_make(struct segment *s)
{
    uint32_t columns = s->about.column_count, fields = s->shape_field_count;
    s->list_starts = mem_zeroed((size_t)columns + 2, sizeof *s->list_starts);
    s->list_shapes = mem_zeroed((size_t)fields + 1, sizeof *s->list_shapes);
    for (uint32_t f = 0; f < fields; f++)
        s->list_starts[s->shape_columns[f] + 2]++;
    for (uint32_t c = 2; c < columns + 2; c++)
        s->list_starts[c] += s->list_starts[c - 1];
    for (uint32_t shape = 0; shape < s->about.shape_count; shape++)
        for (uint32_t f = s->shape_starts[shape]; f < s->shape_starts[shape + 1]; f++)
            s->list_shapes[s->list_starts[s->shape_columns[f] + 1]++] = shape;
}

const uint32_t *segment_shape_counts(struct segment *s, uint32_t column)
{
    if (!s->list_starts)
        shape_lists_make(s);
    if (s->counted_column == column)
        return s->shape_counts;
    if (s->counted_column != UINT32_MAX)
        for (uint32_t i = s->list_starts[s->counted_column];
             i < s->list_starts[s->counted_column + 1]; i++)
            s->shape_counts[s->list_shapes[i]] = 0;
    for (uint32_t i = s->list_starts[column]; i < s->list_starts[column + 1]; i++)
        s->shape_counts[s->list_shapes[i]]++;
    s->counted_column = column;
    return s->shape_counts;
}

const struct segment_about *segment_about(const struct segment *s)
{
    return &s->about;
}

const char *segment_path(const struct segment *s)
{
    return s->path;
}

struct slice segment_input(const struct segment *s, uint32_t number)
{
    check(number < s->about.input_count);
    return s->inputs[number];
}

const struct segment_block *segment_blocks(const struct segment *s)
{
    return s->blocks;
}

const struct segment_column *segment_columns(const struct segment *s)
{
    return s->columns;
}

const struct row_context *segment_contexts(const struct segment *s)
{
    return s->contexts;
}

const struct segment_interval *segment_intervals(const struct segment *s)
{
    return s->intervals;
}

const uint32_t *segment_shape(const struct segment *s, uint32_t shape, uint32_t *count)
{
    check(shape < s->about.shape_count);
    *count = s->shape_starts[shape + 1] - s->shape_starts[shape];
    return s->shape_columns + s->shape_starts[shape];
}

uint64_t segment_bytes_read(const struct segment *s)
{
    return s->bytes_read;
}
