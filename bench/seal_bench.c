/* Speed and size of sealing alone: seal_bench FILE.ndjson FOLDER [rows [level]]. Parses the file's
 * lines (not timed), makes segments of at most that many rows of them and writes them into FOLDER
 * (removed again); prints CPU time by event, received and stored bytes, and the most memory that a
 * writer took.
 * Build: link with canh_store; include folders as for src/. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "formats/json.h"
#include "store/segment_writer.h"

enum { GROUP_ROWS = 1024 };

struct bench {
    struct disk *disk;
    struct segment_writer *writer;
    struct row_context context;
    struct record records[GROUP_ROWS];
    uint32_t count;
    int compression;
    uint64_t rows_max, events, took_ns, end_ns, stored_bytes, raw_bytes, sequence;
    uint32_t segments;
    size_t memory_bytes;
    bool keep;
};

static void segment_end(struct bench *b)
{
    struct err err = {0};
    struct segment *s;
    if (!b->writer)
        return;
    uint64_t start = clock_cpu_ns();
    if (segment_writer_end(b->writer, b->disk, "bench.segment", &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.text);
        return;
    }
    b->end_ns += clock_cpu_ns() - start;
    b->took_ns += clock_cpu_ns() - start;
    segment_writer_close(&b->writer);
    b->segments++;
    if (segment_open(&s, b->disk, "bench.segment", &err) == ERR_OK) {
        struct buf text = {0};
        b->stored_bytes += segment_about(s)->file_bytes;
        b->raw_bytes += segment_about(s)->raw_bytes;
        if (b->keep && segment_dump(s, false, &text, &err) == ERR_OK)
            (void)fwrite(text.data, 1, text.len, stdout);
        buf_free(&text);
        segment_close(&s);
    }
    if (!b->keep && disk_remove(b->disk, "bench.segment", &err) != ERR_OK)
        fprintf(stderr, "%s\n", err.text);
}

static void rows_seal(struct bench *b)
{
    struct row row = {.context = &b->context, .received_ns = 1700000000000000000ll};
    uint64_t start = clock_cpu_ns();
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->writer &&
            (segment_writer_full(b->writer) || segment_writer_rows(b->writer) >= b->rows_max)) {
            b->took_ns += clock_cpu_ns() - start;
            segment_end(b);
            start = clock_cpu_ns();
        }
        if (!b->writer) {
            struct segment_writer_options options = {.partition = b->context.partition,
                                                     .compression = b->compression};
            b->writer = segment_writer_open(&options);
        }
        row.record = &b->records[i];
        row.sequence = ++b->sequence;
        row.line = row.sequence;
        row.time_ns = row.received_ns + (int64_t)row.sequence * 1000000;
        segment_writer_add(b->writer, &row);
    }
    b->took_ns += clock_cpu_ns() - start;
    if (b->writer) {
        size_t memory = segment_writer_memory(b->writer);
        b->memory_bytes = memory > b->memory_bytes ? memory : b->memory_bytes;
    }
    b->events += b->count;
    for (uint32_t i = 0; i < b->count; i++)
        record_reset(&b->records[i]);
    b->count = 0;
}

int main(int argc, char **argv)
{
    static struct bench b = {.compression = 1, .rows_max = SEGMENT_ROWS_MAX};
    struct err err = {0};
    struct buf text = {0};
    uint64_t level = 1;
    if (argc < 3 || (argc > 3 && !slice_to_u64(slice_from(argv[3]), &b.rows_max)) ||
        (argc > 4 && !slice_to_u64(slice_from(argv[4]), &level)) ||
        io_read_file(&text, argv[1], (size_t)2 << 30, &err) != ERR_OK ||
        disk_open_folder(&b.disk, argv[2], &err) != ERR_OK) {
        fprintf(stderr, "usage: seal_bench FILE.ndjson FOLDER [rows [level]]\n%s\n", err.text);
        return 2;
    }
    b.compression = (int)level;
    b.keep = argc > 5;
    b.context = (struct row_context){.partition = SLICE("windows"), .source = SLICE("bench")};
    for (struct slice rest = buf_as_slice(&text); rest.len;) {
        struct slice line = slice_cut(&rest, '\n');
        struct record *r = &b.records[b.count];
        if (line.len == 0 || json_parse_record(r, line, &err) != ERR_OK)
            continue;
        for (uint32_t f = 0; f < r->count; f++)
            (void)record_text(r, &r->fields[f]);
        if (++b.count == GROUP_ROWS)
            rows_seal(&b);
    }
    rows_seal(&b);
    segment_end(&b);
    printf("%" PRIu64 " events in %u segments: %.0f events per CPU second (%.2f us each, %.2f of "
           "it at the end); %zu bytes received, %" PRIu64 " of values, %" PRIu64
           " stored (1/%.1f); writer %.1f MB\n",
           b.events, b.segments, (double)b.events * 1e9 / (double)b.took_ns,
           (double)b.took_ns / 1e3 / (double)b.events, (double)b.end_ns / 1e3 / (double)b.events,
           text.len, b.raw_bytes, b.stored_bytes, (double)text.len / (double)b.stored_bytes,
           (double)b.memory_bytes / 1e6);
    disk_close_folder(&b.disk);
    buf_free(&text);
    return 0;
}
