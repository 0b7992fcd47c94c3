/* Item: one detection item outside a rule, `field|modifier` and its values, as a query has them on
 * one line. It goes through the same reading as an item of a Sigma rule (docs/sigma.md), so that
 * search and rules mean the same; beyond the specification only `unaccented` is offered.
 *
 * Limits: those of rules: RULE_PREDICATES_MAX predicates over all items of one reader, and the
 * bytes that modifiers may make. Threads: one. Ownership: expressions are the arena's. */
#pragma once
#include "detection/rule.h"

struct item_value {
    struct slice text;
    bool quoted; /* a text whatever it looks like; else numbers, true, false and null are these */
    uint32_t column;
};

struct item_reader;
struct item_reader *item_reader_open(struct arena *arena);
void item_reader_close(struct item_reader **reader);

/* The values joined by OR (by AND with `all`). An empty field name before the modifiers asks every
 * received value. ERR_SYNTAX with column: the place of the value that is wrong, else the key's. */
MUST_CHECK int item_read(struct item_reader *reader, struct slice key, uint32_t key_column,
                         const struct item_value *values, uint32_t count, struct expr **out,
                         struct err *err);
