/* canh tail: the newest events, and new ones as they come. */
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/cli_query.h"
#include "program/interrupt.h"
#include "program/row_text.h"

enum { TAIL_ROWS = 10, TAIL_ROWS_MAX = 10000, POLL_MS = 500 };

struct tail_settings {
    struct cli_common common;
    struct data_settings data;
    struct query_settings query;
    uint64_t lines;
    bool follow;
};

#define AT(member) offsetof(struct tail_settings, member)
static const struct option tail_options[] = {
    DATA_OPTIONS(tail_settings, data),
    {"lines", 'n', OPTION_NUMBER, AT(lines), "N", 1, TAIL_ROWS_MAX,
     "how many of the newest events to begin with (default 10)",
     "số sự kiện mới nhất hiện lúc đầu (mặc định 10)"},
    {"follow", 'f', OPTION_FLAG, AT(follow), NULL, 0, 0,
     "go on with new events as they are stored, until Ctrl-C",
     "tiếp tục hiện sự kiện mới khi được lưu, đến khi nhấn Ctrl-C"},
    CLI_QUERY_OPTIONS(tail_settings, query),
    CLI_OPTIONS(tail_settings, common, "auto|table|ndjson|csv"),
};

struct tail {
    const struct tail_settings *settings;
    struct store *store;
    struct query_run run;
    struct output_options output;
    struct row_text *text;
    struct buf out;
    uint64_t after; /* sequence: rows up to it are shown, or were there before */
    bool closed;
};

/* The newest rows, of which the newest one is written last. */
static int newest_show(struct tail *t, struct err *err)
{
    uint64_t wanted = t->settings->lines ? t->settings->lines : TAIL_ROWS;
    struct store_search search = t->run.search;
    struct store_cursor *cursor = NULL;
    struct store_item item;
    size_t *starts = mem_zeroed(wanted + 1, sizeof(*starts));
    struct buf rows = {0};
    uint64_t count = 0;
    search.order = STORE_NEWEST;
    int rc = store_search(t->store, &search, &cursor, err);
    while (rc == ERR_OK && count < wanted && (rc = store_next(cursor, &item, err)) == ERR_OK) {
        if (item.kind != STORE_ROW || item.row->sequence > t->after)
            continue;
        starts[count++] = rows.len;
        row_text_item(t->text, &item, &rows);
        starts[count] = rows.len;
    }
    if (cursor)
        store_cursor_close(&cursor);
    for (uint64_t i = count; i-- > 0;)
        buf_append(&t->out, rows.data + starts[i], starts[i + 1] - starts[i]);
    buf_free(&rows);
    mem_free(starts);
    return rc == ERR_END ? ERR_OK : rc;
}

static int new_show(struct tail *t, struct err *err)
{
    struct store_search search = t->run.search;
    struct store_cursor *cursor = NULL;
    struct store_item item;
    search.order = STORE_SEQUENCE;
    search.after_sequence = t->after;
    int rc = store_search(t->store, &search, &cursor, err);
    while (rc == ERR_OK && !t->closed && (rc = store_next(cursor, &item, err)) == ERR_OK) {
        if (item.kind != STORE_ROW)
            continue;
        t->after = item.row->sequence;
        row_text_item(t->text, &item, &t->out);
        if (t->out.len >= 65536 && cli_write(&t->out, &t->closed) != CLI_OK)
            rc = ERR_IO;
    }
    if (cursor)
        store_cursor_close(&cursor);
    return rc == ERR_END ? ERR_OK : rc;
}

/* Waits; false when nobody reads any more. */
static bool wait_more(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = 0};
    int ready = poll(&out, 1, POLL_MS);
    return ready <= 0 || !(out.revents & (POLLERR | POLLHUP | POLLNVAL));
}

static int next_sequence(struct store *store, uint64_t *out, struct err *err)
{
    struct store_stats stats;
    int rc = store_stat(store, &stats, err);
    *out = rc == ERR_OK ? stats.next_sequence : 1;
    return rc;
}

static int tail_show(struct tail *t, struct err *err)
{
    uint64_t next;
    int rc = next_sequence(t->store, &next, err);
    t->after = next - 1;
    if (rc == ERR_OK)
        rc = newest_show(t, err);
    if (rc)
        return rc;
    if (cli_write(&t->out, &t->closed) != CLI_OK)
        return ERR_IO;
    while (t->settings->follow && !t->closed && !interrupt_came() && wait_more()) {
        uint64_t before = next;
        rc = next_sequence(t->store, &next, err);
        if (rc == ERR_OK && next == before)
            continue;
        if (rc == ERR_OK)
            rc = new_show(t, err);
        if (t->after < next - 1)
            t->after = next - 1;
        if (rc)
            return rc;
        if (t->out.len && cli_write(&t->out, &t->closed) != CLI_OK)
            return ERR_IO;
    }
    return ERR_OK;
}

static int pipes_check(const struct query *query, struct err *err)
{
    for (uint32_t i = 0; i < query->pipe_count; i++)
        if (query->pipes[i].kind != QUERY_FIELDS || query->pipes[i].table_output)
            return err_set(err, ERR_USAGE,
                           "tail shows whole events: of pipes it takes only `fields -name`; `canh "
                           "search` has the others");
    return ERR_OK;
}

static int tail_with(struct tail *t, const struct data *data, const struct option_list *words,
                     struct err *err)
{
    const struct cli_common *common = &t->settings->common;
    t->output = (struct output_options){.vietnamese = cli_vietnamese(common),
                                        .now_ns = clock_now_ns(),
                                        .epoch = store_epoch(data->store)};
    int rc = output_options_set(&t->output, common->output, STDOUT_FILENO, err);
    if (rc == ERR_OK)
        rc = cli_query_open(&t->run, data, &t->settings->query, words, err);
    if (rc == ERR_OK)
        rc = pipes_check(t->run.query, err);
    if (rc)
        return cli_query_fail(&t->run, err);
    if (t->run.query->nothing)
        return CLI_OK;
    t->output.zone = t->run.zone;
    t->run.search.matched = t->output.kind == OUTPUT_TABLE;
    struct row_text_options text = {.output = &t->output,
                                    .mappings = t->run.mappings,
                                    .set = t->run.set,
                                    .hidden = &t->run.query->hidden};
    t->text = row_text_open(&text);
    row_text_heading(t->text, &t->out);
    rc = tail_show(t, err);
    if (rc && rc != ERR_IO)
        return cli_fail(CLI_FAILURE, err);
    return rc ? CLI_FAILURE : CLI_OK;
}

int cli_tail(int argc, char **argv)
{
    struct tail_settings settings = {0};
    struct option_list words = {0};
    struct data data = {0};
    struct err err = {0};
    interrupt_watch();
    int code = cli_parse(tail_options, sizeof tail_options / sizeof tail_options[0], argc, argv,
                         &settings, &settings.common, &words,
                         "canh tail --data DIR [-n N] [--follow] [options] [QUERY]\n");
    if (code < 0 && data_open(&data, &settings.data, false, &err) != ERR_OK)
        code = cli_fail(CLI_FAILURE, &err);
    if (code < 0) {
        struct tail t = {.settings = &settings, .store = data.store};
        code = tail_with(&t, &data, &words, &err);
        row_text_close(&t.text);
        query_run_close(&t.run);
        buf_free(&t.out);
    }
    data_close(&data);
    option_list_free(&settings.query.span.partitions);
    option_list_free(&words);
    return code;
}
