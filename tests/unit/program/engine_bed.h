/* An engine in a thread of the test, on a temporary data folder, with the test as its parent and as
 * its peers. Include behind cmocka.h. Threads: the test's, but for the engine's own. */
#pragma once
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "program/role.h"
#include "state/command.h"
#include "watch/peer.h"

enum { BED_MS_MAX = 60000 };

struct bed {
    char folder[64];
    struct role_context context;
    pthread_t thread;
    int engine_end;
    struct wire *parent; /* the test's end */
    struct wire_message message;
    struct err err;
    struct peer *peer; /* the engine's end of parent */
    bool drains;
};

static inline void bed_on_message(void *context, struct peer *peer, struct wire_message *m)
{
    struct role_context *c = &((struct bed *)context)->context;
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    (void)peer;
    if (m->type == MESSAGE_PEER) {
        enum role role = (enum role)bytes_take_u32(&in);
        uint32_t instance = bytes_take_u32(&in);
        c->on_peer(c, role, instance, wire_take_fd(m, 0));
    } else if (m->type == MESSAGE_DRAIN) {
        c->on_drain(c);
    } else {
        c->on_message(c, m);
    }
}

static inline void bed_on_closed(void *context, struct peer *peer, const struct err *err)
{
    (void)peer;
    (void)err;
    uv_stop(&((struct bed *)context)->context.loop);
}

static inline void *bed_run(void *context)
{
    static const struct peer_calls calls = {bed_on_message, bed_on_closed};
    struct bed *bed = context;
    struct role_context *c = &bed->context;
    struct err err = {0};
    check(uv_loop_init(&c->loop) == 0);
    bed->peer = peer_open(&c->loop, bed->engine_end, &calls, bed);
    c->parent = peer_wire(bed->peer);
    int rc = engine_open(c, &err);
    if (rc == ERR_OK)
        rc = peer_send(bed->peer, MESSAGE_READY, 0, SLICE(""), NULL, 0, &err);
    if (rc == ERR_OK)
        rc = engine_run(c, &err);
    if (rc != ERR_OK)
        (void)fprintf(stderr, "engine: %s\n", err.text);
    engine_close(c);
    peer_close(&bed->peer);
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&c->loop) == 0);
    return NULL;
}

static inline int bed_remove_one(const char *path, const struct stat *about, int kind,
                                 struct FTW *ftw)
{
    (void)about;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* What the wire says next, of this type; others before it are passed over. */
static inline void bed_await(struct bed *bed, struct wire *wire, uint16_t type)
{
    do
        assert_int_equal(wire_wait(wire, &bed->message, BED_MS_MAX, &bed->err), ERR_OK);
    while (bed->message.type != type);
}

/* A wire from the test to the engine, as of this role. */
static inline struct wire *bed_peer(struct bed *bed, enum role role, uint32_t instance)
{
    int ends[2];
    struct buf payload = {0};
    assert_int_equal(wire_pair(ends, &bed->err), ERR_OK);
    bytes_put_u32(&payload, (uint32_t)role);
    bytes_put_u32(&payload, instance);
    assert_int_equal(
        wire_send(bed->parent, MESSAGE_PEER, 0, buf_as_slice(&payload), &ends[1], 1, &bed->err),
        ERR_OK);
    (void)close(ends[1]);
    buf_free(&payload);
    return wire_open(ends[0], -1);
}

static inline void bed_start(struct bed *bed)
{
    struct role_context *c = &bed->context;
    int ends[2];
    struct buf path = {0};
    *c = (struct role_context){.role = ROLE_ENGINE,
                               .data = bed->folder,
                               .shared_fd = -1,
                               .injection = "",
                               .layers = SANDBOX_LAYERS_ALL};
    struct slice yaml = SLICE("channels:\n"
                              "  - name: hook\n    kind: webhook\n    url: http://127.0.0.1:9/\n"
                              "  - name: siren\n    kind: command\n    command: siren\n"
                              "commands:\n  - name: siren\n    run: [/bin/true]\n");
    assert_int_equal(config_open_text(&c->config, yaml, &bed->err), ERR_OK);
    buf_printf(&path, "%s/control.sock", bed->folder);
    c->listeners[0].name = mem_copy_text("control", 7);
    assert_int_equal(wire_listen(buf_text(&path), 0600, &c->listeners[0].fd, &bed->err), ERR_OK);
    c->listener_count = 1;
    buf_free(&path);
    assert_int_equal(wire_pair(ends, &bed->err), ERR_OK);
    bed->parent = wire_open(ends[0], -1);
    bed->engine_end = ends[1];
    assert_int_equal(pthread_create(&bed->thread, NULL, bed_run, bed), 0);
    bed_await(bed, bed->parent, MESSAGE_READY);
}

static inline void bed_stop(struct bed *bed)
{
    assert_int_equal(wire_send(bed->parent, MESSAGE_DRAIN, 0, SLICE(""), NULL, 0, &bed->err),
                     ERR_OK);
    assert_int_equal(pthread_join(bed->thread, NULL), 0);
    wire_close(&bed->parent);
    wire_message_free(&bed->message);
    (void)close(bed->context.listeners[0].fd);
    mem_free(bed->context.listeners[0].name);
    config_close(&bed->context.config);
    arena_free(&bed->context.arena);
}

static inline struct bed *bed_open(void)
{
    const char *base = getenv("TMPDIR");
    struct bed *bed = mem_zeroed(1, sizeof(*bed));
    (void)snprintf(bed->folder, sizeof(bed->folder), "%s/canh-engine-XXXXXX",
                   base && strlen(base) < 40 ? base : "/tmp");
    assert_non_null(mkdtemp(bed->folder));
    bed_start(bed);
    return bed;
}

static inline void bed_close(struct bed *bed)
{
    bed_stop(bed);
    (void)nftw(bed->folder, bed_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(bed);
}

/* ---- what clients do ---- */

static inline struct wire *bed_control(struct bed *bed)
{
    struct buf path = {0};
    int fd;
    buf_printf(&path, "%s/control.sock", bed->folder);
    assert_int_equal(wire_connect(buf_text(&path), &fd, &bed->err), ERR_OK);
    buf_free(&path);
    return wire_open(fd, -1);
}

static inline void bed_control_for_all(struct bed *bed)
{
    struct buf path = {0};
    buf_printf(&path, "%s/control.sock", bed->folder);
    assert_int_equal(chmod(buf_text(&path), 0666), 0);
    buf_free(&path);
}

/* values: name, text, name, text ..., NULL. */
static inline void bed_call_send(struct bed *bed, struct wire *wire, uint64_t id,
                                 const char *secret, const char *name, const char *const *values)
{
    struct command_value list[16];
    struct buf packed = {0}, payload = {0};
    uint32_t count = 0;
    for (; values[2 * count]; count++)
        list[count] = (struct command_value){slice_from(values[2 * count]),
                                             slice_from(values[2 * count + 1])};
    command_pack(slice_from(name), list, count, false, &packed);
    bytes_put_text(&payload, slice_from(secret));
    bytes_put_text(&payload, SLICE("127.0.0.1"));
    bytes_put_u32(&payload, 0);
    message_put_long(&payload, buf_as_slice(&packed));
    assert_int_equal(wire_send(wire, MESSAGE_CALL, id, buf_as_slice(&payload), NULL, 0, &bed->err),
                     ERR_OK);
    buf_free(&packed);
    buf_free(&payload);
}

struct bed_result {
    int rc;
    uint32_t flags;
    uint64_t audit_id;
    struct slice error, json; /* until the bed's next message */
};

static inline struct bed_result bed_result(struct bed *bed, struct wire *wire, uint64_t id)
{
    bed_await(bed, wire, MESSAGE_RESULT);
    if (id)
        assert_int_equal(bed->message.id, id);
    struct bytes_in in = bytes_in(buf_as_slice(&bed->message.payload));
    struct bed_result r = {.rc = (int)(int32_t)bytes_take_u32(&in)};
    r.flags = bytes_take_u32(&in);
    r.error = bytes_take_text(&in, ERR_TEXT_BYTES);
    r.audit_id = bytes_take_u64(&in);
    r.json = message_take_long(&in, WIRE_BYTES_MAX);
    assert_false(in.bad);
    return r;
}

#define BED_VALUES(...) ((const char *const[]){__VA_ARGS__, NULL, NULL})
static inline struct bed_result bed_call(struct bed *bed, struct wire *wire, const char *secret,
                                         const char *name, const char *const *values)
{
    bed_call_send(bed, wire, 7, secret, name, values);
    return bed_result(bed, wire, 7);
}

/* The code; who is to be freed with the arena. */
static inline int bed_who(struct bed *bed, struct wire *wire, const char *secret,
                          struct arena *arena, struct caller *who)
{
    struct buf payload = {0};
    bytes_put_text(&payload, slice_from(secret));
    bytes_put_text(&payload, SLICE("127.0.0.1"));
    assert_int_equal(wire_send(wire, MESSAGE_WHO, 9, buf_as_slice(&payload), NULL, 0, &bed->err),
                     ERR_OK);
    buf_free(&payload);
    bed_await(bed, wire, MESSAGE_CALLER);
    struct bytes_in in = bytes_in(buf_as_slice(&bed->message.payload));
    int rc = (int)(int32_t)bytes_take_u32(&in);
    if (rc == ERR_OK)
        assert_int_equal(caller_unpack(&in, arena, who, &bed->err), ERR_OK);
    return rc;
}

/* The text of a member of a flat JSON object, into room. */
static inline const char *bed_member(struct slice json, const char *key, char *room, size_t size)
{
    char mark[64];
    (void)snprintf(mark, sizeof(mark), "\"%s\":\"", key);
    size_t at = slice_find(json, slice_from(mark));
    assert_true(at != SLICE_NONE);
    struct slice rest = slice_part(json, at + strlen(mark), json.len);
    struct slice text = slice_cut(&rest, '"');
    assert_true(text.len < size);
    memcpy(room, text.data, text.len);
    room[text.len] = 0;
    return room;
}
