/* Outbox: what is to leave the node, durable until it was received; one outbox for mail, webhooks,
 * commands and (later) the link.
 *
 * A message is put inside the transaction of what it tells of, is sent at least once, and keeps one
 * Idempotency-Key for all tries. A try that fails waits longer each time, up to OUTBOX_WAIT_MAX_S;
 * after OUTBOX_KEEP_NS it is given up, which is shown. Threads: the database's. Limits: named.
 * DESIGN sections 2 and 4. */
#pragma once
#include "base/clock.h"
#include "base/database.h"

enum {
    OUTBOX_BODY_BYTES_MAX = 1 << 20,
    OUTBOX_MESSAGES_MAX = 100000, /* waiting: then putting fails with ERR_FULL */
    OUTBOX_WAIT_MIN_S = 2,
    OUTBOX_WAIT_MAX_S = 3600,
    OUTBOX_KEY_BYTES = 33 /* 32 hex digits and NUL */
};
#define OUTBOX_KEEP_NS (14 * 86400 * CLOCK_SECOND_NS)

struct outbox_message {
    uint64_t id;
    struct slice channel;       /* name in canh.yaml */
    struct slice key;           /* Idempotency-Key */
    struct slice subject, body; /* body: JSON for webhooks */
    uint32_t tries;
    int64_t made_ns, due_ns;
};
/* Inside the writer's transaction. */
MUST_CHECK int outbox_put(struct database *db, struct slice channel, struct slice subject,
                          struct slice body, int64_t now_ns, uint64_t *id, struct err *err);
/* Those that are due, oldest first, at most limit, texts good until visit returns. One that is not
 * due for longer than any wait was put before the clock went back: it is due. */
typedef int outbox_visit(void *context, const struct outbox_message *message);
MUST_CHECK int outbox_due(struct database *db, int64_t now_ns, uint32_t limit, outbox_visit *visit,
                          void *context, struct err *err);
/* The newest try's outcome, inside a transaction. delivered false: why says so, and when it is due
 * again is reckoned here. */
MUST_CHECK int outbox_settle(struct database *db, uint64_t id, bool delivered, struct slice why,
                             int64_t now_ns, struct err *err);
struct outbox_stats {
    uint64_t waiting, delivered, given_up;
    int64_t oldest_ns; /* CLOCK_NONE: none waits */
};
MUST_CHECK int outbox_stats(struct database *db, struct outbox_stats *out, struct err *err);
