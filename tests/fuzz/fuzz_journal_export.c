/* Journal entries; and any bytes as a sized value come back. */
#include "formats/journal_export.h"

#include "base/bytes.h"
#include "fuzz/fuzz_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    struct record r = {0};
    struct buf entry = {0};
    fuzz_line(journal_export_parse, journal_export_probe, text, NULL);
    struct slice cursor = journal_export_cursor(text);
    check(cursor.len <= size);
    buf_string(&entry, "MESSAGE\n");
    bytes_put_u64(&entry, size);
    buf_slice(&entry, text);
    buf_string(&entry, "\n__CURSOR=x\n");
    check(journal_export_parse(&r, buf_as_slice(&entry), NULL, NULL) == ERR_OK);
    check(r.count == 2 && slice_equal(r.fields[0].value, text));
    check(slice_equal(journal_export_cursor(buf_as_slice(&entry)), SLICE("x")));
    record_free(&r);
    buf_free(&entry);
    return 0;
}
