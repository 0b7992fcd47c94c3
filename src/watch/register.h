/* Register: the hosts that the agency has registered, as events are attributed to them: by their
 * names and addresses.
 *
 * Flat, so that the engine can hand it to intake: "CANHHOST", u32 version, u32 entries, then each
 * four texts (base/bytes.h): key, host, system, unit. A key is a name in lower case (a name with a
 * domain is there with and without it) or an address as ip_text writes it. The same key may stand
 * there for several units. Limits: REGISTER_ENTRIES_MAX, REGISTER_BYTES_MAX. Threads: a table is
 * immutable; a share may be asked and set by any. Ownership: said at each call. DESIGN section 5,
 * decision 0022. */
#pragma once
#include "base/arena.h"
#include "base/map.h"

#define REGISTER_BYTES_MAX ((size_t)48 << 20)
enum { REGISTER_ENTRIES_MAX = 1 << 20, REGISTER_TEXT_BYTES_MAX = 255 };

struct register_host {
    struct slice host, system, unit;
};

/* ---- making one ---- */

void register_begin(struct buf *out);
/* name: of a host, any case, with or without domain, or an address. Names that are too long are
 * left out. False: the table is full. */
bool register_put(struct buf *out, struct slice name, const struct register_host *host);

/* ---- a table ---- */

struct register_table;
/* Copies bytes. ERR_DAMAGED, ERR_LIMIT. */
MUST_CHECK int register_open(struct register_table **out, struct slice bytes, struct err *err);
struct register_table *register_use(struct register_table *table); /* one more holder */
void register_unuse(struct register_table **table);                /* the last one frees it */
uint32_t register_count(const struct register_table *table);
/* The host of that name or address among those of the unit (empty: among all, if it is the only
 * one). False: not registered. Slices borrow from the table. */
MUST_CHECK bool register_find(const struct register_table *table, struct slice name,
                              struct slice unit, struct register_host *out);

/* ---- the newest one, for several threads ---- */

struct register_share;
struct register_share *register_share_open(void);
void register_share_close(struct register_share **share);
void register_share_set(struct register_share *share, struct register_table *table); /* takes */
/* One more holder of the newest, or NULL: there is none yet. */
struct register_table *register_share_get(struct register_share *share);
