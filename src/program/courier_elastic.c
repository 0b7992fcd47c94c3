/* Courier: _bulk of Elasticsearch and OpenSearch, over HTTPS. What is refused as a whole because it
 * is too large goes again in halves; an item that was refused for good is counted. */
#include <curl/curl.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "program/courier_output.h"
#include "program/courier_url.h"
#include "watch/bulk_answer.h"

enum { CONNECT_MS = 10000, ANSWER_SHOWN_BYTES = 150, AGAIN_MS = 100 };
static const char bulk_path[] =
    "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";
static const char api_key[] = "ApiKey ";

struct elastic_line {
    const struct config_output *config;
    struct slice secret;
    CURL *curl;
    struct curl_slist *headers;
    struct buf url, body, answer;
    uint8_t verdicts[BULK_ITEMS_MAX];
    char why[CURL_ERROR_SIZE];
};

static size_t answer_take(char *data, size_t size, size_t count, void *context)
{
    struct elastic_line *l = context;
    if (l->answer.len + size * count > BULK_ANSWER_BYTES_MAX)
        return 0;
    buf_append(&l->answer, data, size * count);
    return size * count;
}

static void header_add(struct elastic_line *l, const char *header)
{
    l->headers = curl_slist_append(l->headers, header);
    check(l->headers);
}

static void secret_set(struct elastic_line *l)
{
    struct buf text = {0};
    if (slice_starts(l->secret, slice_from(api_key))) {
        buf_printf(&text, "Authorization: %.*s", (int)l->secret.len, l->secret.data);
        header_add(l, buf_text(&text));
    } else if (l->secret.len) {
        buf_slice(&text, l->secret);
        (void)curl_easy_setopt(l->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        (void)curl_easy_setopt(l->curl, CURLOPT_USERPWD, buf_text(&text));
    }
    buf_free(&text);
}

static void *elastic_open(const struct courier_line_options *options)
{
    struct elastic_line *l = mem_zeroed(1, sizeof(*l));
    const struct config_output *c = options->config;
    struct slice url = c->url;
    l->config = c;
    l->secret = options->secret;
    while (slice_ends(url, SLICE("/")))
        url.len--;
    buf_slice(&l->url, url);
    buf_string(&l->url, bulk_path);
    l->curl = curl_easy_init();
    check(l->curl);
    header_add(l, "Content-Type: application/x-ndjson");
    header_add(l, "Accept: application/json");
    header_add(l, "Expect:");
    secret_set(l);
    CURL *curl = l->curl;
    (void)curl_easy_setopt(curl, CURLOPT_URL, buf_text(&l->url));
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(c->timeout_ns / 1000000u));
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "canh");
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, l->headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, l);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, l->why);
    if (c->ca_file.len)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_file.data);
    return l;
}

static void elastic_close(void *line)
{
    struct elastic_line *l = line;
    curl_easy_cleanup(l->curl);
    curl_slist_free_all(l->headers);
    buf_free(&l->url);
    buf_free(&l->body);
    buf_free(&l->answer);
    mem_free(l);
}

/* One request. ERR_OK: there is an answer. */
static int post(struct elastic_line *l, const struct slice *items, uint32_t count, long *status,
                struct err *err)
{
    buf_clear(&l->body);
    buf_clear(&l->answer);
    for (uint32_t i = 0; i < count; i++)
        buf_slice(&l->body, items[i]);
    l->why[0] = '\0';
    (void)curl_easy_setopt(l->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)l->body.len);
    (void)curl_easy_setopt(l->curl, CURLOPT_POSTFIELDS, l->body.data);
    CURLcode code = curl_easy_perform(l->curl);
    if (code != CURLE_OK)
        return err_set(err, ERR_IO, "%s", l->why[0] ? l->why : curl_easy_strerror(code));
    (void)curl_easy_getinfo(l->curl, CURLINFO_RESPONSE_CODE, status);
    return ERR_OK;
}

static int http_error(const struct elastic_line *l, long status, struct err *err)
{
    struct slice said = slice_trim(slice_part(buf_as_slice(&l->answer), 0, ANSWER_SHOWN_BYTES));
    if (status / 100 == 3)
        return err_set(err, ERR_IO,
                       "HTTP %ld: the receiver has moved; put its new address into canh.yaml",
                       status);
    return err_set(err, ERR_IO, "HTTP %ld%s%.*s", status, said.len ? ": " : "", (int)said.len,
                   said.len ? said.data : "");
}

/* Keeps the items that are to be sent again, *count of them. ERR_BUSY: that is all of them. */
static int answer_read(struct elastic_line *l, struct slice *items, uint32_t *count,
                       uint32_t *refused, struct err *err)
{
    struct bulk_answer answer;
    struct err bad;
    uint32_t left = 0;
    int rc = bulk_answer_read(&answer, buf_as_slice(&l->answer), l->verdicts, *count, &bad);
    if (rc) {
        *err = bad;
        return rc;
    }
    if (answer.again == *count)
        return err_set(err, ERR_BUSY, "%u %s", answer.status, answer.reason);
    if (answer.failed && *refused == 0)
        (void)err_set(err, ERR_IO, "%u %s", answer.status, answer.reason);
    *refused += answer.failed;
    for (uint32_t i = 0; i < *count; i++)
        if (l->verdicts[i] == BULK_AGAIN)
            items[left++] = items[i];
    *count = left;
    return ERR_OK;
}

static void pause_a_little(void)
{
    const struct timespec time = {.tv_nsec = AGAIN_MS * 1000000L};
    (void)nanosleep(&time, NULL);
}

/* Each round that does not fail has fewer items than the one before. */
static int items_send(struct elastic_line *l, struct slice *items, uint32_t count,
                      uint32_t *refused, struct err *err)
{
    for (int rc = ERR_OK; rc == ERR_OK && count;) {
        long status = 0;
        rc = post(l, items, count, &status, err);
        if (rc)
            return rc;
        enum bulk_status means = bulk_answer_status((uint32_t)status);
        if (means == BULK_LATER)
            return http_error(l, status, err);
        if (means == BULK_READ) {
            rc = answer_read(l, items, &count, refused, err);
            if (rc)
                return rc;
            if (count)
                pause_a_little();
            continue;
        }
        if (count == 1) {
            if ((*refused)++ == 0)
                (void)http_error(l, status, err);
            return ERR_OK;
        }
        rc = items_send(l, items, count / 2, refused, err);
        return rc ? rc : items_send(l, items + count / 2, count - count / 2, refused, err);
    }
    return ERR_OK;
}

static int elastic_send(void *line, const struct courier_batch *batch, uint32_t *refused,
                        struct err *err)
{
    struct elastic_line *l = line;
    *refused = 0;
    int rc = courier_url_check(l->config->url, err);
    if (rc)
        return rc;
    struct slice *items = mem_zeroed(batch->count + 1u, sizeof(*items));
    memcpy(items, batch->items, batch->count * sizeof(*items));
    rc = items_send(l, items, batch->count, refused, err);
    mem_free(items);
    return rc;
}

const struct courier_kind courier_elastic = {
    .name = "elasticsearch", .open = elastic_open, .send = elastic_send, .close = elastic_close};
