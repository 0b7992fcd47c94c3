/* The window of ids that senders gave their events: which were seen, and by whom. Private to
 * carry*.c.
 *
 * All ids stand in one hash table; those of a sender in a list, oldest first. When the window is
 * full, the oldest id of the sender that has most goes: that sender has at least its share, so that
 * nobody is pushed out by another's noise. A heap knows it. Limits: those of carry.h. Threads: one.
 * Ownership: copies. */
#pragma once
#include "base/map.h"
#include "store/carry_item.h"

struct carry_ids_entry {
    struct carry_id id;
    int64_t time_ns;
    uint32_t sender, next; /* of the same sender, newer; or the next free one. NONE: 0 */
};

struct carry_ids_sender;
struct carry_ids {
    struct carry_ids_entry *entries; /* from 1 */
    uint32_t count, made, capacity, free;
    uint32_t *slots; /* place in entries; at most half full */
    uint32_t slot_mask;
    struct map numbers;               /* sender's name: place in senders */
    struct carry_ids_sender *senders; /* from 1 */
    uint32_t sender_made, sender_capacity, sender_free;
    uint32_t *heap; /* senders, the one with most ids first, then by name */
    uint32_t heap_count;
    size_t name_bytes;
    uint64_t lost;
};
/* Known ones are passed over. */
void carry_ids_add(struct carry_ids *ids, struct slice sender, int64_t time_ns,
                   const struct carry_id *add, uint32_t count);
bool carry_ids_has(const struct carry_ids *ids, struct slice sender, const struct carry_id *id);
void carry_ids_trim(struct carry_ids *ids, int64_t before_ns);
/* As items, by sender: the same state gives the same bytes. */
void carry_ids_write(const struct carry_ids *ids, struct buf *out);
size_t carry_ids_bytes(const struct carry_ids *ids);
void carry_ids_free(struct carry_ids *ids);
