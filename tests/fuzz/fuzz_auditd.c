/* Joined audit events; and any bytes, in hex, come back. */
#include "formats/auditd.h"

#include "fuzz/fuzz_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    fuzz_line(auditd_parse, auditd_probe, text, NULL);
    struct buf line = {0};
    buf_string(&line, "type=EXECVE msg=audit(1.2:3): a0=");
    for (size_t i = 0; i < size; i++)
        buf_printf(&line, "%02X", data[i]);
    struct record r = {0};
    check(auditd_parse(&r, buf_as_slice(&line), NULL, NULL) == ERR_OK);
    const struct field *argument = record_find(&r, SLICE("a0"));
    check(argument && slice_equal(argument->value, text));
    record_free(&r);
    buf_free(&line);
    return 0;
}
