#include "base/map.h"

#include "base/hash.h"
#include "base/mem.h"

static struct map_entry *map_slot(const struct map *m, struct slice key, uint64_t hash)
{
    size_t mask = m->capacity - 1;
    size_t at = hash & mask;
    for (;;) {
        struct map_entry *e = &m->entries[at];
        if (!e->key.data || (e->hash == hash && slice_equal(e->key, key)))
            return e;
        at = (at + 1) & mask;
    }
}

struct map_entry *map_find(const struct map *m, struct slice key)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = map_slot(m, key, hash_slice(key, hash_seed()));
    return e->key.data ? e : NULL;
}

static void map_rehash(struct map *m, size_t capacity)
{
    struct map old = *m;
    check(capacity <= MAP_ENTRIES_MAX);
    m->entries = mem_zeroed(capacity, sizeof(*m->entries));
    m->capacity = capacity;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].key.data)
            *map_slot(m, old.entries[i].key, old.entries[i].hash) = old.entries[i];
    mem_free(old.entries);
}

struct map_entry *map_put(struct map *m, struct slice key, uint64_t value, bool *made)
{
    if (!key.data)
        key.data = "";
    if (m->count * 4 >= m->capacity * 3)
        map_rehash(m, m->capacity ? m->capacity * 2 : 16);
    uint64_t hash = hash_slice(key, hash_seed());
    struct map_entry *e = map_slot(m, key, hash);
    bool absent = !e->key.data;
    if (absent) {
        *e = (struct map_entry){.key = key, .hash = hash, .value = value};
        m->count++;
    }
    if (made)
        *made = absent;
    return e;
}

bool map_remove(struct map *m, struct slice key)
{
    struct map_entry *e = map_find(m, key);
    if (!e)
        return false;
    /* Close the gap so that no probe sequence is cut (backward shift). */
    size_t mask = m->capacity - 1, hole = (size_t)(e - m->entries), at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (!m->entries[at].key.data)
            break;
        size_t home = m->entries[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            m->entries[hole] = m->entries[at];
            hole = at;
        }
    }
    m->entries[hole] = (struct map_entry){0};
    m->count--;
    return true;
}

void map_free(struct map *m)
{
    mem_free(m->entries);
    *m = (struct map){0};
}

struct map_entry *map_next(const struct map *m, struct map_entry *previous)
{
    size_t at = previous ? (size_t)(previous - m->entries) + 1 : 0;
    for (; at < m->capacity; at++)
        if (m->entries[at].key.data)
            return &m->entries[at];
    return NULL;
}
