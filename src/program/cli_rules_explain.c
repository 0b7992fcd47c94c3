/* canh rules explain RULE EVENT: why a rule holds for an event, or does not. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/cli_rules.h"
#include "program/detector_options.h"
#include "watch/pipeline.h"

struct explain_settings {
    struct cli_common common;
    struct detector_settings detector;
    const char *format;
};

#define AT(member) offsetof(struct explain_settings, member)
static const struct option explain_options[] = {
    {"rules", 'r', OPTION_LIST, AT(detector.rules), "PATH", 0, 0,
     "where to look for RULE when it is an id or a title",
     "nơi tìm quy tắc khi RULE là id hoặc tên"},
    {"format", 'f', OPTION_TEXT, AT(format), "NAME", 0, 0, "format of the event (default auto)",
     "định dạng sự kiện (mặc định auto)"},
    DETECTOR_MAPPINGS_OPTION(explain_settings, detector),
    {"source", 0, OPTION_TEXT, AT(detector.source), "P/C/S", 0, 0,
     "log source of the event: product/category/service",
     "nguồn nhật ký của sự kiện: product/category/service"},
    CLI_RULES_PLACEHOLDERS_OPTION(explain_settings, detector.placeholders),
    CLI_OPTIONS(explain_settings, common, "auto|table"),
};

static bool rule_is(const struct rule *rule, struct slice wanted)
{
    return rule->kind == RULE_DETECTION &&
           (slice_equal(rule->id, wanted) || slice_equal(rule->title, wanted) ||
            slice_equal(rule->name, wanted) || slice_equal(rule->file, wanted));
}

static int rule_of(const struct detector *d, const char *wanted, uint32_t *out, struct err *err)
{
    for (uint32_t i = 0; i < d->load.rules.count; i++)
        if (rule_is(d->load.rules.rules[i], slice_from(wanted))) {
            *out = i;
            return ERR_OK;
        }
    return err_set(err, ERR_USAGE,
                   "no detection rule has the id, title, name or file '%s'; name its file, or "
                   "give --rules PATH and its id",
                   wanted);
}

/* FILE or FILE:LINE; line 0: the first record. */
static char *event_file(const char *text, uint64_t *line)
{
    const char *colon = strrchr(text, ':');
    *line = 0;
    if (colon && colon[1] && access(text, F_OK) != 0 && slice_to_u64(slice_from(colon + 1), line))
        return mem_copy_text(text, (size_t)(colon - text));
    return mem_copy_text(text, strlen(text));
}

static void explain_record(struct pipeline *judge, uint32_t rule, const char *file, uint64_t line,
                           struct buf *out)
{
    const struct rule *r = judge->detector->load.rules.rules[rule];
    const uint32_t *found;
    bool holds = false;
    uint32_t count = matcher_run(judge->matcher, &judge->record, &found);
    for (uint32_t i = 0; i < count; i++)
        holds |= found[i] == rule;
    buf_printf(out, "%s:%llu %s: %.*s (%.*s)\n", file, (unsigned long long)line,
               holds ? "matches" : "does not match", (int)r->title.len, r->title.data,
               (int)r->id.len, r->id.data);
    matcher_explain(judge->matcher, rule, out);
}

/* The record of that line, or the first one when line is 0, is explained. */
static int explain_event(const struct detector *d, uint32_t rule,
                         const struct explain_settings *settings, const char *event,
                         struct buf *out, struct err *err)
{
    uint64_t line;
    char *path = event_file(event, &line);
    const char *paths[] = {path};
    struct input_options options = {.paths = paths, .path_count = 1};
    struct input *input = NULL;
    struct input_block block = {0};
    struct pipeline judge;
    bool found = false;
    pipeline_open(&judge, d, clock_now_ns());
    if (settings->format && strcmp(settings->format, "auto") != 0)
        options.format = format_find(slice_from(settings->format));
    int rc = strcmp(path, "-") != 0 && access(path, R_OK) != 0
                 ? err_set_errno(err, errno, "%s", path)
                 : ERR_OK;
    if (rc == ERR_OK)
        rc = input_open(&input, &options, err);
    while (rc == ERR_OK && !found && (rc = input_next(input, &block, err)) == ERR_OK) {
        for (size_t i = 0; i < block.spans.count && !found; i++) {
            const struct span *span = &block.spans.spans[i];
            if (line && span->line != line)
                continue;
            found = true;
            record_reset(&judge.record);
            const struct format *format = span->format ? span->format : block.file->format;
            rc = format->parse(&judge.record, span->text, span->header, err);
            if (rc == ERR_OK)
                explain_record(&judge, rule, block.file->name, span->line, out);
        }
    }
    if (rc == ERR_END || (rc == ERR_OK && !found))
        rc = err_set(err, ERR_USAGE, "%s: there is no record at line %llu", path,
                     (unsigned long long)line);
    input_block_free(&block);
    input_close(&input);
    pipeline_close(&judge);
    mem_free(path);
    return rc;
}

static int explain_with(struct explain_settings *settings, const struct option_list *operands)
{
    struct detector d = {0};
    struct buf out = {0};
    struct err err;
    struct option_list only = {.items = operands->items, .count = 1};
    struct detector_options options;
    detector_options_set(&options, &settings->detector);
    options.routing = false; /* also for an event of another log source */
    if (settings->detector.rules.count == 0)
        options.rule_paths = &only;
    uint32_t rule = 0;
    int rc = detector_open(&d, &options, &err);
    if (rc == ERR_OK)
        rc = rule_of(&d, operands->items[0], &rule, &err);
    if (rc == ERR_OK)
        rc = explain_event(&d, rule, settings, operands->items[1], &out, &err);
    int code = rc == ERR_OK ? cli_write(&out, NULL)
                            : cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err);
    buf_free(&out);
    detector_close(&d);
    return code;
}

int cli_rules_explain(int argc, char **argv)
{
    static const char usage[] = "canh rules explain RULE-FILE EVENT-FILE[:LINE]\n"
                                "canh rules explain --rules PATH RULE-ID EVENT-FILE[:LINE]\n";
    struct explain_settings settings = {0};
    struct option_list operands = {0};
    struct err err;
    int code = cli_parse(explain_options, sizeof(explain_options) / sizeof(explain_options[0]),
                         argc, argv, &settings, &settings.common, &operands, usage);
    if (code < 0 && operands.count != 2) {
        (void)err_set(&err, ERR_USAGE,
                      "rules explain takes a rule and an event: RULE EVENT-FILE[:LINE]");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = explain_with(&settings, &operands);
    option_list_free(&settings.detector.rules);
    option_list_free(&operands);
    return code;
}
