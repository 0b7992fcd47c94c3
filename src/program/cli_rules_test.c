/* canh rules test: rules against the events that stand beside them. */
#include <stddef.h>
#include <stdio.h>

#include "base/mem.h"
#include "formats/json.h"
#include "program/cli_rules.h"
#include "program/detector_options.h"
#include "program/rules_case.h"

struct test_settings {
    struct cli_common common;
    struct detector_settings detector;
    const char *events;
};

#define AT(member) offsetof(struct test_settings, member)
static const struct option test_options[] = {
    {"rules", 'r', OPTION_LIST, AT(detector.rules), "PATH", 0, 0,
     "the rules to test, when they are not under PATH itself",
     "quy tắc cần thử, nếu không nằm ngay trong PATH"},
    {"events", 0, OPTION_TEXT, AT(events), "FOLDER", 0, 0,
     "where the files are that *.ref name from there; without it those cases are skipped",
     "thư mục gốc của các tệp mà *.ref nhắc tới; nếu không có thì bỏ qua các ca đó"},
    DETECTOR_MAPPINGS_OPTION(test_settings, detector),
    CLI_RULES_PLACEHOLDERS_OPTION(test_settings, detector.placeholders),
    CLI_OPTIONS(test_settings, common, "auto|table|ndjson"),
};

static const char *const state_names[] = {
    [CASE_PASSED] = "passed", [CASE_FAILED] = "FAILED", [CASE_SKIPPED] = "skipped"};

static void case_show(const struct rules_case *c, bool json, struct buf *out)
{
    if (!json) {
        buf_printf(out, "%-8s %s%s%s\n", state_names[c->state], c->path, c->reason[0] ? ": " : "",
                   c->reason);
        return;
    }
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_key(&w, "state");
    json_string(&w, slice_from(c->state == CASE_FAILED ? "failed" : state_names[c->state]));
    json_key(&w, "events");
    json_string(&w, slice_from(c->path));
    json_key(&w, "rule");
    json_string(&w, slice_from(c->stem));
    json_key(&w, "fired");
    json_u64(&w, c->fired);
    json_key(&w, "reason");
    json_string(&w, slice_from(c->reason));
    json_close_object(&w);
    buf_char(out, '\n');
}

static int cases_show(const struct rules_case_list *list, const struct test_settings *settings)
{
    bool json = settings->common.output && strcmp(settings->common.output, "ndjson") == 0;
    size_t states[3] = {0};
    struct buf out = {0};
    for (size_t i = 0; i < list->count; i++) {
        const struct rules_case *c = &list->cases[i];
        states[c->state]++;
        if (json || c->state == CASE_FAILED || settings->common.verbose)
            case_show(c, json, &out);
    }
    if (!json)
        buf_printf(&out, "%zu passed, %zu failed, %zu skipped\n", states[CASE_PASSED],
                   states[CASE_FAILED], states[CASE_SKIPPED]);
    int code = cli_write(&out, NULL);
    buf_free(&out);
    return code != CLI_OK ? code : states[CASE_FAILED] ? CLI_PROBLEMS : CLI_OK;
}

static int test_with(const struct test_settings *settings, const struct option_list *paths)
{
    struct detector d = {0};
    struct rules_case_list list = {0};
    struct err err;
    struct detector_options options;
    detector_options_set(&options, &settings->detector);
    options.trusting = true;
    if (settings->detector.rules.count == 0)
        options.rule_paths = paths;
    int rc = ERR_OK;
    for (size_t i = 0; i < paths->count && rc == ERR_OK; i++)
        rc = rules_case_find(&list, paths->items[i], &err);
    if (rc == ERR_OK && list.count == 0)
        rc = err_set(&err, ERR_USAGE,
                     "no test was found: neither tests/<rule>/positive* or negative* nor "
                     "<rule id>.json beside an info.yml");
    if (rc == ERR_OK)
        rc = detector_open(&d, &options, &err);
    if (rc == ERR_OK)
        rc = rules_case_run(&list, &d, settings->events, &err);
    int code = rc == ERR_OK ? cases_show(&list, settings)
                            : cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err);
    rules_case_free(&list);
    detector_close(&d);
    return code;
}

int cli_rules_test(int argc, char **argv)
{
    static const char usage[] =
        "canh rules test RULES-FOLDER...                       (with tests/ inside)\n"
        "canh rules test --rules SIGMAHQ SIGMAHQ/regression_data\n";
    struct test_settings settings = {0};
    struct option_list paths = {0};
    struct err err;
    int code = cli_parse(test_options, sizeof(test_options) / sizeof(test_options[0]), argc, argv,
                         &settings, &settings.common, &paths, usage);
    if (code < 0 && paths.count == 0) {
        (void)err_set(&err, ERR_USAGE,
                      "rules test: name the folder with the rules and their tests");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = test_with(&settings, &paths);
    option_list_free(&settings.detector.rules);
    option_list_free(&paths);
    return code;
}
