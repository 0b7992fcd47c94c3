/* Thirty rows in a store, for tests of searching: three groups of ten that were received an hour
 * apart, times out of order, one row without a time, three partitions. Ownership: search_bed_close
 * gives all back. Threads: one. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "detection/sigma.h"
#include "support/store_make.h"
#include "support/store_memory.h"

enum { BED_ROWS = 30, BED_GROUP = 10, BED_UNTIMED = 7 };
#define BED_START_NS    (1790000000 * CLOCK_SECOND_NS)
#define BED_RECEIVED_NS (1790100000 * CLOCK_SECOND_NS)
#define BED_HOUR_NS     (3600 * CLOCK_SECOND_NS)

struct search_bed {
    bool in_memory;
    struct store_make make; /* the folder and the store of the embedded back end */
    struct store *store;
    struct arena arena; /* of rules */
    struct rule_list rules;
    struct mapping_set *mappings;
    struct ruleset *set;
};

/* Row i (from 0) has the sequence i + 1. */
static inline int64_t bed_time(uint64_t i)
{
    return i == BED_UNTIMED ? CLOCK_NONE
                            : BED_START_NS + (int64_t)(i * 11 % BED_ROWS) * CLOCK_SECOND_NS;
}

static inline int64_t bed_received(uint64_t i)
{
    return BED_RECEIVED_NS + (int64_t)(i / BED_GROUP) * BED_HOUR_NS;
}

static inline int64_t bed_row_time(uint64_t i)
{
    return bed_time(i) == CLOCK_NONE ? bed_received(i) : bed_time(i);
}

static inline const char *bed_partition(uint64_t i)
{
    static const char *const names[] = {"windows", "linux", "_findings"};
    return names[i % 3];
}

static inline const char *bed_user(uint64_t i)
{
    static const char *const users[] = {"an", "binh", "chi", "dung", "BINH"};
    return users[i % 5];
}

static inline const char *bed_unit(uint64_t i)
{
    static const char *const units[] = {"health", "", "ward-1", "ward-2"};
    return units[i % 4];
}

static inline void bed_row(struct search_bed *b, struct batch_writer *writer, uint64_t i)
{
    struct row_context context = {.partition = slice_from(bed_partition(i)),
                                  .source = i % 2 ? SLICE("dc01") : SLICE("web01"),
                                  .unit = slice_from(bed_unit(i)),
                                  .file = SLICE("a.ndjson"),
                                  .host = i % 3 ? SLICE("") : SLICE("srv-web"),
                                  .sender = i % 5 ? SLICE("token:7") : SLICE("10.0.0.1"),
                                  .flags = i % 7 ? 0 : ROW_DRILL,
                                  .category = SLICE("*"),
                                  .mapping_set = mapping_set_fingerprint(b->mappings)};
    struct record record = {0};
    struct err err;
    uint32_t number, index;
    char n[24];
    (void)snprintf(n, sizeof n, "%llu", (unsigned long long)i);
    assert_int_equal(
        record_add(&record, SLICE("user"), slice_from(bed_user(i)), VALUE_STRING, 0, NULL), ERR_OK);
    assert_int_equal(record_add(&record, SLICE("n"), slice_from(n), VALUE_NUMBER, 0, NULL), ERR_OK);
    if (i == 12)
        assert_int_equal(
            record_add(&record, SLICE("query"), SLICE("www.bad.example"), VALUE_STRING, 0, NULL),
            ERR_OK);
    assert_int_equal(batch_context(writer, &context, &number, &err), ERR_OK);
    assert_int_equal(batch_add(writer, number, bed_time(i), i + 100, &record, &index, &err),
                     ERR_OK);
    record_free(&record);
}

static inline void bed_fill(struct search_bed *b)
{
    struct batch_writer *writer = batch_writer_open();
    struct batch batch = {0};
    struct err err = {0};
    uint64_t sequence;
    for (uint64_t i = 0; i < BED_ROWS; i += BED_GROUP) {
        batch_begin(writer, bed_received(i), true);
        for (uint64_t k = i; k < i + BED_GROUP; k++)
            bed_row(b, writer, k);
        batch_end(writer, &batch);
        struct store_group group = {.batches = &batch, .batch_count = 1, .now_ns = bed_received(i)};
        assert_int_equal(store_append(b->store, &group, &sequence, &err), ERR_OK);
        assert_int_equal(sequence, i + 1);
    }
    batch_free(&batch);
    batch_writer_close(&writer);
}

/* sealed: all of it is made into segments. */
static inline void search_bed_open(struct search_bed *b, bool in_memory, bool sealed)
{
    struct err err = {0};
    *b = (struct search_bed){.in_memory = in_memory};
    b->mappings = mapping_set_open();
    if (in_memory) {
        b->store = store_memory_open();
    } else {
        store_make_folder(&b->make, 1);
        store_make_start(&b->make, true);
        b->store = b->make.store;
    }
    bed_fill(b);
    if (sealed)
        assert_int_equal(store_seal(b->store, bed_received(BED_ROWS - 1), &err), ERR_OK);
}

/* The rules of a text; they take the place of earlier ones. */
static inline struct ruleset *search_bed_rules(struct search_bed *b, const char *text)
{
    struct problem_list problems = {0};
    struct sigma_options sigma = {0};
    struct ruleset_options options = {.routing = true};
    struct err err = {0};
    rule_list_free(&b->rules);
    ruleset_close(&b->set);
    mapping_set_close(&b->mappings);
    b->mappings = mapping_set_open();
    (void)sigma_read(&b->rules, &problems, SLICE("test.yml"), slice_from(text), &sigma, &b->arena);
    assert_int_equal(problems.error_count, 0);
    problem_list_free(&problems);
    assert_int_equal(ruleset_open(&b->set, &b->rules, b->mappings, &options, &err), ERR_OK);
    return b->set;
}

static inline void search_bed_close(struct search_bed *b)
{
    if (b->in_memory)
        store_close(&b->store);
    else
        store_make_close(&b->make);
    ruleset_close(&b->set);
    mapping_set_close(&b->mappings);
    rule_list_free(&b->rules);
    arena_free(&b->arena);
}

static inline struct store_search search_bed_all(enum store_order order)
{
    return (struct store_search){.from_ns = CLOCK_NONE,
                                 .until_ns = CLOCK_NONE,
                                 .received_from_ns = CLOCK_NONE,
                                 .received_until_ns = CLOCK_NONE,
                                 .order = order};
}

/* The sequences that a search gives, in its order; returns how it ended. progress may be NULL. */
static inline int search_bed_run(struct search_bed *b, const struct store_search *search,
                                 uint64_t out[BED_ROWS], uint32_t *count,
                                 struct store_progress *progress)
{
    struct store_cursor *cursor;
    struct store_item item;
    struct err err = {0};
    *count = 0;
    int rc = store_search(b->store, search, &cursor, &err);
    if (rc)
        return rc;
    while ((rc = store_next(cursor, &item, &err)) == ERR_OK)
        if (item.kind == STORE_ROW) {
            assert_true(*count < BED_ROWS);
            out[(*count)++] = item.row->sequence;
        }
    if (progress)
        store_cursor_progress(cursor, progress);
    store_cursor_close(&cursor);
    return rc;
}
