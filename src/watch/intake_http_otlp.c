/* OTLP/HTTP logs: protobuf or JSON, answered in the same. On judging threads. */
#include "formats/otlp.h"
#include "watch/intake_http_inside.h"

static bool is_json(const struct http_request *r)
{
    struct slice type = http_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    return slice_equal_nocase(slice_trim(slice_cut(&type, ';')), SLICE("application/json"));
}

static void answer(struct http_request *r, const char *reason)
{
    if (is_json(r))
        otlp_answer_json(http_body_answer(r, MHD_HTTP_OK, "application/json"), r->refused, reason);
    else
        otlp_answer_protobuf(http_body_answer(r, MHD_HTTP_OK, "application/x-protobuf"), r->refused,
                             reason);
}

/* Why the first record was refused. */
static void told_of(void *context, uint64_t position, const char *reason)
{
    struct http_request *r = context;
    (void)position;
    if (!reason || r->reason[0])
        return;
    size_t len = strnlen(reason, sizeof(r->reason) - 1);
    memcpy(r->reason, reason, len);
    r->reason[len] = '\0';
}

void http_otlp_run(struct http_request *r, struct http_bench *bench)
{
    struct err err;
    struct otlp_outcome outcome = {0};
    struct intake_block block = http_body_block(r);
    if (!http_body_unpack(r))
        return;
    struct input_block *records = intake_lane_block(bench->lane);
    int rc = (is_json(r) ? otlp_read_json : otlp_read_protobuf)(
        buf_as_slice(&r->body), &records->arena, &records->spans, &outcome, &err);
    if (rc) {
        http_body_refuse(r, bench, &err);
        return;
    }
    for (size_t i = 0; i < records->spans.count; i++)
        records->spans.spans[i].format = r->listener->json;
    block.told_of = told_of;
    block.context = r;
    rc = intake_lane_run(bench->lane, &block, &err);
    r->stored = block.stored;
    r->refused = block.refused;
    if (rc == ERR_OK)
        rc = http_body_refused(r, bench, outcome.refused, outcome.reason);
    if (rc)
        http_body_unavailable(r, rc);
    else
        answer(r, outcome.reason[0] ? outcome.reason : r->reason);
}
