/* A lane, with the test as the engines that come and go. Include behind cmocka.h. Threads: the
 * lane's one beside the test's. */
#pragma once
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "unit/watch/live_bed.h"
#include "watch/intake_lane.h"
#include "watch/message.h"

enum { TURNS_MAX = 120000, TURN_US = 500 };
#define CURSOR SLICE("follow:a.log")

struct sides {
    struct bed bed;
    struct intake_shared *shared;
    struct intake_lane *lane;
    int memory;
    uv_loop_t loop;
    struct peer *peers[2];
    /* a block that is judged */
    uint64_t wait_ns;
    int rc;
    /* of the newest haul that the engine got */
    uint32_t got;
    uint64_t id, lane_id, number;
};

static inline void on_message(void *context, struct peer *peer, struct wire_message *m)
{
    struct sides *s = context;
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    struct harvest *harvest = harvest_open();
    struct haul_head head;
    struct slice raw;
    struct err err;
    static char bytes[HAUL_SLOT_BYTES];
    (void)peer;
    assert_int_equal(bytes_take_u32(&in), 0);
    uint32_t len = bytes_take_u32(&in);
    assert_true(len <= sizeof(bytes) && pread(s->memory, bytes, len, 0) == (ssize_t)len);
    assert_int_equal(haul_unpack(slice_make(bytes, len), 1, &head, &raw, harvest, &err), ERR_OK);
    s->lane_id = head.lane;
    s->number = head.number;
    s->id = m->id;
    s->got++;
    harvest_close(&harvest);
}

static inline void on_closed(void *context, struct peer *peer, const struct err *err)
{
    (void)context;
    (void)peer;
    (void)err;
}

static inline void said(struct sides *s, enum message_type type, struct slice name,
                        struct slice value)
{
    struct wire_message m = {.type = (uint16_t)type};
    if (name.len) {
        bytes_put_text(&m.payload, name);
        bytes_put_text(&m.payload, value);
    }
    assert_int_equal(intake_shared_message(s->shared, &m, NULL), ERR_OK);
    buf_free(&m.payload);
}

/* An engine comes that has stored the lane's hauls up to `number`. */
static inline void engine_comes(struct sides *s, const char *number)
{
    char name[HAUL_LANE_BYTES];
    intake_shared_begin(s->shared, s->peers[0]);
    said(s, MESSAGE_CURSOR, CURSOR, SLICE("0"));
    if (number)
        said(s, MESSAGE_CURSOR, haul_lane_cursor(s->lane_id, name), slice_from(number));
    said(s, MESSAGE_RESUME, SLICE(""), SLICE(""));
}

static inline void engine_answers(struct sides *s)
{
    struct wire_message done = {.type = MESSAGE_HAUL_DONE, .id = s->id};
    bytes_put_u32(&done.payload, 0);
    bytes_put_u32(&done.payload, ERR_OK);
    bytes_put_text(&done.payload, SLICE(""));
    bytes_put_u64(&done.payload, 1);
    bytes_put_u32(&done.payload, 1);
    bytes_put_u32(&done.payload, 0);
    message_put_long(&done.payload, SLICE(""));
    assert_int_equal(intake_shared_message(s->shared, &done, NULL), ERR_OK);
    buf_free(&done.payload);
}

static inline int open_all(void **state)
{
    static const struct peer_calls calls = {on_message, on_closed};
    static const char *const rules[] = {"title: A\nid: 11111111-1111-4111-8111-111111111111\n"
                                        "status: stable\nlevel: high\n"
                                        "logsource: {category: test}\n"
                                        "detection: {a: {a: 2}, condition: a}\n",
                                        NULL};
    struct sides *s = mem_zeroed(1, sizeof(*s));
    int ends[2];
    bed_open(&s->bed);
    live_put(&s->bed.live, set_make(&s->bed, "own", rules));
    s->memory = memfd_create("hauls", MFD_CLOEXEC);
    assert_int_equal(ftruncate(s->memory, HAUL_SLOT_BYTES), 0);
    assert_int_equal(intake_shared_open(&s->shared, s->memory, 1, HAUL_SLOT_BYTES, NULL), ERR_OK);
    s->lane = intake_lane_open(&s->bed.live, s->shared);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(wire_pair(ends, NULL), ERR_OK);
    for (int i = 0; i < 2; i++)
        s->peers[i] = peer_open(&s->loop, ends[i], &calls, s);
    *state = s;
    return 0;
}

static inline int close_all(void **state)
{
    struct sides *s = *state;
    for (int i = 0; i < 2; i++)
        peer_close(&s->peers[i]);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    intake_lane_close(&s->lane);
    intake_shared_close(&s->shared);
    (void)close(s->memory);
    bed_close(&s->bed);
    mem_free(s);
    return 0;
}

static inline void haul_await(struct sides *s, uint32_t count)
{
    for (int i = 0; i < TURNS_MAX && s->got < count; i++) {
        (void)uv_run(&s->loop, UV_RUN_NOWAIT);
        (void)usleep(TURN_US);
    }
    assert_int_equal(s->got, count);
}
