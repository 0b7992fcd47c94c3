/* Pipes over rows that are written here: "User=bob bytes=10" with one minute between rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "store/pipe.h"

#define FIRST_NS 1793577600000000000ll /* 2026-11-02T00:00:00Z */
#define STEP_NS  (60 * CLOCK_SECOND_NS)

struct fixture {
    struct query *query;
    struct pipe *line;
    struct buf out; /* result rows, cells joined by '|', rows by '\n' */
    uint32_t stop;  /* emit gives an error at this row; 0: never */
    uint32_t emitted;
    int64_t now_ns;
};

/* name=value pairs; several of one name are several values. */
static struct slice fact_value(struct slice facts, struct slice name, uint32_t nth)
{
    while (facts.len > 0) {
        struct slice value = slice_cut(&facts, ' '), key = slice_cut(&value, '=');
        if (slice_equal(key, name) && nth-- == 0)
            return value;
    }
    return (struct slice){0};
}

struct facts {
    const struct query *query;
    struct slice text;
};

static struct slice get(void *context, uint32_t field, uint32_t nth)
{
    const struct facts *facts = context;
    return fact_value(facts->text, facts->query->fields.items[field], nth);
}

static int emit(void *context, const struct pipe_result *result, struct err *err)
{
    struct fixture *f = context;
    if (f->stop && ++f->emitted == f->stop)
        return err_set(err, ERR_CANCELED, "stopped");
    if (result->cell_count == 0)
        buf_printf(&f->out, "#%llu%s", (unsigned long long)result->id, result->row ? "" : "held");
    for (uint32_t i = 0; i < result->cell_count; i++) {
        const struct pipe_cell *cell = &result->cells[i];
        if (i > 0)
            buf_char(&f->out, '|');
        if (cell->kind == PIPE_MISSING)
            buf_char(&f->out, '-');
        buf_slice(&f->out, cell->text);
        if (cell->capped)
            buf_char(&f->out, '+');
    }
    buf_char(&f->out, '\n');
    return ERR_OK;
}

static void begin(struct fixture *f, const char *text, size_t budget_bytes)
{
    struct query_options options = {.now_ns = FIRST_NS};
    struct err err;
    *f = (struct fixture){.now_ns = FIRST_NS};
    if (query_parse(&f->query, slice_from(text), &options, &err))
        fail_msg("%s: column %u: %s", text, err.column, err.text);
    f->line = pipe_open(f->query, budget_bytes, emit, f);
}

static void end(struct fixture *f)
{
    struct pipe_figures figures;
    pipe_measure(f->line, &figures);
    pipe_close(&f->line);
    query_close(&f->query);
    buf_free(&f->out);
}

/* Feeds a row; its text is of its exact size and gone afterwards. */
static int feed(struct fixture *f, uint64_t id, const char *text, struct err *err)
{
    size_t length = strlen(text);
    char *copy = mem_alloc(length);
    memcpy(copy, text, length);
    struct facts facts = {f->query, slice_make(copy, length)};
    struct pipe_row row = {.time_ns = f->now_ns, .id = id, .get = get, .context = &facts};
    f->now_ns += STEP_NS;
    int rc = pipe_feed(f->line, &row, err);
    mem_free(copy);
    return rc;
}

static const char *const rows[] = {
    "User=bob bytes=10",  "User=alice bytes=30 host=a", "User=Bob bytes=20",   "bytes=5",
    "User=alice bytes=x", "User=carol bytes=7 bytes=9", "User=bob bytes=10.0", NULL};

/* What comes out of the rows above; how many of them were wanted. */
static uint32_t expect_of(const char *text, const char *const *facts, const char *wanted)
{
    struct fixture f;
    struct err err;
    int rc = ERR_OK;
    uint32_t fed = 0;
    begin(&f, text, 1 << 20);
    for (; facts[fed] && rc == ERR_OK; fed++)
        rc = feed(&f, fed + 1, facts[fed], &err);
    assert_true(rc == ERR_OK || rc == PIPE_ENOUGH);
    assert_int_equal(pipe_end(f.line, &err), ERR_OK);
    if (!slice_equal(buf_as_slice(&f.out), slice_from(wanted)))
        fail_msg("%s gives\n%s\nnot\n%s", text, buf_text(&f.out), wanted);
    end(&f);
    return fed;
}

static void expect(const char *text, const char *wanted)
{
    (void)expect_of(text, rows, wanted);
}

static void stats_count_and_compute(void **state)
{
    (void)state;
    expect("* | stats count()", "7\n");
    expect("* | stats count(User), sum(bytes), min(bytes), max(bytes), avg(bytes)",
           "6|91|5|30|13\n");
    expect("* | stats distinct(User), distinct(bytes)", "3|8\n");
    expect("* | stats min(_time), max(_time)", "2026-11-02T00:00:00Z|2026-11-02T00:06:00Z\n");
    expect("* | stats percentile(bytes, 0), percentile(bytes, 50), percentile(bytes, 100)",
           "5|10|30\n");
    expect("* | stats percentile(bytes, 25)", "8\n");
}

static void groups_are_folded_and_in_order_of_their_values(void **state)
{
    (void)state;
    expect("* | stats count() as n, sum(bytes) by User",
           "alice|2|30\nbob|3|40\ncarol|1|16\n-|1|5\n");
    expect("* | stats count() by User, host", "alice|a|1\nalice|-|1\nbob|-|3\ncarol|-|1\n-|-|1\n");
    expect("* | stats count() by bytes", "5|1\n7|1\n10|1\n10.0|1\n20|1\n30|1\nx|1\n");
    expect("* | stats count() by _time:5m", "2026-11-02T00:00:00Z|5\n2026-11-02T00:05:00Z|2\n");
}

static void what_is_missing_has_no_figure(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    (void)expect_of("* | stats count(), sum(a), min(a), avg(a), distinct(a), percentile(a, 5)",
                    none, "0|0|-|-|0|-\n");
    (void)expect_of("* | stats count() by a", none, "");
    (void)expect_of("* | top a", none, "");
    (void)expect_of("* | sort a", none, "");
}

static void top_counts_within_groups(void **state)
{
    (void)state;
    expect("* | top User", "bob|3\nalice|2\ncarol|1\n");
    expect("* | top 1 User", "bob|3\n");
    expect("* | top 1 bytes by User", "alice|30|1\nbob|10|1\ncarol|7|1\n-|5|1\n");
    expect("* | top 2 User | stats sum(count) as all", "5\n");
}

static void uniq_lets_the_first_pass_at_once(void **state)
{
    (void)state;
    expect("* | uniq User", "bob\nalice\n-\ncarol\n");
    assert_int_equal(expect_of("* | uniq User | limit 2", rows, "bob\nalice\n"), 2);
    expect("* | uniq User, host", "bob|-\nalice|a\n-|-\nalice|-\ncarol|-\n");
}

static void limit_says_enough(void **state)
{
    (void)state;
    assert_int_equal(expect_of("* | limit 2", rows, "#1\n#2\n"), 2);
    assert_int_equal(expect_of("* | limit 3 | stats sum(bytes)", rows, "60\n"), 3);
    expect("* | stats count() by User | limit 1", "alice|2\n");
    expect("* | limit 100 | fields bytes | limit 1", "10\n");
}

static void fields_are_columns(void **state)
{
    (void)state;
    expect("* | fields bytes, User, _time | limit 1", "10|bob|2026-11-02T00:00:00Z\n");
    static const char *const many[] = {"a=1 a=2 a=3 b=4", "b=5", NULL};
    (void)expect_of("* | fields a, b", many, "1, 2, 3|4\n-|5\n");
    (void)expect_of("* | fields -a", many, "#1\n#2\n");
    (void)expect_of("* | stats count() as n by b | fields -b", many, "1\n1\n");
}

static void sort_orders_numbers_before_texts_and_missing_last(void **state)
{
    (void)state;
    expect("* | sort bytes | fields bytes", "5\n7, 9\n10\n10.0\n20\n30\nx\n");
    expect("* | sort bytes desc | fields bytes", "x\n30\n20\n10\n10.0\n7, 9\n5\n");
    expect("* | sort User desc, bytes", "#6held\n#1held\n#7held\n#3held\n#2held\n#5held\n#4held\n");
    expect("* | sort User | limit 2", "#2held\n#5held\n");
    expect("* | sort _time desc | fields _time | limit 1", "2026-11-02T00:06:00Z\n");
    expect("* | stats count() as n by User | sort n desc | fields User, n | limit 2",
           "bob|3\nalice|2\n");
    expect("* | sort bytes desc | limit 2 | stats sum(bytes)", "30\n");
}

static void sort_with_a_limit_holds_no_more_than_it_needs(void **state)
{
    (void)state;
    struct fixture f;
    struct err err;
    struct buf text = {0};
    struct pipe_figures figures;
    begin(&f, "* | sort a | limit 3 | fields a", 64 << 10);
    for (uint32_t i = 0; i < 20000; i++) {
        buf_clear(&text);
        buf_printf(&text, "a=%u", i * 7919 % 20011);
        assert_int_equal(feed(&f, i, buf_text(&text), &err), ERR_OK);
    }
    assert_int_equal(pipe_end(f.line, &err), ERR_OK);
    assert_string_equal(buf_text(&f.out), "0\n1\n2\n");
    pipe_measure(f.line, &figures);
    assert_int_equal(figures.rows_in, 20000);
    assert_int_equal(figures.rows_out, 3);
    assert_true(figures.peak_bytes < 64 << 10);
    buf_free(&text);
    end(&f);
}

static void budget(const char *query, const char *format)
{
    struct fixture f;
    struct err err = {0};
    struct buf text = {0};
    int rc = ERR_OK;
    uint32_t fed = 0;
    begin(&f, query, 256 << 10);
    for (; fed < 100000 && rc == ERR_OK; fed++) {
        buf_clear(&text);
        buf_printf(&text, "a=%s%u", format, fed);
        rc = feed(&f, fed, buf_text(&text), &err);
    }
    assert_int_equal(rc, ERR_LIMIT);
    assert_non_null(strstr(err.text, "narrow the filter"));
    assert_true(fed > 100);
    buf_free(&text);
    end(&f);
}

static void the_budget_is_kept(void **state)
{
    (void)state;
    budget("* | stats count() by a", "value");
    budget("* | stats distinct(a)", "value");
    budget("* | stats percentile(a, 50)", "1");
    budget("* | uniq a", "value");
    budget("* | top a", "value");
    budget("* | sort a", "value");
}

static void partial_results_change_nothing(void **state)
{
    (void)state;
    struct fixture f, partial = {0};
    struct err err;
    begin(&f, "* | stats count() as n, percentile(bytes, 50) as p by User | sort n desc | limit 1",
          1 << 20);
    for (uint32_t i = 0; rows[i]; i++) {
        assert_int_equal(feed(&f, i, rows[i], &err), ERR_OK);
        buf_clear(&partial.out);
        assert_int_equal(pipe_partial(f.line, emit, &partial, &err), ERR_OK);
        if (i == 0)
            assert_string_equal(buf_text(&partial.out), "bob|1|10\n");
    }
    assert_int_equal(f.out.len, 0);
    assert_int_equal(pipe_end(f.line, &err), ERR_OK);
    assert_string_equal(buf_text(&f.out), "bob|3|10\n");
    assert_string_equal(buf_text(&partial.out), "bob|3|10\n");
    buf_free(&partial.out);
    end(&f);
}

static void who_takes_rows_can_stop(void **state)
{
    (void)state;
    struct fixture f;
    struct err err;
    begin(&f, "* | fields User", 1 << 20);
    f.stop = 2;
    assert_int_equal(feed(&f, 1, rows[0], &err), ERR_OK);
    assert_int_equal(feed(&f, 2, rows[1], &err), ERR_CANCELED);
    end(&f);
    begin(&f, "* | stats count() by User", 1 << 20);
    f.stop = 1;
    assert_int_equal(feed(&f, 1, rows[0], &err), ERR_OK);
    assert_int_equal(pipe_end(f.line, &err), ERR_CANCELED);
    end(&f);
}

static void a_sample_stands_for_too_many_values(void **state)
{
    (void)state;
    struct fixture f;
    struct err err;
    struct buf text = {0};
    struct pipe_figures figures;
    begin(&f, "* | stats percentile(a, 50) as p, sum(a) as s", 16 << 20);
    for (uint32_t i = 0; i <= PIPE_PERCENTILE_MAX; i++) {
        buf_clear(&text);
        buf_printf(&text, "a=%u", i % 1000);
        assert_int_equal(feed(&f, i, buf_text(&text), &err), ERR_OK);
    }
    assert_int_equal(pipe_end(f.line, &err), ERR_OK);
    assert_string_equal(buf_text(&f.out), "499.5+|49950000\n");
    pipe_measure(f.line, &figures);
    assert_true(figures.capped);
    buf_free(&text);
    end(&f);
}

static void sums_of_many_fractions_are_exact(void **state)
{
    (void)state;
    struct fixture f;
    struct err err;
    begin(&f, "* | stats sum(a)", 1 << 20);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(feed(&f, i, "a=0.1 a=1e15 a=-1e15", &err), ERR_OK);
    assert_int_equal(pipe_end(f.line, &err), ERR_OK);
    assert_string_equal(buf_text(&f.out), "100\n");
    end(&f);
}

static void buckets_begin_with_the_local_day(void **state)
{
    (void)state;
    struct fixture f;
    struct err err;
    struct clock_zone *zone;
    struct query_options options = {0};
    f = (struct fixture){.now_ns = FIRST_NS};
    assert_int_equal(clock_zone_open(&zone, SLICE("+07:00"), &err), ERR_OK);
    options.zone = zone;
    assert_int_equal(query_parse(&f.query, SLICE("* | stats count() by _time:1d"), &options, &err),
                     ERR_OK);
    f.line = pipe_open(f.query, 1 << 20, emit, &f);
    assert_int_equal(feed(&f, 1, "", &err), ERR_OK);
    f.now_ns = FIRST_NS + 17 * 3600 * CLOCK_SECOND_NS - 1;
    assert_int_equal(feed(&f, 2, "", &err), ERR_OK);
    f.now_ns = FIRST_NS + 17 * 3600 * CLOCK_SECOND_NS;
    assert_int_equal(feed(&f, 3, "", &err), ERR_OK);
    assert_int_equal(pipe_end(f.line, &err), ERR_OK);
    assert_string_equal(buf_text(&f.out), "2026-11-01T17:00:00Z|2\n2026-11-02T17:00:00Z|1\n");
    end(&f);
    clock_zone_close(&zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats_count_and_compute),
        cmocka_unit_test(groups_are_folded_and_in_order_of_their_values),
        cmocka_unit_test(what_is_missing_has_no_figure),
        cmocka_unit_test(top_counts_within_groups),
        cmocka_unit_test(uniq_lets_the_first_pass_at_once),
        cmocka_unit_test(limit_says_enough),
        cmocka_unit_test(fields_are_columns),
        cmocka_unit_test(sort_orders_numbers_before_texts_and_missing_last),
        cmocka_unit_test(sort_with_a_limit_holds_no_more_than_it_needs),
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(partial_results_change_nothing),
        cmocka_unit_test(who_takes_rows_can_stop),
        cmocka_unit_test(a_sample_stands_for_too_many_values),
        cmocka_unit_test(sums_of_many_fractions_are_exact),
        cmocka_unit_test(buckets_begin_with_the_local_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
