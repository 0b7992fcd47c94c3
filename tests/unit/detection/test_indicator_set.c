/* The set never says no where the table would match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detection/indicator_set.h"

#include "base/mem.h"

static const char *const indicators[] = {
    "203.0.113.7",
    "198.51.100.0/24",
    "203.0.113.9:8080",
    "evil.example.org",
    "http://bad.example.net/x/y.exe",
    "bad.example.com/path/",
    "9e107d9d372bb6826bd81d3542a419d6",
    "someone@mail.example.org",
    "dropper.exe",
    "2001:db8::/32",
};

struct fixture {
    struct buf bytes;
    struct indicator_table *table;
    struct indicator_set *set;
};

static int set_up(void **state)
{
    struct fixture *f = mem_zeroed(1, sizeof(*f));
    struct indicator_builder *b = indicator_builder_open();
    struct arena arena = {0};
    struct err err;
    for (size_t i = 0; i < sizeof indicators / sizeof indicators[0]; i++) {
        struct indicator one = {.confidence = INDICATOR_CONFIDENCE_NONE,
                                .source = SLICE("test"),
                                .from_ns = CLOCK_NONE,
                                .until_ns = CLOCK_NONE};
        assert_int_equal(
            indicator_parse(&one, slice_from(indicators[i]), INDICATOR_TYPES, &arena, &err),
            ERR_OK);
        assert_int_equal(indicator_builder_add(b, &one, &err), ERR_OK);
    }
    indicator_builder_finish(b, &f->bytes);
    assert_int_equal(indicator_table_open(&f->table, buf_as_slice(&f->bytes), &err), ERR_OK);
    f->set = indicator_set_open(f->table);
    indicator_builder_close(&b);
    arena_free(&arena);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    indicator_set_close(&f->set);
    indicator_table_close(&f->table);
    buf_free(&f->bytes);
    mem_free(f);
    return 0;
}

struct seen {
    const struct fixture *fixture;
    bool matched, may;
};

static void hit(void *context, uint64_t number, const struct sight *sight)
{
    (void)number;
    (void)sight;
    ((struct seen *)context)->matched = true;
}

/* A segment keeps the names above a host, too. */
static bool host_may(const struct fixture *f, struct slice name)
{
    for (size_t at = 0; at != SLICE_NONE; at = sight_parent(name, at))
        if (indicator_set_may(f->set, SIGHT_HOST,
                              sight_hash(SIGHT_HOST, slice_part(name, at, name.len))))
            return true;
    return false;
}

static void look(void *context, const struct sight *sight)
{
    struct seen *s = context;
    (void)indicator_table_match(s->fixture->table, sight, CLOCK_NONE, hit, s);
    s->may |= sight->kind == SIGHT_IP ? indicator_set_may_ip(s->fixture->set, &sight->address)
              : sight->kind == SIGHT_HOST
                  ? host_may(s->fixture, sight->text)
                  : indicator_set_may(s->fixture->set, sight->kind, sight->hash);
}

static void what_matches_may_be_there(void **state)
{
    static const char *const values[] = {
        "203.0.113.7",
        "198.51.100.77",
        "203.0.113.9:8080",
        "a.b.evil.example.org",
        "http://bad.example.net/x/y.exe",
        "https://bad.example.com/path/more?x=1",
        "MD5=9E107D9D372BB6826BD81D3542A419D6",
        "someone@mail.example.org",
        "C:\\Temp\\dropper.exe",
        "2001:db8::1",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct seen s = {.fixture = *state};
        sight_scan(slice_from(values[i]), look, &s);
        if (!s.matched || !s.may)
            fail_msg("%s: matched %d, may %d", values[i], s.matched, s.may);
    }
}

static void what_is_not_there_is_said_so(void **state)
{
    static const char *const values[] = {"192.0.2.1",
                                         "good.example.org",
                                         "http://good.example.net/x/y.exe",
                                         "MD5=00000000000000000000000000000000",
                                         "C:\\Temp\\notepad.exe",
                                         "2001:db9::1"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct seen s = {.fixture = *state};
        sight_scan(slice_from(values[i]), look, &s);
        if (s.matched || s.may)
            fail_msg("%s: matched %d, may %d", values[i], s.matched, s.may);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matches_may_be_there),
        cmocka_unit_test(what_is_not_there_is_said_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
