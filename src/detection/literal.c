#include "detection/literal.h"

#include <stdlib.h>

#include "base/mem.h"

enum { CLASS_LONG, CLASS_FOUR, CLASS_THREE, CLASS_TWO, CLASS_ONE, CLASS_COUNT };
enum { LONG_LITERAL_BYTES = 7, LONG_STRIDE = 4, BITS_PER_GRAM = 32, BITMAP_BITS_LOG_MAX = 21 };

struct gram_entry {
    uint32_t gram;
    uint32_t offset; /* of the gram in the literal */
    uint32_t literal;
};

struct gram_slot { /* entries of one gram; count 0: free */
    uint32_t gram, first, count;
};

struct gram_class {
    uint32_t entry_count;
    uint32_t bitmap_shift, slot_mask;
    uint8_t *bitmap;
    struct gram_slot *slots;
    struct gram_entry *entries;
};

struct literal_matcher {
    struct gram_class classes[CLASS_COUNT];
    struct literal *literals;
};

static const uint32_t class_masks[CLASS_COUNT] = {UINT32_MAX, UINT32_MAX, 0xffffff, 0xffff, 0xff};
static const uint32_t class_gram_bytes[CLASS_COUNT] = {4, 4, 3, 2, 1};

static inline uint32_t gram_load(const char *at, uint32_t mask)
{
    uint32_t gram;
    memcpy(&gram, at, 4);
    return gram & mask;
}

static inline uint32_t gram_hash(uint32_t gram)
{
    return gram * 0x9e3779b1u;
}

static int literal_class(size_t len)
{
    if (len >= LONG_LITERAL_BYTES)
        return CLASS_LONG;
    return len >= 4 ? CLASS_FOUR : len == 3 ? CLASS_THREE : len == 2 ? CLASS_TWO : CLASS_ONE;
}

/* How often each gram (by a 16-bit hash) occurs over all literals. */
enum { RARITY_BITS = 16 };

static void rarity_count(uint32_t *rarity, struct slice text)
{
    for (size_t i = 0; i + 4 <= text.len; i++)
        rarity[gram_hash(gram_load(text.data + i, UINT32_MAX)) >> (32 - RARITY_BITS)]++;
}

/* Grams of blanks, digits, slashes and dots are common in logs however rare they are in rules. */
static uint32_t gram_plainness(const char *at)
{
    uint32_t plain = 0;
    for (int i = 0; i < 4; i++)
        plain += (at[i] >= '0' && at[i] <= '9') || memchr(" .-=,:\\/", at[i], 8) != NULL;
    return plain * plain;
}

/* Offset of the rarest run of `run` neighbouring grams. */
static uint32_t rarest_offset(const uint32_t *rarity, struct slice text, uint32_t run)
{
    uint32_t best = 0;
    uint64_t best_cost = UINT64_MAX;
    for (uint32_t start = 0; start + run - 1 + 4 <= text.len; start++) {
        uint64_t cost = 0;
        for (uint32_t i = 0; i < run; i++) {
            const char *at = text.data + start + i;
            cost += rarity[gram_hash(gram_load(at, UINT32_MAX)) >> (32 - RARITY_BITS)];
            cost += gram_plainness(at);
        }
        if (cost < best_cost) {
            best_cost = cost;
            best = start;
        }
    }
    return best;
}

static int entry_order(const void *a, const void *b)
{
    const struct gram_entry *x = a, *y = b;
    if (x->gram != y->gram)
        return x->gram < y->gram ? -1 : 1;
    return (x->literal > y->literal) - (x->literal < y->literal);
}

static uint32_t log2_at_least(uint64_t value)
{
    uint32_t bits = 0;
    while (((uint64_t)1 << bits) < value)
        bits++;
    return bits;
}

static struct gram_slot *gram_slot_of(const struct gram_class *class, uint32_t gram)
{
    uint32_t at = (gram_hash(gram) >> 7) & class->slot_mask;
    while (class->slots[at].count != 0 && class->slots[at].gram != gram)
        at = (at + 1) & class->slot_mask;
    return &class->slots[at];
}

static void class_finish(struct gram_class *class, struct arena *arena)
{
    if (class->entry_count == 0)
        return;
    qsort(class->entries, class->entry_count, sizeof(*class->entries), entry_order);
    uint32_t bits = log2_at_least((uint64_t) class->entry_count * BITS_PER_GRAM);
    bits = bits < 10 ? 10 : bits > BITMAP_BITS_LOG_MAX ? BITMAP_BITS_LOG_MAX : bits;
    class->bitmap_shift = 32 - bits;
    class->bitmap = arena_zeroed(arena, 1, (size_t)1 << (bits - 3));
    uint32_t slots = 1u << log2_at_least((uint64_t) class->entry_count * 2);
    class->slot_mask = slots - 1;
    class->slots = arena_zeroed(arena, slots, sizeof(*class->slots));
    for (uint32_t i = 0; i < class->entry_count; i++) {
        uint32_t gram = class->entries[i].gram, bit = gram_hash(gram) >> class->bitmap_shift;
        class->bitmap[bit >> 3] |= (uint8_t)(1u << (bit & 7));
        struct gram_slot *slot = gram_slot_of(class, gram);
        if (slot->count == 0)
            *slot = (struct gram_slot){.gram = gram, .first = i};
        slot->count++;
    }
}

static void class_add(struct gram_class *class, struct slice text, uint32_t literal,
                      uint32_t offset, uint32_t mask)
{
    /* Literals shorter than a load are padded, so that the mask decides what counts. */
    char room[8] = {0};
    const char *at = text.data + offset;
    if (text.len - offset < 4) {
        memcpy(room, at, text.len - offset);
        at = room;
    }
    class->entries[class->entry_count++] =
        (struct gram_entry){.gram = gram_load(at, mask), .offset = offset, .literal = literal};
}

struct literal_matcher *literal_build(const struct literal *literals, uint32_t count,
                                      struct arena *arena)
{
    if (count == 0)
        return NULL;
    check(count <= LITERAL_COUNT_MAX);
    struct literal_matcher *m = arena_zeroed(arena, 1, sizeof(*m));
    m->literals = arena_alloc(arena, count * sizeof(*m->literals));
    memcpy(m->literals, literals, count * sizeof(*m->literals));
    uint32_t members[CLASS_COUNT] = {0};
    uint32_t *rarity = mem_zeroed((size_t)1 << RARITY_BITS, sizeof(*rarity));
    for (uint32_t i = 0; i < count; i++) {
        check(literals[i].text.len > 0);
        members[literal_class(literals[i].text.len)]++;
        rarity_count(rarity, literals[i].text);
    }
    for (int c = 0; c < CLASS_COUNT; c++) {
        size_t entries = (size_t)members[c] * (c == CLASS_LONG ? LONG_STRIDE : 1);
        m->classes[c].entries = arena_alloc(arena, entries * sizeof(struct gram_entry));
    }
    for (uint32_t i = 0; i < count; i++) {
        struct slice text = literals[i].text;
        int c = literal_class(text.len);
        uint32_t run = c == CLASS_LONG ? LONG_STRIDE : 1;
        uint32_t offset = text.len >= 4 ? rarest_offset(rarity, text, run) : 0;
        for (uint32_t k = 0; k < run; k++)
            class_add(&m->classes[c], text, i, offset + k, class_masks[c]);
    }
    for (int c = 0; c < CLASS_COUNT; c++)
        class_finish(&m->classes[c], arena);
    mem_free(rarity);
    return m;
}

struct scan {
    const struct literal *literals;
    struct slice text;
    uint32_t *seen, *terms;
    uint32_t generation, count;
};

static __attribute__((noinline)) void scan_candidate(const struct gram_class *class,
                                                     struct scan *scan, size_t at, uint32_t gram)
{
    const struct gram_slot *slot = gram_slot_of(class, gram);
    for (uint32_t i = 0; i < slot->count; i++) {
        const struct gram_entry *entry = &class->entries[slot->first + i];
        const struct literal *literal = &scan->literals[entry->literal];
        if (scan->seen[literal->term] == scan->generation || at < entry->offset)
            continue;
        size_t start = at - entry->offset;
        if (literal->text.len > scan->text.len - start ||
            memcmp(scan->text.data + start, literal->text.data, literal->text.len) != 0)
            continue;
        scan->seen[literal->term] = scan->generation;
        scan->terms[scan->count++] = literal->term;
    }
}

static inline __attribute__((always_inline)) void scan_class(const struct gram_class *class,
                                                             struct scan *scan, uint32_t mask,
                                                             uint32_t gram_bytes, uint32_t stride)
{
    const char *data = scan->text.data;
    const uint8_t *bitmap = class->bitmap;
    uint32_t shift = class->bitmap_shift;
    if (scan->text.len < gram_bytes)
        return;
    size_t last = scan->text.len - gram_bytes;
    for (size_t at = 0; at <= last; at += stride) {
        uint32_t gram = gram_load(data + at, mask);
        uint32_t bit = gram_hash(gram) >> shift;
        if (__builtin_expect(bitmap[bit >> 3] >> (bit & 7) & 1, 0))
            scan_candidate(class, scan, at, gram);
    }
}

uint32_t literal_scan(const struct literal_matcher *m, struct slice text, uint32_t *seen,
                      uint32_t generation, uint32_t *terms, uint32_t count)
{
    struct scan scan = {m->literals, text, seen, terms, generation, count};
    if (m->classes[CLASS_LONG].entry_count)
        scan_class(&m->classes[CLASS_LONG], &scan, UINT32_MAX, 4, LONG_STRIDE);
    if (m->classes[CLASS_FOUR].entry_count)
        scan_class(&m->classes[CLASS_FOUR], &scan, UINT32_MAX, 4, 1);
    for (int c = CLASS_THREE; c < CLASS_COUNT; c++)
        if (m->classes[c].entry_count)
            scan_class(&m->classes[c], &scan, class_masks[c], class_gram_bytes[c], 1);
    return scan.count;
}
