/* Random rows for tests of the store: all kinds, flags, empty values, long names. One number gives
 * the same rows each time. Threads: one. Ownership: names and values are in the record's arena. */
#pragma once
#include "store/row.h"

struct rows_random {
    uint64_t state;
};

static inline uint64_t random_u64(struct rows_random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15ull);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline uint32_t random_below(struct rows_random *r, uint32_t bound)
{
    return (uint32_t)(random_u64(r) % bound);
}

static inline struct slice random_text(struct rows_random *r, struct arena *a, size_t len)
{
    char *text = arena_bytes(a, len);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)random_u64(r);
    return slice_make(text, len);
}

/* Fields of a small set of names mostly, now and then a new or a very long one. */
static inline void random_record(struct rows_random *r, struct record *record)
{
    static const char *const names[] = {"EventID",
                                        "CommandLine",
                                        "a",
                                        "",
                                        "user.name",
                                        "Image",
                                        "winlog.event_data.TargetFilename"};
    record_reset(record);
    uint32_t count = random_below(r, 20);
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = slice_from(names[random_below(r, 7)]);
        if (random_below(r, 20) == 0)
            name = random_text(r, &record->arena, random_below(r, 300));
        if (random_below(r, 500) == 0)
            name = random_text(r, &record->arena, RECORD_NAME_BYTES_MAX);
        enum value_kind kind = (enum value_kind)random_below(r, VALUE_OBJECT + 1);
        uint32_t len = random_below(r, 4) == 0 ? 0 : random_below(r, 60);
        if (random_below(r, 300) == 0)
            len = 70000;
        unsigned flags = random_below(r, 4) << 1;
        struct slice value = random_text(r, &record->arena, len);
        if (record_add(record, name, value, kind, flags, NULL))
            check_failed("record_add", __FILE__, __LINE__);
    }
}

static inline bool records_equal(const struct record *a, const struct record *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct field *f = &a->fields[i], *g = &b->fields[i];
        if (!slice_equal(f->name, g->name) || !slice_equal(f->value, g->value) ||
            f->kind != g->kind || f->flags != g->flags || f->name_hash != g->name_hash)
            return false;
    }
    return true;
}
