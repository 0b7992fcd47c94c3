#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "watch/pipeline.h"

/* What the sink was given, one line a call. */
struct heard {
    struct buf text;
    struct pipeline *judge;
};

static void heard_event(void *context, struct pipeline *judge, const struct event_place *place)
{
    struct heard *heard = context;
    char time[CLOCK_TEXT_BYTES] = "none";
    size_t len = place->time_ns == CLOCK_NONE ? 4 : clock_text(time, place->time_ns);
    assert_ptr_equal(judge, heard->judge);
    buf_printf(&heard->text, "event %llu at %.*s\n", (unsigned long long)place->line, (int)len,
               time);
}

static void heard_finding(void *context, struct pipeline *judge, uint32_t rule,
                          const struct event_place *place)
{
    struct heard *heard = context;
    (void)judge;
    buf_printf(&heard->text, "finding %lu in %llu\n", (unsigned long)rule,
               (unsigned long long)place->line);
}

static void heard_refused(void *context, const struct span *span, const struct err *err)
{
    struct heard *heard = context;
    assert_true(err->text[0]);
    buf_printf(&heard->text, "refused %llu: %.*s\n", (unsigned long long)span->line,
               (int)span->text.len, span->text.data);
}

static const char rule_text[] = "title: A\n"
                                "logsource: {category: test}\n"
                                "detection:\n"
                                "    a: {a: hit}\n"
                                "    condition: a\n";

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void judge_text(const struct pipeline_sink *sink, struct heard *heard)
{
    char folder[] = "/tmp/canh-judge-XXXXXX", rule[64], events[64];
    const char *rules[] = {rule}, *paths[] = {events};
    struct option_list list = {rules, 1};
    struct detector detector = {0};
    struct input_options options = {
        .paths = paths, .path_count = 1, .format = format_find(SLICE("json"))};
    struct input *input;
    struct input_block block = {0};
    struct pipeline judge;
    struct err err = {0};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(rule, sizeof(rule), "%s/rule.yml", folder);
    (void)snprintf(events, sizeof(events), "%s/events.json", folder);
    write_file(rule, rule_text);
    write_file(events, "{\"a\":\"no\",\"time\":\"2026-11-22T10:00:00Z\"}\n"
                       "{\"a\":\"hit\",\"time\":\"2026-11-22T10:00:01Z\"}\n"
                       "{\"a\":no}\n"
                       "{\"a\":\"no\"}\n");
    struct detector_options detector_settings = {.rule_paths = &list, .source = "/test/"};
    if (detector_open(&detector, &detector_settings, &err))
        fail_msg("%s", err.text);
    pipeline_open(&judge, &detector, CLOCK_NONE);
    heard->judge = &judge;
    assert_int_equal(input_open(&input, &options, &err), ERR_OK);
    while (input_next(input, &block, &err) == ERR_OK)
        pipeline_block(&judge, &block, sink);
    assert_int_equal(judge.events, 3);
    assert_int_equal(judge.refused, 1);
    input_block_free(&block);
    input_close(&input);
    pipeline_close(&judge);
    detector_close(&detector);
    assert_int_equal(unlink(rule), 0);
    assert_int_equal(unlink(events), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_all_calls(void **state)
{
    struct heard heard = {0};
    struct pipeline_sink sink = {.context = &heard,
                                 .event = heard_event,
                                 .finding = heard_finding,
                                 .refused = heard_refused};
    (void)state;
    judge_text(&sink, &heard);
    assert_string_equal(buf_text(&heard.text), "event 1 at 2026-11-22T10:00:00Z\n"
                                               "event 2 at 2026-11-22T10:00:01Z\n"
                                               "finding 0 in 2\n"
                                               "refused 3: {\"a\":no}\n"
                                               "event 4 at none\n");
    buf_free(&heard.text);
}

static void test_calls_may_be_left_out(void **state)
{
    struct heard heard = {0};
    struct pipeline_sink none = {0}, finding = {.context = &heard, .finding = heard_finding};
    (void)state;
    judge_text(&none, &heard);
    judge_text(&finding, &heard);
    assert_string_equal(buf_text(&heard.text), "finding 0 in 2\n");
    buf_free(&heard.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_calls),
        cmocka_unit_test(test_calls_may_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
