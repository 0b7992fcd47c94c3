/* canh intel list, canh intel remove. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "program/cli_intel.h"
#include "watch/intel_store.h"

enum { WRITE_BYTES = 64 << 10 };

struct list_settings {
    struct cli_common common;
    const char *data, *type, *source;
    bool exceptions;
};

#define AT(member) offsetof(struct list_settings, member)
static const struct option list_options[] = {
    {"data", 0, OPTION_TEXT, AT(data), "DIR", 0, 0, "data folder (default /var/lib/canh)",
     "thư mục dữ liệu (mặc định /var/lib/canh)"},
    {"type", 0, OPTION_TEXT, AT(type), "T", 0, 0,
     "only of this type (ip, cidr, domain, url, sha256 ...)",
     "chỉ loại này (ip, cidr, domain, url, sha256 ...)"},
    {"source", 0, OPTION_TEXT, AT(source), "NAME", 0, 0, "only of this source or warning list",
     "chỉ nguồn hoặc danh sách lành này"},
    {"exceptions", 0, OPTION_FLAG, AT(exceptions), NULL, 0, 0,
     "the entries of warning lists instead", "thay vào đó, liệt kê mục của các danh sách lành"},
    CLI_OPTIONS(list_settings, common, "auto|table|ndjson|csv"),
};
static const struct option remove_options[] = {
    {"data", 0, OPTION_TEXT, AT(data), "DIR", 0, 0, "data folder (default /var/lib/canh)",
     "thư mục dữ liệu (mặc định /var/lib/canh)"},
    {"source", 0, OPTION_TEXT, AT(source), "NAME", 0, 0, "the source or warning list to take out",
     "nguồn hoặc danh sách lành cần gỡ"},
    CLI_OPTIONS(list_settings, common, "auto|table|ndjson|csv"),
};

static int list_rows(const struct list_settings *settings, const struct indicator_table *t,
                     enum indicator_type type)
{
    struct output_options form = {.vietnamese = cli_vietnamese(&settings->common)};
    struct buf out = {0};
    bool closed = false;
    int code = CLI_OK;
    uint64_t count = t ? indicator_table_count(t) : 0;
    check(output_options_set(&form, settings->common.output, STDOUT_FILENO, NULL) == ERR_OK);
    cli_intel_head(&form, false, &out);
    for (uint64_t n = 0; n < count && code == CLI_OK && !closed; n++) {
        struct indicator i;
        indicator_table_get(t, n, &i);
        if ((type != INDICATOR_TYPES && i.type != type) ||
            (settings->source && !slice_equal(i.source, slice_from(settings->source))))
            continue;
        cli_intel_row(&form, NULL, &i, &out);
        if (out.len > WRITE_BYTES)
            code = cli_write(&out, &closed);
    }
    if (code == CLI_OK && !closed)
        code = cli_write(&out, &closed);
    buf_free(&out);
    return code;
}

static int type_parse(const char *name, enum indicator_type *out, struct err *err)
{
    const char *names[INDICATOR_TYPES + 1] = {0};
    *out = INDICATOR_TYPES;
    for (int i = 0; i < INDICATOR_TYPES; i++) {
        names[i] = indicator_type_names[i];
        if (name && strcmp(name, names[i]) == 0)
            *out = (enum indicator_type)i;
    }
    if (!name || *out != INDICATOR_TYPES)
        return ERR_OK;
    const char *near = text_nearest(slice_from(name), names);
    return near ? err_set(err, ERR_USAGE, "--type %.40s: did you mean %s?", name, near)
                : err_set(err, ERR_USAGE,
                          "--type %.40s is not known: ip, cidr, ip:port, domain, url, url-prefix, "
                          "md5, sha1, sha256, email, file-name ...",
                          name);
}

int cli_intel_list(int argc, char **argv)
{
    struct list_settings settings = {.data = INTEL_STORE_DATA};
    struct option_list operands = {0};
    struct intel_store_table t = {.map.bytes = SLICE("")};
    enum indicator_type type;
    struct err err;
    (void)signal(SIGPIPE, SIG_IGN);
    int code = cli_parse(list_options, sizeof list_options / sizeof list_options[0], argc, argv,
                         &settings, &settings.common, &operands,
                         "canh intel list [--data DIR] [--type T] [--source NAME]\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "intel list takes options only, not \"%.40s\"",
                      operands.items[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && type_parse(settings.type, &type, &err) != ERR_OK)
        code = cli_fail(CLI_USAGE, &err);
    if (code < 0) {
        enum intel_store_file file =
            settings.exceptions ? INTEL_STORE_EXCEPTIONS : INTEL_STORE_INDICATORS;
        code = intel_store_open_table(&t, settings.data, file, &err) == ERR_OK
                   ? list_rows(&settings, t.table, type)
                   : cli_fail(CLI_FAILURE, &err);
        intel_store_close_table(&t);
    }
    option_list_free(&operands);
    return code;
}

/* ---- remove ---- */

static int take_out(const struct list_settings *settings)
{
    struct map sources = {0};
    struct intel_store *s = NULL;
    struct intel_store_change change = {.sources = &sources, .now_ns = clock_now_ns()};
    struct err err;
    (void)map_put(&sources, slice_from(settings->source), 1, NULL);
    int rc = intel_store_open(&s, settings->data, &err);
    if (rc == ERR_OK)
        rc = intel_store_change(s, &change, &err);
    intel_store_close(&s);
    map_free(&sources);
    if (rc != ERR_OK)
        return cli_fail(CLI_FAILURE, &err);
    if (change.replaced == 0) {
        (void)err_set(&err, ERR_NOT_FOUND,
                      "nothing in %s is from the source \"%.100s\": canh intel list shows sources",
                      settings->data, settings->source);
        return cli_fail(CLI_PROBLEMS, &err);
    }
    if (!settings->common.quiet)
        (void)fprintf(stderr,
                      cli_vietnamese(&settings->common)
                          ? "canh: đã gỡ %llu mục, %llu mục hết hạn; còn %llu dấu hiệu, %llu ngoại "
                            "lệ\n"
                          : "canh: %llu entries taken out, %llu had ended; %llu indicators and "
                            "%llu exceptions are left\n",
                      (unsigned long long)change.replaced, (unsigned long long)change.expired,
                      (unsigned long long)change.indicator_count,
                      (unsigned long long)change.exception_count);
    return CLI_OK;
}

int cli_intel_remove(int argc, char **argv)
{
    struct list_settings settings = {.data = INTEL_STORE_DATA};
    struct option_list operands = {0};
    struct err err;
    int code = cli_parse(remove_options, sizeof remove_options / sizeof remove_options[0], argc,
                         argv, &settings, &settings.common, &operands,
                         "canh intel remove [--data DIR] --source NAME\n");
    if (code < 0 && (!settings.source || operands.count)) {
        (void)err_set(&err, ERR_USAGE, "intel remove needs --source NAME, and nothing else");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = take_out(&settings);
    option_list_free(&operands);
    return code;
}
