#include "program/client.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/client_inside.h"
#include "state/state.h"
#include "watch/message.h"

#define CONTROL_SOCKET "control.sock"

static int config_find(struct client *client, struct err *err)
{
    struct buf problems = {0};
    int rc = config_open(&client->config, client->settings.config, environ, &problems, err);
    if (rc && problems.len)
        (void)fputs(buf_text(&problems), stderr);
    buf_free(&problems);
    if (rc == ERR_OK)
        client->data =
            client->settings.data ? client->settings.data : client->config->store.data.data;
    return rc;
}

/* With no daemon wire stays NULL: an engine is started when a command is to be run. */
static int socket_find(struct client *client, struct err *err)
{
    struct buf path = {0};
    int fd = -1;
    buf_printf(&path, "%s/%s", client->data, CONTROL_SOCKET);
    int rc = wire_connect(buf_text(&path), &fd, err);
    if (rc == ERR_OK)
        client->wire = wire_open(fd, -1);
    else if (rc == ERR_NOT_FOUND)
        rc = ERR_OK;
    buf_free(&path);
    return rc;
}

int client_open(struct client **out, const struct client_settings *settings, struct err *err)
{
    struct client *client = mem_zeroed(1, sizeof *client);
    client->settings = *settings;
    int rc;
    if (settings->server) {
        rc = client_server_open(client, err);
    } else {
        rc = config_find(client, err);
        if (rc == ERR_OK)
            rc = socket_find(client, err);
    }
    if (rc)
        client_close(&client);
    *out = client;
    return rc;
}

void client_close(struct client **client)
{
    struct client *c = *client;
    if (!c)
        return;
    wire_close(&c->wire);
    client_alone_end(c);
    client_server_close(&c->server);
    config_close(&c->config);
    mem_free(c);
    *client = NULL;
}

const char *client_way(const struct client *client)
{
    return client->server ? "server" : client->wire && !client->engine ? "socket" : "alone";
}

bool client_was_denied(const struct client *client)
{
    return client->denied;
}

const char *client_data(const struct client *client)
{
    return client->data;
}

const struct config *client_config(const struct client *client)
{
    return client->config;
}

bool client_has_daemon(const struct client *client)
{
    return client->server || (client->wire && !client->engine);
}

int client_command(struct client *client, struct slice name, const struct command_value *values,
                   uint32_t count, bool dry, struct client_result *out, struct err *err)
{
    struct buf packed = {0};
    int rc = ERR_OK;
    *out = (struct client_result){0};
    if (client->server)
        return client_server_command(client, name, values, count, dry, out, err);
    if (!client->wire)
        rc = client_alone_start(client, err);
    command_pack(name, values, count, dry, &packed);
    if (rc == ERR_OK && packed.len > WIRE_BYTES_MAX - CLIENT_CALL_ROOM)
        rc = err_set(err, ERR_LIMIT, "the command is longer than %zu MB: give it in parts",
                     (WIRE_BYTES_MAX - CLIENT_CALL_ROOM) >> 20);
    if (rc == ERR_OK)
        rc = client_wire_command(client, buf_as_slice(&packed), dry, out, err);
    if (packed.len)
        explicit_bzero(packed.data, packed.len);
    buf_free(&packed);
    return rc;
}

void client_result_free(struct client_result *result)
{
    if (result->json.len)
        explicit_bzero(result->json.data, result->json.len);
    buf_free(&result->json);
    *result = (struct client_result){0};
}

struct counting { /* counts what a visitor saw */
    listing_visit *visit;
    void *context;
    uint64_t rows;
};

static int row_count(void *context, const struct listing *listing,
                     const struct listing_value *values)
{
    struct counting *c = context;
    c->rows++;
    return c->visit(c->context, listing, values);
}

int client_state_open(struct database **out, const char *data, struct err *err)
{
    struct disk *disk = NULL;
    if (access(data, F_OK) != 0)
        return err_set(err, ERR_NOT_FOUND,
                       "there is no data folder %s: name it with --data, or start the node "
                       "(`canh serve`)",
                       data);
    int rc = state_read_open(out, data, err);
    if (rc != ERR_BUSY)
        return rc;
    rc = disk_open_folder(&disk, data, err);
    if (rc == ERR_OK)
        rc = database_open(out, disk, STATE_FILE, DATABASE_READ, err);
    if (rc == ERR_OK)
        rc = migrate_check(*out, &state_migrations, err);
    if (rc)
        database_close(out);
    disk_close_folder(&disk);
    return rc;
}

static int list_directly(struct client *client, const struct listing *listing,
                         const struct listing_ask *ask, listing_visit *visit, void *context,
                         struct err *err)
{
    struct database *db = NULL;
    struct caller caller = caller_system();
    struct listing_ask page = *ask;
    struct counting counting = {.visit = visit, .context = context};
    uint64_t next = ask->after;
    caller.vietnamese = client->settings.vietnamese;
    page.caller = &caller;
    int rc = client_state_open(&db, client->data, err);
    do {
        uint64_t left = ask->limit ? ask->limit - counting.rows : LISTING_PAGE_MAX;
        page.after = next;
        page.limit = left < LISTING_PAGE_MAX ? (uint32_t)left : LISTING_PAGE_MAX;
        if (rc == ERR_OK)
            rc = listing_read(db, listing, &page, row_count, &counting, &next, err);
    } while (rc == ERR_OK && next && (ask->limit == 0 || counting.rows < ask->limit));
    database_close(&db);
    return rc;
}

int client_list(struct client *client, const struct listing *listing, const struct listing_ask *ask,
                listing_visit *visit, void *context, struct err *err)
{
    return client->server ? client_server_list(client, listing, ask, visit, context, err)
                          : list_directly(client, listing, ask, visit, context, err);
}

static int daemon_missing(const struct client *client, struct err *err)
{
    return err_set(
        err, ERR_BUSY,
        client->settings.vietnamese
            ? "không có tiến trình canh nào đang chạy trên %s: khởi động bằng `canh serve`"
            : "no node runs on %s: start it with `canh serve`",
        client->data);
}

int client_status(struct client *client, struct buf *json, struct err *err)
{
    if (client->server)
        return client_server_status(client, json, err);
    return client_has_daemon(client) ? client_wire_status(client, json, err)
                                     : daemon_missing(client, err);
}

int client_ask(struct client *client, const char *kind, const char *const *words,
               uint32_t word_count, int fd, struct err *err)
{
    if (client->server)
        return client_server_ask(client, kind, words, word_count, fd, err);
    return client_has_daemon(client) ? client_wire_ask(client, kind, words, word_count, fd, err)
                                     : daemon_missing(client, err);
}

int client_import(struct client *client, const char *source, const char *path,
                  struct client_imported *out, struct err *err)
{
    if (client->server)
        return err_set(err, ERR_UNSUPPORTED,
                       "files are imported on the node itself: leave out --server");
    return client_has_daemon(client) ? client_wire_import(client, source, path, out, err)
                                     : daemon_missing(client, err);
}

int client_rules(struct client *client, const char *origin, int fd, char *version, struct err *err)
{
    if (client->server)
        return err_set(err, ERR_UNSUPPORTED,
                       "rules are updated on the node itself: leave out --server");
    return client_wire_rules(client, origin, fd, version, err);
}

int client_fetch(struct client *client, const char *url, int *fd, struct err *err)
{
    if (client->server)
        return err_set(err, ERR_UNSUPPORTED,
                       "rules are updated on the node itself: leave out --server");
    return client_has_daemon(client) ? client_wire_fetch(client, url, fd, err)
                                     : daemon_missing(client, err);
}
