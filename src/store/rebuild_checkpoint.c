/* Where the sealed rows end, and the state there, when no checkpoint tells it. */
#include "base/mem.h"
#include "store/rebuild_inside.h"

void rebuild_note(struct rebuild *r, const struct chain_interval *interval)
{
    if (r->note_count == r->note_capacity) {
        r->note_capacity = r->note_capacity ? r->note_capacity * 2 : 256;
        r->notes = mem_resize(r->notes, r->note_capacity, sizeof(*r->notes));
    }
    struct rebuild_note *n = &r->notes[r->note_count++];
    *n = (struct rebuild_note){
        .number = interval->number, .last = interval->last_sequence, .head = interval->head};
    for (uint32_t i = 0; i + 1 < r->note_count && !n->partition.data; i++)
        if (slice_equal(r->notes[i].partition, interval->partition))
            n->partition = r->notes[i].partition;
    if (!n->partition.data)
        n->partition = arena_copy(&r->arena, interval->partition);
}

bool rebuild_is_repeated(struct map *ends, const struct rebuild_segment *s)
{
    struct map_entry *end = map_put(ends, s->item.partition, 0, NULL);
    if (s->item.last_sequence <= end->value)
        return true;
    end->value = s->item.last_sequence;
    return false;
}

static int number_visit(void *context, const struct disk_entry *entry)
{
    struct rebuild *r = context;
    struct slice rest = slice_from(entry->name), digits = slice_cut(&rest, '.');
    uint64_t number;
    if (slice_equal(rest, SLICE("checkpoint")) && slice_to_u64(digits, &number) &&
        number > r->checkpoint_number)
        r->checkpoint_number = number;
    return ERR_OK;
}

/* The first row that the journal still has; 0: none. */
static int journal_first(struct rebuild *r, uint64_t *first)
{
    struct journal_scan *scan = NULL;
    struct journal_frame frame;
    *first = 0;
    int rc = journal_scan_open(&scan, r->disk, &r->identity, (struct journal_place){0, 0}, false,
                               r->err);
    while (rc == ERR_OK && *first == 0 &&
           (rc = journal_scan_skip(scan, &frame, NULL, NULL, r->err)) == ERR_OK)
        *first = frame.first_sequence;
    journal_scan_close(&scan);
    return rc == ERR_END ? ERR_OK : rc;
}

/* Whether the segments of the seals that ended there hold all their rows: a crash may have come
 * between the names of two of them. Merged ones hold rows of several seals, and not of the same
 * ones in each partition: so it is looked back to where all of them begin. */
static bool seal_is_whole(const struct rebuild *r, uint64_t through)
{
    uint64_t rows = 0, after = through - 1, before;
    struct map ends = {0};
    do {
        before = after;
        for (uint32_t i = 0; i < r->count; i++)
            if (r->found[i].seal_through > before && r->found[i].seal_through <= through &&
                r->found[i].seal_after < after)
                after = r->found[i].seal_after;
    } while (after < before);
    for (uint32_t i = 0; i < r->count; i++)
        if (r->found[i].seal_through > after && r->found[i].seal_through <= through &&
            !rebuild_is_repeated(&ends, &r->found[i]))
            rows += r->found[i].item.row_count;
    for (uint32_t i = 0; i < r->tomb_count; i++)
        if (r->tombs[i].last > after && r->tombs[i].last <= through)
            rows += r->tombs[i].rows;
    map_free(&ends);
    return rows >= through - after;
}

/* Where the seal ended of which retention removed the last: it was whole, for only then does
 * retention know of its segments. */
static uint64_t buried_through(const struct rebuild *r)
{
    uint64_t through = r->buried_last;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->found[i].seal_after < r->buried_last && r->found[i].seal_through > through)
            through = r->found[i].seal_through;
    return through;
}

static int sealed_guess(struct rebuild *r)
{
    uint64_t first, best = buried_through(r), highest = best;
    int rc = journal_first(r, &first);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < r->count; i++) {
        uint64_t through = r->found[i].seal_through;
        highest = through > highest ? through : highest;
        if (through > best && (first == 0 || through < first || seal_is_whole(r, through)))
            best = through;
    }
    if (first && first - 1 > best)
        best = first - 1;
    r->sealed_sequence = first ? best : highest;
    return ERR_OK;
}

int rebuild_checkpoint_find(struct rebuild *r)
{
    struct checkpoint c = {0};
    uint32_t damaged = 0;
    int rc = disk_list(r->disk, "checkpoint", number_visit, r, r->err);
    if (rc)
        return rc;
    rc = checkpoint_read(r->disk, &r->identity, &c, &damaged, r->err);
    if (rc == ERR_OK && damaged == 0) {
        r->has_checkpoint = true;
        r->sealed_sequence = c.last_sequence;
    } else if (rc == ERR_OK) {
        buf_slice(&r->old_carry, c.carry);
        r->old_cut = c.cut;
    }
    checkpoint_free(&c);
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    return r->has_checkpoint ? ERR_OK : sealed_guess(r);
}

static struct chain_interval *last_of(struct chain_interval *all, uint32_t *count,
                                      struct slice partition)
{
    for (uint32_t i = 0; i < *count; i++)
        if (slice_equal(all[i].partition, partition))
            return &all[i];
    if (*count == CHAIN_PARTITIONS_MAX)
        return NULL;
    all[*count] = (struct chain_interval){.partition = partition};
    return &all[(*count)++];
}

static uint64_t noted_number(const struct rebuild *r, struct slice partition)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < r->note_count; i++)
        if (slice_equal(r->notes[i].partition, partition) && r->notes[i].number > number)
            number = r->notes[i].number;
    return number;
}

/* The chain as it stood at the end of the sealed rows: from the notary, then from segments whose
 * intervals it does not have yet. */
static int chain_make(struct rebuild *r, struct chain *chain)
{
    struct chain_interval last[CHAIN_PARTITIONS_MAX];
    uint64_t noted[CHAIN_PARTITIONS_MAX];
    uint32_t count = 0;
    int rc = ERR_OK;
    for (uint32_t i = 0; i < r->note_count; i++) {
        const struct rebuild_note *n = &r->notes[i];
        struct chain_interval *l =
            n->last <= r->sealed_sequence ? last_of(last, &count, n->partition) : NULL;
        if (l && n->number > l->number) {
            l->number = n->number;
            l->head = n->head;
        }
    }
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++)
        rc = chain_resume(chain, &last[i], true, r->err);
    for (uint32_t i = 0; i < r->count; i++)
        (void)last_of(last, &count, r->found[i].item.partition);
    for (uint32_t i = 0; i < count; i++)
        noted[i] = noted_number(r, last[i].partition);
    for (uint32_t i = 0; i < r->count && rc == ERR_OK; i++)
        for (uint32_t k = 0; k < r->found[i].interval_count && rc == ERR_OK; k++) {
            const struct segment_interval *s = &r->found[i].intervals[k];
            struct chain_interval *l = last_of(last, &count, r->found[i].item.partition);
            if (!l || s->number <= l->number)
                continue;
            *l = (struct chain_interval){l->partition,     s->number,    s->first_sequence,
                                         s->last_sequence, s->row_count, s->minute_ns,
                                         s->root,          s->head};
            rc = chain_resume(chain, l, s->number <= noted[l - last], r->err);
        }
    return rc;
}

/* Carry items of the frames that are sealed and still there; place and time of the last of them. */
static int frames_pass(struct rebuild *r, struct carry *carry, struct checkpoint *c)
{
    struct journal_scan *scan = NULL;
    struct journal_frame frame;
    int rc = journal_scan_open(&scan, r->disk, &r->identity, r->old_cut, false, r->err);
    while (rc == ERR_OK && (rc = journal_scan_next(scan, &frame, NULL, NULL, r->err)) == ERR_OK) {
        if (frame.first_sequence + frame.row_count > r->sealed_sequence + 1)
            break;
        for (uint32_t i = 0; i < frame.section_count && rc == ERR_OK; i++)
            if (frame.kinds[i] == JOURNAL_CARRY)
                rc = carry_apply(carry, frame.sections[i], r->err);
        c->cut = frame.end;
        c->commit_ns = frame.commit_ns;
    }
    journal_scan_close(&scan);
    return rc == ERR_END ? ERR_OK : rc;
}

int rebuild_checkpoint_make(struct rebuild *r)
{
    struct chain *chain = chain_open();
    struct carry *carry = carry_open();
    struct buf carry_bytes = {0}, chain_bytes = {0};
    struct checkpoint c = {.number = r->checkpoint_number + 1,
                           .identity = r->identity,
                           .last_sequence = r->sealed_sequence,
                           .cut = r->old_cut,
                           .commit_ns = 0};
    int rc = chain_make(r, chain);
    if (rc == ERR_OK && r->old_carry.len)
        rc = carry_apply(carry, buf_as_slice(&r->old_carry), r->err);
    if (rc == ERR_OK)
        rc = frames_pass(r, carry, &c);
    if (rc == ERR_OK) {
        if (c.commit_ns)
            chain_tick(chain, c.commit_ns);
        chain_write(chain, &chain_bytes);
        carry_write(carry, &carry_bytes);
        c.chain = buf_as_slice(&chain_bytes);
        c.carry = buf_as_slice(&carry_bytes);
        rc = checkpoint_write(r->disk, &c, r->err);
        r->out->new_checkpoint = rc == ERR_OK;
    }
    chain_close(&chain);
    carry_close(&carry);
    buf_free(&carry_bytes);
    buf_free(&chain_bytes);
    return rc;
}
