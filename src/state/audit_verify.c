#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "state/audit_inside.h"

enum { PAGE_ROWS = 10000 };

int audit_read(struct database *db, uint64_t after, uint64_t limit, audit_visit *visit,
               void *context, struct err *err)
{
    struct statement *s =
        statement_get(db, "SELECT " AUDIT_COLUMNS " FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2");
    statement_u64(s, 1, after);
    statement_u64(s, 2, limit > INT64_MAX ? INT64_MAX : limit);
    int rc;
    while ((rc = statement_step(s, err)) == ERR_OK) {
        struct audit_row row;
        bool whole;
        audit_row_of(s, &row, &whole);
        rc = visit(context, &row);
        if (rc)
            break;
    }
    statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

struct verifying {
    struct digester *digester;
    struct digest anchor;
    bool has_anchor;
    audit_problem *visit;
    void *context;
    struct audit_verified *out;
    struct audit_end end;
    uint64_t page_rows;
};

static void problem(struct verifying *v, uint64_t id, const char *text)
{
    v->out->problems++;
    if (v->visit)
        v->visit(v->context, id, text);
}

static int row_verify(void *context, const struct audit_row *row)
{
    struct verifying *v = context;
    char text[160];
    v->page_rows++;
    v->out->rows++;
    if (row->id != v->end.id + 1) {
        (void)snprintf(text, sizeof(text), "rows %" PRIu64 " to %" PRIu64 " are missing",
                       v->end.id + 1, row->id - 1);
        problem(v, row->id, text);
    }
    struct digest expected = audit_hash(v->digester, &v->end.hash, row);
    if (memcmp(&expected, &row->hash, sizeof(expected)) != 0)
        problem(v, row->id,
                "its hash does not follow from the row before it and its contents: one of them "
                "was changed");
    if (row->time_ns < v->end.time_ns)
        problem(v, row->id, "it is older than the row before it");
    if (v->has_anchor && memcmp(&v->anchor, &row->hash, sizeof(v->anchor)) == 0)
        v->out->anchored = true;
    v->end = (struct audit_end){row->id, row->time_ns, row->hash};
    return ERR_OK;
}

static void signature_verify(struct verifying *v, const struct audit_head *head, struct slice node,
                             const uint8_t *public_key)
{
    if (!public_key)
        problem(v, head->id, "the head's signature cannot be checked: the node's key is not there");
    else if (!head->is_signed)
        problem(v, head->id, "the head is not signed");
    else if (memcmp(head->public_key, public_key, SIGN_PUBLIC_BYTES) != 0)
        problem(v, head->id, "the head is signed with another key than the node's");
    else if (!audit_head_holds(head, node))
        problem(v, head->id, "the head's signature is wrong");
    else
        v->out->is_signed = true;
}

/* In the read transaction of the last page, so that head and last row are of one moment. */
static int head_verify(struct verifying *v, struct database *db, const uint8_t *public_key,
                       struct err *err)
{
    struct audit_head head;
    struct arena arena = {0};
    struct slice node = {0};
    int rc = audit_head_read(db, &head, err);
    v->out->head = v->end.hash;
    if (rc == ERR_END || rc == ERR_DAMAGED) {
        if (v->end.id > 0 || rc == ERR_DAMAGED)
            problem(v, v->end.id, "the signed head is gone");
        return ERR_OK;
    }
    if (rc == ERR_OK)
        rc = audit_node(db, &arena, &node, err);
    if (rc == ERR_OK) {
        v->out->head_ns = head.time_ns;
        if (head.id > v->end.id)
            problem(v, head.id, "the head was signed over rows that are gone: the end was cut");
        else if (head.id < v->end.id)
            problem(v, v->end.id, "it stands behind the signed head");
        else if (memcmp(&head.hash, &v->end.hash, sizeof(head.hash)) != 0)
            problem(v, v->end.id, "it is not the row that was signed as the head");
        signature_verify(v, &head, node, public_key);
    }
    arena_free(&arena);
    return rc;
}

/* One page in one read transaction; *more: there may be another one. */
static int page_verify(struct verifying *v, struct database *db, const uint8_t *public_key,
                       bool *more, struct err *err)
{
    int rc = database_begin_read(db, err);
    if (rc)
        return rc;
    v->page_rows = 0;
    rc = audit_read(db, v->end.id, PAGE_ROWS, row_verify, v, err);
    *more = v->page_rows == PAGE_ROWS;
    if (rc == ERR_OK && !*more)
        rc = head_verify(v, db, public_key, err);
    database_roll_back(db);
    return rc;
}

static int anchor_read(struct verifying *v, struct slice head, struct err *err)
{
    struct buf bytes = {0};
    bool good = text_hex_decode(&bytes, head) && bytes.len == DIGEST_BYTES;
    if (good)
        memcpy(v->anchor.bytes, bytes.data, DIGEST_BYTES);
    v->has_anchor = good;
    buf_free(&bytes);
    return good ? ERR_OK
                : err_set(err, ERR_USAGE,
                          "a head of the audit chain is 64 hex digits, as the daily report and "
                          "`canh audit verify` show it");
}

int audit_verify(struct database *db, const uint8_t public_key[SIGN_PUBLIC_BYTES],
                 struct slice head, audit_problem *visit, void *context, struct audit_verified *out,
                 struct err *err)
{
    struct verifying v = {.visit = visit, .context = context, .out = out};
    bool more = true;
    int rc = ERR_OK;
    *out = (struct audit_verified){.head_ns = CLOCK_NONE};
    if (head.len)
        rc = anchor_read(&v, head, err);
    v.digester = digester_open();
    while (rc == ERR_OK && more)
        rc = page_verify(&v, db, public_key, &more, err);
    if (rc == ERR_OK && v.has_anchor && !out->anchored)
        problem(&v, out->rows,
                "the head that was kept elsewhere is not in this chain: it was cut or replaced");
    digester_close(&v.digester);
    return rc;
}
