#include "watch/intake_shared.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/carry.h"
#include "watch/message.h"

#define ASK_NS ((uint64_t)10 * CLOCK_SECOND_NS)
enum { WHO_NAME_BYTES = 128 };

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_SENT, SLOT_DONE };

struct slot {
    enum slot_state state;
    uint64_t id;
    int rc;
    struct err err;
    struct intake_hauled result;
    struct buf known;
};

struct ask { /* of a token */
    bool used, done;
    uint64_t id;
    int rc;
    unsigned rights;
    char who[INTAKE_WHO_BYTES];
};

struct intake_shared {
    char *memory;
    size_t memory_bytes;
    struct tally_page *page; /* behind the slots; NULL: the memory has no room for it */
    uint32_t slot_count;
    uint64_t slot_bytes;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct peer *peer;
    uint64_t term, resumed; /* resumed == term: it said RESUME */
    uint64_t next_id;
    bool ended;
    struct slot slots[HAUL_SLOTS];
    struct ask asks[INTAKE_ASKS_MAX];
    struct map cursors; /* name to place in values */
    struct buf *values;
    uint32_t value_count;
    struct arena arena; /* names of cursors */
    struct register_share *hosts;
};

int intake_shared_open(struct intake_shared **out, int fd, uint32_t slots, uint64_t slot_bytes,
                       struct err *err)
{
    pthread_condattr_t attributes;
    if (fd < 0 || slots == 0 || slots > HAUL_SLOTS)
        return err_set(err, ERR_USAGE, "there is no memory to hand events over in");
    struct stat about;
    size_t bytes = slots * slot_bytes;
    if (fstat(fd, &about) == 0 && (uint64_t)about.st_size >= bytes + TALLY_BYTES)
        bytes += TALLY_BYTES;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return err_set_errno(err, errno, "the memory shared with the engine cannot be mapped");
    struct intake_shared *s = mem_zeroed(1, sizeof(*s));
    s->memory = memory;
    s->memory_bytes = bytes;
    s->slot_count = slots;
    s->slot_bytes = slot_bytes;
    if (bytes >= slots * slot_bytes + TALLY_BYTES)
        s->page = (struct tally_page *)(void *)(s->memory + slots * slot_bytes);
    s->values = mem_zeroed(INTAKE_CURSORS_MAX, sizeof(*s->values));
    s->hosts = register_share_open();
    check(pthread_mutex_init(&s->mutex, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&s->changed, &attributes) == 0);
    check(pthread_condattr_destroy(&attributes) == 0);
    *out = s;
    return ERR_OK;
}

static void cursors_forget(struct intake_shared *s)
{
    map_free(&s->cursors);
    arena_reset(&s->arena);
    for (uint32_t i = 0; i < s->value_count; i++)
        buf_free(&s->values[i]);
    s->value_count = 0;
}

void intake_shared_close(struct intake_shared **shared)
{
    struct intake_shared *s = *shared;
    if (!s)
        return;
    (void)munmap(s->memory, s->memory_bytes);
    for (uint32_t i = 0; i < HAUL_SLOTS; i++)
        buf_free(&s->slots[i].known);
    check(pthread_cond_destroy(&s->changed) == 0);
    check(pthread_mutex_destroy(&s->mutex) == 0);
    cursors_forget(s);
    register_share_close(&s->hosts);
    mem_free(s->values);
    arena_free(&s->arena);
    mem_free(s);
    *shared = NULL;
}

static void lock(struct intake_shared *s)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
}

static void unlock(struct intake_shared *s)
{
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

static void tell(struct intake_shared *s)
{
    check(pthread_cond_broadcast(&s->changed) == 0);
}

/* Under the lock. False: it is until_ns (monotonic). */
static bool await(struct intake_shared *s, uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / CLOCK_SECOND_NS),
                             .tv_nsec = (long)(until_ns % CLOCK_SECOND_NS)};
    int rc = pthread_cond_timedwait(&s->changed, &s->mutex, &until);
    check(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}

/* ---- the loop's side ---- */

static void waiting_end(struct intake_shared *s)
{
    for (uint32_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].state == SLOT_SENT) {
            s->slots[i].state = SLOT_DONE;
            s->slots[i].rc = err_set(&s->slots[i].err, ERR_CLOSED, "the engine starts again");
        }
    for (uint32_t i = 0; i < INTAKE_ASKS_MAX; i++)
        if (s->asks[i].used && !s->asks[i].done) {
            s->asks[i].done = true;
            s->asks[i].rc = ERR_CLOSED;
        }
}

void intake_shared_begin(struct intake_shared *s, struct peer *peer)
{
    lock(s);
    waiting_end(s);
    cursors_forget(s);
    s->peer = peer;
    s->term++;
    tell(s);
    unlock(s);
}

void intake_shared_gone(struct intake_shared *s)
{
    lock(s);
    waiting_end(s);
    s->peer = NULL;
    tell(s);
    unlock(s);
}

void intake_shared_end(struct intake_shared *s)
{
    lock(s);
    s->ended = true;
    tell(s);
    unlock(s);
}

bool intake_shared_has_ended(struct intake_shared *s)
{
    lock(s);
    bool ended = s->ended;
    unlock(s);
    return ended;
}

static void done_take(struct intake_shared *s, uint64_t id, struct bytes_in *in)
{
    uint32_t number = bytes_take_u32(in);
    int rc = (int32_t)bytes_take_u32(in);
    struct slice why = bytes_take_text(in, ERR_TEXT_BYTES);
    struct intake_hauled result = {.first_sequence = bytes_take_u64(in)};
    result.stored = bytes_take_u32(in);
    result.refused = bytes_take_u32(in);
    struct slice known = message_take_long(in, BATCH_ROWS_MAX / 8);
    if (in->bad || number >= s->slot_count || s->slots[number].state != SLOT_SENT ||
        s->slots[number].id != id)
        return;
    struct slot *slot = &s->slots[number];
    slot->state = SLOT_DONE;
    slot->result = result;
    buf_clear(&slot->known);
    buf_slice(&slot->known, known);
    slot->rc = rc ? err_set(&slot->err, rc, "%.*s", (int)why.len, why.data) : ERR_OK;
}

static void caller_take(struct intake_shared *s, uint64_t id, struct bytes_in *in)
{
    struct caller caller;
    struct arena arena = {0};
    int rc = (int32_t)bytes_take_u32(in);
    if (rc == ERR_OK && caller_unpack(in, &arena, &caller, NULL) != ERR_OK)
        in->bad = true;
    for (uint32_t i = 0; i < INTAKE_ASKS_MAX && !in->bad; i++) {
        struct ask *ask = &s->asks[i];
        if (!ask->used || ask->done || ask->id != id)
            continue;
        ask->done = true;
        ask->rc = rc;
        ask->rights = rc ? 0 : caller.rights;
        if (rc == ERR_OK)
            (void)snprintf(ask->who, sizeof(ask->who), "token:%.*s:%llu", WHO_NAME_BYTES,
                           arena_copy(&arena, caller.name).data,
                           (unsigned long long)caller.session_id);
    }
    arena_free(&arena);
}

static void cursor_set(struct intake_shared *s, struct slice name, struct slice value)
{
    bool made;
    struct map_entry *known = map_find(&s->cursors, name);
    if (!known && s->value_count == INTAKE_CURSORS_MAX)
        return;
    if (!known)
        known = map_put(&s->cursors, arena_copy(&s->arena, name), s->value_count++, &made);
    buf_clear(&s->values[known->value]);
    buf_slice(&s->values[known->value], value);
}

static void register_take(struct intake_shared *s, struct slice bytes, struct bytes_in *in)
{
    struct register_table *table;
    if (register_open(&table, bytes, NULL) == ERR_OK)
        register_share_set(s->hosts, table);
    else
        in->bad = true;
}

struct register_table *intake_shared_register(struct intake_shared *s)
{
    return register_share_get(s->hosts);
}

int intake_shared_message(struct intake_shared *s, struct wire_message *message, struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    struct slice name, value;
    lock(s);
    switch (message->type) {
    case MESSAGE_HAUL_DONE:
        done_take(s, message->id, &in);
        break;
    case MESSAGE_CURSOR:
        name = bytes_take_text(&in, UINT16_MAX);
        value = bytes_take_text(&in, UINT16_MAX);
        if (!in.bad)
            cursor_set(s, name, value);
        break;
    case MESSAGE_RESUME:
        s->resumed = s->term;
        break;
    case MESSAGE_CALLER:
        caller_take(s, message->id, &in);
        break;
    case MESSAGE_REGISTER:
        register_take(s, buf_as_slice(&message->payload), &in);
        break;
    default:
        in.bad = true;
    }
    tell(s);
    unlock(s);
    return in.bad ? err_set(err, ERR_SYNTAX,
                            "a message of the engine, type %u, is not as it must be", message->type)
                  : ERR_OK;
}

/* ---- the sources' side ---- */

static int gone(const struct intake_shared *s, struct err *err)
{
    return s->ended
               ? err_set(err, ERR_CANCELED, "the node ends")
               : err_set(err, ERR_BUSY, "the engine is not there, or the store does not keep up");
}

/* Under the lock. NULL: none in time. */
static struct slot *slot_take(struct intake_shared *s, uint64_t until_ns)
{
    for (bool in_time = true; !s->ended && in_time; in_time = await(s, until_ns))
        for (uint32_t i = 0; s->peer && s->resumed == s->term && i < s->slot_count; i++)
            if (s->slots[i].state == SLOT_FREE) {
                s->slots[i].state = SLOT_FILLING;
                return &s->slots[i];
            }
    return NULL;
}

/* Under the lock, which it lets go of while it copies. */
static int slot_send(struct intake_shared *s, struct slot *slot, struct slice packed,
                     struct err *err)
{
    struct buf payload = {0};
    uint64_t term = s->term;
    uint32_t number = (uint32_t)(slot - s->slots);
    unlock(s);
    memcpy(s->memory + number * s->slot_bytes, packed.data, packed.len);
    bytes_put_u32(&payload, number);
    bytes_put_u32(&payload, (uint32_t)packed.len);
    lock(s);
    int rc = ERR_OK;
    if (!s->peer || s->term != term)
        rc = err_set(err, ERR_CLOSED, "the engine starts again");
    slot->id = ++s->next_id;
    if (rc == ERR_OK)
        rc = peer_send(s->peer, MESSAGE_HAUL, slot->id, buf_as_slice(&payload), NULL, 0, err);
    if (rc == ERR_OK)
        slot->state = SLOT_SENT;
    buf_free(&payload);
    return rc;
}

/* Under the lock: hands over once. *term: whose engine had it. */
static int haul_once(struct intake_shared *s, const struct intake_hauling *haul, uint64_t until_ns,
                     uint64_t *term, struct intake_hauled *out, struct err *err)
{
    struct slot *slot = slot_take(s, until_ns);
    if (!slot)
        return gone(s, err);
    *term = s->term;
    int rc = slot_send(s, slot, haul->packed, err);
    /* What was handed over is waited for to its end: its slot is the engine's until then. */
    while (rc == ERR_OK && slot->state == SLOT_SENT)
        check(pthread_cond_wait(&s->changed, &s->mutex) == 0);
    if (rc == ERR_OK) {
        rc = slot->rc;
        out->first_sequence = slot->result.first_sequence;
        out->stored = slot->result.stored;
        out->refused = slot->result.refused;
        buf_clear(&out->known);
        buf_slice(&out->known, buf_as_slice(&slot->known));
        if (rc && err)
            *err = slot->err;
    }
    slot->state = SLOT_FREE;
    tell(s);
    return rc;
}

/* Under the lock: whether the engine that came after says that the haul is durable. */
static bool is_durable(struct intake_shared *s, const struct intake_hauling *haul)
{
    char name[HAUL_LANE_BYTES];
    uint64_t number;
    const struct map_entry *known = map_find(&s->cursors, haul_lane_cursor(haul->lane, name));
    return known && slice_to_u64(buf_as_slice(&s->values[known->value]), &number) &&
           number >= haul->number;
}

int intake_shared_haul(struct intake_shared *s, const struct intake_hauling *haul,
                       struct intake_hauled *out, struct err *err)
{
    uint64_t term = 0, until_ns = clock_monotonic_ns() + haul->wait_ns;
    int rc;
    if (haul->packed.len > s->slot_bytes)
        return err_set(err, ERR_LIMIT, "the events do not fit into the shared memory");
    lock(s);
    for (;;) {
        rc = haul_once(s, haul, until_ns, &term, out, err);
        if (rc != ERR_CLOSED || haul->lane == 0)
            break;
        bool in_time = true;
        while (!s->ended && in_time && (!s->peer || s->resumed != s->term || s->term == term))
            in_time = await(s, until_ns);
        if (s->ended || !in_time)
            break;
        if (is_durable(s, haul)) {
            out->first_sequence = 0;
            out->stored = out->refused = UINT32_MAX;
            rc = ERR_OK;
            break;
        }
    }
    unlock(s);
    return rc;
}

uint64_t intake_shared_term(struct intake_shared *s, uint64_t known, uint64_t wait_ns)
{
    uint64_t until_ns = clock_monotonic_ns() + wait_ns;
    lock(s);
    for (bool in_time = true;
         !s->ended && in_time && (!s->peer || s->resumed != s->term || s->term == known);
         in_time = await(s, until_ns)) {
    }
    uint64_t term = s->peer && s->resumed == s->term ? s->term : 0;
    unlock(s);
    return term;
}

void intake_shared_wait(struct intake_shared *s, uint64_t wait_ns)
{
    uint64_t until_ns = clock_monotonic_ns() + wait_ns;
    lock(s);
    while (!s->ended && await(s, until_ns)) {
    }
    unlock(s);
}

bool intake_shared_cursor(struct intake_shared *s, struct slice name, struct buf *value)
{
    lock(s);
    const struct map_entry *known = map_find(&s->cursors, name);
    if (known)
        buf_slice(value, buf_as_slice(&s->values[known->value]));
    unlock(s);
    return known != NULL;
}

bool intake_shared_cursor_like(struct intake_shared *s, struct slice begin, struct buf *value)
{
    bool found = false;
    lock(s);
    for (uint32_t i = 0; i < s->value_count && !found; i++) {
        found = slice_starts(buf_as_slice(&s->values[i]), begin);
        if (found)
            buf_slice(value, buf_as_slice(&s->values[i]));
    }
    unlock(s);
    return found;
}

void intake_shared_cursors(struct intake_shared *s, struct buf *items)
{
    lock(s);
    for (struct map_entry *e = NULL; (e = map_next(&s->cursors, e));)
        carry_put_cursor(items, e->key, buf_as_slice(&s->values[e->value]));
    unlock(s);
}

void intake_shared_cursor_set(struct intake_shared *s, struct slice name, struct slice value)
{
    lock(s);
    cursor_set(s, name, value);
    unlock(s);
}

/* Under the lock. */
static struct ask *ask_take(struct intake_shared *s)
{
    for (uint32_t i = 0; i < INTAKE_ASKS_MAX; i++)
        if (!s->asks[i].used) {
            s->asks[i] = (struct ask){.used = true, .id = ++s->next_id};
            return &s->asks[i];
        }
    return NULL;
}

int intake_shared_may(struct intake_shared *s, struct slice secret, struct slice from,
                      unsigned rights, char who[INTAKE_WHO_BYTES], struct err *err)
{
    struct buf payload = {0};
    uint64_t until_ns = clock_monotonic_ns() + ASK_NS;
    int rc = ERR_OK;
    bytes_put_text(&payload, secret);
    bytes_put_text(&payload, from);
    lock(s);
    struct ask *ask = s->peer && !s->ended ? ask_take(s) : NULL;
    if (!ask)
        rc = s->peer && !s->ended ? err_set(err, ERR_LIMIT, "too many tokens are being checked")
                                  : gone(s, err);
    else
        rc = peer_send(s->peer, MESSAGE_WHO, ask->id, buf_as_slice(&payload), NULL, 0, err);
    while (rc == ERR_OK && !ask->done && !s->ended)
        if (!await(s, until_ns) && !ask->done)
            rc = err_set(err, ERR_BUSY, "the engine does not answer");
    if (rc == ERR_OK && ask->rc)
        rc = err_set(err, ask->rc, "the token is unknown, ended or withdrawn");
    else if (rc == ERR_OK && (ask->rights & rights) != rights)
        rc = err_set(err, ERR_USAGE, "the token may not send events: it needs the right `ingest`");
    if (rc == ERR_OK)
        memcpy(who, ask->who, sizeof(ask->who));
    if (ask)
        ask->used = false;
    unlock(s);
    buf_free(&payload);
    return rc;
}

uint32_t intake_shared_used(struct intake_shared *s)
{
    uint32_t used = 0;
    lock(s);
    for (uint32_t i = 0; i < s->slot_count; i++)
        used += s->slots[i].state != SLOT_FREE;
    unlock(s);
    return used;
}

struct tally intake_shared_tally(struct intake_shared *s, uint32_t listener)
{
    return (struct tally){s->page, listener};
}
