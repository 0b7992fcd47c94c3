/* The table of calls that a back end of store.h fills in: for store.c, back ends and the tests'
 * double only. Each call keeps the promise of the function of its name in store.h. A call that a
 * back end does not offer is NULL: store.c answers ERR_UNSUPPORTED. */
#pragma once
#include "store/store.h"

struct store_calls {
    unsigned can; /* enum store_can */
    void (*close)(void *self);
    int (*append)(void *self, const struct store_group *group, uint64_t *first_sequence,
                  struct err *err);
    uint64_t (*next_sequence)(void *self);
    uint32_t (*epoch)(const void *self);
    const struct carry *(*carry)(const void *self);
    void (*carry_trim)(void *self, int64_t ids_before_ns, int64_t inputs_before_ns);
    int (*tick)(void *self, int64_t now_ns, struct err *err);
    bool (*wants_seal)(void *self, int64_t now_ns);
    int (*seal)(void *self, int64_t now_ns, struct err *err);
    int (*merge)(void *self, int64_t now_ns, uint64_t *merged, struct err *err);
    int (*search)(void *self, const struct store_search *search, void **cursor, struct err *err);
    int (*next)(void *cursor, struct store_item *out, struct err *err);
    void (*cursor_progress)(const void *cursor, struct store_progress *out);
    void (*cursor_close)(void *cursor);
    int (*follow_open)(void *self, const struct store_follow_options *options, void **follow,
                       struct err *err);
    int (*follow_next)(void *follow, const struct row **row, struct err *err);
    void (*follow_stats)(const void *follow, struct store_follow_stats *out);
    void (*follow_close)(void *follow);
    int (*get)(void *self, uint64_t sequence, store_row_visit *visit, void *context,
               struct err *err);
    int (*fields)(void *self, store_field_visit *visit, void *context, struct err *err);
    int (*expire)(void *self, const struct store_policy *policies, uint32_t count, int64_t now_ns,
                  bool dry_run, store_expire_visit *visit, void *context, struct store_expired *out,
                  struct err *err);
    int (*verify)(void *self, struct slice head, store_verify_visit *visit, void *context,
                  struct store_verified *out, struct err *err);
    int (*prove)(void *self, uint64_t sequence, const char *folder, struct err *err);
    int (*snapshot)(void *self, const char *folder, struct err *err);
    int (*stat)(void *self, struct store_stats *out, struct err *err);
};

/* A store over a back end's state; store_close calls its close. */
struct store *store_wrap(const struct store_calls *calls, void *self);
