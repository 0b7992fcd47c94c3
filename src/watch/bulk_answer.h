/* Bulk answer: what Elasticsearch or OpenSearch says of each item of a _bulk request.
 *
 * Limits: BULK_ANSWER_BYTES_MAX of a body, longer ones are refused unread; BULK_ITEMS_MAX items.
 * Threads: any. Ownership: texts of the result are copies within it. */
#pragma once
#include "base/str.h"

enum { BULK_ITEMS_MAX = 10000, BULK_REASON_BYTES = 300 };
#define BULK_ANSWER_BYTES_MAX ((size_t)32 << 20)

enum bulk_verdict {
    BULK_DONE,  /* stored; or a `create` of what is there already */
    BULK_AGAIN, /* 429, 5xx, and what speaks of the sender or the index's state, not of the
                 * document: 401, 403, cluster_block_exception */
    BULK_FAILED /* this document will never be taken: every other 4xx */
};

struct bulk_answer {
    uint32_t done, again, failed;
    uint32_t status;                /* of the first item that is not done; 0: none */
    char reason[BULK_REASON_BYTES]; /* its "type: reason", printable; cut */
};

/* Reads a 200's body; verdicts has one byte (enum bulk_verdict) for each of the `sent` items, in
 * the order in which they were sent. An answer without errors may leave its items out
 * (filter_path). ERR_SYNTAX: not such an answer, or of another count of items; ERR_LIMIT: too long.
 * Then nothing is known: all is to be sent again. */
MUST_CHECK int bulk_answer_read(struct bulk_answer *out, struct slice body, uint8_t *verdicts,
                                uint32_t sent, struct err *err);

/* What an HTTP status says of the request as a whole. */
enum bulk_status {
    BULK_READ,  /* 200: bulk_answer_read */
    BULK_LATER, /* the same again, later: 401, 403, 404, 408, 429, 5xx and all that is not named */
    BULK_SMALLER, /* 400, 413: in two halves; one item alone has failed for good */
};
enum bulk_status bulk_answer_status(uint32_t http_status);
