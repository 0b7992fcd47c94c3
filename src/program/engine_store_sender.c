/* The engine's store: its senders, intake and readers: the memory they share, their hauls, what was
 * lost with those that died. */
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_rules.h"
#include "program/engine_store_inside.h"

enum { SLOTS_MAX = 32 };

void engine_store_sender_unuse(struct store_sender *sender)
{
    if (--sender->uses > 0)
        return;
    if (sender->memory.fd >= 0)
        (void)close(sender->memory.fd);
    mem_free(sender);
}

int engine_store_shared(struct engine_store *s, struct wire_message *message, struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    struct store_shared shared = {.slots = bytes_take_u32(&in), .slot_bytes = bytes_take_u64(&in)};
    shared.role = (enum role)bytes_take_u32(&in);
    shared.instance = bytes_take_u32(&in);
    shared.ticket = bytes_take_u64(&in);
    shared.id = bytes_take_u64(&in);
    if (in.bad || bytes_left(&in) || message->fd_count != 1 || shared.slots > SLOTS_MAX ||
        shared.slot_bytes > HAUL_SLOT_BYTES)
        return err_set(err, ERR_SYNTAX, "the message SHARED is not as it must be");
    struct store_shared *place = NULL;
    for (int i = 0; i < STORE_SHARED_MAX && !place; i++)
        if (s->shared[i].fd >= 0 && s->shared[i].role == shared.role &&
            s->shared[i].instance == shared.instance)
            place = &s->shared[i];
    for (int i = 0; i < STORE_SHARED_MAX && !place; i++)
        if (s->shared[i].fd < 0)
            place = &s->shared[i];
    if (!place)
        return err_set(err, ERR_LIMIT, "too many memories are shared");
    if (place->fd >= 0)
        (void)close(place->fd);
    shared.fd = wire_take_fd(message, 0);
    *place = shared;
    return ERR_OK;
}

static void memory_take(struct engine_store *s, struct store_sender *sender)
{
    for (int i = 0; i < STORE_SHARED_MAX; i++) {
        struct store_shared *shared = &s->shared[i];
        if (shared->fd < 0 || shared->role != sender->peer->role ||
            shared->instance != sender->peer->instance)
            continue;
        sender->memory = *shared;
        shared->fd = -1;
        return;
    }
    log_say(LOG_ERROR, "store", "a sender of events has no memory to share");
}

void engine_store_peer(struct engine_store *s, struct engine_peer *peer)
{
    struct store_sender *sender = mem_zeroed(1, sizeof(*sender));
    sender->peer = peer;
    sender->uses = 1;
    sender->memory.fd = -1;
    sender->role = peer->role;
    sender->instance = peer->instance;
    peer->own = sender;
    memory_take(s, sender);
    engine_rules_peer(s->rules, peer);
    if (peer->role == ROLE_READER && !engine_store_journal_reader(s, sender) &&
        !engine_store_import_reader(s, sender)) {
        log_say(LOG_INFO, "reader", "a reader of an engine before this one is ended");
        engine_end_role(s->engine, ROLE_READER, peer->instance, "");
        return; /* what it sends is refused */
    }
    /* Behind all hauls that an earlier intake had handed over: its cursors are durable then. */
    engine_store_job_put(s, engine_store_job(s, STORE_RESUME, sender));
}

/* The page behind the slots; false: the memory has none. */
static bool page_read(const struct store_sender *sender, struct tally_page *page)
{
    off_t at = (off_t)(sender->memory.slots * sender->memory.slot_bytes);
    return sender->memory.fd >= 0 &&
           pread(sender->memory.fd, page, sizeof(*page), at) == (ssize_t)sizeof(*page);
}

/* sender NULL: of an engine before this one. */
static void gone_put(struct engine_store *s, struct store_sender *sender, uint64_t id,
                     const struct tally_page *page)
{
    struct store_job *job = engine_store_job(s, STORE_GONE, sender);
    job->gone = mem_zeroed(1, sizeof(*job->gone));
    job->gone->id = id;
    memcpy(job->gone->cut, page->cut, sizeof(page->cut));
    engine_store_job_put(s, job);
}

/* Behind all its hauls: what it cut and they did not bring was lost with it. */
static void sender_account(struct engine_store *s, struct store_sender *sender)
{
    struct tally_page page;
    if (s->is_started && sender->role == ROLE_INTAKE && page_read(sender, &page))
        gone_put(s, sender, sender->memory.id, &page);
}

int engine_store_tally(struct engine_store *s, struct wire_message *message, struct err *err)
{
    struct tally_page page;
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    uint64_t id = bytes_take_u64(&in);
    if (in.bad || bytes_left(&in) != sizeof(page))
        return err_set(err, ERR_SYNTAX, "the message TALLY is not as it must be");
    memcpy(&page, message->payload.data + message->payload.len - sizeof(page), sizeof(page));
    for (struct engine_peer *p = s->engine->peers; p; p = p->next) {
        struct store_sender *sender = p->own;
        if (sender && p->role == ROLE_INTAKE && sender->memory.id == id)
            return ERR_OK; /* its wire is still to be seen closed */
    }
    gone_put(s, NULL, id, &page);
    return ERR_OK;
}

void engine_store_gone(struct engine_store *s, struct engine_peer *peer)
{
    struct store_sender *sender = peer->own;
    if (!sender)
        return;
    peer->own = NULL;
    sender->peer = NULL;
    engine_rules_gone(s->rules, peer);
    if (sender->import)
        engine_store_import_gone(s, sender);
    if (sender->journal)
        engine_store_journal_gone(s, sender->journal);
    sender->journal = NULL;
    sender_account(s, sender);
    engine_store_sender_unuse(sender);
}

static int haul_take(struct engine_store *s, struct store_sender *sender,
                     struct wire_message *message, struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    uint32_t slot = bytes_take_u32(&in), bytes = bytes_take_u32(&in);
    bool historical = sender->peer->role == ROLE_READER && !sender->journal;
    if (in.bad || bytes_left(&in) || slot >= sender->memory.slots ||
        bytes > sender->memory.slot_bytes || sender->busy & 1u << slot)
        return err_set(err, ERR_SYNTAX,
                       "a haul names memory that is not there, or not its sender's");
    if (historical && (!sender->import || sender->import->is_ending))
        return err_set(err, ERR_SYNTAX, "a reader that nobody asked for sends events");
    struct store_job *job = engine_store_job(s, STORE_HAUL, sender);
    sender->busy |= 1u << slot;
    job->id = message->id;
    job->slot = slot;
    job->haul = (struct engine_haul){.fd = sender->memory.fd,
                                     .offset = slot * sender->memory.slot_bytes,
                                     .bytes = bytes,
                                     .historical = historical,
                                     .sender_id = sender->memory.id,
                                     .sender_role = sender->role,
                                     .sender_instance = sender->instance};
    if (historical) {
        job->haul.import_source = sender->import->source;
        job->haul.import_cursor = sender->import->cursor;
    }
    if (sender->journal) {
        job->haul.journal_source = sender->journal->source;
        job->haul.import_cursor = sender->journal->cursor;
    }
    engine_store_job_put(s, job);
    return ERR_OK;
}

int engine_store_message(struct engine_store *s, struct engine_peer *peer,
                         struct wire_message *message, struct err *err)
{
    struct store_sender *sender = peer->own;
    if (!sender)
        return err_set(err, ERR_SYNTAX, "a haul of nobody");
    return message->type == MESSAGE_HAUL ? haul_take(s, sender, message, err)
                                         : engine_store_import_all(s, sender, message, err);
}
