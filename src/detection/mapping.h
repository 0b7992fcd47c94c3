/* Mapping: what the records of one product mean: which log source they are, which of their names
 * stand for which Sigma names, which fields can be drawn out of their texts.
 *
 * mappings/<name>.yaml, versioned; the form is in docs/mappings.md. Pure: texts come in, tables go
 * out. Limits: MAPPING_COUNT_MAX mappings a set, MAPPING_CATEGORIES_MAX categories of one event,
 * caps of yaml.h and regex.h. Threads: a set is immutable after mapping_set_bind; scratch is one
 * thread's. Ownership: a set owns all its memory. DESIGN section 5. */
#pragma once
#include "detection/event.h"
#include "detection/rule.h"

enum { MAPPING_COUNT_MAX = 256, MAPPING_CATEGORIES_MAX = 8, MAPPING_SOURCE_NAMES_MAX = 32 };

struct mapping_alias {
    struct slice name;           /* Sigma name */
    struct slice_list originals; /* names in the record that stand for it */
};

struct mapping {
    struct slice id, title, file;
    uint32_t version;
    uint16_t index;  /* in the set, from 1 */
    bool is_finding; /* some of its events (mapping_finding) are findings of another detector */
    struct mapping_alias *aliases;
    uint32_t alias_count;
    struct slice_list prefixes; /* `winlog.event_data.`: names stand for themselves without it */
    struct mapping_inside *inside;
};

/* What is known of an event's log source. An empty dimension is unknown. */
struct event_source {
    struct slice product, service; /* lower case */
    struct slice categories[MAPPING_CATEGORIES_MAX];
    uint32_t category_count;
    bool categories_known; /* the list, even an empty one, is all there is: others contradict */
};

struct mapping_set;
struct mapping_set *mapping_set_open(void);
/* Mappings that are added from here on make no machine code of regular expressions: for processes
 * that may not have memory to write and run. */
void mapping_set_interpreted(struct mapping_set *set);
void mapping_set_close(struct mapping_set **set);
/* Reads one file's text. Copies what it keeps. ERR_SYNTAX with line and a sentence; the set is then
 * as it was. */
MUST_CHECK int mapping_set_add(struct mapping_set *set, struct slice file, struct slice text,
                               struct err *err);
uint32_t mapping_set_count(const struct mapping_set *set);
/* One number for all files that were added, in any order: equal ones mean the same of every event.
 */
uint64_t mapping_set_fingerprint(const struct mapping_set *set);
const struct mapping *mapping_set_get(const struct mapping_set *set, uint32_t index); /* from 1 */
/* Numbers all names the set reads (conditions, aliases, look-ups, times). Once, before use. */
void mapping_set_bind(struct mapping_set *set, struct name_table *names);

struct mapping_scratch;
struct mapping_scratch *mapping_scratch_open(void);
void mapping_scratch_close(struct mapping_scratch **scratch);

/* The mapping whose conditions the bound event meets (the first in order of priority), or NULL. */
const struct mapping *mapping_select(const struct mapping_set *set, struct event *e);
/* Adds the derived fields of e->mapping to the record and binds them. Regex limits are counted in
 * *limit_hits. */
void mapping_derive(const struct mapping_set *set, struct event *e, struct mapping_scratch *scratch,
                    uint64_t *limit_hits);
/* Every name that the derive steps could add to an event of which has_name says what was received,
 * whatever its mapping; the empty name: any name at all. */
void mapping_derived_names(const struct mapping_set *set,
                           bool (*has_name)(void *context, struct slice name), void *context,
                           void (*visit)(void *visit_context, struct slice name),
                           void *visit_context);
/* Whether the event is itself the finding of another detector (Suricata, antivirus), by e->mapping.
 */
bool mapping_finding(struct event *e);

struct mapping_found {
    struct slice detector; /* its name by the mapping, else the mapping's title */
    struct slice title;    /* what it calls the finding, else `detector`; never empty */
    struct slice id;       /* its number of the rule or signature; empty: it has none */
    enum rule_level level; /* LEVEL_NONE: the mapping says none */
};
/* What the other detector says, by the mapping's `found`. False: the event is no finding. Slices
 * borrow from e and the set, as long as the event. */
MUST_CHECK bool mapping_found(struct event *e, struct mapping_found *out);
/* Log source by mapping and by the event's own fields product, category, service (these go first).
 * Slices borrow from set and event. */
void mapping_source(const struct mapping_set *set, struct event *e, struct event_source *out);
/* Names of the fields that mapping_source looks at for this mapping (NULL mapping: product,
 * category, service), MAPPING_SOURCE_NAMES_MAX at most. Equal values of these (all of a repeated
 * name) give equal sources, so callers may remember the answer; some are made by mapping_derive. */
uint32_t mapping_source_names(const struct mapping_set *set, const struct mapping *mapping,
                              uint16_t *out, uint32_t max);
/* When the event happened, by the mapping's time fields, else the usual ones; CLOCK_NONE when none
 * reads as a time. */
int64_t mapping_time(const struct mapping_set *set, struct event *e, const struct clock_zone *zone,
                     int64_t near_ns);
/* Host the event is about, by the mapping, else the usual names (Computer, Hostname, host.name
 * ...). */
struct slice mapping_host(const struct mapping_set *set, struct event *e);
