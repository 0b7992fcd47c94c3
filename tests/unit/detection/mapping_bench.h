/* A set of mappings that is bound, and one event: what the tests of mappings share. Include after
 * cmocka.h. */
#pragma once
#include <stdio.h>

#include "detection/mapping.h"
#include "formats/json.h"

struct bench { /* a bound set and one event */
    struct mapping_set *set;
    struct name_table *names;
    struct mapping_scratch *scratch;
    struct record record;
    struct event event;
    struct buf json; /* of an event that was put together: the record borrows from it */
};

static inline void bench_bind(struct bench *b)
{
    b->names = name_table_open();
    mapping_set_bind(b->set, b->names);
    (void)name_add(b->names, SLICE("CommandLine"));
    (void)name_add(b->names, SLICE("user"));
    b->scratch = mapping_scratch_open();
    event_open(&b->event, b->names);
}

static inline void bench_open(struct bench *b, const char *yaml)
{
    struct err err = {0};
    memset(b, 0, sizeof *b);
    b->set = mapping_set_open();
    int rc = mapping_set_add(b->set, SLICE("test.yaml"), slice_from(yaml), &err);
    if (rc)
        print_error("%u: %s\n", (unsigned)err.line, err.text);
    assert_int_equal(rc, ERR_OK);
    bench_bind(b);
}

static inline void bench_close(struct bench *b)
{
    event_close(&b->event);
    record_free(&b->record);
    buf_free(&b->json);
    mapping_scratch_close(&b->scratch);
    mapping_set_close(&b->set);
    name_table_close(&b->names);
}

/* Reads one JSON object as the event, selects and derives. */
static inline const struct mapping *bench_read(struct bench *b, const char *json)
{
    struct err err = {0};
    record_reset(&b->record);
    assert_int_equal(json_parse_record(&b->record, slice_from(json), &err), ERR_OK);
    event_bind(&b->event, &b->record);
    b->event.mapping = mapping_select(b->set, &b->event);
    uint64_t limit_hits = 0;
    mapping_derive(b->set, &b->event, b->scratch, &limit_hits);
    assert_int_equal(limit_hits, 0);
    return b->event.mapping;
}

static inline void assert_text(struct slice got, const char *expected)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%.*s", (int)got.len, got.data ? got.data : "");
    assert_string_equal(text, expected);
}

static inline void assert_selected(struct bench *b, const char *json, const char *id)
{
    const struct mapping *m = bench_read(b, json);
    assert_text(m ? m->id : SLICE("-"), id);
}
