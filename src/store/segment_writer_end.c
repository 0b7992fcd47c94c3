/* The file of a segment: chunks one after the other, footer, trailer. */
#include "base/mem.h"
#include "base/hash.h"
#include "store/segment_inside.h"
#include "store/segment_writer_inside.h"
#include "store/varint.h"

enum { SINK_BYTES = 1 << 20 };

struct sink { /* the file as it grows; after an error nothing more is written */
    struct disk_file *file;
    struct digester *digester;
    struct buf buffer;
    struct buf footer;
    uint64_t offset; /* of the end of buffer */
    struct err *err;
    int rc;
};

static void sink_flush(struct sink *s)
{
    if (s->buffer.len == 0 || s->rc)
        return;
    digester_add(s->digester, s->buffer.data, s->buffer.len);
    s->rc = disk_write(s->file, s->offset - s->buffer.len, s->buffer.data, s->buffer.len, s->err);
    buf_clear(&s->buffer);
}

static void sink_add(struct sink *s, const void *data, size_t len)
{
    if (s->rc)
        return;
    buf_append(&s->buffer, data, len);
    s->offset += len;
    if (s->buffer.len >= SINK_BYTES)
        sink_flush(s);
}

/* Where the chunk stands goes into the footer. */
static void sink_chunk(struct sink *s, const struct chunk *chunk, bool refer)
{
    static const uint8_t zeros[CHUNK_ALIGN];
    uint8_t head[CHUNK_HEAD_BYTES];
    sink_add(s, zeros, (size_t)(chunk_aligned(s->offset) - s->offset));
    if (refer) {
        varint_append(&s->footer, s->offset / CHUNK_ALIGN);
        varint_append(&s->footer, (uint64_t)CHUNK_HEAD_BYTES + chunk->stored_bytes);
    }
    chunk_head(chunk, s->offset, head);
    sink_add(s, head, sizeof head);
    sink_add(s, chunk->data, chunk->stored_bytes);
}

static void sink_raw(struct sink *s, struct segment_writer *w, enum chunk_kind kind,
                     struct slice raw)
{
    struct chunk chunk = chunk_pack(w->tools.packer, kind, raw);
    sink_chunk(s, &chunk, true);
    chunk_free(&chunk);
}

static void text_put(struct buf *out, struct slice text)
{
    varint_append(out, text.len);
    buf_slice(out, text);
}

static void signed_put(struct buf *out, int64_t value)
{
    varint_append(out, varint_zigzag(value));
}

static void header_put(struct sink *s, const struct segment_writer *w)
{
    uint8_t header[SEGMENT_HEADER_BYTES] = {0};
    uint32_t version = SEGMENT_VERSION;
    memcpy(header, SEGMENT_MAGIC, 8);
    memcpy(header + 8, &version, sizeof version);
    memcpy(header + 16, w->options.uuid, sizeof w->options.uuid);
    uint64_t sum = hash_bytes(header, SEGMENT_HEADER_BYTES - sizeof sum, 0);
    memcpy(header + SEGMENT_HEADER_BYTES - sizeof sum, &sum, sizeof sum);
    sink_add(s, header, sizeof header);
}

static void about_put(struct buf *out, const struct segment_writer *w)
{
    const struct segment_about *a = &w->about;
    const struct segment_writer_options *o = &w->options;
    text_put(out, o->partition);
    varint_append(out, a->first_sequence);
    varint_append(out, a->last_sequence);
    varint_append(out, a->row_count);
    signed_put(out, a->time_min_ns);
    signed_put(out, a->time_max_ns);
    signed_put(out, a->received_min_ns);
    signed_put(out, a->received_max_ns);
    varint_append(out, a->raw_bytes);
    varint_append(out, o->seal_after);
    varint_append(out, o->seal_through);
    varint_append(out, o->generation);
    varint_append(out, o->input_count);
    for (uint32_t i = 0; i < o->input_count; i++)
        text_put(out, o->inputs[i]);
}

static void contexts_put(struct sink *s, struct segment_writer *w)
{
    varint_append(&s->footer, w->contexts.count);
    sink_raw(s, w, CHUNK_CONTEXTS, buf_as_slice(&w->context_bytes));
}

static void shapes_put(struct sink *s, struct segment_writer *w)
{
    struct buf *raw = &w->tools.raw;
    uint32_t count = w->shapes.count;
    buf_clear(raw);
    buf_append(raw, &count, sizeof count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t fields = w->shape_starts[i + 1] - w->shape_starts[i];
        buf_append(raw, &fields, sizeof fields);
        buf_append(raw, w->shape_columns + w->shape_starts[i], fields * sizeof fields);
    }
    varint_append(&s->footer, count);
    varint_append(&s->footer, w->shape_starts[count]);
    sink_raw(s, w, CHUNK_SHAPES, buf_as_slice(raw));
}

static void blocks_put(struct sink *s, const struct segment_writer *w)
{
    varint_append(&s->footer, w->block_count);
    for (uint32_t i = 0; i < w->block_count; i++) {
        const struct segment_block *b = &w->blocks[i];
        varint_append(&s->footer, b->row_count);
        varint_append(&s->footer, b->first_sequence);
        varint_append(&s->footer, b->last_sequence);
        signed_put(&s->footer, b->time_min_ns);
        signed_put(&s->footer, b->time_max_ns);
        sink_chunk(s, &w->row_chunks[i], true);
    }
}

static void column_chunks_put(struct sink *s, const struct chunk *chunks, uint32_t count)
{
    varint_append(&s->footer, count);
    for (uint32_t i = 0; i < count; i++) {
        sink_chunk(s, &chunks[i], true);
        varint_append(&s->footer, chunks[i].entry_count);
    }
}

static void column_put(struct sink *s, const struct segment_writer *w, const struct column *c)
{
    uint32_t mask = 0;
    for (uint32_t b = 0; b < w->block_count; b++)
        mask |= c->blocks[b].occurrence_count ? 1u << b : 0;
    text_put(&s->footer, c->name);
    buf_char(&s->footer, (char)c->flags);
    buf_char(&s->footer, (char)c->kind);
    varint_append(&s->footer, mask);
    varint_append(&s->footer, c->raw_bytes);
    column_chunks_put(s, c->parts, c->part_count);
    for (uint32_t b = 0; b < w->block_count; b++) {
        if (!(mask & 1u << b))
            continue;
        varint_append(&s->footer, c->blocks[b].occurrence_count);
        column_chunks_put(s, c->blocks[b].chunks, c->blocks[b].chunk_count);
    }
}

static void columns_put(struct sink *s, struct segment_writer *w)
{
    uint32_t block_rows[SEGMENT_BLOCKS_MAX];
    for (uint32_t i = 0; i < w->block_count; i++)
        block_rows[i] = w->blocks[i].row_count;
    varint_append(&s->footer, w->column_count);
    for (uint32_t i = 0; i < w->column_count; i++) {
        column_finish(&w->columns[i], &w->tools, block_rows, w->block_count);
        column_put(s, w, &w->columns[i]);
    }
}

/* Pieces of one size, one behind the other, so that a question reads one of them. */
static void bloom_put(struct sink *s, const struct value_index *x)
{
    struct bloom bloom;
    value_index_bloom(x, &bloom);
    varint_append(&s->footer, bloom.block_count);
    varint_append(&s->footer, chunk_aligned(s->offset) / CHUNK_ALIGN);
    for (uint32_t at = 0; at < bloom.block_count; at += SEGMENT_BLOOM_BLOCKS) {
        uint32_t blocks = bloom.block_count - at;
        blocks = blocks < SEGMENT_BLOOM_BLOCKS ? blocks : SEGMENT_BLOOM_BLOCKS;
        struct chunk chunk = chunk_plain(
            CHUNK_BLOOM, slice_make((const char *)(bloom.words + (size_t)at * BLOOM_BLOCK_WORDS),
                                    (size_t)blocks * BLOOM_BLOCK_BYTES));
        sink_chunk(s, &chunk, false);
        chunk_free(&chunk);
    }
    bloom_free(&bloom);
}

static void sights_put(struct sink *s, struct segment_writer *w)
{
    const struct value_index *x = w->tools.index;
    varint_append(&s->footer, SIGHT_KINDS);
    for (unsigned kind = 0; kind < SIGHT_KINDS; kind++) {
        struct slice bytes;
        uint32_t count;
        bool whole = value_index_sights(x, kind, &bytes, &count);
        varint_append(&s->footer, whole);
        varint_append(&s->footer, count);
        if (count == 0)
            continue;
        values_planes_pack(bytes.data, count, (uint32_t)(bytes.len / count), &w->tools.raw);
        sink_raw(s, w, CHUNK_SIGHTS, buf_as_slice(&w->tools.raw));
    }
}

static void intervals_put(struct buf *out, const struct segment_writer *w)
{
    varint_append(out, w->interval_count);
    for (uint32_t i = 0; i < w->interval_count; i++) {
        const struct segment_interval *v = &w->intervals[i];
        varint_append(out, v->number);
        varint_append(out, v->first_sequence);
        varint_append(out, v->last_sequence);
        varint_append(out, v->row_count);
        signed_put(out, v->minute_ns);
        buf_append(out, v->root.bytes, DIGEST_BYTES);
        buf_append(out, v->head.bytes, DIGEST_BYTES);
    }
}

static void trailer_put(struct sink *s, uint64_t footer_offset, uint32_t footer_bytes)
{
    uint8_t trailer[SEGMENT_TRAILER_BYTES] = {0};
    sink_flush(s);
    memcpy(trailer, &footer_offset, sizeof footer_offset);
    memcpy(trailer + 8, &footer_bytes, sizeof footer_bytes);
    struct digest digest = digester_end(s->digester);
    memcpy(trailer + 16, digest.bytes, sizeof digest.bytes);
    uint64_t sum = hash_bytes(trailer, 48, 0);
    memcpy(trailer + 48, &sum, sizeof sum);
    memcpy(trailer + 56, SEGMENT_END_MAGIC, 8);
    sink_add(s, trailer, sizeof trailer);
    sink_flush(s);
}

int segment_writer_end(struct segment_writer *w, struct disk *disk, const char *path,
                       struct err *err)
{
    struct sink s = {.err = err};
    if (w->row_count)
        segment_writer_end_block(w);
    if (w->about.row_count == 0)
        return err_set(err, ERR_USAGE, "%s: a segment without rows is not written.", path);
    int rc = disk_open(disk, &s.file, path, DISK_CREATE, err);
    if (rc)
        return rc;
    s.digester = digester_open();
    header_put(&s, w);
    about_put(&s.footer, w);
    contexts_put(&s, w);
    shapes_put(&s, w);
    blocks_put(&s, w);
    columns_put(&s, w);
    value_index_finish(w->tools.index);
    bloom_put(&s, w->tools.index);
    sights_put(&s, w);
    intervals_put(&s.footer, w);
    check(s.footer.len <= SEGMENT_FOOTER_BYTES_MAX);
    struct chunk footer = chunk_pack(w->tools.packer, CHUNK_FOOTER, buf_as_slice(&s.footer));
    sink_chunk(&s, &footer, false);
    uint32_t footer_bytes = CHUNK_HEAD_BYTES + footer.stored_bytes;
    trailer_put(&s, s.offset - footer_bytes, footer_bytes);
    chunk_free(&footer);
    rc = s.rc ? s.rc : disk_sync(s.file, err);
    disk_close(&s.file);
    digester_close(&s.digester);
    buf_free(&s.buffer);
    buf_free(&s.footer);
    return rc;
}
