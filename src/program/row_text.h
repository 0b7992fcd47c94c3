/* Row text: stored events as lines of JSON or CSV, or as a table for a terminal.
 *
 * docs/search.schema.json describes the JSON. Limits: ROW_TEXT_VALUE_BYTES_MAX of a value in a
 * table. Threads: one. Ownership: borrows options and columns' names. */
#pragma once
#include "detection/match.h"
#include "program/output.h"
#include "program/query_values.h"
#include "store/store.h"

enum { ROW_TEXT_VALUE_BYTES_MAX = 2000 };

struct row_text_options {
    const struct output_options *output; /* kind, columns, colour, zone, epoch, vietnamese */
    const struct mapping_set *mappings;
    struct ruleset *set;             /* for hosts */
    const struct slice_list *hidden; /* received fields that are left out; NULL: none */
};

struct row_text;
struct row_text *row_text_open(const struct row_text_options *options);
void row_text_close(struct row_text **t);
void row_text_heading(const struct row_text *t, struct buf *out); /* of CSV and table */
/* matched: fields to show first in a table, or none. */
void row_text_row(struct row_text *t, const struct row *row, const struct matched_field *matched,
                  uint32_t matched_count, struct buf *out);
/* A hit of a search; what its first rule matched is shown first. */
void row_text_item(struct row_text *t, const struct store_item *item, struct buf *out);
/* As tables show times: 2026-11-22 10:36:00 in the zone, with a fraction where there is one. */
void row_text_time(const struct clock_zone *zone, int64_t time_ns, struct buf *out);
