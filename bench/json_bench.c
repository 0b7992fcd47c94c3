/* Speed of json_parse_record alone, and with record_text of every escaped value ("+ text"):
 * json_bench FILE.ndjson [rounds]. Prints two lines an engine.
 * Build: link with canh_formats; include folders as for src/. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "formats/json_record.h"

struct lines {
    struct slice *items;
    size_t count, capacity;
};

static void lines_find(struct lines *lines, struct slice text)
{
    while (text.len) {
        struct slice line = slice_cut(&text, '\n');
        if (line.len == 0)
            continue;
        if (lines->count == lines->capacity) {
            lines->capacity = lines->capacity ? lines->capacity * 2 : 1024;
            lines->items = mem_resize(lines->items, lines->capacity, sizeof(*lines->items));
        }
        lines->items[lines->count++] = line;
    }
}

static void engine_time(const struct json_engine *engine, const struct lines *lines,
                        uint64_t rounds, bool text)
{
    struct record record = {0};
    struct err err;
    uint64_t best = UINT64_MAX, fields = 0, refused = 0, bytes = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        fields = refused = bytes = 0;
        uint64_t start = clock_cpu_ns();
        for (size_t i = 0; i < lines->count; i++) {
            bytes += lines->items[i].len;
            refused += json_engine_parse(engine, &record, lines->items[i], &err) != ERR_OK;
            fields += record.count;
            for (uint32_t f = 0; text && f < record.count; f++)
                (void)record_text(&record, &record.fields[f]);
            record_reset(&record);
        }
        uint64_t took = clock_cpu_ns() - start;
        best = took < best ? took : best;
    }
    printf("%-10s%s %8.0f MB/s %10.0f events/s  %zu events, %" PRIu64 " fields, %" PRIu64
           " refused, %" PRIu64 " bytes\n",
           engine->name, text ? "+ text" : "      ", (double)bytes * 1e3 / (double)best,
           (double)lines->count * 1e9 / (double)best, lines->count, fields, refused, bytes);
    record_free(&record);
}

int main(int argc, char **argv)
{
    struct err err;
    struct buf text = {0};
    struct lines lines = {0};
    uint64_t rounds = 10;
    if (argc < 2 || (argc > 2 && !slice_to_u64(slice_from(argv[2]), &rounds)) ||
        io_read_file(&text, argv[1], (size_t)2 << 30, &err) != ERR_OK) {
        fprintf(stderr, "usage: json_bench FILE.ndjson [rounds]\n");
        return 2;
    }
    lines_find(&lines, buf_as_slice(&text));
    for (size_t i = 0; i < json_engine_count; i++)
        if (json_engines[i].usable())
            for (int text = 0; text < 2; text++)
                engine_time(&json_engines[i], &lines, rounds, text);
    mem_free(lines.items);
    buf_free(&text);
    return 0;
}
