#include "watch/intake_lane.h"

#include <sodium.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define RETRY_NS_MIN ((uint64_t)CLOCK_SECOND_NS / 2)
#define RETRY_NS_MAX ((uint64_t)30 * CLOCK_SECOND_NS)

struct judge_source { /* a worker is opened when its source is first seen */
    const struct origin *row;
    struct harvester *worker;
    struct judge_source *next;
};

struct intake_lane {
    struct workers_job job; /* first: a job's address is its lane's */
    const struct live *live;
    struct live_holder holder;
    struct live_rules *rules; /* that the harvesters judge by; NULL: none are open */
    struct intake_shared *shared;
    uint64_t lane, number;
    struct judge_source *sources;
    struct harvester *harvester; /* that is running */
    struct harvest_part part;
    struct haul_head head;
    struct buf packed;
    struct haul_id *ids;
    size_t id_capacity;
    struct intake_hauled result;
    struct intake_block *block; /* being judged */
    size_t given;               /* of its records, handed over */
    int rc;
    struct err err;
};

static bool hand_over(struct workers_job *job);

static void harvesters_close(void *context)
{
    struct intake_lane *j = context;
    struct matcher_stats stats = {0};
    uint64_t cpu_ns = 0;
    while (j->sources) {
        struct judge_source *source = j->sources;
        j->sources = source->next;
        harvester_close(&source->worker, &cpu_ns, &stats);
        mem_free(source);
    }
    live_rules_unuse(&j->rules);
}

struct intake_lane *intake_lane_open(const struct live *live, struct intake_shared *shared)
{
    struct intake_lane *j = mem_zeroed(1, sizeof(*j));
    while (j->lane == 0)
        randombytes_buf(&j->lane, sizeof(j->lane));
    j->live = live;
    j->shared = shared;
    j->part.haul = harvest_open();
    j->job.own = &j->part;
    j->job.hand_over = hand_over;
    j->holder = (struct live_holder){.let_go = harvesters_close, .context = j};
    live_hold(live, &j->holder);
    return j;
}

void intake_lane_close(struct intake_lane **judge)
{
    struct intake_lane *j = *judge;
    if (!j)
        return;
    live_unhold(j->live, &j->holder);
    harvesters_close(j);
    harvest_close(&j->part.haul);
    input_block_free(&j->job.block);
    buf_free(&j->packed);
    buf_free(&j->result.known);
    mem_free(j->ids);
    mem_free(j);
    *judge = NULL;
}

struct input_block *intake_lane_block(struct intake_lane *j)
{
    struct input_block *block = &j->job.block;
    block->spans.count = 0;
    arena_reset(&block->arena);
    return block;
}

static struct harvester *harvester_of(struct intake_lane *j, const struct intake_block *block)
{
    const struct origin *row = block->row ? block->row : &block->source->row;
    for (struct judge_source *s = j->sources; s; s = s->next)
        if (s->row == row)
            return s->worker;
    struct judge_source *s = mem_zeroed(1, sizeof(*s));
    s->row = row;
    s->worker = harvester_open(j->rules->detectors[block->source->detector], row,
                               block->received_ns, false);
    harvester_watch(s->worker, j->rules->burden);
    if (j->rules->indicators.table)
        harvester_indicators(s->worker, j->rules->indicators.table, j->rules->rules.loaded);
    harvester_outside(s->worker, finding_rules_outside(&j->rules->rules));
    s->next = j->sources;
    j->sources = s;
    return s->worker;
}

/* Records of the block up to `end` that were not handed over yet, as the splitter cut them. */
static void received_count(struct intake_lane *j, size_t end)
{
    const struct span *spans = j->job.block.spans.spans;
    uint64_t joined = 0;
    for (size_t i = j->given; i < end; i++)
        joined += spans[i].joined;
    j->head.figures = (struct ledger_figures){0};
    j->head.figures.counts[LEDGER_JOINED] = joined;
    j->head.figures.counts[LEDGER_RECEIVED] = end - j->given + joined;
    j->given = end;
}

static void head_fill(struct intake_lane *j, size_t end, bool last)
{
    struct intake_block *b = j->block;
    received_count(j, end);
    j->head.rules = j->rules->fingerprint;
    j->head.lane = j->lane;
    j->head.figures.counts[LEDGER_BYTES] = j->part.haul->text_bytes;
    j->head.source = b->source->row.name;
    j->head.listener = slice_part(slice_from(b->file->name), 0, ROW_TEXT_BYTES_MAX);
    j->head.sender = slice_part(b->sender, 0, HAUL_SENDER_BYTES_MAX);
    j->head.received_ns = b->received_ns;
    j->head.cursor_count = 0;
    if (last) { /* what the listener itself knows of the block */
        uint64_t cut = b->split ? split_refused_count(b->split) - b->told : 0;
        j->head.figures.counts[LEDGER_DROPPED_KERNEL] = b->dropped_kernel;
        j->head.figures.counts[LEDGER_RECEIVED] += cut + b->refusal_count + b->dropped_kernel;
        if (b->split)
            b->told += cut;
    }
    if (b->cursors)
        b->cursors(b->context, j->given, last, &j->head);
}

static uint32_t row_count(const struct harvest *haul)
{
    struct slice raw = buf_as_slice(&haul->raw);
    return raw.len < BATCH_HEADER_BYTES ? 0 : bytes_u32(raw.data + 8);
}

static void ids_fill(struct intake_lane *j)
{
    const struct harvest *haul = j->part.haul;
    uint32_t rows = row_count(haul);
    j->head.id_count = 0;
    if (!j->block->ids)
        return;
    if (rows > j->id_capacity) {
        j->id_capacity = 2 * (size_t)rows;
        j->ids = mem_resize(j->ids, j->id_capacity, sizeof(*j->ids));
    }
    for (uint32_t i = 0; i < rows; i++) {
        struct slice id = j->block->ids[haul->positions[i]];
        if (id.data)
            j->ids[j->head.id_count++] = (struct haul_id){i, id};
    }
    j->head.ids = j->ids;
}

/* Events that fit into no slot, as refused records: something of them is to be seen. */
static void haul_give_up(struct intake_lane *j, const struct err *err)
{
    struct harvest *haul = j->part.haul;
    uint64_t records = row_count(haul) + haul->refused;
    harvest_clear(haul);
    if (records == 0)
        return;
    harvest_refuse(haul, LEDGER_REFUSED_NO_ROOM, 0, slice_from(err->text), SLICE(""));
    haul->refused = haul->figures.counts[LEDGER_REFUSED_NO_ROOM] = records;
}

static void pack(struct intake_lane *j)
{
    struct harvest *haul = j->part.haul;
    struct err err;
    ids_fill(j);
    buf_clear(&j->packed);
    if (haul_pack(&j->head, buf_as_slice(&haul->raw), haul, HAUL_SLOT_BYTES, &j->packed, &err) ==
        ERR_OK)
        return;
    haul_give_up(j, &err);
    j->head.id_count = 0;
    check(haul_pack(&j->head, SLICE(""), haul, HAUL_SLOT_BYTES, &j->packed, NULL) == ERR_OK);
}

/* Rows whose ids are known go; what is left is packed anew. */
static int known_leave_out(struct intake_lane *j)
{
    struct harvest *haul = j->part.haul;
    uint32_t before = row_count(haul);
    struct slice known = buf_as_slice(&j->result.known);
    for (uint32_t i = 0; i < before && j->block->told_of; i++)
        if (i / 8 < known.len && ((unsigned char)known.data[i / 8] >> (i % 8) & 1))
            j->block->told_of(j->block->context, haul->positions[i], NULL);
    int rc = harvest_without(haul, harvester_writer(j->harvester), known, &j->err);
    uint32_t gone = before - row_count(haul);
    if (rc == ERR_OK && gone == 0)
        rc = err_set(&j->err, ERR_DAMAGED, "the engine knows ids, and does not say which");
    j->head.figures.counts[LEDGER_DUPLICATE] += gone;
    j->block->duplicates += gone;
    if (rc == ERR_OK)
        pack(j);
    return rc;
}

static bool may_work_later(int rc)
{
    return rc == ERR_FULL || rc == ERR_IO || rc == ERR_BUSY;
}

/* Once, and again without what is known already. */
static int haul_hand_over(struct intake_lane *j)
{
    struct intake_hauling hauling = {
        .lane = j->lane, .number = j->head.number, .wait_ns = j->block->wait_ns};
    int rc;
    do {
        hauling.packed = buf_as_slice(&j->packed);
        rc = intake_shared_haul(j->shared, &hauling, &j->result, &j->err);
    } while (rc == ERR_EXISTS && (rc = known_leave_out(j)) == ERR_OK);
    return rc;
}

static void haul_told(struct intake_lane *j)
{
    struct intake_block *b = j->block;
    const struct harvest *haul = j->part.haul;
    b->stored += row_count(haul);
    b->refused += haul->refused;
    for (size_t i = 0; i < haul->item_count && b->told_of; i++)
        if (haul->items[i].kind == HARVEST_REFUSED)
            b->told_of(b->context, haul->items[i].line, haul->items[i].reason.data);
}

/* end: the first record of the block that is not in it. */
static void haul_send(struct intake_lane *j, size_t end, bool last)
{
    struct intake_block *b = j->block;
    uint64_t began_ns = clock_monotonic_ns(), pause_ns = RETRY_NS_MIN;
    if (j->rc)
        return;
    head_fill(j, end, last);
    /* Also one that failed has had its number: an engine may have stored it and not said so, and
     * would take another haul of that number for it. */
    j->head.number = ++j->number;
    pack(j);
    for (;;) {
        j->rc = haul_hand_over(j);
        uint64_t passed_ns = clock_monotonic_ns() - began_ns;
        if (!may_work_later(j->rc) || passed_ns >= b->retries_ns ||
            intake_shared_has_ended(j->shared))
            break;
        log_err(LOG_WARNING, "haul", &j->err);
        intake_shared_wait(j->shared, pause_ns);
        pause_ns = pause_ns * 2 > RETRY_NS_MAX ? RETRY_NS_MAX : pause_ns * 2;
    }
    if (j->rc)
        return;
    /* an engine that came while the haul was on its way told its cursors before it had the haul */
    for (uint32_t i = 0; i < j->head.cursor_count; i++)
        intake_shared_cursor_set(j->shared, j->head.cursors[i].name, j->head.cursors[i].value);
    haul_told(j);
}

static bool hand_over(struct workers_job *job)
{
    struct intake_lane *j = (struct intake_lane *)job;
    haul_send(j, harvester_position(j->harvester), false);
    return j->rc == ERR_OK;
}

/* What the splitter could not cut into records since it was last asked; what the listener refuses.
 */
static void refused_add(struct intake_lane *j)
{
    size_t kept = 0;
    const struct intake_block *b = j->block;
    struct harvest *haul = j->part.haul;
    for (uint32_t i = 0; i < b->refusal_count; i++)
        harvest_refuse(haul, b->refusals[i].why, b->refusals[i].line, b->refusals[i].reason,
                       b->refusals[i].text);
    if (!b->split)
        return;
    const struct split_refused *list = split_refused_list(b->split, &kept);
    uint64_t count = split_refused_count(b->split), shown = b->told < kept ? kept - b->told : 0;
    for (uint64_t i = b->told; i < kept; i++)
        harvest_refuse(haul, LEDGER_REFUSED_SPLIT, list[i].line, slice_from(list[i].reason),
                       SLICE(""));
    haul->refused += count - b->told - shown;
    haul->figures.counts[LEDGER_REFUSED_SPLIT] += count - b->told - shown;
}

static int block_judge(struct intake_lane *j, struct intake_block *block, struct err *err)
{
    struct harvest *haul = j->part.haul;
    j->harvester = harvester_of(j, block);
    j->block = block;
    j->given = 0;
    j->rc = ERR_OK;
    j->job.block.file = block->file;
    harvester_near(j->harvester, block->received_ns);
    harvester_sender(j->harvester, block->sender, block->senders);
    struct register_table *hosts = intake_shared_register(j->shared);
    harvester_register(j->harvester, hosts);
    harvester_run(j->harvester, &j->job);
    register_unuse(&hosts);
    refused_add(j);
    size_t end = j->job.block.spans.count;
    if (end > j->given || haul->refused || block->dropped_kernel || block->always)
        haul_send(j, end, true);
    if (j->rc && err)
        *err = j->err;
    return j->rc;
}

/* By the newest rules: all of a block by the same. */
int intake_lane_run(struct intake_lane *j, struct intake_block *block, struct err *err)
{
    struct live_rules *rules = live_block_begin(j->live, &j->holder, block->wait_ns);
    if (!rules)
        return err_set(err, ERR_BUSY, "the rules are not there yet: the engine has to give them");
    if (rules != j->rules) {
        harvesters_close(j);
        j->rules = live_rules_use(rules);
    }
    int rc = block_judge(j, block, err);
    live_block_end(j->live, &j->holder, rules);
    return rc;
}
