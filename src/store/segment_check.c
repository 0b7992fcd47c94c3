/* Checking a segment: every chunk by itself, then that columns, shapes and rows fit one another,
 * then the whole file's SHA-256. */
#include <stdio.h>

#include "base/mem.h"
#include "store/segment_inside.h"

enum { CHECK_READ_BYTES = 1 << 20 };

struct checker {
    struct segment *segment;
    segment_problem *problem;
    void *context;
    int count;
    struct segment_rows rows;
    struct segment_ids ids;
    struct segment_values values;
};

/* Only what is wrong with the contents is a problem; an error of the disk ends the check. */
static int checker_note(struct checker *k, int rc, const struct err *err)
{
    if (rc == ERR_OK || rc == ERR_IO)
        return rc;
    k->problem(k->context, err->text);
    k->count++;
    return ERR_OK;
}

static int column_parts_check(struct checker *k, uint32_t column, const struct segment_refs *refs,
                              enum chunk_kind kind, struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; i < refs->count && rc == ERR_OK; i++) {
        const struct segment_refs one = {&refs->items[i], 1, refs->items[i].entries};
        int got = segment_read_entries(k->segment, column, &one, kind, SIZE_MAX, &k->values, err);
        for (uint32_t e = 0; got == ERR_OK && column == SEGMENT_REST && e < k->values.count; e++) {
            struct slice name, value;
            uint8_t flags;
            if (!segment_rest_split(segment_value(&k->values, e), &name, &flags, &value))
                got = segment_damaged(k->segment, err, "a value of field _rest has no name");
        }
        rc = checker_note(k, got, err);
    }
    return rc;
}

static int column_block_check(struct checker *k, uint32_t column, uint32_t block, struct err *err)
{
    struct segment *s = k->segment;
    const struct segment_column *c = &s->columns[column];
    const struct segment_column_refs *refs = &s->column_refs[column];
    int rc = ERR_OK;
    if (k->rows.count)
        rc = checker_note(k, segment_read_ids(s, column, block, &k->rows, &k->ids, err), err);
    if (rc == ERR_OK && c->kind == COLUMN_TEXT)
        rc = column_parts_check(k, column, &refs->blocks[block], CHUNK_TEXT, err);
    if (rc == ERR_OK && c->kind == COLUMN_NUMBER)
        rc = checker_note(k, segment_read_values(s, column, block, SIZE_MAX, &k->values, err), err);
    return rc;
}

static int columns_check(struct checker *k, struct err *err)
{
    struct segment *s = k->segment;
    int rc = ERR_OK;
    for (uint32_t c = 0; c < s->about.column_count && rc == ERR_OK; c++)
        rc = column_parts_check(k, c, &s->column_refs[c].parts, CHUNK_ENTRIES, err);
    for (uint32_t b = 0; b < s->about.block_count && rc == ERR_OK; b++) {
        rc = checker_note(k, segment_read_rows(s, b, &k->rows, err), err);
        for (uint32_t c = 0; c < s->about.column_count && rc == ERR_OK; c++)
            rc = column_block_check(k, c, b, err);
    }
    return rc;
}

static int index_check(struct checker *k, struct err *err)
{
    struct segment *s = k->segment;
    int rc = ERR_OK;
    for (uint32_t i = 0; i < segment_bloom_chunks(s) && rc == ERR_OK; i++) {
        struct segment_ref ref = segment_bloom_ref(s, i);
        rc =
            checker_note(k, segment_read_chunk(s, &ref, CHUNK_BLOOM, ref.bytes, &s->raw, err), err);
    }
    struct segment_sights sights = {0};
    for (unsigned kind = 0; kind < SIGHT_KINDS && rc == ERR_OK; kind++)
        if (s->sights_whole[kind])
            rc = checker_note(k, segment_read_sights(s, kind, &sights, err), err);
    segment_sights_free(&sights);
    return rc;
}

static int digest_check(struct checker *k, struct err *err)
{
    struct segment *s = k->segment;
    struct digester *d = digester_open();
    uint64_t at = 0, end = s->about.file_bytes - SEGMENT_TRAILER_BYTES;
    int rc = ERR_OK;
    buf_clear(&s->stored);
    buf_reserve(&s->stored, CHECK_READ_BYTES);
    while (at < end && rc == ERR_OK) {
        size_t len = end - at < CHECK_READ_BYTES ? (size_t)(end - at) : CHECK_READ_BYTES, got = 0;
        rc = disk_read(s->file, at, s->stored.data, len, &got, err);
        if (rc == ERR_OK && got == 0)
            rc = segment_damaged(s, err, "it ends early");
        if (rc == ERR_OK)
            digester_add(d, s->stored.data, got);
        at += got;
        s->bytes_read += got;
    }
    struct digest digest = digester_end(d);
    digester_close(&d);
    if (rc == ERR_OK && memcmp(digest.bytes, s->digest.bytes, DIGEST_BYTES) != 0)
        rc = segment_damaged(s, err, "its SHA-256 is not the one that its end tells");
    return checker_note(k, rc, err);
}

int segment_check(struct segment *s, segment_problem *problem, void *context, struct err *err)
{
    struct checker k = {.segment = s, .problem = problem, .context = context};
    struct err own = {0};
    err = err ? err : &own;
    int rc = columns_check(&k, err);
    rc = rc ? rc : index_check(&k, err);
    rc = rc ? rc : digest_check(&k, err);
    segment_rows_free(&k.rows);
    segment_ids_free(&k.ids);
    segment_values_free(&k.values);
    return rc ? rc : k.count;
}
