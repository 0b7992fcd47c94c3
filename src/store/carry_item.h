/* One item of a carry, read with bounds. Private to carry*.c. Ownership: borrows from the bytes. */
#pragma once
#include "base/bytes.h"
#include "store/carry.h"

struct carry_item {
    enum carry_kind kind;
    struct slice whole;  /* header and bytes */
    struct slice name;   /* source, cursor, run or sender */
    struct slice value;  /* of a cursor */
    const char *numbers; /* counters: count times u64, little-endian; ids: CARRY_ID_BYTES each */
    uint32_t count;
    int64_t time_ns;
    struct carry_input input;
    struct slice values[CARRY_INPUT_VALUES_MAX]; /* input.values */
};
/* The next item. ERR_END, ERR_DAMAGED, ERR_UNSUPPORTED. */
MUST_CHECK int carry_item_read(struct bytes_in *in, struct carry_item *item, struct err *err);
