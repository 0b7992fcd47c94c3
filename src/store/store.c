#include "store/store.h"

#include "base/mem.h"
#include "store/store_backend.h"
#include "store/store_embedded.h"

struct store {
    const struct store_calls *calls;
    void *self;
};

struct store_cursor {
    const struct store_calls *calls;
    void *self;
};

struct store_follow {
    const struct store_calls *calls;
    void *self;
};

static int not_offered(struct err *err, const char *what)
{
    return err_set(err, ERR_UNSUPPORTED, "the store's back end does not offer `%s`", what);
}

struct store *store_wrap(const struct store_calls *calls, void *self)
{
    struct store *store = mem_zeroed(1, sizeof(*store));
    *store = (struct store){calls, self};
    return store;
}

int store_open(struct store **out, const char *uri, const struct store_options *options,
               struct err *err)
{
    const char *scheme = strstr(uri, "://");
    *out = NULL;
    if (scheme)
        return err_set(err, ERR_UNSUPPORTED,
                       "there is no back end for %.*s:// in this program: name a folder",
                       (int)(scheme - uri), uri);
    return embedded_open(out, uri, options, err);
}

int store_rebuild(const char *uri, int64_t now_ns, struct store_rebuilt *out, struct err *err)
{
    *out = (struct store_rebuilt){0};
    if (strstr(uri, "://"))
        return not_offered(err, "rebuild");
    return embedded_rebuild_folder(uri, now_ns, out, err);
}

void store_close(struct store **store)
{
    if (!*store)
        return;
    (*store)->calls->close((*store)->self);
    mem_free(*store);
    *store = NULL;
}

unsigned store_can(const struct store *store)
{
    return store->calls->can;
}

int store_append(struct store *store, const struct store_group *group, uint64_t *first_sequence,
                 struct err *err)
{
    return store->calls->append(store->self, group, first_sequence, err);
}

uint64_t store_next_sequence(const struct store *store)
{
    return store->calls->next_sequence(store->self);
}

uint32_t store_epoch(const struct store *store)
{
    return store->calls->epoch(store->self);
}

const struct carry *store_carry(const struct store *store)
{
    return store->calls->carry(store->self);
}

void store_carry_trim(struct store *store, int64_t ids_before_ns, int64_t inputs_before_ns)
{
    store->calls->carry_trim(store->self, ids_before_ns, inputs_before_ns);
}

int store_tick(struct store *store, int64_t now_ns, struct err *err)
{
    return store->calls->tick ? store->calls->tick(store->self, now_ns, err) : ERR_OK;
}

bool store_wants_seal(const struct store *store, int64_t now_ns)
{
    return store->calls->wants_seal && store->calls->wants_seal(store->self, now_ns);
}

int store_seal(struct store *store, int64_t now_ns, struct err *err)
{
    return store->calls->seal ? store->calls->seal(store->self, now_ns, err) : ERR_OK;
}

int store_merge(struct store *store, int64_t now_ns, uint64_t *merged, struct err *err)
{
    *merged = 0;
    return store->calls->merge ? store->calls->merge(store->self, now_ns, merged, err) : ERR_OK;
}

int store_search(struct store *store, const struct store_search *search, struct store_cursor **out,
                 struct err *err)
{
    void *self = NULL;
    *out = NULL;
    int rc = store->calls->search(store->self, search, &self, err);
    if (rc)
        return rc;
    *out = mem_alloc(sizeof(**out));
    **out = (struct store_cursor){store->calls, self};
    return ERR_OK;
}

int store_next(struct store_cursor *cursor, struct store_item *out, struct err *err)
{
    return cursor->calls->next(cursor->self, out, err);
}

void store_cursor_progress(const struct store_cursor *cursor, struct store_progress *out)
{
    cursor->calls->cursor_progress(cursor->self, out);
}

void store_cursor_close(struct store_cursor **cursor)
{
    if (!*cursor)
        return;
    (*cursor)->calls->cursor_close((*cursor)->self);
    mem_free(*cursor);
    *cursor = NULL;
}

int store_follow_open(struct store *store, const struct store_follow_options *options,
                      struct store_follow **out, struct err *err)
{
    void *self = NULL;
    *out = NULL;
    if (!store->calls->follow_open)
        return not_offered(err, "follow");
    int rc = store->calls->follow_open(store->self, options, &self, err);
    if (rc)
        return rc;
    *out = mem_alloc(sizeof(**out));
    **out = (struct store_follow){store->calls, self};
    return ERR_OK;
}

int store_follow_next(struct store_follow *follow, const struct row **row, struct err *err)
{
    return follow->calls->follow_next(follow->self, row, err);
}

void store_follow_stats(const struct store_follow *follow, struct store_follow_stats *out)
{
    follow->calls->follow_stats(follow->self, out);
}

void store_follow_close(struct store_follow **follow)
{
    if (!*follow)
        return;
    (*follow)->calls->follow_close((*follow)->self);
    mem_free(*follow);
    *follow = NULL;
}

int store_get(struct store *store, uint64_t sequence, store_row_visit *visit, void *context,
              struct err *err)
{
    return store->calls->get(store->self, sequence, visit, context, err);
}

int store_fields(struct store *store, store_field_visit *visit, void *context, struct err *err)
{
    return store->calls->fields(store->self, visit, context, err);
}

int store_expire(struct store *store, const struct store_policy *policies, uint32_t count,
                 int64_t now_ns, bool dry_run, store_expire_visit *visit, void *context,
                 struct store_expired *out, struct err *err)
{
    *out = (struct store_expired){0};
    if (!store->calls->expire)
        return not_offered(err, "expire");
    return store->calls->expire(store->self, policies, count, now_ns, dry_run, visit, context, out,
                                err);
}

int store_verify(struct store *store, struct slice head, store_verify_visit *visit, void *context,
                 struct store_verified *out, struct err *err)
{
    *out = (struct store_verified){0};
    if (!store->calls->verify)
        return not_offered(err, "verify");
    return store->calls->verify(store->self, head, visit, context, out, err);
}

int store_prove(struct store *store, uint64_t sequence, const char *folder, struct err *err)
{
    if (!store->calls->prove)
        return not_offered(err, "prove");
    return store->calls->prove(store->self, sequence, folder, err);
}

int store_snapshot(struct store *store, const char *folder, struct err *err)
{
    if (!store->calls->snapshot)
        return not_offered(err, "snapshot");
    return store->calls->snapshot(store->self, folder, err);
}

int store_stat(struct store *store, struct store_stats *out, struct err *err)
{
    return store->calls->stat(store->self, out, err);
}
