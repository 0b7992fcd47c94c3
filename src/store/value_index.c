#include "store/value_index.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "detection/predicate.h"
#include "formats/record.h"
#include "store/values.h"

/* A set of items of one size: dense items and a table of their numbers. */
struct item_set {
    struct buf items;
    uint32_t *slots; /* item + 1 */
    uint32_t count, slot_count;
    uint32_t item_bytes;
    bool overflowed;
};

struct value_index {
    struct arena keys; /* of KEYS_PER_CHUNK each, chained */
    struct key_chunk *newest;
    uint64_t key_count;
    struct item_set sights[SIGHT_KINDS];
    struct buf key, folded;
};

enum {
    KEYS_PER_CHUNK = 8191,
    ITEM_SLOTS_FIRST = 64,
    FOLD_SHRINKS_MAX = 3 /* U+212A, three bytes, folds to k */
};
/* Up to here integers and doubles are one to one: the text of such a number is key enough. */
#define EXACT_INTEGER_MAX ((int64_t)1 << 53)

struct key_chunk {
    struct key_chunk *older;
    uint64_t keys[KEYS_PER_CHUNK];
};

struct value_index *value_index_open(void)
{
    struct value_index *x = mem_zeroed(1, sizeof *x);
    for (unsigned i = 0; i < SIGHT_KINDS; i++)
        x->sights[i].item_bytes =
            i == SIGHT_IP ? sizeof(struct ip_address) : (uint32_t)sizeof(uint64_t);
    return x;
}

void value_index_close(struct value_index **x)
{
    if (!*x)
        return;
    for (unsigned i = 0; i < SIGHT_KINDS; i++) {
        buf_free(&(*x)->sights[i].items);
        mem_free((*x)->sights[i].slots);
    }
    buf_free(&(*x)->key);
    buf_free(&(*x)->folded);
    arena_free(&(*x)->keys);
    mem_free(*x);
    *x = NULL;
}

static uint32_t *item_slot(const struct item_set *set, const void *item)
{
    uint32_t mask = set->slot_count - 1;
    uint32_t at = (uint32_t)hash_bytes(item, set->item_bytes, hash_seed()) & mask;
    while (set->slots[at] &&
           memcmp(set->items.data + (size_t)(set->slots[at] - 1) * set->item_bytes, item,
                  set->item_bytes) != 0)
        at = (at + 1) & mask;
    return &set->slots[at];
}

static void item_slots_grow(struct item_set *set)
{
    mem_free(set->slots);
    set->slot_count = set->slot_count ? set->slot_count * 2 : ITEM_SLOTS_FIRST;
    set->slots = mem_zeroed(set->slot_count, sizeof *set->slots);
    for (uint32_t i = 0; i < set->count; i++)
        *item_slot(set, set->items.data + (size_t)i * set->item_bytes) = i + 1;
}

static void item_add(struct item_set *set, const void *item)
{
    if (set->overflowed)
        return;
    if ((uint64_t)set->count * 2 >= set->slot_count)
        item_slots_grow(set);
    uint32_t *slot = item_slot(set, item);
    if (*slot)
        return;
    if (set->count == VALUE_INDEX_SIGHTS_MAX) {
        buf_free(&set->items);
        mem_free(set->slots);
        set->slots = NULL;
        set->slot_count = set->count = 0;
        set->overflowed = true;
        return;
    }
    *slot = ++set->count;
    buf_append(&set->items, item, set->item_bytes);
}

/* A host is found under its own name and under each one above it. */
static void host_add(struct item_set *set, struct slice name)
{
    for (size_t at = 0; at != SLICE_NONE; at = sight_parent(name, at)) {
        uint64_t hash = sight_hash(SIGHT_HOST, slice_part(name, at, name.len));
        item_add(set, &hash);
    }
}

static void sight_seen(void *context, const struct sight *sight)
{
    struct item_set *set = &((struct value_index *)context)->sights[sight->kind];
    if (sight->kind == SIGHT_HOST)
        host_add(set, sight->text);
    else if (sight->kind == SIGHT_IP)
        item_add(set, &sight->address);
    else
        item_add(set, &sight->hash);
}

static void key_add(struct value_index *x, uint64_t key)
{
    uint32_t in_chunk = (uint32_t)(x->key_count % KEYS_PER_CHUNK);
    if (in_chunk == 0) {
        struct key_chunk *chunk = arena_alloc(&x->keys, sizeof *chunk);
        chunk->older = x->newest;
        x->newest = chunk;
    }
    x->newest->keys[in_chunk] = key;
    x->key_count++;
}

void value_index_add(struct value_index *x, struct slice name, uint8_t kind, struct slice value)
{
    if (kind == VALUE_OBJECT)
        return; /* its members are fields of their own */
    int64_t integer;
    bool plain = values_integer(value, &integer);
    if (plain) {
        key_add(x, bloom_key(name, value, &x->key));
    } else if (value.len <= BLOOM_VALUE_BYTES_MAX * FOLD_SHRINKS_MAX) {
        buf_clear(&x->folded);
        buf_reserve(&x->folded, text_fold_room(value.len));
        x->folded.len = text_fold(x->folded.data, value);
        if (x->folded.len <= BLOOM_VALUE_BYTES_MAX)
            key_add(x, bloom_key(name, buf_as_slice(&x->folded), &x->key));
    }
    double number;
    bool exact = plain && integer <= EXACT_INTEGER_MAX && integer >= -EXACT_INTEGER_MAX;
    if (!exact && predicate_number_of(value, &number))
        key_add(x, bloom_key_number(name, number, &x->key));
    if (!plain)
        sight_scan(value, sight_seen, x);
}

size_t value_index_memory(const struct value_index *x)
{
    size_t bytes = x->keys.total_bytes + x->key.capacity + x->folded.capacity;
    for (unsigned i = 0; i < SIGHT_KINDS; i++)
        bytes += x->sights[i].items.capacity + x->sights[i].slot_count * sizeof(uint32_t);
    return bytes;
}

static int hash_compare(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static int address_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ip_address));
}

void value_index_finish(struct value_index *x)
{
    for (unsigned i = 0; i < SIGHT_KINDS; i++)
        if (x->sights[i].count)
            qsort(x->sights[i].items.data, x->sights[i].count, x->sights[i].item_bytes,
                  i == SIGHT_IP ? address_compare : hash_compare);
}

uint64_t value_index_keys(const struct value_index *x)
{
    return x->key_count;
}

void value_index_bloom(const struct value_index *x, struct bloom *out)
{
    bloom_open(out, x->key_count);
    uint64_t in_chunk = x->key_count % KEYS_PER_CHUNK;
    in_chunk = in_chunk ? in_chunk : KEYS_PER_CHUNK;
    for (const struct key_chunk *c = x->newest; c; c = c->older) {
        for (uint64_t i = 0; i < in_chunk; i++)
            bloom_add(out, c->keys[i]);
        in_chunk = KEYS_PER_CHUNK;
    }
}

bool value_index_sights(const struct value_index *x, unsigned kind, struct slice *bytes,
                        uint32_t *count)
{
    *bytes = buf_as_slice(&x->sights[kind].items);
    *count = x->sights[kind].count;
    return !x->sights[kind].overflowed;
}
