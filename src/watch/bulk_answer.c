#include "watch/bulk_answer.h"

#include "formats/json.h"

enum { TYPE_BYTES_MAX = 100, STATUS_MIN = 200, STATUS_MAX = 599 };

enum bulk_status bulk_answer_status(uint32_t http_status)
{
    if (http_status == 200)
        return BULK_READ;
    return http_status == 400 || http_status == 413 ? BULK_SMALLER : BULK_LATER;
}

/* One item as it is read; slices are still escaped as JSON has them. */
struct item {
    uint64_t status;
    bool create;
    struct slice type, reason;
};

struct reading {
    struct json_reader json;
    struct bulk_answer *out;
    uint8_t *verdicts;
    uint32_t sent, items;
    bool has_errors, errors; /* the member "errors" */
    struct err *err;
};

static int bad(struct reading *r, const char *what)
{
    if (r->json.err.code)
        return err_set(r->err, ERR_SYNTAX, "the answer to _bulk is no JSON: %s", r->json.err.text);
    return err_set(r->err, ERR_SYNTAX,
                   "the answer to _bulk %s: is the url that of Elasticsearch or OpenSearch?", what);
}

/* Past the value that begins with this token. */
static bool pass(struct reading *r, enum json_token token)
{
    if (token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN)
        token = json_skip(&r->json);
    return token != JSON_ERROR && token != JSON_END;
}

/* "error": {"type": ..., "reason": ...}, or a text in old versions. */
static bool error_read(struct reading *r, struct item *item)
{
    enum json_token token = json_next(&r->json);
    if (token == JSON_STRING)
        item->reason = r->json.text;
    if (token != JSON_OBJECT_OPEN)
        return pass(r, token);
    while ((token = json_next(&r->json)) == JSON_KEY) {
        struct slice key = r->json.text;
        token = json_next(&r->json);
        if (token == JSON_STRING && slice_equal(key, SLICE("type")))
            item->type = r->json.text;
        else if (token == JSON_STRING && slice_equal(key, SLICE("reason")))
            item->reason = r->json.text;
        else if (!pass(r, token))
            return false;
    }
    return token == JSON_OBJECT_CLOSE;
}

/* {"index": {"status": 201, ...}} behind its brace. */
static bool item_read(struct reading *r, struct item *item)
{
    if (json_next(&r->json) != JSON_KEY)
        return false;
    item->create = slice_equal(r->json.text, SLICE("create"));
    if (json_next(&r->json) != JSON_OBJECT_OPEN)
        return false;
    enum json_token token;
    while ((token = json_next(&r->json)) == JSON_KEY) {
        if (slice_equal(r->json.text, SLICE("status"))) {
            if (json_next(&r->json) != JSON_NUMBER || !slice_to_u64(r->json.text, &item->status))
                return false;
        } else if (slice_equal(r->json.text, SLICE("error"))) {
            if (!error_read(r, item))
                return false;
        } else if (!pass(r, json_next(&r->json))) {
            return false;
        }
    }
    return token == JSON_OBJECT_CLOSE && json_next(&r->json) == JSON_OBJECT_CLOSE &&
           item->status >= STATUS_MIN && item->status <= STATUS_MAX;
}

static enum bulk_verdict item_verdict(const struct item *item)
{
    if (item->status < 300 || (item->status == 409 && item->create))
        return BULK_DONE;
    if (item->status == 429 || item->status >= 500 || item->status == 401 || item->status == 403 ||
        slice_equal(item->type, SLICE("cluster_block_exception")))
        return BULK_AGAIN;
    return item->status >= 400 ? BULK_FAILED : BULK_AGAIN;
}

/* What the other side says is shown to people and written to logs: printable ASCII only. */
static size_t reason_put(char *out, size_t room, struct slice text)
{
    size_t len = text.len < room ? text.len : room;
    for (size_t i = 0; i < len; i++)
        out[i] = text.data[i] >= ' ' && text.data[i] < 0x7f ? text.data[i] : '?';
    return len;
}

static void reason_keep(struct bulk_answer *out, const struct item *item)
{
    if (out->status)
        return;
    out->status = (uint32_t)item->status;
    size_t len = reason_put(out->reason, TYPE_BYTES_MAX, item->type);
    if (len && item->reason.len) {
        out->reason[len++] = ':';
        out->reason[len++] = ' ';
    }
    len += reason_put(out->reason + len, BULK_REASON_BYTES - 1 - len, item->reason);
    out->reason[len] = '\0';
}

static int items_read(struct reading *r)
{
    enum json_token token;
    if (r->items)
        return bad(r, "has its items twice");
    if (json_next(&r->json) != JSON_ARRAY_OPEN)
        return bad(r, "has items that are no array");
    while ((token = json_next(&r->json)) == JSON_OBJECT_OPEN) {
        struct item item = {0};
        if (r->items == r->sent)
            return bad(r, "has more items than were sent");
        if (!item_read(r, &item))
            return bad(r, "has an item without action and status");
        enum bulk_verdict verdict = item_verdict(&item);
        r->verdicts[r->items++] = (uint8_t)verdict;
        if (verdict == BULK_DONE)
            r->out->done++;
        else
            reason_keep(r->out, &item);
        r->out->again += verdict == BULK_AGAIN;
        r->out->failed += verdict == BULK_FAILED;
    }
    return token == JSON_ARRAY_CLOSE ? ERR_OK : bad(r, "has items that are no objects");
}

static int members_read(struct reading *r)
{
    enum json_token token;
    if (json_next(&r->json) != JSON_OBJECT_OPEN)
        return bad(r, "is no object");
    while ((token = json_next(&r->json)) == JSON_KEY) {
        if (slice_equal(r->json.text, SLICE("items"))) {
            int rc = items_read(r);
            if (rc)
                return rc;
        } else if (slice_equal(r->json.text, SLICE("errors"))) {
            token = json_next(&r->json);
            if (token != JSON_TRUE && token != JSON_FALSE)
                return bad(r, "has an 'errors' that is not true or false");
            r->has_errors = true;
            r->errors = token == JSON_TRUE;
        } else if (!pass(r, json_next(&r->json))) {
            return bad(r, "ends early");
        }
    }
    if (token != JSON_OBJECT_CLOSE || json_next(&r->json) != JSON_END)
        return bad(r, "ends early or goes on behind its end");
    return ERR_OK;
}

int bulk_answer_read(struct bulk_answer *out, struct slice body, uint8_t *verdicts, uint32_t sent,
                     struct err *err)
{
    struct reading r = {.out = out, .verdicts = verdicts, .sent = sent, .err = err};
    *out = (struct bulk_answer){0};
    if (body.len > BULK_ANSWER_BYTES_MAX || sent > BULK_ITEMS_MAX)
        return err_set(err, ERR_LIMIT,
                       "the answer to _bulk is over %zu bytes, or has over %d items",
                       BULK_ANSWER_BYTES_MAX, BULK_ITEMS_MAX);
    json_reader_open(&r.json, body);
    int rc = members_read(&r);
    if (rc)
        return rc;
    if (r.items == 0 && r.has_errors && !r.errors) {
        memset(verdicts, BULK_DONE, sent);
        out->done = sent;
        return ERR_OK;
    }
    return r.items == sent ? ERR_OK : bad(&r, "has fewer items than were sent");
}
