/* canh config propose: a canh.yaml for this machine: what can be read and watched here, and as
 * comments what cannot, and why. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "formats/json.h"
#include "program/cli_watch.h"
#include "program/machine.h"

enum { PATH_BYTES = 4096 };

struct propose_settings {
    struct cli_common common;
    const char *data, *logs, *journal, *drill, *rules;
};

#define AT(member) offsetof(struct propose_settings, member)
static const struct option propose_options[] = {
    {"data", 'd', OPTION_TEXT, AT(data), "DIR", 0, 0,
     "folder of all stored data (default: that of the service)",
     "thư mục dữ liệu (mặc định: của dịch vụ)"},
    {"logs", 0, OPTION_TEXT, AT(logs), "DIR", 0, 0, "folder of this machine's logs (/var/log)",
     "thư mục nhật ký của máy này (/var/log)"},
    {"journal", 0, OPTION_TEXT, AT(journal), "DIR", 0, 0,
     "folder of a systemd journal instead of the machine's own",
     "thư mục systemd journal, thay cho journal của máy"},
    {"rules", 0, OPTION_TEXT, AT(rules), "DIR", 0, 0,
     "folder of rules instead of those installed with the program",
     "thư mục quy tắc, thay cho bộ quy tắc cài kèm chương trình"},
    {"drill", 0, OPTION_TEXT, AT(drill), "DIR", 0, 0,
     "folder whose files are replayed as an exercise (source drill)",
     "thư mục có các tệp được phát lại để diễn tập (nguồn drill)"},
    CLI_OPTIONS(propose_settings, common, "auto"),
};

struct proposal {
    const struct propose_settings *settings;
    bool vi;
    struct machine_look look;
    struct buf out;
};

static void comment_put(struct proposal *p, const char *indent, const char *english,
                        const char *vietnamese)
{
    buf_printf(&p->out, "%s# %s\n", indent, p->vi ? vietnamese : english);
}

/* JSON's quoted text is YAML's, too. */
static void text_put(struct proposal *p, struct slice text)
{
    struct json_writer w = {.out = &p->out};
    json_string(&w, text);
}

/* A path from the root; the command is given paths from where it is called. */
static int path_whole(const char *path, struct buf *out, struct err *err)
{
    char here[PATH_BYTES] = "";
    if (path[0] != '/' && !getcwd(here, sizeof(here)))
        return err_set_errno(err, errno, "cannot tell which folder this is");
    buf_printf(out, "%s%s%s", here, here[0] ? "/" : "", path);
    while (out->len > 1 && out->data[out->len - 1] == '/')
        out->len--;
    return ERR_OK;
}

static int path_put(struct proposal *p, const char *path, const char *behind, struct err *err)
{
    struct buf whole = {0};
    int rc = path_whole(path, &whole, err);
    buf_string(&whole, behind);
    if (rc == ERR_OK)
        text_put(p, buf_as_slice(&whole));
    buf_free(&whole);
    return rc;
}

/* ---- what is read here ---- */

static void journal_put(struct proposal *p)
{
    if (p->look.journal == MACHINE_READABLE) {
        buf_string(&p->out, "  - name: journal\n    journal: ");
        text_put(p, p->settings->journal ? slice_from(p->settings->journal) : SLICE("local"));
        buf_char(&p->out, '\n');
        return;
    }
    const struct slice why = p->vi ? p->look.journal_vi : p->look.journal_en;
    buf_printf(&p->out, "  # journal: %.*s\n", (int)why.len, why.data);
}

static void source_put(struct proposal *p, uint32_t first)
{
    const struct machine_log *logs = p->look.logs;
    const char *comma = "";
    buf_printf(&p->out, "  - name: %s\n    follow: [", logs[first].source);
    for (uint32_t i = first; i < p->look.log_count; i++) {
        if (logs[i].state != MACHINE_READABLE || strcmp(logs[i].source, logs[first].source) != 0)
            continue;
        buf_string(&p->out, comma);
        text_put(p, logs[i].path);
        comma = ", ";
    }
    buf_string(&p->out, "]\n");
}

static void logs_put(struct proposal *p)
{
    const struct machine_log *logs = p->look.logs;
    for (uint32_t i = 0; i < p->look.log_count; i++) {
        bool told = false;
        for (uint32_t k = 0; k < i; k++)
            told |=
                logs[k].state == MACHINE_READABLE && strcmp(logs[k].source, logs[i].source) == 0;
        if (logs[i].state == MACHINE_READABLE && !told)
            source_put(p, i);
    }
    for (uint32_t i = 0; i < p->look.log_count; i++) {
        if (logs[i].state == MACHINE_READABLE)
            continue;
        buf_printf(&p->out, "  # %.*s: ", (int)logs[i].path.len, logs[i].path.data);
        machine_log_why(&logs[i], p->vi, &p->out);
        buf_char(&p->out, '\n');
    }
}

static int sources_put(struct proposal *p, struct err *err)
{
    int rc = ERR_OK;
    buf_string(&p->out, "\nsources:\n");
    journal_put(p);
    logs_put(p);
    comment_put(p, "  ", "what other machines send to the listeners below",
                "những gì máy khác gửi tới các cổng nghe bên dưới");
    buf_string(&p->out, "  - name: syslog-in\n  - name: http-in\n");
    if (p->settings->drill) {
        comment_put(p, "  ", "an exercise: what comes of it is marked as one and alerts nobody",
                    "diễn tập: mọi kết quả đều được đánh dấu và không cảnh báo ai");
        buf_string(&p->out, "  - name: drill\n    drill: true\n    silence: false\n    follow: [");
        rc = path_put(p, p->settings->drill, "/*", err);
        buf_string(&p->out, "]\n");
    }
    return rc;
}

/* ---- ports ---- */

const struct cli_port cli_ports[] = {
    {"syslog-udp", "syslog-udp", "syslog-in", CLI_PORT_SYSLOG},
    {"syslog-tcp", "syslog-tcp", "syslog-in", CLI_PORT_SYSLOG},
    {"http", "http", "http-in", CLI_PORT_HTTP},
};
const size_t cli_port_count = sizeof(cli_ports) / sizeof(cli_ports[0]);

static int port_find(struct proposal *p, uint16_t usual, bool datagrams, uint16_t *out,
                     struct err *err)
{
    *out = machine_port_free(usual, datagrams);
    if (*out == 0)
        return err_set(err, ERR_BUSY,
                       "all ports from %u to %u are taken: end what listens there (ss -lntup shows "
                       "it)",
                       (unsigned)usual, (unsigned)usual + MACHINE_PORTS_TRIED - 1);
    if (*out != usual)
        buf_printf(&p->out,
                   p->vi ? "  # cổng %u đang bận: dùng cổng kế tiếp còn trống\n"
                         : "  # port %u is busy: this is the next free one\n",
                   (unsigned)usual);
    return ERR_OK;
}

static int web_put(struct proposal *p, struct err *err)
{
    uint16_t port;
    buf_string(&p->out, "\nweb:\n");
    int rc = port_find(p, CLI_PORT_WEB, false, &port, err);
    if (rc == ERR_OK)
        buf_printf(&p->out, "  listen: 127.0.0.1:%u\n", (unsigned)port);
    return rc;
}

static int listeners_put(struct proposal *p, struct err *err)
{
    uint16_t port = 0, usual = 0;
    buf_string(&p->out, "\nlisteners:\n");
    comment_put(
        p, "  ",
        "on loopback only. For other machines: their address, tls: true or a list `allow`, "
        "and tokens (docs/intake.md)",
        "chỉ trên máy này. Với máy khác: đổi địa chỉ, đặt tls: true hoặc danh sách `allow`, "
        "và dùng mã truy cập (docs/intake.md)");
    for (size_t i = 0; i < cli_port_count; i++) {
        const struct cli_port *row = &cli_ports[i];
        int rc = ERR_OK;
        if (row->usual != usual)
            rc = port_find(p, row->usual, row->usual == CLI_PORT_SYSLOG, &port, err);
        if (rc != ERR_OK)
            return rc;
        usual = row->usual;
        buf_printf(&p->out,
                   "  - name: %s\n    kind: %s\n    listen: 127.0.0.1:%u\n    source: %s\n",
                   row->name, row->kind, (unsigned)port, row->source);
        if (strcmp(row->kind, "http") != 0)
            continue;
        comment_put(p, "    ",
                    "programs of this machine may send without one, so that it can be "
                    "tried at once",
                    "chương trình trên máy này gửi được mà không cần mã, để thử được ngay");
        buf_string(&p->out, "    token: false\n");
    }
    return ERR_OK;
}

/* ---- the whole ---- */

static int head_put(struct proposal *p, struct err *err)
{
    int rc = ERR_OK;
    comment_put(p, "",
                "canh.yaml for this machine, made by `canh config propose`: yours to change "
                "(docs/config.md)",
                "canh.yaml cho máy này, do `canh config propose` tạo: bạn có thể tự sửa "
                "(docs/config.md)");
    if (p->settings->data) {
        buf_string(&p->out, "store:\n  data: ");
        rc = path_put(p, p->settings->data, "", err);
        buf_char(&p->out, '\n');
    }
    if (p->settings->data && geteuid() == 0) {
        comment_put(p, "",
                    "for trying only: as a service (make install) each role has a user of its own",
                    "chỉ để dùng thử: khi cài thành dịch vụ (make install), mỗi vai trò có người "
                    "dùng riêng");
        buf_string(&p->out, "serve:\n  user: root\n  one_user: true\n");
    }
    return rc;
}

static int rules_put(struct proposal *p, struct err *err)
{
    if (!p->settings->rules)
        return ERR_OK;
    buf_string(&p->out, "\nrules:\n  paths: [");
    int rc = path_put(p, p->settings->rules, "", err);
    buf_string(&p->out, "]\n");
    return rc;
}

static int propose_with(const struct propose_settings *settings, struct err *err)
{
    struct proposal p = {.settings = settings, .vi = cli_vietnamese(&settings->common)};
    machine_look_open(&p.look, settings->logs, settings->journal);
    int rc = head_put(&p, err);
    if (rc == ERR_OK)
        rc = rules_put(&p, err);
    if (rc == ERR_OK)
        rc = web_put(&p, err);
    if (rc == ERR_OK)
        rc = sources_put(&p, err);
    if (rc == ERR_OK)
        rc = listeners_put(&p, err);
    int code = rc == ERR_OK ? cli_write(&p.out, NULL) : cli_fail(CLI_FAILURE, err);
    machine_look_close(&p.look);
    buf_free(&p.out);
    return code;
}

int cli_config_propose(int argc, char **argv)
{
    struct propose_settings settings = {0};
    struct option_list operands = {0};
    struct err err = {0};
    int code =
        cli_parse(propose_options, sizeof propose_options / sizeof propose_options[0], argc, argv,
                  &settings, &settings.common, &operands, "canh config propose [options]\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE,
                      "propose takes options only: it writes to the standard "
                      "output, as in `canh config propose > canh.yaml`");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = propose_with(&settings, &err);
    option_list_free(&operands);
    return code;
}
