/* Values: how a column's values stand in its chunks (docs/store-format.md, "Segment"): entries of a
 * dictionary or a text, numbers of a block, entry numbers by occurrence. Written by the segment
 * writer, walked with bounds by the reader.
 *
 * Limits: those of a chunk; readers check counts before they make room. Threads: any. Ownership:
 * out belongs to the caller. */
#pragma once
#include "base/arena.h"

enum { VALUES_INTEGER_BYTES = 20, VALUES_PER_CHUNK_MAX = 1 << 23 };

/* An integer that prints as exactly this text: no plus, no leading zeros, no minus zero. */
bool values_integer(struct slice text, int64_t *out);
size_t values_integer_text(char out[VALUES_INTEGER_BYTES], int64_t value); /* its length */

/* Entries: u32 count, u8 kind of all or 255, u8 masks (0 none, 1 u16 by entry), kinds when 255,
 * varint lengths, masks, bytes. */
struct values_entries { /* while they are gathered */
    struct buf kinds, lengths, masks, text;
    uint32_t count;
};
void values_entries_add(struct values_entries *e, uint8_t kind, struct slice value);
void values_entries_mask(struct values_entries *e, uint16_t mask); /* of the newest */
void values_entries_pack(const struct values_entries *e, struct buf *out);
size_t values_entries_memory(const struct values_entries *e);
void values_entries_clear(struct values_entries *e);
void values_entries_free(struct values_entries *e);

/* What a chunk of entries holds, checked: count entries whose lengths make up its bytes. Borrows
 * from raw. */
struct values_view {
    uint32_t count;
    const uint8_t *kinds; /* NULL: all of kind */
    uint8_t kind;
    struct slice lengths, masks; /* varints; u16 or empty */
    struct slice text;
};
bool values_view_open(struct values_view *v, struct slice raw);

/* Numbers: u32 count, u8 kind of all, zigzag varints of the differences. */
void values_numbers_pack(uint8_t kind, const int64_t *numbers, uint32_t count, struct buf *out);
/* False: damaged. numbers has room for count. */
bool values_numbers_count(struct slice raw, uint32_t *count, uint8_t *kind);
bool values_numbers_unpack(struct slice raw, int64_t *numbers);

/* Ids: u8 width (1, 2, 4), then the lowest bytes of all, the second bytes of all ... */
void values_ids_pack(const uint32_t *ids, uint32_t count, struct buf *out);
/* False: not count ids, or one is not below limit. */
bool values_ids_unpack(struct slice raw, uint32_t *ids, uint32_t count, uint32_t limit);

/* Items of one size, sorted: the first bytes of all, then the second bytes of all ... What sorted
 * things have in common stands together. */
void values_planes_pack(const void *items, uint32_t count, uint32_t item_bytes, struct buf *out);
/* False: raw is not count items. items has room for them. */
bool values_planes_unpack(struct slice raw, void *items, uint32_t count, uint32_t item_bytes);
