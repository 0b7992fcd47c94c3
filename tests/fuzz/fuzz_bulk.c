/* Bulk bodies: items lie in the body and in order, their lines rise, and each is good or has a
 * reason; what the reader gives as an event was a line of the body. */
#include "formats/bulk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct bulk_reader r;
    struct bulk_item item;
    uint64_t line = 0;
    const char *at = (const char *)data, *end = at + size;
    bulk_open(&r, slice_make(at, size), &arena);
    while (bulk_next(&r, &item)) {
        check(item.line > line);
        line = item.line;
        check(!item.type == !item.reason);
        if (item.type) {
            check(item.source.len == 0 && strlen(item.reason) > 10);
            continue;
        }
        check(item.action == BULK_CREATE || item.action == BULK_INDEX);
        check(item.source.len > 0 && item.source.data > at && item.source.data < end);
        at = item.source.data;
        check(item.source.len <= (size_t)(end - at) && !memchr(at, '\n', item.source.len));
        check(item.id.len <= BULK_ID_BYTES_MAX && item.index.len <= BULK_INDEX_BYTES_MAX);
        line++;
    }
    arena_free(&arena);
    return 0;
}
