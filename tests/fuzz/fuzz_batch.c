/* Batches from hostile bytes: no crash, and what reads is written so that it reads back. */
#include <stdlib.h>

#include <zstd.h>

#include "store/batch.h"
#include "store/journal.h"

static void same_rows(struct batch_reader *reader, struct slice again)
{
    struct batch_reader other = {0};
    struct buf x = {0}, y = {0};
    struct row row, copy;
    if (batch_reader_open(&other, again, NULL))
        abort();
    while (batch_next(reader, &row)) {
        if (!batch_next(&other, &copy))
            abort();
        buf_clear(&x);
        buf_clear(&y);
        row_canonical(&row, &x);
        row_canonical(&copy, &y);
        if (!slice_equal(buf_as_slice(&x), buf_as_slice(&y)))
            abort();
    }
    if (batch_next(&other, &copy))
        abort();
    buf_free(&x);
    buf_free(&y);
    batch_reader_free(&other);
}

static void write_again(struct batch_reader *reader, struct slice text)
{
    struct batch_writer *w = batch_writer_open();
    struct batch batch = {0};
    struct row row;
    batch_begin(w, reader->received_ns, false);
    while (batch_next(reader, &row)) {
        uint32_t context, index;
        if (batch_context(w, row.context, &context, NULL) ||
            batch_add(w, context, row.time_ns, row.line, row.record, &index, NULL))
            abort();
    }
    batch_end(w, &batch);
    struct buf raw = {0};
    buf_reserve(&raw, batch.raw_bytes);
    const char *stored = batch.section.data + JOURNAL_SECTION_HEADER_BYTES;
    size_t stored_bytes = batch.section.len - JOURNAL_SECTION_HEADER_BYTES;
    if (stored_bytes == batch.raw_bytes)
        memcpy(raw.data, stored, stored_bytes);
    else if (ZSTD_decompress(raw.data, batch.raw_bytes, stored, stored_bytes) != batch.raw_bytes)
        abort();
    raw.len = batch.raw_bytes;
    if (batch_reader_open(reader, text, NULL))
        abort();
    same_rows(reader, buf_as_slice(&raw));
    buf_free(&raw);
    batch_free(&batch);
    batch_writer_close(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct batch_reader reader = {0};
    struct slice text = slice_make((const char *)data, size);
    if (batch_reader_open(&reader, text, NULL) == ERR_OK)
        write_again(&reader, text);
    batch_reader_free(&reader);
    return 0;
}
