#include "detection/literal.h"

#include <stdlib.h>

#include "base/mem.h"
#include "detection/literal_short.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Length classes. A literal is entered under `stride` neighbouring grams of gram_bytes each, so it
 * must have stride + gram_bytes - 1 bytes. */
enum { CLASS_EIGHT, CLASS_SEVEN, CLASS_FIVE, CLASS_FOUR, CLASS_COUNT = 7 };

struct length_class {
    uint32_t least_bytes, gram_bytes, stride;
};

static const struct length_class length_classes[CLASS_COUNT] = {
    {11, 8, 4}, {7, 4, 4}, {5, 4, 2}, {4, 4, 1}, {3, 3, 1}, {2, 2, 1}, {1, 1, 1}};

enum { BITS_PER_GRAM = 32, BITMAP_BITS_LOG_MIN = 10, BITMAP_BITS_LOG_MAX = 21 };

struct gram_entry {
    uint64_t gram;
    uint32_t offset; /* of the gram in the literal */
    uint32_t literal;
};

struct gram_slot { /* entries of one gram; count 0: free */
    uint64_t gram;
    uint32_t first, count;
};

struct gram_class {
    uint32_t entry_count;
    uint32_t bitmap_mask, slot_mask;
    uint64_t *bitmap;
    struct gram_slot *slots;
    struct gram_entry *entries;
};

struct literal_matcher {
    struct gram_class classes[CLASS_COUNT];
    uint64_t
        *long_bitmap; /* of the first four bytes of the grams of the classes of stride 4; or NULL */
    uint32_t long_mask;
    struct literal_short *shorts; /* has all literals up to short_bytes; or NULL */
    uint32_t short_bytes;
    bool five_joins_four;
    struct literal *literals;
};

static inline uint64_t gram_load(const char *at, uint32_t bytes)
{
    uint64_t gram;
    memcpy(&gram, at, 8);
    return bytes == 8 ? gram : gram & (((uint64_t)1 << bytes * 8) - 1);
}

static inline uint64_t gram_hash(uint64_t gram)
{
    return gram * 0x9e3779b97f4a7c15ull;
}

static uint32_t literal_class(size_t len)
{
    uint32_t c = 0;
    while (len < length_classes[c].least_bytes)
        c++;
    return c;
}

/* The gram at offset of a literal, whose text may end before a whole load. */
static uint64_t literal_gram(struct slice text, size_t offset, uint32_t bytes)
{
    char room[8] = {0};
    size_t left = text.len - offset;
    if (left >= sizeof(room))
        return gram_load(text.data + offset, bytes);
    memcpy(room, text.data + offset, left);
    return gram_load(room, bytes);
}

/* How often each gram (by a hash of so many bits) occurs over the literals of its class. */
enum { RARITY_BITS_MAX = 15 }; /* a table that stays in the near caches */

struct rarity {
    uint32_t *counts;
    uint32_t bits;
};

static uint32_t *rarity_of(struct rarity *rarity, uint64_t gram)
{
    return &rarity->counts[gram_hash(gram) >> (64 - rarity->bits)];
}

static void rarity_count(struct rarity *rarity, struct slice text, uint32_t bytes)
{
    for (size_t i = 0; i + bytes <= text.len; i++)
        ++*rarity_of(rarity, literal_gram(text, i, bytes));
}

/* Blanks, digits, slashes and dots are common in logs however rare they are in rules. */
static bool is_plain_char(char c)
{
    return (c >= '0' && c <= '9') || c == ' ' || (c >= ',' && c <= '/') || c == ':' || c == '=' ||
           c == '\\';
}

/* Offset of the run of neighbouring grams whose sum of costs is least: a sum that slides on. The
 * cost of a gram is how many literals have it, and more for plain characters. */
static uint32_t rarest_offset(struct rarity *rarity, struct slice text,
                              const struct length_class *shape)
{
    enum { STRIDE_MAX = 4 };
    uint32_t costs[STRIDE_MAX] = {0}, best = 0, plain = 0;
    uint64_t sum = 0, best_sum = UINT64_MAX;
    uint32_t grams = (uint32_t)text.len - shape->gram_bytes + 1;
    for (uint32_t i = 0; i + 1 < shape->gram_bytes; i++)
        plain += is_plain_char(text.data[i]);
    for (uint32_t i = 0; i < grams; i++) {
        uint32_t *cost = &costs[i & (shape->stride - 1)];
        plain += is_plain_char(text.data[i + shape->gram_bytes - 1]);
        sum -= *cost;
        *cost = *rarity_of(rarity, literal_gram(text, i, shape->gram_bytes)) + plain * plain;
        sum += *cost;
        plain -= is_plain_char(text.data[i]);
        if (i + 1 >= shape->stride && sum < best_sum) {
            best_sum = sum;
            best = i + 1 - shape->stride;
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

static uint32_t bitmap_bits(uint64_t grams)
{
    uint32_t bits = log2_at_least(grams * BITS_PER_GRAM);
    bits = bits < BITMAP_BITS_LOG_MIN ? BITMAP_BITS_LOG_MIN : bits;
    return bits > BITMAP_BITS_LOG_MAX ? BITMAP_BITS_LOG_MAX : bits;
}

static inline struct gram_slot *gram_slot_of(const struct gram_class *class, uint64_t gram)
{
    uint32_t at = (uint32_t)(gram_hash(gram) >> 20) & class->slot_mask;
    while (class->slots[at].count != 0 && class->slots[at].gram != gram)
        at = (at + 1) & class->slot_mask;
    return &class->slots[at];
}

/* The upper half of a product has the best bits; a fixed shift and a mask are cheaper than a shift
 * that varies. */
static inline uint64_t bitmap_bit(uint64_t gram, uint32_t mask)
{
    return gram_hash(gram) >> 32 & mask;
}

static inline bool bitmap_has(const uint64_t *bitmap, uint64_t bit)
{
    return (bitmap[bit >> 6] & (uint64_t)1 << (bit & 63)) != 0;
}

static inline void bitmap_set(uint64_t *bitmap, uint64_t bit)
{
    bitmap[bit >> 6] |= (uint64_t)1 << (bit & 63);
}

static void class_finish(struct gram_class *class, struct arena *arena)
{
    if (class->entry_count == 0)
        return;
    qsort(class->entries, class->entry_count, sizeof(*class->entries), entry_order);
    uint32_t bits = log2_at_least((uint64_t) class->entry_count * BITS_PER_GRAM);
    bits = bits < BITMAP_BITS_LOG_MIN ? BITMAP_BITS_LOG_MIN : bits;
    bits = bits > BITMAP_BITS_LOG_MAX ? BITMAP_BITS_LOG_MAX : bits;
    class->bitmap_mask = (uint32_t)(((uint64_t)1 << bits) - 1);
    class->bitmap = arena_zeroed(arena, (size_t)1 << (bits - 6), sizeof(uint64_t));
    uint32_t slots = 1u << log2_at_least((uint64_t) class->entry_count * 2);
    class->slot_mask = slots - 1;
    class->slots = arena_zeroed(arena, slots, sizeof(*class->slots));
    for (uint32_t i = 0; i < class->entry_count; i++) {
        uint64_t gram = class->entries[i].gram;
        bitmap_set(class->bitmap, bitmap_bit(gram, class->bitmap_mask));
        struct gram_slot *slot = gram_slot_of(class, gram);
        if (slot->count == 0)
            *slot = (struct gram_slot){.gram = gram, .first = i};
        slot->count++;
    }
}

/* CLASS_COUNT: the vector look-up has it. Where every position is looked at anyway for literals of
 * 4 bytes, those of 5 and 6 go with them. */
static uint32_t class_of(const struct literal_matcher *m, uint32_t literal)
{
    size_t len = m->literals[literal].text.len;
    if (len <= m->short_bytes)
        return CLASS_COUNT;
    uint32_t c = literal_class(len);
    return c == CLASS_FIVE && m->five_joins_four ? CLASS_FOUR : c;
}

static void class_build(struct literal_matcher *m, uint32_t c, uint32_t count, uint32_t members,
                        struct arena *arena)
{
    const struct length_class *shape = &length_classes[c];
    struct gram_class *class = &m->classes[c];
    if (members == 0)
        return;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += class_of(m, i) == c ? m->literals[i].text.len : 0;
    struct rarity rarity = {.bits = log2_at_least(bytes + 2)};
    if (rarity.bits > RARITY_BITS_MAX)
        rarity.bits = RARITY_BITS_MAX;
    rarity.counts = mem_zeroed((size_t)1 << rarity.bits, sizeof(*rarity.counts));
    class->entries = arena_alloc(arena, (size_t)members * shape->stride * sizeof(*class->entries));
    for (uint32_t i = 0; i < count; i++)
        if (class_of(m, i) == c)
            rarity_count(&rarity, m->literals[i].text, shape->gram_bytes);
    for (uint32_t i = 0; i < count; i++) {
        struct slice text = m->literals[i].text;
        if (class_of(m, i) != c)
            continue;
        uint32_t offset = rarest_offset(&rarity, text, shape);
        for (uint32_t k = 0; k < shape->stride; k++)
            class->entries[class->entry_count++] =
                (struct gram_entry){.gram = literal_gram(text, offset + k, shape->gram_bytes),
                                    .offset = offset + k,
                                    .literal = i};
    }
    class_finish(class, arena);
    mem_free(rarity.counts);
}

/* The shortest literals, as many lengths of them as the vector look-up takes. */
static void shorts_build(struct literal_matcher *m, uint32_t count, struct arena *arena)
{
    uint32_t of_length[LITERAL_SHORT_BYTES_MAX + 1] = {0}, members[LITERAL_SHORT_COUNT_MAX];
    uint32_t sum = 0, found = 0, bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        if (m->literals[i].text.len <= LITERAL_SHORT_BYTES_MAX)
            of_length[m->literals[i].text.len]++;
    while (bytes < LITERAL_SHORT_BYTES_MAX && sum + of_length[bytes + 1] <= LITERAL_SHORT_COUNT_MAX)
        sum += of_length[++bytes];
    for (uint32_t i = 0; i < count; i++)
        if (m->literals[i].text.len <= bytes)
            members[found++] = i;
    m->shorts = literal_short_build(m->literals, members, found, arena);
    m->short_bytes = m->shorts ? bytes : 0;
}

static void long_build(struct literal_matcher *m, struct arena *arena)
{
    uint64_t entries =
        (uint64_t)m->classes[CLASS_EIGHT].entry_count + m->classes[CLASS_SEVEN].entry_count;
    if (entries == 0)
        return;
    uint32_t bits = bitmap_bits(entries);
    m->long_mask = (uint32_t)(((uint64_t)1 << bits) - 1);
    m->long_bitmap = arena_zeroed(arena, (size_t)1 << (bits - 6), sizeof(uint64_t));
    for (uint32_t c = CLASS_EIGHT; c <= CLASS_SEVEN; c++)
        for (uint32_t i = 0; i < m->classes[c].entry_count; i++) {
            uint64_t first = m->classes[c].entries[i].gram & UINT32_MAX;
            bitmap_set(m->long_bitmap, bitmap_bit(first, m->long_mask));
        }
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
    for (uint32_t i = 0; i < count; i++)
        check(literals[i].text.len > 0);
    shorts_build(m, count, arena);
    uint32_t members[CLASS_COUNT + 1] = {0};
    for (uint32_t i = 0; i < count; i++)
        members[class_of(m, i)]++;
    if (members[CLASS_FOUR] && members[CLASS_FIVE]) {
        m->five_joins_four = true;
        members[CLASS_FOUR] += members[CLASS_FIVE];
        members[CLASS_FIVE] = 0;
    }
    for (uint32_t c = 0; c < CLASS_COUNT; c++)
        class_build(m, c, count, members[c], arena);
    long_build(m, arena);
    return m;
}

struct scan {
    const struct literal *literals;
    struct slice text;
    uint32_t *seen, *terms;
    uint32_t generation, count;
};

static __attribute__((noinline)) void scan_candidate(const struct gram_class *class,
                                                     struct scan *scan, size_t at, uint64_t gram)
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

/* A position at which a long literal may lie: which class, if any. */
static __attribute__((noinline)) void scan_long_at(const struct literal_matcher *m,
                                                   struct scan *scan, size_t at)
{
    const struct gram_class *eight = &m->classes[CLASS_EIGHT], *four = &m->classes[CLASS_SEVEN];
    const char *data = scan->text.data + at;
    uint64_t gram = gram_load(data, 8);
    if (eight->entry_count && at + 8 <= scan->text.len &&
        bitmap_has(eight->bitmap, bitmap_bit(gram, eight->bitmap_mask)))
        scan_candidate(eight, scan, at, gram);
    gram = gram_load(data, 4);
    if (four->entry_count && bitmap_has(four->bitmap, bitmap_bit(gram, four->bitmap_mask)))
        scan_candidate(four, scan, at, gram);
}

/* The two classes of stride 4 in one pass: a bitmap of the first four bytes of all their grams
 * sends on what may be either. */
static void scan_long(const struct literal_matcher *m, struct scan *scan)
{
    const char *data = scan->text.data;
    const uint64_t *bitmap = m->long_bitmap;
    const uint32_t mask = m->long_mask;
    const size_t len = scan->text.len;
#pragma GCC unroll 4
    for (size_t at = 0; at + 4 <= len; at += 4)
        if (__builtin_expect(bitmap_has(bitmap, bitmap_bit(gram_load(data + at, 4), mask)), 0))
            scan_long_at(m, scan, at);
}

static inline __attribute__((always_inline)) void
scan_class(const struct gram_class *class, struct scan *scan, uint32_t bytes, uint32_t stride)
{
    const char *data = scan->text.data;
    const uint64_t *bitmap = class->bitmap;
    const uint32_t mask = class->bitmap_mask;
    if (class->entry_count == 0 || scan->text.len < bytes)
        return;
    size_t last = scan->text.len - bytes;
    for (size_t at = 0; at <= last; at += stride) {
        uint64_t gram = gram_load(data + at, bytes);
        if (__builtin_expect(bitmap_has(bitmap, bitmap_bit(gram, mask)), 0))
            scan_candidate(class, scan, at, gram);
    }
}

static void scan_short_hit(void *context, uint32_t literal)
{
    struct scan *scan = context;
    uint32_t term = scan->literals[literal].term;
    if (scan->seen[term] == scan->generation)
        return;
    scan->seen[term] = scan->generation;
    scan->terms[scan->count++] = term;
}

uint32_t literal_scan(const struct literal_matcher *m, struct slice text, uint32_t *seen,
                      uint32_t generation, uint32_t *terms, uint32_t count)
{
    struct scan scan = {m->literals, text, seen, terms, generation, count};
    /* Written out, so that each class gets a loop of its own with constants in it. */
    if (m->long_bitmap)
        scan_long(m, &scan);
    if (m->shorts)
        literal_short_scan(m->shorts, text, scan_short_hit, &scan);
    scan_class(&m->classes[CLASS_FIVE], &scan, 4, 2);
    scan_class(&m->classes[CLASS_FOUR], &scan, 4, 1);
    scan_class(&m->classes[4], &scan, 3, 1);
    scan_class(&m->classes[5], &scan, 2, 1);
    scan_class(&m->classes[6], &scan, 1, 1);
    return scan.count;
}

bool literal_find(struct slice text, struct slice needle)
{
#if defined(__SSE2__)
    enum { BLOCK = 16 };
    if (needle.len == 0)
        return true;
    if (text.len < needle.len)
        return false;
    const __m128i first = _mm_set1_epi8(needle.data[0]);
    const __m128i final = _mm_set1_epi8(needle.data[needle.len - 1]);
    size_t last = text.len - needle.len;
    for (size_t at = 0; at <= last; at += BLOCK) {
        const char *data = text.data + at;
        __m128i heads = _mm_loadu_si128((const __m128i *)(const void *)data);
        __m128i tails = _mm_loadu_si128((const __m128i *)(const void *)(data + needle.len - 1));
        __m128i both = _mm_and_si128(_mm_cmpeq_epi8(heads, first), _mm_cmpeq_epi8(tails, final));
        for (uint32_t hits = (uint32_t)_mm_movemask_epi8(both); hits; hits &= hits - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(hits);
            if (at + i <= last && memcmp(data + i, needle.data, needle.len) == 0)
                return true;
        }
    }
    return false;
#else
    return slice_find(text, needle) != SLICE_NONE;
#endif
}
