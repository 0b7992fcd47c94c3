/* GELF messages become JSON that its reader takes; chunks in any order stay in their bounds. The
 * first byte chooses. */
#include "formats/gelf.h"

#include "formats/gelf_chunks.h"
#include "formats/json.h"
#include "fuzz/fuzz_line.h"

static void chunks_run(struct slice text)
{
    struct gelf_chunks *c = gelf_chunks_open();
    struct slice whole;
    int64_t now_ns = 0;
    while (text.len > 0) {
        struct slice datagram = slice_cut(&text, '|');
        now_ns += datagram.len > 0 ? (int64_t)(unsigned char)datagram.data[0] << 24 : 0;
        if (gelf_chunks_add(c, datagram, datagram.len % 2, now_ns, &whole)) {
            unsigned sum = 0;
            for (size_t i = 0; i < whole.len; i++)
                sum += (unsigned char)whole.data[i];
            check(whole.len > 0 || sum == 0);
        }
        check(gelf_chunks_waiting(c) <= GELF_OPEN_MAX);
    }
    gelf_chunks_close(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice text = slice_make((const char *)data + 1, size - 1);
    if (data[0] % 2) {
        chunks_run(text);
        return 0;
    }
    fuzz_line(gelf_parse, gelf_probe, text, NULL);
    struct buf out = {0};
    struct err err;
    if (gelf_event(&out, text, &err) == ERR_OK) {
        struct json_reader r;
        enum json_token token;
        json_reader_open(&r, buf_as_slice(&out));
        while ((token = json_next(&r)) != JSON_END)
            check(token != JSON_ERROR);
    } else {
        check(out.len == 0 && err.text[0]);
    }
    buf_free(&out);
    return 0;
}
