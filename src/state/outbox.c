#include "state/outbox.h"

#include <stdio.h>
#include <sys/random.h>

enum {
    CHANNEL_BYTES_MAX = 64,
    SUBJECT_BYTES_MAX = 1000,
    WHY_BYTES_MAX = 400,
    SETTLED_ROWS_MAX = 10000, /* kept to be looked at, without their bodies */
    KEY_RANDOM_BYTES = (OUTBOX_KEY_BYTES - 1) / 2
};

static void key_make(char out[OUTBOX_KEY_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[KEY_RANDOM_BYTES];
    check(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[OUTBOX_KEY_BYTES - 1] = '\0';
}

static int count_read(struct database *db, const char *key, uint64_t *out, struct err *err)
{
    struct statement *s = statement_get(db, "SELECT value FROM meta WHERE key = ?1");
    statement_text(s, 1, slice_from(key));
    int rc = statement_step(s, err);
    *out = rc == ERR_OK ? statement_column_u64(s, 0) : 0;
    statement_reset(s);
    return rc == ERR_END ? err_set(err, ERR_DAMAGED, "the state lacks the number %s", key) : rc;
}

static int count_add(struct database *db, const char *key, int64_t more, struct err *err)
{
    struct statement *s = statement_get(db, "UPDATE meta SET value = value + ?2 WHERE key = ?1");
    statement_text(s, 1, slice_from(key));
    statement_i64(s, 2, more);
    return statement_run(s, err);
}

int outbox_put(struct database *db, struct slice channel, struct slice subject, struct slice body,
               int64_t now_ns, uint64_t *id, struct err *err)
{
    char key[OUTBOX_KEY_BYTES];
    uint64_t waiting;
    if (channel.len == 0 || channel.len > CHANNEL_BYTES_MAX || subject.len > SUBJECT_BYTES_MAX ||
        body.len > OUTBOX_BODY_BYTES_MAX)
        return err_set(err, ERR_LIMIT,
                       "the message is too large: a subject has at most %d bytes, a body %d",
                       SUBJECT_BYTES_MAX, OUTBOX_BODY_BYTES_MAX);
    int rc = count_read(db, "outbox_waiting", &waiting, err);
    if (rc == ERR_OK && waiting >= OUTBOX_MESSAGES_MAX)
        return err_set(err, ERR_FULL,
                       "%d messages wait to leave: look at the channels with `canh status`",
                       OUTBOX_MESSAGES_MAX);
    if (rc)
        return rc;
    key_make(key);
    struct statement *s =
        statement_get(db, "INSERT INTO outbox(channel, key, subject, body, made_ns, due_ns)"
                          " VALUES(?1, ?2, ?3, ?4, ?5, ?5) RETURNING id");
    statement_text(s, 1, channel);
    statement_text(s, 2, slice_make(key, sizeof(key) - 1));
    statement_text(s, 3, subject);
    statement_text(s, 4, body);
    statement_i64(s, 5, now_ns);
    rc = statement_step(s, err);
    if (rc == ERR_OK && id)
        *id = statement_column_u64(s, 0);
    statement_reset(s);
    return rc ? rc : count_add(db, "outbox_waiting", 1, err);
}

int outbox_due(struct database *db, int64_t now_ns, uint32_t limit, outbox_visit *visit,
               void *context, struct err *err)
{
    struct statement *s =
        statement_get(db, "SELECT id, channel, key, subject, body, tries, made_ns, due_ns"
                          " FROM outbox WHERE due_ns IS NOT NULL AND (due_ns <= ?1 OR due_ns > ?3)"
                          " ORDER BY due_ns, id LIMIT ?2");
    statement_i64(s, 1, now_ns);
    const int64_t wait_ns = OUTBOX_WAIT_MAX_S * CLOCK_SECOND_NS;
    statement_i64(s, 3, now_ns > INT64_MAX - wait_ns ? INT64_MAX : now_ns + wait_ns);
    statement_u64(s, 2, limit);
    int rc;
    while ((rc = statement_step(s, err)) == ERR_OK) {
        struct outbox_message m = {.id = statement_column_u64(s, 0),
                                   .channel = statement_column_text(s, 1),
                                   .key = statement_column_text(s, 2),
                                   .subject = statement_column_text(s, 3),
                                   .body = statement_column_text(s, 4),
                                   .tries = (uint32_t)statement_column_u64(s, 5),
                                   .made_ns = statement_column_i64(s, 6),
                                   .due_ns = statement_column_i64(s, 7)};
        rc = visit(context, &m);
        if (rc)
            break;
    }
    statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

/* Twice as long after each try. */
static int64_t wait_ns(uint64_t tries)
{
    int64_t seconds = OUTBOX_WAIT_MIN_S;
    while (tries-- > 1 && seconds < OUTBOX_WAIT_MAX_S)
        seconds *= 2;
    return (seconds < OUTBOX_WAIT_MAX_S ? seconds : OUTBOX_WAIT_MAX_S) * CLOCK_SECOND_NS;
}

static int retry(struct database *db, uint64_t id, uint64_t tries, struct slice why, int64_t now_ns,
                 struct err *err)
{
    struct statement *s =
        statement_get(db, "UPDATE outbox SET tries = ?2, due_ns = ?3, why = ?4 WHERE id = ?1");
    statement_u64(s, 1, id);
    statement_u64(s, 2, tries);
    statement_i64(s, 3, now_ns + wait_ns(tries));
    statement_text(s, 4, slice_part(why, 0, WHY_BYTES_MAX));
    return statement_run(s, err);
}

/* It waits no more: its body goes, and the oldest of those that were kept. */
static int end(struct database *db, uint64_t id, uint64_t tries, bool delivered, struct slice why,
               struct err *err)
{
    struct statement *s =
        statement_get(db, "UPDATE outbox SET tries = ?2, due_ns = NULL, delivered = ?3, why = ?4,"
                          " body = '' WHERE id = ?1");
    statement_u64(s, 1, id);
    statement_u64(s, 2, tries);
    statement_i64(s, 3, delivered);
    statement_text(s, 4, slice_part(why, 0, WHY_BYTES_MAX));
    int rc = statement_run(s, err);
    if (rc == ERR_OK)
        rc = count_add(db, "outbox_waiting", -1, err);
    if (rc == ERR_OK)
        rc = count_add(db, delivered ? "outbox_delivered" : "outbox_given_up", 1, err);
    if (rc)
        return rc;
    s = statement_get(db, "DELETE FROM outbox WHERE due_ns IS NULL AND id <= ?1");
    statement_i64(s, 1, (int64_t)id - SETTLED_ROWS_MAX);
    return statement_run(s, err);
}

int outbox_settle(struct database *db, uint64_t id, bool delivered, struct slice why,
                  int64_t now_ns, struct err *err)
{
    struct statement *s =
        statement_get(db, "SELECT tries, made_ns FROM outbox WHERE id = ?1 AND due_ns IS NOT NULL");
    statement_u64(s, 1, id);
    int rc = statement_step(s, err);
    uint64_t tries = rc == ERR_OK ? statement_column_u64(s, 0) + 1 : 0;
    int64_t made_ns = rc == ERR_OK ? statement_column_i64(s, 1) : 0;
    statement_reset(s);
    if (rc == ERR_END)
        return err_set(err, ERR_NOT_FOUND, "no message %llu waits to leave",
                       (unsigned long long)id);
    if (rc)
        return rc;
    if (delivered || now_ns - made_ns >= OUTBOX_KEEP_NS)
        return end(db, id, tries, delivered, why, err);
    return retry(db, id, tries, why, now_ns, err);
}

int outbox_stats(struct database *db, struct outbox_stats *out, struct err *err)
{
    *out = (struct outbox_stats){.oldest_ns = CLOCK_NONE};
    int rc = count_read(db, "outbox_waiting", &out->waiting, err);
    if (rc == ERR_OK)
        rc = count_read(db, "outbox_delivered", &out->delivered, err);
    if (rc == ERR_OK)
        rc = count_read(db, "outbox_given_up", &out->given_up, err);
    if (rc)
        return rc;
    struct statement *s =
        statement_get(db, "SELECT min(made_ns) FROM outbox WHERE due_ns IS NOT NULL");
    rc = statement_step(s, err);
    if (rc == ERR_OK && !statement_column_is_null(s, 0))
        out->oldest_ns = statement_column_i64(s, 0);
    statement_reset(s);
    return rc;
}
