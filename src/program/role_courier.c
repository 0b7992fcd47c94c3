/* The courier role: everything that goes out. The engine gives it messages; it sends each once a
 * time and says how it went; it reads and writes no store. */
#include <curl/curl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/courier_fetch.h"
#include "program/courier_output.h"
#include "program/courier_url.h"
#include "program/role.h"
#include "watch/peer.h"

enum {
    COURIER_SENDING_MAX = 64, /* given by the engine and not answered yet */
    COURIER_ANSWER_BYTES_MAX = 64 << 10,
    COURIER_BODY_BYTES_MAX = 2 << 20,
    COURIER_CONNECT_MS = 10000,
    SIGNATURE_BYTES = 32,
    HEADER_BYTES = 160
};

struct courier {
    struct role_context *context;
    struct peer *engine;
    struct courier_outputs *outputs; /* NULL: none are set up */
    uint32_t sending;
    atomic_bool is_ending; /* for threads */
};

struct sending { /* one try of one message, on a thread of the loop's pool */
    uv_work_t work;
    struct courier *courier;
    uint64_t id;
    const struct config_channel *channel;
    struct slice secret, key, body;
    struct arena arena;
    size_t answer_bytes;
    int rc;
    struct err err;
};

#define SENT_HELP "Tries of messages to go out, by their end."
static struct metric metrics[] = {
    {.name = "canh_courier_sent_total", .labels = "result=\"received\"", .help = SENT_HELP},
    {.name = "canh_courier_sent_total", .labels = "result=\"failed\"", .help = SENT_HELP},
    {.name = "canh_courier_seconds", .kind = METRIC_HISTOGRAM, .help = "How long a try took."},
};
enum { METRIC_RECEIVED, METRIC_NOT, METRIC_SECONDS, METRIC_LAST };

/* What names and authorities are looked up in. */
uint32_t courier_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max)
{
    static const char *const system[] = {"/etc/resolv.conf",
                                         "/etc/hosts",
                                         "/etc/nsswitch.conf",
                                         "/etc/host.conf",
                                         "/etc/gai.conf",
                                         "/etc/ssl",
                                         "/etc/gnutls",
                                         "/etc/services",
                                         "/run/systemd/resolve",
                                         "/usr/share/ca-certificates",
                                         "/usr/lib",
                                         "/lib",
                                         "/etc/ld.so.cache",
                                         "/dev/urandom"};
    const struct config_channel *channels = c->config->channels.items;
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof system / sizeof system[0] && count < max; i++)
        paths[count++] = (struct sandbox_path){.path = system[i]};
    for (uint32_t i = 0; i < c->config->channels.count && count < max; i++)
        if (channels[i].ca_file.len)
            paths[count++] = (struct sandbox_path){.path = channels[i].ca_file.data};
    if (c->config->rules.update_ca_file.len && count < max)
        paths[count++] = (struct sandbox_path){.path = c->config->rules.update_ca_file.data};
    const struct config_output *outputs = c->config->outputs.items;
    for (uint32_t i = 0; i < c->config->outputs.count && count < max; i++)
        if (outputs[i].ca_file.len)
            paths[count++] = (struct sandbox_path){.path = outputs[i].ca_file.data};
    return count;
}

/* What is answered is of no use but for its length: a receiver that never ends is left. */
static size_t answer_take(char *data, size_t size, size_t count, void *context)
{
    struct sending *s = context;
    (void)data;
    s->answer_bytes += size * count;
    return s->answer_bytes > COURIER_ANSWER_BYTES_MAX ? 0 : size * count;
}

static void signature_put(const struct sending *s, char out[HEADER_BYTES])
{
    uint8_t hmac[SIGNATURE_BYTES];
    int len = snprintf(out, HEADER_BYTES, "Canh-Signature: sha256=");
    check(gnutls_hmac_fast(GNUTLS_MAC_SHA256, s->secret.data, s->secret.len, s->body.data,
                           s->body.len, hmac) == 0);
    for (size_t i = 0; i < sizeof hmac; i++)
        len += snprintf(out + len, HEADER_BYTES - (size_t)len, "%02x", hmac[i]);
}

static struct curl_slist *headers_make(const struct sending *s)
{
    char line[HEADER_BYTES];
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    (void)snprintf(line, sizeof line, "Idempotency-Key: %.*s", (int)s->key.len, s->key.data);
    list = curl_slist_append(list, line);
    list = curl_slist_append(list, "Expect:");
    if (s->secret.len) {
        signature_put(s, line);
        list = curl_slist_append(list, line);
    }
    check(list);
    return list;
}

static void curl_set(CURL *curl, struct sending *s, struct curl_slist *headers, char *why)
{
    const struct config_channel *c = s->channel;
    (void)curl_easy_setopt(curl, CURLOPT_URL, c->url.data);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)COURIER_CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(c->timeout_ns / 1000000u));
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "canh");
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->body.len);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, s->body.data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, s);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    if (c->ca_file.len)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_file.data);
}

static int try_send(struct sending *s, struct err *err)
{
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    int rc = courier_url_check(s->channel->url, err);
    if (rc)
        return rc;
    CURL *curl = curl_easy_init();
    check(curl);
    struct curl_slist *headers = headers_make(s);
    curl_set(curl, s, headers, why);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    /* a receiver that answered 2xx and then went on too long has received */
    if (status / 100 == 2 && (code == CURLE_OK || code == CURLE_WRITE_ERROR))
        return ERR_OK;
    if (code != CURLE_OK)
        return err_set(err, ERR_IO, "%s", why[0] ? why : curl_easy_strerror(code));
    if (status / 100 == 3)
        return err_set(err, ERR_IO,
                       "HTTP %ld: the receiver has moved; put its new address into canh.yaml",
                       status);
    return err_set(err, ERR_IO, "HTTP %ld", status);
}

static void sending_work(uv_work_t *work)
{
    struct sending *s = work->data;
    uint64_t start_ns = clock_monotonic_ns();
    s->rc = try_send(s, &s->err);
    metric_observe(&metrics[METRIC_SECONDS], clock_monotonic_ns() - start_ns);
}

static void answer(struct courier *c, uint64_t id, int rc, const struct err *why)
{
    struct buf out = {0};
    struct err err;
    metric_add(&metrics[rc ? METRIC_NOT : METRIC_RECEIVED], 1);
    bytes_put_u32(&out, (uint32_t)rc);
    bytes_put_text(&out, rc ? slice_from(why->text) : SLICE(""));
    if (c->engine &&
        peer_send(c->engine, MESSAGE_SENT, id, buf_as_slice(&out), NULL, 0, &err) != ERR_OK)
        log_err(LOG_WARNING, "send", &err);
    buf_free(&out);
}

static void end_if_done(struct courier *c)
{
    if (c->context->draining && c->sending == 0 && courier_outputs_under_way(c->outputs) == 0)
        uv_stop(&c->context->loop);
}

static void sending_done(uv_work_t *work, int status)
{
    struct sending *s = work->data;
    struct courier *c = s->courier;
    (void)status;
    if (s->rc)
        log_say(LOG_WARNING, "send", "message %llu to channel %s was not received: %s",
                (unsigned long long)s->id, s->channel->row.name.data, s->err.text);
    answer(c, s->id, s->rc, &s->err);
    arena_free(&s->arena);
    mem_free(s);
    c->sending--;
    end_if_done(c);
}

static int sending_read(struct sending *s, const struct courier *c, struct slice payload,
                        struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    struct slice channel = bytes_take_text(&in, CONFIG_NAME_BYTES_MAX);
    s->key = arena_copy(&s->arena, bytes_take_text(&in, 64));
    (void)bytes_take_text(&in, UINT16_MAX); /* the subject: for channels that show one */
    s->body = arena_copy(&s->arena, message_take_long(&in, COURIER_BODY_BYTES_MAX));
    if (in.bad || bytes_left(&in))
        return err_set(err, ERR_SYNTAX, "a message of the engine is malformed");
    s->channel = config_channel(c->context->config, channel);
    if (!s->channel || !slice_equal(s->channel->kind, SLICE("webhook")))
        return err_set(err, ERR_NOT_FOUND,
                       "canh.yaml has no webhook of the name \"%.*s\": add it to channels, or drop "
                       "the message",
                       (int)channel.len, channel.data);
    const struct config_channel *all = c->context->config->channels.items;
    s->secret = c->context->secrets ? c->context->secrets[s->channel - all] : SLICE("");
    return ERR_OK;
}

static void message_take(struct courier *c, struct wire_message *m)
{
    struct sending *s = mem_zeroed(1, sizeof(*s));
    struct err err = {0};
    s->courier = c;
    s->id = m->id;
    int rc = c->sending == COURIER_SENDING_MAX || c->context->draining
                 ? err_set(&err, ERR_BUSY, "the courier is busy: it is tried again")
                 : sending_read(s, c, buf_as_slice(&m->payload), &err);
    if (rc) {
        answer(c, m->id, rc, &err);
        arena_free(&s->arena);
        mem_free(s);
        return;
    }
    s->work.data = s;
    c->sending++;
    check(uv_queue_work(&c->context->loop, &s->work, sending_work, sending_done) == 0);
}

/* ---- what is fetched ---- */

struct fetch {
    uv_work_t work;
    struct courier *courier;
    uint64_t id;
    struct buf url;
    int rc, fd;
    struct err err;
};

static void fetch_work(uv_work_t *work)
{
    struct fetch *f = work->data;
    const struct config_rules *rules = &f->courier->context->config->rules;
    struct courier_fetching what = {buf_as_slice(&f->url), rules->update_ca_file,
                                    &f->courier->is_ending};
    f->rc = courier_fetch(&what, &f->fd, &f->err);
}

static void fetch_done(uv_work_t *work, int status)
{
    struct fetch *f = work->data;
    struct courier *c = f->courier;
    struct buf out = {0};
    struct err err;
    (void)status;
    if (f->rc)
        log_err(LOG_WARNING, "fetch", &f->err);
    bytes_put_u32(&out, (uint32_t)f->rc);
    bytes_put_text(&out, slice_from(f->rc ? f->err.text : ""));
    if (c->engine && peer_send(c->engine, MESSAGE_RULES_FETCHED, f->id, buf_as_slice(&out), &f->fd,
                               f->rc == ERR_OK, &err) != ERR_OK)
        log_err(LOG_WARNING, "fetch", &err);
    if (f->rc == ERR_OK)
        (void)close(f->fd);
    buf_free(&out);
    buf_free(&f->url);
    mem_free(f);
    c->sending--;
    end_if_done(c);
}

/* The engine asks for one at a time. */
static void fetch_take(struct courier *c, struct wire_message *m)
{
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    struct fetch *f = mem_zeroed(1, sizeof(*f));
    buf_slice(&f->url, bytes_take_text(&in, FETCH_URL_BYTES_MAX));
    f->courier = c;
    f->id = m->id;
    f->work.data = f;
    c->sending++;
    check(uv_queue_work(&c->context->loop, &f->work, fetch_work, fetch_done) == 0);
}

/* id 0: of an engine that is gone. */
static void output_answer(void *context, uint64_t id, int rc, uint32_t refused, struct slice why)
{
    struct courier *c = context;
    struct buf out = {0};
    struct err err;
    bytes_put_u32(&out, (uint32_t)rc);
    bytes_put_u32(&out, refused);
    bytes_put_text(&out, why);
    if (c->engine && id &&
        peer_send(c->engine, MESSAGE_OUTPUT_DONE, id, buf_as_slice(&out), NULL, 0, &err) != ERR_OK)
        log_err(LOG_WARNING, "output", &err);
    buf_free(&out);
    end_if_done(c);
}

static void output_take(struct courier *c, struct wire_message *m)
{
    struct err err;
    int rc = c->context->draining || !c->outputs
                 ? err_set(&err, ERR_BUSY, "the courier is ending: it is tried again")
                 : courier_outputs_take(c->outputs, m, &err);
    if (rc)
        output_answer(c, m->id, rc, 0, slice_from(err.text));
}

static void engine_said(void *context, struct peer *peer, struct wire_message *m)
{
    (void)peer;
    if (m->type == MESSAGE_SEND)
        message_take(context, m);
    else if (m->type == MESSAGE_OUTPUT)
        output_take(context, m);
    else if (m->type == MESSAGE_RULES_FETCH)
        fetch_take(context, m);
}

static void engine_gone(void *context, struct peer *peer, const struct err *err)
{
    struct courier *c = context;
    (void)peer;
    (void)err;
    if (c->outputs)
        courier_outputs_forget(c->outputs);
    peer_close(&c->engine);
}

static void courier_message(struct role_context *context, struct wire_message *m)
{
    struct courier *c = context->own;
    if (m->type == MESSAGE_FILE && c->outputs)
        courier_outputs_file(c->outputs, m);
}

static void courier_peer(struct role_context *context, enum role role, uint32_t instance, int fd)
{
    static const struct peer_calls calls = {engine_said, engine_gone};
    struct courier *c = context->own;
    (void)instance;
    if (role != ROLE_ENGINE) {
        (void)close(fd);
        return;
    }
    if (c->outputs)
        courier_outputs_forget(c->outputs);
    peer_close(&c->engine);
    c->engine = peer_open(&context->loop, fd, &calls, c);
}

static void courier_drain(struct role_context *context)
{
    struct courier *c = context->own;
    atomic_store(&c->is_ending, true);
    end_if_done(context->own);
}

int courier_open(struct role_context *context, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_IO, "libcurl cannot be started");
    struct courier *c = mem_zeroed(1, sizeof(*c));
    c->context = context;
    context->own = c;
    context->on_peer = courier_peer;
    context->on_drain = courier_drain;
    context->on_message = courier_message;
    if (context->config->outputs.count)
        c->outputs = courier_outputs_open(context, output_answer, c);
    context->metrics = metrics;
    context->metric_count = METRIC_LAST;
    return ERR_OK;
}

int courier_run(struct role_context *context, struct err *err)
{
    struct courier *c = context->own;
    (void)err;
    if (c->outputs)
        courier_outputs_start(c->outputs);
    (void)uv_run(&context->loop, UV_RUN_DEFAULT);
    return ERR_OK;
}

void courier_close(struct role_context *context)
{
    struct courier *c = context->own;
    if (!c)
        return;
    peer_close(&c->engine);
    courier_outputs_close(&c->outputs);
    curl_global_cleanup();
    mem_free(c);
    context->own = NULL;
}
