/* CSV rows: the first two bytes give the number of columns and the separator; and any bytes, quoted
 * as a cell, come back. */
#include "formats/csv.h"

#include "fuzz/fuzz_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct slice columns[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
    if (size < 2)
        return 0;
    struct format_header header = {columns, data[0] % 5u, ",;\t|" [data[1] % 4u], { "", 0 }};
    struct slice text = slice_make((const char *)data + 2, size - 2);
    fuzz_line(csv_parse, csv_probe, text, &header);
    struct buf row = {0};
    header.column_count = 2;
    buf_char(&row, '"');
    for (size_t i = 0; i < text.len; i++) {
        buf_char(&row, text.data[i]);
        if (text.data[i] == '"')
            buf_char(&row, '"');
    }
    buf_printf(&row, "\"%cx\r\n", header.separator);
    struct record r = {0};
    check(csv_parse(&r, buf_as_slice(&row), &header, NULL) == ERR_OK);
    check(r.count == 2 && slice_equal(r.fields[0].value, text));
    check(slice_equal(r.fields[1].value, SLICE("x")));
    record_free(&r);
    buf_free(&row);
    return 0;
}
