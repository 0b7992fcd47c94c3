/* Hostile bytes of a caller: reading them never crashes; what holds packs to the same bytes, and
 * what does not has no rights and no units. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "state/right.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_make((const char *)data, size);
    struct bytes_in in = bytes_in(bytes);
    struct arena arena = {0};
    struct buf again = {0};
    struct caller caller;
    struct err err = {0};
    if (caller_unpack(&in, &arena, &caller, &err) == ERR_OK) {
        caller_pack(&caller, &again);
        check(slice_equal(buf_as_slice(&again), slice_part(bytes, 0, again.len)));
        check(again.len + bytes_left(&in) == size);
        check((caller.rights & ~(unsigned)RIGHT_ALL) == 0);
        for (uint32_t i = 0; i < caller.unit_count; i++)
            check(caller_has_unit(&caller, caller.units[i]));
    } else {
        check(caller.rights == 0 && caller.unit_count == 0 && !caller.everywhere);
    }
    buf_free(&again);
    arena_free(&arena);
    return 0;
}
