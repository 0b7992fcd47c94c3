#include "program/intake_judge.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define RETRY_NS_MIN ((uint64_t)CLOCK_SECOND_NS / 2)
#define RETRY_NS_MAX ((uint64_t)30 * CLOCK_SECOND_NS)

struct judge_source { /* a worker is opened when its source is first seen */
    const struct import_source *row;
    struct import_worker *worker;
    struct judge_source *next;
};

struct intake_judge {
    struct pipeline_job job; /* first: a job's address is its judge's */
    const struct live *live;
    struct intake_shared *shared;
    struct judge_source *sources;
    struct import_part part;
    struct haul_head head;
    struct buf packed;
    struct intake_block *block; /* being judged */
    uint64_t records;           /* of it, handed over */
    int rc;
    struct err err;
};

static bool hand_over(struct pipeline_job *job);

struct intake_judge *intake_judge_open(const struct live *live, struct intake_shared *shared)
{
    struct intake_judge *j = mem_zeroed(1, sizeof(*j));
    j->live = live;
    j->shared = shared;
    j->part.haul = import_haul_open();
    j->job.own = &j->part;
    j->job.hand_over = hand_over;
    return j;
}

void intake_judge_close(struct intake_judge **judge)
{
    struct intake_judge *j = *judge;
    struct matcher_stats stats = {0};
    uint64_t cpu_ns = 0;
    if (!j)
        return;
    while (j->sources) {
        struct judge_source *source = j->sources;
        j->sources = source->next;
        import_worker_close(&source->worker, &cpu_ns, &stats);
        mem_free(source);
    }
    import_haul_close(&j->part.haul);
    input_block_free(&j->job.block);
    buf_free(&j->packed);
    mem_free(j);
    *judge = NULL;
}

struct input_block *intake_judge_block(struct intake_judge *j)
{
    struct input_block *block = &j->job.block;
    block->spans.count = 0;
    arena_reset(&block->arena);
    return block;
}

static struct import_worker *worker_of(struct intake_judge *j, const struct intake_block *block)
{
    const struct import_source *row = block->row ? block->row : &block->source->row;
    for (struct judge_source *s = j->sources; s; s = s->next)
        if (s->row == row)
            return s->worker;
    struct judge_source *s = mem_zeroed(1, sizeof(*s));
    s->row = row;
    s->worker = import_worker_open(block->source->detector, row, block->received_ns, false);
    if (j->live->indicators.table)
        import_worker_indicators(s->worker, j->live->indicators.table, j->live->rules.loaded);
    s->next = j->sources;
    j->sources = s;
    return s->worker;
}

static void head_fill(struct intake_judge *j, bool last)
{
    struct intake_block *b = j->block;
    const struct import_haul *haul = j->part.haul;
    j->records += haul->records;
    j->head.rules = j->live->fingerprint;
    j->head.received = haul->records;
    j->head.bytes = haul->text_bytes;
    j->head.source = b->source->row.name;
    j->head.listener = slice_part(slice_from(b->file->name), 0, ROW_TEXT_BYTES_MAX);
    j->head.received_ns = b->received_ns;
    j->head.cursor_count = 0;
    if (b->cursors)
        b->cursors(b->context, j->records, last, &j->head);
}

/* Events that fit into no slot, as refused records: something of them is to be seen. */
static void haul_give_up(struct intake_judge *j, const struct err *err)
{
    struct import_haul *haul = j->part.haul;
    uint64_t records = haul->records;
    import_haul_clear(haul);
    struct import_item *item = import_haul_add(haul, IMPORT_REFUSED);
    item->time_ns = CLOCK_NONE;
    item->reason = arena_copy(&haul->arena, slice_from(err->text));
    item->text = SLICE("");
    haul->records = haul->refused = records;
}

static void pack(struct intake_judge *j)
{
    struct import_haul *haul = j->part.haul;
    struct err err;
    buf_clear(&j->packed);
    if (haul_pack(&j->head, buf_as_slice(&haul->raw), haul, ROLE_SLOT_BYTES, &j->packed, &err) ==
        ERR_OK)
        return;
    haul_give_up(j, &err);
    check(haul_pack(&j->head, SLICE(""), haul, ROLE_SLOT_BYTES, &j->packed, NULL) == ERR_OK);
}

static bool may_work_later(int rc)
{
    return rc == ERR_FULL || rc == ERR_IO || rc == ERR_BUSY;
}

static void haul_send(struct intake_judge *j, bool last)
{
    struct intake_block *b = j->block;
    struct intake_hauled result = {0};
    uint64_t began_ns = clock_monotonic_ns(), pause_ns = RETRY_NS_MIN;
    if (j->rc)
        return;
    head_fill(j, last);
    pack(j);
    for (;;) {
        j->rc =
            intake_shared_haul(j->shared, buf_as_slice(&j->packed), b->wait_ns, &result, &j->err);
        uint64_t passed_ns = clock_monotonic_ns() - began_ns;
        if (!may_work_later(j->rc) || passed_ns >= b->retries_ns ||
            intake_shared_has_ended(j->shared))
            break;
        log_err(LOG_WARNING, "haul", &j->err);
        intake_shared_wait(j->shared, pause_ns);
        pause_ns = pause_ns * 2 > RETRY_NS_MAX ? RETRY_NS_MAX : pause_ns * 2;
    }
    b->stored += result.stored;
    b->refused += result.refused;
}

static bool hand_over(struct pipeline_job *job)
{
    struct intake_judge *j = (struct intake_judge *)job;
    haul_send(j, false);
    return j->rc == ERR_OK;
}

/* What the splitter could not cut into records since it was last asked. */
static void refused_add(struct intake_judge *j)
{
    size_t kept;
    struct intake_block *b = j->block;
    struct import_haul *haul = j->part.haul;
    if (!b->split)
        return;
    const struct split_refused *list = split_refused_list(b->split, &kept);
    uint64_t count = split_refused_count(b->split);
    for (uint64_t i = b->told; i < kept; i++) {
        struct import_item *item = import_haul_add(haul, IMPORT_REFUSED);
        item->line = list[i].line;
        item->time_ns = CLOCK_NONE;
        item->reason = arena_copy(&haul->arena, slice_from(list[i].reason));
        item->text = SLICE("");
    }
    haul->records += count - b->told;
    haul->refused += count - b->told;
    b->told = count;
}

int intake_judge_run(struct intake_judge *j, struct intake_block *block, struct err *err)
{
    struct import_haul *haul = j->part.haul;
    struct import_worker *worker = worker_of(j, block);
    j->block = block;
    j->records = 0;
    j->rc = ERR_OK;
    j->job.block.file = block->file;
    import_worker_near(worker, block->received_ns);
    import_worker_run(worker, &j->job);
    refused_add(j);
    if (haul->records || block->always)
        haul_send(j, true);
    if (j->rc && err)
        *err = j->err;
    return j->rc;
}
