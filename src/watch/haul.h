/* Flat hauls: what intake and reader hand to the engine through shared memory: a raw batch of rows,
 * and what the detector found in them.
 *
 * The engine copies the slot, then checks everything by a bounded walk: rows by batch_reader_open,
 * items against the number of rows and rules; contexts may not name internal partitions, sources
 * that are not the sender's, or flags that it may not set. Limits: HAUL_SLOT_BYTES; those of
 * harvest.h. Threads: any. */
#pragma once
#include "watch/harvest.h"

/* Of the shared memory between intake (or reader) and engine. */
#define HAUL_SLOT_BYTES ((size_t)16 << 20)
enum haul_limit {
    HAUL_SLOTS = 8,
    HAUL_CURSORS_MAX = 256,
    HAUL_ID_BYTES_MAX = 512, /* as Elasticsearch has it */
    HAUL_SENDER_BYTES_MAX = 256,
    HAUL_ITEMS_MAX = 1 << 17,
    HAUL_RECORDS_MAX = 1 << 30 /* records or bytes that one haul may claim to come of */
};
/* What names of cursors of followed files begin with. */
#define HAUL_FOLLOWED SLICE("follow:")
/* What the cursors of journals begin with, before the source, and what their entries are said to
 * come from, before what canh.yaml names. */
#define HAUL_JOURNAL SLICE("journal:")
/* And of those of datagram listeners: what their sockets have dropped. */
#define HAUL_DROPPED SLICE("dropped:")
struct haul_cursor {
    struct slice name, value; /* how far a file is read with this haul; carry_put_cursor */
};
/* What a source's splitter counted, before parsing: for the ledger. */
struct haul_id { /* an `_id` that its sender gave a row */
    uint32_t row;
    struct slice id;
};
struct haul_head {
    uint64_t rules; /* fingerprint of the rule set that judged: the engine's must be the same */
    /* Which haul of which row of them, so that each is stored once: numbers of a lane count from 1.
     * Lane 0: cursors see to it. */
    uint64_t lane, number;
    /* RECEIVED as the splitter cut, and what intake knows became of them; outcomes of the harvest
     * are added when it is packed. */
    struct ledger_figures figures;
    struct slice source;   /* name in canh.yaml */
    struct slice listener; /* or path: for contexts' file */
    struct slice sender;   /* whose the ids are */
    int64_t received_ns;   /* when its first record was read */
    struct haul_cursor cursors[HAUL_CURSORS_MAX];
    uint32_t cursor_count;
    const struct haul_id *ids; /* by row */
    uint32_t id_count;
};
/* The name of the cursor that says which haul of a lane was the newest that is durable. */
#define HAUL_LANE "lane:"
enum { HAUL_LANE_BYTES = 32 };
struct slice haul_lane_cursor(uint64_t lane, char out[HAUL_LANE_BYTES]);
/* raw: the batch's bytes (batch_raw). ERR_LIMIT: longer than max. */
MUST_CHECK int haul_pack(const struct haul_head *head, struct slice raw, const struct harvest *haul,
                         size_t max, struct buf *out, struct err *err);
/* Which rules judged it: looked at first, since items name rules by number. False: no haul. */
bool haul_rules(struct slice bytes, uint64_t *rules);
/* Into haul (cleared first; its batch is left empty) and *raw, which borrow from bytes. rule_count:
 * of the engine's rules. ERR_DAMAGED with what does not hold. */
MUST_CHECK int haul_unpack(struct slice bytes, uint32_t rule_count, struct haul_head *head,
                           struct slice *raw, struct harvest *haul, struct err *err);
