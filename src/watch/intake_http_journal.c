/* systemd-journal-upload: one request carries all entries that its journal has, and may last for
 * hours while there are more. Pieces are judged as they come; entries are known by their cursors,
 * so that what is sent again after an answer that was lost is stored once. On judging threads. */
#include "base/mem.h"
#include "formats/journal_export.h"
#include "watch/intake_http_inside.h"

static int entries_run(struct http_request *r, struct http_bench *bench, bool last, size_t *used)
{
    struct err err;
    struct input_block *records = intake_lane_block(bench->lane);
    struct intake_block block = http_body_block(r);
    split_feed(r->split, buf_as_slice(&r->body), last, &records->arena, &records->spans, used);
    struct slice *ids = arena_zeroed(&records->arena, records->spans.count + 1, sizeof(*ids));
    for (size_t i = 0; i < records->spans.count; i++) {
        struct slice cursor = journal_export_cursor(records->spans.spans[i].text);
        records->spans.spans[i].format = r->listener->journal;
        if (cursor.len && cursor.len <= HAUL_ID_BYTES_MAX)
            ids[i] = cursor;
    }
    block.split = r->split;
    block.told = r->told;
    block.ids = ids;
    int rc = intake_lane_run(bench->lane, &block, &err);
    r->told = block.told;
    r->stored += block.stored;
    r->refused += block.refused;
    r->duplicates += block.duplicates;
    return rc;
}

void http_journal_run(struct http_request *r, struct http_bench *bench)
{
    size_t used = 0;
    bool last = r->work == HTTP_WORK_LAST;
    if (!http_body_unpack(r))
        return;
    if (!r->split)
        r->split = split_open(r->listener->journal);
    r->received_ns = clock_now_ns();
    int rc = entries_run(r, bench, last, &used);
    if (rc) {
        http_body_unavailable(r, rc);
        return;
    }
    if (!last) {
        memmove(r->body.data, r->body.data + used, r->body.len - used);
        r->body.len -= used;
        return;
    }
    buf_string(http_body_answer(r, MHD_HTTP_ACCEPTED, "text/plain"), "OK.\n");
}
