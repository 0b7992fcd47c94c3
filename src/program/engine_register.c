/* The registered hosts, for intake: read by the writer's thread when commands changed them, handed
 * over by the loop. */
#include "program/engine_register.h"

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_writer.h"
#include "watch/register.h"

#define PAUSE_NS (2 * (uint64_t)CLOCK_SECOND_NS) /* at least, between two readings */

struct engine_register {
    struct engine *engine;
    pthread_mutex_t mutex;
    struct buf bytes; /* under mutex; the newest, empty: none yet */
    uint64_t version; /* under mutex */
    /* the writer's thread */
    bool changed;
    uint64_t read_ns;
    bool full_told;
};

struct engine_register *engine_register_open(struct engine *e)
{
    struct engine_register *r = mem_zeroed(1, sizeof(*r));
    r->engine = e;
    r->changed = true;
    check(pthread_mutex_init(&r->mutex, NULL) == 0);
    return r;
}

void engine_register_close(struct engine_register **reg)
{
    struct engine_register *r = *reg;
    *reg = NULL;
    if (!r)
        return;
    check(pthread_mutex_destroy(&r->mutex) == 0);
    buf_free(&r->bytes);
    mem_free(r);
}

/* ---- writer's thread ---- */

void engine_register_done(struct engine_register *r, struct slice command)
{
    static const char *const nouns[] = {"host.", "system.", "unit.", "import."};
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
        r->changed = r->changed || slice_starts(command, slice_from(nouns[i]));
}

/* Each host by its name, and by each of its addresses. */
static const char by_name[] = "SELECT h.name, h.name, coalesce(s.name, ''), u.name FROM host h "
                              "JOIN unit u ON u.id = h.unit_id"
                              " LEFT JOIN system s ON s.id = h.system_id";
static const char by_address[] =
    "SELECT a.address, h.name, coalesce(s.name, ''), u.name FROM host_address a"
    " JOIN host h ON h.id = a.host_id JOIN unit u ON u.id = h.unit_id"
    " LEFT JOIN system s ON s.id = h.system_id";

static int hosts_read(struct database *db, const char *sql, struct buf *out, bool *is_full,
                      struct err *err)
{
    struct statement *s = statement_get(db, sql);
    int rc;
    while ((rc = statement_step(s, err)) == ERR_OK && !*is_full) {
        struct register_host host = {.host = statement_column_text(s, 1)};
        host.system = statement_column_text(s, 2);
        host.unit = statement_column_text(s, 3);
        *is_full = !register_put(out, statement_column_text(s, 0), &host);
    }
    statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

static int all_read(struct database *db, struct buf *out, bool *is_full, struct err *err)
{
    register_begin(out);
    int rc = hosts_read(db, by_name, out, is_full, err);
    return rc ? rc : hosts_read(db, by_address, out, is_full, err);
}

void engine_register_look(struct engine_register *r, uint64_t now_ns)
{
    struct buf bytes = {0};
    struct err err;
    bool is_full = false;
    if (!r->changed || (r->read_ns && now_ns - r->read_ns < PAUSE_NS))
        return;
    r->read_ns = now_ns;
    r->changed = false;
    if (all_read(state_db(r->engine->state), &bytes, &is_full, &err) != ERR_OK) {
        log_err(LOG_WARNING, "register", &err);
        r->changed = true;
        buf_free(&bytes);
        return;
    }
    if (is_full && !r->full_told)
        log_say(
            LOG_WARNING, "register",
            "more hosts are registered than events can be attributed to: %d names and addresses "
            "are the limit",
            REGISTER_ENTRIES_MAX);
    r->full_told = is_full;
    check(pthread_mutex_lock(&r->mutex) == 0);
    struct buf old = r->bytes;
    r->bytes = bytes;
    r->version++;
    check(pthread_mutex_unlock(&r->mutex) == 0);
    buf_free(&old);
}

/* ---- loop ---- */

static bool is_told(const struct engine_peer *p)
{
    return p->peer && (p->role == ROLE_INTAKE || p->role == ROLE_READER);
}

void engine_register_tell(struct engine_register *r, struct engine_peer *only)
{
    check(pthread_mutex_lock(&r->mutex) == 0);
    uint64_t version = r->version;
    for (struct engine_peer *p = r->engine->peers; p && version; p = p->next) {
        if (!is_told(p) || (only && p != only) || p->register_version == version)
            continue;
        p->register_version = version;
        engine_send(p, MESSAGE_REGISTER, 0, buf_as_slice(&r->bytes), NULL, 0);
    }
    check(pthread_mutex_unlock(&r->mutex) == 0);
}
