/* What of a carry is kept in the order it came: correlation inputs with ticks. Private to carry*.c.
 * Limits: those of carry.h; the oldest sixteenth goes when one is reached, and is counted. Threads:
 * one. Ownership: copies. */
#pragma once
#include "store/carry_item.h"

struct carry_entry { /* an input or a tick, as its item */
    size_t offset;
    uint32_t len;
    bool live; /* of no run */
    int64_t time_ns;
};

struct carry_entries {
    struct carry_entry *list;
    uint32_t count, capacity;
    struct buf bytes; /* items, in the order of list, with nothing between */
    uint64_t lost;
};
void carry_entries_add(struct carry_entries *entries, const struct carry_item *item);
void carry_entries_trim(struct carry_entries *entries, int64_t before_ns);
void carry_entries_end_run(struct carry_entries *entries, struct slice run);
/* The item of an entry (it was checked when it was added). */
void carry_entry_item(const struct carry_entries *entries, uint32_t number,
                      struct carry_item *item);
void carry_entries_free(struct carry_entries *entries);
