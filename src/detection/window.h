/* Window: the entries of one correlation group in order of event time, and running totals over the
 * newest of them.
 *
 * The newest window is (newest - timespan, newest]. Totals are kept up to date entry by entry:
 * counts, distinct values, sums and rule presence in amortised O(1), percentiles in O(log n). An
 * entry that comes late is put at its place; the windows that end at it and behind it are gone over
 * again, up to WINDOW_REPLAY_MAX entries. Entries that have left the newest window stay as long as
 * such a replay can need them. Limits: WINDOW_LATE_MAX_NS and WINDOW_LATE_STEPS_MAX behind the
 * newest, WINDOW_NUMBER_MAX a number. Threads: one. Ownership: a window owns its memory. */
#pragma once
#include "base/clock.h"
#include "detection/window_rank.h"

#define WINDOW_LATE_MAX_NS (600ll * CLOCK_SECOND_NS)
#define WINDOW_NUMBER_MAX  1e22
enum { WINDOW_REPLAY_MAX = 4096, WINDOW_LATE_STEPS_MAX = 65536 };

enum window_kind {
    WINDOW_COUNT,
    WINDOW_DISTINCT,
    WINDOW_SUM,
    WINDOW_RANK,    /* percentiles */
    WINDOW_MEMBERS, /* which rules are there */
    WINDOW_ORDERED  /* and in which order */
};

struct window_form { /* the same for all groups of a correlation */
    enum window_kind kind;
    int64_t timespan_ns;
    uint32_t member_count;    /* distinct rules */
    const uint32_t *sequence; /* ORDERED: members in the wanted order (one may come again) */
    uint32_t sequence_count;
};

struct window_entry {
    int64_t time_ns;
    uint64_t line, sequence; /* with file: the event's place (correlate.h) */
    uint32_t file, member;
    union {
        double number; /* SUM, RANK */
        uint64_t hash; /* DISTINCT: of the value */
    };
};

struct window_seen {
    uint64_t hash; /* 0: free */
    uint64_t count;
};

/* Totals over a run of entries. Sums are exact decimal fixed point (9 digits behind the point), so
 * that what is added and taken away again leaves nothing behind. */
struct window_total {
    uint64_t count;
    __int128 sum;
    struct window_seen *seen;
    uint32_t seen_capacity, distinct;
    uint32_t *member_counts, present;
    int64_t
        *chain_starts; /* ORDERED, by place in the sequence: the latest start of a chain up to it */
    struct window_rank rank;
};

struct window {
    struct window_entry *ring;
    uint32_t capacity, head, count; /* capacity: 0 or a power of two */
    uint32_t start;                 /* of the newest window, counted from head */
    bool forgets;                   /* entries were dropped */
    int64_t forgotten_ns;           /* the newest of those */
    struct window_total total;      /* of the newest window */
};

enum window_place { WINDOW_NEWEST, WINDOW_INSIDE, WINDOW_TOO_LATE };

void window_total_add(struct window_total *t, const struct window_form *form,
                      const struct window_entry *e);
void window_total_remove(struct window_total *t, const struct window_form *form,
                         const struct window_entry *e);
void window_total_clear(struct window_total *t, const struct window_form *form); /* keeps memory */
void window_total_free(struct window_total *t);
uint64_t window_total_of(const struct window_total *t, uint64_t hash); /* entries of this value */
double window_total_sum(const struct window_total *t);
/* How many steps of the sequence a chain makes that began after since_ns. */
uint32_t window_total_chain(const struct window_total *t, const struct window_form *form,
                            int64_t since_ns);

static inline struct window_entry *window_at(const struct window *w, uint32_t index)
{
    return &w->ring[(w->head + index) & (w->capacity - 1)];
}

/* Puts the entry at its place and moves the newest window on. *index: where it is now, WINDOW_GONE
 * when it was too old to be kept. *dropped: how many old entries left for good. TOO_LATE: not put
 * in. */
#define WINDOW_GONE UINT32_MAX
enum window_place window_insert(struct window *w, const struct window_form *form,
                                const struct window_entry *e, uint32_t *index, uint32_t *dropped);
/* Whether all entries of the window that ends at the entry index are still there. */
bool window_is_whole(const struct window *w, const struct window_form *form, uint32_t index);
/* The first entry of the window that ends at the entry index. */
uint32_t window_first(const struct window *w, const struct window_form *form, uint32_t index);
/* Forgets the entries that have left the newest window; how many. */
uint32_t window_shed(struct window *w);
/* Forgets the oldest entries, in or out of the newest window. */
void window_drop(struct window *w, const struct window_form *form, uint32_t entries);
void window_clear(struct window *w, const struct window_form *form);
void window_free(struct window *w);
