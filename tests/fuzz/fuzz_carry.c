/* Carry items from hostile bytes: all or none are taken, and the state writes itself so that it
 * reads back the same. */
#include <stdlib.h>

#include "store/carry.h"

static void input_touch(void *context, const struct carry_input *input, int64_t tick_ns)
{
    uint64_t *sum = context;
    *sum += input ? input->value_count + input->rule.len : (uint64_t)tick_ns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct carry *carry = carry_open(), *again = carry_open();
    struct buf state = {0}, second = {0};
    int rc = carry_apply(carry, slice_make((const char *)data, size), NULL);
    carry_write(carry, &state);
    if (rc && state.len)
        abort();
    if (carry_apply(again, buf_as_slice(&state), NULL))
        abort();
    carry_write(again, &second);
    if (!slice_equal(buf_as_slice(&state), buf_as_slice(&second)))
        abort();
    uint64_t sum = 0;
    carry_inputs(carry, SLICE(""), input_touch, &sum);
    carry_trim(carry, 1000, 1000);
    carry_trim(again, 1000, 1000);
    buf_clear(&state);
    buf_clear(&second);
    carry_write(carry, &state);
    carry_write(again, &second);
    if (!slice_equal(buf_as_slice(&state), buf_as_slice(&second)))
        abort();
    buf_free(&state);
    buf_free(&second);
    carry_close(&carry);
    carry_close(&again);
    return 0;
}
