/* Access log lines, and rows of W3C files with four columns. */
#include "formats/weblog.h"

#include "fuzz/fuzz_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct slice columns[] = {{"time", 4}, {"cs-uri", 6}, {"x", 1}, {"sc-status", 9}};
    static const struct format_header header = {columns, 4, ' ', {"2026-11-22", 10}};
    struct slice text = slice_make((const char *)data, size);
    fuzz_line(weblog_parse, weblog_probe, text, NULL);
    fuzz_line(w3c_parse, w3c_probe, text, &header);
    return 0;
}
