#include "store/carry.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "store/carry_ids.h"
#include "store/carry_window.h"

struct named { /* a cursor or a source */
    struct slice name;
    char *name_bytes; /* name.data */
    char *value;      /* of a cursor */
    size_t value_len;
    uint64_t counters[CARRY_COUNTERS_MAX];
};

struct carry {
    struct map cursors, sources; /* values: struct named * */
    size_t cursor_bytes;
    struct carry_ids ids;
    struct carry_entries entries;
    uint64_t lost_cursors, lost_sources;
};

static struct named *named_of(const struct map_entry *e)
{
    return e ? (struct named *)(uintptr_t)e->value : NULL;
}

static struct named *named_add(struct map *map, struct slice name)
{
    struct named *n = mem_zeroed(1, sizeof(*n));
    n->name_bytes = mem_copy_text(name.data, name.len);
    n->name = slice_make(n->name_bytes, name.len);
    (void)map_put(map, n->name, (uintptr_t)n, NULL);
    return n;
}

static void named_free(struct named *n)
{
    mem_free(n->name_bytes);
    mem_free(n->value);
    mem_free(n);
}

struct carry *carry_open(void)
{
    return mem_zeroed(1, sizeof(struct carry));
}

void carry_close(struct carry **carry)
{
    struct carry *c = *carry;
    if (!c)
        return;
    for (struct map_entry *e = NULL; (e = map_next(&c->cursors, e));)
        named_free(named_of(e));
    for (struct map_entry *e = NULL; (e = map_next(&c->sources, e));)
        named_free(named_of(e));
    map_free(&c->cursors);
    map_free(&c->sources);
    carry_ids_free(&c->ids);
    carry_entries_free(&c->entries);
    mem_free(c);
    *carry = NULL;
}

static void counters_apply(struct carry *c, const struct carry_item *item)
{
    struct named *source = named_of(map_find(&c->sources, item->name));
    if (!source && c->sources.count == CARRY_SOURCES_MAX) {
        c->lost_sources++;
        return;
    }
    if (!source)
        source = named_add(&c->sources, item->name);
    for (uint32_t i = 0; i < item->count; i++)
        source->counters[i] += bytes_u64(item->numbers + i * sizeof(uint64_t));
}

static void cursor_remove(struct carry *c, struct named *cursor)
{
    c->cursor_bytes -= cursor->name.len + cursor->value_len;
    check(map_remove(&c->cursors, cursor->name));
    named_free(cursor);
}

static void cursor_apply(struct carry *c, const struct carry_item *item)
{
    struct named *cursor = named_of(map_find(&c->cursors, item->name));
    if (item->value.len == 0) {
        if (cursor)
            cursor_remove(c, cursor);
        return;
    }
    size_t more = cursor ? item->value.len : item->name.len + item->value.len;
    size_t less = cursor ? cursor->value_len : 0;
    if ((!cursor && c->cursors.count == CARRY_CURSORS_MAX) ||
        c->cursor_bytes - less + more > CARRY_CURSOR_BYTES_MAX) {
        c->lost_cursors++;
        return;
    }
    if (!cursor)
        cursor = named_add(&c->cursors, item->name);
    mem_free(cursor->value);
    cursor->value = mem_copy_text(item->value.data, item->value.len);
    cursor->value_len = item->value.len;
    c->cursor_bytes += more - less;
}

static void item_apply(struct carry *c, const struct carry_item *item)
{
    switch (item->kind) {
    case CARRY_COUNTERS:
        counters_apply(c, item);
        break;
    case CARRY_CURSOR:
        cursor_apply(c, item);
        break;
    case CARRY_IDS:
        carry_ids_add(&c->ids, item->name, item->time_ns,
                      (const struct carry_id *)(const void *)item->numbers, item->count);
        break;
    case CARRY_INPUT:
    case CARRY_TICK:
        carry_entries_add(&c->entries, item);
        break;
    case CARRY_END_RUN:
        carry_entries_end_run(&c->entries, item->name);
        break;
    }
}

int carry_apply(struct carry *carry, struct slice items, struct err *err)
{
    struct carry_item item;
    struct bytes_in in = bytes_in(items);
    int rc;
    while ((rc = carry_item_read(&in, &item, err)) == ERR_OK)
        continue;
    if (rc != ERR_END)
        return rc;
    in = bytes_in(items);
    while (carry_item_read(&in, &item, NULL) == ERR_OK)
        item_apply(carry, &item);
    return ERR_OK;
}

static int named_compare(const void *a, const void *b)
{
    const struct named *const *x = a, *const *y = b;
    return slice_compare((*x)->name, (*y)->name);
}

/* By name; the caller frees it. */
static struct named **named_sorted(const struct map *map)
{
    struct named **list = mem_zeroed(map->count, sizeof(struct named *));
    size_t count = 0;
    for (struct map_entry *e = NULL; (e = map_next(map, e));)
        list[count++] = named_of(e);
    if (count)
        qsort(list, count, sizeof(struct named *), named_compare);
    return list;
}

void carry_write(const struct carry *c, struct buf *out)
{
    struct named **sources = named_sorted(&c->sources), **cursors = named_sorted(&c->cursors);
    for (size_t i = 0; i < c->sources.count; i++)
        carry_put_counters(out, sources[i]->name, sources[i]->counters, CARRY_COUNTERS_MAX);
    for (size_t i = 0; i < c->cursors.count; i++)
        carry_put_cursor(out, cursors[i]->name,
                         slice_make(cursors[i]->value, cursors[i]->value_len));
    carry_ids_write(&c->ids, out);
    if (c->entries.bytes.len)
        buf_slice(out, buf_as_slice(&c->entries.bytes));
    mem_free(sources);
    mem_free(cursors);
}

void carry_trim(struct carry *c, int64_t ids_before_ns, int64_t inputs_before_ns)
{
    carry_ids_trim(&c->ids, ids_before_ns);
    carry_entries_trim(&c->entries, inputs_before_ns);
}

struct slice carry_cursor(const struct carry *c, struct slice name)
{
    const struct named *cursor = named_of(map_find(&c->cursors, name));
    return cursor ? slice_make(cursor->value, cursor->value_len) : SLICE("");
}

void carry_cursors(const struct carry *c, struct slice begin, carry_cursor_visit *visit,
                   void *context)
{
    for (struct map_entry *e = NULL; (e = map_next(&c->cursors, e));) {
        const struct named *cursor = named_of(e);
        if (slice_starts(cursor->name, begin))
            visit(context, cursor->name, slice_make(cursor->value, cursor->value_len));
    }
}

bool carry_has_id(const struct carry *c, struct slice sender, const struct carry_id *id)
{
    return carry_ids_has(&c->ids, sender, id);
}

const uint64_t *carry_counters(const struct carry *c, struct slice source)
{
    const struct named *n = named_of(map_find(&c->sources, source));
    return n ? n->counters : NULL;
}

void carry_sources(const struct carry *c, carry_source_visit *visit, void *context)
{
    struct named **sources = named_sorted(&c->sources);
    for (size_t i = 0; i < c->sources.count; i++)
        visit(context, sources[i]->name, sources[i]->counters);
    mem_free(sources);
}

void carry_inputs(const struct carry *c, struct slice run, carry_input_visit *visit, void *context)
{
    struct carry_item item;
    for (uint32_t i = 0; i < c->entries.count; i++) {
        carry_entry_item(&c->entries, i, &item);
        if (slice_equal(item.name, run))
            visit(context, item.kind == CARRY_INPUT ? &item.input : NULL, item.time_ns);
    }
}

void carry_stats(const struct carry *c, struct carry_stats *out)
{
    *out = (struct carry_stats){.cursors = c->cursors.count,
                                .sources = c->sources.count,
                                .ids = c->ids.count,
                                .id_senders = c->ids.heap_count,
                                .id_bytes = carry_ids_bytes(&c->ids),
                                .inputs = c->entries.count,
                                .input_bytes = c->entries.bytes.len,
                                .lost_cursors = c->lost_cursors,
                                .lost_sources = c->lost_sources,
                                .lost_ids = c->ids.lost,
                                .lost_inputs = c->entries.lost};
}
