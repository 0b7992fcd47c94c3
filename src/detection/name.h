/* Names: the field names that rules and mappings know, as small numbers.
 *
 * Made while rules and mappings are loaded, then frozen. A name is compared exactly, blanks dropped
 * (`Threat Name` is `ThreatName`; docs/sigma.md). Names nobody asks for have no number: NAME_NONE.
 * Limits: NAME_COUNT_MAX. Threads: one writer, then any readers. */
#pragma once
#include "base/arena.h"
#include "formats/record.h"

enum { NAME_NONE = 0, NAME_COUNT_MAX = 60000 };

struct name_table;
struct name_table *name_table_open(void);
void name_table_close(struct name_table **table);
/* The number of the name (1 ..), made when new. NAME_NONE past NAME_COUNT_MAX. */
uint16_t name_add(struct name_table *table, struct slice name);
uint16_t name_find(const struct name_table *table, struct slice name); /* or NAME_NONE */
/* The same, with field_name_hash(name) at hand. */
uint16_t name_find_hashed(const struct name_table *table, struct slice name, uint32_t hash);
struct slice name_text(const struct name_table *table, uint16_t name);
uint16_t name_count(const struct name_table *table); /* numbers are below this */
