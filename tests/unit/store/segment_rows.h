/* Rows for segment tests: made by a seed, kept as canonical text to compare with. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "store/segment.h"
#include "store/segment_writer.h"

struct maker {
    uint64_t state;
    struct arena arena; /* of the row that was made last */
    struct record record;
    struct row_context contexts[3];
    struct row row;
    uint32_t names; /* how many field names there are */
    bool long_values;
};

static inline uint64_t maker_number(struct maker *m, uint64_t below)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return (m->state >> 11) % below;
}

static inline void maker_open(struct maker *m, uint64_t seed)
{
    *m = (struct maker){.state = seed * 0x9e3779b97f4a7c15ull + 1, .names = 20};
    for (uint32_t i = 0; i < 3; i++)
        m->contexts[i] = (struct row_context){.partition = SLICE("windows"),
                                              .source = SLICE("dc01"),
                                              .file = i == 1 ? SLICE("a.zip!b") : SLICE(""),
                                              .mapping = SLICE("sysmon"),
                                              .mapping_version = i,
                                              .mapping_set = 77,
                                              .product = SLICE("windows"),
                                              .flags = i == 2 ? ROW_HISTORICAL : 0};
    m->row.sequence = 1000;
}

static inline void maker_close(struct maker *m)
{
    record_free(&m->record);
    arena_free(&m->arena);
}

/* Fields by number have a character of their own, so that all kinds of columns come up. */
static inline struct slice maker_value(struct maker *m, uint32_t name, uint8_t *kind)
{
    uint64_t r = maker_number(m, 1000);
    *kind = VALUE_STRING;
    switch (name % 10) {
    case 0:
        return SLICE("Microsoft-Windows-Sysmon");
    case 1:
        *kind = VALUE_NUMBER;
        return arena_printf(&m->arena, "%llu", (unsigned long long)(r % 30));
    case 2: /* mostly distinct integers */
        return arena_printf(&m->arena, "%llu", (unsigned long long)maker_number(m, 1u << 30));
    case 3: /* distinct texts */
        return arena_printf(&m->arena, "{%llx-%llx}", (unsigned long long)maker_number(m, 1u << 30),
                            (unsigned long long)maker_number(m, 1u << 30));
    case 4:
        *kind = VALUE_NUMBER;
        return arena_printf(&m->arena, r < 990 ? "%llu" : "%llu.50",
                            (unsigned long long)maker_number(m, 1u << 30));
    case 5:
        *kind = (uint8_t)(r % 5);
        return *kind == VALUE_BOOL   ? SLICE("true")
               : *kind == VALUE_NULL ? SLICE("")
                                     : arena_printf(&m->arena, "%llu", (unsigned long long)r % 7);
    case 6:
        return r % 3
                   ? SLICE("")
                   : arena_printf(&m->arena, "C:\\tools\\x%llu.exe", (unsigned long long)(r % 40));
    case 7: {
        size_t len = m->long_values && r == 0 ? (size_t)3 << 20 : (size_t)(r % 200);
        char *bytes = arena_bytes(&m->arena, len + 1);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)maker_number(m, 256);
        return slice_make(bytes, len);
    }
    default:
        return arena_printf(&m->arena, "10.0.0.%llu", (unsigned long long)(r % 200));
    }
}

static inline const struct row *maker_next(struct maker *m)
{
    struct err err;
    record_reset(&m->record);
    arena_reset(&m->arena);
    uint32_t fields = maker_number(m, 50) == 0 ? 0 : m->names / 2 + (uint32_t)maker_number(m, 4);
    uint32_t name = 0;
    for (uint32_t i = 0; i < fields; i++) {
        name = (name + 1 + (maker_number(m, 9) == 0)) % m->names;
        uint8_t kind;
        struct slice value = maker_value(m, name, &kind);
        unsigned flags = name % 7 == 3 ? FIELD_NESTED : name % 11 == 5 ? FIELD_DERIVED : 0;
        struct slice text = arena_printf(&m->arena, "field.%u", name);
        assert_int_equal(record_add(&m->record, text, value, (enum value_kind)kind, flags, &err),
                         ERR_OK);
        if (maker_number(m, 40) == 0)
            i--; /* fields of one name again, and more of them */
    }
    m->row.sequence += 1 + maker_number(m, 10) / 9;
    m->row.time_ns = maker_number(m, 30) == 0
                         ? CLOCK_NONE
                         : 1700000000000000000ll + (int64_t)maker_number(m, 1u << 30) * 1000;
    m->row.received_ns = 1700000000000000000ll + (int64_t)m->row.sequence;
    m->row.line = maker_number(m, 5) ? m->row.line + 1 : 0;
    m->row.context = &m->contexts[maker_number(m, 3)];
    m->row.record = &m->record;
    return &m->row;
}

/* All that a row says, as text. */
static inline void row_describe(const struct row *row, struct buf *out)
{
    row_canonical(row, out);
    buf_printf(out, "sequence %llu set %llu product %.*s\n", (unsigned long long)row->sequence,
               (unsigned long long)row->context->mapping_set, (int)row->context->product.len,
               row->context->product.data);
}

struct plan {
    uint64_t seed;
    uint32_t rows, names;
    size_t memory_bytes;
    int compression;
    bool long_values;
};

struct written {
    struct disk *disk;
    struct segment *segment;
    struct buf text; /* what all rows say */
    size_t *ends;    /* by row, in text */
    uint64_t row_count;
};

/* A segment "a.segment" of the plan's rows, opened. */
static inline void written_make(struct written *t, const struct plan *plan)
{
    struct err err = {0};
    struct maker maker;
    *t = (struct written){.row_count = plan->rows, .disk = disk_sim_open(plan->seed)};
    t->ends = mem_zeroed(plan->rows + 1, sizeof *t->ends);
    maker_open(&maker, plan->seed);
    maker.names = plan->names;
    maker.long_values = plan->long_values;
    struct segment_writer_options options = {.partition = SLICE("windows"),
                                             .compression = plan->compression,
                                             .memory_bytes = plan->memory_bytes,
                                             .seal_after = 1000,
                                             .seal_through = 999999,
                                             .uuid = {1, 2, 3}};
    struct segment_writer *w = segment_writer_open(&options);
    for (uint32_t i = 0; i < plan->rows; i++) {
        const struct row *row = maker_next(&maker);
        row_describe(row, &t->text);
        t->ends[i] = t->text.len;
        segment_writer_add(w, row);
        if (plan->memory_bytes && i % 512 == 0)
            assert_true(segment_writer_memory(w) <= plan->memory_bytes * 2);
    }
    assert_int_equal(segment_writer_rows(w), plan->rows);
    struct segment_interval interval = {
        .number = 4, .row_count = 9, .minute_ns = 60, .root = {{7}}};
    segment_writer_interval(w, &interval);
    if (segment_writer_end(w, t->disk, "a.segment", &err))
        fail_msg("%s", err.text);
    segment_writer_close(&w);
    maker_close(&maker);
    if (segment_open(&t->segment, t->disk, "a.segment", &err))
        fail_msg("%s", err.text);
}

static inline void written_free(struct written *t)
{
    segment_close(&t->segment);
    buf_free(&t->text);
    mem_free(t->ends);
    disk_sim_close(&t->disk);
}
