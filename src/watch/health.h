/* Health: what is wrong with the watch itself, as findings: each has a kind, a subject (a source, a
 * role, a partition ...), since when it is so, and a sentence in English and in Vietnamese.
 *
 * Whoever looks tells everything that holds now between health_begin and health_end; what is new,
 * and what was there and is no more, becomes a change, which is to be kept durable: health_taken
 * says that it is. A finding of a kind that needs it must have lasted (hold_s) before its beginning
 * is a change; health_restore gives back those whose beginning was kept before a restart, so that
 * nothing is told twice. Nothing ends before health_settled: at the start it is not known yet
 * whether it still holds. Limits: HEALTH_MAX findings; further ones are counted only. Threads: one
 * at a time. Ownership: copies; what is given out is good until the next call that is not const. */
#pragma once
#include "base/clock.h"
#include "base/str.h"

enum { HEALTH_MAX = 1024, HEALTH_SUBJECT_BYTES_MAX = 256, HEALTH_SENTENCE_BYTES_MAX = 1024 };

enum health_kind {
    HEALTH_SILENT,
    HEALTH_SKEW,
    HEALTH_VOLUME,
    HEALTH_REFUSED, /* too many records could not be read */
    HEALTH_UNACCOUNTED,
    HEALTH_DROPPED,
    HEALTH_UNREADABLE, /* files or a journal of a source */
    HEALTH_RULES_AGE,
    HEALTH_INDICATORS_AGE,
    HEALTH_DISK,
    HEALTH_CERTIFICATE,
    HEALTH_ROLE,
    HEALTH_SANDBOX,
    HEALTH_OUTPUT,
    HEALTH_SUSPENDED, /* a rule that took too long */
    HEALTH_RULES,     /* intake judges by other ones */
    HEALTH_STORE,
    HEALTH_STATE,
    HEALTH_OUTBOX,
    HEALTH_CLOCK,
    HEALTH_KINDS
};

struct health_kind_row {
    const char *name; /* in rows ("canh-health-NAME"), JSON, metrics */
    const char *title_en, *title_vi;
    const char *level; /* of its findings: Sigma's words */
    bool is_unknown;   /* it cannot be said that all is well; else something needs care */
    uint32_t hold_s;   /* it must have lasted so long */
    bool is_of_source; /* the subject is a source's name */
};
extern const struct health_kind_row health_kinds[HEALTH_KINDS];

struct health_finding {
    enum health_kind kind;
    struct slice subject; /* may be empty */
    int64_t since_ns;
    struct slice sentence_en, sentence_vi;
};

struct health;
struct health *health_open(void);
void health_close(struct health **health);

void health_begin(struct health *h, int64_t now_ns);
/* since_ns CLOCK_NONE: since it was first told. One of the same kind and subject: the first. */
void health_add(struct health *h, const struct health_finding *finding);
void health_end(struct health *h);

/* Those that hold, as of health_end. */
uint32_t health_count(const struct health *h);
void health_at(const struct health *h, uint32_t i, struct health_finding *out);
uint32_t health_count_of(const struct health *h, enum health_kind kind);
uint64_t health_left_out(const struct health *h); /* beyond HEALTH_MAX */

struct health_change {
    bool ends;
    int64_t at_ns; /* when it began or ended */
    struct health_finding finding;
};
/* Appends changes that are not on their way, copies that borrow from `arena`; they are on their way
 * then. Returns how many (at most max). */
struct arena;
uint32_t health_changes(struct health *h, struct health_change *out, uint32_t max,
                        struct arena *arena);
void health_taken(struct health *h, const struct health_change *change, bool durable);

/* Cursors of the carry that say which beginnings are durable: "health:KIND/SUBJECT", since. */
#define HEALTH_CURSOR SLICE("health:")
void health_cursor(const struct health_finding *finding, struct buf *name, struct buf *value);
void health_restore(struct health *h, struct slice name, struct slice value);
void health_settled(struct health *h); /* from now on what is not told has ended */
