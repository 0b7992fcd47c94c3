#include "store/carry_ids.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

enum { NONE = 0, ENTRIES_FIRST = 256, SENDERS_FIRST = 8 };

struct carry_ids_sender {
    struct slice name;
    char *name_bytes; /* name.data */
    uint32_t first, last, count;
    uint32_t place; /* in the heap; of a free one: the next free one */
};

/* Those past CARRY_ID_SENDERS_MAX; no sender is named so. */
static const struct slice others = {"", 0};

static struct slice name_cut(struct slice name)
{
    return slice_part(name, 0, CARRY_ID_SENDER_BYTES_MAX);
}

/* ---- the heap ---- */

static bool heap_before(const struct carry_ids *ids, uint32_t a, uint32_t b)
{
    const struct carry_ids_sender *x = &ids->senders[a], *y = &ids->senders[b];
    return x->count != y->count ? x->count > y->count : slice_compare(x->name, y->name) < 0;
}

static void heap_put(struct carry_ids *ids, uint32_t at, uint32_t sender)
{
    ids->heap[at] = sender;
    ids->senders[sender].place = at;
}

static void heap_up(struct carry_ids *ids, uint32_t at)
{
    uint32_t sender = ids->heap[at];
    for (uint32_t up; at && heap_before(ids, sender, ids->heap[up = (at - 1) / 2]); at = up)
        heap_put(ids, at, ids->heap[up]);
    heap_put(ids, at, sender);
}

static void heap_down(struct carry_ids *ids, uint32_t at)
{
    uint32_t sender = ids->heap[at];
    for (uint32_t child; (child = 2 * at + 1) < ids->heap_count; at = child) {
        if (child + 1 < ids->heap_count && heap_before(ids, ids->heap[child + 1], ids->heap[child]))
            child++;
        if (!heap_before(ids, ids->heap[child], sender))
            break;
        heap_put(ids, at, ids->heap[child]);
    }
    heap_put(ids, at, sender);
}

/* ---- senders ---- */

static uint32_t sender_find(const struct carry_ids *ids, struct slice name)
{
    const struct map_entry *e = map_find(&ids->numbers, name);
    return e ? (uint32_t)e->value : NONE;
}

static uint32_t sender_place(struct carry_ids *ids)
{
    uint32_t number = ids->sender_free;
    if (number) {
        ids->sender_free = ids->senders[number].place;
        return number;
    }
    if (ids->sender_made + 1 >= ids->sender_capacity) {
        ids->sender_capacity = ids->sender_capacity ? 2 * ids->sender_capacity : SENDERS_FIRST;
        ids->senders = mem_resize(ids->senders, ids->sender_capacity, sizeof(*ids->senders));
        ids->heap = mem_resize(ids->heap, ids->sender_capacity, sizeof(*ids->heap));
    }
    return ++ids->sender_made;
}

static uint32_t sender_add(struct carry_ids *ids, struct slice name)
{
    uint32_t number = sender_find(ids, name), rest = sender_find(ids, others);
    if (!number && name.len && ids->heap_count - (rest != NONE) == CARRY_ID_SENDERS_MAX) {
        name = others;
        number = rest;
    }
    if (number)
        return number;
    number = sender_place(ids);
    struct carry_ids_sender *s = &ids->senders[number];
    *s = (struct carry_ids_sender){.name_bytes = mem_copy_text(name.data, name.len)};
    s->name = slice_make(s->name_bytes, name.len);
    ids->name_bytes += name.len + 1;
    (void)map_put(&ids->numbers, s->name, number, NULL);
    heap_put(ids, ids->heap_count, number);
    heap_up(ids, ids->heap_count++);
    return number;
}

static void sender_remove(struct carry_ids *ids, uint32_t number)
{
    struct carry_ids_sender *s = &ids->senders[number];
    uint32_t at = s->place, moved = ids->heap[--ids->heap_count];
    check(map_remove(&ids->numbers, s->name));
    ids->name_bytes -= s->name.len + 1;
    mem_free(s->name_bytes);
    *s = (struct carry_ids_sender){.place = ids->sender_free};
    ids->sender_free = number;
    if (moved != number) {
        heap_put(ids, at, moved);
        heap_up(ids, at);
        heap_down(ids, ids->senders[moved].place);
    }
}

/* ---- ids ---- */

static uint32_t slot_of(const struct carry_ids *ids, const struct carry_id *id)
{
    return (uint32_t)hash_bytes(id->bytes, sizeof(id->bytes), hash_seed()) & ids->slot_mask;
}

static bool entry_is(const struct carry_ids *ids, uint32_t entry, uint32_t sender,
                     const struct carry_id *id)
{
    const struct carry_ids_entry *e = &ids->entries[entry];
    return e->sender == sender && memcmp(e->id.bytes, id->bytes, CARRY_ID_BYTES) == 0;
}

static bool sender_has(const struct carry_ids *ids, uint32_t sender, const struct carry_id *id)
{
    if (!sender || ids->count == 0)
        return false;
    for (uint32_t slot = slot_of(ids, id), n; (n = ids->slots[slot]) != NONE;
         slot = (slot + 1) & ids->slot_mask)
        if (entry_is(ids, n, sender, id))
            return true;
    return false;
}

bool carry_ids_has(const struct carry_ids *ids, struct slice sender, const struct carry_id *id)
{
    return sender_has(ids, sender_find(ids, name_cut(sender)), id) ||
           sender_has(ids, sender_find(ids, others), id);
}

static void slot_fill(struct carry_ids *ids, uint32_t entry)
{
    uint32_t slot = slot_of(ids, &ids->entries[entry].id);
    while (ids->slots[slot])
        slot = (slot + 1) & ids->slot_mask;
    ids->slots[slot] = entry;
}

/* What stands behind the hole moves up when its own place is not behind the hole. */
static void slot_clear(struct carry_ids *ids, uint32_t entry)
{
    uint32_t hole = slot_of(ids, &ids->entries[entry].id), mask = ids->slot_mask;
    while (ids->slots[hole] != entry)
        hole = (hole + 1) & mask;
    for (uint32_t at = (hole + 1) & mask, n; (n = ids->slots[at]) != NONE; at = (at + 1) & mask) {
        uint32_t home = slot_of(ids, &ids->entries[n].id);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        ids->slots[hole] = n;
        hole = at;
    }
    ids->slots[hole] = NONE;
}

static void entries_grow(struct carry_ids *ids)
{
    uint32_t most = CARRY_IDS_MAX + 1;
    ids->capacity = ids->capacity ? 2 * ids->capacity : ENTRIES_FIRST;
    ids->capacity = ids->capacity < most ? ids->capacity : most;
    ids->entries = mem_resize(ids->entries, ids->capacity, sizeof(*ids->entries));
    uint32_t slots = 1;
    while (slots < 2 * (ids->capacity - 1))
        slots *= 2;
    ids->slot_mask = slots - 1;
    mem_free(ids->slots);
    ids->slots = mem_zeroed(slots, sizeof(*ids->slots));
    for (uint32_t i = 1; i <= ids->made; i++) /* all are in use when it grows */
        slot_fill(ids, i);
}

static void oldest_remove(struct carry_ids *ids, uint32_t sender)
{
    struct carry_ids_sender *s = &ids->senders[sender];
    uint32_t entry = s->first;
    slot_clear(ids, entry);
    s->first = ids->entries[entry].next;
    s->last = s->first ? s->last : NONE;
    s->count--;
    ids->entries[entry].next = ids->free;
    ids->free = entry;
    ids->count--;
    heap_down(ids, s->place);
}

static uint32_t entry_place(struct carry_ids *ids)
{
    uint32_t entry = ids->free;
    if (entry) {
        ids->free = ids->entries[entry].next;
        return entry;
    }
    if (ids->made + 1 >= ids->capacity)
        entries_grow(ids);
    return ++ids->made;
}

static void id_add(struct carry_ids *ids, uint32_t sender, int64_t time_ns,
                   const struct carry_id *id)
{
    if (ids->count == CARRY_IDS_MAX) {
        oldest_remove(ids, ids->heap[0]);
        ids->lost++;
    }
    uint32_t entry = entry_place(ids);
    struct carry_ids_sender *s = &ids->senders[sender];
    if (s->last && ids->entries[s->last].time_ns > time_ns)
        time_ns = ids->entries[s->last].time_ns;
    ids->entries[entry] = (struct carry_ids_entry){*id, time_ns, sender, NONE};
    slot_fill(ids, entry);
    if (s->last)
        ids->entries[s->last].next = entry;
    else
        s->first = entry;
    s->last = entry;
    s->count++;
    ids->count++;
    heap_up(ids, s->place);
}

void carry_ids_add(struct carry_ids *ids, struct slice sender, int64_t time_ns,
                   const struct carry_id *add, uint32_t count)
{
    struct slice name = name_cut(sender);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = sender_add(ids, name);
        if (!sender_has(ids, number, &add[i]))
            id_add(ids, number, time_ns, &add[i]);
    }
}

void carry_ids_trim(struct carry_ids *ids, int64_t before_ns)
{
    for (uint32_t i = 1; i <= ids->sender_made; i++) {
        struct carry_ids_sender *s = &ids->senders[i];
        if (!s->count)
            continue;
        while (s->first && ids->entries[s->first].time_ns < before_ns)
            oldest_remove(ids, i);
        if (!s->count)
            sender_remove(ids, i);
    }
}

static int sender_compare(const void *a, const void *b)
{
    const struct carry_ids_sender *const *x = a, *const *y = b;
    return slice_compare((*x)->name, (*y)->name);
}

/* Ids of one time that follow one another become one item. */
static void sender_write(const struct carry_ids *ids, const struct carry_ids_sender *s,
                         struct buf *out)
{
    struct buf same = {0};
    for (uint32_t i = s->first; i; i = ids->entries[i].next) {
        const struct carry_ids_entry *e = &ids->entries[i];
        buf_append(&same, &e->id, sizeof(e->id));
        if (e->next && ids->entries[e->next].time_ns == e->time_ns)
            continue;
        carry_put_ids(out, s->name, e->time_ns, (const struct carry_id *)(const void *)same.data,
                      (uint32_t)(same.len / CARRY_ID_BYTES));
        buf_clear(&same);
    }
    buf_free(&same);
}

void carry_ids_write(const struct carry_ids *ids, struct buf *out)
{
    const struct carry_ids_sender **list =
        mem_zeroed(ids->heap_count, sizeof(struct carry_ids_sender *));
    for (uint32_t i = 0; i < ids->heap_count; i++)
        list[i] = &ids->senders[ids->heap[i]];
    if (ids->heap_count)
        qsort(list, ids->heap_count, sizeof(struct carry_ids_sender *), sender_compare);
    for (uint32_t i = 0; i < ids->heap_count; i++)
        sender_write(ids, list[i], out);
    mem_free(list);
}

size_t carry_ids_bytes(const struct carry_ids *ids)
{
    return ids->capacity * sizeof(*ids->entries) +
           (ids->capacity ? ((size_t)ids->slot_mask + 1) * sizeof(*ids->slots) : 0) +
           ids->sender_capacity * (sizeof(*ids->senders) + sizeof(*ids->heap)) +
           ids->heap_count * 2 * sizeof(struct map_entry) + ids->name_bytes;
}

void carry_ids_free(struct carry_ids *ids)
{
    for (uint32_t i = 0; i < ids->heap_count; i++)
        mem_free(ids->senders[ids->heap[i]].name_bytes);
    map_free(&ids->numbers);
    mem_free(ids->entries);
    mem_free(ids->slots);
    mem_free(ids->senders);
    mem_free(ids->heap);
    *ids = (struct carry_ids){0};
}
