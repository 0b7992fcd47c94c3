/* Bodies: unpacking, what all endpoints that take events have in common, and NDJSON, GELF, the
 * Alertmanager's webhook. On judging threads. */
#include <stdio.h>

#include "base/mem.h"
#include "formats/alertmanager.h"
#include "watch/intake_http_inside.h"

#define SLOT_WAIT_NS ((uint64_t)15 * CLOCK_SECOND_NS)

void http_body_unavailable(struct http_request *r, int rc)
{
    http_fail(r, MHD_HTTP_SERVICE_UNAVAILABLE,
              rc == ERR_FULL          ? HTTP_TEXT_DISK
              : rc == ERR_UNSUPPORTED ? HTTP_TEXT_RULES
              : rc == ERR_CANCELED    ? HTTP_TEXT_ENDING
                                      : HTTP_TEXT_STORE);
}

struct buf *http_body_answer(struct http_request *r, unsigned status, const char *type)
{
    r->status = status;
    r->answer_type = type;
    buf_clear(&r->answer);
    return &r->answer;
}

struct intake_block http_body_block(struct http_request *r)
{
    return (struct intake_block){.source = r->listener->source,
                                 .file = &r->listener->file,
                                 .sender = slice_from(r->peer->sender),
                                 .received_ns = r->received_ns,
                                 .wait_ns = SLOT_WAIT_NS};
}

static int refused_run(struct http_request *r, struct http_bench *bench, uint32_t count)
{
    struct intake_block block = http_body_block(r);
    block.refusals = bench->refusals;
    block.refusal_count = count;
    (void)intake_lane_block(bench->lane);
    int rc = intake_lane_run(bench->lane, &block, NULL);
    r->refused += block.refused;
    return rc;
}

int http_body_refused(struct http_request *r, struct http_bench *bench, uint64_t count,
                      const char *reason)
{
    int rc = ERR_OK;
    for (uint64_t done = 0; done < count && rc == ERR_OK;) {
        uint32_t now =
            count - done < HTTP_PIECE_ITEMS ? (uint32_t)(count - done) : (uint32_t)HTTP_PIECE_ITEMS;
        for (uint32_t i = 0; i < now; i++)
            bench->refusals[i] = (struct intake_refusal){LEDGER_REFUSED_PARSE, done + i + 1,
                                                         slice_from(reason), SLICE("")};
        rc = refused_run(r, bench, now);
        done += now;
    }
    return rc;
}

void http_body_refuse(struct http_request *r, struct http_bench *bench, const struct err *err)
{
    bench->refusals[0] = (struct intake_refusal){
        err->code == ERR_LIMIT ? LEDGER_REFUSED_TOO_LONG : LEDGER_REFUSED_PARSE, 1,
        slice_from(err->text), slice_part(buf_as_slice(&r->body), 0, HARVEST_REFUSED_BYTES_MAX)};
    int rc = refused_run(r, bench, 1);
    if (rc) {
        http_body_unavailable(r, rc);
        return;
    }
    if (r->status == 0)
        http_fail(r, err->code == ERR_LIMIT ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_BAD_REQUEST,
                  HTTP_TEXT_BODY);
    (void)snprintf(r->reason, sizeof(r->reason), "%s", err->text);
}

/* A body that is not packed as it says, or is too long unpacked, stays as it came: what tells of
 * it is the answer, since nothing of it can be read. */
bool http_body_unpack(struct http_request *r)
{
    struct buf plain = {0};
    struct err err;
    size_t max = r->listener->config->body_bytes;
    int rc = r->packing == UNPACK_NONE
                 ? ERR_OK
                 : unpack_run(r->packing, buf_as_slice(&r->body), max, &plain, &err);
    if (rc == ERR_LIMIT) {
        http_fail(r, MHD_HTTP_CONTENT_TOO_LARGE, HTTP_TEXT_LENGTH_UNPACKED);
    } else if (rc) {
        http_fail(r, MHD_HTTP_BAD_REQUEST, HTTP_TEXT_UNPACK);
        (void)snprintf(r->reason, sizeof(r->reason), "%s", err.text);
    }
    if (r->packing != UNPACK_NONE) {
        buf_free(&r->body);
        r->body = plain;
        r->packing = UNPACK_NONE;
    }
    size_t len = r->body.len;
    buf_reserve(&r->body, INPUT_PADDING_BYTES);
    memset(r->body.data + len, 0, INPUT_PADDING_BYTES);
    return rc == ERR_OK;
}

/* ---- records one after another ---- */

/* The next records: at least a piece's worth of bytes. False: that was all. */
static bool piece_split(struct split *split, struct slice *rest, struct input_block *block)
{
    size_t want = HTTP_PIECE_BYTES, used = 0;
    if (rest->len == 0)
        return false;
    for (;; want *= 2) {
        bool last = want >= rest->len;
        split_feed(split, slice_part(*rest, 0, want), last, &block->arena, &block->spans, &used);
        if (used || last) {
            *rest = last ? slice_part(*rest, rest->len, 0) : slice_part(*rest, used, SIZE_MAX);
            return true;
        }
    }
}

/* cut: how records are cut; parse: how each is read, NULL: likewise. */
static int records_run(struct http_request *r, struct http_bench *bench, const struct format *cut,
                       const struct format *parse)
{
    struct err err;
    int rc = ERR_OK;
    struct split *split = split_open(cut);
    struct intake_block block = http_body_block(r);
    struct slice rest = buf_as_slice(&r->body);
    struct input_block *records = intake_lane_block(bench->lane);
    block.split = split;
    while (rc == ERR_OK && piece_split(split, &rest, records)) {
        for (size_t i = 0; i < records->spans.count && parse; i++)
            records->spans.spans[i].format = parse;
        rc = intake_lane_run(bench->lane, &block, &err);
        records = intake_lane_block(bench->lane);
    }
    split_close(&split);
    r->stored = block.stored;
    r->refused = block.refused;
    if (rc)
        http_body_unavailable(r, rc);
    return rc;
}

static void counts_answer(struct http_request *r, unsigned status)
{
    buf_printf(http_body_answer(r, status, "application/json"),
               "{\"stored\":%llu,\"refused\":%llu}\n", (unsigned long long)r->stored,
               (unsigned long long)r->refused);
}

void http_ingest_run(struct http_request *r, struct http_bench *bench)
{
    struct slice source =
        slice_from(MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, "source"));
    if (source.len && !slice_equal(source, r->listener->source->row.name))
        http_fail(r, MHD_HTTP_BAD_REQUEST, HTTP_TEXT_SOURCE);
    else if (http_body_unpack(r) && records_run(r, bench, r->listener->file.format, NULL) == ERR_OK)
        counts_answer(r, MHD_HTTP_OK);
}

void http_gelf_run(struct http_request *r, struct http_bench *bench)
{
    if (http_body_unpack(r) &&
        records_run(r, bench, r->listener->json, r->listener->gelf) == ERR_OK)
        counts_answer(r, MHD_HTTP_ACCEPTED);
}

void http_alertmanager_run(struct http_request *r, struct http_bench *bench)
{
    struct err err;
    uint64_t refused = 0;
    struct intake_block block = http_body_block(r);
    if (!http_body_unpack(r))
        return;
    struct input_block *records = intake_lane_block(bench->lane);
    if (alertmanager_read(buf_as_slice(&r->body), &records->arena, &records->spans, &refused,
                          &err) != ERR_OK) {
        http_body_refuse(r, bench, &err);
        return;
    }
    for (size_t i = 0; i < records->spans.count; i++)
        records->spans.spans[i].format = r->listener->json;
    int rc = intake_lane_run(bench->lane, &block, &err);
    r->stored = block.stored;
    r->refused = block.refused;
    if (rc == ERR_OK)
        rc = http_body_refused(r, bench, refused, "an alert of the webhook is no JSON object");
    if (rc)
        http_body_unavailable(r, rc);
    else
        counts_answer(r, MHD_HTTP_OK);
}
