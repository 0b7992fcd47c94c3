/* What a role says to the parent: checked as anything from outside, since a role may have been
 * taken over. What is not its to say ends it. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/parent.h"

enum { FILE_NAME_BYTES_MAX = 4096, COMMAND_INPUT_BYTES_MAX = 1 << 20, METRICS_BYTES_MAX = 1 << 18 };

static void ready(struct parent_role *r, unsigned layers)
{
    struct parent *p = r->parent;
    r->layers = layers;
    r->ponged_ns = r->pinged_ns = clock_monotonic_ns();
    if (r->state == ROLE_STARTING)
        parent_role_state(r, ROLE_READY);
    log_say(LOG_INFO, "role", "%s %u is ready", role_specs[r->role].name, r->instance);
    parent_role_send(r, MESSAGE_PING, 0, SLICE(""), NULL, 0);
    if (r->role == ROLE_ENGINE)
        parent_notes_send(p);
}

static bool pong_take(struct parent_role *r, struct bytes_in *in)
{
    struct slice metrics = message_take_long(in, METRICS_BYTES_MAX);
    if (in->bad || bytes_left(in))
        return false;
    r->ponged_ns = clock_monotonic_ns();
    buf_clear(&r->metrics);
    buf_slice(&r->metrics, metrics);
    return true;
}

static bool failed_take(struct parent_role *r, struct bytes_in *in)
{
    struct slice why = message_take_long(in, WIRE_INLINE_BYTES_MAX);
    if (in->bad || bytes_left(in))
        return false;
    r->failed = true;
    int len = why.len < sizeof(r->why) ? (int)why.len : (int)sizeof(r->why) - 1;
    (void)snprintf(r->why, sizeof(r->why), "%.*s", len, why.data);
    return true;
}

static bool journal_take(struct parent *p, uint64_t ticket, struct bytes_in *in)
{
    struct slice source = bytes_take_text(in, CONFIG_NAME_BYTES_MAX);
    struct slice cursor = bytes_take_text(in, FILE_NAME_BYTES_MAX);
    if (in->bad || bytes_left(in) || !config_source(p->config, source))
        return false;
    parent_journal_start(p, ticket, source, cursor);
    return true;
}

static bool reader_take(struct parent *p, struct bytes_in *in, struct wire_message *message)
{
    struct slice source = bytes_take_text(in, CONFIG_NAME_BYTES_MAX);
    struct slice name = bytes_take_text(in, FILE_NAME_BYTES_MAX);
    if (in->bad || bytes_left(in) || message->fd_count != 1)
        return false;
    if (p->reading_count >= PARENT_READERS_WAITING_MAX) {
        log_say(LOG_WARNING, "reader", "too many files wait for a reader: one was refused");
        return true;
    }
    p->readings[p->reading_count++] =
        (struct parent_reading){.source = mem_copy_text(source.data, source.len),
                                .name = mem_copy_text(name.data, name.len),
                                .fd = wire_take_fd(message, 0),
                                .ticket = message->id};
    return true;
}

static void query_start(struct parent *p)
{
    for (uint32_t i = 0; i < p->role_count; i++) {
        struct parent_role *r = &p->roles[i];
        if (r->role == ROLE_QUERY && !r->pid && !p->stopping) {
            parent_role_want(r, true);
            return;
        }
    }
}

static void role_end(struct parent_role *r, struct slice why)
{
    if (why.len == 0) {
        r->ended_by_us = true;
        (void)snprintf(r->why, sizeof(r->why), "was canceled");
    } else {
        (void)snprintf(r->why, sizeof(r->why), "broke the rules of its wire: %.*s", (int)why.len,
                       why.data);
        parent_note(r->parent, "violation", "%s %s", role_specs[r->role].name, r->why);
    }
    parent_role_kill(r);
}

/* Any but the engine for what it did; canceled are only those that a person may cancel. */
static bool end_take(struct parent *p, struct bytes_in *in)
{
    uint32_t role = bytes_take_u32(in), instance = bytes_take_u32(in);
    struct slice why = bytes_take_text(in, ERR_TEXT_BYTES);
    bool may = role > ROLE_ENGINE && role < ROLES &&
               (why.len > 0 || role == ROLE_QUERY || role == ROLE_READER);
    if (in->bad || bytes_left(in) || !may)
        return false;
    for (uint32_t i = 0; i < p->role_count; i++)
        if (p->roles[i].role == role && p->roles[i].instance == instance && p->roles[i].pid)
            role_end(&p->roles[i], why);
    return true;
}

static bool run_take(struct parent *p, uint64_t id, struct bytes_in *in)
{
    uint32_t index = bytes_take_u32(in);
    struct slice input = message_take_long(in, COMMAND_INPUT_BYTES_MAX);
    if (in->bad || bytes_left(in))
        return false;
    parent_command_run(p, id, index, input);
    return true;
}

/* What only the engine, or only intake, may say. */
static bool special_take(struct parent_role *r, struct bytes_in *in, struct wire_message *message)
{
    struct parent *p = r->parent;
    if (r->role == ROLE_INTAKE && message->type == MESSAGE_FILES) {
        p->files_ns = 0; /* at the next tick */
        return bytes_left(in) == 0;
    }
    if (r->role != ROLE_ENGINE)
        return false;
    switch (message->type) {
    case MESSAGE_START_READER:
        return reader_take(p, in, message);
    case MESSAGE_START_JOURNAL:
        return journal_take(p, message->id, in);
    case MESSAGE_IMPORTED:
        return parent_drops_imported(p, message->id, in);
    case MESSAGE_START_QUERY:
        query_start(p);
        return bytes_left(in) == 0;
    case MESSAGE_END_ROLE:
        return end_take(p, in);
    case MESSAGE_RUN:
        return run_take(p, message->id, in);
    default:
        return false;
    }
}

void parent_message(struct parent_role *r, struct wire_message *message)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    bool good;
    switch (message->type) {
    case MESSAGE_READY: {
        unsigned layers = bytes_take_u32(&in);
        good = !in.bad && !bytes_left(&in) && r->state != ROLE_READY;
        if (good)
            ready(r, layers & SANDBOX_LAYERS_ALL);
        break;
    }
    case MESSAGE_PONG:
        good = pong_take(r, &in);
        break;
    case MESSAGE_FAILED:
        good = failed_take(r, &in);
        break;
    default:
        good = special_take(r, &in, message);
    }
    if (good)
        return;
    metric_add(&r->parent->metrics[PARENT_VIOLATIONS + (int)r->role], 1);
    log_say(LOG_ERROR, "violation", "%s sent a message of type %u that is wrong: it is ended",
            role_specs[r->role].name, message->type);
    parent_note(r->parent, "violation", "%s sent a message of type %u that is wrong and was ended",
                role_specs[r->role].name, message->type);
    parent_role_kill(r);
}
