/* Tables against a naive twin: every indicator and exception is compared with every sight by what
 * the header says, without hashes, filters and order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "detection/indicator.h"

enum { ROUNDS = 300, VALUES_MAX = 60, SIGHTS = 200 };

struct given {
    struct indicator indicators[VALUES_MAX], exceptions[VALUES_MAX];
    size_t count, exception_count;
};

static uint64_t dice;

static unsigned roll(unsigned sides)
{
    dice = dice * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(dice >> 33) % sides;
}

static struct slice random_value(struct arena *a, enum indicator_type type)
{
    static const char *const hosts[] = {"example.org",     "a.example.org", "www.example.org",
                                        "b.a.example.org", "example.net",   "www.example.net"};
    const char *host = hosts[roll(6)];
    switch (type) {
    case INDICATOR_IP:
        return roll(4) ? arena_printf(a, "10.0.%u.%u", roll(3), roll(8))
                       : arena_printf(a, "2001:db8::%x", roll(8) + 1);
    case INDICATOR_CIDR:
        return roll(8) ? arena_printf(a, "10.0.%u.%u/%u", roll(3), roll(8), 8 + roll(24))
                       : arena_printf(a, roll(2) ? "2001:db8::/%u" : "::/%u", roll(127));
    case INDICATOR_IP_PORT:
        return roll(4) ? arena_printf(a, "10.0.%u.%u:%u", roll(3), roll(8), 80 + roll(2))
                       : arena_printf(a, "[2001:db8::%x]:%u", roll(8) + 1, 80 + roll(2));
    case INDICATOR_DOMAIN:
        return arena_printf(a, "%s", host);
    case INDICATOR_URL:
        return arena_printf(a, "%s://%s/%.*s", roll(2) ? "http" : "https", host, (int)roll(4),
                            "abc");
    case INDICATOR_URL_PREFIX:
        return arena_printf(a, "%s%s%s/%.*s", roll(2) ? "http://" : "", host, roll(5) ? "" : ":81",
                            (int)roll(4), roll(4) ? "abc" : "axy");
    case INDICATOR_MD5:
        return arena_printf(a, "d41d8cd98f00b204e9800998ecf842%02x", roll(16));
    case INDICATOR_SHA1:
        return arena_printf(a, "da39a3ee5e6b4b0d3255bfef95601890afd807%02x", roll(16));
    case INDICATOR_SHA256:
        return arena_printf(a, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8%02x",
                            roll(16));
    case INDICATOR_EMAIL:
        return arena_printf(a, "u%u@%s", roll(3), host);
    case INDICATOR_FILE_NAME:
        return arena_printf(a, "evil%u.exe", roll(6));
    default:
        return arena_printf(a, "/path%u%s", roll(6), roll(2) ? "?q" : "");
    }
}

static void random_indicator(struct indicator *i, struct arena *a)
{
    enum indicator_type type = (enum indicator_type)roll(INDICATOR_TYPES);
    *i = (struct indicator){.source = arena_printf(a, "feed %u", roll(3)),
                            .title = arena_printf(a, "title %u", roll(3)),
                            .id = arena_printf(a, "%.*s", (int)roll(3), "id"),
                            .confidence = (uint8_t)roll(101),
                            .tlp = (enum indicator_tlp)roll(TLP_RED + 1),
                            .from_ns = roll(3) ? CLOCK_NONE : 100 + roll(10),
                            .until_ns = roll(3) ? CLOCK_NONE : 105 + roll(10)};
    assert_int_equal(indicator_parse(i, random_value(a, type), type, a, NULL), ERR_OK);
}

/* Adds as the builder does: the same type, value and source again replaces. */
static void given_put(struct indicator *list, size_t *count, const struct indicator *i)
{
    size_t at = 0;
    while (at < *count && !(list[at].type == i->type && slice_equal(list[at].value, i->value) &&
                            slice_equal(list[at].source, i->source)))
        at++;
    list[at] = *i;
    *count += at == *count;
}

static bool is_at_or_below(struct slice name, struct slice top)
{
    return slice_ends(name, top) &&
           (name.len == top.len || name.data[name.len - top.len - 1] == '.');
}

static bool naive_address(const struct indicator *i, const struct sight *s)
{
    struct ip_network network;
    char text[IP_TEXT_BYTES + 8];
    if (i->type == INDICATOR_IP_PORT) {
        bool v4 = ip_is_v4(&s->address);
        int len = snprintf(text, sizeof(text), v4 ? "%.*s:%u" : "[%.*s]:%u", (int)s->text.len,
                           s->text.data, s->port);
        return s->port > 0 && slice_equal(i->value, slice_make(text, (size_t)len));
    }
    assert_true(ip_network_parse(&network, i->value));
    return ip_network_has(&network, &s->address);
}

/* Where one has no scheme, the other's does not count. */
static bool naive_prefix(struct slice prefix, struct slice url)
{
    size_t prefix_scheme = slice_find(prefix, SLICE("://"));
    size_t url_scheme = slice_find(url, SLICE("://"));
    if (prefix_scheme == SLICE_NONE && url_scheme != SLICE_NONE)
        url = slice_part(url, url_scheme + 3, url.len);
    if (prefix_scheme != SLICE_NONE && url_scheme == SLICE_NONE)
        prefix = slice_part(prefix, prefix_scheme + 3, prefix.len);
    return slice_starts(url, prefix);
}

static bool naive_value(const struct indicator *i, const struct sight *s)
{
    switch (i->type) {
    case INDICATOR_IP:
    case INDICATOR_CIDR:
    case INDICATOR_IP_PORT:
        return s->kind == SIGHT_IP && naive_address(i, s);
    case INDICATOR_DOMAIN:
        return s->kind == SIGHT_HOST && is_at_or_below(s->text, i->value);
    case INDICATOR_URL:
        return s->kind == SIGHT_URL && slice_equal(s->text, i->value);
    case INDICATOR_URL_PREFIX:
        return s->kind == SIGHT_URL && naive_prefix(i->value, s->text);
    case INDICATOR_EMAIL:
        return s->kind == SIGHT_EMAIL && slice_equal(s->text, i->value);
    case INDICATOR_FILE_NAME:
        return s->kind == SIGHT_FILE_NAME && slice_equal(s->text, i->value);
    case INDICATOR_URL_PATH:
        return s->kind == SIGHT_URL_PATH && slice_equal(s->text, i->value);
    default:
        return s->kind >= SIGHT_MD5 && s->kind <= SIGHT_SHA256 && slice_equal(s->text, i->value);
    }
}

static bool naive_excepted(const struct given *g, const struct indicator *i, const struct sight *s)
{
    for (size_t k = 0; k < g->exception_count; k++) {
        const struct indicator *e = &g->exceptions[k];
        struct slice bare = slice_starts(i->value, SLICE("www."))
                                ? slice_part(i->value, 4, i->value.len)
                                : i->value;
        bool network = e->type <= INDICATOR_IP_PORT;
        if (network && i->type <= INDICATOR_IP_PORT && naive_address(e, s))
            return true;
        if (e->type == INDICATOR_DOMAIN && i->type == INDICATOR_DOMAIN &&
            is_at_or_below(s->text, e->value) &&
            (is_at_or_below(e->value, i->value) || slice_equal(e->value, bare)))
            return true;
        if (!network && e->type != INDICATOR_DOMAIN && e->type == i->type &&
            slice_equal(e->value, i->value))
            return true;
    }
    return false;
}

struct hits {
    bool seen[VALUES_MAX];
    size_t count;
};

static void hit_note(void *context, uint64_t number, const struct sight *sight)
{
    struct hits *h = context;
    assert_non_null(sight);
    assert_true(number < VALUES_MAX && !h->seen[number]);
    h->seen[number] = true;
    h->count++;
}

struct question {
    const struct indicator_table *table;
    const struct given *given;
    int64_t time_ns;
    uint64_t hit_count, excepted_count;
};

static void sight_judge(void *context, const struct sight *sight)
{
    struct question *q = context;
    struct hits hits = {0};
    struct sight asked = *sight;
    if (asked.kind == SIGHT_IP && asked.port == 0 && roll(2))
        asked.port = (uint16_t)(80 + roll(2));
    indicator_table_match(q->table, &asked, q->time_ns, hit_note, &hits);
    for (size_t k = 0; k < q->given->count; k++) {
        const struct indicator *i = &q->given->indicators[k];
        bool valid =
            q->time_ns == CLOCK_NONE || ((i->from_ns == CLOCK_NONE || q->time_ns >= i->from_ns) &&
                                         (i->until_ns == CLOCK_NONE || q->time_ns < i->until_ns));
        bool expected = valid && naive_value(i, &asked);
        if (expected && naive_excepted(q->given, i, &asked)) {
            expected = false;
            q->excepted_count++;
        }
        if (expected != hits.seen[k])
            print_error("%s %.*s and %.*s\n", indicator_type_names[i->type], (int)i->value.len,
                        i->value.data, (int)asked.text.len, asked.text.data);
        assert_int_equal(expected, hits.seen[k]);
        q->hit_count += expected;
    }
}

static void table_check(const struct indicator_table *t, const struct given *g)
{
    assert_int_equal(indicator_table_count(t), g->count);
    assert_int_equal(indicator_table_exception_count(t), g->exception_count);
    for (size_t k = 0; k < g->count; k++) {
        struct indicator got;
        const struct indicator *i = &g->indicators[k];
        indicator_table_get(t, k, &got);
        assert_true(got.type == i->type && slice_equal(got.value, i->value));
        assert_true(slice_equal(got.source, i->source) && slice_equal(got.title, i->title));
        assert_true(slice_equal(got.id, i->id) && got.tlp == i->tlp);
        assert_true(got.confidence == i->confidence);
        assert_true(got.from_ns == i->from_ns && got.until_ns == i->until_ns);
    }
}

static void given_roll(struct given *g, struct arena *a)
{
    size_t adds = roll(VALUES_MAX), exceptions = roll(3) ? roll(8) : 0;
    g->count = g->exception_count = 0;
    for (size_t k = 0; k < adds; k++) {
        struct indicator i;
        random_indicator(&i, a);
        given_put(g->indicators, &g->count, &i);
    }
    for (size_t k = 0; k < exceptions; k++) {
        struct indicator i;
        random_indicator(&i, a);
        given_put(g->exceptions, &g->exception_count, &i);
    }
}

static void build(const struct given *g, struct buf *out)
{
    struct indicator_builder *b = indicator_builder_open();
    for (size_t k = 0; k < g->count; k++)
        assert_int_equal(indicator_builder_add(b, &g->indicators[k], NULL), ERR_OK);
    for (size_t k = 0; k < g->exception_count; k++)
        assert_int_equal(
            indicator_builder_add_exception(b, &g->exceptions[k], g->exceptions[k].source, NULL),
            ERR_OK);
    for (size_t k = 0; k < g->count; k++) /* again: changes nothing */
        assert_int_equal(indicator_builder_add(b, &g->indicators[k], NULL), ERR_OK);
    indicator_builder_finish(b, out);
    indicator_builder_close(&b);
}

static void the_table_agrees_with_its_twin(void **state)
{
    (void)state;
    static struct given given;
    uint64_t hits = 0, excepted = 0;
    dice = 1;
    for (int round = 0; round < ROUNDS; round++) {
        struct arena arena = {0};
        struct buf bytes = {0}, again = {0};
        struct indicator_table *table;
        given_roll(&given, &arena);
        build(&given, &bytes);
        build(&given, &again);
        assert_true(slice_equal(buf_as_slice(&bytes), buf_as_slice(&again)));
        assert_int_equal(indicator_table_open(&table, buf_as_slice(&bytes), NULL), ERR_OK);
        table_check(table, &given);
        struct question q = {.table = table, .given = &given};
        for (int k = 0; k < SIGHTS; k++) {
            enum indicator_type type = (enum indicator_type)roll(INDICATOR_TYPES);
            q.time_ns = roll(3) ? CLOCK_NONE : 98 + (int64_t)roll(20);
            sight_scan(random_value(&arena, type), sight_judge, &q);
        }
        hits += q.hit_count;
        excepted += q.excepted_count;
        indicator_table_close(&table);
        buf_free(&bytes);
        buf_free(&again);
        arena_free(&arena);
    }
    assert_true(hits > 10000 && excepted > 1000);
}

struct listed {
    const struct indicator_table *table;
    struct slice list;
};

static void list_take(void *context, const struct sight *sight)
{
    struct listed *l = context;
    if (l->list.len == 0)
        l->list = indicator_table_exception(l->table, sight);
}

static void list_is(const struct indicator_table *t, const char *value, const char *list)
{
    struct listed l = {.table = t, .list = {"", 0}};
    sight_scan(slice_from(value), list_take, &l);
    assert_true(slice_equal(l.list, slice_from(list)));
}

static void exceptions_name_their_list(void **state)
{
    (void)state;
    static const struct {
        const char *value, *list;
    } good[] = {{"10.0.0.0/8", "private"},
                {"192.0.2.53", "resolvers"},
                {"example.org", "top sites"},
                {"d41d8cd98f00b204e9800998ecf8427e", "empty"}};
    struct indicator_builder *b = indicator_builder_open();
    struct indicator_table *t;
    struct arena arena = {0};
    struct buf bytes = {0};
    for (size_t k = 0; k < sizeof(good) / sizeof(good[0]); k++) {
        struct indicator i = {.from_ns = CLOCK_NONE, .until_ns = CLOCK_NONE};
        assert_int_equal(
            indicator_parse(&i, slice_from(good[k].value), INDICATOR_TYPES, &arena, NULL), ERR_OK);
        assert_int_equal(indicator_builder_add_exception(b, &i, slice_from(good[k].list), NULL),
                         ERR_OK);
    }
    indicator_builder_finish(b, &bytes);
    assert_int_equal(indicator_table_open(&t, buf_as_slice(&bytes), NULL), ERR_OK);
    assert_int_equal(indicator_table_kinds(t), 0);
    list_is(t, "10.1.2.3", "private");
    list_is(t, "192.0.2.53", "resolvers");
    list_is(t, "192.0.2.54", "");
    list_is(t, "mail.example.org", "top sites");
    list_is(t, "badexample.org", "");
    list_is(t, "D41D8CD98F00B204E9800998ECF8427E", "empty");
    indicator_table_close(&t);
    indicator_builder_close(&b);
    buf_free(&bytes);
    arena_free(&arena);
}

static void damage_is_found(void **state)
{
    (void)state;
    static struct given given;
    struct arena arena = {0};
    struct buf bytes = {0};
    struct indicator_table *table;
    dice = 7;
    given_roll(&given, &arena);
    build(&given, &bytes);
    for (size_t at = 0; at < bytes.len; at += at < 600 ? 1 : 97) {
        bytes.data[at] = (char)(bytes.data[at] ^ 0x10);
        int rc = indicator_table_open(&table, buf_as_slice(&bytes), NULL);
        assert_true(rc == ERR_DAMAGED || (rc == ERR_UNSUPPORTED && at >= 16 && at < 20));
        bytes.data[at] = (char)(bytes.data[at] ^ 0x10);
    }
    for (size_t len = 0; len < bytes.len; len += 61)
        assert_int_equal(indicator_table_open(&table, slice_make(bytes.data, len), NULL),
                         ERR_DAMAGED);
    assert_int_equal(indicator_table_open(&table, buf_as_slice(&bytes), NULL), ERR_OK);
    indicator_table_close(&table);
    buf_free(&bytes);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_agrees_with_its_twin),
        cmocka_unit_test(exceptions_name_their_list),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
