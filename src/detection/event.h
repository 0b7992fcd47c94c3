/* Event: a record, and what it means: which of its fields have which known names, which mapping
 * reads it, which log source it is, when it happened.
 *
 * Threads: one. Ownership: borrows the record, which must outlive it; tables are reused from event
 * to event (event_bind starts the next). DESIGN section 5. */
#pragma once
#include "base/clock.h"
#include "detection/name.h"

struct mapping;

struct event_chain { /* the fields of one name */
    uint32_t generation, first, last;
};

struct event {
    struct record *record;
    const struct name_table *names;
    const struct mapping *mapping; /* NULL: none */
    uint16_t *field_names;         /* by field: its name's number */
    uint32_t field_capacity;
    struct event_chain *by_name; /* by name's number */
    uint32_t *next;              /* by field: the next field of that name, or EVENT_NO_FIELD */
    uint32_t generation;         /* chains of another one are empty */
    struct clock_memo newest_time;
};

#define EVENT_NO_FIELD UINT32_MAX

void event_open(struct event *e, const struct name_table *names);
void event_close(struct event *e);
/* Begins the next event: numbers the fields of record. A flat field hides nested ones of its name.
 */
void event_bind(struct event *e, struct record *record);
/* Numbers the fields that were added to the record since event_bind (derived ones). */
void event_bind_more(struct event *e, uint32_t first_field);

/* Index of the first field of that name, or EVENT_NO_FIELD. */
static inline uint32_t event_first(const struct event *e, uint16_t name)
{
    return e->by_name[name].generation == e->generation ? e->by_name[name].first : EVENT_NO_FIELD;
}

static inline uint32_t event_next(const struct event *e, uint32_t field)
{
    return e->next[field];
}

/* Text of the first value of that name (unescaped), or the empty slice with data NULL. */
struct slice event_text(struct event *e, uint16_t name);
