/* canh hunt: what is stored through rules and indicators, findings out as detect writes them. */
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "formats/json.h"
#include "base/mem.h"
#include "program/data.h"
#include "program/hunt_run.h"
#include "program/indicators_load.h"
#include "program/interrupt.h"
#include "store/query.h"

enum { HUNT_PARTITIONS_MAX = 64, HUNT_PROBLEMS_SHOWN = 10 };
#define HUNT_MEMORY_MIN ((uint64_t)1 << 20)
#define HUNT_MEMORY_MAX ((uint64_t)1 << 40)
#define PROGRESS_NS     (100 * 1000000ull)

struct hunt_settings {
    struct cli_common common;
    struct data_settings data;
    struct option_list rules, indicators, partitions;
    const char *from, *to, *mappings, *timezone, *placeholders, *routing, *jit, *fail_level;
    uint64_t memory_bytes;
    bool stats;
};

#define AT(member) offsetof(struct hunt_settings, member)
static const struct option hunt_options[] = {
    DATA_OPTIONS(hunt_settings, data),
    {"rules", 'r', OPTION_LIST, AT(rules), "PATH", 0, 0,
     "Sigma rules: a file, folder or archive (may be given again)",
     "quy tắc Sigma: tệp, thư mục hoặc gói nén (dùng được nhiều lần)"},
    {"indicators", 'i', OPTION_LIST, AT(indicators), "PATH", 0, 0,
     "indicators: a feed or a table of `canh intel import` (may be given again)",
     "dấu hiệu nhận biết: tệp nguồn hoặc bảng của `canh intel import` (dùng được nhiều lần)"},
    {"from", 0, OPTION_TEXT, AT(from), "TIME", 0, 0,
     "only events from this time on: 2026-11-22, 2026-11-22T10:00:00+07:00, -24h",
     "chỉ xét sự kiện từ thời điểm này: 2026-11-22, 2026-11-22T10:00:00+07:00, -24h"},
    {"to", 0, OPTION_TEXT, AT(to), "TIME", 0, 0, "only events before this time",
     "chỉ xét sự kiện trước thời điểm này"},
    {"partition", 'p', OPTION_LIST, AT(partitions), "NAME", 0, 0,
     "only this partition (may be given again; default: all but internal ones)",
     "chỉ xét phân vùng này (dùng được nhiều lần; mặc định: mọi phân vùng trừ phân vùng nội bộ)"},
    {"mappings", 0, OPTION_TEXT, AT(mappings), "PATH|none", 0, 0,
     "mappings in place of the built-in ones", "bộ ánh xạ thay cho bộ có sẵn"},
    {"timezone", 0, OPTION_TEXT, AT(timezone), "ZONE", 0, 0,
     "zone of --from, --to and of times shown (default: store.timezone)",
     "múi giờ của --from, --to và giờ hiển thị (mặc định: store.timezone)"},
    {"placeholders", 0, OPTION_TEXT, AT(placeholders), "FILE", 0, 0,
     "values of %placeholders% (YAML: name: [values])",
     "giá trị của %placeholder% (YAML: tên: [giá trị])"},
    {"routing", 0, OPTION_CHOICE, AT(routing), "on|off", 0, 0,
     "try a rule only on its log source (default on)",
     "chỉ thử quy tắc trên đúng nguồn nhật ký (mặc định on)"},
    {"jit", 0, OPTION_CHOICE, AT(jit), "on|off", 0, 0,
     "regular expressions as machine code (default on)",
     "biên dịch biểu thức chính quy thành mã máy (mặc định on)"},
    {"memory", 0, OPTION_NUMBER, AT(memory_bytes), "BYTES", HUNT_MEMORY_MIN, HUNT_MEMORY_MAX,
     "memory that reading may take (default: store.query_memory)",
     "bộ nhớ tối đa khi đọc (mặc định: store.query_memory)"},
    {"fail-level", 0, OPTION_CHOICE, AT(fail_level), "informational|low|medium|high|critical", 0, 0,
     "exit with 1 when a finding has this level or a higher one",
     "thoát với mã 1 khi có kết quả từ mức này trở lên"},
    {"stats", 0, OPTION_FLAG, AT(stats), NULL, 0, 0,
     "one JSON object of figures on stderr at the end", "in số liệu (JSON) ra stderr khi xong"},
    CLI_OPTIONS(hunt_settings, common, "auto|table|ndjson|csv|html"),
};

struct hunting { /* all that one hunt holds */
    const struct hunt_settings *settings;
    struct data data;
    struct detector detector;
    struct finding_rules rules;
    struct indicators_load indicators;
    struct slice partitions[HUNT_PARTITIONS_MAX];
    int64_t from_ns, until_ns;
    struct hunt_run_result result;
    uint64_t told_ns;
    bool vietnamese, told;
};

static void indicators_problem(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "canh: %s\n", text);
}

static void show_rule_problems(const struct hunting *h)
{
    const struct rules_load *load = &h->detector.load;
    struct buf text = {0};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < load->problems.count; i++) {
        bool is_error = load->problems.items[i].level == PROBLEM_ERROR;
        if (h->settings->common.verbose || (is_error && shown++ < HUNT_PROBLEMS_SHOWN))
            rules_load_problem_text(&text, &load->problems.items[i], h->vietnamese);
    }
    if (load->refused_count)
        buf_printf(&text,
                   h->vietnamese
                       ? "canh: %u quy tắc không dùng được (xem bằng `canh rules check`)\n"
                       : "canh: %u rules cannot be used (`canh rules check` says why)\n",
                   load->refused_count);
    if (text.len && !h->settings->common.quiet)
        (void)fwrite(text.data, 1, text.len, stderr);
    buf_free(&text);
}

/* A time as the query language reads it: as the bound of `_time:`. */
static int time_read(const struct hunting *h, const char *option, const char *text, int64_t *out,
                     struct err *err)
{
    struct query_options options = {.now_ns = clock_now_ns(), .zone = h->detector.zone};
    struct query *query = NULL;
    struct buf term = {0};
    *out = CLOCK_NONE;
    if (!text)
        return ERR_OK;
    buf_printf(&term, "_time:>=\"%s\"", text);
    int rc = query_parse(&query, buf_as_slice(&term), &options, NULL);
    if (rc == ERR_OK)
        *out = query->from_ns;
    query_close(&query);
    buf_free(&term);
    if (rc || *out == CLOCK_NONE)
        return err_set(err, ERR_USAGE,
                       "--%s \"%.60s\" is not a time: write one like 2026-11-22, "
                       "2026-11-22T10:00:00+07:00 or -24h",
                       option, text);
    return ERR_OK;
}

static int ranges_read(struct hunting *h, struct err *err)
{
    const struct hunt_settings *s = h->settings;
    int rc = time_read(h, "from", s->from, &h->from_ns, err);
    if (rc == ERR_OK)
        rc = time_read(h, "to", s->to, &h->until_ns, err);
    if (rc == ERR_OK && h->from_ns != CLOCK_NONE && h->until_ns != CLOCK_NONE &&
        h->from_ns >= h->until_ns)
        rc = err_set(err, ERR_USAGE, "--from is not before --to: nothing lies between them");
    if (rc == ERR_OK && s->partitions.count > HUNT_PARTITIONS_MAX)
        rc = err_set(err, ERR_USAGE, "--partition can be given %d times at most",
                     HUNT_PARTITIONS_MAX);
    for (size_t i = 0; i < s->partitions.count && rc == ERR_OK; i++) {
        h->partitions[i] = slice_from(s->partitions.items[i]);
        if (!row_partition_name_ok(h->partitions[i]))
            rc = err_set(err, ERR_USAGE,
                         "--partition %.60s is no name of a partition; `canh store stat` lists "
                         "those there are",
                         s->partitions.items[i]);
    }
    return rc;
}

static int hunting_open(struct hunting *h, struct err *err)
{
    const struct hunt_settings *s = h->settings;
    int rc = data_open(&h->data, &s->data, false, err);
    if (rc)
        return rc;
    struct detector_options options = {
        .rule_paths = &s->rules,
        .without_rules = s->indicators.count > 0,
        .placeholders = s->placeholders,
        .mappings = s->mappings,
        .timezone = s->timezone ? s->timezone : h->data.config->store.timezone.data,
        .interpreted = s->jit && strcmp(s->jit, "off") == 0,
        .routing = !s->routing || strcmp(s->routing, "off") != 0,
    };
    rc = detector_open(&h->detector, &options, err);
    show_rule_problems(h);
    if (rc == ERR_OK)
        rc = ranges_read(h, err);
    if (rc == ERR_OK && s->indicators.count)
        rc = indicators_load_paths(&h->indicators, &s->indicators, clock_now_ns(),
                                   indicators_problem, NULL, err);
    if (rc == ERR_OK)
        finding_rules_open(&h->rules, &h->detector.load.rules);
    return rc;
}

static void hunting_close(struct hunting *h)
{
    finding_rules_close(&h->rules);
    indicators_load_free(&h->indicators);
    detector_close(&h->detector);
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
    struct rusage usage;
    struct ruleset_counts counts;
    (void)getrusage(RUSAGE_SELF, &usage);
    ruleset_count(h->detector.set, &counts);
    const struct {
        const char *key;
        uint64_t value;
    } whole[] = {
        {"findings", r->findings},
        {"hits", r->progress.hits},
        {"rows_judged", r->progress.rows_judged},
        {"rows_pruned", r->progress.rows_pruned},
        {"rows_damaged", r->progress.damaged_rows},
        {"segments", r->progress.segments},
        {"segments_pruned", r->progress.segments_pruned},
        {"bytes", r->progress.bytes_done},
        {"rules", counts.rules},
        {"rules_refused", h->detector.load.refused_count},
        {"indicators", h->indicators.counts.indicators},
        {"mappings", mapping_set_count(h->detector.mappings)},
        {"correlation_inputs", r->correlations.inputs},
        {"correlation_late", r->correlations.late},
        {"correlation_evicted", r->correlations.evicted_entries},
        {"peak_rss_bytes", (uint64_t)usage.ru_maxrss * 1024},
    };
    json_open_object(&w);
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        json_key(&w, whole[i].key);
        json_u64(&w, whole[i].value);
    }
    char fingerprint[24];
    (void)snprintf(fingerprint, sizeof fingerprint, "%016llx",
                   (unsigned long long)mapping_set_fingerprint(h->detector.mappings));
    json_key(&w, "mapping_set");
    json_string(&w, slice_from(fingerprint));
    json_key(&w, "load_seconds");
    json_double(&w, (double)h->detector.load_ns / 1e9);
    json_key(&w, "run_seconds");
    json_double(&w, (double)r->run_ns / 1e9);
    json_key(&w, "cpu_seconds");
    json_double(&w, (double)clock_cpu_ns() / 1e9);
    json_close_object(&w);
    buf_char(&out, '\n');
    (void)fwrite(out.data, 1, out.len, stderr);
    buf_free(&out);
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
                                   .zone = h->detector.zone,
                                   .now_ns = clock_now_ns(),
                                   .epoch = store_epoch(h->data.store)};
    int rc = output_options_set(&shown, s->common.output, STDOUT_FILENO, err);
    if (rc)
        return rc;
    struct hunt_run_options run = {
        .store = h->data.store,
        .detector = &h->detector,
        .rules = &h->rules,
        .indicators = h->indicators.table,
        .output = output_open(&shown, &h->rules.all),
        .out_fd = STDOUT_FILENO,
        .from_ns = h->from_ns,
        .until_ns = h->until_ns,
        .received_from_ns = CLOCK_NONE,
        .received_until_ns = CLOCK_NONE,
        .partitions = h->partitions,
        .partition_count = (uint32_t)s->partitions.count,
        .memory_bytes = s->memory_bytes ? s->memory_bytes : config->query_memory_bytes,
        .fail_level = finding_level_of(s->fail_level),
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
    if (h->result.progress.damaged_rows || h->detector.load.unreadable_count ||
        h->indicators.unreadable)
        return CLI_FAILURE;
    return h->result.failed_level ? CLI_PROBLEMS : CLI_OK;
}

static int hunt_with(const struct hunt_settings *settings)
{
    struct hunting h = {.settings = settings, .vietnamese = cli_vietnamese(&settings->common)};
    struct err err;
    int rc = hunting_open(&h, &err);
    if (rc == ERR_OK) {
        interrupt_watch();
        rc = hunt_output(&h, &err);
        if (settings->stats)
            stats_show(&h);
    }
    int code =
        rc == ERR_OK ? hunt_exit(&h) : cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err);
    hunting_close(&h);
    return code;
}

int cli_hunt(int argc, char **argv)
{
    static const char usage[] =
        "canh hunt --data DIR --rules PATH [--indicators PATH]... [--from TIME] [--to TIME]\n"
        "canh hunt --data DIR --indicators PATH [--from TIME] [--to TIME]\n";
    struct hunt_settings settings = {0};
    struct option_list operands = {0};
    struct err err;
    int code = cli_parse(hunt_options, sizeof(hunt_options) / sizeof(hunt_options[0]), argc, argv,
                         &settings, &settings.common, &operands, usage);
    if (code < 0 && operands.count) {
        (void)err_set(
            &err, ERR_USAGE,
            "hunt reads the store, it takes no file (\"%.60s\"); `canh detect` reads files",
            operands.items[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && settings.rules.count == 0 && settings.indicators.count == 0) {
        (void)err_set(&err, ERR_USAGE, "hunt needs --rules PATH or --indicators PATH, or both");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = hunt_with(&settings);
    option_list_free(&settings.rules);
    option_list_free(&settings.indicators);
    option_list_free(&settings.partitions);
    option_list_free(&operands);
    return code;
}
