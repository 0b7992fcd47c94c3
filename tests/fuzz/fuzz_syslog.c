/* Syslog lines: any text that is not empty is a record, and its message is a part of it. What the
 * guess of one message's format chooses reads it without harm. */
#include "formats/syslog.h"

#include "fuzz/fuzz_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    fuzz_line(syslog_parse, syslog_probe, text, NULL);
    struct record r = {0};
    int rc = syslog_parse(&r, text, NULL, NULL);
    bool empty = true;
    for (size_t i = 0; i < size; i++)
        empty = empty && (data[i] == '\r' || data[i] == '\n' || data[i] == '\0');
    check(rc == ERR_LIMIT || (rc == ERR_SYNTAX) == empty);
    const struct field *message = rc == ERR_OK ? record_find(&r, SLICE("message")) : NULL;
    if (message)
        check(message->value.data >= text.data &&
              message->value.data + message->value.len <= text.data + text.len);
    record_reset(&r);
    (void)!format_guess_record(text)->parse(&r, text, NULL, NULL);
    record_free(&r);
    return 0;
}
