/* Sign-in: sessions and tokens as the engine knows them, in memory, so that each request is looked
 * up without disk; the state's tables are the truth and are read again at start and after each
 * commit that changed them.
 *
 * Threads: look-ups from the loop, changes from the writer: an inner lock, never held during disk
 * reads. Limits: named. DESIGN sections 4 and 7. */
#pragma once
#include "state/state.h"

enum {
    SIGNIN_SESSIONS_MAX = 10000,
    SIGNIN_FAILURES_MAX = 5, /* of a user in a row: then locked */
    SIGNIN_LOCK_S = 900,
    SIGNIN_LOCK_S_MAX = 86400,        /* it doubles up to this */
    SIGNIN_ADDRESS_FAILURES_MAX = 30, /* of an address within SIGNIN_LOCK_S */
    SIGNIN_ADDRESSES_MAX = 4096       /* remembered */
};
#define SIGNIN_SESSION_NS (12 * 3600 * CLOCK_SECOND_NS) /* at most */
#define SIGNIN_IDLE_NS    (3600 * CLOCK_SECOND_NS)

struct signin;
MUST_CHECK int signin_open(struct signin **out, struct state *state, struct err *err);
void signin_close(struct signin **signin);
/* Behind a commit of commands that change users, units, tokens or sessions (writer's thread):
 * unit.*, user.*, token.*, session.*, invite.*. Credentials of what ended are removed. */
MUST_CHECK int signin_refresh(struct signin *signin, struct err *err);
/* Whose cookie or token this is (its kind is in the text). caller's texts and units go into arena.
 * ERR_NOT_FOUND: unknown, ended, expired, or its user is gone: one answer for all. ERR_LIMIT: its
 * units are more than CALLER_UNITS_MAX; a sentence. ERR_BUSY: what changed last could not be read
 * yet, so that it is not known who is signed in. */
MUST_CHECK int signin_find(struct signin *signin, struct slice secret, int64_t now_ns,
                           struct arena *arena, struct caller *out, struct err *err);
/* Who a Unix user at the control socket was bound to (user.bind); its kind is CALLER_UNIX.
 * ERR_NOT_FOUND. */
MUST_CHECK int signin_find_unix(struct signin *signin, struct slice unix_name, struct arena *arena,
                                struct caller *out, struct err *err);
/* Sessions and tokens used since this was asked last, as values of session.touch, at most
 * COMMAND_VALUES_MAX; texts go into arena. For once a minute or less. Returns how many. */
uint32_t signin_touched(struct signin *signin, struct arena *arena, struct command_value **values);
