/* Engine account: what a group of hauls books beside its rows, so that each record is stored once
 * and each is accounted for: the ledger, the ids that senders gave, the numbers of lanes, and what
 * a sender that died had cut and not brought (watch/tally.h).
 *
 * All of it is cursors and items of the group's carry, and stands or falls with the rows:
 *   lane:LANE      number of its newest haul (haul.h)
 *   owner:LANE     id of the sender whose lane it is
 *   sender:ID      "ROLE.INSTANCE" and "LISTENER=RECORDS" for each listener without acknowledgement
 *   ended          id of the newest sender that died whose loss is booked
 * What a sender of the same role that went before had goes when a new one's first haul comes.
 * Limits: named; lanes and senders past them are not kept (their hauls are stored). Threads: the
 * committer's; the ledger may be asked by any. Ownership: copies; borrows configuration. */
#pragma once
#include "program/engine_commit_check.h"
#include "store/id_key.h"
#include "watch/tally.h"

enum { ENGINE_ACCOUNT_SENDERS_MAX = 32, ENGINE_ACCOUNT_LANES_MAX = 1024 };

struct engine_account;
/* ERR_*: the key of ids could not be made durable. */
MUST_CHECK int engine_account_open(struct engine_account **out, struct store *store,
                                   const struct config *config, struct err *err);
/* Between groups: as the carry of a store that was opened again has it. */
void engine_account_again(struct engine_account *a, struct store *store);
void engine_account_close(struct engine_account **account);
struct ledger *engine_account_ledger(struct engine_account *a);

/* Before the group is made, in its order. Whether the haul was stored before. */
bool engine_account_is_repeated(const struct engine_account *a, const struct carry *carry,
                                const struct haul_head *head);
/* ERR_OK: none of its ids is known, and from now on they are (to this group); ERR_EXISTS: haul->err
 * and haul->known say which. */
MUST_CHECK int engine_account_ids(struct engine_account *a, const struct carry *carry,
                                  struct engine_commit_work *w);
/* While the group is made: a live haul with what the engine counted of it; and an import's: its
 * lane only. */
void engine_account_take(struct engine_account *a, const struct engine_commit_work *w,
                         int64_t now_ns, struct buf *items);
void engine_account_put(struct engine_account *a, struct buf *items);
void engine_account_settle(struct engine_account *a, bool durable);

struct engine_account_gone { /* a sender that died */
    uint64_t id;
    uint64_t cut[TALLY_LISTENERS_MAX];
};
/* What it lost is booked by the next engine_account_take_gone, once, however often it is told. In
 * the order of their ids. */
void engine_account_gone(struct engine_account *a, const struct engine_account_gone *gone);
bool engine_account_has_gone(const struct engine_account *a);
/* While a group is made, before engine_account_put. */
void engine_account_take_gone(struct engine_account *a, int64_t now_ns);
