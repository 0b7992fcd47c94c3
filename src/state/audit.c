#include "state/audit.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "state/audit_inside.h"

struct audit {
    struct database *db;
    const struct sign_key *key; /* or NULL */
    uint64_t key_id;            /* row of node_key; 0: none */
    struct digester *digester;
    struct arena node; /* of the uuid */
    struct slice uuid;
    struct audit_end end, committed;
};

void audit_head_text(const struct digest *hash, char out[AUDIT_HEAD_TEXT_BYTES])
{
    struct buf hex = {0};
    text_hex(&hex, slice_make((const char *)hash->bytes, DIGEST_BYTES));
    memcpy(out, buf_text(&hex), AUDIT_HEAD_TEXT_BYTES);
    buf_free(&hex);
}

static void canonical_text(struct buf *out, struct slice text)
{
    bytes_put_u32(out, (uint32_t)text.len);
    buf_slice(out, text);
}

struct digest audit_hash(struct digester *digester, const struct digest *before,
                         const struct audit_row *row)
{
    struct buf b = {0};
    buf_append(&b, before->bytes, DIGEST_BYTES);
    buf_string(&b, "canh audit row v1\n");
    bytes_put_u64(&b, row->id);
    bytes_put_i64(&b, row->time_ns);
    bytes_put_u64(&b, row->user_id);
    bytes_put_u64(&b, row->unit_id);
    bytes_put_i64(&b, row->code);
    canonical_text(&b, row->actor);
    canonical_text(&b, row->from);
    canonical_text(&b, row->command);
    canonical_text(&b, row->object);
    canonical_text(&b, row->detail);
    struct digest hash = digest_of(digester, buf_as_slice(&b));
    buf_free(&b);
    return hash;
}

void audit_head_sentence(const struct audit_head *head, struct slice node, struct buf *out)
{
    char hex[AUDIT_HEAD_TEXT_BYTES];
    audit_head_text(&head->hash, hex);
    buf_printf(out, "canh audit head v1\n%" PRIu64 " %s %" PRId64 "\n%.*s\n", head->id, hex,
               head->time_ns, (int)node.len, node.data);
}

static bool digest_take(struct slice bytes, struct digest *out)
{
    if (bytes.len != DIGEST_BYTES)
        return false;
    memcpy(out->bytes, bytes.data, DIGEST_BYTES);
    return true;
}

int audit_node(struct database *db, struct arena *arena, struct slice *uuid, struct err *err)
{
    struct statement *s = statement_get(db, "SELECT value FROM meta WHERE key = 'node'");
    int rc = statement_step(s, err);
    if (rc == ERR_OK)
        *uuid = arena_copy(arena, statement_column_text(s, 0));
    statement_reset(s);
    return rc == ERR_END ? err_set(err, ERR_DAMAGED, "the state does not say which node it is of")
                         : rc;
}

int audit_head_read(struct database *db, struct audit_head *out, struct err *err)
{
    struct statement *s =
        statement_get(db, "SELECT h.audit_id, h.hash, h.time_ns, h.key_id, h.signature, k.public"
                          " FROM audit_head h LEFT JOIN node_key k ON k.id = h.key_id");
    *out = (struct audit_head){0};
    int rc = statement_step(s, err);
    if (rc == ERR_OK) {
        out->id = statement_column_u64(s, 0);
        bool whole = digest_take(statement_column_text(s, 1), &out->hash);
        out->time_ns = statement_column_i64(s, 2);
        out->key_id = statement_column_u64(s, 3);
        struct slice signature = statement_column_text(s, 4), key = statement_column_text(s, 5);
        out->is_signed = signature.len == SIGN_BYTES && key.len == SIGN_PUBLIC_BYTES;
        if (out->is_signed) {
            memcpy(out->signature, signature.data, SIGN_BYTES);
            memcpy(out->public_key, key.data, SIGN_PUBLIC_BYTES);
        }
        if (!whole || (!out->is_signed && signature.len))
            rc = err_set(err, ERR_DAMAGED, "the audit head is not one");
    }
    statement_reset(s);
    return rc;
}

bool audit_head_holds(const struct audit_head *head, struct slice node)
{
    struct buf text = {0};
    audit_head_sentence(head, node, &text);
    bool holds =
        head->is_signed && sign_check(head->public_key, buf_as_slice(&text), head->signature);
    buf_free(&text);
    return holds;
}

void audit_row_of(struct statement *s, struct audit_row *row, bool *whole)
{
    row->id = statement_column_u64(s, 0);
    row->time_ns = statement_column_i64(s, 1);
    row->actor = statement_column_text(s, 2);
    row->from = statement_column_text(s, 3);
    row->user_id = statement_column_u64(s, 4);
    row->command = statement_column_text(s, 5);
    row->object = statement_column_text(s, 6);
    row->unit_id = statement_column_u64(s, 7);
    row->code = (int)statement_column_i64(s, 8);
    row->detail = statement_column_text(s, 9);
    *whole = digest_take(statement_column_text(s, 10), &row->hash);
}

static int damaged(struct err *err, const char *what)
{
    return err_set(err, ERR_DAMAGED,
                   "the audit chain does not hold: %s; `canh audit verify` tells more. Keep a copy "
                   "of the data folder before anything else, then restore a backup",
                   what);
}

/* The newest row is what its hash says, behind the one before it. */
static int newest_check(struct audit *a, struct err *err)
{
    struct statement *s =
        statement_get(a->db, "SELECT " AUDIT_COLUMNS " FROM (SELECT * FROM audit ORDER BY id DESC"
                             " LIMIT 2) ORDER BY id");
    bool holds = true;
    int rc;
    while ((rc = statement_step(s, err)) == ERR_OK) {
        struct audit_row row = {0};
        struct audit_end before = a->end;
        audit_row_of(s, &row, &holds);
        if (before.id > 0 || row.id == 1) {
            struct digest expected = audit_hash(a->digester, &before.hash, &row);
            holds &= row.id == before.id + 1 && memcmp(&expected, &row.hash, sizeof(expected)) == 0;
        }
        a->end = (struct audit_end){row.id, row.time_ns, row.hash};
    }
    if (rc != ERR_END)
        return rc;
    return holds ? ERR_OK : damaged(err, "its newest row was changed");
}

/* Rows, head and signature fit, whichever key signed it. */
static int end_check(struct audit *a, struct audit_head *head, struct err *err)
{
    int rc = audit_node(a->db, &a->node, &a->uuid, err);
    if (rc == ERR_OK)
        rc = newest_check(a, err);
    if (rc)
        return rc;
    rc = audit_head_read(a->db, head, err);
    if (rc == ERR_END)
        return a->end.id == 0 ? ERR_OK : damaged(err, "its signed head is gone");
    if (rc)
        return rc == ERR_DAMAGED ? damaged(err, err ? err->text : "") : rc;
    if (head->id != a->end.id || memcmp(&head->hash, &a->end.hash, sizeof(head->hash)) != 0)
        return damaged(err, "its newest row is not the one that was signed");
    if (head->is_signed && !audit_head_holds(head, a->uuid))
        return damaged(err, "the signature of its head is wrong");
    return ERR_OK;
}

static struct audit *audit_make(struct database *db, const struct sign_key *key)
{
    struct audit *a = mem_zeroed(1, sizeof(*a));
    a->db = db;
    a->key = key;
    a->digester = digester_open();
    return a;
}

void audit_close(struct audit **audit)
{
    if (!*audit)
        return;
    digester_close(&(*audit)->digester);
    arena_free(&(*audit)->node);
    mem_free(*audit);
    *audit = NULL;
}

static int key_id_find(struct audit *a, struct err *err)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    sign_key_public(a->key, public_key);
    struct statement *s = statement_get(a->db, "SELECT id FROM node_key WHERE public = ?1");
    statement_blob(s, 1, slice_make((const char *)public_key, sizeof(public_key)));
    int rc = statement_step(s, err);
    if (rc == ERR_OK)
        a->key_id = statement_column_u64(s, 0);
    statement_reset(s);
    return rc;
}

/* In a transaction: the key becomes known, as a row of the chain. */
static int key_enter(struct audit *a, int64_t now_ns, struct err *err)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    struct buf detail = {0};
    sign_key_public(a->key, public_key);
    struct slice bytes = slice_make((const char *)public_key, sizeof(public_key));
    int rc = key_id_find(a, err);
    if (rc == ERR_END) {
        struct statement *s = statement_get(
            a->db, "INSERT INTO node_key(public, since_ns) VALUES(?1, ?2) RETURNING id");
        statement_blob(s, 1, bytes);
        statement_i64(s, 2, now_ns);
        rc = statement_step(s, err);
        if (rc == ERR_OK)
            a->key_id = statement_column_u64(s, 0);
        statement_reset(s);
    }
    buf_string(&detail, "{\"public\":\"");
    text_hex(&detail, bytes);
    buf_string(&detail, "\"}");
    struct audit_row row = {.time_ns = now_ns,
                            .actor = SLICE("system"),
                            .command = SLICE("node.key"),
                            .object = SLICE("node"),
                            .detail = buf_as_slice(&detail)};
    if (rc == ERR_OK)
        rc = audit_add(a, &row, err);
    if (rc == ERR_OK)
        rc = audit_seal(a, now_ns, err);
    buf_free(&detail);
    return rc;
}

static int key_enter_now(struct audit *a, int64_t now_ns, struct err *err)
{
    int rc = database_begin(a->db, err);
    if (rc)
        return rc;
    rc = key_enter(a, now_ns, err);
    if (rc == ERR_OK)
        rc = database_commit(a->db, err);
    else
        database_roll_back(a->db);
    audit_settled(a, rc == ERR_OK);
    return rc;
}

int audit_open(struct audit **out, struct database *db, const struct sign_key *key, int64_t now_ns,
               struct err *err)
{
    struct audit *a = audit_make(db, key);
    struct audit_head head = {0};
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    *out = NULL;
    int rc = end_check(a, &head, err);
    if (rc == ERR_OK && key && head.is_signed) {
        sign_key_public(key, public_key);
        a->key_id = head.key_id;
        if (memcmp(public_key, head.public_key, sizeof(public_key)) != 0)
            rc = damaged(err, "its head was signed with another key than the node's (when the key "
                              "was changed on purpose, say so: docs/keys.md)");
    }
    a->committed = a->end;
    if (rc == ERR_OK && key && !head.is_signed)
        rc =
            a->end.id == 0 ? key_enter_now(a, now_ns, err) : damaged(err, "its head is not signed");
    if (rc == ERR_OK)
        *out = a;
    else
        audit_close(&a);
    return rc;
}

int audit_change_key(struct database *db, const struct sign_key *key, int64_t now_ns,
                     struct err *err)
{
    struct audit *a = audit_make(db, key);
    struct audit_head head = {0};
    int rc = end_check(a, &head, err);
    a->committed = a->end;
    if (rc == ERR_OK)
        rc = key_enter_now(a, now_ns, err);
    audit_close(&a);
    return rc;
}

/* Too long a detail: what it was can still be proved. */
static struct slice detail_kept(struct audit *a, struct slice detail, struct buf *text)
{
    char hex[AUDIT_HEAD_TEXT_BYTES];
    if (detail.len == 0)
        return SLICE("{}");
    if (detail.len <= AUDIT_DETAIL_BYTES_MAX)
        return detail;
    struct digest digest = digest_of(a->digester, detail);
    audit_head_text(&digest, hex);
    buf_printf(text, "{\"bytes\":%zu,\"sha256\":\"%s\"}", detail.len, hex);
    return buf_as_slice(text);
}

int audit_add(struct audit *a, struct audit_row *row, struct err *err)
{
    struct audit_row kept = *row;
    struct buf text = {0};
    kept.detail = detail_kept(a, row->detail, &text);
    kept.id = row->id = a->end.id + 1;
    if (row->time_ns < a->end.time_ns)
        kept.time_ns = row->time_ns = a->end.time_ns;
    row->hash = audit_hash(a->digester, &a->end.hash, &kept);
    struct statement *s = statement_get(a->db, "INSERT INTO audit(" AUDIT_COLUMNS
                                               ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)");
    statement_u64(s, 1, kept.id);
    statement_i64(s, 2, kept.time_ns);
    statement_text(s, 3, kept.actor);
    statement_text(s, 4, kept.from);
    statement_u64(s, 5, kept.user_id);
    statement_text(s, 6, kept.command);
    statement_text(s, 7, kept.object);
    statement_u64(s, 8, kept.unit_id);
    statement_i64(s, 9, kept.code);
    statement_text(s, 10, kept.detail);
    statement_blob(s, 11, slice_make((const char *)row->hash.bytes, DIGEST_BYTES));
    int rc = statement_run(s, err);
    if (rc == ERR_OK)
        a->end = (struct audit_end){row->id, row->time_ns, row->hash};
    buf_free(&text);
    return rc;
}

int audit_seal(struct audit *a, int64_t now_ns, struct err *err)
{
    struct audit_head head = {.id = a->end.id,
                              .hash = a->end.hash,
                              .time_ns = now_ns < a->end.time_ns ? a->end.time_ns : now_ns};
    struct buf text = {0};
    if (head.id == 0)
        return ERR_OK;
    struct statement *s = statement_get(
        a->db, "INSERT OR REPLACE INTO audit_head(one, audit_id, hash, time_ns, key_id, signature)"
               " VALUES(1, ?1, ?2, ?3, ?4, ?5)");
    statement_u64(s, 1, head.id);
    statement_blob(s, 2, slice_make((const char *)head.hash.bytes, DIGEST_BYTES));
    statement_i64(s, 3, head.time_ns);
    if (a->key) {
        audit_head_sentence(&head, a->uuid, &text);
        sign_text(a->key, buf_as_slice(&text), head.signature);
        statement_u64(s, 4, a->key_id);
        statement_blob(s, 5, slice_make((const char *)head.signature, SIGN_BYTES));
        buf_free(&text);
    }
    return statement_run(s, err);
}

void audit_settled(struct audit *a, bool committed)
{
    if (committed)
        a->committed = a->end;
    else
        a->end = a->committed;
}
