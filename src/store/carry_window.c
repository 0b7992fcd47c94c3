#include "store/carry_window.h"

#include "base/mem.h"

enum { FIRST = 256, GO_AT_ONCE = 16 };

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
