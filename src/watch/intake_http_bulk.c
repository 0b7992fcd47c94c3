/* Elasticsearch's _bulk and single documents: every item has its own outcome. Once something of a
 * body is durable, what comes behind a failure is told item by item, so that only that is sent
 * again: all of it would double. Where every item has its id nothing doubles, and the whole body is
 * to come again: senders that read no items (rsyslog without retryfailures, syslog-ng) would lose
 * them. On judging threads. */
#include <sodium.h>
#include <stdio.h>

#include "base/mem.h"
#include "formats/bulk.h"
#include "formats/json.h"
#include "watch/intake_http_inside.h"

enum {
    BULK_ITEMS_MAX = 1 << 18,
    REASON_BYTES_MAX = 256,
    STATUS_STORED = 201,
    STATUS_KNOWN = 200,
    STATUS_CONFLICT = 409,
    STATUS_BAD = 400,
    STATUS_LATER = 429
};
#define PARSE_TYPE    "document_parsing_exception"
#define CONFLICT_TYPE "version_conflict_engine_exception"
#define LATER_TYPE    "es_rejected_execution_exception"

struct outcome {
    uint8_t action;  /* enum bulk_action */
    uint16_t status; /* 0: not known yet */
    uint32_t error;  /* place in `errors` and one; 0: none */
};

struct bulk {
    struct http_request *r;
    struct http_bench *bench;
    struct outcome *items;
    size_t count, capacity;
    struct buf errors;           /* type, NUL, reason, NUL */
    uint64_t durable, with_next; /* records of the block: stored; and with the haul on its way */
    uint64_t stored;
    bool lacks_id; /* an item has none */
};

static void error_set(struct bulk *b, struct outcome *item, const char *type, const char *reason)
{
    if (item->error)
        return;
    item->error = (uint32_t)b->errors.len + 1;
    buf_append(&b->errors, type, strlen(type) + 1);
    buf_slice(&b->errors, slice_part(slice_from(reason), 0, REASON_BYTES_MAX));
    buf_char(&b->errors, '\0');
}

/* ---- one piece ---- */

static struct outcome *item_add(struct bulk *b, enum bulk_action action)
{
    if (b->count == b->capacity) {
        b->capacity = b->capacity ? b->capacity * 2 : 256;
        b->items = mem_resize(b->items, b->capacity, sizeof(*b->items));
    }
    struct outcome *item = &b->items[b->count++];
    *item = (struct outcome){.action = (uint8_t)action};
    return item;
}

/* Lines of spans and refusals are numbers of items. */
static void told_of(void *context, uint64_t position, const char *reason)
{
    struct bulk *b = context;
    size_t place = reason ? (size_t)position - 1 : b->bench->items[position];
    if (place >= b->count)
        return;
    struct outcome *item = &b->items[place];
    if (reason) {
        item->status = STATUS_BAD;
        error_set(b, item, PARSE_TYPE, reason);
    } else if (item->action == BULK_CREATE) {
        item->status = STATUS_CONFLICT;
        error_set(b, item, CONFLICT_TYPE, "a document with this _id is stored already");
    } else {
        item->status = STATUS_KNOWN;
    }
}

/* A haul is about to be handed over: what went before it is durable. */
static void hauled(void *context, uint64_t records, bool last, struct haul_head *head)
{
    struct bulk *b = context;
    (void)last;
    (void)head;
    b->durable = b->with_next;
    b->with_next = records;
}

/* Reads items into the block until it is a piece. False: the body is at its end. */
static bool piece_read(struct bulk *b, struct bulk_reader *reader, struct intake_block *block,
                       struct input_block *records)
{
    struct bulk_item item;
    size_t bytes = 0;
    while (bytes < HTTP_PIECE_BYTES && records->spans.count < HTTP_PIECE_ITEMS &&
           block->refusal_count < HTTP_PIECE_ITEMS) {
        const char *from = reader->rest.data;
        if (!bulk_next(reader, &item))
            return false;
        struct outcome *added = item_add(b, item.action);
        uint64_t line = b->count;
        bytes += (size_t)(reader->rest.data - from);
        if (item.type) {
            error_set(b, added, item.type, item.reason);
            b->bench->refusals[block->refusal_count++] = (struct intake_refusal){
                LEDGER_REFUSED_ACTION, line, slice_from(item.reason),
                slice_part(slice_trim(slice_make(from, (size_t)(reader->rest.data - from))), 0,
                           HARVEST_REFUSED_BYTES_MAX)};
            continue;
        }
        b->lacks_id |= item.id.len == 0;
        b->bench->ids[records->spans.count] =
            item.id.len ? item.id : (struct slice){.data = NULL, .len = 0};
        b->bench->items[records->spans.count] = (uint32_t)line - 1;
        span_list_add(
            &records->spans,
            (struct span){.text = item.source, .line = line, .format = b->r->listener->json});
    }
    return true;
}

/* From the piece's first item on: what was stored, and what is to be sent again. */
static void piece_close(struct bulk *b, const struct input_block *records, size_t first, bool good)
{
    for (size_t i = 0; i < records->spans.count; i++) {
        struct outcome *item = &b->items[b->bench->items[i]];
        if (item->status == 0 && (good || i < b->durable)) {
            item->status = STATUS_STORED;
            b->stored++;
        }
    }
    for (size_t i = first; i < b->count; i++) {
        if (b->items[i].status)
            continue;
        b->items[i].status = STATUS_LATER;
        b->items[i].error = 0;
        error_set(b, &b->items[i], LATER_TYPE, "it cannot be stored now: send it again later");
    }
}

/* ERR_*: of the first piece that failed; items behind it were only read. */
static int pieces_run(struct bulk *b)
{
    int rc = ERR_OK;
    struct bulk_reader reader;
    struct input_block *records = intake_lane_block(b->bench->lane);
    bulk_open(&reader, buf_as_slice(&b->r->body), &records->arena);
    for (bool more = true; more;) {
        struct intake_block block = http_body_block(b->r);
        size_t first = b->count;
        block.ids = b->bench->ids;
        block.refusals = b->bench->refusals;
        block.told_of = told_of;
        block.cursors = hauled;
        block.context = b;
        records = intake_lane_block(b->bench->lane);
        more = piece_read(b, &reader, &block, records);
        b->durable = b->with_next = 0;
        bool runs = rc == ERR_OK;
        if (runs)
            rc = intake_lane_run(b->bench->lane, &block, NULL);
        piece_close(b, records, first, runs && rc == ERR_OK);
        b->r->refused += block.refused;
        b->r->duplicates += block.duplicates;
    }
    b->r->stored = b->stored;
    return rc;
}

/* ---- answers ---- */

static void error_write(const struct bulk *b, const struct outcome *item, struct json_writer *w)
{
    const char *type = b->errors.data + item->error - 1;
    json_key(w, "error");
    json_open_object(w);
    json_key(w, "type");
    json_string(w, slice_from(type));
    json_key(w, "reason");
    json_string(w, slice_from(type + strlen(type) + 1));
    json_close_object(w);
}

static void items_write(const struct bulk *b, struct json_writer *w)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct outcome *item = &b->items[i];
        json_open_object(w);
        json_key(w, bulk_action_name((enum bulk_action)item->action));
        json_open_object(w);
        json_key(w, "status");
        json_u64(w, item->status);
        if (item->error)
            error_write(b, item, w);
        json_close_object(w);
        json_close_object(w);
    }
}

/* Fluent Bit reads the answer into a small buffer, and sends everything again when it is cut off;
 * of a good answer it reads `errors` alone. Others say by filter_path that they want no items. */
static bool wants_items(const struct http_request *r, bool errors)
{
    struct slice wanted = slice_from(
        MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "filter_path"));
    if (wanted.len && slice_find(wanted, SLICE("items")) == SLICE_NONE &&
        slice_find_char(wanted, '*') == SLICE_NONE)
        return false;
    return errors || !slice_starts(http_header(r, MHD_HTTP_HEADER_USER_AGENT), SLICE("Fluent-Bit"));
}

static void bulk_answer(struct bulk *b)
{
    bool errors = false;
    struct json_writer w = {.out = http_body_answer(b->r, MHD_HTTP_OK, "application/json")};
    for (size_t i = 0; i < b->count && !errors; i++)
        errors = b->items[i].status >= STATUS_BAD;
    json_open_object(&w);
    json_key(&w, "took");
    json_u64(&w, (clock_monotonic_ns() - b->r->began_ns) / (CLOCK_SECOND_NS / 1000));
    json_key(&w, "errors");
    json_bool(&w, errors);
    json_key(&w, "items");
    json_open_array(&w);
    if (wants_items(b->r, errors))
        items_write(b, &w);
    json_close_array(&w);
    json_close_object(&w);
}

static bool has_too_many(struct slice body)
{
    size_t lines = 0;
    for (const char *at = body.data, *end = at + body.len;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines > (size_t)2 * BULK_ITEMS_MAX;
}

void http_bulk_run(struct http_request *r, struct http_bench *bench)
{
    struct bulk b = {.r = r, .bench = bench};
    if (!http_body_unpack(r))
        return;
    if (has_too_many(buf_as_slice(&r->body))) {
        http_fail(r, MHD_HTTP_CONTENT_TOO_LARGE, HTTP_TEXT_ITEMS);
        return;
    }
    int rc = pieces_run(&b);
    if (b.count == 0)
        http_fail(r, MHD_HTTP_BAD_REQUEST, HTTP_TEXT_EMPTY);
    else if (rc && (!b.lacks_id || r->stored + r->refused + r->duplicates == 0))
        http_body_unavailable(r, rc);
    else
        bulk_answer(&b);
    mem_free(b.items);
    buf_free(&b.errors);
}

/* ---- one document ---- */

static void document_error(const struct bulk *b, const struct outcome *item, struct json_writer *w)
{
    json_open_object(w);
    error_write(b, item, w);
    json_key(w, "status");
    json_u64(w, item->status);
    json_close_object(w);
}

static void document_answer(const struct bulk *b, const struct outcome *item, struct slice id)
{
    struct json_writer w = {.out = http_body_answer(b->r, item->status, "application/json")};
    if (item->error) {
        document_error(b, item, &w);
        return;
    }
    json_open_object(&w);
    json_key(&w, "_index");
    json_string(&w, b->r->found.params[0]);
    json_key(&w, "_id");
    json_string(&w, id);
    json_key(&w, "_version");
    json_u64(&w, 1);
    json_key(&w, "result");
    json_string(&w, item->status == STATUS_STORED ? SLICE("created") : SLICE("updated"));
    json_key(&w, "_shards");
    json_raw(&w, SLICE("{\"total\":1,\"successful\":1,\"failed\":0}"));
    json_key(&w, "_seq_no");
    json_u64(&w, 0);
    json_key(&w, "_primary_term");
    json_u64(&w, 1);
    json_close_object(&w);
}

static void document_run(struct http_request *r, struct http_bench *bench, enum bulk_action action)
{
    enum { RANDOM_BYTES = 15, ID_BYTES = 24 };
    char made[ID_BYTES];
    unsigned char random[RANDOM_BYTES];
    struct bulk b = {.r = r, .bench = bench};
    struct slice id = r->found.params[1];
    if (!http_body_unpack(r))
        return;
    if (id.len > BULK_ID_BYTES_MAX) {
        http_fail(r, MHD_HTTP_BAD_REQUEST, HTTP_TEXT_ADDRESS);
        return;
    }
    struct outcome *item = item_add(&b, action);
    struct intake_block block = http_body_block(r);
    struct input_block *records = intake_lane_block(bench->lane);
    span_list_add(&records->spans, (struct span){.text = slice_trim(buf_as_slice(&r->body)),
                                                 .line = 1,
                                                 .format = r->listener->json});
    bench->ids[0] = id.len ? id : (struct slice){.data = NULL, .len = 0};
    bench->items[0] = 0;
    block.ids = bench->ids;
    block.told_of = told_of;
    block.context = &b;
    int rc = intake_lane_run(bench->lane, &block, NULL);
    if (rc) {
        http_body_unavailable(r, rc);
    } else {
        piece_close(&b, records, 0, true);
        randombytes_buf(random, sizeof(random));
        if (id.len == 0)
            id = slice_from(sodium_bin2base64(made, sizeof(made), random, sizeof(random),
                                              sodium_base64_VARIANT_URLSAFE_NO_PADDING));
        document_answer(&b, item, id);
    }
    mem_free(b.items);
    buf_free(&b.errors);
}

void http_document_index(struct http_request *r, struct http_bench *bench)
{
    document_run(r, bench, BULK_INDEX);
}

void http_document_create(struct http_request *r, struct http_bench *bench)
{
    document_run(r, bench, BULK_CREATE);
}

void http_cat_health(struct http_request *r, struct http_bench *bench)
{
    (void)bench;
    struct slice format =
        slice_from(MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "format"));
    uint64_t seconds = (uint64_t)(r->received_ns / CLOCK_SECOND_NS);
    if (slice_equal(format, SLICE("json")))
        buf_printf(http_body_answer(r, MHD_HTTP_OK, "application/json"),
                   "[{\"epoch\":\"%llu\",\"cluster\":\"canh\",\"status\":\"green\"}]",
                   (unsigned long long)seconds);
    else
        buf_printf(http_body_answer(r, MHD_HTTP_OK, "text/plain; charset=UTF-8"),
                   "%llu 00:00:00 canh green 1 1 0 0 0 0 0 0 - 100.0%%\n",
                   (unsigned long long)seconds);
}
