/* canh intel import: feeds into the table of the data folder. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_intel.h"
#include "watch/intel_gather.h"
#include "watch/intel_store.h"

struct import_settings {
    struct cli_common common;
    const char *data, *source, *tlp, *expires;
    uint64_t confidence; /* CONFIDENCE_UNSET: not given */
    bool warning_list, all, replace, strict;
};

enum { CONFIDENCE_UNSET = 101 };

#define AT(member) offsetof(struct import_settings, member)
static const struct option import_options[] = {
    {"data", 0, OPTION_TEXT, AT(data), "DIR", 0, 0, "data folder (default /var/lib/canh)",
     "thư mục dữ liệu (mặc định /var/lib/canh)"},
    {"source", 0, OPTION_TEXT, AT(source), "NAME", 0, 0,
     "whose indicators they are (default: the name of the file)", "tên nguồn (mặc định: tên tệp)"},
    {"tlp", 0, OPTION_CHOICE, AT(tlp), "clear|green|amber|amber+strict|red", 0, 0,
     "marking of those that have none", "mức TLP cho dấu hiệu không ghi mức"},
    {"confidence", 0, OPTION_NUMBER, AT(confidence), "N", 0, 100,
     "confidence (0 to 100) of those that have none",
     "độ tin cậy (0 đến 100) cho dấu hiệu không ghi"},
    {"expires", 0, OPTION_TEXT, AT(expires), "T|+30d", 0, 0,
     "when those end that name no end: a time, or +N with h, d or w",
     "thời điểm hết hạn cho dấu hiệu không ghi: mốc thời gian, hoặc +N kèm h, d, w"},
    {"warninglist", 0, OPTION_FLAG, AT(warning_list), NULL, 0, 0,
     "the values are well known and good: they never fire",
     "các giá trị đã biết là lành: không bao giờ báo"},
    {"all", 0, OPTION_FLAG, AT(all), NULL, 0, 0,
     "MISP: attributes that are not for detection (to_ids), too",
     "MISP: lấy cả thuộc tính không dùng để phát hiện (to_ids)"},
    {"replace", 0, OPTION_FLAG, AT(replace), NULL, 0, 0,
     "what was imported of the same sources before goes",
     "bỏ những gì đã nạp trước đây của cùng nguồn"},
    {"strict", 0, OPTION_FLAG, AT(strict), NULL, 0, 0, "exit with 1 when an item was refused",
     "thoát với mã 1 khi có mục bị từ chối"},
    CLI_OPTIONS(import_settings, common, "auto|table|ndjson|csv"),
};

/* +N and h, d or w; or any time. CLOCK_NONE: neither. */
static int64_t expiry_parse(struct slice text, int64_t now_ns)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t number;
    if (text.len < 3 || text.data[0] != '+')
        return clock_parse(text, NULL, now_ns);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (text.data[text.len - 1] == units[i].unit &&
            slice_to_u64(slice_part(text, 1, text.len - 2), &number) && number <= 100000)
            return now_ns + (int64_t)number * units[i].seconds * CLOCK_SECOND_NS;
    return CLOCK_NONE;
}

struct figures {
    const struct intel_gather *gather;
    const struct intel_store_change *change;
};

enum { FIGURE_COUNT = 13 };
struct figure {
    const char *key, *text_en, *text_vi;
    uint64_t value;
};

static void figures_list(const struct figures *f, struct figure out[FIGURE_COUNT])
{
    const struct intel_reader_counts *c = &f->gather->counts;
    const struct figure list[FIGURE_COUNT] = {
        {"files", "files read", "tệp đã đọc", f->gather->files},
        {"indicators", "indicators read", "dấu hiệu đã đọc", c->indicators},
        {"exceptions", "entries of warning lists read", "mục danh sách lành đã đọc", c->exceptions},
        {"refused", "items refused", "mục bị từ chối", c->refused},
        {"patterns", "STIX patterns that are no list of values (not in the table)",
         "mẫu STIX không phải danh sách giá trị (không vào bảng)", c->patterns},
        {"passed_over", "items not for detection", "mục không dùng để phát hiện", c->passed_over},
        {"revoked", "indicators taken back by their producer", "dấu hiệu bị nguồn thu hồi",
         c->revoked},
        {"expired", "indicators that had ended", "dấu hiệu đã hết hạn",
         c->expired + f->change->expired},
        {"replaced", "older entries that gave way", "mục cũ được thay", f->change->replaced},
        {"unreadable", "files that cannot be read", "tệp không đọc được", f->gather->unreadable},
        {"files_passed_over", "files that are no feeds", "tệp không phải nguồn dấu hiệu",
         f->gather->passed_over},
        {"total_indicators", "indicators in the table now", "dấu hiệu trong bảng hiện nay",
         f->change->indicator_count},
        {"total_exceptions", "exceptions in the table now", "ngoại lệ trong bảng hiện nay",
         f->change->exception_count},
    };
    memcpy(out, list, sizeof list);
}

static void figures_write(const struct figures *f, const struct output_options *form,
                          struct buf *out)
{
    struct figure list[FIGURE_COUNT];
    struct json_writer w = {.out = out};
    figures_list(f, list);
    if (form->kind == OUTPUT_NDJSON)
        json_open_object(&w);
    for (size_t i = 0; i < FIGURE_COUNT && form->kind == OUTPUT_CSV; i++)
        buf_printf(out, "%s%s", i ? "," : "", list[i].key);
    if (form->kind == OUTPUT_CSV)
        buf_string(out, "\r\n");
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        unsigned long long value = list[i].value;
        if (form->kind == OUTPUT_NDJSON) {
            json_key(&w, list[i].key);
            json_u64(&w, value);
        } else if (form->kind == OUTPUT_CSV) {
            buf_printf(out, "%s%llu", i ? "," : "", value);
        } else if (value || i == 0 || i >= FIGURE_COUNT - 2) {
            buf_printf(out, "%10llu  %s\n", value,
                       form->vietnamese ? list[i].text_vi : list[i].text_en);
        }
    }
    if (form->kind == OUTPUT_NDJSON)
        json_close_object(&w);
    if (form->kind != OUTPUT_TABLE)
        buf_string(out, form->kind == OUTPUT_CSV ? "\r\n" : "\n");
}

/* The tables of what was read, for the store. */
struct incoming {
    struct buf bytes[2];
    struct indicator_table *tables[2];
};

static int incoming_open(struct incoming *in, struct intel_gather *g, struct err *err)
{
    struct indicator_builder **builders[2] = {&g->indicators, &g->exceptions};
    int rc = ERR_OK;
    for (size_t i = 0; i < 2 && rc == ERR_OK; i++) {
        indicator_builder_finish(*builders[i], &in->bytes[i]);
        indicator_builder_close(builders[i]);
        rc = indicator_table_open(&in->tables[i], buf_as_slice(&in->bytes[i]), err);
    }
    return rc;
}

static void incoming_close(struct incoming *in)
{
    for (size_t i = 0; i < 2; i++) {
        indicator_table_close(&in->tables[i]);
        buf_free(&in->bytes[i]);
    }
}

static int store(const struct import_settings *settings, struct intel_gather *g,
                 struct intel_store_change *change, struct err *err)
{
    struct incoming in = {0};
    struct intel_store *s = NULL;
    int rc = incoming_open(&in, g, err);
    change->indicators = in.tables[0];
    change->exceptions = in.tables[1];
    change->ids = &g->ids;
    change->sources = settings->replace ? &g->sources : NULL;
    if (rc == ERR_OK)
        rc = intel_store_open(&s, settings->data, err);
    if (rc == ERR_OK)
        rc = intel_store_change(s, change, err);
    intel_store_close(&s);
    incoming_close(&in);
    return rc;
}

static int import(const struct import_settings *settings,
                  const struct intel_gather_options *options, struct cli_intel_problems *problems)
{
    struct intel_gather g = {0};
    struct intel_store_change change = {.now_ns = options->reader.now_ns};
    struct output_options form = {.vietnamese = cli_vietnamese(&settings->common)};
    struct buf out = {0};
    struct err err = {0};
    check(output_options_set(&form, settings->common.output, STDOUT_FILENO, NULL) == ERR_OK);
    int rc = intel_gather_paths(&g, options, &err);
    cli_intel_problems_end(problems);
    if (rc == ERR_OK && g.files == 0)
        rc = err_set(&err, ERR_NOT_FOUND, "no feed was read: nothing was changed");
    if (rc == ERR_OK)
        rc = store(settings, &g, &change, &err);
    int code = rc == ERR_OK ? CLI_OK : cli_fail(CLI_FAILURE, &err);
    if (rc == ERR_OK) {
        figures_write(&(struct figures){&g, &change}, &form, &out);
        code = cli_write(&out, NULL);
    }
    if (code == CLI_OK && g.unreadable)
        code = CLI_FAILURE;
    else if (code == CLI_OK && settings->strict && g.counts.refused)
        code = CLI_PROBLEMS;
    buf_free(&out);
    intel_gather_free(&g);
    return code;
}

static int import_with(const struct import_settings *settings, const struct option_list *paths)
{
    struct cli_intel_problems problems = {.common = &settings->common};
    struct intel_gather_options options = {
        .paths = paths,
        .reader = {.source = slice_from(settings->source),
                   .source_fixed = settings->source != NULL,
                   .confidence = settings->confidence == CONFIDENCE_UNSET
                                     ? INDICATOR_CONFIDENCE_NONE
                                     : (uint8_t)settings->confidence,
                   .until_ns = CLOCK_NONE,
                   .now_ns = clock_now_ns(),
                   .all = settings->all,
                   .warning_list = settings->warning_list},
        .problem = cli_intel_problem,
        .note = cli_intel_note,
        .context = &problems,
        .exceptions_apart = true,
    };
    struct err err;
    if (settings->tlp)
        check(intel_reader_tlp(slice_from(settings->tlp), &options.reader.tlp));
    if (settings->expires) {
        options.reader.until_ns =
            expiry_parse(slice_from(settings->expires), options.reader.now_ns);
        if (options.reader.until_ns == CLOCK_NONE) {
            (void)err_set(&err, ERR_USAGE,
                          "--expires %.40s: give a time such as 2027-01-31, or +30d",
                          settings->expires);
            return cli_fail(CLI_USAGE, &err);
        }
    }
    return import(settings, &options, &problems);
}

int cli_intel_import(int argc, char **argv)
{
    static const char usage[] = "canh intel import [options] FILE | FOLDER | ARCHIVE | - ...\n";
    struct import_settings settings = {.data = INTEL_STORE_DATA, .confidence = CONFIDENCE_UNSET};
    struct option_list paths = {0};
    struct err err;
    (void)signal(SIGPIPE, SIG_IGN);
    int code = cli_parse(import_options, sizeof import_options / sizeof import_options[0], argc,
                         argv, &settings, &settings.common, &paths, usage);
    if (code < 0 && paths.count == 0) {
        (void)err_set(&err, ERR_USAGE,
                      "intel import: name the feeds to read, or `-` for the standard input");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = import_with(&settings, &paths);
    option_list_free(&paths);
    return code;
}
