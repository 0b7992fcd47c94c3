/* Hauls of a lane whose engine goes while one is on its way, with the test as the engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "unit/watch/live_bed.h"
#include "watch/intake_lane.h"
#include "watch/message.h"

enum { TURNS_MAX = 120000, TURN_US = 500 };
#define CURSOR   SLICE("follow:a.log")
#define SHORT_NS ((uint64_t)CLOCK_SECOND_NS / 10)
#define LONG_NS  ((uint64_t)60 * CLOCK_SECOND_NS)
#define EVENT    "{\"a\":\"1\"}"

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

static void on_message(void *context, struct peer *peer, struct wire_message *m)
{
    struct sides *s = context;
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    struct harvest *harvest = harvest_open();
    struct haul_head head;
    struct slice raw;
    struct err err;
    static char bytes[1 << 16];
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

static void on_closed(void *context, struct peer *peer, const struct err *err)
{
    (void)context;
    (void)peer;
    (void)err;
}

static void said(struct sides *s, enum message_type type, struct slice name, struct slice value)
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
static void engine_comes(struct sides *s, const char *number)
{
    char name[HAUL_LANE_BYTES];
    intake_shared_begin(s->shared, s->peers[0]);
    said(s, MESSAGE_CURSOR, CURSOR, SLICE("0"));
    if (number)
        said(s, MESSAGE_CURSOR, haul_lane_cursor(s->lane_id, name), slice_from(number));
    said(s, MESSAGE_RESUME, SLICE(""), SLICE(""));
}

static void engine_answers(struct sides *s)
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

static int open_all(void **state)
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

static int close_all(void **state)
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

static void cursor_goes_on(void *context, uint64_t records, bool last, struct haul_head *head)
{
    (void)context;
    (void)records;
    (void)last;
    head->cursors[head->cursor_count++] = (struct haul_cursor){CURSOR, SLICE("20")};
}

static void *block_run(void *context)
{
    static char room[64] = EVENT; /* formats read a little behind the text */
    struct sides *s = context;
    struct input_file file = {.name = "in", .format = format_find(SLICE("ndjson"))};
    struct intake_block block = {.source = live_source(&s->bed.live, SLICE("app")),
                                 .file = &file,
                                 .received_ns = clock_now_ns(),
                                 .wait_ns = s->wait_ns,
                                 .cursors = cursor_goes_on};
    struct input_block *in = intake_lane_block(s->lane);
    span_list_add(&in->spans, (struct span){.text = slice_from(room), .line = 1});
    s->rc = intake_lane_run(s->lane, &block, NULL);
    return NULL;
}

static pthread_t block_begin(struct sides *s, uint64_t wait_ns)
{
    pthread_t thread;
    s->wait_ns = wait_ns;
    assert_int_equal(pthread_create(&thread, NULL, block_run, s), 0);
    return thread;
}

static void haul_await(struct sides *s, uint32_t count)
{
    for (int i = 0; i < TURNS_MAX && s->got < count; i++) {
        (void)uv_run(&s->loop, UV_RUN_NOWAIT);
        (void)usleep(TURN_US);
    }
    assert_int_equal(s->got, count);
}

/* An engine that came too late had stored it: another haul of its number would pass for it. */
static void a_haul_that_failed_has_had_its_number(void **state)
{
    struct sides *s = *state;
    engine_comes(s, NULL);
    pthread_t thread = block_begin(s, SHORT_NS);
    haul_await(s, 1);
    uint64_t first = s->number;
    intake_shared_gone(s->shared);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s->rc, ERR_CLOSED);
    assert_int_equal(first, 1);
    engine_comes(s, "1");
    thread = block_begin(s, LONG_NS);
    haul_await(s, 2);
    engine_answers(s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s->rc, ERR_OK);
    assert_true(s->number > first);
}

/* The next engine tells its cursors before it has the haul that is handed over again. */
static void a_haul_handed_over_again_moves_its_cursor(void **state)
{
    struct sides *s = *state;
    struct buf value = {0};
    engine_comes(s, NULL);
    pthread_t thread = block_begin(s, LONG_NS);
    haul_await(s, 1);
    intake_shared_gone(s->shared);
    engine_comes(s, NULL);
    haul_await(s, 2);
    assert_int_equal(s->number, 1);
    engine_answers(s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s->rc, ERR_OK);
    assert_true(intake_shared_cursor(s->shared, CURSOR, &value));
    assert_true(slice_equal(buf_as_slice(&value), SLICE("20")));
    buf_free(&value);
}

/* One that is durable is not handed over again. */
static void a_durable_haul_is_answered_by_the_next_engine(void **state)
{
    struct sides *s = *state;
    engine_comes(s, NULL);
    pthread_t thread = block_begin(s, LONG_NS);
    haul_await(s, 1);
    intake_shared_gone(s->shared);
    engine_comes(s, "1");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s->rc, ERR_OK);
    assert_int_equal(s->got, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_haul_that_failed_has_had_its_number, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_haul_handed_over_again_moves_its_cursor, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(a_durable_haul_is_answered_by_the_next_engine, open_all,
                                        close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
