/* canh verify, canh prove: whether what is stored is what was stored, and the evidence of it. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "formats/json.h"
#include "program/cell.h"
#include "program/data.h"
#include "program/interrupt.h"
#include "program/output.h"

enum { HEAD_DIGITS = 64 };

struct verify_settings {
    struct cli_common common;
    struct data_settings data;
    const char *head;
};

struct prove_settings {
    struct cli_common common;
    struct data_settings data;
    const char *out;
};

static const struct option verify_options[] = {
    DATA_OPTIONS(verify_settings, data),
    {"head", 0, OPTION_TEXT, offsetof(struct verify_settings, head), "HEX", 0, 0,
     "the digest of a signed head that was kept elsewhere: it must be in the chain",
     "giá trị băm của một đầu chuỗi đã ký, lưu ở nơi khác: phải có trong chuỗi"},
    CLI_OPTIONS(verify_settings, common, "auto|table|ndjson"),
};

static const struct option prove_options[] = {
    DATA_OPTIONS(prove_settings, data),
    {"out", 0, OPTION_TEXT, offsetof(struct prove_settings, out), "FOLDER", 0, 0,
     "where to write the bundle (default: proof-EPOCH-SEQUENCE here)",
     "nơi ghi bộ chứng cứ (mặc định: proof-EPOCH-SỐ tại đây)"},
    CLI_OPTIONS(prove_settings, common, "auto"),
};

static const size_t verify_option_count = sizeof verify_options / sizeof verify_options[0];
static const size_t prove_option_count = sizeof prove_options / sizeof prove_options[0];

struct verifying {
    bool json;
    struct buf out;
};

static void problem(void *context, const char *text)
{
    struct verifying *v = context;
    struct json_writer w = {.out = &v->out};
    if (v->json) {
        json_open_object(&w);
        json_key(&w, "problem");
        json_string(&w, slice_from(text));
        json_close_object(&w);
    } else {
        (void)cell_terminal(slice_from(text), 0, &v->out);
    }
    buf_char(&v->out, '\n');
}

static void summary_text(const struct verify_settings *settings, const struct store_verified *r,
                         struct buf *out)
{
    bool vi = cli_vietnamese(&settings->common);
    buf_printf(out,
               vi ? "đã kiểm tra %llu sự kiện, %llu khoảng, %llu phân đoạn, %llu đầu chuỗi đã ký, "
                    "%llu dấu xóa: %llu lỗi\n"
                  : "checked %llu events, %llu intervals, %llu segments, %llu signed heads, %llu "
                    "tombstones: %llu problems\n",
               (unsigned long long)r->rows, (unsigned long long)r->intervals,
               (unsigned long long)r->segments, (unsigned long long)r->heads,
               (unsigned long long)r->tombstones, (unsigned long long)r->problems);
    if (r->unsigned_rows)
        buf_printf(out,
                   vi ? "%llu sự kiện mới nhất chưa nằm dưới đầu chuỗi đã ký\n"
                      : "the newest %llu events are not under a signed head yet\n",
                   (unsigned long long)r->unsigned_rows);
    if (r->anchored)
        buf_string(out, vi ? "có mốc đối chiếu: đầu chuỗi đã cho nằm trong chuỗi\n"
                           : "anchored: the head that was given is in the chain\n");
    else if (settings->head)
        buf_string(out, vi ? "không có mốc đối chiếu: đầu chuỗi đã cho KHÔNG có trong chuỗi\n"
                           : "unanchored: the head that was given is NOT in the chain\n");
    else
        buf_string(out, vi ? "không có mốc đối chiếu: hãy lưu một đầu chuỗi ở nơi khác và kiểm tra "
                             "bằng --head; nếu không, ai có khóa ký vẫn viết lại được cả kho\n"
                           : "unanchored: keep a head elsewhere and give it with --head; without "
                             "it, who has the signing key could have written all of this anew\n");
}

static void summary_json(const struct store_verified *r, struct buf *out)
{
    struct json_writer w = {.out = out};
    const struct {
        const char *key;
        uint64_t value;
    } figures[] = {{"events", r->rows},
                   {"intervals", r->intervals},
                   {"segments", r->segments},
                   {"heads", r->heads},
                   {"tombstones", r->tombstones},
                   {"problems", r->problems},
                   {"unsigned_events", r->unsigned_rows}};
    json_open_object(&w);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        json_key(&w, figures[i].key);
        json_u64(&w, figures[i].value);
    }
    json_key(&w, "anchored");
    json_bool(&w, r->anchored);
    json_close_object(&w);
    buf_char(out, '\n');
}

static bool wants_json(const struct cli_common *common)
{
    return !common->output || strcmp(common->output, "auto") == 0
               ? !isatty(STDOUT_FILENO)
               : strcmp(common->output, "ndjson") == 0;
}

static int head_check(const char *head, struct err *err)
{
    size_t len = head ? strlen(head) : HEAD_DIGITS;
    if (len == HEAD_DIGITS && (!head || strspn(head, "0123456789abcdefABCDEF") == len))
        return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "--head takes the %d hex digits of a DIGEST as the notary's lines have it "
                   "(docs/store-format.md)",
                   HEAD_DIGITS);
}

static int verify_with(const struct verify_settings *settings, const struct data *data,
                       struct err *err)
{
    struct verifying v = {.json = wants_json(&settings->common)};
    struct store_verified result = {0};
    int rc = store_verify(data->store, slice_from(settings->head), problem, &v, &result, err);
    if (rc == ERR_OK && v.json)
        summary_json(&result, &v.out);
    else if (rc == ERR_OK && (!settings->common.quiet || result.problems))
        summary_text(settings, &result, &v.out);
    int code = cli_write(&v.out, NULL);
    buf_free(&v.out);
    if (rc)
        return cli_fail(CLI_FAILURE, err);
    bool bad = result.problems || (settings->head && !result.anchored);
    return code == CLI_OK && bad ? CLI_PROBLEMS : code;
}

int cli_verify(int argc, char **argv)
{
    struct verify_settings settings = {0};
    struct option_list operands = {0};
    struct data data = {0};
    struct err err = {0};
    interrupt_watch();
    int code = cli_parse(verify_options, verify_option_count, argc, argv, &settings,
                         &settings.common, &operands, "canh verify --data DIR [--head HEX]\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "verify takes options only, not \"%.60s\"",
                      operands.items[0]);
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && head_check(settings.head, &err) != ERR_OK)
        code = cli_fail(CLI_USAGE, &err);
    if (code < 0 && data_open(&data, &settings.data, false, &err) != ERR_OK)
        code = cli_fail(CLI_FAILURE, &err);
    if (code < 0)
        code = verify_with(&settings, &data, &err);
    data_close(&data);
    option_list_free(&operands);
    return code;
}

static int prove_with(const struct prove_settings *settings, const struct data *data,
                      const char *id, struct err *err)
{
    struct buf folder = {0}, out = {0};
    uint64_t sequence = 0;
    int rc = data_read_id(data, id, &sequence, err);
    if (settings->out)
        buf_string(&folder, settings->out);
    else
        buf_printf(&folder, "proof-%lu-%llu", (unsigned long)store_epoch(data->store),
                   (unsigned long long)sequence);
    if (rc == ERR_OK)
        rc = store_prove(data->store, sequence, buf_text(&folder), err);
    int code = rc == ERR_OK      ? CLI_OK
               : rc == ERR_USAGE ? cli_fail(CLI_USAGE, err)
                                 : cli_fail(CLI_FAILURE, err);
    if (rc == ERR_OK && !settings->common.quiet) {
        bool vi = cli_vietnamese(&settings->common);
        buf_printf(&out,
                   vi ? "%s: bộ chứng cứ của sự kiện %s; README bên trong chỉ cách kiểm tra\n"
                      : "%s: the evidence of event %s; its README says how to check it\n",
                   buf_text(&folder), id);
        (void)fwrite(out.data, 1, out.len, stderr);
    }
    buf_free(&folder);
    buf_free(&out);
    return code;
}

int cli_prove(int argc, char **argv)
{
    struct prove_settings settings = {0};
    struct option_list operands = {0};
    struct data data = {0};
    struct err err = {0};
    int code = cli_parse(prove_options, prove_option_count, argc, argv, &settings, &settings.common,
                         &operands, "canh prove ID --data DIR [--out FOLDER]\n");
    if (code < 0 && operands.count != 1) {
        (void)err_set(&err, ERR_USAGE,
                      "name one event by its id, as `canh search` shows it: canh prove 1:4711");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0 && data_open(&data, &settings.data, false, &err) != ERR_OK)
        code = cli_fail(CLI_FAILURE, &err);
    if (code < 0)
        code = prove_with(&settings, &data, operands.items[0], &err);
    data_close(&data);
    option_list_free(&operands);
    return code;
}
