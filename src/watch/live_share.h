/* Live share: how a role that judges comes to its rules: the engine's messages RULES are compiled
 * on a thread of their own while events come, then put as the newest set; rules that burn too much
 * time are suspended, told to the engine, and tried again later.
 *
 * Limits: LIVE_BUNDLE_BYTES_MAX; one set is compiled at a time, of several that came meanwhile the
 * newest. A suspended rule is tried again after LIVE_RESUME_NS, twice as long each further time.
 * Threads: the loop's. Ownership: borrows loop, live and the engine's peer. */
#pragma once
#include "watch/live.h"
#include "watch/peer.h"

#define LIVE_RESUME_NS     ((uint64_t)600 * CLOCK_SECOND_NS)
#define LIVE_RESUME_NS_MAX ((uint64_t)86400 * CLOCK_SECOND_NS)

struct live_share;
struct live_share *live_share_open(uv_loop_t *loop, const struct live *live);
/* Waits for a set that is being compiled; then the loop has to run once more. */
void live_share_close(struct live_share **share);
void live_share_engine(struct live_share *share, struct peer *engine); /* NULL: it is gone */
/* What it does by itself each second, at this time of a clock that only rises: rules that burn too
 * much are suspended, those whose pause is over tried again. */
void live_share_look(struct live_share *share, uint64_t now_ns);
/* Whether the message is one of these, and was dealt with. ERR_SYNTAX in *rc: not as it must be. */
bool live_share_message(struct live_share *share, struct wire_message *message, int *rc,
                        struct err *err);
