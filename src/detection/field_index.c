#include "detection/field_index.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* A table of literals found by a 64-bit key of the value. */
struct key_entry {
    uint64_t key;
    struct slice text;
    uint32_t term;
};

struct key_slot {
    uint64_t key;
    uint32_t first, count; /* count 0: free */
};

struct key_table {
    struct key_entry *entries;
    uint32_t count, capacity, slot_mask;
    struct key_slot *slots;
    uint8_t *bitmap; /* a set bit for each key: most values end here, in the nearest cache */
    uint32_t bitmap_shift;
};

enum { BITS_PER_KEY = 32 };

enum { EDGE_SIZES = 4 };
static const uint32_t edge_bytes[EDGE_SIZES] = {8, 4, 2, 1};

struct field_index {
    struct key_table equals, numbers;
    struct key_table heads[EDGE_SIZES], tails[EDGE_SIZES];
    bool has_heads, has_tails;
    struct literal *literals; /* until finished */
    uint32_t literal_count, literal_capacity;
    struct literal_matcher *contains;
};

struct field_index *field_index_open(struct arena *arena)
{
    return arena_zeroed(arena, 1, sizeof(struct field_index));
}

static inline uint64_t key_mix(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15ull;
    return key ^ key >> 29;
}

static inline uint64_t load_bytes(const char *at, uint32_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, at, bytes);
    return value;
}

/* Length, first and last 8 bytes: what differs only in the middle is told apart by comparison. */
static inline uint64_t whole_key(struct slice text)
{
    uint64_t head, tail;
    if (text.len >= 8) {
        head = load_bytes(text.data, 8);
        tail = load_bytes(text.data + text.len - 8, 8);
    } else if (text.len >= 4) {
        head = load_bytes(text.data, 4);
        tail = load_bytes(text.data + text.len - 4, 4);
    } else {
        head = text.len ? (uint64_t)(unsigned char)text.data[0] : 0;
        tail = text.len > 1 ? load_bytes(text.data + text.len - 2, 2) : 0;
    }
    return key_mix(key_mix(head + text.len) + tail) | 1;
}

static void key_table_add(struct key_table *table, uint64_t key, struct slice text, uint32_t term)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 8;
        table->entries = mem_resize(table->entries, table->capacity, sizeof(*table->entries));
    }
    table->entries[table->count++] = (struct key_entry){key, text, term};
}

static int key_order(const void *a, const void *b)
{
    const struct key_entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->term > y->term) - (x->term < y->term);
}

static inline bool key_may_be(const struct key_table *table, uint64_t key)
{
    uint64_t bit = (key * 0x9e3779b97f4a7c15ull) >> table->bitmap_shift;
    return table->bitmap[bit >> 3] >> (bit & 7) & 1;
}

static inline struct key_slot *key_slot_of(const struct key_table *table, uint64_t key)
{
    uint32_t at = (uint32_t)(key_mix(key) >> 20) & table->slot_mask;
    while (table->slots[at].count != 0 && table->slots[at].key != key)
        at = (at + 1) & table->slot_mask;
    return &table->slots[at];
}

static void key_table_finish(struct key_table *table, struct arena *arena)
{
    if (table->count == 0)
        return;
    qsort(table->entries, table->count, sizeof(*table->entries), key_order);
    struct key_entry *entries = arena_alloc(arena, table->count * sizeof(*entries));
    memcpy(entries, table->entries, table->count * sizeof(*entries));
    mem_free(table->entries);
    table->entries = entries;
    uint32_t slots = 4;
    while (slots < table->count * 4)
        slots *= 2;
    table->slot_mask = slots - 1;
    table->slots = arena_zeroed(arena, slots, sizeof(*table->slots));
    uint32_t bits = 9;
    while (((uint64_t)1 << bits) < (uint64_t)table->count * BITS_PER_KEY)
        bits++;
    table->bitmap_shift = 64 - bits;
    table->bitmap = arena_zeroed(arena, 1, (size_t)1 << (bits - 3));
    for (uint32_t i = 0; i < table->count; i++) {
        uint64_t bit = (entries[i].key * 0x9e3779b97f4a7c15ull) >> table->bitmap_shift;
        table->bitmap[bit >> 3] |= (uint8_t)(1u << (bit & 7));
        struct key_slot *slot = key_slot_of(table, entries[i].key);
        if (slot->count == 0)
            *slot = (struct key_slot){.key = entries[i].key, .first = i};
        slot->count++;
    }
}

static int edge_size_of(size_t len)
{
    int size = 0;
    while (size < EDGE_SIZES && edge_bytes[size] > len)
        size++;
    return size;
}

void field_index_add(struct field_index *index, enum predicate_kind kind, struct slice text,
                     uint32_t term)
{
    int size = edge_size_of(text.len);
    switch (kind) {
    case PREDICATE_EQUALS:
        key_table_add(&index->equals, whole_key(text), text, term);
        break;
    case PREDICATE_NUMBER:
        key_table_add(&index->numbers, whole_key(text), text, term);
        break;
    case PREDICATE_STARTSWITH:
        check(size < EDGE_SIZES);
        key_table_add(&index->heads[size], load_bytes(text.data, edge_bytes[size]), text, term);
        index->has_heads = true;
        break;
    case PREDICATE_ENDSWITH:
        check(size < EDGE_SIZES);
        key_table_add(&index->tails[size],
                      load_bytes(text.data + text.len - edge_bytes[size], edge_bytes[size]), text,
                      term);
        index->has_tails = true;
        break;
    default:
        check(kind == PREDICATE_CONTAINS);
        if (index->literal_count == index->literal_capacity) {
            index->literal_capacity = index->literal_capacity ? index->literal_capacity * 2 : 16;
            index->literals =
                mem_resize(index->literals, index->literal_capacity, sizeof(*index->literals));
        }
        index->literals[index->literal_count++] = (struct literal){text, term};
        break;
    }
}

void field_index_finish(struct field_index *index, struct arena *arena)
{
    key_table_finish(&index->equals, arena);
    key_table_finish(&index->numbers, arena);
    for (int i = 0; i < EDGE_SIZES; i++) {
        key_table_finish(&index->heads[i], arena);
        key_table_finish(&index->tails[i], arena);
    }
    index->contains = literal_build(index->literals, index->literal_count, arena);
    mem_free(index->literals);
    index->literals = NULL;
}

bool field_index_only_contains(const struct field_index *index)
{
    return !index->equals.count && !index->numbers.count && !index->has_heads && !index->has_tails;
}

size_t number_canonical(char out[NUMBER_CANONICAL_BYTES], struct slice text)
{
    if (text.len == 0 || text.len > 400 || (unsigned char)text.data[0] > '9')
        return 0;
    bool plain = text.len <= 15 && (text.data[0] != '0' || text.len == 1);
    for (size_t i = 0; plain && i < text.len; i++)
        plain = text.data[i] >= '0' && text.data[i] <= '9';
    if (plain) {
        memcpy(out, text.data, text.len);
        return text.len;
    }
    double value;
    if (!predicate_number_of(text, &value))
        return 0;
    value += 0.0; /* -0 is 0 */
    int len = value > -1e15 && value < 1e15 && value == (double)(int64_t)value
                  ? snprintf(out, NUMBER_CANONICAL_BYTES, "%lld", (long long)value)
                  : snprintf(out, NUMBER_CANONICAL_BYTES, "%.17g", value);
    return (size_t)len;
}

struct probe {
    uint32_t *seen, *terms;
    uint32_t generation, count;
};

static inline void probe_hit(struct probe *probe, uint32_t term)
{
    if (probe->seen[term] == probe->generation)
        return;
    probe->seen[term] = probe->generation;
    probe->terms[probe->count++] = term;
}

static inline void probe_whole(const struct key_table *table, struct slice text,
                               struct probe *probe)
{
    uint64_t key = whole_key(text);
    if (!key_may_be(table, key))
        return;
    const struct key_slot *slot = key_slot_of(table, key);
    for (uint32_t i = 0; i < slot->count; i++)
        if (slice_equal(table->entries[slot->first + i].text, text))
            probe_hit(probe, table->entries[slot->first + i].term);
}

static inline __attribute__((always_inline)) void probe_edge(const struct key_table *table,
                                                             struct slice text, uint32_t bytes,
                                                             bool tail, struct probe *probe)
{
    if (table->count == 0 || text.len < bytes)
        return;
    const char *edge = tail ? text.data + text.len - bytes : text.data;
    uint64_t key = load_bytes(edge, bytes);
    if (!key_may_be(table, key))
        return;
    const struct key_slot *slot = key_slot_of(table, key);
    for (uint32_t i = 0; i < slot->count; i++) {
        const struct key_entry *entry = &table->entries[slot->first + i];
        if (tail ? slice_ends(text, entry->text) : slice_starts(text, entry->text))
            probe_hit(probe, entry->term);
    }
}

/* Written out, so that each size is a constant where it is loaded. */
static inline __attribute__((always_inline)) void
probe_edges(const struct key_table *tables, struct slice text, bool tail, struct probe *probe)
{
    probe_edge(&tables[0], text, 8, tail, probe);
    probe_edge(&tables[1], text, 4, tail, probe);
    probe_edge(&tables[2], text, 2, tail, probe);
    probe_edge(&tables[3], text, 1, tail, probe);
}

uint32_t field_index_scan(const struct field_index *index, struct slice folded, uint32_t *seen,
                          uint32_t generation, uint32_t *terms, uint32_t count)
{
    struct probe probe = {seen, terms, generation, count};
    if (index->equals.count)
        probe_whole(&index->equals, folded, &probe);
    if (index->numbers.count) {
        char room[NUMBER_CANONICAL_BYTES];
        size_t len = number_canonical(room, folded);
        if (len)
            probe_whole(&index->numbers, slice_make(room, len), &probe);
    }
    if (index->has_tails)
        probe_edges(index->tails, folded, true, &probe);
    if (index->has_heads)
        probe_edges(index->heads, folded, false, &probe);
    if (index->contains)
        return literal_scan(index->contains, folded, seen, generation, terms, probe.count);
    return probe.count;
}
