/* Role reader: one file that somebody gave, judged as history, then gone. */
#include <poll.h>
#include <pthread.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/import_cursor.h"
#include "program/reader_journal.h"
#include "program/role.h"
#include "watch/intake_lane.h"
#include "watch/live_share.h"
#include "watch/peer.h"

enum { TICK_MS = 100 };
static const char standard_input[] = "-"; /* what the file was put in place of */
#define WAIT_NS  ((uint64_t)60 * CLOCK_SECOND_NS)
#define FOR_EVER UINT64_MAX

enum { READER_METRIC_GAPS, READER_METRICS };
static struct metric metrics[READER_METRICS] = {
    {.name = "canh_journal_gaps_total",
     .help = "starts at which the journal had lost the entry up to which it was read"}};

struct reader {
    struct role_context *context;
    struct live live;
    struct live_share *share;
    struct intake_shared *shared;
    const struct live_source *source;
    struct origin row;
    struct peer *engine;
    pthread_t thread;
    uv_timer_t tick;
    uv_async_t done;
    struct carry *carry; /* how far the file was imported before */
    struct import_cursors cursors;
    struct import_file *file; /* being read; NULL: without a cursor */
    struct buf cursor;        /* its value */
    uint64_t records, refused;
    int rc;
    struct err err;
};

/* ---- the thread that reads ---- */

/* The file's name, where the standard input's would be shown. */
static void name_mend(const struct reader *r, struct input_file *file, struct arena *arena)
{
    struct slice name = slice_from(file->name);
    struct slice below = slice_part(name, sizeof(standard_input) - 1, SIZE_MAX);
    if (slice_starts(name, SLICE("-")))
        file->name =
            arena_printf(arena, "%s%.*s", r->context->files[0].path, (int)below.len, below.data)
                .data;
}

static void cursor_put(void *context, uint64_t records, bool last, struct haul_head *head)
{
    struct reader *r = context;
    (void)last;
    if (!r->file || !r->file->cursor.len)
        return;
    buf_clear(&r->cursor);
    import_cursor_value(r->file, records, &r->cursor);
    head->cursors[0] = (struct haul_cursor){r->file->cursor, buf_as_slice(&r->cursor)};
    head->cursor_count = 1;
}

static int block_judge(struct reader *r, struct intake_lane *judge, struct input_block *from,
                       const struct input_file *file)
{
    struct intake_block block = {.source = r->source,
                                 .row = &r->row,
                                 .file = file,
                                 .received_ns = clock_now_ns(),
                                 .wait_ns = WAIT_NS,
                                 .retries_ns = FOR_EVER,
                                 .cursors = cursor_put,
                                 .context = r};
    struct input_block *to = intake_lane_block(judge);
    struct span_list spans = to->spans;
    to->spans = from->spans; /* the texts stay the input's */
    int rc = intake_lane_run(judge, &block, &r->err);
    to->spans = spans;
    if (rc == ERR_OK)
        r->file->records += from->spans.count;
    r->records += from->spans.count;
    r->refused += block.refused;
    return rc;
}

/* The file was read whole: that is stored, too. */
static int file_end(struct reader *r, struct intake_lane *judge, const struct input_file *shown)
{
    struct intake_block block = {.source = r->source,
                                 .row = &r->row,
                                 .file = shown,
                                 .received_ns = clock_now_ns(),
                                 .wait_ns = WAIT_NS,
                                 .retries_ns = FOR_EVER,
                                 .cursors = cursor_put,
                                 .context = r,
                                 .always = true};
    if (!r->file || !r->file->cursor.len || !r->file->input->ended)
        return ERR_OK;
    r->file->done = true;
    (void)intake_lane_block(judge);
    return intake_lane_run(judge, &block, &r->err);
}

static int input_all(struct reader *r, struct intake_lane *judge, struct input *input)
{
    struct input_block block = {0};
    struct input_file file = {0};
    struct arena arena = {0};
    const struct input_file *shown = NULL;
    int rc;
    while ((rc = input_next(input, &block, &r->err)) == ERR_OK) {
        if (block.file != shown) {
            rc = file_end(r, judge, &file);
            if (rc)
                break;
            arena_reset(&arena);
            file = *block.file;
            name_mend(r, &file, &arena);
            shown = block.file;
            r->file = import_cursor_file(&r->cursors, shown);
        }
        rc = block_judge(r, judge, &block, &file);
        if (rc)
            break;
    }
    if (rc == ERR_END)
        rc = file_end(r, judge, &file);
    input_block_free(&block);
    arena_free(&arena);
    return rc;
}

static void note(void *context, enum input_note kind, const char *text)
{
    (void)context;
    log_say(kind == INPUT_NOTE_UNREADABLE ? LOG_WARNING : LOG_INFO, "read", "%s", text);
}

/* As the engine told; its name is the one that the engine lets this process use. */
static int cursors_open(struct reader *r)
{
    struct buf items = {0};
    struct stat about;
    r->carry = carry_open();
    intake_shared_cursors(r->shared, &items);
    int rc = carry_apply(r->carry, buf_as_slice(&items), &r->err);
    buf_free(&items);
    r->cursors.carry = r->carry;
    r->cursors.note = note;
    if (fstat(STDIN_FILENO, &about) == 0 && S_ISREG(about.st_mode))
        r->cursors.name = import_cursor_of(&r->cursors.arena, r->source->row.name, &about);
    return rc;
}

static int file_read(struct reader *r, struct intake_lane *judge)
{
    static const char *const paths[] = {standard_input};
    struct input *input = NULL;
    struct input_options options = {.paths = paths,
                                    .path_count = 1,
                                    .format = r->source->format,
                                    .note = note,
                                    .opened = import_cursor_opened,
                                    .opened_context = &r->cursors};
    int rc = cursors_open(r);
    if (rc == ERR_OK)
        rc = input_open(&input, &options, &r->err);
    if (rc)
        return rc;
    rc = input_all(r, judge, input);
    if (rc == ERR_OK && input_unreadable_count(input) > 0 && r->records == 0)
        rc = err_set(&r->err, ERR_IO, "%s cannot be read: the node's log says why",
                     r->context->files[0].path);
    r->records += input_refused_count(input);
    r->refused += input_refused_count(input);
    input_close(&input);
    return rc;
}

static int journal_read(struct reader *r, struct intake_lane *lane)
{
    struct reader_journal journal = {.source = r->source,
                                     .shared = r->shared,
                                     .lane = lane,
                                     .name = r->context->files[0].path,
                                     .fd = STDIN_FILENO,
                                     .gaps = &metrics[READER_METRIC_GAPS]};
    return reader_journal_run(&journal, &r->err);
}

static void *reader_thread(void *context)
{
    struct reader *r = context;
    if (intake_shared_term(r->shared, 0, WAIT_NS) == 0) {
        r->rc = err_set(&r->err, ERR_BUSY, "the engine does not answer");
    } else {
        struct intake_lane *judge = intake_lane_open(&r->live, r->shared);
        r->rc = r->context->flags & ROLE_FLAG_LIVE ? journal_read(r, judge) : file_read(r, judge);
        intake_lane_close(&judge);
    }
    (void)uv_async_send(&r->done);
    return NULL;
}

/* ---- the loop ---- */

static void engine_message(void *context, struct peer *peer, struct wire_message *message)
{
    struct reader *r = context;
    struct err err;
    int rc;
    (void)peer;
    if (live_share_message(r->share, message, &rc, &err)) {
        if (rc)
            log_err(LOG_ERROR, "engine", &err);
        return;
    }
    if (intake_shared_message(r->shared, message, &err) != ERR_OK)
        log_err(LOG_ERROR, "engine", &err);
}

/* What was handed over may be stored or not: the import is told as failed. */
static void engine_closed(void *context, struct peer *peer, const struct err *err)
{
    struct reader *r = context;
    (void)peer;
    (void)err;
    intake_shared_end(r->shared);
    intake_shared_gone(r->shared);
    live_share_engine(r->share, NULL);
    peer_close(&r->engine);
}

static void on_peer(struct role_context *c, enum role role, uint32_t instance, int fd)
{
    static const struct peer_calls calls = {engine_message, engine_closed};
    struct reader *r = c->own;
    (void)instance;
    if (role != ROLE_ENGINE || r->engine) {
        (void)close(fd);
        return;
    }
    r->engine = peer_open(&c->loop, fd, &calls, r);
    live_share_engine(r->share, r->engine);
    intake_shared_begin(r->shared, r->engine);
}

static void on_drain(struct role_context *c)
{
    struct reader *r = c->own;
    intake_shared_end(r->shared);
}

static void all_told(uv_timer_t *timer)
{
    struct reader *r = timer->data;
    if (!r->engine || !(wire_events(peer_wire(r->engine)) & POLLOUT))
        uv_stop(&r->context->loop);
}

/* What is the file's fault; anything else may be tried again. */
static bool is_told(const struct reader *r)
{
    return r->rc != ERR_CANCELED && r->rc != ERR_CLOSED && r->rc != ERR_BUSY &&
           r->rc != ERR_UNSUPPORTED;
}

static void read_done(uv_async_t *done)
{
    struct reader *r = done->data;
    struct buf payload = {0};
    struct err err;
    check(pthread_join(r->thread, NULL) == 0);
    bytes_put_u64(&payload, r->records);
    bytes_put_u64(&payload, r->refused);
    bytes_put_u64(&payload, r->cursors.passed_over);
    bytes_put_text(&payload, slice_from(r->rc ? r->err.text : ""));
    if (is_told(r) && r->engine &&
        peer_send(r->engine, MESSAGE_HAULED_ALL, 0, buf_as_slice(&payload), NULL, 0, &err) !=
            ERR_OK)
        log_err(LOG_WARNING, "engine", &err);
    buf_free(&payload);
    check(uv_timer_start(&r->tick, all_told, TICK_MS, TICK_MS) == 0);
}

int reader_open(struct role_context *c, struct err *err)
{
    struct live_options options = {.config = c->config, .judges = true};
    struct reader *r = mem_zeroed(1, sizeof(*r));
    c->own = r;
    c->on_peer = on_peer;
    c->on_drain = on_drain;
    c->metrics = metrics;
    c->metric_count = READER_METRICS;
    r->context = c;
    if (c->file_count != 1)
        return err_set(err, ERR_USAGE, "a reader gets one file");
    options.only = slice_from(c->files[0].source);
    int rc = live_open(&r->live, &options, err);
    if (rc)
        return rc;
    r->source = live_source(&r->live, options.only);
    if (!r->source)
        return err_set(err, ERR_NOT_FOUND, "canh.yaml has no source %s", c->files[0].source);
    if (dup2(c->files[0].fd, STDIN_FILENO) < 0)
        return err_set_errno(err, errno, "%s", c->files[0].path);
    r->row = r->source->row;
    r->row.flags |= ROW_HISTORICAL;
    return intake_shared_open(&r->shared, c->shared_fd, c->slots, c->slot_bytes, err);
}

int reader_run(struct role_context *c, struct err *err)
{
    struct reader *r = c->own;
    check(uv_async_init(&c->loop, &r->done, read_done) == 0);
    check(uv_timer_init(&c->loop, &r->tick) == 0);
    r->done.data = r->tick.data = r;
    r->share = live_share_open(&c->loop, &r->live);
    check(pthread_create(&r->thread, NULL, reader_thread, r) == 0);
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    live_share_close(&r->share);
    peer_close(&r->engine);
    if (r->rc)
        *err = r->err;
    return r->rc;
}

void reader_close(struct role_context *c)
{
    struct reader *r = c->own;
    if (!r)
        return;
    import_cursors_free(&r->cursors);
    carry_close(&r->carry);
    buf_free(&r->cursor);
    intake_shared_close(&r->shared);
    live_close(&r->live);
    mem_free(r);
    c->own = NULL;
}

uint32_t reader_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max)
{
    (void)c;
    (void)paths;
    (void)max;
    return 0;
}
