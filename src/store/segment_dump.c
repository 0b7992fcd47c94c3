/* A segment as text, for people. */
#include <inttypes.h>

#include "base/text.h"
#include "store/segment_inside.h"

enum { DUMP_CURSOR_BYTES = 16 << 20 };

static void time_print(struct buf *out, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns == CLOCK_NONE)
        buf_char(out, '-');
    else
        buf_append(out, text, clock_text(text, time_ns));
}

static void times_print(struct buf *out, const char *name, int64_t from, int64_t to)
{
    buf_printf(out, "%s ", name);
    time_print(out, from);
    buf_char(out, ' ');
    time_print(out, to);
    buf_char(out, '\n');
}

static void slice_print(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f || c == '\\')
            buf_printf(out, "\\x%02x", c);
        else
            buf_char(out, (char)c);
    }
}

static void about_print(const struct segment *s, struct buf *out)
{
    const struct segment_about *a = &s->about;
    buf_printf(out, "segment %s\nversion %u\nstore ", s->path, s->version);
    text_hex(out, slice_make((const char *)s->uuid, sizeof s->uuid));
    buf_printf(out, "\npartition %.*s\n", (int)a->partition.len, a->partition.data);
    buf_printf(out, "sequence %" PRIu64 " %" PRIu64 "\nrows %" PRIu64 "\n", a->first_sequence,
               a->last_sequence, a->row_count);
    times_print(out, "time", a->time_min_ns, a->time_max_ns);
    times_print(out, "received", a->received_min_ns, a->received_max_ns);
    buf_printf(out, "seal %" PRIu64 " %" PRIu64 "\ngeneration %u\n", a->seal_after, a->seal_through,
               a->generation);
    for (uint32_t i = 0; i < a->input_count; i++)
        buf_printf(out, "input %.*s\n", (int)s->inputs[i].len, s->inputs[i].data);
    buf_printf(out, "bytes %" PRIu64 " of values, %" PRIu64 " in the file\n", a->raw_bytes,
               a->file_bytes);
    buf_printf(out, "contexts %u, %u bytes\n", a->context_count, s->context_ref.bytes);
    buf_printf(out, "shapes %u of %u fields, %u bytes\n", a->shape_count, s->shape_field_count,
               s->shape_ref.bytes);
    buf_printf(out, "bloom %u blocks, %u bytes\n", s->bloom_block_count,
               s->bloom_block_count * BLOOM_BLOCK_BYTES);
    for (unsigned i = 0; i < SIGHT_KINDS; i++)
        buf_printf(out, "indicators of kind %u: %u%s, %u bytes\n", i, s->sight_refs[i].entries,
                   s->sights_whole[i] ? "" : " (left out)", s->sight_refs[i].bytes);
    text_hex(out, slice_make((const char *)s->digest.bytes, DIGEST_BYTES));
    buf_string(out, " SHA-256\n");
}

static void columns_print(const struct segment *s, struct buf *out)
{
    static const char *const kinds[] = {"constant", "dictionary", "text", "numbers"};
    for (uint32_t i = 0; i < s->about.column_count; i++) {
        const struct segment_column *c = &s->columns[i];
        buf_printf(out,
                   "column %u %s%s%s blocks %04x occurrences %u entries %u bytes %" PRIu64
                   " stored %" PRIu64 " name ",
                   i, kinds[c->kind], c->flags & FIELD_NESTED ? " nested" : "",
                   c->flags & FIELD_DERIVED ? " derived" : "", c->block_mask, c->occurrence_count,
                   c->entry_count, c->raw_bytes, c->stored_bytes);
        slice_print(out, c->name);
        buf_char(out, '\n');
    }
}

static void structure_print(const struct segment *s, struct buf *out)
{
    for (uint32_t i = 0; i < s->about.context_count; i++) {
        struct row_context *c = &s->contexts[i];
        struct slice *texts[ROW_CONTEXT_TEXTS];
        row_context_texts(c, texts);
        buf_printf(out, "context %u flags %u version %u set %016" PRIx64, i, c->flags,
                   c->mapping_version, c->mapping_set);
        for (size_t t = 1; t < ROW_CONTEXT_TEXTS; t++) { /* the partition stands above */
            buf_string(out, " \"");
            slice_print(out, *texts[t]);
            buf_char(out, '"');
        }
        buf_char(out, '\n');
    }
    for (uint32_t i = 0; i < s->about.block_count; i++) {
        const struct segment_block *b = &s->blocks[i];
        buf_printf(out, "block %u rows %u sequence %" PRIu64 " %" PRIu64 " bytes %u", i,
                   b->row_count, b->first_sequence, b->last_sequence, s->row_refs[i].bytes);
        times_print(out, "", b->time_min_ns, b->time_max_ns);
    }
    columns_print(s, out);
    for (uint32_t i = 0; i < s->about.interval_count; i++) {
        const struct segment_interval *v = &s->intervals[i];
        buf_printf(out, "interval %" PRIu64 " sequence %" PRIu64 " %" PRIu64 " rows %" PRIu64 " ",
                   v->number, v->first_sequence, v->last_sequence, v->row_count);
        time_print(out, v->minute_ns);
        buf_char(out, ' ');
        text_hex(out, slice_make((const char *)v->root.bytes, DIGEST_BYTES));
        buf_char(out, ' ');
        text_hex(out, slice_make((const char *)v->head.bytes, DIGEST_BYTES));
        buf_char(out, '\n');
    }
}

static int rows_print(struct segment *s, uint32_t block, struct buf *out, struct err *err)
{
    struct segment_cursor *cursor;
    int rc = segment_cursor_open(&cursor, s, block, NULL, DUMP_CURSOR_BYTES, err);
    for (uint32_t i = 0; rc == ERR_OK && i < s->blocks[block].row_count; i++) {
        struct row row;
        int lost = segment_cursor_row(cursor, i, &row, err);
        if (lost && lost != ERR_DAMAGED && lost != ERR_LIMIT)
            rc = lost;
        buf_printf(out, "row %" PRIu64 "%s\n", row.sequence, lost ? ": values are lost" : "");
        row_canonical(&row, out);
    }
    segment_cursor_close(&cursor);
    return rc;
}

int segment_dump(struct segment *s, bool rows, struct buf *out, struct err *err)
{
    int rc = ERR_OK;
    about_print(s, out);
    structure_print(s, out);
    for (uint32_t b = 0; rows && b < s->about.block_count && rc == ERR_OK; b++) {
        rc = rows_print(s, b, out, err);
        if (rc == ERR_DAMAGED || rc == ERR_LIMIT) {
            buf_printf(out, "block %u: %s\n", b, err ? err->text : "its rows are lost");
            rc = ERR_OK;
        }
    }
    return rc;
}
