/* Query values: what stored rows hold of the fields that a query names.
 *
 * A field stands for the received field of its name, and for what the row's mapping calls so:
 * prefixes and aliases, as in rules. Meta fields (docs/query.md) come from the row itself. Limits:
 * none of its own. Threads: one. Ownership: borrows fields, mappings and rule set; values live
 * until the next row. */
#pragma once
#include "detection/match.h"
#include "store/row.h"

struct query_values;
struct query_values_options {
    const struct mapping_set *mappings;
    struct ruleset *set; /* for hosts; NULL: `_host` is missing */
    const struct slice_list *fields;
    uint32_t epoch;
};
struct query_values *query_values_open(const struct query_values_options *options);
void query_values_close(struct query_values **v);
/* Every received name that could stand for one of the fields; the values' own. */
void query_values_names(const struct query_values *v, struct slice_list *out);
/* Whether `_host` is among the fields: whole rows are needed to tell it. */
bool query_values_ask_host(const struct query_values *v);

void query_values_row(struct query_values *v, const struct row *row);
/* The nth text of the field, unescaped; data NULL: there are no more. */
struct slice query_values_get(struct query_values *v, uint32_t field, uint32_t nth);
/* The host that the newest row is about; empty: not known. */
struct slice query_values_host(struct query_values *v);
