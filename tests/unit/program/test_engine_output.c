/* What an output does with answers, failures and time, and when it is told that it is late. The
 * linker gives the clocks, the store and the courier into the program's own calls (--wrap,
 * tests.cmake). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "program/engine_output_inside.h"
#include "program/engine_status.h"
#include "watch/health.h"

#define MS_NS  UINT64_C(1000000)
#define BEGIN  ((int64_t)1795344960 * CLOCK_SECOND_NS)
#define NEWEST 40

struct bed {
    struct role_context context;
    struct engine engine;
    struct engine_status status;
    struct engine_peer courier;
};

/* ---- what the linker gives in ---- */

static int64_t now_ns;
static uint64_t monotonic_ns, sent, sent_id;
static struct engine_peer *courier;

int64_t __wrap_clock_now_ns(void);
int64_t __wrap_clock_now_ns(void)
{
    return now_ns;
}

uint64_t __wrap_clock_monotonic_ns(void);
uint64_t __wrap_clock_monotonic_ns(void)
{
    return monotonic_ns;
}

uint64_t __wrap_engine_store_newest(struct engine_store *store, uint32_t *epoch);
uint64_t __wrap_engine_store_newest(struct engine_store *store, uint32_t *epoch)
{
    (void)store;
    if (epoch)
        *epoch = 1;
    return NEWEST;
}

bool __wrap_engine_store_output_of(struct engine_store *store, struct slice name,
                                   struct engine_commit_output *out);
bool __wrap_engine_store_output_of(struct engine_store *store, struct slice name,
                                   struct engine_commit_output *out)
{
    (void)store;
    (void)name;
    (void)out;
    return false;
}

struct engine_peer *__wrap_engine_peer_find(struct engine *e, enum role role, uint32_t instance);
struct engine_peer *__wrap_engine_peer_find(struct engine *e, enum role role, uint32_t instance)
{
    (void)e;
    (void)instance;
    return role == ROLE_COURIER ? courier : NULL;
}

struct engine_peer *__wrap_engine_peer_use(struct engine_peer *p);
struct engine_peer *__wrap_engine_peer_use(struct engine_peer *p)
{
    return p;
}

void __wrap_engine_peer_unuse(struct engine_peer *p);
void __wrap_engine_peer_unuse(struct engine_peer *p)
{
    (void)p;
}

void __wrap_engine_send(struct engine_peer *p, uint16_t type, uint64_t id, struct slice payload,
                        const int *fds, uint32_t fd_count);
void __wrap_engine_send(struct engine_peer *p, uint16_t type, uint64_t id, struct slice payload,
                        const int *fds, uint32_t fd_count)
{
    (void)payload;
    (void)fds;
    assert_ptr_equal(p, courier);
    assert_int_equal(type, MESSAGE_OUTPUT);
    assert_int_equal(fd_count, 0);
    sent++;
    sent_id = id;
}

/* ---- a bed ---- */

static int setup(void **state)
{
    static char a_wire;
    struct bed *bed = mem_zeroed(1, sizeof(*bed));
    struct err err;
    now_ns = BEGIN;
    monotonic_ns = 1000 * MS_NS;
    sent = sent_id = 0;
    assert_int_equal(
        config_open_text(&bed->context.config,
                         SLICE("web: {listen: none}\n"
                               "sources:\n"
                               "  - {name: app, category: test}\n"
                               "listeners:\n"
                               "  - {name: in, source: app}\n"
                               "outputs:\n"
                               "  - {name: siem, kind: syslog, url: \"tcp://127.0.0.1:9\"}\n"
                               "  - {name: lines, kind: file, path: /nowhere/lines}\n"),
                         &err),
        ERR_OK);
    bed->engine = (struct engine){.context = &bed->context, .status = &bed->status};
    bed->status.jump_at_ns = CLOCK_NONE;
    bed->status.is_told = true;
    bed->courier = (struct engine_peer){.engine = &bed->engine, .peer = (struct peer *)&a_wire};
    courier = &bed->courier;
    assert_int_equal(engine_outputs_open(&bed->engine, &err), ERR_OK);
    *state = bed;
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    engine_outputs_close(&bed->engine);
    config_close(&bed->context.config);
    mem_free(bed);
    return 0;
}

static struct engine_output *output(struct bed *bed, uint32_t i)
{
    return &bed->engine.outputs->items[i];
}

/* As the reading thread leaves it: rows of now wait. */
static struct engine_output *batch_ready(struct bed *bed, uint32_t i, uint32_t rows)
{
    struct engine_output *o = output(bed, i);
    o->rows = rows;
    o->oldest_ns = now_ns;
    o->retry_ns = 0;
    o->state = OUTPUT_READY;
    return o;
}

static int answer_as(struct bed *bed, uint64_t id, int code, uint32_t refused, const char *why)
{
    struct wire_message m = {.id = id};
    struct err err;
    bytes_put_u32(&m.payload, (uint32_t)code);
    bytes_put_u32(&m.payload, refused);
    bytes_put_text(&m.payload, slice_from(why));
    int rc = engine_outputs_done(&bed->courier, &m, &err);
    buf_free(&m.payload);
    return rc;
}

static void answer(struct bed *bed, int code, const char *why)
{
    assert_int_equal(answer_as(bed, sent_id, code, 0, why), ERR_OK);
}

/* ---- sending ---- */

static void each_failure_waits_twice_as_long(void **state)
{
    static const uint64_t wanted_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct bed *bed = *state;
    struct engine_output *o = batch_ready(bed, 0, 3);
    engine_outputs_tick(&bed->engine);
    assert_int_equal(sent, 1);
    for (size_t i = 0; i < sizeof(wanted_ms) / sizeof(wanted_ms[0]); i++) {
        uint64_t before = sent;
        answer(bed, ERR_IO, "connection refused");
        monotonic_ns += wanted_ms[i] * MS_NS - 1;
        engine_outputs_tick(&bed->engine);
        assert_int_equal(sent, before);
        monotonic_ns++;
        engine_outputs_tick(&bed->engine);
        assert_int_equal(sent, before + 1);
        assert_int_equal(o->state, OUTPUT_SENT);
    }
    answer(bed, ERR_OK, "");
    assert_int_equal(o->state, OUTPUT_TAKEN);
    assert_true(o->failing_since_ns == CLOCK_NONE);
    /* once it was well again, the next failure is a first one */
    (void)batch_ready(bed, 0, 1);
    engine_outputs_tick(&bed->engine);
    answer(bed, ERR_IO, "connection refused");
    assert_int_equal(o->retry_ns, monotonic_ns + 500 * MS_NS);
}

static void one_that_fails_holds_up_itself_only(void **state)
{
    struct bed *bed = *state;
    (void)batch_ready(bed, 0, 3);
    engine_outputs_tick(&bed->engine);
    answer(bed, ERR_IO, "connection refused");
    struct engine_output *other = batch_ready(bed, 1, 2);
    engine_outputs_tick(&bed->engine);
    assert_int_equal(sent, 2);
    answer(bed, ERR_OK, "");
    assert_int_equal(other->state, OUTPUT_TAKEN);
    assert_int_equal(output(bed, 0)->state, OUTPUT_READY);
}

/* A courier that ended may have sent it or not: all of it goes again, as another batch. */
static void what_was_under_way_goes_again_when_the_courier_is_gone(void **state)
{
    struct bed *bed = *state;
    struct engine_output *o = batch_ready(bed, 0, 3);
    engine_outputs_tick(&bed->engine);
    uint64_t first = sent_id;
    courier = NULL;
    engine_outputs_gone(&bed->engine);
    assert_int_equal(o->state, OUTPUT_READY);
    engine_outputs_tick(&bed->engine);
    assert_int_equal(sent, 1);
    courier = &bed->courier;
    engine_outputs_tick(&bed->engine);
    assert_int_equal(sent, 2);
    assert_int_not_equal(sent_id, first);
    assert_int_equal(answer_as(bed, first, ERR_OK, 0, ""), ERR_SYNTAX);
    assert_int_equal(o->state, OUTPUT_SENT);
    answer(bed, ERR_OK, "");
    assert_int_equal(o->state, OUTPUT_TAKEN);
}

static void answers_to_nothing_are_refused(void **state)
{
    struct bed *bed = *state;
    struct engine_output *o = batch_ready(bed, 0, 3);
    assert_int_equal(answer_as(bed, 0, ERR_OK, 0, ""), ERR_SYNTAX);
    engine_outputs_tick(&bed->engine);
    assert_int_equal(answer_as(bed, sent_id + 1, ERR_OK, 0, ""), ERR_SYNTAX);
    assert_int_equal(answer_as(bed, sent_id, ERR_OK, 4, "more than there were"), ERR_SYNTAX);
    assert_int_equal(answer_as(bed, sent_id, 1, 0, "no code"), ERR_SYNTAX);
    assert_int_equal(o->state, OUTPUT_SENT);
    assert_int_equal(answer_as(bed, sent_id, ERR_OK, 1, "400 no\nsuch\x1b[31m field"), ERR_OK);
    assert_int_equal(o->refused, 1);
    assert_null(strpbrk(o->refused_why, "\n\x1b"));
    assert_int_equal(answer_as(bed, sent_id, ERR_OK, 0, ""), ERR_SYNTAX);
}

/* ---- lateness ---- */

static void status_has(struct bed *bed, const char *text)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_open_object(&w);
    engine_outputs_status(&bed->engine, &w);
    json_close_object(&w);
    if (!strstr(buf_text(&out), text))
        fail_msg("no %s in %s", text, buf_text(&out));
    buf_free(&out);
}

/* Looks as the node does; how many outputs are health findings then. */
static uint32_t look(struct bed *bed, struct health *health, enum engine_overall *worst)
{
    static const struct engine_figures figures = {.disk_free_bytes = UINT64_MAX,
                                                  .certificate_until_ns = INT64_MAX};
    struct engine_judgement j = {.health = health};
    health_begin(health, now_ns);
    engine_status_judge(&bed->engine, &figures, &j);
    health_end(health);
    *worst = j.worst;
    return health_count_of(health, HEALTH_OUTPUT);
}

/* The newest change of an output's lateness: 'b' it begins, 'e' it ends, '-' there is none. */
static char change(struct health *health)
{
    struct health_change changes[HEALTH_KINDS];
    struct arena arena = {0};
    char found = '-';
    uint32_t count = health_changes(health, changes, HEALTH_KINDS, &arena);
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].finding.kind == HEALTH_OUTPUT)
            found = changes[i].ends ? 'e' : 'b';
        health_taken(health, &changes[i], true);
    }
    arena_free(&arena);
    return found;
}

static void ten_minutes_behind_is_a_health_finding(void **state)
{
    struct bed *bed = *state;
    struct health *health = health_open();
    struct health_finding f;
    enum engine_overall worst;
    health_settled(health);
    assert_int_equal(look(bed, health, &worst), 0);
    assert_int_equal(worst, ENGINE_WATCHING);
    struct engine_output *o = batch_ready(bed, 0, 3);
    engine_outputs_tick(&bed->engine);
    answer(bed, ERR_IO, "connection refused");
    now_ns = BEGIN + OUTPUT_LATE_S * CLOCK_SECOND_NS - 1;
    assert_int_equal(look(bed, health, &worst), 0);
    status_has(bed, "\"behind_seconds\":599");
    now_ns = BEGIN + OUTPUT_LATE_S * CLOCK_SECOND_NS;
    assert_int_equal(look(bed, health, &worst), 1);
    assert_int_equal(worst, ENGINE_PARTIAL);
    status_has(bed, "\"behind_seconds\":600");
    status_has(bed, "\"error\":\"connection refused\"");
    for (uint32_t i = 0; i < health_count(health); i++) {
        health_at(health, i, &f);
        if (f.kind == HEALTH_OUTPUT)
            break;
    }
    assert_true(slice_equal(f.subject, SLICE("siem")));
    assert_true(
        slice_equal(f.sentence_en, SLICE("output siem: not sent for 10 min: connection refused")));
    assert_true(slice_find(f.sentence_vi, SLICE("10 phút: connection refused")) != SLICE_NONE);
    /* told once it has lasted, and once that it is over */
    assert_int_equal(change(health), '-');
    now_ns += health_kinds[HEALTH_OUTPUT].hold_s * CLOCK_SECOND_NS;
    assert_int_equal(look(bed, health, &worst), 1);
    assert_int_equal(change(health), 'b');
    monotonic_ns += 500 * MS_NS;
    engine_outputs_tick(&bed->engine);
    assert_int_equal(look(bed, health, &worst), 1); /* sent is not taken */
    answer(bed, ERR_OK, "");
    assert_int_equal(o->state, OUTPUT_TAKEN);
    assert_int_equal(look(bed, health, &worst), 0);
    assert_int_equal(worst, ENGINE_WATCHING);
    assert_int_equal(change(health), 'e');
    status_has(bed, "\"behind_seconds\":0");
    health_close(&health);
}

static void the_reasons_name_each_output_that_is_late(void **state)
{
    struct bed *bed = *state;
    static const struct engine_figures figures = {.disk_free_bytes = UINT64_MAX,
                                                  .certificate_until_ns = INT64_MAX};
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    (void)batch_ready(bed, 0, 1);
    (void)batch_ready(bed, 1, 1);
    now_ns += 2 * OUTPUT_LATE_S * CLOCK_SECOND_NS;
    (void)engine_status_overall(&bed->engine, &figures, NULL, &w);
    assert_non_null(strstr(buf_text(&out), "output siem: not sent for 20 min\""));
    assert_non_null(strstr(buf_text(&out), "output lines: not sent for 20 min\""));
    buf_free(&out);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_failure_waits_twice_as_long),
        CASE(one_that_fails_holds_up_itself_only),
        CASE(what_was_under_way_goes_again_when_the_courier_is_gone),
        CASE(answers_to_nothing_are_refused),
        CASE(ten_minutes_behind_is_a_health_finding),
        CASE(the_reasons_name_each_output_that_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
