/* Users as handlers see them, and who stands over whom.
 *
 * Nobody gives, or acts for, what is beyond himself: units and rights of another user must lie
 * within the caller's. Duties (USER_DUTIES) are an exception: an administrator, who does not judge
 * alerts himself, appoints those who do. Threads: the writer's. Ownership: texts in the arena. */
#pragma once
#include "state/db.h"

enum {
    USERS_MAX = 10000,
    USER_UNITS_MAX = 64, /* that a user or token was given */
    USER_DUTIES = RIGHT_WATCH | RIGHT_INCIDENT | RIGHT_SIGN | RIGHT_INGEST | RIGHT_SELF
};

struct user_row {
    uint64_t id, unit_id; /* unit_id: home; 0: none */
    struct slice name, title;
    const struct role_row *role;
    bool everywhere, vietnamese, locked, removed;
    uint64_t password_id, totp_id, totp_pending_id, totp_step, recovery_id; /* 0: none */
    uint64_t failures, locks;
    int64_t locked_until_ns;
};
/* ERR_NOT_FOUND: none of that id or name; removed ones are found by id. */
MUST_CHECK int user_read(struct database *db, struct arena *arena, uint64_t id,
                         struct user_row *out, struct err *err);
MUST_CHECK int user_read_name(struct database *db, struct arena *arena, struct slice name,
                              struct user_row *out, struct err *err);
/* Whether the caller stands over the user: everything the user has lies within the caller's.
 * Oneself: yes. ERR_USAGE: no, or the user is removed. */
MUST_CHECK int user_under(struct command_call *call, const struct user_row *user, struct err *err);
/* Whom the call is about: id, the caller's own one or (RIGHT_USERS, user_under) another's; 0 is
 * refused. A token cannot change its own user. Sets the call's object. */
MUST_CHECK int user_subject(struct command_call *call, uint64_t id, struct user_row *out,
                            struct err *err);
/* Refuses when no administrator of all units who can sign in would be left without this one. */
MUST_CHECK int user_keep_administrator(struct command_call *call, uint64_t user_id,
                                       struct err *err);
bool user_is_last_administrator(struct database *db, uint64_t user_id);
/* On the slow thread: parameter `password` as argon2id, handed to run with the number of the
 * credential that allows it (0: none needed); and in run: as a new credential. */
MUST_CHECK int user_password_hash(struct command_call *call, uint64_t allowed_by, struct err *err);
MUST_CHECK int user_password_put(struct command_call *call, uint64_t *id, struct err *err);
/* For what a session alone is too little for: prepare checks parameter `password` against the
 * caller's own; user_own_passed, in run, says what came of it and counts a wrong one. */
MUST_CHECK int user_own_prepare(struct command_call *call, struct err *err);
MUST_CHECK int user_own_passed(struct command_call *call, const struct user_row *user,
                               struct err *err);
/* After too many failures. A time beyond the longest lock is of a clock that went back since. */
bool user_is_barred(const struct user_row *user, int64_t now_ns);
/* A wrong password or code: the user's failures are counted, the SIGNIN_FAILURES_MAX-th locks. */
MUST_CHECK int user_failed(struct command_call *call, const struct user_row *user, struct err *err);
MUST_CHECK int user_passed(struct command_call *call, uint64_t user_id, struct err *err);
/* Failures of an address (the caller's `from`), by whatever is open to everybody. counted: false
 * when it is locked already; then nothing is to be written, and no audit row. */
MUST_CHECK int session_address_locked(struct command_call *call, struct database *db, bool *locked,
                                      struct err *err);
MUST_CHECK int session_address_failed(struct command_call *call, bool *counted, struct err *err);
/* Whether code is the user's, as TOTP (each once) or as recovery code (each once); what is used up
 * is written in this transaction. Without TOTP: no. */
MUST_CHECK int user_code(struct command_call *call, const struct user_row *user, struct slice code,
                         bool *fits, struct err *err);
/* Ends the sessions of a user but one (0: all). */
MUST_CHECK int user_end_sessions(struct command_call *call, uint64_t user_id, uint64_t but,
                                 struct err *err);
/* units of the parameter `unit`, resolved in the caller's scope, ascending, each once. */
MUST_CHECK int user_units_given(struct command_call *call, uint64_t units[USER_UNITS_MAX],
                                uint32_t *count, struct err *err);
/* The units that the user was given, ascending. */
MUST_CHECK int user_units(struct database *db, uint64_t user_id, uint64_t units[USER_UNITS_MAX],
                          uint32_t *count, struct err *err);
