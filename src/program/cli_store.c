/* canh store: care of the store. */
#include "program/cli_store.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "store/dump.h"

struct care_settings {
    struct cli_common common;
    struct data_settings data;
};

struct dump_settings {
    struct cli_common common;
    bool rows;
};

static const struct option care_options[] = {
    DATA_OPTIONS(care_settings, data),
    CLI_OPTIONS(care_settings, common, "auto"),
};

static const struct option dump_options[] = {
    {"rows", 0, OPTION_FLAG, offsetof(struct dump_settings, rows), NULL, 0, 0,
     "also the events themselves", "in cả nội dung sự kiện"},
    CLI_OPTIONS(dump_settings, common, "auto"),
};

static int usage_fail(const char *text)
{
    struct err err;
    (void)err_set(&err, ERR_USAGE, "%s", text);
    return cli_fail(CLI_USAGE, &err);
}

/* ---- dump ---- */

struct dumping {
    bool closed;
    struct buf out;
};

static int dump_put(void *context, struct slice text)
{
    struct dumping *d = context;
    buf_slice(&d->out, text);
    if (d->out.len >= 65536 && cli_write(&d->out, &d->closed) != CLI_OK)
        return ERR_IO;
    return d->closed ? ERR_CLOSED : ERR_OK;
}

static int dump_path(const struct dump_settings *settings, const char *path)
{
    struct dumping d = {0};
    struct disk *disk = NULL;
    struct buf folder = {0};
    struct err err = {0};
    const char *slash = strrchr(path, '/');
    if (slash)
        buf_append(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    else
        buf_char(&folder, '.');
    int rc = disk_open_folder(&disk, buf_text(&folder), &err);
    if (rc == ERR_OK)
        rc = dump_file(disk, slash ? slash + 1 : path, settings->rows, dump_put, &d, &err);
    int code = d.closed ? CLI_OK : cli_write(&d.out, &d.closed);
    if (rc && !d.closed)
        code = cli_fail(CLI_FAILURE, &err);
    disk_close_folder(&disk);
    buf_free(&folder);
    buf_free(&d.out);
    return code;
}

static int dump_run(int argc, char **argv)
{
    struct dump_settings settings = {0};
    struct option_list operands = {0};
    int code = cli_parse(dump_options, sizeof dump_options / sizeof dump_options[0], argc, argv,
                         &settings, &settings.common, &operands, "canh store dump [--rows] FILE\n");
    if (code < 0 && operands.count != 1)
        code = usage_fail("store dump shows one file of a store: name it");
    if (code < 0)
        code = dump_path(&settings, operands.items[0]);
    option_list_free(&operands);
    return code;
}

/* ---- rebuild, merge, seal, snapshot ---- */

typedef int care_run(const struct care_settings *settings, struct data *data, const char *operand,
                     struct buf *said, struct err *err);

/* Operands: as many as wanted. The run says what it did; that goes to stdout. */
static int care(int argc, char **argv, const char *usage, const char *operand_name, care_run *run)
{
    struct care_settings settings = {0};
    struct option_list operands = {0};
    struct data data = {0};
    struct buf said = {0};
    struct err err = {0};
    int code = cli_parse(care_options, sizeof care_options / sizeof care_options[0], argc, argv,
                         &settings, &settings.common, &operands, usage);
    if (code < 0 && operands.count != (operand_name ? 1 : 0)) {
        (void)err_set(&err, ERR_USAGE,
                      operand_name ? "store %s needs %s, once" : "store %s takes options only%.0s",
                      argv[0], operand_name ? operand_name : "");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0) {
        int rc = run(&settings, &data, operand_name ? operands.items[0] : NULL, &said, &err);
        code = rc == ERR_OK ? CLI_OK : cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err);
        if (rc == ERR_OK && !settings.common.quiet)
            code = cli_write(&said, NULL);
    }
    data_close(&data);
    option_list_free(&operands);
    buf_free(&said);
    return code;
}

static int rebuild(const struct care_settings *settings, struct data *data, const char *operand,
                   struct buf *said, struct err *err)
{
    struct store_rebuilt r;
    bool vi = cli_vietnamese(&settings->common);
    (void)operand;
    int rc = data_find(data, &settings->data, err);
    if (rc == ERR_OK)
        rc = store_rebuild(data->path, clock_now_ns(), &r, err);
    if (rc)
        return rc;
    buf_printf(said,
               vi ? "đã lập lại danh mục: %llu phân đoạn, %llu sự kiện\n"
                  : "the catalog was made again: %llu segments, %llu events\n",
               (unsigned long long)r.segments, (unsigned long long)r.rows);
    if (r.damaged)
        buf_printf(said,
                   vi ? "%llu phân đoạn bị hỏng, không đọc được; `canh verify` cho biết phân đoạn "
                        "nào\n"
                      : "%llu segments are damaged and cannot be read; `canh verify` says which\n",
                   (unsigned long long)r.damaged);
    if (r.dropped)
        buf_printf(said,
                   vi ? "%llu phân đoạn dở dang được bỏ: nhật ký còn đủ sự kiện của chúng\n"
                      : "%llu segments were left out: the journal still has their events\n",
                   (unsigned long long)r.dropped);
    if (r.new_checkpoint)
        buf_string(said, vi ? "vị trí đọc của các nguồn có thể cũ hơn: phần đó sẽ được đọc lại\n"
                            : "what sources had read last may be older: that part is read again\n");
    return ERR_OK;
}

static int merge(const struct care_settings *settings, struct data *data, const char *operand,
                 struct buf *said, struct err *err)
{
    uint64_t merged = 0;
    (void)operand;
    int rc = data_open(data, &settings->data, true, err);
    if (rc == ERR_OK)
        rc = store_merge(data->store, clock_now_ns(), &merged, err);
    buf_printf(said,
               cli_vietnamese(&settings->common) ? "đã gộp %llu phân đoạn\n"
                                                 : "%llu segments were merged\n",
               (unsigned long long)merged);
    return rc;
}

static int seal(const struct care_settings *settings, struct data *data, const char *operand,
                struct buf *said, struct err *err)
{
    struct store_stats before, after;
    (void)operand;
    int rc = data_open(data, &settings->data, true, err);
    if (rc == ERR_OK)
        rc = store_stat(data->store, &before, err);
    if (rc == ERR_OK)
        rc = store_seal(data->store, clock_now_ns(), err);
    if (rc == ERR_OK)
        rc = store_tick(data->store, clock_now_ns(), err);
    if (rc == ERR_OK)
        rc = store_stat(data->store, &after, err);
    if (rc == ERR_OK)
        buf_printf(said,
                   cli_vietnamese(&settings->common) ? "đã niêm %llu sự kiện\n"
                                                     : "%llu events were sealed\n",
                   (unsigned long long)(after.sealed_sequence - before.sealed_sequence));
    return rc;
}

static int snapshot(const struct care_settings *settings, struct data *data, const char *operand,
                    struct buf *said, struct err *err)
{
    int rc = data_open(data, &settings->data, false, err);
    if (rc == ERR_OK)
        rc = store_snapshot(data->store, operand, err);
    buf_printf(said,
               cli_vietnamese(&settings->common)
                   ? "%s: bản sao của kho, mở được như một kho\n"
                   : "%s: a copy of the store, which can be opened as one\n",
               operand);
    return rc;
}

static int rebuild_run(int argc, char **argv)
{
    return care(argc, argv, "canh store rebuild --data DIR\n", NULL, rebuild);
}

static int merge_run(int argc, char **argv)
{
    return care(argc, argv, "canh store merge --data DIR\n", NULL, merge);
}

static int seal_run(int argc, char **argv)
{
    return care(argc, argv, "canh store seal --data DIR\n", NULL, seal);
}

static int snapshot_run(int argc, char **argv)
{
    return care(argc, argv, "canh store snapshot FOLDER --data DIR\n", "the folder of the copy",
                snapshot);
}

int cli_store(int argc, char **argv)
{
    static const struct cli_command commands[] = {
        {"stat", cli_store_stat, "what is in the store", "trong kho có gì"},
        {"dump", dump_run, "show a file of a store in readable form",
         "in một tệp của kho ở dạng đọc được"},
        {"expire", cli_store_expire, "remove what retention says is old",
         "xóa phần đã hết hạn lưu giữ"},
        {"seal", seal_run, "make segments of what is in the journal",
         "niêm nhật ký thành phân đoạn"},
        {"merge", merge_run, "merge small segments", "gộp các phân đoạn nhỏ"},
        {"snapshot", snapshot_run, "make a copy that can be opened as a store",
         "tạo bản sao mở được như một kho"},
        {"rebuild", rebuild_run, "make the catalog again from the segments",
         "lập lại danh mục từ các phân đoạn"},
        {NULL, NULL, NULL, NULL},
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cli_dispatch(commands, "canh store", argc, argv);
}
