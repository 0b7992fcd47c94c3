/* Peers of the engine: what each may say, searches, the outbox, status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric.h"
#include "program/engine.h"
#include "unit/program/engine_bed.h"

static void raw_send(struct bed *bed, struct wire *wire, uint16_t type, struct slice payload)
{
    assert_int_equal(wire_send(wire, type, 1, payload, NULL, 0, &bed->err), ERR_OK);
}

/* The wire is closed without an answer, and the parent is asked to end the role. */
static void assert_cut_off(struct bed *bed, struct wire *wire, enum role role)
{
    int rc;
    do
        rc = wire_wait(wire, &bed->message, BED_MS_MAX, &bed->err);
    while (rc == ERR_OK);
    assert_int_equal(rc, ERR_CLOSED);
    bed_await(bed, bed->parent, MESSAGE_END_ROLE);
    struct bytes_in in = bytes_in(buf_as_slice(&bed->message.payload));
    assert_int_equal(bytes_take_u32(&in), role);
    assert_int_equal(bytes_take_u32(&in), 0);
    assert_true(bytes_take_text(&in, ERR_TEXT_BYTES).len > 0); /* why */
}

struct hostile {
    enum role role;
    uint16_t type;
    struct slice payload;
};

static void test_hostile_peers(void **state)
{
    static const struct hostile all[] = {
        {ROLE_WEB,
         MESSAGE_WHO,
         {"\xff\xff"
          "a",
          3}},
        {ROLE_WEB, MESSAGE_WHO, {"\0\0\0\0x", 5}},
        {ROLE_WEB, MESSAGE_WHO, {"", 0}},
        {ROLE_WEB, MESSAGE_CALL, {"\0\0\0\0\xff\0\0\0\0\0\0\0", 12}},
        {ROLE_WEB, MESSAGE_CALL, {"\0\0\0\0\0\0\0\0\x05\0\0\0abc", 15}},
        {ROLE_WEB, MESSAGE_CALL, {"\0\0\0\0\0\0\0\0\x03\0\0\0abc", 15}},
        {ROLE_WEB, MESSAGE_ASK, {"\0\0\0\0\0\0\0\0\x04\0kill\0\0", 16}},
        {ROLE_WEB, MESSAGE_METRICS, {"x", 1}},
        {ROLE_WEB, MESSAGE_IMPORT, {"\0\0\0\0", 4}},
        {ROLE_WEB, MESSAGE_HAUL, {"\0\0\0\0\0\0\0\0", 8}},
        {ROLE_WEB, 9999, {"", 0}},
        {ROLE_INTAKE, MESSAGE_CALL, {"\0\0\0\0\0\0\0\0\0\0\0\0", 12}},
        {ROLE_INTAKE, MESSAGE_STATUS, {"\0\0\0\0", 4}},
        {ROLE_INTAKE, MESSAGE_WHO, {"\x01\0", 2}},
        {ROLE_QUERY, MESSAGE_QUERIED, {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22}},
        {ROLE_QUERY, MESSAGE_WHO, {"\0\0\0\0", 4}},
        {ROLE_COURIER, MESSAGE_SENT, {"\0\0\0\0\0\0", 6}},
        {ROLE_COURIER, MESSAGE_SENT, {"\x07", 1}},
    };
    struct bed *bed = bed_open();
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct wire *wire = bed_peer(bed, all[i].role, 0);
        raw_send(bed, wire, all[i].type, all[i].payload);
        assert_cut_off(bed, wire, all[i].role);
        wire_close(&wire);
    }
    /* others are served as before */
    struct wire *root = bed_control(bed);
    struct bed_result r =
        bed_call(bed, root, "", "unit.add", BED_VALUES("name", "a", "title", "A"));
    assert_int_equal(r.rc, ERR_OK);
    wire_close(&root);
    bed_close(bed);
}

static void test_hostile_client(void **state)
{
    struct bed *bed = bed_open();
    struct wire *bad = bed_control(bed), *good = bed_control(bed);
    (void)state;
    raw_send(bed, bad, MESSAGE_CALL, SLICE("nonsense"));
    assert_int_equal(wire_wait(bad, &bed->message, BED_MS_MAX, &bed->err), ERR_CLOSED);
    struct bed_result r =
        bed_call(bed, good, "", "unit.add", BED_VALUES("name", "a", "title", "A"));
    assert_int_equal(r.rc, ERR_OK);
    wire_close(&bad);
    wire_close(&good);
    bed_close(bed);
}

/* ---- searches ---- */

static void ask_send_as(struct bed *bed, struct wire *wire, uint64_t id, const char *secret,
                        const char *word)
{
    struct buf payload = {0};
    bytes_put_text(&payload, slice_from(secret));
    bytes_put_text(&payload, SLICE(""));
    bytes_put_u32(&payload, 0);
    bytes_put_text(&payload, SLICE("search"));
    bytes_put_u16(&payload, 1);
    bytes_put_text(&payload, slice_from(word));
    assert_int_equal(wire_send(wire, MESSAGE_ASK, id, buf_as_slice(&payload), NULL, 0, &bed->err),
                     ERR_OK);
    buf_free(&payload);
}

static void ask_send(struct bed *bed, struct wire *wire, uint64_t id, const char *word)
{
    ask_send_as(bed, wire, id, "", word);
}

/* The stream, or -1 and why not. */
static int asked(struct bed *bed, struct wire *wire, int *rc)
{
    bed_await(bed, wire, MESSAGE_ASKED);
    struct bytes_in in = bytes_in(buf_as_slice(&bed->message.payload));
    *rc = (int)(int32_t)bytes_take_u32(&in);
    return wire_take_fd(&bed->message, 0);
}

/* What the query role was given: its end of the stream. */
static int queried(struct bed *bed, struct wire *query, const char *word, uint64_t *id)
{
    bed_await(bed, query, MESSAGE_QUERY);
    assert_true(slice_find(buf_as_slice(&bed->message.payload), slice_from(word)) != SLICE_NONE);
    *id = bed->message.id;
    return wire_take_fd(&bed->message, 0);
}

static void query_ends(struct bed *bed, struct wire *query, uint64_t id)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, 0);
    bytes_put_text(&payload, SLICE(""));
    bytes_put_u64(&payload, 1);
    bytes_put_u64(&payload, 2);
    assert_int_equal(
        wire_send(query, MESSAGE_QUERIED, id, buf_as_slice(&payload), NULL, 0, &bed->err), ERR_OK);
    buf_free(&payload);
}

static void test_search(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed), *query = bed_peer(bed, ROLE_QUERY, 0);
    char text[64];
    uint64_t id;
    int rc;
    (void)state;
    ask_send(bed, root, 5, "user:lan");
    int from = asked(bed, root, &rc);
    assert_int_equal(rc, ERR_OK);
    int to = queried(bed, query, "user:lan", &id);
    assert_int_equal(write(to, "a row\n", 6), 6);
    (void)close(to);
    query_ends(bed, query, id);
    assert_int_equal(read(from, text, sizeof(text)), 6);
    assert_int_equal(read(from, text, sizeof(text)), 0); /* the engine's own end is closed, too */
    (void)close(from);
    wire_close(&root);
    wire_close(&query);
    bed_close(bed);
}

/* One runs, the next one waits; whoever asked leaves: the role is ended and the next has its turn
 * with the new one. */
static void test_search_canceled(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed), *query = bed_peer(bed, ROLE_QUERY, 0);
    uint64_t id;
    int rc;
    (void)state;
    ask_send(bed, root, 5, "first");
    int first = asked(bed, root, &rc);
    (void)close(queried(bed, query, "first", &id));
    ask_send(bed, root, 6, "second");
    int second = asked(bed, root, &rc);
    assert_int_equal(rc, ERR_OK);
    bed_await(bed, bed->parent, MESSAGE_START_QUERY);
    (void)close(first);
    bed_await(bed, bed->parent, MESSAGE_END_ROLE);
    wire_close(&query);
    query = bed_peer(bed, ROLE_QUERY, 0);
    int to = queried(bed, query, "second", &id);
    (void)close(to);
    query_ends(bed, query, id);
    char text[8];
    assert_int_equal(read(second, text, sizeof(text)), 0);
    (void)close(second);
    wire_close(&root);
    wire_close(&query);
    bed_close(bed);
}

static void test_search_busy(void **state)
{
    enum { ASKS = 11 };
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed);
    int fds[ASKS], rc, busy = 0;
    (void)state;
    for (int i = 0; i < ASKS; i++)
        ask_send(bed, root, (uint64_t)i, "all");
    for (int i = 0; i < ASKS; i++) {
        fds[i] = asked(bed, root, &rc);
        busy += rc == ERR_BUSY;
    }
    assert_int_equal(busy, ASKS - 10);
    for (int i = 0; i < ASKS; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    struct wire *web = bed_peer(bed, ROLE_WEB, 0);
    ask_send(bed, web, 1, "all");
    assert_int_equal(asked(bed, web, &rc), -1);
    assert_int_equal(rc, ERR_NOT_FOUND);
    wire_close(&web);
    wire_close(&root);
    bed_close(bed);
}

/* One user does not take the room of all. */
static void test_search_leaves_room_for_others(void **state)
{
    enum { ASKS = 8 };
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed), *web = bed_peer(bed, ROLE_WEB, 0);
    int fds[ASKS], rc, busy = 0;
    char secret[128];
    (void)state;
    struct bed_result r =
        bed_call(bed, root, "", "unit.add", BED_VALUES("name", "a", "title", "A"));
    assert_int_equal(r.rc, ERR_OK);
    r = bed_call(bed, root, "", "user.add",
                 BED_VALUES("name", "lan", "title", "Lan", "role", "officer", "unit", "a",
                            "password", "tre xanh bao boc 9"));
    assert_int_equal(r.rc, ERR_OK);
    r = bed_call(bed, web, "", "session.open",
                 BED_VALUES("name", "lan", "password", "tre xanh bao boc 9"));
    assert_int_equal(r.rc, ERR_OK);
    (void)bed_member(r.json, "session", secret, sizeof(secret));
    for (int i = 0; i < ASKS; i++)
        ask_send_as(bed, web, (uint64_t)i, secret, "all");
    for (int i = 0; i < ASKS; i++) {
        fds[i] = asked(bed, web, &rc);
        busy += rc == ERR_BUSY;
    }
    assert_int_equal(busy, ASKS - 5);
    ask_send(bed, root, 1, "all");
    int other = asked(bed, root, &rc);
    assert_int_equal(rc, ERR_OK);
    (void)close(other);
    for (int i = 0; i < ASKS; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    wire_close(&web);
    wire_close(&root);
    bed_close(bed);
}

/* Whoever asks chooses some bytes of the refusal, which may be cut within a character: the query
 * role that tells it is not taken for an attacker. */
static void test_search_refused_in_odd_bytes(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed), *query = bed_peer(bed, ROLE_QUERY, 0);
    struct buf payload = {0};
    uint64_t id;
    int rc;
    (void)state;
    bytes_put_u32(&payload, (uint32_t)ERR_USAGE);
    bytes_put_text(&payload, SLICE("-\xc3 cannot be given"));
    bytes_put_u64(&payload, 0);
    bytes_put_u64(&payload, 0);
    for (int i = 0; i < 2; i++) {
        ask_send(bed, root, (uint64_t)i, "odd");
        int from = asked(bed, root, &rc);
        assert_int_equal(rc, ERR_OK);
        (void)close(queried(bed, query, "odd", &id));
        assert_int_equal(
            wire_send(query, MESSAGE_QUERIED, id, buf_as_slice(&payload), NULL, 0, &bed->err),
            ERR_OK);
        (void)close(from);
    }
    buf_free(&payload);
    wire_close(&query);
    wire_close(&root);
    bed_close(bed);
}

/* What may be no parameter is left out, so that no note and no outcome is lost for it. */
static void test_texts_of_others_are_cleaned(void **state)
{
    struct buf out = {0};
    (void)state;
    engine_text_clean(SLICE("a\nb\x01\xe2\x80\xae"
                            "c\xc2\x85\xff"
                            "d\xc3\xa9\xc3"),
                      100, &out);
    assert_string_equal(buf_text(&out), "a b  c  d\xc3\xa9");
    buf_clear(&out);
    engine_text_clean(SLICE("\xc3\xa9\xc3\xa9"), 3, &out);
    assert_string_equal(buf_text(&out), "\xc3\xa9");
    buf_free(&out);
}

/* ---- outbox ---- */

static void settle_send(struct bed *bed, struct wire *courier, uint64_t id, int rc)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)rc);
    bytes_put_text(&payload, SLICE("HTTP 200"));
    assert_int_equal(
        wire_send(courier, MESSAGE_SENT, id, buf_as_slice(&payload), NULL, 0, &bed->err), ERR_OK);
    buf_free(&payload);
}

static void message_key(struct bed *bed, struct wire *courier, uint64_t *id, char key[64])
{
    bed_await(bed, courier, MESSAGE_SEND);
    *id = bed->message.id;
    struct bytes_in in = bytes_in(buf_as_slice(&bed->message.payload));
    assert_true(slice_equal(bytes_take_text(&in, 64), SLICE("hook")));
    struct slice text = bytes_take_text(&in, 63);
    memcpy(key, text.data, text.len);
    key[text.len] = 0;
}

static void test_outbox(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed), *courier = bed_peer(bed, ROLE_COURIER, 0);
    char key[64], again[64];
    uint64_t id, id_again;
    (void)state;
    struct bed_result r = bed_call(bed, root, "", "outbox.send",
                                   BED_VALUES("channel", "hook", "subject", "s", "text", "t"));
    assert_int_equal(r.rc, ERR_OK);
    message_key(bed, courier, &id, key);
    wire_close(&courier); /* dies before it says so */
    courier = bed_peer(bed, ROLE_COURIER, 0);
    message_key(bed, courier, &id_again, again);
    assert_int_equal(id, id_again);
    assert_string_equal(key, again);
    settle_send(bed, courier, id, ERR_OK);
    r = bed_call(bed, root, "", "outbox.send",
                 BED_VALUES("channel", "hook", "subject", "s2", "text", "t2"));
    assert_int_equal(r.rc, ERR_OK);
    message_key(bed, courier, &id_again, again); /* the settled one does not come again */
    assert_int_not_equal(id, id_again);
    settle_send(bed, courier, id, ERR_OK); /* it has no such message any more */
    assert_cut_off(bed, courier, ROLE_COURIER);
    wire_close(&courier);
    wire_close(&root);
    bed_close(bed);
}

static void test_outbox_program(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed);
    struct buf payload = {0};
    (void)state;
    struct bed_result r = bed_call(bed, root, "", "outbox.send",
                                   BED_VALUES("channel", "siren", "subject", "loud", "text", "t"));
    assert_int_equal(r.rc, ERR_OK);
    bed_await(bed, bed->parent, MESSAGE_RUN);
    uint64_t id = bed->message.id;
    struct bytes_in in = bytes_in(buf_as_slice(&bed->message.payload));
    assert_int_equal(bytes_take_u32(&in), 0);
    assert_true(slice_starts(message_take_long(&in, 4096), SLICE("loud\n")));
    bytes_put_u32(&payload, 0);
    message_put_long(&payload, SLICE("rang"));
    assert_int_equal(
        wire_send(bed->parent, MESSAGE_RAN, id, buf_as_slice(&payload), NULL, 0, &bed->err),
        ERR_OK);
    buf_free(&payload);
    wire_close(&root);
    bed_close(bed);
}

/* ---- status ---- */

static void test_status(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed);
    struct buf payload = {0};
    (void)state;
    bytes_put_text(&payload, SLICE(""));
    bytes_put_text(&payload, SLICE(""));
    raw_send(bed, root, MESSAGE_STATUS, buf_as_slice(&payload));
    bed_await(bed, root, MESSAGE_STATUS_IS);
    struct bytes_in in = bytes_in(buf_as_slice(&bed->message.payload));
    assert_int_equal((int)(int32_t)bytes_take_u32(&in), ERR_OK);
    struct slice json = message_take_long(&in, 1 << 20);
    assert_false(in.bad);
    static const char *const parts[] = {
        "\"node\":\"",          "\"epoch\":1",         "\"state\":\"unknown\"", "\"roles\":[]",
        "\"outbox\":{",         "\"disk\":{",          "\"clock\":{",           "\"head\":\"",
        "\"code\":\"sources\"", "\"certificate\":null"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (slice_find(json, slice_from(parts[i])) == SLICE_NONE)
            fail_msg("no %s in %.*s", parts[i], (int)json.len, json.data);
    raw_send(bed, root, MESSAGE_METRICS, SLICE(""));
    bed_await(bed, root, MESSAGE_METRICS_ARE);
    in = bytes_in(buf_as_slice(&bed->message.payload));
    uint32_t count = bytes_take_u32(&in);
    struct metric_text *text = metric_text_open();
    assert_true(count >= 1);
    for (uint32_t i = 0; i < count; i++) {
        char role[64];
        struct slice name = bytes_take_text(&in, 60);
        (void)snprintf(role, sizeof(role), "%.*s", (int)name.len, name.data);
        assert_int_equal(metric_text_add(text, role, message_take_long(&in, 1 << 20), &bed->err),
                         ERR_OK);
    }
    buf_clear(&payload);
    metric_text_end(&text, &payload);
    assert_true(slice_find(buf_as_slice(&payload), SLICE("canh_command_seconds_bucket")) !=
                SLICE_NONE);
    buf_free(&payload);
    wire_close(&root);
    bed_close(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_peers),
        cmocka_unit_test(test_hostile_client),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_search_canceled),
        cmocka_unit_test(test_search_leaves_room_for_others),
        cmocka_unit_test(test_search_refused_in_odd_bytes),
        cmocka_unit_test(test_texts_of_others_are_cleaned),
        cmocka_unit_test(test_search_busy),
        cmocka_unit_test(test_outbox),
        cmocka_unit_test(test_outbox_program),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
