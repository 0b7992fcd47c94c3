/* canh doctor: what the node needs of its machine, with what mends it. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_node.h"
#include "program/doctor.h"
#include "program/output.h"

enum { TEXT_BYTES = 1024 };

struct doctor_settings {
    struct cli_common common;
    struct data_settings data;
};

static const struct option doctor_options[] = {
    DATA_OPTIONS(doctor_settings, data),
    CLI_OPTIONS(doctor_settings, common, "auto|table|ndjson"),
};

static void line_put(struct doctor *d, enum doctor_grade grade, const char *subject,
                     const char *text)
{
    static const char *const words[] = {"ok", "warning", "bad"};
    static const char *const signs[][2] = {
        {"  ok     ", "  tốt    "}, {"  WARN   ", "  chú ý  "}, {"  BAD    ", "  LỖI    "}};
    d->counts[grade]++;
    if (d->json) {
        struct json_writer w = {.out = &d->out};
        json_open_object(&w);
        json_key(&w, "check");
        json_string(&w, slice_from(subject));
        json_key(&w, "grade");
        json_string(&w, slice_from(words[grade]));
        json_key(&w, "text");
        json_string(&w, slice_from(text));
        json_close_object(&w);
    } else {
        buf_printf(&d->out, "%s%-12s ", signs[grade][d->vietnamese], subject);
        (void)cell_terminal(slice_from(text), 0, &d->out);
    }
    buf_char(&d->out, '\n');
}

void doctor_say(struct doctor *d, enum doctor_grade grade, const char *subject, const char *english,
                const char *vietnamese, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, vietnamese);
    if (d->vietnamese)
        (void)vsnprintf(text, sizeof text, vietnamese, arguments);
    else
        (void)vsnprintf(text, sizeof text, english, arguments);
    va_end(arguments);
    line_put(d, grade, subject, text);
}

void doctor_err(struct doctor *d, const char *subject, const struct err *err)
{
    line_put(d, DOCTOR_BAD, subject, err->text);
}

static void all_look(struct doctor *d)
{
    static void (*const checks[])(struct doctor *) = {
        doctor_clock, doctor_disk,         doctor_folders, doctor_users,
        doctor_ports, doctor_certificates, doctor_sandbox, doctor_limits};
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        checks[i](d);
    if (d->has_daemon)
        doctor_say(d, DOCTOR_GOOD, "node", "runs: `canh status` says how it is",
                   "đang chạy: `canh status` cho biết tình trạng");
    else
        doctor_say(d, DOCTOR_WARNING, "node", "does not run on %s: `canh serve` starts it",
                   "không chạy trên %s: khởi động bằng `canh serve`", d->data);
}

static int doctor_with(const struct doctor_settings *settings, struct err *err)
{
    struct server_settings here = {0};
    struct output_options output = {0};
    struct client *client = NULL;
    struct doctor d = {.vietnamese = cli_vietnamese(&settings->common)};
    int rc = output_options_set(&output, settings->common.output, STDOUT_FILENO, err);
    if (rc == ERR_OK)
        rc = cli_node_open(&client, &settings->data, &here, &settings->common, err);
    if (rc)
        return cli_fail(cli_node_exit(rc, false), err);
    d.config = client_config(client);
    d.data = client_data(client);
    d.settings = settings->data.config ? settings->data.config : getenv("CANH_CONFIG");
    d.has_daemon = client_has_daemon(client);
    d.json = output.kind == OUTPUT_NDJSON;
    all_look(&d);
    if (!d.json)
        buf_printf(&d.out,
                   d.vietnamese ? "%llu tốt, %llu chú ý, %llu lỗi\n"
                                : "%llu ok, %llu warnings, %llu bad\n",
                   (unsigned long long)d.counts[DOCTOR_GOOD],
                   (unsigned long long)d.counts[DOCTOR_WARNING],
                   (unsigned long long)d.counts[DOCTOR_BAD]);
    int code = cli_write(&d.out, NULL);
    client_close(&client);
    buf_free(&d.out);
    return code == CLI_OK && d.counts[DOCTOR_BAD] ? CLI_PROBLEMS : code;
}

int cli_doctor(int argc, char **argv)
{
    struct doctor_settings settings = {0};
    struct option_list operands = {0};
    struct err err = {0};
    int code =
        cli_parse(doctor_options, sizeof doctor_options / sizeof doctor_options[0], argc, argv,
                  &settings, &settings.common, &operands, "canh doctor [--data DIR]\n");
    if (code < 0 && operands.count) {
        (void)err_set(&err, ERR_USAGE, "doctor takes options only");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0)
        code = doctor_with(&settings, &err);
    option_list_free(&operands);
    return code;
}
