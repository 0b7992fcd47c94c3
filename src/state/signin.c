#include "state/signin.h"

#include <pthread.h>

#include "base/map.h"
#include "base/mem.h"
#include "state/credential.h"

enum { HASH_BYTES = 32, TOUCH_SECONDS = 60 };

struct units { /* some units; those below them are meant, too */
    const uint64_t *ids;
    uint32_t count;
};

struct who {
    uint64_t id;
    struct slice name, unix_name;
    unsigned rights;
    bool everywhere, vietnamese;
    struct units units;
};

struct entry {
    uint64_t id, credential_id;
    const struct who *who;
    bool is_token, everywhere, touched;
    unsigned rights;
    struct units units; /* tokens */
    int64_t used_ns, expires_ns;
    uint8_t hash[HASH_BYTES];
};

struct tree { /* by id, ascending; order: places, those above before those below */
    uint64_t *ids;
    uint32_t *parents, *order; /* parent: place; its own one: none */
    uint32_t count;
};

/* All that is known after one commit. */
struct table {
    struct arena arena;
    struct map by_hash, by_unix, by_user; /* entry, who, who */
    struct entry *entries;
    uint32_t count, capacity;
    struct tree tree;
};

struct signin {
    pthread_mutex_t lock; /* of table's contents as others see them */
    struct state *state;
    struct table *table;
    bool stale; /* the newest commit could not be read: nobody is let in by what was before */
};

static void table_close(struct table **table)
{
    struct table *t = *table;
    if (!t)
        return;
    map_free(&t->by_hash);
    map_free(&t->by_unix);
    map_free(&t->by_user);
    mem_free(t->entries);
    arena_free(&t->arena);
    mem_free(t);
    *table = NULL;
}

static uint32_t tree_place(const struct tree *tree, uint64_t id)
{
    uint32_t low = 0, high = tree->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tree->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tree->count && tree->ids[low] == id ? low : UINT32_MAX;
}

static int tree_read(struct database *db, struct arena *arena, struct tree *tree, struct err *err)
{
    struct statement *s = statement_get(db, "SELECT count(*) FROM unit");
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc;
    uint64_t rows = statement_column_u64(s, 0);
    statement_reset(s);
    uint64_t *parents = arena_alloc(arena, rows * sizeof *parents);
    tree->ids = arena_alloc(arena, rows * sizeof *tree->ids);
    tree->parents = arena_alloc(arena, rows * sizeof *tree->parents);
    tree->order = arena_alloc(arena, rows * sizeof *tree->order);
    s = statement_get(db, "SELECT id, parent_id FROM unit ORDER BY id");
    for (tree->count = 0; (rc = statement_step(s, err)) == ERR_OK; tree->count++) {
        check(tree->count < rows);
        tree->ids[tree->count] = statement_column_u64(s, 0);
        parents[tree->count] = statement_column_u64(s, 1);
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t parent = parents[i] ? tree_place(tree, parents[i]) : i;
        tree->parents[i] = parent == UINT32_MAX ? i : parent;
    }
    return rc == ERR_END ? ERR_OK : rc;
}

/* Level by level from the tops; a circle, which the commands do not make, is left out. */
static void tree_order(struct tree *tree, struct arena *arena)
{
    bool *done = arena_zeroed(arena, tree->count + 1, sizeof *done);
    uint32_t count = 0, before;
    do {
        before = count;
        for (uint32_t i = 0; i < tree->count; i++) {
            uint32_t parent = tree->parents[i];
            if (done[i] || (parent != i && !done[parent]))
                continue;
            done[i] = true;
            tree->order[count++] = i;
        }
    } while (count > before);
    for (uint32_t i = 0; i < tree->count; i++) /* nobody's: never reached from a top */
        if (!done[i])
            tree->order[count++] = tree->parents[i] = i;
}

static void tree_mark(const struct tree *tree, const struct units *units, uint8_t bit,
                      uint8_t *marks)
{
    for (uint32_t i = 0; i < units->count; i++) {
        uint32_t place = tree_place(tree, units->ids[i]);
        if (place != UINT32_MAX)
            marks[place] |= bit;
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        uint32_t place = tree->order[i];
        marks[place] |= marks[tree->parents[place]] & bit;
    }
}

static int units_read(struct database *db, struct arena *arena, const char *sql, uint64_t id,
                      struct units *out, struct err *err)
{
    uint64_t ids[CALLER_UNITS_MAX];
    struct statement *s = statement_get(db, sql);
    int rc;
    uint32_t count = 0;
    statement_u64(s, 1, id);
    while ((rc = statement_step(s, err)) == ERR_OK && count < CALLER_UNITS_MAX)
        ids[count++] = statement_column_u64(s, 0);
    statement_reset(s);
    uint64_t *copy = arena_alloc(arena, count * sizeof *copy);
    if (count)
        memcpy(copy, ids, count * sizeof *copy);
    *out = (struct units){copy, count};
    return rc == ERR_END ? ERR_OK : rc;
}

#define WHO_COLUMNS " u.id, u.name, u.role, u.everywhere, u.vietnamese, u.unix_name"

/* The user in the columns from `at` on, made once a table. Its units are read later: the statement
 * is still at its row. */
static struct who *who_take(struct table *t, struct statement *s, int at)
{
    uint64_t id = statement_column_u64(s, at);
    struct map_entry *known = map_find(&t->by_user, slice_make((const char *)&id, sizeof id));
    if (known)
        return (struct who *)(uintptr_t)known->value;
    struct who *who = arena_zeroed(&t->arena, 1, sizeof *who);
    const struct role_row *role = role_find(statement_column_text(s, at + 2));
    who->id = id;
    who->name = arena_copy(&t->arena, statement_column_text(s, at + 1));
    who->rights = role ? role->rights : 0;
    who->everywhere = statement_column_u64(s, at + 3) != 0 && role && !role->given_units;
    who->vietnamese = statement_column_u64(s, at + 4) != 0;
    if (!statement_column_is_null(s, at + 5))
        who->unix_name = arena_copy(&t->arena, statement_column_text(s, at + 5));
    (void)map_put(&t->by_user, slice_make((const char *)&who->id, sizeof who->id), (uintptr_t)who,
                  NULL);
    return who;
}

static struct entry *entry_new(struct table *t)
{
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 64;
        t->entries = mem_resize(t->entries, t->capacity, sizeof *t->entries);
    }
    struct entry *e = &t->entries[t->count++];
    *e = (struct entry){0};
    return e;
}

static int sessions_read(struct table *t, struct database *db, struct err *err)
{
    struct statement *s =
        statement_get(db, "SELECT s.id, s.credential_id, s.used_ns, s.expires_ns," WHO_COLUMNS
                          " FROM session s JOIN user u ON u.id = s.user_id"
                          " WHERE u.removed_ns IS NULL AND NOT u.locked");
    int rc;
    while ((rc = statement_step(s, err)) == ERR_OK) {
        struct entry *e = entry_new(t);
        e->id = statement_column_u64(s, 0);
        e->credential_id = statement_column_u64(s, 1);
        e->used_ns = statement_column_i64(s, 2);
        e->expires_ns = statement_column_i64(s, 3);
        e->everywhere = true;
        e->rights = RIGHT_ALL;
        e->who = who_take(t, s, 4);
    }
    return rc == ERR_END ? ERR_OK : rc;
}

static int tokens_read(struct table *t, struct database *db, struct err *err)
{
    struct statement *s = statement_get(
        db, "SELECT k.id, k.credential_id, k.expires_ns, k.rights, k.everywhere," WHO_COLUMNS
            " FROM token k JOIN user u ON u.id = k.user_id"
            " WHERE u.removed_ns IS NULL AND NOT u.locked");
    uint32_t first = t->count;
    int rc;
    while ((rc = statement_step(s, err)) == ERR_OK) {
        struct entry *e = entry_new(t);
        e->is_token = true;
        e->id = statement_column_u64(s, 0);
        e->credential_id = statement_column_u64(s, 1);
        e->expires_ns = statement_column_i64(s, 2);
        e->rights = (unsigned)statement_column_u64(s, 3);
        e->everywhere = statement_column_u64(s, 4) != 0;
        e->who = who_take(t, s, 5);
    }
    rc = rc == ERR_END ? ERR_OK : rc;
    for (uint32_t i = first; rc == ERR_OK && i < t->count; i++)
        if (!t->entries[i].everywhere)
            rc = units_read(db, &t->arena, "SELECT unit_id FROM token_unit WHERE token_id = ?1",
                            t->entries[i].id, &t->entries[i].units, err);
    return rc;
}

static int users_read(struct table *t, struct database *db, struct err *err)
{
    struct statement *s =
        statement_get(db, "SELECT" WHO_COLUMNS " FROM user u WHERE u.unix_name IS NOT NULL"
                          " AND u.removed_ns IS NULL AND NOT u.locked");
    int rc;
    while ((rc = statement_step(s, err)) == ERR_OK) {
        struct who *who = who_take(t, s, 0);
        (void)map_put(&t->by_unix, who->unix_name, (uintptr_t)who, NULL);
    }
    rc = rc == ERR_END ? ERR_OK : rc;
    for (struct map_entry *e = NULL; rc == ERR_OK && (e = map_next(&t->by_user, e));) {
        struct who *who = (struct who *)(uintptr_t)e->value;
        if (!who->everywhere)
            rc = units_read(db, &t->arena, "SELECT unit_id FROM user_unit WHERE user_id = ?1",
                            who->id, &who->units, err);
    }
    return rc;
}

/* Hashes: of the table before where it has them, else of credentials.db; a credential that is
 * missing leaves its entry without a key: nobody finds it. */
static int hashes_read(struct table *t, const struct table *before, struct database *credentials,
                       struct err *err)
{
    struct map known = {0};
    struct buf secret = {0};
    int rc = ERR_OK;
    for (uint32_t i = 0; before && i < before->count; i++) {
        const struct entry *e = &before->entries[i];
        (void)map_put(&known, slice_make((const char *)&e->credential_id, 8), (uintptr_t)e, NULL);
    }
    for (uint32_t i = 0; rc == ERR_OK && i < t->count; i++) {
        struct entry *e = &t->entries[i];
        struct map_entry *old = map_find(&known, slice_make((const char *)&e->credential_id, 8));
        if (old) {
            const struct entry *was = (const struct entry *)(uintptr_t)old->value;
            memcpy(e->hash, was->hash, sizeof e->hash);
            continue;
        }
        buf_clear(&secret);
        rc = credential_get(credentials, e->credential_id, CREDENTIAL_TOKEN, &secret, err);
        if (rc == ERR_OK && secret.len == sizeof e->hash)
            memcpy(e->hash, secret.data, sizeof e->hash);
        rc = rc == ERR_NOT_FOUND ? ERR_OK : rc;
    }
    for (uint32_t i = 0; i < t->count; i++)
        (void)map_put(&t->by_hash, slice_make((const char *)t->entries[i].hash, HASH_BYTES), i,
                      NULL);
    buf_free(&secret);
    map_free(&known);
    return rc;
}

static int table_read(struct table **out, const struct signin *signin, struct err *err)
{
    struct database *db = state_db(signin->state);
    struct table *t = mem_zeroed(1, sizeof *t);
    int rc = tree_read(db, &t->arena, &t->tree, err);
    if (rc == ERR_OK) {
        tree_order(&t->tree, &t->arena);
        rc = sessions_read(t, db, err);
    }
    if (rc == ERR_OK)
        rc = tokens_read(t, db, err);
    if (rc == ERR_OK)
        rc = users_read(t, db, err);
    if (rc == ERR_OK)
        rc = hashes_read(t, signin->table, state_credentials(signin->state), err);
    if (rc == ERR_OK)
        *out = t;
    else
        table_close(&t);
    return rc;
}

/* Credentials of entries that are no more and whose rows are gone. */
static int ended_remove(const struct signin *signin, const struct table *before, struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; rc == ERR_OK && before && i < before->count; i++) {
        const struct entry *e = &before->entries[i];
        struct slice hash = slice_make((const char *)e->hash, HASH_BYTES);
        if (map_find(&signin->table->by_hash, hash))
            continue;
        struct statement *s = statement_get(state_db(signin->state),
                                            e->is_token ? "SELECT 1 FROM token WHERE id = ?1"
                                                        : "SELECT 1 FROM session WHERE id = ?1");
        statement_u64(s, 1, e->id);
        rc = statement_step(s, err);
        statement_reset(s);
        if (rc == ERR_END)
            rc = credential_remove(state_credentials(signin->state), e->credential_id, err);
    }
    return rc;
}

int signin_refresh(struct signin *signin, struct err *err)
{
    struct table *fresh = NULL;
    int rc = table_read(&fresh, signin, err);
    (void)pthread_mutex_lock(&signin->lock);
    signin->stale = rc != ERR_OK;
    (void)pthread_mutex_unlock(&signin->lock);
    if (rc != ERR_OK)
        return rc;
    struct table *before = signin->table;
    (void)pthread_mutex_lock(&signin->lock);
    for (uint32_t i = 0; before && i < before->count; i++) {
        const struct entry *was = &before->entries[i];
        struct map_entry *found =
            map_find(&fresh->by_hash, slice_make((const char *)was->hash, HASH_BYTES));
        struct entry *now = found ? &fresh->entries[found->value] : NULL;
        if (now && was->used_ns > now->used_ns)
            now->used_ns = was->used_ns;
        if (now)
            now->touched = was->touched;
    }
    signin->table = fresh;
    (void)pthread_mutex_unlock(&signin->lock);
    rc = ended_remove(signin, before, err);
    table_close(&before);
    return rc;
}

int signin_open(struct signin **out, struct state *state, struct err *err)
{
    struct signin *signin = mem_zeroed(1, sizeof *signin);
    (void)pthread_mutex_init(&signin->lock, NULL);
    signin->state = state;
    int rc = signin_refresh(signin, err);
    *out = signin;
    if (rc != ERR_OK)
        signin_close(out);
    return rc;
}

void signin_close(struct signin **signin)
{
    if (!*signin)
        return;
    table_close(&(*signin)->table);
    (void)pthread_mutex_destroy(&(*signin)->lock);
    mem_free(*signin);
    *signin = NULL;
}

/* ERR_LIMIT: more units than a caller can have: none are left out in silence. */
static int caller_make(const struct table *t, const struct who *who, const struct entry *e,
                       struct arena *arena, struct caller *out, struct err *err)
{
    enum { OF_USER = 1, OF_TOKEN = 2, BOTH = 3 };
    bool token_everywhere = !e || e->everywhere;
    *out = (struct caller){
        .kind = !e            ? CALLER_UNIX
                : e->is_token ? CALLER_TOKEN
                              : CALLER_SESSION,
        .user_id = who->id,
        .session_id = e ? e->id : 0,
        .name = arena_copy(arena, who->name),
        .from = SLICE(""),
        .rights = who->rights & (e ? e->rights : RIGHT_ALL),
        .everywhere = who->everywhere && token_everywhere,
        .vietnamese = who->vietnamese,
    };
    if (out->everywhere)
        return ERR_OK;
    uint8_t *marks = arena_zeroed(arena, t->tree.count + 1, 1);
    if (who->everywhere)
        memset(marks, OF_USER, t->tree.count);
    else
        tree_mark(&t->tree, &who->units, OF_USER, marks);
    if (token_everywhere)
        for (uint32_t i = 0; i < t->tree.count; i++)
            marks[i] |= OF_TOKEN;
    else
        tree_mark(&t->tree, &e->units, OF_TOKEN, marks);
    uint64_t *units = arena_alloc(arena, CALLER_UNITS_MAX * sizeof *units);
    out->units = units;
    for (uint32_t i = 0; i < t->tree.count; i++) {
        if (marks[i] != BOTH)
            continue;
        if (out->unit_count == CALLER_UNITS_MAX)
            return caller_refuse(out, err, ERR_LIMIT,
                                 "you are for more than %d units, which is the limit: an "
                                 "administrator gives you fewer, or all",
                                 "bạn được giao quá %d đơn vị, là giới hạn: quản trị hãy giao ít "
                                 "hơn, hoặc giao toàn bộ đơn vị",
                                 CALLER_UNITS_MAX);
        units[out->unit_count++] = t->tree.ids[i];
    }
    return ERR_OK;
}

static int refuse_stale(struct err *err)
{
    return err_set(err, ERR_BUSY,
                   "who is signed in cannot be read just now: send it again in a "
                   "moment; if that goes on, look at the disk and `canh doctor`");
}

static int refuse(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "the session or token is not known or has ended: sign in");
}

/* Used of late; and not made by a clock that went back since, which would let it live on. */
static bool session_lives(const struct entry *e, int64_t now_ns)
{
    return now_ns - e->used_ns < SIGNIN_IDLE_NS &&
           e->expires_ns - now_ns <= SIGNIN_SESSION_NS + SIGNIN_IDLE_NS;
}

int signin_find(struct signin *signin, struct slice secret, int64_t now_ns, struct arena *arena,
                struct caller *out, struct err *err)
{
    uint8_t hash[HASH_BYTES];
    bool good = false;
    int rc = ERR_OK;
    if (secret.len == 0 || secret.len > CREDENTIAL_TOKEN_TEXT_BYTES)
        return refuse(err);
    credential_token_hash(secret, hash);
    (void)pthread_mutex_lock(&signin->lock);
    struct map_entry *found =
        map_find(&signin->table->by_hash, slice_make((const char *)hash, sizeof hash));
    struct entry *e = found ? &signin->table->entries[found->value] : NULL;
    bool stale = signin->stale;
    if (!stale && e && now_ns < e->expires_ns && (e->is_token || session_lives(e, now_ns))) {
        good = true;
        e->touched = e->touched || now_ns - e->used_ns >= TOUCH_SECONDS * CLOCK_SECOND_NS;
        e->used_ns = e->touched && now_ns > e->used_ns ? now_ns : e->used_ns;
        rc = caller_make(signin->table, e->who, e, arena, out, err);
    }
    (void)pthread_mutex_unlock(&signin->lock);
    if (stale)
        return refuse_stale(err);
    return good ? rc : refuse(err);
}

int signin_find_unix(struct signin *signin, struct slice unix_name, struct arena *arena,
                     struct caller *out, struct err *err)
{
    (void)pthread_mutex_lock(&signin->lock);
    struct map_entry *found = map_find(&signin->table->by_unix, unix_name);
    bool stale = signin->stale;
    int rc = stale   ? refuse_stale(err)
             : found ? caller_make(signin->table, (const struct who *)(uintptr_t)found->value, NULL,
                                   arena, out, err)
                     : ERR_OK;
    (void)pthread_mutex_unlock(&signin->lock);
    return found || stale
               ? rc
               : err_set(err, ERR_NOT_FOUND, "this Unix user is bound to no user of Canh");
}

uint32_t signin_touched(struct signin *signin, struct arena *arena, struct command_value **values)
{
    uint32_t count = 0;
    (void)pthread_mutex_lock(&signin->lock);
    struct table *t = signin->table;
    for (uint32_t i = 0; i < t->count; i++)
        count += t->entries[i].touched;
    count = count < COMMAND_VALUES_MAX ? count : COMMAND_VALUES_MAX;
    *values = arena_alloc(arena, count * sizeof **values);
    for (uint32_t i = 0, at = 0; i < t->count && at < count; i++) {
        struct entry *e = &t->entries[i];
        if (!e->touched)
            continue;
        e->touched = false;
        (*values)[at++] = (struct command_value){
            .name = SLICE("seen"),
            .text =
                arena_printf(arena, "%c%llu:%lld", e->is_token ? 't' : 's',
                             (unsigned long long)e->id, (long long)(e->used_ns / CLOCK_SECOND_NS))};
    }
    (void)pthread_mutex_unlock(&signin->lock);
    return count;
}
