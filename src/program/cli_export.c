/* canh export: whole events, in the order in which they were stored. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "program/cli_node.h"
#include "program/cli_query.h"
#include "program/interrupt.h"
#include "program/row_json.h"
#include "program/row_text.h"

#define WRITE_BYTES ((size_t)256 << 10)

struct export_settings {
    struct cli_common common;
    struct data_settings data;
    struct server_settings server;
    struct query_settings query;
    const char *out;
    bool about;
};

#define AT(member) offsetof(struct export_settings, member)
static const struct option export_options[] = {
    DATA_OPTIONS(export_settings, data),
    SERVER_OPTIONS(export_settings, server),
    {"out", 0, OPTION_TEXT, AT(out), "FILE", 0, 0,
     "write there instead of to stdout; a file that exists is not touched",
     "ghi vào tệp này thay vì ra stdout; không ghi đè tệp đã có"},
    {"about", 0, OPTION_FLAG, AT(about), NULL, 0, 0,
     "NDJSON: a member _canh with id, times, source and file of each event",
     "NDJSON: thêm mục _canh gồm mã, thời gian, nguồn và tệp của từng sự kiện"},
    CLI_QUERY_OPTIONS(export_settings, query),
    CLI_OPTIONS(export_settings, common, "auto|ndjson|csv|canonical"),
};

enum export_form { EXPORT_NDJSON, EXPORT_CSV, EXPORT_CANONICAL };

struct exporting {
    const struct export_settings *settings;
    struct data *data;
    struct query_run run;
    struct output_options output;
    struct row_text *text; /* CSV */
    enum export_form form;
    int fd;
    struct buf out;
    uint64_t rows, bytes;
    bool closed, shown;
};

static int out_write(struct exporting *e, struct err *err)
{
    int rc = io_write_all(e->fd, e->out.data, e->out.len, err);
    e->bytes += e->out.len;
    buf_clear(&e->out);
    e->closed |= rc == ERR_CLOSED;
    if (rc == ERR_OK || rc == ERR_CLOSED)
        return ERR_OK;
    return err_prefix(err, "%s", e->settings->out ? e->settings->out : "standard output");
}

static void row_put(struct exporting *e, const struct row *row)
{
    uint32_t epoch = e->output.epoch;
    e->rows++;
    if (e->form == EXPORT_CSV) {
        row_text_row(e->text, row, NULL, 0, &e->out);
    } else if (e->form == EXPORT_NDJSON) {
        row_json_received(row, e->settings->about, epoch, &e->out);
        buf_char(&e->out, '\n');
    } else {
        buf_printf(&e->out, "event %lu:%llu\n", (unsigned long)epoch,
                   (unsigned long long)row->sequence);
        row_canonical(row, &e->out);
    }
}

static void progress_show(struct exporting *e, const struct store_progress *p)
{
    if (e->settings->common.quiet || !isatty(STDERR_FILENO) || p->bytes_total == 0)
        return;
    e->shown = true;
    (void)fprintf(stderr,
                  e->output.vietnamese ? "\r\033[Kđã xuất %llu sự kiện (%u%%)"
                                       : "\r\033[K%llu events exported (%u%%)",
                  (unsigned long long)e->rows, (unsigned)(p->bytes_done * 100 / p->bytes_total));
}

static int rows_export(struct exporting *e, struct store_progress *progress, struct err *err)
{
    struct store_cursor *cursor = NULL;
    struct store_item item;
    int rc = store_search(e->data->store, &e->run.search, &cursor, err);
    if (rc)
        return rc;
    while (rc == ERR_OK && !e->closed) {
        rc = interrupt_came() ? err_set(err, ERR_CANCELED, "the export was stopped")
                              : store_next(cursor, &item, err);
        if (rc == ERR_OK && item.kind != STORE_ROW)
            progress_show(e, &item.progress);
        else if (rc == ERR_OK)
            row_put(e, item.row);
        if (e->out.len >= WRITE_BYTES) {
            int written = out_write(e, err);
            rc = written ? written : rc;
        }
    }
    store_cursor_progress(cursor, progress);
    store_cursor_close(&cursor);
    if (e->shown)
        (void)fputs("\r\033[K", stderr);
    return rc == ERR_END ? ERR_OK : rc;
}

static int out_open(struct exporting *e, struct err *err)
{
    e->fd = STDOUT_FILENO;
    if (!e->settings->out)
        return ERR_OK;
    e->fd = open(e->settings->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (e->fd < 0 && errno == EEXIST)
        return err_set(err, ERR_USAGE, "%s is there already: name a new file, or remove it",
                       e->settings->out);
    return e->fd < 0 ? err_set_errno(err, errno, "%s cannot be made", e->settings->out) : ERR_OK;
}

/* What was written is on the disk when the command says that it is done. */
static int out_end(struct exporting *e, struct err *err)
{
    int rc = e->closed ? ERR_OK : out_write(e, err);
    if (!e->settings->out || e->fd < 0)
        return rc;
    if (rc == ERR_OK && fsync(e->fd) != 0 && errno != EINVAL)
        rc = err_set_errno(err, errno, "%s cannot be written", e->settings->out);
    if (close(e->fd) != 0 && rc == ERR_OK)
        rc = err_set_errno(err, errno, "%s cannot be written", e->settings->out);
    return rc;
}

static void form_set(struct exporting *e)
{
    const char *name = e->settings->common.output;
    e->form = name && strcmp(name, "csv") == 0         ? EXPORT_CSV
              : name && strcmp(name, "canonical") == 0 ? EXPORT_CANONICAL
                                                       : EXPORT_NDJSON;
    e->output = (struct output_options){.kind = OUTPUT_CSV,
                                        .vietnamese = cli_vietnamese(&e->settings->common),
                                        .epoch = store_epoch(e->data->store)};
}

static int export_start(struct exporting *e, const struct option_list *words, struct err *err)
{
    form_set(e);
    int rc = cli_query_open(&e->run, e->data, &e->settings->query, words, err);
    if (rc == ERR_OK && e->run.query->pipe_count)
        rc = err_set(err, ERR_USAGE,
                     "export writes whole events and takes no pipes: `canh search` does");
    if (rc == ERR_OK)
        rc = out_open(e, err);
    if (rc)
        return rc;
    e->output.zone = e->run.zone;
    e->run.search.order = STORE_SEQUENCE;
    e->run.search.canceled = interrupt_flag();
    struct row_text_options text = {
        .output = &e->output, .mappings = e->run.mappings, .set = e->run.set};
    if (e->form == EXPORT_CSV) {
        e->text = row_text_open(&text);
        row_text_heading(e->text, &e->out);
    }
    return ERR_OK;
}

static int export_with(struct exporting *e, const struct option_list *words)
{
    struct store_progress progress = {0};
    struct err err = {0}, end_err;
    int rc = export_start(e, words, &err);
    if (rc)
        return cli_query_fail(&e->run, &err);
    if (!e->run.query->nothing)
        rc = rows_export(e, &progress, &err);
    int end = out_end(e, &end_err);
    bool vi = e->output.vietnamese;
    int code = CLI_OK;
    if (rc)
        code = cli_fail(CLI_FAILURE, &err);
    if (end && end != rc)
        code = cli_fail(CLI_FAILURE, &end_err);
    if (progress.damaged_rows) {
        code = CLI_FAILURE;
        (void)fprintf(stderr,
                      vi ? "canh: %llu sự kiện bị hỏng, không xuất được; `canh verify` cho biết ở "
                           "đâu\n"
                         : "canh: %llu events are damaged and were not exported; `canh verify` "
                           "says where\n",
                      (unsigned long long)progress.damaged_rows);
    }
    if (!e->settings->common.quiet && !e->closed)
        (void)fprintf(stderr,
                      rc ? (vi ? "canh: mới xuất %llu sự kiện, chưa đầy đủ\n"
                               : "canh: %llu events exported, not all\n")
                         : (vi ? "canh: đã xuất %llu sự kiện\n" : "canh: %llu events exported\n"),
                      (unsigned long long)e->rows);
    return code;
}

int export_command(int argc, char **argv, const struct data *given)
{
    struct export_settings settings = {0};
    struct option_list words = {0};
    struct data data = {0};
    struct err err = {0};
    int code = cli_parse(
        export_options, sizeof export_options / sizeof export_options[0], argc, argv, &settings,
        &settings.common, &words,
        "canh export --data DIR [-o ndjson|csv|canonical] [--out FILE] [options] [QUERY]\n");
    if (code < 0 && settings.server.server && !given)
        code = cli_node_ask("export", argc, argv, &settings.server, &settings.common);
    if (code < 0 && cli_query_data(&data, &settings.data, given, &err) != ERR_OK)
        code = cli_fail(CLI_FAILURE, &err);
    if (code < 0) {
        struct exporting e = {.settings = &settings, .data = &data, .fd = -1};
        code = export_with(&e, &words);
        row_text_close(&e.text);
        query_run_close(&e.run);
        buf_free(&e.out);
    }
    data_close(&data);
    option_list_free(&settings.query.span.partitions);
    option_list_free(&words);
    return code;
}

int cli_export(int argc, char **argv)
{
    interrupt_watch();
    return export_command(argc, argv, NULL);
}
