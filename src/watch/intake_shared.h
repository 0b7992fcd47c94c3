/* Intake shared: the memory that hauls are handed over in, and the wire to the engine that they are
 * told by.
 *
 * A thread that has a haul waits for a free slot, fills it, and waits until the engine says
 * durable: when the store is slow, sources wait with it. A new engine begins a new term: hauls of
 * the old one end with ERR_CLOSED, whether or not they were stored; cursors say which. Limits:
 * HAUL_SLOTS of HAUL_SLOT_BYTES. Threads: any, where not said otherwise. Ownership: said at each
 * call. */
#pragma once
#include "state/right.h"
#include "watch/haul.h"
#include "watch/peer.h"
#include "watch/register.h"
#include "watch/tally.h"

enum { INTAKE_CURSORS_MAX = 4096, INTAKE_ASKS_MAX = 64, INTAKE_WHO_BYTES = 192 };

struct intake_shared;
/* Maps fd (borrowed). */
MUST_CHECK int intake_shared_open(struct intake_shared **out, int fd, uint32_t slots,
                                  uint64_t slot_bytes, struct err *err);
void intake_shared_close(struct intake_shared **shared);

/* Loop: the engine's wire is there (peer stays the caller's), is gone, has sent a message.
 * ERR_SYNTAX: not one for here. */
void intake_shared_begin(struct intake_shared *s, struct peer *peer);
void intake_shared_gone(struct intake_shared *s);
MUST_CHECK int intake_shared_message(struct intake_shared *s, struct wire_message *message,
                                     struct err *err);
/* All who wait end with ERR_CANCELED, now and later. */
void intake_shared_end(struct intake_shared *s);
bool intake_shared_has_ended(struct intake_shared *s);

struct intake_hauled {
    uint64_t first_sequence; /* 0: not known, since the engine started again in between */
    uint32_t stored, refused;
    struct buf known; /* with ERR_EXISTS: a bit a row whose id is known; its memory is used again */
};
struct intake_hauling {
    struct slice packed;
    uint64_t lane, number; /* as in its head; lane 0: an engine that goes ends it with ERR_CLOSED */
    uint64_t wait_ns;      /* for a slot, and for an engine that starts again */
};
/* Hands a packed haul over and waits. ERR_OK: durable; what the engine gave (ERR_FULL, ERR_IO: it
 * may work later; ERR_UNSUPPORTED: other rules; ERR_EXISTS: ids are known, nothing was stored);
 * ERR_BUSY: no slot or no engine in time; ERR_CLOSED: the engine went, and whether the haul is
 * durable is not known; ERR_CANCELED. A lane's haul is handed over again to the next engine, unless
 * that one says that it is durable. */
MUST_CHECK int intake_shared_haul(struct intake_shared *s, const struct intake_hauling *haul,
                                  struct intake_hauled *out, struct err *err);
/* Number of the engine's term once it said RESUME; 0: not yet. Waits for a change from `known`, at
 * most wait_ns. */
uint64_t intake_shared_term(struct intake_shared *s, uint64_t known, uint64_t wait_ns);
void intake_shared_wait(struct intake_shared *s, uint64_t wait_ns); /* or until the end */
/* A cursor's value as the engine told it for this term, or as a lane's haul has moved it since,
 * appended to out; and those whose value begins so: the first. */
bool intake_shared_cursor(struct intake_shared *s, struct slice name, struct buf *value);
bool intake_shared_cursor_like(struct intake_shared *s, struct slice begin, struct buf *value);
void intake_shared_cursors(struct intake_shared *s, struct buf *items); /* all: carry_put_cursor */
void intake_shared_cursor_set(struct intake_shared *s, struct slice name, struct slice value);
/* Whether secret is a token with the rights, and whose: "token:USER:NUMBER". ERR_NOT_FOUND: no such
 * token; ERR_USAGE: it may not; ERR_LIMIT (INTAKE_ASKS_MAX are asked for), ERR_BUSY, ERR_CLOSED,
 * ERR_CANCELED. */
MUST_CHECK int intake_shared_may(struct intake_shared *s, struct slice secret, struct slice from,
                                 unsigned rights, char who[INTAKE_WHO_BYTES], struct err *err);
uint32_t intake_shared_used(struct intake_shared *s); /* slots */
/* For listeners whose protocol has no acknowledgement, by their place in canh.yaml. */
struct tally intake_shared_tally(struct intake_shared *s, uint32_t listener);
/* The registered hosts, as the engine told them last; NULL: it did not yet. One more holder. */
struct register_table *intake_shared_register(struct intake_shared *s);
