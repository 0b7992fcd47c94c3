/* key=value lines; and any bytes, quoted as a value, come back. */
#include "formats/keyvalue.h"

#include "fuzz/fuzz_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    fuzz_line(keyvalue_parse, keyvalue_probe, text, NULL);
    struct buf line = {0};
    buf_string(&line, "first=1 key=\"");
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '"' || data[i] == '\\')
            buf_char(&line, '\\');
        buf_char(&line, (char)data[i]);
    }
    buf_string(&line, "\" last=2");
    struct record r = {0};
    check(keyvalue_parse(&r, buf_as_slice(&line), NULL, NULL) == ERR_OK);
    check(r.count == 3 && slice_equal(r.fields[1].value, text));
    record_free(&r);
    buf_free(&line);
    return 0;
}
