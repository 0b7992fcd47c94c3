/* canh store expire: what store.partitions of canh.yaml does not keep goes. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "program/cell.h"
#include "program/cli_store.h"
#include "program/policy.h"

struct expire_settings {
    struct cli_common common;
    struct data_settings data;
    bool dry_run;
};

static const struct option expire_options[] = {
    DATA_OPTIONS(expire_settings, data),
    {"dry-run", 0, OPTION_FLAG, offsetof(struct expire_settings, dry_run), NULL, 0, 0,
     "only say what would go", "chỉ nói sẽ xóa những gì"},
    CLI_OPTIONS(expire_settings, common, "auto|table"),
};

struct expiring {
    const struct expire_settings *settings;
    struct buf out;
};

static void segment_said(void *context, struct slice path, uint64_t rows, uint64_t bytes,
                         const char *reason)
{
    struct expiring *x = context;
    bool vi = cli_vietnamese(&x->settings->common);
    bool age = strcmp(reason, "age") == 0;
    (void)cell_terminal(path, 0, &x->out);
    buf_printf(&x->out, vi ? ": %llu sự kiện, %.1f MB, %s\n" : ": %llu events, %.1f MB, %s\n",
               (unsigned long long)rows, (double)bytes / (double)((uint64_t)1 << 20),
               vi ? (age ? "quá hạn lưu giữ" : "vượt dung lượng cho phép")
                  : (age ? "older than is kept" : "more than is kept"));
}

static int expire(struct expiring *x, struct data *data, struct err *err)
{
    struct store_policy policies[POLICY_MAX];
    uint32_t count = policy_list(data->config, policies);
    struct store_expired done = {0};
    bool vi = cli_vietnamese(&x->settings->common);
    int rc = store_expire(data->store, policies, count, clock_now_ns(), x->settings->dry_run,
                          segment_said, x, &done, err);
    buf_printf(&x->out,
               x->settings->dry_run ? (vi ? "sẽ xóa %llu phân đoạn, %llu sự kiện, %.1f MB\n"
                                          : "%llu segments with %llu events, %.1f MB, would go\n")
                                    : (vi ? "đã xóa %llu phân đoạn, %llu sự kiện, %.1f MB\n"
                                          : "%llu segments with %llu events, %.1f MB, are gone\n"),
               (unsigned long long)done.segments, (unsigned long long)done.rows,
               (double)done.bytes / (double)((uint64_t)1 << 20));
    return rc;
}

int cli_store_expire(int argc, char **argv)
{
    struct expire_settings settings = {0};
    struct option_list operands = {0};
    struct data data = {0};
    struct err err = {0};
    int code = cli_parse(expire_options, sizeof expire_options / sizeof expire_options[0], argc,
                         argv, &settings, &settings.common, &operands,
                         "canh store expire --data DIR [--dry-run]\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "store expire takes options only, not \"%.60s\"",
                      operands.items[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && data_open(&data, &settings.data, true, &err) != ERR_OK)
        code = cli_fail(CLI_FAILURE, &err);
    if (code < 0) {
        struct expiring x = {.settings = &settings};
        int rc = expire(&x, &data, &err);
        code = settings.common.quiet ? CLI_OK : cli_write(&x.out, NULL);
        if (rc)
            code = cli_fail(CLI_FAILURE, &err);
        buf_free(&x.out);
    }
    data_close(&data);
    option_list_free(&operands);
    return code;
}
