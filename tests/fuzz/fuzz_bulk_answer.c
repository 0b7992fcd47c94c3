/* The answer to a _bulk request, as any server may write it. */
#include "watch/bulk_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t verdicts[16];
    struct bulk_answer answer;
    struct err err = {0};
    if (size == 0)
        return 0;
    uint32_t sent = data[0] & 15;
    struct slice body = slice_make((const char *)data + 1, size - 1);
    int rc = bulk_answer_read(&answer, body, verdicts, sent, &err);
    check(rc == ERR_OK || (rc == err.code && err.text[0]));
    check(memchr(answer.reason, '\0', sizeof(answer.reason)));
    if (rc == ERR_OK) {
        check(answer.done + answer.again + answer.failed == sent);
        for (uint32_t i = 0; i < sent; i++)
            check(verdicts[i] <= BULK_FAILED);
    }
    return 0;
}
