/* canh intel pattern [FILE | -]: matches STIX patterns against observed data, one pair a line, or
 * checks patterns. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "detection/stix_pattern.h"
#include "formats/json.h"
#include "program/cli_intel.h"

enum {
    LINE_BYTES_MAX = STIX_DOCUMENT_BYTES_MAX,
    READ_BYTES = 1 << 16,
    WRITE_BYTES = 1 << 16 /* are gathered before they are written */
};

struct pattern_settings {
    struct cli_common common;
    const char *version;
    bool check;
};

#define AT(member) offsetof(struct pattern_settings, member)
static const struct option pattern_options[] = {
    {"check", 'c', OPTION_FLAG, AT(check), NULL, 0, 0,
     "only say which patterns are valid: a pattern, or an object with one, a line",
     "chỉ cho biết mẫu nào hợp lệ: mỗi dòng một mẫu, hoặc một đối tượng có mẫu"},
    {"stix-version", 0, OPTION_CHOICE, AT(version), "2.0|2.1", 0, 0,
     "STIX version where a line does not say it (default 2.1)",
     "phiên bản STIX khi dòng không nêu (mặc định 2.1)"},
    CLI_OPTIONS(pattern_settings, common, "auto|ndjson"),
};

struct pattern_run {
    const struct pattern_settings *settings;
    struct buf line, out;
    bool too_long, closed;
    uint64_t lines, patterns, wrong;
    int code;
};

static int version_parse(struct slice text, enum stix_version *out, struct err *err)
{
    *out = slice_equal(text, SLICE("2.0")) ? STIX_2_0 : STIX_2_1;
    if (*out == STIX_2_0 || slice_equal(text, SLICE("2.1")))
        return ERR_OK;
    return err_set(err, ERR_SYNTAX, "stix_version must be \"2.0\" or \"2.1\"");
}

/* What one line asks for. */
struct request {
    struct slice pattern;
    enum stix_version version;
    const struct stix_value *observed_data; /* NULL: none */
    struct arena arena;
};

static int request_read(struct request *r, const struct pattern_settings *settings,
                        struct slice line, struct err *err)
{
    const struct stix_value *object;
    struct slice version = slice_from(settings->version ? settings->version : "2.1");
    r->pattern = slice_trim(line);
    bool plain = settings->check && !slice_starts(r->pattern, SLICE("{"));
    if (!plain) {
        int code = stix_object_parse(&object, line, &r->arena, err);
        if (code)
            return code;
        const struct stix_value *pattern = stix_object_member(object, SLICE("pattern"));
        if (!pattern || pattern->kind != STIX_STRING)
            return err_set(err, ERR_SYNTAX,
                           "a line must be an object with the text \"pattern\": {\"pattern\": "
                           "\"[...]\", \"observed_data\": [...]}");
        r->pattern = pattern->as.text;
        r->observed_data = stix_object_member(object, SLICE("observed_data"));
        if (stix_object_member(object, SLICE("stix_version")))
            version = stix_object_text(object, SLICE("stix_version"));
    }
    return version_parse(version, &r->version, err);
}

static int request_match(const struct request *r, bool *match, struct err *err)
{
    struct stix_pattern *pattern;
    struct stix_observations *observations;
    if (!r->observed_data)
        return err_set(err, ERR_SYNTAX, "the line has no \"observed_data\"");
    int code = stix_pattern_open(&pattern, r->pattern, r->version, err);
    if (code)
        return code;
    code = stix_observations_from(&observations, r->observed_data, err);
    if (code == ERR_OK)
        code = stix_pattern_match(pattern, observations, match, err);
    stix_observations_close(&observations);
    stix_pattern_close(&pattern);
    return code;
}

static int request_check(const struct request *r, struct err *err)
{
    struct stix_pattern *pattern;
    int code = stix_pattern_open(&pattern, r->pattern, r->version, err);
    if (code == ERR_OK)
        code = stix_pattern_strict(pattern, err);
    stix_pattern_close(&pattern);
    return code;
}

static void answer_write(struct pattern_run *run, int code, bool match, const struct err *err)
{
    struct json_writer w = {.out = &run->out};
    json_open_object(&w);
    if (run->settings->check) {
        json_key(&w, "line");
        json_u64(&w, run->lines);
        json_key(&w, "valid");
        json_bool(&w, code == ERR_OK);
    } else if (code == ERR_OK) {
        json_key(&w, "match");
        json_bool(&w, match);
    }
    if (code) {
        json_key(&w, "error");
        json_string(&w, slice_from(err->text));
    }
    json_close_object(&w);
    buf_char(&run->out, '\n');
}

static void line_take(struct pattern_run *run)
{
    struct err err = {0};
    struct request request = {0};
    struct slice line = buf_as_slice(&run->line);
    bool match = false;
    run->lines++;
    if (!run->too_long && slice_trim(line).len == 0 && run->settings->check)
        return;
    int code = ERR_OK;
    if (run->too_long)
        code =
            err_set(&err, ERR_LIMIT, "the line is longer than %d bytes: divide it", LINE_BYTES_MAX);
    if (code == ERR_OK)
        code = request_read(&request, run->settings, line, &err);
    if (code == ERR_OK)
        code = run->settings->check ? request_check(&request, &err)
                                    : request_match(&request, &match, &err);
    answer_write(run, code, match, &err);
    run->patterns++;
    run->wrong += code != ERR_OK;
    arena_free(&request.arena);
    if (run->out.len >= WRITE_BYTES)
        run->code = cli_write(&run->out, &run->closed);
}

static void bytes_take(struct pattern_run *run, struct slice bytes)
{
    while (bytes.len > 0 && run->code == CLI_OK && !run->closed) {
        size_t newline = slice_find_char(bytes, '\n');
        struct slice part = slice_part(bytes, 0, newline);
        if (part.len > LINE_BYTES_MAX - run->line.len)
            run->too_long = true;
        if (!run->too_long)
            buf_slice(&run->line, part);
        if (newline == SLICE_NONE)
            return;
        line_take(run);
        buf_clear(&run->line);
        run->too_long = false;
        bytes = slice_part(bytes, newline + 1, bytes.len);
    }
}

static int lines_read(struct pattern_run *run, int fd, const char *name)
{
    char bytes[READ_BYTES];
    ssize_t got = 0;
    while (run->code == CLI_OK && !run->closed) {
        got = read(fd, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        bytes_take(run, slice_make(bytes, (size_t)got));
    }
    if (got < 0) {
        struct err err;
        (void)err_set_errno(&err, errno, "%s cannot be read", name);
        return cli_fail(CLI_FAILURE, &err);
    }
    if (run->code == CLI_OK && !run->closed && (run->line.len > 0 || run->too_long))
        line_take(run);
    if (run->code == CLI_OK && !run->closed)
        run->code = cli_write(&run->out, &run->closed);
    return run->code;
}

static int file_read(struct pattern_run *run, const char *path)
{
    if (strcmp(path, "-") == 0)
        return lines_read(run, STDIN_FILENO, "the standard input");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        struct err err;
        (void)err_set_errno(&err, errno, "%s cannot be opened", path);
        return cli_fail(CLI_FAILURE, &err);
    }
    int code = lines_read(run, fd, path);
    (void)close(fd);
    return code;
}

static void summary_write(const struct pattern_run *run)
{
    bool vi = cli_vietnamese(&run->settings->common);
    (void)fprintf(stderr, vi ? "%llu mẫu, %llu không hợp lệ\n" : "%llu patterns, %llu not valid\n",
                  (unsigned long long)run->patterns, (unsigned long long)run->wrong);
}

int cli_intel_pattern(int argc, char **argv)
{
    struct pattern_settings settings = {0};
    struct option_list operands = {0};
    struct pattern_run run = {.settings = &settings};
    int code = cli_parse(pattern_options, sizeof pattern_options / sizeof pattern_options[0], argc,
                         argv, &settings, &settings.common, &operands,
                         "canh intel pattern [OPTIONS] [FILE | -]\n");
    if (code < 0 && operands.count > 1) {
        struct err err;
        (void)err_set(&err, ERR_USAGE, "intel pattern takes one FILE, or - for the standard input");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0) {
        code = file_read(&run, operands.count > 0 ? operands.items[0] : "-");
        if (settings.check && !settings.common.quiet && code == CLI_OK)
            summary_write(&run);
        if (code == CLI_OK && settings.check && run.wrong > 0)
            code = CLI_PROBLEMS;
    }
    buf_free(&run.line);
    buf_free(&run.out);
    option_list_free(&operands);
    return code;
}
