/* Id key: the ids that senders give their events become keyed hashes (SipHash-2-4, 128 bits) that
 * only this store can make: no sender can choose two that collide, or one that is another sender's.
 *
 * The key is made once and kept as a cursor of the carry. Threads: any; a key is not changed.
 * Ownership: values. */
#pragma once
#include "store/carry.h"

enum { ID_KEY_BYTES = 16 };
#define ID_KEY_CURSOR SLICE("ids:key")

struct id_key {
    uint8_t bytes[ID_KEY_BYTES];
};
/* The carry's key. ERR_NOT_FOUND: it has none yet; ERR_DAMAGED. */
MUST_CHECK int id_key_read(const struct carry *carry, struct id_key *out, struct err *err);
/* A new random one, appended to items, with which it must become durable before it is used. */
void id_key_make(struct id_key *out, struct buf *items);
/* Of sender, a zero byte, and id (scratch is cleared and used). */
struct carry_id id_key_hash(const struct id_key *key, struct slice sender, struct slice id,
                            struct buf *scratch);
