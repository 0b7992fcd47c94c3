/* Batches: what goes in comes out, limits leave the batch as it was, bytes are never trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zstd.h>

#include "base/mem.h"
#include "store/batch.h"
#include "store/journal.h"
#include "unit/store/rows_random.h"

static const struct row_context contexts[] = {
    {.partition = {"windows", 7},
     .source = {"dc", 2},
     .file = {"a.zip!b", 7},
     .mapping_version = 3},
    {.partition = {"windows", 7},
     .mapping = {"sysmon", 6},
     .mapping_set = 77,
     .configured = {"windows//sysmon", 15}},
    {.partition = {"_findings", 9},
     .flags = ROW_INTERNAL | ROW_DRILL,
     .product = {"windows", 7},
     .host = {"srv-web", 7},
     .sender = {"10.0.0.1", 8}},
};

/* The raw batch in a section. */
static struct slice unpack(struct slice section, struct buf *out)
{
    uint32_t flags, stored, raw;
    memcpy(&flags, section.data + 4, 4);
    memcpy(&stored, section.data + 8, 4);
    memcpy(&raw, section.data + 12, 4);
    assert_int_equal(section.len, stored + JOURNAL_SECTION_HEADER_BYTES);
    buf_clear(out);
    buf_reserve(out, raw);
    const char *bytes = section.data + JOURNAL_SECTION_HEADER_BYTES;
    if (flags & JOURNAL_SECTION_ZSTD)
        assert_int_equal(ZSTD_decompress(out->data, raw, bytes, stored), raw);
    else
        memcpy(out->data, bytes, raw);
    out->len = raw;
    return buf_as_slice(out);
}

static void fill(struct batch_writer *w, struct batch *out, uint64_t seed, uint32_t rows)
{
    struct rows_random random = {seed};
    struct record record = {0};
    struct err err;
    batch_begin(w, 5000, true);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t number, index;
        assert_int_equal(batch_context(w, &contexts[i % 3], &number, &err), ERR_OK);
        assert_int_equal(number, i % 3);
        random_record(&random, &record);
        int64_t time_ns = i % 5 == 0 ? CLOCK_NONE : (int64_t)i * 1000;
        assert_int_equal(batch_add(w, number, time_ns, i + 1, &record, &index, &err), ERR_OK);
        assert_int_equal(index, i);
    }
    batch_end(w, out);
    record_free(&record);
}

static void comes_back_whole(void **state)
{
    (void)state;
    struct batch_writer *w = batch_writer_open();
    struct batch batch = {0};
    struct batch_reader reader = {0};
    struct buf raw = {0}, scratch = {0};
    struct digester *digester = digester_open();
    struct record expected = {0};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint32_t rows = (uint32_t)seed * 5 % 97;
        fill(w, &batch, seed, rows);
        assert_int_equal(batch.row_count, rows);
        struct err err = {0};
        assert_int_equal(
            batch_reader_open(&reader, unpack(buf_as_slice(&batch.section), &raw), &err), ERR_OK);
        assert_int_equal(raw.len, batch.raw_bytes);
        reader.first_sequence = 100;
        struct rows_random random = {seed};
        struct row row;
        uint32_t i = 0;
        for (; batch_next(&reader, &row); i++) {
            random_record(&random, &expected);
            assert_true(records_equal(&expected, row.record));
            assert_int_equal(row.sequence, 100 + i);
            assert_int_equal(row.line, i + 1);
            assert_int_equal(row.received_ns, 5000);
            assert_true(row.time_ns == (i % 5 == 0 ? CLOCK_NONE : (int64_t)i * 1000));
            assert_true(row_context_equal(row.context, &contexts[i % 3]));
            struct digest digest = row_digest(&row, digester, &scratch);
            assert_memory_equal(&digest, &batch.digests[i], sizeof digest);
            assert_true(
                slice_equal(batch.partitions[batch.partition[i]], contexts[i % 3].partition));
        }
        assert_int_equal(i, rows);
        if (rows >= 3)
            assert_int_equal(batch.partition_count, 2);
    }
    record_free(&expected);
    digester_close(&digester);
    buf_free(&raw);
    buf_free(&scratch);
    batch_reader_free(&reader);
    batch_free(&batch);
    batch_writer_close(&w);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    struct batch_writer *w = batch_writer_open();
    struct batch batch = {0};
    struct batch_reader reader = {0};
    struct record record = {0};
    struct buf raw = {0};
    uint32_t number, index;
    batch_begin(w, 1, false);
    assert_int_equal(batch_context(w, &contexts[0], &number, NULL), ERR_OK);
    assert_int_equal(
        record_add(&record, SLICE("p"), SLICE("a\\nb\\u0041"), VALUE_STRING, FIELD_ESCAPED, NULL),
        ERR_OK);
    assert_int_equal(batch_add(w, number, 1, 0, &record, &index, NULL), ERR_OK);
    batch_end(w, &batch);
    assert_null(batch.digests);
    assert_int_equal(batch_reader_open(&reader, unpack(buf_as_slice(&batch.section), &raw), NULL),
                     ERR_OK);
    struct row row;
    assert_true(batch_next(&reader, &row));
    assert_true(slice_equal(row.record->fields[0].value, SLICE("a\nbA")));
    assert_int_equal(row.record->fields[0].flags, 0);
    record_free(&record);
    buf_free(&raw);
    batch_reader_free(&reader);
    batch_free(&batch);
    batch_writer_close(&w);
}

/* Names that all have one hash: the batch neither grows slow nor loses one. */
static void colliding_names_are_kept(void **state)
{
    (void)state;
    enum { NAMES = 2000 };
    struct batch_writer *w = batch_writer_open();
    struct batch batch = {0};
    struct batch_reader reader = {0};
    struct record record = {0};
    struct buf raw = {0};
    uint32_t number, index;
    batch_begin(w, 1, false);
    assert_int_equal(batch_context(w, &contexts[0], &number, NULL), ERR_OK);
    for (int i = 0; i < NAMES; i++)
        assert_int_equal(record_add(&record,
                                    arena_printf(&record.arena, "abcdefgh%04dabcdefgh", i / 2),
                                    SLICE("v"), VALUE_STRING, 0, NULL),
                         ERR_OK);
    assert_int_equal(record.fields[0].name_hash, record.fields[NAMES - 1].name_hash);
    assert_int_equal(batch_add(w, number, 1, 0, &record, &index, NULL), ERR_OK);
    batch_end(w, &batch);
    assert_int_equal(batch_reader_open(&reader, unpack(buf_as_slice(&batch.section), &raw), NULL),
                     ERR_OK);
    struct row row;
    assert_true(batch_next(&reader, &row));
    assert_true(records_equal(&record, row.record));
    assert_true(reader.name_count > NAMES / 2); /* it gave up looking, and wrote some again */
    record_free(&record);
    buf_free(&raw);
    batch_reader_free(&reader);
    batch_free(&batch);
    batch_writer_close(&w);
}

static void full_batch_stays_as_it_was(void **state)
{
    (void)state;
    struct batch_writer *w = batch_writer_open();
    struct batch batch = {0};
    struct batch_reader reader = {0};
    struct record record = {0};
    struct buf raw = {0};
    struct err err;
    uint32_t number, index, added = 0;
    size_t len = (size_t)15 << 20;
    char *large = mem_zeroed(1, len);
    batch_begin(w, 1, false);
    assert_int_equal(batch_context(w, &contexts[0], &number, NULL), ERR_OK);
    int rc;
    for (;;) {
        record_reset(&record);
        assert_int_equal(record_add(&record, arena_printf(&record.arena, "name%u", added),
                                    slice_make(large, len), VALUE_STRING, 0, NULL),
                         ERR_OK);
        size_t before = batch_bytes(w);
        rc = batch_add(w, number, 1, 0, &record, &index, &err);
        if (rc) {
            assert_int_equal(batch_bytes(w), before);
            break;
        }
        added++;
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_int_equal(added, 4);
    assert_int_equal(batch_rows(w), 4);
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            record_add(&record, SLICE("n"), slice_make(large, len), VALUE_STRING, 0, NULL), ERR_OK);
    assert_int_equal(batch_add(w, number, 1, 0, &record, &index, &err), ERR_UNSUPPORTED);
    batch_end(w, &batch);
    assert_true(batch.section.len < 1 << 20);
    assert_int_equal(batch_reader_open(&reader, unpack(buf_as_slice(&batch.section), &raw), NULL),
                     ERR_OK);
    assert_int_equal(reader.name_count, 4);
    assert_int_equal(reader.row_count, 4);
    mem_free(large);
    record_free(&record);
    buf_free(&raw);
    batch_reader_free(&reader);
    batch_free(&batch);
    batch_writer_close(&w);
}

static void names_that_do_not_fit_are_taken_back(void **state)
{
    (void)state;
    struct batch_writer *w = batch_writer_open();
    struct record record = {0};
    struct err err;
    uint32_t number, index;
    batch_begin(w, 1, false);
    assert_int_equal(batch_context(w, &contexts[0], &number, NULL), ERR_OK);
    struct rows_random random = {7};
    for (int i = 0; i < RECORD_FIELDS_MAX; i++)
        assert_int_equal(record_add(&record,
                                    random_text(&random, &record.arena, RECORD_NAME_BYTES_MAX),
                                    SLICE(""), VALUE_NULL, 0, NULL),
                         ERR_OK);
    size_t before = batch_bytes(w);
    assert_int_equal(batch_add(w, number, 1, 0, &record, &index, &err), ERR_UNSUPPORTED);
    assert_int_equal(batch_bytes(w), before);
    record.count = 10;
    assert_int_equal(batch_add(w, number, 1, 0, &record, &index, &err), ERR_OK);
    record.count = RECORD_FIELDS_MAX;
    before = batch_bytes(w);
    assert_int_equal(batch_add(w, number, 1, 0, &record, &index, &err), ERR_LIMIT);
    assert_int_equal(batch_bytes(w), before);
    record_free(&record);
    batch_writer_close(&w);
}

static void refuses_bad_contexts(void **state)
{
    (void)state;
    struct batch_writer *w = batch_writer_open();
    struct err err;
    uint32_t number;
    batch_begin(w, 1, false);
    struct row_context c = {.partition = SLICE("Windows")};
    assert_int_equal(batch_context(w, &c, &number, &err), ERR_USAGE);
    char *text = mem_zeroed(1, ROW_TEXT_BYTES_MAX + 1);
    memset(text, 'x', ROW_TEXT_BYTES_MAX + 1);
    c = (struct row_context){.partition = SLICE("w"), .unit = {text, ROW_TEXT_BYTES_MAX + 1}};
    assert_int_equal(batch_context(w, &c, &number, &err), ERR_USAGE);
    c.unit.len--;
    assert_int_equal(batch_context(w, &c, &number, &err), ERR_OK);
    mem_free(text);
    batch_writer_close(&w);
}

/* Any byte wrong, any length cut: an error or rows within bounds, never a crash. */
static void never_trusts_bytes(void **state)
{
    (void)state;
    struct batch_writer *w = batch_writer_open();
    struct batch batch = {0};
    struct batch_reader reader = {0};
    struct buf raw = {0};
    struct row row;
    fill(w, &batch, 3, 6);
    (void)unpack(buf_as_slice(&batch.section), &raw);
    size_t shown = raw.len < 4000 ? raw.len : 4000;
    for (size_t cut = 0; cut < shown; cut++) {
        char *copy = malloc(cut ? cut : 1); /* exact, so that a sanitizer sees the end */
        memcpy(copy, raw.data, cut);
        assert_int_equal(batch_reader_open(&reader, slice_make(copy, cut), NULL), ERR_DAMAGED);
        assert_false(batch_next(&reader, &row));
        free(copy);
    }
    size_t good = 0;
    for (size_t at = 0; at < shown; at++) {
        raw.data[at] ^= 0x41;
        if (batch_reader_open(&reader, buf_as_slice(&raw), NULL) == ERR_OK) {
            good++;
            while (batch_next(&reader, &row))
                assert_true(row.record->count <= RECORD_FIELDS_MAX &&
                            row.context->partition.len <= ROW_NAME_BYTES_MAX &&
                            row.context_number < reader.context_count);
        }
        raw.data[at] ^= 0x41;
    }
    assert_true(good > 0 && good < shown);
    buf_free(&raw);
    batch_reader_free(&reader);
    batch_free(&batch);
    batch_writer_close(&w);
}

static void canonical_text(void **state)
{
    (void)state;
    struct record record = {0};
    struct buf text = {0};
    assert_int_equal(
        record_add(&record, SLICE("CommandLine"), SLICE("whoami"), VALUE_STRING, 0, NULL), ERR_OK);
    assert_int_equal(record_add(&record, SLICE("a.b"), SLICE("1e3"), VALUE_NUMBER,
                                FIELD_NESTED | FIELD_DERIVED, NULL),
                     ERR_OK);
    assert_int_equal(record_add(&record, SLICE("n"), SLICE(""), VALUE_NULL, 0, NULL), ERR_OK);
    struct row row = {.time_ns = CLOCK_NONE,
                      .received_ns = 1500000000,
                      .line = 1234567,
                      .context = &contexts[0],
                      .record = &record};
    row_canonical(&row, &text);
    assert_string_equal(buf_text(&text), "canh-event 1\ntime -\nreceived 1970-01-01T00:00:01.5Z\n"
                                         "line 1234567\nflags 0\npartition 7=windows\nsource 2=dc\n"
                                         "file 7=a.zip!b\nmapping_version 3\nfields 3\n"
                                         "s 11 6 CommandLine=whoami\nn.+ 3 3 a.b=1e3\n0 1 0 n=\n");
    /* what version 1 could not say: the first line announces it */
    struct row_context about = contexts[0];
    about.host = SLICE("srv\nsender 1=x");
    about.sender = SLICE("token:7");
    row.context = &about;
    buf_clear(&text);
    row_canonical(&row, &text);
    assert_true(slice_starts(buf_as_slice(&text), SLICE("canh-event 2\ntime -\n")));
    assert_int_not_equal(slice_find(buf_as_slice(&text), SLICE("\nfile 7=a.zip!b\nhost 14=srv\n"
                                                               "sender 1=x\nsender 7=token:7\n"
                                                               "mapping_version 3\n")),
                         SLICE_NONE);
    about = contexts[0];
    about.flags = ROW_HISTORICAL | ROW_DRILL;
    buf_clear(&text);
    row_canonical(&row, &text);
    assert_true(slice_starts(buf_as_slice(&text), SLICE("canh-event 2\n")));
    assert_int_not_equal(slice_find(buf_as_slice(&text), SLICE("\nflags 5\n")), SLICE_NONE);
    record_free(&record);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_whole),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(colliding_names_are_kept),
        cmocka_unit_test(full_batch_stays_as_it_was),
        cmocka_unit_test(names_that_do_not_fit_are_taken_back),
        cmocka_unit_test(refuses_bad_contexts),
        cmocka_unit_test(never_trusts_bytes),
        cmocka_unit_test(canonical_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
