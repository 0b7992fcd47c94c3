#include "program/engine_fetch.h"

#include <unistd.h>

#include "program/courier_fetch.h"

static void answer(struct engine_peer *client, uint64_t id, int rc, struct slice why, int fd)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)rc);
    bytes_put_text(&payload, why);
    engine_send(client, MESSAGE_RULES_FETCHED, id, buf_as_slice(&payload), &fd, fd >= 0);
    buf_free(&payload);
}

static void end(struct engine *e, int rc, struct slice why, int fd)
{
    struct engine_peer *client = e->fetch.client;
    e->fetch.client = NULL;
    answer(client, e->fetch.client_id, rc, why, fd);
    engine_peer_unuse(client);
}

static void fetch_note(struct engine_peer *client, struct slice url)
{
    struct buf text = {0};
    buf_printf(&text, "unix:%u: fetches ", client->who.user_id);
    engine_text_clean(url, FETCH_URL_BYTES_MAX / 2, &text);
    struct command_value values[2] = {{SLICE("kind"), SLICE("rules")},
                                      {SLICE("text"), buf_as_slice(&text)}};
    engine_call_internal(client->engine, "node.note", values, 2, NULL, NULL);
    buf_free(&text);
}

int engine_fetch_ask(struct engine_peer *client, struct wire_message *m, struct err *err)
{
    struct engine *e = client->engine;
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    struct slice url = bytes_take_text(&in, FETCH_URL_BYTES_MAX);
    struct engine_peer *courier = engine_peer_find(e, ROLE_COURIER, 0);
    struct slice why = SLICE("");
    if (in.bad || bytes_left(&in) || m->fd_count)
        return err_set(err, ERR_SYNTAX, "the message RULES_FETCH is not as it must be");
    if (!engine_control_is_root(&client->who))
        why = SLICE("only root and the user that runs Canh may have the node fetch: use sudo");
    else if (!courier)
        why = SLICE("the node has no courier that could fetch: set rules.update_url in canh.yaml "
                    "and start the node again; `canh status` shows whether it runs");
    else if (e->fetch.client || e->is_ending)
        why = SLICE("the node is fetching already: try again when that is done");
    if (why.len) {
        answer(client, m->id, ERR_BUSY, why, -1);
        return ERR_OK;
    }
    fetch_note(client, url);
    e->fetch.client = engine_peer_use(client);
    e->fetch.client_id = m->id;
    e->fetch.id++;
    engine_send(courier, MESSAGE_RULES_FETCH, e->fetch.id, buf_as_slice(&m->payload), NULL, 0);
    return ERR_OK;
}

int engine_fetch_done(struct engine_peer *courier, struct wire_message *m, struct err *err)
{
    struct engine *e = courier->engine;
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    int rc = (int32_t)bytes_take_u32(&in);
    struct slice why = bytes_take_text(&in, ERR_TEXT_BYTES);
    if (in.bad || bytes_left(&in) || rc > 0 || m->fd_count != (rc == ERR_OK ? 1u : 0u) ||
        !e->fetch.client || m->id != e->fetch.id)
        return err_set(err, ERR_SYNTAX, "the message RULES_FETCHED is not as it must be");
    int fd = rc == ERR_OK ? wire_take_fd(m, 0) : -1;
    end(e, rc, why, fd);
    if (fd >= 0)
        (void)close(fd);
    return ERR_OK;
}

void engine_fetch_gone(struct engine *e)
{
    if (e->fetch.client)
        end(e, ERR_IO, SLICE("the node's courier ended while it fetched: its log says why"), -1);
}
