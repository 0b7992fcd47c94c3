/* _bulk when the store goes away behind the first part of a body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/watch/lane_bed.h"
#include "watch/intake_http_inside.h"

enum { ITEMS = HTTP_PIECE_ITEMS + 10 }; /* two pieces */

struct post {
    struct sides *sides;
    struct config_listener config;
    struct http_listener listener;
    struct http_peer peer;
    struct http_bench bench;
    struct http_request request;
};

static void *post_run(void *context)
{
    struct post *p = context;
    http_bulk_run(&p->request, &p->bench);
    return NULL;
}

/* The engine answers for the first haul, then all ends. */
static void post_check(struct sides *s, bool with_ids, unsigned status, const char *answer)
{
    struct post p = {.sides = s, .config = {.body_bytes = 1 << 24}, .peer = {.sender = "test"}};
    pthread_t thread;
    p.listener = (struct http_listener){.config = &p.config,
                                        .source = live_source(&s->bed.live, SLICE("app")),
                                        .file = {.name = "in"},
                                        .json = format_find(SLICE("ndjson"))};
    p.listener.file.format = p.listener.json;
    p.bench.lane = s->lane;
    p.bench.ids = mem_zeroed(HTTP_PIECE_ITEMS, sizeof(*p.bench.ids));
    p.bench.items = mem_zeroed(HTTP_PIECE_ITEMS, sizeof(*p.bench.items));
    p.bench.refusals = mem_zeroed(HTTP_PIECE_ITEMS, sizeof(*p.bench.refusals));
    p.request = (struct http_request){.listener = &p.listener, .peer = &p.peer};
    for (int i = 0; i < ITEMS; i++) {
        buf_append(&p.request.body, "{\"create\":{", 11);
        if (with_ids || i != ITEMS / 2)
            buf_printf(&p.request.body, "\"_id\":\"%d\"", i);
        buf_printf(&p.request.body, "}}\n{\"a\":\"%d\"}\n", i);
    }
    buf_reserve(&p.request.body, 64); /* formats read a little behind the text */
    engine_comes(s, NULL);
    assert_int_equal(pthread_create(&thread, NULL, post_run, &p), 0);
    haul_await(s, 1);
    s->got = 0;
    intake_shared_end(s->shared);
    engine_answers(s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(p.request.stored, HTTP_PIECE_ITEMS);
    assert_int_equal(p.request.status, status);
    if (answer)
        assert_true(slice_find(buf_as_slice(&p.request.answer), slice_from(answer)) != SLICE_NONE);
    buf_free(&p.request.body);
    buf_free(&p.request.answer);
    mem_free(p.bench.ids);
    mem_free(p.bench.items);
    mem_free(p.bench.refusals);
}

static void items_tell_when_some_would_double(void **state)
{
    post_check(*state, false, MHD_HTTP_OK, "{\"create\":{\"status\":429,");
}

static void all_comes_again_when_nothing_doubles(void **state)
{
    post_check(*state, true, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_tell_when_some_would_double, open_all, close_all),
        cmocka_unit_test_setup_teardown(all_comes_again_when_nothing_doubles, open_all, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
