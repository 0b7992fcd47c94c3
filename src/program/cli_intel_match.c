/* canh intel match: values in, the indicators that they hit out. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/cell.h"
#include "program/cli_intel.h"
#include "watch/indicators_load.h"

enum { WRITE_BYTES = 64 << 10, READ_BYTES = 64 << 10, LINE_BYTES_MAX = 1 << 20 };

struct match_settings {
    struct cli_common common;
    const char *data;
    struct option_list indicators;
};

#define AT(member) offsetof(struct match_settings, member)
static const struct option match_options[] = {
    {"data", 0, OPTION_TEXT, AT(data), "DIR", 0, 0,
     "data folder with imported indicators (default /var/lib/canh)",
     "thư mục dữ liệu đã nạp dấu hiệu (mặc định /var/lib/canh)"},
    {"indicators", 0, OPTION_LIST, AT(indicators), "FILE", 0, 0,
     "indicators of this feed or table instead (may be given again)",
     "dùng dấu hiệu của tệp này thay cho dữ liệu đã nạp (dùng được nhiều lần)"},
    CLI_OPTIONS(match_settings, common, "auto|table|ndjson|csv"),
};

struct matching {
    const struct match_settings *settings;
    const struct indicator_table *table;
    struct output_options form;
    int64_t now_ns;
    struct slice value; /* as given */
    struct arena arena;
    struct buf out;
    struct map seen; /* numbers of indicators that this value has hit */
    bool closed;
    int code;
};

static void hit(void *context, uint64_t number, const struct sight *sight)
{
    struct matching *m = context;
    struct indicator i;
    bool made;
    struct slice key = arena_copy(&m->arena, slice_make((const char *)&number, sizeof number));
    (void)sight;
    (void)map_put(&m->seen, key, 1, &made);
    if (!made)
        return;
    indicator_table_get(m->table, number, &i);
    cli_intel_row(&m->form, &m->value, &i, &m->out);
}

static void look(void *context, const struct sight *sight)
{
    struct matching *m = context;
    (void)indicator_table_match(m->table, sight, m->now_ns, hit, m);
    if (!m->settings->common.verbose)
        return;
    struct slice list = indicator_table_exception(m->table, sight);
    if (!list.len)
        return;
    struct buf line = {0};
    (void)cell_terminal(sight->text, 0, &line);
    buf_string(&line, cli_vietnamese(&m->settings->common) ? " có trong danh sách lành "
                                                           : " is on the warning list ");
    (void)cell_terminal(list, 0, &line);
    (void)fprintf(stderr, "canh: %s\n", buf_text(&line));
    buf_free(&line);
}

/* A value as people write it, defanged, too; or any text with values in it. */
static void match_value(struct matching *m, struct slice text)
{
    struct indicator i;
    m->value = slice_trim(text);
    if (!m->value.len)
        return;
    arena_reset(&m->arena);
    map_free(&m->seen);
    bool plain = m->value.len <= INDICATOR_VALUE_BYTES_MAX &&
                 indicator_parse(&i, m->value, INDICATOR_TYPES, &m->arena, NULL) == ERR_OK &&
                 i.type != INDICATOR_FILE_NAME;
    sight_scan(m->value, look, m);
    if (plain)
        sight_scan(i.value, look, m);
    if (m->out.len > WRITE_BYTES)
        m->code = cli_write(&m->out, &m->closed);
}

static bool goes_on(const struct matching *m)
{
    return m->code == CLI_OK && !m->closed;
}

static void match_lines(struct matching *m)
{
    struct buf text = {0};
    struct err err;
    for (ssize_t got = 1; got > 0 && goes_on(m);) {
        buf_reserve(&text, READ_BYTES);
        got = read(STDIN_FILENO, text.data + text.len, READ_BYTES);
        if (got < 0) {
            (void)err_set(&err, ERR_IO, "the standard input cannot be read");
            m->code = cli_fail(CLI_FAILURE, &err);
            break;
        }
        text.len += (size_t)got;
        struct slice rest = buf_as_slice(&text);
        while (goes_on(m) && slice_find_char(rest, '\n') != SLICE_NONE)
            match_value(m, slice_cut(&rest, '\n'));
        if (got == 0 || rest.len > LINE_BYTES_MAX) {
            match_value(m, rest);
            rest.len = 0;
        }
        if (rest.len)
            memmove(text.data, rest.data, rest.len);
        text.len = rest.len;
        if (text.len == 0 && m->out.len && goes_on(m)) /* somebody may be typing */
            m->code = cli_write(&m->out, &m->closed);
    }
    buf_free(&text);
}

static int match_all(const struct match_settings *settings, const struct indicator_table *table,
                     const struct option_list *values)
{
    struct matching m = {.settings = settings, .table = table, .now_ns = clock_now_ns()};
    m.form.vietnamese = cli_vietnamese(&settings->common);
    check(output_options_set(&m.form, settings->common.output, STDOUT_FILENO, NULL) == ERR_OK);
    cli_intel_head(&m.form, true, &m.out);
    for (size_t i = 0; i < values->count && goes_on(&m); i++) {
        if (strcmp(values->items[i], "-") == 0)
            match_lines(&m);
        else
            match_value(&m, slice_from(values->items[i]));
    }
    if (goes_on(&m))
        m.code = cli_write(&m.out, &m.closed);
    map_free(&m.seen);
    arena_free(&m.arena);
    buf_free(&m.out);
    return m.code;
}

static int match_with(const struct match_settings *settings, const struct option_list *values)
{
    struct indicators_load load = {0};
    struct intel_store_table stored = {.map.bytes = SLICE("")};
    struct cli_intel_problems problems = {.common = &settings->common};
    struct err err;
    int rc;
    if (settings->indicators.count) {
        rc = indicators_load_paths(&load, &settings->indicators, clock_now_ns(), cli_intel_problem,
                                   &problems, &err);
        cli_intel_problems_end(&problems);
    } else {
        rc = intel_store_open_table(&stored, settings->data, INTEL_STORE_INDICATORS, &err);
        if (rc == ERR_OK && !stored.table)
            rc = err_set(&err, ERR_NOT_FOUND,
                         "%s has no indicators: canh intel import reads feeds into it",
                         settings->data);
    }
    int code = rc == ERR_OK ? match_all(settings, load.table ? load.table : stored.table, values)
                            : cli_fail(CLI_FAILURE, &err);
    if (code == CLI_OK && load.unreadable)
        code = CLI_FAILURE;
    indicators_load_free(&load);
    intel_store_close_table(&stored);
    return code;
}

int cli_intel_match(int argc, char **argv)
{
    static const char usage[] =
        "canh intel match [--data DIR | --indicators FILE...] VALUE... | -\n";
    struct match_settings settings = {.data = INTEL_STORE_DATA};
    struct option_list values = {0};
    struct err err;
    (void)signal(SIGPIPE, SIG_IGN);
    int code = cli_parse(match_options, sizeof match_options / sizeof match_options[0], argc, argv,
                         &settings, &settings.common, &values, usage);
    if (code < 0 && values.count == 0) {
        (void)err_set(&err, ERR_USAGE,
                      "intel match: name the values to look up, or `-` for one a line on the "
                      "standard input");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = match_with(&settings, &values);
    option_list_free(&settings.indicators);
    option_list_free(&values);
    return code;
}
