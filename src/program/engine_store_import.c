/* The engine's store: files that clients give, one reader after the other. */
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_store_inside.h"
#include "program/import_cursor.h"

static void import_free(struct store_import *import)
{
    if (import->fd >= 0)
        (void)close(import->fd);
    mem_free(import->name);
    arena_free(&import->arena);
    engine_peer_unuse(import->client);
    mem_free(import);
}

void engine_store_imports_free(struct engine_store *s)
{
    while (s->imports) {
        struct store_import *import = s->imports;
        s->imports = import->next;
        mem_free(import->name); /* clients are gone with the loop */
        arena_free(&import->arena);
        if (import->fd >= 0)
            (void)close(import->fd);
        mem_free(import);
    }
}

/* client NULL: the parent. */
static void answer(struct engine_store *s, struct engine_peer *client, uint64_t id,
                   const struct store_import *import, const struct err *err)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, err ? (uint32_t)err->code : (uint32_t)ERR_OK);
    bytes_put_text(&payload, slice_from(err ? err->text : ""));
    bytes_put_u64(&payload, import ? import->stored : 0);
    bytes_put_u64(&payload, import ? import->refused : 0);
    bytes_put_u64(&payload, import ? import->findings : 0);
    bytes_put_u64(&payload, import ? import->passed_over : 0);
    if (client)
        engine_send(client, MESSAGE_IMPORTED, id, buf_as_slice(&payload), NULL, 0);
    else
        engine_tell_parent(s->engine, MESSAGE_IMPORTED, id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

/* The first of the list is done. */
static void import_end(struct engine_store *s)
{
    struct store_import *import = s->imports;
    log_say(import->rc ? LOG_WARNING : LOG_INFO, "import",
            "%llu events stored, %llu records refused, %llu findings%s%s",
            (unsigned long long)import->stored, (unsigned long long)import->refused,
            (unsigned long long)import->findings, import->rc ? ": " : "",
            import->rc ? import->err.text : "");
    answer(s, import->client, import->id, import, import->rc ? &import->err : NULL);
    s->imports = import->next;
    import_free(import);
    engine_store_import_next(s);
}

void engine_store_import_next(struct engine_store *s)
{
    struct store_import *import = s->imports;
    struct buf payload = {0};
    if (!import || import->began_ns || s->is_draining)
        return;
    import->began_ns = (int64_t)clock_monotonic_ns();
    bytes_put_text(&payload, import->source);
    bytes_put_text(&payload, slice_from(import->name));
    import->ticket = engine_store_ticket(s);
    engine_tell_parent(s->engine, MESSAGE_START_READER, import->ticket, buf_as_slice(&payload),
                       &import->fd, 1);
    (void)close(import->fd);
    import->fd = -1;
    buf_free(&payload);
}

static uint32_t imports_count(const struct engine_store *s)
{
    uint32_t count = 0;
    for (const struct store_import *i = s->imports; i; i = i->next)
        count++;
    return count;
}

int engine_store_import(struct engine_store *s, struct engine_peer *client,
                        struct wire_message *message, struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    struct slice source = bytes_take_text(&in, CONFIG_NAME_BYTES_MAX);
    struct slice name = bytes_take_text(&in, ROW_TEXT_BYTES_MAX);
    struct stat about;
    struct err why;
    int rc = ERR_OK;
    if (in.bad || bytes_left(&in) || message->fd_count != 1)
        return err_set(err, ERR_SYNTAX, "the message IMPORT is not as it must be");
    const struct live_source *configured = live_source(&s->live, source);
    if (!configured)
        rc = err_set(&why, ERR_NOT_FOUND,
                     "the node's configuration has no source %.*s: `canh config print` shows which "
                     "it has",
                     (int)source.len, source.data);
    else if (s->is_draining || imports_count(s) >= STORE_IMPORTS_MAX)
        rc = err_set(&why, ERR_BUSY, "too many imports wait: try again later");
    if (rc) {
        answer(s, client, message->id, NULL, &why);
        return ERR_OK;
    }
    struct store_import *import = mem_zeroed(1, sizeof(*import)), **end = &s->imports;
    import->client = engine_peer_use(client);
    import->id = message->id;
    import->source = configured->row.name;
    import->name = mem_copy_text(name.data, name.len);
    import->fd = wire_take_fd(message, 0);
    if (fstat(import->fd, &about) == 0 && S_ISREG(about.st_mode))
        import->cursor = import_cursor_of(&import->arena, import->source, &about);
    while (*end)
        end = &(*end)->next;
    *end = import;
    engine_store_import_next(s);
    return ERR_OK;
}

bool engine_store_import_reader(struct engine_store *s, struct store_sender *sender)
{
    struct store_import *import = s->imports;
    if (!import || !import->began_ns || import->has_reader ||
        import->ticket != sender->memory.ticket)
        return false;
    import->has_reader = true;
    sender->import = import;
    return true;
}

uint64_t engine_store_ticket(struct engine_store *s)
{
    while (s->ticket == 0)
        randombytes_buf(&s->ticket, sizeof(s->ticket));
    return ++s->ticket;
}

static void run_end(struct engine_store *s, struct store_sender *sender, bool whole)
{
    struct store_job *job = engine_store_job(s, STORE_RUN_END, sender);
    sender->import->is_ending = true;
    job->whole = whole;
    engine_store_job_put(s, job);
}

int engine_store_import_all(struct engine_store *s, struct store_sender *sender,
                            struct wire_message *message, struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    uint64_t records = bytes_take_u64(&in), refused = bytes_take_u64(&in);
    uint64_t passed_over = bytes_take_u64(&in);
    struct slice why = bytes_take_text(&in, ERR_TEXT_BYTES);
    struct store_import *import = sender->import;
    if (sender->journal && !in.bad && !bytes_left(&in))
        return ERR_OK; /* its wire closes next */
    if (in.bad || bytes_left(&in) || !import || import->is_ending || refused > records)
        return err_set(err, ERR_SYNTAX, "the message HAULED_ALL is not as it must be");
    import->is_read = true;
    import->passed_over = passed_over;
    if (why.len)
        import->rc = err_set(&import->err, ERR_DAMAGED, "%.*s", (int)why.len, why.data);
    run_end(s, sender, why.len == 0);
    return ERR_OK;
}

void engine_store_import_gone(struct engine_store *s, struct store_sender *sender)
{
    struct store_import *import = sender->import;
    if (import->is_ending)
        return;
    import->rc = err_set(&import->err, ERR_IO,
                         "the process that read the file ended before it was done: what it had "
                         "given is stored; the node's log says why it ended");
    run_end(s, sender, false);
}

void engine_store_import_hauled(struct engine_store *s, const struct store_job *job)
{
    struct store_import *import = job->sender->import;
    (void)s;
    import->stored += job->haul.stored;
    import->refused += job->haul.refused;
    import->findings += job->haul.findings;
}

void engine_store_import_end(struct engine_store *s, const struct store_job *job)
{
    struct store_import *import = job->sender->import;
    check(import && import == s->imports);
    job->sender->import = NULL;
    import->findings += job->haul.findings;
    metric_add(&s->metrics[STORE_METRIC_FINDINGS], job->haul.findings);
    if (job->haul.rc && !import->rc) {
        import->rc = job->haul.rc;
        import->err = job->haul.err;
    }
    import_end(s);
}

void engine_store_import_tick(struct engine_store *s)
{
    struct store_import *import = s->imports;
    if (!import || !import->began_ns || import->has_reader)
        return;
    int64_t waited_ns = (int64_t)clock_monotonic_ns() - import->began_ns;
    if (waited_ns < STORE_READER_SECONDS * CLOCK_SECOND_NS)
        return;
    import->rc = err_set(&import->err, ERR_BUSY,
                         "no process could be started to read the file: `canh status` says why");
    import_end(s);
}
