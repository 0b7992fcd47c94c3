/* Audit: who changed what, when, with which outcome; each row holds the SHA-256 of the row before
 * it, and the newest one's is signed at every commit (table audit_head), so that a change of any
 * row, the last included, and a cut at the end are found.
 *
 * hash(i) = SHA-256(hash(i-1) || canonical(i)); canonical: docs/audit.md. Without a head kept
 * elsewhere, somebody who has the node's key could make another chain: verify says "unanchored".
 * Threads: the database's. Limits: AUDIT_DETAIL_BYTES_MAX of detail; longer ones are replaced by
 * their SHA-256. DESIGN section 7. */
#pragma once
#include "base/clock.h"
#include "base/database.h"
#include "base/digest.h"
#include "base/sign.h"

enum { AUDIT_DETAIL_BYTES_MAX = 4096, AUDIT_HEAD_TEXT_BYTES = 65 };

struct audit_row {
    uint64_t id; /* 1, 2, 3 ... without gaps */
    int64_t time_ns;
    struct slice actor, from; /* "system", "unix:root", a user's name; address */
    uint64_t user_id;         /* 0: none */
    struct slice command, object;
    uint64_t unit_id;    /* of the object; 0: the node's */
    int code;            /* ERR_OK: done; else refused */
    struct slice detail; /* JSON object: parameters without secrets */
    struct digest hash;
};
struct audit; /* the writer's */
/* Makes the first row of a new chain, when there is a key: which one it is. ERR_DAMAGED: newest row
 * and signed head do not fit, or the head was signed with another key. Borrows db and key. */
MUST_CHECK int audit_open(struct audit **out, struct database *db, const struct sign_key *key,
                          int64_t now_ns, struct err *err);
/* Before audit_open, in a transaction of its own: from now on heads are signed with this key. The
 * head's old signature is checked with the key that the chain names. */
MUST_CHECK int audit_change_key(struct database *db, const struct sign_key *key, int64_t now_ns,
                                struct err *err);
void audit_close(struct audit **audit);
/* Inside the writer's transaction; sets id and hash of row. time never goes back: a clock that was
 * set back gives the newest row's time. */
MUST_CHECK int audit_add(struct audit *audit, struct audit_row *row, struct err *err);
/* Before COMMIT: signs the newest row as head. */
MUST_CHECK int audit_seal(struct audit *audit, int64_t now_ns, struct err *err);
/* Behind ROLLBACK: forgets what was added since the last COMMIT; committed: keeps it. */
void audit_settled(struct audit *audit, bool committed);
void audit_head_text(const struct digest *hash, char out[AUDIT_HEAD_TEXT_BYTES]);
/* The hash that a row must have behind one with the hash `before`; row->hash is not looked at. */
struct digest audit_hash(struct digester *digester, const struct digest *before,
                         const struct audit_row *row);

struct audit_verified {
    uint64_t rows, problems;
    struct digest head;
    int64_t head_ns; /* when it was signed */
    bool is_signed;  /* the head's signature holds */
    bool anchored;   /* the head that was given is in the chain */
};
typedef void audit_problem(void *context, uint64_t id, const char *problem);
/* Any connection. head: 64 hex digits kept elsewhere, or empty. public_key NULL: signatures cannot
 * be checked, a problem. ERR_OK also with problems (out->problems). Reads in pieces: no read
 * transaction is held for long; rows added meanwhile are verified, too. */
MUST_CHECK int audit_verify(struct database *db, const uint8_t public_key[SIGN_PUBLIC_BYTES],
                            struct slice head, audit_problem *visit, void *context,
                            struct audit_verified *out, struct err *err);
/* Rows from `after` on, ascending, at most limit. */
typedef int audit_visit(void *context, const struct audit_row *row);
MUST_CHECK int audit_read(struct database *db, uint64_t after, uint64_t limit, audit_visit *visit,
                          void *context, struct err *err);
