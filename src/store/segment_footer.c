/* The footer of a segment into memory: every number in it is checked before it is used. */
#include "base/mem.h"
#include "store/segment_inside.h"
#include "store/value_index.h"
#include "store/values.h"
#include "store/varint.h"

static struct slice text_next(struct varint_walk *w, size_t max_bytes)
{
    size_t len = (size_t)varint_next_max(w, max_bytes);
    return varint_next_bytes(w, len);
}

/* A chunk lies between the header and the footer. */
static struct segment_ref ref_next(const struct segment *s, struct varint_walk *w)
{
    uint64_t limit = s->footer_offset;
    struct segment_ref ref = {.offset = varint_next_max(w, limit / CHUNK_ALIGN) * CHUNK_ALIGN};
    ref.bytes = (uint32_t)varint_next_max(w, UINT32_MAX);
    if (ref.offset < SEGMENT_HEADER_BYTES || ref.bytes < CHUNK_HEAD_BYTES ||
        ref.bytes > CHUNK_HEAD_BYTES + CHUNK_BYTES_MAX || ref.offset > limit ||
        ref.bytes > limit - ref.offset)
        w->failed = true;
    return ref;
}

static void about_parse(struct segment *s, struct varint_walk *w)
{
    struct segment_about *a = &s->about;
    a->partition = arena_copy(&s->arena, text_next(w, ROW_NAME_BYTES_MAX));
    a->first_sequence = varint_next(w);
    a->last_sequence = varint_next(w);
    a->row_count = varint_next_max(w, SEGMENT_ROWS_MAX);
    a->time_min_ns = varint_next_signed(w);
    a->time_max_ns = varint_next_signed(w);
    a->received_min_ns = varint_next_signed(w);
    a->received_max_ns = varint_next_signed(w);
    a->raw_bytes = varint_next(w);
    a->seal_after = varint_next(w);
    a->seal_through = varint_next(w);
    a->generation = (uint32_t)varint_next_max(w, UINT32_MAX);
    a->input_count = (uint32_t)varint_next_max(w, SEGMENT_INPUTS_MAX);
    s->inputs = arena_zeroed(&s->arena, a->input_count + 1, sizeof *s->inputs);
    for (uint32_t i = 0; i < a->input_count; i++)
        s->inputs[i] = arena_copy(&s->arena, text_next(w, ROW_TEXT_BYTES_MAX));
    if (!row_partition_name_ok(a->partition) || a->row_count == 0 ||
        a->last_sequence - a->first_sequence < a->row_count - 1 ||
        a->last_sequence < a->first_sequence)
        w->failed = true;
    a->context_count = (uint32_t)varint_next_max(w, ROW_CONTEXTS_MAX);
    s->context_ref = ref_next(s, w);
    a->shape_count = (uint32_t)varint_next_max(w, SEGMENT_SHAPES_MAX);
    s->shape_field_count = (uint32_t)varint_next_max(w, SEGMENT_SHAPE_FIELDS_MAX);
    s->shape_ref = ref_next(s, w);
}

static void blocks_parse(struct segment *s, struct varint_walk *w)
{
    uint64_t rows = 0, before = s->about.first_sequence;
    s->about.block_count = (uint32_t)varint_next_max(w, SEGMENT_BLOCKS_MAX);
    for (uint32_t i = 0; i < s->about.block_count; i++) {
        struct segment_block *b = &s->blocks[i];
        b->first_row = (uint32_t)rows;
        b->row_count = (uint32_t)varint_next_max(w, SEGMENT_BLOCK_ROWS);
        b->first_sequence = varint_next(w);
        b->last_sequence = varint_next(w);
        b->time_min_ns = varint_next_signed(w);
        b->time_max_ns = varint_next_signed(w);
        s->row_refs[i] = ref_next(s, w);
        if (b->row_count == 0 || b->first_sequence < before || b->last_sequence < b->first_sequence)
            w->failed = true;
        before = b->last_sequence;
        rows += b->row_count;
    }
    if (rows != s->about.row_count)
        w->failed = true;
}

static struct segment_refs refs_parse(struct segment *s, struct varint_walk *w,
                                      uint64_t entries_max)
{
    struct segment_refs refs = {.items = s->refs + s->ref_count};
    refs.count = (uint32_t)varint_next_max(w, SEGMENT_CHUNKS_MAX - s->ref_count);
    uint64_t entries = 0;
    for (uint32_t i = 0; i < refs.count && !w->failed; i++) {
        struct segment_ref *ref = &s->refs[s->ref_count++];
        *ref = ref_next(s, w);
        ref->entries = (uint32_t)varint_next_max(w, VALUES_PER_CHUNK_MAX);
        entries += ref->entries;
    }
    if (entries > entries_max)
        w->failed = true;
    refs.entries = (uint32_t)entries;
    return refs;
}

/* What each kind of column has and has not. */
static bool column_fits(const struct segment *s, const struct segment_column *c,
                        const struct segment_column_refs *refs)
{
    bool by_entry = c->kind == COLUMN_CONSTANT || c->kind == COLUMN_DICTIONARY;
    if (!by_entry && refs->parts.count)
        return false;
    if (c->kind == COLUMN_CONSTANT && refs->parts.entries != 1)
        return false;
    for (uint32_t b = 0; b < s->about.block_count; b++) {
        const struct segment_refs *r = &refs->blocks[b];
        uint32_t occurrences = refs->occurrences[b];
        if (c->kind == COLUMN_CONSTANT) {
            if (r->count || occurrences != s->blocks[b].row_count)
                return false;
        } else if (r->entries != occurrences ||
                   (c->kind != COLUMN_TEXT && r->count != (occurrences ? 1 : 0))) {
            return false;
        }
    }
    return true;
}

static void column_parse(struct segment *s, struct varint_walk *w, uint32_t number)
{
    struct segment_column *c = &s->columns[number];
    struct segment_column_refs *refs = &s->column_refs[number];
    c->name = arena_copy(&s->arena, text_next(w, RECORD_NAME_BYTES_MAX));
    c->flags = (uint8_t)varint_next_max(w, FIELD_NESTED | FIELD_DERIVED);
    c->kind = (enum segment_column_kind)varint_next_max(w, COLUMN_NUMBER);
    c->block_mask = (uint16_t)varint_next_max(w, (1u << s->about.block_count) - 1);
    c->raw_bytes = varint_next(w);
    refs->parts = refs_parse(s, w, UINT32_MAX);
    c->entry_count = refs->parts.entries;
    uint64_t occurrences = 0;
    for (uint32_t b = 0; b < s->about.block_count && !w->failed; b++) {
        if (!(c->block_mask & 1u << b))
            continue;
        refs->occurrences[b] = (uint32_t)varint_next_max(w, SEGMENT_BLOCK_FIELDS_MAX);
        refs->blocks[b] = refs_parse(s, w, SEGMENT_BLOCK_FIELDS_MAX);
        occurrences += refs->occurrences[b];
        if (refs->occurrences[b] == 0)
            w->failed = true;
    }
    c->occurrence_count = (uint32_t)occurrences;
    if (w->failed)
        return;
    for (uint32_t i = 0; i < refs->parts.count; i++)
        c->stored_bytes += refs->parts.items[i].bytes;
    for (uint32_t b = 0; b < s->about.block_count; b++)
        for (uint32_t i = 0; i < refs->blocks[b].count; i++)
            c->stored_bytes += refs->blocks[b].items[i].bytes;
    if (!column_fits(s, c, refs))
        w->failed = true;
}

static void columns_parse(struct segment *s, struct varint_walk *w)
{
    uint32_t count = (uint32_t)varint_next_max(w, SEGMENT_COLUMNS_MAX);
    s->about.column_count = count;
    if (count == 0)
        w->failed = true;                       /* `_rest` is always there */
    size_t refs = (size_t)(w->end - w->at) / 3; /* each takes three bytes at least */
    refs = refs < SEGMENT_CHUNKS_MAX ? refs : SEGMENT_CHUNKS_MAX;
    s->refs = arena_zeroed(&s->arena, refs + 1, sizeof *s->refs);
    s->columns = arena_zeroed(&s->arena, count + 1, sizeof *s->columns);
    s->column_refs = arena_zeroed(&s->arena, count + 1, sizeof *s->column_refs);
    for (uint32_t i = 0; i < count && !w->failed; i++)
        column_parse(s, w, i);
}

static void bloom_parse(struct segment *s, struct varint_walk *w)
{
    s->bloom_block_count = (uint32_t)varint_next_max(w, BLOOM_BLOCKS_MAX);
    s->bloom_offset = varint_next_max(w, s->footer_offset / CHUNK_ALIGN) * CHUNK_ALIGN;
    uint32_t chunks = segment_bloom_chunks(s);
    if (chunks == 0 || w->failed) {
        w->failed = true;
        return;
    }
    struct segment_ref last = segment_bloom_ref(s, chunks - 1);
    if (s->bloom_offset < SEGMENT_HEADER_BYTES || last.offset + last.bytes > s->footer_offset)
        w->failed = true;
}

static void sights_parse(struct segment *s, struct varint_walk *w)
{
    uint32_t kinds = (uint32_t)varint_next_max(w, SIGHT_KINDS);
    for (uint32_t i = 0; i < kinds && !w->failed; i++) {
        s->sights_whole[i] = varint_next_max(w, 1) == 1;
        uint32_t count = (uint32_t)varint_next_max(w, VALUE_INDEX_SIGHTS_MAX);
        if (count)
            s->sight_refs[i] = ref_next(s, w);
        s->sight_refs[i].entries = count;
    }
}

static void intervals_parse(struct segment *s, struct varint_walk *w)
{
    size_t left = (size_t)(w->end - w->at);
    size_t most = left / (2 * DIGEST_BYTES);
    uint32_t count =
        (uint32_t)varint_next_max(w, most < SEGMENT_INTERVALS_MAX ? most : SEGMENT_INTERVALS_MAX);
    s->about.interval_count = count;
    s->intervals = arena_zeroed(&s->arena, count + 1, sizeof *s->intervals);
    for (uint32_t i = 0; i < count && !w->failed; i++) {
        struct segment_interval *v = &s->intervals[i];
        v->number = varint_next(w);
        v->first_sequence = varint_next(w);
        v->last_sequence = varint_next(w);
        v->row_count = varint_next(w);
        v->minute_ns = varint_next_signed(w);
        struct slice digests = varint_next_bytes(w, 2 * (size_t)DIGEST_BYTES);
        if (w->failed)
            return;
        memcpy(v->root.bytes, digests.data, DIGEST_BYTES);
        memcpy(v->head.bytes, digests.data + DIGEST_BYTES, DIGEST_BYTES);
    }
}

int segment_parse_footer(struct segment *s, struct slice raw, struct err *err)
{
    struct varint_walk w = varint_walk_make(raw);
    about_parse(s, &w);
    blocks_parse(s, &w);
    if (!w.failed)
        columns_parse(s, &w);
    if (!w.failed)
        bloom_parse(s, &w);
    if (!w.failed)
        sights_parse(s, &w);
    if (!w.failed)
        intervals_parse(s, &w);
    if (w.failed || w.at != w.end)
        return segment_damaged(s, err, "what its footer says does not fit together");
    return ERR_OK;
}
