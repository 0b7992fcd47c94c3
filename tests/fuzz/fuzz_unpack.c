/* Packed bodies: nothing over the limit is ever made; a limit that is high enough gives the same.
 * First byte: kind. */
#include "formats/unpack.h"

enum { SMALL_BYTES = 1000, LARGE_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buf small, large;
    struct err err = {0};
    if (size < 1 || size > 1 << 16)
        return 0;
    struct slice packed = {(const char *)data + 1, size - 1};
    enum unpack_kind kind = (enum unpack_kind)(data[0] % (UNPACK_UNKNOWN + 1));
    (void)unpack_of_encoding(packed);
    (void)unpack_of_magic(packed);
    buf_clear(&small);
    buf_clear(&large);
    int rc_small = unpack_run(kind, packed, SMALL_BYTES, &small, &err);
    check(rc_small == ERR_OK || (err.code == rc_small && err.text[0]));
    int rc_large = unpack_run(kind, packed, LARGE_BYTES, &large, &err);
    check(small.len <= SMALL_BYTES && large.len <= LARGE_BYTES);
    if (rc_small == ERR_OK)
        check(rc_large == ERR_OK && slice_equal(buf_as_slice(&small), buf_as_slice(&large)));
    if (rc_large == ERR_OK && large.len > SMALL_BYTES)
        check(rc_small == ERR_LIMIT);
    return 0;
}
