/* A sender for benches: puts many records on a port of this machine and says how fast they were
 * taken, as one JSON object.
 *   bench_flood http PORT FILE [OPTIONS]   lines of FILE (NDJSON) as bulk bodies
 *   bench_flood tcp PORT [OPTIONS]         made syslog lines of 300 bytes, a line feed behind each
 *   bench_flood udp PORT [OPTIONS]         the same, a datagram each, 64 by one call
 *   bench_flood port                       prints a port of TCP and UDP that nobody listens on
 *   --count N        records to send (default 100,000)
 *   --rate N         records a second, all connections together; 0: as fast as they are taken
 *   --connections N  each has its own thread (default 2, at most 64)
 *   --body N         bytes of a bulk body (default 1,000,000)
 *   --tls, --gzip    http only; certificates are not looked at
 * All is made before the first byte goes out. With a rate, the time of an answer counts from when
 * its body was due; without, from when it was sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

enum {
    CONNECTIONS_MAX = 64,
    LINES = 1 << 17, /* made lines; more are the same again */
    LINE_BYTES = 300,
    LINES_AT_ONCE = 64,
    FINDING_EACH = 1000, /* so many lines raise one */
    SUSPICIOUS = 4,
    ZONE_SECONDS = 7 * 3600, /* of the store's default time zone */
    ANSWER_BYTES = 4 << 20,
    AGAIN_NS = 20 * 1000 * 1000, /* behind a 429 or 503 */
};

enum mode { MODE_HTTP, MODE_TCP, MODE_UDP };

struct piece { /* what is sent at once */
    struct slice bytes;
    uint64_t records;
};

struct sender {
    pthread_t thread;
    uint32_t number;
    int fd;
    gnutls_session_t tls;
    char *answer;
    uint64_t records, failed, again, answers;
    uint64_t *times_ns;
};

static enum mode mode;
static const char *port;
static uint64_t total = 100000, rate, body_bytes = 1000000, connections = 2;
static bool with_tls, with_gzip;
static struct buf bytes;
static struct piece *pieces;
static uint64_t piece_count, began_ns, due_ns;
static uint64_t next_piece, records_out; /* atomic */
static gnutls_certificate_credentials_t credentials;

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "bench_flood: %s\n", what);
    exit(1);
}

/* ---- what is sent ---- */

static void piece_add(size_t offset, uint64_t records)
{
    if ((piece_count & (piece_count + 1)) == 0 || !pieces)
        pieces = mem_resize(pieces, (piece_count + 1) * 2, sizeof(*pieces));
    /* the address is set when the buffer no longer moves */
    pieces[piece_count++] = (struct piece){{(char *)NULL, bytes.len - offset}, records};
}

static void pieces_settle(void)
{
    size_t at = 0;
    for (uint64_t i = 0; i < piece_count; i++) {
        pieces[i].bytes.data = bytes.data + at;
        at += pieces[i].bytes.len;
    }
}

static void body_pack(struct buf *body)
{
    z_stream z = {0};
    size_t room = body->len + body->len / 100 + 100;
    struct buf packed = {0};
    buf_reserve(&packed, room);
    must(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
    z.next_in = (Bytef *)body->data;
    z.avail_in = (uInt)body->len;
    z.next_out = (Bytef *)packed.data;
    z.avail_out = (uInt)room;
    must(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib");
    buf_clear(body);
    buf_append(body, packed.data, room - z.avail_out);
    (void)deflateEnd(&z);
    buf_free(&packed);
}

static void request_add(struct buf *body, uint64_t records)
{
    size_t offset = bytes.len;
    if (with_gzip)
        body_pack(body);
    buf_printf(&bytes,
               "POST /_bulk HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-ndjson\r\n"
               "%sContent-Length: %zu\r\n\r\n",
               with_gzip ? "Content-Encoding: gzip\r\n" : "", body->len);
    buf_slice(&bytes, buf_as_slice(body));
    piece_add(offset, records);
    buf_clear(body);
}

static void requests_make(const char *path)
{
    struct buf body = {0};
    uint64_t records = 0, all = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    FILE *file = fopen(path, "rb");
    must(file != NULL, "cannot open the file of events");
    while (all < total && (len = getline(&line, &room, file)) > 0) {
        buf_string(&body, "{\"create\":{}}\n");
        buf_append(&body, line, (size_t)len);
        records++, all++;
        if (body.len >= body_bytes) {
            request_add(&body, records);
            records = 0;
        }
    }
    if (records)
        request_add(&body, records);
    must(piece_count > 0, "the file has no line");
    (void)fclose(file);
    (free)(line);
    buf_free(&body);
}

static uint32_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

static void line_make(struct buf *line, uint64_t *state, uint32_t number)
{
    static const char *const users[] = {"root",   "admin",     "deploy",
                                        "backup", "an.nguyen", "minh.le"};
    static const char filling[] =
        "session tracking data for the operator: this line is filled up to the length of a usual "
        "firewall or mail server line with words that no rule asks for, as real ones are with "
        "flags, zones, interfaces, counters and policy names that hardly ever change from one "
        "line to the next one";
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint32_t r = random_next(state), q = random_next(state);
    buf_clear(line);
    struct clock_date at;
    clock_to_date(clock_now_ns(), ZONE_SECONDS, &at);
    buf_printf(line, "<%u>%s %2d %02d:%02d:%02d host-%u ", 30 + r % 60, months[at.month - 1],
               at.day, at.hour, at.minute, at.second, (r >> 8) % 40);
    switch (number % FINDING_EACH == 0 ? SUSPICIOUS : (r >> 16) % 4) {
    case SUSPICIOUS: /* a SigmaHQ rule of sshd asks for this */
        buf_printf(line, "sshd[%u]: Corrupted MAC on input.", q % 32768);
        break;
    case 0:
        buf_printf(line, "sshd[%u]: Accepted publickey for %s from 10.%u.%u.%u port %u ssh2",
                   q % 32768, users[q % 6], r % 32, q % 256, (q >> 8) % 256,
                   1024 + (q >> 16) % 60000);
        break;
    case 1:
        buf_printf(
            line,
            "kernel: [%u.%06u] FW-ACCEPT IN=eth0 OUT=eth1 SRC=10.%u.%u.%u DST=192.0.2.%u LEN=60 "
            "TTL=63 PROTO=TCP SPT=%u DPT=443",
            number, q % 1000000, r % 32, q % 256, (q >> 8) % 256, (q >> 16) % 256,
            1024 + q % 60000);
        break;
    case 2:
        buf_printf(
            line,
            "postfix/smtpd[%u]: %08X: client=mail-%u.example.org[10.%u.%u.%u], sasl_method=PLAIN",
            q % 32768, q ^ r, q % 900, r % 32, q % 256, (q >> 8) % 256);
        break;
    default:
        buf_printf(line, "app[%u]: request %u of user %s took %u ms, status %u", q % 32768, number,
                   users[q % 6], (q >> 8) % 4000, 200 + r % 5);
    }
    buf_char(line, ' ');
    must(line->len < LINE_BYTES, "a line is too long");
    buf_append(line, filling, LINE_BYTES - 1 - line->len);
    buf_char(line, '\n');
}

static void lines_make(void)
{
    struct buf line = {0};
    uint64_t state = 0x9e3779b97f4a7c15u;
    size_t offset = 0;
    for (uint32_t i = 0; i < LINES; i++) {
        line_make(&line, &state, i);
        buf_slice(&bytes, buf_as_slice(&line));
        if (i % LINES_AT_ONCE == LINES_AT_ONCE - 1) {
            piece_add(offset, LINES_AT_ONCE);
            offset = bytes.len;
        }
    }
    buf_free(&line);
}

/* ---- connections ---- */

static void sender_connect(struct sender *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, room = 4 << 20, rc;
    s->fd = socket(AF_INET, (mode == MODE_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    must(s->fd >= 0 && connect(s->fd, (const struct sockaddr *)&at, sizeof(at)) == 0,
         "nobody listens on the port");
    if (mode == MODE_UDP) {
        int line = LINE_BYTES;
        (void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
        must(setsockopt(s->fd, IPPROTO_UDP, UDP_SEGMENT, &line, sizeof(line)) == 0,
             "this kernel does not cut datagrams");
    } else {
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    if (!with_tls)
        return;
    must(gnutls_init(&s->tls, GNUTLS_CLIENT) == 0 && gnutls_set_default_priority(s->tls) == 0 &&
             gnutls_credentials_set(s->tls, GNUTLS_CRD_CERTIFICATE, credentials) == 0,
         "TLS");
    gnutls_transport_set_int(s->tls, s->fd);
    do
        rc = gnutls_handshake(s->tls);
    while (rc < 0 && !gnutls_error_is_fatal(rc));
    must(rc == 0, "no TLS connection is possible");
}

static void sender_close(struct sender *s)
{
    if (s->tls) {
        (void)gnutls_bye(s->tls, GNUTLS_SHUT_WR);
        gnutls_deinit(s->tls);
    }
    (void)close(s->fd);
    mem_free(s->answer);
}

static void sender_put(struct sender *s, struct slice data)
{
    while (data.len) {
        ssize_t sent = s->tls ? gnutls_record_send(s->tls, data.data, data.len)
                              : send(s->fd, data.data, data.len, MSG_NOSIGNAL);
        if (s->tls && sent < 0 && !gnutls_error_is_fatal((int)sent))
            continue;
        must(sent > 0, "the connection was closed");
        data = slice_part(data, (size_t)sent, data.len);
    }
}

/* All lines of a piece by one call: the kernel makes a datagram of each (UDP_SEGMENT), so that the
 * sender takes little of the cores that it shares with who receives. */
static void datagrams_put(struct sender *s, const struct piece *p)
{
    ssize_t sent;
    do
        sent = send(s->fd, p->bytes.data, p->bytes.len, 0);
    while (sent < 0 && (errno == ENOBUFS || errno == EINTR));
    must(sent == (ssize_t)p->bytes.len, "datagrams cannot be sent");
}

/* The status of the next answer; *errors: some of its items failed. */
static int answer_take(struct sender *s, bool *errors)
{
    size_t len = 0, wanted = 0;
    while (wanted == 0 || len < wanted) {
        must(len < ANSWER_BYTES, "an answer is too long");
        ssize_t got = s->tls ? gnutls_record_recv(s->tls, s->answer + len, ANSWER_BYTES - len)
                             : recv(s->fd, s->answer + len, ANSWER_BYTES - len, 0);
        if (s->tls && got < 0 && !gnutls_error_is_fatal((int)got))
            continue;
        must(got > 0, "the connection was closed before the answer");
        len += (size_t)got;
        struct slice head = {s->answer, len}, name = SLICE("Content-Length: ");
        size_t end = slice_find(head, SLICE("\r\n\r\n")), at = slice_find(head, name);
        if (wanted == 0 && end != SLICE_NONE && at < end)
            wanted = end + 4 + strtoul(s->answer + at + name.len, NULL, 10);
    }
    struct slice start = slice_part((struct slice){s->answer, len}, 0, 4096);
    *errors = slice_find(start, SLICE("\"errors\":true")) != SLICE_NONE;
    return (int)strtol(s->answer + sizeof("HTTP/1.1"), NULL, 10);
}

static void request_run(struct sender *s, const struct piece *p, uint64_t from_ns)
{
    bool errors;
    for (;;) {
        sender_put(s, p->bytes);
        int status = answer_take(s, &errors);
        if (status == 200)
            break;
        must(status == 429 || status == 503, "a body was refused");
        s->again++;
        (void)nanosleep(&(struct timespec){.tv_nsec = AGAIN_NS}, NULL);
    }
    s->times_ns[s->answers++] = clock_monotonic_ns() - from_ns;
    if (errors)
        s->failed += p->records;
}

static uint64_t wait_until(uint64_t at_ns)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns >= at_ns)
        return at_ns;
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
                          &(struct timespec){.tv_sec = (time_t)(at_ns / 1000000000u),
                                             .tv_nsec = (long)(at_ns % 1000000000u)},
                          NULL);
    return at_ns;
}

static void *sender_run(void *context)
{
    struct sender *s = context;
    for (;;) {
        const struct piece *p =
            &pieces[__atomic_fetch_add(&next_piece, 1, __ATOMIC_RELAXED) % piece_count];
        uint64_t before = __atomic_fetch_add(&records_out, p->records, __ATOMIC_RELAXED);
        if (before >= total)
            break;
        uint64_t from_ns =
            rate ? wait_until(began_ns + (uint64_t)((double)before * 1e9 / (double)rate))
                 : clock_monotonic_ns();
        if (mode == MODE_HTTP)
            request_run(s, p, from_ns);
        else if (mode == MODE_TCP)
            sender_put(s, p->bytes);
        else
            datagrams_put(s, p);
        s->records += p->records;
    }
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void result_print(const struct sender *senders, uint64_t room, double seconds)
{
    uint64_t records = 0, failed = 0, again = 0, answers = 0, size = 0;
    uint64_t *all = mem_zeroed(room * connections + 1, sizeof(*all));
    for (uint64_t i = 0; i < connections; i++) {
        const struct sender *s = &senders[i];
        records += s->records, failed += s->failed, again += s->again;
        if (s->answers)
            memcpy(all + answers, s->times_ns, s->answers * sizeof(*all));
        answers += s->answers;
    }
    for (uint64_t i = 0; i < piece_count; i++)
        size += pieces[i].bytes.len;
    qsort(all, answers, sizeof(*all), by_number);
    (void)printf("{\"records\":%llu,\"seconds\":%.3f,\"failed\":%llu,\"again\":%llu,"
                 "\"answer_p50_ms\":%.1f,\"answer_p99_ms\":%.1f,\"sender_cpu_seconds\":%.3f,"
                 "\"body_mean_bytes\":%llu}\n",
                 (unsigned long long)records, seconds, (unsigned long long)failed,
                 (unsigned long long)again, (double)all[answers / 2] / 1e6,
                 (double)all[answers * 99 / 100] / 1e6,
                 (double)clock_cpu_ns() / 1e9 - (double)due_ns / 1e9,
                 (unsigned long long)(size / piece_count));
    mem_free(all);
}

static void arguments_read(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint64_t *value;
    } numbers[] = {{"--count", &total},
                   {"--rate", &rate},
                   {"--connections", &connections},
                   {"--body", &body_bytes}};
    for (int i = mode == MODE_HTTP ? 4 : 3; i < argc; i++) {
        bool known = false;
        if (strcmp(argv[i], "--tls") == 0)
            known = with_tls = true;
        if (strcmp(argv[i], "--gzip") == 0)
            known = with_gzip = true;
        for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]) && i + 1 < argc; n++)
            if (strcmp(argv[i], numbers[n].name) == 0)
                known = slice_to_u64(slice_from(argv[++i]), numbers[n].value);
        must(known, "an option is not known, see the head of bench_flood.c");
    }
    must(connections >= 1 && connections <= CONNECTIONS_MAX && total > 0 && body_bytes > 0,
         "1 to 64 connections, one record or more");
}

static void port_print(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(tcp >= 0 && udp >= 0 && bind(tcp, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
             getsockname(tcp, (struct sockaddr *)&at, &len) == 0 &&
             bind(udp, (const struct sockaddr *)&at, sizeof(at)) == 0,
         "no port is free");
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)close(tcp);
    (void)close(udp);
}

int main(int argc, char **argv)
{
    static struct sender senders[CONNECTIONS_MAX];
    if (argc == 2 && strcmp(argv[1], "port") == 0) {
        port_print();
        return 0;
    }
    must(argc >= 3, "usage: bench_flood http PORT FILE | tcp PORT | udp PORT, and options");
    mode = strcmp(argv[1], "http") == 0 ? MODE_HTTP : argv[1][0] == 't' ? MODE_TCP : MODE_UDP;
    must(mode != MODE_HTTP || argc >= 4, "http wants a file of events");
    port = argv[2];
    arguments_read(argc, argv);
    if (mode == MODE_HTTP)
        requests_make(argv[3]);
    else
        lines_make();
    pieces_settle();
    must(!with_tls || gnutls_certificate_allocate_credentials(&credentials) == 0, "TLS");
    uint64_t room = mode == MODE_HTTP ? total + piece_count : 1;
    for (uint32_t i = 0; i < connections; i++) {
        senders[i].number = i;
        senders[i].answer = mode == MODE_HTTP ? mem_alloc(ANSWER_BYTES) : NULL;
        senders[i].times_ns = mem_zeroed(room, sizeof(uint64_t));
        sender_connect(&senders[i]);
    }
    due_ns = clock_cpu_ns();
    began_ns = clock_monotonic_ns();
    for (uint32_t i = 0; i < connections; i++)
        must(pthread_create(&senders[i].thread, NULL, sender_run, &senders[i]) == 0, "threads");
    for (uint32_t i = 0; i < connections; i++)
        (void)pthread_join(senders[i].thread, NULL);
    double seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9;
    result_print(senders, room, seconds);
    for (uint32_t i = 0; i < connections; i++) {
        sender_close(&senders[i]);
        mem_free(senders[i].times_ns);
    }
    mem_free(pieces);
    buf_free(&bytes);
    return 0;
}
