#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/metric.h"

static struct metric *table_fresh(void)
{
    static struct metric table[5];
    const struct metric begin[5] = {
        {.name = "canh_events_stored_total", .help = "Events on disk"},
        {.name = "canh_stage_seconds",
         .kind = METRIC_HISTOGRAM,
         .labels = "stage=\"append\"",
         .help = "Time of a stage"},
        {.name = "canh_stage_seconds",
         .kind = METRIC_HISTOGRAM,
         .labels = "stage=\"sync\"",
         .help = "Time of a stage"},
        {.name = "canh_memory_bytes", .kind = METRIC_GAUGE, .help = "Memory"},
        {.name = "canh_cpu_seconds_total", .help = "Processor time"},
    };
    memcpy(table, begin, sizeof(table));
    return table;
}

static int text_of_one(struct buf *out, const struct metric *table, uint32_t count)
{
    struct buf packed = {0};
    struct metric_text *t = metric_text_open();
    metric_pack(table, count, &packed);
    int rc = metric_text_add(t, "engine", buf_as_slice(&packed), NULL);
    buf_clear(out);
    metric_text_end(&t, out);
    (void)buf_text(out);
    buf_free(&packed);
    return rc;
}

static void test_counters_and_gauges(void **state)
{
    (void)state;
    struct metric *m = table_fresh();
    struct buf out = {0};
    metric_add(&m[0], 40);
    metric_add(&m[0], 2);
    metric_set(&m[3], -7);
    metric_add(&m[4], 1500000000);
    assert_int_equal(metric_value(&m[0]), 42);
    m[1] = m[3];
    m[2] = m[4];
    assert_int_equal(text_of_one(&out, m, 3), ERR_OK);
    assert_string_equal(out.data, "# HELP canh_cpu_seconds_total Processor time\n"
                                  "# TYPE canh_cpu_seconds_total counter\n"
                                  "canh_cpu_seconds_total{role=\"engine\"} 1.5\n"
                                  "# HELP canh_events_stored_total Events on disk\n"
                                  "# TYPE canh_events_stored_total counter\n"
                                  "canh_events_stored_total{role=\"engine\"} 42\n"
                                  "# HELP canh_memory_bytes Memory\n"
                                  "# TYPE canh_memory_bytes gauge\n"
                                  "canh_memory_bytes{role=\"engine\"} -7\n");
    m[0] = (struct metric){.name = "canh_x_seconds", .kind = METRIC_GAUGE, .help = "x"};
    metric_set(&m[0], -1);
    assert_int_equal(text_of_one(&out, m, 1), ERR_OK);
    assert_non_null(strstr(out.data, "canh_x_seconds{role=\"engine\"} -0.000000001\n"));
    metric_set(&m[0], INT64_MIN);
    assert_int_equal(text_of_one(&out, m, 1), ERR_OK);
    assert_non_null(strstr(out.data, "} -9223372036.854775808\n"));
    buf_free(&out);
}

static void test_histogram(void **state)
{
    (void)state;
    struct metric *m = table_fresh();
    struct buf out = {0};
    const uint64_t observed[] = {0, 100000, 100001, 200000, 1638400000, 1638400001, 90000000000};
    for (size_t i = 0; i < sizeof(observed) / sizeof(observed[0]); i++)
        metric_observe(&m[1], observed[i]);
    assert_int_equal(metric_value(&m[1]), 7);
    assert_int_equal(text_of_one(&out, m + 1, 1), ERR_OK);
    static const char *const lines[] = {
        "# TYPE canh_stage_seconds histogram\n",
        "canh_stage_seconds_bucket{role=\"engine\",stage=\"append\",le=\"0.0001\"} 2\n"
        "canh_stage_seconds_bucket{role=\"engine\",stage=\"append\",le=\"0.0002\"} 4\n"
        "canh_stage_seconds_bucket{role=\"engine\",stage=\"append\",le=\"0.0004\"} 4\n",
        "le=\"0.8192\"} 4\n",
        "le=\"1.6384\"} 5\ncanh_stage_seconds_bucket{role=\"engine\",stage=\"append\","
        "le=\"+Inf\"} 7\n"
        "canh_stage_seconds_sum{role=\"engine\",stage=\"append\"} 93.277200002\n"
        "canh_stage_seconds_count{role=\"engine\",stage=\"append\"} 7\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_non_null(strstr(out.data, lines[i]));
    buf_free(&out);
}

static void test_families_of_sources_stand_together(void **state)
{
    (void)state;
    struct metric *m = table_fresh();
    struct buf packed = {0}, out = {0};
    struct metric_text *t = metric_text_open();
    metric_pack(m, 5, &packed);
    assert_int_equal(metric_text_add(t, "web", buf_as_slice(&packed), NULL), ERR_OK);
    assert_int_equal(metric_text_add(t, "engine", buf_as_slice(&packed), NULL), ERR_OK);
    metric_text_end(&t, &out);
    assert_null(t);
    assert_non_null(strstr(buf_text(&out), "canh_events_stored_total{role=\"web\"} 0\n"
                                           "canh_events_stored_total{role=\"engine\"} 0\n"));
    const char *first = strstr(out.data, "# TYPE canh_stage_seconds");
    assert_non_null(first);
    assert_null(strstr(first + 1, "# TYPE canh_stage_seconds"));
    buf_free(&packed);
    buf_free(&out);
}

static void test_a_source_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    struct metric *m = table_fresh();
    struct buf packed = {0}, other = {0}, out = {0}, wanted = {0};
    struct err err = {0};
    struct metric_text *t = metric_text_open();
    metric_pack(m, 5, &packed);
    assert_int_equal(metric_text_add(t, "web", buf_as_slice(&packed), &err), ERR_OK);
    assert_int_equal(metric_text_add(t, "web", buf_as_slice(&packed), &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "web"));
    for (size_t len = 0; len < packed.len; len++) /* cut anywhere */
        assert_int_equal(
            metric_text_add(t, "engine", slice_part(buf_as_slice(&packed), 0, len), &err),
            ERR_DAMAGED);
    buf_char(&packed, 'x');
    assert_int_equal(metric_text_add(t, "engine", buf_as_slice(&packed), &err), ERR_DAMAGED);
    const struct metric bad[] = {
        {.name = "other_x_total", .help = "x"},
        {.name = "canh_x", .help = "x"}, /* a counter that is none by its name */
        {.name = "canh_x_total", .kind = METRIC_GAUGE, .help = "x"},
        {.name = "canh_x_count", .kind = METRIC_GAUGE, .help = "x"},
        {.name = "canh_x y", .kind = METRIC_GAUGE, .help = "x"},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = ""},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "two\nlines 1"},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "x", .labels = "a=\"1\",a=\"2\""},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "x", .labels = "role=\"1\""},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "x", .labels = "le=\"1\""},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "x", .labels = "a=\"1\"} 5\ncanh_y{\""},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "x", .labels = "a=\"1\","},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "x", .labels = "a=\"1\" b=\"1\""},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "x", .labels = "a=1"},
        {.name = "canh_x", .kind = METRIC_GAUGE, .help = "x", .labels = "a=\"\xff\""},
        {.name = "canh_stage_seconds", .kind = METRIC_GAUGE, .help = "of another kind"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct metric two[] = {
            {.name = "canh_good", .kind = METRIC_GAUGE, .help = "taken back"}, bad[i]};
        buf_clear(&other);
        metric_pack(two, 2, &other);
        if (metric_text_add(t, "engine", buf_as_slice(&other), &err) != ERR_DAMAGED)
            fail_msg("row %zu was taken", i);
    }
    /* what was refused left nothing that stands in the way */
    const struct metric good[] = {{.name = "canh_other", .kind = METRIC_GAUGE, .help = "x"},
                                  {.name = "canh_good", .kind = METRIC_HISTOGRAM, .help = "x"}};
    buf_clear(&other);
    metric_pack(good, 2, &other);
    assert_int_equal(metric_text_add(t, "engine", buf_as_slice(&other), &err), ERR_OK);
    metric_text_end(&t, &out);
    assert_null(strstr(buf_text(&out), "taken back"));
    assert_int_equal(text_of_one(&wanted, m, 5), ERR_OK);
    assert_null(strstr(out.data, "canh_memory_bytes{role=\"engine\"}"));
    assert_non_null(strstr(out.data, "canh_memory_bytes{role=\"web\"}"));
    buf_free(&packed);
    buf_free(&other);
    buf_free(&wanted);
    buf_free(&out);
}

static void test_too_many_sources(void **state)
{
    (void)state;
    struct buf packed = {0}, out = {0};
    struct metric_text *t = metric_text_open();
    metric_pack(NULL, 0, &packed);
    for (int i = 0; i < METRIC_SOURCES_MAX; i++)
        assert_int_equal(metric_text_add(t, "x", buf_as_slice(&packed), NULL), ERR_OK);
    assert_int_equal(metric_text_add(t, "x", buf_as_slice(&packed), NULL), ERR_LIMIT);
    metric_text_end(&t, &out);
    assert_int_equal(out.len, 0);
    buf_free(&packed);
}

static void *add_many(void *argument)
{
    struct metric *m = argument;
    for (int i = 0; i < 10000; i++) {
        metric_add(&m[0], 1);
        metric_observe(&m[1], 5);
    }
    return NULL;
}

static void test_any_thread(void **state)
{
    (void)state;
    struct metric *m = table_fresh();
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, m), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metric_value(&m[0]), 20000);
    assert_int_equal(metric_value(&m[1]), 20000);
}

static void test_promtool_has_nothing_to_say(void **state)
{
    (void)state;
    static const char promtool[] = "/usr/bin/promtool";
    if (access(promtool, X_OK) != 0)
        skip(); /* promtool (Debian: prometheus) is not installed */
    struct metric *m = table_fresh();
    struct buf packed = {0}, out = {0};
    struct metric_text *t = metric_text_open();
    metric_observe(&m[1], 70000000);
    metric_add(&m[0], UINT64_MAX);
    metric_pack(m, 5, &packed);
    assert_int_equal(metric_text_add(t, "engine", buf_as_slice(&packed), NULL), ERR_OK);
    assert_int_equal(metric_text_add(t, "web", buf_as_slice(&packed), NULL), ERR_OK);
    metric_text_end(&t, &out);
    int file = memfd_create("metrics", 0), status, said = memfd_create("said", 0);
    assert_int_equal(write(file, out.data, out.len), (ssize_t)out.len);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(file, 0);
        (void)dup2(said, 1);
        (void)dup2(said, 2);
        (void)execl(promtool, "promtool", "check", "metrics", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    char text[2000] = {0};
    (void)!pread(said, text, sizeof(text) - 1, 0);
    assert_string_equal(text, "");
    assert_int_equal(status, 0);
    (void)close(file);
    (void)close(said);
    buf_free(&packed);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_and_gauges),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_families_of_sources_stand_together),
        cmocka_unit_test(test_a_source_is_taken_whole_or_not_at_all),
        cmocka_unit_test(test_too_many_sources),
        cmocka_unit_test(test_any_thread),
        cmocka_unit_test(test_promtool_has_nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
