#include "store/carry_window.h"

#include "base/hash.h"
#include "base/mem.h"

enum { FIRST = 256, GO_AT_ONCE = 16 };

static uint32_t id_slot(const struct carry_ids *ids, uint64_t id)
{
    /* senders choose ids: seeded, so that they cannot make them collide */
    return (uint32_t)hash_bytes(&id, sizeof id, hash_seed()) & ids->slot_mask;
}

static void ids_index(struct carry_ids *ids)
{
    memset(ids->slots, 0, ((size_t)ids->slot_mask + 1) * sizeof(*ids->slots));
    for (uint32_t i = 0; i < ids->count; i++) {
        uint32_t slot = id_slot(ids, ids->list[i].id);
        while (ids->slots[slot])
            slot = (slot + 1) & ids->slot_mask;
        ids->slots[slot] = i + 1;
    }
}

static void ids_grow(struct carry_ids *ids)
{
    ids->capacity = ids->capacity ? 2 * ids->capacity : FIRST;
    ids->list = mem_resize(ids->list, ids->capacity, sizeof(*ids->list));
    ids->slot_mask = 2 * ids->capacity - 1;
    ids->slots = mem_resize(ids->slots, (size_t)ids->slot_mask + 1, sizeof(*ids->slots));
    ids_index(ids);
}

bool carry_ids_has(const struct carry_ids *ids, uint64_t id)
{
    if (ids->count == 0)
        return false;
    for (uint32_t slot = id_slot(ids, id), n; (n = ids->slots[slot]) != 0;
         slot = (slot + 1) & ids->slot_mask)
        if (ids->list[n - 1].id == id)
            return true;
    return false;
}

static void ids_drop_oldest(struct carry_ids *ids)
{
    uint32_t gone = ids->count / GO_AT_ONCE;
    ids->count -= gone;
    ids->lost += gone;
    memmove(ids->list, ids->list + gone, ids->count * sizeof(*ids->list));
    ids_index(ids);
}

void carry_ids_add(struct carry_ids *ids, uint64_t id, int64_t time_ns)
{
    if (carry_ids_has(ids, id))
        return;
    if (ids->count == CARRY_IDS_MAX)
        ids_drop_oldest(ids);
    if (ids->count == ids->capacity)
        ids_grow(ids);
    uint32_t slot = id_slot(ids, id);
    while (ids->slots[slot])
        slot = (slot + 1) & ids->slot_mask;
    ids->list[ids->count] = (struct carry_id){id, time_ns};
    ids->slots[slot] = ++ids->count;
}

void carry_ids_trim(struct carry_ids *ids, int64_t before_ns)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->list[i].time_ns >= before_ns)
            ids->list[kept++] = ids->list[i];
    if (kept == ids->count)
        return;
    ids->count = kept;
    ids_index(ids);
}

void carry_ids_free(struct carry_ids *ids)
{
    mem_free(ids->list);
    mem_free(ids->slots);
    *ids = (struct carry_ids){0};
}

/* Puts the entries whose list place is below kept_count (already moved there) together again. */
static void entries_close_up(struct carry_entries *e, uint32_t kept)
{
    size_t at = 0;
    for (uint32_t i = 0; i < kept; i++) {
        memmove(e->bytes.data + at, e->bytes.data + e->list[i].offset, e->list[i].len);
        e->list[i].offset = at;
        at += e->list[i].len;
    }
    e->count = kept;
    e->bytes.len = at;
}

static void entries_drop_oldest(struct carry_entries *e)
{
    uint32_t gone = e->count / GO_AT_ONCE ? e->count / GO_AT_ONCE : 1;
    memmove(e->list, e->list + gone, (e->count - gone) * sizeof(*e->list));
    e->lost += gone;
    entries_close_up(e, e->count - gone);
}

void carry_entries_add(struct carry_entries *e, const struct carry_item *item)
{
    while (e->count &&
           (e->count == CARRY_INPUTS_MAX || e->bytes.len + item->whole.len > CARRY_INPUT_BYTES_MAX))
        entries_drop_oldest(e);
    if (e->count == e->capacity) {
        e->capacity = e->capacity ? 2 * e->capacity : FIRST;
        e->list = mem_resize(e->list, e->capacity, sizeof(*e->list));
    }
    e->list[e->count++] = (struct carry_entry){.offset = e->bytes.len,
                                               .len = (uint32_t)item->whole.len,
                                               .live = item->name.len == 0,
                                               .time_ns = item->time_ns};
    buf_slice(&e->bytes, item->whole);
}

void carry_entries_trim(struct carry_entries *e, int64_t before_ns)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < e->count; i++)
        if (!e->list[i].live || e->list[i].time_ns >= before_ns)
            e->list[kept++] = e->list[i];
    entries_close_up(e, kept);
}

void carry_entries_end_run(struct carry_entries *e, struct slice run)
{
    uint32_t kept = 0;
    struct carry_item item;
    for (uint32_t i = 0; i < e->count; i++) {
        carry_entry_item(e, i, &item);
        if (!slice_equal(item.name, run))
            e->list[kept++] = e->list[i];
    }
    entries_close_up(e, kept);
}

void carry_entry_item(const struct carry_entries *e, uint32_t number, struct carry_item *item)
{
    const struct carry_entry *entry = &e->list[number];
    struct bytes_in in = bytes_in(slice_make(e->bytes.data + entry->offset, entry->len));
    check(carry_item_read(&in, item, NULL) == ERR_OK);
}

void carry_entries_free(struct carry_entries *e)
{
    mem_free(e->list);
    buf_free(&e->bytes);
    *e = (struct carry_entries){0};
}
