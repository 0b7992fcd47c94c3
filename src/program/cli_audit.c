/* canh audit: the chain of who changed what: list, verify, export. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_node.h"
#include "program/interrupt.h"
#include "program/keys.h"
#include "program/output.h"
#include "state/audit.h"

enum { PAGE_ROWS = 1000, WRITE_BYTES = 64 << 10, HEAD_DIGITS = 64, PROBLEMS_SHOWN = 100 };

struct audit_settings {
    struct cli_common common;
    struct data_settings data;
    const char *head, *public_key;
    uint64_t after;
};

#define AT(member) offsetof(struct audit_settings, member)
static const struct option verify_options[] = {
    DATA_OPTIONS(audit_settings, data),
    {"head", 0, OPTION_TEXT, AT(head), "HEX", 0, 0,
     "a head that was kept elsewhere: it must be in the chain",
     "mã đầu chuỗi đã lưu ở nơi khác: phải có trong chuỗi"},
    {"public-key", 0, OPTION_TEXT, AT(public_key), "FILE", 0, 0,
     "the node's public key (PEM), kept elsewhere (default: of DATA/keys)",
     "khóa công khai của nút (PEM), lưu ở nơi khác (mặc định: trong DATA/keys)"},
    CLI_OPTIONS(audit_settings, common, "auto|table|ndjson"),
};
static const struct option export_options[] = {
    DATA_OPTIONS(audit_settings, data),
    {"after", 0, OPTION_NUMBER, AT(after), "ID", 1, INT64_MAX, "only rows behind this one",
     "chỉ xuất các dòng sau dòng này"},
    CLI_OPTIONS(audit_settings, common, "auto|ndjson"),
};

struct verifying {
    bool json, vietnamese;
    uint64_t shown;
    struct buf out;
};

static void problem_show(void *context, uint64_t id, const char *problem)
{
    struct verifying *v = context;
    if (++v->shown > PROBLEMS_SHOWN)
        return;
    if (v->json) {
        struct json_writer w = {.out = &v->out};
        json_open_object(&w);
        json_key(&w, "id");
        json_u64(&w, id);
        json_key(&w, "problem");
        json_string(&w, slice_from(problem));
        json_close_object(&w);
    } else {
        buf_printf(&v->out, v->vietnamese ? "dòng %llu: " : "row %llu: ", (unsigned long long)id);
        (void)cell_terminal(slice_from(problem), 0, &v->out);
    }
    buf_char(&v->out, '\n');
}

/* false: there is none, and why is told: signatures are a problem then. */
static bool key_find(const struct audit_settings *settings, const char *data,
                     uint8_t key[SIGN_PUBLIC_BYTES])
{
    struct sign_key *secret = NULL;
    struct buf pem = {0};
    struct err err = {0};
    int rc;
    if (settings->public_key) {
        rc = io_read_file(&pem, settings->public_key, KEYS_BYTES_MAX, &err);
        if (rc == ERR_OK)
            rc = sign_public_read(key, buf_as_slice(&pem), &err);
    } else {
        rc = keys_read(data, KEYS_NODE, &pem, &err);
        if (rc == ERR_OK)
            rc = sign_secret_read(&secret, buf_as_slice(&pem), &err);
        if (rc == ERR_OK)
            sign_key_public(secret, key);
    }
    sign_key_close(&secret);
    keys_wipe(&pem);
    if (rc)
        (void)cli_fail(CLI_FAILURE, &err);
    return rc == ERR_OK;
}

static void summary_json(const struct audit_verified *r, struct buf *out)
{
    struct json_writer w = {.out = out};
    char head[AUDIT_HEAD_TEXT_BYTES], time[CLOCK_TEXT_BYTES];
    audit_head_text(&r->head, head);
    json_open_object(&w);
    json_key(&w, "rows");
    json_u64(&w, r->rows);
    json_key(&w, "problems");
    json_u64(&w, r->problems);
    json_key(&w, "head");
    json_string(&w, slice_from(head));
    json_key(&w, "head_time");
    if (r->head_ns == CLOCK_NONE)
        json_null(&w);
    else
        json_string(&w, slice_make(time, clock_text(time, r->head_ns)));
    json_key(&w, "signed");
    json_bool(&w, r->is_signed);
    json_key(&w, "anchored");
    json_bool(&w, r->anchored);
    json_close_object(&w);
    buf_char(out, '\n');
}

static void summary_text(const struct audit_verified *r, bool head_given, bool vi, struct buf *out)
{
    char head[AUDIT_HEAD_TEXT_BYTES];
    audit_head_text(&r->head, head);
    buf_printf(out, vi ? "đã kiểm tra %llu dòng: %llu lỗi\n" : "checked %llu rows: %llu problems\n",
               (unsigned long long)r->rows, (unsigned long long)r->problems);
    buf_printf(out, vi ? "đầu chuỗi: %s (%s)\n" : "head: %s (%s)\n", head,
               r->is_signed ? (vi ? "chữ ký đúng" : "signed")
                            : (vi ? "chữ ký không kiểm tra được" : "signature does not hold"));
    if (r->anchored)
        buf_string(out, vi ? "đã neo: mã đầu chuỗi lưu ở nơi khác có trong chuỗi này\n"
                           : "anchored: the head kept elsewhere is in this chain\n");
    else if (!head_given)
        buf_string(out,
                   vi ? "chưa neo: người có khóa của nút vẫn có thể lập một chuỗi khác; hãy lưu mã "
                        "đầu chuỗi này ở nơi khác và kiểm tra bằng --head\n"
                      : "unanchored: who has the node's key could have made another chain; keep "
                        "this head elsewhere and verify with --head\n");
    else
        buf_string(out, vi ? "mã đầu chuỗi đã cho KHÔNG có trong chuỗi: chuỗi đã bị thay\n"
                           : "the head that was given is NOT in this chain: it was replaced\n");
}

static int verify_with(const struct audit_settings *settings, struct err *err)
{
    struct data data = {0};
    struct database *db = NULL;
    struct output_options output = {0};
    struct audit_verified r = {0};
    uint8_t key[SIGN_PUBLIC_BYTES];
    struct verifying v = {.vietnamese = cli_vietnamese(&settings->common)};
    struct slice head = slice_from(settings->head);
    int code = CLI_OK;
    int rc = output_options_set(&output, settings->common.output, STDOUT_FILENO, err);
    if (rc == ERR_OK && settings->head && head.len != HEAD_DIGITS)
        rc = err_set(err, ERR_USAGE,
                     "--head takes the %d hexadecimal digits that an earlier "
                     "`canh audit verify` printed",
                     HEAD_DIGITS);
    if (rc == ERR_OK)
        rc = data_find(&data, &settings->data, err);
    v.json = output.kind == OUTPUT_NDJSON;
    bool has_key = rc == ERR_OK && key_find(settings, data.path, key);
    if (rc == ERR_OK)
        rc = client_state_open(&db, data.path, err);
    if (rc == ERR_OK)
        rc = audit_verify(db, has_key ? key : NULL, head, problem_show, &v, &r, err);
    database_close(&db);
    data_close(&data);
    if (rc == ERR_OK) {
        if (v.shown > PROBLEMS_SHOWN && !v.json)
            buf_printf(&v.out, v.vietnamese ? "... và %llu lỗi nữa\n" : "... and %llu more\n",
                       (unsigned long long)(v.shown - PROBLEMS_SHOWN));
        if (v.json)
            summary_json(&r, &v.out);
        else
            summary_text(&r, settings->head != NULL, v.vietnamese, &v.out);
        code = cli_write(&v.out, NULL);
        if (code == CLI_OK && (r.problems || (settings->head && !r.anchored)))
            code = CLI_PROBLEMS;
    }
    buf_free(&v.out);
    return rc ? cli_fail(cli_node_exit(rc, false), err) : code;
}

struct exporting {
    struct buf out;
    uint64_t last, rows;
    bool closed;
};

static int row_export(void *context, const struct audit_row *row)
{
    struct exporting *e = context;
    struct json_writer w = {.out = &e->out};
    char time[CLOCK_TEXT_BYTES], hash[AUDIT_HEAD_TEXT_BYTES];
    audit_head_text(&row->hash, hash);
    json_open_object(&w);
    json_key(&w, "id");
    json_u64(&w, row->id);
    json_key(&w, "time");
    json_string(&w, slice_make(time, clock_text(time, row->time_ns)));
    json_key(&w, "time_ns");
    json_i64(&w, row->time_ns);
    const struct {
        const char *key;
        struct slice text;
    } texts[] = {{"actor", row->actor},
                 {"from", row->from},
                 {"command", row->command},
                 {"object", row->object}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_key(&w, texts[i].key);
        json_string(&w, texts[i].text);
    }
    json_key(&w, "user_id");
    json_u64(&w, row->user_id);
    json_key(&w, "unit_id");
    json_u64(&w, row->unit_id);
    json_key(&w, "code");
    json_i64(&w, row->code);
    json_key(&w, "detail"); /* as text: the hash is over its bytes */
    json_string(&w, row->detail);
    json_key(&w, "hash");
    json_string(&w, slice_from(hash));
    json_close_object(&w);
    buf_char(&e->out, '\n');
    e->last = row->id;
    e->rows++;
    if (e->out.len >= WRITE_BYTES && cli_write(&e->out, &e->closed) != CLI_OK)
        return ERR_IO;
    return e->closed ? ERR_CLOSED : ERR_OK;
}

static int export_with(const struct audit_settings *settings, struct err *err)
{
    struct data data = {0};
    struct database *db = NULL;
    struct exporting e = {.last = settings->after};
    uint64_t before;
    int code = CLI_OK;
    int rc = data_find(&data, &settings->data, err);
    if (rc == ERR_OK)
        rc = client_state_open(&db, data.path, err);
    do {
        before = e.rows;
        if (rc == ERR_OK)
            rc = audit_read(db, e.last, PAGE_ROWS, row_export, &e, err);
    } while (rc == ERR_OK && e.rows > before && !interrupt_came());
    if (rc == ERR_OK)
        code = cli_write(&e.out, &e.closed);
    database_close(&db);
    data_close(&data);
    buf_free(&e.out);
    if (e.closed)
        return CLI_OK;
    return rc ? cli_fail(cli_node_exit(rc, false), err) : code;
}

static int audit_run(int argc, char **argv, const char *usage, const struct option *options,
                     size_t option_count,
                     int (*with)(const struct audit_settings *settings, struct err *err))
{
    struct audit_settings settings = {0};
    struct option_list operands = {0};
    struct err err = {0};
    interrupt_watch();
    int code =
        cli_parse(options, option_count, argc, argv, &settings, &settings.common, &operands, usage);
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "audit %s takes options only", argv[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = with(&settings, &err);
    option_list_free(&operands);
    return code;
}

static int audit_list(int argc, char **argv)
{
    char noun[] = "audit", *words[64] = {noun};
    int count = 1;
    for (int i = 0; i < argc && count < 63; i++)
        words[count++] = argv[i];
    return cli_state(count, words);
}

static int audit_check(int argc, char **argv)
{
    return audit_run(argc, argv, "canh audit verify [--head HEX] [--public-key FILE]\n",
                     verify_options, sizeof verify_options / sizeof verify_options[0], verify_with);
}

static int audit_export(int argc, char **argv)
{
    return audit_run(argc, argv, "canh audit export [--after ID] >FILE\n", export_options,
                     sizeof export_options / sizeof export_options[0], export_with);
}

int cli_audit(int argc, char **argv)
{
    static const struct cli_command commands_of_audit[] = {
        {"list", audit_list, "the newest rows: who changed what",
         "các dòng mới nhất: ai đã thay đổi gì"},
        {"verify", audit_check, "whether rows were changed or removed",
         "kiểm tra có dòng nào bị sửa, bị xóa"},
        {"export", audit_export, "all rows in order, with their hashes, as NDJSON",
         "xuất toàn bộ theo thứ tự, kèm giá trị băm, dạng NDJSON"},
        {NULL, NULL, NULL, NULL},
    };
    return cli_dispatch(commands_of_audit, "canh audit", argc, argv);
}
