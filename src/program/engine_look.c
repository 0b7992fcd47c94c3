/* What the writer's thread reads for others between two groups: figures, and what is due in the
 * outbox. */
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/engine_writer.h"
#include "program/keys.h"
#include "state/audit.h"

enum { CERTIFICATE_LOOKS = 30 /* every so many looks */ };

static int number(struct database *db, const char *sql, uint64_t *out, struct err *err)
{
    struct statement *s = statement_get(db, sql);
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc;
    *out = statement_column_u64(s, 0);
    statement_reset(s);
    return ERR_OK;
}

static int head(struct database *db, struct engine_figures *out, struct err *err)
{
    struct statement *s = statement_get(db, "SELECT audit_id, hash FROM audit_head");
    int rc = statement_step(s, err);
    if (rc == ERR_END) {
        out->audit_rows = 0;
        return ERR_OK;
    }
    if (rc != ERR_OK)
        return rc;
    struct digest hash;
    struct slice bytes = statement_column_text(s, 1);
    out->audit_rows = statement_column_u64(s, 0);
    if (bytes.len == sizeof(hash.bytes)) {
        memcpy(hash.bytes, bytes.data, bytes.len);
        audit_head_text(&hash, out->head);
    }
    statement_reset(s);
    return ERR_OK;
}

static int node(struct database *db, struct engine_figures *out, struct err *err)
{
    struct statement *s = statement_get(db, "SELECT value FROM meta WHERE key = 'node'");
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc;
    struct slice text = statement_column_text(s, 0);
    (void)snprintf(out->node, sizeof(out->node), "%.*s", (int)text.len, text.data);
    statement_reset(s);
    return ERR_OK;
}

/* The one that the console shows; a renewed one is seen without a restart. */
static void certificate(const struct role_context *c, struct engine_figures *out)
{
    struct buf pem = {0};
    struct keys_certificate about;
    struct err err;
    struct slice own = c->config->web.certificate_file;
    out->certificate_until_ns = CLOCK_NONE;
    out->certificate[0] = 0;
    if (!c->config->web.tls)
        return;
    int rc = own.len > 0 ? io_read_file(&pem, own.data, KEYS_BYTES_MAX, &err)
                         : keys_read(c->data, KEYS_TLS, &pem, &err);
    if (rc == ERR_OK && keys_certificate_read(buf_as_slice(&pem), &about, &err) == ERR_OK) {
        out->certificate_until_ns = about.not_after_ns;
        memcpy(out->certificate, about.fingerprint, sizeof(out->certificate));
    }
    buf_free(&pem);
}

static int look(struct engine_writer *w, struct engine_figures *out, struct err *err)
{
    struct database *db = state_db(w->engine->state);
    struct statvfs disk;
    if (statvfs(w->engine->context->data, &disk) == 0)
        out->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    out->epoch = state_epoch(w->engine->state);
    if (w->looks++ % CERTIFICATE_LOOKS == 0)
        certificate(w->engine->context, out);
    int rc = head(db, out, err);
    if (rc == ERR_OK)
        rc = number(db, "SELECT count(*) FROM user WHERE removed_ns IS NULL", &out->users, err);
    if (rc == ERR_OK)
        rc = number(db, "SELECT count(*) FROM unit", &out->units, err);
    if (rc == ERR_OK)
        rc = number(db, "SELECT count(*) FROM system", &out->systems, err);
    if (rc == ERR_OK)
        rc = number(db, "SELECT count(*) FROM host", &out->hosts, err);
    if (rc == ERR_OK)
        rc = number(db, "SELECT count(*) FROM session", &out->sessions, err);
    return rc == ERR_OK ? outbox_stats(db, &out->outbox, err) : rc;
}

void engine_writer_look(struct engine_writer *w)
{
    struct err err;
    struct engine_figures figures;
    engine_writer_figures(w, &figures);
    if (look(w, &figures, &err) != ERR_OK) {
        log_err(LOG_WARNING, "figures", &err);
        return;
    }
    check(pthread_mutex_lock(&w->mutex) == 0);
    w->figures = figures;
    check(pthread_mutex_unlock(&w->mutex) == 0);
}

int engine_writer_look_first(struct engine_writer *w, struct err *err)
{
    int rc = node(state_db(w->engine->state), &w->figures, err);
    return rc == ERR_OK ? look(w, &w->figures, err) : rc;
}

/* ---- outbox ---- */

struct due_search {
    struct engine_writer *w;
    struct engine_due *first, **last;
    size_t bytes;
};

/* Under the lock: whether it may go, then it counts as handed over. */
static bool flight_begin(struct engine_writer *w, uint64_t id, uint64_t channel)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < w->flight_count; i++) {
        if (w->flights[i].id == id)
            return false;
        same += w->flights[i].channel == channel;
    }
    if (w->flight_count == ENGINE_FLIGHTS_MAX || same >= ENGINE_CHANNEL_FLIGHTS_MAX)
        return false;
    w->flights[w->flight_count++] = (struct engine_flight){id, channel};
    return true;
}

static int due_visit(void *context, const struct outbox_message *m)
{
    struct due_search *search = context;
    struct engine_writer *w = search->w;
    if (search->bytes > ENGINE_DUE_BYTES_MAX)
        return ERR_LIMIT;
    check(pthread_mutex_lock(&w->mutex) == 0);
    bool goes = flight_begin(w, m->id, hash_slice(m->channel, 0));
    check(pthread_mutex_unlock(&w->mutex) == 0);
    if (!goes)
        return ERR_OK;
    struct engine_due *due = mem_zeroed(1, sizeof(*due));
    due->id = m->id;
    buf_slice(&due->channel, m->channel);
    buf_slice(&due->key, m->key);
    buf_slice(&due->subject, m->subject);
    buf_slice(&due->body, m->body);
    search->bytes += m->body.len;
    *search->last = due;
    search->last = &due->next;
    return ERR_OK;
}

void engine_writer_look_out(struct engine_writer *w)
{
    struct err err = {0};
    struct due_search search = {.w = w};
    search.last = &search.first;
    check(pthread_mutex_lock(&w->mutex) == 0);
    bool full = w->flight_count == ENGINE_FLIGHTS_MAX || w->due;
    check(pthread_mutex_unlock(&w->mutex) == 0);
    if (full)
        return;
    int rc = outbox_due(state_db(w->engine->state), clock_now_ns(), 4 * ENGINE_FLIGHTS_MAX,
                        due_visit, &search, &err);
    if (rc != ERR_OK && rc != ERR_LIMIT)
        log_err(LOG_WARNING, "outbox", &err);
    if (!search.first)
        return;
    check(pthread_mutex_lock(&w->mutex) == 0);
    w->due = search.first;
    check(pthread_mutex_unlock(&w->mutex) == 0);
    (void)uv_async_send(&w->collect);
}

void engine_due_free(struct engine_due **due)
{
    while (*due) {
        struct engine_due *one = *due;
        *due = one->next;
        buf_free(&one->channel);
        buf_free(&one->key);
        buf_free(&one->subject);
        buf_free(&one->body);
        mem_free(one);
    }
}
