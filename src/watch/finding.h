/* Finding: what a matcher, a correlator or a table of indicators found, made into what outputs
 * show; and when a correlator is told that time has passed. Shared by the commands that detect, so
 * that files and stores give the same.
 *
 * Threads: pure, but for what is given. Ownership: an output_finding borrows from the room, the
 * matcher and whatever it was made of. */
#pragma once
#include "detection/correlate.h"
#include "detection/indicator.h"
#include "detection/match.h"

enum { FINDING_VALUE_BYTES_MAX = 64 << 10 }; /* shown of a value */

struct finding_place {
    struct slice file;
    uint64_t line;
    int64_t time_ns;   /* CLOCK_NONE: not known */
    uint64_t sequence; /* the stored event's number; 0: it is not stored */
};

struct finding_field {
    struct slice name, value; /* plain text; a name may come several times */
};

struct finding_mapping { /* that the event's fields were named by; id empty: none */
    struct slice id;
    uint32_t version;
};

struct finding {
    uint32_t rule;              /* index in the rules */
    struct finding_place place; /* the event; of a correlation only time_ns is looked at */
    struct slice host;          /* empty: not known */
    const struct finding_field *matched;
    uint32_t matched_count;
    struct finding_mapping mapping;    /* kept with what is stored; empty elsewhere */
    bool cut;                          /* a value is not shown whole: output_finding sets it */
    const struct indicator *indicator; /* that was seen; NULL: the finding is a rule's */
    /* of a correlation only (its rule's kind says so) */
    const struct finding_place *events; /* oldest first */
    uint32_t event_count;               /* of them */
    uint64_t event_total;               /* in the window */
    const struct slice *group_names, *group_values;
    uint32_t group_count;
    double value;
    bool capped;
};

struct finding_room {
    struct matched_field matched[MATCHED_FIELDS_MAX];
    struct finding_field fields[MATCHED_FIELDS_MAX];
};
/* Of the matcher's newest record. with_host: the host is found out, too. */
void finding_of_rule(struct finding *out, struct finding_room *room, struct matcher *matcher,
                     uint32_t rule, const struct finding_place *place, bool with_host);

typedef struct finding_place finding_place_of(void *context, const struct event_place *place);
/* place: what is shown of an event. The finding's own time is the correlation's; none when its
 * newest event has none. */
void finding_of_correlation(struct finding *out,
                            struct finding_place places[CORRELATE_EVENTS_SHOWN_MAX],
                            const struct correlate_finding *found, finding_place_of *place,
                            void *context);

/* Event time between two ticks of a correlator: no matter of blocks, so that files, pipes, stores
 * and any number of threads give the same. */
struct finding_clock {
    int64_t newest_ns, ticked_ns;
};
void finding_clock_begin(struct finding_clock *clock);
/* An input of time_ns was fed: true when the correlator is to be ticked with *tick_ns. */
bool finding_clock_due(struct finding_clock *clock, int64_t time_ns, int64_t *tick_ns);

/* The rules that findings of indicators are shown under, one a type, behind those that were loaded:
 * `canh-indicator-domain`, "Known indicator seen: domain". */
struct finding_rules {
    struct rule of_indicator[INDICATOR_TYPES];
    struct rule outside;  /* another detector's: its own title and level go before these */
    struct rule_list all; /* what outputs are opened with; the rules loaded keep their numbers */
    uint32_t loaded;
    struct arena arena;
};
void finding_rules_open(struct finding_rules *out, const struct rule_list *loaded);
/* The number of `outside`. */
uint32_t finding_rules_outside(const struct finding_rules *rules);
/* Names of fields that say what another detector found: its name, and its title, number and level
 * of what it found. */
#define FINDING_DETECTOR SLICE("found.detector")
#define FINDING_TITLE    SLICE("found.title")
#define FINDING_ID       SLICE("found.id")
#define FINDING_LEVEL    SLICE("found.level")
void finding_rules_close(struct finding_rules *rules);
/* field: the name and value that show the indicator; both live as long as *out. */
void finding_of_indicator(struct finding *out, const struct finding_rules *rules,
                          const struct indicator *indicator, const struct finding_field *field,
                          const struct finding_place *place);

/* LEVEL_NONE for NULL and what is no level's name. */
enum rule_level finding_level_of(const char *name);
