/* The groups of a correlator: found by their values, kept in order of use, and by the end of their
 * window where that decides. For correlate.c only. */
#pragma once
#include "detection/correlate_plan.h"

#define GROUP_NOT_OPEN UINT32_MAX

struct group {
    uint64_t hash, check_hash; /* of correlation and folded group values */
    uint32_t target;           /* correlation */
    uint32_t heap_index;       /* GROUP_NOT_OPEN: waits for no end of a window */
    struct group *newer, *older;
    uint64_t touched; /* rises with every use */
    uint64_t waits_since;
    int64_t deadline_ns, closed_until_ns; /* tumbling windows */
    int64_t fired_ns;
    bool active; /* the condition held when it was judged last */
    struct slice *values;
    struct window window;
};

struct group_list {
    struct group *newest, *oldest;
    int64_t lost_ns; /* time of the newest entry the caps took from this correlation */
    bool has_lost;
};

struct group_slot {
    uint64_t hash;
    struct group *group; /* NULL: free */
};

struct group_table {
    struct group_slot *slots;
    struct group_list *lists; /* by correlation */
    struct group **heap;      /* by deadline, the nearest first */
    uint32_t heap_count, heap_capacity;
    uint32_t list_count;
    size_t count, capacity;
    uint64_t uses;
};

void group_table_open(struct group_table *t, uint32_t correlation_count);
void group_table_close(struct group_table *t);
/* The group of that key, made when absent (values are then copied); it is the newest of its list.
 */
struct group *group_use(struct group_table *t, const struct group *key, const struct slice *values,
                        uint32_t value_count);
void group_remove(struct group_table *t, struct group *g);
/* The group that was used longest ago, or NULL. */
struct group *group_stalest(const struct group_table *t);
void group_wait(struct group_table *t, struct group *g);   /* for its deadline_ns */
void group_unwait(struct group_table *t, struct group *g); /* fine when it does not wait */
