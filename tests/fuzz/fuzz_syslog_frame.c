/* Messages of a syslog connection: the same ones in whatever blocks the bytes come, all of a span's
 * bytes out of the block, nothing over the limit, never a wait that no block could end. First byte:
 * limit; second: block size. */
#include <stdlib.h>

#include "base/mem.h"
#include "formats/syslog_frame.h"

static void require(bool good)
{
    if (!good)
        abort();
}

static struct syslog_frame run(struct buf *out, struct slice text, size_t max_bytes, size_t step)
{
    struct syslog_frame f = syslog_frame_start(max_bytes);
    struct span_list spans = {0};
    struct buf waiting = {0};
    size_t at = 0, used;
    bool last = false;
    uint64_t count = 0;
    while (!last) {
        size_t more = text.len - at < step ? text.len - at : step;
        buf_append(&waiting, text.data + at, more);
        at += more;
        last = at == text.len;
        char *block = mem_alloc(waiting.len);
        if (waiting.len > 0)
            memcpy(block, waiting.data, waiting.len);
        syslog_frame_feed(&f, slice_make(block, waiting.len), last, &spans, &used);
        require(used <= waiting.len && (!last || used == waiting.len));
        count += spans.count;
        for (size_t i = 0; i < spans.count; i++) {
            struct span *span = &spans.spans[i];
            require(span->text.len > 0 && span->text.len <= max_bytes && span->line > 0);
            buf_printf(out, "%llu %u:", (unsigned long long)span->line, (unsigned)span->part);
            buf_slice(out, span->text);
            buf_char(out, '\n');
        }
        spans.count = 0;
        memmove(waiting.data, waiting.data + used, waiting.len - used);
        waiting.len -= used;
        require(waiting.len < max_bytes + SYSLOG_FRAME_HEAD_BYTES);
        mem_free(block);
    }
    require(f.count == count && f.messages <= f.count && f.oversized <= f.messages);
    span_list_free(&spans);
    buf_free(&waiting);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 1 << 16)
        return 0;
    struct slice text = {(const char *)data + 2, size - 2};
    size_t max_bytes = SYSLOG_FRAME_HEAD_BYTES + data[0] % 64;
    struct buf whole = {0}, parts = {0};
    struct syslog_frame a = run(&whole, text, max_bytes, size);
    struct syslog_frame b = run(&parts, text, max_bytes, (size_t)data[1] % 61 + 1);
    require(slice_equal(buf_as_slice(&whole), buf_as_slice(&parts)));
    require(a.count == b.count && a.oversized == b.oversized && a.unfinished == b.unfinished);
    buf_free(&whole);
    buf_free(&parts);
    return 0;
}
