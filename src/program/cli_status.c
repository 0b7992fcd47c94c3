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
    struct clock_zone *zone;     /* the agency's; NULL: UTC */
    struct buf out;
    uint32_t files; /* of the source that is shown */
};

enum { FILES_SHOWN = 10 };

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

/* A time as JSON has it, in the agency's zone, to the second. */
static void time_put(struct status *s, struct slice value)
{
    struct clock_date d;
    int64_t time_ns = clock_parse(value, NULL, CLOCK_NONE);
    if (time_ns == CLOCK_NONE) {
        raw_put(s, value);
        return;
    }
    int offset = clock_zone_offset(s->zone, time_ns),
        minutes = (offset < 0 ? -offset : offset) / 60;
    clock_to_date(time_ns, offset, &d);
    buf_printf(&s->out, "%04d-%02d-%02d %02d:%02d:%02d %c%02d:%02d", d.year, d.month, d.day, d.hour,
               d.minute, d.second, offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

struct figure_row {
    const char *member, *title_en, *title_vi;
};

static bool is_time(const char *member)
{
    return strcmp(member, "started") == 0 || strcmp(member, "until") == 0;
}

/* The elements of an array of objects. */
static void each(struct status *s, struct slice array,
                 void (*put)(struct status *s, struct slice object))
{
    struct json_reader r;
    json_reader_open(&r, array);
    if (array.len == 0 || json_next(&r) != JSON_ARRAY_OPEN)
        return;
    while (json_next(&r) == JSON_OBJECT_OPEN) {
        size_t start = r.at - 1;
        if (json_skip(&r) == JSON_ERROR)
            return;
        put(s, slice_part(array, start, r.at - start));
    }
}

static struct slice member_of(struct slice object, const char *member)
{
    struct slice value = {0};
    return client_answer_raw(object, member, &value) ? value : (struct slice){0};
}

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
        if (is_time(rows[i].member))
            time_put(s, value);
        else
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

static void reason_put(struct status *s, struct slice reason)
{
    buf_string(&s->out, "  - ");
    raw_put(s, member_of(reason, s->vi ? "vi" : "en"));
    buf_char(&s->out, '\n');
}

static void overall_put(struct status *s)
{
    struct slice state = raw(s, "overall", "state");
    if (slice_equal(state, SLICE("watching")))
        buf_string(&s->out, s->vi ? "ĐANG CANH: mọi thứ đã khai báo đều được giám sát\n"
                                  : "ALL WATCHED: everything that is set up is being watched\n");
    else if (slice_equal(state, SLICE("unseen")))
        buf_string(&s->out, s->vi ? "ĐANG CANH, nhưng có nguồn chưa thấy sự kiện nào\n"
                                  : "WATCHING, but not every source was ever heard\n");
    else if (slice_equal(state, SLICE("partial")))
        buf_string(&s->out, s->vi ? "CANH MỘT PHẦN: có việc cần xử lý\n"
                                  : "PARTLY WATCHED: something needs your care\n");
    else
        buf_string(&s->out, s->vi ? "CHƯA RÕ: không thể nói là an toàn\n"
                                  : "UNKNOWN: nobody can say that all is well\n");
    each(s, raw(s, "overall", "reasons"), reason_put);
}

/* Roles that are not there: on purpose, or since nothing is set up for them. */
static void role_absent_put(struct status *s, struct slice role)
{
    bool on_demand = slice_equal(member_of(role, "on_demand"), SLICE("true"));
    struct slice name = member_of(role, "role");
    buf_printf(&s->out, "  %-9.*s %s", (int)name.len, name.data,
               on_demand ? (s->vi ? "khi cần" : "on demand")
                         : (s->vi ? "không dùng" : "not set up"));
}

static void role_put(struct status *s, struct slice role)
{
    struct slice name = member_of(role, "role"), state = member_of(role, "state");
    struct slice restarts = member_of(role, "restarts"), why = member_of(role, "why");
    if (slice_equal(state, SLICE("absent"))) {
        role_absent_put(s, role);
    } else {
        buf_printf(&s->out, "  %-9.*s %-9.*s ", (int)name.len, name.data, (int)state.len,
                   state.data);
        raw_put(s, member_of(role, "sandbox"));
    }
    if (restarts.len && !slice_equal(restarts, SLICE("0")))
        buf_printf(&s->out, s->vi ? "; khởi động lại %.*s lần" : "; restarted %.*s times",
                   (int)restarts.len, restarts.data);
    if (why.len) {
        buf_string(&s->out, ": ");
        raw_put(s, why);
    }
    buf_char(&s->out, '\n');
}

static void roles_put(struct status *s)
{
    struct slice roles = raw(s, NULL, "roles");
    if (roles.len == 0)
        return;
    buf_string(&s->out, s->vi ? "Vai trò:\n" : "Roles:\n");
    each(s, roles, role_put);
}

static void settings_put(struct status *s)
{
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

/* What came of a source, a listener, a file. */
static void seen_put(struct status *s, struct slice object)
{
    struct slice newest = member_of(object, "newest"), stored = member_of(object, "stored");
    struct slice since = member_of(object, "stored_since_start");
    if (newest.len == 0 || slice_equal(newest, SLICE("null"))) {
        buf_string(&s->out, s->vi ? "chưa thấy sự kiện nào\n" : "not yet seen\n");
        return;
    }
    buf_printf(&s->out,
               s->vi ? "đã lưu %.*s (%.*s từ khi khởi động), mới nhất "
                     : "stored %.*s (%.*s since the start), newest ",
               (int)stored.len, stored.data, (int)since.len, since.data);
    time_put(s, newest);
    buf_char(&s->out, '\n');
}

static void listener_put(struct status *s, struct slice listener)
{
    buf_string(&s->out, s->vi ? "    nghe " : "    listens ");
    raw_put(s, member_of(listener, "name"));
    buf_char(&s->out, ' ');
    raw_put(s, member_of(listener, "listen"));
    buf_string(&s->out, ": ");
    seen_put(s, listener);
}

static void file_put(struct status *s, struct slice file)
{
    if (s->files++ >= FILES_SHOWN)
        return;
    buf_string(&s->out, s->vi ? "    theo dõi " : "    follows ");
    raw_put(s, member_of(file, "path"));
    buf_string(&s->out, ": ");
    seen_put(s, file);
}

static void not_read_put(struct status *s, struct slice object)
{
    buf_string(&s->out, s->vi ? "    KHÔNG đọc được " : "    NOT read: ");
    raw_put(s, member_of(object, "what"));
    buf_string(&s->out, ": ");
    raw_put(s, member_of(object, "why"));
    buf_char(&s->out, '\n');
}

static void source_put(struct status *s, struct slice source)
{
    bool live = slice_equal(member_of(source, "live"), SLICE("true"));
    struct slice name = member_of(source, "name");
    if (!live) {
        buf_printf(&s->out,
                   s->vi
                       ? "  KHÔNG trực tiếp %.*s: chưa có tệp để theo dõi, chưa có cổng nghe; chỉ "
                         "có khi `canh import`\n"
                       : "  NOT live: %.*s has no file to follow and no listener; only `canh "
                         "import` brings its events\n",
                   (int)name.len, name.data);
        return;
    }
    buf_printf(&s->out, "  %.*s: ", (int)name.len, name.data);
    seen_put(s, source);
    each(s, member_of(source, "listeners"), listener_put);
    s->files = 0;
    each(s, member_of(source, "files"), file_put);
    if (s->files > FILES_SHOWN)
        buf_printf(&s->out,
                   s->vi ? "    và %u tệp nữa (`canh status -o ndjson`)\n"
                         : "    and %u files more (`canh status -o ndjson`)\n",
                   s->files - FILES_SHOWN);
    each(s, member_of(source, "not_read"), not_read_put);
}

/* What comes in at all: as the node says; when none runs, by the settings. */
static void sources_put(struct status *s)
{
    struct slice sources = raw(s, NULL, "sources");
    if (sources.len) {
        buf_string(&s->out, s->vi ? "Nguồn nhật ký:\n" : "Sources:\n");
        if (slice_equal(sources, SLICE("[]")))
            buf_string(&s->out, s->vi ? "  chưa có nguồn nào: chưa giám sát gì\n"
                                      : "  none: nothing is watched yet\n");
        each(s, sources, source_put);
        return;
    }
    if (s->config)
        settings_put(s);
}

/* Where findings and events go on to. */
static void output_put(struct status *s, struct slice output)
{
    struct slice refused = member_of(output, "refused"), error = member_of(output, "error");
    struct slice behind = member_of(output, "behind_seconds");
    bool fails = !slice_equal(member_of(output, "failing_since"), SLICE("null"));
    buf_string(&s->out, "  ");
    raw_put(s, member_of(output, "name"));
    buf_char(&s->out, ' ');
    raw_put(s, member_of(output, "to"));
    buf_string(&s->out, s->vi ? ": đã gửi " : ": sent ");
    raw_put(s, member_of(output, "sent"));
    if (!slice_equal(refused, SLICE("0"))) {
        buf_string(&s->out, s->vi ? ", bị từ chối " : ", refused ");
        raw_put(s, refused);
        buf_string(&s->out, " (");
        raw_put(s, member_of(output, "refused_why"));
        buf_char(&s->out, ')');
    }
    if (!slice_equal(behind, SLICE("0")))
        buf_printf(&s->out, s->vi ? ", chậm %.*s giây" : ", behind by %.*s s", (int)behind.len,
                   behind.data);
    if (fails) {
        buf_string(&s->out, s->vi ? "; KHÔNG gửi được: " : "; NOT sent: ");
        raw_put(s, error);
    }
    buf_char(&s->out, '\n');
}

static void outputs_put(struct status *s)
{
    struct slice outputs = raw(s, NULL, "outputs");
    if (outputs.len == 0 || slice_equal(outputs, SLICE("[]")))
        return;
    buf_string(&s->out, s->vi ? "Chuyển tiếp:\n" : "Outputs:\n");
    each(s, outputs, output_put);
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
    static const struct figure_row store[] = {{"received", "received", "đã nhận"},
                                              {"stored", "stored", "đã lưu"},
                                              {"refused", "refused", "bị từ chối"},
                                              {"findings", "findings", "kết quả phát hiện"},
                                              {"queued", "waiting", "đang chờ"},
                                              {"rules", "rules", "quy tắc"},
                                              {"rows", "rows in the store", "dòng trong kho"}};
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
    outputs_put(s);
    figures_put(s, s->vi ? "Sự kiện từ khi chạy" : "Events since the start", store_object, store,
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

/* NULL: UTC, also when this machine does not know the zone. */
static struct clock_zone *zone_open(const struct status *s)
{
    struct clock_zone *zone = NULL;
    struct slice name = raw(s, NULL, "timezone");
    if (name.len == 0 || clock_zone_open(&zone, name, NULL) != ERR_OK)
        return NULL;
    return zone;
}

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
    s.zone = zone_open(&s);
    if (output.kind == OUTPUT_NDJSON) {
        buf_slice(&s.out, slice_trim(s.json));
        buf_char(&s.out, '\n');
    } else {
        screen_put(&s);
    }
    int code = cli_write(&s.out, NULL);
    if (code == CLI_OK && !all_is_well(&s))
        code = CLI_PROBLEMS;
    clock_zone_close(&s.zone);
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
