/* canh detect: event files through rules and indicators, findings out. */
#include <signal.h>
#include <stdio.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/json.h"
#include "program/cli.h"
#include "program/detect_run.h"
#include "program/indicators_load.h"
#include "program/pipeline.h"

struct detect_settings {
    struct cli_common common;
    struct option_list rules, indicators;
    const char *format, *mappings, *source, *timezone, *placeholders, *routing, *jit, *fail_level;
    uint64_t threads;
    bool stats, strict;
    uint64_t passed_over; /* files that are no logs */
};

/* What events are held against. */
struct detect_what {
    struct detector detector;
    struct finding_rules rules;
    struct indicators_load indicators;
};

#define AT(member) offsetof(struct detect_settings, member)
static const struct option detect_options[] = {
    {"rules", 'r', OPTION_LIST, AT(rules), "PATH", 0, 0,
     "Sigma rules: a file, folder or archive (may be given again)",
     "quy tắc Sigma: tệp, thư mục hoặc gói nén (dùng được nhiều lần)"},
    {"indicators", 'i', OPTION_LIST, AT(indicators), "PATH", 0, 0,
     "indicators: a feed or a table of `canh intel import` (may be given again)",
     "dấu hiệu nhận biết: tệp nguồn hoặc bảng của `canh intel import` (dùng được nhiều lần)"},
    {"format", 'f', OPTION_TEXT, AT(format), "NAME", 0, 0,
     "format of the input (auto, json, syslog, evtx ...; default auto)",
     "định dạng đầu vào (auto, json, syslog, evtx ...; mặc định auto)"},
    {"mappings", 0, OPTION_TEXT, AT(mappings), "PATH|none", 0, 0,
     "mappings in place of the built-in ones", "bộ ánh xạ thay cho bộ có sẵn"},
    {"source", 0, OPTION_TEXT, AT(source), "P/C/S", 0, 0,
     "log source of all events: product/category/service",
     "nguồn nhật ký của mọi sự kiện: product/category/service"},
    {"timezone", 0, OPTION_TEXT, AT(timezone), "ZONE", 0, 0,
     "zone of times that name none (+07:00, Asia/Ho_Chi_Minh; default UTC)",
     "múi giờ khi nhật ký không ghi (+07:00, Asia/Ho_Chi_Minh; mặc định UTC)"},
    {"placeholders", 0, OPTION_TEXT, AT(placeholders), "FILE", 0, 0,
     "values of %placeholders% (YAML: name: [values])",
     "giá trị của %placeholder% (YAML: tên: [giá trị])"},
    {"routing", 0, OPTION_CHOICE, AT(routing), "on|off", 0, 0,
     "try a rule only on its log source (default on)",
     "chỉ thử quy tắc trên đúng nguồn nhật ký (mặc định on)"},
    {"jit", 0, OPTION_CHOICE, AT(jit), "on|off", 0, 0,
     "regular expressions as machine code (default on; off where memory must not be both writable "
     "and executable)",
     "biên dịch biểu thức chính quy thành mã máy (mặc định on)"},
    {"threads", 't', OPTION_NUMBER, AT(threads), "N", 1, PIPELINE_THREADS_MAX,
     "threads that match (default: one a processor)",
     "số luồng so khớp (mặc định: theo số bộ xử lý)"},
    {"fail-level", 0, OPTION_CHOICE, AT(fail_level), "informational|low|medium|high|critical", 0, 0,
     "exit with 1 when a finding has this level or a higher one",
     "thoát với mã 1 khi có kết quả từ mức này trở lên"},
    {"strict", 0, OPTION_FLAG, AT(strict), NULL, 0, 0,
     "exit with 1 when a record or a rule was refused",
     "thoát với mã 1 khi có bản ghi hoặc quy tắc bị từ chối"},
    {"stats", 0, OPTION_FLAG, AT(stats), NULL, 0, 0,
     "one JSON object of figures on stderr at the end", "in số liệu (JSON) ra stderr khi xong"},
    CLI_OPTIONS(detect_settings, common, "auto|table|ndjson|csv|html"),
};

static void note(void *context, enum input_note kind, const char *text)
{
    struct detect_settings *settings = context;
    settings->passed_over += kind == INPUT_NOTE_SKIPPED;
    if (kind == INPUT_NOTE_UNREADABLE || settings->common.verbose)
        (void)fprintf(stderr, "canh: %s\n", text);
}

/* Rules that cannot be used: the first by file and line, all with --verbose. */
static void show_problems(const struct detect_settings *settings, const struct detector *d)
{
    const struct problem_list *problems = &d->load.problems;
    bool vietnamese = cli_vietnamese(&settings->common);
    struct buf text = {0};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < problems->count && !settings->common.quiet; i++) {
        bool is_error = problems->items[i].level == PROBLEM_ERROR;
        if (!settings->common.verbose && (!is_error || shown == DETECT_REFUSED_SHOWN))
            continue;
        rules_load_problem_text(&text, &problems->items[i], vietnamese);
        shown++;
    }
    if (d->load.refused_count && !settings->common.quiet)
        buf_printf(&text,
                   vietnamese ? "canh: %u quy tắc không dùng được (xem bằng `canh rules check`)\n"
                              : "canh: %u rules cannot be used (`canh rules check` says why)\n",
                   d->load.refused_count);
    if (text.len > 0)
        (void)fwrite(text.data, 1, text.len, stderr);
    buf_free(&text);
}

static void show_passed_over(const struct detect_settings *settings)
{
    if (settings->passed_over == 0 || settings->common.quiet || settings->common.verbose)
        return;
    (void)fprintf(stderr,
                  cli_vietnamese(&settings->common)
                      ? "canh: bỏ qua %llu tệp không phải nhật ký (xem bằng -v)\n"
                      : "canh: %llu files were passed over as no logs (-v names them)\n",
                  (unsigned long long)settings->passed_over);
}

static void show_stats(const struct detect_settings *settings, const struct detect_what *what,
                       const struct detect_run_result *r)
{
    const struct detector *d = &what->detector;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    struct rusage usage;
    struct ruleset_counts counts;
    (void)getrusage(RUSAGE_SELF, &usage);
    ruleset_count(d->set, &counts);
    const struct {
        const char *key;
        uint64_t value;
    } whole[] = {
        {"events", r->events},
        {"bytes", r->bytes},
        {"files", r->files},
        {"findings", r->findings},
        {"rules", counts.rules},
        {"rules_refused", d->load.refused_count},
        {"indicators", what->indicators.counts.indicators},
        {"peak_rss_bytes", (uint64_t)usage.ru_maxrss * 1024},
        {"refused", r->refused},
        {"unreadable", r->unreadable},
        {"passed_over", settings->passed_over},
        {"routes", counts.routes},
        {"candidates", r->matching.candidates},
        {"regex_limits", r->matching.regex_limits},
        {"correlation_inputs", r->correlations.inputs},
        {"correlation_late", r->correlations.late},
        {"correlation_evicted", r->correlations.evicted_entries},
    };
    json_open_object(&w);
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        json_key(&w, whole[i].key);
        json_u64(&w, whole[i].value);
    }
    json_key(&w, "load_seconds");
    json_double(&w, (double)d->load_ns / 1e9);
    json_key(&w, "run_seconds");
    json_double(&w, (double)r->run_ns / 1e9);
    json_key(&w, "cpu_seconds");
    json_double(&w, (double)clock_cpu_ns() / 1e9);
    json_close_object(&w);
    buf_char(&out, '\n');
    (void)fwrite(out.data, 1, out.len, stderr);
    buf_free(&out);
}

static int detect_output(struct detect_settings *settings, const struct detect_what *what,
                         const struct option_list *paths, struct detect_run_result *result,
                         struct err *err)
{
    const struct detector *d = &what->detector;
    static const char *const standard_input[] = {"-"};
    struct output_options shown = {
        .vietnamese = cli_vietnamese(&settings->common), .zone = d->zone, .now_ns = clock_now_ns()};
    int rc = output_options_set(&shown, settings->common.output, STDOUT_FILENO, err);
    if (rc)
        return rc;
    struct slice name = slice_from(settings->format);
    const struct format *format = NULL;
    if (settings->format && !slice_equal(name, SLICE("auto"))) {
        format = format_find(name);
        if (!format)
            return err_set(err, ERR_USAGE,
                           "--format %s is not known; `canh detect --help` and docs/formats.md "
                           "list the formats",
                           settings->format);
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t threads = settings->threads ? settings->threads
                       : processors > 0  ? (uint64_t)processors
                                         : 1;
    struct detect_run_options run = {
        .detector = d,
        .rules = &what->rules,
        .indicators = what->indicators.table,
        .input = {.paths = paths->count ? paths->items : standard_input,
                  .path_count = paths->count ? paths->count : 1,
                  .format = format,
                  .note = note,
                  .note_context = settings},
        .output = output_open(&shown, &what->rules.all),
        .out_fd = STDOUT_FILENO,
        .threads = threads > PIPELINE_THREADS_MAX ? PIPELINE_THREADS_MAX : (uint32_t)threads,
        .fail_level = finding_level_of(settings->fail_level),
        .quiet = settings->common.quiet,
    };
    rc = detect_run(&run, result, err);
    output_close(&run.output);
    return rc;
}

static int detect_exit(const struct detect_settings *settings, const struct detect_what *what,
                       const struct detect_run_result *r)
{
    const struct detector *d = &what->detector;
    if (r->unreadable || d->load.unreadable_count || what->indicators.unreadable)
        return CLI_FAILURE;
    if (r->failed_level || (settings->strict && (r->refused || d->load.refused_count)))
        return CLI_PROBLEMS;
    return CLI_OK;
}

static void indicators_problem(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "canh: %s\n", text);
}

static int what_open(struct detect_what *what, const struct detect_settings *settings,
                     struct err *err)
{
    struct detector_options options = {
        .rule_paths = &settings->rules,
        .without_rules = settings->indicators.count > 0,
        .placeholders = settings->placeholders,
        .mappings = settings->mappings,
        .source = settings->source,
        .timezone = settings->timezone,
        .interpreted = settings->jit && strcmp(settings->jit, "off") == 0,
        .routing = !settings->routing || strcmp(settings->routing, "off") != 0,
    };
    int rc = detector_open(&what->detector, &options, err);
    show_problems(settings, &what->detector);
    if (rc == ERR_OK && settings->indicators.count)
        rc = indicators_load_paths(&what->indicators, &settings->indicators, clock_now_ns(),
                                   indicators_problem, NULL, err);
    if (rc == ERR_OK)
        finding_rules_open(&what->rules, &what->detector.load.rules);
    return rc;
}

static int detect_with(struct detect_settings *settings, const struct option_list *paths)
{
    struct detect_what what = {0};
    struct detect_run_result result = {0};
    struct err err;
    int rc = what_open(&what, settings, &err);
    if (rc == ERR_OK)
        rc = detect_output(settings, &what, paths, &result, &err);
    int code = rc == ERR_OK ? detect_exit(settings, &what, &result)
                            : cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err);
    if (rc == ERR_OK)
        show_passed_over(settings);
    if (rc == ERR_OK && settings->stats)
        show_stats(settings, &what, &result);
    finding_rules_close(&what.rules);
    indicators_load_free(&what.indicators);
    detector_close(&what.detector);
    return code;
}

int cli_detect(int argc, char **argv)
{
    static const char usage[] =
        "canh detect --rules PATH [--indicators PATH]... [options] [FILE | FOLDER | ARCHIVE | "
        "-]...\n"
        "canh detect --indicators PATH [options] [FILE | FOLDER | ARCHIVE | -]...\n";
    struct detect_settings settings = {0};
    struct option_list paths = {0};
    struct err err;
    (void)signal(SIGPIPE, SIG_IGN);
    int code = cli_parse(detect_options, sizeof(detect_options) / sizeof(detect_options[0]), argc,
                         argv, &settings, &settings.common, &paths, usage);
    if (code < 0 && settings.rules.count == 0 && settings.indicators.count == 0) {
        (void)err_set(&err, ERR_USAGE,
                      "detect needs --rules PATH (a Sigma rule, a folder or an archive of them) or "
                      "--indicators PATH");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && paths.count == 0 && isatty(STDIN_FILENO)) {
        (void)err_set(&err, ERR_USAGE,
                      "name the event files to read, or `-` for the standard input");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = detect_with(&settings, &paths);
    option_list_free(&settings.rules);
    option_list_free(&settings.indicators);
    option_list_free(&paths);
    return code;
}
