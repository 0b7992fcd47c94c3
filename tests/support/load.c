/* canh_load: sends numbered events to a port of this machine, at a rate, over some connections, and
 * writes down what became of them.
 *   canh_load KIND PORT_FILE PREFIX [NAME=VALUE...]
 * KIND: udp, tcp (lines), tcp-count (octet counting), tls, ndjson, bulk (no ids), bulk-id.
 * PORT_FILE is read again before each connection, since a node that starts again has other ports.
 * NAME: count, rate (events/s, 0: at once), connections, batch, bytes (of an event, about), seconds
 * (it ends then; 0: not).
 * Ids are PREFIX-CONNECTION-NUMBER. An event's text has "n":"CONNECTION-NUMBER"; each tenth has
 * "a":"hit", the others "a":"miss". PREFIX.acked: numbers that were acknowledged (of udp, tcp, tls:
 * that were written); PREFIX.unsure: those whose answer was lost or spoke of a part (they may be
 * stored, and are not sent again but in bulk-id). 429 and 503 are tried again. SIGTERM ends it
 * behind the batch under way. */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    LANES_MAX = 64,
    BATCH_MAX = 1000,
    BODY_BYTES = 2 << 20,
    ANSWER_BYTES = 1 << 20,
    NAME_BYTES = 256,
    TRIES_PAUSE_MS = 50,
    ANSWER_S = 60
};

enum kind { UDP, TCP, TCP_COUNT, TLS, NDJSON, BULK, BULK_ID, KINDS };
static const char *const kind_names[KINDS] = {"udp",    "tcp",  "tcp-count", "tls",
                                              "ndjson", "bulk", "bulk-id"};

struct lane {
    pthread_t thread;
    int number, fd;
    gnutls_session_t tls;
    uint64_t next, from;  /* of the batch: its first number */
    size_t count, len;    /* of the batch */
    bool done[BATCH_MAX]; /* acknowledged */
    char body[BODY_BYTES], answer[ANSWER_BYTES + 1];
};

static enum kind kind;
static const char *port_file, *prefix;
static uint64_t count, rate, connections = 1, batch = 100, bytes = 200, seconds;
static uint64_t began_ns;
static FILE *acked, *unsure;
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;
static gnutls_certificate_credentials_t credentials;
static struct lane lanes[LANES_MAX];
static atomic_bool stops;
static atomic_uint_fast64_t events_acked, events_unsure, answers_429, answers_503, without_after,
    answers_lost, connected_again, slowest_ns;

static void stop(int signal_number)
{
    (void)signal_number;
    atomic_store(&stops, true);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_ns(uint64_t ns)
{
    struct timespec wait = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    (void)nanosleep(&wait, NULL);
}

static bool over(void)
{
    return atomic_load(&stops) || (seconds && now_ns() - began_ns > seconds * 1000000000u);
}

/* ---- connections ---- */

static unsigned port_read(void)
{
    char text[16] = "";
    FILE *file = fopen(port_file, "r");
    if (file) {
        (void)!fgets(text, sizeof(text), file);
        (void)fclose(file);
    }
    return (unsigned)strtoul(text, NULL, 10);
}

static void lane_close(struct lane *l)
{
    if (l->tls) {
        (void)gnutls_bye(l->tls, GNUTLS_SHUT_WR);
        gnutls_deinit(l->tls);
        l->tls = NULL;
    }
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
}

static bool tls_begin(struct lane *l)
{
    int rc;
    if (gnutls_init(&l->tls, GNUTLS_CLIENT) != 0)
        return false;
    (void)gnutls_set_default_priority(l->tls);
    (void)gnutls_credentials_set(l->tls, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(l->tls, l->fd);
    do {
        rc = gnutls_handshake(l->tls);
    } while (rc < 0 && !gnutls_error_is_fatal(rc));
    return rc == 0;
}

static bool lane_open(struct lane *l)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_read())};
    struct timeval wait = {.tv_sec = ANSWER_S};
    if (l->fd >= 0)
        return true;
    (void)inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    l->fd = socket(AF_INET, (kind == UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (l->fd >= 0) {
        (void)setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        (void)setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    }
    if (l->fd >= 0 && connect(l->fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
        (kind != TLS || tls_begin(l))) {
        atomic_fetch_add(&connected_again, 1);
        return true;
    }
    lane_close(l);
    return false;
}

static bool put(struct lane *l, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent =
            l->tls ? gnutls_record_send(l->tls, data, len) : send(l->fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* ---- a batch ---- */

static size_t event_write(char *out, size_t room, const struct lane *l, uint64_t number)
{
    int len = snprintf(out, room, "{\"n\":\"%d-%llu\",\"a\":\"%s\",\"p\":\"", l->number,
                       (unsigned long long)number, number % 10 ? "miss" : "hit");
    size_t at = (size_t)len;
    uint64_t dice = number + 1;
    for (; at < bytes && at + 3 < room; dice = dice * 6364136223846793005u + 1442695040888963407u)
        out[at++] = (char)('a' + (dice >> 60)); /* it hardly packs */
    memcpy(out + at, "\"}", 2);
    return at + 2;
}

static size_t message_write(char *out, size_t room, const struct lane *l, uint64_t number)
{
    char text[NAME_BYTES + 64];
    struct timespec t;
    struct tm day;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    (void)gmtime_r(&t.tv_sec, &day);
    (void)strftime(text, sizeof(text), "<38>1 %Y-%m-%dT%H:%M:%SZ host.example app - - - ", &day);
    size_t len = strlen(text), event;
    char *at = out + (kind == TCP_COUNT || kind == TLS ? 8 : 0);
    memcpy(at, text, len);
    event = event_write(at + len, room - len - 16, l, number);
    if (at > out) { /* the count ahead of it, of seven characters and a blank */
        char digits[9];
        (void)snprintf(digits, sizeof(digits), "%u", (unsigned)(len + event));
        size_t width = strlen(digits) + 1;
        memmove(out + width, at, len + event);
        memcpy(out, digits, width - 1);
        out[width - 1] = ' ';
        return width + len + event;
    }
    if (kind == TCP)
        out[len + event] = '\n';
    return len + event + (kind == TCP);
}

/* Those of the batch that are not acknowledged. */
static void body_write(struct lane *l)
{
    l->len = 0;
    for (size_t i = 0; i < l->count; i++) {
        uint64_t number = l->from + i;
        char *at = l->body + l->len;
        size_t room = BODY_BYTES - l->len;
        if (l->done[i])
            continue;
        if (kind < NDJSON) {
            l->len += message_write(at, room, l, number);
            continue;
        }
        if (kind == BULK)
            l->len += (size_t)snprintf(at, room, "{\"create\":{}}\n");
        else if (kind == BULK_ID)
            l->len += (size_t)snprintf(at, room, "{\"create\":{\"_id\":\"%s-%d-%llu\"}}\n", prefix,
                                       l->number, (unsigned long long)number);
        l->len += event_write(l->body + l->len, BODY_BYTES - l->len - 1, l, number);
        l->body[l->len++] = '\n';
    }
}

static void batch_note(struct lane *l, bool lost)
{
    (void)pthread_mutex_lock(&files_lock);
    for (size_t i = 0; i < l->count; i++) {
        bool sure = l->done[i] && !lost;
        (void)fprintf(sure ? acked : unsure, "%d-%llu\n", l->number,
                      (unsigned long long)(l->from + i));
        atomic_fetch_add(sure ? &events_acked : &events_unsure, 1);
    }
    (void)fflush(acked);
    (void)fflush(unsure);
    (void)pthread_mutex_unlock(&files_lock);
}

/* ---- HTTP ---- */

/* The whole answer; its status, 0: it was lost. */
static unsigned answer_read(struct lane *l)
{
    size_t len = 0, want = 0;
    for (;;) {
        ssize_t got = recv(l->fd, l->answer + len, ANSWER_BYTES - len, 0);
        if (got <= 0)
            return 0;
        len += (size_t)got;
        l->answer[len] = '\0';
        const char *body = strstr(l->answer, "\r\n\r\n");
        if (body && want == 0) {
            const char *length = strcasestr(l->answer, "\r\nContent-Length:");
            if (!length)
                return 0;
            want = (size_t)(body + 4 - l->answer) + strtoul(length + 17, NULL, 10);
        }
        if (want > 0 && len >= want)
            return (unsigned)strtoul(l->answer + 9, NULL, 10);
        if (len == ANSWER_BYTES)
            return 0;
    }
}

/* What the items of a bulk answer say, in order. True: nothing waits. */
static bool items_take(struct lane *l)
{
    const char *at = strstr(l->answer, "\"items\"");
    bool all = true;
    for (size_t i = 0; i < l->count; i++) {
        if (l->done[i])
            continue;
        at = at ? strstr(at, "\"status\":") : NULL;
        unsigned status = at ? (unsigned)strtoul(at + 9, NULL, 10) : 0;
        at = at ? at + 9 : NULL;
        l->done[i] = status == 200 || status == 201 || status == 409;
        all = all && l->done[i];
        if (status == 429)
            atomic_fetch_add(&answers_429, 1);
    }
    return all;
}

static unsigned post(struct lane *l)
{
    char head[NAME_BYTES];
    int len = snprintf(head, sizeof(head),
                       "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson"
                       "\r\nContent-Length: %zu\r\n\r\n",
                       kind == NDJSON ? "/api/v1/ingest" : "/_bulk", l->len);
    uint64_t from_ns = now_ns();
    unsigned status = put(l, head, (size_t)len) && put(l, l->body, l->len) ? answer_read(l) : 0;
    uint64_t took_ns = now_ns() - from_ns, slowest = atomic_load(&slowest_ns);
    while (took_ns > slowest && !atomic_compare_exchange_weak(&slowest_ns, &slowest, took_ns))
        ;
    return status;
}

/* Until it is acknowledged, or nobody knows. */
static void batch_post(struct lane *l)
{
    bool doubt = false;
    while (!over() || doubt) {
        if (!lane_open(l)) {
            if (over())
                break;
            pause_ns(TRIES_PAUSE_MS * 1000000u);
            continue;
        }
        body_write(l);
        unsigned status = post(l);
        if (status == 200) {
            if (kind != NDJSON && !items_take(l)) {
                pause_ns(TRIES_PAUSE_MS * 1000000u);
                continue;
            }
            for (size_t i = 0; i < l->count; i++)
                l->done[i] = true;
            break;
        }
        if (status == 429 || status == 503) {
            atomic_fetch_add(status == 429 ? &answers_429 : &answers_503, 1);
            if (!strcasestr(l->answer, "\r\nRetry-After:"))
                atomic_fetch_add(&without_after, 1);
            doubt = status == 503 && kind == NDJSON; /* a part of it may be stored */
        } else {
            atomic_fetch_add(&answers_lost, 1);
            doubt = kind != BULK_ID;
        }
        if (strcasestr(l->answer, "\r\nConnection: close") || status == 0)
            lane_close(l);
        if (doubt)
            break;
        pause_ns(4 * TRIES_PAUSE_MS * 1000000u);
    }
    batch_note(l, doubt);
}

/* ---- syslog ---- */

static bool datagrams_send(struct lane *l)
{
    for (size_t i = 0; i < l->count; i++) {
        size_t len = message_write(l->body, BODY_BYTES, l, l->from + i);
        l->done[i] = send(l->fd, l->body, len, 0) >= 0; /* a port that was closed says so later */
        if (!l->done[i])
            return false;
    }
    return true;
}

static void batch_write(struct lane *l)
{
    while (!over()) {
        bool good = lane_open(l);
        if (good && kind == UDP) {
            good = datagrams_send(l);
        } else if (good) {
            body_write(l);
            good = put(l, l->body, l->len);
            for (size_t i = 0; good && i < l->count; i++)
                l->done[i] = true;
        }
        if (good)
            break;
        if (l->fd >= 0) { /* part of it may have gone */
            lane_close(l);
            break;
        }
        pause_ns(TRIES_PAUSE_MS * 1000000u);
    }
    batch_note(l, false);
}

static void *lane_run(void *context)
{
    struct lane *l = context;
    uint64_t own = count / connections, sent = 0;
    while (!over() && (count == 0 || sent < own)) {
        uint64_t due = rate ? began_ns + sent * connections * 1000000000u / rate : 0;
        uint64_t now = now_ns();
        if (due > now)
            pause_ns(due - now);
        l->count = count && own - sent < batch ? own - sent : batch;
        l->from = l->next;
        memset(l->done, 0, sizeof(l->done));
        (kind < NDJSON ? batch_write : batch_post)(l);
        l->next += l->count;
        sent += l->count;
    }
    lane_close(l);
    return NULL;
}

static bool option_take(const char *text)
{
    static const struct {
        const char *name;
        uint64_t *value;
    } options[] = {{"count=", &count}, {"rate=", &rate},   {"connections=", &connections},
                   {"batch=", &batch}, {"bytes=", &bytes}, {"seconds=", &seconds}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t len = strlen(options[i].name);
        if (strncmp(text, options[i].name, len) == 0) {
            *options[i].value = strtoull(text + len, NULL, 10);
            return true;
        }
    }
    return false;
}

static FILE *list_open(const char *suffix)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s.%s", prefix, suffix);
    return fopen(path, "a");
}

static void lanes_run(void)
{
    began_ns = now_ns();
    for (uint64_t i = 0; i < connections; i++) {
        lanes[i].number = (int)i;
        lanes[i].fd = -1;
        if (pthread_create(&lanes[i].thread, NULL, lane_run, &lanes[i]) != 0)
            exit(1);
    }
    for (uint64_t i = 0; i < connections; i++)
        (void)pthread_join(lanes[i].thread, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    while (kind < KINDS && strcmp(argv[1], kind_names[kind]) != 0)
        kind++;
    port_file = argv[2];
    prefix = argv[3];
    for (int i = 4; i < argc; i++)
        if (!option_take(argv[i]))
            return 2;
    if (kind == KINDS || connections < 1 || connections > LANES_MAX || batch < 1 ||
        batch > BATCH_MAX || (bytes + 128) * batch > BODY_BYTES)
        return 2;
    acked = list_open("acked");
    unsure = list_open("unsure");
    if (!acked || !unsure || gnutls_certificate_allocate_credentials(&credentials) != 0)
        return 1;
    (void)signal(SIGTERM, stop);
    (void)signal(SIGPIPE, SIG_IGN);
    lanes_run();
    printf("{\"acked\":%llu,\"unsure\":%llu,\"answers_429\":%llu,\"answers_503\":%llu,"
           "\"without_retry_after\":%llu,\"answers_lost\":%llu,\"connections\":%llu,"
           "\"slowest_ms\":%.1f,\"seconds\":%.3f}\n",
           (unsigned long long)events_acked, (unsigned long long)events_unsure,
           (unsigned long long)answers_429, (unsigned long long)answers_503,
           (unsigned long long)without_after, (unsigned long long)answers_lost,
           (unsigned long long)connected_again, (double)slowest_ns / 1e6,
           (double)(now_ns() - began_ns) / 1e9);
    gnutls_certificate_free_credentials(credentials);
    return fclose(acked) || fclose(unsure);
}
