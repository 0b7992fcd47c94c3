/* canh search: events of the store that a query asks for. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "program/cli_node.h"
#include "program/cli_query.h"
#include "program/interrupt.h"
#include "program/search_run.h"

enum { TERMINAL_LIMIT = 100 };

struct search_settings {
    struct cli_common common;
    struct data_settings data;
    struct server_settings server;
    struct query_settings query;
    uint64_t limit, cpu_seconds;
    bool oldest;
};

#define AT(member) offsetof(struct search_settings, member)
static const struct option search_options[] = {
    DATA_OPTIONS(search_settings, data),
    SERVER_OPTIONS(search_settings, server),
    CLI_QUERY_OPTIONS(search_settings, query),
    {"limit", 'n', OPTION_NUMBER, AT(limit), "N", 1, UINT64_MAX,
     "stop after N rows (default: 100 whole events on a terminal, else all)",
     "dừng sau N dòng (mặc định: 100 sự kiện trên thiết bị đầu cuối, nếu không thì tất cả)"},
    {"oldest", 0, OPTION_FLAG, AT(oldest), NULL, 0, 0, "oldest first instead of newest",
     "cũ nhất trước thay vì mới nhất"},
    {"cpu", 0, OPTION_NUMBER, AT(cpu_seconds), "SECONDS", 1, 1000000,
     "processor time after which the search ends with what it has",
     "thời gian xử lý tối đa; hết thì dừng với kết quả đã có"},
    CLI_OPTIONS(search_settings, common, "auto|table|ndjson|csv"),
};

static void said(const struct search_settings *settings, const struct search_run_options *run,
                 const struct search_run_result *r)
{
    bool vi = cli_vietnamese(&settings->common);
    bool terminal = isatty(STDERR_FILENO);
    if (r->progress.damaged_rows)
        (void)fprintf(stderr,
                      vi ? "canh: %llu sự kiện bị hỏng, không đọc được; `canh verify` cho biết ở "
                           "đâu\n"
                         : "canh: %llu events are damaged and could not be read; `canh verify` "
                           "says where\n",
                      (unsigned long long)r->progress.damaged_rows);
    if (settings->common.quiet)
        return;
    if (r->skipped_values)
        (void)fprintf(stderr,
                      vi ? "canh: bỏ qua %llu giá trị không phải là số\n"
                         : "canh: %llu values that are no numbers were passed over\n",
                      (unsigned long long)r->skipped_values);
    if (r->capped)
        (void)fputs(vi ? "canh: các ô có dấu ~ là ước lượng (đã chạm giới hạn, docs/query.md)\n"
                       : "canh: cells marked ~ are estimates: a limit was reached "
                         "(docs/query.md)\n",
                    stderr);
    if (r->limited && !settings->limit)
        (void)fprintf(stderr,
                      vi ? "canh: chỉ hiện %llu dòng đầu; --limit N để xem thêm\n"
                         : "canh: these are the first %llu; --limit N shows more\n",
                      (unsigned long long)run->limit);
    else if (terminal && r->rows == 0 && !r->stopped)
        (void)fputs(vi ? "canh: không có sự kiện nào khớp\n" : "canh: no event matches\n", stderr);
}

/* What was found stands; the rest was not looked at. */
static int said_stopped(const struct search_settings *settings, const struct search_run_result *r,
                        const struct err *err)
{
    bool vi = cli_vietnamese(&settings->common);
    char text[CLOCK_TEXT_BYTES] = "";
    if (r->progress.complete_ns != CLOCK_NONE && r->progress.hits)
        text[clock_text(text, r->progress.complete_ns)] = 0;
    (void)fprintf(stderr, "canh: %s\n",
                  vi && err->code == ERR_CANCELED ? "đã dừng tìm kiếm" : err->text);
    if (text[0])
        (void)fprintf(stderr,
                      vi ? "canh: kết quả chưa đầy đủ: đã xét xong %s %s\n"
                         : "canh: the result is not complete: it has what is %s %s\n",
                      settings->oldest ? (vi ? "từ cũ nhất đến" : "older than")
                                       : (vi ? "từ mới nhất lùi đến" : "newer than"),
                      text);
    else
        (void)fputs(vi ? "canh: kết quả chưa đầy đủ\n" : "canh: the result is not complete\n",
                    stderr);
    return CLI_FAILURE;
}

static int search_with(const struct search_settings *settings, struct data *data,
                       const struct option_list *words, struct err *err)
{
    struct query_run run = {0};
    struct search_run_result result = {.progress.complete_ns = CLOCK_NONE};
    struct output_options output = {.vietnamese = cli_vietnamese(&settings->common),
                                    .now_ns = clock_now_ns(),
                                    .epoch = store_epoch(data->store)};
    int rc = output_options_set(&output, settings->common.output, STDOUT_FILENO, err);
    if (rc == ERR_OK)
        rc = cli_query_open(&run, data, &settings->query, words, err);
    if (rc) {
        int code = cli_query_fail(&run, err);
        query_run_close(&run);
        return code;
    }
    output.zone = run.zone;
    run.search.order = settings->oldest ? STORE_OLDEST : STORE_NEWEST;
    run.search.cpu_ns = settings->cpu_seconds * 1000000000u;
    run.search.canceled = interrupt_flag();
    run.search.matched = output.kind == OUTPUT_TABLE && query_run_gives_events(&run);
    struct search_run_options options = {.store = data->store,
                                         .run = &run,
                                         .output = &output,
                                         .limit = settings->limit,
                                         .progress =
                                             !settings->common.quiet && isatty(STDERR_FILENO)};
    if (!options.limit && isatty(STDOUT_FILENO) && query_run_gives_events(&run))
        options.limit = TERMINAL_LIMIT;
    rc = search_run(&options, &result, err);
    int code = rc ? CLI_FAILURE : CLI_OK;
    if (rc && rc != ERR_IO)
        code = cli_fail(CLI_FAILURE, err);
    if (rc == ERR_OK && !result.closed) {
        said(settings, &options, &result);
        if (result.stopped)
            code = said_stopped(settings, &result, err);
        else if (result.progress.damaged_rows)
            code = CLI_FAILURE;
    }
    query_run_close(&run);
    return code;
}

int search_command(int argc, char **argv, const struct data *given)
{
    static const char usage[] = "canh search --data DIR [--from T] [--to T] [options] QUERY\n"
                                "canh search --data DIR [options] RULE.yml... [QUERY]\n";
    struct search_settings settings = {0};
    struct option_list words = {0};
    struct data data = {0};
    struct err err = {0};
    int code = cli_parse(search_options, sizeof search_options / sizeof search_options[0], argc,
                         argv, &settings, &settings.common, &words, usage);
    if (code < 0 && settings.server.server && !given)
        code = cli_node_ask("search", argc, argv, &settings.server, &settings.common);
    if (code < 0 && words.count == 0) {
        (void)err_set(&err, ERR_USAGE,
                      "name what to search for, as in `canh search 'CommandLine|contains:whoami "
                      "_time:24h'`; * is every event");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && cli_query_data(&data, &settings.data, given, &err) != ERR_OK)
        code = cli_fail(CLI_FAILURE, &err);
    if (code < 0)
        code = search_with(&settings, &data, &words, &err);
    data_close(&data);
    option_list_free(&settings.query.span.partitions);
    option_list_free(&words);
    return code;
}

int cli_search(int argc, char **argv)
{
    interrupt_watch();
    return search_command(argc, argv, NULL);
}
