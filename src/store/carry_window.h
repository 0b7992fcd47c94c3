/* What of a carry is kept in the order it came: recent ids, and correlation inputs with ticks.
 * Private to carry*.c. Limits: those of carry.h; the oldest sixteenth goes when one is reached, and
 * is counted. Threads: one. Ownership: copies. */
#pragma once
#include "store/carry_item.h"

struct carry_id {
    uint64_t id;
    int64_t time_ns;
};

struct carry_ids {
    struct carry_id *list;
    uint32_t count, capacity;
    uint32_t *slots; /* place in list + 1; at most half full */
    uint32_t slot_mask;
    uint64_t lost;
};
void carry_ids_add(struct carry_ids *ids, uint64_t id, int64_t time_ns); /* known: nothing */
bool carry_ids_has(const struct carry_ids *ids, uint64_t id);
void carry_ids_trim(struct carry_ids *ids, int64_t before_ns);
void carry_ids_free(struct carry_ids *ids);

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
