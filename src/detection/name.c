#include "detection/name.h"

#include "base/mem.h"

/* Open addressing, at most half full, keyed by field_name_hash. A slot keeps the hash beside the
 * number so that most misses end without touching a name. */
struct name_slot {
    uint32_t hash;
    uint32_t name; /* NAME_NONE: free */
};

struct name_table {
    struct name_slot *slots;
    uint32_t capacity; /* a power of two */
    uint32_t count;    /* numbers given out; number 0 is NAME_NONE */
    struct slice texts[NAME_COUNT_MAX + 1];
    struct arena arena;
};

enum { NAME_BLANK_BYTES_MAX = 256 };

struct name_table *name_table_open(void)
{
    struct name_table *table = mem_zeroed(1, sizeof(*table));
    table->capacity = 1024;
    table->slots = mem_zeroed(table->capacity, sizeof(*table->slots));
    return table;
}

void name_table_close(struct name_table **table)
{
    if (!*table)
        return;
    arena_free(&(*table)->arena);
    mem_free((*table)->slots);
    mem_free(*table);
    *table = NULL;
}

static struct name_slot *name_slot_of(const struct name_table *table, struct slice name,
                                      uint32_t hash)
{
    uint32_t at = hash & (table->capacity - 1);
    for (;;) {
        struct name_slot *slot = &table->slots[at];
        if (slot->name == NAME_NONE ||
            (slot->hash == hash && slice_equal(table->texts[slot->name], name)))
            return slot;
        at = (at + 1) & (table->capacity - 1);
    }
}

/* name without blanks, in room when it has any. False: too long to be a name anybody asks for. */
static bool name_without_blanks(struct slice *name, char room[NAME_BLANK_BYTES_MAX])
{
    if (slice_find_char(*name, ' ') == SLICE_NONE)
        return true;
    if (name->len > NAME_BLANK_BYTES_MAX)
        return false;
    size_t len = 0;
    for (size_t i = 0; i < name->len; i++)
        if (name->data[i] != ' ')
            room[len++] = name->data[i];
    *name = slice_make(room, len);
    return true;
}

static void name_table_grow(struct name_table *table)
{
    struct name_slot *old = table->slots;
    uint32_t old_capacity = table->capacity;
    table->capacity *= 2;
    table->slots = mem_zeroed(table->capacity, sizeof(*table->slots));
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i].name != NAME_NONE)
            *name_slot_of(table, table->texts[old[i].name], old[i].hash) = old[i];
    mem_free(old);
}

uint16_t name_add(struct name_table *table, struct slice name)
{
    char room[NAME_BLANK_BYTES_MAX];
    if (!name_without_blanks(&name, room))
        return NAME_NONE;
    uint32_t hash = field_name_hash(name);
    struct name_slot *slot = name_slot_of(table, name, hash);
    if (slot->name != NAME_NONE)
        return (uint16_t)slot->name;
    if (table->count == NAME_COUNT_MAX)
        return NAME_NONE;
    table->count++;
    table->texts[table->count] = arena_copy(&table->arena, name);
    *slot = (struct name_slot){.hash = hash, .name = table->count};
    if (table->count * 2 > table->capacity)
        name_table_grow(table);
    return (uint16_t)table->count;
}

uint16_t name_find_hashed(const struct name_table *table, struct slice name, uint32_t hash)
{
    uint16_t found = (uint16_t)name_slot_of(table, name, hash)->name;
    if (__builtin_expect(found != NAME_NONE, 1))
        return found;
    char room[NAME_BLANK_BYTES_MAX];
    struct slice bare = name;
    if (!name_without_blanks(&bare, room) || bare.data == name.data)
        return NAME_NONE;
    return (uint16_t)name_slot_of(table, bare, field_name_hash(bare))->name;
}

uint16_t name_find(const struct name_table *table, struct slice name)
{
    return name_find_hashed(table, name, field_name_hash(name));
}

struct slice name_text(const struct name_table *table, uint16_t name)
{
    check(name <= table->count);
    return name == NAME_NONE ? slice_from("") : table->texts[name];
}

uint16_t name_count(const struct name_table *table)
{
    return (uint16_t)(table->count + 1);
}
