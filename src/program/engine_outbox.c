/* The outbox on its way out: what the writer found due goes to the courier, or to the parent for
 * programs; what became of it goes back as a command. A message is in flight until that command is
 * done: what is lost on the way is still in the state, and due. */
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "program/engine_parse.h"
#include "program/engine_writer.h"

enum { OUTBOX_WHY_BYTES_MAX = 200 };

struct flight {
    uint64_t id;
    bool by_parent; /* a program, else the courier */
    bool is_settled;
};

struct engine_outbox {
    struct flight flights[ENGINE_FLIGHTS_MAX];
    uint32_t count;
};

void engine_outbox_open(struct engine *e)
{
    e->outbox = mem_zeroed(1, sizeof(*e->outbox));
}

void engine_outbox_close(struct engine *e)
{
    mem_free(e->outbox);
    e->outbox = NULL;
}

static struct flight *flight_find(struct engine_outbox *o, uint64_t id, bool by_parent)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (o->flights[i].id == id && o->flights[i].by_parent == by_parent)
            return &o->flights[i];
    return NULL;
}

static void flight_end(struct engine *e, struct flight *flight)
{
    engine_writer_landed(e->writer, flight->id);
    *flight = e->outbox->flights[--e->outbox->count];
}

/* ---- what became of it ---- */

struct settling {
    uint64_t id;
    bool by_parent;
};

static void settled(struct engine_call *call)
{
    struct settling *settling = call->own;
    struct flight *flight = flight_find(call->engine->outbox, settling->id, settling->by_parent);
    if (call->call.rc != ERR_OK)
        log_say(LOG_ERROR, "outbox", "what became of message %llu cannot be kept: %s",
                (unsigned long long)settling->id, call->call.err.text);
    if (flight)
        flight_end(call->engine, flight);
    mem_free(settling);
}

void engine_text_clean(struct slice text, size_t bytes_max, struct buf *out)
{
    text = slice_part(text, 0, bytes_max);
    for (size_t i = 0; i < text.len;) {
        size_t at = i;
        uint32_t c = text_next_char(text, &i);
        if (command_text_char(c))
            buf_slice(out, slice_part(text, at, i - at));
        else if (i < text.len || !(c & TEXT_BAD_BYTE)) /* else: a character that was cut */
            buf_char(out, ' ');
    }
}

static void settle(struct engine *e, uint64_t id, bool by_parent, bool delivered, struct slice why)
{
    struct buf number = {0}, text = {0};
    struct settling *settling = mem_zeroed(1, sizeof(*settling));
    *settling = (struct settling){id, by_parent};
    buf_printf(&number, "%llu", (unsigned long long)id);
    engine_text_clean(why, OUTBOX_WHY_BYTES_MAX, &text);
    struct command_value values[3] = {
        {SLICE("id"), buf_as_slice(&number)},
        {SLICE("delivered"), delivered ? SLICE("true") : SLICE("false")},
        {SLICE("why"), slice_trim(buf_as_slice(&text))}};
    engine_call_internal(e, "outbox.settle", values, values[2].text.len > 0 ? 3 : 2, settled,
                         settling);
    buf_free(&number);
    buf_free(&text);
}

int engine_outbox_sent(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine *e = p->engine;
    struct engine_outcome outcome;
    int rc = engine_parse_sent(buf_as_slice(&m->payload), &outcome, err);
    if (rc != ERR_OK)
        return rc;
    struct flight *flight = flight_find(e->outbox, m->id, false);
    if (!flight || flight->is_settled)
        return err_set(err, ERR_SYNTAX, "it delivered a message that it was not given");
    flight->is_settled = true;
    settle(e, m->id, false, outcome.rc == ERR_OK, outcome.why);
    return ERR_OK;
}

int engine_outbox_ran(struct engine *e, struct wire_message *m, struct err *err)
{
    struct engine_outcome outcome;
    struct buf why = {0};
    int rc = engine_parse_ran(buf_as_slice(&m->payload), &outcome, err);
    if (rc != ERR_OK)
        return rc;
    struct flight *flight = flight_find(e->outbox, m->id, true);
    if (!flight || flight->is_settled)
        return err_set(err, ERR_SYNTAX, "a program ran for a message that is not on its way");
    flight->is_settled = true;
    if (outcome.rows >= 1000)
        buf_string(&why, "the program was not started: ");
    else if (outcome.rows >= 256)
        buf_printf(&why, "killed by signal %u: ", (unsigned)(outcome.rows - 256));
    else if (outcome.rows > 0)
        buf_printf(&why, "ended with %u: ", (unsigned)outcome.rows);
    buf_slice(&why, outcome.why);
    settle(e, m->id, true, outcome.rc == ERR_OK, buf_as_slice(&why));
    buf_free(&why);
    return ERR_OK;
}

/* Those that it settled already are on their way through the writer. */
void engine_outbox_gone(struct engine *e)
{
    struct engine_outbox *o = e->outbox;
    for (uint32_t i = 0; o && i < o->count;)
        if (o->flights[i].by_parent || o->flights[i].is_settled)
            i++;
        else
            flight_end(e, &o->flights[i]);
}

/* ---- out ---- */

static void send_to_courier(struct engine_peer *courier, struct engine_due *due)
{
    struct buf payload = {0};
    bytes_put_text(&payload, buf_as_slice(&due->channel));
    bytes_put_text(&payload, buf_as_slice(&due->key));
    bytes_put_text(&payload, buf_as_slice(&due->subject));
    message_put_long(&payload, buf_as_slice(&due->body));
    engine_send(courier, MESSAGE_SEND, due->id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

static void send_to_program(struct engine *e, uint32_t index, struct engine_due *due)
{
    struct buf payload = {0}, input = {0};
    buf_slice(&input, buf_as_slice(&due->subject));
    buf_char(&input, '\n');
    buf_slice(&input, buf_as_slice(&due->body));
    bytes_put_u32(&payload, index);
    message_put_long(&payload, buf_as_slice(&input));
    engine_tell_parent(e, MESSAGE_RUN, due->id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
    buf_free(&input);
}

static void due_send(struct engine *e, struct engine_due *due)
{
    const struct config *config = e->context->config;
    const struct config_channel *channel = config_channel(config, buf_as_slice(&due->channel));
    bool is_program = channel && slice_equal(channel->kind, SLICE("command"));
    struct engine_peer *courier = engine_peer_find(e, ROLE_COURIER, 0);
    uint32_t index = 0;
    if (channel && !is_program && (!courier || e->is_ending)) {
        engine_writer_landed(e->writer, due->id);
        return;
    }
    check(e->outbox->count < ENGINE_FLIGHTS_MAX);
    e->outbox->flights[e->outbox->count++] = (struct flight){due->id, is_program, false};
    if (is_program && config_command(config, channel->command, &index)) {
        send_to_program(e, index, due);
    } else if (channel && !is_program) {
        send_to_courier(courier, due);
    } else {
        flight_find(e->outbox, due->id, is_program)->is_settled = true;
        settle(e, due->id, is_program, false,
               SLICE("canh.yaml has no such channel or command: add it, or drop the message"));
    }
}

void engine_outbox_send(struct engine *e)
{
    struct engine_due *due = engine_writer_due(e->writer);
    for (struct engine_due *one = due; one; one = one->next)
        due_send(e, one);
    engine_due_free(&due);
}
