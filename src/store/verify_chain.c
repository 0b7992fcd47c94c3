/* Leaves, roots and heads, made anew from the rows and compared with what segments and the notary
 * say. */
#include "store/verify_inside.h"

void verify_row_add(struct verify *v, struct verify_partition *p, const struct row *row)
{
    v->out->rows++;
    if (!verify_sequence_add(v, row->sequence))
        verify_problem(v,
                       "event %llu stands twice, or its number is not one that can be: keep the "
                       "files and rebuild the catalog (`canh store rebuild`)",
                       (unsigned long long)row->sequence);
    struct digest digest = row_digest(row, v->digester, &v->scratch);
    struct digest leaf = row_leaf(row->sequence, &digest, v->digester);
    if (p->open.leaves == 0) {
        p->open_first = row->sequence;
        p->open_minute_ns = v->minute_ns;
    }
    p->open_last = row->sequence;
    merkle_add(&p->open, &leaf, v->digester);
}

/* The head before interval `number`, when that many intervals of the partition were not seen. */
static bool hole_pass(struct verify *v, struct verify_partition *p, uint64_t number)
{
    const struct verify_note *first = verify_note_find(p, p->number + 1);
    const struct verify_note *last = verify_note_find(p, number - 1);
    uint64_t rows = 0;
    for (const struct verify_note *n = first; first && last && n <= last; n++)
        rows += n->rows;
    bool gone = first && last && verify_is_gone(v, p->name, first->first, last->last, rows);
    if (!gone)
        verify_problem(v,
                       "intervals %llu to %llu of partition %.*s are missing and no tombstone says "
                       "why: bring their segments back from a snapshot",
                       (unsigned long long)p->number + 1, (unsigned long long)number - 1,
                       (int)p->name.len, p->name.data);
    if (!last)
        return false;
    p->head = last->head;
    return true;
}

/* Chains an interval on: root and counts are those of the rows that were read. */
static void interval_chain(struct verify *v, struct verify_partition *p,
                           const struct chain_interval *i)
{
    bool chained = p->number + 1 == i->number || hole_pass(v, p, i->number);
    const struct verify_note *note = verify_note_find(p, i->number);
    const struct verify_note *newest = p->note_count ? &p->notes[p->note_count - 1] : NULL;
    v->out->intervals++;
    buf_clear(&v->text);
    chain_root_text(i, &v->text);
    struct digest head = chain_head(&p->head, buf_as_slice(&v->text), v->digester);
    if (!note && newest && newest->number > i->number)
        verify_problem(v, "the notary has no root line of interval %llu of partition %.*s",
                       (unsigned long long)i->number, (int)p->name.len, p->name.data);
    if (chained && note && memcmp(head.bytes, note->head.bytes, DIGEST_BYTES) != 0)
        verify_problem(v,
                       "events %llu to %llu of partition %.*s are not those that the notary "
                       "recorded as interval %llu: they were changed, or the notary was; compare "
                       "both with a snapshot",
                       (unsigned long long)i->first_sequence, (unsigned long long)i->last_sequence,
                       (int)p->name.len, p->name.data, (unsigned long long)i->number);
    if (!note || !note->is_signed)
        v->out->unsigned_rows += i->row_count;
    p->number = i->number;
    p->head = note ? note->head : head;
}

void verify_interval(struct verify *v, struct verify_partition *p,
                     const struct segment_interval *interval)
{
    struct chain_interval i = {p->name,
                               interval->number,
                               interval->first_sequence,
                               interval->last_sequence,
                               interval->row_count,
                               interval->minute_ns,
                               interval->root,
                               interval->head};
    const char *path = segment_path(v->segment);
    struct digest root = merkle_root(&p->open, v->digester);
    bool partly = p->open_first > interval->first_sequence &&
                  verify_is_gone(v, p->name, interval->first_sequence, interval->first_sequence, 1);
    if (!p->lost && !partly &&
        (memcmp(root.bytes, interval->root.bytes, DIGEST_BYTES) != 0 ||
         p->open_first != interval->first_sequence || p->open.leaves != interval->row_count))
        verify_problem(v,
                       "%s: events %llu to %llu do not give the root of interval %llu that the "
                       "segment holds: they were changed; compare with a snapshot",
                       path, (unsigned long long)interval->first_sequence,
                       (unsigned long long)interval->last_sequence,
                       (unsigned long long)interval->number);
    if (interval->number <= p->number) {
        verify_problem(v, "%s: interval %llu of the chain comes behind interval %llu", path,
                       (unsigned long long)interval->number, (unsigned long long)p->number);
    } else {
        interval_chain(v, p, &i);
        if (memcmp(p->head.bytes, interval->head.bytes, DIGEST_BYTES) != 0)
            verify_problem(v,
                           "%s: the head of interval %llu is not the one that follows from the "
                           "head before: the chain was changed; compare with a snapshot",
                           path, (unsigned long long)interval->number);
    }
    p->open.leaves = 0;
    p->lost = false;
}

static void open_close(struct verify *v, struct verify_partition *p)
{
    if (p->open.leaves == 0)
        return;
    struct chain_interval i = {.partition = p->name,
                               .number = p->number + 1,
                               .first_sequence = p->open_first,
                               .last_sequence = p->open_last,
                               .row_count = p->open.leaves,
                               .minute_ns = p->open_minute_ns,
                               .root = merkle_root(&p->open, v->digester)};
    interval_chain(v, p, &i);
    p->open.leaves = 0;
}

/* All that is sealed was read: what the notary says of it must have come. */
void verify_journal_begin(struct verify *v)
{
    v->minute_ns = CLOCK_NONE;
    for (uint32_t k = 0; k < v->partition_count; k++) {
        struct verify_partition *p = &v->partitions[k];
        uint32_t sealed = 0;
        if (p->open.leaves)
            verify_problem(v,
                           "events %llu to %llu of partition %.*s are in no interval of the chain: "
                           "bring their segments back from a snapshot",
                           (unsigned long long)p->open_first, (unsigned long long)p->open_last,
                           (int)p->name.len, p->name.data);
        p->open.leaves = 0;
        while (sealed < p->note_count && p->notes[sealed].last <= v->view.sealed_sequence)
            sealed++;
        uint64_t number = sealed ? p->notes[sealed - 1].number : 0;
        if (number > p->number) {
            (void)hole_pass(v, p, number + 1);
            p->number = number;
        }
    }
}

void verify_journal_cut(struct verify *v)
{
    for (uint32_t k = 0; k < v->partition_count; k++)
        open_close(v, &v->partitions[k]);
}

void verify_journal_minute(struct verify *v, int64_t commit_ns)
{
    int64_t minute_ns = chain_minute(commit_ns);
    if (v->minute_ns != CLOCK_NONE && minute_ns <= v->minute_ns)
        return;
    verify_journal_cut(v);
    v->minute_ns = minute_ns;
}

void verify_chain_end(struct verify *v)
{
    verify_journal_cut(v);
    for (uint32_t k = 0; k < v->partition_count; k++) {
        struct verify_partition *p = &v->partitions[k];
        if (p->note_count && p->notes[p->note_count - 1].number > p->number)
            (void)hole_pass(v, p, p->notes[p->note_count - 1].number + 1);
    }
}
