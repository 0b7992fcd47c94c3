#include "store/chain.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

#define MINUTE_NS (60 * CLOCK_SECOND_NS)

struct chain_partition {
    struct slice name;
    uint64_t count; /* intervals closed */
    struct digest head;
    struct merkle open;
    uint64_t first_sequence, last_sequence;
    int64_t minute_ns;
};

struct chain {
    struct arena arena;
    struct digester *digester;
    struct chain_partition partitions[CHAIN_PARTITIONS_MAX];
    uint32_t partition_count;
    struct chain_interval *closed;
    uint32_t closed_count, closed_capacity;
    int64_t minute_ns; /* of the newest commit */
    uint64_t rows;
};

struct chain *chain_open(void)
{
    struct chain *c = mem_zeroed(1, sizeof(*c));
    c->digester = digester_open();
    c->minute_ns = CLOCK_NONE;
    return c;
}

void chain_close(struct chain **out)
{
    struct chain *c = *out;
    if (!c)
        return;
    digester_close(&c->digester);
    mem_free(c->closed);
    arena_free(&c->arena);
    mem_free(c);
    *out = NULL;
}

void chain_root_text(const struct chain_interval *i, struct buf *out)
{
    char time[CLOCK_TEXT_BYTES];
    size_t len = clock_text(time, i->minute_ns);
    buf_printf(out, "root %.*s %llu %.*s %llu %llu %llu ", (int)i->partition.len, i->partition.data,
               (unsigned long long)i->number, (int)len, time, (unsigned long long)i->first_sequence,
               (unsigned long long)i->last_sequence, (unsigned long long)i->row_count);
    text_hex(out, slice_make((const char *)i->root.bytes, sizeof i->root.bytes));
}

struct digest chain_head(const struct digest *previous, struct slice root_text, struct digester *d)
{
    static const uint8_t mark = 2;
    digester_add(d, &mark, 1);
    digester_add(d, previous->bytes, sizeof previous->bytes);
    digester_add(d, root_text.data, root_text.len);
    return digester_end(d);
}

static void partition_end(struct chain *c, struct chain_partition *p)
{
    if (p->open.leaves == 0)
        return;
    if (c->closed_count == c->closed_capacity) {
        check(c->closed_count < CHAIN_CLOSED_MAX);
        c->closed_capacity = c->closed_capacity ? c->closed_capacity * 2 : 64;
        c->closed = mem_resize(c->closed, c->closed_capacity, sizeof(*c->closed));
    }
    struct chain_interval *i = &c->closed[c->closed_count++];
    struct buf text = {0};
    *i = (struct chain_interval){.partition = p->name,
                                 .number = ++p->count,
                                 .first_sequence = p->first_sequence,
                                 .last_sequence = p->last_sequence,
                                 .row_count = p->open.leaves,
                                 .minute_ns = p->minute_ns,
                                 .root = merkle_root(&p->open, c->digester)};
    chain_root_text(i, &text);
    p->head = i->head = chain_head(&p->head, buf_as_slice(&text), c->digester);
    p->open.leaves = 0;
    buf_free(&text);
}

static struct chain_partition *partition_find(struct chain *c, struct slice name, struct err *err)
{
    for (uint32_t i = 0; i < c->partition_count; i++)
        if (slice_equal(c->partitions[i].name, name))
            return &c->partitions[i];
    if (c->partition_count == CHAIN_PARTITIONS_MAX) {
        (void)err_set(err, ERR_LIMIT,
                      "there are %d partitions already, no room for \"%.*s\": let its source use "
                      "one of those",
                      CHAIN_PARTITIONS_MAX, (int)name.len, name.data);
        return NULL;
    }
    struct chain_partition *p = &c->partitions[c->partition_count++];
    *p = (struct chain_partition){.name = arena_copy(&c->arena, name)};
    return p;
}

void chain_cut(struct chain *c)
{
    for (uint32_t i = 0; i < c->partition_count; i++)
        partition_end(c, &c->partitions[i]);
}

int64_t chain_minute(int64_t commit_ns)
{
    if (commit_ns < INT64_MIN + MINUTE_NS)
        return INT64_MIN + 1; /* no time, or none that can be: all the same minute */
    return commit_ns - ((commit_ns % MINUTE_NS) + MINUTE_NS) % MINUTE_NS;
}

void chain_tick(struct chain *c, int64_t commit_ns)
{
    int64_t minute_ns = chain_minute(commit_ns);
    if (c->minute_ns != CLOCK_NONE && minute_ns <= c->minute_ns)
        return;
    chain_cut(c);
    c->minute_ns = minute_ns;
}

int chain_admit(struct chain *c, struct slice partition, struct err *err)
{
    return partition_find(c, partition, err) ? ERR_OK : ERR_LIMIT;
}

int chain_add(struct chain *c, struct slice partition, uint64_t sequence,
              const struct digest *row_digest, int64_t commit_ns, struct err *err)
{
    static const uint8_t mark = 0;
    uint8_t number[8];
    struct chain_partition *p = partition_find(c, partition, err);
    if (!p)
        return ERR_LIMIT;
    chain_tick(c, commit_ns);
    for (size_t i = 0; i < 8; i++)
        number[i] = (uint8_t)(sequence >> (56 - 8 * i));
    digester_add(c->digester, &mark, 1);
    digester_add(c->digester, number, sizeof number);
    digester_add(c->digester, row_digest->bytes, sizeof row_digest->bytes);
    struct digest leaf = digester_end(c->digester);
    if (p->open.leaves == 0) {
        p->first_sequence = sequence;
        p->minute_ns = c->minute_ns;
    }
    p->last_sequence = sequence;
    merkle_add(&p->open, &leaf, c->digester);
    c->rows++;
    return ERR_OK;
}

const struct chain_interval *chain_closed(const struct chain *c, uint32_t *count)
{
    *count = c->closed_count;
    return c->closed;
}

void chain_noted(struct chain *c, uint32_t count)
{
    check(count <= c->closed_count);
    c->closed_count -= count;
    if (c->closed_count)
        memmove(c->closed, c->closed + count, c->closed_count * sizeof(*c->closed));
}

static int by_name(const void *a, const void *b)
{
    const struct chain_partition *const *x = a, *const *y = b;
    return slice_compare((*x)->name, (*y)->name);
}

void chain_heads_text(const struct chain *c, struct buf *out)
{
    const struct chain_partition *sorted[CHAIN_PARTITIONS_MAX];
    for (uint32_t i = 0; i < c->partition_count; i++)
        sorted[i] = &c->partitions[i];
    if (c->partition_count)
        qsort(sorted, c->partition_count, sizeof(sorted[0]), by_name);
    for (uint32_t i = 0; i < c->partition_count; i++) {
        if (sorted[i]->count == 0)
            continue;
        buf_printf(out, "%.*s %llu ", (int)sorted[i]->name.len, sorted[i]->name.data,
                   (unsigned long long)sorted[i]->count);
        text_hex(out, slice_make((const char *)sorted[i]->head.bytes, DIGEST_BYTES));
        buf_char(out, '\n');
    }
}

/* The state is of this machine's byte order, which is the format's: little-endian. */
static void number_write(struct buf *out, uint64_t value)
{
    buf_append(out, &value, sizeof value);
}

void chain_write(const struct chain *c, struct buf *out)
{
    number_write(out, (uint64_t)c->minute_ns);
    number_write(out, c->partition_count);
    for (uint32_t i = 0; i < c->partition_count; i++) {
        const struct chain_partition *p = &c->partitions[i];
        uint32_t height = (uint32_t)__builtin_popcountll(p->open.leaves);
        number_write(out, p->name.len);
        buf_slice(out, p->name);
        number_write(out, p->count);
        buf_append(out, p->head.bytes, DIGEST_BYTES);
        number_write(out, p->first_sequence);
        number_write(out, p->last_sequence);
        number_write(out, (uint64_t)p->minute_ns);
        number_write(out, p->open.leaves);
        for (uint32_t k = 0; k < height; k++)
            buf_append(out, p->open.stack[k].bytes, DIGEST_BYTES);
    }
    number_write(out, c->closed_count);
    for (uint32_t i = 0; i < c->closed_count; i++) {
        const struct chain_interval *k = &c->closed[i];
        number_write(out, k->partition.len);
        buf_slice(out, k->partition);
        number_write(out, k->number);
        number_write(out, k->first_sequence);
        number_write(out, k->last_sequence);
        number_write(out, k->row_count);
        number_write(out, (uint64_t)k->minute_ns);
        buf_append(out, k->root.bytes, DIGEST_BYTES);
        buf_append(out, k->head.bytes, DIGEST_BYTES);
    }
}

struct reading {
    struct slice rest;
    bool bad;
};

static struct slice reading_bytes(struct reading *r, size_t len)
{
    if (r->bad || len > r->rest.len) {
        r->bad = true;
        return SLICE("");
    }
    struct slice part = slice_part(r->rest, 0, len);
    r->rest = slice_part(r->rest, len, r->rest.len);
    return part;
}

static uint64_t reading_number(struct reading *r)
{
    uint64_t value = 0;
    struct slice part = reading_bytes(r, sizeof value);
    if (part.len)
        memcpy(&value, part.data, sizeof value);
    return value;
}

static void reading_digest(struct reading *r, struct digest *out)
{
    struct slice part = reading_bytes(r, DIGEST_BYTES);
    if (part.len)
        memcpy(out->bytes, part.data, DIGEST_BYTES);
}

static void partition_read(struct chain *c, struct reading *r)
{
    struct slice name = reading_bytes(r, reading_number(r));
    struct chain_partition *p = r->bad ? NULL : partition_find(c, name, NULL);
    if (!p) {
        r->bad = true;
        return;
    }
    p->count = reading_number(r);
    reading_digest(r, &p->head);
    p->first_sequence = reading_number(r);
    p->last_sequence = reading_number(r);
    p->minute_ns = (int64_t)reading_number(r);
    p->open.leaves = reading_number(r);
    uint32_t height = (uint32_t)__builtin_popcountll(p->open.leaves);
    for (uint32_t k = 0; k < height && !r->bad; k++)
        reading_digest(r, &p->open.stack[k]);
}

static void closed_add(struct chain *c, const struct chain_interval *i)
{
    if (c->closed_count == c->closed_capacity) {
        c->closed_capacity = c->closed_capacity ? c->closed_capacity * 2 : 64;
        c->closed = mem_resize(c->closed, c->closed_capacity, sizeof(*c->closed));
    }
    c->closed[c->closed_count++] = *i;
}

int chain_resume(struct chain *c, const struct chain_interval *interval, bool noted,
                 struct err *err)
{
    struct chain_partition *p = partition_find(c, interval->partition, err);
    struct chain_interval i = *interval;
    if (!p)
        return ERR_LIMIT;
    p->count = i.number;
    p->head = i.head;
    i.partition = p->name;
    if (!noted)
        closed_add(c, &i);
    return ERR_OK;
}

static void closed_read(struct chain *c, struct reading *r)
{
    struct chain_interval i = {.partition = reading_bytes(r, reading_number(r))};
    struct chain_partition *p = r->bad ? NULL : partition_find(c, i.partition, NULL);
    i.number = reading_number(r);
    i.first_sequence = reading_number(r);
    i.last_sequence = reading_number(r);
    i.row_count = reading_number(r);
    i.minute_ns = (int64_t)reading_number(r);
    reading_digest(r, &i.root);
    reading_digest(r, &i.head);
    if (r->bad || !p) {
        r->bad = true;
        return;
    }
    i.partition = p->name;
    closed_add(c, &i);
}

int chain_read(struct chain *c, struct slice state, struct err *err)
{
    struct reading r = {state, false};
    c->minute_ns = (int64_t)reading_number(&r);
    uint64_t partitions = reading_number(&r);
    for (uint64_t i = 0; i < partitions && !r.bad; i++)
        partition_read(c, &r);
    uint64_t closed = reading_number(&r);
    for (uint64_t i = 0; i < closed && !r.bad; i++)
        closed_read(c, &r);
    if (r.bad || r.rest.len || closed > CHAIN_CLOSED_MAX)
        return err_set(err, ERR_DAMAGED, "the chain's state in the checkpoint is not whole");
    return ERR_OK;
}

uint64_t chain_rows(const struct chain *c)
{
    return c->rows;
}
