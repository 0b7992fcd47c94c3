/* canh hunt: what is stored through rules and indicators, findings out as detect writes them. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/cli_node.h"
#include "program/cli_query.h"
#include "program/figure.h"
#include "program/hunt_run.h"
#include "program/interrupt.h"
#include "program/node_rules.h"
#include "program/sought.h"

enum { HUNT_PARTITIONS_MAX = 64 };
#define HUNT_MEMORY_MIN ((uint64_t)1 << 20)
#define HUNT_MEMORY_MAX ((uint64_t)1 << 40)
#define PROGRESS_NS     (100 * 1000000ull)

struct hunt_settings {
    struct cli_common common;
    struct data_settings data;
    struct server_settings server;
    struct sought_settings sought;
    struct span_settings span;
    const char *hunting;
    uint64_t memory_bytes;
    bool stats;
};

#define AT(member) offsetof(struct hunt_settings, member)
static const struct option hunt_options[] = {
    DATA_OPTIONS(hunt_settings, data),
    SERVER_OPTIONS(hunt_settings, server),
    SOUGHT_OPTIONS(hunt_settings, sought),
    {"hunting", 0, OPTION_CHOICE, AT(hunting), "with|without|only", 0, 0,
     "of the node's rules those written for hunting, too (default), not, or they alone",
     "với bộ quy tắc của nút: kèm (mặc định), bỏ, hoặc chỉ dùng các quy tắc viết để rà soát"},
    CLI_QUERY_SPAN_OPTIONS(hunt_settings, span),
    DETECTOR_MAPPINGS_OPTION(hunt_settings, sought.detector),
    {"timezone", 0, OPTION_TEXT, AT(sought.detector.timezone), "ZONE", 0, 0,
     "zone of --from, --to and of times shown (default: store.timezone)",
     "múi giờ của --from, --to và giờ hiển thị (mặc định: store.timezone)"},
    DETECTOR_PLACEHOLDERS_OPTION(hunt_settings, sought.detector),
    DETECTOR_ROUTING_OPTION(hunt_settings, sought.detector),
    {"jit", 0, OPTION_CHOICE, AT(sought.detector.jit), "on|off", 0, 0,
     "regular expressions as machine code (default on)",
     "biên dịch biểu thức chính quy thành mã máy (mặc định on)"},
    {"memory", 0, OPTION_NUMBER, AT(memory_bytes), "BYTES", HUNT_MEMORY_MIN, HUNT_MEMORY_MAX,
     "memory that reading may take (default: store.query_memory)",
     "bộ nhớ tối đa khi đọc (mặc định: store.query_memory)"},
    SOUGHT_FAIL_LEVEL_OPTION(hunt_settings, sought),
    {"stats", 0, OPTION_FLAG, AT(stats), NULL, 0, 0,
     "one JSON object of figures on stderr at the end", "in số liệu (JSON) ra stderr khi xong"},
    CLI_OPTIONS(hunt_settings, common, "auto|table|ndjson|csv|html"),
};

struct hunting { /* all that one hunt holds */
    const struct hunt_settings *settings;
    const struct data *given;
    struct data data;
    struct node_rules node; /* where no rules are named */
    struct sought sought;
    struct slice partitions[HUNT_PARTITIONS_MAX];
    struct store_search span; /* its times */
    struct hunt_run_result result;
    uint64_t told_ns;
    bool vietnamese, told;
};

static int span_read(struct hunting *h, struct err *err)
{
    const struct span_settings *s = &h->settings->span;
    int rc = query_run_span(s->from, s->to, h->sought.detector.zone, clock_now_ns(), &h->span, err);
    if (rc == ERR_OK && s->partitions.count > HUNT_PARTITIONS_MAX)
        rc = err_set(err, ERR_USAGE, "--partition can be given %d times at most",
                     HUNT_PARTITIONS_MAX);
    if (rc == ERR_OK)
        rc = cli_query_check_partitions(&s->partitions, err);
    for (size_t i = 0; i < s->partitions.count && rc == ERR_OK; i++)
        h->partitions[i] = slice_from(s->partitions.items[i]);
    return rc;
}

/* The node's rules, and the indicators that it imported, but with those written for hunting alone.
 */
static int node_open(struct hunting *h, struct err *err)
{
    const struct hunt_settings *s = h->settings;
    struct sought_settings sought = s->sought;
    char table[DISK_PATH_BYTES_MAX];
    const char *tables[] = {table};
    int rc = node_rules_open(&h->node, &h->data, s->hunting, err);
    if (rc)
        return rc;
    (void)snprintf(table, sizeof table, "%s/intel/indicators.table", h->data.path);
    if (h->node.hunting != HUNTING_ONLY && h->data.config->rules.indicators &&
        access(table, R_OK) == 0)
        sought.indicators = (struct option_list){.items = tables, .count = 1};
    sought.detector.node = &h->node;
    return sought_open(&h->sought, &sought, h->data.config->store.timezone.data, &s->common, err);
}

static int hunting_open(struct hunting *h, struct err *err)
{
    const struct hunt_settings *s = h->settings;
    int rc = cli_query_data(&h->data, &s->data, h->given, err);
    if (rc == ERR_OK && sought_any(&s->sought))
        rc = sought_open(&h->sought, &s->sought, h->data.config->store.timezone.data, &s->common,
                         err);
    else if (rc == ERR_OK)
        rc = node_open(h, err);
    return rc ? rc : span_read(h, err);
}

static void hunting_close(struct hunting *h)
{
    sought_close(&h->sought);
    node_rules_close(&h->node);
    data_close(&h->data);
}

/* One line that is written over: by rows and progress items alike, a few times a second. */
static void progress_show(void *context, const struct store_progress *p)
{
    struct hunting *h = context;
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns - h->told_ns < PROGRESS_NS)
        return;
    h->told_ns = now_ns;
    h->told = true;
    (void)fprintf(stderr,
                  h->vietnamese
                      ? "\r\033[K%.1f / %.1f MB, xét %llu, bỏ qua %llu sự kiện, %llu trúng"
                      : "\r\033[K%.1f of %.1f MB, %llu events judged, %llu pruned, %llu hits",
                  (double)p->bytes_done / 1e6, (double)p->bytes_total / 1e6,
                  (unsigned long long)p->rows_judged, (unsigned long long)p->rows_pruned,
                  (unsigned long long)p->hits);
}

static void stats_show(const struct hunting *h)
{
    const struct hunt_run_result *r = &h->result;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    struct ruleset_counts counts;
    ruleset_count(h->sought.detector.set, &counts);
    const struct figure figures[] = {
        {"findings", r->findings},
        {"hits", r->progress.hits},
        {"rows_judged", r->progress.rows_judged},
        {"rows_pruned", r->progress.rows_pruned},
        {"rows_damaged", r->progress.damaged_rows},
        {"segments", r->progress.segments},
        {"segments_pruned", r->progress.segments_pruned},
        {"bytes", r->progress.bytes_done},
        {"rules", counts.rules},
        {"rules_refused", h->sought.detector.load.refused_count},
        {"indicators", h->sought.indicators.counts.indicators},
        {"mappings", mapping_set_count(h->sought.detector.mappings)},
        {"correlation_inputs", r->correlations.inputs},
        {"correlation_late", r->correlations.late},
        {"correlation_evicted", r->correlations.evicted_entries},
        {"peak_rss_bytes", figure_peak_rss_bytes()},
    };
    json_open_object(&w);
    figure_write_all(&w, figures, sizeof figures / sizeof figures[0]);
    char fingerprint[24];
    (void)snprintf(fingerprint, sizeof fingerprint, "%016llx",
                   (unsigned long long)mapping_set_fingerprint(h->sought.detector.mappings));
    json_key(&w, "mapping_set");
    json_string(&w, slice_from(fingerprint));
    figure_write_seconds(&w, "load_seconds", h->sought.detector.load_ns);
    figure_write_seconds(&w, "run_seconds", r->run_ns);
    figure_write_seconds(&w, "cpu_seconds", clock_cpu_ns());
    json_close_object(&w);
    figure_show(&w);
}

static void shortfall_show(const struct hunting *h)
{
    const struct hunt_run_result *r = &h->result;
    if (r->progress.damaged_rows)
        (void)fprintf(stderr,
                      h->vietnamese
                          ? "canh: %llu sự kiện bị hỏng, không xét được; chạy `canh verify`\n"
                          : "canh: %llu stored events are damaged and were not judged; run `canh "
                            "verify`\n",
                      (unsigned long long)r->progress.damaged_rows);
    if (r->correlations.evicted_entries)
        (void)fprintf(stderr,
                      h->vietnamese
                          ? "canh: chạm giới hạn tương quan, mất %llu mục; thu hẹp --from và --to\n"
                          : "canh: a limit of correlation was reached and %llu entries were lost; "
                            "narrow --from and --to\n",
                      (unsigned long long)r->correlations.evicted_entries);
}

static int hunt_output(struct hunting *h, struct err *err)
{
    const struct hunt_settings *s = h->settings;
    const struct config_store *config = &h->data.config->store;
    struct output_options shown = {.vietnamese = h->vietnamese,
                                   .zone = h->sought.detector.zone,
                                   .now_ns = clock_now_ns(),
                                   .epoch = store_epoch(h->data.store)};
    int rc = output_options_set(&shown, s->common.output, STDOUT_FILENO, err);
    if (rc)
        return rc;
    struct hunt_run_options run = {
        .store = h->data.store,
        .detector = &h->sought.detector,
        .rules = &h->sought.rules,
        .indicators = h->sought.indicators.table,
        .output = output_open(&shown, &h->sought.rules.all),
        .out_fd = STDOUT_FILENO,
        .from_ns = h->span.from_ns,
        .until_ns = h->span.until_ns,
        .received_from_ns = CLOCK_NONE,
        .received_until_ns = CLOCK_NONE,
        .partitions = h->partitions,
        .partition_count = (uint32_t)s->span.partitions.count,
        .units = h->data.units,
        .unit_count = h->data.unit_count,
        .scoped = h->data.scoped,
        .memory_bytes = s->memory_bytes ? s->memory_bytes : config->query_memory_bytes,
        .fail_level = finding_level_of(s->sought.fail_level),
        .canceled = interrupt_flag(),
        .progress = isatty(STDERR_FILENO) && !s->common.quiet ? progress_show : NULL,
        .context = h};
    rc = hunt_run(&run, &h->result, err);
    output_close(&run.output);
    if (h->told)
        (void)fputs("\r\033[K", stderr);
    shortfall_show(h);
    return rc;
}

static int hunt_exit(const struct hunting *h)
{
    if (h->result.progress.damaged_rows || h->sought.detector.load.unreadable_count ||
        h->sought.indicators.unreadable)
        return CLI_FAILURE;
    return h->result.failed_level ? CLI_PROBLEMS : CLI_OK;
}

static int hunt_with(const struct hunt_settings *settings, const struct data *given)
{
    struct hunting h = {
        .settings = settings, .given = given, .vietnamese = cli_vietnamese(&settings->common)};
    struct err err;
    int rc = hunting_open(&h, &err);
    if (rc == ERR_OK) {
        rc = hunt_output(&h, &err);
        if (settings->stats)
            stats_show(&h);
    }
    int code =
        rc == ERR_OK ? hunt_exit(&h) : cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err);
    hunting_close(&h);
    return code;
}

int hunt_command(int argc, char **argv, const struct data *given)
{
    static const char usage[] =
        "canh hunt --data DIR [--hunting with|without|only] [--from TIME] [--to TIME]\n"
        "canh hunt --data DIR --rules PATH [--indicators PATH]... [--from TIME] [--to TIME]\n"
        "canh hunt --data DIR --indicators PATH [--from TIME] [--to TIME]\n";
    struct hunt_settings settings = {0};
    struct option_list operands = {0};
    struct err err;
    int code = cli_parse(hunt_options, sizeof(hunt_options) / sizeof(hunt_options[0]), argc, argv,
                         &settings, &settings.common, &operands, usage);
    if (code < 0 && settings.server.server && !given)
        code = cli_node_ask("hunt", argc, argv, &settings.server, &settings.common);
    if (code < 0 && operands.count) {
        (void)err_set(
            &err, ERR_USAGE,
            "hunt reads the store, it takes no file (\"%.60s\"); `canh detect` reads files",
            operands.items[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && settings.hunting && sought_any(&settings.sought)) {
        (void)err_set(&err, ERR_USAGE,
                      "--hunting chooses among the node's rules: leave out --rules and "
                      "--indicators, or --hunting");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = hunt_with(&settings, given);
    sought_settings_free(&settings.sought);
    option_list_free(&settings.span.partitions);
    option_list_free(&operands);
    return code;
}

int cli_hunt(int argc, char **argv)
{
    interrupt_watch();
    return hunt_command(argc, argv, NULL);
}
