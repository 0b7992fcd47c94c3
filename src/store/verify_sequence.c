/* Which sequence numbers there are: none twice, none missing but what tombstones explain. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/verify_inside.h"

bool verify_sequence_add(struct verify *v, uint64_t sequence)
{
    uint64_t number = sequence / VERIFY_CHUNK_ROWS, bit = sequence % VERIFY_CHUNK_ROWS;
    if (number >= VERIFY_CHUNKS_MAX)
        return false;
    if (number >= v->chunk_count) {
        uint64_t count = number < 64 ? 64 : number * 2;
        count = count < VERIFY_CHUNKS_MAX ? count : VERIFY_CHUNKS_MAX;
        v->chunks = mem_resize(v->chunks, count, sizeof(*v->chunks));
        memset(v->chunks + v->chunk_count, 0, (count - v->chunk_count) * sizeof(*v->chunks));
        v->chunk_count = count;
    }
    struct verify_chunk *c = &v->chunks[number];
    if (c->count == VERIFY_CHUNK_ROWS)
        return false;
    if (!c->bits)
        c->bits = mem_zeroed(VERIFY_CHUNK_ROWS / 64, sizeof(*c->bits));
    uint64_t mask = (uint64_t)1 << (bit % 64);
    if (c->bits[bit / 64] & mask)
        return false;
    c->bits[bit / 64] |= mask;
    if (++c->count == VERIFY_CHUNK_ROWS) {
        mem_free(c->bits);
        c->bits = NULL;
    }
    if (sequence > v->last_sequence)
        v->last_sequence = sequence;
    return true;
}

static bool is_there(const struct verify *v, uint64_t sequence)
{
    const struct verify_chunk *c = &v->chunks[sequence / VERIFY_CHUNK_ROWS];
    uint64_t bit = sequence % VERIFY_CHUNK_ROWS;
    return c->bits ? (c->bits[bit / 64] >> (bit % 64) & 1) != 0 : c->count > 0;
}

/* From sequence on, the first number that is there (or not); last + 1 when none is. */
static uint64_t next_of(const struct verify *v, uint64_t sequence, bool there, uint64_t last)
{
    while (sequence <= last) {
        uint64_t number = sequence / VERIFY_CHUNK_ROWS;
        if (number >= v->chunk_count)
            return there ? last + 1 : sequence;
        const struct verify_chunk *c = &v->chunks[number];
        if (!c->bits) {
            if ((c->count > 0) == there)
                return sequence;
            sequence = (number + 1) * VERIFY_CHUNK_ROWS;
        } else if (is_there(v, sequence) == there) {
            return sequence;
        } else {
            sequence++;
        }
    }
    return last + 1;
}

static int by_first(const void *a, const void *b)
{
    const struct verify_gone *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

struct missing {
    uint64_t told, rows_untold, explained;
    uint32_t at; /* tombstone */
};

static void missing_tell(struct verify *v, struct missing *m, uint64_t first, uint64_t last)
{
    if (first > last)
        return;
    if (m->told++ >= VERIFY_TOLD_MAX) {
        m->rows_untold += last - first + 1;
        return;
    }
    verify_problem(
        v,
        "events %llu to %llu are missing and no tombstone says why: bring them back from "
        "a snapshot, and keep this store as it is for the inquiry",
        (unsigned long long)first, (unsigned long long)last);
}

/* Tombstones' ranges overlap, one partition's with another's: afterwards they are ascending and
 * apart. Their partitions are not needed any more. */
static void gone_unite(struct verify *v)
{
    uint32_t kept = 0;
    if (v->gone_count > 1)
        qsort(v->gone, v->gone_count, sizeof(*v->gone), by_first);
    for (uint32_t i = 1; i < v->gone_count; i++) {
        if (v->gone[i].first > v->gone[kept].last)
            v->gone[++kept] = v->gone[i];
        else if (v->gone[i].last > v->gone[kept].last)
            v->gone[kept].last = v->gone[i].last;
    }
    v->gone_count = v->gone_count ? kept + 1 : 0;
}

/* The parts of [first, last] that no tombstone covers; those before `at` end before it. */
static void missing_range(struct verify *v, struct missing *m, uint64_t first, uint64_t last)
{
    while (m->at < v->gone_count && v->gone[m->at].last < first)
        m->at++;
    for (uint32_t i = m->at; i < v->gone_count && v->gone[i].first <= last; i++) {
        const struct verify_gone *g = &v->gone[i];
        if (g->first > first)
            missing_tell(v, m, first, g->first - 1);
        uint64_t from = g->first > first ? g->first : first;
        uint64_t until = g->last < last ? g->last : last;
        m->explained += until - from + 1;
        first = until + 1;
    }
    missing_tell(v, m, first, last);
}

void verify_sequence_end(struct verify *v)
{
    struct missing m = {0};
    uint64_t last = v->last_sequence, gone_rows = 0, at = 1;
    if (v->signed_sequence > last && v->signed_sequence < (uint64_t)VERIFY_CHUNKS_MAX << 20)
        last = v->signed_sequence;
    if (v->view.sealed_sequence > last && v->view.sealed_sequence < (uint64_t)VERIFY_CHUNKS_MAX
                                                                        << 20)
        last = v->view.sealed_sequence;
    for (uint32_t i = 0; i < v->gone_count; i++)
        gone_rows += v->gone[i].rows;
    gone_unite(v);
    while (at <= last) {
        uint64_t first = next_of(v, at, false, last);
        if (first > last)
            break;
        at = next_of(v, first, true, last);
        missing_range(v, &m, first, at - 1);
    }
    if (m.rows_untold)
        verify_problem(v, "%llu further events are missing", (unsigned long long)m.rows_untold);
    if (m.explained > gone_rows)
        verify_problem(v,
                       "%llu events are missing where tombstones speak of %llu: compare the store "
                       "with a snapshot",
                       (unsigned long long)m.explained, (unsigned long long)gone_rows);
}

void verify_sequence_free(struct verify *v)
{
    for (uint64_t i = 0; i < v->chunk_count; i++)
        mem_free(v->chunks[i].bits);
    mem_free(v->chunks);
}
