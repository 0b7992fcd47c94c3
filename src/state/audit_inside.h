/* What writing and verifying the audit chain share. For audit*.c only. */
#pragma once
#include "base/arena.h"
#include "state/audit.h"

#define AUDIT_COLUMNS                                                                              \
    "id, time_ns, actor, sent_from, user_id, command, object, unit_id, code, detail, hash"

struct audit_end { /* of the chain; id 0: it has no rows */
    uint64_t id;
    int64_t time_ns;
    struct digest hash;
};

struct audit_head {
    uint64_t id;
    struct digest hash;
    int64_t time_ns;
    uint64_t key_id;
    bool is_signed; /* has a signature and names a known key */
    uint8_t signature[SIGN_BYTES], public_key[SIGN_PUBLIC_BYTES];
};
/* ERR_END: there is none. ERR_DAMAGED. */
MUST_CHECK int audit_head_read(struct database *db, struct audit_head *out, struct err *err);
/* What is signed. */
void audit_head_sentence(const struct audit_head *head, struct slice node, struct buf *out);
/* Whether the signature is the named key's. */
bool audit_head_holds(const struct audit_head *head, struct slice node);
MUST_CHECK int audit_node(struct database *db, struct arena *arena, struct slice *uuid,
                          struct err *err);
/* A row of AUDIT_COLUMNS, texts until the next step; *whole: its hash has 32 bytes. */
void audit_row_of(struct statement *s, struct audit_row *row, bool *whole);
