/* canh detect: event files through rules and indicators, findings out. */
#include <signal.h>
#include <stdio.h>
#include <stddef.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/cli.h"
#include "program/detect_run.h"
#include "program/figure.h"
#include "program/sought.h"
#include "watch/workers.h"

struct detect_settings {
    struct cli_common common;
    struct sought_settings sought;
    const char *format;
    uint64_t threads;
    bool stats, strict;
    uint64_t passed_over; /* files that are no logs */
};

#define AT(member) offsetof(struct detect_settings, member)
static const struct option detect_options[] = {
    SOUGHT_OPTIONS(detect_settings, sought),
    {"format", 'f', OPTION_TEXT, AT(format), "NAME", 0, 0,
     "format of the input (auto, json, syslog, evtx ...; default auto)",
     "định dạng đầu vào (auto, json, syslog, evtx ...; mặc định auto)"},
    DETECTOR_MAPPINGS_OPTION(detect_settings, sought.detector),
    {"source", 0, OPTION_TEXT, AT(sought.detector.source), "P/C/S", 0, 0,
     "log source of all events: product/category/service",
     "nguồn nhật ký của mọi sự kiện: product/category/service"},
    {"timezone", 0, OPTION_TEXT, AT(sought.detector.timezone), "ZONE", 0, 0,
     "zone of times that name none (+07:00, Asia/Ho_Chi_Minh; default UTC)",
     "múi giờ khi nhật ký không ghi (+07:00, Asia/Ho_Chi_Minh; mặc định UTC)"},
    DETECTOR_PLACEHOLDERS_OPTION(detect_settings, sought.detector),
    DETECTOR_ROUTING_OPTION(detect_settings, sought.detector),
    {"jit", 0, OPTION_CHOICE, AT(sought.detector.jit), "on|off", 0, 0,
     "regular expressions as machine code (default on; off where memory must not be both writable "
     "and executable)",
     "biên dịch biểu thức chính quy thành mã máy (mặc định on)"},
    {"threads", 't', OPTION_NUMBER, AT(threads), "N", 1, WORKERS_THREADS_MAX,
     "threads that match (default: one a processor)",
     "số luồng so khớp (mặc định: theo số bộ xử lý)"},
    SOUGHT_FAIL_LEVEL_OPTION(detect_settings, sought),
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

static void show_stats(const struct detect_settings *settings, const struct sought *sought,
                       const struct detect_run_result *r)
{
    const struct detector *d = &sought->detector;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    struct ruleset_counts counts;
    ruleset_count(d->set, &counts);
    const struct figure figures[] = {
        {"events", r->events},
        {"bytes", r->bytes},
        {"files", r->files},
        {"findings", r->findings},
        {"rules", counts.rules},
        {"rules_refused", d->load.refused_count},
        {"indicators", sought->indicators.counts.indicators},
        {"peak_rss_bytes", figure_peak_rss_bytes()},
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
    figure_write_all(&w, figures, sizeof figures / sizeof figures[0]);
    figure_write_seconds(&w, "load_seconds", d->load_ns);
    figure_write_seconds(&w, "run_seconds", r->run_ns);
    figure_write_seconds(&w, "cpu_seconds", clock_cpu_ns());
    json_close_object(&w);
    figure_show(&w);
}

static int detect_output(struct detect_settings *settings, const struct sought *sought,
                         const struct option_list *paths, struct detect_run_result *result,
                         struct err *err)
{
    const struct detector *d = &sought->detector;
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
    struct detect_run_options run = {
        .detector = d,
        .rules = &sought->rules,
        .indicators = sought->indicators.table,
        .input = {.paths = paths->count ? paths->items : standard_input,
                  .path_count = paths->count ? paths->count : 1,
                  .format = format,
                  .note = note,
                  .note_context = settings},
        .output = output_open(&shown, &sought->rules.all),
        .out_fd = STDOUT_FILENO,
        .threads = workers_threads(settings->threads),
        .fail_level = finding_level_of(settings->sought.fail_level),
        .quiet = settings->common.quiet,
    };
    rc = detect_run(&run, result, err);
    output_close(&run.output);
    return rc;
}

static int detect_exit(const struct detect_settings *settings, const struct sought *sought,
                       const struct detect_run_result *r)
{
    const struct detector *d = &sought->detector;
    if (r->unreadable || d->load.unreadable_count || sought->indicators.unreadable)
        return CLI_FAILURE;
    if (r->failed_level || (settings->strict && (r->refused || d->load.refused_count)))
        return CLI_PROBLEMS;
    return CLI_OK;
}

static int detect_with(struct detect_settings *settings, const struct option_list *paths)
{
    struct sought sought = {0};
    struct detect_run_result result = {0};
    struct err err;
    int rc = sought_open(&sought, &settings->sought, NULL, &settings->common, &err);
    if (rc == ERR_OK)
        rc = detect_output(settings, &sought, paths, &result, &err);
    int code = rc == ERR_OK ? detect_exit(settings, &sought, &result)
                            : cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err);
    if (rc == ERR_OK)
        show_passed_over(settings);
    if (rc == ERR_OK && settings->stats)
        show_stats(settings, &sought, &result);
    sought_close(&sought);
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
    if (code < 0 && !sought_any(&settings.sought)) {
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
    sought_settings_free(&settings.sought);
    option_list_free(&paths);
    return code;
}
