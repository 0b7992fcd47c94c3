#include "program/reader_journal.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "formats/journal_export.h"
#include "store/carry.h"
#include "watch/input_source.h"

enum { BLOCK_BYTES = 1 << 20, POLL_MS = 200 };
#define WAIT_NS  ((uint64_t)10 * CLOCK_SECOND_NS)
#define FOR_EVER UINT64_MAX

struct reading {
    const struct reader_journal *journal;
    struct input_file file;
    struct split *split;
    struct buf carry; /* read and not cut yet */
    uint64_t told;    /* refused by the splitter and durable */
    const struct input_block *block;
    struct arena arena;  /* names and values of cursors */
    struct buf expected; /* the entry that must come first; empty: none, or it came */
};

static struct slice cursor_name(struct reading *r)
{
    struct slice name = r->journal->source->row.name;
    return arena_printf(&r->arena, "%.*s%.*s", (int)HAUL_JOURNAL.len, HAUL_JOURNAL.data,
                        (int)name.len, name.data);
}

/* The last entry's that has one: entries of other programs may lack it. */
static void cursor_put(void *context, uint64_t records, bool last, struct haul_head *head)
{
    struct reading *r = context;
    struct slice cursor = SLICE("");
    (void)last;
    for (uint64_t i = records; i > 0 && cursor.len == 0; i--)
        cursor = journal_export_cursor(r->block->spans.spans[i - 1].text);
    if (cursor.len == 0 || cursor.len > CARRY_NAME_BYTES_MAX)
        return;
    arena_reset(&r->arena);
    head->cursors[0].name = cursor_name(r);
    head->cursors[0].value = cursor;
    head->cursor_count = 1;
}

/* The first entry is the one that was stored last. */
static void known_leave_out(struct reading *r, struct span_list *spans)
{
    struct slice first = journal_export_cursor(spans->spans[0].text);
    if (slice_equal(first, buf_as_slice(&r->expected))) {
        spans->count--;
        memmove(spans->spans, spans->spans + 1, spans->count * sizeof(*spans->spans));
    } else {
        metric_add(r->journal->gaps, 1);
        log_say(LOG_WARNING, "journal",
                "the journal has no more the entry up to which it was read: entries behind it may "
                "be lost; reading goes on at the oldest that is there");
    }
    buf_clear(&r->expected);
}

static int judge(struct reading *r, struct input_block *to, struct err *err)
{
    struct intake_block block = {.source = r->journal->source,
                                 .file = &r->file,
                                 .split = r->split,
                                 .told = r->told,
                                 .received_ns = clock_now_ns(),
                                 .wait_ns = WAIT_NS,
                                 .retries_ns = FOR_EVER,
                                 .cursors = cursor_put,
                                 .context = r};
    if (r->expected.len && to->spans.count)
        known_leave_out(r, &to->spans);
    r->block = to;
    int rc = intake_lane_run(r->journal->lane, &block, err);
    r->told = split_refused_count(r->split);
    return rc;
}

static int carry_judge(struct reading *r, struct err *err)
{
    struct input_block *block = intake_lane_block(r->journal->lane);
    size_t used = 0;
    int rc = ERR_OK;
    split_feed(r->split, buf_as_slice(&r->carry), false, &block->arena, &block->spans, &used);
    if (block->spans.count || split_refused_count(r->split) > r->told)
        rc = judge(r, block, err);
    if (used < r->carry.len)
        memmove(r->carry.data, r->carry.data + used, r->carry.len - used);
    r->carry.len -= used;
    return rc;
}

/* ERR_BUSY: nothing came; ERR_END: nothing will. */
static int bytes_read(struct reading *r, struct err *err)
{
    struct pollfd ready = {.fd = r->journal->fd, .events = POLLIN};
    if (poll(&ready, 1, POLL_MS) <= 0)
        return ERR_BUSY;
    buf_reserve(&r->carry, BLOCK_BYTES + INPUT_PADDING_BYTES);
    ssize_t got = read(r->journal->fd, r->carry.data + r->carry.len, BLOCK_BYTES);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return ERR_BUSY;
    if (got < 0)
        return err_set_errno(err, errno, "what journalctl prints cannot be read");
    if (got == 0)
        return ERR_END;
    r->carry.len += (size_t)got;
    memset(r->carry.data + r->carry.len, 0, INPUT_PADDING_BYTES);
    return ERR_OK;
}

int reader_journal_run(const struct reader_journal *journal, struct err *err)
{
    struct reading r = {
        .journal = journal,
        .file = {.name = journal->name, .format = format_find(SLICE("journal-export"))}};
    int rc = ERR_OK;
    r.split = split_open(r.file.format);
    (void)intake_shared_cursor(journal->shared, cursor_name(&r), &r.expected);
    while (rc == ERR_OK || rc == ERR_BUSY) {
        if (intake_shared_has_ended(journal->shared))
            rc = err_set(err, ERR_CANCELED, "the node ends");
        else if ((rc = bytes_read(&r, err)) == ERR_OK)
            rc = carry_judge(&r, err);
    }
    split_close(&r.split);
    buf_free(&r.carry);
    buf_free(&r.expected);
    arena_free(&r.arena);
    return rc == ERR_END ? ERR_OK : rc;
}
