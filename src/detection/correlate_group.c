#include "detection/correlate_group.h"

#include "base/mem.h"

void group_table_open(struct group_table *t, uint32_t correlation_count)
{
    *t = (struct group_table){.list_count = correlation_count, .capacity = 64};
    t->slots = mem_zeroed(t->capacity, sizeof(*t->slots));
    t->lists = mem_zeroed(correlation_count, sizeof(*t->lists));
}

static void group_free(struct group *g)
{
    window_free(&g->window);
    mem_free(g->values);
    mem_free(g);
}

void group_table_close(struct group_table *t)
{
    for (uint32_t i = 0; i < t->list_count; i++)
        for (struct group *g = t->lists[i].oldest, *newer; g; g = newer) {
            newer = g->newer;
            group_free(g);
        }
    mem_free(t->slots);
    mem_free(t->lists);
    mem_free(t->heap);
    *t = (struct group_table){0};
}

static struct group_slot *slot_find(const struct group_table *t, const struct group *key)
{
    size_t mask = t->capacity - 1, at = key->hash & mask;
    for (;; at = (at + 1) & mask) {
        struct group_slot *s = &t->slots[at];
        if (!s->group || (s->hash == key->hash && s->group->check_hash == key->check_hash &&
                          s->group->target == key->target))
            return s;
    }
}

static void table_grow(struct group_table *t)
{
    struct group_slot *old = t->slots;
    size_t old_capacity = t->capacity;
    t->capacity *= 2;
    t->slots = mem_zeroed(t->capacity, sizeof(*t->slots));
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].group)
            *slot_find(t, old[i].group) = old[i];
    mem_free(old);
}

static void list_take_out(struct group_list *list, struct group *g)
{
    if (g->newer)
        g->newer->older = g->older;
    else
        list->newest = g->older;
    if (g->older)
        g->older->newer = g->newer;
    else
        list->oldest = g->newer;
    g->newer = g->older = NULL;
}

static void list_put_newest(struct group_list *list, struct group *g)
{
    g->older = list->newest;
    if (list->newest)
        list->newest->newer = g;
    else
        list->oldest = g;
    list->newest = g;
}

/* Values are cut to their cap, at a character's start. */
static size_t shown_length(struct slice value)
{
    size_t len = value.len;
    if (len > CORRELATE_VALUE_BYTES_MAX) {
        len = CORRELATE_VALUE_BYTES_MAX;
        while (len > CORRELATE_VALUE_BYTES_MAX - 4 &&
               ((unsigned char)value.data[len] & 0xc0) == 0x80)
            len--;
    }
    return len;
}

static struct slice *values_copy(const struct slice *values, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += shown_length(values[i]);
    struct slice *copy = mem_alloc(count * sizeof(*copy) + bytes);
    char *text = (char *)(copy + count);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = slice_make(text, shown_length(values[i]));
        memcpy(text, values[i].data, copy[i].len);
        text += copy[i].len;
    }
    return copy;
}

struct group *group_use(struct group_table *t, const struct group *key, const struct slice *values,
                        uint32_t value_count)
{
    struct group_slot *s = slot_find(t, key);
    struct group *g = s->group;
    if (!g) {
        if ((t->count + 1) * 4 > t->capacity * 3) {
            table_grow(t);
            s = slot_find(t, key);
        }
        g = mem_alloc(sizeof(*g));
        *g = *key;
        g->heap_index = GROUP_NOT_OPEN;
        g->fired_ns = g->closed_until_ns = CLOCK_NONE;
        g->values = values_copy(values, value_count);
        *s = (struct group_slot){key->hash, g};
        t->count++;
        list_put_newest(&t->lists[g->target], g);
    } else if (g->newer) {
        list_take_out(&t->lists[g->target], g);
        list_put_newest(&t->lists[g->target], g);
    }
    g->touched = ++t->uses;
    return g;
}

void group_remove(struct group_table *t, struct group *g)
{
    size_t mask = t->capacity - 1, hole = (size_t)(slot_find(t, g) - t->slots), at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (!t->slots[at].group)
            break;
        size_t home = t->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            t->slots[hole] = t->slots[at];
            hole = at;
        }
    }
    t->slots[hole] = (struct group_slot){0};
    t->count--;
    group_unwait(t, g);
    list_take_out(&t->lists[g->target], g);
    group_free(g);
}

struct group *group_stalest(const struct group_table *t)
{
    struct group *stalest = NULL;
    for (uint32_t i = 0; i < t->list_count; i++) {
        struct group *g = t->lists[i].oldest;
        if (g && (!stalest || g->touched < stalest->touched))
            stalest = g;
    }
    return stalest;
}

/* Equal deadlines go in the order of waiting, so that runs repeat. */
static bool heap_before(const struct group *a, const struct group *b)
{
    return a->deadline_ns < b->deadline_ns ||
           (a->deadline_ns == b->deadline_ns && a->waits_since < b->waits_since);
}

static void heap_set(struct group_table *t, uint32_t index, struct group *g)
{
    t->heap[index] = g;
    g->heap_index = index;
}

static void heap_up(struct group_table *t, uint32_t index, struct group *g)
{
    while (index > 0 && heap_before(g, t->heap[(index - 1) / 2])) {
        heap_set(t, index, t->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_set(t, index, g);
}

static void heap_down(struct group_table *t, uint32_t index, struct group *g)
{
    for (;;) {
        uint32_t child = index * 2 + 1;
        if (child >= t->heap_count)
            break;
        if (child + 1 < t->heap_count && heap_before(t->heap[child + 1], t->heap[child]))
            child++;
        if (!heap_before(t->heap[child], g))
            break;
        heap_set(t, index, t->heap[child]);
        index = child;
    }
    heap_set(t, index, g);
}

void group_wait(struct group_table *t, struct group *g)
{
    if (t->heap_count == t->heap_capacity) {
        t->heap_capacity = t->heap_capacity ? t->heap_capacity * 2 : 64;
        t->heap = mem_resize(t->heap, t->heap_capacity, sizeof(struct group *));
    }
    g->waits_since = ++t->uses;
    heap_up(t, t->heap_count++, g);
}

void group_unwait(struct group_table *t, struct group *g)
{
    uint32_t index = g->heap_index;
    if (index == GROUP_NOT_OPEN)
        return;
    g->heap_index = GROUP_NOT_OPEN;
    struct group *last = t->heap[--t->heap_count];
    if (last == g)
        return;
    if (index > 0 && heap_before(last, t->heap[(index - 1) / 2]))
        heap_up(t, index, last);
    else
        heap_down(t, index, last);
}
