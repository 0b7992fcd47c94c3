/* The role web with an engine that is played here: over real sockets, without other processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wire.h"
#include "program/role.h"
#include "state/right.h"

static const char settings[] = "web:\n  timeout: 2s\n  connections: 40\n"
                               "  connections_per_address: 20\n  body_bytes: 64KiB\n";
enum { CLIENT_MS_MAX = 30000 };

struct bed {
    struct role_context context;
    uint16_t port;
    pthread_t role, engine;
    struct wire *wire; /* the engine's end */
    uv_async_t async;
    pthread_mutex_t lock;
    pthread_cond_t done;
    int peer; /* to be given to the role; -2: drain; -1: nothing */
    bool keeps;
};
static struct bed bed;

/* ---- the engine that is played ---- */

static void say(uint16_t type, uint64_t id, struct buf *out, int fd)
{
    struct err err;
    (void)!wire_send(bed.wire, type, id, buf_as_slice(out), &fd, fd >= 0, &err);
    buf_free(out);
}

static void say_caller(struct wire_message *m)
{
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    struct slice secret = bytes_take_text(&in, 1000);
    struct caller caller = caller_system();
    struct buf out = {0};
    if (slice_equal(secret, SLICE("waits"))) {
        (void)pthread_mutex_lock(&bed.lock);
        bed.keeps = true;
        (void)pthread_cond_signal(&bed.done);
        (void)pthread_mutex_unlock(&bed.lock);
        return;
    }
    bool good = slice_equal(secret, SLICE("good"));
    caller.kind = CALLER_TOKEN;
    bytes_put_u32(&out, (uint32_t)(good ? ERR_OK : ERR_NOT_FOUND));
    if (good)
        caller_pack(&caller, &out);
    say(MESSAGE_CALLER, m->id, &out, -1);
}

static void say_stream(struct wire_message *m)
{
    struct slice all = buf_as_slice(&m->payload);
    struct buf out = {0};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    bytes_put_u32(&out, ERR_OK);
    bytes_put_text(&out, SLICE(""));
    say(MESSAGE_ASKED, m->id, &out, pair[1]);
    (void)close(pair[1]);
    (void)!write(pair[0], "{\"a\":1}\n", 8);
    (void)usleep(50000); /* the reader has to wait, and is woken */
    (void)!write(pair[0], "{\"a\":2}\n", 8);
    if (slice_find(all, SLICE("cut")) == SLICE_NONE)
        (void)!write(pair[0], "\x1e{\"rows\":2,\"error\":null}\n", 26);
    (void)close(pair[0]);
}

static void *engine_thread(void *unused)
{
    struct wire_message m = {0};
    struct err err;
    while (wire_wait(bed.wire, &m, CLIENT_MS_MAX, &err) == ERR_OK) {
        struct buf out = {0};
        if (m.type == MESSAGE_WHO)
            say_caller(&m);
        else if (m.type == MESSAGE_ASK)
            say_stream(&m);
        else if (m.type == MESSAGE_STATUS) {
            bytes_put_u32(&out, ERR_OK);
            message_put_long(&out, SLICE("{\"fine\":true}"));
            say(MESSAGE_STATUS_IS, m.id, &out, -1);
        } else if (m.type == MESSAGE_METRICS) {
            buf_string(&out, "no metrics at all");
            say(MESSAGE_METRICS_ARE, m.id, &out, -1);
        }
    }
    wire_message_free(&m);
    return unused;
}

/* ---- the role ---- */

static void async_do(uv_async_t *async)
{
    (void)async;
    (void)pthread_mutex_lock(&bed.lock);
    if (bed.peer >= 0) {
        bed.context.on_peer(&bed.context, ROLE_ENGINE, 0, bed.peer);
    } else if (bed.peer == -2) {
        bed.context.draining = true;
        bed.context.on_drain(&bed.context);
    }
    bed.peer = -1;
    (void)pthread_cond_broadcast(&bed.done);
    (void)pthread_mutex_unlock(&bed.lock);
}

static void role_do(int what)
{
    (void)pthread_mutex_lock(&bed.lock);
    bed.peer = what;
    (void)uv_async_send(&bed.async);
    while (bed.peer != -1)
        (void)pthread_cond_wait(&bed.done, &bed.lock);
    (void)pthread_mutex_unlock(&bed.lock);
}

static void *role_thread(void *unused)
{
    struct err err;
    assert_int_equal(web_run(&bed.context, &err), ERR_OK);
    return unused;
}

static void engine_begin(void)
{
    int pair[2];
    struct err err;
    assert_int_equal(wire_pair(pair, &err), ERR_OK);
    bed.wire = wire_open(pair[1], -1);
    assert_int_equal(pthread_create(&bed.engine, NULL, engine_thread, NULL), 0);
    role_do(pair[0]);
}

static void engine_end(void)
{
    (void)shutdown(wire_fd(bed.wire), SHUT_RDWR);
    (void)pthread_join(bed.engine, NULL);
    wire_close(&bed.wire);
}

static int bed_open(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t len = sizeof at;
    struct err err;
    (void)state;
    bed = (struct bed){.peer = -1};
    struct role_context *c = &bed.context;
    check(pthread_mutex_init(&bed.lock, NULL) == 0 && pthread_cond_init(&bed.done, NULL) == 0);
    check(config_open_text(&c->config, slice_from(settings), &err) == ERR_OK);
    c->role = ROLE_WEB;
    c->data = "/nowhere";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 100) == 0);
    check(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    bed.port = ntohs(at.sin_port);
    static char name[] = "web";
    c->listeners[0] = (struct listener_socket){.name = name, .fd = fd};
    c->listener_count = 1;
    check(uv_loop_init(&c->loop) == 0);
    check(uv_async_init(&c->loop, &bed.async, async_do) == 0);
    check(web_open(c, &err) == ERR_OK);
    check(pthread_create(&bed.role, NULL, role_thread, NULL) == 0);
    engine_begin();
    return 0;
}

static int bed_close(void **state)
{
    struct role_context *c = &bed.context;
    (void)state;
    role_do(-2);
    (void)pthread_join(bed.role, NULL);
    engine_end();
    uv_close((uv_handle_t *)&bed.async, NULL);
    (void)uv_run(&c->loop, UV_RUN_NOWAIT);
    web_close(c);
    check(uv_loop_close(&c->loop) == 0);
    config_close(&c->config);
    arena_free(&c->arena);
    return 0;
}

/* ---- a client ---- */

static int dial(const char *from)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, from, &at.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    at.sin_port = htons(bed.port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* What comes until the other side closes, or nothing comes for too long. */
static struct buf hear(int fd)
{
    struct pollfd wait = {fd, POLLIN, 0};
    struct buf out = {0};
    char block[4096];
    while (poll(&wait, 1, CLIENT_MS_MAX) == 1) {
        ssize_t got = read(fd, block, sizeof block);
        if (got <= 0)
            break;
        buf_append(&out, block, (size_t)got);
    }
    (void)close(fd);
    return out;
}

static int tell(const char *from, const char *text)
{
    int fd = dial(from);
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
    return fd;
}

#define HEAD "Host: 127.0.0.1\r\nConnection: close\r\n"
static struct buf get(const char *path, const char *token)
{
    char text[400];
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HEAD "Authorization: Bearer %s\r\n\r\n",
                   path, token);
    return hear(tell("127.0.0.1", text));
}

static void expect(struct buf got, const char *status, const char *text)
{
    struct slice all = buf_as_slice(&got);
    if (!slice_starts(slice_part(all, 9, 3), slice_from(status)) ||
        slice_find(all, slice_from(text)) == SLICE_NONE)
        fail_msg("wanted %s and \"%s\", got: %s", status, text, buf_text(&got));
    buf_free(&got);
}

static void test_answers(void **state)
{
    (void)state;
    expect(get("/health", "x"), "200", "{\"status\":\"ok\"}");
    expect(get("/health", "x"), "200", "Content-Security-Policy: default-src 'none'");
    expect(get("/health", "x"), "200", "X-Content-Type-Options: nosniff");
    expect(get("/health", "x"), "200", "Cache-Control: no-store");
    struct buf got = get("/nothing", "x");
    assert_int_equal(slice_find(buf_as_slice(&got), SLICE("Server:")), SLICE_NONE);
    expect(got, "404", "application/problem+json");
    expect(get("/api/v1/session", "bad"), "401", "not-signed-in");
    expect(get("/api/v1/session", "good"), "200", "\"by\":\"token\"");
    expect(get("/api/v1/status", "good"), "200", "{\"fine\":true}");
    expect(get("/metrics", "good"), "503", "unavailable"); /* the engine spoke nonsense */
}

static void test_two_on_one_connection(void **state)
{
    (void)state;
    struct buf got = hear(tell("127.0.0.1", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                            "GET /api/v1/status HTTP/1.1\r\n" HEAD
                                            "Authorization: Bearer good\r\n\r\n"));
    struct slice all = buf_as_slice(&got);
    assert_true(slice_find(all, SLICE("ok")) != SLICE_NONE);
    expect(got, "200", "fine");
}

static void test_strict(void **state)
{
    (void)state;
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
        {"GET /health HTTP/1.1\r\n" HEAD "Host: 127.0.0.1\r\n\r\n", "400"},
        {"GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "421"},
        {"POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n"
         "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
         "400"},
        {"POST /api/v1/session HTTP/1.1\r\n" HEAD
         "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
         "400"},
        {"BREW /health HTTP/1.1\r\n" HEAD "\r\n", "405"},
        {"GET /api/v1/%75nits HTTP/1.1\r\n" HEAD "\r\n", "400"},
        {"POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\n"
         "Content-Length: 100000\r\n\r\n",
         "413"},
        {"POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\n"
         "Content-Length: 2\r\n\r\n{}",
         "400"},
        {"POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}", "415"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(hear(tell("127.0.0.1", cases[i].request)), cases[i].status, "");
    struct buf request = {0};
    buf_string(&request, "GET /");
    for (int i = 0; i < 5000; i++)
        buf_char(&request, 'a');
    buf_string(&request, " HTTP/1.1\r\n" HEAD "\r\n");
    expect(hear(tell("127.0.0.1", buf_text(&request))), "414", "too-long");
    buf_free(&request);
}

static void test_a_body_without_end(void **state)
{
    (void)state;
    int fd = tell("127.0.0.1",
                  "POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n");
    struct buf chunk = {0};
    buf_string(&chunk, "1000\r\n");
    for (int i = 0; i < 0x1000; i++)
        buf_char(&chunk, ' ');
    buf_string(&chunk, "\r\n");
    bool closed = false;
    for (int i = 0; i < 100000 && !closed; i++)
        closed = send(fd, chunk.data, chunk.len, MSG_NOSIGNAL) < 0;
    assert_true(closed);
    buf_free(&chunk);
    (void)close(fd);
}

static struct buf search(const char *query)
{
    char text[600];
    (void)snprintf(
        text, sizeof text,
        "POST /api/v1/search HTTP/1.1\r\n" HEAD "Authorization: Bearer good\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n{\"query\":\"%s\"}",
        strlen(query) + 12, query);
    return hear(tell("127.0.0.1", text));
}

static void test_streams(void **state)
{
    (void)state;
    struct buf got = search("whole");
    assert_true(slice_ends(buf_as_slice(&got), SLICE("\r\n0\r\n\r\n")));
    assert_int_equal(slice_find(buf_as_slice(&got), SLICE("\x1e")), SLICE_NONE);
    expect(got, "200", "{\"rows\":2,\"error\":null}\n");
    got = search("cut");
    assert_false(slice_ends(buf_as_slice(&got), SLICE("0\r\n\r\n")));
    expect(got, "200", "{\"a\":1}\n");
}

static void test_the_engine_goes(void **state)
{
    (void)state;
    int fd = tell("127.0.0.1",
                  "GET /api/v1/status HTTP/1.1\r\n" HEAD "Authorization: Bearer waits\r\n\r\n");
    (void)pthread_mutex_lock(&bed.lock);
    while (!bed.keeps)
        (void)pthread_cond_wait(&bed.done, &bed.lock);
    (void)pthread_mutex_unlock(&bed.lock);
    expect(get("/api/v1/status", "good"), "200", "fine"); /* others go on meanwhile */
    engine_end();
    expect(hear(fd), "503", "Retry-After");
    expect(get("/health", "x"), "503", "unavailable");
    expect(get("/api/v1/status", "good"), "503", "problem+json");
    engine_begin();
    expect(get("/health", "x"), "200", "ok");
    expect(get("/api/v1/status", "good"), "200", "fine");
}

static void test_idle_connections(void **state)
{
    (void)state;
    int idle[300];
    for (int i = 0; i < 300; i++)
        idle[i] = tell("127.0.0.1", i % 2 ? "GET /hea" : "");
    expect(hear(tell("127.0.0.2", "GET /health HTTP/1.1\r\n" HEAD "\r\n")), "200", "ok");
    for (int i = 0; i < 300; i++)
        (void)close(idle[i]);
}

static void test_a_slow_one(void **state)
{
    (void)state;
    int fd = tell("127.0.0.3", "GET /health HTTP/1.1\r\n");
    bool closed = false;
    for (int i = 0; i < 600 && !closed; i++) {
        closed = send(fd, "A: b\r\n", 6, MSG_NOSIGNAL) < 0;
        (void)usleep(50000); /* never idle for long */
    }
    assert_true(closed);
    (void)close(fd);
    expect(hear(tell("127.0.0.3", "GET /health HTTP/1.1\r\n" HEAD "\r\n")), "200", "ok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),          cmocka_unit_test(test_two_on_one_connection),
        cmocka_unit_test(test_strict),           cmocka_unit_test(test_a_body_without_end),
        cmocka_unit_test(test_streams),          cmocka_unit_test(test_the_engine_goes),
        cmocka_unit_test(test_idle_connections), cmocka_unit_test(test_a_slow_one),
    };
    return cmocka_run_group_tests(tests, bed_open, bed_close);
}
