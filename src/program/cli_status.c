/* canh status: one screen: is all watched, and if not, what is not and why. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_node.h"
#include "program/client_inside.h"
#include "program/output.h"

struct status_settings {
    struct cli_common common;
    struct data_settings data;
    struct server_settings server;
};

static const struct option status_options[] = {
    DATA_OPTIONS(status_settings, data),
    SERVER_OPTIONS(status_settings, server),
    CLI_OPTIONS(status_settings, common, "auto|table|ndjson"),
};

struct status {
    struct slice json;
    bool vi;
    const struct config *config; /* NULL: a server's */
    struct buf out;
};

/* A member of a member: `inside` NULL is the whole. */
static struct slice raw(const struct status *s, const char *inside, const char *member)
{
    struct slice object = s->json, value = {0};
    if (inside && !client_answer_raw(s->json, inside, &object))
        return (struct slice){0};
    return client_answer_raw(object, member, &value) ? value : (struct slice){0};
}

static void raw_put(struct status *s, struct slice value)
{
    const char *unknown = s->vi ? "chưa rõ" : "unknown";
    struct buf text = {0};
    if (value.len == 0 || slice_equal(value, SLICE("null"))) {
        buf_string(&s->out, unknown);
        return;
    }
    buf_reserve(&text, value.len + 1);
    text.len = json_unescape(text.data, value);
    (void)cell_terminal(buf_as_slice(&text), 0, &s->out);
    buf_free(&text);
}

struct figure_row {
    const char *member, *title_en, *title_vi;
};

/* `title: a 1, b 2` of an object's members; those that are not there are left out. */
static void figures_put(struct status *s, const char *title, const char *inside,
                        const struct figure_row *rows, size_t count)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        struct slice value = raw(s, inside, rows[i].member);
        if (value.len == 0)
            continue;
        if (first)
            buf_printf(&s->out, "%s: ", title);
        buf_printf(&s->out, "%s%s ", first ? "" : ", ",
                   s->vi ? rows[i].title_vi : rows[i].title_en);
        raw_put(s, value);
        first = false;
    }
    if (!first)
        buf_char(&s->out, '\n');
}

static bool all_is_well(const struct status *s)
{
    return slice_equal(raw(s, "overall", "state"), SLICE("watching"));
}

static void overall_put(struct status *s)
{
    struct slice state = raw(s, "overall", "state"), reasons = raw(s, "overall", "reasons");
    struct json_reader r;
    if (slice_equal(state, SLICE("watching")))
        buf_string(&s->out, s->vi ? "ĐANG CANH: mọi thứ đã khai báo đều được giám sát\n"
                                  : "ALL WATCHED: everything that is set up is being watched\n");
    else if (slice_equal(state, SLICE("partial")))
        buf_string(&s->out, s->vi ? "CANH MỘT PHẦN: có việc cần xử lý\n"
                                  : "PARTLY WATCHED: something needs your care\n");
    else
        buf_string(&s->out, s->vi ? "CHƯA RÕ: không thể nói là an toàn\n"
                                  : "UNKNOWN: nobody can say that all is well\n");
    json_reader_open(&r, reasons);
    if (reasons.len == 0 || json_next(&r) != JSON_ARRAY_OPEN)
        return;
    while (json_next(&r) == JSON_OBJECT_OPEN) {
        size_t start = r.at - 1;
        struct slice text = {0};
        if (json_skip(&r) == JSON_ERROR)
            break;
        (void)client_answer_raw(slice_part(reasons, start, r.at - start), s->vi ? "vi" : "en",
                                &text);
        buf_string(&s->out, "  - ");
        raw_put(s, text);
        buf_char(&s->out, '\n');
    }
}

static void role_put(struct status *s, struct slice role)
{
    static const char *const members[] = {"role", "state", "sandbox", "restarts", "why"};
    struct slice values[5] = {{0}, {0}, {0}, {0}, {0}};
    for (size_t i = 0; i < 5; i++)
        (void)client_answer_raw(role, members[i], &values[i]);
    buf_printf(&s->out, "  %-9.*s %-9.*s ", (int)values[0].len, values[0].data, (int)values[1].len,
               values[1].data);
    raw_put(s, values[2]);
    if (values[3].len && !slice_equal(values[3], SLICE("0")))
        buf_printf(&s->out, s->vi ? "; khởi động lại %.*s lần" : "; restarted %.*s times",
                   (int)values[3].len, values[3].data);
    if (values[4].len) {
        buf_string(&s->out, ": ");
        raw_put(s, values[4]);
    }
    buf_char(&s->out, '\n');
}

static void roles_put(struct status *s)
{
    struct slice roles = raw(s, NULL, "roles");
    struct json_reader r;
    json_reader_open(&r, roles);
    if (roles.len == 0 || json_next(&r) != JSON_ARRAY_OPEN)
        return;
    buf_string(&s->out, s->vi ? "Vai trò:\n" : "Roles:\n");
    while (json_next(&r) == JSON_OBJECT_OPEN) {
        size_t start = r.at - 1;
        if (json_skip(&r) == JSON_ERROR)
            break;
        role_put(s, slice_part(roles, start, r.at - start));
    }
}

/* By the settings: what comes in at all. */
static void sources_put(struct status *s)
{
    if (!s->config)
        return;
    const struct config_listener *listeners = s->config->listeners.items;
    const struct config_source *sources = s->config->sources.items;
    buf_string(&s->out, s->vi ? "Nguồn nhật ký (theo canh.yaml):\n" : "Sources (by canh.yaml):\n");
    for (uint32_t i = 0; i < s->config->listeners.count; i++)
        buf_printf(&s->out, s->vi ? "  nghe    %.*s: %.*s\n" : "  listens %.*s: %.*s\n",
                   (int)listeners[i].row.name.len, listeners[i].row.name.data,
                   (int)listeners[i].listen.len, listeners[i].listen.data);
    for (uint32_t i = 0; i < s->config->sources.count; i++) {
        const struct config_source *source = &sources[i];
        bool heard = source->follow.count > 0;
        for (uint32_t k = 0; k < s->config->listeners.count; k++)
            heard |= slice_equal(listeners[k].source, source->row.name);
        if (source->follow.count)
            buf_printf(&s->out, s->vi ? "  theo dõi %.*s: %.*s%s\n" : "  follows %.*s: %.*s%s\n",
                       (int)source->row.name.len, source->row.name.data,
                       (int)source->follow.items[0].len, source->follow.items[0].data,
                       source->follow.count > 1 ? " ..." : "");
        else if (!heard)
            buf_printf(&s->out,
                       s->vi ? "  KHÔNG trực tiếp %.*s: chưa có tệp để theo dõi, chưa có cổng "
                               "nghe; chỉ có khi `canh import`\n"
                             : "  NOT live: %.*s has no file to follow and no listener; only `canh "
                               "import` brings its events\n",
                       (int)source->row.name.len, source->row.name.data);
    }
    if (s->config->listeners.count == 0 && s->config->sources.count == 0)
        buf_string(&s->out, s->vi ? "  chưa có nguồn nào: chưa giám sát gì\n"
                                  : "  none: nothing is watched yet\n");
}

static void gigabytes_put(struct status *s, const char *title, struct slice bytes)
{
    uint64_t number = 0;
    buf_printf(&s->out, "%s: ", title);
    if (slice_to_u64(bytes, &number))
        buf_printf(&s->out, "%.1f GB\n", (double)number / 1e9);
    else
        buf_string(&s->out, s->vi ? "chưa rõ\n" : "unknown\n");
}

static void screen_put(struct status *s)
{
    static const struct figure_row node[] = {{"version", "version", "phiên bản"},
                                             {"node", "node", "nút"},
                                             {"epoch", "epoch", "kỷ nguyên"},
                                             {"started", "since", "chạy từ"}};
    static const struct figure_row store[] = {
        {"rows", "stored", "đã lưu"},         {"received", "received", "đã nhận"},
        {"refused", "refused", "bị từ chối"}, {"findings", "findings", "kết quả phát hiện"},
        {"queued", "waiting", "đang chờ"},    {"rules", "rules", "quy tắc"}};
    static const struct figure_row state[] = {
        {"units", "units", "đơn vị"},      {"systems", "systems", "hệ thống"},
        {"hosts", "hosts", "máy"},         {"users", "users", "người dùng"},
        {"sessions", "sessions", "phiên"}, {"audit_rows", "audit rows", "dòng kiểm toán"}};
    static const struct figure_row outbox[] = {{"waiting", "waiting", "đang chờ"},
                                               {"delivered", "delivered", "đã gửi"},
                                               {"given_up", "given up", "bỏ"}};
    static const struct figure_row certificate[] = {{"until", "good until", "hiệu lực đến"}};
    const char *store_object = raw(s, NULL, "store").len ? "store" : NULL;
    overall_put(s);
    figures_put(s, "Canh", NULL, node, sizeof node / sizeof node[0]);
    sources_put(s);
    roles_put(s);
    figures_put(s, s->vi ? "Sự kiện" : "Events", store_object, store,
                sizeof store / sizeof store[0]);
    figures_put(s, s->vi ? "Sổ đăng ký" : "Register", "state", state,
                sizeof state / sizeof state[0]);
    figures_put(s, s->vi ? "Hộp gửi" : "Outbox", "outbox", outbox,
                sizeof outbox / sizeof outbox[0]);
    figures_put(s, s->vi ? "Chứng thư web" : "Web certificate", "certificate", certificate, 1);
    if (raw(s, NULL, "disk").len)
        gigabytes_put(s, s->vi ? "Đĩa còn trống" : "Disk free", raw(s, "disk", "free_bytes"));
}

static const char down_json[] =
    "{\"overall\":{\"state\":\"unknown\",\"reasons\":[{\"code\":\"down\",\"en\":\"the node does "
    "not "
    "run: start it with `canh serve` (systemctl start canh)\",\"vi\":\"nút canh không chạy: khởi "
    "động bằng `canh serve` (systemctl start canh)\"}]}}";

static int status_with(const struct status_settings *settings, struct err *err)
{
    struct output_options output = {0};
    struct client *client = NULL;
    struct status s = {.vi = cli_vietnamese(&settings->common)};
    struct buf json = {0};
    int rc = output_options_set(&output, settings->common.output, STDOUT_FILENO, err);
    if (rc == ERR_OK)
        rc = cli_node_open(&client, &settings->data, &settings->server, &settings->common, err);
    bool runs = rc == ERR_OK && client_has_daemon(client);
    if (runs)
        rc = client_status(client, &json, err);
    else if (rc == ERR_OK)
        buf_string(&json, down_json);
    if (rc) {
        client_close(&client);
        buf_free(&json);
        return cli_fail(CLI_FAILURE, err);
    }
    s.json = buf_as_slice(&json);
    s.config = client_config(client);
    if (output.kind == OUTPUT_NDJSON) {
        buf_slice(&s.out, slice_trim(s.json));
        buf_char(&s.out, '\n');
    } else {
        screen_put(&s);
    }
    int code = cli_write(&s.out, NULL);
    if (code == CLI_OK && !all_is_well(&s))
        code = CLI_PROBLEMS;
    client_close(&client);
    buf_free(&s.out);
    buf_free(&json);
    return code;
}

int cli_status(int argc, char **argv)
{
    struct status_settings settings = {0};
    struct option_list operands = {0};
    struct err err = {0};
    int code = cli_parse(status_options, sizeof status_options / sizeof status_options[0], argc,
                         argv, &settings, &settings.common, &operands, "canh status [options]\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "status takes options only");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = status_with(&settings, &err);
    option_list_free(&operands);
    return code;
}
