#include "store/dictionary.h"

#include "base/hash.h"
#include "base/mem.h"

enum { DICTIONARY_FIRST = 16 };

static void slots_grow(struct dictionary *d)
{
    uint32_t count = d->slot_count ? d->slot_count * 2 : DICTIONARY_FIRST * 2;
    uint64_t *slots = mem_zeroed(count, sizeof *slots);
    for (uint32_t i = 0; i < d->slot_count; i++) {
        if (!d->slots[i])
            continue;
        uint32_t at = (uint32_t)(d->slots[i] >> 32) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = d->slots[i];
    }
    mem_free(d->slots);
    d->slots = slots;
    d->slot_count = count;
}

static bool entry_is(const struct dictionary *d, uint32_t entry, uint8_t kind, struct slice value)
{
    const struct dictionary_entry *e = &d->entries[entry];
    return e->length == value.len && e->kind == kind &&
           (value.len == 0 || memcmp(d->text.data + e->start, value.data, value.len) == 0);
}

static uint32_t entry_add(struct dictionary *d, uint8_t kind, struct slice value)
{
    if (d->count == d->capacity) {
        d->capacity = d->capacity ? d->capacity * 2 : DICTIONARY_FIRST;
        d->entries = mem_resize(d->entries, d->capacity, sizeof *d->entries);
    }
    check(d->text.len + value.len <= UINT32_MAX);
    buf_reserve(&d->text, value.len + 1); /* an entry of no bytes points somewhere, too */
    d->entries[d->count] = (struct dictionary_entry){
        .start = (uint32_t)d->text.len, .length = (uint32_t)value.len, .kind = kind};
    buf_slice(&d->text, value);
    return d->count++;
}

uint32_t dictionary_put(struct dictionary *d, uint8_t kind, struct slice value, unsigned block)
{
    uint16_t bit = (uint16_t)(1u << block);
    if (d->count && entry_is(d, d->newest, kind, value)) {
        d->entries[d->newest].blocks |= bit;
        return d->newest;
    }
    if ((uint64_t)d->count * 2 >= d->slot_count)
        slots_grow(d);
    uint32_t hash = (uint32_t)(hash_slice(value, hash_seed() + kind) >> 32);
    uint32_t at = hash & (d->slot_count - 1), entry;
    for (;; at = (at + 1) & (d->slot_count - 1)) {
        uint64_t slot = d->slots[at];
        if (!slot) {
            entry = entry_add(d, kind, value);
            d->slots[at] = (uint64_t)hash << 32 | (entry + 1);
            break;
        }
        entry = (uint32_t)slot - 1;
        if ((uint32_t)(slot >> 32) == hash && entry_is(d, entry, kind, value))
            break;
    }
    d->entries[entry].blocks |= bit;
    d->newest = entry;
    return entry;
}

size_t dictionary_memory(const struct dictionary *d)
{
    return d->capacity * sizeof *d->entries + d->slot_count * sizeof *d->slots + d->text.capacity;
}

void dictionary_free(struct dictionary *d)
{
    mem_free(d->entries);
    mem_free(d->slots);
    buf_free(&d->text);
    *d = (struct dictionary){0};
}
