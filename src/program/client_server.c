/* A client of a node's HTTP API (docs/api.yaml): TLS always, but on loopback; a token of its own.
 *
 * Limits: SERVER_BYTES_MAX of an answer that is held; streams are written as they come. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "formats/json.h"
#include "program/cli_node.h"
#include "program/client_inside.h"
#include "program/commands.h"

enum {
    CONNECT_MS = 10000,
    COMMAND_SECONDS = 3600,
    SLOW_SECONDS = 300, /* without a byte: the connection is given up */
    URL_BYTES_MAX = 8192
};
#define SERVER_BYTES_MAX ((size_t)64 << 20)

struct client_server {
    CURL *curl;
    struct curl_slist *headers;
    struct buf base;
    struct buf answer;
    struct client_stream *stream; /* where the answer goes when it is a good one; NULL: held */
    bool too_long;
    long status;
    char error[CURL_ERROR_SIZE];
};

static bool is_loopback(struct slice host)
{
    return slice_starts(host, SLICE("127.")) || slice_starts(host, SLICE("[::1]")) ||
           slice_equal(host, SLICE("localhost")) || slice_starts(host, SLICE("localhost:"));
}

static int url_check(struct slice url, struct err *err)
{
    if (slice_starts(url, SLICE("https://")))
        return ERR_OK;
    struct slice rest = slice_part(url, strlen("http://"), SIZE_MAX);
    if (slice_starts(url, SLICE("http://")) && is_loopback(slice_cut(&rest, '/')))
        return ERR_OK;
    return err_set(
        err, ERR_USAGE,
        "--server %.*s: write https://NAME[:PORT] (http:// only for this machine itself)",
        (int)(url.len > 120 ? 120 : url.len), url.data);
}

/* Past the name: a comma, an address with a password, a query have no place in it. */
static int base_set(struct client_server *s, const char *url, struct err *err)
{
    struct slice text = slice_trim(slice_from(url));
    int rc = url_check(text, err);
    if (rc == ERR_OK && (text.len > URL_BYTES_MAX / 2 || slice_find_char(text, '@') != SLICE_NONE ||
                         slice_find_char(text, '?') != SLICE_NONE))
        rc = err_set(err, ERR_USAGE, "--server takes an address only: https://NAME[:PORT]");
    while (text.len && text.data[text.len - 1] == '/')
        text.len--;
    buf_slice(&s->base, text);
    return rc;
}

static void header_add(struct client_server *s, const char *text)
{
    struct curl_slist *all = curl_slist_append(s->headers, text);
    check(all);
    s->headers = all;
}

static int token_add(struct client *client, struct err *err)
{
    struct buf header = {0};
    if (!client->settings.token_file)
        return err_set(err, ERR_USAGE,
                       "a token is needed: `canh token add` makes one on the node; name the file "
                       "that holds it with --token-file or CANH_TOKEN_FILE");
    buf_string(&header, "Authorization: Bearer ");
    int rc = cli_secret_file(client->settings.token_file, &header, err);
    if (rc == ERR_OK)
        header_add(client->server, buf_text(&header));
    cli_secret_wipe(&header);
    return rc;
}

static size_t part_take(char *data, size_t size, size_t count, void *context)
{
    struct client_server *s = context;
    size_t len = size * count;
    long status = 0;
    (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (s->stream && status == 200) {
        client_stream_add(s->stream, slice_make(data, len));
        return s->stream->rc ? 0 : len;
    }
    if (s->answer.len + len > SERVER_BYTES_MAX) {
        s->too_long = true;
        return 0;
    }
    buf_append(&s->answer, data, len);
    return len;
}

static void curl_settle(struct client *client)
{
    struct client_server *s = client->server;
    (void)curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(s->curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    (void)curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->error);
    (void)curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, part_take);
    (void)curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
    (void)curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
    if (client->settings.ca_file)
        (void)curl_easy_setopt(s->curl, CURLOPT_CAINFO, client->settings.ca_file);
}

int client_server_open(struct client *client, struct err *err)
{
    struct client_server *s = mem_zeroed(1, sizeof *s);
    client->server = s;
    int rc = base_set(s, client->settings.server, err);
    if (rc == ERR_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        rc = err_set(err, ERR_IO, "libcurl cannot be started");
    if (rc)
        return rc;
    s->curl = curl_easy_init();
    check(s->curl);
    rc = token_add(client, err);
    header_add(s, client->settings.vietnamese ? "Accept-Language: vi" : "Accept-Language: en");
    header_add(s, "Content-Type: application/json");
    header_add(s, "Expect:");
    curl_settle(client);
    return rc;
}

void client_server_close(struct client_server **server)
{
    struct client_server *s = *server;
    if (!s)
        return;
    if (s->curl)
        curl_easy_cleanup(s->curl);
    for (struct curl_slist *h = s->headers; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(s->headers);
    cli_secret_wipe(&s->answer);
    buf_free(&s->base);
    mem_free(s);
    *server = NULL;
}

/* body NULL: GET. ERR_OK: there is an answer, with a status. */
static int request(struct client_server *s, const char *path, struct buf *body, struct err *err)
{
    struct buf url = {0};
    buf_clear(&s->answer);
    s->error[0] = 0;
    s->too_long = false;
    buf_printf(&url, "%s%s", buf_text(&s->base), path);
    (void)curl_easy_setopt(s->curl, CURLOPT_URL, buf_text(&url));
    if (body) {
        (void)curl_easy_setopt(s->curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, buf_text(body));
        (void)curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    } else {
        (void)curl_easy_setopt(s->curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(s->curl);
    (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &s->status);
    buf_free(&url);
    if (s->too_long)
        return err_set(err, ERR_LIMIT, "the server's answer is longer than %zu MB",
                       SERVER_BYTES_MAX >> 20);
    if (s->stream && s->stream->rc) {
        *err = s->stream->err;
        return s->stream->rc;
    }
    bool unknown = code == CURLE_PEER_FAILED_VERIFICATION;
    if (code != CURLE_OK)
        return err_set(err, ERR_IO, "%s: %s%s", buf_text(&s->base),
                       s->error[0] ? s->error : curl_easy_strerror(code),
                       unknown ? ": name the node's authority (keys/ca.crt of its data folder) "
                                 "with --ca-file"
                               : "");
    return ERR_OK;
}

/* A problem (RFC 9457) as an error: its own sentence. */
static int problem_read(struct client_server *s, bool *denied, struct err *err)
{
    struct buf text = {0};
    struct slice json = buf_as_slice(&s->answer);
    long status = s->status;
    int rc = status == 404                                     ? ERR_NOT_FOUND
             : status == 409 || status == 429 || status == 503 ? ERR_BUSY
             : status == 413                                   ? ERR_LIMIT
             : status >= 400 && status < 500                   ? ERR_USAGE
                                                               : ERR_IO;
    *denied = status == 401 || status == 403;
    if (!client_answer_text(json, "detail", &text) && !client_answer_text(json, "title", &text))
        buf_printf(&text, "%s answered with HTTP %ld: is the address that of a Canh node?",
                   buf_text(&s->base), status);
    (void)err_set(err, rc, "%s", buf_text(&text));
    buf_free(&text);
    return rc;
}

static const struct param *param_find(const struct command *command, struct slice name)
{
    for (uint32_t i = 0; command && i < command->param_count; i++)
        if (slice_equal(name, slice_from(command->params[i].name)))
            return &command->params[i];
    return NULL;
}

/* A value that may come several times is a list. */
static void params_write(struct json_writer *w, const struct command *command,
                         const struct command_value *values, uint32_t count)
{
    json_open_object(w);
    for (uint32_t i = 0; i < count; i++) {
        const struct param *p = param_find(command, values[i].name);
        bool again = false;
        for (uint32_t k = 0; k < i; k++)
            again |= slice_equal(values[k].name, values[i].name);
        if (again)
            continue;
        json_key_slice(w, values[i].name);
        if (p && p->many) {
            json_open_array(w);
            for (uint32_t k = i; k < count; k++)
                if (slice_equal(values[k].name, values[i].name))
                    json_string(w, values[k].text);
            json_close_array(w);
        } else {
            json_string(w, values[i].text);
        }
    }
    json_close_object(w);
}

int client_server_command(struct client *client, struct slice name,
                          const struct command_value *values, uint32_t count, bool dry,
                          struct client_result *out, struct err *err)
{
    struct client_server *s = client->server;
    struct buf body = {0};
    struct slice member;
    struct json_writer w = {.out = &body};
    json_open_object(&w);
    json_key(&w, "name");
    json_string(&w, name);
    json_key(&w, "params");
    params_write(&w, command_find(&commands, name), values, count);
    json_key(&w, "dry");
    json_bool(&w, dry);
    json_close_object(&w);
    (void)curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, (long)COMMAND_SECONDS);
    int rc = request(s, "/api/v1/commands", &body, err);
    cli_secret_wipe(&body);
    if (rc)
        return rc;
    struct slice json = buf_as_slice(&s->answer);
    if (s->status != 200) {
        out->rc = problem_read(s, &out->denied, &out->err);
        if (client_answer_raw(json, "result", &member))
            buf_slice(&out->json, member);
        return ERR_OK;
    }
    if (client_answer_raw(json, "audit", &member))
        (void)slice_to_u64(member, &out->audit_id);
    if (client_answer_raw(json, "result", &member) && !slice_equal(member, SLICE("null")))
        buf_slice(&out->json, member);
    return ERR_OK;
}

static void query_put(struct client_server *s, struct buf *path, const char *name,
                      struct slice value)
{
    char *escaped = curl_easy_escape(s->curl, value.data, (int)value.len);
    check(escaped);
    buf_printf(path, "%c%s=%s", slice_find_char(buf_as_slice(path), '?') == SLICE_NONE ? '?' : '&',
               name, escaped);
    curl_free(escaped);
}

static void page_path(struct client_server *s, const struct listing *listing,
                      const struct listing_ask *ask, uint64_t after, struct buf *path)
{
    struct buf number = {0};
    buf_clear(path);
    buf_printf(path, "/api/v1/%s?limit=%d", listing->name, LISTING_PAGE_MAX);
    if (after) {
        buf_printf(&number, "%llu", (unsigned long long)after);
        query_put(s, path, "after", buf_as_slice(&number));
    }
    if (ask->text.len)
        query_put(s, path, "text", ask->text);
    for (uint32_t i = 0; i < ask->filter_count; i++)
        query_put(s, path, ask->filters[i].column.data, ask->filters[i].value);
    buf_free(&number);
}

int client_server_list(struct client *client, const struct listing *listing,
                       const struct listing_ask *ask, listing_visit *visit, void *context,
                       struct err *err)
{
    struct client_server *s = client->server;
    struct buf path = {0};
    uint64_t next = ask->after, visited = 0, limit = ask->limit ? ask->limit : UINT64_MAX;
    int rc;
    do {
        uint64_t before = next;
        page_path(s, listing, ask, next, &path);
        rc = request(s, buf_text(&path), NULL, err);
        if (rc == ERR_OK && s->status != 200)
            rc = problem_read(s, &client->denied, err);
        if (rc == ERR_OK)
            rc = client_answer_rows(buf_as_slice(&s->answer), listing, limit, visit, context,
                                    &visited, &next, err);
        if (rc == ERR_OK && next && next == before)
            rc = err_set(err, ERR_DAMAGED, "the server gives the same page again and again");
    } while (rc == ERR_OK && next && visited < limit);
    buf_free(&path);
    return rc;
}

int client_server_status(struct client *client, struct buf *json, struct err *err)
{
    struct client_server *s = client->server;
    int rc = request(s, "/api/v1/status", NULL, err);
    if (rc == ERR_OK && s->status != 200)
        rc = problem_read(s, &client->denied, err);
    if (rc == ERR_OK)
        buf_slice(json, buf_as_slice(&s->answer));
    return rc;
}

/* As the command line has them: the node tells what it does not take. */
static void ask_body(const char *const *words, uint32_t count, struct buf *body)
{
    struct json_writer w = {.out = body};
    json_open_object(&w);
    json_key(&w, "words");
    json_open_array(&w);
    for (uint32_t i = 0; i < count; i++)
        json_string(&w, slice_from(words[i]));
    json_close_array(&w);
    json_close_object(&w);
}

int client_server_ask(struct client *client, const char *kind, const char *const *words,
                      uint32_t word_count, int fd, struct err *err)
{
    struct client_server *s = client->server;
    struct client_stream stream = {.to = fd};
    struct buf body = {0}, path = {0};
    ask_body(words, word_count, &body);
    buf_printf(&path, "/api/v1/%s", kind);
    s->stream = &stream;
    int rc = request(s, buf_text(&path), &body, err);
    s->stream = NULL;
    if (rc == ERR_OK && s->status != 200)
        rc = problem_read(s, &client->denied, err);
    if (rc == ERR_OK)
        rc = client_stream_end(&stream, err);
    else
        buf_free(&stream.held);
    buf_free(&body);
    buf_free(&path);
    return rc;
}
