#include "watch/register.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/text.h"

#define REGISTER_MAGIC SLICE("CANHHOST")
enum { REGISTER_VERSION = 1, COUNT_AT = 8 + 4, HEAD_BYTES = COUNT_AT + 4, ENTRY_BYTES_MIN = 8 };
#define NONE UINT32_MAX

struct entry {
    struct register_host host;
    uint32_t next; /* of the same key */
};

struct register_table {
    atomic_uint uses;
    struct entry *entries;
    uint32_t count;
    struct map keys; /* to its first entry */
    struct arena arena;
};

/* ---- names ---- */

/* Room for a folded name is REGISTER_TEXT_BYTES_MAX times what folding may make of it. */
struct folded {
    char text[3 * REGISTER_TEXT_BYTES_MAX + 16];
};

/* As keys are written: a name in lower case without the last dot, an address in its one form.
 * Empty: too long. */
static struct slice key_of(struct slice name, struct folded *room)
{
    struct ip_address address;
    name = slice_trim(name);
    if (name.len && name.data[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len > REGISTER_TEXT_BYTES_MAX ||
        text_fold_room(name.len) > sizeof(room->text))
        return SLICE("");
    if (ip_parse(&address, name))
        return slice_make(room->text, ip_text(room->text, &address));
    return slice_make(room->text, text_fold(room->text, name));
}

static struct slice without_domain(struct slice key)
{
    struct ip_address address;
    size_t dot = slice_find_char(key, '.');
    return dot == SLICE_NONE || ip_parse(&address, key) ? SLICE("") : slice_part(key, 0, dot);
}

/* ---- making one ---- */

void register_begin(struct buf *out)
{
    buf_clear(out);
    buf_slice(out, REGISTER_MAGIC);
    bytes_put_u32(out, REGISTER_VERSION);
    bytes_put_u32(out, 0);
}

static bool entry_put(struct buf *out, struct slice key, const struct register_host *host)
{
    uint32_t count = bytes_u32(out->data + COUNT_AT);
    if (key.len == 0)
        return true;
    if (count == REGISTER_ENTRIES_MAX ||
        out->len + 4 * (REGISTER_TEXT_BYTES_MAX + 2) > REGISTER_BYTES_MAX)
        return false;
    bytes_put_text(out, key);
    bytes_put_text(out, slice_part(host->host, 0, REGISTER_TEXT_BYTES_MAX));
    bytes_put_text(out, slice_part(host->system, 0, REGISTER_TEXT_BYTES_MAX));
    bytes_put_text(out, slice_part(host->unit, 0, REGISTER_TEXT_BYTES_MAX));
    bytes_set_u32(out->data + COUNT_AT, count + 1);
    return true;
}

bool register_put(struct buf *out, struct slice name, const struct register_host *host)
{
    struct folded room;
    struct slice key = key_of(name, &room);
    return entry_put(out, key, host) && entry_put(out, without_domain(key), host);
}

/* ---- a table ---- */

static int damaged(struct err *err)
{
    return err_set(err, ERR_DAMAGED, "The table of registered hosts is damaged.");
}

static void entry_add(struct register_table *t, struct slice key, const struct register_host *host)
{
    bool made;
    struct map_entry *known = map_put(&t->keys, key, t->count, &made);
    struct entry *e = &t->entries[t->count];
    e->host = *host;
    e->next = made ? NONE : (uint32_t)known->value;
    known->value = t->count++;
}

static int entries_take(struct register_table *t, struct bytes_in *in, uint32_t count,
                        struct err *err)
{
    t->entries = mem_zeroed(count + 1u, sizeof(*t->entries));
    for (uint32_t i = 0; i < count; i++) {
        struct slice key = bytes_take_text(in, 3 * REGISTER_TEXT_BYTES_MAX);
        struct register_host host = {.host = bytes_take_text(in, REGISTER_TEXT_BYTES_MAX)};
        host.system = bytes_take_text(in, REGISTER_TEXT_BYTES_MAX);
        host.unit = bytes_take_text(in, REGISTER_TEXT_BYTES_MAX);
        if (in->bad || key.len == 0 || host.host.len == 0)
            return damaged(err);
        entry_add(t, key, &host);
    }
    return bytes_left(in) ? damaged(err) : ERR_OK;
}

int register_open(struct register_table **out, struct slice bytes, struct err *err)
{
    if (bytes.len > REGISTER_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the table of registered hosts is too long");
    struct register_table *t = mem_zeroed(1, sizeof(*t));
    t->uses = 1;
    struct bytes_in in = bytes_in(arena_copy(&t->arena, bytes));
    struct slice magic = bytes_take(&in, REGISTER_MAGIC.len);
    uint32_t version = bytes_take_u32(&in), count = bytes_take_u32(&in);
    int rc = ERR_OK;
    if (in.bad || !slice_equal(magic, REGISTER_MAGIC) || version != REGISTER_VERSION ||
        count > REGISTER_ENTRIES_MAX || count > bytes_left(&in) / ENTRY_BYTES_MIN)
        rc = damaged(err);
    if (rc == ERR_OK)
        rc = entries_take(t, &in, count, err);
    if (rc)
        register_unuse(&t);
    *out = t;
    return rc;
}

struct register_table *register_use(struct register_table *t)
{
    if (t)
        atomic_fetch_add(&t->uses, 1);
    return t;
}

void register_unuse(struct register_table **table)
{
    struct register_table *t = *table;
    *table = NULL;
    if (!t || atomic_fetch_sub(&t->uses, 1) > 1)
        return;
    map_free(&t->keys);
    mem_free(t->entries);
    arena_free(&t->arena);
    mem_free(t);
}

uint32_t register_count(const struct register_table *t)
{
    return t->count;
}

/* One host may stand under a key several times; two hosts under one key are none. */
static bool key_find(const struct register_table *t, struct slice key, struct slice unit,
                     struct register_host *out)
{
    const struct map_entry *known = key.len ? map_find(&t->keys, key) : NULL;
    const struct register_host *found = NULL;
    for (uint32_t i = known ? (uint32_t)known->value : NONE; i != NONE; i = t->entries[i].next) {
        const struct register_host *h = &t->entries[i].host;
        if (unit.len && !slice_equal(h->unit, unit))
            continue;
        if (found && !(slice_equal(found->host, h->host) && slice_equal(found->unit, h->unit)))
            return false;
        found = h;
    }
    if (found)
        *out = *found;
    return found != NULL;
}

bool register_find(const struct register_table *t, struct slice name, struct slice unit,
                   struct register_host *out)
{
    struct folded room;
    struct slice key = key_of(name, &room);
    return key_find(t, key, unit, out) || key_find(t, without_domain(key), unit, out);
}

/* ---- the newest ---- */

struct register_share {
    pthread_mutex_t mutex;
    struct register_table *table;
};

struct register_share *register_share_open(void)
{
    struct register_share *share = mem_zeroed(1, sizeof(*share));
    check(pthread_mutex_init(&share->mutex, NULL) == 0);
    return share;
}

void register_share_close(struct register_share **share)
{
    struct register_share *s = *share;
    *share = NULL;
    if (!s)
        return;
    register_unuse(&s->table);
    check(pthread_mutex_destroy(&s->mutex) == 0);
    mem_free(s);
}

void register_share_set(struct register_share *s, struct register_table *table)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    struct register_table *old = s->table;
    s->table = table;
    check(pthread_mutex_unlock(&s->mutex) == 0);
    register_unuse(&old);
}

struct register_table *register_share_get(struct register_share *s)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    struct register_table *table = register_use(s->table);
    check(pthread_mutex_unlock(&s->mutex) == 0);
    return table;
}
