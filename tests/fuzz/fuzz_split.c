/* Splitters: the same spans and refusals in whatever blocks the bytes come, counted rightly at any
 * time; every span lies in its
 * block or arena; the last block is used up. First byte: format; second: block size. */
#include <stdlib.h>

#include "base/mem.h"
#include "formats/split.h"

static void require(bool good)
{
    if (!good)
        abort();
}

struct outcome {
    struct buf text;
    uint64_t refused;
};

static void run(struct outcome *out, const struct format *format, struct slice text, size_t step)
{
    struct split *s = split_open(format);
    struct span_list spans = {0};
    struct arena arena = {0};
    struct buf waiting = {0};
    size_t at = 0;
    bool last = false;
    uint64_t received = 0;
    while (!last) {
        size_t more = text.len - at < step ? text.len - at : step, used;
        buf_append(&waiting, text.data + at, more);
        at += more;
        last = at == text.len;
        char *block = mem_alloc(waiting.len);
        if (waiting.len > 0)
            memcpy(block, waiting.data, waiting.len);
        split_feed(s, slice_make(block, waiting.len), last, &arena, &spans, &used);
        require(used <= waiting.len && (!last || used == waiting.len));
        for (size_t i = 0; i < spans.count; i++) {
            struct span *span = &spans.spans[i];
            require(span->text.len > 0 && span->line > 0);
            received += 1 + span->joined;
            buf_printf(&out->text, "%llu:", (unsigned long long)span->line);
            buf_slice(&out->text, span->text);
            buf_printf(&out->text, "(%u)\n", span->header ? span->header->column_count : 0);
        }
        require(split_count(s) == received + split_refused_count(s));
        spans.count = 0;
        memmove(waiting.data, waiting.data + used, waiting.len - used);
        waiting.len -= used;
        mem_free(block);
    }
    out->refused = split_refused_count(s);
    split_close(&s);
    span_list_free(&spans);
    arena_free(&arena);
    buf_free(&waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 1 << 16)
        return 0;
    const struct format *format = &format_table[data[0] % format_count];
    if (format->split == SPLIT_EVTX)
        return 0;
    struct slice text = {(const char *)data + 2, size - 2};
    struct outcome whole = {0}, parts = {0};
    run(&whole, format, text, size);
    run(&parts, format, text, (size_t)data[1] % 61 + 1);
    require(slice_equal(buf_as_slice(&whole.text), buf_as_slice(&parts.text)));
    require(whole.refused == parts.refused);
    buf_free(&whole.text);
    buf_free(&parts.text);
    return 0;
}
