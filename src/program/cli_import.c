/* canh import: event files into a store, with findings. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/cli.h"
#include "program/data.h"
#include "program/detector_options.h"
#include "program/figure.h"
#include "program/import_node.h"
#include "program/import_run.h"
#include "program/policy.h"
#include "watch/config.h"

struct import_settings {
    struct cli_common common;
    struct detector_settings detector; /* source: --logsource */
    const char *data, *source, *config, *format, *partition;
    uint64_t threads;
    bool stats, findings, again, strict;
};

#define AT(member) offsetof(struct import_settings, member)
static const struct option import_options[] = {
    {"data", 'd', OPTION_TEXT, AT(data), "DIR", 0, 0,
     "folder of the store, made when it is not there (default: store.data of canh.yaml, "
     "/var/lib/canh)",
     "thư mục kho dữ liệu, tự tạo nếu chưa có (mặc định: store.data trong canh.yaml, "
     "/var/lib/canh)"},
    {"rules", 'r', OPTION_LIST, AT(detector.rules), "PATH", 0, 0,
     "Sigma rules: a file, folder or archive (may be given again); none: events are only stored",
     "quy tắc Sigma: tệp, thư mục hoặc gói nén (dùng được nhiều lần); không có: chỉ lưu sự kiện"},
    {"source", 's', OPTION_TEXT, AT(source), "NAME", 0, 0,
     "a source of canh.yaml: its partition, format, time zone, log source, system and unit",
     "một nguồn trong canh.yaml: lấy phân vùng, định dạng, múi giờ, nguồn nhật ký, hệ thống, đơn "
     "vị của nguồn đó"},
    {"config", 'c', OPTION_TEXT, AT(config), "FILE", 0, 0,
     "configuration (default: /etc/canh/canh.yaml)",
     "tệp cấu hình (mặc định: /etc/canh/canh.yaml)"},
    {"partition", 0, OPTION_TEXT, AT(partition), "NAME", 0, 0,
     "partition of the store (default: the source's, else main)",
     "phân vùng lưu (mặc định: của nguồn, nếu không thì main)"},
    {"format", 'f', OPTION_TEXT, AT(format), "NAME", 0, 0,
     "format of the input (auto, json, syslog, evtx ...; default auto)",
     "định dạng đầu vào (auto, json, syslog, evtx ...; mặc định auto)"},
    DETECTOR_MAPPINGS_OPTION(import_settings, detector),
    {"logsource", 0, OPTION_TEXT, AT(detector.source), "P/C/S", 0, 0,
     "log source of all events: product/category/service",
     "nguồn nhật ký của mọi sự kiện: product/category/service"},
    {"timezone", 0, OPTION_TEXT, AT(detector.timezone), "ZONE", 0, 0,
     "zone of times that name none (default: the source's, else store.timezone)",
     "múi giờ khi nhật ký không ghi (mặc định: của nguồn, nếu không thì store.timezone)"},
    DETECTOR_PLACEHOLDERS_OPTION(import_settings, detector),
    {"threads", 't', OPTION_NUMBER, AT(threads), "N", 1, WORKERS_THREADS_MAX,
     "threads that match (default: one a processor)",
     "số luồng so khớp (mặc định: theo số bộ xử lý)"},
    {"findings", 0, OPTION_FLAG, AT(findings), NULL, 0, 0,
     "print the findings, as detect does, each with its event's id; the summary goes to stderr",
     "in các kết quả phát hiện như lệnh detect, kèm mã sự kiện; phần tổng kết ra stderr"},
    {"again", 0, OPTION_FLAG, AT(again), NULL, 0, 0,
     "import files that were imported before once more, from their beginning",
     "nạp lại từ đầu cả các tệp đã nạp trước đây"},
    {"strict", 0, OPTION_FLAG, AT(strict), NULL, 0, 0,
     "exit with 1 when a record or a rule was refused",
     "thoát với mã 1 khi có bản ghi hoặc quy tắc bị từ chối"},
    {"stats", 0, OPTION_FLAG, AT(stats), NULL, 0, 0,
     "one JSON object of figures on stderr at the end", "in số liệu (JSON) ra stderr khi xong"},
    CLI_OPTIONS(import_settings, common, "auto|table|ndjson|csv"),
};

/* What the command works with, opened step by step. */
struct import {
    struct import_settings *settings;
    const struct option_list *paths;
    struct config *config;
    const struct config_source *configured; /* NULL: none is named */
    struct origin source;
    struct buf logsource;
    struct detector detector;
    struct store *store;
    struct output *output;
    struct output_options shown;
    const struct format *format;
    uint64_t passed_over; /* files that are no logs, or were imported before */
    struct import_result result;
};

static void note(void *context, enum input_note kind, const char *text)
{
    struct import *i = context;
    i->passed_over += kind == INPUT_NOTE_SKIPPED;
    if (kind == INPUT_NOTE_UNREADABLE || i->settings->common.verbose ||
        (kind == INPUT_NOTE_SKIPPED && strstr(text, "already imported") &&
         !i->settings->common.quiet))
        (void)fprintf(stderr, "canh: %s\n", text);
}

static const char stop_text_en[] =
    "\ncanh: stopped; the same command, given again, goes on behind the last stored event\n";

static void stop(int signal_number)
{
    (void)signal_number;
    if (!import_run_stop())
        return;
    (void)!write(STDERR_FILENO, stop_text_en, sizeof(stop_text_en) - 1);
    _exit(CLI_FAILURE);
}

static void stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int config_load(struct import *i, struct err *err)
{
    struct buf problems = {0};
    int rc = config_open(&i->config, i->settings->config, environ, &problems, err);
    if (rc && problems.len)
        (void)fputs(buf_text(&problems), stderr);
    buf_free(&problems);
    if (rc || !i->settings->source)
        return rc;
    i->configured = config_source(i->config, slice_from(i->settings->source));
    return i->configured ? ERR_OK
                         : err_set(err, ERR_USAGE,
                                   "the configuration has no source %s: `canh config print` shows "
                                   "which it has",
                                   i->settings->source);
}

static struct slice either(const char *given, struct slice configured, struct slice otherwise)
{
    return given ? slice_from(given) : configured.len ? configured : otherwise;
}

static int source_set(struct import *i, struct err *err)
{
    static const struct config_source none;
    const struct config_source *c = i->configured ? i->configured : &none;
    const struct import_settings *s = i->settings;
    if (s->detector.source)
        buf_string(&i->logsource, s->detector.source);
    else if (c->product.len || c->category.len || c->service.len)
        buf_printf(&i->logsource, "%.*s/%.*s/%.*s", (int)c->product.len, c->product.data,
                   (int)c->category.len, c->category.data, (int)c->service.len, c->service.data);
    i->source = (struct origin){.partition = either(s->partition, c->partition, SLICE("main")),
                                .name = c->row.name,
                                .system = c->system,
                                .unit = c->unit,
                                .configured = buf_as_slice(&i->logsource),
                                .flags = ROW_HISTORICAL};
    if (!row_partition_name_ok(i->source.partition) || i->source.partition.data[0] == '_')
        return err_set(err, ERR_USAGE,
                       "--partition cannot be %.*s: a name has a to z, 0 to 9, _ and -, and does "
                       "not begin with _",
                       (int)i->source.partition.len, i->source.partition.data);
    struct slice format = either(s->format, c->format, SLICE("auto"));
    if (slice_equal(format, SLICE("auto")))
        return ERR_OK;
    i->format = format_find(format);
    return i->format ? ERR_OK
                     : err_set(err, ERR_USAGE,
                               "--format %.*s is not known; docs/formats.md lists the formats",
                               (int)format.len, format.data);
}

static int rules_open(struct import *i, struct err *err)
{
    const struct import_settings *s = i->settings;
    struct slice zone =
        either(s->detector.timezone, i->configured ? i->configured->timezone : SLICE(""),
               i->config->store.timezone);
    struct detector_options options;
    struct buf text = {0};
    detector_options_set(&options, &s->detector);
    options.source = i->logsource.len ? buf_text(&i->logsource) : NULL;
    options.timezone = zone.data;
    options.without_rules = true;
    i->source.configured = buf_as_slice(&i->logsource);
    int rc = detector_open(&i->detector, &options, err);
    rules_load_refused_text(&text, &i->detector.load, cli_vietnamese(&s->common));
    if (text.len && !s->common.quiet)
        (void)fwrite(text.data, 1, text.len, stderr);
    buf_free(&text);
    return rc;
}

static int target_open(struct import *i, struct err *err)
{
    const struct config_store *c = &i->config->store;
    struct store_options options;
    data_store_options(c, true, &options);
    const char *data = i->settings->data ? i->settings->data : c->data.data;
    return store_open(&i->store, data, &options, err);
}

static int output_set(struct import *i, struct err *err)
{
    i->shown = (struct output_options){.vietnamese = cli_vietnamese(&i->settings->common),
                                       .zone = i->detector.zone,
                                       .now_ns = CLOCK_NONE,
                                       .epoch = store_epoch(i->store)};
    int rc = output_options_set(&i->shown, i->settings->common.output, STDOUT_FILENO, err);
    if (rc == ERR_OK && i->settings->findings)
        i->output = output_open(&i->shown, &i->detector.load.rules);
    return rc;
}

static int import_start(struct import *i, struct err *err)
{
    int rc = config_load(i, err);
    if (rc == ERR_OK)
        rc = source_set(i, err);
    if (rc == ERR_OK)
        rc = rules_open(i, err);
    if (rc == ERR_OK)
        rc = target_open(i, err);
    return rc ? rc : output_set(i, err);
}

static int import_all(struct import *i, struct err *err)
{
    static const char *const standard_input[] = {"-"};
    const struct import_settings *s = i->settings;
    struct store_policy policies[POLICY_MAX];
    struct import_run_options run = {
        .store = i->store,
        .policies = policies,
        .policy_count = policy_list(i->config, policies),
        .detector = &i->detector,
        .source = &i->source,
        .input = {.paths = i->paths->count ? i->paths->items : standard_input,
                  .path_count = i->paths->count ? i->paths->count : 1,
                  .format = i->format,
                  .note = note,
                  .note_context = i},
        .output = i->output,
        .out_fd = STDOUT_FILENO,
        .threads = workers_threads(s->threads),
        .group_bytes = i->config->store.group_bytes,
        .seal_bytes = i->config->store.seal_bytes,
        .again = s->again,
        .progress = !s->common.quiet && isatty(STDERR_FILENO),
        .vietnamese = cli_vietnamese(&s->common)};
    stop_on_signals();
    return import_run(&run, &i->result, err);
}

static void id_write(struct json_writer *w, const char *key, uint32_t epoch, uint64_t sequence)
{
    char text[48];
    (void)snprintf(text, sizeof(text), "%lu:%llu", (unsigned long)epoch,
                   (unsigned long long)sequence);
    json_key(w, key);
    if (sequence)
        json_string(w, slice_from(text));
    else
        json_null(w);
}

/* What both the summary and --stats say. */
static void summary_write(const struct import *i, struct json_writer *w)
{
    const struct import_result *r = &i->result;
    const struct figure figures[] = {{"events", r->counts.events},
                                     {"findings", r->counts.findings},
                                     {"refused", r->counts.refused},
                                     {"resumed_from", r->resumed_records},
                                     {"files", r->files},
                                     {"already_imported", r->passed_over},
                                     {"unreadable", r->unreadable},
                                     {"bytes", r->counts.bytes}};
    figure_write_all(w, figures, sizeof(figures) / sizeof(figures[0]));
    id_write(w, "first_id", i->shown.epoch, r->counts.first_sequence);
    id_write(w, "last_id", i->shown.epoch, r->counts.last_sequence);
    figure_write_seconds(w, "seconds", r->run_ns);
}

static void stats_show(const struct import *i)
{
    const struct import_result *r = &i->result;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    struct ruleset_counts counts;
    ruleset_count(i->detector.set, &counts);
    const struct figure figures[] = {{"rules", counts.rules},
                                     {"rules_refused", i->detector.load.refused_count},
                                     {"passed_over", i->passed_over},
                                     {"groups", r->counts.groups},
                                     {"candidates", r->matching.candidates},
                                     {"regex_limits", r->matching.regex_limits},
                                     {"correlation_inputs", r->correlations.inputs},
                                     {"correlation_late", r->correlations.late},
                                     {"correlation_evicted", r->correlations.evicted_entries},
                                     {"peak_rss_bytes", figure_peak_rss_bytes()}};
    json_open_object(&w);
    summary_write(i, &w);
    figure_write_all(&w, figures, sizeof(figures) / sizeof(figures[0]));
    figure_write_seconds(&w, "load_seconds", i->detector.load_ns);
    figure_write_seconds(&w, "cpu_seconds", clock_cpu_ns());
    figure_write_seconds(&w, "worker_cpu_seconds", r->worker_cpu_ns);
    figure_write_seconds(&w, "append_cpu_seconds", r->append_cpu_ns);
    figure_write_seconds(&w, "seal_cpu_seconds", r->seal_cpu_ns);
    json_close_object(&w);
    figure_show(&w);
}

static void summary_line(const struct import *i, struct buf *out)
{
    const struct import_result *r = &i->result;
    bool vi = i->shown.vietnamese;
    buf_printf(out,
               vi ? "đã lưu %llu sự kiện, %llu kết quả phát hiện, %llu bản ghi bị từ chối, %.1f "
                    "giây"
                  : "%llu events stored, %llu findings, %llu records refused, %.1f seconds",
               (unsigned long long)r->counts.events, (unsigned long long)r->counts.findings,
               (unsigned long long)r->counts.refused, (double)r->run_ns / 1e9);
    if (r->counts.first_sequence)
        buf_printf(out, vi ? ", mã %lu:%llu đến %lu:%llu" : ", ids %lu:%llu to %lu:%llu",
                   (unsigned long)i->shown.epoch, (unsigned long long)r->counts.first_sequence,
                   (unsigned long)i->shown.epoch, (unsigned long long)r->counts.last_sequence);
    if (r->resumed_records)
        buf_printf(out, vi ? "; tiếp tục sau %llu bản ghi" : "; went on behind %llu records",
                   (unsigned long long)r->resumed_records);
    if (r->passed_over)
        buf_printf(out, vi ? "; %llu tệp đã nạp trước đây" : "; %llu files were imported before",
                   (unsigned long long)r->passed_over);
    buf_char(out, '\n');
}

static void summary_csv(const struct import *i, struct buf *out)
{
    const struct import_counts *c = &i->result.counts;
    buf_printf(out, "events,findings,refused,resumed_from,bytes\n%llu,%llu,%llu,%llu,%llu\n",
               (unsigned long long)c->events, (unsigned long long)c->findings,
               (unsigned long long)c->refused, (unsigned long long)i->result.resumed_records,
               (unsigned long long)c->bytes);
}

static int summary_show(const struct import *i)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    int code = CLI_OK;
    if (i->shown.kind == OUTPUT_TABLE) {
        summary_line(i, &out);
    } else if (i->shown.kind == OUTPUT_CSV) {
        summary_csv(i, &out);
    } else {
        json_open_object(&w);
        summary_write(i, &w);
        json_close_object(&w);
        buf_char(&out, '\n');
    }
    if (!i->settings->findings)
        code = cli_write(&out, NULL);
    else if (!i->settings->common.quiet)
        (void)fwrite(out.data, 1, out.len, stderr);
    buf_free(&out);
    return code;
}

static int import_exit(const struct import *i)
{
    const struct import_result *r = &i->result;
    if (r->stopped) {
        (void)fputs(i->shown.vietnamese ? "canh: đã dừng; chạy lại đúng lệnh này để tiếp tục sau "
                                          "sự kiện đã lưu cuối cùng\n"
                                        : stop_text_en + 1,
                    stderr);
        return CLI_FAILURE;
    }
    if (r->unreadable || i->detector.load.unreadable_count)
        return CLI_FAILURE;
    if (i->settings->strict && (r->counts.refused || i->detector.load.refused_count))
        return CLI_PROBLEMS;
    return CLI_OK;
}

static int import_fail(const struct import *i, int rc, struct err *err)
{
    if (rc == ERR_USAGE)
        return cli_fail(CLI_USAGE, err);
    if (rc == ERR_FULL)
        (void)cli_fail(CLI_FAILURE, err);
    if (rc == ERR_FULL)
        (void)err_set(err, ERR_FULL,
                      i->shown.vietnamese
                          ? "hết chỗ trên đĩa; hãy giải phóng rồi chạy lại đúng lệnh này: việc nạp "
                            "tiếp tục sau sự kiện đã lưu cuối cùng"
                          : "the disk is full; make room, then give the same command again: it "
                            "goes on behind the last stored event");
    return cli_fail(CLI_FAILURE, err);
}

static void import_end(struct import *i)
{
    output_close(&i->output);
    store_close(&i->store);
    detector_close(&i->detector);
    config_close(&i->config);
    buf_free(&i->logsource);
}

/* What a running node decides by its own settings. */
static int node_takes(const struct import_settings *s, struct err *err)
{
    bool other = s->detector.rules.count || s->partition || s->format || s->detector.source ||
                 s->detector.timezone || s->detector.mappings || s->findings || s->again;
    if (!other)
        return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "a node runs on this data folder and imports by its own settings: leave out "
                   "--rules, --partition, --format, --logsource, --timezone, --mappings, "
                   "--findings and --again, or use another --data");
}

/* *done: a node runs here, and has been asked. */
static int import_by_node(struct import *i, bool *done, struct err *err)
{
    struct client_settings settings = {.data = i->settings->data,
                                       .config = i->settings->config,
                                       .vietnamese = i->shown.vietnamese};
    struct client *client = NULL;
    int rc = client_open(&client, &settings, err);
    *done = rc == ERR_OK && client_has_daemon(client);
    if (*done)
        rc = node_takes(i->settings, err);
    if (*done && rc == ERR_OK)
        rc = output_options_set(&i->shown, i->settings->common.output, STDOUT_FILENO, err);
    if (*done && rc == ERR_OK)
        rc = import_node(client, i->settings->source, i->paths, note, i, &i->result, err);
    client_close(&client);
    return rc;
}

static int import_with(struct import_settings *settings, const struct option_list *paths)
{
    struct import i = {.settings = settings, .paths = paths};
    struct err err;
    int code = CLI_OK;
    bool done = false;
    i.shown.vietnamese = cli_vietnamese(&settings->common);
    int rc = import_by_node(&i, &done, &err);
    if (rc == ERR_OK && !done)
        rc = import_start(&i, &err);
    if (rc == ERR_OK && !done)
        rc = import_all(&i, &err);
    if (rc == ERR_OK)
        code = summary_show(&i);
    if (rc == ERR_OK && code == CLI_OK)
        code = import_exit(&i);
    else if (rc)
        code = import_fail(&i, rc, &err);
    if (i.store && settings->stats)
        stats_show(&i);
    import_end(&i);
    return code;
}

int cli_import(int argc, char **argv)
{
    static const char usage[] =
        "canh import --data DIR [--rules PATH]... [options] [FILE | FOLDER | ARCHIVE | -]...\n";
    struct import_settings settings = {0};
    struct option_list paths = {0};
    struct err err;
    int code = cli_parse(import_options, sizeof(import_options) / sizeof(import_options[0]), argc,
                         argv, &settings, &settings.common, &paths, usage);
    if (code < 0 && paths.count == 0 && isatty(STDIN_FILENO)) {
        (void)err_set(&err, ERR_USAGE,
                      "name the event files to import, or `-` for the standard input");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = import_with(&settings, &paths);
    option_list_free(&settings.detector.rules);
    option_list_free(&paths);
    return code;
}
